//! Owners of bytes that are let go while a stream is locked are dropped once it is not: what they do then is theirs.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};

use bytes::Bytes;

use crate::sync::thread_local;

thread_local! {
    /// How many streams this thread has locked, one inside the other.
    static LOCKED: Cell<usize> = const { Cell::new(0) };
    /// Whether anything is kept.
    static KEEPS: Cell<bool> = const { Cell::new(false) };
    static KEPT: RefCell<Vec<Bytes>> = const { RefCell::new(Vec::new()) };
}

/// For as long as it lives, owners are kept.
pub(crate) struct Deferral(());

impl Deferral {
    pub(crate) fn begin() -> Self {
        let _ = LOCKED.try_with(|locked| locked.set(locked.get().wrapping_add(1)));
        Self(())
    }
}

impl Drop for Deferral {
    #[inline]
    fn drop(&mut self) {
        let is_last = LOCKED.try_with(|locked| {
            let left = locked.get().wrapping_sub(1);
            locked.set(left);
            left == 0
        });
        if is_last == Ok(true) && KEEPS.try_with(Cell::get) == Ok(true) {
            release_kept();
        }
    }
}

#[cold]
fn release_kept() {
    let _ = KEEPS.try_with(|keeps| keeps.set(false));
    let kept = KEPT.try_with(|kept| kept.take());
    kept.into_iter().flatten().for_each(release);
}

/// Drops an owner, now or once nothing is locked.
pub(crate) fn drop_owner(owner: Bytes) {
    let is_locked = LOCKED.try_with(|locked| locked.get() > 0);
    if is_locked == Ok(true) {
        // The list is borrowed for no longer than a push, and a take.
        if KEPT.try_with(|kept| kept.borrow_mut().push(owner)).is_ok() {
            let _ = KEEPS.try_with(|keeps| keeps.set(true));
        }
    } else {
        release(owner);
    }
}

/// An owner that panics has its say on standard error, as any panic; nobody else is to do with it.
fn release(owner: Bytes) {
    let _: std::thread::Result<()> = catch_unwind(AssertUnwindSafe(|| drop(owner)));
}
