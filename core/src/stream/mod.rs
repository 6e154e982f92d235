//! The machine: everything that a stream does but the socket. `&mut self`; no lock, no clock, no allocation.
//!
//! Every call that may give somebody reason to go on returns [`Wakes`]. The caller takes the wakers out while it still
//! has the machine to itself, and wakes them after it has let it go.

mod events;
mod flags;
mod read;
mod state;
mod waits;
mod wakes;
mod write;

use core::fmt;
use core::marker::PhantomData;
use core::task::{Poll, Waker};

pub use events::{Events, FixedEvents, NoEvents};
use flags::Flags;
use state::Input;
pub use state::State;
pub(crate) use waits::Step;
pub use wakes::Wakes;

use crate::error::Lost;
use crate::queue::{Level, MessageBuffer};
use crate::waiters::{FixedSlots, Kind, Slots, Waiters};
use crate::watermark::{Marks, Transition, Watermarks};

/// What a machine keeps its messages, events and waiters in.
pub trait Storage {
    /// What was received and not yet read.
    type Incoming: Level;
    /// What was written and not yet sent.
    type Outgoing: Level;
    /// What happened to the transport and was not yet read.
    type Events: Events;
    /// Those who wait.
    type Slots: Slots;
}

/// Fixed memory: `RX` bytes for what was received, `TX` bytes for what is to be sent, room for `W` waiters, and events in
/// a `V`, such as an [`EventRing`](crate::EventRing).
#[derive(Debug)]
pub struct Fixed<const RX: usize, const TX: usize, const W: usize, V = NoEvents>(
    PhantomData<fn() -> V>,
);

impl<const RX: usize, const TX: usize, const W: usize, V: Events> Storage for Fixed<RX, TX, W, V> {
    type Incoming = MessageBuffer<RX>;
    type Outgoing = MessageBuffer<TX>;
    type Events = V;
    type Slots = FixedSlots<W>;
}

/// What a poll of the machine comes to, and whom it gives reason to go on.
pub type Polled<T, E> = (Poll<Result<T, E>>, Wakes);

/// What the driver is to ask the transport for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Interest {
    /// A message would be taken.
    pub receive: bool,
    /// There is a message to send.
    pub send: bool,
}

impl Interest {
    /// Nothing at all.
    pub const NONE: Self = Self {
        receive: false,
        send: false,
    };

    /// What both ask for.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self {
            receive: self.receive && other.receive,
            send: self.send && other.send,
        }
    }

    /// Whether anything is asked for.
    pub const fn is_some(self) -> bool {
        self.receive || self.send
    }
}

/// Where in its life the stream is, as far as a driver cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Phase {
    /// Messages move.
    Run,
    /// The stream is closing and has nothing left to send: the transport is to flush.
    Flush,
    /// The stream has ended.
    Ended,
}

/// A stream of messages in both directions, with a gate on each side: everything but the socket.
///
/// Its methods, by who calls them:
///
/// | | |
/// | --- | --- |
/// | the user's side | [`write`](Self::write), [`poll_send`](Self::poll_send) + [`write_in_turn`](Self::write_in_turn), [`poll_drain`](Self::poll_drain), [`poll_flush`](Self::poll_flush), [`poll_readable`](Self::poll_readable) + [`take`](Self::take), [`poll_read`](Self::poll_read), [`try_read`](Self::try_read), [`pause_reading`](Self::pause_reading), [`resume_reading`](Self::resume_reading), [`set_monitoring`](Self::set_monitoring), [`poll_event`](Self::poll_event), [`poll_closed`](Self::poll_closed), [`cancel`](Self::cancel), [`close`](Self::close), [`abort`](Self::abort) |
/// | the driver's side | [`interest`](Self::interest), [`phase`](Self::phase), [`feed`](Self::feed), [`discard`](Self::discard), [`outgoing`](Self::outgoing) + [`sent`](Self::sent), [`refused`](Self::refused), [`feed_event`](Self::feed_event), [`fail`](Self::fail), [`finish`](Self::finish) |
/// | after each | [`take_waker`](Self::take_waker), for as long as the [`Wakes`] that the call returned hold one |
///
/// A driver's canonical loop: while `interest().send`, look at `outgoing`, and say `sent` once the head was taken over; while
/// `interest().receive`, `feed` what was received; when `phase` says [`Flush`](Phase::Flush), flush and `finish`; sleep until
/// the wire has news or the waker that was [registered](Self::register_driver) is woken.
///
/// `S` is what it keeps messages in; `E` is the transport's error, which every call after a failure reports a clone of.
///
/// ```
/// use core::task::Poll;
/// use tidegate_core::{Fixed, FixedSlots, Machine, MessageBuffer, Ticket};
///
/// let mut machine = Machine::<Fixed<64, 64, 2>, core::convert::Infallible>::new(
///     MessageBuffer::new(), MessageBuffer::new(), FixedSlots::new());
///
/// let _ = machine.feed(&[b"hello", b"tide"]).unwrap();
/// let (read, _) = machine.poll_read(&mut Ticket::new(), |frames| frames.frame_count());
/// assert_eq!(read, Poll::Ready(Ok(2)));
/// ```
pub struct Machine<S: Storage, E> {
    state: State<E>,
    pub(crate) incoming: S::Incoming,
    pub(crate) outgoing: S::Outgoing,
    events: S::Events,
    read_marks: Marks<S::Incoming>,
    write_marks: Marks<S::Outgoing>,
    waiters: Waiters<S::Slots>,
    driver: Option<Waker>,
    /// How much room the first who waits to send lacks, 1 if that is not yet known; 0 while it waits for the gate alone.
    needed: usize,
    lost: Lost,
    refused: usize,
    /// Messages that could never fit and that no reader was told of.
    discarded: usize,
    /// How many messages come before those.
    before_discarded: usize,
    flags: Flags,
}

