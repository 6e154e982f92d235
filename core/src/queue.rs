//! The storages of a stream: packed bytes on a device, owned handles on a host, behind one small trait.

use core::fmt;

use crate::cell::ByteCell;
use crate::cursor::{Cursor, NoRegion};
use crate::error::PushError;
use crate::message::{FRAME_CHARGE, Frames, framed_len, put_frame};
use crate::watermark::Watermarks;

/// A queue of whole messages that knows its level.
///
/// The level is what the queued messages are charged: their payload and a constant for each frame. The same calls give
/// the same results on every storage that charges alike and accepts them; a refusal changes nothing.
pub trait Queue {
    /// The marks that a gate over this storage begins with.
    const LIMITS: Watermarks;
    /// A message as it is put in.
    type Push<'a>;
    /// A message as it is taken out.
    type Pop<'a>;

    /// Puts a message at the end.
    ///
    /// # Errors
    /// The message comes back, and nothing has changed.
    fn push<'m>(&mut self, message: Self::Push<'m>) -> Result<(), PushError<Self::Push<'m>>>;

    /// Takes the oldest message out and shows it to `f`. `None` if there is none.
    fn pop_with<R>(&mut self, f: impl FnOnce(Self::Pop<'_>) -> R) -> Option<R>;

    /// What the queued messages are charged, in bytes.
    fn level_bytes(&self) -> usize;

    /// How many messages are queued.
    fn len(&self) -> usize;

    /// Whether no message is queued.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Drops every message.
    fn clear(&mut self);
}

/// Messages packed into one ring of `N` bytes.
///
/// Each frame costs its payload and a header of 2 bytes (4 from 16,384 bytes of payload on), and comes out as one
/// `&[u8]`. A message does not wrap: at the end of the ring the bytes that it does not fit into stay unused until the
/// reader has passed them. So these are the bounds:
/// - an **empty** buffer takes every message whose frames and headers together have at most `N` bytes, for an empty
///   ring restarts at its beginning;
/// - a buffer that holds something takes a message of at most [`largest_free_bytes`](Self::largest_free_bytes);
/// - what is over `N` is [`TooLarge`](PushError::TooLarge), always; everything else that is refused is
///   [`Full`](PushError::Full) and fits later.
///
/// Memory: `N` bytes and five words.
///
/// ```
/// use tidegate_core::{MessageBuffer, PushError, Queue};
///
/// let mut buffer = MessageBuffer::<16>::new();
/// buffer.push(&[b"one", b""]).unwrap();
/// assert_eq!(buffer.level_bytes(), 3 + 2 + 2);
///
/// let message: &[&[u8]] = &[b"ten bytes."];
/// assert_eq!(buffer.push(message), Err(PushError::Full(message)));
/// let message: &[&[u8]] = &[b"fifteen bytes.."];
/// assert_eq!(buffer.push(message), Err(PushError::TooLarge(message)));
///
/// buffer.pop_with(|frames| assert!(frames.eq([&b"one"[..], b""])));
/// assert!(buffer.is_empty());
/// ```
pub struct MessageBuffer<const N: usize> {
    cursor: Cursor<N>,
    level: usize,
    len: usize,
    bytes: ByteCell<N>,
}

impl<const N: usize> MessageBuffer<N> {
    /// An empty buffer, all zeros.
    pub const fn new() -> Self {
        Self {
            cursor: Cursor::new(),
            level: 0,
            len: 0,
            bytes: ByteCell::new(),
        }
    }

    /// The ring's size in bytes, `N`.
    pub const fn capacity_bytes(&self) -> usize {
        N
    }

    /// How many bytes, headers included, the longest message may have that fits now.
    pub const fn largest_free_bytes(&self) -> usize {
        self.cursor.largest_free()
    }

    /// The oldest message, where it lies.
    pub fn peek_with<R>(&self, f: impl FnOnce(Frames<'_>) -> R) -> Option<R> {
        let region = self.cursor.peek()?;
        let (frames, _) = Frames::first(self.bytes.read(&region))?;
        Some(f(frames))
    }

    /// Puts a message at the end: its frames, at least one, each of any length.
    ///
    /// # Errors
    /// See [`PushError`]; the message comes back, and nothing has changed.
    pub fn push<'a>(&mut self, message: &'a [&'a [u8]]) -> Result<(), PushError<&'a [&'a [u8]]>> {
        <Self as Queue>::push(self, message)
    }

    /// Takes the oldest message out and shows it to `f`. `None` if there is none.
    pub fn pop_with<R>(&mut self, f: impl FnOnce(Frames<'_>) -> R) -> Option<R> {
        <Self as Queue>::pop_with(self, f)
    }
}

impl<const N: usize> Queue for MessageBuffer<N> {
    const LIMITS: Watermarks = Watermarks::of_capacity(N);
    type Push<'a> = &'a [&'a [u8]];
    type Pop<'a> = Frames<'a>;

    fn push<'m>(&mut self, message: Self::Push<'m>) -> Result<(), PushError<Self::Push<'m>>> {
        let Some((last, before)) = message.split_last() else {
            return Err(PushError::NoFrames(message));
        };
        let mut packed = 0usize;
        let mut payload = 0usize;
        for frame in message {
            let framed = framed_len(frame.len()).and_then(|len| packed.checked_add(len));
            let Some(sum) = framed else {
                return Err(PushError::TooLarge(message));
            };
            packed = sum;
            payload = payload.saturating_add(frame.len());
        }
        let mut region = match self.cursor.reserve(packed) {
            Ok(region) => region,
            Err(NoRegion::Full) => return Err(PushError::Full(message)),
            Err(NoRegion::TooLarge) => return Err(PushError::TooLarge(message)),
        };
        let mut rest = self.bytes.write(&mut region);
        for frame in before {
            rest = put_frame(rest, frame, true);
        }
        put_frame(rest, last, false);
        let charge = payload.saturating_add(message.len().saturating_mul(FRAME_CHARGE));
        self.level = self.level.saturating_add(charge);
        self.len = self.len.saturating_add(1);
        Ok(())
    }

    fn pop_with<R>(&mut self, f: impl FnOnce(Frames<'_>) -> R) -> Option<R> {
        let region = self.cursor.peek()?;
        let (frames, len) = Frames::first(self.bytes.read(&region))?;
        let charge = frames.charge_bytes();
        let result = f(frames);
        self.cursor.release(region, len);
        self.level = self.level.saturating_sub(charge);
        self.len = self.len.saturating_sub(1);
        Some(result)
    }

    fn level_bytes(&self) -> usize {
        self.level
    }

    fn len(&self) -> usize {
        self.len
    }

    fn clear(&mut self) {
        self.cursor.clear();
        self.level = 0;
        self.len = 0;
    }
}

impl<const N: usize> Default for MessageBuffer<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize> fmt::Debug for MessageBuffer<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessageBuffer")
            .field("capacity_bytes", &N)
            .field("level_bytes", &self.level)
            .field("len", &self.len)
            .finish()
    }
}
