//! The read side: what the transport feeds in and the readers take out.

use core::mem;
use core::task::Poll;

use super::{Flags, Machine, Polled, State, Step, Storage, Wakes};
use crate::error::{AlreadyDone, PushError, ReadError, TryReadError};
use crate::queue::{Level, Queue};
use crate::waiters::{Kind, Ticket};
use crate::watermark::Transition;

/// For every storage, those of shared bytes too.
impl<S: Storage, E: Clone> Machine<S, E> {
    /// A received message had no room: [`interest`](Self::interest) leaves receiving out until there is more.
    #[inline]
    pub(crate) fn starve(&mut self) {
        self.flags.set(Flags::STARVED, true);
    }

    /// There is more room for what was received.
    #[inline]
    pub(crate) fn room_grew(&mut self) -> Wakes {
        if self.flags.set(Flags::STARVED, false) {
            self.wake_receiver()
        } else {
            Wakes::NONE
        }
    }

    /// What comes after a gap can be read now, if it is there; and there is more room.
    #[inline]
    pub(crate) fn gap_passed(&mut self) -> Wakes {
        self.room_grew().and(self.wake_first(Kind::Read))
    }

    /// What was received has grown, or can be read now.
    #[inline]
    pub(crate) fn fed(&mut self) -> Wakes {
        // Nobody is to be told of a pause: the driver reads `interest`.
        if self.read_marks.is_over(self.incoming.level_bytes()) {
            self.flags.set(Flags::READ_GATE, true);
        }
        self.wake_first(Kind::Read)
    }

    /// Whether a message can be taken at once by somebody who does not wait, on a stream that has not failed.
    #[inline]
    pub(crate) fn is_ready(&self) -> bool {
        self.incoming.is_readable()
            && self.waiters.nobody(Kind::Read)
            && !self.flags.has(Flags::DISCARDED)
    }

    /// A received message can never fit and was thrown away. The next reader who comes to its place is told, once.
    pub fn discard(&mut self) -> Wakes {
        if !self.state.is_open() {
            return Wakes::NONE;
        }
        if self.discarded == 0 {
            self.before_discarded = self.incoming.len();
        }
        self.discarded = self.discarded.saturating_add(1);
        self.flags.set(Flags::DISCARDED, true);
        self.wake_first(Kind::Read)
    }

    /// Whether a reader is to be told of messages that were thrown away before the next message.
    #[inline]
    pub(super) fn is_gap_next(&self) -> bool {
        self.flags.has(Flags::DISCARDED) && self.before_discarded == 0
    }

    /// What the reader who comes to the place of messages that were thrown away is told, once.
    fn take_discarded(&mut self) -> Option<ReadError<E>> {
        if !self.is_gap_next() {
            return None;
        }
        self.flags.set(Flags::DISCARDED, false);
        let messages = mem::take(&mut self.discarded);
        Some(ReadError::Discarded { messages })
    }

    /// Whether the ticket may take a message now: it is its turn, and a message is there. `Ready(Ok)` leaves the ticket
    /// its place; the caller then calls [`take`](Self::take), or [`cancel`](Self::cancel).
    ///
    /// A newcomer does not overtake those who wait.
    ///
    /// # Errors
    /// [`ReadError::Closed`] once a closing stream's buffer is empty; [`ReadError::Failed`] after a failure, at once;
    /// [`ReadError::Discarded`] once for messages that could never fit; [`ReadError::TooManyWaiters`]. The ticket then has
    /// no place any more.
    #[inline]
    pub fn poll_readable(&mut self, ticket: &mut Ticket) -> Polled<(), ReadError<E>> {
        let step = if !ticket.has_place() {
            self.read_first(ticket)
        } else if ticket.waits_otherwise(Kind::Read) {
            Step::Again
        } else {
            self.read_again(ticket)
        };
        match step {
            Step::Ready(()) => (Poll::Ready(Ok(())), Wakes::NONE),
            Step::Pending => (Poll::Pending, Wakes::NONE),
            Step::Again => self.poll_turn(ticket),
        }
    }

    /// Whether nothing special is the matter: a message is there, or there is none yet.
    #[inline]
    fn is_plain(&self) -> bool {
        self.state.is_open() && !self.flags.has(Flags::DISCARDED.and(Flags::ON_DEMAND))
    }

