//! How fast the window is drawn.

use std::collections::VecDeque;

/// So many frames are looked back on.
const FRAMES: usize = 100;

/// What the last frames have taken.
#[derive(Default)]
pub struct Speed {
    seconds: VecDeque<f32>,
}

impl Speed {
    /// A frame has taken this long.
    pub fn took(&mut self, seconds: f32) {
        crate::snapshot::push_bounded(&mut self.seconds, seconds, FRAMES);
    }

    /// The mean and the worst of the last hundred frames, in milliseconds.
    pub fn milliseconds(&self) -> Option<(f32, f32)> {
        if self.seconds.is_empty() {
            return None;
        }
        let sum: f32 = self.seconds.iter().sum();
        let worst = self
            .seconds
            .iter()
            .fold(0.0_f32, |worst, it| worst.max(*it));
        Some((1e3 * sum / self.seconds.len() as f32, 1e3 * worst))
    }
}
