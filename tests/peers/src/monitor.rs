//! Events of a socket, as many as connections come and go: for libzmq itself and tidegate.

use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Instant;

use tidegate::{EventMask, SocketType, ZmqStream};

use crate::work::DURATION;

/// Connects and leaves, over and over, until it is told to stop.
struct Visitor {
    stop: Arc<AtomicBool>,
    thread: thread::JoinHandle<()>,
}

impl Visitor {
    fn of(endpoint: &str) -> Self {
        let address = endpoint.trim_start_matches("tcp://").to_owned();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let thread = thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                drop(TcpStream::connect(&address));
            }
        });
        Self { stop, thread }
    }

    fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("no panic");
    }
}

/// Counts what `next` waits for, for as long as a work takes.
fn count(mut next: impl FnMut()) -> Vec<f64> {
    next();
    let began = Instant::now();
    let mut events = 0;
    while began.elapsed() < DURATION {
        next();
        events += 1;
    }
    vec![f64::from(events) / began.elapsed().as_secs_f64()]
}

/// Events a second, by libzmq's own PAIR.
pub fn plain(endpoint: &str) -> Vec<f64> {
    let context = zmq::Context::new();
    let router = context.socket(zmq::ROUTER).expect("a socket");
    router
        .monitor("inproc://events", i32::from(u16::MAX))
        .expect("monitored");
    let pair = context.socket(zmq::PAIR).expect("a socket");
    pair.connect("inproc://events").expect("connected");
    router.bind(endpoint).expect("bound");
    let visitor = Visitor::of(endpoint);
    let figures = count(|| drop(pair.recv_multipart(0).expect("an event")));
    visitor.stop();
    figures
}

/// Events a second, by `read_event`.
pub fn tidegate(context: &tidegate::Context, endpoint: &str) -> Vec<f64> {
    let router = ZmqStream::builder(SocketType::ROUTER).context(context);
    let router = router.events_backlog(100_000).open().expect("a stream");
    router.enable_monitor(EventMask::ALL).expect("monitored");
    router.bind(endpoint).expect("bound");
    let visitor = Visitor::of(endpoint);
    let figures = tidegate::block_on(async {
        let mut events = router.read_event().await.map(|_| 0).expect("an event");
        let began = Instant::now();
        while began.elapsed() < DURATION {
            router.read_event().await.expect("an event");
            events += 1;
        }
        vec![f64::from(events) / began.elapsed().as_secs_f64()]
    });
    visitor.stop();
    assert_eq!(
        router.stats().discarded_events,
        0,
        "the backlog was too short"
    );
    figures
}
