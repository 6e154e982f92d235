//! Section E of the contract over libzmq.

use std::future::Future;
use std::task::Poll;
use std::time::{Duration, Instant};

use tidegate::{
    Context, DrainError, EventMask, Lost, ReadError, ShutdownError, SocketType, TryReadError,
    WriteError, ZmqStream, options,
};
use tidegate_tests::{
    Counter, Watchdog, alone, block_on, builder, eventually, io_thread_pipe, nobody, poll,
    poll_keeping, shut_down, threads,
};

#[test]
fn e1_close_returns_at_once_and_sends_what_is_queued_in_the_background() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let push = builder(SocketType::PUSH, &context)
        .connect("inproc://e1")
        .open()
        .unwrap();
    for k in 0..5_000u32 {
        push.write(k.to_le_bytes().as_slice()).unwrap();
    }
    assert!(push.write_buffer_bytes() > 0);
    let counter = Counter::new();
    let mut closed = push.closed();
    push.close();
    assert!(poll(&mut closed, &counter).is_pending());
    let pull = builder(SocketType::PULL, &context)
        .bind("inproc://e1")
        .open()
        .unwrap();
    block_on(async {
        for k in 0..5_000u32 {
            assert_eq!(pull.read().await.unwrap(), [k.to_le_bytes()]);
        }
        assert_eq!(closed.await, Lost::default());
    });
    shut_down(&context);
}

#[test]
fn e1_shutdown_delivers_what_was_written_just_before() {
    let _watchdog = Watchdog::new(60);
    let far_end = zmq::Context::new();
    let pull = far_end.socket(zmq::PULL).unwrap();
    pull.bind("tcp://127.0.0.1:*").unwrap();
    let endpoint = pull.get_last_endpoint().unwrap().unwrap();

    let context = Context::new().unwrap();
    let push = builder(SocketType::PUSH, &context)
        .connect(endpoint)
        .open()
        .unwrap();
    for k in 0..900u32 {
        push.write(k.to_le_bytes().as_slice()).unwrap();
    }
    let reader = std::thread::spawn(move || {
        (0..900u32).for_each(|k| assert_eq!(pull.recv_bytes(0).unwrap(), k.to_le_bytes()));
    });
    block_on(push.shutdown(Duration::from_secs(20))).unwrap();
    reader.join().unwrap();
}

#[test]
fn e1_shutdown_reports_a_timeout_and_what_was_lost() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let push = builder(SocketType::PUSH, &context).open().unwrap();
    push.write(("never", "sent")).unwrap();
    let error = block_on(context.shutdown(Duration::from_millis(20))).unwrap_err();
    let ShutdownError::TimedOut(lost) = error else {
        panic!("{error}")
    };
    assert_eq!((lost.messages, lost.bytes), (1, 9 + 2 * 64));
    assert_eq!(block_on(push.closed()), lost);
}

#[test]
fn e1_shutdown_says_when_libzmq_still_holds_messages() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    // Nobody listens there: libzmq accepts the message for a peer that never comes.
    let endpoint = nobody();
    let push = builder(SocketType::PUSH, &context)
        .connect(endpoint)
        .open()
        .unwrap();
    push.write("accepted").unwrap();
    assert_eq!(push.write_buffer_bytes(), 0);
    let error = block_on(context.shutdown(Duration::from_millis(20))).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the time was up with 0 messages (0 bytes) unsent, and with what libzmq still held"
    );
}

#[test]
fn e1_a_second_shutdown_waits_for_the_same_end_and_tells_the_same() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let push = builder(SocketType::PUSH, &context).open().unwrap();
    push.write("never sent").unwrap();
    let mut first = context.shutdown(Duration::from_millis(300));
    let second = block_on(push.shutdown(Duration::ZERO))
        .unwrap_err()
        .to_string();
    let told = "the time was up with 1 message (74 bytes) unsent, and with what libzmq still held";
    assert_eq!(second, told);
    assert_eq!(block_on(&mut first).unwrap_err().to_string(), told);
    // Asked again, it tells the same.
    assert_eq!(block_on(&mut first).unwrap_err().to_string(), told);
}

#[test]
fn e1_what_libzmq_holds_for_a_closed_stream_does_not_keep_its_context_for_ever() {
    alone(|| {
        let _watchdog = Watchdog::new(60);
        let endpoint = nobody();
        let context = Context::new().unwrap();
        let push = builder(SocketType::PUSH, &context)
            .connect(&endpoint)
            .open()
            .unwrap();
        push.write("for a peer that never comes").unwrap();
        assert!(block_on(push.shutdown(Duration::ZERO)).is_err());
        // Three seconds from the shutdown on libzmq gives up.
        eventually(|| !threads().contains(&"tidegate-term".to_owned()));
    });
}

