//! The write side: what the writers put in and the driver sees off.

use core::task::Poll;

use super::{Machine, State, Storage, Wakes};
use crate::error::{DrainError, Lost, TooManyWaiters, WriteError};
use crate::queue::Queue;
use crate::waiters::{Kind, Ticket};
use crate::watermark::Transition;

/// What [`Machine::write`] takes.
type Written<'a, S> = <<S as Storage>::Outgoing as Queue>::Push<'a>;

impl<S: Storage, E: Clone> Machine<S, E> {
    /// Queues a message to be sent. Never waits, and takes a message even while the write side is paused: whoever wants
    /// to be held back waits for [`poll_drain`](Self::poll_drain).
    ///
    /// # Errors
    /// See [`WriteError`]; the message comes back, and nothing has changed.
    pub fn write<'a>(
        &mut self,
        message: Written<'a, S>,
    ) -> Result<Wakes, WriteError<Written<'a, S>, E>> {
        match &self.state {
            State::Open => {}
            State::Closing | State::Closed => return Err(WriteError::Closed(message)),
            State::Failed(error) => return Err(WriteError::Failed(message, error.clone())),
        }
        let was_empty = self.outgoing.is_empty();
        self.outgoing.push(message)?;
        // Nobody is to be told of a pause: those who drain look for themselves.
        let _: Option<Transition> = self.write_gate.update(self.outgoing.level_bytes());
        Ok(if was_empty {
            self.wake_driver()
        } else {
            Wakes::NONE
        })
    }

    /// Whether the write side is open: `Ready` unless it is paused. Stays valid while the stream closes.
    ///
    /// # Errors
    /// [`DrainError::Failed`] after a failure, [`DrainError::Dropped`] after an abort that dropped messages,
    /// [`DrainError::TooManyWaiters`]. The ticket then has no place any more.
    pub fn poll_drain(&mut self, ticket: &mut Ticket) -> (Poll<Result<(), DrainError<E>>>, Wakes) {
        let left = self.begin_wait(Kind::Drain, ticket);
        let result = match &self.state {
            State::Failed(error) => Err(DrainError::Failed(error.clone())),
            State::Closed if !self.lost.is_nothing() => Err(DrainError::Dropped(self.lost)),
            _ if !self.write_gate.is_paused() => Ok(()),
            _ => {
                if ticket.may_wait() && self.waiters.wait(Kind::Drain, ticket).is_err() {
                    return (Poll::Ready(Err(DrainError::TooManyWaiters)), left);
                }
                return (Poll::Pending, left);
            }
        };
        (
            Poll::Ready(result),
            left.and(self.served(Kind::Drain, ticket)),
        )
    }

    /// Whether the stream has ended, and what it dropped of its write buffer then.
    ///
    /// # Errors
    /// Every waiter slot is taken.
    pub fn poll_closed(
        &mut self,
        ticket: &mut Ticket,
    ) -> (Poll<Result<Lost, TooManyWaiters>>, Wakes) {
        let left = self.begin_wait(Kind::Closed, ticket);
        if !self.state.is_live() {
            let wakes = self.served(Kind::Closed, ticket);
            return (Poll::Ready(Ok(self.lost)), left.and(wakes));
        }
        if ticket.may_wait() && self.waiters.wait(Kind::Closed, ticket).is_err() {
            return (Poll::Ready(Err(TooManyWaiters)), left);
        }
        (Poll::Pending, left)
    }

    /// What was written and not yet sent, in order.
    pub fn outgoing(&self) -> &S::Outgoing {
        &self.outgoing
    }

    /// The same, for a transport that moves the head out piece by piece. Its level must not change by this.
    pub fn outgoing_mut(&mut self) -> &mut S::Outgoing {
        &mut self.outgoing
    }

    /// The transport has refused the oldest message for good: it is dropped and counted, and the stream lives on.
    pub fn refused(&mut self) -> Wakes {
        self.refused = self.refused.saturating_add(1);
        self.sent()
    }

    /// How many queued messages the transport has refused.
    pub fn refused_messages(&self) -> usize {
        self.refused
    }

    /// The transport has taken the oldest message over.
    pub fn sent(&mut self) -> Wakes {
        self.outgoing.pop_with(|_| ());
        match self.write_gate.update(self.outgoing.level_bytes()) {
            Some(Transition::Resume) => self.wake_first(Kind::Drain),
            Some(Transition::Pause) | None => Wakes::NONE,
        }
    }
}
