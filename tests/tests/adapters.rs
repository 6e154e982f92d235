//! A stream as a `Stream` and a `Sink` of the futures crates, and `Bytes` as frames.

use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_core::{FusedStream, Stream};
use futures_lite::future::zip;
use futures_sink::Sink;
use futures_util::{FutureExt, SinkExt, StreamExt};
use tidegate::{
    Context, DrainError, EventMask, Multipart, ReadError, SinkError, SocketType, TryReadError,
    TryReadEventError, WaitError, WriteError, ZmqStream, options,
};
use tidegate_tests::{
    Counter, Watchdog, block_on, builder, callers_context, eventually, pipe, poll, shut_down,
};

type Ready<T> = Poll<Result<T, SinkError>>;

fn poll_next(
    stream: &mut ZmqStream,
    counter: &std::sync::Arc<Counter>,
) -> Poll<Option<Result<Multipart, ReadError>>> {
    Pin::new(stream).poll_next(&mut TaskContext::from_waker(&counter.waker()))
}

fn poll_ready(sink: &mut ZmqStream, counter: &std::sync::Arc<Counter>) -> Ready<()> {
    let waker = counter.waker();
    let mut cx = TaskContext::from_waker(&waker);
    Sink::<&str>::poll_ready(Pin::new(sink), &mut cx)
}

fn poll_close(sink: &mut ZmqStream, counter: &std::sync::Arc<Counter>) -> Ready<()> {
    let waker = counter.waker();
    let mut cx = TaskContext::from_waker(&waker);
    Sink::<&str>::poll_close(Pin::new(sink), &mut cx)
}

#[test]
fn a5_a_handle_may_go_to_any_thread_and_be_shared_and_cloned() {
    fn may<T: Send + Sync + Clone + Unpin + 'static>() {}
    may::<ZmqStream>();
    // A handle is two words and a flag: what a `Stream` waits with is made when it is polled.
    assert!(size_of::<ZmqStream>() <= 3 * size_of::<usize>());
}

#[test]
fn c1_as_a_stream_the_messages_come_in_order_until_it_is_closed() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let (mut pull, push) = pipe(&context, |builder| builder);
    for k in 0..100u8 {
        push.write([&[k][..], b"", &[k; 2]]).unwrap();
    }
    for k in 0..100u8 {
        let message = block_on(pull.next()).unwrap().unwrap();
        assert_eq!(message, [&[k][..], b"", &[k; 2]]);
    }
    // It has seen that there is nothing more, and waits: what comes next is read ahead.
    assert!(pull.next().now_or_never().is_none());
    push.write("buffered").unwrap();
    eventually(|| pull.read_buffer_bytes() > 0);
    pull.close();
    assert!(!pull.is_terminated());
    assert_eq!(block_on(pull.next()), Some(Ok("buffered".into())));
    assert_eq!(block_on(pull.next()), None);
    assert!(pull.is_terminated());
    assert_eq!(block_on(pull.next()), None);
    shut_down(&context);
}

#[test]
fn c5_as_a_stream_a_failure_comes_once_and_ends_it() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let push = builder(SocketType::PUSH, &context).open();
    let mut push = push.unwrap();
    assert_eq!(block_on(push.next()), Some(Err(ReadError::SendsOnly)));
    assert_eq!(block_on(push.next()), None);

    let (mut callers, theirs) = callers_context();
    let mut pull = builder(SocketType::PULL, &theirs).open().unwrap();
    let counter = Counter::new();
    assert!(poll_next(&mut pull, &counter).is_pending());
    callers.destroy().unwrap();
    eventually(|| counter.take() == 1);
    let Some(Err(ReadError::Failed(errno))) = block_on(pull.next()) else {
        panic!("it has failed");
    };
    assert_eq!(pull.exception(), Some(errno));
    assert_eq!(block_on(pull.next()), None);
    shut_down(&context);
}

#[test]
fn c7_as_a_stream_a_call_out_of_turn_is_an_error_and_no_end() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let rep = builder(SocketType::REP, &context)
        .bind("inproc://c7")
        .open();
    let rep = rep.unwrap();
    let req = builder(SocketType::REQ, &context).connect("inproc://c7");
    let mut req = req.open().unwrap();
    assert_eq!(block_on(req.next()), Some(Err(ReadError::OutOfTurn)));
    req.write("question").unwrap();
    assert_eq!(block_on(rep.read()).unwrap(), "question");
    rep.write("answer").unwrap();
    assert_eq!(block_on(req.next()), Some(Ok("answer".into())));
    shut_down(&context);
}

