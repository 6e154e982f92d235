//! Where the frames of a message lie that has more than one: buffers that are used again, so that none is allocated for each message.

use std::cell::RefCell;

use crate::socket::Frame;

/// So many frames have room in a new buffer: a message with an envelope, and some.
const FRAMES: usize = 4;
/// A buffer with room for more frames than this is not kept.
const FRAMES_MOST: usize = 16;
/// So many buffers are kept by each thread: 64 KiB at the most.
const BUFFERS: usize = 64;

thread_local! {
    static BUFFERS_LEFT: RefCell<Vec<Vec<Frame>>> = const { RefCell::new(Vec::new()) };
}

/// A buffer without frames, with room for some.
pub(crate) fn take() -> Vec<Frame> {
    let new = || Vec::with_capacity(FRAMES);
    // Nothing else has it borrowed: a buffer that is kept holds no frames, whose drop could come here.
    BUFFERS_LEFT
        .try_with(|buffers| buffers.borrow_mut().pop().unwrap_or_else(new))
        .unwrap_or_else(|_| new())
}

/// Lets go of a buffer.
pub(crate) fn give_back(mut buffer: Vec<Frame>) {
    buffer.clear();
    if buffer.capacity() > FRAMES_MOST {
        return;
    }
    // A thread that ends keeps none.
    let _ = BUFFERS_LEFT.try_with(|buffers| {
        let mut buffers = buffers.borrow_mut();
        if buffers.len() < BUFFERS {
            buffers.push(buffer);
        }
    });
}
