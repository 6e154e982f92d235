//! A task on a tokio runtime that watches a socket, and what becomes of it when the runtime shuts down.

use loom::thread;
use tidegate::model::tokio::Handle;
use tidegate::{Context, SocketType, ZmqStream};

use crate::support::block_on;
use crate::{models, nothing_is_left};

/// A stream that pushes, and one that pulls on a runtime.
fn push_pull(context: &Context, runtime: &Handle) -> [ZmqStream; 2] {
    let open = |kind| ZmqStream::builder(kind).context(context);
    let pull = open(SocketType::PULL).tokio(runtime).bind("inproc://it");
    let pull = pull.open().unwrap();
    let push = open(SocketType::PUSH).tokio(runtime).connect("inproc://it");
    [push.open().unwrap(), pull]
}

fn read(pull: &ZmqStream) -> u8 {
    block_on(pull.read()).unwrap()[0][0]
}

#[test]
fn a5_a_task_on_a_runtime_wakes_whoever_waits_and_ends_with_its_stream() {
    models([Some(2), Some(1)], |context| {
        let runtime = Handle::new();
        let runs = runtime.clone();
        let runs = thread::spawn(move || runs.run());
        let [push, pull] = push_pull(context, &runtime);
        let reader = thread::spawn(move || {
            for k in 0..3 {
                assert_eq!(read(&pull), k);
            }
            nothing_is_left(&pull);
        });
        // The third is queued, and the task sends it.
        (0..3).for_each(|k| push.write([k].as_slice()).unwrap());
        reader.join().unwrap();
        drop(push);
        runtime.join();
        runtime.shut_down();
        runs.join().unwrap();
    });
}

#[test]
fn a5_the_io_thread_takes_over_from_a_runtime_that_shuts_down() {
    models([Some(2), Some(1)], |context| {
        let runtime = Handle::new();
        let runs = runtime.clone();
        let runs = thread::spawn(move || runs.run());
        let [push, pull] = push_pull(context, &runtime);
        let reader = pull.clone();
        let reader = thread::spawn(move || [read(&reader), read(&reader)]);
        push.write([1].as_slice()).unwrap();
        runtime.shut_down();
        push.write([2].as_slice()).unwrap();
        assert_eq!(reader.join().unwrap(), [1, 2]);
        nothing_is_left(&pull);
        runs.join().unwrap();
    });
}

/// The second time, or the third, the runtime is kept awake for the answer.
#[test]
fn a5_whoever_asks_on_a_runtime_that_is_kept_awake_gets_the_answer() {
    models([Some(2), Some(1)], |context| {
        let runtime = Handle::new();
        let runs = runtime.clone();
        let runs = thread::spawn(move || runs.run());
        let open = |kind| ZmqStream::builder(kind).context(context).tokio(&runtime);
        let answers = open(SocketType::DEALER).bind("ipc://it").open().unwrap();
        let asks = open(SocketType::DEALER).connect("ipc://it").open().unwrap();
        let answering = thread::spawn(move || {
            for _ in 0..3 {
                let k = read(&answers);
                answers.write([k + 10].as_slice()).unwrap();
            }
        });
        for k in 0..3 {
            asks.write([k].as_slice()).unwrap();
            assert_eq!(read(&asks), k + 10);
        }
        nothing_is_left(&asks);
        answering.join().unwrap();
        drop(asks);
        runtime.join();
        runtime.shut_down();
        runs.join().unwrap();
    });
}
