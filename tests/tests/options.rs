//! Options of the socket: rows A4, B6, C7 and G3 of the contract.

use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::time::Duration;

use futures_lite::future::{poll_once, yield_now};
use rustix::net;
use tidegate::options::{self, OptionValue, SocketOption};
use tidegate::{
    Builder, Context, EventKind, EventMask, OpenError, OptionError, SocketType, WriteError,
    ZmqStream,
};
use tidegate_tests::{
    Counter, Watchdog, asks_peers, block_on, builder, eventually, io_thread_pipe, pipe, poll,
    shut_down,
};

const EINVAL: i32 = 22;
const EHOSTUNREACH: i32 = 113;

#[test]
fn a4_every_option_that_the_builder_sets_is_what_the_open_stream_reads() {
    fn is_set<T: OptionValue + Clone + PartialEq + std::fmt::Debug>(
        context: &Context,
        option: SocketOption<T>,
        value: T,
    ) {
        let builder = builder(SocketType::DEALER, context).option(option, value.clone());
        let stream = builder.open().unwrap();
        assert_eq!(stream.option(option).unwrap(), value, "{option:?}");
    }
    let context = Context::new().unwrap();
    let time = Duration::from_millis(1_700);
    is_set(&context, options::LINGER, Some(time));
    is_set(&context, options::LINGER, None);
    is_set(&context, options::SEND_HWM, 3);
    is_set(&context, options::RECEIVE_HWM, 4);
    is_set(&context, options::ROUTING_ID, b"\0name".to_vec());
    is_set(&context, options::IMMEDIATE, true);
    is_set(&context, options::RECONNECT_INTERVAL, Some(time));
    is_set(&context, options::RECONNECT_INTERVAL, None);
    is_set(&context, options::RECONNECT_INTERVAL_MAX, time);
    is_set(&context, options::HEARTBEAT_INTERVAL, time);
    is_set(&context, options::HEARTBEAT_TIMEOUT, time);
    is_set(&context, options::HEARTBEAT_TTL, time);
    is_set(&context, options::MAX_MESSAGE_BYTES, Some(1 << 40));
    is_set(&context, options::MAX_MESSAGE_BYTES, None);
    is_set(&context, options::TCP_KEEPALIVE, None);
    is_set(&context, options::IPV6, true);
    is_set(&context, options::SEND_BUFFER_BYTES, Some(5_000));
    is_set(&context, options::RECEIVE_BUFFER_BYTES, Some(6_000));
    is_set(&context, options::RECEIVE_BUFFER_BYTES, None);
    is_set(&context, options::HANDSHAKE_INTERVAL, time);
    is_set(&context, options::BACKLOG, 7);
    is_set(&context, options::CONNECT_TIMEOUT, time);
    is_set(&context, options::TCP_MAX_RETRANSMIT, time);
    shut_down(&context);
}

#[test]
fn a4_an_option_that_cannot_be_set_is_named_in_the_error() {
    fn error_of<T: OptionValue>(kind: SocketType, option: SocketOption<T>, value: T) -> String {
        let context = Context::new().unwrap();
        let builder = builder(kind, &context).bind("inproc://a4-option");
        let error = builder.option(option, value).open().unwrap_err();
        let name = option.name();
        assert!(matches!(
            &error,
            OpenError::Option(OptionError::Set { option, source })
                if *option == name && source.raw() == EINVAL
        ));
        shut_down(&context);
        error.to_string()
    }
    assert_eq!(
        error_of(SocketType::PULL, options::ROUTER_MANDATORY, true),
        "cannot set ZMQ_ROUTER_MANDATORY: Invalid argument (errno 22)"
    );
    error_of(SocketType::PUSH, options::XPUB_NODROP, true);
    error_of(SocketType::DEALER, options::ROUTER_HANDOVER, true);
    error_of(SocketType::DEALER, options::ROUTING_ID, vec![7; 256]);
    error_of(SocketType::DEALER, options::ROUTING_ID, Vec::new());
    // What no `int` can say is refused, and not cut.
    error_of(SocketType::DEALER, options::SEND_HWM, u32::MAX);
    error_of(
        SocketType::DEALER,
        options::HEARTBEAT_INTERVAL,
        Duration::from_secs(u64::MAX),
    );
    error_of(
        SocketType::DEALER,
        options::MAX_MESSAGE_BYTES,
        Some(u64::MAX),
    );
}

