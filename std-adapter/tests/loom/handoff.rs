//! Who watches a socket while nobody uses it: the I/O thread, or a thread that sleeps; and how that changes hands.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use loom::sync::Mutex;
use loom::thread;
use tidegate::{SocketType, ZmqStream};

use crate::support::{Sleeper, begins_to_wait, block_on};
use crate::{models, models_with, nothing_is_left, pair, push_pull};

async fn next(stream: ZmqStream) -> u8 {
    let message = stream.read().await.unwrap();
    assert_eq!(message.len(), 1);
    message[0][0]
}

fn write(stream: &ZmqStream, k: u8) {
    stream.write([k].as_slice()).unwrap();
}

/// Polls once.
async fn once<T>(future: impl Future<Output = T>) -> Poll<T> {
    let mut future = pin!(future);
    poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await
}

/// No socket, and no I/O thread: a thread that falls asleep, and one that wakes it.
#[test]
fn a5_a_wake_that_comes_while_a_thread_falls_asleep_is_not_lost() {
    models_with([None, None], &[false], |_| {
        let desk = Arc::new(Mutex::new((false, None::<Waker>)));
        let others = desk.clone();
        let other = thread::spawn(move || {
            let waker = {
                let mut desk = others.lock().unwrap();
                desk.0 = true;
                desk.1.take()
            };
            if let Some(waker) = waker {
                waker.wake();
            }
        });
        tidegate::block_on(poll_fn(|cx| {
            let waker = cx.waker().clone();
            let mut desk = desk.lock().unwrap();
            desk.1 = Some(waker);
            if desk.0 {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        }));
        other.join().unwrap();
    });
}

#[test]
fn a5_a_message_wakes_a_thread_that_watches_by_itself() {
    models([Some(3), Some(1)], |context| {
        let [push, pull] = push_pull(context);
        let reader = pull.clone();
        let reader = thread::spawn(|| tidegate::block_on(next(reader)));
        write(&push, 1);
        assert_eq!(reader.join().unwrap(), 1);
        nothing_is_left(&pull);
    });
}

#[test]
fn a5_a_message_wakes_a_task_of_any_executor() {
    models([Some(3), Some(1)], |context| {
        let [push, pull] = push_pull(context);
        let reader = pull.clone();
        let reader = thread::spawn(|| block_on(next(reader)));
        write(&push, 1);
        assert_eq!(reader.join().unwrap(), 1);
        nothing_is_left(&pull);
    });
}

#[test]
fn a5_two_readers_of_a_stream_one_of_which_watches_by_itself_get_a_message_each() {
    models([Some(2), Some(1)], |context| {
        let [push, pull] = push_pull(context);
        let watches = pull.clone();
        let watches = thread::spawn(|| tidegate::block_on(next(watches)));
        let waits = pull.clone();
        let waits = thread::spawn(|| block_on(next(waits)));
        write(&push, 1);
        write(&push, 2);
        let mut got = [watches, waits].map(|reader| reader.join().unwrap());
        got.sort();
        assert_eq!(got, [1, 2]);
        nothing_is_left(&pull);
    });
}

#[test]
fn a5_a_thread_that_waits_no_more_leaves_its_watch_to_the_io_thread() {
    models([Some(2), Some(1)], |context| {
        let [push, pull] = push_pull(context);
        let leaves = pull.clone();
        let leaves = thread::spawn(|| {
            tidegate::block_on(async move {
                let read = once(leaves.read()).await;
                match read {
                    Poll::Ready(message) => Some(message.unwrap()[0][0]),
                    Poll::Pending => None,
                }
            })
        });
        let waits = pull.clone();
        let waits = thread::spawn(|| block_on(next(waits)));
        write(&push, 1);
        // It may have been so quick as to get the first.
        if leaves.join().unwrap().is_some() {
            write(&push, 2);
        }
        waits.join().unwrap();
        nothing_is_left(&pull);
    });
}

#[test]
fn i4_whoever_waits_for_a_subscription_is_told_though_a_write_takes_in_the_news_of_it() {
    models([Some(2), Some(1)], |context| {
        let [publisher, subscriber] = pair(context, [SocketType::XPUB, SocketType::XSUB]);
        let waits = publisher.clone();
        let waits = thread::spawn(|| block_on(async move { waits.wait_subscriber(None).await }));
        write(&subscriber, 1);
        write(&publisher, 2);
        waits.join().unwrap().unwrap();
    });
}

/// Two threads that watch by themselves; one asks, and the other answers.
fn ask_and_answer(context: &tidegate::Context, rounds: u8) {
    let [asks, answers] = pair(context, [SocketType::DEALER, SocketType::DEALER]);
    let answers = thread::spawn(move || {
        tidegate::block_on(async {
            for _ in 0..rounds {
                let k = next(answers.clone()).await;
                write(&answers, k + 10);
            }
        });
        answers
    });
    tidegate::block_on(async {
        for k in 0..rounds {
            write(&asks, k);
            assert_eq!(next(asks.clone()).await, k + 10);
        }
    });
    nothing_is_left(&answers.join().unwrap());
    nothing_is_left(&asks);
}

#[test]
fn a5_of_two_who_ask_and_answer_and_watch_by_themselves_one_is_awake() {
    models([Some(2), Some(1)], |context| ask_and_answer(context, 1));
}

#[test]
fn a5_whoever_looks_for_the_answer_before_it_sleeps_gets_it() {
    // It looks the second time.
    models([Some(1), Some(1)], |context| ask_and_answer(context, 2));
}

#[test]
fn c2_a_reader_over_a_socket_that_is_dropped_when_it_was_woken_passes_its_turn_on() {
    models([Some(2), Some(1)], |context| {
        let [push, pull] = push_pull(context);
        let [mut first, mut second] = [(); 2].map(|()| Box::pin(next(pull.clone())));
        begins_to_wait(&mut first);
        begins_to_wait(&mut second);
        let dropped = thread::spawn(|| drop(first));
        let second = thread::spawn(|| tidegate::block_on(second));
        write(&push, 1);
        dropped.join().unwrap();
        assert_eq!(second.join().unwrap(), 1);
        nothing_is_left(&pull);
    });
}

#[test]
fn d1_what_is_queued_is_sent_while_nobody_waits() {
    models([Some(2), Some(1)], |context| {
        let [push, pull] = push_pull(context);
        let reader = thread::spawn(|| {
            tidegate::block_on(async move {
                for k in 0..4 {
                    assert_eq!(next(pull.clone()).await, k);
                }
                nothing_is_left(&pull);
            });
        });
        (0..4).for_each(|k| write(&push, k));
        reader.join().unwrap();
    });
}

#[test]
fn d1_what_is_queued_is_sent_though_the_thread_that_wrote_it_waits_for_something_else() {
    models([Some(2), Some(1)], |context| {
        let [push, pull] = push_pull(context);
        let is_read = Arc::<Sleeper>::default();
        let until = is_read.clone();
        let writer = thread::spawn(move || {
            tidegate::block_on(async {
                (0..3).for_each(|k| write(&push, k));
                until.sleep();
            });
        });
        for k in 0..3 {
            assert_eq!(block_on(next(pull.clone())), k);
        }
        nothing_is_left(&pull);
        Waker::from(is_read).wake();
        writer.join().unwrap();
    });
}

#[test]
fn d2_a_flush_ends_when_the_peer_has_made_room() {
    models([Some(2), Some(1)], |context| {
        let [push, pull] = push_pull(context);
        let writer = thread::spawn(|| {
            tidegate::block_on(async move {
                (0..3).for_each(|k| write(&push, k));
                push.flush().await.unwrap();
            });
        });
        // The first makes room for the third.
        for k in 0..2 {
            assert_eq!(tidegate::block_on(next(pull.clone())), k);
        }
        writer.join().unwrap();
    });
}

#[test]
fn g3_a_call_that_takes_in_the_news_of_a_message_wakes_its_reader() {
    models([Some(2), Some(1)], |context| {
        let [push, pull] = push_pull(context);
        let reader = pull.clone();
        let reader = thread::spawn(|| tidegate::block_on(next(reader)));
        let toucher = thread::spawn(move || {
            pull.bind("inproc://another").unwrap();
            pull
        });
        write(&push, 1);
        assert_eq!(reader.join().unwrap(), 1);
        nothing_is_left(&toucher.join().unwrap());
    });
}

#[test]
fn g3_a_writers_sends_eat_no_news_that_a_reader_of_the_same_stream_sleeps_for() {
    models([Some(2), Some(1)], |context| {
        let [near, far] = pair(context, [SocketType::DEALER, SocketType::DEALER]);
        // Both know of each other.
        write(&far, 0);
        assert_eq!(block_on(next(near.clone())), 0);
        let reader = near.clone();
        let reader = thread::spawn(|| tidegate::block_on(next(reader)));
        let writer = thread::spawn(move || write(&near, 7));
        write(&far, 1);
        assert_eq!(reader.join().unwrap(), 1);
        writer.join().unwrap();
        let read = pin!(next(far.clone())).poll(&mut Context::from_waker(Waker::noop()));
        assert_eq!(read, Poll::Ready(7));
        nothing_is_left(&far);
    });
}

/// Both know of each other, and the third message of the first waits for room.
fn pair_without_room(context: &tidegate::Context) -> [ZmqStream; 2] {
    let [near, far] = pair(context, [SocketType::DEALER, SocketType::DEALER]);
    write(&far, 0);
    assert_eq!(block_on(next(near.clone())), 0);
    (0..3).for_each(|k| write(&near, k));
    [near, far]
}

#[test]
fn g3_a_read_that_takes_in_the_news_of_room_sends_what_is_queued() {
    models([Some(2), Some(1)], |context| {
        let [near, far] = pair_without_room(context);
        let reader = near.clone();
        let reader = thread::spawn(|| tidegate::block_on(next(reader)));
        for k in 0..3 {
            assert_eq!(block_on(next(far.clone())), k);
            if k == 0 {
                write(&far, 1);
            }
        }
        assert_eq!(reader.join().unwrap(), 1);
        [near, far].iter().for_each(nothing_is_left);
    });
}

#[test]
fn g3_a_reader_is_told_what_comes_while_there_is_no_room_for_what_its_stream_has_queued() {
    models([Some(2), Some(1)], |context| {
        // Nobody reads them: there is never any.
        let [near, far] = pair_without_room(context);
        let reader = near.clone();
        let reader = thread::spawn(|| tidegate::block_on(next(reader)));
        write(&far, 1);
        assert_eq!(reader.join().unwrap(), 1);
        nothing_is_left(&near);
        near.abort();
    });
}
