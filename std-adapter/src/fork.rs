//! What a forked child finds: nothing of its parent's.
//!
//! A child has its parent's memory and one of its threads. Locks that others held stay locked for ever, libzmq's sockets are of no use
//! to it, and to close them would disturb the parent. So what is locked here is another, new thing in a child, and what is the parent's
//! is never dropped there.

use std::mem;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use crate::socket::forks;

/// A value under a lock, another one for a forked child, and so on for its children.
pub(crate) struct Forkable<T> {
    /// How often this process, and those that it was forked from, had been forked when the value was made.
    born: u32,
    /// There until it is dropped.
    value: Option<Mutex<T>>,
    of_child: OnceLock<Box<Self>>,
}

impl<T> Forkable<T> {
    pub(crate) fn new(value: T) -> Self {
        Self {
            born: forks(),
            value: Some(Mutex::new(value)),
            of_child: OnceLock::new(),
        }
    }

    /// One that is there before the process can have been forked.
    pub(crate) const fn of_program(value: T) -> Self {
        Self {
            born: 0,
            value: Some(Mutex::new(value)),
            of_child: OnceLock::new(),
        }
    }

    /// Locks the value of this process, which is made if it was forked since.
    #[inline]
    pub(crate) fn lock(&self, of_child: impl Fn() -> T) -> MutexGuard<'_, T> {
        let forks = forks();
        let value = match &self.value {
            Some(value) if self.born == forks => value,
            _ => self.value_of(forks, of_child),
        };
        value.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The value of a process that was forked so many times.
    #[cold]
    fn value_of(&self, forks: u32, of_child: impl Fn() -> T) -> &Mutex<T> {
        let mut place = self;
        loop {
            match &place.value {
                Some(value) if place.born == forks => return value,
                _ => {
                    let next = || Box::new(Self::new(of_child()));
                    place = place.of_child.get_or_init(next);
                }
            }
        }
    }
}

impl<T> Drop for Forkable<T> {
    fn drop(&mut self) {
        if self.born != forks() {
            mem::forget(self.value.take());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn e6_a_value_of_the_parent_is_not_dropped_in_a_child() {
        let count = Arc::new(());
        drop(Forkable::new(count.clone()));
        assert_eq!(Arc::strong_count(&count), 1);
        let mut of_another_process = Forkable::new(count.clone());
        of_another_process.born = of_another_process.born.wrapping_sub(1);
        drop(of_another_process);
        assert_eq!(Arc::strong_count(&count), 2);
    }
}
