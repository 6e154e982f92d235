//! Sections B and C of the contract over libzmq: reading.

use futures_lite::future::{self, poll_once};
use tidegate::{Context, Multipart, ReadError, SocketType, TryReadError};
use tidegate_tests::{Counter, Watchdog, block_on, builder, pipe, poll, resident_bytes, shut_down};

#[test]
fn c1_a_hundred_thousand_random_messages_arrive_in_order_and_intact_past_a_reader_that_pauses() {
    const MESSAGES: usize = 100_000;
    const MOST: usize = 64 * 1024;
    const HIGH: usize = 8 * 1024;
    /// The frames of a message: from where in the pool, and how long.
    fn next(rng: &mut fastrand::Rng) -> Vec<std::ops::Range<usize>> {
        let mut left = rng.usize(0..=MOST);
        let frames = rng.usize(1..=5);
        (0..frames)
            .map(|k| {
                let len = if k + 1 == frames {
                    left
                } else {
                    rng.usize(0..=left)
                };
                left -= len;
                let start = rng.usize(0..MOST);
                start..start + len
            })
            .collect()
    }
    let _watchdog = Watchdog::new(300);
    let context = Context::new().unwrap();
    let (pull, push) = pipe(&context, |builder| builder.high_read(HIGH));
    let mut rng = fastrand::Rng::with_seed(1);
    let pool: Vec<u8> = std::iter::repeat_with(|| rng.u8(..))
        .take(2 * MOST)
        .collect();
    let before = resident_bytes();
    let mut most = before;
    let mut shut = 0;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            block_on(async {
                let mut rng = fastrand::Rng::with_seed(2);
                for _ in 0..MESSAGES {
                    let message = next(&mut rng).into_iter().map(|range| &pool[range]);
                    push.write(message.collect::<Multipart>()).unwrap();
                    push.drain().await.unwrap();
                }
            });
        });
        block_on(async {
            let (mut rng, mut pauses) = (fastrand::Rng::with_seed(2), fastrand::Rng::with_seed(3));
            for k in 0..MESSAGES {
                // Now and then it does not read for a while, and mostly until the gate has shut.
                if pauses.u8(..) < 16 {
                    // A read that is served at once leaves what else libzmq holds to the next one; this takes it ahead.
                    pull.pause_reading().unwrap();
                    pull.resume_reading().unwrap();
                    let mut looks = pauses.usize(0..2_000);
                    while looks > 0 && pull.read_buffer_bytes() <= HIGH {
                        future::yield_now().await;
                        looks -= 1;
                    }
                    shut += usize::from(pull.read_buffer_bytes() > HIGH);
                }
                assert!(pull.read_buffer_bytes() <= HIGH + MOST + 5 * 64);
                let message = pull.read().await.unwrap();
                let expected = next(&mut rng);
                assert_eq!(message.len(), expected.len(), "message {k}");
                for (frame, range) in message.iter().zip(expected) {
                    assert!(**frame == pool[range], "message {k}");
                }
                if k % 1_000 == 0 {
                    most = most.max(resident_bytes());
                }
            }
        });
    });
    assert!(shut > 500, "the gate was seen shut {shut} times");
    // libzmq itself holds up to 1,000 messages of 64 KiB on either side.
    let grown = most.saturating_sub(before);
    assert!(
        grown < 2 * 1_000 * MOST + 32 * 1024 * 1024,
        "grew by {grown} bytes"
    );
    assert_eq!(pull.try_read().unwrap_err(), TryReadError::Empty);
    shut_down(&context);
}

#[test]
fn b6_while_reading_is_paused_nothing_is_taken_from_the_socket() {
    const HIGH: usize = 8 * 1024;
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let (pull, push) = pipe(&context, |builder| builder.high_read(HIGH).high_write(HIGH));
    // Without a reader the writer comes to a stop: the reader's buffer, libzmq's 1,000 messages on either side, what
    // the kernel holds, and the writer's own buffer.
    let message = vec![7; 4_000];
    let mut written = 0;
    block_on(async {
        let full = async {
            loop {
                push.write(message.clone()).unwrap();
                written += 1;
                push.drain().await.unwrap();
            }
        };
        let stopped = async {
            // It has stopped when it is paused, and nothing that is in between goes on.
            let mut last = (0, 0);
            let mut same = 0;
            while same < 200_000 || push.write_buffer_bytes() <= HIGH {
                let now = (push.write_buffer_bytes(), pull.read_buffer_bytes());
                same = if now == last { same + 1 } else { 0 };
                last = now;
                future::yield_now().await;
            }
        };
        future::or(full, stopped).await;
    });
    let buffered = pull.read_buffer_bytes();
    assert!(buffered > HIGH && buffered <= HIGH + 4_064, "{buffered}");
    assert!(push.write_buffer_bytes() > HIGH);
    // All that was written is still there, and comes.
    block_on(async {
        for _ in 0..written {
            assert_eq!(pull.read().await.unwrap()[0].len(), 4_000);
        }
    });
    shut_down(&context);
}

