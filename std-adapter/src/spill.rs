//! Where the frames of a message lie that has more than one: buffers that are used again, so that none is allocated for each message. A
//! thread that drops more messages than it makes hands buffers to those that make more.

use std::cell::RefCell;
use std::sync::Mutex;

use crate::socket::Frame;

/// So many frames have room in a new buffer: a message with an envelope, and some.
const FRAMES: usize = 4;
/// A buffer with room for more frames than this is not kept.
const FRAMES_MOST: usize = 16;
/// So many buffers are kept by each thread: 64 KiB at the most.
const BUFFERS: usize = 64;
/// So many at once are handed from thread to thread.
const HANDED: usize = 32;
/// So many are kept for other threads: 256 KiB at the most.
const SHARED: usize = 256;

thread_local! {
    static OWN: RefCell<Vec<Vec<Frame>>> = const { RefCell::new(Vec::new()) };
}

/// Never waited for: where another thread has it, or had it when the process was forked, a buffer is allocated, or freed.
static OF_ALL: Mutex<Vec<Vec<Frame>>> = Mutex::new(Vec::new());

/// A buffer without frames, with room for some.
pub(crate) fn take() -> Vec<Frame> {
    // Nothing else has them borrowed: a buffer that is kept holds no frames, whose drop could come here.
    let kept = OWN.try_with(|own| {
        let mut own = own.borrow_mut();
        if own.is_empty()
            && let Ok(mut all) = OF_ALL.try_lock()
        {
            let left = all.len().saturating_sub(HANDED);
            own.extend(all.drain(left..));
        }
        own.pop()
    });
    let kept = kept.ok().flatten();
    kept.unwrap_or_else(|| Vec::with_capacity(FRAMES))
}

/// Lets go of a buffer.
pub(crate) fn give_back(mut buffer: Vec<Frame>) {
    buffer.clear();
    if buffer.capacity() > FRAMES_MOST {
        return;
    }
    // A thread that ends keeps none.
    let _ = OWN.try_with(|own| {
        let mut own = own.borrow_mut();
        if own.len() >= BUFFERS
            && let Ok(mut all) = OF_ALL.try_lock()
            && all.len() < SHARED
        {
            all.extend(own.drain(HANDED..));
        }
        if own.len() < BUFFERS {
            own.push(buffer);
        }
    });
}
