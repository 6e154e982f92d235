//! async-zmq, on any executor; its reactor is a thread of its own.

use std::vec::IntoIter;

use async_zmq::{Dealer, Message, Multipart, Pull, Push, Router, SinkExt, StreamExt};

use super::{Kind, Library, Side};

#[derive(Clone)]
pub struct AsyncZmq(pub async_zmq::Context);

type Frames = IntoIter<Message>;

pub enum Socket {
    Dealer(Dealer<Frames, Message>),
    Router(Router<Frames, Message>),
    Push(Push<Frames, Message>),
    Pull(Pull),
}

impl Library for AsyncZmq {
    type Socket = Socket;
    type Message = Multipart;

    async fn open(&self, kind: Kind, side: Side, endpoint: &str) -> Socket {
        macro_rules! open {
            ($of:ident) => {{
                let builder = async_zmq::$of(endpoint).expect("an endpoint");
                let builder = builder.with_context(&self.0);
                match side {
                    Side::Bind => builder.bind(),
                    Side::Connect => builder.connect(),
                }
                .expect("a socket")
            }};
        }
        match kind {
            Kind::Dealer => Socket::Dealer(open!(dealer)),
            Kind::Router => Socket::Router(open!(router)),
            Kind::Push => Socket::Push(open!(push)),
            Kind::Pull => Socket::Pull(open!(pull)),
        }
    }

    async fn send(socket: &mut Socket, frames: &[&[u8]]) {
        let frames = frames.iter().map(|frame| Message::from(*frame));
        Self::send_back(socket, frames.collect()).await;
    }

    async fn recv(socket: &mut Socket) -> Multipart {
        match socket {
            Socket::Dealer(socket) => socket.next().await,
            Socket::Router(socket) => socket.next().await,
            Socket::Pull(socket) => socket.next().await,
            Socket::Push(_) => None,
        }
        .expect("a stream")
        .expect("a message")
    }

    async fn send_back(socket: &mut Socket, message: Multipart) {
        match socket {
            Socket::Dealer(socket) => socket.send(message.into()).await.expect("sent"),
            Socket::Router(socket) => socket.send(message.into()).await.expect("sent"),
            Socket::Push(socket) => socket.send(message.into()).await.expect("sent"),
            Socket::Pull(_) => panic!("a PULL sends nothing"),
        }
    }

    fn payload(message: &Multipart) -> &[u8] {
        message.last().expect("a frame")
    }
}
