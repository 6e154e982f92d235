//! The machine of a stream's events. It has no messages, and a stream that is not monitored does without one.

use tidegate_core::{Machine, OwnedQueue, Storage, Wakes};

use crate::backlog::Backlog;
use crate::error::Errno;
use crate::message::Multipart;
use crate::queue::GrowingSlots;

/// What a monitor is kept in: events, and no messages.
pub(crate) enum EventsAlone {}

impl Storage for EventsAlone {
    type Incoming = OwnedQueue<Multipart>;
    type Outgoing = OwnedQueue<Multipart>;
    type Events = Backlog;
    type Slots = GrowingSlots;
}

type EventMachine = Machine<EventsAlone, Errno>;

/// Events, whose machine is made when something is asked of it.
pub(crate) struct Events {
    machine: Option<Box<EventMachine>>,
    backlog: usize,
    /// Whether the stream has ended, and why if it has failed.
    end: Option<Option<Errno>>,
}

impl Events {
    pub(crate) fn new(backlog: usize) -> Self {
        Self {
            machine: None,
            backlog,
            end: None,
        }
    }

    pub(crate) fn machine(&mut self) -> &mut EventMachine {
        let (backlog, end) = (self.backlog, self.end);
        self.machine.get_or_insert_with(|| {
            let slots = GrowingSlots::new();
            let mut machine = Machine::new(OwnedQueue::new(), OwnedQueue::new(), slots);
            // Nobody waits yet who could be woken.
            let _ = machine.set_event_backlog(backlog);
            if let Some(failure) = end {
                let _ = ended(&mut machine, failure);
            }
            Box::new(machine)
        })
    }

    /// The machine, if anything was ever asked of it.
    pub(crate) fn made(&mut self) -> Option<&mut EventMachine> {
        self.machine.as_deref_mut()
    }

    pub(crate) fn is_open(&self) -> bool {
        // Nothing else ends the machine.
        self.end.is_none()
    }

    pub(crate) fn set_backlog(&mut self, backlog: usize) -> Wakes {
        self.backlog = backlog;
        self.made()
            .map_or(Wakes::NONE, |machine| machine.set_event_backlog(backlog))
    }

    /// The stream is closing, or has failed.
    pub(crate) fn end(&mut self, failure: Option<Errno>) -> Wakes {
        self.end = Some(failure);
        self.made()
            .map_or(Wakes::NONE, |machine| ended(machine, failure))
    }
}

fn ended(machine: &mut EventMachine, failure: Option<Errno>) -> Wakes {
    match failure {
        Some(errno) => machine.fail(errno),
        None => machine.close(),
    }
}

#[cfg(test)]
mod tests {
    use tidegate_core::State;

    use super::*;

    #[test]
    fn e3_events_of_which_nothing_was_asked_know_all_the_same_how_the_stream_has_ended() {
        for failure in [None, Some(Errno::INVALID)] {
            let mut events = Events::new(3);
            assert!(events.is_open());
            assert!(events.end(failure).is_none());
            assert!(events.made().is_none() && !events.is_open());
            let state = events.machine().state();
            match failure {
                None => assert!(matches!(state, State::Closing | State::Closed)),
                Some(errno) => assert_eq!(*state, State::Failed(errno)),
            }
            assert!(!events.is_open());
        }
    }
}
