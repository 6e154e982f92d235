//! A peer that reads nothing for a while, or never: what the stream holds is bounded, stays, and is counted. `FAULTS.md` has the counts.

use std::task::Poll;
use std::time::Duration;

use tidegate::{Context, Limit, ShutdownError, SocketType, options};
use tidegate_tests::{
    Counter, Peer, Usage, Watchdog, alone, block_on, builder, numbered, poll, shut_down,
    start_executor,
};

const PEER: &str = env!("CARGO_BIN_EXE_peer");
const KIB: usize = 1024;
const MESSAGE: usize = 64 * KIB;
const HIGH: usize = 1024 * KIB;
const LOW: usize = 512 * KIB;

#[test]
fn d2_a_sender_waits_while_its_peer_is_stopped_and_everything_comes_once_it_goes_on() {
    alone(|| {
        let _watchdog = Watchdog::new(60);
        start_executor();
        let at_first = Usage::now();
        let context = Context::new().unwrap();
        let push = builder(SocketType::PUSH, &context)
            .option(options::SEND_HWM, 2)
            .high_write(HIGH)
            .low_write(LOW)
            .bind("tcp://127.0.0.1:*");
        let push = push.open().unwrap();
        let mut peer = Peer::start(PEER, &["pull", &push.bindings()[0]]);
        block_on(push.send(numbered(0, 1, MESSAGE))).unwrap();
        assert_eq!(peer.number(), Some(0));
        let (mut sent, mut next) = (1, 1);
        let before = Usage::now();
        for round in 0..3 {
            peer.stop();
            // Until one waits: the next one has gone only if the peer has read.
            let counter = Counter::new();
            let held = loop {
                let mut send = push.send(numbered(sent, 1, MESSAGE));
                match poll(&mut send, &counter) {
                    Poll::Ready(result) => {
                        result.unwrap();
                        sent += 1;
                    }
                    // It lets others run now and then; one that waits is not woken. The operating system may still take some of what
                    // is held, and it waits until that is no more than the low mark.
                    Poll::Pending if counter.take() == 0 => {
                        let held = push.write_buffer_bytes();
                        if held > LOW {
                            break held;
                        }
                    }
                    Poll::Pending => {}
                }
            };
            assert!(held <= HIGH + MESSAGE + KIB);
            let queued = u64::from(sent) - push.stats().sent_messages;
            println!(
                "| round {round}: {sent} sent, {queued} of them held while the peer is stopped"
            );
            peer.go_on();
            while next < sent {
                assert_eq!(peer.number(), Some(next));
                next += 1;
            }
            block_on(push.flush()).unwrap();
        }
        // The messages that wait, and what the operating system holds is not ours.
        assert!(before.tell("three times") < 8 * HIGH);
        shut_down(&context);
        peer.kill();
        drop((push, before));
        at_first.wait_for_no_more();
    });
}

#[test]
fn e1_a_shutdown_tells_how_much_a_peer_that_never_reads_has_left_behind() {
    alone(|| {
        let _watchdog = Watchdog::new(60);
        start_executor();
        let before = Usage::now();
        for kind in [SocketType::PUSH, SocketType::DEALER, SocketType::PAIR] {
            let context = Context::new().unwrap();
            let stream = builder(kind, &context)
                .option(options::SEND_HWM, 2)
                .high_write(Limit::Unlimited)
                .bind("tcp://127.0.0.1:*");
            let stream = stream.open().unwrap();
            let endpoint = stream.bindings().swap_remove(0);
            let peer = match kind {
                SocketType::PUSH => Peer::start(PEER, &["pull", &endpoint]),
                SocketType::PAIR => Peer::start(PEER, &["echo", "pair", &endpoint]),
                _ => Peer::start(PEER, &["echo", "dealer", &endpoint]),
            };
            if kind == SocketType::PUSH {
                block_on(stream.send(numbered(0, 1, MESSAGE))).unwrap();
                block_on(stream.flush()).unwrap();
            } else {
                assert_eq!(block_on(stream.read()).unwrap(), "here");
            }
            peer.stop();
            let already = stream.stats().sent_messages;
            let written = 600;
            for k in 0..written {
                stream.write(numbered(k, 1, MESSAGE)).unwrap();
            }
            let error = block_on(context.shutdown(Duration::from_millis(200))).unwrap_err();
            let ShutdownError::TimedOut(lost) = error else {
                panic!("{error}")
            };
            let accepted = stream.stats().sent_messages - already;
            println!(
                "| {kind:?}: written {written}, accepted {accepted}, reported lost {}",
                lost.messages
            );
            assert_eq!(accepted + lost.messages as u64, u64::from(written));
            assert!(lost.messages > 0);
            assert_eq!(lost.bytes, lost.messages * (MESSAGE + 64));
            assert_eq!(block_on(stream.closed()), lost);
            drop((stream, context));
            peer.kill();
        }
        // libzmq gives up what it holds within three seconds.
        before.wait_for_no_more();
    });
}
