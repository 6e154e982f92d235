//! Sections B to E of the contract over libzmq: sending with backpressure, flushing, pausing, limits in flight, aborting.

use std::pin::pin;

use futures_lite::future::zip;
use tidegate::{
    AlreadyDone, Context, DrainError, SocketType, TryReadError, Watermarks, WriteError, ZmqStream,
    options,
};
use tidegate_tests::{Counter, Watchdog, block_on, builder, eventually, poll, shut_down};

/// A PUSH whose peer is still to come, and whose write side is paused by what it has queued: so many messages.
fn paused(context: &Context, endpoint: &str) -> (ZmqStream, usize) {
    let push = builder(SocketType::PUSH, context)
        .connect(endpoint)
        .high_write(200)
        .low_write(100)
        .open()
        .unwrap();
    let counter = Counter::new();
    let mut written = 0;
    while poll(&mut push.drain(), &counter).is_ready() {
        push.write("before").unwrap();
        written += 1;
    }
    (push, written)
}

fn peer(context: &Context, endpoint: &str) -> ZmqStream {
    let builder = builder(SocketType::PULL, context).bind(endpoint);
    builder.open().unwrap()
}

#[test]
fn d2_a_send_waits_while_the_write_side_is_paused_and_those_who_wait_are_served_in_their_order() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let (push, written) = paused(&context, "inproc://d2-send");
    let counters = [Counter::new(), Counter::new()];
    let (mut first, mut second) = (push.send("first"), push.send("second"));
    assert!(poll(&mut first, &counters[0]).is_pending());
    assert!(poll(&mut second, &counters[1]).is_pending());
    let pull = peer(&context, "inproc://d2-send");
    block_on(async {
        for _ in 0..written {
            assert_eq!(pull.read().await.unwrap(), "before");
        }
        let (sent_first, sent_second) = zip(first, second).await;
        sent_first.unwrap();
        sent_second.unwrap();
        assert_eq!(pull.read().await.unwrap(), "first");
        assert_eq!(pull.read().await.unwrap(), "second");
    });
    shut_down(&context);
}

#[test]
fn c2_a_send_that_is_dropped_sends_nothing_and_passes_its_turn_on() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let (push, written) = paused(&context, "inproc://c2-send");
    let counter = Counter::new();
    let mut dropped = Box::new(push.send("dropped"));
    let next = push.send("next");
    assert!(poll(&mut *dropped, &counter).is_pending());
    let mut next = pin!(next);
    assert!(poll(&mut next, &counter).is_pending());
    drop(dropped);
    let pull = peer(&context, "inproc://c2-send");
    block_on(async {
        for _ in 0..written {
            assert_eq!(pull.read().await.unwrap(), "before");
        }
        next.await.unwrap();
        assert_eq!(pull.read().await.unwrap(), "next");
    });
    shut_down(&context);
}

#[test]
fn d4_a_send_after_a_close_or_without_frames_hands_the_message_back() {
    let context = Context::new().unwrap();
    let push = builder(SocketType::PUSH, &context).open().unwrap();
    let no_frames = block_on(push.send(tidegate::Multipart::new())).unwrap_err();
    assert!(matches!(no_frames, WriteError::NoFrames(_)));
    push.close();
    let late = block_on(push.send("late")).unwrap_err();
    assert!(matches!(late, WriteError::Closed(_)));
    assert_eq!(late.into_message(), "late");
    shut_down(&context);
}

#[test]
fn d2_a_flush_waits_until_libzmq_has_taken_everything() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let (push, written) = paused(&context, "inproc://d2-flush");
    let counter = Counter::new();
    let mut flush = push.flush();
    assert!(poll(&mut flush, &counter).is_pending());
    // It stays valid while the stream closes.
    push.close();
    let pull = peer(&context, "inproc://d2-flush");
    let read = async {
        for _ in 0..written {
            assert_eq!(pull.read().await.unwrap(), "before");
        }
    };
    let (flushed, ()) = block_on(zip(flush, read));
    flushed.unwrap();
    assert_eq!(push.write_buffer_bytes(), 0);
    shut_down(&context);
}

