//! Who is let in.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use tidegate::zmq::{PULL, PUSH};

use crate::support::{Tool, connected, run, text, tool};

/// A server that lets this user in, and where it is.
fn server(command: &str, user: &str) -> (Tool, String) {
    let mut server = tool(&[command, "-b", "tcp://127.0.0.1:*", "--plain-server", user]);
    let endpoint = server.bound();
    (server, endpoint)
}

/// What ZMTP 3 begins with.
fn greeting(mechanism: &str) -> Vec<u8> {
    let mut greeting = b"\xff\0\0\0\0\0\0\0\0\x7f\x03\0".to_vec();
    greeting.extend(mechanism.bytes());
    greeting.resize(64, 0);
    greeting
}

/// A server that says this to so many, and hangs up on none of them: one of libzmq's would, as soon as it sees what does not fit, and
/// often before it was read.
fn says(this: Vec<u8>, times: usize) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("tcp://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for _ in 0..times {
            let (mut client, _) = listener.accept().unwrap();
            client.write_all(&this).unwrap();
            // Until it hangs up itself.
            let _ = client.read_to_end(&mut Vec::new());
        }
    });
    endpoint
}

#[test]
fn i1_plain_lets_in_who_knows_the_password_and_nobody_else() {
    let secret = format!(
        "{}/user-{}",
        env!("CARGO_TARGET_TMPDIR"),
        std::process::id()
    );
    std::fs::write(&secret, "ann:a:secret\n").unwrap();
    let file = format!("@{secret}");
    let server = [
        "recv",
        "-b",
        "tcp://127.0.0.1:*",
        "--plain-server",
        "bob:b",
        "--plain-server",
        &file,
    ];
    let mut recv = tool(&[&server[..], &["-n", "2"]].concat());
    let endpoint = recv.bound();
    let wrong = ["send", "-c", &endpoint, "--plain", "ann:wrong", "no"];
    let refused = run(&wrong);
    assert_eq!(refused.code, 1);
    assert!(refused.stderr.contains("refused"), "{}", refused.stderr);
    for user in ["bob:b", &file] {
        let right = ["send", "-c", &endpoint, "--plain", user, "yes"];
        assert_eq!(run(&right).printed(), "");
    }
    assert_eq!(recv.end().printed(), "yes\nyes\n");
}

#[test]
fn i1_curve_lets_in_who_has_the_keys_or_the_error_says_how_to_get_curve() {
    let [server, ann, eve] = [(); 3].map(|()| run(&["keys"]));
    if server.code == 1 {
        assert!(
            server.stderr.contains("the system's libzmq has it"),
            "{}",
            server.stderr
        );
        return;
    }
    let [server, ann, eve] = [server, ann, eve].map(|keys| keys.printed().trim_end().to_owned());
    let (public, allowed) = (&server[..40], &ann[..40]);
    let open = [
        "recv",
        "-b",
        "tcp://127.0.0.1:*",
        "-n",
        "1",
        "--curve-server",
        "--curve-keys",
        &server,
    ];
    let mut recv = tool(&[&open[..], &["--curve-allow", allowed]].concat());
    let endpoint = recv.bound();
    let send = |keys: &str| {
        let client = [
            "send",
            "-c",
            &endpoint,
            "--curve",
            public,
            "--curve-keys",
            keys,
            "hello",
        ];
        run(&client).code
    };
    assert_eq!(send(&eve), 1);
    assert_eq!(send(&ann), 0);
    assert_eq!(recv.end().printed(), "hello\n");

    // A key may begin as an option does.
    let dash = format!("-{}", "0".repeat(39));
    let client = [
        "send",
        "-c",
        &endpoint,
        "--curve",
        &dash,
        "--timeout",
        "0.05",
    ];
    assert_eq!(run(&[&client[..], &["hello"]].concat()).code, 3);

    // Whoever knows the server's key, with keys of its own.
    let mut recv = tool(&open);
    let endpoint = recv.bound();
    assert_eq!(
        run(&["send", "-c", &endpoint, "--curve", public, "hello"]).code,
        0
    );
    assert_eq!(recv.end().printed(), "hello\n");
}

#[test]
fn i1_whoever_is_refused_says_by_whom_and_why_and_ends_with_exit_code_1() {
    let (_server, endpoint) = server("recv", "ann:a");
    let refused = format!("tidegate: {endpoint} has refused this client: its user, ");
    for command in [
        &["recv"][..],
        &["sub"],
        &["send", "x"],
        &["request", "x", "--timeout", "1000"],
        &["pub", "x"],
        &["pub", "x", "--wait"],
        &["bench", "run", "--timeout", "1000"],
        &["bench", "serve"],
    ] {
        let client = ["-c", &endpoint, "-c", &endpoint, "--plain", "ann:wrong"];
        let ended = tool(&[command, &client].concat()).ended();
        assert_eq!(ended.code, 1, "{command:?}: {}", ended.stderr);
        assert!(ended.stderr.starts_with(&refused), "{}", ended.stderr);
        assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
    }
}

