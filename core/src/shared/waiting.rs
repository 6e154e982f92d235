//! The critical sections, who is woken after them, and how one waits: step by step, each in a section of its own.

use core::task::{Poll, Waker};

use super::{SharedMachine, Stream};
use crate::error::TooManyWaiters;
use crate::log::Seen;
use crate::stream::{FixedEvents, Step, Wakes};
use crate::waiters::Ticket;

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

    /// Takes one step after the other until the wait is over or the ticket sleeps. Its first step is without a waker: what is
    /// ready at once needs none.
    #[inline]
    pub(crate) fn poll_steps<R>(
        &self,
        ticket: &mut Ticket,
        waker: &Waker,
        mut step: impl FnMut(&mut SharedMachine<RX, TX, W, V>, &mut Ticket) -> (Step<R>, Wakes),
    ) -> Poll<Result<R, TooManyWaiters>> {
        loop {
            let step = self.with(|machine| {
                let (step, wakes) = step(machine, ticket);
                if matches!(step, Step::Ready(_)) {
                    // Whatever happens from now on is not for this one.
                    machine.awake(ticket);
                }
                (step, wakes)
            });
            match step {
                Step::Again => ticket.offer(waker),
                Step::Pending => return Poll::Pending,
                Step::NoPlace => return Poll::Ready(Err(TooManyWaiters)),
                Step::Ready(result) => {
                    self.leave(ticket);
                    return Poll::Ready(Ok(result));
                }
            }
        }
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
