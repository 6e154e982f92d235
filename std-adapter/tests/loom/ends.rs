//! The end of a stream, of a context, and of the I/O thread.

use std::time::Duration;

use loom::thread;
use tidegate::{ReadError, SocketType, ZmqStream};

use crate::support::block_on;
use crate::{models, models_with, nothing_is_left, push_pull};

#[test]
fn e3_whoever_waits_when_the_stream_closes_is_told() {
    models([Some(2), Some(1)], |context| {
        let [_push, pull] = push_pull(context);
        let [watches, waits] = [(); 2].map(|()| pull.clone());
        let watches = thread::spawn(move || tidegate::block_on(watches.read()).unwrap_err());
        let waits = thread::spawn(move || block_on(waits.read()).unwrap_err());
        pull.close();
        assert_eq!(watches.join().unwrap(), ReadError::Closed);
        assert_eq!(waits.join().unwrap(), ReadError::Closed);
    });
}

#[test]
fn e1_what_is_queued_is_sent_before_a_stream_that_closes_ends() {
    models([Some(2), Some(1)], |context| {
        let [push, pull] = push_pull(context);
        let reader = thread::spawn(move || {
            for k in 0..3 {
                let message = tidegate::block_on(pull.read()).unwrap();
                assert_eq!(message[0][..], [k]);
            }
            nothing_is_left(&pull);
        });
        (0..3).for_each(|k| push.write([k].as_slice()).unwrap());
        push.close();
        let lost = tidegate::block_on(push.closed());
        assert!(lost.is_nothing());
        reader.join().unwrap();
    });
}

#[test]
fn e4_the_io_thread_is_there_for_whoever_opens_when_it_is_about_to_end() {
    models([Some(2), Some(1)], |context| {
        let open = {
            let context = context.clone();
            move |kind| ZmqStream::builder(kind).context(&context)
        };
        let pull = open(SocketType::PULL).bind("inproc://it").open().unwrap();
        let ends = thread::spawn(move || drop(pull));
        let pull = open(SocketType::PULL);
        let pull = pull.bind("inproc://other").open().unwrap();
        let push = open(SocketType::PUSH);
        let push = push.connect("inproc://other").open().unwrap();
        push.write("x").unwrap();
        // The I/O thread watches.
        assert_eq!(block_on(pull.read()).unwrap(), "x");
        nothing_is_left(&pull);
        ends.join().unwrap();
    });
}

#[test]
fn e1_all_who_wait_for_the_end_of_a_context_are_told() {
    // Nothing is sent.
    models_with([Some(2), Some(1)], &[false], |context| {
        let pull = ZmqStream::builder(SocketType::PULL).context(context);
        let pull = pull.bind("inproc://it").open().unwrap();
        let other = context.shutdown(Duration::from_secs(5));
        let other = thread::spawn(move || block_on(other));
        let end = tidegate::block_on(context.shutdown(Duration::from_secs(5)));
        assert!(end.is_ok());
        assert!(other.join().unwrap().is_ok());
        assert!(pull.at_closing());
    });
}
