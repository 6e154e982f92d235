//! rzmq: its own ZMTP, on tokio.

use rzmq::{Msg, MsgFlags, Socket, SocketType};

use super::{Kind, Library, Side};

#[derive(Clone)]
pub struct Rzmq(pub rzmq::Context);

impl Library for Rzmq {
    type Socket = Socket;
    type Message = Vec<Msg>;

    async fn open(&self, kind: Kind, side: Side, endpoint: &str) -> Socket {
        let socket = self.0.socket(match kind {
            Kind::Dealer => SocketType::Dealer,
            Kind::Router => SocketType::Router,
            Kind::Push => SocketType::Push,
            Kind::Pull => SocketType::Pull,
        });
        let socket = socket.expect("a socket");
        match side {
            Side::Bind => socket.bind(endpoint).await,
            Side::Connect => socket.connect(endpoint).await,
        }
        .expect("an endpoint");
        socket
    }

    async fn send(socket: &mut Socket, frames: &[&[u8]]) {
        let count = frames.len();
        let frames = frames.iter().enumerate().map(|(k, frame)| {
            let mut frame = Msg::from_vec(frame.to_vec());
            if k + 1 < count {
                frame.set_flags(MsgFlags::MORE);
            }
            frame
        });
        let mut frames: Vec<_> = frames.collect();
        match count {
            1 => socket.send(frames.remove(0)).await,
            _ => socket.send_multipart(frames).await,
        }
        .expect("sent");
    }

    async fn recv(socket: &mut Socket) -> Vec<Msg> {
        socket.recv_multipart().await.expect("a message")
    }

    async fn send_back(socket: &mut Socket, message: Vec<Msg>) {
        socket.send_multipart(message).await.expect("sent");
    }

    fn payload(message: &Vec<Msg>) -> &[u8] {
        message.last().and_then(Msg::data).unwrap_or_default()
    }
}
