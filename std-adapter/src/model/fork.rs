//! Stands in for `fork.rs`: in a model nothing forks.

use std::sync::PoisonError;

use crate::sync::{Mutex, MutexGuard};

pub(crate) struct Forkable<T>(Mutex<T>);

impl<T> Forkable<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(Mutex::new(value))
    }

    pub(crate) fn of_program(value: T) -> Self {
        Self::new(value)
    }

    pub(crate) fn lock(&self, _of_child: impl Fn() -> T) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
