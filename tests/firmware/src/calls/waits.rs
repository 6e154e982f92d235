//! Readers that wait, one or several.

use core::hint::black_box;
use core::task::Poll;

use crate::messages::{bytes, see};
use crate::waker;
use tidegate_core::{ReadError, Watermarks};

use super::{Calls, Small, poll, stream};

const ROUNDS: u32 = 64;

fn one(calls: &mut impl Calls, stream: &Small) {
    let port = stream.port();
    for _ in 0..ROUNDS {
        let mut peek = stream.peek();
        assert!(calls.poll("peek, pending", &mut peek).is_pending());
        assert!(calls.poll("peek, still pending", &mut peek).is_pending());
        let mut grant = port.reserve(20, 1).unwrap();
        see(grant.frame(20).unwrap());
        let before = waker::wakes();
        let committed = calls.call("commit, a reader waits", || grant.commit());
        assert!(committed.is_ok() && waker::wakes() == before + 1);
        let Poll::Ready(Ok(message)) = calls.poll("peek, woken", &mut peek) else {
            panic!("no message");
        };
        calls.call("release", || message.release());
        assert!(port.feed(&[bytes(5)]).is_ok());
        let ready = calls.poll("peek, ready at once", &mut stream.peek());
        assert!(matches!(ready, Poll::Ready(Ok(_))));
        drop(ready);
        let mut out = [0; 64];
        let ready = calls.poll("read, ready at once", &mut stream.read(&mut out));
        assert!(ready.is_ready());
        let mut peek = stream.peek();
        assert!(poll(&mut peek).is_pending());
        calls.call("Peek, dropped", || drop(peek));
    }
}

fn several(calls: &mut impl Calls, stream: &Small) {
    let port = stream.port();
    let mut peeks = [(); 8].map(|()| Some(stream.peek()));
    for peek in peeks.iter_mut().flatten() {
        assert!(calls.poll("peek, pending behind others", peek).is_pending());
    }
    let no_place = calls.poll("peek, no place", &mut stream.peek());
    assert!(matches!(
        no_place,
        Poll::Ready(Err(ReadError::TooManyWaiters))
    ));
    calls.call("Peek, dropped, not the first", || peeks[3] = None);
    let before = waker::wakes();
    let fed = calls.call("feed, several readers wait", || {
        port.feed(&[bytes(20)]).is_ok()
    });
    assert!(fed && waker::wakes() == before + 1);
    // It was woken: its turn goes to the next.
    calls.call("Peek, dropped, it was woken", || peeks[0] = None);
    assert_eq!(waker::wakes(), before + 2);
    let second = peeks[1].as_mut().unwrap();
    let Poll::Ready(Ok(message)) = calls.poll("peek, woken, others wait", second) else {
        panic!("no message");
    };
    calls.call("ReadGrant, dropped, others wait", || drop(message));
    assert_eq!(waker::wakes(), before + 3);
    let Poll::Ready(Ok(message)) = poll(peeks[2].as_mut().unwrap()) else {
        panic!("no message");
    };
    assert!(port.feed(&[bytes(20)]).is_ok());
    calls.call("release, others wait", || message.release());
    assert_eq!(waker::wakes(), before + 4);
}

/// A reader, and the driver, who wait for one release.
fn all_at_once(calls: &mut impl Calls, stream: &Small) {
    let port = stream.port();
    stream.set_read_limits(black_box(Watermarks::from_high(100)));
    assert!(port.feed(&[bytes(120)]).is_ok());
    let message = stream.try_peek().unwrap();
    assert!(port.feed(&[bytes(5)]).is_ok());
    assert!(port.reserve(200, 1).is_err() && !port.interest().receive);
    let (mut first, mut second) = (stream.peek(), stream.peek());
    assert!(poll(&mut first).is_pending() && poll(&mut second).is_pending());
    port.register(&waker::counting());
    let before = waker::wakes();
    calls.call("release, a reader and the driver wake", || {
        message.release()
    });
    assert_eq!(waker::wakes(), before + 2);
    assert!(port.interest().receive);
    // Behind what is there; the second reader comes to it.
    let before = waker::wakes();
    let Poll::Ready(Ok(message)) = poll(&mut first) else {
        panic!("no message");
    };
    message.release();
    calls.call("discard, a reader waits", || port.discard());
    assert_eq!(waker::wakes(), before + 1);
    let told = calls.poll("peek, messages were discarded", &mut second);
    assert!(matches!(
        told,
        Poll::Ready(Err(ReadError::Discarded { messages: 1 }))
    ));
}

fn limits(calls: &mut impl Calls, stream: &Small) {
    let port = stream.port();
    assert!(port.feed(&[bytes(120)]).is_ok() && !port.interest().receive);
    port.register(&waker::counting());
    let before = waker::wakes();
    calls.call("set_read_limits, the driver wakes", || {
        stream.set_read_limits(black_box(Watermarks::UNLIMITED));
    });
    assert_eq!(waker::wakes(), before + 1);
    assert!(stream.pause_reading().is_ok());
    port.register(&waker::counting());
    let resumed = calls.call("resume_reading, the driver wakes", || {
        stream.resume_reading()
    });
    assert!(resumed.is_ok() && waker::wakes() == before + 2);
}

/// Makes them all.
pub fn make(calls: &mut impl Calls) {
    one(calls, &stream());
    several(calls, &stream());
    let stream = stream();
    all_at_once(calls, &stream);
    limits(calls, &stream);
}
