//! How it ends, and with which exit code.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use tidegate::zmq::{PULL, PUSH};

use crate::support::{bind, bound, connected, peer, run, text, tool};

/// Runs it, and compares how it ends and that it says so.
#[track_caller]
fn ends(arguments: &[&str], code: i32, says: &str) {
    let ended = run(arguments);
    assert_eq!(ended.code, code, "{arguments:?}: {}", ended.stderr);
    assert!(ended.stdout.is_empty(), "{arguments:?}");
    assert!(
        ended.stderr.contains(says),
        "{arguments:?}: {}",
        ended.stderr
    );
}

#[test]
fn a_command_line_that_is_wrong_is_exit_code_2() {
    let any = "tcp://127.0.0.1:*";
    let (_pull, there) = bound(PULL);
    for (arguments, says) in [
        (&["recv"][..], "required"),
        (&["recieve", "-b", any], "recieve"),
        (&["recv", "-b", any, "-t", "wrong"], "wrong"),
        (&["recv", "-b", any, "-n", "-1"], "-1"),
        (&["proxy", "queue", "-f", any], "required"),
        // Endpoints that are none.
        (&["recv", "-c", "nowhere"], "cannot connect nowhere"),
        (
            &["recv", "-b", "pigeon://coop"],
            "cannot bind pigeon://coop",
        ),
        (&["send", "-c", "tcp://127.0.0.1", "x"], "tcp://127.0.0.1: "),
        (&["request", "-c", "tcp://a b:5", "x"], "tcp://a b:5: "),
        (&["pub", "-b", "tcp://127.0.0.1:65536"], "over 65535"),
        (&["monitor", "-c", "nowhere"], "cannot connect nowhere"),
        (&["bench", "run", "-c", "nowhere"], "cannot connect nowhere"),
        (&["proxy", "queue", "-f", "nowhere", "-b", any], "nowhere"),
        // What no socket of that type does.
        (&["recv", "-t", "push", "-c", &there], "only sends"),
        (&["send", "-t", "pull", "-c", &there, "x"], "only receives"),
        (&["recv", "-c", &there, "-s", "b"], "has no subscriptions"),
        (&["request", "-t", "dealer", "-c", &there, "x"], "DEALER"),
        (&["pub", "--wait", "-t", "pub", "-b", any, "x"], "XPUB"),
        // Values that are none.
        (&["recv", "-b", any, "--hwm", "2147483648"], "2147483648"),
        (&["recv", "-b", any, "--identity", ""], "1 to 255 bytes"),
        (
            &["send", "-c", &there, "--plain", "ann", "x"],
            "NAME:PASSWORD",
        ),
        (
            &["send", "-c", &there, "--curve", "short", "x"],
            "40 characters",
        ),
        (
            &["send", "-c", &there, "-f", "hex", "00", "0x"],
            "hexadecimal",
        ),
        // What does not go together.
        (
            &["send", "-c", &there, "--plain", "a:b", "--curve", "c"],
            "--curve",
        ),
        (
            &["send", "-c", &there, "--curve-keys", "k"],
            "--curve-server",
        ),
        (&["recv", "-b", any, "-d", ",", "-f", "json"], "--delimiter"),
        (
            &["send", "-c", &there, "-d", ",", "-f", "hex", "00"],
            "--delimiter",
        ),
        (
            &["request", "-c", &there, "-d", ",", "-f", "json"],
            "--delimiter",
        ),
        (
            &["pub", "-c", &there, "-d", ",", "-f", "json"],
            "--delimiter",
        ),
    ] {
        ends(arguments, 2, says);
    }
}

#[test]
fn a_time_that_is_none_is_exit_code_2_and_it_says_which_are() {
    for time in ["1e-10", "0", "-1", "nan", "inf", "1e10", "1s", ""] {
        let timeout = format!("--timeout={time}");
        for command in ["recv", "send", "request", "pub", "sub", "monitor"] {
            let arguments = [command, "-c", "tcp://127.0.0.1:1", &timeout];
            ends(&arguments, 2, "from 0.000001 to 1000000000");
        }
    }
}

#[test]
fn a4_what_cannot_be_done_is_exit_code_1_and_named() {
    let (_pull, endpoint) = bound(PULL);
    let not_there = "@/proc/not-there";
    let folder = "/proc/not-there/man";
    for (arguments, says) in [
        (
            &["recv", "-b", &endpoint][..],
            format!("cannot bind {endpoint}"),
        ),
        (
            &["send", "-c", &endpoint, "--plain", not_there, "x"],
            "cannot read /proc/not-there".to_owned(),
        ),
        (&["man", "--dir", folder], format!("the folder {folder}: ")),
    ] {
        ends(arguments, 1, &says);
    }
}