#[test]
fn i1_a_proxy_one_side_of_which_is_refused_says_so_and_passes_on() {
    let any = "tcp://127.0.0.1:*";
    let refuses = says(greeting("PLAIN"), 1);
    let proxy = ["proxy", "streamer", "-f", any, "-b", any];
    // It comes as nobody.
    let mut proxy = tool(&[&proxy[..], &["--capture-connect", &refuses]].concat());
    let [front, back] = [proxy.bound(), proxy.bound()];
    let told = proxy.told();
    let refused = format!("tidegate: {refuses} has refused this client: it asks for another");
    assert!(told.starts_with(&refused), "{told}");
    let (push, pull) = (connected(PUSH, &front), connected(PULL, &back));
    push.send("task", 0).unwrap();
    assert_eq!(text(&pull), "task");
    proxy.interrupt();
    assert_eq!(proxy.ended().code, 130);
}

#[test]
fn i1_one_that_refuses_is_told_and_those_that_do_not_are_received_from() {
    let (_refuses, refuses) = server("recv", "bob:b");
    let (mut serves, lets_in) = server("send", "ann:a");
    let client = ["recv", "-c", &refuses, "-c", &lets_in, "--plain", "ann:a"];
    let mut recv = tool(&[&client[..], &["-n", "1"]].concat());
    let told = recv.told();
    assert!(
        told.starts_with(&format!("tidegate: {refuses} has refused")),
        "{told}"
    );
    serves.write("hello\n");
    assert_eq!(recv.end().printed(), "hello\n");
}

#[test]
fn i1_where_it_is_bound_others_may_come_and_who_is_turned_away_there_is_no_server() {
    let (_refuses, refuses) = server("recv", "bob:b");
    let client = ["recv", "-c", &refuses, "--plain", "ann:a", "-n", "1"];
    let mut recv = tool(&[&client[..], &["-b", "tcp://127.0.0.1:*"]].concat());
    let endpoint = recv.bound();
    let told = recv.told();
    assert!(
        told.starts_with(&format!("tidegate: {refuses} has refused")),
        "{told}"
    );
    // A PLAIN client has nothing to say to one that comes without it, and hangs up.
    let mut comes = TcpStream::connect(endpoint.strip_prefix("tcp://").unwrap()).unwrap();
    comes.write_all(&greeting("NULL")).unwrap();
    let _ = comes.read_to_end(&mut Vec::new());
    let comes = ["send", "-c", &endpoint, "--plain-server", "ann:a", "yes"];
    assert_eq!(run(&comes).code, 0);
    let ended = recv.end();
    assert_eq!((ended.stderr.as_str(), ended.code), ("", 0));
    assert_eq!(ended.stdout, b"yes\n");
}

#[test]
fn i1_what_was_sent_to_one_that_refuses_is_told_to_be_lost() {
    let (_refuses, refuses) = server("recv", "bob:b");
    let (mut serves, lets_in) = server("recv", "ann:a");
    let mut send = tool(&["send", "-c", &refuses, "-c", &lets_in, "--plain", "ann:a"]);
    let told = send.told();
    assert!(
        told.starts_with(&format!("tidegate: {refuses} has refused")),
        "{told}"
    );
    // One of two goes to each, until libzmq has let go of the one that refuses.
    send.write("hello\nhello\n");
    assert_eq!(serves.line(), "hello");
    let ended = send.end();
    let lost = format!("tidegate: what was for {refuses} is lost\n");
    assert_eq!((ended.code, ended.stderr), (1, lost));
}

#[test]
fn a2_a_server_whose_socket_is_of_a_type_that_does_not_go_with_it_ends_it_with_exit_code_1() {
    let mut ready = greeting("NULL");
    ready.extend(b"\x04\x1a\x05READY\x0bSocket-Type\0\0\0\x04XPUB");
    let endpoint = says(ready, 3);
    let refused = format!("tidegate: {endpoint} has refused this client: its socket is of a type ");
    for command in ["recv", "send", "request"] {
        let ended = tool(&[command, "-c", &endpoint]).ended();
        assert_eq!(ended.code, 1, "{command}: {}", ended.stderr);
        assert!(ended.stderr.starts_with(&refused), "{}", ended.stderr);
    }
}

#[test]
fn one_that_hangs_up_in_the_handshake_is_told_once_and_tried_again() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("tcp://{}", listener.local_addr().unwrap());
    let mut recv = tool(&["recv", "-c", &endpoint]);
    for _ in 0..3 {
        drop(listener.accept().unwrap());
    }
    let told = recv.told();
    assert!(
        told.starts_with(&format!("tidegate: {endpoint} has hung up")),
        "{told}"
    );
    recv.interrupt();
    let ended = recv.ended();
    assert_eq!(ended.code, 130);
    assert!(
        ended.stderr.starts_with("tidegate: interrupted"),
        "{}",
        ended.stderr
    );
}