#[test]
fn a4_options_are_set_in_the_order_in_which_they_were_given() {
    let context = Context::new().unwrap();
    let stream = builder(SocketType::PUSH, &context)
        .option(options::SEND_HWM, 1)
        .option(options::SEND_HWM, 2)
        .option(options::RECEIVE_HWM, 3)
        .open()
        .unwrap();
    assert_eq!(stream.option(options::SEND_HWM).unwrap(), 2);
    assert_eq!(stream.option(options::RECEIVE_HWM).unwrap(), 3);
    shut_down(&context);
}

#[test]
fn a4_a_time_that_is_no_whole_number_of_milliseconds_is_rounded_up() {
    let context = Context::new().unwrap();
    let stream = builder(SocketType::PUSH, &context)
        .option(options::LINGER, Some(Duration::from_micros(1)))
        .open()
        .unwrap();
    // Were it cut, everything would be dropped at the close.
    let linger = stream.option(options::LINGER).unwrap();
    assert_eq!(linger, Some(Duration::from_millis(1)));
    shut_down(&context);
}

#[test]
fn a4_an_option_that_libzmq_would_take_without_effect_is_unsupported() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let keeps_alive = |builder: Builder| builder.option(options::TCP_KEEPALIVE, Some(true));
    let opened = keeps_alive(builder(SocketType::PUSH, &context)).open();
    // What libzmq says of it is held against what the operating system does.
    match opened {
        Ok(_) => {
            let (pull, push) = pipe(&context, keeps_alive);
            push.write("connected").unwrap();
            block_on(pull.read()).unwrap();
            assert!(asks_peers(&pull.bindings()[0]));
        }
        Err(error) => {
            let option = "ZMQ_TCP_KEEPALIVE";
            assert!(matches!(
                error,
                OpenError::Option(OptionError::Unsupported { option: of, .. }) if of == option
            ));
            let raw = zmq::Context::new();
            let [pull, push] = [zmq::PULL, zmq::PUSH].map(|kind| raw.socket(kind).unwrap());
            pull.bind("tcp://127.0.0.1:*").unwrap();
            let endpoint = pull.get_last_endpoint().unwrap().unwrap();
            push.set_tcp_keepalive(1).unwrap();
            push.connect(&endpoint).unwrap();
            push.send("connected", 0).unwrap();
            pull.recv_bytes(0).unwrap();
            assert!(!asks_peers(&endpoint));
        }
    }
    let unset = builder(SocketType::PUSH, &context).option(options::TCP_KEEPALIVE, None);
    assert!(unset.open().is_ok());
    // A REP would end the process, once a client has left.
    let rep = builder(SocketType::REP, &context);
    let error = rep.option(options::ROUTER_MANDATORY, true).open();
    assert!(matches!(
        error.unwrap_err(),
        OpenError::Option(OptionError::Unsupported {
            option: "ZMQ_ROUTER_MANDATORY",
            ..
        })
    ));
    let rep = builder(SocketType::REP, &context).open().unwrap();
    let set = rep.set_option(options::ROUTER_MANDATORY, true);
    assert!(matches!(set, Err(OptionError::Unsupported { .. })));
    // It would never connect again.
    let push = builder(SocketType::PUSH, &context).open().unwrap();
    let set = push.set_option(options::RECONNECT_INTERVAL, Some(Duration::ZERO));
    assert_eq!(
        set.unwrap_err().to_string(),
        "ZMQ_RECONNECT_IVL is not supported: libzmq would not connect again at all, which `None` says"
    );
    push.set_option(options::RECONNECT_INTERVAL, None).unwrap();
    // A ROUTER would ignore it.
    let error = builder(SocketType::ROUTER, &context)
        .conflate(true)
        .open()
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "ZMQ_CONFLATE is not supported: only a DEALER, PULL, PUSH, PUB or SUB can hold the last message alone"
    );
    shut_down(&context);
}

/// What the README says of the two builds.
#[test]
fn the_systems_libzmq_has_curve_and_keepalive_and_that_of_the_zmq_crate_has_neither() {
    let context = Context::new().unwrap();
    let mapped = std::fs::read_to_string("/proc/self/maps").unwrap();
    let is_the_systems = mapped.contains("/libzmq.so");
    let keepalive = builder(SocketType::PUSH, &context)
        .option(options::TCP_KEEPALIVE, Some(true))
        .open();
    assert_eq!(keepalive.is_ok(), is_the_systems);
    assert_eq!(zmq::has("curve"), Some(is_the_systems));
    shut_down(&context);
}

