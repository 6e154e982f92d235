//! Who is let in (contract I1): the authenticator, PLAIN, CURVE, addresses; what each side sees of a refusal.

use std::net::Ipv4Addr;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tidegate::options::{self, CurveKeys};
use tidegate::{
    Authenticator, AuthenticatorError, Builder, Context, CurveClients, EventKind, EventMask,
    OpenError, OptionError, SocketType, ZmqStream,
};
use tidegate_tests::{
    Watchdog, alone, block_on, builder, eventually, only_the_io_thread_runs, shut_down, threads,
};

const LOOPBACK: Ipv4Addr = Ipv4Addr::LOCALHOST;

fn pull(context: &Context) -> Builder {
    builder(SocketType::PULL, context).bind("tcp://127.0.0.1:*")
}

fn push(context: &Context) -> Builder {
    builder(SocketType::PUSH, context)
}

/// A client that connects, with its refusals to be read.
fn knock(client: Builder, server: &ZmqStream, message: &str) -> ZmqStream {
    let client = client.open().unwrap();
    client
        .enable_monitor(EventMask::HANDSHAKE_FAILED_AUTH)
        .unwrap();
    client.write(message).unwrap();
    client.connect(&server.bindings()[0]).unwrap();
    client
}

fn refusals(stream: &ZmqStream) {
    let failed = EventMask::HANDSHAKE_FAILED_AUTH
        | EventMask::HANDSHAKE_FAILED_PROTOCOL
        | EventMask::HANDSHAKE_FAILED_NO_DETAIL;
    stream.enable_monitor(failed).unwrap();
}

fn next_event(stream: &ZmqStream) -> EventKind {
    block_on(stream.read_event()).unwrap().kind
}

const REFUSED: EventKind = EventKind::HandshakeFailedAuth { status: 400 };

#[test]
fn i1_a_client_of_plain_gets_in_by_the_rules_of_the_domain_and_both_sides_see_a_refusal() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let authenticator = Authenticator::start(&context).unwrap();
    authenticator.set_plain("storm", [("ann", "secret")]);
    authenticator.set_plain("*", [("bob", "hidden")]);
    let server = pull(&context).plain_server("storm").open().unwrap();
    refusals(&server);
    for (name, password) in [("ann", "guess"), ("bob", "hidden")] {
        let wrong = push(&context).plain_client(name, password);
        let wrong = knock(wrong, &server, "from outside");
        assert_eq!(next_event(&wrong), REFUSED);
        assert_eq!(next_event(&server), REFUSED);
        wrong.abort();
    }
    let right = push(&context).plain_client("ann", "secret");
    let _right = knock(right, &server, "from inside");
    let message = block_on(server.read()).unwrap();
    assert_eq!(message, "from inside");
    assert_eq!(message.user_id(), Some("ann"));
    assert_eq!(message.peer_address(), Some("127.0.0.1"));
    assert_eq!(server.read_buffer_bytes(), 0);
    shut_down(&context);
}

#[test]
fn i1_plain_without_an_authenticator_lets_nobody_in() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let server = pull(&context).plain_server("storm").open().unwrap();
    refusals(&server);
    let client = push(&context).plain_client("ann", "secret");
    let client = knock(client, &server, "from outside");
    assert!(matches!(
        next_event(&server),
        EventKind::HandshakeFailedNoDetail { .. }
    ));
    assert_eq!(server.stats().received_messages, 0);
    client.abort();
    shut_down(&context);
}

#[test]
fn i1_rules_hold_for_who_comes_after_they_were_set() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let authenticator = Authenticator::start(&context).unwrap();
    let server = pull(&context).plain_server("storm").open().unwrap();
    let client = || push(&context).plain_client("ann", "secret");
    let early = knock(client(), &server, "too early");
    assert_eq!(next_event(&early), REFUSED);
    authenticator.set_plain("storm", [("ann", "secret")]);
    let in_time = knock(client(), &server, "in time");
    assert_eq!(block_on(server.read()).unwrap(), "in time");
    authenticator.set_plain("storm", [("ann", "changed")]);
    let late = knock(client(), &server, "too late");
    assert_eq!(next_event(&late), REFUSED);
    // Who is in stays in.
    in_time.write("still there").unwrap();
    assert_eq!(block_on(server.read()).unwrap(), "still there");
    for client in [early, late] {
        client.abort();
    }
    shut_down(&context);
}

