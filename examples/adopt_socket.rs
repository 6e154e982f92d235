//! A program that has a `zmq::Socket` already, and goes on with a stream: bit by bit from the `zmq` crate to tidegate.
//!
//! ```sh
//! cargo run --example adopt_socket
//! ```

use std::error::Error;
use std::time::Duration;

use futures_lite::future::block_on;
use tidegate::{Context, EventMask, SocketType, ZmqStream, zmq};

fn main() -> Result<(), Box<dyn Error>> {
    // As it was: a context, a socket with options of its own, and a message that came before anybody thought of streams.
    let context = zmq::Context::new();
    let socket = context.socket(SocketType::PULL)?;
    socket.set_rcvhwm(50)?;
    socket.bind("inproc://old")?;
    let peer = context.socket(SocketType::PUSH)?;
    peer.connect("inproc://old")?;
    peer.send("before", 0)?;

    // Another type is refused, and the socket comes back whole.
    let Err(refused) = ZmqStream::builder(SocketType::DEALER).adopt(socket) else {
        return Err("a PULL is no DEALER".into());
    };
    println!("{refused}");

    // The context is what a stream needs to be monitored and shut down.
    let shared = Context::from(context);
    let stream = ZmqStream::builder(SocketType::PULL)
        .context(&shared)
        .high_read(4096)
        .adopt(refused.into_socket())?;
    println!("{:?}", block_on(stream.read())?);

    // The old side need not know of it.
    peer.send_multipart(["after", "with two frames"], 0)?;
    println!("{:?}", block_on(stream.read())?);

    stream.enable_monitor(EventMask::LISTENING)?;
    let endpoint = stream.bind("tcp://127.0.0.1:*")?;
    let event = block_on(stream.read_event())?;
    println!("bound besides, and seen: {}", event.endpoint == endpoint);

    // What has no call here: the socket itself, for as long as the closure runs.
    let mark = stream.with_socket(|socket| socket.get_rcvhwm())??;
    println!("libzmq's own mark is still {mark}");

    // libzmq ends with the last socket of the context, and this one is the program's own.
    drop(peer);
    block_on(shared.shutdown(Duration::from_secs(5)))?;
    println!("ended");
    Ok(())
}