#[test]
fn b6_a_message_over_the_largest_is_not_taken() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let (pull, push) = pipe(&context, |builder| {
        builder.option(options::MAX_MESSAGE_BYTES, Some(1_000))
    });
    block_on(async {
        push.write(vec![7; 1_000]).unwrap();
        assert_eq!(pull.read().await.unwrap()[0].len(), 1_000);
        // The connection ends with it, and what is on its way then is lost.
        push.write(vec![7; 1_001]).unwrap();
        let mut read = pull.read();
        let next = loop {
            push.write("next").unwrap();
            push.drain().await.unwrap();
            if let Some(message) = poll_once(&mut read).await {
                break message.unwrap();
            }
            yield_now().await;
        };
        assert_eq!(next, "next");
        // Nothing is left that nobody would take.
        push.write("last").unwrap();
        while pull.read().await.unwrap() != "last" {}
    });
    shut_down(&context);
}

#[test]
fn c7_a_stream_that_conflates_reads_what_came_last() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    for (sends, receives) in [
        (SocketType::PUSH, SocketType::PULL),
        (SocketType::PUB, SocketType::SUB),
    ] {
        let sender = builder(sends, &context).bind("inproc://c7-conflate");
        let sender = sender.open().unwrap();
        let mut receiver = builder(receives, &context).conflate(true);
        if receives == SocketType::SUB {
            receiver = receiver.subscribe("");
        }
        let receiver = receiver.connect("inproc://c7-conflate").open().unwrap();
        // A PUB sends to nobody before it knows of him.
        eventually(|| {
            sender.write("known").unwrap();
            receiver.try_read().is_ok()
        });
        for k in 0..2_000u32 {
            sender.write(k.to_le_bytes().as_slice()).unwrap();
            // Whoever asks the socket for something looks for messages, too.
            receiver.option(options::LINGER).unwrap();
            assert_eq!(receiver.read_buffer_bytes(), 0);
        }
        let last = block_on(receiver.read()).unwrap();
        assert_eq!(last, [1_999u32.to_le_bytes().as_slice()]);
        sender.unbind("inproc://c7-conflate").unwrap();
    }
    shut_down(&context);
}

#[test]
fn c7_without_read_ahead_nothing_is_received_before_somebody_reads() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let push = builder(SocketType::PUSH, &context).bind("inproc://c7-ahead");
    let push = push.open().unwrap();
    let pull = builder(SocketType::PULL, &context)
        .read_ahead(false)
        .connect("inproc://c7-ahead");
    let pull = pull.open().unwrap();
    for k in 0..500u32 {
        push.write(k.to_le_bytes().as_slice()).unwrap();
        // Whoever asks the socket for something looks for messages, too.
        pull.option(options::LINGER).unwrap();
        assert_eq!(pull.read_buffer_bytes(), 0);
    }
    for k in 0..500u32 {
        let message = block_on(pull.read()).unwrap();
        assert_eq!(message, [k.to_le_bytes().as_slice()]);
        assert_eq!(pull.read_buffer_bytes(), 0);
    }
    shut_down(&context);
}

/// Whoever reads takes a message straight from libzmq, and with it the news of those behind it. On tokio they wait for the next news.
#[test]
fn c7_what_is_behind_a_message_that_was_read_is_received_though_nobody_reads_on() {
    let _watchdog = Watchdog::new(60);
    for _ in 0..200 {
        let context = Context::new().unwrap();
        let of = |kind| ZmqStream::builder(kind).context(&context);
        let pull = of(SocketType::PULL).bind("tcp://127.0.0.1:*");
        let pull = pull.open().unwrap();
        let push = of(SocketType::PUSH).connect(&pull.bindings()[0]);
        let push = push.open().unwrap();
        for _ in 0..500 {
            push.write("much").unwrap();
        }
        // One waits, and the other need not.
        for _ in 0..2 {
            assert_eq!(pull.blocking().read(None).unwrap(), "much");
        }
        eventually(|| pull.stats().received_messages == 500);
        pull.abort();
        push.abort();
    }
}

/// A read that is given up, as one of a select is, and another that is polled again.
#[test]
fn c7_what_is_behind_a_message_that_a_polled_read_has_found_is_received_though_nobody_reads_on() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let (pull, push) = io_thread_pipe(&context, "inproc://c7-polled");
    for round in 1..=500 {
        let mut read = Box::pin(pull.read());
        let counter = Counter::new();
        assert!(poll(&mut read, &counter).is_pending());
        for _ in 0..3 {
            push.write("much").unwrap();
        }
        while poll(&mut read, &counter).is_pending() {}
        drop(read);
        eventually(|| pull.stats().received_messages == 3 * round);
        while pull.try_read().is_ok() {}
    }
    shut_down(&context);
}

