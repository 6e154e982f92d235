//! Streams over libzmq.

use std::net::TcpStream;
use std::time::Duration;

use tidegate::{Builder, Frame, SocketType, ZmqStream};

/// Begins to open a stream of this context.
pub fn builder(kind: SocketType, context: &tidegate::Context) -> Builder {
    ZmqStream::builder(kind).context(context)
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

/// A STREAM, a raw TCP peer that is connected to it, and the identity that the stream has for the peer.
pub fn raw_peer(context: &tidegate::Context) -> (ZmqStream, TcpStream, Frame) {
    let stream = builder(SocketType::STREAM, context).bind("tcp://127.0.0.1:*");
    let stream = stream.open().expect("a free port");
    let bound = stream.bindings();
    let address = bound[0].trim_start_matches("tcp://");
    let peer = TcpStream::connect(address).expect("the stream listens");
    // libzmq tells of a new peer by a message of its identity and nothing else.
    let connected = futures_lite::future::block_on(stream.read()).expect("a peer");
    assert_eq!(connected[1..], [""]);
    let identity = connected[0].clone();
    (stream, peer, identity)
}

/// Shuts a context down, and with it everything that a test opened in it.
pub fn shut_down(context: &tidegate::Context) {
    futures_lite::future::block_on(context.shutdown(Duration::from_secs(20)))
        .expect("everything was sent");
}
