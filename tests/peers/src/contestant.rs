//! One contestant at one work.

use std::process::exit;

use crate::library::Library;
use crate::library::async_zmq::AsyncZmq;
use crate::library::plain::Plain;
use crate::library::rzmq::Rzmq;
use crate::library::tidegate::Tidegate;
use crate::library::tmq::Tmq;
use crate::library::zmq_rs::ZmqRs;
use crate::monitor;
use crate::runtime::Runtime;
use crate::work;

/// Does what the arguments say: a contestant and a work. Prints the figures, or nothing if this contestant has no such thing.
pub fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [contestant, work] = &*arguments else {
        eprintln!("usage: contestant <library[:runtime]> <work>");
        exit(2);
    };
    let figures: Vec<_> = figures(contestant, work)
        .iter()
        .map(f64::to_string)
        .collect();
    println!("{}", figures.join(" "));
    // Whatever a library would still wait for.
    exit(0);
}

fn figures(contestant: &str, work: &str) -> Vec<f64> {
    let (library, runtime) = contestant
        .split_once(':')
        .unwrap_or((contestant, "foreign"));
    let runtime = match runtime {
        "foreign" => Runtime::Foreign,
        "own" => Runtime::Own,
        "current-thread" => Runtime::tokio_current_thread(),
        "multi-thread" => Runtime::tokio_multi_thread(),
        other => panic!("there is no runtime {other}"),
    };
    match library {
        "plain" if work == "monitor" => monitor::plain(&tcp()),
        "plain" => run(&runtime, &Plain(zmq::Context::new()), work),
        "tidegate" => {
            let tokio = match &runtime {
                Runtime::Tokio { runtime, .. } => Some(runtime.handle().clone()),
                Runtime::Foreign | Runtime::Own => None,
            };
            let context = tidegate::Context::new().expect("a context");
            match (work, &runtime) {
                ("monitor", Runtime::Own) => monitor::tidegate(&context, &tcp()),
                _ => run(&runtime, &Tidegate { context, tokio }, work),
            }
        }
        // It differs where it receives without sending.
        "tmq-buffered" if !work.starts_with("one-way") => Vec::new(),
        "tmq" | "tmq-buffered" => {
            let buffered = (library == "tmq-buffered").then_some(64);
            let context = tmq::Context::new();
            run(&runtime, &Tmq { context, buffered }, work)
        }
        "async-zmq" => run(&runtime, &AsyncZmq(async_zmq::Context::new()), work),
        "zmq.rs" => run(&runtime, &ZmqRs, work),
        "rzmq" => {
            let context = runtime.one(async { rzmq::Context::new().expect("a context") });
            run(&runtime, &Rzmq(context), work)
        }
        other => panic!("there is no contestant {other}"),
    }
}

fn tcp() -> String {
    // Free a moment ago.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    format!("tcp://{}", listener.local_addr().expect("an address"))
}

fn run<L: Library>(runtime: &Runtime, library: &L, work: &str) -> Vec<f64> {
    if !L::HAS_INPROC && (work.contains("inproc") || work.starts_with("streams")) {
        return Vec::new();
    }
    if L::BLOCKS && work.ends_with("together") {
        // Each task of a library that blocks has a thread of its own.
        return Vec::new();
    }
    let inproc = "inproc://peers";
    match work {
        "ping-pong-tcp-one" => work::ping_pong_one(runtime, library, &tcp()),
        "ping-pong-tcp-two" => work::ping_pong_two(runtime, library, &tcp()),
        "ping-pong-inproc-one" => work::ping_pong_one(runtime, library, inproc),
        "ping-pong-inproc-two" => work::ping_pong_two(runtime, library, inproc),
        "ping-pong-inproc-together" => work::ping_pong_together(runtime, library, inproc),
        "streams-1" => work::ping_pong_among(runtime, library, inproc, 0),
        "streams-1000" => work::ping_pong_among(runtime, library, inproc, 1_000),
        // Of the others nobody is asked.
        "monitor" => Vec::new(),
        "one-way-16" => work::one_way(runtime, library, &tcp(), 16),
        "one-way-200" | "allocations" => work::one_way(runtime, library, &tcp(), 200),
        "one-way-1k" => work::one_way(runtime, library, &tcp(), 1024),
        "one-way-16k" => work::one_way(runtime, library, &tcp(), 16 * 1024),
        "one-way-1m" => work::one_way(runtime, library, &tcp(), 1024 * 1024),
        "one-way-together" => work::one_way_together(runtime, library, &tcp()),
        "fan-in" => work::fan_in(runtime, library, &tcp()),
        "idle" => work::idle(runtime, library, &tcp()),
        "slow-reader" => work::slow_reader(runtime, library, &tcp()),
        other => panic!("there is no work {other}"),
    }
}
