//! A peer of a test, in a process of its own: `peer ROLE ENDPOINT ...`. It prints a line for each message, and ends only with its
//! input or its test, if at all: it is there to be killed. But for `exits`, it has nothing of tidegate.

use std::io::Read;
use std::time::Duration;

use rustix::process::{Signal, set_parent_process_death_signal};
use tidegate::{ShutdownError, SocketType, ZmqStream};
use tidegate_tests::{Stranger, frame, header, number_of, numbered};

/// What is sent by hand, and torn: so many frames of so many bytes.
const FRAMES: u32 = 8;
const BYTES: usize = 128 * 1024;

fn main() {
    // A test that its watchdog ends kills nobody.
    set_parent_process_death_signal(Some(Signal::KILL)).expect("Linux");
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["pull", endpoint] => pull(endpoint, u32::MAX),
        ["pull", endpoint, most] => pull(endpoint, number(most)),
        ["push", endpoint, frames, bytes] => push(endpoint, number(frames), number(bytes)),
        ["half-pull", endpoint] => half_pull(endpoint),
        ["half-push", endpoint, whole] => half_push(endpoint, number(whole)),
        ["echo", kind, endpoint] => echo(kind, endpoint),
        ["exits", endpoint, count, millis] => exits(endpoint, number(count), number(millis)),
        _ => panic!("no such role: {arguments:?}"),
    }
}

fn number<T: std::str::FromStr>(argument: &str) -> T {
    argument.parse().ok().expect("a number")
}

/// A socket that holds few messages and few bytes, and looks often whether somebody is there.
fn socket(kind: zmq::SocketType, endpoint: &str) -> zmq::Socket {
    let socket = zmq::Context::new().socket(kind).expect("a socket");
    for set in [zmq::Socket::set_rcvhwm, zmq::Socket::set_sndhwm] {
        set(&socket, 2).expect("a mark");
    }
    socket.set_rcvbuf(64 * 1024).expect("a size");
    socket.set_reconnect_ivl(20).expect("an interval");
    if std::env::var_os("TIDEGATE_TEST_HEARTBEAT").is_some() {
        socket.set_heartbeat_ivl(200).expect("an interval");
        socket.set_heartbeat_timeout(1_000).expect("a timeout");
    }
    socket.set_identity(b"peer").expect("a name");
    match endpoint.strip_prefix("bind:") {
        Some(endpoint) => socket.bind(endpoint),
        None => socket.connect(endpoint),
    }
    .expect("an endpoint");
    socket
}

/// Reads so many, and prints the number of each message that has come whole.
fn pull(endpoint: &str, most: u32) {
    let pull = socket(zmq::PULL, endpoint);
    for _ in 0..most {
        let message = pull.recv_multipart(0).expect("a message");
        println!("{}", number_of(&message));
    }
    wait();
}

/// Sends messages as fast as it may, and prints the number of each that libzmq has accepted.
fn push(endpoint: &str, frames: u32, bytes: usize) {
    let push = socket(zmq::PUSH, endpoint);
    for k in 0.. {
        let message = numbered(k, frames, bytes);
        push.send_multipart(message.iter().map(|frame| &**frame), 0)
            .expect("accepted");
        println!("{k}");
    }
}

/// Sends back what it reads.
fn echo(kind: &str, endpoint: &str) {
    let kind = match kind {
        "dealer" => zmq::DEALER,
        "pair" => zmq::PAIR,
        "rep" => zmq::REP,
        _ => panic!("{kind} is not tested"),
    };
    let socket = socket(kind, endpoint);
    if kind != zmq::REP {
        socket.send("here", 0).expect("accepted");
    }
    loop {
        let message = socket.recv_multipart(0).expect("a message");
        socket.send_multipart(&message, 0).expect("accepted");
        println!("{}", number_of(&message));
    }
}

/// Waits for its end, whoever brings it.
fn wait() {
    let _ = std::io::stdin().read(&mut [0]);
}

/// Reads half of a message by hand, and no more.
fn half_pull(endpoint: &str) {
    let mut stranger = Stranger::greeted(endpoint, "PULL", &[]);
    for _ in 0..FRAMES / 2 {
        stranger.next_frame();
    }
    println!("half");
    wait();
}

/// Sends so many messages and half of another by hand, and no more.
fn half_push(endpoint: &str, whole: u32) {
    let mut stranger = Stranger::greeted(endpoint, "PUSH", &[]);
    for k in 0..=whole {
        let message = numbered(k, FRAMES, BYTES);
        let count = if k < whole { FRAMES } else { FRAMES / 2 };
        for (i, payload) in (1..=count).zip(message.iter()) {
            stranger.say(frame(u8::from(i < FRAMES), &**payload));
        }
    }
    // A frame that has begun.
    stranger.say(header(1, BYTES as u64));
    stranger.say([7; 1_000]);
    // All of it has gone out of this process, and stays if that is killed.
    println!("half");
    wait();
}

/// Writes messages to a stream of tidegate, shuts it down, says what became of them, and exits at once.
fn exits(endpoint: &str, count: u32, millis: u64) {
    let push = ZmqStream::builder(SocketType::PUSH).connect(endpoint);
    let push = push.open().expect("an endpoint");
    for k in 0..count {
        let bytes = if k % 100 == 0 { 1024 * 1024 } else { 20 };
        push.write(numbered(k, 1 + k % 3, bytes))
            .expect("an open stream");
    }
    let ended = tidegate::block_on(tidegate::shutdown(Duration::from_millis(millis)));
    let lost = match ended {
        Ok(()) => None,
        Err(ShutdownError::TimedOut(lost)) => Some(lost.messages),
        Err(error) => panic!("{error}"),
    };
    println!("accepted {}, lost {lost:?}", push.stats().sent_messages);
    std::process::exit(0);
}
