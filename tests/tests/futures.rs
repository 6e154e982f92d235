//! The futures of a shared stream: what each gives back (B5), whom it tells (D2, F3), and what it is after the end (E3, E5),
//! with exact wakes.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use tidegate_core::{
    DrainError, EventRing, ReadError, ReadEventError, SendError, Stream, TryReadEventError,
    Watermarks,
};
use tidegate_tests::{Broken, Counter, Shared, poll};

type Watched = Stream<64, 64, 6, Broken, EventRing<u32, 4>>;

#[test]
fn b5_a_send_gives_its_message_back_when_it_is_refused() {
    let none: &[&[u8]] = &[];
    let (large, message): (&[&[u8]], &[&[u8]]) = (&[&[0; 63]], &[b"one"]);
    let stream = Shared::<64>::new();
    let at_once = |message| poll(&mut stream.send(message), &Counter::new());
    assert_eq!(at_once(none), Poll::Ready(Err(SendError::NoFrames(none))));
    assert_eq!(at_once(large), Poll::Ready(Err(SendError::TooLarge(large))));
    stream.set_write_limits(Watermarks::new(0, 0).unwrap());
    assert_eq!(at_once(message), Poll::Ready(Ok(())));
    let (counter, mut sends) = (Counter::new(), [0; 5].map(|_| stream.send(message)));
    for send in &mut sends[..4] {
        assert!(poll(send, &counter).is_pending());
    }
    let many = SendError::TooManyWaiters(message);
    assert_eq!(poll(&mut sends[4], &counter), Poll::Ready(Err(many)));
    assert_eq!(many.into_message(), message);
    stream.port().fail(Broken);
    assert_eq!(counter.take(), 4);
    let failed = Poll::Ready(Err(SendError::Failed(message, Broken)));
    assert_eq!(poll(&mut sends[0], &counter), failed);
    assert_eq!(at_once(message), failed);
    let closed = Shared::<64>::new();
    closed.close();
    let mut send = closed.send(message);
    assert_eq!(
        poll(&mut send, &counter),
        Poll::Ready(Err(SendError::Closed(message)))
    );
}

