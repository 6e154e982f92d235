//! The read side: what the transport feeds in and the readers take out.

use core::task::Poll;

use super::{Machine, State, Storage, Wakes};
use crate::error::{PushError, ReadError, TryReadError};
use crate::queue::Queue;
use crate::waiters::{Kind, Ticket};
use crate::watermark::Transition;

impl<S: Storage, E: Clone> Machine<S, E> {
    /// A message was received.
    ///
    /// It is put in even while the read side is paused: a transport may have had it in hand already.
    ///
    /// # Errors
    /// The message comes back; if it was [`Full`](PushError::Full), say so with [`starved`](Self::starved) and wait. A
    /// stream that is not open takes no more: [`Closed`](PushError::Closed).
    pub fn feed<'a>(
        &mut self,
        message: <S::Incoming as Queue>::Push<'a>,
    ) -> Result<Wakes, PushError<<S::Incoming as Queue>::Push<'a>>> {
        if !matches!(self.state, State::Open) {
            return Err(PushError::Closed(message));
        }
        self.incoming.push(message)?;
        // Nobody is to be told of a pause: the driver reads `interest`.
        let _: Option<Transition> = self.read_gate.update(self.incoming.level_bytes());
        Ok(self.wake_first(Kind::Read))
    }

    /// A received message had no room: [`interest`](Self::interest) leaves receiving out until a message was read.
    pub fn starved(&mut self) {
        self.starved = !self.incoming.is_empty();
    }

    /// Whether the ticket may take a message now: it is its turn, and a message is there. `Ready(Ok)` leaves the ticket
    /// its place; the caller then calls [`take`](Self::take), or [`cancel`](Self::cancel).
    ///
    /// A newcomer does not overtake those who wait.
    ///
    /// # Errors
    /// [`ReadError::Closed`] once a closing stream's buffer is empty; [`ReadError::Failed`] after a failure, at once;
    /// [`ReadError::TooManyWaiters`]. The ticket then has no place any more.
    pub fn poll_readable(
        &mut self,
        ticket: &mut Ticket,
    ) -> (Poll<Result<(), ReadError<E>>>, Wakes) {
        let left = self.begin_wait(Kind::Read, ticket);
        let (ready, wakes) = self.poll_turn(ticket);
        (ready, left.and(wakes))
    }

    fn poll_turn(&mut self, ticket: &mut Ticket) -> (Poll<Result<(), ReadError<E>>>, Wakes) {
        if let State::Failed(error) = &self.state {
            let error = error.clone();
            let wakes = self.served(Kind::Read, ticket);
            return (Poll::Ready(Err(ReadError::Failed(error))), wakes);
        }
        // For everybody: whoever else waits gets the same.
        if !matches!(self.state, State::Open) && self.incoming.is_empty() {
            let wakes = self.served(Kind::Read, ticket);
            return (Poll::Ready(Err(ReadError::Closed)), wakes);
        }
        if !self.incoming.is_empty() && self.is_next_reader(ticket) {
            return (Poll::Ready(Ok(())), Wakes::NONE);
        }
        if !ticket.may_wait() {
            return (Poll::Pending, Wakes::NONE);
        }
        let was_nobody = self.waiters.nobody(Kind::Read);
        if self.waiters.wait(Kind::Read, ticket).is_err() {
            return (Poll::Ready(Err(ReadError::TooManyWaiters)), Wakes::NONE);
        }
        let wakes = if self.on_demand && was_nobody {
            self.wake_driver()
        } else {
            Wakes::NONE
        };
        (Poll::Pending, wakes)
    }

    fn is_next_reader(&self, ticket: &Ticket) -> bool {
        self.waiters.nobody(Kind::Read) || self.waiters.is_first(Kind::Read, ticket)
    }

    /// What was received and not yet read, in order.
    pub fn incoming(&self) -> &S::Incoming {
        &self.incoming
    }

    /// Takes the oldest message out, ends the ticket's wait, and passes the turn on if there is more.
    pub fn take<R>(
        &mut self,
        ticket: &mut Ticket,
        f: impl FnOnce(<S::Incoming as Queue>::Pop<'_>) -> R,
    ) -> (Option<R>, Wakes) {
        let result = self.incoming.pop_with(f);
        let mut wakes = self.served(Kind::Read, ticket);
        let resumed = self.read_gate.update(self.incoming.level_bytes());
        let next_on_demand = self.on_demand && !self.waiters.nobody(Kind::Read);
        let had_no_room = core::mem::take(&mut self.starved);
        if had_no_room || next_on_demand || resumed == Some(Transition::Resume) {
            wakes = wakes.and(self.wake_driver());
        }
        (result, wakes)
    }

    /// [`poll_readable`](Self::poll_readable) and [`take`](Self::take) in one.
    ///
    /// # Errors
    /// Those of [`poll_readable`](Self::poll_readable).
    pub fn poll_read<R>(
        &mut self,
        ticket: &mut Ticket,
        f: impl FnOnce(<S::Incoming as Queue>::Pop<'_>) -> R,
    ) -> (Poll<Result<R, ReadError<E>>>, Wakes) {
        let (ready, wakes) = self.poll_readable(ticket);
        match ready {
            Poll::Pending => (Poll::Pending, wakes),
            Poll::Ready(Err(error)) => (Poll::Ready(Err(error)), wakes),
            Poll::Ready(Ok(())) => match self.take(ticket, f) {
                (Some(result), more) => (Poll::Ready(Ok(result)), wakes.and(more)),
                (None, more) => (Poll::Ready(Err(ReadError::Closed)), wakes.and(more)),
            },
        }
    }

    /// Whether a message may be taken at once: one is there, and nobody waits for it. After a failure what was buffered
    /// before it comes first, then the error.
    ///
    /// # Errors
    /// See [`TryReadError`].
    pub fn try_readable(&mut self) -> (Result<(), TryReadError<E>>, Wakes) {
        if self.exception().is_some() && !self.incoming.is_empty() {
            return (Ok(()), Wakes::NONE);
        }
        let (ready, wakes) = self.poll_readable(&mut Ticket::new());
        let result = match ready {
            Poll::Ready(ready) => ready.map_err(TryReadError::Read),
            Poll::Pending => Err(TryReadError::Empty),
        };
        (result, wakes)
    }

    /// [`try_readable`](Self::try_readable) and [`take`](Self::take) in one.
    ///
    /// # Errors
    /// See [`TryReadError`].
    pub fn try_read<R>(
        &mut self,
        f: impl FnOnce(<S::Incoming as Queue>::Pop<'_>) -> R,
    ) -> (Result<R, TryReadError<E>>, Wakes) {
        match self.try_readable() {
            (Err(error), wakes) => (Err(error), wakes),
            (Ok(()), wakes) => {
                let (result, more) = self.take(&mut Ticket::new(), f);
                (result.ok_or(TryReadError::Empty), wakes.and(more))
            }
        }
    }
}