#[test]
fn e2_an_abort_drops_what_is_queued_and_everybody_who_waits_learns_of_it() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let (push, _) = paused(&context, "inproc://e2-nobody");
    // libzmq holds the others for a peer that may come.
    let bytes = push.write_buffer_bytes();
    let queued = bytes / ("before".len() + 64);
    assert!(queued > 0);
    let counters = [(); 4].map(|()| Counter::new());
    let (mut drain, mut flush) = (push.drain(), push.flush());
    let (mut send, mut closed) = (push.send("unsent"), push.closed());
    assert!(poll(&mut drain, &counters[0]).is_pending());
    assert!(poll(&mut flush, &counters[1]).is_pending());
    assert!(poll(&mut send, &counters[2]).is_pending());
    assert!(poll(&mut closed, &counters[3]).is_pending());
    push.abort();
    assert_eq!(counters.each_ref().map(|counter| counter.take()), [1; 4]);
    let lost = block_on(closed);
    assert_eq!((lost.messages, lost.bytes), (queued, bytes));
    assert_eq!(block_on(drain), Err(DrainError::Dropped(lost)));
    assert_eq!(block_on(flush), Err(DrainError::Dropped(lost)));
    assert_eq!(block_on(send).unwrap_err().into_message(), "unsent");
    assert_eq!(push.write_buffer_bytes(), 0);
    // What was dropped is known; there is nothing else to tell.
    push.abort();
    shut_down(&context);
}

#[test]
fn c6_while_the_caller_has_paused_reading_nothing_is_taken_from_the_socket() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let pull = peer(&context, "inproc://c6");
    let push = builder(SocketType::PUSH, &context)
        .connect("inproc://c6")
        .open()
        .unwrap();
    // On inproc a message is there as soon as it is written.
    push.write("buffered").unwrap();
    push.write("too").unwrap();
    assert_eq!(block_on(pull.read()).unwrap(), "buffered");
    let mut behind = pull.read();
    let counter = Counter::new();
    assert!(!pull.is_reading_paused());
    pull.pause_reading().unwrap();
    assert!(pull.is_reading_paused());
    push.write("held").unwrap();
    // What was read ahead is served; the other stays where it is.
    let mut read = Vec::new();
    while let Ok(message) = pull.try_read() {
        read.push(message);
    }
    assert!(!read.contains(&"held".into()));
    assert!(poll(&mut behind, &counter).is_pending());
    assert_eq!(pull.try_read().unwrap_err(), TryReadError::Empty);
    assert_eq!(counter.take(), 0);
    pull.resume_reading().unwrap();
    assert_eq!(counter.take(), 1);
    let mut rest = vec![block_on(behind).unwrap()];
    while read.len() + rest.len() < 2 {
        rest.push(block_on(pull.read()).unwrap());
    }
    read.extend(rest);
    assert_eq!(read, ["too", "held"]);
    shut_down(&context);
}

#[test]
fn c6_a_doubled_pause_or_resume_over_libzmq_is_an_error() {
    let context = Context::new().unwrap();
    let pull = builder(SocketType::PULL, &context).open().unwrap();
    assert_eq!(pull.resume_reading(), Err(AlreadyDone));
    assert_eq!(pull.pause_reading(), Ok(()));
    assert_eq!(pull.pause_reading(), Err(AlreadyDone));
    assert_eq!(pull.resume_reading(), Ok(()));
    assert_eq!(pull.resume_reading(), Err(AlreadyDone));
    shut_down(&context);
}

#[test]
fn b4_new_write_limits_pause_and_resume_those_who_drain_at_once() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let (push, _) = paused(&context, "inproc://b4-nobody");
    let counter = Counter::new();
    let mut drain = push.drain();
    assert!(poll(&mut drain, &counter).is_pending());
    push.set_write_limits(Watermarks::from_high(4 * push.write_buffer_bytes()));
    assert_eq!(counter.take(), 1);
    assert!(poll(&mut drain, &counter).is_ready());
    push.set_write_limits(Watermarks::from_high(10));
    assert_eq!(push.write_limits(), Watermarks::from_high(10));
    assert!(poll(&mut push.drain(), &counter).is_pending());
    assert!(block_on(context.shutdown(std::time::Duration::ZERO)).is_err());
}

#[test]
fn b4_new_read_limits_stop_reading_ahead_and_go_on_with_it_at_once() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let pull = peer(&context, "inproc://b4-read");
    let push = builder(SocketType::PUSH, &context)
        .connect("inproc://b4-read")
        .open()
        .unwrap();
    pull.set_read_limits(Watermarks::from_high(0));
    for _ in 0..10 {
        push.write("ten bytes.").unwrap();
    }
    // One message over the mark, and no more.
    let one = 10 + 64;
    assert_eq!(block_on(pull.read()).unwrap(), "ten bytes.");
    assert!(pull.read_buffer_bytes() <= one);
    let before = pull.read_buffer_bytes();
    pull.set_read_limits(Watermarks::UNLIMITED);
    assert_eq!(pull.read_limits(), Watermarks::UNLIMITED);
    let (mut read, counter) = (1, Counter::new());
    assert!(before <= one);
    while read < 10 {
        assert_eq!(block_on(pull.read()).unwrap(), "ten bytes.");
        read += 1;
    }
    assert!(poll(&mut pull.read(), &counter).is_pending());
    shut_down(&context);
}

