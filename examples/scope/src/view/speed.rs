//! How fast the window is drawn.

use std::collections::VecDeque;

use crate::snapshot::push_bounded;

/// So many frames are looked back on.
const FRAMES: usize = 100;

/// What the last frames have taken, and when they were.
#[derive(Default)]
pub struct Speed {
    seconds: VecDeque<f32>,
    times: VecDeque<f64>,
}

/// How the last frames were drawn.
pub(super) struct Drawn {
    /// What one has taken on average, in milliseconds.
    pub(super) mean_ms: f32,
    /// What the slowest one has taken.
    pub(super) worst_ms: f32,
    /// How many there were in a second.
    pub(super) per_second: f64,
    /// How long one has stood at most, in milliseconds.
    pub(super) longest_ms: f64,
}

impl Speed {
    /// A frame has taken this long.
    pub fn took(&mut self, seconds: f32) {
        push_bounded(&mut self.seconds, seconds, FRAMES);
    }

    /// A frame stands from here on, in seconds.
    pub(super) fn stands_at(&mut self, time: f64) {
        push_bounded(&mut self.times, time, FRAMES);
    }

    /// Of the last hundred frames, once there are a few.
    pub(super) fn drawn(&self) -> Option<Drawn> {
        let (first, last) = (self.times.front()?, self.times.back()?);
        let count = self.seconds.len();
        if count < 2 || first >= last {
            return None;
        }
        let of_two = self.times.iter().zip(self.times.iter().skip(1));
        let longest = of_two.fold(0.0_f64, |longest, (one, next)| longest.max(next - one));
        let worst = self.seconds.iter().copied().fold(0.0, f32::max);
        Some(Drawn {
            mean_ms: 1e3 * self.seconds.iter().sum::<f32>() / count as f32,
            worst_ms: 1e3 * worst,
            per_second: (self.times.len() - 1) as f64 / (last - first),
            longest_ms: 1e3 * longest,
        })
    }
}
