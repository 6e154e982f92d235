//! Keeping a tokio runtime awake where a reply is awaited.
//!
//! A runtime without work sleeps, and to wake it takes longer than many answers do. The task of a stream that has written, and somebody
//! reads from, has itself polled again for up to a fifth of a millisecond, each time after the runtime has looked for news and all others
//! have run. The rules are those of a thread that waits by itself (`spin.rs`): not where answers take long, and less and less often where it was in vain.

use std::mem;
use std::time::Duration;

use super::spin::{LONGEST, Spin};
use crate::sync::Instant;

/// Within this time nobody has fallen asleep.
const IMMEDIATE: Duration = Duration::from_micros(20);
/// So many waits are not looked at behind one that was so short.
const SKIPPED: u32 = 31;

/// Whether a task is to keep its runtime awake.
pub(super) struct Awake {
    spin: Spin,
    /// Since when a reply is awaited.
    since: Option<Instant>,
    /// Whether the runtime is kept awake for it.
    is_kept: bool,
    /// So many waits more are not looked at.
    left: u32,
}

impl Awake {
    pub(super) const NEW: Self = Self {
        spin: Spin::NEW,
        since: None,
        is_kept: false,
        left: 0,
    };

    /// A reply is awaited from now on. Says whether the task is to be polled.
    pub(super) fn begin(&mut self, now: impl FnOnce() -> Instant) -> bool {
        if self.left > 0 {
            self.left -= 1;
            return false;
        }
        if mem::take(&mut self.is_kept) {
            // Whatever brought the last one was quicker than the task.
            self.spin.tried(true);
        }
        self.since = Some(now());
        self.is_kept = self.spin.tries();
        self.is_kept
    }

    /// Whether a reply is awaited.
    pub(super) fn is_waiting(&self) -> bool {
        self.since.is_some()
    }

    /// Something has come.
    pub(super) fn came(&mut self, now: Instant) {
        let Some(since) = self.since.take() else {
            return;
        };
        let waited = now.saturating_duration_since(since);
        let is_immediate = waited < IMMEDIATE;
        if is_immediate {
            self.left = SKIPPED;
        }
        if mem::take(&mut self.is_kept) {
            self.spin.tried(true);
        } else if !is_immediate {
            self.spin.slept(waited);
        }
    }

    /// Nothing has come yet: whether the runtime is to be kept awake all the same.
    pub(super) fn goes_on(&mut self, now: Instant) -> bool {
        let Some(since) = self.since.filter(|_| self.is_kept) else {
            return false;
        };
        self.is_kept = now.saturating_duration_since(since) < LONGEST;
        if !self.is_kept {
            self.spin.tried(false);
        }
        self.is_kept
    }
}

#[cfg(all(test, not(tidegate_loom)))]
mod tests {
    use super::*;

    /// A reply was awaited for so long. Says whether the runtime was to be kept awake for it.
    fn waits(awake: &mut Awake, waited: Duration) -> bool {
        let now = Instant::now();
        let is_kept = awake.begin(|| now);
        assert_eq!(awake.goes_on(now), is_kept);
        awake.came(now + waited);
        assert!(!awake.is_waiting());
        is_kept
    }

    const QUICK: Duration = Duration::from_micros(100);

    #[test]
    fn a5_a_runtime_is_kept_awake_behind_a_reply_for_which_it_would_not_have_slept_for_long() {
        let mut awake = Awake::NEW;
        assert!(!waits(&mut awake, QUICK));
        assert!(waits(&mut awake, QUICK));
        assert!(waits(&mut awake, Duration::from_micros(199)));
        // It is not known how long it would have slept.
        assert!(waits(&mut awake, QUICK));
    }

    #[test]
    fn a5_a_runtime_is_not_kept_awake_behind_a_reply_that_was_late() {
        let mut awake = Awake::NEW;
        for waited in [QUICK, Duration::from_millis(2)] {
            let now = Instant::now();
            awake.begin(|| now);
            assert!(!awake.goes_on(now + LONGEST));
            awake.came(now + waited.max(LONGEST));
        }
        // The first would not have been looked for anyway, for the last look was in vain.
        for _ in 0..3 {
            assert!(!awake.begin(Instant::now));
        }
    }

    #[test]
    fn a5_a_reply_that_is_there_before_anybody_sleeps_says_nothing_and_the_next_are_not_looked_at()
    {
        let mut awake = Awake::NEW;
        for _ in 0..2 {
            assert!(!waits(&mut awake, Duration::from_micros(5)));
            for _ in 0..SKIPPED {
                assert!(!awake.begin(|| unreachable!("no look at the clock")));
                assert!(!awake.is_waiting());
            }
        }
        assert!(!waits(&mut awake, QUICK));
        // Where the runtime is kept awake, too.
        assert!(waits(&mut awake, Duration::from_micros(5)));
        assert!(!waits(&mut awake, QUICK));
        // One that takes any longer says something.
        let mut awake = Awake::NEW;
        assert!(!waits(&mut awake, IMMEDIATE));
        assert!(waits(&mut awake, QUICK));
    }

    #[test]
    fn a5_a_runtime_is_kept_awake_for_a_fifth_of_a_millisecond_and_next_time_not_if_that_was_in_vain()
     {
        let mut awake = Awake::NEW;
        waits(&mut awake, QUICK);
        let now = Instant::now();
        assert!(awake.begin(|| now));
        assert!(awake.goes_on(now + QUICK) && awake.goes_on(now + QUICK));
        assert!(!awake.goes_on(now + LONGEST) && !awake.goes_on(now));
        assert!(awake.is_waiting());
        awake.came(now + LONGEST);
        assert!(!waits(&mut awake, QUICK));
        assert!(waits(&mut awake, QUICK));
    }

    #[test]
    fn a5_a_reply_that_came_by_another_way_was_not_in_vain() {
        let mut awake = Awake::NEW;
        waits(&mut awake, QUICK);
        let now = Instant::now();
        assert!(awake.begin(|| now));
        assert!(awake.begin(|| now + QUICK));
        assert!(awake.goes_on(now + QUICK));
    }
}
