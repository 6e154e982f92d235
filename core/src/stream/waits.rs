//! Waiting, step by step. Whoever has the machine to itself takes all steps at once; where it is shared, each is a short
//! section of its own.
//!
//! Between two steps others may come in. What keeps that right: a place without a waker belongs to somebody who is awake, and
//! who looks once more before it sleeps, or leaves and passes its turn on. So nobody has to wake it, and nobody overtakes it
//! meanwhile.

use core::task::Poll;

use super::{Machine, Polled, Storage, Wakes};
use crate::waiters::{Kind, Ticket};

/// What one step of a wait has come to.
pub(crate) enum Step<T> {
    /// There is what was waited for, or an end. The ticket keeps its place.
    Ready(T),
    /// It has come closer. It is to look again, with a waker on the ticket.
    Again,
    /// It sleeps in its place, or was not to wait.
    Pending,
    /// There is no place for it.
    NoPlace,
}

impl<T> Step<T> {
    #[inline]
    pub(crate) fn map<R>(self, f: impl FnOnce(T) -> R) -> Step<R> {
        match self {
            Self::Ready(result) => Step::Ready(f(result)),
            Self::Again => Step::Again,
            Self::Pending => Step::Pending,
            Self::NoPlace => Step::NoPlace,
        }
    }
}

impl<S: Storage, E: Clone> Machine<S, E> {
    /// There is nothing for it yet: lines up, or goes to sleep if it stands in line.
    #[inline]
    pub(super) fn step<T>(&mut self, kind: Kind, ticket: &mut Ticket, may_wait: bool) -> Step<T> {
        if !may_wait {
            return Step::Pending;
        }
        if !ticket.has_place() {
            return if self.waiters.line_up(kind, ticket) || self.waiters.grow().is_ok() {
                Step::Again
            } else {
                Step::NoPlace
            };
        }
        if !self.waiters.is_in_line(ticket) {
            self.waiters.line_up_again(ticket);
            return Step::Again;
        }
        if ticket.may_wait() {
            self.waiters.sleep(ticket);
            Step::Pending
        } else {
            Step::Again
        }
    }

    /// Takes all steps at once. A ticket waits for one thing at a time: what it waited for before it gives up.
    pub(super) fn poll_steps<T, X>(
        &mut self,
        kind: Kind,
        ticket: &mut Ticket,
        no_place: X,
        mut step: impl FnMut(&mut Self, &mut Ticket, bool) -> (Step<Result<T, X>>, Wakes),
    ) -> Polled<T, X> {
        let mut wakes = if ticket.waits_otherwise(kind) {
            self.cancel(ticket)
        } else {
            Wakes::NONE
        };
        let may_wait = ticket.may_wait();
        loop {
            let (step, more) = step(self, ticket, may_wait);
            wakes = wakes.and(more);
            match step {
                Step::Again => {}
                Step::Ready(result) => return (Poll::Ready(result), wakes),
                Step::Pending => return (Poll::Pending, wakes),
                Step::NoPlace => return (Poll::Ready(Err(no_place)), wakes),
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

    /// The ticket is not to be woken any more.
    #[inline]
    pub(crate) fn awake(&mut self, ticket: &mut Ticket) {
        self.waiters.awake(ticket);
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
