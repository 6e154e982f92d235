//! Ctrl-C: nothing is lost that was accepted.

use std::fs;
use std::net::TcpListener;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use tidegate::zmq::{DONTWAIT, PULL, PUSH, REP, SUB};

use crate::support::{Ended, bind, bound, connected, is_read, peer, push_all, text, tool, waits};

/// How many messages it says it has had.
fn told(ended: &Ended) -> usize {
    let told = ended
        .stderr
        .strip_prefix("tidegate: interrupted: ")
        .unwrap();
    told.split(' ').next().unwrap().parse().unwrap()
}

#[test]
fn e1_send_that_is_interrupted_has_sent_every_line_that_it_took() {
    let pull = peer(PULL);
    pull.set_rcvhwm(1).unwrap();
    let endpoint = bind(&pull);
    let mut send = tool(&["send", "-c", &endpoint, "--hwm", "1"]);
    let line = |k: usize| format!("{k} {}", "x".repeat(1_000));
    // More than the peer and the tool hold, less than would hold the test up.
    for k in 0..300 {
        send.write(line(k) + "\n");
    }
    assert_eq!(text(&pull), line(0));
    send.interrupt();
    // It reads no more of stdin, and what it took arrives while it ends.
    let ended = thread::spawn(move || send.ended());
    let mut arrived = 1;
    pull.set_rcvtimeo(50).unwrap();
    while !ended.is_finished() {
        if let Ok(message) = pull.recv_string(0) {
            assert_eq!(message.unwrap(), line(arrived));
            arrived += 1;
        }
    }
    let ended = ended.join().unwrap();
    assert_eq!(ended.code, 130, "{}", ended.stderr);
    waits(&pull);
    while arrived < told(&ended) {
        assert_eq!(text(&pull), line(arrived));
        arrived += 1;
    }
    assert_eq!(arrived, told(&ended));
    assert!(!ended.stderr.contains("but"), "{}", ended.stderr);
}

#[test]
fn e1_send_that_is_interrupted_waits_for_somebody_until_it_is_interrupted_again() {
    let mut send = tool(&["send", "-b", "tcp://127.0.0.1:*"]);
    send.bound();
    send.write("to nobody\n");
    // The line may still be on its way to the tool: then it was not taken.
    send.interrupt();
    let first = send.told();
    if first == "tidegate: interrupted: 0 messages were taken" {
        assert_eq!(send.ended().code, 130);
        return;
    }
    assert!(first.contains("still being sent"), "{first}");
    send.interrupt();
    let ended = send.ended();
    assert_eq!(ended.code, 130);
    assert!(
        ended.stderr.contains("interrupted again"),
        "{}",
        ended.stderr
    );
}

#[test]
fn e1_who_has_nothing_to_send_waits_for_no_server_at_the_end() {
    let ((push, at_push), silent) = (bound(PUSH), TcpListener::bind("127.0.0.1:0").unwrap());
    // It accepts, and says nothing: libzmq gives up after 30 seconds.
    let silent = format!("tcp://{}", silent.local_addr().unwrap());
    let start = Instant::now();
    let mut recv = tool(&["recv", "-c", &silent, "-c", &at_push, "-n", "1"]);
    push.send("hello", 0).unwrap();
    assert_eq!(recv.ended().printed(), "hello\n");
    for nothing in [
        &["send", "-n", "0"][..],
        &["pub", "-n", "0"],
        &["monitor", "-n", "2"],
    ] {
        assert_eq!(tool(&[nothing, &["-c", &silent]].concat()).ended().code, 0);
    }
    assert!(start.elapsed() < Duration::from_secs(25));
}

#[test]
fn e1_recv_that_is_interrupted_prints_everything_that_had_come() {
    const MESSAGES: usize = 500;
    let mut recv = tool(&["recv", "-b", "tcp://127.0.0.1:*"]);
    let endpoint = recv.bound();
    let message = |k: usize| format!("{k} {}", "x".repeat(1_000));
    push_all(&endpoint, (0..MESSAGES).map(message));
    // Nobody reads what the tool prints, which is more than a pipe holds.
    while !is_read(&endpoint) {
        thread::yield_now();
    }
    recv.interrupt();
    let ended = recv.ended();
    let printed = String::from_utf8(ended.stdout.clone()).unwrap();
    assert_eq!(printed.lines().count(), MESSAGES, "{}", ended.stderr);
    for (k, line) in printed.lines().enumerate() {
        assert_eq!(line, message(k));
    }
    assert_eq!((ended.code, told(&ended)), (130, MESSAGES));
}

