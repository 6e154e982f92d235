//! Sections B, C and D of the contract over libzmq.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_lite::future::{self, block_on, poll_once};
use tidegate::{
    Builder, Context, Multipart, ReadError, ShutdownError, SocketType, TryReadError, WriteError,
    ZmqStream,
};
use tidegate_tests::{Counter, Watchdog, poll, resident_bytes, shut_down};

fn builder(kind: SocketType, context: &Context) -> Builder {
    ZmqStream::builder(kind).context(context)
}

/// A PULL and a PUSH that is connected to it.
fn pipe(context: &Context, change: impl Fn(Builder) -> Builder) -> (ZmqStream, ZmqStream) {
    let pull = change(builder(SocketType::PULL, context)).bind("tcp://127.0.0.1:*");
    let pull = pull.open().unwrap();
    let push = change(builder(SocketType::PUSH, context)).connect(&pull.bindings()[0]);
    (pull, push.open().unwrap())
}

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
fn b3_a_flood_of_empty_messages_pauses_the_writer_too() {
    let context = Context::new().unwrap();
    let push = builder(SocketType::PUSH, &context)
        .high_write(640)
        .low_write(0)
        .open()
        .unwrap();
    let counter = Counter::new();
    for _ in 0..10 {
        push.write("").unwrap();
    }
    assert_eq!(push.write_buffer_bytes(), 640);
    assert!(poll(&mut push.drain(), &counter).is_ready());
    push.write("").unwrap();
    assert!(poll(&mut push.drain(), &counter).is_pending());
    assert!(block_on(context.shutdown(std::time::Duration::ZERO)).is_err());
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

#[test]
fn d1_what_was_queued_is_sent_in_the_background_with_nobody_polling() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let push = builder(SocketType::PUSH, &context)
        .connect("inproc://d1-late")
        .open()
        .unwrap();
    // A PUSH whose only peer has as many messages as it takes.
    for k in 0..10_000u32 {
        push.write(k.to_le_bytes().as_slice()).unwrap();
    }
    assert!(push.write_buffer_bytes() > 0);
    let pull = builder(SocketType::PULL, &context)
        .bind("inproc://d1-late")
        .open()
        .unwrap();
    block_on(async {
        for k in 0..10_000u32 {
            assert_eq!(pull.read().await.unwrap(), [k.to_le_bytes()]);
        }
    });
    assert_eq!(push.write_buffer_bytes(), 0);
    shut_down(&context);
}

#[test]
fn d2_drain_waits_while_the_write_side_is_paused() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let push = builder(SocketType::PUSH, &context)
        .connect("inproc://d2-late")
        .high_write(200)
        .low_write(100)
        .open()
        .unwrap();
    let counters = [Counter::new(), Counter::new()];
    let mut written = 0;
    while poll(&mut push.drain(), &counters[0]).is_ready() {
        push.write("36 bytes, and 64 for the frame......").unwrap();
        written += 1;
    }
    assert!(push.write_buffer_bytes() > 200);
    let mut drains = [push.drain(), push.drain()];
    for (drain, counter) in drains.iter_mut().zip(&counters) {
        assert!(poll(drain, counter).is_pending());
    }
    assert_eq!(counters.each_ref().map(|counter| counter.take()), [0, 0]);
    let pull = builder(SocketType::PULL, &context)
        .bind("inproc://d2-late")
        .open()
        .unwrap();
    block_on(async {
        for _ in 0..written {
            pull.read().await.unwrap();
        }
        for drain in &mut drains {
            drain.await.unwrap();
        }
    });
    assert!(push.write_buffer_bytes() <= 100);
    shut_down(&context);
}

#[test]
fn d3_a_message_without_frames_is_refused_and_handed_back() {
    let context = Context::new().unwrap();
    let (pull, push) = pipe(&context, |builder| builder);
    let error = push.write(Multipart::new()).unwrap_err();
    assert_eq!(error.to_string(), "a message has at least one frame");
    assert!(matches!(error, WriteError::NoFrames(message) if message.is_empty()));
    push.write("next").unwrap();
    assert_eq!(block_on(pull.read()).unwrap(), "next");
    shut_down(&context);
}

#[test]
fn d3_a_stream_socket_takes_messages_of_two_frames_only() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let raw = builder(SocketType::STREAM, &context)
        .bind("tcp://127.0.0.1:*")
        .open()
        .unwrap();
    let address = raw.bindings()[0].trim_start_matches("tcp://").to_owned();
    let mut peer = std::net::TcpStream::connect(address).unwrap();
    let identity = block_on(raw.read()).unwrap()[0].clone();
    // libzmq would drop all that comes after these.
    for wrong in [
        vec![identity.clone()],
        vec![identity.clone(), "a".into(), "b".into()],
    ] {
        let error = raw.write(wrong.clone()).unwrap_err();
        let told =
            "a message of a STREAM socket has two frames, an identity and bytes; this one has";
        assert_eq!(error.to_string(), format!("{told} {}", wrong.len()));
        assert_eq!(error.into_message(), wrong.as_slice());
    }
    raw.write([identity, "right".into()]).unwrap();
    let mut bytes = [0; 5];
    std::io::Read::read_exact(&mut peer, &mut bytes).unwrap();
    assert_eq!(&bytes, b"right");
    shut_down(&context);
}

