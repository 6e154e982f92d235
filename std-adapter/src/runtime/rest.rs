//! Resting before a thread watches, where messages come in floods.
//!
//! Whoever sleeps over a socket is woken by the first message that comes, takes the few that are there, and sleeps again; each time
//! libzmq's I/O thread stops to wake it. One that lets a moment pass before it watches finds more at once, and disturbs that thread less
//! often. Where every message is waited for by somebody, that moment is lost. So both ways are tried, for a block of waits each, and the
//! one by which more messages come through stays; the other is tried again, ever less often as long as it is no better. A thread that has
//! slept for long begins anew, without rests.

use std::time::Duration;

use crate::sync::Instant;

/// How long a thread rests; it takes up to 50 µs more on Linux, where timers are no finer.
pub(super) const REST: Duration = Duration::from_micros(10);
/// A sleep that was longer than this says that there is no flood.
const SHORT: Duration = Duration::from_millis(1);
/// So many waits are a block.
const BLOCK_WAITS: u32 = 64;
/// How many blocks pass before the other way is tried: at first, and at most.
const BLOCKS: (u32, u32) = (8, 256);
/// Fewer messages a second than this are no flood: a rest would see two or three of them.
const LEAST_RATE: f64 = 40_000.0;
/// So many times as many messages are to come through for a rest to be worth it.
const GAIN: f64 = 1.1;

/// Whether a thread is to rest before it watches, by what came of it before.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rest {
    rests: bool,
    /// Whether this block is only to see what comes of the other way.
    is_trial: bool,
    /// Messages a second without rests, as they were seen last.
    rate_without: f64,
    /// And with them.
    rate_with: f64,
    /// When the block began.
    began: Option<Instant>,
    /// How many waits the block has had, and how many messages.
    waits: u32,
    messages: u64,
    /// How many blocks are left before the other way is tried, and how many there were.
    left: u32,
    blocks: u32,
}

impl Rest {
    pub(super) const NEW: Self = Self {
        rests: false,
        is_trial: false,
        rate_without: 0.0,
        rate_with: 0.0,
        began: None,
        waits: 0,
        messages: 0,
        left: 1,
        blocks: BLOCKS.0,
    };

    /// The thread is about to wait for streams through which so many messages have come since it has last waited. Says whether it is to
    /// rest.
    pub(super) fn is_due(&mut self, messages: u64, now: Instant) -> bool {
        self.messages = self.messages.saturating_add(messages);
        let began = *self.began.get_or_insert(now);
        if self.waits >= BLOCK_WAITS {
            let took = now.saturating_duration_since(began).as_secs_f64();
            self.end_block(self.messages as f64 / took);
            self.began = Some(now);
            self.waits = 0;
            self.messages = 0;
        }
        self.waits += 1;
        self.rests
    }

    /// A block ends in which so many messages a second have come through.
    fn end_block(&mut self, rate: f64) {
        if self.rests {
            self.rate_with = rate;
        } else {
            self.rate_without = rate;
        }
        if self.is_trial {
            let is_worth_it = self.rate_with > self.rate_without * GAIN;
            let has_changed = is_worth_it == self.rests;
            self.blocks = if has_changed {
                BLOCKS.0
            } else {
                (self.blocks * 2).min(BLOCKS.1)
            };
            self.left = self.blocks;
            self.rests = is_worth_it;
            self.is_trial = false;
        } else {
            self.left = self.left.saturating_sub(1);
            if rate < LEAST_RATE {
                self.rests = false;
            } else if self.left == 0 {
                self.rests = !self.rests;
                self.is_trial = true;
            }
        }
    }

