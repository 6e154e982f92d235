//! A stream that interrupts and tasks share: the machine, locked.

use core::fmt;
use core::task::Waker;

use crate::driver::Driver;
use crate::error::{PushError, ReadError, TryReadError, WriteError};
use crate::futures::{Closed, Drain, Read};
use crate::message::Frames;
use crate::queue::{MessageBuffer, Queue as _};
use crate::stream::{Fixed, Interest, Machine, Phase, Wakes};
use crate::sync::Lock;
use crate::transport::{Port, Transport};
use crate::waiters::{FixedSlots, Ticket};
use crate::watermark::Watermarks;

/// A message stream in fixed memory: `RX` bytes for what was received, `TX` bytes for what is to be sent, `W` waiters.
///
/// It can be a `static`; every method takes `&self`. `E` is the error of its transport; it is cloned inside the critical
/// section, so its `Clone` must not use the stream.
///
/// A user writes, drains and reads; a [`Driver`] moves what was written to a [`Transport`] and what that received to the
/// readers. Whatever calls in, task or interrupt, has to run at a priority that `critical-section` masks.
///
/// Memory: `RX + TX` bytes, and on a 32-bit target about 120 bytes and 16 for each waiter.
///
/// ```
/// use core::convert::Infallible;
/// use tidegate_core::{Stream, WriteError};
///
/// static STREAM: Stream<256, 256, 4, Infallible> = Stream::new();
///
/// STREAM.write(&[b"temperature", b"21.5"]).unwrap();
/// assert_eq!(STREAM.write_buffer_bytes(), 11 + 4 + 2 * 2);
///
/// STREAM.close();
/// let late: &[&[u8]] = &[b"late"];
/// assert_eq!(STREAM.write(late), Err(WriteError::Closed(late)));
/// ```
pub struct Stream<const RX: usize, const TX: usize, const W: usize, E> {
    machine: Lock<Machine<Fixed<RX, TX, W>, E>>,
}

impl<const RX: usize, const TX: usize, const W: usize, E: Clone> Stream<RX, TX, W, E> {
    /// An open, empty stream with the default marks: three quarters and one quarter of each buffer.
    pub const fn new() -> Self {
        Self {
            machine: Lock::new(Machine::new(
                MessageBuffer::new(),
                MessageBuffer::new(),
                FixedSlots::new(),
            )),
        }
    }

    /// Runs `f` on the locked machine, and wakes those whom it names after the lock was released.
    pub(crate) fn with<R>(
        &self,
        f: impl FnOnce(&mut Machine<Fixed<RX, TX, W>, E>) -> (R, Wakes),
    ) -> R {
        let (result, mut wakes, waker) = self.machine.with(|machine| {
            let (result, mut wakes) = f(machine);
            let waker = machine.take_waker(&mut wakes);
            (result, wakes, waker)
        });
        if let Some(waker) = waker {
            waker.wake();
            // Each one in a critical section of its own, for they may be many.
            while let Some(waker) = self.machine.with(|machine| machine.take_waker(&mut wakes)) {
                waker.wake();
            }
        }
        result
    }

    /// Queues a message to be sent. Never waits; takes a message even while the write side is paused, so
    /// [`drain`](Self::drain) between writes.
    ///
    /// # Errors
    /// See [`WriteError`]; the message comes back, and nothing of it was queued.
    pub fn write<'m>(&self, message: &'m [&'m [u8]]) -> Result<(), WriteError<&'m [&'m [u8]], E>> {
        self.with(|machine| match machine.write(message) {
            Ok(wakes) => (Ok(()), wakes),
            Err(error) => (Err(error), Wakes::NONE),
        })
    }

    /// Waits while the write side is paused; returns at once otherwise. Stays valid while the stream closes.
    ///
    /// # Errors
    /// See [`DrainError`](crate::DrainError).
    ///
    /// # Cancel safety
    /// A dropped future gives its place up and passes its turn on.
    pub fn drain(&self) -> Drain<'_, RX, TX, W, E> {
        Drain::new(self)
    }

