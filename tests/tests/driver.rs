//! The core's driver over a simulated link, and the shared stream with its futures.

use std::pin::pin;
use std::task::{Context, Poll};

use futures_lite::future::{self, FutureExt};
use tidegate_core::{DrainError, ReadError, Shutdown, Stream, TryReadError, Watermarks};
use tidegate_tests::{
    Broken, Counter, Message, SimLink, Watchdog, poll, random_message, with_frames,
};

type Shared = Stream<256, 256, 4, Broken>;

fn text(frames: tidegate_core::Frames<'_>) -> Vec<String> {
    frames
        .map(|frame| String::from_utf8_lossy(frame).into_owned())
        .collect()
}

#[test]
fn d1_what_was_written_goes_out_in_order_as_far_as_the_link_takes_it() {
    let stream = Shared::new();
    let mut link = SimLink::new(5);
    let wire = link.clone();
    let counter = Counter::new();
    let mut driver = stream.drive(&mut link);
    assert!(poll(&mut driver, &counter).is_pending());
    assert_eq!(counter.take(), 0);

    stream.write(&[b"abc"]).unwrap();
    stream.write(&[b"def", b""]).unwrap();
    assert_eq!(counter.take(), 1);
    assert!(poll(&mut driver, &counter).is_pending());
    let arrived = wire.look(|wire| wire.arrived.clone());
    assert_eq!(arrived, [vec![b"abc".to_vec()]]);

    // The rest of the second message waits for the link, not for the stream.
    wire.happens(|wire| wire.credit = 100);
    assert_eq!(counter.take(), 1);
    assert!(poll(&mut driver, &counter).is_pending());
    let arrived = wire.look(|wire| wire.arrived.clone());
    assert_eq!(arrived[1], [b"def".to_vec(), vec![]]);
}

#[test]
fn c2_dropping_the_driver_at_any_point_loses_nothing() {
    let stream = Shared::new();
    let mut link = SimLink::new(0);
    let wire = link.clone();
    let counter = Counter::new();
    for k in 0..10u8 {
        stream.write(&[&[k; 10]]).unwrap();
    }
    while wire.look(|wire| wire.arrived.len()) < 10 {
        wire.happens(|wire| wire.credit += 3);
        assert!(poll(&mut stream.drive(&mut link), &counter).is_pending());
    }
    let arrived = wire.look(|wire| wire.arrived.clone());
    assert!((0..10u8).all(|k| arrived[k as usize] == [vec![k; 10]]));
}

#[test]
fn c6_the_link_is_not_read_while_the_read_side_is_paused() {
    let stream = Shared::new();
    stream.set_read_limits(Watermarks::new(20, 10).unwrap());
    let mut link = SimLink::new(0);
    let wire = link.clone();
    let counter = Counter::new();
    wire.happens(|wire| wire.inbound.extend((0..10).map(|_| vec![vec![0; 8]])));
    let mut driver = stream.drive(&mut link);
    assert!(poll(&mut driver, &counter).is_pending());
    // Over 20 with the third: high and one message at most.
    assert_eq!(stream.read_buffer_bytes(), 30);
    assert_eq!(wire.look(|wire| wire.inbound.len()), 7);
    let mut out = [0; 64];
    assert!(stream.try_read(&mut out).is_ok());
    assert_eq!(counter.take(), 0);
    assert!(stream.try_read(&mut out).is_ok());
    assert_eq!(counter.take(), 1);
    assert!(poll(&mut driver, &counter).is_pending());
    assert_eq!(stream.read_buffer_bytes(), 30);
}

#[test]
fn b5_a_message_that_can_never_fit_is_skipped_and_one_that_does_not_fit_now_waits() {
    let stream = Shared::new();
    stream.set_read_limits(Watermarks::UNLIMITED);
    let mut link = SimLink::new(0);
    let wire = link.clone();
    let counter = Counter::new();
    wire.happens(|wire| {
        wire.inbound
            .extend([vec![vec![1; 200]], vec![vec![2; 300]], vec![vec![3; 100]]]);
    });
    let mut driver = stream.drive(&mut link);
    assert!(poll(&mut driver, &counter).is_pending());
    assert_eq!(wire.look(|wire| (wire.skipped, wire.inbound.len())), (1, 1));
    let mut out = [0; 256];
    assert_eq!(stream.try_read(&mut out).unwrap().payload_bytes(), 200);
    assert_eq!(counter.take(), 1);
    assert!(poll(&mut driver, &counter).is_pending());
    // The reader learns of it at its place, once.
    let discarded = TryReadError::Read(ReadError::Discarded { messages: 1 });
    assert_eq!(stream.try_read(&mut out).map(|_| ()), Err(discarded));
    assert_eq!(stream.try_read(&mut out).unwrap().payload_bytes(), 100);
}

