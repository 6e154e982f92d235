//! Each command once, with a real peer.

use std::thread;

use serde_json::Value;
use tidegate::zmq::{DEALER, PUB, PULL, PUSH, REP, ROUTER, SUB, XPUB};

use crate::support::{bound, connected, peer, run, text, tool};

#[test]
fn d1_send_takes_messages_from_the_command_line_or_from_stdin_until_there_were_so_many() {
    let (pull, endpoint) = bound(PULL);
    assert_eq!(run(&["send", "-c", &endpoint, "one", "two"]).printed(), "");
    assert_eq!([text(&pull), text(&pull)], ["one", "two"]);
    let mut send = tool(&["send", "-c", &endpoint, "-n", "2"]);
    send.write("three\nfour\nfive\n");
    assert_eq!(send.end().code, 0);
    assert_eq!([text(&pull), text(&pull)], ["three", "four"]);
}

#[test]
fn a2_a_type_and_an_identity_may_be_given_and_several_endpoints() {
    let (router, at_router) = bound(ROUTER);
    let (second, at_second) = bound(ROUTER);
    let mut send = tool(&[
        "send",
        "--type",
        "dealer",
        "--identity",
        "me",
        "-c",
        &at_router,
        "-c",
        &at_second,
        "a",
        "b",
    ]);
    assert_eq!(send.end().code, 0);
    for (socket, body) in [(&router, "a"), (&second, "b")] {
        let message = socket.recv_multipart(0).unwrap();
        assert_eq!(message, [b"me", body.as_bytes()]);
    }

    let mut recv = tool(&[
        "recv",
        "-t",
        "router",
        "-b",
        "tcp://127.0.0.1:*",
        "-b",
        "tcp://127.0.0.1:*",
        "-n",
        "2",
    ]);
    let endpoints = [recv.bound(), recv.bound()];
    // While a ROUTER knows of one that has gone nobody else has its name.
    for (name, endpoint) in ["you", "and you"].iter().zip(&endpoints) {
        let dealer = peer(DEALER);
        dealer.set_identity(name.as_bytes()).unwrap();
        dealer.connect(endpoint).unwrap();
        dealer.send("hello", 0).unwrap();
        assert_eq!(recv.line(), format!("{name}\thello"));
    }
    assert_eq!(recv.end().code, 0);
}

#[test]
fn a1_an_endpoint_in_brackets_is_bound_and_connected_over_ipv6() {
    let v6 = "tcp://[::1]:*";
    let mut recv = tool(&["recv", "-b", v6, "-n", "1"]);
    let endpoint = recv.bound();
    assert!(endpoint.starts_with("tcp://[::1]:"), "{endpoint}");
    assert_eq!(run(&["send", "-c", &endpoint, "six"]).code, 0);
    assert_eq!(recv.end().printed(), "six\n");

    let mut proxy = tool(&["proxy", "streamer", "-f", v6, "-b", v6, "--quiet"]);
    let (front, back) = (proxy.bound(), proxy.bound());
    // IPv4 stays beside it.
    let (push, v4) = bound(PUSH);
    let mut recv = tool(&["recv", "-c", &back, "-c", &v4]);
    push.send("four", 0).unwrap();
    assert_eq!(recv.line(), "four");
    assert_eq!(run(&["send", "-c", &front, "six"]).code, 0);
    assert_eq!(recv.line(), "six");
    proxy.interrupt();
    assert_eq!(proxy.ended().code, 130);
}

#[test]
fn i3_request_prints_the_reply_to_each_request() {
    let (rep, endpoint) = bound(REP);
    let server = thread::spawn(move || {
        for _ in 0..3 {
            let request = text(&rep);
            rep.send(&request.to_uppercase(), 0).unwrap();
        }
        rep
    });
    let printed = run(&["request", "-c", &endpoint, "one", "two"]).printed();
    assert_eq!(printed, "ONE\nTWO\n");
    let mut request = tool(&["request", "-c", &endpoint]);
    request.write("three\n");
    assert_eq!(request.line(), "THREE");
    assert_eq!(request.end().code, 0);
    server.join().unwrap();
}

