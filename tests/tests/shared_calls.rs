//! The calls of a shared stream that only pass a question on: its own and those of its handles, and what its futures say when
//! there is no place to wait in.

use std::sync::Arc;
use std::task::Poll;

use tidegate_core::{
    AlreadyDone, DrainError, EventRing, Limit, Lost, ReadError, ReadEventError, SendError, Stream,
    TooManyWaiters, TryReadError, Watermarks, WriteError,
};
use tidegate_tests::{Broken, Counter, Shared, poll};

type Watched = Stream<64, 64, 1, Broken, EventRing<u32, 2>>;

#[test]
fn b4_a_shared_stream_tells_its_limits_and_whether_its_gates_are_shut() {
    let stream = Watched::new();
    assert_eq!(stream.read_limits(), Watermarks::of_capacity(64));
    assert_eq!(stream.write_limits(), Watermarks::of_capacity(64));
    stream.set_read_limits(Watermarks::new(10, 4).unwrap());
    stream.set_write_limits(Watermarks::new(20, 5).unwrap());
    assert_eq!(stream.read_limits(), Watermarks::new(10, 4).unwrap());
    assert_eq!(stream.write_limits(), Watermarks::new(20, 5).unwrap());
    stream.port().feed(&[&[0; 8]]).unwrap();
    assert!(!stream.is_read_gate_paused());
    stream.port().feed(&[b""]).unwrap();
    assert!(stream.is_read_gate_paused() && !stream.is_write_gate_paused());
    stream.write(&[&[0; 19]]).unwrap();
    assert!(stream.is_write_gate_paused());
    assert!(!stream.is_reading_paused());
    stream.pause_reading().unwrap();
    assert!(stream.is_reading_paused());
}

#[test]
fn b6_a_shared_stream_asks_its_transport_for_messages_unless_reading_is_paused() {
    let stream = Watched::new();
    let receives = || stream.port().interest().receive;
    assert!(receives());
    assert_eq!(stream.resume_reading(), Err(AlreadyDone));
    stream.pause_reading().unwrap();
    assert!(!receives());
    assert_eq!(stream.pause_reading(), Err(AlreadyDone));
    assert_eq!(stream.resume_reading(), Ok(()));
    assert!(receives() && !stream.is_reading_paused());
}

#[test]
fn c7_a_shared_stream_without_read_ahead_asks_for_a_message_while_somebody_waits() {
    let stream = Watched::new();
    let receives = || stream.port().interest().receive;
    stream.set_on_demand(true);
    assert!(!receives());
    let counter = Counter::new();
    let mut out = [0; 8];
    let mut read = stream.read(&mut out);
    assert!(poll(&mut read, &counter).is_pending());
    assert!(receives());
    drop(read);
    assert!(!receives());
    stream.set_on_demand(false);
    assert!(receives());
}

#[test]
fn f2_a_shared_stream_hands_out_its_events_at_once_and_counts_what_it_has_discarded() {
    let stream = Watched::new();
    assert!(!stream.is_monitoring());
    stream.set_monitoring(true);
    assert!(stream.is_monitoring());
    (1..=3).for_each(|event| stream.port().feed_event(event));
    assert_eq!(stream.discarded_events(), 1);
    assert_eq!(stream.try_read_event(), Ok((2, 1)));
    assert_eq!(stream.discarded_events(), 0);
    assert_eq!(stream.try_read_event(), Ok((3, 0)));
    assert_eq!(Shared::<64>::new().discarded_events(), 0);
}

#[test]
fn a5_the_handles_of_a_shared_stream_send_drain_flush_and_read_as_it_does() {
    let stream = Shared::<64>::new();
    let (writer, reader, counter) = (stream.writer(), stream.reader(), Counter::new());
    let same = Clone::clone(&writer);
    stream.set_write_limits(Watermarks::new(0, 0).unwrap());
    let sent = poll(&mut same.send(&[b"one"]), &counter);
    assert_eq!(sent, Poll::Ready(Ok(())));
    assert!(stream.is_write_gate_paused());
    let (mut drain, mut flush) = (writer.drain(), writer.flush());
    assert!(poll(&mut drain, &counter).is_pending() && poll(&mut flush, &counter).is_pending());
    stream.port().sent();
    assert_eq!(counter.take(), 2);
    assert_eq!(poll(&mut drain, &counter), Poll::Ready(Ok(())));
    assert_eq!(poll(&mut flush, &counter), Poll::Ready(Ok(())));

    let mut out = [0; 8];
    assert_eq!(
        reader.try_read(&mut out).err(),
        Some(TryReadError::Empty::<Broken>)
    );
    for text in ["one", "two", "three"] {
        stream.port().feed(&[text.as_bytes()]).unwrap();
    }
    assert!(reader.try_read(&mut out).unwrap().eq([b"one"]));
    let Poll::Ready(Ok(frames)) = poll(&mut reader.read(&mut out), &counter) else {
        panic!("a message is there");
    };
    assert!(frames.eq([b"two"]));
    let Poll::Ready(Ok(lent)) = poll(&mut reader.peek(), &counter) else {
        panic!("a message is there");
    };
    assert!(lent.frames().eq([b"three"]));
}

