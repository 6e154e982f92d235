//! The two sides of a shared stream, as far as grants are alike on both.

use tidegate_core::{NoEvents, PushError, ReadGrant, Stream, WriteError, WriteGrant};

use crate::message::Message;
use crate::sim::Broken;

/// A shared stream of `N` bytes each way and room for four waiters.
pub type Shared<const N: usize> = Stream<N, N, 4, Broken>;
/// Room on one side of it: that of what was received, if `R`.
pub type Room<'s, const N: usize, const R: bool> = WriteGrant<'s, N, N, 4, Broken, NoEvents, R>;
/// A message on one side of it.
pub type Lent<'s, const N: usize, const R: bool> = ReadGrant<'s, N, N, 4, Broken, NoEvents, R>;

/// What both sides can.
pub trait Side<'s, const N: usize, const R: bool>: Copy {
    /// Room for a message.
    fn room(self, bytes: usize, frames: usize) -> Result<Room<'s, N, R>, PushError<()>>;
    /// Queues a whole message.
    fn put(self, frames: &[&[u8]]) -> Result<(), PushError<()>>;
    /// Lends the oldest message out.
    fn look(self) -> Option<Lent<'s, N, R>>;
    fn level(self) -> usize;

    /// Room for a message of one frame, with the frame in it.
    fn written(self, frame: impl AsRef<[u8]>) -> Room<'s, N, R> {
        let frame = frame.as_ref();
        let mut grant = self.room(frame.len(), 1).expect("there is room");
        fill(&mut grant, &[frame]);
        grant
    }

    /// Takes the oldest message out.
    fn take(self) -> Option<Message> {
        let lent = self.look()?;
        let message = lent.frames().map(<[u8]>::to_vec).collect();
        lent.release();
        Some(message)
    }
}

/// The side of what was received.
#[derive(Clone, Copy)]
pub struct Incoming<'s, const N: usize>(pub &'s Shared<N>);

/// The side of what is to be sent.
#[derive(Clone, Copy)]
pub struct Outgoing<'s, const N: usize>(pub &'s Shared<N>);

impl<'s, const N: usize> Side<'s, N, true> for Incoming<'s, N> {
    fn room(self, bytes: usize, frames: usize) -> Result<Room<'s, N, true>, PushError<()>> {
        self.0.port().reserve(bytes, frames)
    }

    fn put(self, frames: &[&[u8]]) -> Result<(), PushError<()>> {
        self.0.port().feed(frames).map_err(|error| match error {
            PushError::NoFrames(_) => PushError::NoFrames(()),
            PushError::Full(_) => PushError::Full(()),
            PushError::TooLarge(_) => PushError::TooLarge(()),
            PushError::Closed(_) => PushError::Closed(()),
        })
    }

    fn look(self) -> Option<Lent<'s, N, true>> {
        self.0.reader().try_peek().ok()
    }

    fn level(self) -> usize {
        self.0.read_buffer_bytes()
    }
}

impl<'s, const N: usize> Side<'s, N, false> for Outgoing<'s, N> {
    fn room(self, bytes: usize, frames: usize) -> Result<Room<'s, N, false>, PushError<()>> {
        self.0.writer().reserve(bytes, frames).map_err(refusal)
    }

    fn put(self, frames: &[&[u8]]) -> Result<(), PushError<()>> {
        self.0.writer().write(frames).map_err(refusal)
    }

    fn look(self) -> Option<Lent<'s, N, false>> {
        self.0.port().head()
    }

    fn level(self) -> usize {
        self.0.write_buffer_bytes()
    }
}

fn refusal<M>(error: WriteError<M, Broken>) -> PushError<()> {
    match error {
        WriteError::NoFrames(_) => PushError::NoFrames(()),
        WriteError::Full(_) => PushError::Full(()),
        WriteError::TooLarge(_) => PushError::TooLarge(()),
        WriteError::Closed(_) | WriteError::Failed(..) => PushError::Closed(()),
    }
}

/// Writes these frames in place.
pub fn fill<const N: usize, const R: bool>(grant: &mut Room<'_, N, R>, frames: &[&[u8]]) {
    for frame in frames {
        let room = grant.frame(frame.len()).expect("it was reserved");
        room.copy_from_slice(frame);
    }
}
