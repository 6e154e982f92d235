//! When the thread of a session reads, and how much: in ticks, of which each has its share of the messages of a second.

use std::time::{Duration, Instant};

use crate::snapshot::TICK;

/// So many messages are read between two looks at the clock and at the level.
const BURST: u64 = 128;

pub(crate) struct Ticks {
    /// When this one is over.
    end: Instant,
    /// The most messages that may be read in a second.
    pace: Option<u32>,
    /// How many messages may still be read in this tick, and the part of one that is left over for the next.
    allowance: f64,
}

impl Ticks {
    /// The first tick begins now.
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            end: now + TICK,
            pace: None,
            allowance: f64::INFINITY,
        }
    }

    /// The share of a tick.
    fn share(&self) -> f64 {
        self.pace
            .map_or(f64::INFINITY, |pace| f64::from(pace) * TICK.as_secs_f64())
    }

    /// Of this tick no more is left than the new share.
    pub(crate) fn set_pace(&mut self, pace: Option<u32>) {
        self.pace = pace;
        self.allowance = self.allowance.min(self.share());
    }

    /// How long this tick still lasts.
    pub(crate) fn left(&self, now: Instant) -> Duration {
        self.end.saturating_duration_since(now)
    }

    /// The last tick is over, and another begins. Those that are late are left out, not made up for.
    pub(crate) fn begin_next(&mut self, now: Instant) {
        let end = self.end + TICK;
        self.end = if end > now { end } else { now + TICK };
        // What was not used up is not saved, but for the part of a message.
        self.allowance = self.allowance.min(1.0) + self.share();
    }

    /// How many messages may be read before the clock is looked at again: of this tick, and at once.
    pub(crate) fn burst(&self) -> u64 {
        BURST.min(self.allowance as u64)
    }

    /// A message was read.
    pub(crate) fn took_one(&mut self) {
        self.allowance -= 1.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MICROSECOND: Duration = Duration::from_micros(1);

    /// Reads from a flood until the tick is over, each message in a microsecond, and says how many. The clock is looked at between two
    /// bursts only.
    fn read_flood(ticks: &mut Ticks, now: &mut Instant) -> u64 {
        let mut read = 0;
        while !ticks.left(*now).is_zero() {
            let burst = ticks.burst();
            for _ in 0..burst {
                ticks.took_one();
                *now += MICROSECOND;
            }
            read += burst;
            if burst == 0 {
                *now += ticks.left(*now);
            }
        }
        read
    }

    #[test]
    fn a_flood_is_left_for_other_work_once_in_each_tick() {
        let mut now = Instant::now();
        let mut ticks = Ticks::new(now);
        for _ in 0..100 {
            let began = now;
            let read = read_flood(&mut ticks, &mut now);
            let took = now - began;
            assert!(took < TICK + MICROSECOND * 128, "{took:?}");
            assert!(read >= 19_800, "{read}");
            ticks.begin_next(now);
        }
    }

    #[test]
    fn no_tick_has_more_than_its_share_and_a_second_has_all_of_its_messages() {
        for pace in [1, 49, 50, 1_234, 10_000] {
            let mut now = Instant::now();
            let mut ticks = Ticks::new(now);
            ticks.set_pace(Some(pace));
            let share = f64::from(pace) / 50.0;
            let mut read = 0;
            for _ in 0..500 {
                let of_tick = read_flood(&mut ticks, &mut now);
                assert!(of_tick as f64 <= share + 1.0, "{of_tick} at {pace}");
                read += of_tick;
                ticks.begin_next(now);
            }
            let due = u64::from(pace) * 10;
            assert!((due - 1..=due).contains(&read), "{read} at {pace}");
        }
    }

    #[test]
    fn a_tick_that_is_late_is_left_out_and_the_next_one_lasts() {
        let mut now = Instant::now();
        let mut ticks = Ticks::new(now);
        ticks.set_pace(Some(1_000));
        // As many as a hundred ticks have messages for, were they made up for.
        now += TICK * 100;
        ticks.begin_next(now);
        assert_eq!(ticks.left(now), TICK);
        assert_eq!(read_flood(&mut ticks, &mut now), 21);
        // One that is late by less than a tick is shorter, so that those after it are in time.
        now += TICK / 4;
        ticks.begin_next(now);
        assert_eq!(ticks.left(now), TICK * 3 / 4);
    }

    #[test]
    fn a_new_pace_is_in_force_at_once() {
        let now = Instant::now();
        let mut ticks = Ticks::new(now);
        assert_eq!(ticks.burst(), BURST);
        ticks.set_pace(Some(100));
        assert_eq!(ticks.burst(), 2);
        ticks.took_one();
        // What was read already is not given once more.
        ticks.set_pace(Some(100));
        assert_eq!(ticks.burst(), 1);
        ticks.set_pace(None);
        ticks.begin_next(now + TICK);
        assert_eq!(ticks.burst(), BURST);
    }
}
