//! Who is let in, by options that are set before the first bind (contract A4).

use std::time::Duration;

use tidegate::options::{self, CurveKey};
use tidegate::{
    Authenticator, Builder, Context, EndpointError, EventKind, EventMask, OpenError, OptionError,
    SocketType,
};
use tidegate_tests::{Watchdog, block_on, builder, shut_down};

const HEARTBEAT: Duration = Duration::from_secs(1);

/// Answers what a server asks about its clients, as RFC 27 says: `status` for each, by what it is asked.
fn zap_handler(context: &Context, status: fn(&tidegate::Multipart) -> &'static str) {
    let handler = builder(SocketType::REP, context).bind("inproc://zeromq.zap.01");
    let handler = handler.open().unwrap();
    std::thread::spawn(move || {
        block_on(async {
            while let Ok(question) = handler.read().await {
                let [version, id] = [&question[0], &question[1]].map(|frame| frame.to_vec());
                let answer = [version, id, status(&question).into(), b"".to_vec()];
                let answer = answer.into_iter().chain([b"user".to_vec(), b"".to_vec()]);
                handler
                    .write(answer.collect::<tidegate::Multipart>())
                    .unwrap();
            }
        });
    });
}

#[test]
fn a4_a_client_of_plain_is_let_in_by_its_name_and_password() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    zap_handler(&context, |question| {
        assert_eq!(question[2], "storm");
        assert_eq!(question[5], "PLAIN");
        if question[6] == "ann" && question[7] == "secret" {
            "200"
        } else {
            "400"
        }
    });
    let server = builder(SocketType::PULL, &context)
        .option(options::ZAP_DOMAIN, "storm".into())
        .option(options::PLAIN_SERVER, true)
        .bind("tcp://127.0.0.1:*");
    let server = server.open().unwrap();
    assert_eq!(server.option(options::ZAP_DOMAIN).unwrap(), "storm");
    assert!(server.option(options::PLAIN_SERVER).unwrap());
    let client = |password: &str| {
        let builder = builder(SocketType::PUSH, &context)
            .option(options::PLAIN_USERNAME, "ann".into())
            .option(options::PLAIN_PASSWORD, password.into());
        assert!(!format!("{builder:?}").contains(password));
        builder
    };
    let wrong = client("guess").open().unwrap();
    assert_eq!(wrong.option(options::PLAIN_USERNAME).unwrap(), "ann");
    wrong
        .enable_monitor(EventMask::HANDSHAKE_FAILED_AUTH)
        .unwrap();
    wrong.write("from outside").unwrap();
    wrong.connect(&server.bindings()[0]).unwrap();
    let event = block_on(wrong.read_event()).unwrap();
    assert_eq!(event.kind, EventKind::HandshakeFailedAuth { status: 400 });

    let right = client("secret").connect(&server.bindings()[0]).open();
    right.unwrap().write("from inside").unwrap();
    assert_eq!(block_on(server.read()).unwrap(), "from inside");
    assert_eq!(server.read_buffer_bytes(), 0);
    wrong.abort();
    shut_down(&context);
}

/// Keys of libzmq's manual of `zmq_curve`: a server's, and a client's.
const SERVER: [&str; 2] = [
    "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7",
    "JTKVSB%%)wK0E.X)V>+}o?pNmC{O&4W4b!Ni{Lh6",
];
const CLIENT: [&str; 2] = [
    "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID",
    "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs",
];

#[test]
fn a4_a_client_of_curve_is_let_in_by_its_key_or_the_error_says_how_to_get_curve() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let key = |text: &str| text.parse::<CurveKey>().unwrap();
    let server = |builder: Builder| {
        let builder = builder.option(options::CURVE_SERVER, true);
        builder.option(options::CURVE_SECRET_KEY, key(SERVER[1]))
    };
    let client = |server: &str| {
        builder(SocketType::PUSH, &context)
            .option(options::CURVE_PUBLIC_KEY, key(CLIENT[0]))
            .option(options::CURVE_SECRET_KEY, key(CLIENT[1]))
            .option(options::CURVE_SERVER_KEY, key(server))
    };
    let opened = server(builder(SocketType::PULL, &context)).bind("tcp://127.0.0.1:*");
    let opened = opened.open();
    if !zmq::has("curve").unwrap() {
        let Err(OpenError::Option(OptionError::Unsupported { option, reason })) = opened else {
            panic!("{opened:?}");
        };
        assert_eq!(option, "ZMQ_CURVE_SERVER");
        assert!(reason.contains("the system's libzmq has it"));
        assert!(client(SERVER[0]).open().is_err());
        return shut_down(&context);
    }
    let server = opened.unwrap();
    assert_eq!(
        server.option(options::CURVE_SECRET_KEY).unwrap().to_z85(),
        SERVER[1]
    );
    // It takes another for the server.
    let wrong = client(CLIENT[0]).open().unwrap();
    server
        .enable_monitor(EventMask::HANDSHAKE_FAILED_PROTOCOL)
        .unwrap();
    wrong.write("from outside").unwrap();
    wrong.connect(&server.bindings()[0]).unwrap();
    let event = block_on(server.read_event()).unwrap();
    assert!(matches!(
        event.kind,
        EventKind::HandshakeFailedProtocol { .. }
    ));
    let right = client(SERVER[0]).connect(&server.bindings()[0]).open();
    right.unwrap().write("from inside").unwrap();
    assert_eq!(block_on(server.read()).unwrap(), "from inside");
    assert_eq!(server.read_buffer_bytes(), 0);
    wrong.abort();
    shut_down(&context);
}

