//! A stream that interrupts and tasks share: the machine behind a lock, its bytes beside it.
//!
//! Whatever moves a message's bytes takes the lock twice and copies between: reserve inside, copy outside, commit inside; take
//! inside, copy or look outside, release inside. Who is to be woken, a place in line, and what a shorter message leaves free are
//! seen to in sections of their own. No section grows with the message.

mod incoming;
mod outgoing;
mod waiting;

use core::fmt;
use core::marker::PhantomData;

use crate::cell::{ByteCell, Lock, Once};
use crate::driver::Driver;
use crate::error::{
    AlreadyDone, Lost, PushError, ReadError, TryReadError, TryReadEventError, WithFailure as _,
    WriteError,
};
use crate::futures::{Closed, Drain, Flush, Peek, Read, ReadEvent, SendMessage, WaitForRoom};
use crate::grant::{ReadGrant, WriteGrant};
use crate::handles::{BytePort, Reader, Writer};
use crate::message::{FRAME_CHARGE, Frames, LONG, short_frame};
use crate::ring::Ring;
use crate::stream::{FixedEvents, Machine, NoEvents, Step, Storage, Wakes};
use crate::transport::Transport;
use crate::waiters::{FixedSlots, Ticket};
use crate::watermark::Watermarks;

/// The storage of a shared stream: the bookkeeping of its rings, whose bytes lie beside the lock.
pub(crate) struct Shared<const RX: usize, const TX: usize, const W: usize, V>(
    PhantomData<fn() -> V>,
);

impl<const RX: usize, const TX: usize, const W: usize, V: FixedEvents> Storage
    for Shared<RX, TX, W, V>
{
    type Incoming = Ring<RX>;
    type Outgoing = Ring<TX>;
    type Events = V;
    type Slots = FixedSlots<W>;
}

/// The machine of a shared stream. Its error lies beside the lock, so that nobody clones one inside.
pub(crate) type SharedMachine<const RX: usize, const TX: usize, const W: usize, V> =
    Machine<Shared<RX, TX, W, V>, ()>;

/// A message stream in fixed memory: `RX` bytes for what was received, `TX` bytes for what is to be sent, `W` waiters, and
/// events in a `V` (none by default; see [`EventRing`](crate::EventRing)).
///
/// It can be a `static`, which is all zeros at the start and lies in `.bss`; every method takes `&self`. `E` is the error of
/// its transport. Nothing of a user's runs inside the critical section: no waker, and no `Clone` or `Drop`.
///
/// The user's side writes, drains and reads: here, or by the handles [`writer`](Self::writer) and [`reader`](Self::reader).
/// The other side is a [`Driver`] over a [`Transport`], or whoever holds the [`port`](Self::port), such as an interrupt.
/// Whatever calls in, task or interrupt, has to run at a priority that `critical-section` masks.
///
/// Interrupts are off for a short time that does not depend on the messages: bytes are copied, looked at, and written by
/// a [`WriteGrant`] outside the critical section.
///
/// A stream ends once, by `close`, `abort` or its transport's error, and a `static` cannot be made anew: a transport that is to outlive
/// its connection connects again by itself (see [`Transport::Error`]).
///
/// Memory: `RX + TX` bytes, and on a 32-bit target about 100 bytes and 10 for each waiter, and the error and the events.
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
///
/// From an interrupt to a task, with no transport: the interrupt holds the port, and sees when the task is behind.
///
/// ```
/// # use core::convert::Infallible;
/// # use tidegate_core::Stream;
/// static SAMPLES: Stream<64, 0, 1, Infallible> = Stream::new();
///
/// fn timer_interrupt(sample: u16) {
///     let port = SAMPLES.port();
///     if port.interest().receive { // the task keeps up
///         port.feed(&[&sample.to_le_bytes()]).unwrap();
///     }
/// }
///
/// async fn task() -> u16 {
///     let message = SAMPLES.peek().await.unwrap();
///     let sample = message.frames().next().and_then(|frame| frame.try_into().ok());
///     message.release();
///     sample.map_or(0, u16::from_le_bytes)
/// }
///
/// timer_interrupt(2150);
/// assert_eq!(embassy_futures::block_on(task()), 2150);
/// ```
pub struct Stream<const RX: usize, const TX: usize, const W: usize, E, V: FixedEvents = NoEvents> {
    machine: Lock<SharedMachine<RX, TX, W, V>>,
    failure: Once<E>,
    incoming: ByteCell<RX>,
    outgoing: ByteCell<TX>,
}