    /// The first poll of a ticket, which has no place yet, in one step if nothing special is the matter: it happens most.
    #[inline(always)]
    pub(crate) fn read_first(&mut self, ticket: &mut Ticket) -> Step<()> {
        if !self.is_plain() {
            return Step::Again;
        }
        if self.incoming.is_readable() && self.waiters.nobody(Kind::Read) {
            return Step::Ready(());
        }
        if ticket.may_wait() && self.waiters.line_up(Kind::Read, ticket) {
            self.waiters.sleep(ticket);
            return Step::Pending;
        }
        Step::Again
    }

    /// The poll of a ticket that waits for a message, and was woken most often.
    #[inline(always)]
    pub(crate) fn read_again(&mut self, ticket: &mut Ticket) -> Step<()> {
        if !self.is_plain() {
            return Step::Again;
        }
        if self.incoming.is_readable() && self.waiters.is_next(Kind::Read, ticket) {
            return Step::Ready(());
        }
        if ticket.may_wait() {
            self.waiters.sleep(ticket);
            return Step::Pending;
        }
        Step::Again
    }

    #[inline(never)]
    fn poll_turn(&mut self, ticket: &mut Ticket) -> Polled<(), ReadError<E>> {
        let no_place = ReadError::TooManyWaiters;
        let polled = self.poll_steps(Kind::Read, ticket, no_place, Self::step_read);
        match polled {
            (Poll::Ready(Err(_)), _) => self.served(ticket, polled),
            _ => polled,
        }
    }

    /// One step of a wait for a message.
    #[inline]
    pub(crate) fn step_read(&mut self, ticket: &mut Ticket) -> Step<Result<(), ReadError<E>>> {
        match self.look_for_message(ticket) {
            Some(looked) => Step::Ready(looked),
            None => self.sleep(ticket),
        }
    }

    /// Whether there is a message for the ticket, or an end.
    #[inline]
    fn look_for_message(&mut self, ticket: &Ticket) -> Option<Result<(), ReadError<E>>> {
        // For everybody: whoever else waits gets the same.
        if self.is_reading_over() {
            return Some(Err(match &self.state {
                State::Failed(error) => ReadError::Failed(error.clone()),
                _ => ReadError::Closed,
            }));
        }
        if self.waiters.is_next(Kind::Read, ticket) {
            if let Some(error) = self.take_discarded() {
                return Some(Err(error));
            }
            if self.incoming.is_readable() {
                return Some(Ok(()));
            }
        }
        None
    }

    /// Whether a message may be taken at once: one is there, and nobody waits for it. After a failure what was buffered
    /// before it comes first, then the error; [`Empty`](TryReadError::Empty) while others hold it up.
    ///
    /// # Errors
    /// See [`TryReadError`].
    pub fn try_readable(&mut self) -> (Result<(), TryReadError<E>>, Wakes) {
        if self.exception().is_some() {
            if let Some(error) = self.take_discarded() {
                return (Err(TryReadError::Read(error)), Wakes::NONE);
            }
            if self.incoming.is_readable() {
                return (Ok(()), Wakes::NONE);
            }
            // Somebody looks at a message, and may put it back; or what was reserved before it is not yet given up.
            if !self.incoming.is_empty() {
                return (Err(TryReadError::Empty), Wakes::NONE);
            }
        }
        let result = match self.look_for_message(&Ticket::new()) {
            Some(looked) => looked.map_err(TryReadError::Read),
            None => Err(TryReadError::Empty),
        };
        (result, Wakes::NONE)
    }

    /// The ticket has got its message, which is still to be looked at: the next one's turn comes when it is gone.
    #[inline]
    pub(crate) fn turn_taken(&mut self, ticket: &mut Ticket) {
        let _ = self.waiters.leave_line(ticket);
        self.waiters.give_back(ticket);
    }

    /// A message that somebody looked at was not taken after all.
    #[inline]
    pub(crate) fn put_back(&mut self) -> Wakes {
        self.wake_first(Kind::Read)
    }

    /// A message was taken out. Whether somebody may be waiting for that: then [`after_read`](Self::after_read) comes next,
    /// in a section of its own where the machine is shared.
    #[inline]
    pub(crate) fn message_read(&mut self) -> bool {
        // An open gate stays open when the level falls.
        let special = Flags::READ_GATE
            .and(Flags::STARVED)
            .and(Flags::ON_DEMAND)
            .and(Flags::DISCARDED);
        if self.flags.has(special) {
            // Nobody is to come between a message and what was thrown away behind it.
            self.before_discarded = self.before_discarded.saturating_sub(1);
            let resumed = self.turn_read_gate() == Some(Transition::Resume);
            if resumed || self.flags.has(Flags::ON_DEMAND) {
                // Until the driver is told of it, in the next step, whatever comes before that.
                self.starve();
            }
            return true;
        }
        !self.waiters.nobody(Kind::Read)
    }

