//! When a task that writes is to let others on its thread run first. Each write may go at once, so that it would otherwise keep the thread
//! from the one that receives; by however many streams it writes.

use std::cell::Cell;

use crate::sync::thread_local;

/// After so many bytes, as messages are charged, a task that sends lets others run.
const YIELD_BYTES: usize = 256 * 1024;

thread_local! {
    /// What was written on this thread since others have last run.
    static WRITTEN: Cell<usize> = const { Cell::new(0) };
}

/// So much was written.
pub(crate) fn wrote(bytes: usize) {
    // A thread that ends has nobody to let run.
    let _ = WRITTEN.try_with(|written| written.set(written.get().saturating_add(bytes)));
}

/// Whether it is time to let others run.
pub(crate) fn is_due() -> bool {
    WRITTEN
        .try_with(|written| written.get() >= YIELD_BYTES)
        .unwrap_or(false)
}

/// Others run now.
pub(crate) fn others_run() {
    let _ = WRITTEN.try_with(|written| written.set(0));
}
