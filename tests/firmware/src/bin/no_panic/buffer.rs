//! The packed buffer and the frames that it shows.

use core::hint::black_box;

use tidegate_core::{Frames, Level, MessageBuffer, Queue};

use tidegate_firmware_tests::opaque::{message, number, opaque};

pub fn frames(frames: Frames<'_>) -> usize {
    let frames = opaque(frames);
    opaque(frames.payload_bytes());
    for frame in opaque(frames) {
        opaque(frame);
    }
    frames.frame_count()
}

fn level(queue: &mut impl Level) {
    opaque((queue.level_bytes(), queue.len(), queue.is_empty()));
    opaque(queue.is_readable());
    opaque((queue.capacity_bytes(), queue.largest_free_bytes()));
    if number() == 0 {
        queue.clear();
    }
}

fn buffer<const N: usize>() {
    let mut buffer = MessageBuffer::<N>::new();
    let buffer = black_box(&mut buffer);
    opaque(buffer.push(message()).is_ok());
    opaque(buffer.peek_with(frames));
    opaque(buffer.pop_with(frames));
    level(buffer);
    opaque(Queue::push(buffer, message()).is_ok());
    opaque(Queue::pop_with(buffer, frames));
    opaque(MessageBuffer::<N>::default().is_empty());
}

/// Calls them all, on rings of several sizes.
pub fn call() {
    buffer::<0>();
    buffer::<1>();
    buffer::<3>();
    buffer::<2048>();
    buffer::<100_000>();
}
