//! Section A of the contract: opening a stream over libzmq, and failing to.

use std::net::TcpListener;

use tidegate::{
    Builder, Context, EndpointError, Limit, OpenError, Side, SocketType, Watermarks, ZmqStream,
};
use tidegate_tests::{Watchdog, block_on, builder, raw_peer, shut_down};

const ALL_TYPES: [SocketType; 12] = [
    SocketType::PAIR,
    SocketType::PUB,
    SocketType::SUB,
    SocketType::REQ,
    SocketType::REP,
    SocketType::DEALER,
    SocketType::ROUTER,
    SocketType::PULL,
    SocketType::PUSH,
    SocketType::XPUB,
    SocketType::XSUB,
    SocketType::STREAM,
];

fn error_of(builder: Builder) -> OpenError {
    builder.open().expect_err("it cannot be opened")
}

#[test]
fn a1_one_call_binds_and_connects_any_number_of_endpoints() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let pull = builder(SocketType::PULL, &context)
        .bind("tcp://127.0.0.1:*")
        .bind("inproc://a1-one")
        .bind("tcp://127.0.0.1:*")
        .open()
        .unwrap();
    assert_eq!(pull.bindings().len(), 3);
    assert_eq!(pull.bindings()[1], "inproc://a1-one");
    assert!(!pull.bindings()[0].contains('*'));
    assert_ne!(pull.bindings()[0], pull.bindings()[2]);
    let mut push = builder(SocketType::PUSH, &context)
        .high_write(10_000)
        .low_write(10);
    for endpoint in pull.bindings() {
        push = push.connect(endpoint);
    }
    let push = push.open().unwrap();
    assert_eq!(push.connections(), pull.bindings());
    // A PUSH goes round its peers: each endpoint carries one.
    for k in 0..3u8 {
        push.write([[k].as_slice()]).unwrap();
    }
    let mut got: Vec<u8> = (0..3)
        .map(|_| block_on(pull.read()).unwrap()[0][0])
        .collect();
    got.sort_unstable();
    assert_eq!(got, [0, 1, 2]);
    shut_down(&context);
}

#[test]
fn a2_every_stable_socket_type_opens_and_says_what_it_is() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    for kind in ALL_TYPES {
        let stream = builder(kind, &context)
            .bind("tcp://127.0.0.1:*")
            .open()
            .unwrap();
        assert_eq!(stream.socket_type(), kind);
    }
    shut_down(&context);
}

#[test]
fn a2_a_message_goes_through_every_pair_of_types() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let pair = |bound: SocketType, connected: SocketType| {
        let bound = builder(bound, &context)
            .bind("tcp://127.0.0.1:*")
            .open()
            .unwrap();
        let connected = builder(connected, &context)
            .connect(&bound.bindings()[0])
            .open()
            .unwrap();
        (bound, connected)
    };
    block_on(async {
        for (to, from) in [
            (SocketType::PULL, SocketType::PUSH),
            (SocketType::PAIR, SocketType::PAIR),
            (SocketType::DEALER, SocketType::DEALER),
        ] {
            let (to, from) = pair(to, from);
            from.write(("one", "")).unwrap();
            assert_eq!(to.read().await.unwrap(), ["one", ""]);
        }
        let (rep, req) = pair(SocketType::REP, SocketType::REQ);
        for _ in 0..3 {
            req.write("question").unwrap();
            assert_eq!(rep.read().await.unwrap(), "question");
            rep.write("answer").unwrap();
            assert_eq!(req.read().await.unwrap(), "answer");
        }
        let (router, dealer) = pair(SocketType::ROUTER, SocketType::DEALER);
        dealer.write("hello").unwrap();
        let message = router.read().await.unwrap();
        assert_eq!(message[1..], ["hello"]);
        router.write(message).unwrap();
        assert_eq!(dealer.read().await.unwrap(), "hello");
        // An XSUB subscribes by a message that begins with 1, and an XPUB is told.
        for publisher in [SocketType::XPUB, SocketType::PUB] {
            let (publisher, xsub) = pair(publisher, SocketType::XSUB);
            xsub.write(b"\x01topic").unwrap();
            if publisher.socket_type() == SocketType::XPUB {
                assert_eq!(publisher.read().await.unwrap(), "\x01topic");
                publisher.write("topic and more").unwrap();
            } else {
                // A PUB says nothing of its subscribers: it is written to until one is there.
                let mut published = std::pin::pin!(xsub.read());
                while futures_lite::future::poll_once(published.as_mut())
                    .await
                    .is_none()
                {
                    publisher.write("topic and more").unwrap();
                    std::thread::yield_now();
                }
                publisher.write("topic and more").unwrap();
            }
            assert_eq!(xsub.read().await.unwrap(), "topic and more");
        }
    });
    let (raw, mut peer, identity) = raw_peer(&context);
    raw.write([identity, "raw".into()]).unwrap();
    let mut bytes = [0; 3];
    std::io::Read::read_exact(&mut peer, &mut bytes).unwrap();
    assert_eq!(&bytes, b"raw");
    shut_down(&context);
}

