//! The packed buffer and the frames that it shows.

use core::hint::black_box;

use tidegate_core::{Frames, MessageBuffer, Queue};

use tidegate_firmware_tests::opaque::{message, number, opaque};

fn frames(frames: Frames<'_>) -> usize {
    let frames = opaque(frames);
    opaque(frames.payload_bytes());
    for frame in opaque(frames) {
        opaque(frame);
    }
    frames.frame_count()
}

fn buffer<const N: usize>() {
    let mut buffer = MessageBuffer::<N>::new();
    let buffer = black_box(&mut buffer);
    opaque(buffer.push(message()).is_ok());
    opaque(buffer.peek_with(frames));
    opaque(buffer.capacity_bytes());
    opaque(buffer.largest_free_bytes());
    opaque((buffer.level_bytes(), buffer.len(), buffer.is_empty()));
    opaque(buffer.pop_with(frames));
    if number() == 0 {
        buffer.clear();
    }
    opaque(Queue::push(buffer, message()).is_ok());
    opaque(Queue::pop_with(buffer, frames));
    opaque(MessageBuffer::<N>::default().is_empty());
}

/// Calls them all, on rings of several sizes.
pub fn call() {
    buffer::<0>();
    buffer::<3>();
    buffer::<2048>();
}
