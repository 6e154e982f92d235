//! A waker that only counts.

use core::ptr;
use core::sync::atomic::{AtomicU32, Ordering};
use core::task::{RawWaker, RawWakerVTable, Waker};

static WAKES: AtomicU32 = AtomicU32::new(0);
static TABLE: RawWakerVTable = RawWakerVTable::new(|_| RAW, wake, wake, |_| ());
const RAW: RawWaker = RawWaker::new(ptr::null(), &TABLE);

fn wake(_: *const ()) {
    let wakes = WAKES.load(Ordering::Relaxed);
    WAKES.store(wakes.wrapping_add(1), Ordering::Relaxed);
}

/// Counts its wakes together with all others like it.
pub fn counting() -> Waker {
    // SAFETY: the table's functions use no data, so they may be called on any thread and any number of times.
    unsafe { Waker::from_raw(RAW) }
}

/// How often such a waker was woken.
pub fn wakes() -> u32 {
    WAKES.load(Ordering::Relaxed)
}
