//! Row G1 of the contract: binding and connecting while a stream runs.

use std::time::Duration;

use tidegate::{Context, EndpointError, OpenError, SocketType, options};
use tidegate_tests::{Watchdog, block_on, builder, eventually, shut_down};

const EINVAL: i32 = 22;

#[test]
fn g1_a_bound_endpoint_is_returned_resolved_and_takes_connections_until_it_is_unbound() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let pull = builder(SocketType::PULL, &context).open().unwrap();
    assert!(pull.bindings().is_empty());
    let bound = pull.bind("tcp://127.0.0.1:*").unwrap();
    let port = bound.strip_prefix("tcp://127.0.0.1:").unwrap();
    assert_ne!(port.parse::<u16>().unwrap(), 0);
    assert_eq!(pull.bind("inproc://g1").unwrap(), "inproc://g1");
    assert_eq!(pull.bindings(), [bound.as_str(), "inproc://g1"]);

    let push = builder(SocketType::PUSH, &context).open().unwrap();
    assert_eq!(push.connect(&bound).unwrap(), bound);
    assert_eq!(push.connections(), [bound.as_str()]);
    push.write("over tcp").unwrap();
    assert_eq!(block_on(pull.read()).unwrap(), "over tcp");

    pull.unbind(&bound).unwrap();
    assert_eq!(pull.bindings(), ["inproc://g1"]);
    pull.unbind("inproc://g1").unwrap();
    assert!(pull.bindings().is_empty());
    // Both are free for another stream; the port once libzmq has closed it.
    let other = builder(SocketType::PULL, &context).open().unwrap();
    other.bind("inproc://g1").unwrap();
    eventually(|| other.bind(&bound).is_ok());
    shut_down(&context);
}

#[test]
fn g1_a_disconnected_endpoint_gets_nothing_more() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let pull = |endpoint| {
        let builder = builder(SocketType::PULL, &context).bind(endpoint);
        builder.open().unwrap()
    };
    let (one, two) = (pull("inproc://g1-one"), pull("inproc://g1-two"));
    let push = builder(SocketType::PUSH, &context).connect("inproc://g1-one");
    let push = push.open().unwrap();
    push.connect("inproc://g1-two").unwrap();
    assert_eq!(push.connections(), ["inproc://g1-one", "inproc://g1-two"]);
    push.disconnect("inproc://g1-one").unwrap();
    assert_eq!(push.connections(), ["inproc://g1-two"]);
    for k in 0..10u8 {
        push.write([[k].as_slice()]).unwrap();
    }
    for k in 0..10u8 {
        assert_eq!(block_on(two.read()).unwrap(), [[k].as_slice()]);
    }
    assert!(one.try_read().is_err());
    shut_down(&context);
}

#[test]
fn g1_a_call_that_fails_names_its_endpoint_and_changes_no_list() {
    let context = Context::new().unwrap();
    let stream = builder(SocketType::PULL, &context).open().unwrap();
    let error = stream.bind("nonsense").unwrap_err();
    assert!(matches!(
        &error,
        EndpointError::Bind { endpoint, source } if endpoint == "nonsense" && source.raw() == EINVAL
    ));
    assert_eq!(
        error.to_string(),
        "cannot bind nonsense: Invalid argument (errno 22)"
    );
    assert_eq!(
        stream.connect("nonsense").unwrap_err().to_string(),
        "cannot connect nonsense: Invalid argument (errno 22)"
    );
    assert_eq!(
        stream.bind("tcp://*:65536").unwrap_err().to_string(),
        "the port of tcp://*:65536 is over 65535"
    );
    assert_eq!(
        stream.connect("inproc://\0").unwrap_err().to_string(),
        r#"the endpoint "inproc://\0" contains a NUL byte"#
    );
    // A host name is nothing that can be bound, so no bind waits for a name server.
    assert!(stream.bind("tcp://localhost.invalid:*").is_err());
    // What was connected is not unbound, though libzmq would do so.
    stream.connect("tcp://127.0.0.1:1").unwrap();
    assert_eq!(
        stream.unbind("tcp://127.0.0.1:1").unwrap_err().to_string(),
        "tcp://127.0.0.1:1 is not bound by this stream"
    );
    assert_eq!(
        stream.disconnect("inproc://x").unwrap_err().to_string(),
        "inproc://x is not connected by this stream"
    );
    assert!(stream.bindings().is_empty());
    assert_eq!(stream.connections(), ["tcp://127.0.0.1:1"]);
    stream.close();
    let closed = stream.bind("inproc://g1-closed").unwrap_err();
    assert_eq!(closed, EndpointError::Closed);
    shut_down(&context);
}