#[test]
fn c2_a_handle_that_is_dropped_leaves_the_line_and_passes_its_turn_on() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let (pull, push) = pipe(&context, |builder| builder);
    for is_woken in [false, true] {
        let counters = [Counter::new(), Counter::new()];
        let mut first = pull.clone();
        let mut second = pull.clone();
        assert!(poll_next(&mut first, &counters[0]).is_pending());
        assert!(poll_next(&mut second, &counters[1]).is_pending());
        if is_woken {
            push.write("one").unwrap();
            eventually(|| counters[0].take() == 1);
            assert_eq!(counters[1].take(), 0);
            drop(first);
        } else {
            drop(first);
            push.write("one").unwrap();
        }
        eventually(|| counters[1].take() == 1);
        let next = poll_next(&mut second, &counters[1]);
        assert_eq!(next, Poll::Ready(Some(Ok("one".into()))));
        // Nobody keeps the waker of one that has gone.
        eventually(|| std::sync::Arc::strong_count(&counters[0]) == 1);
    }
    shut_down(&context);
}

#[test]
fn c2_a_handle_whose_next_is_dropped_is_in_nobodys_way_once_it_is_used_otherwise() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let (mut pull, push) = pipe(&context, |builder| builder);
    // As a timeout does. Its place is the handle's own.
    assert!(pull.next().now_or_never().is_none());
    push.write("one").unwrap();
    eventually(|| pull.try_read().is_ok_and(|message| message == "one"));
    assert!(pull.next().now_or_never().is_none());
    push.write("two").unwrap();
    assert_eq!(block_on(pull.read()).unwrap(), "two");
    assert!(pull.next().now_or_never().is_none());
    push.write("three").unwrap();
    assert_eq!(block_on(pull.next()), Some(Ok("three".into())));

    // One that waits behind it has its turn then.
    assert!(pull.next().now_or_never().is_none());
    let other = pull.clone();
    let counter = Counter::new();
    let mut read = other.read();
    assert!(poll(&mut read, &counter).is_pending());
    push.write("four").unwrap();
    eventually(|| pull.read_buffer_bytes() > 0);
    assert_eq!(counter.take(), 0);
    assert_eq!(pull.try_read(), Err(TryReadError::Empty));
    assert_eq!(counter.take(), 1);
    assert_eq!(block_on(read).unwrap(), "four");

    // Whatever else the handle waits for.
    pull.enable_monitor(EventMask::ALL).unwrap();
    let uses: [fn(&ZmqStream); 4] = [
        |pull| assert!(pull.read_event().now_or_never().is_none()),
        |pull| assert_eq!(pull.try_read_event(), Err(TryReadEventError::Empty)),
        |pull| assert!(pull.closed().now_or_never().is_none()),
        |pull| {
            let waited = pull.wait_connected(1, None).now_or_never();
            assert_eq!(waited, Some(Err(WaitError::NotTracked)));
        },
    ];
    for (k, used) in uses.into_iter().enumerate() {
        assert!(pull.next().now_or_never().is_none());
        let mut read = other.read();
        assert!(poll(&mut read, &counter).is_pending());
        push.write(vec![u8::try_from(k).unwrap()]).unwrap();
        eventually(|| pull.read_buffer_bytes() > 0);
        assert_eq!(counter.take(), 0);
        used(&pull);
        assert_eq!(counter.take(), 1);
        assert_eq!(block_on(read).unwrap(), [[u8::try_from(k).unwrap()]]);
    }
    shut_down(&context);
}

#[test]
fn c2_a_handle_whose_feed_is_dropped_drains_and_sends() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let push = builder(SocketType::PUSH, &context).high_write(0);
    let mut push = push.connect("inproc://c2-feed").open().unwrap();
    while push.write_buffer_bytes() == 0 {
        push.write("x").unwrap();
    }
    assert!(push.feed("not fed").now_or_never().is_none());
    let counter = Counter::new();
    let mut drain = push.drain();
    assert!(poll(&mut drain, &counter).is_pending());
    let pull = builder(SocketType::PULL, &context).bind("inproc://c2-feed");
    let pull = pull.open().unwrap();
    while push.write_buffer_bytes() > 0 {
        assert_eq!(block_on(pull.read()).unwrap(), "x");
    }
    eventually(|| counter.take() == 1);
    assert_eq!(block_on(drain), Ok(()));
    shut_down(&context);
}