/// A task of a higher priority, which runs as soon as it is woken: it writes one more message.
struct Eager(&'static Shared<64>);

impl Wake for Eager {
    fn wake(self: Arc<Self>) {
        self.0.write(&[b"one more"]).unwrap();
    }
}

#[test]
fn d2_all_who_flush_are_told_even_if_the_first_to_be_woken_writes_at_once() {
    static STREAM: Shared<64> = Shared::new();
    STREAM.write(&[b"one"]).unwrap();
    let eager = Waker::from(Arc::new(Eager(&STREAM)));
    let (mut first, mut second, patient) = (STREAM.flush(), STREAM.flush(), Counter::new());
    let first = Pin::new(&mut first);
    assert!(first.poll(&mut Context::from_waker(&eager)).is_pending());
    assert!(poll(&mut second, &patient).is_pending());
    STREAM.port().sent();
    assert_eq!(STREAM.write_buffer_bytes(), 10);
    assert_eq!(patient.take(), 1);
    assert_eq!(poll(&mut second, &patient), Poll::Ready(Ok(())));
}

#[test]
fn e5_every_future_may_be_polled_on_after_it_was_ready() {
    let stream = Watched::new();
    let counter = Counter::new();
    stream.port().feed(&[b"one"]).unwrap();
    let mut out = [0; 8];
    let mut read = stream.read(&mut out);
    assert!(matches!(poll(&mut read, &counter), Poll::Ready(Ok(_))));
    // Its slice went with the message; and a send's message is gone.
    assert!(matches!(
        poll(&mut read, &counter),
        Poll::Ready(Err(ReadError::Closed))
    ));
    let mut send = stream.send(&[b"one"]);
    assert!(poll(&mut send, &counter).is_ready());
    assert_eq!(
        poll(&mut send, &counter),
        Poll::Ready(Err(SendError::Closed(&[][..])))
    );
    assert_eq!(stream.write_buffer_bytes(), 5);
    // The others begin anew.
    let (mut flush, mut drain, mut peek) = (stream.flush(), stream.drain(), stream.peek());
    assert!(poll(&mut drain, &counter).is_ready() && poll(&mut drain, &counter).is_ready());
    assert!(poll(&mut flush, &counter).is_pending());
    stream.port().sent();
    assert!(poll(&mut flush, &counter).is_ready() && poll(&mut flush, &counter).is_ready());
    stream.port().feed(&[b"two"]).unwrap();
    assert!(matches!(poll(&mut peek, &counter), Poll::Ready(Ok(_))));
    assert!(
        matches!(poll(&mut peek, &counter), Poll::Ready(Ok(lent)) if lent.frames().eq([b"two"]))
    );
}

#[test]
fn e5_every_call_on_a_stream_that_has_ended_is_defined() {
    let stream = Watched::new();
    let (port, counter) = (stream.port(), Counter::new());
    stream.abort();
    stream.close();
    port.fail(Broken);
    port.finish();
    port.discard();
    port.sent();
    port.feed_event(1);
    stream.set_event_backlog(0);
    stream.set_write_limits(Watermarks::new(0, 0).unwrap());
    assert_eq!(stream.exception(), None);
    assert!(stream.at_closing() && port.head().is_none());
    assert_eq!(
        stream
            .pause_reading()
            .and_then(|()| stream.resume_reading()),
        Ok(())
    );
    assert_eq!(poll(&mut stream.drain(), &counter), Poll::Ready(Ok(())));
    assert_eq!(poll(&mut stream.flush(), &counter), Poll::Ready(Ok(())));
    assert!(
        matches!(poll(&mut stream.closed(), &counter), Poll::Ready(Ok(lost)) if lost.is_nothing())
    );
    assert!(matches!(
        poll(&mut stream.peek(), &counter),
        Poll::Ready(Err(ReadError::Closed))
    ));
    let event = poll(&mut stream.read_event(), &counter);
    assert_eq!(event, Poll::Ready(Err(ReadEventError::Closed)));
}

#[test]
fn e3_every_future_learns_of_a_failure_and_of_the_first_one_only() {
    let stream = Stream::<64, 64, 6, u8, EventRing<u32, 4>>::new();
    stream.set_monitoring(true);
    stream.set_write_limits(Watermarks::new(0, 0).unwrap());
    let message: &[&[u8]] = &[b"one"];
    stream.write(message).unwrap();
    let counters: [Arc<Counter>; 6] = std::array::from_fn(|_| Counter::new());
    let (mut peek, mut event, mut send) =
        (stream.peek(), stream.read_event(), stream.send(message));
    let (mut drain, mut flush, mut closed) = (stream.drain(), stream.flush(), stream.closed());
    assert!(poll(&mut peek, &counters[0]).is_pending());
    assert!(poll(&mut event, &counters[1]).is_pending());
    assert!(poll(&mut send, &counters[2]).is_pending());
    assert!(poll(&mut drain, &counters[3]).is_pending());
    assert!(poll(&mut flush, &counters[4]).is_pending());
    assert!(poll(&mut closed, &counters[5]).is_pending());
    stream.port().fail(7);
    stream.port().fail(8);
    assert_eq!(counters.each_ref().map(|counter| counter.take()), [1; 6]);
    assert_eq!(stream.exception(), Some(7));
    assert!(matches!(
        poll(&mut peek, &counters[0]),
        Poll::Ready(Err(ReadError::Failed(7)))
    ));
    assert_eq!(
        poll(&mut event, &counters[1]),
        Poll::Ready(Err(ReadEventError::Failed(7)))
    );
    assert_eq!(
        poll(&mut send, &counters[2]),
        Poll::Ready(Err(SendError::Failed(message, 7)))
    );
    assert_eq!(
        poll(&mut drain, &counters[3]),
        Poll::Ready(Err(DrainError::Failed(7)))
    );
    assert_eq!(
        poll(&mut flush, &counters[4]),
        Poll::Ready(Err(DrainError::Failed(7)))
    );
    assert!(matches!(poll(&mut closed, &counters[5]), Poll::Ready(Ok(lost)) if lost.messages == 1));
    let late = TryReadEventError::Read(ReadEventError::Failed(7));
    assert_eq!(stream.try_read_event(), Err(late));
}

#[test]
fn f3_a_read_of_events_ends_when_they_are_no_longer_wanted() {
    let stream = Watched::new();
    let reader = Counter::new();
    stream.port().feed_event(1);
    stream.set_monitoring(true);
    let mut event = stream.read_event();
    assert!(poll(&mut event, &reader).is_pending());
    stream.port().feed_event(2);
    assert_eq!(reader.take(), 1);
    assert_eq!(poll(&mut event, &reader), Poll::Ready(Ok((2, 0))));
    assert!(poll(&mut event, &reader).is_pending());
    stream.set_event_backlog(0);
    stream.port().feed_event(3);
    stream.set_event_backlog(4);
    assert_eq!(reader.take(), 0);
    assert_eq!(stream.try_read_event(), Err(TryReadEventError::Empty));
    stream.set_monitoring(false);
    assert_eq!(reader.take(), 1);
    assert_eq!(
        poll(&mut event, &reader),
        Poll::Ready(Err(ReadEventError::NotMonitoring))
    );
}

/// A task of a higher priority, which runs as soon as it is woken: it ends the stream.
struct Ends(&'static Shared<64>, Option<Broken>);

impl Wake for Ends {
    fn wake(self: Arc<Self>) {
        match self.1 {
            Some(error) => self.0.port().fail(error),
            None => self.0.close(),
        }
    }
}

#[test]
fn d4_a_send_whose_stream_ends_while_it_writes_gives_its_message_back() {
    static FAILS: Shared<64> = Shared::new();
    static CLOSES: Shared<64> = Shared::new();
    let message: &[&[u8]] = &[b"one"];
    for (stream, end, error) in [
        (&FAILS, Some(Broken), SendError::Failed(message, Broken)),
        (&CLOSES, None, SendError::Closed(message)),
    ] {
        let full: &[&[u8]] = &[&[0; 60]];
        stream.write(full).unwrap();
        let (mut first, mut second) = (stream.send(message), stream.send(message));
        let counter = Counter::new();
        assert!(poll(&mut first, &counter).is_pending());
        // It is woken by the first, which has reserved its room and not yet written there.
        let ends = Waker::from(Arc::new(Ends(stream, end)));
        let second = Pin::new(&mut second);
        assert!(second.poll(&mut Context::from_waker(&ends)).is_pending());
        stream.port().sent();
        assert_eq!(counter.take(), 1);
        assert_eq!(poll(&mut first, &counter), Poll::Ready(Err(error)));
        assert_eq!(stream.write_buffer_bytes(), 0);
    }
}
