//! Messages that are written, and looked at, where they lie.

use core::fmt;
use core::mem;

use crate::message::{Frames, Size, header_in};
use crate::ring::{ReadRegion, WriteRegion};
use crate::shared::Stream;
use crate::span::MARK;
use crate::stream::{FixedEvents, NoEvents};

/// Room for one message that is being written in place, outside any critical section.
///
/// Made by [`Stream::reserve`] and [`Stream::wait_for_room`], to be sent (`RECEIVED` is `false`), and by
/// [`BytePort::reserve`](crate::BytePort::reserve), to be read (`true`). Any number of grants may be out; the messages go in the order in which room was reserved, so those
/// that were reserved later wait for this one. Dropping a grant gives its room up; one that is forgotten
/// (`mem::forget`) holds up what comes after it for ever, and with messages behind it a stream that closes never ends; it
/// corrupts nothing. Once the stream is no longer open a [`commit`](Self::commit) is refused, and gives the room up.
///
/// A frame of a grant of a `&'static` stream may be handed to a DMA engine: its bytes stay where they are until the grant is
/// committed or dropped. So keep the grant until the engine is done, or was stopped; give it the address of the frame, not of
/// what was reserved; let it move single bytes, for a frame begins at any address; and let the memory not be cached, for a cache
/// line of the frame has bytes of others, too.
///
/// ```
/// use core::convert::Infallible;
/// use tidegate_core::Stream;
///
/// static UART: Stream<64, 0, 1, Infallible> = Stream::new();
///
/// let mut grant = UART.port().reserve(16, 2).unwrap();
/// grant.frame(4).unwrap().copy_from_slice(b"uart");
/// grant.frame(12).unwrap()[..5].copy_from_slice(b"hello");
/// grant.truncate(5); // what came was shorter than what might have come
/// assert!(UART.try_peek().is_err());
/// grant.commit().unwrap();
///
/// let message = UART.try_peek().unwrap();
/// assert!(message.frames().eq([&b"uart"[..], b"hello"]));
/// message.release();
/// ```
pub struct WriteGrant<
    's,
    const RX: usize,
    const TX: usize,
    const W: usize,
    E: Clone,
    V: FixedEvents = NoEvents,
    const RECEIVED: bool = true,
> {
    stream: &'s Stream<RX, TX, W, E, V>,
    region: WriteRegion,
    size: Size,
    /// The first two bytes of the first header, which only a commit writes.
    mark: [u8; MARK],
    /// Where the last frame's header starts, from the start of the region.
    last: usize,
    last_len: usize,
}

/// Why a message that was written in place was not queued. Its room was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum CommitError {
    /// A message has at least one frame.
    NoFrames,
    /// The stream is no longer open.
    Closed,
}

impl fmt::Display for CommitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoFrames => "a message has at least one frame",
            Self::Closed => "the stream is closed",
        })
    }
}

impl core::error::Error for CommitError {}

impl<
    's,
    const RX: usize,
    const TX: usize,
    const W: usize,
    E: Clone,
    V: FixedEvents,
    const RECEIVED: bool,
