//! What a transport feeds in and a reader takes out, while nobody waits.

use core::hint::black_box;

use crate::messages::{bytes, see};
use crate::waker;
use tidegate_core::{PushError, TryReadError};

use super::{Calls, Small, stream};

const ROUNDS: u32 = 64;

/// Every message lies elsewhere in the ring than the one before.
fn sliding(calls: &mut impl Calls, stream: &Small) {
    let port = stream.port();
    let mut out = [0; 64];
    assert!(port.feed(&[bytes(20)]).is_ok());
    for _ in 0..ROUNDS {
        let message = [20, 0, 5].map(bytes);
        assert!(
            calls
                .call("feed", || port.feed(black_box(&message)))
                .is_ok()
        );
        let message = calls.call("try_peek", || stream.try_peek().ok()).unwrap();
        message.frames().for_each(see);
        calls.call("release", || message.release());
        let mut grant = calls.call("reserve", || port.reserve(25, 2)).unwrap();
        see(grant.frame(20).unwrap());
        see(grant.frame(5).unwrap());
        assert!(calls.call("commit", || grant.commit()).is_ok());
        calls.call("ReadGrant, dropped", || drop(stream.try_peek().ok()));
        assert!(calls.call("try_read", || stream.try_read(&mut out).is_ok()));
        let mut none = [0; 1];
        let too_small = calls.call("try_read, too small", || {
            stream.try_read(&mut none).is_err()
        });
        assert!(too_small);
    }
}

fn refusals(calls: &mut impl Calls, stream: &Small) {
    let port = stream.port();
    while stream.try_peek().map(|message| message.release()).is_ok() {}
    let empty = calls.call("try_peek, empty", || {
        matches!(stream.try_peek(), Err(TryReadError::Empty))
    });
    assert!(empty);
    let too_large = calls.call("reserve, too large", || {
        matches!(port.reserve(300, 1), Err(PushError::TooLarge(())))
    });
    assert!(too_large);
    let full = [bytes(254)];
    assert!(port.feed(&full).is_ok());
    port.register(&waker::counting());
    let refused = calls.call("reserve, full", || {
        matches!(port.reserve(10, 1), Err(PushError::Full(())))
    });
    assert!(refused && !port.interest().receive);
    let message = stream.try_peek().unwrap();
    let before = waker::wakes();
    calls.call("release, the driver wakes", || message.release());
    assert_eq!(waker::wakes(), before + 1);
}

fn orders(calls: &mut impl Calls, stream: &Small) {
    let port = stream.port();
    let reserve = || {
        let mut grant = port.reserve(20, 1).unwrap();
        see(grant.frame(20).unwrap());
        grant
    };
    let (first, second, third) = (reserve(), reserve(), reserve());
    let fourth = reserve();
    assert!(
        calls
            .call("commit, not the first", || second.commit())
            .is_ok()
    );
    calls.call("WriteGrant, dropped in the middle", || drop(third));
    assert!(fourth.commit().is_ok());
    // What it held up comes to the head.
    calls.call("WriteGrant, dropped at the head", || drop(first));
    let message = stream.try_peek().unwrap();
    calls.call("release, a gap behind it", || message.release());
    let fifth = reserve();
    calls.call("WriteGrant, dropped at the end", || drop(fifth));
    stream.try_peek().unwrap().release();
    let mut grant = reserve();
    grant.truncate(5);
    assert!(calls.call("commit, shortened", || grant.commit()).is_ok());
    let mut grant = reserve();
    let later = reserve();
    grant.truncate(5);
    let shortened = calls.call("commit, shortened in the middle", || grant.commit());
    assert!(shortened.is_ok());
    drop(later);
    stream.try_peek().unwrap().release();
    stream.try_peek().unwrap().release();
    assert_eq!(stream.read_buffer_bytes(), 0);
}

fn looks(calls: &mut impl Calls, stream: &Small) {
    let port = stream.port();
    black_box(calls.call("interest", || port.interest()));
    black_box(calls.call("phase", || port.phase()));
    let waker = waker::counting();
    calls.call("register", || port.register(&waker));
    assert!(
        calls
            .call("pause_reading", || stream.pause_reading())
            .is_ok()
    );
    assert!(
        calls
            .call("resume_reading", || stream.resume_reading())
            .is_ok()
    );
    black_box(calls.call("at_closing", || stream.at_closing()));
    black_box(calls.call("exception", || stream.exception()));
    black_box(calls.call("read_buffer_bytes", || stream.read_buffer_bytes()));
    black_box(calls.call("read_limits", || stream.read_limits()));
    let limits = black_box(stream.read_limits());
    calls.call("set_read_limits", || stream.set_read_limits(limits));
    calls.call("discard", || port.discard());
}

/// Makes them all.
pub fn make(calls: &mut impl Calls) {
    let stream = stream();
    sliding(calls, &stream);
    refusals(calls, &stream);
    orders(calls, &stream);
    looks(calls, &stream);
}
