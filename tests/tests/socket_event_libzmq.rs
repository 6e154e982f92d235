//! The core's decoding beside a monitor of libzmq's own.

use tidegate_core::{EventKind, EventMask, SocketEvent};

#[test]
fn f1_what_libzmq_itself_reports_of_a_connection_is_decoded() {
    let context = zmq::Context::new();
    let server = context.socket(zmq::PULL).unwrap();
    let monitored = |socket: &zmq::Socket, at: &str| {
        socket.monitor(at, EventMask::ALL.bits().into()).unwrap();
        let monitor = context.socket(zmq::PAIR).unwrap();
        monitor.set_rcvtimeo(10_000).unwrap();
        monitor.connect(at).unwrap();
        monitor
    };
    // Reads up to the event that is wanted, and fails if it never comes.
    let until = |monitor: &zmq::Socket, wanted: EventMask| {
        loop {
            let frames = monitor.recv_multipart(0).expect("an event in ten seconds");
            let event: SocketEvent = SocketEvent::decode(frames.iter().map(Vec::as_slice)).unwrap();
            if event.kind.mask() == wanted {
                return event;
            }
        }
    };

    let at_server = monitored(&server, "inproc://server");
    server.bind("tcp://127.0.0.1:*").unwrap();
    let endpoint = server.get_last_endpoint().unwrap().unwrap();
    let listening = until(&at_server, EventMask::LISTENING);
    assert_eq!(listening.endpoint.as_str(), endpoint);
    assert!(matches!(listening.kind, EventKind::Listening { fd } if fd > 2));

    let client = context.socket(zmq::PUSH).unwrap();
    let at_client = monitored(&client, "inproc://client");
    client.connect(&endpoint).unwrap();
    let connected = until(&at_client, EventMask::CONNECTED);
    assert_eq!(connected.endpoint.as_str(), endpoint);
    assert!(matches!(connected.kind, EventKind::Connected { fd } if fd > 2));
    assert_eq!(
        until(&at_client, EventMask::HANDSHAKE_SUCCEEDED).kind,
        EventKind::HandshakeSucceeded
    );
    until(&at_server, EventMask::ACCEPTED);

    let taken = context.socket(zmq::PULL).unwrap();
    let at_taken = monitored(&taken, "inproc://taken");
    taken.bind(&endpoint).unwrap_err();
    // EADDRINUSE, as the system numbers it.
    let in_use = std::net::TcpListener::bind(endpoint.strip_prefix("tcp://").unwrap())
        .unwrap_err()
        .raw_os_error()
        .unwrap();
    assert_eq!(
        until(&at_taken, EventMask::BIND_FAILED).kind,
        EventKind::BindFailed { errno: in_use }
    );
}
