//! Streams without async (contract A5): calls that block, with timeouts, and tidegate's own `block_on`.

use std::cell::RefCell;
use std::future::Future;
use std::sync::mpsc::channel;
use std::task::Poll;
use std::time::Duration;

use futures_lite::future::{or, poll_once, yield_now, zip};
use tidegate::{
    BlockingError, Context, DrainError, EventMask, Lost, ReadError, SocketType, TryReadError,
    WriteError, ZmqStream, block_on, options,
};
use tidegate_tests::{
    Counter, Watchdog, alone, builder, eventually, pipe, poll, shut_down, woken_by_another_thread,
};

const SHORT: Duration = Duration::from_millis(5);

#[test]
fn a5_a_read_that_blocks_gets_its_message_or_times_out_and_leaves_nothing_behind() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let (pull, push) = pipe(&context, |builder| builder);
    for k in 0..20u8 {
        let timed_out = pull.blocking().read(SHORT);
        assert_eq!(timed_out, Err(BlockingError::TimedOut(())));
        push.write([vec![k]]).unwrap();
        // The one that has given up is not in the way.
        assert_eq!(pull.blocking().read(None).unwrap(), [[k]]);
    }
    assert_eq!(
        pull.blocking()
            .read(Duration::ZERO)
            .unwrap_err()
            .to_string(),
        "the time is up"
    );
    pull.close();
    let closed = pull.blocking().read(None).unwrap_err();
    assert_eq!(closed, BlockingError::Failed(ReadError::Closed));
    assert_eq!(closed.to_string(), "the stream is closed");
    shut_down(&context);
}

#[test]
fn a5_what_blocks_on_the_write_side_times_out_and_the_message_comes_back() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let push = builder(SocketType::PUSH, &context)
        .high_write(0)
        .option(options::LINGER, Some(SHORT));
    let push = push.open().unwrap();
    let blocking = push.blocking();
    blocking.send("queued", None).unwrap();
    let error = blocking.send(("too", "much"), SHORT).unwrap_err();
    let BlockingError::TimedOut(message) = error else {
        panic!("{error:?}");
    };
    assert_eq!(*message, ["too", "much"]);
    let timed_out = Err(BlockingError::TimedOut(()));
    assert_eq!(blocking.drain(SHORT), timed_out);
    assert_eq!(blocking.flush(SHORT), timed_out);
    assert_eq!(blocking.closed(SHORT), None);

    push.close();
    let lost = Lost {
        messages: 1,
        bytes: 6 + 64,
    };
    assert_eq!(blocking.closed(None), Some(lost));
    let dropped = BlockingError::Failed(DrainError::Dropped(lost));
    assert_eq!(blocking.flush(None), Err(dropped));
    let late = blocking.send("late", None).unwrap_err();
    assert!(matches!(
        late,
        BlockingError::Failed(WriteError::Closed(message)) if *message == "late"
    ));
    shut_down(&context);
}

#[test]
fn a5_events_are_read_by_calls_that_block() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let pull = builder(SocketType::PULL, &context).open().unwrap();
    pull.enable_monitor(EventMask::LISTENING).unwrap();
    let timed_out = Err(BlockingError::TimedOut(()));
    assert_eq!(pull.blocking().read_event(SHORT), timed_out);
    let endpoint = pull.bind("tcp://127.0.0.1:*").unwrap();
    let event = pull.blocking().read_event(None).unwrap();
    assert_eq!(event.endpoint, endpoint);
    shut_down(&context);
}

/// What a batch leaves is for those who read on; these do not.
#[test]
fn a5_readers_who_are_more_than_the_messages_of_a_batch_are_all_served() {
    const READERS: u32 = 200;
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let open = |kind| builder(kind, &context);
    let pull = open(SocketType::PULL).bind("inproc://readers");
    let pull = pull.open().unwrap();
    let push = open(SocketType::PUSH).connect("inproc://readers");
    let push = push.open().unwrap();
    for _ in 0..20 {
        pull.pause_reading().unwrap();
        let mut reads: Vec<_> = (0..READERS)
            .map(|_| (pull.read(), Counter::new()))
            .collect();
        for (read, counter) in &mut reads {
            assert!(poll(read, counter).is_pending());
        }
        for k in 0..READERS {
            push.write(k.to_le_bytes().as_slice()).unwrap();
        }
        pull.resume_reading().unwrap();
        eventually(|| {
            reads.retain_mut(|(read, counter)| {
                counter.take() == 0 || poll(read, counter).is_pending()
            });
            reads.is_empty()
        });
    }
    shut_down(&context);
}