#[test]
fn e1_a_peer_that_never_comes_keeps_no_stream_beyond_its_linger() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let lingers = |linger| {
        let push = builder(SocketType::PUSH, &context).option(options::LINGER, linger);
        push.open().unwrap()
    };
    // What the stream itself holds.
    let push = lingers(Some(Duration::from_millis(100)));
    push.write("first").unwrap();
    push.write(("second", "")).unwrap();
    let counter = Counter::new();
    let mut flush = push.flush();
    assert!(poll(&mut flush, &counter).is_pending());
    push.close();
    let lost = Lost {
        messages: 2,
        bytes: 5 + 6 + 3 * 64,
    };
    assert_eq!(block_on(push.closed()), lost);
    assert_eq!(block_on(flush), Err(DrainError::Dropped(lost)));

    // And what libzmq holds: the context ends as soon as that is given up.
    let push = lingers(Some(Duration::from_millis(100)));
    push.connect(&nobody()).unwrap();
    push.write("accepted").unwrap();
    drop(push);
    // Without a linger everything is dropped at once.
    let push = lingers(Some(Duration::ZERO));
    push.write("queued").unwrap();
    push.close();
    assert_eq!(block_on(push.closed()).messages, 1);
    shut_down(&context);
}

#[test]
fn e1_what_was_received_is_read_though_the_time_to_close_is_up() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let open = |kind| builder(kind, &context).option(options::LINGER, Some(Duration::ZERO));
    let here = open(SocketType::PAIR).bind("inproc://e1").open().unwrap();
    let there = open(SocketType::PAIR)
        .connect("inproc://e1")
        .open()
        .unwrap();
    there.write("received").unwrap();
    eventually(|| here.read_buffer_bytes() > 0);
    there.abort();
    // Its peer is gone, and takes nothing any more.
    while here.write_buffer_bytes() == 0 {
        here.write("unsent").unwrap();
    }
    here.close();
    assert!(block_on(here.closed()).messages > 0);
    assert_eq!(block_on(here.read()).unwrap(), "received");
    assert_eq!(block_on(here.read()), Err(ReadError::Closed));
    shut_down(&context);
}

#[test]
fn e1_a_shutdown_gives_a_stream_that_is_closing_the_time_of_its_own() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let push = builder(SocketType::PUSH, &context)
        .option(options::LINGER, Some(Duration::from_secs(3_600)));
    let push = push.open().unwrap();
    push.write("never sent").unwrap();
    push.close();
    let error = block_on(context.shutdown(Duration::from_millis(50))).unwrap_err();
    assert!(matches!(error, ShutdownError::TimedOut(lost) if lost.messages == 1));
    assert_eq!(block_on(push.closed()).messages, 1);
}

#[test]
fn e1_a_time_to_close_that_is_prolonged_when_it_is_just_up_ends_nothing() {
    let _watchdog = Watchdog::new(60);
    let (context, others) = (Context::new().unwrap(), Context::new().unwrap());
    let first = io_thread_pipe(&others, "inproc://first");
    let second = io_thread_pipe(&others, "inproc://second");
    let (mut first_read, mut second_read) = (first.0.read(), second.0.read());
    let first_kept = poll_keeping(&mut first_read);
    let second_kept = poll_keeping(&mut second_read);
    first.1.write("x").unwrap();
    first_kept.begins();
    // What comes now the I/O thread sees in one look: the other message, and that the time of this one is up.
    let linger = Duration::from_millis(1);
    let closing = ZmqStream::builder(SocketType::PUSH).context(&context);
    let closing = closing.option(options::LINGER, Some(linger));
    let closing = closing.bind("tcp://127.0.0.1:*").open().unwrap();
    closing.write("held").unwrap();
    // A shutdown comes to this one behind the other.
    let last = builder(SocketType::PULL, &context).open().unwrap();
    let endpoint = closing.bindings()[0].clone();
    closing.close();
    let since = Instant::now();
    eventually(|| since.elapsed() > linger * 2);
    second.1.write("x").unwrap();
    drop(first_kept);
    second_kept.begins();
    // It is on its way to see to that.
    let shutdown = context.shutdown(Duration::from_secs(20));
    eventually(|| last.at_closing());
    drop(second_kept);
    let pull = builder(SocketType::PULL, &others).connect(&endpoint);
    assert_eq!(block_on(pull.open().unwrap().read()).unwrap(), "held");
    block_on(shutdown).unwrap();
    drop((first_read, second_read));
    shut_down(&others);
}