#[test]
fn when_nothing_comes_or_goes_in_time_it_is_exit_code_3() {
    for arguments in [
        &["recv", "-b", "tcp://127.0.0.1:*", "--timeout", "0.05"][..],
        &[
            "send",
            "-b",
            "tcp://127.0.0.1:*",
            "--timeout",
            "0.05",
            "to nobody",
        ],
        &[
            "pub",
            "-b",
            "tcp://127.0.0.1:*",
            "--wait",
            "--timeout",
            "0.05",
            "to nobody",
        ],
        &[
            "request",
            "-b",
            "tcp://127.0.0.1:*",
            "--timeout",
            "0.05",
            "anybody?",
        ],
        &[
            "monitor",
            "-t",
            "pull",
            "-b",
            "tcp://127.0.0.1:*",
            "--timeout",
            "0.05",
        ],
        &[
            "bench",
            "run",
            "-b",
            "tcp://127.0.0.1:*",
            "--timeout",
            "0.05",
        ],
    ] {
        let ended = run(arguments);
        assert_eq!(ended.code, 3, "{arguments:?}: {}", ended.stderr);
        assert!(ended.stderr.contains("the time "), "{}", ended.stderr);
    }
}

#[test]
fn what_has_come_before_the_time_was_up_is_printed() {
    let mut seconds = 0.25;
    let ended = loop {
        let timeout = format!("--timeout={seconds}");
        let mut recv = tool(&["recv", "-b", "tcp://127.0.0.1:*", &timeout]);
        let push = connected(PUSH, &recv.bound());
        push.set_linger(0).unwrap();
        push.send("one", 0).unwrap();
        let ended = recv.end();
        // Where the machine stood still the time may have been up before.
        if !ended.stderr.contains("0 messages came") {
            break ended;
        }
        seconds *= 2.0;
    };
    assert_eq!((ended.code, &*ended.stdout), (3, &b"one\n"[..]));
    assert!(ended.stderr.contains("1 message came"), "{}", ended.stderr);
}

#[test]
fn when_nobody_reads_what_it_prints_it_ends_quietly() {
    let mut recv = tool(&["recv", "-b", "tcp://127.0.0.1:*"]);
    let push = connected(PUSH, &recv.bound());
    push.set_linger(0).unwrap();
    push.send("one", 0).unwrap();
    assert_eq!(recv.line(), "one");
    recv.close_stdout();
    push.send("two", 0).unwrap();
    let ended = recv.end();
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
}

#[test]
fn e1_send_waits_until_a_peer_that_comes_late_has_everything() {
    let later = peer(PULL);
    // One that nobody else can take meanwhile. Over ipc libzmq loses what a receiver at its mark has not taken in when the sender ends.
    let endpoint = format!("ipc://@tidegate-comes-late-{}", std::process::id());
    later.set_rcvhwm(0).unwrap();
    let mut send = tool(&["send", "-c", &endpoint]);
    for k in 0..5_000 {
        send.write(format!("{k}\n"));
    }
    send.close_stdin();
    later.bind(&endpoint).unwrap();
    for k in 0..5_000 {
        assert_eq!(text(&later), k.to_string());
    }
    assert_eq!(send.end().code, 0);
}

#[test]
fn b6_a_peer_that_does_not_read_holds_stdin_back() {
    const LINES: usize = 1_000;
    let line = vec![b'x'; 64 * 1024];
    let pull = peer(PULL);
    pull.set_rcvhwm(1).unwrap();
    let endpoint = bind(&pull);
    let mut send = tool(&["send", "-c", &endpoint, "--hwm", "1"]);
    let mut stdin = send.child.stdin.take().unwrap();
    let written = Arc::new(AtomicUsize::new(0));
    let writer = thread::spawn({
        let (written, line) = (written.clone(), [&line[..], b"\n"].concat());
        move || {
            for _ in 0..LINES {
                stdin.write_all(&line).unwrap();
                written.fetch_add(1, Ordering::SeqCst);
            }
        }
    });
    // Until the writer gets no further, or has written everything.
    let mut before = usize::MAX;
    while before != written.load(Ordering::SeqCst) {
        before = written.load(Ordering::SeqCst);
        thread::sleep(Duration::from_millis(300));
    }
    for _ in 0..LINES {
        assert_eq!(pull.recv_bytes(0).unwrap(), line);
    }
    writer.join().unwrap();
    let status = std::fs::read_to_string(format!("/proc/{}/status", send.child.id()));
    let peak = status.ok().and_then(|status| {
        let peak = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))?;
        peak.trim().strip_suffix(" kB")?.parse::<usize>().ok()
    });
    assert_eq!(send.end().code, 0);
    // It may have ended before it was looked at.
    assert!(
        peak.is_none_or(|kib| kib < 40 * 1024),
        "{peak:?} KiB for 64 MiB"
    );
}
