//! The lock that a shared stream lies behind.

use core::cell::RefCell;

use critical_section::Mutex;

/// A value that is reached only inside a critical section, shared by interrupts and tasks.
///
/// Nothing of a user's runs inside: not a waker's clone, wake or drop, and no closure of theirs. So nobody can come in
/// twice.
pub(crate) struct Lock<T>(Mutex<RefCell<T>>);

impl<T> Lock<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(Mutex::new(RefCell::new(value)))
    }

    pub(crate) fn with<R>(&self, f: impl FnOnce(&mut T) -> R) -> R {
        critical_section::with(|cs| match self.0.borrow(cs).try_borrow_mut() {
            Ok(mut value) => f(&mut value),
            // Cannot be (see above), and a panic is no way to say so.
            Err(_) => loop {
                core::hint::spin_loop();
            },
        })
    }
}
