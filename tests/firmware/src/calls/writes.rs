//! What a writer puts in and a transport takes out, and those who wait for that.

use core::hint::black_box;
use core::task::Poll;

use crate::messages::{bytes, see};
use crate::waker;
use tidegate_core::{Port as _, Watermarks, WriteError};

use super::{Calls, Small, poll, stream};

const ROUNDS: u32 = 64;

fn sliding(calls: &mut impl Calls, stream: &Small) {
    let mut port = stream.port();
    let mut out = [0; 64];
    for _ in 0..ROUNDS {
        let message = [20, 0, 5].map(bytes);
        port.register(&waker::counting());
        let before = waker::wakes();
        let written = calls.call("write, the driver wakes", || {
            stream.write(black_box(&message))
        });
        assert!(written.is_ok() && waker::wakes() == before + 1);
        assert!(calls.call("write", || stream.write(&message)).is_ok());
        let mut grant = calls
            .call("reserve, to be sent", || stream.reserve(20, 1))
            .unwrap();
        see(grant.frame(20).unwrap());
        assert!(calls.call("commit, to be sent", || grant.commit()).is_ok());
        let grant = stream.reserve(20, 1).unwrap();
        calls.call("WriteGrant, dropped, to be sent", || drop(grant));
        let head = calls.call("head", || port.head()).unwrap();
        head.frames().for_each(see);
        calls.call("head, dropped", || drop(head));
        let head = port.head().unwrap();
        calls.call("release, sent", || head.release());
        assert!(calls.call("copy_head", || port.copy_head(&mut out).is_ok()));
        calls.call("sent", || port.sent());
        calls.call("refused", || port.refused(()));
        assert!(calls.call("head, none", || port.head()).is_none());
    }
    black_box(calls.call("refused_messages", || stream.refused_messages()));
    black_box(calls.call("write_buffer_bytes", || stream.write_buffer_bytes()));
    black_box(calls.call("write_limits", || stream.write_limits()));
}

fn ready_at_once(calls: &mut impl Calls, stream: &Small) {
    let message = [bytes(20)];
    let mut send = stream.send(&message);
    assert!(calls.poll("send, ready at once", &mut send).is_ready());
    let too_large = [bytes(255)];
    let mut send = stream.send(&too_large);
    assert!(calls.poll("send, too large", &mut send).is_ready());
    assert!(
        calls
            .poll("drain, ready at once", &mut stream.drain())
            .is_ready()
    );
    stream.port().sent();
    assert!(
        calls
            .poll("flush, ready at once", &mut stream.flush())
            .is_ready()
    );
}

/// The gate shuts, and all who wait wait for it.
fn gate(calls: &mut impl Calls, stream: &Small) {
    let port = stream.port();
    let message = [bytes(20)];
    stream.set_write_limits(black_box(Watermarks::from_high(20)));
    assert!(stream.write(&message).is_ok());
    let (mut send, mut next) = (stream.send(&message), stream.send(&message));
    let (mut drain, mut flush) = (stream.drain(), stream.flush());
    assert!(calls.poll("send, pending", &mut send).is_pending());
    assert!(
        calls
            .poll("send, pending behind others", &mut next)
            .is_pending()
    );
    assert!(calls.poll("drain, pending", &mut drain).is_pending());
    assert!(calls.poll("flush, pending", &mut flush).is_pending());
    let head = port.head().unwrap();
    let before = waker::wakes();
    calls.call("release, a sender, a drain and a flush wake", || {
        head.release();
    });
    assert_eq!(waker::wakes(), before + 3);
    assert!(calls.poll("drain, woken", &mut drain).is_ready());
    assert!(calls.poll("flush, woken", &mut flush).is_ready());
    assert!(calls.poll("send, woken, others wait", &mut send).is_ready());
    calls.call("Send, dropped", || drop(next));
    let mut drain = stream.drain();
    assert!(poll(&mut drain).is_pending());
    let before = waker::wakes();
    calls.call("set_write_limits, a drain wakes", || {
        stream.set_write_limits(black_box(Watermarks::UNLIMITED));
    });
    assert_eq!(waker::wakes(), before + 1);
    calls.call("set_write_limits", || {
        stream.set_write_limits(black_box(Watermarks::UNLIMITED));
    });
    calls.call("Drain, dropped", || drop(drain));
    port.sent();
}

/// The gate is open, and a large message waits for room.
fn room(calls: &mut impl Calls, stream: &Small) {
    let port = stream.port();
    let large = [bytes(200)];
    let small = [bytes(40)];
    for _ in 0..ROUNDS {
        assert!(stream.write(&small).is_ok() && stream.write(&small).is_ok());
        let mut send = stream.send(&large);
        let pending = calls.poll("send, pending for room", &mut send);
        assert!(pending.is_pending());
        let full = calls.call("write, somebody waits for room", || {
            matches!(stream.write(&small), Err(WriteError::Full(_)))
        });
        assert!(full);
        // Room, but not enough.
        let head = port.head().unwrap();
        calls.call("release, a sender sleeps on", || head.release());
        let head = port.head().unwrap();
        let before = waker::wakes();
        calls.call("release, a sender wakes", || head.release());
        assert_eq!(waker::wakes(), before + 1);
        assert!(calls.poll("send, woken", &mut send).is_ready());
        port.sent();
    }
    // Room that somebody gives up.
    let grant = stream.reserve(100, 1).unwrap();
    let mut send = stream.send(&large);
    assert!(poll(&mut send).is_pending());
    let before = waker::wakes();
    calls.call("WriteGrant, dropped, a sender wakes", || drop(grant));
    assert_eq!(waker::wakes(), before + 1);
    calls.call("Send, dropped, it was woken", || drop(send));
    let mut grant = stream.reserve(100, 1).unwrap();
    see(grant.frame(10).unwrap());
    let mut send = stream.send(&large);
    assert!(poll(&mut send).is_pending());
    let committed = calls.call("commit, shortened, a sender wakes", || grant.commit());
    assert!(committed.is_ok() && waker::wakes() == before + 2);
    assert!(matches!(poll(&mut send), Poll::Ready(Ok(()))));
}

/// Makes them all.
pub fn make(calls: &mut impl Calls) {
    let stream = stream();
    sliding(calls, &stream);
    ready_at_once(calls, &stream);
    gate(calls, &stream);
    room(calls, &stream);
}
