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
    let kept = OWN.try_with(|own| take_of(&mut own.borrow_mut(), &OF_ALL));
    let kept = kept.ok().flatten();
    kept.unwrap_or_else(|| Vec::with_capacity(FRAMES))
}

/// Lets go of a buffer.
pub(crate) fn give_back(mut buffer: Vec<Frame>) {
    buffer.clear();
    // A thread that ends keeps none.
    let _ = OWN.try_with(|own| keep(&mut own.borrow_mut(), &OF_ALL, buffer));
}

#[inline]
fn take_of(own: &mut Vec<Vec<Frame>>, of_all: &Mutex<Vec<Vec<Frame>>>) -> Option<Vec<Frame>> {
    if own.is_empty()
        && let Ok(mut all) = of_all.try_lock()
    {
        let left = all.len().saturating_sub(HANDED);
        own.extend(all.drain(left..));
    }
    own.pop()
}

#[inline]
fn keep(own: &mut Vec<Vec<Frame>>, of_all: &Mutex<Vec<Vec<Frame>>>, buffer: Vec<Frame>) {
    if buffer.capacity() > FRAMES_MOST {
        return;
    }
    if own.len() >= BUFFERS
        && let Ok(mut all) = of_all.try_lock()
        && all.len() < SHARED
    {
        all.extend(own.drain(HANDED..));
    }
    if own.len() < BUFFERS {
        own.push(buffer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_buffers_are_kept_than_the_thread_and_all_others_may_have_and_no_long_ones() {
        let (mut own, of_all) = (Vec::new(), Mutex::new(Vec::new()));
        keep(&mut own, &of_all, Vec::with_capacity(FRAMES_MOST + 1));
        assert!(own.is_empty());
        for given in 1..=1_000 {
            keep(&mut own, &of_all, Vec::with_capacity(FRAMES_MOST));
            let all = of_all.lock().unwrap().len();
            assert_eq!(own.len() + all, given.min(BUFFERS + SHARED));
            assert!(own.len() <= BUFFERS && all <= SHARED);
        }
        // Another thread takes them, some at once.
        let mut others = Vec::new();
        for taken in 1..=SHARED {
            assert!(take_of(&mut others, &of_all).is_some());
            let all = of_all.lock().unwrap().len();
            assert_eq!(others.len() + all, SHARED - taken);
            assert!(others.len() < HANDED);
        }
        assert!(take_of(&mut others, &of_all).is_none());
        // Where somebody else has those of all, each thread does with its own.
        let _locked = of_all.lock().unwrap();
        assert!(take_of(&mut others, &of_all).is_none());
        keep(&mut own, &of_all, Vec::with_capacity(FRAMES));
        assert_eq!(own.len(), BUFFERS);
    }
}