    /// Waits for a message, copies it into `out`, and returns its frames there.
    ///
    /// A message takes its payload and 2 bytes a frame (4 from 16,384 bytes of payload on) in `out`.
    ///
    /// # Errors
    /// See [`ReadError`]; a message for which `out` is too small stays in the buffer.
    ///
    /// # Cancel safety
    /// A dropped future takes no message, gives its place up and passes its turn on.
    pub fn read<'b>(&self, out: &'b mut [u8]) -> Read<'_, 'b, RX, TX, W, E> {
        Read::new(self, out)
    }

    /// Takes a message if one is there and nobody waits for it, copies it into `out`, and returns its frames there.
    /// After a failure, what was buffered before it comes first.
    ///
    /// # Errors
    /// See [`TryReadError`]; a message for which `out` is too small stays in the buffer.
    pub fn try_read<'b>(&self, out: &'b mut [u8]) -> Result<Frames<'b>, TryReadError<E>> {
        let len = self.with(|machine| {
            if let (Err(error), wakes) = machine.try_readable() {
                return (Err(error), wakes);
            }
            if let Some(needed_bytes) = too_small(machine.incoming(), out) {
                let error = TryReadError::Read(ReadError::TooSmall { needed_bytes });
                return (Err(error), Wakes::NONE);
            }
            let (len, wakes) = machine.take(&mut Ticket::new(), |frames| copy_out(frames, out));
            (len.ok_or(TryReadError::Empty), wakes)
        })?;
        frames_in(out, len).ok_or(TryReadError::Empty)
    }

    /// Takes no more from the transport and no more writes; what was written is still sent, what was received can still
    /// be read.
    pub fn close(&self) {
        self.with(|machine| ((), machine.close()));
    }

    /// Drops both buffers and ends the stream.
    pub fn abort(&self) {
        self.with(|machine| ((), machine.abort()));
    }

    /// Waits until the stream has ended, and says what it had to drop.
    ///
    /// # Errors
    /// Every waiter slot is taken.
    ///
    /// # Cancel safety
    /// A dropped future gives its place up.
    pub fn closed(&self) -> Closed<'_, RX, TX, W, E> {
        Closed::new(self)
    }

    /// True exactly when the stream is closing, or closed, and everything that had been buffered was read.
    pub fn at_closing(&self) -> bool {
        self.with(|machine| (machine.at_closing(), Wakes::NONE))
    }

    /// The transport's error, once it has failed. Reading it does not consume it.
    pub fn exception(&self) -> Option<E> {
        self.with(|machine| (machine.exception().cloned(), Wakes::NONE))
    }

    /// What the messages that wait to be sent are charged, in bytes.
    pub fn write_buffer_bytes(&self) -> usize {
        self.with(|machine| (machine.outgoing().level_bytes(), Wakes::NONE))
    }

    /// What the messages that wait to be read are charged, in bytes.
    pub fn read_buffer_bytes(&self) -> usize {
        self.with(|machine| (machine.incoming().level_bytes(), Wakes::NONE))
    }

    /// Changes the marks of the write side, at once.
    pub fn set_write_limits(&self, limits: Watermarks) {
        self.with(|machine| ((), machine.set_write_limits(limits)));
    }

    /// Changes the marks of the read side, at once.
    pub fn set_read_limits(&self, limits: Watermarks) {
        self.with(|machine| ((), machine.set_read_limits(limits)));
    }

    /// Runs the stream over a transport, until it ends. One driver at a time.
    ///
    /// # Cancel safety
    /// All progress lives in the stream and the transport: dropping the driver loses nothing, and another one may go on.
    pub fn drive<'a, T>(&'a self, transport: &'a mut T) -> Driver<'a, T, RX, TX, W, E>
    where
        T: Transport<BytePort<'a, RX, TX, W, E>, Error = E, Refused = ()>,
    {
        Driver::new(self, transport)
    }
}

impl<const RX: usize, const TX: usize, const W: usize, E: Clone> Default for Stream<RX, TX, W, E> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const RX: usize, const TX: usize, const W: usize, E> fmt::Debug for Stream<RX, TX, W, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream")
            .field("read_capacity_bytes", &RX)
            .field("write_capacity_bytes", &TX)
            .field("waiters", &W)
            .finish()
    }
}

/// How long `out` would have to be for the oldest message, if it is too short.
pub(crate) fn too_small<const N: usize>(buffer: &MessageBuffer<N>, out: &[u8]) -> Option<usize> {
    let needed = buffer.peek_with(|frames| frames.as_packed().len())?;
    (needed > out.len()).then_some(needed)
}

/// Copies a message, headers and all; says how long it is.
pub(crate) fn copy_out(frames: Frames<'_>, out: &mut [u8]) -> usize {
    let packed = frames.as_packed();
    if let Some(out) = out.get_mut(..packed.len()) {
        out.copy_from_slice(packed);
    }
    packed.len()
}

/// The message that was copied to the start of `out`.
pub(crate) fn frames_in(out: &[u8], len: usize) -> Option<Frames<'_>> {
    Some(Frames::first(out.get(..len)?)?.0)
}

