//! libzmq's descriptor is edge-triggered, and every send and receive may take in the edge that another one waits for:
//! 20,000 rounds of request and reply in each pattern, without a stall (contract G3, A5, C2).

use futures_lite::future::zip;
use tidegate::{Builder, Context, Multipart, SocketType, ZmqStream};
use tidegate_tests::{Watchdog, block_on, shut_down};

const ROUNDS: u32 = 8_000;

/// A DEALER that asks, and a ROUTER or another DEALER that answers.
struct Ends {
    context: Context,
    answering: ZmqStream,
    dealer: ZmqStream,
    _watchdog: Watchdog,
}

fn open(kind: SocketType, endpoint: &str, change: impl Fn(Builder) -> Builder) -> Ends {
    let context = Context::new().unwrap();
    let builder = |kind| change(tidegate_tests::builder(kind, &context));
    let answering = builder(kind).bind(endpoint).open().unwrap();
    let dealer = builder(SocketType::DEALER)
        .connect(&answering.bindings()[0])
        .open()
        .unwrap();
    Ends {
        context,
        answering,
        dealer,
        _watchdog: Watchdog::new(180),
    }
}

fn request(k: u32) -> Multipart {
    (k.to_le_bytes().as_slice(), "ask").into()
}

async fn ask(dealer: &ZmqStream) {
    for k in 0..ROUNDS {
        dealer.write(request(k)).unwrap();
        dealer.drain().await.unwrap();
        assert_eq!(dealer.read().await.unwrap(), request(k));
    }
}

async fn answer(stream: &ZmqStream) {
    for _ in 0..ROUNDS {
        let message = stream.read().await.unwrap();
        stream.write(message).unwrap();
        stream.drain().await.unwrap();
    }
}

fn in_one_task(endpoint: &str) {
    let ends = open(SocketType::ROUTER, endpoint, |builder| builder);
    block_on(async {
        for k in 0..ROUNDS {
            ends.dealer.write(request(k)).unwrap();
            let message = ends.answering.read().await.unwrap();
            ends.answering.write(message).unwrap();
            assert_eq!(ends.dealer.read().await.unwrap(), request(k));
        }
    });
    shut_down(&ends.context);
}

fn in_two_tasks(endpoint: &str) {
    let ends = open(SocketType::ROUTER, endpoint, |builder| builder);
    block_on(zip(ask(&ends.dealer), answer(&ends.answering)));
    shut_down(&ends.context);
}

fn on_two_threads(endpoint: &str) {
    let ends = open(SocketType::ROUTER, endpoint, |builder| builder);
    std::thread::scope(|scope| {
        scope.spawn(|| block_on(answer(&ends.answering)));
        block_on(ask(&ends.dealer));
    });
    shut_down(&ends.context);
}

#[test]
fn g3_tcp_in_one_task() {
    in_one_task("tcp://127.0.0.1:*");
}

#[test]
fn g3_tcp_in_two_tasks_on_one_thread() {
    in_two_tasks("tcp://127.0.0.1:*");
}

#[test]
fn g3_tcp_on_two_threads() {
    on_two_threads("tcp://127.0.0.1:*");
}

#[test]
fn g3_inproc_in_one_task() {
    in_one_task("inproc://one-task");
}

#[test]
fn g3_inproc_in_two_tasks_on_one_thread() {
    in_two_tasks("inproc://two-tasks");
}

#[test]
fn g3_inproc_on_two_threads() {
    on_two_threads("inproc://two-threads");
}

/// One stream, a task that writes and another that reads at the same time: each send may take in the news of a reply
/// that the reader sleeps for.
fn beside_a_writer(endpoint: &str, change: impl Fn(Builder) -> Builder) {
    // A DEALER holds its writer back when its peer does not read; a ROUTER drops.
    let ends = open(SocketType::DEALER, endpoint, change);
    let dealer = &ends.dealer;
    let write = async {
        for k in 0..ROUNDS {
            dealer.write(request(k)).unwrap();
            dealer.drain().await.unwrap();
        }
    };
    let read = async {
        for k in 0..ROUNDS {
            assert_eq!(dealer.read().await.unwrap(), request(k));
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(|| block_on(answer(&ends.answering)));
        scope.spawn(|| block_on(write));
        block_on(read);
    });
    shut_down(&ends.context);
}

#[test]
fn g3_a_writers_sends_do_not_eat_the_wake_of_a_reader_of_the_same_stream() {
    beside_a_writer("tcp://127.0.0.1:*", |builder| builder);
    beside_a_writer("inproc://beside-a-writer", |builder| builder);
}

/// Some readers find a message at once and some sleep: a receive that takes in the news of the next message may not
/// leave the others asleep.
fn several_readers(endpoint: &str) {
    let ends = open(SocketType::DEALER, endpoint, |builder| builder);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                block_on(async {
                    while let Ok(message) = ends.answering.read().await {
                        ends.answering.write(message).unwrap();
                    }
                });
            });
        }
        // One message is under way at a time: were it not noticed, nothing would come after it.
        block_on(ask(&ends.dealer));
        ends.answering.close();
    });
    shut_down(&ends.context);
}

#[test]
fn g3_a_reader_that_is_served_leaves_no_other_asleep() {
    several_readers("tcp://127.0.0.1:*");
    several_readers("inproc://several-readers");
}

#[test]
fn g3_with_both_sides_pausing_all_the_time() {
    let tight = |builder: Builder| builder.high_read(0).high_write(0);
    beside_a_writer("tcp://127.0.0.1:*", tight);
    beside_a_writer("inproc://pausing", tight);
}
