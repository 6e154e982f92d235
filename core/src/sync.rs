//! The lock that a shared stream lies behind.

use core::cell::RefCell;

use critical_section::Mutex;

/// A value that is reached only inside a critical section, shared by interrupts and tasks.
///
/// Nothing of a user's runs inside but the `Clone` and `Drop` of the transport's error, which must not use the stream: no
/// waker's clone, wake or drop, and no closure of theirs. So nobody comes in twice.
pub(crate) struct Lock<T>(Mutex<RefCell<T>>);

impl<T> Lock<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(Mutex::new(RefCell::new(value)))
    }

    pub(crate) fn with<R>(&self, f: impl FnOnce(&mut T) -> R) -> R {
        critical_section::with(|cs| match self.0.borrow(cs).try_borrow_mut() {
            Ok(mut value) => f(&mut value),
            // Only an error type that breaks its promise (see above) gets here; a panic is not to be had.
            Err(_) => loop {
                core::hint::spin_loop();
            },
        })
    }
}