#[test]
fn g3_options_are_read_and_changed_while_the_stream_runs() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let router = builder(SocketType::ROUTER, &context).open().unwrap();
    assert_eq!(router.option(options::SEND_HWM).unwrap(), 1_000);
    router.set_option(options::SEND_HWM, 7).unwrap();
    assert_eq!(router.option(options::SEND_HWM).unwrap(), 7);

    // It drops what it cannot route, until it is told not to.
    router.write(("nobody", "lost")).unwrap();
    router.set_option(options::ROUTER_MANDATORY, true).unwrap();
    match router.write(("nobody", "refused")).unwrap_err() {
        WriteError::Refused(message, errno) => {
            assert_eq!(*message, ["nobody", "refused"]);
            assert_eq!(errno.raw(), EHOSTUNREACH);
        }
        other => panic!("{other}"),
    }
    let error = router.option(options::ROUTER_MANDATORY).unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot read ZMQ_ROUTER_MANDATORY: Invalid argument (errno 22)"
    );
    let error = router.set_option(options::XPUB_NODROP, true).unwrap_err();
    assert!(
        matches!(error, OptionError::Set { option: "ZMQ_XPUB_NODROP", source } if source.raw() == EINVAL)
    );

    router.close();
    let option = "ZMQ_SNDHWM";
    let closed = OptionError::Closed { option };
    assert_eq!(router.option(options::SEND_HWM).unwrap_err(), closed);
    assert_eq!(router.set_option(options::SEND_HWM, 1).unwrap_err(), closed);
    shut_down(&context);
}

#[test]
fn g3_an_option_by_which_libzmq_would_crash_is_refused_once_there_may_be_peers() {
    let context = Context::new().unwrap();
    let stream = builder(SocketType::PULL, &context).open().unwrap();
    stream.set_option(options::RECEIVE_HWM, 7).unwrap();
    stream.bind("inproc://marks").unwrap();
    stream.unbind("inproc://marks").unwrap();
    for set in [
        stream.set_option(options::RECEIVE_HWM, 8),
        stream.set_option(options::SEND_HWM, 8),
        stream.set_option(options::IMMEDIATE, true),
    ] {
        let error = set.unwrap_err();
        assert!(matches!(error, OptionError::Unsupported { .. }));
        assert!(
            error
                .to_string()
                .ends_with("before the first bind or connect")
        );
    }
    assert_eq!(stream.option(options::RECEIVE_HWM).unwrap(), 7);
    // Whoever had the socket may have bound it.
    let stream = builder(SocketType::PULL, &context).open().unwrap();
    stream
        .with_socket(|socket| socket.bind("inproc://lent"))
        .unwrap()
        .unwrap();
    assert!(stream.set_option(options::RECEIVE_HWM, 8).is_err());
    shut_down(&context);
}

/// A socket that listens at this endpoint and has no room for more connections; they stay as long as the sockets do.
fn full_listener() -> (Vec<OwnedFd>, String) {
    let tcp = || net::socket(net::AddressFamily::INET, net::SocketType::STREAM, None).unwrap();
    let listener = tcp();
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    net::bind(&listener, &any).unwrap();
    net::listen(&listener, 0).unwrap();
    let address: SocketAddr = net::getsockname(&listener).unwrap().try_into().unwrap();
    let mut sockets = vec![listener];
    for _ in 0..8 {
        let socket = tcp();
        rustix::io::ioctl_fionbio(&socket, true).unwrap();
        // Established, or on its way for good.
        let _ = net::connect(&socket, &address);
        sockets.push(socket);
    }
    (sockets, format!("tcp://{address}"))
}

#[test]
fn a4_a_connect_that_nobody_answers_is_tried_again_after_its_timeout() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let (_sockets, endpoint) = full_listener();
    let push = builder(SocketType::PUSH, &context)
        .option(options::CONNECT_TIMEOUT, Duration::from_millis(200))
        .open()
        .unwrap();
    push.enable_monitor(EventMask::CONNECT_RETRIED).unwrap();
    push.connect(&endpoint).unwrap();
    // The operating system would try for minutes.
    for _ in 0..2 {
        let event = block_on(push.read_event()).unwrap();
        assert!(matches!(event.kind, EventKind::ConnectRetried { .. }));
    }
    push.abort();
    shut_down(&context);
}

#[test]
fn d6_a_stream_that_conflates_takes_messages_of_one_frame_only() {
    let context = Context::new().unwrap();
    let push = builder(SocketType::PUSH, &context).conflate(true).open();
    let push = push.unwrap();
    let error = push.write(("two", "frames")).unwrap_err();
    let told = "a message of a stream that conflates, or a subscription of an XSUB, has one frame; this one has 2";
    assert_eq!(error.to_string(), told);
    assert_eq!(error.into_message(), ["two", "frames"]);
    push.write("one").unwrap();
    push.abort();
    shut_down(&context);
}
