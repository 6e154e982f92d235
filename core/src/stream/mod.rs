//! The machine: everything that a stream does but the socket. `&mut self`; no lock, no clock, no allocation.
//!
//! Every call that may give somebody reason to go on returns [`Wakes`]. The caller takes the wakers out while it still
//! has the machine to itself, and wakes them after it has let it go.

mod read;
mod state;
mod write;

use core::fmt;
use core::task::Waker;

pub use state::State;

use crate::error::Lost;
use crate::queue::{MessageBuffer, Queue};
use crate::waiters::{FixedSlots, Kind, Slots, Ticket, Waiters};
use crate::watermark::{Gate, Transition, Watermarks};

/// What a machine keeps its messages and waiters in.
pub trait Storage {
    /// What was received and not yet read.
    type Incoming: Queue;
    /// What was written and not yet sent.
    type Outgoing: Queue;
    /// Those who wait.
    type Slots: Slots;
}

/// Fixed memory: `RX` bytes for what was received, `TX` bytes for what is to be sent, room for `W` waiters.
#[derive(Debug)]
pub enum Fixed<const RX: usize, const TX: usize, const W: usize> {}

impl<const RX: usize, const TX: usize, const W: usize> Storage for Fixed<RX, TX, W> {
    type Incoming = MessageBuffer<RX>;
    type Outgoing = MessageBuffer<TX>;
    type Slots = FixedSlots<W>;
}

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

/// Whose wakers the machine wants woken. Take each out with [`Machine::take_waker`] before the machine is let go; until
/// then those of several calls may be gathered.
#[must_use = "somebody waits to be woken"]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wakes(u8);

impl Wakes {
    /// Nobody.
    pub const NONE: Self = Self(0);
    const READ: Self = Self(1);
    const DRAIN: Self = Self(1 << 1);
    const CLOSED: Self = Self(1 << 2);
    const DRIVER: Self = Self(1 << 7);
    /// Both.
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether nobody is to be woken.
    pub const fn is_none(self) -> bool {
        self.0 == 0
    }

    const fn has(self, one: Self) -> bool {
        self.0 & one.0 != 0
    }

    fn remove(&mut self, one: Self) {
        self.0 &= !one.0;
    }
}

/// A stream of messages in both directions, with a gate on each side: everything but the socket.
///
/// Its methods, by who calls them:
///
/// | | |
/// | --- | --- |
/// | the user's side | [`write`](Self::write), [`poll_readable`](Self::poll_readable) + [`take`](Self::take), [`poll_read`](Self::poll_read), [`poll_drain`](Self::poll_drain), [`poll_closed`](Self::poll_closed), [`cancel`](Self::cancel), [`close`](Self::close), [`abort`](Self::abort) |
/// | the driver's side | [`interest`](Self::interest), [`feed`](Self::feed), [`outgoing`](Self::outgoing) + [`sent`](Self::sent), [`starved`](Self::starved), [`fail`](Self::fail), [`finish`](Self::finish) |
/// | after each | [`take_waker`](Self::take_waker), for as long as the [`Wakes`] that the call returned hold one |
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
    incoming: S::Incoming,
    outgoing: S::Outgoing,
    read_gate: Gate<S::Incoming>,
    write_gate: Gate<S::Outgoing>,
    waiters: Waiters<S::Slots>,
    driver: Option<Waker>,
    /// A received message had no room.
    starved: bool,
    /// Receive only while somebody waits for a message and none is there.
    on_demand: bool,
    lost: Lost,
    refused: usize,
}