#[test]
fn c7_as_a_stream_a_rep_that_waits_gets_the_next_request_behind_the_reply_of_another() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let rep = builder(SocketType::REP, &context).bind("inproc://c7-rep");
    let mut first = rep.open().unwrap();
    let mut second = first.clone();
    let req = builder(SocketType::REQ, &context).connect("inproc://c7-rep");
    let req = req.open().unwrap();
    let counters = [Counter::new(), Counter::new()];
    assert!(poll_next(&mut first, &counters[0]).is_pending());
    assert!(poll_next(&mut second, &counters[1]).is_pending());
    req.write("first").unwrap();
    assert_eq!(block_on(first.next()), Some(Ok("first".into())));
    assert!(poll_next(&mut second, &counters[1]).is_pending());
    first.write("answer").unwrap();
    assert_eq!(block_on(req.read()).unwrap(), "answer");
    req.write("second").unwrap();
    assert_eq!(block_on(second.next()), Some(Ok("second".into())));
    shut_down(&context);
}

/// Has a stream, and uses it when it is dropped.
struct Owner {
    stream: ZmqStream,
    dropped: std::sync::mpsc::Sender<()>,
}

impl AsRef<[u8]> for Owner {
    fn as_ref(&self) -> &[u8] {
        &[7; 5_000]
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        let _ = self.stream.write_buffer_bytes();
        let _ = self.dropped.send(());
    }
}

#[test]
fn d8_an_owner_of_bytes_may_use_the_stream_when_it_is_let_go() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let (dropped, is_dropped) = std::sync::mpsc::channel();
    let owner = |stream: &ZmqStream| {
        Bytes::from_owner(Owner {
            stream: stream.clone(),
            dropped: dropped.clone(),
        })
    };
    // libzmq lets go of what nobody is subscribed to at once.
    let publisher = builder(SocketType::PUB, &context).open().unwrap();
    publisher.write(owner(&publisher)).unwrap();
    is_dropped.recv().unwrap();
    // What is queued is let go by an abort.
    let push = builder(SocketType::PUSH, &context).open().unwrap();
    push.write(owner(&push)).unwrap();
    push.abort();
    is_dropped.recv().unwrap();
    shut_down(&context);
}

/// Bytes of somebody whose end goes wrong.
struct Panics;

impl AsRef<[u8]> for Panics {
    fn as_ref(&self) -> &[u8] {
        &[7; 5_000]
    }
}

impl Drop for Panics {
    fn drop(&mut self) {
        panic!("an owner that panics, on purpose");
    }
}

#[test]
fn d8_an_owner_of_bytes_that_panics_when_it_is_let_go_ends_nobody() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let pull = builder(SocketType::PULL, &context).bind("tcp://127.0.0.1:*");
    let pull = pull.open().unwrap();
    let push = builder(SocketType::PUSH, &context).connect(&pull.bindings()[0]);
    let push = push.open().unwrap();
    // libzmq's own thread lets go of it, once it is sent.
    push.write(Bytes::from_owner(Panics)).unwrap();
    push.write("behind it").unwrap();
    assert_eq!(block_on(pull.read()).unwrap().payload_bytes(), 5_000);
    assert_eq!(block_on(pull.read()).unwrap(), "behind it");
    // And the stream, while it is locked.
    let alone = builder(SocketType::PUSH, &context).open().unwrap();
    alone.write(Bytes::from_owner(Panics)).unwrap();
    alone.abort();
    assert_eq!(block_on(alone.closed()).messages, 1);
    shut_down(&context);
}

#[test]
fn d2_as_a_sink_it_is_ready_while_the_write_side_is_open() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let push = builder(SocketType::PUSH, &context).high_write(200);
    let mut push = push.connect("inproc://d2-sink").open().unwrap();
    let counter = Counter::new();
    let mut written = 0;
    while poll_ready(&mut push, &counter).is_ready() {
        Sink::start_send(Pin::new(&mut push), "message").unwrap();
        written += 1;
    }
    assert!(push.write_buffer_bytes() > 200);
    assert_eq!(counter.take(), 0);
    let waker = Counter::new().waker();
    let mut cx = std::task::Context::from_waker(&waker);
    let flushed = Sink::<&str>::poll_flush(Pin::new(&mut push), &mut cx);
    assert!(flushed.is_pending());
    let pull = builder(SocketType::PULL, &context).bind("inproc://d2-sink");
    let pull = pull.open().unwrap();
    block_on(async {
        for _ in 0..written {
            assert_eq!(pull.read().await.unwrap(), "message");
        }
        SinkExt::<&str>::flush(&mut push).await.unwrap();
        assert_eq!(push.write_buffer_bytes(), 0);
        // It is woken outside of the lock.
        eventually(|| counter.take() == 1);
        assert!(poll_ready(&mut push, &counter).is_ready());
    });
    shut_down(&context);
}

