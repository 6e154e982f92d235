//! Messages that are looked at where they lie, on either side of a shared stream: H3, and what the other rows say of
//! that, with exact wakes.

use std::mem;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake};

use tidegate_core::{DrainError, Lost, Port, ReadError, TryReadError, Watermarks};
use tidegate_tests::{Broken, Counter, Incoming, Lent, Message, Outgoing, Shared, Side, poll};

fn one(frame: impl AsRef<[u8]>) -> Option<Message> {
    Some(vec![frame.as_ref().to_vec()])
}

#[test]
fn h3_a_message_that_is_looked_at_stays_until_it_is_released_and_is_lent_to_one_at_a_time() {
    fn check<'s, const R: bool>(side: impl Side<'s, 64, R>) {
        assert!(side.look().is_none());
        side.put(&[b"one", b""]).unwrap();
        side.put(&[b"two"]).unwrap();
        let lent = side.look().unwrap();
        assert!(lent.frames().eq([&b"one"[..], b""]));
        assert!(side.look().is_none());
        drop(lent);
        assert_eq!(side.level(), 7 + 5);
        // Its bytes are not given to others while somebody looks at them.
        let lent = side.look().unwrap();
        while side.put(&[b"filler"]).is_ok() {}
        assert!(lent.frames().eq([&b"one"[..], b""]));
        lent.release();
        assert_eq!(side.take(), one("two"));
        while let Some(message) = side.take() {
            assert_eq!(message, [b"filler"]);
        }
        assert_eq!(side.put(&[&[1; 62]]), Ok(()));
    }
    let stream = Shared::new();
    check(Incoming(&stream));
    check(Outgoing(&stream));
}

#[test]
fn h3_a_reader_who_waits_is_woken_when_the_one_before_puts_back_or_releases() {
    let stream = Shared::<64>::new();
    let readers = [Counter::new(), Counter::new()];
    let woken = || readers.each_ref().map(|reader| reader.take());
    Incoming(&stream).put(&[b"one"]).unwrap();
    let lent = stream.try_peek().unwrap();
    let (mut first, mut second) = (stream.peek(), stream.peek());
    assert!(poll(&mut first, &readers[0]).is_pending());
    assert!(poll(&mut second, &readers[1]).is_pending());
    assert_eq!(stream.try_peek().map(drop), Err(TryReadError::Empty));
    Incoming(&stream).put(&[b"two"]).unwrap();
    assert_eq!(woken(), [0, 0]);
    drop(lent);
    assert_eq!(woken(), [1, 0]);
    // It is the first one's now, and nobody overtakes it who does not wait.
    assert_eq!(stream.try_peek().map(drop), Err(TryReadError::Empty));
    let Poll::Ready(Ok(lent)) = poll(&mut first, &readers[0]) else {
        panic!("it was put back");
    };
    assert!(lent.frames().eq([b"one"]));
    assert_eq!(woken(), [0, 0]);
    lent.release();
    assert_eq!(woken(), [0, 1]);
    let Poll::Ready(Ok(lent)) = poll(&mut second, &readers[1]) else {
        panic!("the first was released");
    };
    assert!(lent.frames().eq([b"two"]));
    // Nobody waits any more, and nothing is left.
    lent.release();
    assert_eq!(woken(), [0, 0]);
    assert!(poll(&mut second, &readers[1]).is_pending());
}

#[test]
fn c1_a_slice_that_is_too_small_puts_back_and_the_next_reader_is_woken() {
    let stream = Shared::<64>::new();
    let readers = [Counter::new(), Counter::new()];
    let (mut small, mut large) = ([0; 3], [0; 16]);
    let (mut first, mut second) = (stream.read(&mut small), stream.read(&mut large));
    assert!(poll(&mut first, &readers[0]).is_pending());
    assert!(poll(&mut second, &readers[1]).is_pending());
    Incoming(&stream).put(&[b"four"]).unwrap();
    let too_small = ReadError::TooSmall { needed_bytes: 6 };
    assert!(matches!(poll(&mut first, &readers[0]), Poll::Ready(Err(e)) if e == too_small));
    assert_eq!((readers[0].take(), readers[1].take()), (1, 1));
    assert!(poll(&mut second, &readers[1]).is_ready());
    assert_eq!(stream.read_buffer_bytes(), 0);
    // The first still has its slice, and may ask again.
    assert!(poll(&mut first, &readers[0]).is_pending());
}

