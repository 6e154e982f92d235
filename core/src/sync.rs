//! The critical section, and where loom stands in for it: the models of `tests/loom` run the real code over this file.

#[cfg(not(tidegate_loom))]
mod real {
    /// Runs `f` while no other thread or interrupt is inside.
    #[inline(always)]
    pub(crate) fn with<R>(f: impl FnOnce() -> R) -> R {
        critical_section::with(|_| f())
    }

    /// These bytes are about to be looked at or written.
    #[inline(always)]
    pub(crate) fn touched(first: *mut u8, _len: usize) -> *mut u8 {
        first
    }
}

#[cfg(tidegate_loom)]
mod modelled {
    use core::cell::{Cell, RefCell};
    use core::marker::PhantomData;

    use heapless::LinearMap;
    use loom::cell::UnsafeCell;
    use loom::lazy_static::Lazy;
    use loom::sync::Mutex;
    use loom::thread::ThreadId;

    /// More bytes than the streams of one model have.
    const MOST: usize = 512;

    static SECTION: Lazy<Mutex<()>> = Lazy {
        init: || Mutex::new(()),
        _p: PhantomData,
    };

    /// For each byte that was touched, by its address, what loom knows of who did.
    static TOUCHED: Lazy<RefCell<LinearMap<usize, UnsafeCell<()>, MOST>>> = Lazy {
        init: || RefCell::new(LinearMap::new()),
        _p: PhantomData,
    };

    /// Who is inside, and may come in again.
    static INSIDE: Lazy<Cell<Option<ThreadId>>> = Lazy {
        init: || Cell::new(None),
        _p: PhantomData,
    };

    pub(crate) fn with<R>(f: impl FnOnce() -> R) -> R {
        let this = Some(loom::thread::current().id());
        if INSIDE.get().get() == this {
            return f();
        }
        let _section = SECTION.get().lock();
        INSIDE.get().set(this);
        let result = f();
        INSIDE.get().set(None);
        result
    }

    /// Two threads that touch a byte have to have had the lock between: loom panics else, whether or not they write.
    pub(crate) fn touched(first: *mut u8, len: usize) -> *mut u8 {
        let mut bytes = TOUCHED.get().borrow_mut();
        for at in (0..len).map(|at| first.addr().wrapping_add(at)) {
            match bytes.get(&at) {
                Some(byte) => byte.with_mut(|_| ()),
                None => assert!(
                    bytes.insert(at, UnsafeCell::new(())).is_ok(),
                    "too many bytes"
                ),
            }
        }
        first
    }
}

#[cfg(tidegate_loom)]
pub(crate) use modelled::{touched, with};
#[cfg(not(tidegate_loom))]
pub(crate) use real::{touched, with};