> WriteGrant<'s, RX, TX, W, E, V, RECEIVED>
{
    #[inline]
    pub(crate) fn new(stream: &'s Stream<RX, TX, W, E, V>, region: WriteRegion) -> Self {
        Self {
            stream,
            region,
            size: Size::ZERO,
            mark: [0; MARK],
            last: 0,
            last_len: 0,
        }
    }

    /// The bytes from `offset` in the region on, which is at least [`MARK`].
    #[inline]
    fn body(&mut self, offset: usize) -> &mut [u8] {
        let body = if RECEIVED {
            self.stream.incoming_body(&mut self.region)
        } else {
            self.stream.outgoing_body(&mut self.region)
        };
        body.get_mut(offset.wrapping_sub(MARK)..)
            .unwrap_or_default()
    }

    /// Where the last frame's payload starts.
    #[inline]
    fn last_start(&self) -> usize {
        self.size.packed.wrapping_sub(self.last_len)
    }

    /// Writes the header of the last frame, as long as it was when the frame was begun.
    #[inline]
    fn put_header(&mut self, more: bool) {
        let len = self.last_start().wrapping_sub(self.last);
        let bytes = header_in(len, self.last_len, more);
        let (at, bytes) = if self.last == 0 {
            let [b0, b1, ..] = bytes;
            self.mark = [b0, b1];
            (MARK, bytes.get(MARK..len))
        } else {
            (self.last, bytes.get(..len))
        };
        let bytes = bytes.unwrap_or_default();
        if let Some(to) = self.body(at).get_mut(..bytes.len()) {
            to.copy_from_slice(bytes);
        }
    }

    /// Begins the next frame, of exactly `len` bytes, and gives the room for them, with whatever was there before. `None` if
    /// it is more than what was reserved.
    #[inline]
    pub fn frame(&mut self, len: usize) -> Option<&mut [u8]> {
        let size = self.size.and_frame(len)?;
        if size.packed > self.region.len() {
            return None;
        }
        if self.size != Size::ZERO {
            self.put_header(true);
        }
        self.last = self.size.packed;
        self.last_len = len;
        self.size = size;
        self.put_header(false);
        let start = self.last_start();
        self.body(start).get_mut(..len)
    }

    /// The bytes of the frame that was begun last, as many as were not [cut](Self::truncate): to write them one at a time, or to look at
    /// what a DMA engine has written before it is cut. `None` before there is a frame.
    ///
    /// ```
    /// use core::convert::Infallible;
    /// use tidegate_core::Stream;
    ///
    /// static UART: Stream<64, 0, 1, Infallible> = Stream::new();
    ///
    /// let mut grant = UART.port().reserve(8, 1).unwrap();
    /// grant.frame(8).unwrap();
    /// let mut come = 0;
    /// for byte in *b"tide\n" { // an interrupt each
    ///     match grant.last_frame_mut().and_then(|frame| frame.get_mut(come)) {
    ///         Some(place) if byte != b'\n' => (*place, come) = (byte, come + 1),
    ///         _ => break, // the end of the line, or of the room
    ///     }
    /// }
    /// grant.truncate(come);
    /// assert_eq!(grant.last_frame_mut().unwrap(), b"tide");
    /// grant.commit().unwrap();
    /// assert!(UART.try_peek().unwrap().frames().eq([b"tide"]));
    /// ```
    #[inline]
    pub fn last_frame_mut(&mut self) -> Option<&mut [u8]> {
        if self.size == Size::ZERO {
            return None;
        }
        let (start, len) = (self.last_start(), self.last_len);
        self.body(start).get_mut(..len)
    }

    /// How many bytes of the room the frames that were begun take, headers included.
    pub fn used_bytes(&self) -> usize {
        self.size.packed
    }

    /// Shortens the frame that was begun last to its first `len` bytes. A frame that is not longer stays as it is. One that was begun
    /// with 16,384 bytes or more keeps its header of four bytes, however short it becomes: of the room it takes two bytes more than
    /// [`packed_bytes`](crate::packed_bytes) says, here and where the message is copied out. It is charged as any other.
    pub fn truncate(&mut self, len: usize) {
        if len >= self.last_len {
            return;
        }
        let less = self.last_len.wrapping_sub(len);
        self.size.packed = self.size.packed.wrapping_sub(less);
        self.size.charge = self.size.charge.wrapping_sub(less);
        self.last_len = len;
        self.put_header(false);
    }

    /// Queues the message: the frames that were begun. What was reserved beyond them is free again.
    ///
    /// # Errors
    /// See [`CommitError`]; the room is given up.
    #[inline]
    pub fn commit(mut self) -> Result<(), CommitError> {
        if self.size == Size::ZERO {
            return Err(CommitError::NoFrames);
        }
        let (stream, region, mark, size) = (self.stream, self.region.take(), self.mark, self.size);
        // Nothing is left to give up.
        mem::forget(self);
        let committed = if RECEIVED {
            stream.commit_incoming(region, mark, size)
        } else {
            stream.commit_outgoing(region, mark, size)
        };
        committed.map_err(|()| CommitError::Closed)
    }
}

