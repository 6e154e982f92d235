//! The end of a stream for which all kinds of waiters wait.

use core::convert::Infallible;
use core::hint::black_box;

use crate::messages::{bytes, see};
use crate::waker;
use tidegate_core::{EventRing, Stream, Watermarks};

use super::{Calls, Event, Small, poll, stream};

/// Eight waiters of six kinds and a driver; then the stream ends, and each looks.
fn all_wait(
    calls: &mut impl Calls,
    name: &'static str,
    prepare: impl FnOnce(&Small),
    end: impl FnOnce(&Small),
    wakes: u32,
) {
    let stream = stream();
    let message = [bytes(20)];
    let large = [bytes(250)];
    let mut late = stream.port().reserve(20, 1).unwrap();
    see(late.frame(20).unwrap());
    let late_write = stream.reserve(20, 1).unwrap();
    stream.set_write_limits(black_box(Watermarks::from_high(10)));
    stream.set_monitoring(true);
    assert!(stream.write(&message).is_ok());
    prepare(&stream);
    let (mut peek, mut behind) = (stream.peek(), stream.peek());
    let (mut send, mut drain, mut flush) = (stream.send(&large), stream.drain(), stream.flush());
    let (mut closed, mut behind_closed) = (stream.closed(), stream.closed());
    let mut event = stream.read_event();
    let _ = (poll(&mut peek), poll(&mut behind));
    let is_sending = poll(&mut send).is_pending();
    let _ = (poll(&mut drain), poll(&mut flush), poll(&mut event));
    let _ = (poll(&mut closed), poll(&mut behind_closed));
    stream.port().register(&waker::counting());
    let before = waker::wakes();
    calls.call(name, || end(&stream));
    assert_eq!(waker::wakes() - before, wakes, "{name}");
    let _ = calls.poll("peek, the end", &mut peek);
    if is_sending {
        assert!(calls.poll("send, the end", &mut send).is_ready());
    }
    let _ = calls.poll("drain, the end", &mut drain);
    let _ = calls.poll("flush, the end", &mut flush);
    let _ = calls.poll("read_event, the end", &mut event);
    let _ = calls.poll("closed, the end", &mut closed);
    calls.call("Closed, dropped", || drop(behind_closed));
    assert!(calls.call("commit, the end", || late.commit()).is_err());
    calls.call("WriteGrant, dropped, the end", || drop(late_write));
    assert!(calls.call("try_peek, the end", || stream.try_peek().is_err()));
    let refused = calls.call("write, the end", || stream.write(&message).is_err());
    assert!(refused);
}

/// A transport that can fail.
fn fails(calls: &mut impl Calls) {
    let stream: Stream<256, 256, 8, u8, EventRing<Event, 8>> = black_box(Stream::new());
    let mut peeks = [(); 4].map(|()| stream.peek());
    let mut closed = [(); 4].map(|()| stream.closed());
    for (peek, closed) in peeks.iter_mut().zip(&mut closed) {
        assert!(poll(peek).is_pending() && poll(closed).is_pending());
    }
    stream.port().register(&waker::counting());
    let before = waker::wakes();
    calls.call("fail", || stream.port().fail(black_box(1)));
    assert_eq!(waker::wakes() - before, 9);
    let [peek, ..] = &mut peeks;
    assert!(calls.poll("peek, a failure", peek).is_ready());
    let failure = calls.call("exception, a failure", || stream.exception());
    assert_eq!(failure, Some(1));
}

fn closed(calls: &mut impl Calls) {
    let stream: Stream<0, 0, 2, Infallible> = black_box(Stream::new());
    let mut closed = stream.closed();
    assert!(calls.poll("closed, pending", &mut closed).is_pending());
    assert!(!calls.call("at_closing", || stream.at_closing()));
}

/// Makes them all.
pub fn make(calls: &mut impl Calls) {
    // Two readers, the sender, the one for events, and the driver.
    all_wait(calls, "close", |_| (), |stream| stream.close(), 5);
    // All eight, and the driver.
    all_wait(calls, "abort", |_| (), |stream| stream.abort(), 9);
    // Those who wait although the stream is closing: for the drain, the flush, two for the end, and the driver.
    let finish = |stream: &Small| stream.port().finish();
    all_wait(calls, "finish", Small::close, finish, 5);
    fails(calls);
    closed(calls);
}
