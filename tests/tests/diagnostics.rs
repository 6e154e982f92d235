//! What a stream tells of itself: its `Debug`, its counters, and what it tells a `tracing` subscriber. One test for the last, for a
//! subscriber hears the whole process.

use std::io;
use std::sync::{Arc, Mutex};

use tidegate::{Context, EventKind, Limit, SocketEvent, SocketType, Watermarks, options};
use tidegate_tests::{
    Watchdog, block_on, builder, dealer, eventually, fill_up, mandatory_router, pipe, shut_down,
};

#[test]
fn g4_debug_tells_the_type_what_each_side_is_doing_its_size_and_its_marks() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let stream = builder(SocketType::DEALER, &context)
        .high_read(4_000)
        .high_write(Limit::Unlimited);
    let stream = stream.open().unwrap();
    assert_eq!(
        format!("{stream:?}"),
        "ZmqStream { type: DEALER, state: open, \
         read: polling { bytes: 0, high: 4000, low: 1000 }, \
         write: idle { bytes: 0, high: unlimited } }",
    );
    stream.write("queued").unwrap();
    stream.set_write_limits(Watermarks::from_high(8));
    stream.pause_reading().unwrap();
    assert_eq!(
        format!("{stream:?}"),
        "ZmqStream { type: DEALER, state: open, \
         read: idle { bytes: 0, high: 4000, low: 1000 }, \
         write: paused { bytes: 70, high: 8, low: 2 } }",
    );
    stream.abort();
    assert!(format!("{stream:?}").contains("state: closed"));
    shut_down(&context);
}

#[test]
fn g4_stats_count_messages_bytes_pauses_and_resumes_each_way() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let (pull, push) = pipe(&context, |builder| builder.high_read(300));
    for k in 0..10 {
        push.write((vec![k; 100], "")).unwrap();
    }
    block_on(push.flush()).unwrap();
    eventually(|| pull.stats().read_pauses == 1);
    assert!(pull.is_read_gate_paused() && !pull.is_write_gate_paused());
    let stats = pull.stats();
    // 100 bytes and two frames of 64: two of them are over the mark.
    assert_eq!(stats.read_buffer_bytes, 2 * 228);
    assert_eq!((stats.received_messages, stats.received_bytes), (2, 200));
    for _ in 0..10 {
        block_on(pull.read()).unwrap();
    }
    let stats = pull.stats();
    assert_eq!((stats.received_messages, stats.received_bytes), (10, 1_000));
    assert!(stats.read_pauses > 1);
    assert_eq!(stats.read_pauses, stats.read_resumes);
    assert_eq!(stats.read_buffer_bytes, 0);
    assert!(!pull.is_read_gate_paused());
    let stats = push.stats();
    assert_eq!((stats.sent_messages, stats.sent_bytes), (10, 1_000));
    assert_eq!((stats.write_buffer_bytes, stats.write_pauses), (0, 0));

    let push = builder(SocketType::PUSH, &context).high_write(0);
    let push = push.connect("inproc://stats").open().unwrap();
    while push.stats().write_pauses == 0 {
        push.write("x").unwrap();
    }
    assert_eq!(push.stats().write_buffer_bytes, 65);
    assert!(push.is_write_gate_paused() && !push.is_read_gate_paused());
    let pull = builder(SocketType::PULL, &context).bind("inproc://stats");
    let pull = pull.open().unwrap();
    while push.stats().write_resumes == 0 {
        block_on(pull.read()).unwrap();
    }
    assert_eq!(push.stats().write_pauses, 1);
    shut_down(&context);
}