#[test]
fn c2_reads_that_are_dropped_lose_nothing() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let (pull, push) = pipe(&context, |builder| builder);
    block_on(async {
        for k in 0..5_000u32 {
            // Begun and dropped at every point of its life.
            drop(pull.read());
            let _ = poll_once(async { drop(poll_once(pull.read()).await) }).await;
            if k % 2 == 0 {
                assert!(poll_once(pull.read()).await.is_none());
            }
            push.write(k.to_le_bytes().as_slice()).unwrap();
            assert_eq!(pull.read().await.unwrap(), [k.to_le_bytes()]);
        }
    });
    shut_down(&context);
}

#[test]
fn c2_a_reader_that_was_woken_and_dropped_passes_its_turn_on() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let (pull, push) = pipe(&context, |builder| builder);
    let (first, second) = (Counter::new(), Counter::new());
    let mut one = pull.read();
    let mut two = pull.read();
    assert!(poll(&mut one, &first).is_pending());
    assert!(poll(&mut two, &second).is_pending());
    push.write("message").unwrap();
    while first.take() == 0 {
        std::thread::yield_now();
    }
    assert_eq!(second.take(), 0);
    drop(one);
    assert_eq!(second.take(), 1);
    match poll(&mut two, &second) {
        std::task::Poll::Ready(Ok(message)) => assert_eq!(message, "message"),
        other => panic!("{other:?}"),
    }
    drop(two);
    shut_down(&context);
}

#[test]
fn c3_each_message_goes_to_one_of_several_readers_in_the_order_in_which_they_came() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let (pull, push) = pipe(&context, |builder| builder);
    let counter = Counter::new();
    let mut reads: Vec<_> = (0..100).map(|_| pull.read()).collect();
    for read in &mut reads {
        assert!(poll(read, &counter).is_pending());
    }
    for k in 0..100u8 {
        push.write([[k].as_slice()]).unwrap();
    }
    for (k, read) in reads.iter_mut().enumerate() {
        assert_eq!(block_on(read).unwrap()[0][0] as usize, k);
    }
    drop(reads);
    shut_down(&context);
}

#[test]
fn c4_after_close_what_was_buffered_comes_first_and_then_closed() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let (pull, push) = pipe(&context, |builder| builder);
    push.write("one").unwrap();
    push.write("two").unwrap();
    while pull.read_buffer_bytes() < 2 * (3 + 64) {
        std::thread::yield_now();
    }
    pull.close();
    assert!(!pull.at_closing());
    block_on(async {
        assert_eq!(pull.read().await.unwrap(), "one");
        assert_eq!(pull.read().await.unwrap(), "two");
        assert!(pull.at_closing());
        for _ in 0..3 {
            assert_eq!(pull.read().await.unwrap_err(), ReadError::Closed);
            assert_eq!(
                pull.try_read().unwrap_err(),
                TryReadError::Read(ReadError::Closed)
            );
        }
    });
    shut_down(&context);
}

#[test]
fn c6_try_read_never_waits_and_takes_what_is_there() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let (pull, push) = pipe(&context, |builder| builder);
    assert_eq!(pull.try_read().unwrap_err(), TryReadError::Empty);
    push.write("one").unwrap();
    let message = loop {
        match pull.try_read() {
            Ok(message) => break message,
            Err(error) => assert_eq!(error, TryReadError::Empty),
        }
        std::thread::yield_now();
    };
    assert_eq!(message, "one");
    shut_down(&context);
}

#[test]
fn c7_a_rep_takes_a_request_only_when_somebody_reads() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let rep = builder(SocketType::REP, &context)
        .bind("inproc://c7")
        .open()
        .unwrap();
    let req = |text: &str| {
        let req = builder(SocketType::REQ, &context)
            .connect("inproc://c7")
            .open()
            .unwrap();
        req.write(text).unwrap();
        req
    };
    let (one, two) = (req("one"), req("two"));
    block_on(async {
        for _ in 0..2 {
            let question = rep.read().await.unwrap();
            // The second request is there already: were it read ahead, the answer would go to it.
            assert_eq!(rep.read_buffer_bytes(), 0);
            rep.write(question).unwrap();
        }
        assert_eq!(one.read().await.unwrap(), "one");
        assert_eq!(two.read().await.unwrap(), "two");
    });
    shut_down(&context);
}
