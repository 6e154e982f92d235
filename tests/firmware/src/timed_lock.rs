//! A critical section that keeps the longest time for which it had interrupts off.

use core::sync::atomic::{AtomicU32, Ordering};

use cortex_m::interrupt;
use cortex_m::peripheral::SYST;
use cortex_m::register::primask;
use critical_section::{Impl, RawRestoreState};

use crate::counter::instructions_between;

static BEGAN: AtomicU32 = AtomicU32::new(0);
static LONGEST: AtomicU32 = AtomicU32::new(0);
static SECTIONS: AtomicU32 = AtomicU32::new(0);
/// What an empty critical section seems to take: the reading itself.
static OVERHEAD: AtomicU32 = AtomicU32::new(0);

/// For `critical_section::set_impl`.
pub struct Lock;

// SAFETY: interrupts are off from `acquire` to the `release` of the outermost section, on a machine of one core.
unsafe impl Impl for Lock {
    unsafe fn acquire() -> RawRestoreState {
        let was_active = primask::read().is_active();
        interrupt::disable();
        if was_active {
            BEGAN.store(SYST::get_current(), Ordering::Relaxed);
        }
        was_active
    }

    unsafe fn release(was_active: RawRestoreState) {
        if was_active {
            let now = SYST::get_current();
            let took = instructions_between(BEGAN.load(Ordering::Relaxed), now);
            LONGEST.store(took.max(LONGEST.load(Ordering::Relaxed)), Ordering::Relaxed);
            let sections = SECTIONS.load(Ordering::Relaxed);
            SECTIONS.store(sections.wrapping_add(1), Ordering::Relaxed);
            // SAFETY: they were on when this section began.
            unsafe { interrupt::enable() };
        }
    }
}

/// Learns what an empty section seems to take. Once, after SysTick was started.
pub fn calibrate() {
    reset();
    critical_section::with(|_| ());
    OVERHEAD.store(LONGEST.load(Ordering::Relaxed), Ordering::Relaxed);
    reset();
}

/// Forgets the sections before.
pub fn reset() {
    LONGEST.store(0, Ordering::Relaxed);
    SECTIONS.store(0, Ordering::Relaxed);
}

/// The longest section since, in instructions; none if there was no section.
pub fn longest() -> Option<u32> {
    let longest = LONGEST.load(Ordering::Relaxed);
    let has_any = SECTIONS.load(Ordering::Relaxed) > 0;
    has_any.then(|| longest - OVERHEAD.load(Ordering::Relaxed))
}