#[test]
fn e1_to_close_a_sink_waits_for_the_end_of_the_stream_and_tells_what_was_lost() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let open = |linger: u64| {
        let linger = Some(Duration::from_millis(linger));
        let builder = builder(SocketType::PUSH, &context).option(options::LINGER, linger);
        builder.connect("inproc://e1-sink").open().unwrap()
    };
    let mut push = open(300);
    block_on(async {
        while push.write_buffer_bytes() == 0 {
            SinkExt::send(&mut push, "x").now_or_never();
        }
        let counter = Counter::new();
        assert!(poll_close(&mut push, &counter).is_pending());
        // A message that comes too late comes back.
        let late = Sink::start_send(Pin::new(&mut push), "late").unwrap_err();
        assert!(
            matches!(late, SinkError::Write(WriteError::Closed(message)) if *message == "late")
        );
        let closed = SinkExt::<&str>::close(&mut push).await;
        assert!(matches!(
            closed,
            Err(SinkError::Drain(DrainError::Dropped(lost))) if lost.messages == 1
        ));
        let mut empty = open(30);
        SinkExt::<&str>::close(&mut empty).await.unwrap();
        assert!(empty.at_closing());
    });
    shut_down(&context);
}

#[test]
fn d1_one_handle_receives_what_another_sends() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let echo = builder(SocketType::ROUTER, &context).bind("tcp://127.0.0.1:*");
    let echo = echo.open().unwrap();
    let dealer = builder(SocketType::DEALER, &context).connect(&echo.bindings()[0]);
    let dealer = dealer.open().unwrap();
    let (echo_in, echo_out) = (echo.clone(), echo.clone());
    let echoes = echo_in.take(1_000).map(|message| Ok(message.unwrap()));
    let (mut receives, mut sends) = (dealer.clone(), dealer);
    let asks = async {
        for k in 0..1_000u32 {
            sends.feed(k.to_le_bytes().to_vec()).await.unwrap();
        }
        SinkExt::<Vec<u8>>::flush(&mut sends).await.unwrap();
    };
    let reads = async {
        for k in 0..1_000u32 {
            let message = receives.next().await.unwrap().unwrap();
            assert_eq!(message, [k.to_le_bytes()]);
        }
    };
    // To forward closes the sink behind the last message.
    let (forwarded, _) = block_on(zip(echoes.forward(echo_out), zip(asks, reads)));
    forwarded.unwrap();
    assert!(echo.at_closing());
    shut_down(&context);
}

#[test]
fn d8_bytes_are_not_copied_on_their_way_into_a_stream_and_out_of_it() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let pull = builder(SocketType::PULL, &context).bind("inproc://d8-bytes");
    let pull = pull.open().unwrap();
    let push = builder(SocketType::PUSH, &context).connect("inproc://d8-bytes");
    let push = push.open().unwrap();
    let shared = Bytes::from(vec![5; 100_000]);
    push.write(("header", shared.slice(1_000..90_000))).unwrap();
    let message = block_on(pull.read()).unwrap();
    let mut frames = message.into_iter();
    assert_eq!(frames.next().unwrap(), "header");
    let received = Bytes::from(frames.next().unwrap());
    assert_eq!(received.as_ptr(), shared[1_000..].as_ptr());
    assert_eq!(received, shared.slice(1_000..90_000));
    // libzmq holds a reference, and lets go of it.
    assert!(!shared.is_unique());
    drop(received);
    assert!(shared.is_unique());
    // Those of static memory, too.
    static TEXT: [u8; 5_000] = [7; 5_000];
    push.write(Bytes::from_static(&TEXT)).unwrap();
    assert_eq!(block_on(pull.read()).unwrap()[0].as_ptr(), TEXT.as_ptr());
    shut_down(&context);
}
