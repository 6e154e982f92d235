//! Streams over libzmq.

use std::net::{Ipv4Addr, SocketAddrV4, TcpStream};
use std::time::Duration;

use rustix::net::AddressFamily;

use crate::runtime::{block_on, watched};
use tidegate::{Builder, Frame, SocketType, ZmqStream, options};

/// Begins to open a stream of this context.
pub fn builder(kind: SocketType, context: &tidegate::Context) -> Builder {
    watched(ZmqStream::builder(kind).context(context))
}

/// A PULL on tcp, and a PUSH that is connected to it.
pub fn pipe(
    context: &tidegate::Context,
    change: impl Fn(Builder) -> Builder,
) -> (ZmqStream, ZmqStream) {
    let pull = change(builder(SocketType::PULL, context)).bind("tcp://127.0.0.1:*");
    let pull = pull.open().expect("a free port");
    let push = change(builder(SocketType::PUSH, context)).connect(&pull.bindings()[0]);
    (pull, push.open().expect("an endpoint that is bound"))
}

/// A PULL on an inproc endpoint, and a PUSH that is connected to it. The I/O thread watches both, on every executor.
pub fn io_thread_pipe(context: &tidegate::Context, endpoint: &str) -> (ZmqStream, ZmqStream) {
    let of = |kind| ZmqStream::builder(kind).context(context);
    let pull = of(SocketType::PULL).bind(endpoint).open();
    let push = of(SocketType::PUSH).connect(endpoint).open();
    (
        pull.expect("a free name"),
        push.expect("an endpoint that is bound"),
    )
}

/// A STREAM, a raw TCP peer that is connected to it, and the identity that the stream has for the peer.
pub fn raw_peer(context: &tidegate::Context) -> (ZmqStream, TcpStream, Frame) {
    let stream = builder(SocketType::STREAM, context).bind("tcp://127.0.0.1:*");
    let stream = stream.open().expect("a free port");
    let bound = stream.bindings();
    let address = bound[0].trim_start_matches("tcp://");
    let peer = TcpStream::connect(address).expect("the stream listens");
    // libzmq tells of a new peer by a message of its identity and nothing else.
    let connected = block_on(stream.read()).expect("a peer");
    assert_eq!(connected[1..], [""]);
    let identity = connected[0].clone();
    (stream, peer, identity)
}

/// A context of the callers', who destroy it, and the same for streams.
#[inline(never)]
pub fn callers_context() -> (zmq::Context, tidegate::Context) {
    let callers = zmq::Context::new();
    // `destroy` frees the context, and the drop of the last clone would free it once more.
    std::mem::forget(callers.clone());
    let context = tidegate::Context::from(callers.clone());
    (callers, context)
}

/// An endpoint where nobody listens, and nobody will: its port stays taken for as long as the process runs.
pub fn nobody() -> String {
    let taken = rustix::net::socket(AddressFamily::INET, rustix::net::SocketType::STREAM, None);
    let taken = taken.expect("a descriptor");
    rustix::net::bind(&taken, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let address = rustix::net::getsockname(&taken).expect("it is bound");
    let address = SocketAddrV4::try_from(address).expect("what it was bound to");
    std::mem::forget(taken);
    format!("tcp://{address}")
}

/// A ROUTER that says when a peer is unknown, and holds messages back for one that takes no more; it holds few.
pub fn mandatory_router(context: &tidegate::Context) -> ZmqStream {
    let router = builder(SocketType::ROUTER, context)
        .option(options::ROUTER_MANDATORY, true)
        .option(options::SEND_HWM, 2);
    router
        .bind("inproc://mandatory")
        .open()
        .expect("a stream that is open")
}

/// A DEALER of this name that says hello, so that the ROUTER knows it, and takes nothing ahead.
pub fn dealer(context: &tidegate::Context, router: &ZmqStream, name: &str) -> ZmqStream {
    let dealer = builder(SocketType::DEALER, context)
        .option(options::ROUTING_ID, name.into())
        .option(options::RECEIVE_HWM, 2)
        .read_ahead(false);
    let dealer = dealer
        .connect("inproc://mandatory")
        .open()
        .expect("a free name");
    dealer.write("hello").expect("a stream that is open");
    assert_eq!(
        block_on(router.read()).expect("a stream that is open"),
        [name, "hello"]
    );
    dealer
}

/// Writes numbered messages to this peer until some are queued; returns how many.
pub fn fill_up(router: &ZmqStream, name: &str) -> usize {
    let mut count = 0;
    while router.write_buffer_bytes() == 0 {
        router
            .write((name, count.to_string()))
            .expect("a stream that is open");
        count += 1;
    }
    count
}

/// Shuts a context down, and with it everything that a test opened in it.
pub fn shut_down(context: &tidegate::Context) {
    block_on(context.shutdown(Duration::from_secs(20))).expect("everything was sent");
}

/// An [`io_thread_pipe`] once the I/O thread has done something: libzmq has its threads, too, and none is about to start, which would
/// fail for want of memory.
pub fn only_the_io_thread_runs(context: &tidegate::Context) -> (ZmqStream, ZmqStream) {
    let (pull, push) = io_thread_pipe(context, "inproc://runs");
    push.write("taken in").expect("a stream that is open");
    crate::eventually(|| pull.read_buffer_bytes() > 0);
    assert_eq!(pull.try_read().expect("a message"), "taken in");
    (pull, push)
}