#[test]
fn i1_an_address_is_kept_out_where_there_is_a_domain_and_nobody_is_asked_where_there_is_none() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let authenticator = Authenticator::start(&context).unwrap();
    authenticator.deny([LOOPBACK]);
    let guarded = pull(&context).option(options::ZAP_DOMAIN, "storm".into());
    let guarded = guarded.open().unwrap();
    refusals(&guarded);
    // A context of its own, as it is to be gone before the rules change.
    let elsewhere = Context::new().unwrap();
    let refused = knock(push(&elsewhere), &guarded, "from outside");
    assert_eq!(next_event(&guarded), REFUSED);
    assert_eq!(next_event(&refused), REFUSED);
    refused.abort();
    shut_down(&elsewhere);

    let open = pull(&context).open().unwrap();
    let _let_in = knock(push(&context), &open, "nobody was asked");
    assert_eq!(block_on(open.read()).unwrap(), "nobody was asked");

    authenticator.clear_addresses();
    authenticator.allow([LOOPBACK]);
    let _allowed = knock(push(&context), &guarded, "from inside");
    let message = block_on(guarded.read()).unwrap();
    assert_eq!(message, "from inside");
    assert_eq!(message.user_id(), Some("anonymous"));
    authenticator.clear_addresses();
    authenticator.allow([Ipv4Addr::new(192, 0, 2, 1)]);
    let other = knock(push(&context), &guarded, "from outside");
    assert_eq!(next_event(&other), REFUSED);
    other.abort();
    shut_down(&context);
}

#[test]
fn i1_who_is_kept_out_is_kept_out_while_the_context_shuts_down() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let authenticator = Authenticator::start(&context).unwrap();
    authenticator.deny([LOOPBACK]);
    let guarded = push(&context).option(options::ZAP_DOMAIN, "storm".into());
    let guarded = guarded.bind("tcp://127.0.0.1:*").open().unwrap();
    let endpoint = guarded.bindings().remove(0);
    guarded.write("secret").unwrap();
    // It waits for somebody to whom it may send, and the end of the authenticator would let anybody be that.
    let elsewhere = Context::new().unwrap();
    let shutdown = context.shutdown(Duration::from_secs(2));
    eventually(|| guarded.at_closing());
    let stranger = builder(SocketType::PULL, &elsewhere);
    let stranger = stranger.connect(endpoint).open().unwrap();
    assert!(block_on(shutdown).is_err());
    assert_eq!(stranger.stats().received_messages, 0);
    stranger.abort();
    shut_down(&elsewhere);
}

#[test]
fn i1_who_is_refused_costs_the_others_nothing() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let authenticator = Authenticator::start(&context).unwrap();
    authenticator.set_plain("storm", [("ann", "secret")]);
    let server = pull(&context).plain_server("storm").open().unwrap();
    let right = push(&context).plain_client("ann", "secret");
    let right = knock(right, &server, "0");
    assert_eq!(block_on(server.read()).unwrap(), "0");
    for k in 1..=50 {
        let wrong = push(&context).plain_client("ann", "guess");
        let wrong = knock(wrong, &server, "from outside");
        right.write(k.to_string()).unwrap();
        assert_eq!(block_on(server.read()).unwrap(), k.to_string().as_str());
        assert_eq!(next_event(&wrong), REFUSED);
        wrong.abort();
    }
    assert_eq!(server.stats().received_messages, 51);
    shut_down(&context);
}

