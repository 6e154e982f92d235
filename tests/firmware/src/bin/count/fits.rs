//! How many messages there is room for at once, by pushing until one is refused.

use tidegate_firmware_tests::contender::{BYTES, Contender, FramedContender, Visit};
use tidegate_firmware_tests::messages::{bytes, see};
use tidegate_firmware_tests::report;

/// Fills each contender.
pub struct Fits;

impl Visit for Fits {
    fn queue(&mut self, name: &str, ram_bytes: usize, queue: &mut impl Contender) {
        if ram_bytes < BYTES {
            return;
        }
        for (empty, sliding, len) in [
            ("fits 20 B", "fits 20 B sliding", 20),
            ("fits 200 B", "fits 200 B sliding", 200),
        ] {
            let message = bytes(len);
            let count = fill(queue, message);
            while queue.pop(see) {}
            report::value(name, empty, count);
            report::value(name, sliding, sliding_fill(queue, message));
        }
    }

    fn framed(&mut self, name: &str, ram_bytes: usize, queue: &mut impl FramedContender) {
        self.queue(name, ram_bytes, queue);
    }
}

fn fill(queue: &mut impl Contender, message: &[u8]) -> u32 {
    let mut count = 0;
    while queue.push(message) {
        count += 1;
    }
    count
}

/// The least over the positions in a ring at which the oldest message may lie.
fn sliding_fill(queue: &mut impl Contender, message: &[u8]) -> u32 {
    (0..BYTES)
        .step_by(7)
        .map(|position| {
            move_to(queue, position);
            let mut count = fill(queue, message);
            assert!(queue.pop(see));
            count += fill(queue, message);
            while queue.pop(see) {}
            count
        })
        .min()
        .unwrap_or(0)
}

/// Leaves one short message in the queue, behind about so many bytes that were in it before.
fn move_to(queue: &mut impl Contender, position: usize) {
    let mut left = position;
    assert!(queue.push(bytes(1)));
    while left > 0 {
        let step = left.min(50);
        assert!(queue.push(bytes(step)) && queue.pop(see));
        left -= step;
    }
    assert!(queue.push(bytes(1)) && queue.pop(see));
}
