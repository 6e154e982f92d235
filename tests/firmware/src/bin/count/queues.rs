//! A push and a pop, with one message always in the queue, so that a ring slides through all its positions.

use core::hint::black_box;

use tidegate_firmware_tests::contender::{BYTES, Contender, FramedContender, Visit};
use tidegate_firmware_tests::counter::Counter;
use tidegate_firmware_tests::messages::{bytes, see};
use tidegate_firmware_tests::report;

const ROUNDS: u32 = 256;

/// Counts each contender's work.
pub struct Count<'c> {
    counter: &'c Counter,
}

impl<'c> Count<'c> {
    /// Counts with this counter.
    pub fn new(counter: &'c Counter) -> Self {
        Self { counter }
    }

    /// The average of `f`, which hides the queue from the compiler before each push and before each pop.
    fn average(&self, pairs: u32, mut f: impl FnMut() -> bool) -> u32 {
        let mut place = 0u32;
        let hiding = self.counter.average(ROUNDS, || {
            black_box(&mut place);
            black_box(&mut place);
            true
        });
        self.counter.average(ROUNDS, &mut f) - pairs * hiding
    }
}

impl Visit for Count<'_> {
    fn queue(&mut self, name: &str, ram_bytes: usize, queue: &mut impl Contender) {
        let [m0, m5, m20, m200] = [0, 5, 20, 200].map(bytes);
        for (what, message) in [("M3 20 B", m20), ("M3 200 B", m200)] {
            assert!(queue.push(message));
            let count = self.average(1, || {
                black_box(&mut *queue).push(message) & black_box(&mut *queue).pop(see)
            });
            assert!(queue.pop(see));
            report::value(name, what, count);
        }
        assert!(queue.push(m20));
        let count = self.average(3, || {
            let mut is_well = true;
            for message in [m5, m0, m200] {
                is_well &= black_box(&mut *queue).push(message);
                is_well &= black_box(&mut *queue).pop(see);
            }
            is_well
        });
        assert!(queue.pop(see));
        report::value(name, "M3 3 messages", count);
        if let Some(beyond) = ram_bytes.checked_sub(BYTES) {
            report::value(name, "RAM", beyond as u32);
        }
    }

    fn framed(&mut self, name: &str, ram_bytes: usize, queue: &mut impl FramedContender) {
        self.queue(name, ram_bytes, queue);
        let message = [5, 0, 200].map(bytes);
        assert!(queue.push_frames(&message));
        let count = self.average(1, || {
            black_box(&mut *queue).push_frames(&message) & black_box(&mut *queue).pop_frames(see)
        });
        assert!(queue.pop_frames(see));
        report::value(name, "M3 3 frames", count);
    }
}
