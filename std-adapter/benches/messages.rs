//! How long a message takes, for a person to look at: tidegate beside libzmq's own calls, in one thread over inproc.

#![allow(clippy::expect_used, reason = "what fails here ends the benchmark")]

use divan::Bencher;
use tidegate::{Context, SocketType, ZmqStream};

const LENGTHS: [usize; 4] = [16, 200, 1_024, 16 * 1_024];

fn main() {
    divan::main();
}

#[divan::bench(args = LENGTHS)]
fn plain(bencher: Bencher<'_, '_>, len: usize) {
    let context = zmq::Context::new();
    let pull = context.socket(zmq::PULL).expect("a socket");
    pull.bind("inproc://plain").expect("bound");
    let push = context.socket(zmq::PUSH).expect("a socket");
    push.connect("inproc://plain").expect("connected");
    let bytes = vec![7; len];
    bencher.bench_local(|| {
        push.send(&bytes, 0).expect("sent");
        pull.recv_msg(0).expect("a message")
    });
}

#[divan::bench(args = LENGTHS)]
fn tidegate(bencher: Bencher<'_, '_>, len: usize) {
    let context = Context::new().expect("a context");
    let open = |kind| ZmqStream::builder(kind).context(&context);
    let pull = open(SocketType::PULL).bind("inproc://tidegate").open();
    let pull = pull.expect("a stream");
    let push = open(SocketType::PUSH).connect("inproc://tidegate").open();
    let push = push.expect("a stream");
    let bytes = vec![7; len];
    bencher.bench_local(|| {
        push.write(&*bytes).expect("sent");
        pull.try_read().expect("a message")
    });
}
