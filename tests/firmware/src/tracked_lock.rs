//! A critical section that knows whether one is open; the same with interrupts left on; and none at all. The latter two
//! are faults that a sweep has to find.

use core::sync::atomic::{AtomicBool, Ordering};

use cortex_m::interrupt;
use cortex_m::register::primask;
use critical_section::{Impl, RawRestoreState};

static IS_OPEN: AtomicBool = AtomicBool::new(false);

/// Whether whoever looks came in the middle of somebody's critical section.
pub fn is_open() -> bool {
    IS_OPEN.load(Ordering::Relaxed)
}

/// Turns interrupts off.
pub struct Sound;

// SAFETY: interrupts are off from `acquire` to the `release` of the outermost section, on a machine of one core.
unsafe impl Impl for Sound {
    unsafe fn acquire() -> RawRestoreState {
        let was_active = primask::read().is_active();
        interrupt::disable();
        IS_OPEN.store(true, Ordering::Relaxed);
        was_active
    }

    unsafe fn release(was_active: RawRestoreState) {
        if was_active {
            IS_OPEN.store(false, Ordering::Relaxed);
            // SAFETY: they were on when this section began.
            unsafe { interrupt::enable() };
        }
    }
}

/// Leaves interrupts on, and says so to whoever looks.
pub struct LeftOn;

// SAFETY: it is not sound. Its image exists to be found out.
unsafe impl Impl for LeftOn {
    unsafe fn acquire() -> RawRestoreState {
        IS_OPEN.swap(true, Ordering::Relaxed)
    }

    unsafe fn release(was_open: RawRestoreState) {
        IS_OPEN.store(was_open, Ordering::Relaxed);
    }
}

/// Does nothing, and says nothing: what is wrong can be seen by the messages alone.
pub struct Absent;

// SAFETY: it is not sound. Its image exists to be found out.
unsafe impl Impl for Absent {
    unsafe fn acquire() -> RawRestoreState {
        false
    }

    unsafe fn release(_: RawRestoreState) {}
}
