//! tidegate: the read side of the shared stream, between the transport's port and its reader, both by grants.

use core::convert::Infallible;
use core::future::Future;
use core::mem::size_of_val;
use core::pin::Pin;
use core::task::{Context, Poll};

use tidegate_core::{BytePort, Stream};

use super::waiting::{VisitWaiting, Waiting};
use super::{BYTES, Contender, FramedContender, Visit};

/// The stream, for its read side alone.
pub type Shared = Stream<BYTES, 0, 2, Infallible>;
/// The transport's end of it.
pub type Port<'s> = BytePort<'s, BYTES, 0, 2, Infallible>;

/// Both ends of the stream's read side.
#[derive(Clone, Copy)]
pub struct ReadSide<'s> {
    stream: &'s Shared,
    port: Port<'s>,
}

impl<'s> ReadSide<'s> {
    /// Both ends of this stream's read side.
    pub fn new(stream: &'s Shared) -> Self {
        Self {
            stream,
            port: stream.port(),
        }
    }
}

impl Contender for ReadSide<'_> {
    fn push(&mut self, message: &[u8]) -> bool {
        self.push_frames(&[message])
    }

    fn pop(&mut self, see: impl FnMut(&[u8])) -> bool {
        self.pop_frames(see)
    }
}

impl FramedContender for ReadSide<'_> {
    fn push_frames(&mut self, frames: &[&[u8]]) -> bool {
        self.port.feed(frames).is_ok()
    }

    fn pop_frames(&mut self, see: impl FnMut(&[u8])) -> bool {
        let Ok(message) = self.stream.try_peek() else {
            return false;
        };
        message.frames().for_each(see);
        message.release();
        true
    }
}

impl Waiting for ReadSide<'_> {
    fn wait(&mut self, message: &[u8], cx: &mut Context<'_>, see: impl FnMut(&[u8])) -> bool {
        let mut peek = self.stream.peek();
        let was_pending = Pin::new(&mut peek).poll(cx).is_pending();
        if self.port.feed(&[message]).is_err() {
            return false;
        }
        let Poll::Ready(Ok(message)) = Pin::new(&mut peek).poll(cx) else {
            return false;
        };
        message.frames().for_each(see);
        message.release();
        was_pending
    }
}

/// Shows it to the visitor.
pub fn visit(visit: &mut impl Visit) {
    let stream = Shared::new();
    let ram_bytes = size_of_val(&stream);
    visit.framed("tidegate Stream", ram_bytes, &mut ReadSide::new(&stream));
}

/// The same, for its reader can wait.
pub fn visit_waiting(visit: &mut impl VisitWaiting) {
    visit.waiting("tidegate Stream", &mut ReadSide::new(&Shared::new()));
}