/// Each is what is set by default, and libzmq takes it for another mechanism, or none.
#[test]
fn a4_an_option_that_undoes_a_mechanism_which_was_set_before_is_an_error() {
    let context = Context::new().unwrap();
    let pull = || builder(SocketType::PULL, &context);
    let undone = |builder: Builder| match builder.open() {
        Err(OpenError::Option(OptionError::Unsupported { option, .. })) => option,
        opened => panic!("{opened:?}"),
    };
    let off = |builder: Builder| builder.option(options::PLAIN_SERVER, false);
    let client = pull().plain_client("ann", "secret");
    assert_eq!(undone(off(client)), "ZMQ_PLAIN_USERNAME");
    let server = pull().plain_server("storm");
    let named = server.clone().option(options::PLAIN_USERNAME, "ann".into());
    assert_eq!(undone(named), "ZMQ_PLAIN_SERVER");

    // Whoever takes a server's role from it means it, and one that comes first undoes nothing.
    assert!(off(server.clone()).open().is_ok());
    let client = off(pull()).plain_client("ann", "secret").open().unwrap();
    let error = client.set_option(options::PLAIN_SERVER, false);
    assert!(matches!(error, Err(OptionError::Unsupported { .. })));
    let server = server.open().unwrap();
    server.set_option(options::PLAIN_SERVER, false).unwrap();

    // One that somebody else has given the socket.
    let raw = zmq::Context::new().socket(zmq::PULL).unwrap();
    raw.set_plain_username(Some("ann")).unwrap();
    let error = off(pull()).adopt(raw).unwrap_err().error;
    assert!(matches!(
        error,
        OpenError::Option(OptionError::Unsupported { option, .. }) if option == "ZMQ_PLAIN_SERVER"
    ));

    // PLAIN in place of CURVE sends the password as it is.
    if zmq::has("curve").unwrap() {
        let keys = options::CurveKeys::generate().unwrap();
        let client = pull().curve_client(keys, keys.public);
        let both = client.plain_client("ann", "secret");
        assert_eq!(undone(both), "ZMQ_CURVE_SERVERKEY");
        let server = pull().curve_server("storm", keys.secret).open().unwrap();
        assert!(server.option(options::CURVE_SERVER).unwrap());
        assert_eq!(
            undone(off(pull().curve_server("storm", keys.secret))),
            "ZMQ_CURVE_SERVER"
        );
    }
    shut_down(&context);
}

/// A stranger may ask for a connection without a handshake, which no ZAP handler hears of, and by which a heartbeat ends the process.
#[test]
fn i1_a_websocket_without_a_mechanism_has_neither_a_domain_nor_a_heartbeat() {
    const ENDPOINT: &str = "ws://127.0.0.1:*";
    let context = Context::new().unwrap();
    let pull = || builder(SocketType::PULL, &context);
    let beats = |builder: Builder| builder.option(options::HEARTBEAT_INTERVAL, HEARTBEAT);
    let is_harmful = |builder: Builder| {
        let opened = builder.bind(ENDPOINT).open();
        matches!(opened, Err(OpenError::Endpoint(EndpointError::Unsupported { endpoint, .. })) if endpoint == ENDPOINT)
    };
    let opened = pull().bind(ENDPOINT).open();
    assert_eq!(opened.is_ok(), zmq::has("WS").unwrap());
    if opened.is_err() {
        return;
    }
    assert!(is_harmful(pull().guarded("storm")));
    assert!(is_harmful(beats(pull())));
    let server = beats(pull().plain_server("storm"));
    assert!(server.bind(ENDPOINT).open().is_ok());
    assert!(
        beats(pull().guarded("storm"))
            .bind("tcp://127.0.0.1:*")
            .open()
            .is_ok()
    );
    let push = beats(builder(SocketType::PUSH, &context)).open().unwrap();
    for host in ["127.0.0.1", "localhost"] {
        let connected = push.connect(&format!("ws://{host}:1"));
        assert!(matches!(connected, Err(EndpointError::Unsupported { .. })));
    }
    assert!(push.connections().is_empty());
    let late = pull().option(options::ZAP_DOMAIN, "storm".into()).open();
    let error = late.unwrap().bind(ENDPOINT).unwrap_err();
    assert_eq!(
        error.to_string(),
        "no use is made of ws://127.0.0.1:*: libzmq asks no ZAP handler of who comes by WebSocket without PLAIN or CURVE"
    );
    shut_down(&context);
}

