//! What the examples print, and that `examples/README.md` shows just that.

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

/// What an example shall print, which the page shows.
fn shown(expected: &str) -> &str {
    let page = include_str!("../../examples/README.md");
    let block = format!("\n```text\n{expected}```\n");
    assert!(page.contains(&block), "the page does not show {expected}");
    expected
}

#[test]
fn b2_the_example_sans_io_leaves_on_the_wire_what_a_gate_holds_back() {
    let _watchdog = Watchdog::new(300);
    let answers: String = (0..8).map(|k| format!("REQUEST {k}")).collect();
    let levels =
        "0 answered, 3 on the wire\n5 answered, 0 on the wire\n8 answered, 0 on the wire\n";
    let expected = format!("{levels}{answers}\n");
    assert_eq!(run("sans_io"), shown(&expected));
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
    assert_eq!(run("req_rep"), shown(&printed.join("\n")));
}

#[test]
fn h3_the_example_interrupt_hands_every_sample_to_its_task_in_order() {
    let _watchdog = Watchdog::new(300);
    let printed = "500 samples in order, some of them later, for the task was behind\n";
    assert_eq!(run("interrupt"), shown(printed));
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
    let place = |what: &str| {
        let mut lines = lines.iter();
        lines.position(|line| line.starts_with("tcp://127.0.0.1:") && line.ends_with(what))
    };
    let order = [": connects", ": connected", ": the handshake succeeded"].map(place);
    assert!(
        order.iter().all(Option::is_some) && order.is_sorted(),
        "{printed}"
    );
    assert_eq!(
        lines.last().map(|line| line.trim_end()),
        Some("the monitor has stopped")
    );
}

#[test]
fn i1_the_example_security_lets_in_who_may_and_says_what_the_others_see() {
    let _watchdog = Watchdog::new(300);
    let printed = run("security");
    let plain = "the right password: HandshakeSucceeded\n  [\"hello\"] from Some(\"ann\")\n\
                 a wrong password: HandshakeFailedAuth { status: 400 }\n";
    let rest = printed.strip_prefix(shown(plain)).expect(&printed);
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
    assert_eq!(run("pub_sub"), shown(&expected));
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
    assert_eq!(run("envelopes"), shown(&replies.concat()));
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
    assert_eq!(run("adopt_socket"), shown(&printed.join("\n")));
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
    assert_eq!(run("blocking"), shown(&printed.join("\n")));
}

#[test]
fn a5_the_example_smol_reads_every_writers_messages_in_order() {
    let _watchdog = Watchdog::new(300);
    let printed = "None\n300 messages of 3 writers, each writer's in order\n";
    assert_eq!(run("smol"), shown(printed));
}

/// A side of a line of `backpressure`: how many messages its bar shows, and whether its gate is shut.
fn gauge(line: &str, side: &str) -> (usize, bool) {
    let (_, rest) = line.split_once(&format!("{side} ")).expect(line);
    let (bar, gate) = rest.split_at(20);
    let level = bar.matches('#').count();
    // The marks stand for the 5th message and the 17th.
    let marks: Vec<_> = bar.match_indices('|').map(|(at, _)| at).collect();
    assert_eq!(marks, [4, 16], "{line}");
    let between = "#".repeat(level) + &".".repeat(18 - level);
    assert_eq!(bar.replace('|', ""), between, "{line}");
    let is_shut = gate.starts_with(" shut ");
    assert!(is_shut || gate.starts_with(" open "), "{line}");
    (level, is_shut)
}

/// What a line says at its end: how many were `written`, or `read`.
fn count(line: &str, what: &str) -> Option<usize> {
    let number = line.strip_suffix(&format!(" {what}"))?.rsplit(' ').next()?;
    number.parse().ok()
}

/// What holds of every line of `backpressure`, and of its last one, whoever was faster; on the page as in a terminal.
fn is_a_tide(printed: &str) {
    let lines: Vec<_> = printed.lines().filter(|line| *line != "...").collect();
    let (last, lines) = lines.split_last().unwrap();
    let (mut written, mut read) = (0, 0);
    let mut shuts = [0, 0];
    let mut were_shut = [false, false];
    for &line in lines {
        for (at, side) in ["write", "read"].into_iter().enumerate() {
            let (level, is_shut) = gauge(line, side);
            // The one that comes over the mark of 16 is the last: of 17 the marks hide two.
            assert!(level <= 15, "over the high-water mark\n{line}");
            assert!(!is_shut || level >= 4, "shut at the low-water mark\n{line}");
            shuts[at] += usize::from(is_shut && !were_shut[at]);
            were_shut[at] = is_shut;
        }
        match (count(line, "written"), count(line, "read")) {
            (Some(count), None) => written = written.max(count),
            (None, Some(count)) => read = read.max(count),
            _ => panic!("neither written nor read\n{line}"),
        }
        // What is in the buffers and in libzmq's queues.
        assert!(read <= written && written <= read + 17 + 40 + 17, "{line}");
    }
    // Of libzmq's 40 the reader's buffer has had 17, and there is no room for more before it has had 20.
    let both_shut = lines
        .iter()
        .find(|line| line.matches(" shut ").count() == 2);
    assert!(
        both_shut.is_some_and(|line| line.ends_with(" 57 written")),
        "{printed}"
    );
    let numbers = last
        .strip_prefix("400 messages in order; the write gate shut ")
        .expect(last);
    let (of_write, of_read) = numbers.split_once(" times, the read gate ").expect(last);
    for (seen, said) in shuts.into_iter().zip([of_write, of_read]) {
        // From the low mark to over the high one 13 messages pass.
        let said: usize = said.parse().unwrap();
        assert!((seen..=1 + (400 - 17) / 13).contains(&said), "{last}");
    }
}

#[test]
fn b2_the_example_backpressure_shows_both_gates_shut_and_open() {
    let _watchdog = Watchdog::new(300);
    let page = include_str!("../../examples/README.md");
    let (_, shown) = page.split_once("\n`backpressure`, in part.").unwrap();
    let (shown, _) = shown.split_once("\n```\n").unwrap();
    is_a_tide(shown.split_once("```text\n").unwrap().1);
    let printed = run("backpressure");
    is_a_tide(&printed);
    for side in ["write", "read"] {
        for is_shut in [false, true] {
            let mut lines = printed.lines().filter(|line| line.starts_with("write "));
            assert!(
                lines.any(|line| gauge(line, side).1 == is_shut),
                "{side} {is_shut}\n{printed}"
            );
        }
    }
}

#[test]
fn b6_the_example_push_pull_gives_a_worker_that_is_stuck_no_more_than_it_has_room_for() {
    let _watchdog = Watchdog::new(300);
    let printed = "280 of 300 are done, and a worker is stuck in its first\n\
                   the sum of their squares is 9045050\n3 workers did 300\n";
    assert_eq!(run("push_pull"), shown(printed));
}

#[test]
fn e1_the_example_tokio_service_answers_what_it_has_taken_in_and_stops() {
    let _watchdog = Watchdog::new(300);
    let printed = "from [\"REQUEST 0\"] to [\"REQUEST 9\"]\nstopped; 10 requests were answered\n";
    assert_eq!(run("tokio_service"), shown(printed));
}