#[test]
fn g1_binding_and_connecting_from_one_thread_hangs_no_reader_in_another() {
    const MESSAGES: u32 = 2_000;
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let pull = builder(SocketType::PULL, &context).bind("inproc://g1-busy");
    let pull = pull.open().unwrap();
    let push = builder(SocketType::PUSH, &context).connect("inproc://g1-busy");
    let push = push.open().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for k in 0..MESSAGES {
                assert_eq!(block_on(pull.read()).unwrap(), [k.to_le_bytes().as_slice()]);
            }
        });
        for k in 0..MESSAGES {
            push.write(k.to_le_bytes().as_slice()).unwrap();
            // It takes in the news of that message.
            pull.bind("inproc://g1-more").unwrap();
            pull.unbind("inproc://g1-more").unwrap();
        }
    });
    shut_down(&context);
}

#[test]
fn g1_a_port_over_65535_is_refused_wherever_it_stands() {
    let context = Context::new().unwrap();
    let stream = builder(SocketType::PULL, &context).open().unwrap();
    for endpoint in [
        "tcp://127.0.0.1:65536",
        "tcp://127.0.0.1:95536 ",
        "tcp://127.0.0.1:+95536",
        "tcp://127.0.0.1:-5536",
        "tcp://127.0.0.1:95537;127.0.0.1:5555",
        "tcp://127.0.0.1:5555;127.0.0.1:95537",
        "ws://127.0.0.1:95535/path",
    ] {
        for refused in [stream.bind(endpoint), stream.connect(endpoint)] {
            let refused = refused.unwrap_err();
            assert!(matches!(refused, EndpointError::Port { .. }), "{refused}");
        }
    }
    // These have none.
    stream.bind("inproc://name:99999").unwrap();
    stream.connect("ipc:///tmp/tidegate-name:99999").unwrap();
    stream.connect("tcp://127.0.0.1:65535").unwrap();
    stream.abort();
    shut_down(&context);
}

#[test]
fn g1_an_endpoint_whose_connection_was_lost_and_is_not_made_again_can_be_left() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let server = builder(SocketType::PULL, &context).bind("tcp://127.0.0.1:*");
    let server = server.open().unwrap();
    let client = builder(SocketType::PUSH, &context)
        .option(options::RECONNECT_INTERVAL, None)
        .track_connections(true)
        .connect(&server.bindings()[0]);
    let client = client.open().unwrap();
    block_on(client.wait_connected(1, Duration::from_secs(20))).unwrap();
    server.abort();
    eventually(|| client.connection_states().unwrap().is_empty());
    client.disconnect(&client.connections()[0]).unwrap();
    assert_eq!(client.connections(), [""; 0]);
    shut_down(&context);
}

/// libzmq removes whatever is there before it binds.
#[test]
fn a4_a_file_that_is_no_socket_outlives_a_bind_by_its_name() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let file = format!("tidegate-{}-no-socket", std::process::id());
    let path = std::env::temp_dir().join(file);
    let endpoint = format!("ipc://{}", path.display());
    std::fs::write(&path, "somebody's").unwrap();
    let pull = builder(SocketType::PULL, &context).open().unwrap();
    let error = pull.bind(&endpoint).unwrap_err();
    assert!(matches!(&error, EndpointError::Unsupported { endpoint: of, .. } if *of == endpoint));
    assert_eq!(std::fs::read(&path).unwrap(), b"somebody's");
    std::fs::remove_file(&path).unwrap();

    // A socket that was left behind may be replaced.
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    pull.bind(&endpoint).unwrap();
    let push = builder(SocketType::PUSH, &context).connect(&endpoint);
    push.open().unwrap().write("hello").unwrap();
    assert_eq!(block_on(pull.read()).unwrap(), "hello");
    shut_down(&context);
    drop(std::fs::remove_file(&path));
}