#[test]
fn i4_pub_waits_for_a_subscriber_and_puts_the_topic_first() {
    let mut publisher = tool(&["pub", "-b", "tcp://127.0.0.1:*", "--wait", "--topic", "t"]);
    let endpoint = publisher.bound();
    publisher.write("one\ntwo\n");
    let sub = connected(SUB, &endpoint);
    sub.set_subscribe(b"t").unwrap();
    for expected in ["one", "two"] {
        assert_eq!(sub.recv_multipart(0).unwrap(), [b"t", expected.as_bytes()]);
    }
    assert_eq!(publisher.end().code, 0);
}

#[test]
fn g2_sub_subscribes_to_everything_or_to_what_it_is_told() {
    let (publisher, endpoint) = bound(XPUB);
    let mut all = tool(&["sub", "-c", &endpoint, "-n", "2"]);
    assert_eq!(publisher.recv_bytes(0).unwrap(), [1]);
    let mut some = tool(&["sub", "-c", &endpoint, "-s", "b", "-n", "1"]);
    assert_eq!(publisher.recv_bytes(0).unwrap(), [1, b'b']);
    for message in ["a1", "b1"] {
        publisher.send(message, 0).unwrap();
    }
    assert_eq!(all.end().printed(), "a1\nb1\n");
    assert_eq!(some.end().printed(), "b1\n");
}

#[test]
fn f1_monitor_prints_what_happens_as_it_happens() {
    let mut monitor = tool(&["monitor", "-t", "pull", "-b", "tcp://127.0.0.1:*"]);
    let endpoint = monitor.bound();
    let listening = monitor.line();
    assert!(
        listening.starts_with(&format!("listening {endpoint} fd ")),
        "{listening}"
    );
    let push = connected(tidegate::zmq::PUSH, &endpoint);
    assert!(
        monitor
            .line()
            .starts_with(&format!("accepted {endpoint} fd "))
    );
    assert_eq!(monitor.line(), format!("handshake-succeeded {endpoint}"));
    drop(push);
    assert!(
        monitor
            .line()
            .starts_with(&format!("disconnected {endpoint} fd "))
    );
    monitor.interrupt();
    assert_eq!(monitor.end().code, 130);
}

#[test]
fn f1_monitor_prints_objects_and_ends_after_so_many() {
    let (_publisher, endpoint) = bound(PUB);
    let monitor = [
        "monitor", "-t", "sub", "-c", &endpoint, "-f", "json", "-n", "3",
    ];
    let printed = run(&monitor).printed();
    let events: Vec<Value> = printed
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let names: Vec<_> = events.iter().map(|event| &event["event"]).collect();
    assert_eq!(
        names,
        ["connect-delayed", "connected", "handshake-succeeded"]
    );
    assert!(events.iter().all(|event| event["endpoint"] == *endpoint));
    assert!(events[1]["fd"].as_i64().unwrap() > 0);
}

#[test]
fn bench_measures_between_two_processes() {
    let mut serve = tool(&["bench", "serve", "-b", "tcp://127.0.0.1:*"]);
    let endpoint = serve.bound();
    let bench = [
        "bench",
        "run",
        "-c",
        &endpoint,
        "-n",
        "1000",
        "--round-trips",
        "100",
        "--size",
        "50",
    ];
    let printed = run(&[&bench[..], &["-f", "json"]].concat()).printed();
    let figures: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(
        (&figures["messages"], &figures["message_bytes"]),
        (&1000.into(), &50.into())
    );
    let figure = |name: &str| figures[name].as_f64().unwrap();
    assert!(figure("messages_per_second") > 0.0);
    let ratio = figure("bytes_per_second") / figure("messages_per_second");
    assert!((ratio - 50.0).abs() < 1.0, "{printed}");
    let times = &figures["round_trip_us"];
    assert!(
        times["median"].as_f64() > Some(0.0)
            && times["median"].as_f64() <= times["longest"].as_f64()
    );
    let printed = run(&bench).printed();
    assert!(
        printed.starts_with("round trip: median ") && printed.contains("\none way: "),
        "{printed}"
    );
    serve.interrupt();
    assert_eq!(serve.end().code, 130);
}