#[test]
fn d5_a_message_that_the_link_refuses_is_dropped_and_the_next_one_goes() {
    let stream = Shared::new();
    let mut link = SimLink::new(100);
    let wire = link.clone();
    wire.happens(|wire| wire.refuses = Some(b"bad".to_vec()));
    stream.write(&[b"bad"]).unwrap();
    stream.write(&[b"good"]).unwrap();
    assert!(poll(&mut stream.drive(&mut link), &Counter::new()).is_pending());
    assert_eq!(
        wire.look(|wire| wire.arrived.clone()),
        [vec![b"good".to_vec()]]
    );
}

#[test]
fn e1_close_sends_what_is_queued_flushes_the_link_and_ends_the_driver() {
    let stream = Shared::new();
    let mut link = SimLink::new(3);
    let wire = link.clone();
    let (driving, ending) = (Counter::new(), Counter::new());
    stream.write(&[b"12345"]).unwrap();
    let mut driver = stream.drive(&mut link);
    assert!(poll(&mut driver, &driving).is_pending());
    let mut closed = stream.closed();
    assert!(poll(&mut closed, &ending).is_pending());
    stream.close();
    assert_eq!(driving.take(), 1);
    // The link has taken the message over and not yet sent it: accepted is not flushed.
    assert!(poll(&mut driver, &driving).is_pending());
    assert!(!wire.look(|wire| wire.flushed));
    wire.happens(|wire| wire.credit = 100);
    assert_eq!(poll(&mut driver, &driving), Poll::Ready(()));
    assert_eq!(wire.look(|wire| wire.shutdown), Some(Shutdown::Flushed));
    assert_eq!(ending.take(), 1);
    let Poll::Ready(Ok(lost)) = poll(&mut closed, &ending) else {
        panic!("the stream has ended")
    };
    assert!(lost.is_nothing());
    // Polled after its end, a driver is still at its end.
    assert_eq!(poll(&mut driver, &driving), Poll::Ready(()));
}

#[test]
fn e1_a_close_at_any_moment_of_a_drivers_poll_ends_the_driver() {
    let _watchdog = Watchdog::new(120);
    let mut rng = fastrand::Rng::with_seed(4);
    for _ in 0..20_000 {
        let stream = Shared::new();
        let started = std::sync::Barrier::new(2);
        let delay = rng.usize(0..400);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                started.wait();
                (0..delay).for_each(|_| std::hint::spin_loop());
                stream.close();
            });
            started.wait();
            future::block_on(stream.drive(&mut SimLink::new(0)));
        });
        assert_eq!(stream.exception(), None);
    }
}

#[test]
fn e2_abort_shuts_the_link_down_at_once() {
    let stream = Shared::new();
    let mut link = SimLink::new(0);
    let wire = link.clone();
    let counter = Counter::new();
    stream.write(&[b"12345"]).unwrap();
    let mut driver = stream.drive(&mut link);
    assert!(poll(&mut driver, &counter).is_pending());
    stream.abort();
    assert_eq!(counter.take(), 1);
    assert_eq!(poll(&mut driver, &counter), Poll::Ready(()));
    assert_eq!(wire.look(|wire| wire.shutdown), Some(Shutdown::Abort));
}

#[test]
fn e3_a_link_that_breaks_fails_everybody_who_waits() {
    let stream = Shared::new();
    stream.set_write_limits(Watermarks::new(0, 0).unwrap());
    let mut link = SimLink::new(0);
    let wire = link.clone();
    let counters = [
        Counter::new(),
        Counter::new(),
        Counter::new(),
        Counter::new(),
    ];
    stream.write(&[b"x"]).unwrap();
    let mut out = [0; 16];
    let mut read = stream.read(&mut out);
    let mut drain = stream.drain();
    let mut closed = stream.closed();
    let mut driver = stream.drive(&mut link);
    assert!(poll(&mut read, &counters[0]).is_pending());
    assert!(poll(&mut drain, &counters[1]).is_pending());
    assert!(poll(&mut closed, &counters[2]).is_pending());
    assert!(poll(&mut driver, &counters[3]).is_pending());
    wire.happens(|wire| wire.broken = true);
    assert_eq!(poll(&mut driver, &counters[3]), Poll::Ready(()));
    assert_eq!(
        counters.each_ref().map(|counter| counter.take()),
        [1, 1, 1, 1]
    );
    assert!(matches!(
        poll(&mut read, &counters[0]),
        Poll::Ready(Err(ReadError::Failed(Broken)))
    ));
    assert_eq!(
        poll(&mut drain, &counters[1]),
        Poll::Ready(Err(DrainError::Failed(Broken)))
    );
    assert!(matches!(poll(&mut closed, &counters[2]), Poll::Ready(Ok(lost)) if lost.messages == 1));
    assert_eq!(stream.exception(), Some(Broken));
}