#[test]
fn c2_a_peek_that_is_dropped_takes_no_message_and_passes_its_turn_on() {
    let stream = Shared::<64>::new();
    let readers = [Counter::new(), Counter::new()];
    let (mut first, mut second) = (stream.peek(), stream.peek());
    assert!(poll(&mut first, &readers[0]).is_pending());
    assert!(poll(&mut second, &readers[1]).is_pending());
    Incoming(&stream).put(&[b"one"]).unwrap();
    drop(first);
    assert_eq!((readers[0].take(), readers[1].take()), (1, 1));
    assert!(matches!(poll(&mut second, &readers[1]), Poll::Ready(Ok(_))));
    assert_eq!(Incoming(&stream).take(), one("one"));
}

#[test]
fn h3_a_forgotten_look_holds_up_what_comes_after_it_and_corrupts_nothing() {
    fn check<'s, const R: bool>(side: impl Side<'s, 64, R>) {
        side.put(&[b"one"]).unwrap();
        mem::forget(side.look().unwrap());
        side.put(&[b"two"]).unwrap();
        while side.put(&[b"filler"]).is_ok() {}
        assert!(side.look().is_none());
    }
    let stream = Shared::new();
    check(Incoming(&stream));
    check(Outgoing(&stream));
    assert!(!stream.port().interest().send);
    stream.abort();
    assert!(
        stream
            .try_peek()
            .is_err_and(|e| e == TryReadError::Read(ReadError::Closed))
    );
    let mut closed = stream.closed();
    let Poll::Ready(Ok(lost)) = poll(&mut closed, &Counter::new()) else {
        panic!("it has ended");
    };
    assert_eq!(lost.bytes, 5 + 5 + 6 * 8);
}

#[test]
fn c4_the_last_message_may_be_looked_at_while_the_stream_closes() {
    let stream = Shared::<64>::new();
    let readers = [Counter::new(), Counter::new()];
    Incoming(&stream).put(&[b"last"]).unwrap();
    let lent = stream.try_peek().unwrap();
    let (mut first, mut second) = (stream.peek(), stream.peek());
    assert!(poll(&mut first, &readers[0]).is_pending());
    assert!(poll(&mut second, &readers[1]).is_pending());
    stream.close();
    // It may yet be put back: nobody knows that it was the last.
    assert!(!stream.at_closing());
    assert_eq!((readers[0].take(), readers[1].take()), (0, 0));
    lent.release();
    assert!(stream.at_closing());
    assert_eq!((readers[0].take(), readers[1].take()), (1, 1));
    assert!(matches!(
        poll(&mut second, &readers[1]),
        Poll::Ready(Err(ReadError::Closed))
    ));
    assert!(matches!(
        poll(&mut first, &readers[0]),
        Poll::Ready(Err(ReadError::Closed))
    ));
}

#[test]
fn e2_what_is_looked_at_stays_as_it_is_when_the_stream_is_aborted() {
    let stream = Shared::<64>::new();
    let (received, to_send) = (Incoming(&stream), Outgoing(&stream));
    received.put(&[b"in"]).unwrap();
    to_send.put(&[b"out"]).unwrap();
    to_send.put(&[b"behind"]).unwrap();
    let (read, head) = (received.look().unwrap(), to_send.look().unwrap());
    let flusher = Counter::new();
    let mut flush = stream.flush();
    assert!(poll(&mut flush, &flusher).is_pending());
    stream.abort();
    assert_eq!(flusher.take(), 1);
    let lost = Lost {
        messages: 2,
        bytes: 13,
    };
    assert_eq!(
        poll(&mut flush, &flusher),
        Poll::Ready(Err(DrainError::Dropped(lost)))
    );
    assert!(read.frames().eq([b"in"]) && head.frames().eq([b"out"]));
    head.release();
    drop(read);
    assert!(received.look().is_none() && to_send.look().is_none());
    assert_eq!((received.level(), to_send.level()), (0, 0));
}