#[test]
fn a5_threads_that_block_on_one_stream_share_its_messages() {
    const MESSAGES: u32 = 2_000;
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let (pull, push) = pipe(&context, |builder| builder);
    let (tell, told) = channel();
    for _ in 0..3 {
        let (pull, tell) = (pull.clone(), tell.clone());
        std::thread::spawn(move || {
            while let Ok(message) = pull.blocking().read(None) {
                tell.send(u32::from_le_bytes(message[0][..].try_into().unwrap()))
                    .unwrap();
            }
        });
    }
    for k in 0..MESSAGES {
        push.blocking()
            .send(k.to_le_bytes().to_vec(), None)
            .unwrap();
    }
    let mut seen: Vec<u32> = (0..MESSAGES).map(|_| told.recv().unwrap()).collect();
    seen.sort_unstable();
    assert_eq!(seen, (0..MESSAGES).collect::<Vec<_>>());
    pull.close();
    shut_down(&context);
}

#[test]
fn a5_block_on_is_woken_by_streams_by_other_threads_and_by_itself() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let (pull, push) = pipe(&context, |builder| builder);
    block_on(async {
        // It yields, and is polled again at once.
        yield_now().await;
        for k in 0..200u8 {
            let reads = async { assert_eq!(pull.read().await.unwrap(), [[k]]) };
            push.write([vec![k]]).unwrap();
            zip(woken_by_another_thread(), reads).await;
        }
        // One inside the other.
        push.write("inner").unwrap();
        assert_eq!(block_on(pull.read()).unwrap(), "inner");
        push.write("outer").unwrap();
        assert_eq!(pull.read().await.unwrap(), "outer");
    });
    shut_down(&context);
}

#[test]
fn d1_what_is_queued_goes_though_the_thread_that_blocks_on_does_something_else() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let open = |kind| builder(kind, &context).option(options::SEND_HWM, 1);
    let pull = open(SocketType::PULL).bind("inproc://d1").open().unwrap();
    let push = open(SocketType::PUSH)
        .connect("inproc://d1")
        .open()
        .unwrap();
    block_on(async {
        // The thread sleeps once, and has set watches of both.
        let timed_out = or(async { pull.read().await.is_ok() }, async {
            yield_now().await;
            false
        });
        assert!(!timed_out.await);
        for _ in 0..3_000 {
            push.write("queued").unwrap();
        }
        // And now it computes: it polls no future, and sleeps nowhere.
        let other = pull.clone();
        let reader = std::thread::spawn(move || {
            for _ in 0..3_000 {
                assert_eq!(
                    futures_lite::future::block_on(other.read()).unwrap(),
                    "queued"
                );
            }
        });
        eventually(|| reader.is_finished() && push.write_buffer_bytes() == 0);
        reader.join().unwrap();
    });
    shut_down(&context);
}

#[test]
fn c1_a_stream_in_the_place_of_one_that_was_closed_wakes_the_thread_that_waits() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    block_on(async {
        for k in 0..50 {
            let endpoint = format!("inproc://place-{k}");
            let open = |kind| builder(kind, &context);
            let pull = open(SocketType::PULL).bind(&endpoint).open().unwrap();
            let push = open(SocketType::PUSH).connect(&endpoint).open().unwrap();
            let mut read = std::pin::pin!(pull.read());
            assert!(poll_once(read.as_mut()).await.is_none());
            let writer = std::thread::spawn(move || push.write("woken"));
            assert_eq!(read.await.unwrap(), "woken");
            writer.join().unwrap().unwrap();
            pull.abort();
            pull.closed().await;
        }
    });
    shut_down(&context);
}

#[test]
fn c1_a_stream_that_is_waited_for_inside_of_another_executor_wakes_it() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    block_on(async {
        let (pull, push) = pipe(&context, |builder| builder);
        for k in 0..20u8 {
            let writer = std::thread::spawn({
                let (push, pull) = (push.clone(), pull.clone());
                move || {
                    // Once the other thread waits.
                    eventually(|| matches!(pull.try_read(), Err(TryReadError::Empty)));
                    push.write([vec![k]])
                }
            });
            // The thread sleeps there, and not in the `block_on` around it.
            let message = futures_lite::future::block_on(pull.read());
            assert_eq!(message.unwrap(), [[k]]);
            writer.join().unwrap().unwrap();
        }
    });
    shut_down(&context);
}