#[test]
fn i1_a_context_has_one_authenticator_and_another_once_that_is_gone() {
    alone(|| {
        let _watchdog = Watchdog::new(60);
        let context = Context::new().unwrap();
        let first = Authenticator::start(&context).unwrap();
        assert!(matches!(
            Authenticator::start(&context),
            Err(AuthenticatorError::AlreadyStarted)
        ));
        // What is allowed may be asked of whatever the caller likes, this one too.
        first.allow(std::iter::once_with(|| {
            first.deny([LOOPBACK]);
            LOOPBACK
        }));
        let elsewhere = Context::new().unwrap();
        let _beside = Authenticator::start(&elsewhere).unwrap();
        drop(first);
        for _ in 0..100 {
            drop(Authenticator::start(&context).unwrap());
        }
        shut_down(&elsewhere);
        shut_down(&context);
        assert!(matches!(
            Authenticator::start(&context),
            Err(AuthenticatorError::Open(OpenError::ContextShutDown))
        ));
        eventually(|| {
            !threads()
                .iter()
                .any(|name| name.starts_with("tidegate-zap"))
        });
    });
}

/// There is no memory for the stack of a thread.
#[test]
fn i1_an_authenticator_for_which_there_is_no_thread_leaves_its_place_to_the_next() {
    alone(|| {
        let context = Context::new().unwrap();
        let _streams = only_the_io_thread_runs(&context);
        let before = getrlimit(Resource::As);
        let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
        let pages: u64 = statm.split(' ').next().unwrap().parse().unwrap();
        let page_bytes = u64::try_from(rustix::param::page_size()).unwrap();
        let little_more = Rlimit {
            current: Some(pages * page_bytes + 1024 * 1024),
            ..before
        };
        setrlimit(Resource::As, little_more).unwrap();
        let started = [(); 50].map(|()| Authenticator::start(&context));
        setrlimit(Resource::As, before).unwrap();
        for started in started {
            assert!(matches!(started, Err(AuthenticatorError::Thread(_))));
        }
        Authenticator::start(&context).unwrap();
        shut_down(&context);
    });
}

#[test]
fn i1_a_domain_that_is_enforced_has_to_be_there() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let refused = |error: &OptionError| matches!(error, OptionError::Unsupported { option, .. } if *option == "ZMQ_ZAP_ENFORCE_DOMAIN");
    for builder in [
        pull(&context).option(options::ZAP_ENFORCE_DOMAIN, true),
        pull(&context)
            .option(options::ZAP_ENFORCE_DOMAIN, true)
            .option(options::PLAIN_SERVER, true),
    ] {
        let Err(OpenError::Option(error)) = builder.open() else {
            panic!("it was opened");
        };
        assert!(refused(&error), "{error}");
    }
    let nameless = pull(&context).plain_server("").open().unwrap_err();
    assert!(nameless.to_string().contains("ZMQ_ZAP_DOMAIN"));
    let server = pull(&context).plain_server("storm").open().unwrap();
    server
        .set_option(options::ZAP_ENFORCE_DOMAIN, true)
        .unwrap();
    let emptied = server.set_option(options::ZAP_DOMAIN, String::new());
    assert!(refused(&emptied.unwrap_err()));
    assert_eq!(server.option(options::ZAP_DOMAIN).unwrap(), "storm");
    let without = pull(&context).open().unwrap();
    let enforced = without.set_option(options::ZAP_ENFORCE_DOMAIN, true);
    assert!(refused(&enforced.unwrap_err()));
    assert!(!without.option(options::ZAP_ENFORCE_DOMAIN).unwrap());
    shut_down(&context);
}