impl<const RX: usize, const TX: usize, const W: usize, E: Clone, V: FixedEvents>
    Stream<RX, TX, W, E, V>
{
    /// An open, empty stream with the default marks: three quarters and one quarter of each buffer.
    pub const fn new() -> Self {
        Self {
            machine: Lock::new(Machine::new(Ring::new(), Ring::new(), FixedSlots::new())),
            failure: Once::new(),
            incoming: ByteCell::new(),
            outgoing: ByteCell::new(),
        }
    }

    /// The transport's error. Cloned outside the critical section.
    #[cold]
    pub(crate) fn failure(&self) -> Option<E> {
        self.failure.get().cloned()
    }

    pub(crate) fn fail(&self, error: E) {
        // Before the machine says that there is one; the first one stays.
        let late = self.failure.set(error);
        self.with(|machine| ((), machine.fail(())));
        drop(late);
    }

    /// A look that changes nothing.
    #[inline]
    fn look<R>(&self, f: impl FnOnce(&SharedMachine<RX, TX, W, V>) -> R) -> R {
        self.machine.with(|machine| f(machine))
    }

    /// The user's write side, to be handed on.
    #[inline]
    pub const fn writer(&self) -> Writer<'_, RX, TX, W, E, V> {
        Writer::new(self)
    }

    /// The user's read side, to be handed on.
    #[inline]
    pub const fn reader(&self) -> Reader<'_, RX, TX, W, E, V> {
        Reader::new(self)
    }

    /// The transport's side, for whoever is the transport: an interrupt, or a test.
    #[inline]
    pub const fn port(&self) -> BytePort<'_, RX, TX, W, E, V> {
        BytePort::new(self)
    }

    /// Queues a message to be sent. Never waits; takes a message even while the write side is paused, so
    /// [`drain`](Self::drain) between writes, or [`send`](Self::send), which waits for room as well. Refuses one as
    /// [`Full`](WriteError::Full) while a `send` waits for room, which it would overtake.
    ///
    /// # Errors
    /// See [`WriteError`]; the message comes back, and nothing of it was queued.
    pub fn write<'m>(&self, message: &'m [&'m [u8]]) -> Result<(), WriteError<&'m [&'m [u8]], E>> {
        let written = match short_frame(message) {
            Some(frame) => self.write_short(frame),
            None => self.write_frames(message),
        };
        written.map_err(|error| self.write_error(error).map_message(|()| message))
    }

    /// The error with that of the transport, if it has failed meanwhile.
    #[cold]
    fn write_error(&self, error: WriteError<(), ()>) -> WriteError<(), E> {
        match (error, self.exception()) {
            (WriteError::Closed(()), Some(error)) => WriteError::Failed((), error),
            (error, _) => error.with_failure(|| self.failure()),
        }
    }

    /// Room for a message of `payload_bytes` at most in `frames` frames at most, at least one, to be written in place and then committed.
    /// However the bytes are spread over the frames, they fit: room is taken for the longest headers that so many frames may need
    /// ([`packed_bytes`](crate::packed_bytes) says what a message takes that is there), and what is left of it is free again at the commit.
    ///
    /// Never waits: where there is none now, [`wait_for_room`](Self::wait_for_room).
    ///
    /// # Errors
    /// See [`WriteError`]; there is no message to hand back.
    pub fn reserve(
        &self,
        payload_bytes: usize,
        frames: usize,
    ) -> Result<WriteGrant<'_, RX, TX, W, E, V, false>, WriteError<(), E>> {
        let packed = grant_bytes(payload_bytes, frames)?;
        match self.reserve_outgoing(packed) {
            Ok(region) => Ok(WriteGrant::new(self, region)),
            Err(error) => Err(self.write_error(error)),
        }
    }

    /// Queues a message once the write side is open and has room for it. Those who wait are served in the order in which they
    /// came; a large message that waits for room is not overtaken.
    ///
    /// # Errors
    /// See [`SendError`](crate::SendError); the message comes back, and nothing of it was queued.
    ///
    /// # Cancel safety
    /// A future that is dropped before it was ready has queued nothing; it gives its place up and passes its turn on.
    ///
    /// ```
    /// use core::{convert::Infallible, task::Poll};
    /// use embassy_futures::{block_on, poll_once};
    /// use tidegate_core::{SendError, Stream};
    ///
    /// let stream = Stream::<0, 16, 1, Infallible>::new();
    /// let message: &[&[u8]] = &[b"0123456789"]; // 12 bytes
    /// assert_eq!(block_on(stream.send(message)), Ok(()));
    /// assert_eq!(poll_once(stream.send(message)), Poll::Pending); // no room
    ///
    /// stream.port().sent(); // the transport has taken it over
    /// assert_eq!(block_on(stream.send(message)), Ok(()));
    /// stream.close();
    /// assert_eq!(block_on(stream.send(message)), Err(SendError::Closed(message)));
    /// ```
    pub fn send<'m>(&self, message: &'m [&'m [u8]]) -> SendMessage<'_, 'm, RX, TX, W, E, V> {
        SendMessage::new(self, message)
    }

    /// Room as [`reserve`](Self::reserve) gives it, once the write side is open and has it: in turn with those who
    /// [`send`](Self::send).
    ///
    /// # Errors
    /// See [`SendError`](crate::SendError); there is no message to hand back.
    ///
    /// # Cancel safety
    /// A future that is dropped before it was ready has taken no room; it gives its place up and passes its turn on.
    ///
    /// ```
    /// use core::{convert::Infallible, task::Poll};
    /// use embassy_futures::{block_on, poll_once};
    /// use tidegate_core::Stream;
    ///
    /// let stream = Stream::<0, 32, 1, Infallible>::new();
    /// stream.write(&[b"0123456789"]).unwrap(); // 12 bytes
    /// assert!(block_on(stream.drain()).is_ok()); // the gate is open
    /// assert!(poll_once(stream.wait_for_room(20, 1)).is_pending());
    ///
    /// stream.port().sent(); // the transport has taken it over
    /// let mut grant = block_on(stream.wait_for_room(20, 1)).unwrap();
    /// grant.frame(20).unwrap().fill(7);
    /// grant.commit().unwrap();
    /// ```
    pub fn wait_for_room(
        &self,
        payload_bytes: usize,
        frames: usize,
    ) -> WaitForRoom<'_, RX, TX, W, E, V> {
        WaitForRoom::new(self, payload_bytes, frames)
    }

    /// Waits while the write side is paused; returns at once otherwise, whatever room there is: for room [`send`](Self::send) and
    /// [`wait_for_room`](Self::wait_for_room) wait. Stays valid while the stream closes.
    ///
    /// # Errors
    /// See [`DrainError`](crate::DrainError).
    ///
    /// # Cancel safety
    /// A dropped future gives its place up and passes its turn on.
    ///
    /// ```
    /// use core::{convert::Infallible, task::Poll};
    /// use embassy_futures::{block_on, poll_once};
    /// use tidegate_core::{DrainError, Stream};
    ///
    /// let stream = Stream::<0, 16, 1, Infallible>::new();
    /// assert_eq!(block_on(stream.drain()), Ok(()));
    /// stream.write(&[b"0123456789+"]).unwrap(); // 13 bytes, over the mark of 12
    /// assert_eq!(poll_once(stream.drain()), Poll::Pending);
    ///
    /// stream.abort();
    /// assert!(matches!(block_on(stream.drain()), Err(DrainError::Dropped(lost)) if lost.messages == 1));
    /// ```
    pub fn drain(&self) -> Drain<'_, RX, TX, W, E, V> {
        Drain::new(self)
    }

    /// Waits until the write buffer is empty, or was once meanwhile: the transport has taken over whatever was written before.
    /// Others who go on writing may put that off. Stays valid while the stream closes.
    ///
    /// # Errors
    /// See [`DrainError`](crate::DrainError).
    ///
    /// # Cancel safety
    /// A dropped future gives its place up.
    pub fn flush(&self) -> Flush<'_, RX, TX, W, E, V> {
        Flush::new(self)
    }

    /// Waits for a message, copies it into `out`, and returns its frames there.
    ///
    /// A message takes its payload and 2 bytes a frame in `out` (4 from 16,384 bytes of payload on, or where it was
    /// [cut](WriteGrant::truncate) from there).
    ///
    /// # Errors
    /// See [`ReadError`]; a message for which `out` is too small stays in the buffer.
    ///
    /// # Cancel safety
    /// A dropped future takes no message, gives its place up and passes its turn on.
    ///
    /// ```
    /// use core::convert::Infallible;
    /// use embassy_futures::block_on;
    /// use tidegate_core::{ReadError, Stream};
    ///
    /// let stream = Stream::<64, 0, 1, Infallible>::new();
    /// stream.port().feed(&[b"temperature", b"21.5"]).unwrap();
    /// let (mut small, mut large) = ([0; 15], [0; 19]);
    /// let error = block_on(stream.read(&mut small)).unwrap_err();
    /// assert_eq!(error, ReadError::TooSmall { needed_bytes: 11 + 4 + 2 * 2 });
    /// let frames = block_on(stream.read(&mut large)).unwrap();
    /// assert!(frames.eq([&b"temperature"[..], b"21.5"]));
    /// ```
    pub fn read<'b>(&self, out: &'b mut [u8]) -> Read<'_, 'b, RX, TX, W, E, V> {
        Read::new(self, out)
    }

    /// Waits for a message, and lends it out where it lies. It is taken out by [`ReadGrant::release`]; until then nobody
    /// else gets it, nor what comes after it.
    ///
    /// # Errors
    /// See [`ReadError`].
    ///
    /// # Cancel safety
    /// A dropped future takes no message, gives its place up and passes its turn on. A dropped grant leaves its message.
    pub fn peek(&self) -> Peek<'_, RX, TX, W, E, V> {
        Peek::new(self)
    }

    /// Takes a message if one is there and nobody waits for it, copies it into `out`, and returns its frames there.
    /// After a failure, what was buffered before it comes first; while somebody else looks at a message of it, that is
    /// [`Empty`](TryReadError::Empty), and the error comes once nothing is left.
    ///
    /// # Errors
    /// See [`TryReadError`]; a message for which `out` is too small stays in the buffer.
    pub fn try_read<'b>(&self, out: &'b mut [u8]) -> Result<Frames<'b>, TryReadError<E>> {
        let region = self.try_take_incoming()?;
        match self.copy_out(region, out) {
            Ok(len) => Ok(Frames::of(out.get(..len).unwrap_or(&[]))),
            Err(needed_bytes) => Err(TryReadError::Read(ReadError::TooSmall { needed_bytes })),
        }
    }

    /// Lends a message out where it lies, if one is there and nobody waits for it. See [`peek`](Self::peek).
    ///
    /// # Errors
    /// See [`TryReadError`].
    #[inline]
    pub fn try_peek(&self) -> Result<ReadGrant<'_, RX, TX, W, E, V, true>, TryReadError<E>> {
        let region = self.try_take_incoming()?;
        Ok(ReadGrant::new(self, region))
    }

    /// Stops taking messages from the transport; a read serves the buffer only.
    ///
    /// # Errors
    /// Reading was paused already.
    pub fn pause_reading(&self) -> Result<(), AlreadyDone> {
        self.with(|machine| (machine.pause_reading(), Wakes::NONE))
    }

    /// Undoes [`pause_reading`](Self::pause_reading).
    ///
    /// # Errors
    /// Reading was not paused.
    pub fn resume_reading(&self) -> Result<(), AlreadyDone> {
        self.with(|machine| match machine.resume_reading() {
            Ok(wakes) => (Ok(()), wakes),
            Err(error) => (Err(error), Wakes::NONE),
        })
    }

    /// Asks for events, or for no more of them. Twice is once. What waits to be read stays. Who waits for an event when none are
    /// wanted any more learns of it, unless they are wanted again before it looks.
    pub fn set_monitoring(&self, monitoring: bool) {
        self.with(|machine| ((), machine.set_monitoring(monitoring)));
    }

    /// Changes how many events are kept, at most as many as `V` has room for, which is the default; the oldest ones that are too many
    /// are discarded, and counted. With 0 they are only counted.
    pub fn set_event_backlog(&self, events: usize) {
        self.with(|machine| ((), machine.set_event_backlog(events)));
    }

    /// Waits for an event; returns it, and how many were discarded before it since the last one. Ask for events with
    /// [`set_monitoring`](Self::set_monitoring) first.
    ///
    /// An event is copied inside the critical section: keep events small.
    ///
    /// # Errors
    /// See [`ReadEventError`](crate::ReadEventError).
    ///
    /// # Cancel safety
    /// A dropped future takes no event, gives its place up and passes its turn on.
    ///
    /// ```
    /// use core::convert::Infallible;
    /// use embassy_futures::block_on;
    /// use tidegate_core::{EventRing, ReadEventError, Stream};
    ///
    /// let stream = Stream::<0, 0, 1, Infallible, EventRing<u8, 2>>::new();
    /// assert_eq!(block_on(stream.read_event()), Err(ReadEventError::NotMonitoring));
    /// stream.set_monitoring(true);
    /// for event in 1..=3 {
    ///     stream.port().feed_event(event);
    /// }
    /// assert_eq!(block_on(stream.read_event()), Ok((2, 1))); // room for two: one was discarded
    /// ```
    pub fn read_event(&self) -> ReadEvent<'_, RX, TX, W, E, V> {
        ReadEvent::new(self)
    }

    /// Takes an event if one is there and nobody waits for it.
    ///
    /// # Errors
    /// See [`TryReadEventError`].
    pub fn try_read_event(&self) -> Result<(V::Event, usize), TryReadEventError<E>> {
        let mut seen = None;
        let mut ticket = Ticket::new();
        let step = self
            .machine
            .with(|machine| machine.step_event(&mut ticket, &mut seen));
        match (step, seen) {
            (_, Some(seen)) => Ok(seen),
            (Step::Ready(Err(error)), None) => {
                let error = error.with_failure(|| self.failure());
                Err(TryReadEventError::Read(error))
            }
            _ => Err(TryReadEventError::Empty),
        }
    }

    /// Takes no more from the transport and no more writes; what was written is still sent, what was received can still
    /// be read. What was reserved and not yet committed is not sent.
    ///
    /// The stream has ended once its [`Driver`] says so. Without a driver, whoever is the transport calls [`finish`](BytePort::finish)
    /// once the [`phase`](BytePort::phase) is [`Flush`](crate::Phase::Flush): nothing is queued any more.
    pub fn close(&self) {
        self.with(|machine| ((), machine.close()));
    }

    /// Drops both buffers and ends the stream; events that wait can still be read. Who drains or flushes learns what was
    /// [dropped](crate::DrainError::Dropped), if anything was. Messages that are lent out stay valid until their grants are gone.
    pub fn abort(&self) {
        self.with(|machine| ((), machine.abort()));
    }

    /// Waits until the stream has ended, and says what it had to drop. A stream that was [closed](Self::close) ends by its [`Driver`], or by
    /// whoever calls [`finish`](BytePort::finish): without either this waits for ever.
    ///
    /// # Errors
    /// Every waiter slot is taken.
    ///
    /// # Cancel safety
    /// A dropped future gives its place up.
    pub fn closed(&self) -> Closed<'_, RX, TX, W, E, V> {
        Closed::new(self)
    }

    /// True exactly when the stream is closing, or closed, and everything that had been buffered was read.
    pub fn at_closing(&self) -> bool {
        self.look(Machine::at_closing)
    }

    /// The transport's error, once it has failed. Reading it does not consume it.
    pub fn exception(&self) -> Option<E> {
        if self.look(|machine| machine.exception().is_some()) {
            self.failure()
        } else {
            None
        }
    }

    /// What the messages that wait to be sent are charged, in bytes.
    pub fn write_buffer_bytes(&self) -> usize {
        self.look(|machine| machine.outgoing.level_bytes())
    }

    /// What the messages that wait to be read are charged, in bytes.
    pub fn read_buffer_bytes(&self) -> usize {
        self.look(|machine| machine.incoming.level_bytes())
    }

    /// Turns read-ahead off: a message is received only while somebody waits for one and none is there. Behind messages that were
    /// discarded one more may come. Default: off, messages are received until the read gate shuts.
    pub fn set_on_demand(&self, on_demand: bool) {
        self.with(|machine| ((), machine.set_on_demand(on_demand)));
    }

    /// How many events were discarded since the last one was read.
    pub fn discarded_events(&self) -> usize {
        self.look(|machine| machine.events().discarded())
    }

    /// Whether events are wanted.
    pub fn is_monitoring(&self) -> bool {
        self.look(Machine::is_monitoring)
    }

    /// Whether [`pause_reading`](Self::pause_reading) is in force.
    pub fn is_reading_paused(&self) -> bool {
        self.look(Machine::is_reading_paused)
    }

    /// Whether the level of the read side went over its high-water mark, and not yet down to its low one.
    pub fn is_read_gate_paused(&self) -> bool {
        self.look(Machine::is_read_gate_paused)
    }

    /// Whether the level of the write side went over its high-water mark, and not yet down to its low one.
    pub fn is_write_gate_paused(&self) -> bool {
        self.look(Machine::is_write_gate_paused)
    }

    /// What the stream dropped of its write buffer when it ended.
    pub fn lost(&self) -> Lost {
        self.look(Machine::lost)
    }

    /// How many queued messages the transport has refused.
    pub fn refused_messages(&self) -> usize {
        self.look(Machine::refused_messages)
    }

    /// The marks of the write side.
    pub fn write_limits(&self) -> Watermarks {
        self.look(Machine::write_limits)
    }

    /// The marks of the read side.
    pub fn read_limits(&self) -> Watermarks {
        self.look(Machine::read_limits)
    }

    /// Changes the marks of the write side, at once: a level over the new high-water mark pauses those who drain or send, one at or under the new
    /// low-water mark resumes them, one between leaves it as it is. Default: three quarters and one quarter of the capacity.
    pub fn set_write_limits(&self, limits: Watermarks) {
        self.with(|machine| ((), machine.set_write_limits(limits)));
    }

    /// Changes the marks of the read side, at once: a level over the new high-water mark stops receiving, one at or under the new
    /// low-water mark goes on, one between leaves it as it is. Default: three quarters and one quarter of the capacity.
    pub fn set_read_limits(&self, limits: Watermarks) {
        self.with(|machine| ((), machine.set_read_limits(limits)));
    }

    /// Runs the stream over a transport, until it ends. One driver at a time.
    ///
    /// # Cancel safety
    /// All progress lives in the stream and the transport: dropping the driver loses nothing, and another one may go on.
    pub fn drive<'s, 't, T>(&'s self, transport: &'t mut T) -> Driver<'s, 't, T, RX, TX, W, E, V>
    where
        T: Transport<BytePort<'s, RX, TX, W, E, V>, Error = E, Refused = ()>,
    {
        Driver::new(self, transport)
    }
}

/// How long a region has to be for a message that is not yet there.
pub(crate) fn grant_bytes(payload_bytes: usize, frames: usize) -> Result<usize, PushError<()>> {
    if frames == 0 {
        return Err(PushError::NoFrames(()));
    }
    // No more of them can need the longer header.
    let long = frames.min(payload_bytes / LONG);
    frames
        .checked_add(long)
        .and_then(|headers| headers.checked_mul(FRAME_CHARGE))
        .and_then(|headers| headers.checked_add(payload_bytes))
        .ok_or(PushError::TooLarge(()))
}

impl<const RX: usize, const TX: usize, const W: usize, E: Clone, V: FixedEvents> Default
    for Stream<RX, TX, W, E, V>
{
    fn default() -> Self {
        Self::new()
    }
}

impl<const RX: usize, const TX: usize, const W: usize, E, V: FixedEvents> fmt::Debug
    for Stream<RX, TX, W, E, V>
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream")
            .field("read_capacity_bytes", &RX)
            .field("write_capacity_bytes", &TX)
            .field("waiters", &W)
            .finish()
    }
}