#[test]
fn a4_a_bad_endpoint_is_named_in_the_error() {
    let context = Context::new().unwrap();
    let error = error_of(builder(SocketType::PULL, &context).bind("nonsense"));
    assert!(
        matches!(&error, OpenError::Endpoint(EndpointError::Bind { endpoint, .. }) if endpoint == "nonsense")
    );
    assert_eq!(
        error.to_string(),
        "cannot bind nonsense: Invalid argument (errno 22)"
    );
    let error = error_of(builder(SocketType::PUSH, &context).connect("wrong://host"));
    assert_eq!(
        error.to_string(),
        "cannot connect wrong://host: Protocol not supported (errno 93)"
    );
    let error = error_of(builder(SocketType::PUSH, &context).connect("inproc://a\0b"));
    assert_eq!(
        error.to_string(),
        r#"the endpoint "inproc://a\0b" contains a NUL byte"#
    );
    // libzmq would bind 34463.
    let error = error_of(builder(SocketType::PULL, &context).bind("tcp://127.0.0.1:99999"));
    assert_eq!(
        error.to_string(),
        "the port of tcp://127.0.0.1:99999 is over 65535"
    );
    // The zmq crate itself panics on this error number.
    let error = error_of(builder(SocketType::PULL, &context).bind("ipc:///dev/null/below"));
    assert_eq!(
        error.to_string(),
        "cannot bind ipc:///dev/null/below: Not a directory (errno 20)"
    );
    shut_down(&context);
}

#[test]
fn a4_a_port_in_use_is_named_in_the_error() {
    let context = Context::new().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("tcp://{}", listener.local_addr().unwrap());
    let error = error_of(builder(SocketType::PULL, &context).bind(&endpoint));
    assert_eq!(
        error.to_string(),
        format!("cannot bind {endpoint}: Address already in use (errno 98)")
    );
    shut_down(&context);
}

#[test]
fn a4_a_failed_open_leaves_nothing_bound() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let attempt = builder(SocketType::PULL, &context)
        .bind("inproc://a4-first")
        .bind("nonsense");
    assert!(attempt.open().is_err());
    // The first endpoint is free again.
    let again = builder(SocketType::PULL, &context)
        .bind("inproc://a4-first")
        .open();
    assert!(again.is_ok());
    shut_down(&context);
}

#[test]
fn b1_high_under_low_is_an_error_that_names_the_side_and_both_marks() {
    let error = error_of(
        ZmqStream::builder(SocketType::PUSH)
            .high_write(1)
            .low_write(2),
    );
    assert!(matches!(
        &error,
        OpenError::Watermarks { side: Side::Write, source }
            if (source.high_bytes, source.low_bytes) == (1, 2)
    ));
    assert_eq!(
        error.to_string(),
        "the write buffer: high-water mark of 1 bytes is under the low-water mark of 2 bytes"
    );
}