#[test]
fn c3_whoever_finds_no_place_to_wait_in_on_a_shared_stream_is_told_whatever_the_wait() {
    let stream = Watched::new();
    stream.set_monitoring(true);
    stream.set_write_limits(Watermarks::new(0, 0).unwrap());
    stream.write(&[b"one"]).unwrap();
    let counter = Counter::new();
    let mut only = stream.read_event();
    assert!(poll(&mut only, &counter).is_pending());
    let mut out = [0; 8];
    assert!(matches!(
        poll(&mut stream.read(&mut out), &counter),
        Poll::Ready(Err(ReadError::TooManyWaiters))
    ));
    assert!(matches!(
        poll(&mut stream.peek(), &counter),
        Poll::Ready(Err(ReadError::TooManyWaiters))
    ));
    let too_many = Poll::Ready(Err(DrainError::TooManyWaiters));
    assert_eq!(poll(&mut stream.drain(), &counter), too_many);
    assert_eq!(poll(&mut stream.flush(), &counter), too_many);
    assert_eq!(
        poll(&mut stream.read_event(), &counter),
        Poll::Ready(Err(ReadEventError::TooManyWaiters))
    );
    assert_eq!(
        poll(&mut stream.closed(), &counter),
        Poll::Ready(Err(TooManyWaiters))
    );
    assert_eq!(counter.take(), 0);
}

#[test]
fn e2_a_shared_stream_tells_what_an_abort_dropped() {
    let stream = Shared::<64>::new();
    stream.write(&[b"out", b""]).unwrap();
    assert_eq!(stream.lost(), Lost::default());
    stream.abort();
    let lost = Lost {
        messages: 1,
        bytes: 7,
    };
    assert_eq!(stream.lost(), lost);
}

#[test]
fn d3_a_message_without_frames_is_no_message_on_a_shared_stream_either() {
    let stream = Shared::<64>::new();
    let none: &[&[u8]] = &[];
    assert_eq!(stream.write(none), Err(WriteError::NoFrames(none)));
    assert_eq!(stream.write_buffer_bytes(), 0);
}

#[test]
fn c7_a_reader_that_begins_to_wait_wakes_no_driver_that_receives_anyway() {
    let stream = Watched::new();
    let (driver, reader) = (Counter::new(), Counter::new());
    stream.port().register(&driver.waker());
    let mut out = [0; 8];
    let mut read = stream.read(&mut out);
    assert!(poll(&mut read, &reader).is_pending());
    assert_eq!((driver.take(), reader.take()), (0, 0));
}

#[test]
fn c2_a_wait_that_is_dropped_keeps_no_waker() {
    let stream = Watched::new();
    let counter = Counter::new();
    let wakers = Arc::strong_count(&counter);
    let mut out = [0; 8];
    let mut read = stream.read(&mut out);
    assert!(poll(&mut read, &counter).is_pending());
    assert!(Arc::strong_count(&counter) > wakers);
    drop(read);
    assert_eq!(Arc::strong_count(&counter), wakers);
}

#[test]
fn f3_a_read_of_events_whose_end_was_taken_back_before_it_looked_waits_on() {
    let stream = Watched::new();
    let reader = Counter::new();
    stream.set_monitoring(true);
    let mut read = stream.read_event();
    assert!(poll(&mut read, &reader).is_pending());
    stream.set_monitoring(false);
    assert_eq!(reader.take(), 1);
    stream.set_monitoring(true);
    assert!(poll(&mut read, &reader).is_pending());
    stream.port().feed_event(7);
    assert_eq!(reader.take(), 1);
    assert!(matches!(poll(&mut read, &reader), Poll::Ready(Ok((7, 0)))));
}

#[test]
fn b5_a_frame_that_no_header_can_name_can_never_be_sent() {
    // Nobody touches these zeros: they take no memory.
    let longest = vec![0; 1 << 29];
    let message: &[&[u8]] = &[&longest];
    let stream = Shared::<64>::new();
    let sent = poll(&mut stream.send(message), &Counter::new());
    assert!(sent == Poll::Ready(Err(SendError::TooLarge(message))));
    assert!(stream.write(message) == Err(WriteError::TooLarge(message)));
    let last: &[&[u8]] = &[b"", &longest[1..]];
    assert!(stream.write(last) == Err(WriteError::TooLarge(last)));
    assert_eq!(
        tidegate_core::packed_bytes(last),
        Some(2 + 4 + (1 << 29) - 1)
    );
    assert_eq!(tidegate_core::packed_bytes(message), None);
}

#[test]
fn b1_without_a_high_mark_a_given_low_one_stays_where_a_paused_side_resumes() {
    let default = Watermarks::of_capacity(64);
    let marks = Watermarks::resolve(Some(Limit::Unlimited), Some(7), default).unwrap();
    assert_eq!((marks.high(), marks.low_bytes()), (Limit::Unlimited, 7));
    let marks = Watermarks::resolve(Some(9.into()), Some(7), default).unwrap();
    assert_eq!((marks.high(), marks.low_bytes()), (Limit::Bytes(9), 7));
}
