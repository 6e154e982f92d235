//! The write side: what the writers put in and the driver sees off.

use core::mem;
use core::task::Poll;

use super::{Flags, Machine, Phase, Polled, State, Step, Storage, Wakes};
use crate::error::{DrainError, Lost, SendError, TooManyWaiters, WriteError};
use crate::queue::{Level, Queue};
use crate::waiters::{Kind, Ticket};
use crate::watermark::Transition;

/// What [`Machine::write`] takes.
type Written<'a, S> = <<S as Storage>::Outgoing as Queue>::Push<'a>;

/// For every storage, those of shared bytes too.
impl<S: Storage, E: Clone> Machine<S, E> {
    /// Whether a message may be queued now: the stream is open, and nobody waits for room, who would be overtaken.
    ///
    /// # Errors
    /// [`WriteError::Closed`], [`WriteError::Failed`], [`WriteError::Full`].
    #[inline]
    pub(crate) fn may_write(&self) -> Result<(), WriteError<(), E>> {
        match &self.state {
            State::Open if self.needed == 0 => Ok(()),
            State::Open => Err(WriteError::Full(())),
            State::Closing | State::Closed => Err(WriteError::Closed(())),
            State::Failed(error) => Err(WriteError::Failed((), error.clone())),
        }
    }

    /// What is to be sent has grown, or its head can be sent now.
    #[inline]
    pub(crate) fn written(&mut self, was_readable: bool) -> Wakes {
        // Nobody is to be told of a pause: those who drain look for themselves.
        if self.write_marks.is_over(self.outgoing.level_bytes()) {
            self.flags.set(Flags::WRITE_GATE, true);
        }
        if !was_readable && self.outgoing.is_readable() {
            self.wake_driver()
        } else {
            Wakes::NONE
        }
    }

    /// What comes after a gap can be sent now, if it is there; and there is more room.
    #[inline]
    pub(crate) fn send_gap_passed(&mut self) -> Wakes {
        let wakes = self.wake_first(Kind::Send);
        if self.outgoing.is_readable() {
            wakes.and(self.wake_driver())
        } else {
            wakes
        }
    }

    /// A head that was lent out is gone, or back: there may be one to send, or to flush. A driver that is stepping looks whether there
    /// is one to send before it sleeps.
    pub(crate) fn head_came_back(&self) -> Wakes {
        let to_send = self.interest().send && !self.flags.has(Flags::STEPPING);
        if to_send || self.phase() == Phase::Flush {
            self.wake_driver()
        } else {
            Wakes::NONE
        }
    }

    /// There is more room for what is to be sent.
    #[inline]
    pub(crate) fn send_room_grew(&mut self) -> Wakes {
        self.wake_first(Kind::Send)
    }

    /// The oldest message is gone. Whether somebody may be waiting for that: then [`after_sent`](Self::after_sent) comes
    /// next, in a section of its own where the machine is shared.
    #[inline]
    pub(crate) fn message_sent(&mut self) -> bool {
        // An open gate stays open when the level falls.
        let was_shut = self.flags.has(Flags::WRITE_GATE);
        if was_shut {
            let _: Option<Transition> = self.turn_write_gate();
        }
        if !self.waiters.nobody(Kind::Flush) && self.outgoing.is_empty() {
            // Here, and not when they are woken: a write may come before that. After an end it is empty because it was dropped: a
            // head that was lent may be released later than that.
            if self.state.is_live() {
                self.waiters.flushed();
            }
            return true;
        }
        was_shut || !self.waiters.nobody(Kind::Send)
    }

    #[inline(never)]
    pub(crate) fn after_sent(&mut self) -> Wakes {
        // Whoever drains sleeps on if the gate is still shut: that is found out when its waker is taken.
        self.wake_first(Kind::Send)
            .and(self.wake_first(Kind::Flushed))
            .and(self.wake_first(Kind::Drain))
    }