#[test]
fn e1_a_shutdown_gives_a_stream_its_time_though_its_socket_is_lent_just_then() {
    let _watchdog = Watchdog::new(60);
    let (context, others) = (Context::new().unwrap(), Context::new().unwrap());
    let push = builder(SocketType::PUSH, &context).option(options::LINGER, Some(Duration::ZERO));
    let push = push.bind("tcp://127.0.0.1:*").open().unwrap();
    push.write("held").unwrap();
    let lent = push.with_socket(|_| {
        let shutdown = context.shutdown(Duration::from_secs(20));
        eventually(|| push.at_closing());
        shutdown
    });
    let pull = builder(SocketType::PULL, &others).connect(&push.bindings()[0]);
    assert_eq!(block_on(pull.open().unwrap().read()).unwrap(), "held");
    block_on(lent.unwrap()).unwrap();
    shut_down(&others);
}

#[test]
fn e1_a_subscription_that_nobody_hears_keeps_no_context() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    // libzmq holds the subscription for a publisher that is not there, and a SUB lingers for nothing.
    let sub = builder(SocketType::SUB, &context).subscribe("news");
    let sub = sub.connect(nobody()).open().unwrap();
    block_on(context.shutdown(Duration::from_secs(5))).unwrap();
    assert!(sub.at_closing());
    // One that was told to linger does so for as long as its stream may close, and no longer.
    let context = Context::new().unwrap();
    let sub = builder(SocketType::SUB, &context).subscribe("news");
    let sub = sub.option(options::LINGER, None).connect(nobody());
    sub.open().unwrap().abort();
    block_on(context.shutdown(Duration::from_secs(5))).unwrap();
}

/// A waker that panics.
struct Panics;

impl std::task::Wake for Panics {
    fn wake(self: std::sync::Arc<Self>) {
        panic!("a waker that panics, on purpose");
    }
}

#[test]
fn e5_a_waker_that_panics_does_not_keep_a_shutdown_from_its_end() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let pull = builder(SocketType::PULL, &context).open().unwrap();
    let waker = std::sync::Arc::new(Panics).into();
    let mut cx = std::task::Context::from_waker(&waker);
    let mut read = Box::pin(pull.read());
    assert!(read.as_mut().poll(&mut cx).is_pending());
    let mut panics = Box::pin(context.shutdown(Duration::from_secs(20)));
    let _ = panics.as_mut().poll(&mut cx);
    block_on(context.shutdown(Duration::from_secs(20))).unwrap();
}

#[test]
fn e5_a_waker_of_an_event_that_panics_keeps_no_reader_and_no_context_from_its_end() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let pull = builder(SocketType::PULL, &context).open().unwrap();
    pull.enable_monitor(EventMask::LISTENING).unwrap();
    let waker = std::sync::Arc::new(Panics).into();
    let mut cx = std::task::Context::from_waker(&waker);
    let mut event = Box::pin(pull.read_event());
    assert!(event.as_mut().poll(&mut cx).is_pending());
    let counter = Counter::new();
    let mut read = pull.read();
    assert!(poll(&mut read, &counter).is_pending());
    pull.close();
    assert_eq!(counter.take(), 1);
    assert_eq!(
        poll(&mut read, &counter),
        Poll::Ready(Err(ReadError::Closed))
    );
    shut_down(&context);
}

#[test]
fn e1_a_shutdown_without_time_is_clean_where_there_is_nothing_to_send() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let pull = builder(SocketType::PULL, &context).open().unwrap();
    pull.close();
    assert_eq!(block_on(pull.closed()), Lost::default());
    block_on(context.shutdown(Duration::from_millis(1))).unwrap();
}

#[test]
fn e5_a_waker_that_panics_on_the_io_thread_leaves_the_other_streams_alone() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let pull = builder(SocketType::PULL, &context)
        .bind("inproc://panics")
        .open()
        .unwrap();
    let push = builder(SocketType::PUSH, &context)
        .connect("inproc://panics")
        .open()
        .unwrap();
    let waker = std::sync::Arc::new(Panics).into();
    let mut read = Box::pin(pull.read());
    let mut cx = std::task::Context::from_waker(&waker);
    assert!(read.as_mut().poll(&mut cx).is_pending());
    push.write("one").unwrap();
    eventually(|| pull.read_buffer_bytes() > 0);
    drop(read);
    assert_eq!(block_on(pull.read()).unwrap(), "one");
    let counter = Counter::new();
    let mut read = pull.read();
    assert!(poll(&mut read, &counter).is_pending());
    push.write("two").unwrap();
    eventually(|| counter.take() == 1);
    assert!(poll(&mut read, &counter).is_ready());
    drop(read);
    shut_down(&context);
}

