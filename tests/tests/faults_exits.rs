//! A process that exits right after `shutdown(deadline)`: with a peer all arrives, and without one it says what was lost. `FAULTS.md` has
//! the counts.

use std::net::TcpListener;

use std::time::Duration;

use futures_lite::future::poll_once;
use tidegate::{Context, SocketType, options};
use tidegate_tests::{
    Peer, Usage, Watchdog, alone, block_on, builder, nobody, number_of, numbered, shut_down,
    start_executor,
};

const PEER: &str = env!("CARGO_BIN_EXE_peer");
const MESSAGES: u32 = 3_000;
/// No more than the operating system holds of a connection.
const FEW: u32 = 300;

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
    // Alone: a process that is being started beside has a copy of the listener, and with it the port, until it runs.
    alone(|| {
        let _watchdog = Watchdog::new(60);
        start_executor();
        let before = Usage::now();
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
        drop(pull);
        before.wait_for_no_more();
    });
}

#[test]
fn e1_a_process_whose_peer_never_comes_exits_when_its_time_is_up_and_says_what_it_held() {
    let _watchdog = Watchdog::new(60);
    let (succeeded, told) = exits(&nobody(), "300").end();
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

/// libzmq's reader looks at a connection no more once it has as many messages as it may, and one by ipc ends for it with the sender's close:
/// what the operating system has of it then is gone. One by tcp waits for it.
#[test]
fn e1_a_slow_reader_gets_everything_over_tcp_and_loses_what_is_on_its_way_over_ipc() {
    alone(|| {
        let _watchdog = Watchdog::new(60);
        start_executor();
        let at_first = Usage::now();
        let of_process = format!("ipc://@tidegate-{}", std::process::id());
        for (endpoint, loses) in [("tcp://127.0.0.1:*", false), (&of_process, true)] {
            let there = Context::new().unwrap();
            let pull = builder(SocketType::PULL, &there)
                .option(options::RECEIVE_HWM, 10)
                .read_ahead(false)
                .bind(endpoint);
            let pull = pull.open().unwrap();
            let before = Usage::now();
            let here = Context::new().unwrap();
            let push = builder(SocketType::PUSH, &here).connect(&pull.bindings()[0]);
            let push = push.open().unwrap();
            for k in 0..FEW {
                push.write(numbered(k, 1, 100)).unwrap();
            }
            // All that the stream held has gone, and libzmq has nothing left to send.
            block_on(here.shutdown(Duration::from_secs(20))).unwrap();
            let mut received = 0;
            let mut read_all = || {
                while let Some(message) = block_on(poll_once(pull.read())) {
                    assert_eq!(number_of(&message.unwrap()), received);
                    received += 1;
                }
            };
            // Until the reader has closed the connection, and then what it had of it.
            while !before.is_no_more() {
                read_all();
            }
            read_all();
            let gone = FEW - received;
            println!(
                "| exit, a slow reader, {endpoint}: written {FEW}, received {received}, gone {gone}"
            );
            assert_eq!(gone > 0, loses);
            shut_down(&there);
            drop((pull, push, here, there, before));
            // So that the next one's beginning is not counted with this one's end.
            at_first.wait_for_no_more();
        }
    });
}
