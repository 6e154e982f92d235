//! What the examples print.

use std::process::Command;

use tidegate_tests::Watchdog;

/// Runs an example, and returns what it printed.
fn run(example: &str) -> String {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let output = Command::new(cargo)
        .args(["run", "--quiet", "--example", example])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn b2_the_example_sans_io_leaves_on_the_wire_what_a_gate_holds_back() {
    let _watchdog = Watchdog::new(300);
    let answers: String = (0..8).map(|k| format!("REQUEST {k}")).collect();
    let levels =
        "0 answered, 3 on the wire\n5 answered, 0 on the wire\n8 answered, 0 on the wire\n";
    let expected = format!("{levels}{answers}\n");
    assert_eq!(run("sans_io"), expected);
}

#[test]
fn i3_the_example_req_rep_takes_no_late_reply_for_another() {
    let _watchdog = Watchdog::new(300);
    let printed = [
        "1: [\"2\"]",
        "2: [\"4\"]",
        "how are you?: no reply within 250ms to any of 2 attempts",
        "21: [\"42\"]",
        "",
    ];
    assert_eq!(run("req_rep"), printed.join("\n"));
}

#[test]
fn h3_the_example_interrupt_hands_every_sample_to_its_task_in_order() {
    let _watchdog = Watchdog::new(300);
    let printed = "500 samples in order, some of them later, for the task was behind\n";
    assert_eq!(run("interrupt"), printed);
}

#[test]
fn f1_the_example_stream_monitor_prints_events_beside_messages() {
    let _watchdog = Watchdog::new(300);
    let printed = run("stream_monitor");
    let lines: Vec<_> = printed.lines().collect();
    // The answers in their order, whatever comes between them.
    let answers: Vec<_> = (0..10)
        .map(|k| format!(r#"["data", "ask", "{k}"]"#))
        .collect();
    let printed_answers: Vec<_> = lines.iter().filter(|line| line.starts_with('[')).collect();
    assert_eq!(printed_answers, answers.iter().collect::<Vec<_>>());
    let place = |start: &str| lines.iter().position(|line| line.starts_with(start));
    let order = [
        "ConnectDelayed",
        "Connected",
        "HandshakeSucceeded tcp://127.0.0.1:",
    ]
    .map(place);
    assert!(
        order.iter().all(Option::is_some) && order.is_sorted(),
        "{printed}"
    );
    assert_eq!(
        lines.last().map(|line| line.trim_end()),
        Some("MonitorStopped")
    );
}

#[test]
fn i1_the_example_security_lets_in_who_may_and_says_what_the_others_see() {
    let _watchdog = Watchdog::new(300);
    let printed = run("security");
    let plain = "the right password: HandshakeSucceeded\n  [\"hello\"] from Some(\"ann\")\n\
                 a wrong password: HandshakeFailedAuth { status: 400 }\n";
    let rest = printed.strip_prefix(plain).expect(&printed);
    // The example is built with the `zmq` crate's libzmq, unless this build is told otherwise.
    match rest.find("an unknown key") {
        Some(end) => {
            let (known, unknown) = rest.split_at(end);
            assert!(known.starts_with("a known key: HandshakeSucceeded\n  [\"hello\"] from Some("));
            assert_eq!(
                unknown,
                "an unknown key: HandshakeFailedAuth { status: 400 }\n"
            );
        }
        None => assert!(rest.contains("the README says how to link that"), "{rest}"),
    }
}

#[test]
fn i4_the_example_pub_sub_publishes_once_somebody_has_subscribed() {
    let _watchdog = Watchdog::new(300);
    let forecasts = ["rain", "wind", "sun"].map(|of| format!("[\"weather\", \"{of}\"]\n"));
    let expected = format!("1 connected\n{}", forecasts.concat());
    assert_eq!(run("pub_sub"), expected);
}

#[test]
fn i4_the_example_envelopes_replies_to_whoever_has_asked() {
    let _watchdog = Watchdog::new(300);
    let replies = ["what", "why"].map(|question| {
        format!(
            "REQ: [\"from\", \"127.0.0.1\", \"{question}\"]\n\
             DEALER: [\"from\", \"127.0.0.1\", \"{question}\", \"exactly\"]\n"
        )
    });
    assert_eq!(run("envelopes"), replies.concat());
}

#[test]
fn a3_the_example_adopt_socket_reads_what_the_socket_held() {
    let _watchdog = Watchdog::new(300);
    let printed = [
        "the socket to adopt is a PULL, not a DEALER",
        "[\"before\"]",
        "[\"after\", \"with two frames\"]",
        "bound besides, and seen: true",
        "libzmq's own mark is still 50",
        "ended",
        "",
    ];
    assert_eq!(run("adopt_socket"), printed.join("\n"));
}

#[test]
fn a5_the_example_blocking_waits_no_longer_than_it_says() {
    let _watchdog = Watchdog::new(300);
    let printed = [
        "nothing yet",
        "[\"good morning to you, too\"]",
        "[\"good day to you, too\"]",
        "[\"good night to you, too\"]",
        "[\"for nobody, either\"] was not sent",
        "1 message of it was dropped",
        "",
    ];
    assert_eq!(run("blocking"), printed.join("\n"));
}

#[test]
fn a5_the_example_smol_reads_every_writers_messages_in_order() {
    let _watchdog = Watchdog::new(300);
    let printed = "None\n300 messages of 3 writers, each writer's in order\n";
    assert_eq!(run("smol"), printed);
}

#[test]
fn b2_the_example_backpressure_shows_both_gates_shut_and_open() {
    let _watchdog = Watchdog::new(300);
    let printed = run("backpressure");
    for gates in [
        ["write", "shut"],
        ["read", "shut"],
        ["write", "open"],
        ["read", "open"],
    ] {
        let [side, gate] = gates;
        // A side's name, its bar of 20, and its gate.
        let seen = printed.lines().any(|line| {
            let bar = line.split_once(&format!("{side} ")).map(|(_, bar)| bar);
            bar.and_then(|bar| bar.get(20..))
                .is_some_and(|rest| rest.starts_with(&format!(" {gate}")))
        });
        assert!(seen, "{side} {gate}\n{printed}");
    }
    let end = printed.lines().last().unwrap_or_default();
    assert!(end.starts_with("400 messages in order; "), "{printed}");
}

#[test]
fn b6_the_example_push_pull_gives_a_worker_that_is_stuck_no_more_than_it_has_room_for() {
    let _watchdog = Watchdog::new(300);
    let printed = "280 of 300 are done, and a worker is stuck in its first\n\
                   the sum of their squares is 9045050\n3 workers did 300\n";
    assert_eq!(run("push_pull"), printed);
}

#[test]
fn e1_the_example_tokio_service_answers_what_it_has_taken_in_and_stops() {
    let _watchdog = Watchdog::new(300);
    let printed = "from [\"REQUEST 0\"] to [\"REQUEST 9\"]\nstopped; 10 requests were answered\n";
    assert_eq!(run("tokio_service"), printed);
}
