//! The libraries, each used as its own documentation shows.

use std::future::Future;

pub mod async_zmq;
pub mod plain;
pub mod rzmq;
pub mod tidegate;
pub mod tmq;
pub mod zmq_rs;

/// The sockets that the works need.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Dealer,
    Router,
    Push,
    Pull,
}

/// Which side of an endpoint a socket is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Bind,
    Connect,
}

/// A library for ZeroMQ. What fails panics: that is a result, too.
pub trait Library: Clone + Send + Sync + 'static {
    type Socket: Send + 'static;
    type Message: Send;

    fn open(&self, kind: Kind, side: Side, endpoint: &str) -> impl Future<Output = Self::Socket> + Send;

    /// Makes a message of these bytes and sends it; held back by the library's own flow control.
    fn send(socket: &mut Self::Socket, frames: &[&[u8]]) -> impl Future<Output = ()> + Send;

    fn recv(socket: &mut Self::Socket) -> impl Future<Output = Self::Message> + Send;

    /// Sends a message that was received.
    fn send_back(socket: &mut Self::Socket, message: Self::Message) -> impl Future<Output = ()> + Send;

    /// The last frame.
    fn payload(message: &Self::Message) -> &[u8];
}
