//! tidegate: on the process's I/O thread, under its own `block_on`, or as tasks of a tokio runtime.

use tidegate::{Context, Multipart, ZmqStream};
use tokio::runtime::Handle;

use super::{Kind, Library, Side};

#[derive(Clone)]
pub struct Tidegate {
    pub context: Context,
    pub tokio: Option<Handle>,
}

impl Library for Tidegate {
    type Socket = ZmqStream;
    type Message = Multipart;

    async fn open(&self, of: Kind, side: Side, endpoint: &str) -> ZmqStream {
        let builder = ZmqStream::builder(of.of_libzmq()).context(&self.context);
        let builder = match &self.tokio {
            Some(handle) => builder.tokio(handle),
            None => builder,
        };
        let builder = match side {
            Side::Bind => builder.bind(endpoint),
            Side::Connect => builder.connect(endpoint),
        };
        builder.open().expect("a stream")
    }

    async fn send(socket: &mut ZmqStream, frames: &[&[u8]]) {
        socket.send(frames).await.expect("sent");
    }

    async fn recv(socket: &mut ZmqStream) -> Multipart {
        socket.read().await.expect("a message")
    }

    async fn send_back(socket: &mut ZmqStream, message: Multipart) {
        socket.send(message).await.expect("sent");
    }

    fn payload(message: &Multipart) -> &[u8] {
        message.last().expect("a frame")
    }
}
