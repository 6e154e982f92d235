//! The sides of a stream, as handles to be passed on: each is a reference, and `Copy`.

use core::fmt;
use core::task::Waker;

use crate::error::{PushError, TryReadError, WriteError};
use crate::futures::{Drain, Flush, Peek, Read, SendMessage, WaitForRoom};
use crate::grant::{ReadGrant, WriteGrant};
use crate::message::{Frames, short_frame};
use crate::shared::{Stream, grant_bytes};
use crate::stream::{FixedEvents, Interest, NoEvents, Phase, Wakes};
use crate::transport::Port;

macro_rules! handle {
    ($(#[$docs:meta])* $name:ident) => {
        $(#[$docs])*
        pub struct $name<
            's,
            const RX: usize,
            const TX: usize,
            const W: usize,
            E,
            V: FixedEvents = NoEvents,
        >(&'s Stream<RX, TX, W, E, V>);

        impl<'s, const RX: usize, const TX: usize, const W: usize, E, V: FixedEvents>
            $name<'s, RX, TX, W, E, V>
        {
            #[inline]
            pub(crate) const fn new(stream: &'s Stream<RX, TX, W, E, V>) -> Self {
                Self(stream)
            }
        }

        impl<const RX: usize, const TX: usize, const W: usize, E, V: FixedEvents> Clone
            for $name<'_, RX, TX, W, E, V>
        {
            fn clone(&self) -> Self {
                *self
            }
        }

        impl<const RX: usize, const TX: usize, const W: usize, E, V: FixedEvents> Copy
            for $name<'_, RX, TX, W, E, V>
        {
        }

        impl<const RX: usize, const TX: usize, const W: usize, E, V: FixedEvents> fmt::Debug
            for $name<'_, RX, TX, W, E, V>
        {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_tuple(stringify!($name)).field(self.0).finish()
            }
        }
    };
}

handle! {
    /// The user's write side of a [`Stream`]. Made by [`Stream::writer`].
    Writer
}

handle! {
    /// The user's read side of a [`Stream`]. Made by [`Stream::reader`].
    Reader
}

handle! {
    /// The transport's side of a [`Stream`], for transports that move bytes. A [`Driver`](crate::Driver) lends it to its
    /// transport; an interrupt that is its own transport gets it from [`Stream::port`].
    ///
    /// To receive: [`feed`](Self::feed) a whole message, or [`reserve`](Self::reserve) room and write it in place. To send:
    /// look at the oldest message with [`head`](Self::head) and release it once it was taken over; or copy it with
    /// [`copy_head`](Self::copy_head), and say [`sent`](Self::sent). To end a stream that is closing: [`finish`](Self::finish) once the
    /// [`phase`](Self::phase) is [`Flush`](Phase::Flush), which nobody else says.
    BytePort
}

impl<'s, const RX: usize, const TX: usize, const W: usize, E: Clone, V: FixedEvents>
    Writer<'s, RX, TX, W, E, V>
{
    /// See [`Stream::write`].
    ///
    /// # Errors
    /// See [`WriteError`]; the message comes back.
    #[inline]
    pub fn write<'m>(self, message: &'m [&'m [u8]]) -> Result<(), WriteError<&'m [&'m [u8]], E>> {
        self.0.write(message)
    }

    /// See [`Stream::reserve`].
    ///
    /// # Errors
    /// See [`WriteError`]; there is no message to hand back.
    pub fn reserve(
        self,
        payload_bytes: usize,
        frames: usize,
    ) -> Result<WriteGrant<'s, RX, TX, W, E, V, false>, WriteError<(), E>> {
        self.0.reserve(payload_bytes, frames)
    }

    /// See [`Stream::send`]; cancel-safe as that is.
    pub fn send<'m>(self, message: &'m [&'m [u8]]) -> SendMessage<'s, 'm, RX, TX, W, E, V> {
        self.0.send(message)
    }

    /// See [`Stream::wait_for_room`]; cancel-safe as that is.
    pub fn wait_for_room(
        self,
        payload_bytes: usize,
        frames: usize,
    ) -> WaitForRoom<'s, RX, TX, W, E, V> {
        self.0.wait_for_room(payload_bytes, frames)
    }

    /// See [`Stream::drain`]; cancel-safe as that is.
    pub fn drain(self) -> Drain<'s, RX, TX, W, E, V> {
        self.0.drain()
    }

    /// See [`Stream::flush`]; cancel-safe as that is.
    pub fn flush(self) -> Flush<'s, RX, TX, W, E, V> {
        self.0.flush()
    }
}

