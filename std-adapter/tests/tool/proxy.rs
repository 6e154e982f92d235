//! `tidegate proxy`: what comes at one side goes out at the other, whatever happens to either.

use std::io::Write;
use std::net::TcpStream;

use tidegate::zmq::{PULL, PUSH, REP, REQ, SUB, Socket, XPUB};

use crate::support::{
    Tool, bound, connected, has_connections, is_read, push_all, text, tool, waits,
};

/// A proxy, and where its sides are.
fn proxy(kind: &str) -> (Tool, [String; 3]) {
    let any = "tcp://127.0.0.1:*";
    let mut proxy = tool(&["proxy", kind, "-f", any, "-b", any, "--capture-bind", any]);
    let sides = [proxy.bound(), proxy.bound(), proxy.bound()];
    (proxy, sides)
}

/// Captures everything from now on: until it sees something, more is passed on, and the last of that is told.
fn capture(endpoint: &str, mut pass: impl FnMut(&str) -> String) -> Socket {
    let sub = connected(SUB, endpoint);
    sub.set_subscribe(b"").unwrap();
    let frame = || Some(sub.recv_multipart(0).ok()?.pop().unwrap());
    sub.set_rcvtimeo(20).unwrap();
    let mut passed = 0;
    let (last, mut seen) = loop {
        passed += 1;
        let last = pass(&format!("warm up {passed}"));
        if let Some(seen) = frame() {
            break (last, seen);
        }
    };
    waits(&sub);
    while seen != last.as_bytes() {
        seen = frame().unwrap();
    }
    sub
}

#[test]
fn a_streamer_passes_tasks_on_in_order_and_shows_them_to_who_captures() {
    let (mut proxy, [front, back, captures]) = proxy("streamer");
    let (push, pull) = (connected(PUSH, &front), connected(PULL, &back));
    let captured = capture(&captures, |what| {
        push.send(what, 0).unwrap();
        assert_eq!(text(&pull), what);
        what.to_owned()
    });
    for k in 0..200 {
        push.send_multipart(["task", "", &k.to_string()], 0)
            .unwrap();
    }
    for socket in [&pull, &captured] {
        for k in 0..200 {
            let message = socket.recv_multipart(0).unwrap();
            assert_eq!(message, [&b"task"[..], b"", k.to_string().as_bytes()]);
        }
    }
    proxy.interrupt();
    assert_eq!(proxy.ended().code, 130);
}

#[test]
fn a_queue_survives_the_death_of_either_side_and_strangers() {
    let (mut proxy, [front, back, captures]) = proxy("queue");
    let ask = |req: &Socket, rep: &Socket, what: &str| {
        let reply = format!("reply to {what}");
        req.send(what, 0).unwrap();
        assert_eq!(text(rep), what);
        rep.send(&reply, 0).unwrap();
        assert_eq!(text(req), reply);
        reply
    };
    let (req, rep) = (connected(REQ, &front), connected(REP, &back));
    let captured = capture(&captures, |what| ask(&req, &rep, what));
    ask(&req, &rep, "one");
    let there = captured.recv_multipart(0).unwrap();
    let back_again = captured.recv_multipart(0).unwrap();
    assert_eq!(
        (there.last().unwrap(), back_again.last().unwrap()),
        (&b"one".to_vec(), &b"reply to one".to_vec())
    );
    assert_eq!(there[0], back_again[0]);

    // A server that dies with a request, and a client that is gone when its reply comes.
    let dying = connected(REQ, &front);
    dying.send("to die with", 0).unwrap();
    assert_eq!(text(&rep), "to die with");
    drop(rep);
    // The next request would go to the dead one as well.
    while has_connections(&back) {
        std::thread::yield_now();
    }
    let rep = connected(REP, &back);
    let gone = connected(REQ, &front);
    gone.send("from who is gone", 0).unwrap();
    assert_eq!(text(&rep), "from who is gone");
    gone.set_linger(0).unwrap();
    drop(gone);
    rep.send("too late", 0).unwrap();
    // Strangers at both sides.
    for side in [&front, &back] {
        let address = side.strip_prefix("tcp://").unwrap();
        let mut stranger = TcpStream::connect(address).unwrap();
        stranger.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    }
    ask(&req, &rep, "two");
    assert!(proxy.child.try_wait().unwrap().is_none());
    proxy.interrupt();
    assert_eq!(proxy.ended().code, 130);
}

#[test]
fn a_forwarder_hands_subscriptions_forth_and_what_is_published_back() {
    let (publisher, endpoint) = bound(XPUB);
    let any = "tcp://127.0.0.1:*";
    let mut proxy = tool(&["proxy", "forwarder", "-F", &endpoint, "-b", any]);
    let sub = connected(SUB, &proxy.bound());
    sub.set_subscribe(b"b").unwrap();
    assert_eq!(publisher.recv_bytes(0).unwrap(), [1, b'b']);
    for message in ["a1", "b1"] {
        publisher.send(message, 0).unwrap();
    }
    assert_eq!(text(&sub), "b1");
    sub.set_unsubscribe(b"b").unwrap();
    assert_eq!(publisher.recv_bytes(0).unwrap(), [0, b'b']);
    proxy.interrupt();
    assert_eq!(proxy.ended().code, 130);
}

#[test]
fn e1_a_proxy_that_is_interrupted_passes_on_what_it_took() {
    // More than the streams' own buffers hold: libzmq has the others.
    const MESSAGES: usize = 500;
    let (mut proxy, [front, back, _]) = proxy("streamer");
    let line = |k: usize| format!("{k} {}", "x".repeat(1_000));
    push_all(&front, (0..MESSAGES).map(line));
    while !is_read(&front) {
        std::thread::yield_now();
    }
    proxy.interrupt();
    let pull = connected(PULL, &back);
    for k in 0..MESSAGES {
        assert_eq!(text(&pull), line(k));
    }
    let ended = proxy.ended();
    let told = format!("tidegate: interrupted: {MESSAGES} messages were passed on\n");
    assert_eq!((ended.code, ended.stderr), (130, told));
}