/// A [`Stream`]'s side of the seam, for transports that move bytes. A [`Driver`] lends it to its transport.
///
/// To receive: [`feed`](Self::feed) a whole message. To send: copy the oldest one with [`copy_head`](Self::copy_head),
/// and say [`sent`](Self::sent) once it was taken over.
pub struct BytePort<'a, const RX: usize, const TX: usize, const W: usize, E> {
    stream: &'a Stream<RX, TX, W, E>,
    moved_bytes: usize,
}

impl<'a, const RX: usize, const TX: usize, const W: usize, E> BytePort<'a, RX, TX, W, E> {
    pub(crate) fn new(stream: &'a Stream<RX, TX, W, E>) -> Self {
        Self {
            stream,
            moved_bytes: 0,
        }
    }
}

impl<const RX: usize, const TX: usize, const W: usize, E: Clone> BytePort<'_, RX, TX, W, E> {
    /// Stores the driver's waker.
    pub(crate) fn register(&mut self, waker: &Waker) {
        let waker = waker.clone();
        let old = self
            .stream
            .with(|machine| (machine.register_driver(waker), Wakes::NONE));
        drop(old);
    }

    /// Whether nothing has happened since.
    pub(crate) fn is_registered(&self) -> bool {
        self.stream
            .with(|machine| (machine.has_driver(), Wakes::NONE))
    }

    fn moved(&mut self, bytes: usize) {
        self.moved_bytes = self.moved_bytes.wrapping_add(bytes);
    }

    /// Hands a received message to the readers.
    ///
    /// # Errors
    /// The message comes back. If it was [`Full`](PushError::Full), keep it and report
    /// [`NoRoom`](crate::Received::NoRoom); if it was [`TooLarge`](PushError::TooLarge), count it and report
    /// [`Skipped`](crate::Received::Skipped). If the stream is no longer open it is [`Closed`](PushError::Closed): report
    /// [`Blocked`](crate::Received::Blocked).
    pub fn feed<'m>(&mut self, message: &'m [&'m [u8]]) -> Result<(), PushError<&'m [&'m [u8]]>> {
        self.stream.with(|machine| match machine.feed(message) {
            Ok(wakes) => (Ok(()), wakes),
            Err(error) => (Err(error), Wakes::NONE),
        })?;
        let bytes = message
            .iter()
            .fold(0usize, |sum, frame| sum.saturating_add(frame.len()));
        self.moved(bytes);
        Ok(())
    }

    /// Copies the oldest message that waits to be sent into `out`, and returns its frames there. `None` if there is none.
    ///
    /// # Errors
    /// `out` is too small; the number of bytes that it must have.
    pub fn copy_head<'b>(&mut self, out: &'b mut [u8]) -> Result<Option<Frames<'b>>, usize> {
        let len = self.stream.with(|machine| {
            let head = machine.outgoing();
            let len = match too_small(head, out) {
                Some(needed) => Err(needed),
                None => Ok(head.peek_with(|frames| copy_out(frames, out))),
            };
            (len, Wakes::NONE)
        })?;
        Ok(len.and_then(|len| frames_in(out, len)))
    }

    /// The transport has taken the oldest message over.
    pub fn sent(&mut self) {
        let bytes = self.stream.with(|machine| {
            let before = machine.outgoing().level_bytes();
            let wakes = machine.sent();
            let after = machine.outgoing().level_bytes();
            (before.saturating_sub(after), wakes)
        });
        self.moved(bytes);
    }
}

impl<const RX: usize, const TX: usize, const W: usize, E: Clone> Port
    for BytePort<'_, RX, TX, W, E>
{
    type Error = E;
    type Refused = ();

    fn interest(&mut self) -> Interest {
        self.stream
            .with(|machine| (machine.interest(), Wakes::NONE))
    }

    fn phase(&mut self) -> Phase {
        self.stream.with(|machine| (machine.phase(), Wakes::NONE))
    }

    fn moved_bytes(&self) -> usize {
        self.moved_bytes
    }

    fn starved(&mut self) {
        self.stream.with(|machine| {
            machine.starved();
            ((), Wakes::NONE)
        });
    }

    fn refused(&mut self, (): ()) {
        self.stream.with(|machine| ((), machine.refused()));
    }

    fn finish(&mut self) {
        self.stream.with(|machine| ((), machine.finish()));
    }

    fn fail(&mut self, error: E) {
        self.stream.with(|machine| ((), machine.fail(error)));
    }
}

impl<const RX: usize, const TX: usize, const W: usize, E> fmt::Debug
    for BytePort<'_, RX, TX, W, E>
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BytePort")
            .field("stream", self.stream)
            .finish()
    }
}