impl<S: Storage, E: Clone> Machine<S, E> {
    /// An open stream over empty queues.
    pub const fn new(incoming: S::Incoming, outgoing: S::Outgoing, slots: S::Slots) -> Self {
        Self {
            state: State::Open,
            incoming,
            outgoing,
            read_gate: Gate::new(),
            write_gate: Gate::new(),
            waiters: Waiters::new(slots),
            driver: None,
            starved: false,
            on_demand: false,
            lost: Lost {
                messages: 0,
                bytes: 0,
            },
            refused: 0,
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
        matches!(self.state, State::Closing | State::Closed) && self.incoming.is_empty()
    }

    /// Stops a wait: gives up the ticket's place, and passes its turn on if it had one.
    pub fn cancel(&mut self, ticket: &mut Ticket) -> Wakes {
        let left = self.waiters.leave(ticket);
        self.pass_on(left)
    }

    /// A ticket waits for one thing at a time: what it waited for before it gives up.
    fn begin_wait(&mut self, kind: Kind, ticket: &mut Ticket) -> Wakes {
        let left = self.waiters.leave_other(kind, ticket);
        self.pass_on(left)
    }

    fn pass_on(&self, left: Option<(Kind, bool)>) -> Wakes {
        match left {
            Some((kind, true)) => self.wake_first(kind),
            _ => Wakes::NONE,
        }
    }

    /// Stores the waker that is woken when [`interest`](Self::interest) has grown or the stream has begun to close, and
    /// returns the one that was stored before. Store it, then look; there is one driver.
    pub fn register_driver(&mut self, waker: Waker) -> Option<Waker> {
        self.driver.replace(waker)
    }

    /// Whether the driver's waker is still stored: nothing has happened for it since.
    pub fn has_driver(&self) -> bool {
        self.driver.is_some()
    }

    /// Takes one of the wakers out that `wakes` names, and forgets it there. Whoever has no reason to go on any more,
    /// for somebody was quicker, sleeps on. Once the wait is over for all who wait for one thing, they all are woken.
    pub fn take_waker(&mut self, wakes: &mut Wakes) -> Option<Waker> {
        for (one, kind) in [
            (Wakes::READ, Kind::Read),
            (Wakes::DRAIN, Kind::Drain),
            (Wakes::CLOSED, Kind::Closed),
        ] {
            if !wakes.has(one) {
                continue;
            }
            if self.is_over(kind) {
                while let Some(waker) = self.waiters.release_first(kind) {
                    if waker.is_some() {
                        return waker;
                    }
                }
            }
            wakes.remove(one);
            if self.is_served(kind)
                && let Some(waker) = self.waiters.take_first_waker(kind)
            {
                return Some(waker);
            }
        }
        if wakes.has(Wakes::DRIVER) {
            wakes.remove(Wakes::DRIVER);
            return self.driver.take();
        }
        None
    }

    /// Begins to close: nothing more is received or written; what is buffered can still be read, and what was written
    /// is still sent. On a stream that is closing, closed or failed nothing happens.
    pub fn close(&mut self) -> Wakes {
        self.state.close();
        self.wake_first(Kind::Read).and(self.wake_driver())
    }

    /// Drops both buffers and ends the stream. On one that has ended nothing happens.
    pub fn abort(&mut self) -> Wakes {
        if self.state.is_live() {
            self.incoming.clear();
            self.drop_outgoing();
            self.state.finish();
        }
        self.wake_waiters().and(self.wake_driver())
    }

    /// The driver has seen the last message off, or the transport has been shut down. Ends a stream that is closing.
    pub fn finish(&mut self) -> Wakes {
        if matches!(self.state, State::Closing) {
            self.drop_outgoing();
            self.state.finish();
        }
        self.wake_waiters()
    }

    /// The transport has failed. Everybody who waits gets the error, and so does every later call; what was received
    /// before stays for `try_read`; what was not sent is [`lost`](Self::lost).
    pub fn fail(&mut self, error: E) -> Wakes {
        if self.state.is_live() {
            self.drop_outgoing();
            self.state.fail(error);
        }
        self.wake_waiters()
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
        let _: Option<Transition> = self.write_gate.update(0);
    }

    /// What the driver is to ask the transport for now.
    pub fn interest(&self) -> Interest {
        Interest {
            receive: matches!(self.state, State::Open)
                && !self.read_gate.is_paused()
                && !self.starved
                && (!self.on_demand
                    || (self.incoming.is_empty() && !self.waiters.nobody(Kind::Read))),
            send: self.state.is_live() && !self.outgoing.is_empty(),
        }
    }

    /// Whether somebody waits for a message.
    pub fn has_readers(&self) -> bool {
        !self.waiters.nobody(Kind::Read)
    }

    /// What the driver is to do next.
    pub fn phase(&self) -> Phase {
        match self.state {
            State::Closing if self.outgoing.is_empty() => Phase::Flush,
            State::Open | State::Closing => Phase::Run,
            State::Closed | State::Failed(_) => Phase::Ended,
        }
    }

    /// Turns read-ahead off: a message is received only while somebody waits for one and none is there.
    pub fn set_on_demand(&mut self, on_demand: bool) -> Wakes {
        self.on_demand = on_demand;
        self.wake_driver()
    }

    /// The marks of the read side.
    pub fn read_limits(&self) -> Watermarks {
        self.read_gate.limits()
    }

    /// Changes the marks of the read side, at once.
    pub fn set_read_limits(&mut self, limits: Watermarks) -> Wakes {
        match self
            .read_gate
            .set_limits(limits, self.incoming.level_bytes())
        {
            Some(Transition::Resume) => self.wake_driver(),
            Some(Transition::Pause) | None => Wakes::NONE,
        }
    }

    /// The marks of the write side.
    pub fn write_limits(&self) -> Watermarks {
        self.write_gate.limits()
    }

    /// Changes the marks of the write side, at once.
    pub fn set_write_limits(&mut self, limits: Watermarks) -> Wakes {
        match self
            .write_gate
            .set_limits(limits, self.outgoing.level_bytes())
        {
            Some(Transition::Resume) => self.wake_first(Kind::Drain),
            Some(Transition::Pause) | None => Wakes::NONE,
        }
    }

    /// Whether whoever waits for this has reason to go on.
    fn is_served(&self, kind: Kind) -> bool {
        match kind {
            Kind::Read => !self.incoming.is_empty() || !matches!(self.state, State::Open),
            Kind::Drain => !self.write_gate.is_paused() || !self.state.is_live(),
            Kind::Closed => !self.state.is_live(),
        }
    }

    /// Whether the end has come for all who wait for this.
    fn is_over(&self, kind: Kind) -> bool {
        match kind {
            Kind::Read => match self.state {
                State::Open => false,
                State::Closing | State::Closed => self.incoming.is_empty(),
                State::Failed(_) => true,
            },
            Kind::Drain | Kind::Closed => !self.state.is_live(),
        }
    }

    /// Wakes the first in the list, if there is something for it and it sleeps. When it has been served or has left,
    /// the next one gets its turn.
    fn wake_first(&self, kind: Kind) -> Wakes {
        let wakes = if self.is_over(kind) {
            !self.waiters.nobody(kind)
        } else {
            self.is_served(kind) && self.waiters.first_sleeps(kind)
        };
        if !wakes {
            return Wakes::NONE;
        }
        match kind {
            Kind::Read => Wakes::READ,
            Kind::Drain => Wakes::DRAIN,
            Kind::Closed => Wakes::CLOSED,
        }
    }

    fn wake_driver(&self) -> Wakes {
        if self.driver.is_some() {
            Wakes::DRIVER
        } else {
            Wakes::NONE
        }
    }

    fn wake_waiters(&self) -> Wakes {
        self.wake_first(Kind::Read)
            .and(self.wake_first(Kind::Drain))
            .and(self.wake_first(Kind::Closed))
    }

    /// The ticket's wait is over: its place goes, and the next one gets its turn.
    fn served(&mut self, kind: Kind, ticket: &mut Ticket) -> Wakes {
        self.waiters.leave(ticket);
        self.wake_first(kind)
    }
}

impl<S: Storage, E: fmt::Debug> fmt::Debug for Machine<S, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Machine")
            .field("state", &self.state)
            .field("incoming_bytes", &self.incoming.level_bytes())
            .field("read_gate", &self.read_gate)
            .field("outgoing_bytes", &self.outgoing.level_bytes())
            .field("write_gate", &self.write_gate)
            .finish()
    }
}
