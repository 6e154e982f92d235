//! tidegate: the read side of the shared stream, between its driver and its reader.

use core::convert::Infallible;
use core::future::Future;
use core::mem::size_of_val;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};

use tidegate_core::{BytePort, Frames, Interest, Received, Sent, Shutdown, Stream, Transport};

use super::waiting::{VisitWaiting, Waiting};
use super::{BYTES, Contender, FramedContender, SLOT_BYTES, Visit};

/// The stream, for its read side alone.
pub type Shared = Stream<BYTES, 0, 2, Infallible>;
/// The driver's end of it.
pub type Port<'a> = BytePort<'a, BYTES, 0, 2, Infallible>;

/// The stream, the driver's end of it, and what its reader copies into.
pub struct ReadSide<'s, 'p, 'a> {
    stream: &'s Shared,
    port: &'p mut Port<'a>,
    out: [u8; SLOT_BYTES],
}

impl Contender for ReadSide<'_, '_, '_> {
    fn push(&mut self, message: &[u8]) -> bool {
        self.push_frames(&[message])
    }

    fn pop(&mut self, see: impl FnMut(&[u8])) -> bool {
        self.pop_frames(see)
    }
}

impl FramedContender for ReadSide<'_, '_, '_> {
    fn push_frames(&mut self, frames: &[&[u8]]) -> bool {
        self.port.feed(frames).is_ok()
    }

    fn pop_frames(&mut self, see: impl FnMut(&[u8])) -> bool {
        let read = self.stream.try_read(&mut self.out);
        read.map(|frames| frames.for_each(see)).is_ok()
    }
}

impl Waiting for ReadSide<'_, '_, '_> {
    fn wait(&mut self, message: &[u8], cx: &mut Context<'_>, see: impl FnMut(&[u8])) -> bool {
        let mut read = self.stream.read(&mut self.out);
        let was_pending = Pin::new(&mut read).poll(cx).is_pending();
        if self.port.feed(&[message]).is_err() {
            return false;
        }
        let Poll::Ready(Ok(frames)) = Pin::new(&mut read).poll(cx) else {
            return false;
        };
        let frames: Frames<'_> = frames;
        frames.for_each(see);
        was_pending
    }
}

/// A transport that lends its port to `f` once.
struct Lend<F> {
    lend: Option<F>,
}

impl<'a, F: FnOnce(&mut Port<'_>)> Transport<Port<'a>> for Lend<F> {
    type Error = Infallible;
    type Refused = ();

    fn poll_ready(
        &mut self,
        _cx: &mut Context<'_>,
        _want: Interest,
    ) -> Poll<Result<Interest, Infallible>> {
        Poll::Pending
    }

    fn try_recv(&mut self, port: &mut Port<'a>) -> Result<Received, Infallible> {
        if let Some(lend) = self.lend.take() {
            lend(port);
        }
        Ok(Received::Blocked)
    }

    fn try_send(&mut self, _port: &mut Port<'a>) -> Result<Sent<()>, Infallible> {
        Ok(Sent::Blocked)
    }

    fn try_flush(&mut self) -> Result<bool, Infallible> {
        Ok(true)
    }

    fn shutdown(&mut self, _how: Shutdown) {}
}

/// Lends the driver's end of the stream to `f`.
pub fn with_port(stream: &Shared, f: impl FnOnce(&mut Port<'_>)) {
    let mut lend = Lend { lend: Some(f) };
    let mut driver = stream.drive(&mut lend);
    let mut cx = Context::from_waker(Waker::noop());
    // It never ends by itself: the transport is never ready.
    let _: Poll<()> = Pin::new(&mut driver).poll(&mut cx);
}

/// Lends both ends of the stream's read side to `f`.
pub fn with_read_side(stream: &Shared, f: impl FnOnce(&mut ReadSide<'_, '_, '_>)) {
    with_port(stream, |port| {
        f(&mut ReadSide {
            stream,
            port,
            out: [0; SLOT_BYTES],
        });
    });
}

/// Shows it to the visitor.
pub fn visit(visit: &mut impl Visit) {
    let stream = Shared::new();
    with_read_side(&stream, |read_side| {
        visit.framed("tidegate Stream", size_of_val(&stream), read_side);
    });
}

/// The same, for its reader can wait.
pub fn visit_waiting(visit: &mut impl VisitWaiting) {
    with_read_side(&Shared::new(), |read_side| {
        visit.waiting("tidegate Stream", read_side);
    });
}
