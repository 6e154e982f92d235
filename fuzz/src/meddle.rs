//! A critical section that lets something else happen right behind it, as an interrupt would.

use std::cell::Cell;

use critical_section::RawRestoreState;

thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
    /// How many sections are still to end before the hook is called; 0 for never.
    static LEFT: Cell<u32> = const { Cell::new(0) };
    static HOOK: Cell<Option<fn()>> = const { Cell::new(None) };
}

struct Meddle;
critical_section::set_impl!(Meddle);

// SAFETY: for one thread alone, as a fuzz target is: whoever is inside is not interrupted before it has left.
unsafe impl critical_section::Impl for Meddle {
    unsafe fn acquire() -> RawRestoreState {
        DEPTH.set(DEPTH.get() + 1);
        true
    }

    unsafe fn release(_: RawRestoreState) {
        DEPTH.set(DEPTH.get() - 1);
        if DEPTH.get() > 0 || LEFT.get() == 0 {
            return;
        }
        LEFT.set(LEFT.get() - 1);
        if LEFT.get() == 0
            && let Some(hook) = HOOK.get()
        {
            hook();
        }
    }
}

/// Whether interrupts are off.
pub fn is_inside() -> bool {
    DEPTH.get() > 0
}

/// Calls the hook behind the section that is to end after so many others, once.
pub fn behind(sections: u32, hook: fn()) {
    HOOK.set(Some(hook));
    LEFT.set(sections + 1);
}

/// A look that is not interrupted, and whose sections are not counted.
pub fn aside<R>(look: impl FnOnce() -> R) -> R {
    let left = LEFT.replace(0);
    let seen = look();
    LEFT.set(left);
    seen
}

/// Calls no hook any more. Says whether it was called.
pub fn stop() -> bool {
    LEFT.replace(0) == 0
}
