//! Streams whose sockets a task on a tokio runtime watches (contract A5, E4).

use std::time::Duration;

use futures_lite::future::block_on;
use tidegate::{Context, OpenError, SocketType, ZmqStream, options};
use tidegate_tests::{Counter, Watchdog, eventually, poll, shut_down};
use tokio::runtime::{Builder, Runtime};

/// One of each flavour.
fn runtimes() -> [Runtime; 2] {
    let multi_thread = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_io()
        .build();
    let current_thread = Builder::new_current_thread().enable_io().build();
    [multi_thread.unwrap(), current_thread.unwrap()]
}

fn open(runtime: &Runtime, context: &Context, kind: SocketType) -> tidegate::Builder {
    let builder = ZmqStream::builder(kind).context(context);
    builder.tokio(runtime.handle())
}

fn pipe(runtime: &Runtime, context: &Context) -> (ZmqStream, ZmqStream) {
    let pull = open(runtime, context, SocketType::PULL).bind("tcp://127.0.0.1:*");
    let pull = pull.open().unwrap();
    let push = open(runtime, context, SocketType::PUSH).connect(&pull.bindings()[0]);
    (pull, push.open().unwrap())
}

#[test]
fn a5_a_stream_works_on_when_its_tokio_runtime_is_gone() {
    let _watchdog = Watchdog::new(60);
    for runtime in runtimes() {
        let context = Context::new().unwrap();
        let (pull, push) = pipe(&runtime, &context);
        runtime.block_on(async {
            push.send("there").await.unwrap();
            assert_eq!(pull.read().await.unwrap(), "there");
        });
        let counter = Counter::new();
        let mut read = pull.read();
        assert!(poll(&mut read, &counter).is_pending());
        drop(runtime);
        push.write("gone").unwrap();
        eventually(|| counter.take() == 1);
        assert_eq!(block_on(read).unwrap(), "gone");
        // In the background, too.
        push.write("ahead").unwrap();
        eventually(|| pull.read_buffer_bytes() > 0);
        shut_down(&context);
    }
}

#[test]
fn a5_many_tasks_talk_over_streams_that_their_runtime_watches() {
    let _watchdog = Watchdog::new(60);
    for runtime in runtimes() {
        let context = Context::new().unwrap();
        runtime.block_on(async {
            let tasks: Vec<_> = (0..50)
                .map(|_| pipe(&runtime, &context))
                .map(|(pull, push)| {
                    let sender = runtime.spawn(async move {
                        for k in 0..100u32 {
                            push.send(k.to_le_bytes().to_vec()).await.unwrap();
                        }
                        push.flush().await.unwrap();
                    });
                    let receiver = runtime.spawn(async move {
                        for k in 0..100u32 {
                            assert_eq!(pull.read().await.unwrap(), [k.to_le_bytes()]);
                        }
                    });
                    [sender, receiver]
                })
                .collect();
            for task in tasks.into_iter().flatten() {
                task.await.unwrap();
            }
        });
        shut_down(&context);
    }
}

#[test]
fn e4_a_stream_that_has_ended_leaves_no_task_behind() {
    let _watchdog = Watchdog::new(60);
    let [runtime, _] = runtimes();
    let context = Context::new().unwrap();
    for round in 0..20 {
        let (pull, push) = pipe(&runtime, &context);
        assert_eq!(runtime.metrics().num_alive_tasks(), 2);
        match round % 3 {
            0 => drop((pull, push)),
            1 => {
                pull.abort();
                push.abort();
            }
            _ => {
                pull.close();
                push.close();
            }
        }
        eventually(|| runtime.metrics().num_alive_tasks() == 0);
    }
    shut_down(&context);
}

/// The I/O thread sends what is left.
#[test]
fn e4_a_stream_that_closes_leaves_its_runtime_before_it_has_ended() {
    let _watchdog = Watchdog::new(60);
    for runtime in runtimes() {
        let context = Context::new().unwrap();
        let push = open(&runtime, &context, SocketType::PUSH).bind("inproc://e4-tokio");
        let push = push.open().unwrap();
        push.write("queued").unwrap();
        assert_eq!(runtime.metrics().num_alive_tasks(), 1);
        push.close();
        runtime.block_on(async {
            while runtime.metrics().num_alive_tasks() > 0 {
                tokio::task::yield_now().await;
            }
        });
        let pull = ZmqStream::builder(SocketType::PULL).context(&context);
        let pull = pull.connect("inproc://e4-tokio").open().unwrap();
        assert_eq!(block_on(pull.read()).unwrap(), "queued");
        assert!(block_on(push.closed()).is_nothing());
        shut_down(&context);
    }
}

