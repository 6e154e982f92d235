//! The storages of a stream: packed bytes on a device, owned handles on a host, behind one small trait.

use core::fmt;

use crate::cell::ByteCell;
use crate::error::PushError;
use crate::message::{Frames, Size, put_frames, put_short, short_frame};
use crate::ring::{GapAhead, HeadRegion, ReadRegion, Ring};
use crate::watermark::Watermarks;

/// What a machine has to know of what is queued on one side.
pub trait Level {
    /// The marks that a gate over this storage begins with.
    const LIMITS: Watermarks;

    /// What the queued messages are charged, in bytes.
    fn level_bytes(&self) -> usize;

    /// How many messages are queued.
    fn len(&self) -> usize;

    /// Whether no message is queued.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the oldest message can be taken out now. One that somebody is looking at cannot, nor can what comes after
    /// one that is still being written.
    fn is_readable(&self) -> bool {
        !self.is_empty()
    }

    /// The size of the longest message that fits now, in bytes as [`packed_bytes`](crate::packed_bytes) counts them.
    fn largest_free_bytes(&self) -> usize {
        usize::MAX
    }

    /// The size of the longest message that can ever fit.
    fn capacity_bytes(&self) -> usize {
        usize::MAX
    }

    /// Drops every message, when the stream has ended.
    fn clear(&mut self);
}

/// A queue of whole messages that knows its level.
///
/// The level is what the queued messages are charged: their payload and a constant for each frame. The same calls give
/// the same results on every storage that charges alike and accepts them; a refusal changes nothing.
pub trait Queue: Level {
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
}

/// Messages packed into one ring of `N` bytes.
///
/// Each frame costs its payload and a header of 2 bytes (4 from 16,384 bytes of payload on), and comes out as one
/// `&[u8]`. A message does not wrap: at the end of the ring the bytes that it does not fit into stay unused until the
/// reader has passed them. So these are the bounds:
/// - an **empty** buffer takes every message whose frames and headers together have at most `N` bytes, for an empty
///   ring restarts at its beginning;
/// - a buffer that holds something takes a message of at most
///   [`largest_free_bytes`](Level::largest_free_bytes): the longest free stretch, less one byte where it lies before the
///   oldest message; with one short message in the middle that is about `N / 2`;
/// - what is over `N` is [`TooLarge`](PushError::TooLarge), always; everything else that is refused is
///   [`Full`](PushError::Full) and fits later.
///
/// Memory: `N` bytes, at most 2^28 - 1, and four words.
///
/// ```
/// use tidegate_core::{Level, MessageBuffer, PushError};
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
    ring: Ring<N>,
    bytes: ByteCell<N>,
}

impl<const N: usize> MessageBuffer<N> {
    /// An empty buffer, all zeros.
    pub const fn new() -> Self {
        Self {
            ring: Ring::new(),
            bytes: ByteCell::new(),
        }
    }

    /// The oldest message, where it lies.
    #[inline]
    pub fn peek_with<R>(&self, f: impl FnOnce(Frames<'_>) -> R) -> Option<R> {
        let region = self.ring.head()?.measured(&self.bytes);
        Some(f(region.frames(&self.bytes)))
    }

    /// Puts a message at the end: its frames, at least one, each of any length.
    ///
    /// # Errors
    /// See [`PushError`]; the message comes back, and nothing has changed.
    #[inline]
    pub fn push<'a>(&mut self, message: &'a [&'a [u8]]) -> Result<(), PushError<&'a [&'a [u8]]>> {
        let pushed = match short_frame(message) {
            Some(frame) => self.push_short(frame),
            None => self.push_frames(message),
        };
        pushed.map_err(|error| error.map_message(|()| message))
    }

    #[inline]
    fn push_short(&mut self, frame: &[u8]) -> Result<(), PushError<()>> {
        let size = Size::of_short(frame.len());
        let mut region = self.ring.reserve(size.packed, &self.bytes)?;
        let mark = put_short(self.bytes.body(&mut region), frame);
        self.ring.commit(region, mark, size.charge, &self.bytes);
        Ok(())
    }

    #[inline(never)]
    fn push_frames(&mut self, message: &[&[u8]]) -> Result<(), PushError<()>> {
        let (first, others) = message.split_first().ok_or(PushError::NoFrames(()))?;
        let size = Size::of(message).ok_or(PushError::TooLarge(()))?;
        let mut region = self.ring.reserve(size.packed, &self.bytes)?;
        let mark = put_frames(self.bytes.body(&mut region), first, others);
        self.ring.commit(region, mark, size.charge, &self.bytes);
        Ok(())
    }

    /// Takes the oldest message out and shows it to `f`. `None` if there is none.
    #[inline]
    pub fn pop_with<R>(&mut self, f: impl FnOnce(Frames<'_>) -> R) -> Option<R> {
        match self.ring.head()?.short(&self.bytes) {
            Ok(region) => Some(self.pop_region(region, f)),
            Err(head) => Some(self.pop_frames(head, f)),
        }
    }

    #[inline(never)]
    fn pop_frames<R>(&mut self, head: HeadRegion, f: impl FnOnce(Frames<'_>) -> R) -> R {
        let region = head.measured(&self.bytes);
        self.pop_region(region, f)
    }

    #[inline(always)]
    fn pop_region<R>(&mut self, region: ReadRegion, f: impl FnOnce(Frames<'_>) -> R) -> R {
        let result = f(region.frames(&self.bytes));
        // There is no gap to pass: of a message that is queued by one call nothing is given up.
        let GapAhead(_) = self.ring.release_head(region.done(), &self.bytes);
        result
    }
}

impl<const N: usize> Level for MessageBuffer<N> {
    const LIMITS: Watermarks = Watermarks::of_capacity(N);

    #[inline]
    fn level_bytes(&self) -> usize {
        self.ring.level_bytes()
    }

    #[inline]
    fn len(&self) -> usize {
        self.ring.len()
    }

    #[inline]
    fn largest_free_bytes(&self) -> usize {
        self.ring.largest_free()
    }

    fn capacity_bytes(&self) -> usize {
        N
    }

    fn clear(&mut self) {
        // No region is out: `self` is borrowed for as long as one is.
        self.ring = Ring::new();
    }
}

impl<const N: usize> Queue for MessageBuffer<N> {
    type Push<'a> = &'a [&'a [u8]];
    type Pop<'a> = Frames<'a>;

    #[inline]
    fn push<'m>(&mut self, message: Self::Push<'m>) -> Result<(), PushError<Self::Push<'m>>> {
        Self::push(self, message)
    }

    #[inline]
    fn pop_with<R>(&mut self, f: impl FnOnce(Frames<'_>) -> R) -> Option<R> {
        Self::pop_with(self, f)
    }
}

/// The bookkeeping of a ring whose bytes lie beside the lock.
impl<const N: usize> Level for Ring<N> {
    const LIMITS: Watermarks = Watermarks::of_capacity(N);

    #[inline]
    fn level_bytes(&self) -> usize {
        self.level_bytes()
    }

    #[inline]
    fn len(&self) -> usize {
        self.len()
    }

    #[inline]
    fn is_readable(&self) -> bool {
        self.is_readable()
    }

    #[inline]
    fn largest_free_bytes(&self) -> usize {
        self.largest_free()
    }

    fn capacity_bytes(&self) -> usize {
        N
    }

    fn clear(&mut self) {
        self.retire();
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
            .field("level_bytes", &self.level_bytes())
            .field("len", &self.len())
            .finish()
    }
}
