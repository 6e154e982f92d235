//! A process that forks while it has streams (contract E6), without an executor of others,
//! which need not outlive that.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Poll;
use std::time::Duration;

use fork::Fork;
use futures_lite::future::block_on;
use tidegate::{
    Authenticator, Context, DrainError, EndpointError, Errno, EventMask, MonitorError, OpenError,
    OptionError, ReadError, ReadEventError, RequestError, Requester, ShutdownError, SocketType,
    SubscribeError, TryReadError, WriteError, ZmqStream, options,
};
use tidegate_tests::{Counter, Watchdog, alone, eventually, poll, woken_by_another_thread};

/// Runs this in a forked child; says whether it came to its end.
fn succeeds_in_child(child: impl FnOnce()) -> bool {
    succeeds_in_child_while(child, || ())
}

/// The same, while this runs in the thread that has forked.
fn succeeds_in_child_while(child: impl FnOnce(), parent: impl FnOnce()) -> bool {
    match fork::fork().expect("memory") {
        Fork::Child => {
            // The test goes on in the parent alone, and so does its watchdog.
            let _watchdog = Watchdog::new(30);
            let ended = catch_unwind(AssertUnwindSafe(child));
            std::process::exit(i32::from(ended.is_err()));
        }
        Fork::Parent(child) => {
            parent();
            let status = fork::waitpid(child).expect("a child of this process");
            status == 0
        }
    }
}

/// Every call on a stream of the parent.
fn says_forked(stream: &ZmqStream) {
    let forked = Errno::FORKED;
    let Err(WriteError::Failed(message, errno)) = stream.write(("from", "child")) else {
        panic!("it is the parent's");
    };
    assert_eq!((*message, errno), (("from", "child").into(), forked));
    assert_eq!(
        errno.to_string(),
        "the process was forked, and this is its parent's"
    );
    block_on(async {
        assert_eq!(stream.read().await, Err(ReadError::Failed(forked)));
        assert_eq!(stream.drain().await, Err(DrainError::Failed(forked)));
        assert_eq!(stream.flush().await, Err(DrainError::Failed(forked)));
        let send = stream.send("from child").await;
        assert!(matches!(send, Err(WriteError::Failed(_, errno)) if errno == forked));
        let event = stream.read_event().await;
        assert_eq!(event, Err(ReadEventError::Failed(forked)));
        assert!(stream.closed().await.is_nothing());
        let shutdown = stream.shutdown(Duration::from_secs(1)).await;
        assert!(matches!(shutdown, Err(ShutdownError::Forked)));
    });
    let failed = ReadError::Failed(forked);
    assert_eq!(stream.try_read(), Err(TryReadError::Read(failed)));
    let failed = EndpointError::Failed(forked);
    assert_eq!(stream.bind("tcp://127.0.0.1:*"), Err(failed.clone()));
    assert_eq!(stream.connect("tcp://127.0.0.1:1"), Err(failed));
    assert!(matches!(
        stream.set_option(options::SEND_HWM, 1),
        Err(OptionError::Failed { source, .. }) if source == forked
    ));
    assert!(matches!(
        stream.enable_monitor(EventMask::ALL),
        Err(MonitorError::Failed(errno)) if errno == forked
    ));
    stream.disable_monitor().unwrap();
    assert_eq!(stream.exception(), Some(forked));
    assert!(stream.bindings().is_empty());
    assert_eq!(stream.stats().sent_messages, 0);
    assert!(format!("{stream:?}").contains("forked"));
    stream.close();
    stream.abort();
}

#[test]
fn e6_a_child_that_waits_for_an_end_which_its_parent_has_begun_is_told_that_it_forked() {
    alone(|| {
        let _watchdog = Watchdog::new(60);
        let context = Context::new().unwrap();
        let push = ZmqStream::builder(SocketType::PUSH).context(&context);
        let push = push.connect("tcp://127.0.0.1:1").open().unwrap();
        push.write("for nobody").unwrap();
        let mut ends = context.shutdown(Duration::from_millis(300));
        let counter = Counter::new();
        assert!(poll(&mut ends, &counter).is_pending());
        let told = succeeds_in_child(|| {
            assert!(matches!(
                poll(&mut ends, &counter),
                Poll::Ready(Err(ShutdownError::Forked))
            ));
        });
        assert!(told, "the child says why");
        assert!(matches!(
            block_on(ends),
            Err(ShutdownError::TimedOut(_) | ShutdownError::Lost(_))
        ));
    });
}