    #[inline(never)]
    pub(crate) fn after_read(&mut self) -> Wakes {
        let wakes = self.wake_first(Kind::Read);
        if self.flags.set(Flags::STARVED, false) || self.flags.has(Flags::ON_DEMAND) {
            wakes.and(self.wake_receiver())
        } else {
            wakes
        }
    }

    /// Stops reading from the transport, whatever the gate says; a read serves the buffer only.
    ///
    /// # Errors
    /// Reading was paused already.
    pub fn pause_reading(&mut self) -> Result<(), AlreadyDone> {
        if self.flags.set(Flags::READING_PAUSED, true) {
            return Err(AlreadyDone);
        }
        Ok(())
    }

    /// Undoes [`pause_reading`](Self::pause_reading).
    ///
    /// # Errors
    /// Reading was not paused.
    pub fn resume_reading(&mut self) -> Result<Wakes, AlreadyDone> {
        if !self.flags.set(Flags::READING_PAUSED, false) {
            return Err(AlreadyDone);
        }
        Ok(self.wake_receiver())
    }

    /// Whether [`pause_reading`](Self::pause_reading) is in force.
    pub fn is_reading_paused(&self) -> bool {
        self.flags.has(Flags::READING_PAUSED)
    }

    /// What was received and not yet read, in order.
    pub fn incoming(&self) -> &S::Incoming {
        &self.incoming
    }
}

impl<S: Storage<Incoming: Queue>, E: Clone> Machine<S, E> {
    /// A message was received.
    ///
    /// It is put in even while the read side is paused: a transport may have had it in hand already.
    ///
    /// # Errors
    /// The message comes back; if it was [`Full`](PushError::Full), [`interest`](Self::interest) leaves receiving out until
    /// a message was read. A stream that is not open takes no more: [`Closed`](PushError::Closed).
    #[inline]
    pub fn feed<'a>(
        &mut self,
        message: <S::Incoming as Queue>::Push<'a>,
    ) -> Result<Wakes, PushError<<S::Incoming as Queue>::Push<'a>>> {
        if !self.state.is_open() {
            return Err(PushError::Closed(message));
        }
        match self.incoming.push(message) {
            Ok(()) => Ok(self.fed()),
            Err(error) => {
                if matches!(error, PushError::Full(_)) {
                    self.starve();
                }
                Err(error)
            }
        }
    }

    /// Takes the oldest message out, ends the ticket's wait, and passes the turn on if there is more.
    #[inline]
    pub fn take<R>(
        &mut self,
        ticket: &mut Ticket,
        f: impl FnOnce(<S::Incoming as Queue>::Pop<'_>) -> R,
    ) -> (Option<R>, Wakes) {
        let result = self.incoming.pop_with(f);
        self.turn_taken(ticket);
        let wakes = if result.is_some() && self.message_read() {
            self.after_read()
        } else {
            Wakes::NONE
        };
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
    ) -> Polled<R, ReadError<E>> {
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

#[cfg(test)]
mod tests {
    use core::convert::Infallible;
    use core::task::Waker;

    use super::*;
    use crate::queue::MessageBuffer;
    use crate::stream::Fixed;
    use crate::waiters::FixedSlots;

    /// Where the machine is shared, others may come between a message's release and what follows from it.
    #[test]
    fn c7_the_driver_is_told_of_a_release_though_read_ahead_comes_back_on_before_it_is() {
        let mut machine = Machine::<Fixed<64, 0, 2>, Infallible>::new(
            MessageBuffer::new(),
            MessageBuffer::new(),
            FixedSlots::new(),
        );
        let _ = machine.set_on_demand(true);
        let mut second = Ticket::new();
        second.offer(Waker::noop());
        let _ = machine.feed(&[b"one"]).unwrap();
        assert!(machine.incoming.pop_with(|_| ()).is_some());
        assert!(machine.waiters.grow().is_ok() && machine.line_up(Kind::Read, &mut second).0);
        let _ = machine.register_driver(Waker::noop().clone());
        assert!(machine.message_read());
        assert!(!machine.interest().receive);
        let mut wakes = machine.set_on_demand(false).and(machine.after_read());
        assert!(machine.interest().receive);
        let mut woken = 0;
        while machine.take_waker(&mut wakes).is_some() {
            woken += 1;
        }
        assert!(woken > 0 && !machine.has_driver(), "the driver oversleeps");
    }
}
