//! Who watches the sockets while a thread waits for them by itself (contract A5): the thread, and not the I/O thread beside it.
#![cfg(target_os = "linux")]

use std::thread;
use std::time::{Duration, Instant};

use futures_lite::future::poll_once;
use futures_util::future::select_all;
use tidegate::{BlockingError, Context, SocketType, ZmqStream, block_on};
use tidegate_tests::{
    Watchdog, alone, io_thread_sleeps, run_time, shut_down, sleeps, woken_after,
    woken_by_another_thread,
};

const EXCHANGES: usize = 2_000;

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
                while let (Ok(question), number, _) =
                    select_all(answers.iter().map(ZmqStream::read)).await
                {
                    answers[number].write(question).unwrap();
                }
            });
        });
        (0..count * 2).for_each(ask);
        let (before, began) = (io_thread_sleeps(), Instant::now());
        assert!(before > 0, "it is there, and has slept");
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

#[test]
fn a5_a_thread_that_was_woken_sleeps_again_and_computes_nothing_meanwhile() {
    const WAITS: Duration = Duration::from_millis(200);
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let pull = ZmqStream::builder(SocketType::PULL).context(&context);
    let pull = pull.bind("inproc://nobody").open().unwrap();
    // Most of them come when it sleeps already.
    for _ in 0..100 {
        block_on(woken_by_another_thread());
    }
    let before = run_time();
    let read = pull.blocking().read(WAITS);
    assert!(matches!(read, Err(BlockingError::TimedOut(()))));
    assert!(run_time() - before < WAITS / 4);
    shut_down(&context);
}

/// What a closed stream's descriptor was, a system call would say of at once that there is something.
#[test]
fn a5_a_thread_whose_stream_is_closed_watches_it_no_more() {
    const WAITS: Duration = Duration::from_millis(200);
    // Otherwise another stream may have its number.
    alone(|| {
        let _watchdog = Watchdog::new(60);
        let context = Context::new().unwrap();
        let pull = ZmqStream::builder(SocketType::PULL).context(&context);
        let pull = pull.bind("inproc://closed").open().unwrap();
        let ran = block_on(async {
            assert!(poll_once(pull.read()).await.is_none());
            pull.abort();
            pull.closed().await;
            let before = run_time();
            woken_after(WAITS).await;
            run_time() - before
        });
        assert!(ran < WAITS / 4, "{ran:?}");
        shut_down(&context);
    });
}

/// It rests before it sleeps where messages come in floods, and there alone.
#[test]
fn a5_a_thread_that_no_message_comes_to_sleeps_once_for_each_wait() {
    const WAITS: u64 = 200;
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let pull = ZmqStream::builder(SocketType::PULL).context(&context);
    let pull = pull.bind("inproc://quiet").open().unwrap();
    let (before, ran_before) = (sleeps(), run_time());
    for _ in 0..WAITS {
        let read = pull.blocking().read(Duration::from_millis(1));
        assert!(matches!(read, Err(BlockingError::TimedOut(()))));
    }
    let slept = sleeps() - before;
    assert!(
        (WAITS / 2..WAITS * 3 / 2).contains(&slept),
        "{slept} sleeps"
    );
    assert!(run_time() - ran_before < Duration::from_millis(WAITS / 2));
    shut_down(&context);
}