#[test]
fn a5_one_thread_blocks_on_any_number_of_streams() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    // Few enough that the thread watches them itself, and too many.
    for count in [1, 8, 9, 40] {
        let pairs: Vec<_> = (0..count)
            .map(|_| pipe(&context, |builder| builder))
            .collect();
        let (tell, told) = channel::<usize>();
        let writers: Vec<_> = pairs.iter().map(|(_, push)| push.clone()).collect();
        let writer = std::thread::spawn(move || {
            while let Ok(which) = told.recv() {
                writers[which].write(which.to_string()).unwrap();
            }
        });
        block_on(async {
            for round in 0..3 * count {
                let which = (round * 7) % count;
                let mut reads: Vec<_> = pairs.iter().map(|(pull, _)| pull.read()).collect();
                let mut asked = false;
                let (index, message) = std::future::poll_fn(|cx| {
                    let ready = reads.iter_mut().enumerate().find_map(|(index, read)| {
                        match std::pin::Pin::new(read).poll(cx) {
                            Poll::Ready(message) => Some((index, message.unwrap())),
                            Poll::Pending => None,
                        }
                    });
                    if !std::mem::replace(&mut asked, true) {
                        tell.send(which).unwrap();
                    }
                    ready.map_or(Poll::Pending, Poll::Ready)
                })
                .await;
                assert_eq!(
                    (index, &message[0]),
                    (which, &which.to_string().as_str().into())
                );
            }
        });
        drop(tell);
        writer.join().unwrap();
    }
    shut_down(&context);
}

#[test]
fn c3_a_read_that_has_given_up_is_no_longer_in_the_line() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let (pull, push) = pipe(&context, |builder| builder);
    let counter = Counter::new();
    let mut first = pull.read();
    assert!(poll(&mut first, &counter).is_pending());
    // It comes behind the first, and gives up.
    assert!(pull.blocking().read(SHORT).is_err());
    push.write("one").unwrap();
    push.write("two").unwrap();
    eventually(|| counter.take() == 1);
    assert!(poll(&mut first, &counter).is_ready());
    assert_eq!(pull.blocking().read(None).unwrap(), "two");
    drop(first);
    shut_down(&context);
}

/// Asks once more when its thread ends, and waits for the answer.
struct AtTheEnd(Option<ZmqStream>);

impl Drop for AtTheEnd {
    fn drop(&mut self) {
        if let Some(stream) = self.0.take() {
            stream.write("last question").unwrap();
            assert_eq!(block_on(stream.read()).unwrap(), "last answer");
        }
    }
}

thread_local! {
    static AT_THE_END: RefCell<AtTheEnd> = const { RefCell::new(AtTheEnd(None)) };
}

#[test]
fn a5_a_thread_that_ends_may_wait_once_more() {
    alone(|| {
        let _watchdog = Watchdog::new(60);
        let context = Context::new().unwrap();
        let open = |kind| builder(kind, &context);
        let rep = open(SocketType::REP).bind("tcp://127.0.0.1:*").open();
        let rep = rep.unwrap();
        let req = open(SocketType::REQ).connect(&rep.bindings()[0]);
        let req = req.open().unwrap();
        let ends = std::thread::spawn(move || {
            // What is there first is gone last.
            AT_THE_END.with_borrow_mut(|end| end.0 = Some(req.clone()));
            req.write("question").unwrap();
            assert_eq!(block_on(req.read()).unwrap(), "answer");
        });
        assert_eq!(block_on(rep.read()).unwrap(), "question");
        rep.write("answer").unwrap();
        assert_eq!(block_on(rep.read()).unwrap(), "last question");
        rep.write("last answer").unwrap();
        ends.join().unwrap();
        shut_down(&context);
    });
}

#[derive(Debug)]
struct HasCause;

impl std::fmt::Display for HasCause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("it has a cause")
    }
}

impl std::error::Error for HasCause {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&std::fmt::Error)
    }
}

#[test]
fn e5_the_error_of_a_call_that_blocks_says_what_the_call_that_waits_would_say() {
    use std::error::Error as _;
    let failed = BlockingError::<_, ()>::Failed(HasCause);
    assert_eq!(failed.to_string(), "it has a cause");
    assert!(failed.source().is_some());
    let timed_out = BlockingError::<HasCause, _>::TimedOut(7);
    assert_eq!(timed_out.to_string(), "the time is up");
    assert!(timed_out.source().is_none());
}