#[test]
fn e6_in_a_forked_child_every_call_says_forked_and_the_parents_streams_go_on() {
    alone(|| {
        let _watchdog = Watchdog::new(60);
        let context = Context::new().unwrap();
        let dealer = || ZmqStream::builder(SocketType::DEALER).context(&context);
        let pull = dealer().bind("tcp://127.0.0.1:*").open().unwrap();
        let push = dealer().connect(&pull.bindings()[0]).open().unwrap();
        let shared = ZmqStream::builder(SocketType::SUB).open().unwrap();
        pull.enable_monitor(EventMask::ALL).unwrap();
        push.write("before").unwrap();
        assert_eq!(block_on(pull.read()).unwrap(), "before");
        let counter = Counter::new();
        let mut read = pull.read();
        assert!(poll(&mut read, &counter).is_pending());

        let requester = |context: &Context, timeout| {
            let builder = ZmqStream::builder(SocketType::REQ).context(context);
            let requester = Requester::open(builder).unwrap();
            requester.timeout(timeout).attempts(2)
        };
        // It keeps the time in the parent's I/O thread.
        let mut asks = requester(&context, Duration::from_secs(3_600));
        let mut asked = Box::pin(asks.request("question"));
        assert!(poll(&mut asked, &counter).is_pending());

        let authenticator = Authenticator::start(&context).unwrap();
        authenticator.deny([std::net::Ipv4Addr::LOCALHOST]);

        // Locked by this thread, as other threads may have anything locked when a process forks.
        let in_child = succeeds_in_child(|| {
            for stream in [&pull, &push] {
                says_forked(stream);
            }
            // The rules are the parent's, and so is their lock.
            assert!(format!("{authenticator:?}").contains("denied: {}"));
            authenticator.allow([std::net::Ipv4Addr::LOCALHOST]);
            let failed = SubscribeError::Failed(Errno::FORKED);
            assert_eq!(shared.subscribe("x"), Err(failed));
            let failed = ReadError::Failed(Errno::FORKED);
            assert_eq!(block_on(shared.read()), Err(failed));
            assert!(matches!(
                ZmqStream::builder(SocketType::PULL)
                    .context(&context)
                    .open(),
                Err(OpenError::Forked)
            ));
            // A socket of the child's own, which is said to be of the parent's context.
            let socket = zmq::Context::new().socket(SocketType::PULL).unwrap();
            let adopted = ZmqStream::builder(SocketType::PULL).context(&context);
            let adopted = adopted.adopt(socket).unwrap();
            assert!(matches!(
                adopted.enable_monitor(EventMask::ALL),
                Err(MonitorError::Failed(Errno::FORKED))
            ));
            assert!(poll(&mut read, &counter).is_ready());
            let failed = ReadError::Failed(Errno::FORKED);
            assert!(matches!(
                poll(&mut asked, &counter),
                Poll::Ready(Err(RequestError::Read { source, .. })) if source == failed
            ));
            drop(asked);
            drop((pull.clone(), push.clone()));

            // It may have streams of its own.
            let own = Context::new().unwrap();
            for context in [own, Context::shared().unwrap()] {
                let dealer = || ZmqStream::builder(SocketType::DEALER).context(&context);
                let pull = dealer().bind("inproc://child").open().unwrap();
                let push = dealer().connect("inproc://child").open().unwrap();
                push.write("in the child").unwrap();
                eventually(|| pull.read_buffer_bytes() > 0);
                assert_eq!(block_on(pull.read()).unwrap(), "in the child");
                let mut asks = requester(&context, Duration::from_millis(5));
                let timed_out = block_on(asks.request("question"));
                assert!(matches!(timed_out, Err(RequestError::TimedOut { .. })));
                block_on(context.shutdown(Duration::from_secs(20))).unwrap();
            }
        });
        assert!(in_child, "the child says why");

        // Both wait by a `block_on` of ours that this thread has used before, and neither takes the other's wakes.
        let waits = || {
            for _ in 0..2_000 {
                tidegate::block_on(woken_by_another_thread());
            }
        };
        waits();
        assert!(succeeds_in_child_while(waits, waits));

        // A child that ends with the parent's streams in its hands.
        let (pull_too, push_too) = (pull.clone(), push.clone());
        assert!(succeeds_in_child(move || drop((
            pull_too, push_too, shared, asks
        ))));

        assert_eq!(counter.take(), 0);
        push.write("after").unwrap();
        eventually(|| counter.take() == 1);
        assert_eq!(block_on(read).unwrap(), "after");
        pull.bind("tcp://127.0.0.1:*").unwrap();
        block_on(context.shutdown(Duration::from_secs(20))).unwrap();
    });
}
