//! What a transport feeds in and a reader takes out, while nobody waits.

use core::hint::black_box;

use tidegate_core::{PushError, TryReadError};
use tidegate_firmware_tests::messages::{bytes, see};
use tidegate_firmware_tests::waker;

use crate::calls::{Calls, Small, stream};

const ROUNDS: u32 = 64;

/// Every message lies elsewhere in the ring than the one before.
fn sliding(calls: &mut Calls, stream: &Small) {
    let port = stream.port();
    let mut out = [0; 64];
    assert!(port.feed(&[bytes(20)]).is_ok());
    for _ in 0..ROUNDS {
        let message = [20, 0, 5].map(bytes);
        assert!(
            calls
                .time("feed", || port.feed(black_box(&message)))
                .is_ok()
        );
        let message = calls.time("try_peek", || stream.try_peek().ok()).unwrap();
        message.frames().for_each(see);
        calls.time("release", || message.release());
        let mut grant = calls.time("reserve", || port.reserve(25, 2)).unwrap();
        see(grant.frame(20).unwrap());
        see(grant.frame(5).unwrap());
        assert!(calls.time("commit", || grant.commit()).is_ok());
        calls.time("ReadGrant, dropped", || drop(stream.try_peek().ok()));
        assert!(calls.time("try_read", || stream.try_read(&mut out).is_ok()));
        let mut none = [0; 1];
        let too_small = calls.time("try_read, too small", || {
            stream.try_read(&mut none).is_err()
        });
        assert!(too_small);
    }
}

fn refusals(calls: &mut Calls, stream: &Small) {
    let port = stream.port();
    while stream.try_peek().map(|message| message.release()).is_ok() {}
    let empty = calls.time("try_peek, empty", || {
        matches!(stream.try_peek(), Err(TryReadError::Empty))
    });
    assert!(empty);
    let too_large = calls.time("reserve, too large", || {
        matches!(port.reserve(300, 1), Err(PushError::TooLarge(())))
    });
    assert!(too_large);
    let full = [bytes(254)];
    assert!(port.feed(&full).is_ok());
    port.register(&waker::counting());
    let refused = calls.time("reserve, full", || {
        matches!(port.reserve(10, 1), Err(PushError::Full(())))
    });
    assert!(refused && !port.interest().receive);
    let message = stream.try_peek().unwrap();
    let before = waker::wakes();
    calls.time("release, the driver wakes", || message.release());
    assert_eq!(waker::wakes(), before + 1);
}

fn orders(calls: &mut Calls, stream: &Small) {
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
            .time("commit, not the first", || second.commit())
            .is_ok()
    );
    calls.time("WriteGrant, dropped in the middle", || drop(third));
    assert!(fourth.commit().is_ok());
    // What it held up comes to the head.
    calls.time("WriteGrant, dropped at the head", || drop(first));
    let message = stream.try_peek().unwrap();
    calls.time("release, a gap behind it", || message.release());
    let fifth = reserve();
    calls.time("WriteGrant, dropped at the end", || drop(fifth));
    stream.try_peek().unwrap().release();
    let mut grant = reserve();
    grant.truncate(5);
    assert!(calls.time("commit, shortened", || grant.commit()).is_ok());
    let mut grant = reserve();
    let later = reserve();
    grant.truncate(5);
    let shortened = calls.time("commit, shortened in the middle", || grant.commit());
    assert!(shortened.is_ok());
    drop(later);
    stream.try_peek().unwrap().release();
    stream.try_peek().unwrap().release();
    assert_eq!(stream.read_buffer_bytes(), 0);
}

fn looks(calls: &mut Calls, stream: &Small) {
    let port = stream.port();
    black_box(calls.time("interest", || port.interest()));
    black_box(calls.time("phase", || port.phase()));
    let waker = waker::counting();
    calls.time("register", || port.register(&waker));
    assert!(
        calls
            .time("pause_reading", || stream.pause_reading())
            .is_ok()
    );
    assert!(
        calls
            .time("resume_reading", || stream.resume_reading())
            .is_ok()
    );
    black_box(calls.time("at_closing", || stream.at_closing()));
    black_box(calls.time("exception", || stream.exception()));
    black_box(calls.time("read_buffer_bytes", || stream.read_buffer_bytes()));
    black_box(calls.time("read_limits", || stream.read_limits()));
    let limits = black_box(stream.read_limits());
    calls.time("set_read_limits", || stream.set_read_limits(limits));
    calls.time("discard", || port.discard());
}

/// Times them all.
pub fn time(calls: &mut Calls) {
    let stream = stream();
    sliding(calls, &stream);
    refusals(calls, &stream);
    orders(calls, &stream);
    looks(calls, &stream);
}
