//! `defmt::Format` for what has no fields to be derived from, or a message in them: names and lengths, never payload.

use defmt::{Format, Formatter, write};

use crate::driver::Driver;
use crate::error::{PushError, SendError, WriteError};
use crate::event_ring::EventRing;
use crate::futures::{Closed, Drain, Flush, Peek, Read, ReadEvent, SendMessage, WaitForRoom};
use crate::grant::{ReadGrant, WriteGrant};
use crate::handles::{BytePort, Reader, Writer};
use crate::queue::{Level, MessageBuffer};
use crate::shared::Stream;
use crate::stream::{Fixed, FixedEvents, Machine, NoEvents, Storage};
use crate::waiters::{FixedSlots, Link, Ticket};
use crate::watermark::Gate;

/// Types that say their name.
macro_rules! named {
    ($([$($generics:tt)*] $type:ty, $name:literal;)*) => {$(
        impl<$($generics)*> Format for $type {
            fn format(&self, f: Formatter<'_>) {
                write!(f, $name);
            }
        }
    )*};
}

named! {
    [const RX: usize, const TX: usize, const W: usize, E: Clone, V: FixedEvents]
        Writer<'_, RX, TX, W, E, V>, "Writer";
    [const RX: usize, const TX: usize, const W: usize, E: Clone, V: FixedEvents]
        Reader<'_, RX, TX, W, E, V>, "Reader";
    [const RX: usize, const TX: usize, const W: usize, E: Clone, V: FixedEvents]
        BytePort<'_, RX, TX, W, E, V>, "BytePort";
    [T, const RX: usize, const TX: usize, const W: usize, E: Clone, V: FixedEvents]
        Driver<'_, '_, T, RX, TX, W, E, V>, "Driver";
    [const RX: usize, const TX: usize, const W: usize, E: Clone, V: FixedEvents]
        Peek<'_, RX, TX, W, E, V>, "Peek";
    [const RX: usize, const TX: usize, const W: usize, E: Clone, V: FixedEvents]
        Read<'_, '_, RX, TX, W, E, V>, "Read";
    [const RX: usize, const TX: usize, const W: usize, E: Clone, V: FixedEvents]
        SendMessage<'_, '_, RX, TX, W, E, V>, "SendMessage";
    [const RX: usize, const TX: usize, const W: usize, E: Clone, V: FixedEvents]
        WaitForRoom<'_, RX, TX, W, E, V>, "WaitForRoom";
    [const RX: usize, const TX: usize, const W: usize, E: Clone, V: FixedEvents]
        ReadEvent<'_, RX, TX, W, E, V>, "ReadEvent";
    [const RX: usize, const TX: usize, const W: usize, E: Clone, V: FixedEvents]
        Drain<'_, RX, TX, W, E, V>, "Drain";
    [const RX: usize, const TX: usize, const W: usize, E: Clone, V: FixedEvents]
        Flush<'_, RX, TX, W, E, V>, "Flush";
    [const RX: usize, const TX: usize, const W: usize, E: Clone, V: FixedEvents]
        Closed<'_, RX, TX, W, E, V>, "Closed";
    [const RX: usize, const TX: usize, const W: usize, V]
        Fixed<RX, TX, W, V>, "Fixed";
    [const W: usize] FixedSlots<W>, "FixedSlots";
    [I] Link<I>, "Link";
    [] Ticket, "Ticket";
    [] NoEvents, "NoEvents";
}

impl<const RX: usize, const TX: usize, const W: usize, E: Clone, V: FixedEvents> Format
    for Stream<RX, TX, W, E, V>
{
    fn format(&self, f: Formatter<'_>) {
        let (received, written) = (self.read_buffer_bytes(), self.write_buffer_bytes());
        write!(
            f,
            "Stream {{ {=usize} of {=usize} B to read, {=usize} of {=usize} B to send }}",
            received, RX, written, TX
        );
    }
}

impl<S: Storage, E: Clone> Format for Machine<S, E> {
    fn format(&self, f: Formatter<'_>) {
        let (received, written) = (self.incoming().level_bytes(), self.outgoing().level_bytes());
        write!(
            f,
            "Machine {{ {=usize} B to read, {=usize} B to send }}",
            received, written
        );
    }
}

impl<
    const RX: usize,
    const TX: usize,
    const W: usize,
    E: Clone,
    V: FixedEvents,
    const RECEIVED: bool,
> Format for WriteGrant<'_, RX, TX, W, E, V, RECEIVED>
{
    fn format(&self, f: Formatter<'_>) {
        write!(f, "WriteGrant {{ {=usize} B used }}", self.used_bytes());
    }
}

impl<
    const RX: usize,
    const TX: usize,
    const W: usize,
    E: Clone,
    V: FixedEvents,
    const RECEIVED: bool,
> Format for ReadGrant<'_, RX, TX, W, E, V, RECEIVED>
{
    fn format(&self, f: Formatter<'_>) {
        write!(f, "ReadGrant {{ {} }}", self.frames());
    }
}

impl<M> Format for PushError<M> {
    fn format(&self, f: Formatter<'_>) {
        match self {
            Self::NoFrames(_) => write!(f, "NoFrames"),
            Self::Full(_) => write!(f, "Full"),
            Self::TooLarge(_) => write!(f, "TooLarge"),
            Self::Closed(_) => write!(f, "Closed"),
        }
    }
}

impl<M, E: Format> Format for WriteError<M, E> {
    fn format(&self, f: Formatter<'_>) {
        match self {
            Self::NoFrames(_) => write!(f, "NoFrames"),
            Self::Full(_) => write!(f, "Full"),
            Self::TooLarge(_) => write!(f, "TooLarge"),
            Self::Closed(_) => write!(f, "Closed"),
            Self::Failed(_, error) => write!(f, "Failed({})", error),
        }
    }
}

impl<M, E: Format> Format for SendError<M, E> {
    fn format(&self, f: Formatter<'_>) {
        match self {
            Self::NoFrames(_) => write!(f, "NoFrames"),
            Self::TooLarge(_) => write!(f, "TooLarge"),
            Self::Closed(_) => write!(f, "Closed"),
            Self::Failed(_, error) => write!(f, "Failed({})", error),
            Self::TooManyWaiters(_) => write!(f, "TooManyWaiters"),
        }
    }
}

impl<const N: usize> Format for MessageBuffer<N> {
    fn format(&self, f: Formatter<'_>) {
        write!(
            f,
            "MessageBuffer {{ {=usize} messages, {=usize} of {=usize} B }}",
            self.len(),
            self.level_bytes(),
            N
        );
    }
}

#[cfg(feature = "alloc")]
impl<M> Format for crate::owned::OwnedQueue<M> {
    fn format(&self, f: Formatter<'_>) {
        write!(
            f,
            "OwnedQueue {{ {=usize} messages, {=usize} B }}",
            self.len(),
            self.level_bytes()
        );
    }
}

impl<T: Copy, const N: usize> Format for EventRing<T, N> {
    fn format(&self, f: Formatter<'_>) {
        write!(
            f,
            "EventRing {{ {=usize} of {=usize} events, {=usize} discarded }}",
            self.len(),
            self.backlog(),
            self.discarded()
        );
    }
}

impl<Q: Level> Format for Gate<Q> {
    fn format(&self, f: Formatter<'_>) {
        write!(
            f,
            "Gate {{ {}, paused: {=bool} }}",
            self.limits(),
            self.is_paused()
        );
    }
}
