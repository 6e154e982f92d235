//! The I/O thread is held up, and a caller's own send or receive takes in the news that somebody sleeps for: whoever took
//! them in has to wake the sleeper, for nobody else will (contract G3).
//!
//! A file of its own: while the thread is held, no other stream of the process is served.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context as Task, Poll, Wake};

use tidegate::{Context, SocketType, ZmqStream};
use tidegate_tests::{Counter, Watchdog, block_on, eventually, poll, shut_down};

static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// A waker that does not return before it is told to.
struct Holding {
    began: Sender<()>,
    end: Mutex<Receiver<()>>,
}

impl Wake for Holding {
    fn wake(self: Arc<Self>) {
        self.began.send(()).unwrap();
        let end = self.end.lock().unwrap();
        // Told, or the test is over.
        let _ = end.recv();
    }
}

/// Holds the I/O thread until it is dropped.
struct Held {
    context: Context,
    release: Option<Sender<()>>,
    _alone: MutexGuard<'static, ()>,
}

impl Held {
    fn new() -> Self {
        let alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let context = Context::new().unwrap();
        let (began, has_begun) = channel();
        let (release, end) = channel();
        let (pull, push) = pipe(&context, "inproc://holds");
        let waker = Arc::new(Holding {
            began,
            end: Mutex::new(end),
        });
        let mut read = Box::pin(async move { pull.read().await });
        let waker = waker.into();
        assert!(
            read.as_mut()
                .poll(&mut Task::from_waker(&waker))
                .is_pending()
        );
        // The message finds a reader, whom the I/O thread wakes.
        push.write("hold").unwrap();
        has_begun.recv().unwrap();
        Self {
            context,
            release: Some(release),
            _alone: alone,
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.release.take();
        shut_down(&self.context);
    }
}

fn pipe(context: &Context, endpoint: &str) -> (ZmqStream, ZmqStream) {
    pair(context, endpoint, [SocketType::PULL, SocketType::PUSH])
}

fn pair(context: &Context, endpoint: &str, kinds: [SocketType; 2]) -> (ZmqStream, ZmqStream) {
    let builder = |kind| tidegate_tests::builder(kind, context);
    let bound = builder(kinds[0]).bind(endpoint).open().unwrap();
    let connected = builder(kinds[1]).connect(endpoint).open().unwrap();
    (bound, connected)
}

#[test]
fn g3_a_send_that_takes_in_the_news_of_a_message_wakes_its_reader() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let (stream, peer) = pair(
        &context,
        "inproc://sends",
        [SocketType::PAIR, SocketType::PAIR],
    );
    let held = Held::new();
    let counter = Counter::new();
    let mut read = stream.read();
    assert!(poll(&mut read, &counter).is_pending());
    peer.write("message").unwrap();
    // libzmq takes in news at a send once in a while; what is sent is read, so that nothing is ever queued.
    while counter.take() == 0 {
        stream.write("tick").unwrap();
        assert_eq!(block_on(peer.read()).unwrap(), "tick");
        assert_eq!(stream.write_buffer_bytes(), 0);
    }
    match poll(&mut read, &counter) {
        Poll::Ready(Ok(message)) => assert_eq!(message, "message"),
        other => panic!("{other:?}"),
    }
    drop(held);
    shut_down(&context);
}

#[test]
fn g3_a_reader_that_takes_in_the_news_of_two_messages_wakes_the_next_reader() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let (pull, push) = pipe(&context, "inproc://two");
    let held = Held::new();
    let (first, second) = (Counter::new(), Counter::new());
    let (mut one, mut two) = (pull.read(), pull.read());
    assert!(poll(&mut one, &first).is_pending());
    assert!(poll(&mut two, &second).is_pending());
    push.write("one").unwrap();
    push.write("two").unwrap();
    match poll(&mut one, &first) {
        Poll::Ready(Ok(message)) => assert_eq!(message, "one"),
        other => panic!("{other:?}"),
    }
    // At once, but where a task in another thread has taken the news in and is about to.
    eventually(|| second.take() == 1);
    match poll(&mut two, &second) {
        Poll::Ready(Ok(message)) => assert_eq!(message, "two"),
        other => panic!("{other:?}"),
    }
    drop((one, two, held));
    shut_down(&context);
}

#[test]
fn c3_a_message_that_libzmq_held_while_reading_was_paused_wakes_the_next_reader() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let (pull, push) = pipe(&context, "inproc://paused");
    let (first, second) = (Counter::new(), Counter::new());
    let (mut one, mut two) = (pull.read(), pull.read());
    assert!(poll(&mut one, &first).is_pending());
    assert!(poll(&mut two, &second).is_pending());
    // Each is over the default mark of 64 KiB: behind the first, reading pauses and the news of the second are taken in.
    push.write(vec![1; 70_000]).unwrap();
    push.write(vec![2; 70_000]).unwrap();
    eventually(|| first.take() == 1);
    let held = Held::new();
    assert!(poll(&mut one, &first).is_ready());
    // The gate is open again: the second message is received, though nothing is new.
    assert_eq!(second.take(), 1);
    assert!(poll(&mut two, &second).is_ready());
    drop((one, two, held));
    shut_down(&context);
}

#[test]
fn c7_read_ahead_goes_on_when_the_gate_opens_though_nothing_is_new() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let (pull, push) = pipe(&context, "inproc://read-ahead");
    for _ in 0..3 {
        push.write(vec![1; 70_000]).unwrap();
    }
    eventually(|| pull.read_buffer_bytes() > 0);
    let held = Held::new();
    for left in [true, true, false] {
        assert!(pull.try_read().is_ok());
        assert_eq!(pull.read_buffer_bytes() > 0, left);
    }
    drop(held);
    shut_down(&context);
}

#[test]
fn g3_a_receive_that_takes_in_the_news_of_room_sends_what_is_queued() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let (stream, peer) = pair(
        &context,
        "inproc://room",
        [SocketType::PAIR, SocketType::PAIR],
    );
    let held = Held::new();
    // As many as libzmq takes, and one that is queued.
    let mut written = 0u32;
    while stream.write_buffer_bytes() == 0 {
        stream.write(written.to_le_bytes().as_slice()).unwrap();
        written += 1;
    }
    // The peer reads, and libzmq tells of the room; only a receive of ours takes that in.
    for k in 0..written - 1 {
        assert_eq!(block_on(peer.read()).unwrap(), [k.to_le_bytes()]);
        assert!(stream.try_read().is_err());
    }
    assert_eq!(stream.write_buffer_bytes(), 0);
    assert_eq!(
        block_on(peer.read()).unwrap(),
        [(written - 1).to_le_bytes()]
    );
    drop(held);
    shut_down(&context);
}

#[test]
fn c3_more_readers_than_a_batch_has_messages_all_get_theirs() {
    const READERS: usize = 150;
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    for round in 0..10 {
        let (pull, push) = pipe(&context, &format!("inproc://burst-{round}"));
        let mut reads: Vec<_> = (0..READERS)
            .map(|_| (Counter::new(), Box::pin(pull.read())))
            .collect();
        for (counter, read) in &mut reads {
            assert!(poll(read, counter).is_pending());
        }
        // All of it is there when the I/O thread comes.
        let held = Held::new();
        for _ in 0..READERS {
            push.write("burst").unwrap();
        }
        drop(held);
        // Nobody comes to read who does not wait already, and nobody looks who was not woken.
        eventually(|| {
            reads.retain_mut(|(counter, read)| {
                counter.take() == 0 || poll(read, counter).is_pending()
            });
            reads.is_empty()
        });
    }
    shut_down(&context);
}