#[test]
fn d2_a_task_that_sends_by_many_streams_lets_others_run_no_less_often() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let open = |kind| {
        let builder = builder(kind, &context).option(options::SEND_HWM, 0);
        builder.option(options::RECEIVE_HWM, 0)
    };
    let _pull = open(SocketType::PULL).bind("inproc://d2-many").open();
    let push = || open(SocketType::PUSH).connect("inproc://d2-many").open();
    let pushes: Vec<_> = (0..64).map(|_| push().unwrap()).collect();
    let counter = Counter::new();
    let mut yields = Vec::new();
    for k in 0..1_024 {
        let mut send = pushes[k % pushes.len()].send(vec![0; 1_024 - 64]);
        if poll(&mut send, &counter).is_pending() {
            yields.push(k);
            assert!(poll(&mut send, &counter).is_ready());
        }
    }
    assert_eq!(yields, [256, 512, 768]);
    shut_down(&context);
}

#[test]
fn d2_who_has_let_others_run_goes_on_however_much_they_have_written() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let open = |kind| {
        let builder = builder(kind, &context).option(options::SEND_HWM, 0);
        builder.option(options::RECEIVE_HWM, 0)
    };
    let _pull = open(SocketType::PULL).bind("inproc://d2-goes-on").open();
    let push = || open(SocketType::PUSH).connect("inproc://d2-goes-on").open();
    let (push, other) = (push().unwrap(), push().unwrap());
    let much = || other.write(vec![0; 300 * 1_024]).unwrap();
    let counter = Counter::new();
    much();
    let mut send = push.send("a little");
    assert!(poll(&mut send, &counter).is_pending());
    much();
    assert!(poll(&mut send, &counter).is_ready());
    let mut drain = push.drain();
    assert!(poll(&mut drain, &counter).is_pending());
    much();
    assert!(poll(&mut drain, &counter).is_ready());
    shut_down(&context);
}

#[test]
fn d2_a_task_that_sends_or_drains_lets_others_run_once_per_256_kib() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    // libzmq takes whatever there is, so that no send has to wait.
    let open = |kind| {
        let builder = builder(kind, &context).option(options::SEND_HWM, 0);
        builder.option(options::RECEIVE_HWM, 0)
    };
    let _pull = open(SocketType::PULL).bind("inproc://d2-yield").open();
    let push = open(SocketType::PUSH).connect("inproc://d2-yield").open();
    let push = push.unwrap();
    let counter = Counter::new();
    let mut yields = Vec::new();
    for k in 0..1_024 {
        // A message is charged 64 bytes for its frame.
        let mut send = push.send(vec![0; 1_024 - 64]);
        if poll(&mut send, &counter).is_pending() {
            // It is to be polled again at once.
            assert_eq!(counter.take(), 1);
            yields.push(k);
            assert!(poll(&mut send, &counter).is_ready());
        }
        assert_eq!(counter.take(), 0);
    }
    assert_eq!(yields, [256, 512, 768]);
    // Those who write and drain, too.
    let mut drain = push.drain();
    assert!(poll(&mut drain, &counter).is_pending());
    assert_eq!(counter.take(), 1);
    assert!(poll(&mut drain, &counter).is_ready());
    shut_down(&context);
}

#[test]
fn d2_a_drain_that_is_over_and_not_yet_dropped_keeps_nobody_behind_it() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let (push, written) = paused(&context, "inproc://d2-kept");
    let counters = [Counter::new(), Counter::new()];
    let (mut first, mut second) = (push.drain(), push.drain());
    assert!(poll(&mut first, &counters[0]).is_pending());
    assert!(poll(&mut second, &counters[1]).is_pending());
    let pull = peer(&context, "inproc://d2-kept");
    for _ in 0..written {
        block_on(pull.read()).unwrap();
    }
    eventually(|| counters[0].take() == 1);
    assert!(poll(&mut first, &counters[0]).is_ready());
    eventually(|| counters[1].take() == 1);
    assert!(poll(&mut second, &counters[1]).is_ready());
    drop((first, second));
    shut_down(&context);
}