impl<
    const RX: usize,
    const TX: usize,
    const W: usize,
    E: Clone,
    V: FixedEvents,
    const RECEIVED: bool,
> Drop for WriteGrant<'_, RX, TX, W, E, V, RECEIVED>
{
    #[inline]
    fn drop(&mut self) {
        let region = self.region.take();
        if RECEIVED {
            self.stream.abandon_incoming(region);
        } else {
            self.stream.abandon_outgoing(region);
        }
    }
}

/// A message, lent out where it lies, outside any critical section.
///
/// Made by [`Stream::peek`] and [`Stream::try_peek`] (`RECEIVED` is `true`), and by [`BytePort::head`](crate::BytePort::head)
/// for what is to be sent (`false`). There is one at a time on each side. [`release`](Self::release) takes the message out;
/// dropping the grant leaves it where it is. One that is forgotten (`mem::forget`) holds up what comes after it for ever.
pub struct ReadGrant<
    's,
    const RX: usize,
    const TX: usize,
    const W: usize,
    E: Clone,
    V: FixedEvents = NoEvents,
    const RECEIVED: bool = true,
> {
    stream: &'s Stream<RX, TX, W, E, V>,
    region: ReadRegion,
}

impl<
    's,
    const RX: usize,
    const TX: usize,
    const W: usize,
    E: Clone,
    V: FixedEvents,
    const RECEIVED: bool,
> ReadGrant<'s, RX, TX, W, E, V, RECEIVED>
{
    #[inline]
    pub(crate) fn new(stream: &'s Stream<RX, TX, W, E, V>, region: ReadRegion) -> Self {
        Self { stream, region }
    }

    /// The message's frames, at least one.
    #[inline]
    pub fn frames(&self) -> Frames<'_> {
        if RECEIVED {
            self.stream.incoming_frames(&self.region)
        } else {
            self.stream.outgoing_frames(&self.region)
        }
    }

    /// Takes the message out: whoever comes next gets the next one.
    #[inline(always)]
    pub fn release(mut self) {
        let (stream, region) = (self.stream, self.region.take());
        // Nothing is left to put back.
        mem::forget(self);
        if RECEIVED {
            stream.release_incoming(region);
        } else {
            stream.release_outgoing(region, false);
            stream.wake_transport();
        }
    }
}

impl<
    const RX: usize,
    const TX: usize,
    const W: usize,
    E: Clone,
    V: FixedEvents,
    const RECEIVED: bool,
> Drop for ReadGrant<'_, RX, TX, W, E, V, RECEIVED>
{
    #[inline]
    fn drop(&mut self) {
        let region = self.region.take();
        if RECEIVED {
            self.stream.put_back_incoming(region);
        } else {
            self.stream.put_back_outgoing(region);
            self.stream.wake_transport();
        }
    }
}

impl<
    const RX: usize,
    const TX: usize,
    const W: usize,
    E: Clone,
    V: FixedEvents,
    const RECEIVED: bool,
> fmt::Debug for WriteGrant<'_, RX, TX, W, E, V, RECEIVED>
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WriteGrant")
            .field("reserved_bytes", &self.region.len())
            .field("used_bytes", &self.size.packed)
            .finish()
    }
}

impl<
    const RX: usize,
    const TX: usize,
    const W: usize,
    E: Clone,
    V: FixedEvents,
    const RECEIVED: bool,
> fmt::Debug for ReadGrant<'_, RX, TX, W, E, V, RECEIVED>
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadGrant")
            .field("frames", &self.frames())
            .finish()
    }
}