impl<S: Storage, E: Clone> Machine<S, E> {
    /// An open stream over empty queues.
    pub const fn new(incoming: S::Incoming, outgoing: S::Outgoing, slots: S::Slots) -> Self {
        Self {
            state: State::Open,
            incoming,
            outgoing,
            events: S::Events::NEW,
            read_marks: Marks::new(),
            write_marks: Marks::new(),
            waiters: Waiters::new(slots),
            driver: None,
            needed: 0,
            lost: Lost {
                messages: 0,
                bytes: 0,
            },
            refused: 0,
            discarded: 0,
            before_discarded: 0,
            flags: Flags::NONE,
        }
    }

    /// Where the stream stands in its life.
    pub fn state(&self) -> &State<E> {
        &self.state
    }

    /// The transport's error, once it has failed. Reading it does not consume it.
    pub fn exception(&self) -> Option<&E> {
        match &self.state {
            State::Failed(error) => Some(error),
            _ => None,
        }
    }

    /// True exactly when the stream is closing, or closed, and everything that had been buffered was read.
    pub fn at_closing(&self) -> bool {
        matches!(self.state, State::Closing | State::Closed) && self.is_reading_over()
    }

    /// Stores the waker that is woken when [`interest`](Self::interest) has grown or the stream has begun to close, and
    /// returns the one that was stored before. Store it, then look; there is one driver.
    #[doc(alias = "set_transport")]
    pub fn register_driver(&mut self, waker: Waker) -> Option<Waker> {
        self.driver.replace(waker)
    }

    /// Takes the driver's waker back: nobody drives any more.
    pub fn deregister_driver(&mut self) -> Option<Waker> {
        self.flags.set(Flags::STEPPING, false);
        self.driver.take()
    }

    /// The same as [`register_driver`](Self::register_driver) for a driver that tries now whatever there is, and calls
    /// [`end_step`](Self::end_step) before it sleeps: it need not be told of a head that it let go itself.
    pub(crate) fn begin_step(&mut self, waker: Waker) -> Option<Waker> {
        self.flags.set(Flags::STEPPING, true);
        self.register_driver(waker)
    }

    /// What the driver, which has tried whatever there is, is to wait for.
    pub(crate) fn end_step(&mut self) -> Interest {
        self.flags.set(Flags::STEPPING, false);
        self.interest()
    }

    /// Whether the driver's waker is still stored: nothing has happened for it since.
    pub fn has_driver(&self) -> bool {
        self.driver.is_some()
    }

    /// Begins to close: nothing more is received or written; what is buffered can still be read, and what was written
    /// is still sent. A message for which room was reserved and that was not yet committed is not sent. On a stream that is
    /// closing, closed or failed nothing happens.
    pub fn close(&mut self) -> Wakes {
        if !self.state.on(Input::Close) {
            return Wakes::NONE;
        }
        Wakes::EVERYBODY.and(self.wake_driver())
    }

    /// Drops both buffers and ends the stream; events that wait can still be read. On one that has ended nothing happens.
    pub fn abort(&mut self) -> Wakes {
        if !self.state.on(Input::Abort) {
            return Wakes::NONE;
        }
        self.incoming.clear();
        // Nobody receives any more.
        let _: Option<Transition> = self.turn_read_gate();
        self.discarded = 0;
        self.flags.set(Flags::DISCARDED, false);
        self.drop_outgoing();
        Wakes::EVERYBODY.and(self.wake_driver())
    }

    /// The driver has seen the last message off, or the transport has been shut down. Ends a stream that is closing.
    pub fn finish(&mut self) -> Wakes {
        if !self.state.on(Input::Finish) {
            return Wakes::NONE;
        }
        self.drop_outgoing();
        Wakes::EVERYBODY.and(self.wake_driver())
    }

    /// The transport has failed. Everybody who waits gets the error, and so does every later call; what was received
    /// before stays for `try_read`; what was not sent is [`lost`](Self::lost).
    pub fn fail(&mut self, error: E) -> Wakes {
        if !self.state.on(Input::Fail(error)) {
            return Wakes::NONE;
        }
        self.drop_outgoing();
        Wakes::EVERYBODY.and(self.wake_driver())
    }

    /// What the stream dropped when it ended.
    pub fn lost(&self) -> Lost {
        self.lost
    }