#[test]
fn b1_neither_mark_gives_64_and_16_kib_and_no_limit_is_a_value() {
    let context = Context::new().unwrap();
    let stream = builder(SocketType::DEALER, &context).open().unwrap();
    let default = Watermarks::new(65_536, 16_384).unwrap();
    assert_eq!(stream.read_limits(), default);
    assert_eq!(stream.write_limits(), default);
    let stream = builder(SocketType::PULL, &context).high_read(Limit::Unlimited);
    let stream = stream.open().unwrap();
    assert_eq!(stream.read_limits().high(), Limit::Unlimited);
    assert_eq!(stream.write_limits(), default);
    shut_down(&context);
}

/// So that `?` turns any of them into whatever a program has its errors in.
#[test]
fn a4_every_error_may_go_to_any_thread() {
    fn may<E: std::error::Error + Send + Sync + 'static>() {}
    may::<tidegate::AdoptError>();
    may::<tidegate::OpenError>();
    may::<tidegate::EndpointError>();
    may::<tidegate::OptionError>();
    may::<tidegate::SubscribeError>();
    may::<tidegate::WriteError>();
    may::<tidegate::ReadError>();
    may::<tidegate::DrainError>();
    may::<tidegate::MonitorError>();
    may::<tidegate::ReadEventError>();
    may::<tidegate::ShutdownError>();
    may::<tidegate::WaitError>();
    may::<tidegate::AuthenticatorError>();
    may::<tidegate::BlockingError<tidegate::WriteError>>();
}

/// libzmq adds both numbers up.
#[test]
fn a4_more_sockets_or_threads_than_libzmq_can_count_are_refused() {
    for most in [u32::MAX, i32::MAX as u32, (i32::MAX / 2) as u32] {
        for builder in [
            Context::builder().max_sockets(most),
            Context::builder().io_threads(most),
        ] {
            assert!(matches!(builder.build(), Err(OpenError::Option(_))));
        }
    }
}

#[test]
fn a5_handles_can_be_cloned_and_sent_and_shared_between_threads() {
    fn sendable<T: Send + Sync>(value: T) -> T {
        value
    }
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let pull = sendable(
        builder(SocketType::PULL, &context)
            .bind("tcp://127.0.0.1:*")
            .open()
            .unwrap(),
    );
    let push = sendable(
        builder(SocketType::PUSH, &context)
            .connect(&pull.bindings()[0])
            .open()
            .unwrap(),
    );
    let total: usize = std::thread::scope(|scope| {
        for _ in 0..4 {
            let push = push.clone();
            scope.spawn(move || {
                for _ in 0..1_000 {
                    push.write("x").unwrap();
                    block_on(sendable(push.drain())).unwrap();
                }
            });
        }
        let readers: Vec<_> = (0..4)
            .map(|_| {
                let pull = pull.clone();
                scope.spawn(move || {
                    (0..1_000)
                        .map(|_| block_on(sendable(pull.read())).unwrap().len())
                        .sum::<usize>()
                })
            })
            .collect();
        readers
            .into_iter()
            .map(|reader| reader.join().unwrap())
            .sum()
    });
    assert_eq!(total, 4_000);
    shut_down(&context);
}

#[test]
fn a6_a_context_that_was_shut_down_opens_no_stream_and_the_next_shared_one_does() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    shut_down(&context);
    let error = error_of(builder(SocketType::PULL, &context));
    assert!(matches!(error, OpenError::ContextShutDown));
    // Shutting down again waits for the same end.
    shut_down(&context);
    for _ in 0..3 {
        let stream = ZmqStream::builder(SocketType::PULL).open().unwrap();
        drop(stream);
        shut_down(&Context::shared().unwrap());
    }
}
