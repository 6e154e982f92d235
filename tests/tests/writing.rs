//! Sections B and D of the contract over libzmq: writing.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tidegate::{Context, Multipart, ShutdownError, SocketType, WriteError};
use tidegate_tests::{Counter, Watchdog, block_on, builder, pipe, poll, raw_peer, shut_down};

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
    let (raw, mut peer, identity) = raw_peer(&context);
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
                Err(ShutdownError::TimedOut(lost)) => assert!(lost.is_nothing()),
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
