//! Who watches the sockets while a thread waits for them by itself (contract A5): the thread, and not the I/O thread beside it.
#![cfg(target_os = "linux")]

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

use tidegate::{BlockingError, Context, Multipart, ReadError, SocketType, ZmqStream, block_on};
use tidegate_tests::{Watchdog, alone, shut_down};

const EXCHANGES: usize = 2_000;

/// How often the I/O thread has gone to sleep.
fn io_thread_sleeps() -> u64 {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let of = |file: &str| {
        let of_io_thread = tasks.map(|task| task.unwrap().path()).find(|task| {
            let name = std::fs::read_to_string(task.join("comm"));
            name.is_ok_and(|name| name == "tidegate-io\n")
        });
        std::fs::read_to_string(of_io_thread.expect("a stream is open").join(file)).unwrap()
    };
    let status = of("status");
    let switches = status
        .lines()
        .find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
    switches.unwrap().trim().parse().unwrap()
}

/// The next message of any of these streams, and whose it is.
async fn next(streams: &[ZmqStream]) -> (usize, Result<Multipart, ReadError>) {
    let mut reads: Vec<_> = streams.iter().map(ZmqStream::read).collect();
    poll_fn(|cx| {
        for (number, read) in reads.iter_mut().enumerate() {
            if let Poll::Ready(read) = Pin::new(read).poll(cx) {
                return Poll::Ready((number, read));
            }
        }
        Poll::Pending
    })
    .await
}

/// One thread asks by one of so many streams after the other, and another answers that waits for all of them. Returns how often the I/O
/// thread has gone to sleep meanwhile, and how long that took.
fn sleeps_beside(count: usize) -> (u64, Duration) {
    let context = Context::new().unwrap();
    let open = || ZmqStream::builder(SocketType::DEALER).context(&context);
    let answers: Vec<_> = (0..count)
        .map(|_| open().bind("tcp://127.0.0.1:*").open().unwrap())
        .collect();
    let asks: Vec<_> = answers
        .iter()
        .map(|stream| open().connect(&stream.bindings()[0]).open().unwrap())
        .collect();
    let ask = |number: usize| {
        asks[number % count].write("question").unwrap();
        let answer = block_on(asks[number % count].read());
        assert_eq!(answer.unwrap(), "question");
    };
    let told = thread::scope(|scope| {
        scope.spawn(|| {
            block_on(async {
                while let (number, Ok(question)) = next(&answers).await {
                    answers[number].write(question).unwrap();
                }
            });
        });
        (0..count * 2).for_each(ask);
        let (before, began) = (io_thread_sleeps(), Instant::now());
        (0..EXCHANGES).for_each(ask);
        let told = (io_thread_sleeps() - before, began.elapsed());
        answers.iter().for_each(ZmqStream::close);
        told
    });
    shut_down(&context);
    told
}

/// The I/O thread comes at each tick of a millisecond to see whether anybody has put off what it waits for by now.
#[test]
fn a5_threads_that_wait_for_eight_streams_at_most_leave_the_io_thread_asleep() {
    alone(|| {
        let _watchdog = Watchdog::new(60);
        // The I/O thread ends with the last stream: it is to be one and the same.
        let context = Context::new().unwrap();
        let kept = ZmqStream::builder(SocketType::PULL).context(&context);
        let _kept = kept.open().unwrap();
        for count in [1, 2, 8] {
            let (sleeps, took) = sleeps_beside(count);
            let ticks = took.as_millis() * 2;
            assert!(
                u128::from(sleeps) < ticks + EXCHANGES as u128 / 10,
                "{sleeps} sleeps beside {EXCHANGES} exchanges of {count} streams, in {took:?}"
            );
        }
        // More are the I/O thread's, which wakes whoever waits.
        sleeps_beside(9);
    });
}

/// For how long this thread has computed.
fn computed() -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    let nanos = stat.split_whitespace().next().unwrap().parse();
    Duration::from_nanos(nanos.unwrap())
}

#[test]
fn a5_a_thread_that_was_woken_sleeps_again_and_computes_nothing_meanwhile() {
    const WAITS: Duration = Duration::from_millis(200);
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let pull = ZmqStream::builder(SocketType::PULL).context(&context);
    let pull = pull.bind("inproc://nobody").open().unwrap();
    // Most of them come when it sleeps already.
    for _ in 0..100 {
        let mut is_asked = false;
        block_on(poll_fn(|cx| {
            if std::mem::replace(&mut is_asked, true) {
                return Poll::Ready(());
            }
            let waker = cx.waker().clone();
            thread::spawn(move || waker.wake());
            Poll::Pending
        }));
    }
    let before = computed();
    let read = pull.blocking().read(WAITS);
    assert!(matches!(read, Err(BlockingError::TimedOut(()))));
    assert!(computed() - before < WAITS / 4);
    shut_down(&context);
}
