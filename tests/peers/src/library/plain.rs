//! libzmq itself, by the `zmq` crate: calls that block, a thread for each task.

use std::time::Duration;

use smallvec::SmallVec;
use zmq::{Message, SNDMORE, Socket};

use super::{Kind, Library, Side};

/// A message's frames, where no allocator is asked for them.
type Frames = SmallVec<[Message; 3]>;

#[derive(Clone)]
pub struct Plain(pub zmq::Context);

impl Library for Plain {
    type Socket = Socket;
    type Message = Frames;
    const BLOCKS: bool = true;

    async fn open(&self, of: Kind, side: Side, endpoint: &str) -> Socket {
        let socket = self.0.socket(of.of_libzmq()).expect("a socket");
        match side {
            Side::Bind => socket.bind(endpoint),
            Side::Connect => socket.connect(endpoint),
        }
        .expect("an endpoint");
        socket
    }

    async fn send(socket: &mut Socket, frames: &[&[u8]]) {
        for (k, frame) in frames.iter().enumerate() {
            let more = if k + 1 < frames.len() { SNDMORE } else { 0 };
            socket.send(*frame, more).expect("sent");
        }
    }

    async fn recv(socket: &mut Socket) -> Frames {
        let mut frames = Frames::new();
        loop {
            let frame = socket.recv_msg(0).expect("a frame");
            let more = frame.get_more();
            frames.push(frame);
            if !more {
                return frames;
            }
        }
    }

    async fn send_back(socket: &mut Socket, frames: Frames) {
        let count = frames.len();
        for (k, frame) in frames.into_iter().enumerate() {
            let more = if k + 1 < count { SNDMORE } else { 0 };
            socket.send(frame, more).expect("sent");
        }
    }

    async fn send_within(socket: &mut Socket, frames: &[&[u8]], patience: Duration) -> bool {
        socket
            .set_sndtimeo(patience.as_millis() as i32)
            .expect("an option");
        let sent = socket.send_multipart(frames, 0);
        socket.set_sndtimeo(-1).expect("an option");
        sent.is_ok()
    }

    async fn recv_within(socket: &mut Socket, patience: Duration) -> bool {
        socket
            .set_rcvtimeo(patience.as_millis() as i32)
            .expect("an option");
        let received = socket.recv_msg(0);
        socket.set_rcvtimeo(-1).expect("an option");
        received.is_ok()
    }

    fn payload(message: &Frames) -> &[u8] {
        message.last().expect("a frame")
    }
}
