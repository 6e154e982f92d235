//! The core's driver over a simulated link in simulated time: what comes late, in pieces, or not at all.

use std::task::Poll;

use tidegate_core::{EventRing, ReadError, ReadEventError, Stream, Watermarks};
use tidegate_tests::{Broken, Counter, SimLink, poll};

type Shared = Stream<256, 256, 4, Broken, EventRing<usize, 2>>;

#[test]
fn d1_a_slow_link_takes_what_was_written_in_order_and_drain_waits_for_it() {
    let stream = Shared::new();
    stream.set_write_limits(Watermarks::new(60, 20).unwrap());
    let mut link = SimLink::new(0);
    let wire = link.clone();
    // Ten bytes every third tick.
    for k in 1..=12 {
        wire.later(3 * k, |wire| wire.credit += 10);
    }
    let (driving, draining) = (Counter::new(), Counter::new());
    let mut driver = stream.drive(&mut link);
    for k in 0..10u8 {
        stream.write(&[&[k; 7]]).unwrap();
    }
    assert!(poll(&mut driver, &driving).is_pending());
    let mut drain = stream.drain();
    assert!(poll(&mut drain, &draining).is_pending());
    let mut drained_at = None;
    while wire.pass_time() {
        // Each tick wakes the driver once, and the driver wakes who drains when the level has come down to 20.
        assert_eq!(driving.take(), 1);
        assert!(poll(&mut driver, &driving).is_pending());
        if draining.take() == 1 {
            assert_eq!(poll(&mut drain, &draining), Poll::Ready(Ok(())));
            drained_at = Some((wire.now(), stream.write_buffer_bytes()));
            break;
        }
    }
    // Eight messages of 8 bytes on the wire, of which the last is still on its way; two of 9 bytes are left.
    assert_eq!(drained_at, Some((18, 18)));
    while wire.pass_time() {
        assert!(poll(&mut driver, &driving).is_pending());
    }
    let arrived = wire.look(|wire| wire.arrived.clone());
    assert_eq!(
        arrived,
        (0..10u8).map(|k| vec![vec![k; 7]]).collect::<Vec<_>>()
    );
}

#[test]
fn c1_messages_that_come_late_wake_their_readers_one_by_one() {
    let stream = Shared::new();
    let mut link = SimLink::new(0);
    let wire = link.clone();
    for (delay, text) in [(5, "late"), (9, "later"), (2, "first")] {
        wire.later(delay, move |wire| wire.inbound.push_back(vec![text.into()]));
    }
    let driving = Counter::new();
    let mut driver = stream.drive(&mut link);
    assert!(poll(&mut driver, &driving).is_pending());
    for (now, text) in [(2, "first"), (5, "late"), (9, "later")] {
        let reading = Counter::new();
        let mut out = [0; 16];
        let mut read = stream.read(&mut out);
        assert!(poll(&mut read, &reading).is_pending());
        assert!(wire.pass_time());
        assert_eq!(wire.now(), now);
        assert!(poll(&mut driver, &driving).is_pending());
        assert_eq!(reading.take(), 1);
        match poll(&mut read, &reading) {
            Poll::Ready(Ok(frames)) => assert!(frames.eq([text.as_bytes()])),
            other => panic!("{other:?}"),
        }
    }
    assert!(!wire.pass_time());
}

#[test]
fn e3_a_link_that_breaks_later_ends_those_who_wait_for_messages_and_events() {
    let stream = Shared::new();
    stream.set_monitoring(true);
    let mut link = SimLink::new(0);
    let wire = link.clone();
    wire.later(1, |wire| wire.events.extend([1, 2, 3]));
    wire.later(7, |wire| wire.broken = true);
    let (driving, reading, watching) = (Counter::new(), Counter::new(), Counter::new());
    let mut driver = stream.drive(&mut link);
    let mut out = [0; 16];
    let mut read = stream.read(&mut out);
    let mut event = stream.read_event();
    assert!(poll(&mut driver, &driving).is_pending());
    assert!(poll(&mut read, &reading).is_pending());
    assert!(poll(&mut event, &watching).is_pending());

    // Three events for a backlog of two: the oldest is dropped and counted.
    assert!(wire.pass_time());
    assert!(poll(&mut driver, &driving).is_pending());
    assert_eq!((watching.take(), reading.take()), (1, 0));
    assert_eq!(poll(&mut event, &watching), Poll::Ready(Ok((2, 1))));

    assert!(wire.pass_time());
    assert_eq!(poll(&mut driver, &driving), Poll::Ready(()));
    assert_eq!(reading.take(), 1);
    assert!(matches!(
        poll(&mut read, &reading),
        Poll::Ready(Err(ReadError::Failed(Broken)))
    ));
    // What was told before comes first.
    let mut event = stream.read_event();
    assert_eq!(poll(&mut event, &watching), Poll::Ready(Ok((3, 0))));
    let mut event = stream.read_event();
    assert_eq!(
        poll(&mut event, &watching),
        Poll::Ready(Err(ReadEventError::Failed(Broken)))
    );
}
