//! Owners of bytes that are let go while a stream is locked are dropped once it is not: what they do then is theirs.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::Bytes;

use crate::sync::thread_local;

thread_local! {
    /// [`LOCK`] for each stream that this thread has locked, one inside the other, and [`KEEPS`] if anything is kept.
    static LOCKED: Cell<usize> = const { Cell::new(0) };
    static KEPT: RefCell<Vec<Bytes>> = const { RefCell::new(Vec::new()) };
}

const KEEPS: usize = 1;
const LOCK: usize = 2;

/// For as long as it lives, owners are kept.
pub(crate) struct Deferral(());

impl Deferral {
    pub(crate) fn begin() -> Self {
        let _ = LOCKED.try_with(|locked| locked.set(locked.get().wrapping_add(LOCK)));
        Self(())
    }
}

impl Drop for Deferral {
    #[inline]
    fn drop(&mut self) {
        let left = LOCKED.try_with(|locked| {
            let left = locked.get().wrapping_sub(LOCK);
            locked.set(left);
            left
        });
        if left == Ok(KEEPS) {
            release_kept();
        }
    }
}

#[cold]
fn release_kept() {
    let _ = LOCKED.try_with(|locked| locked.set(0));
    let kept = KEPT.try_with(|kept| kept.take());
    kept.into_iter().flatten().for_each(release);
}

/// Drops an owner, now or once nothing is locked.
pub(crate) fn drop_owner(owner: Bytes) {
    let is_locked = LOCKED.try_with(|locked| locked.get() >= LOCK);
    if is_locked == Ok(true) {
        // The list is borrowed for no longer than a push, and a take.
        if KEPT.try_with(|kept| kept.borrow_mut().push(owner)).is_ok() {
            let _ = LOCKED.try_with(|locked| locked.set(locked.get() | KEEPS));
        }
    } else {
        release(owner);
    }
}

/// An owner that panics has its say on standard error, as any panic; nobody else is to do with it.
fn release(owner: Bytes) {
    let _: std::thread::Result<()> = catch_unwind(AssertUnwindSafe(|| drop(owner)));
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn d8_what_is_kept_is_let_go_with_the_last_lock_and_not_before() {
        struct Owner(#[expect(dead_code, reason = "it is counted")] Arc<()>);
        impl AsRef<[u8]> for Owner {
            fn as_ref(&self) -> &[u8] {
                b"x"
            }
        }
        let count = Arc::new(());
        let outer = Deferral::begin();
        let inner = Deferral::begin();
        for _ in 0..2 {
            drop_owner(Bytes::from_owner(Owner(count.clone())));
        }
        drop(inner);
        assert_eq!(Arc::strong_count(&count), 3);
        drop(outer);
        assert_eq!(Arc::strong_count(&count), 1);
        drop_owner(Bytes::from_owner(Owner(count.clone())));
        assert_eq!(Arc::strong_count(&count), 1);
    }
}