/// A waker that takes a head out, as whoever was sending it does when it is done.
struct Releases(Mutex<Option<Lent<'static, 64, false>>>);

impl Wake for Releases {
    fn wake(self: Arc<Self>) {
        let head = self.0.lock().unwrap().take();
        head.unwrap().release();
    }
}

/// What a flush says of two messages, when the first is lent and is released while others are still being told of the end.
fn flushed_when_ended_by(end: fn(&Shared<64>)) -> Poll<Result<(), DrainError<Broken>>> {
    let stream: &'static Shared<64> = Box::leak(Box::default());
    for text in [b"one", b"two"] {
        Outgoing(stream).put(&[text]).unwrap();
    }
    let flusher = Counter::new();
    let mut flush = stream.flush();
    assert!(poll(&mut flush, &flusher).is_pending());
    // Readers are told before those who flush.
    let mut peek = pin!(stream.peek());
    let releases = Arc::new(Releases(Mutex::new(stream.port().head())));
    let waker = releases.clone().into();
    let waits = peek.as_mut().poll(&mut Context::from_waker(&waker));
    assert!(waits.is_pending());
    end(stream);
    assert!(releases.0.lock().unwrap().is_none());
    assert_eq!(flusher.take(), 1);
    poll(&mut flush, &flusher)
}

#[test]
fn e2_a_flush_says_what_was_dropped_though_a_head_that_was_lent_is_released_before_it_is_told() {
    let lost = Lost {
        messages: 2,
        bytes: 10,
    };
    let dropped = Poll::Ready(Err(DrainError::Dropped(lost)));
    assert_eq!(flushed_when_ended_by(Shared::abort), dropped);
    let failed = Poll::Ready(Err(DrainError::Failed(Broken)));
    let fail = |stream: &Shared<64>| stream.port().fail(Broken);
    assert_eq!(flushed_when_ended_by(fail), failed);
}

#[test]
fn d1_the_head_is_lent_to_one_transport_that_says_when_it_is_gone() {
    let stream = Shared::<64>::new();
    stream.set_write_limits(Watermarks::new(0, 0).unwrap());
    let port = stream.port();
    let (driver, drainer, flusher) = (Counter::new(), Counter::new(), Counter::new());
    Outgoing(&stream).put(&[b"one"]).unwrap();
    port.register(&driver.waker());
    let (mut drain, mut flush) = (stream.drain(), stream.flush());
    assert!(poll(&mut drain, &drainer).is_pending());
    assert!(poll(&mut flush, &flusher).is_pending());
    let head = port.head().unwrap();
    // Nothing can be sent meanwhile: neither the same again nor what comes behind it.
    assert!(!port.interest().send);
    port.sent();
    assert_eq!(
        port.copy_head(&mut [0; 64]).map(|head| head.is_some()),
        Ok(false)
    );
    Outgoing(&stream).put(&[b"two"]).unwrap();
    assert_eq!(stream.write_buffer_bytes(), 10);
    assert_eq!(driver.take(), 0);
    drop(head);
    assert!(port.interest().send);
    port.head().unwrap().release();
    assert_eq!((drainer.take(), flusher.take()), (0, 0));
    assert_eq!(port.copy_head(&mut [0; 4]).map(drop), Err(5));
    let mut out = [0; 5];
    assert!(port.copy_head(&mut out).unwrap().unwrap().eq([b"two"]));
    port.sent();
    // The driver was woken once, when the head was put back: it has not registered again.
    assert_eq!((drainer.take(), flusher.take(), driver.take()), (1, 1, 1));
    assert!(poll(&mut drain, &drainer).is_ready() && poll(&mut flush, &flusher).is_ready());
}

#[test]
fn d5_a_head_that_the_transport_refuses_is_counted_and_makes_room_like_any_other() {
    let stream = Shared::<64>::new();
    let mut port = stream.port();
    let sender = Counter::new();
    Outgoing(&stream).put(&[&[1; 60]]).unwrap();
    let message: &[&[u8]] = &[b"next"];
    let mut send = stream.send(message);
    assert!(poll(&mut send, &sender).is_pending());
    let head = port.head().unwrap();
    // What somebody is looking at is not refused under its eyes.
    port.refused(());
    assert_eq!(
        (stream.refused_messages(), stream.write_buffer_bytes()),
        (0, 62)
    );
    drop(head);
    port.refused(());
    assert_eq!(
        (stream.refused_messages(), stream.write_buffer_bytes()),
        (1, 0)
    );
    assert_eq!(sender.take(), 1);
    assert_eq!(poll(&mut send, &sender), Poll::Ready(Ok(())));
    // What goes is not counted.
    port.head().unwrap().release();
    assert_eq!(
        (stream.refused_messages(), stream.write_buffer_bytes()),
        (1, 0)
    );
}

#[test]
fn b2_a_gate_opens_when_a_message_is_released_and_not_when_it_is_looked_at() {
    let stream = Shared::<64>::new();
    stream.set_read_limits(Watermarks::new(5, 0).unwrap());
    let (port, driver) = (stream.port(), Counter::new());
    Incoming(&stream).put(&[b"over"]).unwrap();
    port.register(&driver.waker());
    let lent = stream.try_peek().unwrap();
    assert_eq!((driver.take(), port.interest().receive), (0, false));
    drop(lent);
    assert_eq!((driver.take(), port.interest().receive), (0, false));
    stream.try_peek().unwrap().release();
    assert_eq!((driver.take(), port.interest().receive), (1, true));
}

#[test]
fn b5_a_message_thrown_away_while_another_is_looked_at_is_told_after_it() {
    let stream = Shared::<64>::new();
    let reader = Counter::new();
    Incoming(&stream).put(&[b"one"]).unwrap();
    let lent = stream.try_peek().unwrap();
    let mut peek = stream.peek();
    assert!(poll(&mut peek, &reader).is_pending());
    stream.port().discard();
    assert_eq!(reader.take(), 0);
    lent.release();
    assert_eq!(reader.take(), 1);
    let thrown_away = ReadError::Discarded { messages: 1 };
    assert!(matches!(poll(&mut peek, &reader), Poll::Ready(Err(e)) if e == thrown_away));
}

#[test]
fn c5_after_a_failure_what_was_received_can_still_be_looked_at() {
    let stream = Shared::<64>::new();
    Incoming(&stream).put(&[b"before"]).unwrap();
    Outgoing(&stream).put(&[b"unsent"]).unwrap();
    stream.port().fail(Broken);
    let failed = ReadError::Failed(Broken);
    assert!(
        matches!(poll(&mut stream.peek(), &Counter::new()), Poll::Ready(Err(e)) if e == failed)
    );
    assert!(stream.port().head().is_none());
    assert_eq!(Incoming(&stream).take(), one("before"));
    assert!(
        stream
            .try_peek()
            .is_err_and(|e| e == TryReadError::Read(failed))
    );
}

#[test]
fn c5_after_a_failure_what_is_behind_a_message_that_somebody_looks_at_comes_before_the_error() {
    let stream = Shared::<64>::new();
    let mut out = [0; 16];
    for text in ["one", "two"] {
        Incoming(&stream).put(&[text.as_bytes()]).unwrap();
    }
    let lent = stream.try_peek().unwrap();
    stream.port().fail(Broken);
    // It may yet be put back.
    assert_eq!(stream.try_peek().map(drop), Err(TryReadError::Empty));
    let read = stream.try_read(&mut out).map(drop);
    assert_eq!(read, Err(TryReadError::Empty));
    drop(lent);
    assert_eq!(Incoming(&stream).take(), one("one"));
    let lent = stream.try_peek().unwrap();
    assert_eq!(stream.try_peek().map(drop), Err(TryReadError::Empty));
    lent.release();
    let failed = TryReadError::Read(ReadError::Failed(Broken));
    assert_eq!(stream.try_peek().map(drop), Err(failed));
}
