//! Sizes, limits, type and the socket itself (contract G4), and that no use of it keeps anybody waiting (G3).

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::channel;
use std::time::Duration;

use futures_lite::future::poll_once;
use tidegate::{
    Context, EndpointError, EventMask, MonitorError, OptionError, ReadError, SocketError,
    SocketType, SubscribeError, Watermarks, ZmqStream, options,
};
use tidegate_tests::{Counter, Watchdog, block_on, builder, eventually, pipe, poll, shut_down};

#[test]
fn g4_sizes_limits_and_type_are_told() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let stream = builder(SocketType::DEALER, &context)
        .high_read(1_000)
        .high_write(2_000);
    let stream = stream.open().unwrap();
    assert_eq!(stream.socket_type(), SocketType::DEALER);
    assert_eq!(stream.read_limits(), Watermarks::from_high(1_000));
    assert_eq!(stream.write_limits(), Watermarks::from_high(2_000));
    stream.write("queued").unwrap();
    assert_eq!(stream.write_buffer_bytes(), 6 + 64);
    assert_eq!(stream.read_buffer_bytes(), 0);
    stream.set_write_limits(Watermarks::from_high(10));
    assert_eq!(stream.write_limits(), Watermarks::from_high(10));
    stream.abort();
    shut_down(&context);
}

#[test]
fn g4_the_socket_is_lent_and_the_stream_goes_on_afterwards() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let (pull, push) = pipe(&context, |builder| builder);
    let counter = Counter::new();
    let mut read = pull.read();
    assert!(poll(&mut read, &counter).is_pending());
    let identity = push.with_socket(|socket| {
        socket.set_identity(b"it").unwrap();
        // Meanwhile the stream takes what is written, and does nothing with it.
        push.write("queued").unwrap();
        assert!(push.write_buffer_bytes() > 0);
        // What needs the socket says so, and does not wait for itself.
        assert_eq!(push.with_socket(|_| ()), Err(SocketError::InUse));
        assert_eq!(push.bind("inproc://g4"), Err(EndpointError::InUse));
        assert!(matches!(
            push.set_option(options::SEND_HWM, 1),
            Err(OptionError::InUse {
                option: "ZMQ_SNDHWM"
            })
        ));
        assert!(matches!(
            push.enable_monitor(EventMask::ALL),
            Err(MonitorError::InUse)
        ));
        assert!(matches!(push.disable_monitor(), Err(MonitorError::InUse)));
        socket.get_identity().unwrap()
    });
    assert_eq!(identity.unwrap(), b"it");
    eventually(|| counter.take() == 1);
    assert_eq!(block_on(read).unwrap(), "queued");
    assert_eq!(push.stats().sent_messages, 1);
    let sub = builder(SocketType::SUB, &context).open().unwrap();
    let in_use = sub.with_socket(|_| sub.subscribe("x"));
    assert_eq!(in_use, Ok(Err(SubscribeError::InUse)));
    shut_down(&context);
}

#[test]
fn g3_a_closure_that_takes_in_the_news_of_a_message_wakes_its_reader() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let (pull, push) = pipe(&context, |builder| builder);
    let (progress, has_come) = channel();
    let reader = pull.clone();
    let thread = std::thread::spawn(move || {
        block_on(async {
            while reader.read().await.is_ok() {
                progress.send(()).unwrap();
            }
        });
    });
    for k in 0..2_000 {
        push.write("x").unwrap();
        let looked = pull.with_socket(|socket| socket.get_events().unwrap());
        looked.unwrap();
        let came = has_come.recv_timeout(Duration::from_secs(30));
        assert_eq!(came, Ok(()), "the reader of message {k} sleeps");
    }
    pull.close();
    thread.join().unwrap();
    shut_down(&context);
}

/// The thread that was to watch while it sleeps does something else from then on.
#[test]
fn d1_what_is_written_once_a_closure_has_had_the_socket_is_sent_in_the_background() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let dealer = ZmqStream::builder(SocketType::DEALER).context(&context);
    let dealer = dealer.bind("tcp://127.0.0.1:*").open().unwrap();
    tidegate::block_on(async {
        assert!(poll_once(dealer.read()).await.is_none());
        // Some ticks long: what was put off would be due meanwhile.
        let lent = dealer.with_socket(|_| std::thread::sleep(Duration::from_millis(20)));
        lent.unwrap();
        dealer.write("queued").unwrap();
        let peer = zmq::Context::new().socket(zmq::DEALER).unwrap();
        peer.set_rcvtimeo(20_000).unwrap();
        peer.connect(&dealer.bindings()[0]).unwrap();
        assert_eq!(peer.recv_bytes(0).unwrap(), b"queued");
    });
    shut_down(&context);
}

#[test]
fn g4_a_closure_that_panics_gives_the_socket_back() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let (pull, push) = pipe(&context, |builder| builder);
    let lent = catch_unwind(AssertUnwindSafe(|| {
        pull.with_socket(|_| panic!("a closure that panics, on purpose"))
    }));
    assert!(lent.is_err());
    push.write("after").unwrap();
    assert_eq!(block_on(pull.read()).unwrap(), "after");
    shut_down(&context);
}

#[test]
fn g4_a_stream_that_is_ended_while_its_socket_is_lent_ends_when_that_is_back() {
    let _watchdog = Watchdog::new(60);
    for abort in [false, true] {
        let context = Context::new().unwrap();
        let linger = Some(Duration::from_millis(20));
        let push = builder(SocketType::PUSH, &context).option(options::LINGER, linger);
        let push = push.open().unwrap();
        push.write("for nobody").unwrap();
        let counter = Counter::new();
        let mut closed = push.closed();
        let ended = push.with_socket(|_| {
            if abort {
                push.abort();
            } else {
                push.close();
            }
            assert!(poll(&mut closed, &counter).is_pending() || abort);
            assert_eq!(block_on(push.read()), Err(ReadError::SendsOnly));
        });
        ended.unwrap();
        assert_eq!(block_on(closed).messages, 1);
        assert_eq!(push.with_socket(|_| ()), Err(SocketError::Closed));
        shut_down(&context);
    }
}