#[test]
fn c2_futures_of_the_shared_stream_may_be_dropped_anywhere() {
    let stream = Shared::new();
    let counter = Counter::new();
    let (mut a, mut b) = ([0; 16], [0; 16]);
    let mut first = stream.read(&mut a);
    let mut second = stream.read(&mut b);
    assert!(poll(&mut first, &Counter::new()).is_pending());
    assert!(poll(&mut second, &counter).is_pending());
    let mut link = SimLink::new(0);
    link.happens(|wire| wire.inbound.push_back(vec![b"one".to_vec()]));
    assert!(poll(&mut stream.drive(&mut link), &Counter::new()).is_pending());
    drop(first);
    assert_eq!(counter.take(), 1);
    match poll(&mut second, &counter) {
        Poll::Ready(Ok(frames)) => assert_eq!(text(frames), ["one"]),
        other => panic!("{other:?}"),
    }
    // Every place is free again.
    let mut outs = [[0; 16]; 4];
    let mut reads: Vec<_> = outs.iter_mut().map(|out| stream.read(out)).collect();
    assert!(
        reads
            .iter_mut()
            .all(|read| poll(read, &counter).is_pending())
    );
}

#[test]
fn c1_a_slice_that_is_too_small_leaves_the_message_where_it_is() {
    let stream = Shared::new();
    let mut link = SimLink::new(0);
    link.happens(|wire| wire.inbound.push_back(vec![b"four".to_vec(), vec![]]));
    assert!(poll(&mut stream.drive(&mut link), &Counter::new()).is_pending());
    let mut short = [0; 7];
    let too_small = ReadError::TooSmall { needed_bytes: 8 };
    assert_eq!(
        stream.try_read(&mut short).map(|_| ()),
        Err(TryReadError::Read(too_small))
    );
    match poll(&mut stream.read(&mut short), &Counter::new()) {
        Poll::Ready(Err(error)) => assert_eq!(error, too_small),
        other => panic!("{other:?}"),
    }
    let mut enough = [0; 8];
    assert_eq!(text(stream.try_read(&mut enough).unwrap()), ["four", ""]);
}

#[test]
fn h3_a_static_stream_is_used_from_several_threads() {
    static STREAM: Stream<128, 128, 4, Broken> = Stream::new();
    let _watchdog = Watchdog::new(120);
    let mut rng = fastrand::Rng::with_seed(3);
    let messages: Vec<Message> = (0..500).map(|_| random_message(&mut rng, 3, 20)).collect();
    let sent = messages.clone();
    let writer = std::thread::spawn(move || {
        future::block_on(async {
            for message in &sent {
                // A message that does not fit now fits once the side has been drained.
                while with_frames(message, |frames| STREAM.write(frames).is_err()) {
                    STREAM.drain().await.unwrap();
                    future::yield_now().await;
                }
            }
            STREAM.close();
        });
    });
    let mut link = SimLink::new(0);
    let wire = link.clone();
    let supply = async {
        // The wire takes a little at a time, for as long as the stream lives.
        loop {
            wire.happens(|wire| wire.credit += 7);
            future::yield_now().await;
        }
    };
    future::block_on(STREAM.drive(&mut link).or(supply));
    writer.join().unwrap();
    assert_eq!(wire.look(|wire| wire.arrived.clone()), messages);
}

#[test]
fn d2_a_driver_lets_others_run_after_a_batch() {
    let stream = Stream::<4096, 256, 4, Broken>::new();
    stream.set_read_limits(Watermarks::UNLIMITED);
    let mut link = SimLink::new(0);
    let wire = link.clone();
    wire.happens(|wire| wire.inbound.extend((0..200).map(|_| vec![vec![0; 1]])));
    let counter = Counter::new();
    let mut driver = pin!(stream.drive(&mut link));
    let waker = counter.waker();
    let mut rounds = 0;
    while wire.look(|wire| wire.inbound.len()) > 0 {
        counter.take();
        assert!(
            driver
                .as_mut()
                .poll(&mut Context::from_waker(&waker))
                .is_pending()
        );
        rounds += 1;
    }
    assert_eq!(rounds, 200usize.div_ceil(tidegate_core::BATCH_MESSAGES));
}