#[test]
fn e3_every_pending_future_completes_when_the_stream_is_closed() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let stream = builder(SocketType::DEALER, &context)
        .high_write(0)
        .open()
        .unwrap();
    stream.write("queued").unwrap();
    let counters: Vec<_> = (0..6).map(|_| Counter::new()).collect();
    let mut reads = [stream.read(), stream.read()];
    let mut drains = [stream.drain(), stream.drain()];
    let mut closeds = [stream.closed(), stream.closed()];
    for k in 0..2 {
        assert!(poll(&mut reads[k], &counters[k]).is_pending());
        assert!(poll(&mut drains[k], &counters[2 + k]).is_pending());
        assert!(poll(&mut closeds[k], &counters[4 + k]).is_pending());
    }
    stream.close();
    for (read, counter) in reads.iter_mut().zip(&counters) {
        assert_eq!(counter.take(), 1);
        assert!(matches!(
            poll(read, counter),
            Poll::Ready(Err(ReadError::Closed))
        ));
    }
    // Nobody takes the message: a shutdown drops it.
    assert!(block_on(context.shutdown(Duration::ZERO)).is_err());
    let lost = Lost {
        messages: 1,
        bytes: 6 + 64,
    };
    for (drain, counter) in drains.iter_mut().zip(&counters[2..]) {
        assert_eq!(counter.take(), 1);
        assert_eq!(
            poll(drain, counter),
            Poll::Ready(Err(DrainError::Dropped(lost)))
        );
    }
    for (closed, counter) in closeds.iter_mut().zip(&counters[4..]) {
        assert_eq!(counter.take(), 1);
        assert_eq!(poll(closed, counter), Poll::Ready(lost));
    }
}

#[test]
fn e4_dropping_the_last_handle_closes_the_stream_and_what_is_queued_is_sent() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let push = builder(SocketType::PUSH, &context)
        .connect("inproc://e4")
        .open()
        .unwrap();
    let other = push.clone();
    for _ in 0..3_000 {
        push.write("queued").unwrap();
    }
    drop(push);
    other.write("not yet").unwrap();
    drop(other);
    let pull = builder(SocketType::PULL, &context)
        .bind("inproc://e4")
        .open()
        .unwrap();
    block_on(async {
        for _ in 0..3_000 {
            assert_eq!(pull.read().await.unwrap(), "queued");
        }
        assert_eq!(pull.read().await.unwrap(), "not yet");
    });
    shut_down(&context);
}

#[test]
fn e5_every_call_on_a_closed_stream_is_defined() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let stream = builder(SocketType::PAIR, &context)
        .bind("inproc://e5")
        .open()
        .unwrap();
    stream.close();
    stream.close();
    block_on(async {
        assert_eq!(stream.closed().await, Lost::default());
        assert_eq!(stream.read().await.unwrap_err(), ReadError::Closed);
        assert_eq!(
            stream.try_read().unwrap_err(),
            TryReadError::Read(ReadError::Closed)
        );
        assert_eq!(stream.drain().await, Ok(()));
        assert!(matches!(stream.write("late"), Err(WriteError::Closed(_))));
        assert!(stream.at_closing());
        assert_eq!(stream.exception(), None);
        assert_eq!(stream.bindings(), ["inproc://e5"]);
        assert_eq!(
            (stream.read_buffer_bytes(), stream.write_buffer_bytes()),
            (0, 0)
        );
        stream.close();
    });
    shut_down(&context);
}

#[test]
fn c1_a_waker_of_another_that_panics_takes_no_message_from_whoever_reads() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let (pull, push) = io_thread_pipe(&context, "inproc://panics-beside");
    let counter = Counter::new();
    let mut read = pull.read();
    assert!(poll(&mut read, &counter).is_pending());
    let waker = std::sync::Arc::new(Panics).into();
    let mut cx = std::task::Context::from_waker(&waker);
    let mut beside = Box::pin(pull.read());
    assert!(beside.as_mut().poll(&mut cx).is_pending());
    push.write("one").unwrap();
    push.write("two").unwrap();
    eventually(|| pull.read_buffer_bytes() > 0);
    // It wakes the one behind it.
    let Poll::Ready(Ok(message)) = poll(&mut read, &counter) else {
        panic!("it is there")
    };
    assert_eq!(message, "one");
    drop(beside);
    assert_eq!(block_on(pull.read()).unwrap(), "two");
    shut_down(&context);
}

#[test]
fn e1_the_linger_of_a_stream_that_closes_while_its_socket_is_lent_runs_from_the_close_on() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let linger = Duration::from_secs(2);
    let push = builder(SocketType::PUSH, &context).option(options::LINGER, Some(linger));
    let push = push.connect(nobody()).option(options::SEND_HWM, 1);
    let push = push.option(options::IMMEDIATE, true).open().unwrap();
    push.write("nobody comes").unwrap();
    let given_back = push
        .with_socket(|_| {
            push.close();
            let closed = std::time::Instant::now();
            eventually(|| closed.elapsed() > linger);
            std::time::Instant::now()
        })
        .unwrap();
    assert_eq!(block_on(push.closed()).messages, 1);
    assert!(given_back.elapsed() < linger);
    shut_down(&context);
}