    /// Whether the ticket may queue a message of so many [packed bytes](crate::packed_bytes) now: it is its turn, the write
    /// side is open and has room. `Ready(Ok)` leaves the ticket its place; the caller then calls
    /// [`write_in_turn`](Self::write_in_turn), or [`cancel`](Self::cancel).
    ///
    /// Those who wait are served in the order in which they came: a large message that waits for room is not overtaken,
    /// and a [`write`](Self::write) meanwhile is [`Full`](WriteError::Full).
    ///
    /// # Errors
    /// See [`SendError`]. The ticket then has no place any more.
    pub fn poll_send(
        &mut self,
        ticket: &mut Ticket,
        packed_bytes: usize,
    ) -> Polled<(), SendError<(), E>> {
        let no_place = SendError::TooManyWaiters(());
        let polled = self.poll_steps(Kind::Send, ticket, no_place, |machine, ticket| {
            machine.step_send(ticket, packed_bytes, |outgoing| {
                packed_bytes <= outgoing.largest_free_bytes()
            })
        });
        match polled {
            (Poll::Ready(Err(_)), _) => self.served(ticket, polled),
            _ => polled,
        }
    }

    /// One step of that. `room` makes room for the message, if there is any.
    #[inline]
    pub(crate) fn step_send(
        &mut self,
        ticket: &mut Ticket,
        packed_bytes: usize,
        has_room: impl FnOnce(&mut S::Outgoing) -> bool,
    ) -> Step<Result<(), SendError<(), E>>> {
        let error = match &self.state {
            State::Open if packed_bytes <= self.outgoing.capacity_bytes() => None,
            State::Open => Some(SendError::TooLarge(())),
            State::Closing | State::Closed => Some(SendError::Closed(())),
            State::Failed(error) => Some(SendError::Failed((), error.clone())),
        };
        if let Some(error) = error {
            return Step::Ready(Err(error));
        }
        let is_next = self.waiters.is_next(Kind::Send, ticket);
        if is_next && !self.is_write_gate_paused() && has_room(&mut self.outgoing) {
            return Step::Ready(Ok(()));
        }
        let step = self.sleep(ticket);
        if is_next && matches!(step, Step::Pending) {
            // Who waits for the gate keeps no writer out.
            self.needed = if self.is_write_gate_paused() {
                0
            } else {
                packed_bytes
            };
        }
        step
    }

    /// Whether the write side is open: `Ready` unless it is paused. Stays valid while the stream closes.
    ///
    /// # Errors
    /// [`DrainError::Failed`] after a failure, [`DrainError::Dropped`] after an end that dropped messages,
    /// [`DrainError::TooManyWaiters`]. The ticket then has no place any more.
    pub fn poll_drain(&mut self, ticket: &mut Ticket) -> Polled<(), DrainError<E>> {
        self.poll_writes(Kind::Drain, ticket)
    }

    /// Whether the write buffer is empty, or was once since the ticket has waited. Stays valid while the stream closes.
    ///
    /// # Errors
    /// Those of [`poll_drain`](Self::poll_drain).
    pub fn poll_flush(&mut self, ticket: &mut Ticket) -> Polled<(), DrainError<E>> {
        self.poll_writes(Kind::Flush, ticket)
    }

    fn poll_writes(&mut self, kind: Kind, ticket: &mut Ticket) -> Polled<(), DrainError<E>> {
        let no_place = DrainError::TooManyWaiters;
        let polled = self.poll_steps(kind, ticket, no_place, |machine, ticket| {
            machine.step_writes(kind, ticket)
        });
        self.served(ticket, polled)
    }

    /// One step of a drain or a flush.
    #[inline]
    pub(crate) fn step_writes(
        &mut self,
        kind: Kind,
        ticket: &mut Ticket,
    ) -> Step<Result<(), DrainError<E>>> {
        let result = match &self.state {
            _ if kind == Kind::Flush && self.waiters.was_flushed(ticket) => Ok(()),
            State::Failed(error) => Err(DrainError::Failed(error.clone())),
            State::Closed if !self.lost.is_nothing() => Err(DrainError::Dropped(self.lost)),
            _ if self.is_write_over(kind, ticket) => Ok(()),
            _ => return self.sleep(ticket),
        };
        Step::Ready(result)
    }

    /// Whether there is what a drain or a flush waits for.
    #[inline]
    fn is_write_over(&self, kind: Kind, ticket: &Ticket) -> bool {
        if kind == Kind::Drain {
            !self.is_write_gate_paused()
        } else {
            self.outgoing.is_empty() || self.waiters.was_told(ticket)
        }
    }