#[test]
fn e1_recv_that_is_interrupted_prints_all_that_several_had_sent_or_says_that_there_was_more() {
    const EACH: usize = 1_000;
    let mut recv = tool(&["recv", "-b", "tcp://127.0.0.1:*"]);
    let endpoint = recv.bound();
    let line = "x".repeat(200);
    // As many as libzmq holds of each, and more together than the tool promises to print behind an interrupt.
    for _ in 0..4 {
        push_all(&endpoint, (0..EACH).map(|_| line.clone()));
    }
    while !is_read(&endpoint) {
        thread::yield_now();
    }
    recv.interrupt();
    let ended = recv.ended();
    let printed = String::from_utf8(ended.stdout.clone()).unwrap();
    let lines = printed.lines().count();
    assert!(printed.lines().all(|printed| printed == line));
    let says_more = ended.stderr.contains("and more had come");
    assert!(lines == 4 * EACH || says_more, "{lines}: {}", ended.stderr);
    assert_eq!(ended.code, 130);
}

#[test]
fn e1_what_waits_for_a_message_is_interrupted_at_once() {
    let ((_push, at_push), (_rep, at_rep)) = (bound(PUSH), bound(REP));
    for arguments in [
        &["recv", "-c", &at_push][..],
        &["request", "-c", &at_rep, "--timeout", "1000", "anybody?"],
        &["pub", "-b", "tcp://127.0.0.1:*", "--wait", "to nobody"],
        &["send", "-b", "tcp://127.0.0.1:*"],
        &[
            "proxy",
            "queue",
            "-f",
            "tcp://127.0.0.1:*",
            "-b",
            "tcp://127.0.0.1:*",
        ],
    ] {
        let mut waits = tool(arguments);
        // It takes signals before it opens anything: where it says that it is bound, it does.
        if arguments.contains(&"tcp://127.0.0.1:*") {
            waits.bound();
        } else {
            await_handler(waits.child.id());
        }
        waits.interrupt();
        let ended = waits.ended();
        assert_eq!(ended.code, 130, "{arguments:?}: {}", ended.stderr);
    }
}

/// Waits until a process catches SIGINT.
fn await_handler(process: u32) {
    loop {
        let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
        let caught = u64::from_str_radix(caught.unwrap().trim(), 16).unwrap();
        if caught & 2 != 0 {
            return;
        }
        thread::yield_now();
    }
}

#[test]
fn e1_a_second_one_ends_it_whatever_waits_to_be_sent() {
    let mut send = tool(&["send", "-b", "tcp://127.0.0.1:*", "to nobody"]);
    send.bound();
    send.interrupt();
    // Until the process has gone: signals that come before the first one was taken are one.
    while send.child.try_wait().unwrap().is_none() {
        send.interrupt();
    }
    assert_eq!(send.ended().code, 130);
}

#[test]
fn e1_pub_that_is_interrupted_has_published_every_line_that_it_took() {
    let mut publisher = tool(&["pub", "-b", "tcp://127.0.0.1:*", "--wait"]);
    let sub = peer(SUB);
    sub.connect(&publisher.bound()).unwrap();
    sub.set_subscribe(b"").unwrap();
    for k in 0..100 {
        publisher.write(format!("{k}\n"));
    }
    assert_eq!(text(&sub), "0");
    publisher.interrupt();
    let ended = publisher.ended();
    assert_eq!(ended.code, 130);
    for k in 1..told(&ended) {
        assert_eq!(text(&sub), k.to_string());
    }
}

#[test]
fn e1_a_flood_does_not_keep_it_from_ending() {
    let any = "tcp://127.0.0.1:*";
    for arguments in [
        &["recv", "-b", any][..],
        &["proxy", "streamer", "-f", any, "-b", any],
    ] {
        let mut flooded = tool(arguments);
        let front = flooded.bound();
        let back = (arguments[0] == "proxy").then(|| flooded.bound());
        let is_over = Arc::new(AtomicBool::new(false));
        let over = is_over.clone();
        let flood = thread::spawn(move || {
            let push = connected(PUSH, &front);
            push.set_linger(0).unwrap();
            while !over.load(Ordering::SeqCst) {
                let _ = push.send("flood", DONTWAIT);
            }
        });
        let over = is_over.clone();
        let (first, came) = mpsc::channel();
        let taken = back.map(|back| {
            thread::spawn(move || {
                let pull = connected(PULL, &back);
                pull.set_rcvtimeo(20).unwrap();
                while !over.load(Ordering::SeqCst) {
                    if pull.recv_bytes(0).is_ok() {
                        let _ = first.send(());
                    }
                }
            })
        });
        match &taken {
            Some(_) => came.recv_timeout(Duration::from_secs(60)).unwrap(),
            None => assert_eq!(flooded.line(), "flood"),
        }
        flooded.interrupt();
        assert_eq!(flooded.ended().code, 130);
        is_over.store(true, Ordering::SeqCst);
        flood.join().unwrap();
        if let Some(taken) = taken {
            taken.join().unwrap();
        }
    }
}