/// It would try for ever, ask for something else, or end the process.
#[test]
fn g1_an_endpoint_that_libzmq_would_take_to_no_good_is_refused() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let longest = format!("{:x<4096}", "ws://127.0.0.1:1/");
    let long = format!("{longest}x");
    for (kind, endpoint) in [
        (SocketType::PUSH, "tcp://127.0.0.1:0"),
        (SocketType::PUSH, "tcp://127.0.0.1:00"),
        (SocketType::PUSH, "tcp://127.0.0.1:*"),
        (SocketType::PUSH, "tcp://127.0.0.1:0;127.0.0.1:0"),
        (SocketType::PUSH, "tcp://[::1]:5555"),
        (SocketType::PUSH, "tcp://::1:5555"),
        (SocketType::PUSH, "ws://localhost:1/a:b"),
        (SocketType::PUSH, &long),
        (SocketType::STREAM, "inproc://raw"),
        (SocketType::STREAM, "ws://127.0.0.1:1"),
    ] {
        let stream = builder(kind, &context).open().unwrap();
        let error = stream.connect(endpoint).unwrap_err();
        assert!(
            matches!(&error, EndpointError::Unsupported { endpoint: of, .. } if of == endpoint),
            "{error}"
        );
        assert!(stream.connections().is_empty());
        stream.abort();
    }
    let stream = builder(SocketType::PUSH, &context).open().unwrap();
    let connected = stream.connect(&longest);
    assert!(!matches!(connected, Err(EndpointError::Unsupported { .. })));
    stream.abort();
    for (kind, endpoint) in [
        (SocketType::PULL, "inproc://zeromq.zap.01"),
        (SocketType::STREAM, "inproc://raw"),
        (SocketType::STREAM, "ws://127.0.0.1:*"),
        (SocketType::PULL, &long),
    ] {
        let error = builder(kind, &context).bind(endpoint).open().unwrap_err();
        assert!(
            matches!(&error, OpenError::Endpoint(EndpointError::Unsupported { endpoint: of, .. }) if of == endpoint),
            "{error}"
        );
    }
    // These are like them.
    let router = builder(SocketType::ROUTER, &context).option(options::IPV6, true);
    let router = router.bind("inproc://zeromq.zap.01").open().unwrap();
    for endpoint in ["tcp://[::1]:5555", "tcp://127.0.0.1:0;127.0.0.1:5555"] {
        router.connect(endpoint).unwrap();
    }
    router.abort();
    let pull = builder(SocketType::PULL, &context).bind("tcp://127.0.0.1:*");
    let pull = pull.open().unwrap();
    let mapped = pull.bindings()[0].replace("127.0.0.1", "[::ffff:127.0.0.1]");
    let push = builder(SocketType::PUSH, &context).connect(mapped);
    push.open().unwrap().write("hello").unwrap();
    assert_eq!(block_on(pull.read()).unwrap(), "hello");
    shut_down(&context);
}

/// libzmq ends all that it has by a name, whichever way that came.
#[test]
fn g1_an_endpoint_is_not_bound_and_connected_by_the_same_stream() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let mesh = builder(SocketType::DEALER, &context).bind("tcp://127.0.0.1:*");
    let mesh = mesh.open().unwrap();
    let own = mesh.bindings().remove(0);
    let error = mesh.connect(&own).unwrap_err();
    assert!(matches!(&error, EndpointError::Unsupported { endpoint, .. } if *endpoint == own));
    assert_eq!(
        mesh.disconnect(&own).unwrap_err().to_string(),
        format!("{own} is not connected by this stream")
    );
    let peer = builder(SocketType::DEALER, &context).connect(&own);
    let peer = peer.open().unwrap();
    peer.write("still there").unwrap();
    assert_eq!(block_on(mesh.read()).unwrap(), "still there");

    let connected = peer.bind(&own).unwrap_err();
    assert!(matches!(connected, EndpointError::Unsupported { .. }));
    assert!(peer.bindings().is_empty());
    shut_down(&context);
}

/// What marks a connection's end, or names its peer, libzmq writes into the one place that there is.
#[test]
fn a4_a_stream_that_conflates_connects_by_inproc_what_is_bound() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    for (kind, peer) in [
        (SocketType::SUB, SocketType::PUB),
        (SocketType::PUSH, SocketType::PULL),
        (SocketType::DEALER, SocketType::DEALER),
    ] {
        // A name is free some time after its socket has closed.
        let name = format!("inproc://last-{kind:?}");
        let conflates = || builder(kind, &context).conflate(true);
        let connected = || conflates().connect(&name).open();
        let is_refused = || {
            let refused = |error| {
                matches!(
                    error,
                    OpenError::Endpoint(EndpointError::Unsupported { .. })
                )
            };
            connected().is_err_and(refused)
        };
        assert!(is_refused());
        let bound = builder(peer, &context).bind(&name).open().unwrap();
        // It would be named to a ROUTER.
        assert_eq!(is_refused(), kind == SocketType::DEALER);
        bound.unbind(&name).unwrap();
        assert!(is_refused());
        bound.bind(&name).unwrap();
        bound.abort();
        block_on(bound.closed());
        assert!(is_refused());
    }
    // Of somebody else's context it is known of streams.
    let others = Context::from(zmq::Context::new());
    let open = |kind| builder(kind, &others);
    let bound = open(SocketType::PUB).bind("inproc://last").open().unwrap();
    let sub = open(SocketType::SUB).conflate(true).open().unwrap();
    sub.connect("inproc://last").unwrap();
    drop((bound, sub));
    shut_down(&others);
    shut_down(&context);
}
