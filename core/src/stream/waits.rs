//! Waiting, step by step. Whoever has the machine to itself takes all steps at once; where it is shared, each is a short
//! section of its own.
//!
//! Between two steps others may come in. What keeps that right: a place without a waker belongs to somebody who is awake, and
//! who looks once more before it sleeps, or leaves and passes its turn on. So nobody has to wake it, and nobody overtakes it
//! meanwhile. One that leaves while its waker is still there may be woken for nothing, and the next one is woken too.

use core::task::Poll;

use super::{Flags, Machine, Polled, Storage, Wakes};
use crate::waiters::{Kind, Ticket};

/// What a look at what one waits for has come to.
pub(crate) enum Step<T> {
    /// There it is, or an end. The ticket keeps its place.
    Ready(T),
    /// Not yet. It sleeps in its place.
    Pending,
    /// Not yet. It has no place in line, or no waker; to sleep, it is to look again with both.
    Again,
}

impl<T> Step<T> {
    #[inline]
    pub(crate) fn map<R>(self, f: impl FnOnce(T) -> R) -> Step<R> {
        match self {
            Self::Ready(result) => Step::Ready(f(result)),
            Self::Pending => Step::Pending,
            Self::Again => Step::Again,
        }
    }
}

impl<S: Storage, E: Clone> Machine<S, E> {
    /// There is nothing for it yet: it sleeps, if it can.
    #[inline]
    pub(super) fn sleep<T>(&mut self, ticket: &mut Ticket) -> Step<T> {
        if ticket.may_wait() && self.waiters.is_in_line(ticket) {
            self.waiters.sleep(ticket);
            Step::Pending
        } else {
            Step::Again
        }
    }

    /// Puts the ticket in line, if it does not stand there. Says whether there was a place: if not, there may be one after a
    /// [`grow`](Self::grow).
    #[inline]
    pub(crate) fn line_up(&mut self, kind: Kind, ticket: &mut Ticket) -> (bool, Wakes) {
        // On demand, the first reader makes the driver receive.
        let demands = kind == Kind::Read && self.flags.has(Flags::ON_DEMAND) && !self.has_readers();
        let has_place = if ticket.has_place() {
            self.waiters.line_up_again(ticket);
            true
        } else {
            self.waiters.line_up(kind, ticket)
        };
        if demands && has_place {
            (true, self.wake_receiver())
        } else {
            (has_place, Wakes::NONE)
        }
    }

    /// Makes one more place, if there can be one.
    pub(crate) fn grow(&mut self) -> bool {
        self.waiters.grow().is_ok()
    }

    /// Takes all steps at once. A ticket waits for one thing at a time: what it waited for before it gives up.
    pub(super) fn poll_steps<T, X>(
        &mut self,
        kind: Kind,
        ticket: &mut Ticket,
        no_place: X,
        mut step: impl FnMut(&mut Self, &mut Ticket) -> Step<Result<T, X>>,
    ) -> Polled<T, X> {
        let mut wakes = if ticket.waits_otherwise(kind) {
            self.cancel(ticket)
        } else {
            Wakes::NONE
        };
        loop {
            match step(self, ticket) {
                Step::Ready(result) => return (Poll::Ready(result), wakes),
                Step::Again if ticket.may_wait() => {}
                Step::Again | Step::Pending => return (Poll::Pending, wakes),
            }
            let (has_place, more) = self.line_up(kind, ticket);
            wakes = wakes.and(more);
            if !has_place && !self.grow() {
                return (Poll::Ready(Err(no_place)), wakes);
            }
        }
    }

    /// The ticket's wait is over, if it was ready: its place goes, and the next one gets its turn.
    #[inline]
    pub(super) fn served<T, X>(
        &mut self,
        ticket: &mut Ticket,
        (ready, wakes): Polled<T, X>,
    ) -> Polled<T, X> {
        if ready.is_ready() {
            let more = self.cancel(ticket);
            (ready, wakes.and(more))
        } else {
            (ready, wakes)
        }
    }

    /// Stops a wait: gives up the ticket's place, and passes its turn on if it had one.
    pub fn cancel(&mut self, ticket: &mut Ticket) -> Wakes {
        if !ticket.has_place() {
            return Wakes::NONE;
        }
        let wakes = self.leave_line(ticket);
        self.give_back(ticket);
        wakes
    }

    /// The first step of that: the ticket leaves its line, and passes its turn on.
    #[inline]
    pub(crate) fn leave_line(&mut self, ticket: &Ticket) -> Wakes {
        let (kind, was_first) = self.waiters.leave_line(ticket);
        if !was_first {
            return Wakes::NONE;
        }
        let wakes = self.wake_first(kind);
        if kind == Kind::Send {
            // Writers are kept out until the next one has looked, or it might find its room gone.
            let next_waits = self.needed != 0 && !wakes.is_none();
            self.needed = usize::from(next_waits);
        }
        wakes
    }

    /// The second step: its slot is free again.
    #[inline]
    pub(crate) fn give_back(&mut self, ticket: &mut Ticket) {
        self.waiters.give_back(ticket);
    }
}