#[test]
fn i1_an_enforced_domain_lets_nobody_in_while_there_is_no_authenticator() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let guarded = pull(&context)
        .option(options::ZAP_DOMAIN, "storm".into())
        .option(options::ZAP_ENFORCE_DOMAIN, true);
    let guarded = guarded.open().unwrap();
    refusals(&guarded);
    // A context of its own: it tries again until its socket is closed, which the end of a context waits for.
    let elsewhere = Context::new().unwrap();
    let outside = knock(push(&elsewhere), &guarded, "from outside");
    assert!(matches!(
        next_event(&guarded),
        EventKind::HandshakeFailedNoDetail { .. }
    ));
    outside.abort();
    shut_down(&elsewhere);
    let _authenticator = Authenticator::start(&context).unwrap();
    let _inside = knock(push(&context), &guarded, "from inside");
    assert_eq!(block_on(guarded.read()).unwrap(), "from inside");
    shut_down(&context);
}

/// `None`, and an error that says how to get it, where the linked libzmq has no CURVE.
fn curve_keys() -> Option<CurveKeys> {
    match CurveKeys::generate() {
        Ok(keys) => Some(keys),
        Err(OptionError::Unsupported { option, reason }) => {
            assert_eq!(option, "CURVE");
            assert!(reason.contains("the README says how"));
            assert!(!tidegate::zmq::has("curve").unwrap());
            None
        }
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn i1_curve_lets_in_who_has_a_key_of_the_set_and_nobody_else_or_says_how_to_get_curve() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let Some(of_server) = curve_keys() else {
        let key = options::CurveKey::from([7; 32]);
        let opened = pull(&context).curve_server("storm", key).open();
        let Err(OpenError::Option(OptionError::Unsupported { reason, .. })) = opened else {
            panic!("{opened:?}");
        };
        assert!(reason.contains("the README says how"));
        return shut_down(&context);
    };
    let [known, unknown] = [(); 2].map(|()| CurveKeys::generate().unwrap());
    assert_ne!(known, unknown);
    let authenticator = Authenticator::start(&context).unwrap();
    authenticator.set_curve("storm", [known.public]);
    let server = pull(&context).curve_server("storm", of_server.secret);
    let server = server.open().unwrap();
    refusals(&server);

    // A key that is not in the set: both sides are told.
    let wrong = push(&context).curve_client(unknown, of_server.public);
    let wrong = knock(wrong, &server, "from outside");
    assert_eq!(next_event(&server), REFUSED);
    assert_eq!(next_event(&wrong), REFUSED);
    // Another server's key, and no key at all: the server is told, and nothing comes back.
    let mistaken = push(&context).curve_client(known, unknown.public);
    let mistaken = knock(mistaken, &server, "from outside");
    assert!(matches!(
        next_event(&server),
        EventKind::HandshakeFailedProtocol { .. }
    ));
    mistaken.abort();
    wrong.abort();
    let keyless = knock(push(&context), &server, "from outside");
    // What the mistaken one has tried again meanwhile looks the same.
    assert!(matches!(
        next_event(&server),
        EventKind::HandshakeFailedProtocol { .. } | EventKind::HandshakeFailedNoDetail { .. }
    ));

    let right = push(&context).curve_client(known, of_server.public);
    let _right = knock(right, &server, "from inside");
    let message = block_on(server.read()).unwrap();
    assert_eq!(message, "from inside");
    assert_eq!(message.user_id(), Some(&*known.public.to_z85()));
    authenticator.set_curve("storm", CurveClients::Any);
    let any = push(&context).curve_client(unknown, of_server.public);
    let _any = knock(any, &server, "anybody");
    assert_eq!(block_on(server.read()).unwrap(), "anybody");
    assert_eq!(server.stats().received_messages, 2);
    keyless.abort();
    shut_down(&context);
}

#[test]
fn i1_a_server_of_curve_lets_nobody_in_while_there_is_no_authenticator() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let Some(of_server) = curve_keys() else {
        return shut_down(&context);
    };
    let client = || push(&context).curve_client(curve_keys().unwrap(), of_server.public);
    let server = pull(&context).curve_server("storm", of_server.secret);
    let server = server.open().unwrap();
    refusals(&server);
    let outside = knock(client(), &server, "from outside");
    assert!(matches!(
        next_event(&server),
        EventKind::HandshakeFailedNoDetail { .. }
    ));
    outside.abort();
    assert_eq!(server.stats().received_messages, 0);
    // One that asks nobody has to say so.
    let open = pull(&context)
        .option(options::CURVE_SERVER, true)
        .option(options::CURVE_SECRET_KEY, of_server.secret);
    let open = open.open().unwrap();
    let _inside = knock(client(), &open, "from inside");
    assert_eq!(block_on(open.read()).unwrap(), "from inside");
    block_on(context.shutdown(Duration::from_secs(20))).unwrap();
}

