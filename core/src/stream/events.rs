//! Events: what happened to the transport, beside the messages and independent of them.

use core::convert::Infallible;
use core::task::Poll;

use super::{Flags, Machine, Polled, State, Step, Storage, Wakes};
use crate::error::{ReadEventError, TryReadEventError};
use crate::event_ring::EventRing;
use crate::waiters::{Kind, Ticket};

/// Where events wait to be read. The oldest is discarded, and counted, where there is no room for one more.
pub trait Events {
    /// What an event says.
    type Event;
    /// No events yet.
    const NEW: Self;
    /// Adds an event.
    fn push(&mut self, event: Self::Event);
    /// Takes the oldest event, and how many were discarded since the last one was taken.
    fn pop(&mut self) -> Option<(Self::Event, usize)>;
    /// Whether no event waits.
    fn is_empty(&self) -> bool;
    /// How many were discarded since the last event was taken.
    fn discarded(&self) -> usize;
    /// Changes how many events are kept.
    fn set_backlog(&mut self, events: usize);
}

/// Events that lie in fixed memory and are `Copy`, so that nothing foreign runs when they are moved inside a critical
/// section: [`NoEvents`], and an [`EventRing`] of such.
pub trait FixedEvents: Events<Event: Copy> + sealed::Sealed {}

mod sealed {
    pub trait Sealed {}
}

impl sealed::Sealed for NoEvents {}
impl FixedEvents for NoEvents {}
impl<T: Copy, const N: usize> sealed::Sealed for EventRing<T, N> {}
impl<T: Copy, const N: usize> FixedEvents for EventRing<T, N> {}

/// No room for events, and no events. Takes no memory.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoEvents;

impl Events for NoEvents {
    type Event = Infallible;
    const NEW: Self = Self;
    fn push(&mut self, event: Infallible) {
        match event {}
    }
    fn pop(&mut self) -> Option<(Infallible, usize)> {
        None
    }
    fn is_empty(&self) -> bool {
        true
    }
    fn discarded(&self) -> usize {
        0
    }
    fn set_backlog(&mut self, _: usize) {}
}

impl<T: Copy, const N: usize> Events for EventRing<T, N> {
    type Event = T;
    const NEW: Self = Self::new();
    #[inline]
    fn push(&mut self, event: T) {
        self.push(event);
    }
    #[inline]
    fn pop(&mut self) -> Option<(T, usize)> {
        self.pop()
    }
    #[inline]
    fn is_empty(&self) -> bool {
        self.is_empty()
    }
    fn discarded(&self) -> usize {
        self.discarded()
    }
    fn set_backlog(&mut self, events: usize) {
        self.set_backlog(events);
    }
}

/// An event, and how many were discarded before it since the one that was read last.
pub(crate) type Seen<S> = (<<S as Storage>::Events as Events>::Event, usize);

impl<S: Storage, E: Clone> Machine<S, E> {
    /// Asks for events, or for no more of them. Twice is once. What waits to be read stays.
    pub fn set_monitoring(&mut self, monitoring: bool) -> Wakes {
        self.flags.set(Flags::MONITORING, monitoring);
        self.wake_first(Kind::Event)
    }

    /// Whether events are wanted.
    pub fn is_monitoring(&self) -> bool {
        self.flags.has(Flags::MONITORING)
    }

    /// The events that wait to be read.
    pub fn events(&self) -> &S::Events {
        &self.events
    }

    /// Changes how many events are kept, at most as many as the storage has room for, which is the default; the oldest ones that are
    /// too many are discarded, and counted.
    pub fn set_event_backlog(&mut self, events: usize) -> Wakes {
        self.events.set_backlog(events);
        self.wake_first(Kind::Event)
    }

    /// Something happened to the transport. Dropped if events are not wanted, or the stream is not open.
    pub fn feed_event(&mut self, event: <S::Events as Events>::Event) -> Wakes {
        if !self.is_monitoring() || !self.state.is_open() {
            return Wakes::NONE;
        }
        self.events.push(event);
        self.wake_first(Kind::Event)
    }

    /// Takes an event, with the number of those that were discarded since the last one was taken. Those who wait are served
    /// in the order in which they came.
    ///
    /// # Errors
    /// Once no event waits: [`NotMonitoring`](ReadEventError::NotMonitoring) if none are wanted,
    /// [`Closed`](ReadEventError::Closed) or [`Failed`](ReadEventError::Failed) at the end;
    /// [`TooManyWaiters`](ReadEventError::TooManyWaiters). The ticket then has no place any more.
    pub fn poll_event(&mut self, ticket: &mut Ticket) -> Polled<Seen<S>, ReadEventError<E>> {
        let mut seen = None;
        let no_place = ReadEventError::TooManyWaiters;
        let polled = self.poll_steps(Kind::Event, ticket, no_place, |machine, ticket| {
            machine.step_event(ticket, &mut seen)
        });
        let (ready, wakes) = self.served(ticket, polled);
        let ready = match (ready, seen) {
            (_, Some(seen)) => Poll::Ready(Ok(seen)),
            (Poll::Ready(Err(error)), None) => Poll::Ready(Err(error)),
            _ => Poll::Pending,
        };
        (ready, wakes)
    }

    /// One step of that, with the event put where it is to be: to move it costs more than all the rest.
    #[inline]
    pub(crate) fn step_event(
        &mut self,
        ticket: &mut Ticket,
        seen: &mut Option<Seen<S>>,
    ) -> Step<Result<(), ReadEventError<E>>> {
        if self.waiters.is_next(Kind::Event, ticket) {
            *seen = self.events.pop();
            if seen.is_some() {
                return Step::Ready(Ok(()));
            }
        }
        if self.events.is_empty()
            && let Some(error) = self.end_of_events()
        {
            return Step::Ready(Err(error));
        }
        self.sleep(ticket)
    }

    /// Why there will be no event, if there is none.
    #[inline]
    fn end_of_events(&self) -> Option<ReadEventError<E>> {
        match &self.state {
            State::Open if self.is_monitoring() => None,
            State::Open => Some(ReadEventError::NotMonitoring),
            State::Closing | State::Closed => Some(ReadEventError::Closed),
            State::Failed(error) => Some(ReadEventError::Failed(error.clone())),
        }
    }

    /// Takes an event if one is there and nobody waits for it.
    ///
    /// # Errors
    /// See [`TryReadEventError`].
    pub fn try_event(&mut self) -> (Result<Seen<S>, TryReadEventError<E>>, Wakes) {
        let (ready, wakes) = self.poll_event(&mut Ticket::new());
        let result = match ready {
            Poll::Ready(result) => result.map_err(TryReadEventError::Read),
            Poll::Pending => Err(TryReadEventError::Empty),
        };
        (result, wakes)
    }
}
