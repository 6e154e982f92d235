//! Looking for a while before sleeping.
//!
//! To sleep and to be woken takes longer than many answers do. A thread that has written, and whose waits are short, looks again and again for up to a fifth of a
//! millisecond first, and lets others run in between; only if that was in vain does it sleep. Where it was in vain, it is not tried the
//! next time, and less and less often from then on; where the last sleep was long, it is not tried at all. So whoever waits for long
//! waits without computing.

use std::time::Duration;

use crate::sync::Instant;

/// How long a thread looks before it sleeps.
pub(super) const LONGEST: Duration = Duration::from_micros(200);
/// A thread that has slept for no longer than this might have been spared it.
const SHORT: Duration = Duration::from_millis(1);
/// So many waits at most are slept through before it is tried again.
const MOST_SKIPPED: u32 = 63;

/// Whether a thread is to look before it sleeps, by what came of it before.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spin {
    /// Whether the last wait was short.
    is_worth_it: bool,
    /// How many waits are slept through after the next look that is in vain.
    skips: u32,
    left: u32,
}

impl Spin {
    pub(super) const NEW: Self = Self {
        is_worth_it: false,
        skips: 0,
        left: 0,
    };

    /// Looks by `look` until it has found something, or the time for that is up. Returns what it has found.
    pub(super) fn look<R>(&mut self, mut look: impl FnMut() -> Option<R>) -> Option<R> {
        if !self.tries() {
            return None;
        }
        let began = Instant::now();
        loop {
            let found = look();
            if found.is_some() || began.elapsed() >= LONGEST {
                self.tried(found.is_some());
                return found;
            }
            std::thread::yield_now();
        }
    }

    /// Whether it is to be tried now.
    pub(super) fn tries(&mut self) -> bool {
        let is_skipped = self.left > 0;
        self.left = self.left.saturating_sub(1);
        self.is_worth_it && !is_skipped
    }

    /// It was tried.
    pub(super) fn tried(&mut self, has_found: bool) {
        self.skips = if has_found {
            0
        } else {
            (self.skips * 2 + 1).min(MOST_SKIPPED)
        };
        self.left = self.skips;
    }

    /// The thread has slept for so long.
    pub(super) fn slept(&mut self, duration: Duration) {
        self.is_worth_it = duration <= SHORT;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a5_a_thread_that_has_slept_for_long_sleeps_again_without_a_look() {
        let mut spin = Spin::NEW;
        assert!(!spin.tries());
        spin.slept(SHORT);
        assert!(spin.tries());
        spin.slept(Duration::from_millis(2));
        assert!(!spin.tries());
    }

    #[test]
    fn a5_a_look_that_was_in_vain_is_tried_less_and_less_often() {
        let mut spin = Spin::NEW;
        spin.slept(Duration::ZERO);
        let mut slept = Vec::new();
        for _ in 0..8 {
            slept.push((0..).take_while(|_| !spin.tries()).count());
            spin.tried(false);
        }
        assert_eq!(slept, [0, 1, 3, 7, 15, 31, 63, 63]);
        // One that finds something counts for all of them.
        spin.tried(true);
        assert!(spin.tries());
    }

    #[test]
    fn a5_a_look_ends_when_it_has_found_something_or_its_time_is_up() {
        let mut spin = Spin::NEW;
        spin.slept(Duration::ZERO);
        assert_eq!(spin.look(|| Some(3)), Some(3));
        let began = Instant::now();
        assert_eq!(spin.look(|| None::<u32>), None);
        assert!(began.elapsed() >= LONGEST);
        assert_eq!(spin.look(|| Some(1)), None, "that was in vain");
    }
}