#[test]
fn e1_a_stream_that_closes_outlives_the_runtime_that_was_to_flush_it() {
    let _watchdog = Watchdog::new(60);
    for runtime in runtimes() {
        let context = Context::new().unwrap();
        let push = open(&runtime, &context, SocketType::PUSH);
        let push = push.connect("inproc://e1-tokio").open().unwrap();
        for _ in 0..3_000 {
            push.write("queued").unwrap();
        }
        assert!(push.write_buffer_bytes() > 0);
        push.close();
        drop(runtime);
        let pull = ZmqStream::builder(SocketType::PULL).context(&context);
        let pull = pull.bind("inproc://e1-tokio").open().unwrap();
        for _ in 0..3_000 {
            assert_eq!(block_on(pull.read()).unwrap(), "queued");
        }
        assert!(block_on(push.closed()).is_nothing());
        shut_down(&context);
    }
}

#[test]
fn e1_a_linger_ends_on_a_runtime_without_timers() {
    let _watchdog = Watchdog::new(60);
    let [runtime, _] = runtimes();
    let context = Context::new().unwrap();
    let linger = Some(Duration::from_millis(30));
    let push = open(&runtime, &context, SocketType::PUSH).option(options::LINGER, linger);
    let push = push.open().unwrap();
    push.write("for nobody").unwrap();
    push.close();
    assert_eq!(runtime.block_on(push.closed()).messages, 1);
    shut_down(&context);
}

#[test]
fn a4_a_runtime_without_io_is_an_error_and_leaves_nothing() {
    let _watchdog = Watchdog::new(60);
    let runtime = Builder::new_current_thread().build().unwrap();
    let context = Context::new().unwrap();
    let opened = open(&runtime, &context, SocketType::PULL).open();
    let Err(OpenError::Watch(error)) = opened else {
        panic!("{opened:?}");
    };
    assert_eq!(
        error.to_string(),
        "the tokio runtime's I/O driver is not enabled"
    );
    shut_down(&context);
    // A socket comes back as it was: neither bound nor subscribed.
    let callers = zmq::Context::new();
    let socket = callers.socket(zmq::SUB).unwrap();
    let builder = ZmqStream::builder(SocketType::SUB).tokio(runtime.handle());
    let builder = builder.bind("inproc://sub").subscribe("x");
    let socket = builder.adopt(socket).unwrap_err().into_socket();
    let other = callers.socket(zmq::XPUB).unwrap();
    other.bind("inproc://sub").unwrap();
    socket.connect("inproc://sub").unwrap();
    socket.set_subscribe(b"y").unwrap();
    assert_eq!(other.recv_bytes(0).unwrap(), b"\x01y");
    assert_eq!(other.recv_bytes(zmq::DONTWAIT), Err(zmq::Error::EAGAIN));
}

#[test]
fn e1_a_shutdown_needs_no_runtime_that_runs_and_no_end_that_the_clock_can_name() {
    let _watchdog = Watchdog::new(60);
    let [_, idle] = runtimes();
    let context = Context::new().unwrap();
    let pull = ZmqStream::builder(SocketType::PULL).context(&context);
    let pull = pull.option(options::RECEIVE_HWM, 1).bind("inproc://idle");
    let pull = pull.open().unwrap();
    let push = open(&idle, &context, SocketType::PUSH).option(options::SEND_HWM, 1);
    let push = push.connect("inproc://idle").open().unwrap();
    for _ in 0..2_000 {
        push.write(vec![0; 1_000]).unwrap();
    }
    assert!(push.write_buffer_bytes() > 0);
    push.close();
    // Nobody blocks on its runtime.
    for _ in 0..2_000 {
        block_on(pull.read()).unwrap();
    }
    assert!(block_on(push.closed()).is_nothing());
    block_on(context.shutdown(Duration::MAX)).unwrap();
}

#[test]
fn d2_a_thread_of_a_runtime_that_blocks_on_sending_is_not_left_to_the_runtime() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()
        .unwrap();
    let open = |kind| {
        let builder = ZmqStream::builder(kind).context(&context);
        builder
            .option(options::SEND_HWM, 0)
            .option(options::RECEIVE_HWM, 0)
    };
    let pull = open(SocketType::PULL).bind("inproc://d2").open().unwrap();
    let push = open(SocketType::PUSH)
        .connect("inproc://d2")
        .open()
        .unwrap();
    // A stream of the runtime, so that how it wakes its tasks is known.
    let of_runtime = open(SocketType::PULL).tokio(runtime.handle()).open();
    runtime.block_on(async {
        tokio::task::yield_now().await;
        for _ in 0..1_000 {
            push.blocking().send(vec![7; 1_024], None).unwrap();
        }
        for _ in 0..1_000 {
            pull.blocking().read(None).unwrap();
        }
    });
    drop((pull, push, of_runtime));
    shut_down(&context);
}
