//! The critical sections, who is woken after them, and how one waits: step by step, each in a section of its own.

use core::task::{Poll, Waker};

use super::{SharedMachine, Stream};
use crate::error::TooManyWaiters;
use crate::log::Seen;
use crate::stream::{FixedEvents, Step, Wakes};
use crate::waiters::{Kind, Ticket};

impl<const RX: usize, const TX: usize, const W: usize, E: Clone, V: FixedEvents>
    Stream<RX, TX, W, E, V>
{
    /// Runs `f` on the locked machine, and wakes those whom it names after the lock was released.
    #[inline(always)]
    pub(crate) fn with<R>(
        &self,
        f: impl FnOnce(&mut SharedMachine<RX, TX, W, V>) -> (R, Wakes),
    ) -> R {
        let (result, wakes, before, after) = self.machine.with(|machine| {
            let before = Seen::of(machine);
            let (result, wakes) = f(machine);
            (result, wakes, before, Seen::of(machine))
        });
        after.log_changes(before);
        if !wakes.is_none() {
            self.wake(wakes);
        }
        result
    }

    /// Takes each waker in a critical section of its own, for they may be many, and wakes it outside.
    #[inline(never)]
    fn wake(&self, mut wakes: Wakes) {
        while !wakes.is_none() {
            let kind = wakes.take_first();
            let mut again = false;
            let waker = self
                .machine
                .with(|machine| machine.take_one(kind, &mut again));
            if let (Some(kind), true) = (kind, again) {
                wakes.add(kind);
            }
            if let Some(waker) = waker {
                waker.wake();
            }
        }
    }

    /// Takes one step after the other until the wait is over or the ticket sleeps. Its first look is without a waker: what is
    /// ready at once, or when it was woken, needs none.
    #[inline]
    pub(crate) fn poll_steps<R>(
        &self,
        kind: Kind,
        ticket: &mut Ticket,
        waker: &Waker,
        mut step: impl FnMut(&mut SharedMachine<RX, TX, W, V>, &mut Ticket) -> Step<R>,
    ) -> Poll<Result<R, TooManyWaiters>> {
        let mut has_place = true;
        loop {
            match self.machine.with(|machine| step(machine, ticket)) {
                Step::Ready(result) => {
                    self.leave(ticket);
                    return Poll::Ready(Ok(result));
                }
                Step::Pending => return Poll::Pending,
                // This was its last look.
                Step::Again if !has_place => return Poll::Ready(Err(TooManyWaiters)),
                Step::Again => has_place = self.line_up(kind, ticket, waker),
            }
        }
    }

    /// Gives the ticket what it lacks to sleep: a place in line, and a waker. Says whether there was a place.
    #[inline(never)]
    fn line_up(&self, kind: Kind, ticket: &mut Ticket, waker: &Waker) -> bool {
        // One that has both was told that its wait is over; and now it is not any more.
        if !ticket.has_place() || ticket.may_wait() {
            while !self.with(|machine| machine.line_up(kind, ticket)) {
                if !self.machine.with(SharedMachine::grow) {
                    return false;
                }
            }
        }
        ticket.offer(waker);
        true
    }

    /// Gives up the ticket's place, if it has one, and passes its turn on. Until then nobody overtakes.
    #[inline]
    pub(crate) fn leave(&self, ticket: &mut Ticket) {
        if ticket.has_place() {
            self.leave_place(ticket);
        }
    }

    #[inline(never)]
    fn leave_place(&self, ticket: &mut Ticket) {
        self.with(|machine| ((), machine.leave_line(ticket)));
        self.machine.with(|machine| machine.give_back(ticket));
    }
}
