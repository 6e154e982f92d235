//! A task that is cancelled at each of its await points, again and again, while messages come over tcp: C2. `FAULTS.md` has the counts.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::net::TcpStream;

use futures_lite::future::or;
use tidegate::{
    Context, EventMask, SocketType, TryReadError, TryReadEventError, ZmqStream, options,
};
use tidegate_tests::{
    Counter, Usage, Watchdog, alone, block_on, builder, eventually, number_of, numbered, poll,
    shut_down, start_executor,
};

const MESSAGES: u32 = 4_000;
/// Who comes beside the peer, each after so many messages.
const STRANGERS: u32 = 40;
const BYTES: usize = 2_000;

/// What outlives the task: what it has read and not yet sent on, how many events it was told, and where it waits.
#[derive(Default)]
struct Desk {
    in_hand: Cell<Option<u32>>,
    has_passed_on: Cell<u32>,
    events: Cell<u32>,
    waits_for: Cell<&'static str>,
}

/// Reads what comes first, a message or an event, until it is a message.
async fn read(pull: &ZmqStream, desk: &Desk) -> u32 {
    loop {
        let message = async { Some(number_of(&pull.read().await.unwrap())) };
        let event = async {
            pull.read_event().await.unwrap();
            desk.events.set(desk.events.get() + 1);
            None
        };
        // Whichever is second is dropped.
        if let Some(number) = or(message, event).await {
            return number;
        }
    }
}

/// Reads, waits until there is room, sends on, and waits until that has gone.
async fn pass_on(pull: &ZmqStream, push: &ZmqStream, desk: &Desk) {
    while desk.has_passed_on.get() < MESSAGES {
        if desk.in_hand.get().is_none() {
            desk.waits_for.set("read");
            let number = read(pull, desk).await;
            desk.in_hand.set(Some(number));
        }
        if let Some(k) = desk.in_hand.get() {
            // Who has drained need not wait to send.
            if k % 2 == 0 {
                desk.waits_for.set("drain");
                push.drain().await.unwrap();
            }
            desk.waits_for.set("send");
            push.send(numbered(k, 1 + k % 3, BYTES)).await.unwrap();
            desk.in_hand.set(None);
            desk.has_passed_on.set(k + 1);
        }
        if desk.has_passed_on.get().is_multiple_of(5) {
            desk.waits_for.set("flush");
            push.flush().await.unwrap();
        }
    }
}

#[test]
fn c2_a_task_that_is_cancelled_at_each_of_its_await_points_loses_and_doubles_nothing() {
    alone(|| {
        let _watchdog = Watchdog::new(60);
        start_executor();
        let before = Usage::now();
        let context = Context::new().unwrap();
        // Everybody is held back all the time, and so waits at every point.
        let open = |kind| {
            builder(kind, &context)
                .option(options::SEND_HWM, 1)
                .option(options::RECEIVE_HWM, 1)
                .option(options::SEND_BUFFER_BYTES, Some(4_096))
                .option(options::RECEIVE_BUFFER_BYTES, Some(4_096))
                .high_read(0)
                .high_write(0)
        };
        let bound = || {
            open(SocketType::PULL)
                .bind("tcp://127.0.0.1:*")
                .open()
                .unwrap()
        };
        let (pull, end) = (bound(), bound());
        pull.enable_monitor(EventMask::ACCEPTED).unwrap();
        let connected = |to: &ZmqStream| open(SocketType::PUSH).connect(&to.bindings()[0]).open();
        let (source, push) = (connected(&pull).unwrap(), connected(&end).unwrap());
        let desk = Desk::default();
        let mut cancelled = BTreeMap::<_, u32>::new();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                block_on(async {
                    for k in 0..MESSAGES {
                        source.send(numbered(k, 1 + k % 3, BYTES)).await.unwrap();
                        if k % (MESSAGES / STRANGERS) == 0 {
                            drop(
                                TcpStream::connect(&pull.bindings()[0]["tcp://".len()..]).unwrap(),
                            );
                        }
                    }
                });
            });
            let reader = scope.spawn(|| {
                block_on(async {
                    for k in 0..MESSAGES {
                        assert_eq!(number_of(&end.read().await.unwrap()), k);
                    }
                });
            });
            // Each lives for one poll more than the one before it, up to some, and is woken before each of them or only before some.
            for life in (1..=12).cycle() {
                let mut task = Box::pin(pass_on(&pull, &push, &desk));
                let counter = Counter::new();
                let is_done = (0..life).any(|polls| {
                    if polls > 0 {
                        eventually(|| counter.take() > 0);
                    }
                    poll(&mut task, &counter).is_ready()
                });
                if is_done {
                    break;
                }
                *cancelled.entry(desk.waits_for.get()).or_default() += 1;
            }
            reader.join().unwrap();
        });
        assert_eq!(end.try_read(), Err(TryReadError::Empty));
        assert_eq!(push.stats().sent_messages, u64::from(MESSAGES));
        // The strangers, and the peer.
        let mut events = desk.events.get();
        while events <= STRANGERS {
            block_on(pull.read_event()).unwrap();
            events += 1;
        }
        assert_eq!(pull.try_read_event().unwrap_err(), TryReadEventError::Empty);
        println!(
            "| cancelled at {cancelled:?}: sent {MESSAGES}, received {MESSAGES}, lost 0; {events} events, {} of them to it",
            desk.events.get()
        );
        let points: Vec<_> = cancelled.keys().copied().collect();
        assert_eq!(points, ["drain", "flush", "read", "send"]);
        shut_down(&context);
        drop((pull, push, source, end));
        before.wait_for_no_more();
    });
}
