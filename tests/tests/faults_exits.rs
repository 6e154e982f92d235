//! A process that exits right after `shutdown(deadline)`: with a peer all arrives, and without one it says what was lost. `FAULTS.md` has
//! the counts.

use std::net::TcpListener;

use tidegate::{Context, SocketType};
use tidegate_tests::{Peer, Watchdog, block_on, builder, number_of, shut_down};

const PEER: &str = env!("CARGO_BIN_EXE_peer");
const MESSAGES: u32 = 3_000;

fn exits(endpoint: &str, millis: &str) -> Peer {
    Peer::start(PEER, &["exits", endpoint, &MESSAGES.to_string(), millis])
}

/// A PULL of the `zmq` crate, which is no tidegate's.
fn bound() -> (zmq::Socket, String) {
    let pull = zmq::Context::new().socket(zmq::PULL).unwrap();
    pull.bind("tcp://127.0.0.1:*").unwrap();
    let endpoint = pull.get_last_endpoint().unwrap().unwrap();
    (pull, endpoint)
}

#[test]
fn e1_what_was_written_right_before_a_shutdown_and_an_exit_arrives() {
    let _watchdog = Watchdog::new(60);
    let (pull, endpoint) = bound();
    let process = exits(&endpoint, "20000");
    for k in 0..MESSAGES {
        assert_eq!(number_of(&pull.recv_multipart(0).unwrap()), k);
    }
    let (succeeded, told) = process.end();
    assert!(succeeded);
    assert_eq!(told, [format!("accepted {MESSAGES}, lost None")]);
    // Nothing came twice.
    assert_eq!(pull.recv_multipart(zmq::DONTWAIT), Err(zmq::Error::EAGAIN));
    println!("| exit with a peer: written {MESSAGES}, received {MESSAGES}, lost 0");
}

#[test]
fn e1_a_peer_that_comes_while_a_process_shuts_down_gets_everything() {
    let _watchdog = Watchdog::new(60);
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("tcp://{}", free.local_addr().unwrap());
    let process = exits(&endpoint, "20000");
    // It has connected, to one that says nothing; that gives its place to the peer.
    drop(free.accept().unwrap());
    drop(free);
    let context = Context::new().unwrap();
    let pull = builder(SocketType::PULL, &context).bind(&endpoint);
    let pull = pull.open().unwrap();
    for k in 0..MESSAGES {
        assert_eq!(number_of(&block_on(pull.read()).unwrap()), k);
    }
    let (succeeded, told) = process.end();
    assert!(succeeded);
    assert_eq!(told, [format!("accepted {MESSAGES}, lost None")]);
    println!("| exit, a late peer: written {MESSAGES}, received {MESSAGES}, lost 0");
    shut_down(&context);
}

#[test]
fn e1_a_process_whose_peer_never_comes_exits_when_its_time_is_up_and_says_what_it_held() {
    let _watchdog = Watchdog::new(60);
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("tcp://{}", free.local_addr().unwrap());
    drop(free);
    let (succeeded, told) = exits(&endpoint, "300").end();
    assert!(succeeded);
    let numbers = told[0].strip_prefix("accepted ").unwrap();
    let (accepted, lost) = numbers.split_once(", lost Some(").unwrap();
    let lost: u32 = lost.trim_end_matches(')').parse().unwrap();
    assert_eq!(accepted.parse::<u32>().unwrap() + lost, MESSAGES);
    assert!(lost > 0);
    println!(
        "| exit without a peer: written {MESSAGES}, accepted {accepted}, reported lost {lost}"
    );
}
