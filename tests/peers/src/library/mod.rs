//! The libraries, each used as its own documentation shows.

use std::future::Future;
use std::time::Duration;

use async_io::Timer;
use futures_lite::future::or;

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

impl Kind {
    /// For those that stand on libzmq and take its types.
    pub fn of_libzmq(self) -> zmq::SocketType {
        match self {
            Self::Dealer => zmq::DEALER,
            Self::Router => zmq::ROUTER,
            Self::Push => zmq::PUSH,
            Self::Pull => zmq::PULL,
        }
    }
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
    /// Whether its calls block the thread.
    const BLOCKS: bool = false;
    const HAS_INPROC: bool = true;

    fn open(
        &self,
        kind: Kind,
        side: Side,
        endpoint: &str,
    ) -> impl Future<Output = Self::Socket> + Send;

    /// Makes a message of these bytes and sends it; held back by the library's own flow control.
    fn send(socket: &mut Self::Socket, frames: &[&[u8]]) -> impl Future<Output = ()> + Send;

    fn recv(socket: &mut Self::Socket) -> impl Future<Output = Self::Message> + Send;

    /// Sends a message that was received.
    fn send_back(
        socket: &mut Self::Socket,
        message: Self::Message,
    ) -> impl Future<Output = ()> + Send;

    /// [`send`](Self::send), unless that takes too long.
    fn send_within(
        socket: &mut Self::Socket,
        frames: &[&[u8]],
        patience: Duration,
    ) -> impl Future<Output = bool> + Send {
        within(patience, Self::send(socket, frames))
    }

    /// [`recv`](Self::recv), unless that takes too long.
    fn recv_within(
        socket: &mut Self::Socket,
        patience: Duration,
    ) -> impl Future<Output = bool> + Send {
        within(patience, async { drop(Self::recv(socket).await) })
    }

    /// The last frame.
    fn payload(message: &Self::Message) -> &[u8];
}

async fn within(patience: Duration, work: impl Future<Output = ()> + Send) -> bool {
    let done = async {
        work.await;
        true
    };
    let over = async {
        Timer::after(patience).await;
        false
    };
    or(done, over).await
}