    /// Whether the stream has ended, and what it dropped of its write buffer then.
    ///
    /// # Errors
    /// Every waiter slot is taken.
    pub fn poll_closed(&mut self, ticket: &mut Ticket) -> Polled<Lost, TooManyWaiters> {
        let polled = self.poll_steps(Kind::Closed, ticket, TooManyWaiters, Self::step_closed);
        self.served(ticket, polled)
    }

    /// One step of that.
    #[inline]
    pub(crate) fn step_closed(
        &mut self,
        ticket: &mut Ticket,
    ) -> Step<Result<Lost, TooManyWaiters>> {
        if self.state.is_live() {
            self.sleep(ticket)
        } else {
            Step::Ready(Ok(self.lost))
        }
    }

    /// What was written and not yet sent, in order.
    #[inline]
    pub fn outgoing(&self) -> &S::Outgoing {
        &self.outgoing
    }

    /// The same, for a transport that moves the head out piece by piece. Its level must not change by this.
    pub fn outgoing_mut(&mut self) -> &mut S::Outgoing {
        &mut self.outgoing
    }

    /// How many queued messages the transport has refused.
    pub fn refused_messages(&self) -> usize {
        self.refused
    }

    /// The transport has refused a message, which is gone by now.
    pub(crate) fn count_refused(&mut self) {
        self.refused = self.refused.saturating_add(1);
    }
}

impl<S: Storage<Outgoing: Queue>, E: Clone> Machine<S, E> {
    /// Queues a message to be sent. Never waits, and takes a message even while the write side is paused: whoever wants
    /// to be held back waits for [`poll_drain`](Self::poll_drain), or for [`poll_send`](Self::poll_send).
    ///
    /// # Errors
    /// See [`WriteError`]; the message comes back, and nothing has changed.
    #[inline]
    pub fn write<'a>(
        &mut self,
        message: Written<'a, S>,
    ) -> Result<Wakes, WriteError<Written<'a, S>, E>> {
        if let Err(error) = self.may_write() {
            return Err(error.map_message(|()| message));
        }
        Ok(self.push(message)?)
    }

    #[inline]
    fn push<'a>(
        &mut self,
        message: Written<'a, S>,
    ) -> Result<Wakes, crate::error::PushError<Written<'a, S>>> {
        let was_readable = self.outgoing.is_readable();
        self.outgoing.push(message)?;
        Ok(self.written(was_readable))
    }

    /// Queues the message of a ticket for which [`poll_send`](Self::poll_send) was ready, ends its wait, and passes the turn
    /// on.
    ///
    /// # Errors
    /// See [`WriteError`]; the message comes back. The ticket has no place any more.
    pub fn write_in_turn<'a>(
        &mut self,
        ticket: &mut Ticket,
        message: Written<'a, S>,
    ) -> (Result<(), WriteError<Written<'a, S>, E>>, Wakes) {
        // It overtakes nobody.
        let needed = mem::take(&mut self.needed);
        let (result, wakes) = match self.write(message) {
            Ok(wakes) => (Ok(()), wakes),
            Err(error) => (Err(error), Wakes::NONE),
        };
        self.needed = needed;
        (result, wakes.and(self.cancel(ticket)))
    }

    /// The transport has refused the oldest message for good: it is dropped and counted, and the stream lives on.
    pub fn refused(&mut self) -> Wakes {
        self.count_refused();
        self.sent()
    }

    /// The transport has taken the oldest message over.
    #[inline]
    pub fn sent(&mut self) -> Wakes {
        match self.outgoing.pop_with(|_| ()) {
            Some(()) if self.message_sent() => self.after_sent(),
            _ => Wakes::NONE,
        }
    }
}

#[cfg(feature = "alloc")]
impl<M, S, E> Machine<S, E>
where
    M: crate::owned::OwnedMessage,
    S: Storage<Outgoing = crate::owned::OwnedQueue<M>>,
    E: Clone,
{
    /// Lets `send` take the oldest messages over, one after the other and so many at most, until it says of one that it was not taken.
    /// Says how many were: [`sent`](Self::sent) for all of them at once.
    pub fn send_while(&mut self, most: usize, send: impl FnMut(&mut M) -> bool) -> (usize, Wakes) {
        let sent = self.outgoing.drop_while(most, send);
        if sent > 0 && self.message_sent() {
            (sent, self.after_sent())
        } else {
            (sent, Wakes::NONE)
        }
    }
}