/// libzmq counts what the ZAP handler says of a peer as a message that is never read.
#[test]
fn a4_the_receive_mark_of_a_stream_that_asks_who_comes_is_two_at_least() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let authenticator = Authenticator::start(&context).unwrap();
    authenticator.set_plain("storm", [("ann", "secret")]);
    let pull = |hwm| builder(SocketType::PULL, &context).option(options::RECEIVE_HWM, hwm);
    let no_room = |error: OptionError| {
        matches!(
            error,
            OptionError::Unsupported {
                option: "ZMQ_RCVHWM",
                ..
            }
        )
    };
    for guarded in [pull(1).plain_server("storm"), pull(1).guarded("storm")] {
        assert!(matches!(guarded.open().unwrap_err(), OpenError::Option(error) if no_room(error)));
    }
    // It receives nothing.
    let push = builder(SocketType::PUSH, &context).option(options::RECEIVE_HWM, 1);
    let push = push.plain_server("storm").open().unwrap();
    push.set_option(options::RECEIVE_HWM, 1).unwrap();
    let late = pull(1).open().unwrap();
    let error = late.set_option(options::PLAIN_SERVER, true);
    assert!(no_room(error.unwrap_err()));
    let error = late.set_option(options::ZAP_DOMAIN, "storm".into());
    assert!(no_room(error.unwrap_err()));
    // With none it asks nobody, but libzmq may not take that.
    let none = late.set_option(options::ZAP_DOMAIN, String::new());
    assert!(!none.is_err_and(no_room));
    let server = pull(2).plain_server("storm").open().unwrap();
    assert!(no_room(
        server.set_option(options::RECEIVE_HWM, 1).unwrap_err()
    ));
    // Any other mark is as good as before.
    server.set_option(options::RECEIVE_HWM, 2).unwrap();
    let late = pull(2).open().unwrap();
    late.set_option(options::PLAIN_SERVER, true).unwrap();
    let client = builder(SocketType::PUSH, &context).plain_client("ann", "secret");
    let client = client.connect(server.bind("tcp://127.0.0.1:*").unwrap());
    let client = client.open().unwrap();
    for k in 0..100 {
        client.write(k.to_string()).unwrap();
    }
    for k in 0..100 {
        assert_eq!(block_on(server.read()).unwrap(), [k.to_string()]);
    }
    shut_down(&context);
}

/// libzmq would take 32 zeros for it.
#[test]
fn a4_a_server_of_curve_has_a_secret_key() {
    let context = Context::new().unwrap();
    let late = builder(SocketType::PULL, &context).open().unwrap();
    if !zmq::has("curve").unwrap() {
        // There is no use in setting one.
        let error = late.set_option(options::CURVE_SERVER, true).unwrap_err();
        assert!(error.to_string().contains("without CURVE"), "{error}");
        return;
    }
    let pull = || builder(SocketType::PULL, &context);
    let no_key = |error: OptionError| {
        matches!(
            error,
            OptionError::Unsupported {
                option: "ZMQ_CURVE_SERVER",
                ..
            }
        )
    };
    let opened = pull().option(options::CURVE_SERVER, true).open();
    assert!(matches!(opened.unwrap_err(), OpenError::Option(error) if no_key(error)));
    let error = late.set_option(options::CURVE_SERVER, true);
    assert!(no_key(error.unwrap_err()));
    let keys = options::CurveKeys::generate().unwrap();
    late.set_option(options::CURVE_SECRET_KEY, keys.secret)
        .unwrap();
    late.set_option(options::CURVE_SERVER, true).unwrap();
    shut_down(&context);
}