    /// The thread has slept for so long.
    pub(super) fn slept(&mut self, duration: Duration) {
        if duration <= SHORT {
            return;
        }
        let left = match (self.rests, self.is_trial) {
            // It was worth it.
            (true, false) | (false, true) => 1,
            (true, true) => self.blocks,
            (false, false) => self.left,
        };
        *self = Self {
            left,
            blocks: self.blocks,
            ..Self::NEW
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Waits so often; what comes through at a wait without a rest, and with one, and how many microseconds that takes; each so-manieth
    /// wait is long. Returns how many of the last half of the waits began with a rest.
    fn rests_among(waits: u32, without: (u64, u64), with: (u64, u64), hiccups: u32) -> u32 {
        let mut rest = Rest::NEW;
        let (mut now, mut messages, mut rests) = (Instant::now(), 0, 0);
        for wait in 0..waits {
            let is_due = rest.is_due(messages, now);
            let (more, micros) = if is_due { with } else { without };
            messages = more;
            now += Duration::from_micros(micros);
            let is_hiccup = hiccups > 0 && wait % hiccups == hiccups - 1;
            rest.slept(Duration::from_micros(if is_hiccup {
                2_000
            } else {
                micros / 2
            }));
            rests += u32::from(is_due && wait >= waits / 2);
        }
        rests
    }

    fn rests_of(waits: u32, without: (u64, u64), with: (u64, u64)) -> u32 {
        rests_among(waits, without, with, 0)
    }

    #[test]
    fn a5_a_thread_that_is_flooded_rests_before_it_watches_if_more_comes_through() {
        let rests = rests_of(20_000, (10, 20), (60, 80));
        assert!(rests > 9_500, "{rests} of 10,000");
    }

    #[test]
    fn a5_a_thread_whose_peers_wait_for_it_rests_next_to_never() {
        // Eight come, and no more until they were read.
        let rests = rests_of(200_000, (8, 50), (8, 110));
        assert!((64..1_000).contains(&rests), "{rests} of 100,000");
        // It makes no difference.
        let rests = rests_of(200_000, (10, 100), (16, 160));
        assert!((64..1_000).contains(&rests), "{rests} of 100,000");
        // It sleeps for longer now and then, in the middle of a trial, too.
        for hiccups in [70, 200] {
            let rests = rests_among(200_000, (8, 50), (8, 110), hiccups);
            assert!(rests < 2_000, "{rests} of 100,000");
        }
    }

    #[test]
    fn a5_a_thread_to_which_little_comes_never_rests() {
        assert_eq!(rests_of(20_000, (1, 30), (100, 100)), 0);
        let after = |rates: &[f64]| {
            let mut rest = Rest::NEW;
            rates.iter().for_each(|&rate| rest.end_block(rate));
            rest.rests
        };
        assert!(!after(&[LEAST_RATE - 1.0]) && after(&[LEAST_RATE]));
        // And one to which as much comes without a rest, but for a tenth.
        assert!(!after(&[80_000.0, 88_000.0]) && after(&[80_000.0, 88_001.0]));
    }

    /// A thread that rests.
    fn flooded() -> (Rest, Instant) {
        let mut rest = Rest::NEW;
        let mut now = Instant::now();
        for _ in 0..1_000 {
            let is_due = rest.is_due(if rest.rests { 60 } else { 10 }, now);
            now += Duration::from_micros(if is_due { 80 } else { 20 });
        }
        assert!(rest.is_due(60, now));
        (rest, now)
    }

    #[test]
    fn a5_a_thread_that_has_slept_for_long_rests_no_more() {
        let (mut rest, now) = flooded();
        rest.slept(SHORT);
        assert!(rest.is_due(60, now));
        rest.slept(Duration::from_millis(2));
        assert!(!rest.is_due(60, now));
    }

    #[test]
    fn a5_a_thread_rests_no_more_when_the_flood_is_over_though_messages_come_regularly() {
        let (mut rest, mut now) = flooded();
        for _ in 0..2 * BLOCK_WAITS {
            rest.is_due(1, now);
            now += Duration::from_micros(500);
            rest.slept(Duration::from_micros(400));
        }
        assert!(!rest.is_due(1, now));
    }
}
