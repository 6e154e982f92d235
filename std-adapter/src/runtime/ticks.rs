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
    pub(super) fn take_due(&mut self, due: &mut Vec<usize>) {
        let now = Instant::now();
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
