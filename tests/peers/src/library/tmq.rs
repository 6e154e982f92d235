//! tmq, with a receiver of its own or `buffered`.

use futures_util::stream::BoxStream;
use futures_util::{SinkExt, StreamExt};
use tmq::Multipart;
use tmq::dealer::Dealer;
use tmq::pull::Pull;
use tmq::push::Push;
use tmq::router::Router;

use super::{Kind, Library, Side};

#[derive(Clone)]
pub struct Tmq {
    pub context: tmq::Context,
    /// How many messages a receiver buffers.
    pub buffered: Option<usize>,
}

pub enum Socket {
    Dealer(Dealer),
    Router(Router),
    Push(Push),
    Pull(Pull),
    /// Its type has no name outside the library.
    Buffered(BoxStream<'static, tmq::Result<Multipart>>),
}

impl Library for Tmq {
    type Socket = Socket;
    type Message = Multipart;

    async fn open(&self, kind: Kind, side: Side, endpoint: &str) -> Socket {
        macro_rules! open {
            ($of:ident) => {{
                let builder = tmq::$of(&self.context);
                match side {
                    Side::Bind => builder.bind(endpoint),
                    Side::Connect => builder.connect(endpoint),
                }
                .expect("a socket")
            }};
        }
        match (kind, self.buffered) {
            (Kind::Dealer, _) => Socket::Dealer(open!(dealer)),
            (Kind::Router, _) => Socket::Router(open!(router)),
            (Kind::Push, _) => Socket::Push(open!(push)),
            (Kind::Pull, None) => Socket::Pull(open!(pull)),
            (Kind::Pull, Some(capacity)) => {
                Socket::Buffered(open!(pull).buffered(capacity).boxed())
            }
        }
    }

    async fn send(socket: &mut Socket, frames: &[&[u8]]) {
        Self::send_back(socket, frames.to_vec().into()).await;
    }

    async fn recv(socket: &mut Socket) -> Multipart {
        match socket {
            Socket::Dealer(socket) => socket.next().await,
            Socket::Router(socket) => socket.next().await,
            Socket::Pull(socket) => socket.next().await,
            Socket::Buffered(socket) => socket.next().await,
            Socket::Push(_) => None,
        }
        .expect("a stream")
        .expect("a message")
    }

    async fn send_back(socket: &mut Socket, message: Multipart) {
        match socket {
            Socket::Dealer(socket) => socket.send(message).await.expect("sent"),
            Socket::Router(socket) => socket.send(message).await.expect("sent"),
            Socket::Push(socket) => socket.send(message).await.expect("sent"),
            Socket::Pull(_) | Socket::Buffered(_) => panic!("a PULL sends nothing"),
        }
    }

    fn payload(message: &Multipart) -> &[u8] {
        &message[message.len() - 1]
    }
}