impl<'s, const RX: usize, const TX: usize, const W: usize, E: Clone, V: FixedEvents>
    Reader<'s, RX, TX, W, E, V>
{
    /// See [`Stream::read`]; cancel-safe as that is.
    pub fn read<'b>(self, out: &'b mut [u8]) -> Read<'s, 'b, RX, TX, W, E, V> {
        self.0.read(out)
    }

    /// See [`Stream::peek`]; cancel-safe as that is.
    pub fn peek(self) -> Peek<'s, RX, TX, W, E, V> {
        self.0.peek()
    }

    /// See [`Stream::try_read`].
    ///
    /// # Errors
    /// See [`TryReadError`].
    pub fn try_read(self, out: &mut [u8]) -> Result<Frames<'_>, TryReadError<E>> {
        self.0.try_read(out)
    }

    /// See [`Stream::try_peek`].
    ///
    /// # Errors
    /// See [`TryReadError`].
    #[inline]
    pub fn try_peek(self) -> Result<ReadGrant<'s, RX, TX, W, E, V, true>, TryReadError<E>> {
        self.0.try_peek()
    }
}

impl<'s, const RX: usize, const TX: usize, const W: usize, E: Clone, V: FixedEvents>
    BytePort<'s, RX, TX, W, E, V>
{
    /// What the stream wants of its transport. To receive while it does not is not refused, but then memory is the only
    /// limit: [`Full`](PushError::Full) comes instead of backpressure.
    #[inline]
    pub fn interest(self) -> Interest {
        self.0.with(|machine| (machine.interest(), Wakes::NONE))
    }

    /// Hands a received message to the readers.
    ///
    /// # Errors
    /// The message comes back. If it was [`Full`](PushError::Full), keep it and report
    /// [`NoRoom`](crate::Received::NoRoom); if it was [`TooLarge`](PushError::TooLarge), report
    /// [`Skipped`](crate::Received::Skipped). If the stream is no longer open it is [`Closed`](PushError::Closed): report
    /// [`Blocked`](crate::Received::Blocked).
    #[inline]
    pub fn feed<'m>(self, message: &'m [&'m [u8]]) -> Result<(), PushError<&'m [&'m [u8]]>> {
        let fed = match short_frame(message) {
            Some(frame) => self.0.feed_short(frame),
            None => self.0.feed_frames(message),
        };
        fed.map_err(|error| error.map_message(|()| message))
    }

    /// Room for a received message of `payload_bytes` at most in `frames` frames at most, at least one, to be written in place and then
    /// committed, as [`Stream::reserve`] takes it. The readers get messages in the order of the reservations.
    ///
    /// # Errors
    /// Those of [`feed`](Self::feed).
    #[inline]
    pub fn reserve(
        self,
        payload_bytes: usize,
        frames: usize,
    ) -> Result<WriteGrant<'s, RX, TX, W, E, V, true>, PushError<()>> {
        let packed = grant_bytes(payload_bytes, frames)?;
        let region = self.0.reserve_incoming(packed)?;
        Ok(WriteGrant::new(self.0, region))
    }

    /// A received message could never fit and was thrown away: the reader who comes to its place is told, once. Its place is
    /// behind what was committed; what was reserved before and is not yet committed comes later.
    pub fn discard(self) {
        self.0.with(|machine| ((), machine.discard()));
    }

    /// Something happened to the transport. Dropped if nobody [monitors](Stream::set_monitoring).
    #[inline]
    pub fn feed_event(self, event: V::Event) {
        self.0.with(|machine| ((), machine.feed_event(event)));
    }

    /// The oldest message that waits to be sent, where it lies. [Release](ReadGrant::release) it once it was taken over. While it
    /// is lent, [`interest`](Self::interest) asks for nothing more to be sent; when it comes back or is gone and there is
    /// something to send or to flush, the driver is woken; but a [`Driver`](crate::Driver) that calls its transport at that moment looks again by
    /// itself, so that a transport may look at the head and drop it because it cannot go.
    ///
    /// `None` also while it is lent already, while the oldest message is still written in place, and once the stream has ended.
    #[inline]
    pub fn head(self) -> Option<ReadGrant<'s, RX, TX, W, E, V, false>> {
        Some(ReadGrant::new(self.0, self.0.take_outgoing()?))
    }

    /// Copies the oldest message that waits to be sent into `out`, and returns its frames there. `None` if there is none, as of
    /// [`head`](Self::head). Nobody is woken.
    ///
    /// This and [`sent`](Self::sent) are for whoever drives, and for one alone: of two, the one would say `sent` of what the other
    /// has copied.
    ///
    /// # Errors
    /// `out` is too small; the number of bytes that it must have.
    pub fn copy_head(self, out: &mut [u8]) -> Result<Option<Frames<'_>>, usize> {
        let Some(region) = self.0.take_outgoing() else {
            return Ok(None);
        };
        let packed = self.0.outgoing_packed(&region);
        let needed = packed.len();
        let copied = out.get_mut(..needed).map(|out| {
            out.copy_from_slice(packed);
            Frames::of(out)
        });
        self.0.put_back_outgoing(region);
        copied.ok_or(needed).map(Some)
    }

    /// The transport has taken the oldest message over, which it has copied. Without one nothing happens, nor while it is lent: whoever
    /// has it by [`head`](Self::head) releases it. Those who wait to write are woken, and the driver is not, for this is its own call.
    #[inline]
    pub fn sent(self) {
        if let Some(region) = self.0.take_outgoing() {
            self.0.release_outgoing(region, false);
        }
    }

    /// The transport has failed: the stream ends, and everybody learns of it. One that has ended stays as it is.
    pub fn fail(self, error: E) {
        self.0.fail(error);
    }

    /// Everything was flushed: ends a stream that is closing, and no other. A [`Driver`](crate::Driver) calls it; without one, whoever is
    /// the transport does once the [`phase`](Self::phase) is [`Flush`](Phase::Flush) and its wire is done, or
    /// [`closed`](Stream::closed) waits for ever.
    pub fn finish(self) {
        self.0.with(|machine| ((), machine.finish()));
    }

    /// Where the stream stands.
    pub fn phase(self) -> Phase {
        self.0.with(|machine| (machine.phase(), Wakes::NONE))
    }

    /// Stores the waker that is woken once [`interest`](Self::interest) has grown or the stream begins to close. There is one;
    /// the newest replaces any other. Store it, then look.
    ///
    /// It is for both directions. Where one future sends and another receives, join them in one task, so that the waker is the same
    /// (as `embassy_futures::join` has it), or use a stream for each direction: two tasks would take each other's waker away.
    pub fn register(self, waker: &Waker) {
        let waker = waker.clone();
        let old = self
            .0
            .with(|machine| (machine.register_driver(waker), Wakes::NONE));
        drop(old);
    }

    /// The same for a driver that steps now, and [ends](Self::end_step) the step before it sleeps.
    pub(crate) fn begin_step(self, waker: &Waker) {
        let waker = waker.clone();
        let old = self
            .0
            .with(|machine| (machine.begin_step(waker), Wakes::NONE));
        drop(old);
    }

    /// What the driver is to wait for.
    pub(crate) fn end_step(self) -> Interest {
        self.0.with(|machine| (machine.end_step(), Wakes::NONE))
    }

    /// Takes the driver's waker back: nobody drives any more.
    pub fn deregister(self) {
        let old = self
            .0
            .with(|machine| (machine.deregister_driver(), Wakes::NONE));
        drop(old);
    }

    /// Whether nothing has happened since.
    pub(crate) fn is_registered(self) -> bool {
        self.0.with(|machine| (machine.has_driver(), Wakes::NONE))
    }
}

impl<const RX: usize, const TX: usize, const W: usize, E: Clone, V: FixedEvents> Port
    for BytePort<'_, RX, TX, W, E, V>
{
    type Error = E;
    type Refused = ();

    fn interest(&mut self) -> Interest {
        (*self).interest()
    }

    fn phase(&mut self) -> Phase {
        (*self).phase()
    }

    fn discarded(&mut self) {
        self.discard();
    }

    fn refused(&mut self, (): ()) {
        if let Some(region) = self.0.take_outgoing() {
            self.0.release_outgoing(region, true);
        }
    }

    // The driver itself says so: it is not to be woken for that.
    fn finish(&mut self) {
        self.deregister();
        (*self).finish();
    }

    fn fail(&mut self, error: E) {
        self.deregister();
        (*self).fail(error);
    }
}