    fn drop_outgoing(&mut self) {
        let lost = Lost {
            messages: self.outgoing.len(),
            bytes: self.outgoing.level_bytes(),
        };
        self.lost.messages = self.lost.messages.saturating_add(lost.messages);
        self.lost.bytes = self.lost.bytes.saturating_add(lost.bytes);
        self.outgoing.clear();
        // Whoever drains learns of the end from the state.
        let _: Option<Transition> = self.turn_write_gate();
    }

    /// What the driver is to ask the transport for now.
    #[inline]
    pub fn interest(&self) -> Interest {
        Interest {
            receive: self.state.is_open()
                && !self.flags.has(
                    Flags::READING_PAUSED
                        .and(Flags::STARVED)
                        .and(Flags::READ_GATE),
                )
                && (!self.flags.has(Flags::ON_DEMAND)
                    || (self.incoming.is_empty() && self.has_readers())),
            send: self.state.is_live() && self.outgoing.is_readable(),
        }
    }

    /// Whether somebody waits for a message.
    #[inline]
    pub fn has_readers(&self) -> bool {
        !self.waiters.nobody(Kind::Read)
    }

    /// Whether somebody waits to send.
    #[inline]
    pub fn has_senders(&self) -> bool {
        !self.waiters.nobody(Kind::Send)
    }

    /// What the driver is to do next.
    pub fn phase(&self) -> Phase {
        match self.state {
            State::Closing if self.outgoing.is_empty() => Phase::Flush,
            State::Open | State::Closing => Phase::Run,
            State::Closed | State::Failed(_) => Phase::Ended,
        }
    }

    /// Turns read-ahead off: a message is received only while somebody waits for one and none is there. Behind messages that were
    /// discarded one more may come.
    pub fn set_on_demand(&mut self, on_demand: bool) -> Wakes {
        let receive = self.interest().receive;
        self.flags.set(Flags::ON_DEMAND, on_demand);
        if receive {
            Wakes::NONE
        } else {
            self.wake_receiver()
        }
    }

    /// The marks of the read side.
    pub fn read_limits(&self) -> Watermarks {
        self.read_marks.limits()
    }

    /// Changes the marks of the read side, at once.
    pub fn set_read_limits(&mut self, limits: Watermarks) -> Wakes {
        self.read_marks.set_limits(limits);
        match self.turn_read_gate() {
            Some(Transition::Resume) => self.wake_receiver(),
            Some(Transition::Pause) | None => Wakes::NONE,
        }
    }

    /// The level of the read side has changed, or its marks.
    #[inline]
    fn turn_read_gate(&mut self) -> Option<Transition> {
        let is_shut = self.flags.has(Flags::READ_GATE);
        let turned = self.read_marks.turn(is_shut, self.incoming.level_bytes());
        self.flags.turn(Flags::READ_GATE, turned);
        turned
    }

    /// The level of the write side has changed, or its marks.
    #[inline]
    fn turn_write_gate(&mut self) -> Option<Transition> {
        let is_shut = self.flags.has(Flags::WRITE_GATE);
        let turned = self.write_marks.turn(is_shut, self.outgoing.level_bytes());
        self.flags.turn(Flags::WRITE_GATE, turned);
        turned
    }

    /// Whether the gate of the read side is shut: the level went over its high-water mark, and not yet down to its low one.
    pub fn is_read_gate_paused(&self) -> bool {
        self.flags.has(Flags::READ_GATE)
    }

    /// Whether the gate of the write side is shut.
    pub fn is_write_gate_paused(&self) -> bool {
        self.flags.has(Flags::WRITE_GATE)
    }

    /// The marks of the write side.
    pub fn write_limits(&self) -> Watermarks {
        self.write_marks.limits()
    }

    /// Changes the marks of the write side, at once.
    pub fn set_write_limits(&mut self, limits: Watermarks) -> Wakes {
        self.write_marks.set_limits(limits);
        match self.turn_write_gate() {
            Some(Transition::Resume) => self
                .wake_first(Kind::Drain)
                .and(self.wake_first(Kind::Send)),
            Some(Transition::Pause) | None => Wakes::NONE,
        }
    }

    #[inline]
    fn wake_driver(&self) -> Wakes {
        if self.driver.is_some() {
            Wakes::DRIVER
        } else {
            Wakes::NONE
        }
    }

    /// Something that kept the driver from receiving is gone; another may be left.
    #[inline]
    fn wake_receiver(&self) -> Wakes {
        if self.interest().receive {
            self.wake_driver()
        } else {
            Wakes::NONE
        }
    }
}

impl<S: Storage, E: Clone + fmt::Debug> fmt::Debug for Machine<S, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Machine")
            .field("state", &self.state)
            .field("reading_paused", &self.is_reading_paused())
            .field("monitoring", &self.is_monitoring())
            .field("incoming_bytes", &self.incoming.level_bytes())
            .field("read_limits", &self.read_limits())
            .field("read_gate_paused", &self.is_read_gate_paused())
            .field("outgoing_bytes", &self.outgoing.level_bytes())
            .field("write_limits", &self.write_limits())
            .field("write_gate_paused", &self.is_write_gate_paused())
            .finish()
    }
}
