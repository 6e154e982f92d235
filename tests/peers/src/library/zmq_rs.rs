//! zmq.rs: its own ZMTP, in the caller's tasks, on tokio.

use bytes::Bytes;
use zeromq::{
    DealerSocket, PullSocket, PushSocket, RouterSocket, Socket as _, SocketRecv, SocketSend,
    ZmqMessage,
};

use super::{Kind, Library, Side};

#[derive(Clone)]
pub struct ZmqRs;

pub enum Socket {
    Dealer(DealerSocket),
    Router(RouterSocket),
    Push(PushSocket),
    Pull(PullSocket),
}

impl Library for ZmqRs {
    type Socket = Socket;
    type Message = ZmqMessage;
    const HAS_INPROC: bool = false;

    async fn open(&self, kind: Kind, side: Side, endpoint: &str) -> Socket {
        macro_rules! open {
            ($of:ident) => {{
                let mut socket = $of::new();
                match side {
                    Side::Bind => socket.bind(endpoint).await.map(drop),
                    Side::Connect => socket.connect(endpoint).await,
                }
                .expect("an endpoint");
                socket
            }};
        }
        match kind {
            Kind::Dealer => Socket::Dealer(open!(DealerSocket)),
            Kind::Router => Socket::Router(open!(RouterSocket)),
            Kind::Push => Socket::Push(open!(PushSocket)),
            Kind::Pull => Socket::Pull(open!(PullSocket)),
        }
    }

    async fn send(socket: &mut Socket, frames: &[&[u8]]) {
        let frames: Vec<_> = frames
            .iter()
            .map(|frame| Bytes::copy_from_slice(frame))
            .collect();
        Self::send_back(socket, frames.try_into().expect("frames")).await;
    }

    async fn recv(socket: &mut Socket) -> ZmqMessage {
        match socket {
            Socket::Dealer(socket) => socket.recv().await,
            Socket::Router(socket) => socket.recv().await,
            Socket::Pull(socket) => socket.recv().await,
            Socket::Push(_) => panic!("a PUSH receives nothing"),
        }
        .expect("a message")
    }

    async fn send_back(socket: &mut Socket, message: ZmqMessage) {
        match socket {
            Socket::Dealer(socket) => socket.send(message).await,
            Socket::Router(socket) => socket.send(message).await,
            Socket::Push(socket) => socket.send(message).await,
            Socket::Pull(_) => panic!("a PULL sends nothing"),
        }
        .expect("sent");
    }

    fn payload(message: &ZmqMessage) -> &[u8] {
        message.get(message.len() - 1).expect("a frame")
    }
}