#[test]
fn f1_an_event_is_a_line_for_a_log() {
    let line = |kind, endpoint: &str| {
        let endpoint = endpoint.to_owned();
        SocketEvent {
            kind,
            endpoint,
            discarded: 0,
        }
        .to_string()
    };
    let at = "ipc://here";
    let refused = 111;
    let lines = [
        (EventKind::Connected { fd: 3 }, "connected"),
        (EventKind::ConnectDelayed { errno: 115 }, "connects"),
        (
            EventKind::ConnectRetried { interval_ms: 50 },
            "connects again in 50 ms",
        ),
        (EventKind::Listening { fd: 3 }, "listening"),
        (
            EventKind::BindFailed { errno: 13 },
            "cannot be bound: Permission denied (errno 13)",
        ),
        (EventKind::Accepted { fd: 3 }, "accepted a connection"),
        (
            EventKind::AcceptFailed { errno: 24 },
            "cannot accept a connection: Too many open files (errno 24)",
        ),
        (EventKind::Closed { fd: 3 }, "closed"),
        (
            EventKind::CloseFailed { errno: 9 },
            "cannot be closed: Bad file descriptor (errno 9)",
        ),
        (EventKind::Disconnected { fd: 3 }, "disconnected"),
        (
            EventKind::HandshakeFailedNoDetail { errno: refused },
            "the handshake failed: Connection refused (errno 111)",
        ),
        (EventKind::HandshakeSucceeded, "the handshake succeeded"),
        (
            EventKind::HandshakeFailedProtocol { code: 0x1000_0001 },
            "the handshake broke its protocol (code 0x10000001)",
        ),
        (
            EventKind::HandshakeFailedAuth { status: 400 },
            "the handshake was refused (ZAP status 400)",
        ),
    ];
    for (kind, said) in lines {
        assert_eq!(line(kind, at), format!("ipc://here: {said}"));
    }
    assert_eq!(
        line(EventKind::MonitorStopped, ""),
        "the monitor has stopped"
    );
    let unknown = EventKind::Unknown {
        event: 0x4000,
        value: 7,
    };
    assert_eq!(
        line(unknown, at),
        "ipc://here: Unknown { event: 16384, value: 7 }"
    );
    let event = SocketEvent {
        kind: EventKind::Closed { fd: 3 },
        endpoint: String::new(),
        discarded: 1,
    };
    assert_eq!(
        event.to_string(),
        "closed (an event before this was discarded)"
    );
}

/// Keeps what is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn b2_a_subscriber_is_told_of_each_pause_and_resume_and_of_a_streams_life() {
    let _watchdog = Watchdog::new(60);
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::DEBUG)
        .with_ansi(false)
        .without_time()
        .with_target(false)
        .with_writer(move || writer.clone())
        .finish();
    tracing::subscriber::set_global_default(subscriber).unwrap();

    let context = Context::new().unwrap();
    let router = mandatory_router(&context);
    let peer = dealer(&context, &router, "peer");
    router.set_write_limits(Watermarks::from_high(0));
    fill_up(&router, "peer");
    while router.write_buffer_bytes() > 0 {
        block_on(peer.read()).unwrap();
    }
    // It is told outside of the lock, behind what a reader can see; and other tests have streams, too.
    let logged = || String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    eventually(|| logged().contains(r#"stream{kind="ROUTER"}: writing resumed"#));
    assert!(router.write(("nobody", "secret")).is_err());
    router.bind("inproc://another").unwrap();
    router.unbind("inproc://another").unwrap();
    router.close();
    block_on(router.closed());
    let unsent = builder(SocketType::PUSH, &context)
        .option(options::LINGER, Some(std::time::Duration::ZERO));
    let unsent = unsent.open().unwrap();
    unsent.write("secret").unwrap();
    unsent.close();
    block_on(unsent.closed());
    shut_down(&context);

    let unsent = "closed with messages unsent lost_messages=1";
    let ends = [r#"stream{kind="ROUTER"}: closed"#, unsent];
    eventually(|| ends.iter().all(|end| logged().contains(end)));
    let log = logged();
    let of = |kind: &str| -> Vec<&str> {
        let prefix = format!("stream{{kind=\"{kind}\"}}: ");
        log.lines()
            .filter_map(|line| line.trim_start().split_once(&prefix))
            .map(|(_, line)| line)
            .collect()
    };
    assert_eq!(
        of("ROUTER"),
        [
            "opened",
            r#"bound endpoint="inproc://mandatory""#,
            "writing paused bytes=133",
            "writing resumed bytes=0",
            "message refused reason=Host unreachable (errno 113) bytes=12",
            r#"bound endpoint="inproc://another""#,
            r#"unbound endpoint="inproc://another""#,
            "closing",
            "closed",
        ]
    );
    assert!(of("PUSH").contains(&unsent));
    assert!(!log.contains("secret"));
}
