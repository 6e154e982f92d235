//! The seam between a stream and whatever carries its messages.

use core::task::{Context, Poll};

use crate::stream::{Interest, Phase};

/// What an attempt to receive came to.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Received {
    /// A message was fed into the port.
    Message,
    /// There is none now.
    Blocked,
    /// There is one, and the read buffer has no room for it now. The transport keeps it.
    NoRoom,
    /// One was thrown away: it can never fit. The driver tells the stream, and the stream tells the reader.
    Skipped,
}

/// What an attempt to send the oldest message came to.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Sent<R> {
    /// The transport has taken it over, and has told the port so. It need not be on the wire yet.
    Accepted,
    /// It cannot go now.
    Blocked,
    /// It will never go: this message's own failure. The stream lives on; the driver drops the message.
    Refused(R),
}

/// How a transport is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Shutdown {
    /// Everything was flushed.
    Flushed,
    /// Now, whatever is still on its way.
    Abort,
}

/// Carries messages between a port `P`, which is the stream's side, and a wire.
///
/// A transport is readiness-based and allocates nothing. A driver calls it in this order, over and over:
///
/// 1. [`try_send`](Self::try_send) while the stream wants to send, until it says [`Blocked`](Sent::Blocked);
/// 2. [`try_recv`](Self::try_recv) while the stream wants to receive, until it says [`Blocked`](Received::Blocked) or
///    [`NoRoom`](Received::NoRoom);
/// 3. [`try_event`](Self::try_event) until it says `false`;
/// 4. [`try_flush`](Self::try_flush) once the stream closes and nothing is queued;
/// 5. [`poll_ready`](Self::poll_ready): only when this is pending does the driver sleep.
///
/// What it may rely on, and what it owes:
///
/// - All progress lives in the transport or the port. A driver may be dropped between any two calls; nothing is lost.
/// - `try_send` reads the head of the port's queue and says `sent` to the port in the same call in which it returns
///   [`Accepted`](Sent::Accepted). Until then the message stays queued.
/// - `Blocked` promises that `poll_ready` wakes the driver once it is worth trying again.
/// - After `NoRoom` the driver leaves receiving out of `want` until a message was read.
/// - A message that can never fit is thrown away whole and reported as [`Skipped`](Received::Skipped), once each.
/// - Whatever it reports as an event goes into the port in [`try_event`](Self::try_event); events are never waited for.
/// - A transport with several peers assembles each message in that peer's own buffer, or one stalled peer blocks all.
///
/// A whole one, which runs, is in the guide of the crate `tidegate`: `tidegate::guide::transports`.
pub trait Transport<P> {
    /// Ends the stream, for ever. Where the stream is a `static`, as on a device, a transport connects again by itself, and
    /// returns this only for what is final; that a link was lost is an event.
    type Error: Clone;
    /// Ends one message.
    type Refused: Copy;

    /// What is worth trying now, of what is wanted; level-triggered, and it may be wrong about being ready.
    ///
    /// It stores the waker first (the newest replaces any other), then looks; so whatever happens after the look wakes
    /// it. It is called even with nothing wanted: handshakes, heartbeats and a transport's own timers advance here, and
    /// after [`try_flush`](Self::try_flush) said `false` this is what wakes the driver once it would say `true`. To be
    /// ready for nothing that is wanted is taken as pending: the waker stays stored then.
    fn poll_ready(
        &mut self,
        cx: &mut Context<'_>,
        want: Interest,
    ) -> Poll<Result<Interest, Self::Error>>;

    /// Receives one message into the port, if that needs no waiting.
    ///
    /// # Errors
    /// The transport has failed; the stream ends.
    fn try_recv(&mut self, port: &mut P) -> Result<Received, Self::Error>;

    /// Sends the oldest message of the port, if that needs no waiting.
    ///
    /// # Errors
    /// The transport has failed; the stream ends.
    fn try_send(&mut self, port: &mut P) -> Result<Sent<Self::Refused>, Self::Error>;

    /// Feeds one event into the port, if there is one; says whether there was. A transport that has none leaves this as it
    /// is.
    ///
    /// # Errors
    /// The transport has failed; the stream ends.
    fn try_event(&mut self, port: &mut P) -> Result<bool, Self::Error> {
        let _ = port;
        Ok(false)
    }

    /// Whether everything that was accepted is on its way; closing waits for it.
    ///
    /// # Errors
    /// The transport has failed; the stream ends.
    fn try_flush(&mut self) -> Result<bool, Self::Error>;

    /// Ends the transport. The last call; it may come again when a stream that has ended is driven once more.
    fn shutdown(&mut self, how: Shutdown);
}

/// The stream's side of the seam: what a driver needs to know of it and tell it. What a transport moves messages with
/// is each port's own.
pub trait Port {
    /// The transport's error.
    type Error;
    /// The transport's reason to refuse one message.
    type Refused;

    /// What is to be asked of the transport now.
    fn interest(&mut self) -> Interest;
    /// Where the stream stands.
    fn phase(&mut self) -> Phase;
    /// How many bytes this port has moved since it was made, where that is to end a batch. A port in fixed memory moves no
    /// more than its buffers hold.
    fn moved_bytes(&self) -> usize {
        0
    }
    /// A received message could never fit and was thrown away.
    fn discarded(&mut self);
    /// The head was refused for good.
    fn refused(&mut self, reason: Self::Refused);
    /// Everything was flushed.
    fn finish(&mut self);
    /// The transport has failed.
    fn fail(&mut self, error: Self::Error);
}