#[test]
fn d4_a_write_after_close_is_refused_and_the_message_handed_back() {
    let context = Context::new().unwrap();
    let (_pull, push) = pipe(&context, |builder| builder);
    push.close();
    let error = push.write(("a", vec![1; 100_000], "c")).unwrap_err();
    assert_eq!(error.to_string(), "the stream is closed");
    assert!(matches!(error, WriteError::Closed(_)));
    let message = error.into_message();
    assert_eq!(message.len(), 3);
    assert_eq!(message[1], vec![1; 100_000]);
    shut_down(&context);
}

#[test]
fn d5_a_write_that_libzmq_refuses_fails_with_the_message_and_the_stream_lives_on() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let rep = builder(SocketType::REP, &context)
        .bind("inproc://d5")
        .open()
        .unwrap();
    let req = builder(SocketType::REQ, &context)
        .connect("inproc://d5")
        .open()
        .unwrap();
    let error = rep.write(("nobody", "asked")).unwrap_err();
    let WriteError::Refused(message, errno) = error else {
        panic!("{error:?}")
    };
    assert_eq!(*message, ["nobody", "asked"]);
    assert_eq!(
        errno.to_string(),
        "Operation cannot be accomplished in current state (errno 156384763)"
    );
    block_on(async {
        req.write("question").unwrap();
        assert_eq!(rep.read().await.unwrap(), "question");
        rep.write("answer").unwrap();
        assert_eq!(req.read().await.unwrap(), "answer");
    });
    shut_down(&context);
}

#[test]
fn d8_a_large_payload_is_moved_and_not_copied_on_its_way_through_a_stream() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let pull = builder(SocketType::PULL, &context)
        .bind("inproc://d8")
        .open()
        .unwrap();
    let push = builder(SocketType::PUSH, &context)
        .connect("inproc://d8")
        .open()
        .unwrap();
    let payload = vec![5; 1_000_000];
    let address = payload.as_ptr();
    push.write(("header", payload)).unwrap();
    let message = block_on(pull.read()).unwrap();
    // Over inproc libzmq moves it too, so that the very same bytes come out.
    assert_eq!(message[1].as_ptr(), address);
    assert_eq!(message[1], vec![5; 1_000_000]);
    shut_down(&context);
}

#[test]
fn d6_a_peer_that_goes_away_in_the_middle_of_a_message_tears_and_doubles_none() {
    const FRAMES: usize = 3_000;
    const PEERS: usize = 60;
    let _watchdog = Watchdog::new(120);
    let shared = zmq::Context::new();
    let context = Context::new().unwrap();
    let push = builder(SocketType::PUSH, &context)
        .bind("tcp://127.0.0.1:*")
        .high_write(0)
        .open()
        .unwrap();
    let endpoint = push.bindings()[0].clone();
    let mut arrived = Vec::new();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            block_on(async {
                for k in 0u32.. {
                    if done.load(Ordering::Relaxed) {
                        break;
                    }
                    let frame = k.to_le_bytes();
                    let message: Multipart = (0..FRAMES).map(|_| frame.as_slice()).collect();
                    if push.write(message).is_err() || push.drain().await.is_err() {
                        // Shut down.
                        break;
                    }
                }
            });
        });
        let mut rng = fastrand::Rng::with_seed(6);
        for _ in 0..PEERS {
            // Each peer reads some frames, and goes away wherever it stands; libzmq drops what it had for it.
            let pull = shared.socket(zmq::PULL).unwrap();
            pull.set_rcvhwm(1).unwrap();
            pull.set_linger(0).unwrap();
            pull.connect(&endpoint).unwrap();
            let mut left = rng.usize(1..40 * FRAMES);
            while left > 0 {
                let first = pull.recv_bytes(0).unwrap();
                let mut count = 1;
                while pull.get_rcvmore().unwrap() {
                    assert_eq!(pull.recv_bytes(0).unwrap(), first);
                    count += 1;
                }
                assert_eq!(count, FRAMES);
                let id = u32::from_le_bytes(first.try_into().unwrap());
                assert!(
                    arrived.last() < Some(&id),
                    "{id} came twice or out of order"
                );
                arrived.push(id);
                left = left.saturating_sub(count);
            }
        }
        done.store(true, Ordering::Relaxed);
        // The writer may wait for a peer that takes its last messages, and libzmq for one that reads them. What libzmq
        // has for a peer that went away it may keep for longer; of the stream's own nothing is lost.
        let ended = scope.spawn(
            || match block_on(context.shutdown(Duration::from_secs(5))) {
                Ok(()) => {}
                Err(ShutdownError::TimedOut { lost, in_libzmq }) => {
                    assert!(lost.is_nothing() && in_libzmq);
                }
                Err(error) => panic!("{error}"),
            },
        );
        let pull = shared.socket(zmq::PULL).unwrap();
        pull.set_rcvtimeo(10).unwrap();
        pull.connect(&endpoint).unwrap();
        while !ended.is_finished() {
            let _: Result<Vec<u8>, zmq::Error> = pull.recv_bytes(0);
        }
    });
    assert!(arrived.len() >= PEERS);
}
