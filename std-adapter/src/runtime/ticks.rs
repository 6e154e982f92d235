//! What is put off, for others do it most often: the I/O thread comes every millisecond to see.
//!
//! A thread that waits puts the watch off until it sleeps: then it watches by itself. If it computes instead, or waits for something else,
//! what is queued is to go all the same, and libzmq is to be heard: a watch that was put off a tick ago and is so still is set. And whoever
//! reads takes message for message from the socket itself; what is left there once nobody does, the tick takes in.
//!
//! When nothing was put off for a while, the I/O thread sleeps again for as long as it likes.

use std::time::Duration;

use crate::sync::Instant;

/// How often the I/O thread looks: what is put off is watched after two of these at most.
const TICK: Duration = Duration::from_millis(1);
/// After so many ticks in which nothing was put off the I/O thread looks no more.
const IDLE_TICKS: u32 = 16;

/// When the I/O thread is to look at what. Under the lock of its table.
#[derive(Default)]
pub(super) struct Ticks {
    put_off: Vec<usize>,
    next: Option<Instant>,
    idle: u32,
}

impl Ticks {
    /// A watch is put off. Says whether the I/O thread has to be told that there are ticks.
    pub(super) fn put_off(&mut self, key: usize) -> bool {
        self.put_off.push(key);
        self.idle = 0;
        let is_asleep = self.next.is_none();
        self.next = self.next.or_else(|| Instant::now().checked_add(TICK));
        is_asleep
    }

    /// When the next tick is, if there is one.
    pub(super) fn next(&self) -> Option<Instant> {
        self.next
    }

    /// Moves the watches that were put off since the last tick to those that are due, if it is time for one.
    pub(super) fn take_due(&mut self, now: Instant, due: &mut Vec<usize>) {
        if self.next.is_none_or(|next| next > now) {
            return;
        }
        self.idle = if self.put_off.is_empty() {
            self.idle.saturating_add(1)
        } else {
            0
        };
        self.next = now.checked_add(TICK).filter(|_| self.idle < IDLE_TICKS);
        due.append(&mut self.put_off);
    }

    /// A place is closed.
    pub(super) fn forget(&mut self, key: usize) {
        self.put_off.retain(|&of| of != key);
    }
}

#[cfg(all(test, not(tidegate_loom)))]
mod tests {
    use super::*;

    fn due(ticks: &mut Ticks, now: Instant) -> Vec<usize> {
        let mut due = Vec::new();
        ticks.take_due(now, &mut due);
        due
    }

    #[test]
    fn d1_what_is_put_off_is_due_at_the_next_tick_and_not_before() {
        let mut ticks = Ticks::default();
        assert_eq!(ticks.next(), None);
        assert!(ticks.put_off(1));
        // The I/O thread knows of the tick.
        assert!(!ticks.put_off(2) && !ticks.put_off(3));
        ticks.forget(2);
        let tick = ticks.next().unwrap();
        assert_eq!(due(&mut ticks, tick.checked_sub(TICK).unwrap()), []);
        assert_eq!(ticks.next(), Some(tick));
        assert_eq!(due(&mut ticks, tick), [1, 3]);
        assert_eq!(ticks.next(), tick.checked_add(TICK));
        // Due once.
        assert_eq!(due(&mut ticks, tick + TICK), []);
    }

    #[test]
    fn d1_the_io_thread_looks_no_more_after_sixteen_ticks_for_which_nothing_was_put_off() {
        let mut ticks = Ticks::default();
        let used = |ticks: &mut Ticks| {
            let mut looks = 0;
            while let Some(tick) = ticks.next() {
                due(ticks, tick);
                looks += 1;
            }
            looks
        };
        assert!(ticks.put_off(1));
        // The one at which that is due, and those that find nothing.
        assert_eq!(used(&mut ticks), 17);
        assert!(ticks.put_off(1));
        let first = ticks.next().unwrap();
        due(&mut ticks, first);
        // It begins to count again.
        assert!(!ticks.put_off(1));
        assert_eq!(used(&mut ticks), 17);
    }
}