/// How a handshake fails, as a side's monitor tells it: by this, or by the end of the connection alone.
#[derive(Debug, PartialEq, Eq)]
enum Seen {
    Auth(u32),
    NoDetail,
    Protocol,
    Disconnected,
}

/// The first that a side sees of a refusal.
fn seen(stream: &ZmqStream) -> Seen {
    loop {
        match next_event(stream) {
            EventKind::HandshakeFailedAuth { status } => return Seen::Auth(status),
            EventKind::HandshakeFailedNoDetail { .. } => return Seen::NoDetail,
            EventKind::HandshakeFailedProtocol { .. } => return Seen::Protocol,
            EventKind::Disconnected { .. } => return Seen::Disconnected,
            _ => {}
        }
    }
}

/// What the server and the client see.
fn refusal(server: Builder, client: Builder) -> [Seen; 2] {
    let server = server.open().unwrap();
    server.enable_monitor(EventMask::ALL).unwrap();
    let client = client.open().unwrap();
    client.enable_monitor(EventMask::ALL).unwrap();
    client.connect(&server.bindings()[0]).unwrap();
    let seen = [seen(&server), seen(&client)];
    client.abort();
    seen
}

#[test]
fn i1_each_side_sees_of_a_refusal_what_the_docs_say() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let pull = || pull(&context);
    let push = || push(&context);
    let domain = |builder: Builder| builder.option(options::ZAP_DOMAIN, "storm".into());
    let plain = || pull().plain_server("storm");
    let ann = || push().plain_client("ann", "secret");
    // Here the client is told nothing, and learns of it when the handshake has taken too long.
    let enforced = || {
        let guarded = pull().guarded("storm");
        guarded.option(options::HANDSHAKE_INTERVAL, Duration::from_millis(100))
    };
    // Nobody is asked.
    for [server, client] in [refusal(plain(), ann()), refusal(enforced(), push())] {
        assert_eq!(server, Seen::NoDetail);
        assert_eq!(client, Seen::NoDetail);
    }
    let authenticator = Authenticator::start(&context).unwrap();
    // What is right but for the address; as IPv6 says it.
    authenticator.set_plain("storm", [("ann", "secret")]);
    authenticator.set_curve("storm", CurveClients::Any);
    authenticator.deny([LOOPBACK.to_ipv6_mapped()]);
    let refused = || [Seen::Auth(400), Seen::Auth(400)];
    assert_eq!(refusal(domain(pull()), push()), refused());
    assert_eq!(refusal(plain(), ann()), refused());
    let mistaken = || [Seen::Protocol, Seen::Protocol];
    assert_eq!(refusal(plain(), push()), mistaken());
    assert_eq!(refusal(pull(), ann()), mistaken());
    let Some(keys) = curve_keys() else {
        return shut_down(&context);
    };
    let curve = || pull().curve_server("storm", keys.secret);
    let client = |server| push().curve_client(CurveKeys::generate().unwrap(), server);
    assert_eq!(refusal(curve(), client(keys.public)), refused());
    let other = CurveKeys::generate().unwrap().public;
    assert_eq!(
        refusal(curve(), client(other)),
        [Seen::Protocol, Seen::NoDetail]
    );
    assert_eq!(refusal(curve(), push()), mistaken());
    assert_eq!(refusal(curve(), ann()), mistaken());
    shut_down(&context);
}
