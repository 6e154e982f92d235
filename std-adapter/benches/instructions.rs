//! Counts instructions, of tidegate and of libzmq's own calls at the same work: runs itself under callgrind, prints a table, and fails if
//! tidegate takes more for each than it may. Instructions repeat, whatever else the machine does.

#![allow(clippy::expect_used, reason = "what fails here ends the count")]

use std::env;
use std::error::Error;
use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::pin::pin;
use std::process::{Command, ExitCode, Stdio};
use std::task::{self, Poll, Waker};

use tidegate::{Context, SocketType, ZmqStream};
use zmq::{DONTWAIT, Message, SNDMORE, Socket};

/// Set for the process that does the work.
const WORKER: &str = "COUNTED_WORKER";
const ROUNDS: u64 = 2_000;

/// What is counted, and how many times as many instructions as libzmq's own calls tidegate may take: a twentieth more than when it was
/// last measured, with the `zmq` crate's libzmq or with Debian's.
const WORKS: [(&str, f64); 3] = [
    ("write and read, 200 B, one frame", 1.40),
    ("the same, awaited", 1.50),
    ("ask and answer, 4 B and 200 B, two frames", 1.31),
];

fn main() -> Result<ExitCode, Box<dyn Error>> {
    if env::var_os(WORKER).is_some() {
        plain(&mut part);
        tidegate(&mut part);
        return Ok(ExitCode::SUCCESS);
    }
    let folder = env::temp_dir().join(format!("tidegate-messages-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let counts = count(&folder);
    fs::remove_dir_all(&folder)?;
    let counts = counts?;
    let (plain, tidegate) = counts.split_at(WORKS.len());
    let mut is_over = false;
    println!("| instructions, inproc, one thread | libzmq's calls | tidegate | ratio | at most |");
    println!("|---|---|---|---|---|");
    for (((work, most), plain), tidegate) in WORKS.iter().zip(plain).zip(tidegate) {
        let ratio = *tidegate as f64 / *plain as f64;
        is_over |= ratio > *most;
        println!("| {work} | {plain} | {tidegate} | {ratio:.2} | {most} |");
    }
    Ok(if is_over {
        eprintln!("tidegate takes more than it may");
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

/// Does the work under callgrind, which writes a file for each of its parts in turn.
fn count(folder: &Path) -> Result<Vec<u64>, Box<dyn Error>> {
    let out = folder.join("out");
    let worker = Command::new("valgrind")
        .args(["--tool=callgrind", "--quiet", "--collect-atstart=no"])
        .arg("--toggle-collect=*instructions*round*")
        .arg("--dump-after=*part_is_over*")
        .arg(format!("--callgrind-out-file={}", out.display()))
        .arg(env::current_exe()?)
        .env(WORKER, "1")
        .env("LD_BIND_NOW", "1")
        .stdout(Stdio::inherit())
        .stderr(Stdio::inherit())
        .status()?;
    if !worker.success() {
        return Err(format!("valgrind: {worker}").into());
    }
    let counts = (1..=2 * WORKS.len()).map(|part| {
        let file = fs::read_to_string(folder.join(format!("out.{part}")))?;
        let line = file.lines().find_map(|line| line.strip_prefix("summary: "));
        let all: u64 = line
            .ok_or("callgrind's file has no summary")?
            .trim()
            .parse()?;
        Ok(all / ROUNDS)
    });
    counts.collect()
}

fn part(f: &mut dyn FnMut()) {
    for _ in 0..ROUNDS {
        round(f);
    }
    part_is_over();
}

/// What callgrind counts.
#[inline(never)]
fn round(f: &mut dyn FnMut()) {
    f();
}

/// Where callgrind writes down what it has counted.
#[inline(never)]
fn part_is_over() {
    black_box(());
}

/// Polls until it is ready: nothing is waited for but that others may run now and then.
fn awaited<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future
            .as_mut()
            .poll(&mut task::Context::from_waker(Waker::noop()))
        {
            return output;
        }
    }
}

const REQUEST: [&[u8]; 2] = [b"0001", &[7; 200]];

fn plain(part: &mut dyn FnMut(&mut dyn FnMut())) {
    let context = zmq::Context::new();
    let pair = |kinds: [zmq::SocketType; 2], endpoint: &str| {
        let [bound, connected] = kinds.map(|kind| context.socket(kind).expect("a socket"));
        bound.bind(endpoint).expect("bound");
        connected.connect(endpoint).expect("connected");
        (connected, bound)
    };
    let recv = |socket: &Socket| {
        let mut frames = Vec::with_capacity(3);
        loop {
            let frame = socket.recv_msg(DONTWAIT).expect("a frame");
            let more = frame.get_more();
            frames.push(frame);
            if !more {
                return frames;
            }
        }
    };
    let send_back = |socket: &Socket, frames: Vec<Message>| {
        let count = frames.len();
        for (k, frame) in frames.into_iter().enumerate() {
            let more = if k + 1 < count { SNDMORE } else { 0 };
            socket.send(frame, DONTWAIT | more).expect("sent");
        }
    };
    let (push, pull) = pair([zmq::PULL, zmq::PUSH], "inproc://one-way");
    let mut one_way = || {
        push.send(black_box(REQUEST[1]), DONTWAIT).expect("sent");
        black_box(pull.recv_msg(DONTWAIT).expect("a message"));
    };
    part(&mut one_way);
    part(&mut one_way);
    let (dealer, router) = pair([zmq::ROUTER, zmq::DEALER], "inproc://asked");
    part(&mut || {
        dealer.send(REQUEST[0], DONTWAIT | SNDMORE).expect("sent");
        dealer.send(REQUEST[1], DONTWAIT).expect("sent");
        send_back(&router, recv(&router));
        black_box(recv(&dealer));
    });
}

fn tidegate(part: &mut dyn FnMut(&mut dyn FnMut())) {
    let context = Context::new().expect("a context");
    let pair = |kinds: [SocketType; 2], endpoint: &str| {
        let open = |kind| ZmqStream::builder(kind).context(&context);
        let bound = open(kinds[0]).bind(endpoint).open().expect("a stream");
        let connected = open(kinds[1]).connect(endpoint).open().expect("a stream");
        (connected, bound)
    };
    let (push, pull) = pair([SocketType::PULL, SocketType::PUSH], "inproc://one-way");
    part(&mut || {
        push.write(black_box(REQUEST[1])).expect("sent");
        black_box(pull.try_read().expect("a message"));
    });
    part(&mut || {
        awaited(push.send(black_box(REQUEST[1]))).expect("sent");
        black_box(awaited(pull.read()).expect("a message"));
    });
    let (dealer, router) = pair([SocketType::ROUTER, SocketType::DEALER], "inproc://asked");
    part(&mut || {
        dealer.write(black_box(REQUEST)).expect("sent");
        router
            .write(router.try_read().expect("a request"))
            .expect("sent");
        black_box(dealer.try_read().expect("an answer"));
    });
}
