//! PLAIN and CURVE with pyzmq on either side, each with its own authenticator (`tests/interop/security.py`). Run by `.ci/run`; needs
//! python3 with pyzmq, and for CURVE a libzmq that has it.

use std::io::{BufRead, BufReader, Read};
use std::process::{ChildStdout, Command};

use tidegate::options::CurveKeys;
use tidegate::{Authenticator, Builder, Context, EventKind, EventMask, SocketType, ZmqStream};
use tidegate_tests::{Process, Watchdog, block_on, builder, shut_down};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/interop/security.py");

/// The far end, and what it prints.
struct Far {
    process: Process,
    output: BufReader<ChildStdout>,
}

impl Far {
    fn start(arguments: &[&str]) -> Self {
        let mut process = Process::start(Command::new("python3").arg(SCRIPT).args(arguments));
        let output = process.stdout.take().expect("it is piped");
        let output = BufReader::new(output);
        Self { process, output }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// Ends its input, and returns what else it has printed.
    fn end(mut self) -> String {
        drop(self.process.stdin.take());
        let mut rest = String::new();
        self.output.read_to_string(&mut rest).unwrap();
        assert!(self.process.wait().unwrap().success());
        rest
    }
}

fn server(builder: Builder) -> ZmqStream {
    let server = builder.bind("tcp://127.0.0.1:*").open().unwrap();
    let failed = EventMask::HANDSHAKE_FAILED_AUTH | EventMask::HANDSHAKE_FAILED_PROTOCOL;
    server.enable_monitor(failed).unwrap();
    server
}

fn event(stream: &ZmqStream) -> EventKind {
    block_on(stream.read_event()).unwrap().kind
}

/// Has the wrong client refused by the far end, and returns the right one, which has written to it.
fn knock(endpoint: &str, wrong: Builder, right: Builder) -> ZmqStream {
    let wrong = wrong.open().unwrap();
    wrong
        .enable_monitor(EventMask::HANDSHAKE_FAILED_AUTH)
        .unwrap();
    wrong.write("from outside").unwrap();
    wrong.connect(endpoint).unwrap();
    assert_eq!(event(&wrong), REFUSED);
    wrong.abort();
    let right = right.connect(endpoint).open().unwrap();
    right.write("from tidegate").unwrap();
    right
}

const REFUSED: EventKind = EventKind::HandshakeFailedAuth { status: 400 };

#[test]
fn i1_clients_of_pyzmq_get_in_by_plain_with_the_right_password_alone() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let authenticator = Authenticator::start(&context).unwrap();
    authenticator.set_plain("storm", [("ann", "secret")]);
    let pull = server(builder(SocketType::PULL, &context).plain_server("storm"));
    let endpoint = &*pull.bindings()[0];
    let mut wrong = Far::start(&["client", endpoint, "plain", "ann", "guess"]);
    assert_eq!(wrong.line(), "refused auth 400");
    assert_eq!(event(&pull), REFUSED);
    // One that knows of no mechanism.
    let mut without = Far::start(&["client", endpoint]);
    assert!(without.line().starts_with("refused"));

    let mut right = Far::start(&["client", endpoint, "plain", "ann", "secret"]);
    assert_eq!(right.line(), "in");
    let message = block_on(pull.read()).unwrap();
    assert_eq!(message, "from pyzmq");
    assert_eq!(message.user_id(), Some("ann"));
    assert_eq!(pull.stats().received_messages, 1);
    for far in [wrong, without, right] {
        assert_eq!(far.end(), "");
    }
    shut_down(&context);
}

#[test]
fn i1_a_server_of_pyzmq_lets_in_by_plain_who_has_the_right_password_alone() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let mut far = Far::start(&["server", "plain", "ann", "secret"]);
    let endpoint = far.line();
    let client = |password| builder(SocketType::PUSH, &context).plain_client("ann", password);
    let _right = knock(&endpoint, client("guess"), client("secret"));
    assert_eq!(far.line(), "from tidegate ann");
    assert_eq!(far.end(), "");
    shut_down(&context);
}

#[test]
fn i1_clients_of_pyzmq_get_in_by_curve_with_a_key_of_the_set_alone() {
    let _watchdog = Watchdog::new(60);
    if !tidegate::zmq::has("curve").unwrap() {
        assert!(CurveKeys::generate().is_err());
        return;
    }
    let context = Context::new().unwrap();
    let [ours, known, unknown] = [(); 3].map(|()| CurveKeys::generate().unwrap());
    let authenticator = Authenticator::start(&context).unwrap();
    authenticator.set_curve("storm", [known.public]);
    let pull = builder(SocketType::PULL, &context).curve_server("storm", ours.secret);
    let pull = server(pull);
    let endpoint = &*pull.bindings()[0];
    let client = |server: &CurveKeys, keys: &CurveKeys| {
        let [server, public, secret] =
            [server.public, keys.public, keys.secret].map(|key| key.to_z85());
        Far::start(&["client", endpoint, "curve", &server, &public, &secret])
    };
    let mut wrong = client(&ours, &unknown);
    assert_eq!(wrong.line(), "refused auth 400");
    assert_eq!(event(&pull), REFUSED);
    let mut mistaken = client(&unknown, &known);
    assert!(mistaken.line().starts_with("refused"));
    assert!(matches!(
        event(&pull),
        EventKind::HandshakeFailedProtocol { .. }
    ));
    let mut without = Far::start(&["client", endpoint]);
    assert!(without.line().starts_with("refused"));

    let mut right = client(&ours, &known);
    assert_eq!(right.line(), "in");
    let message = block_on(pull.read()).unwrap();
    assert_eq!(message, "from pyzmq");
    assert_eq!(message.user_id(), Some(&*known.public.to_z85()));
    assert_eq!(pull.stats().received_messages, 1);
    for far in [wrong, mistaken, without, right] {
        assert_eq!(far.end(), "");
    }
    shut_down(&context);
}

#[test]
fn i1_a_server_of_pyzmq_lets_in_by_curve_who_has_the_right_key_alone() {
    let _watchdog = Watchdog::new(60);
    if !tidegate::zmq::has("curve").unwrap() {
        assert!(CurveKeys::generate().is_err());
        return;
    }
    let context = Context::new().unwrap();
    let [theirs, known, unknown] = [(); 3].map(|()| CurveKeys::generate().unwrap());
    let [secret, client_key] = [theirs.secret, known.public].map(|key| key.to_z85());
    let mut far = Far::start(&["server", "curve", &secret, &client_key]);
    let endpoint = far.line();
    let client = |keys| builder(SocketType::PUSH, &context).curve_client(keys, theirs.public);
    let _right = knock(&endpoint, client(unknown), client(known));
    assert!(far.line().starts_with("from tidegate "));
    assert_eq!(far.end(), "");
    shut_down(&context);
}
