//! Where events wait to be read: any number of them, or no more than a limit.

use std::collections::VecDeque;

use tidegate_core::{EventError, EventKind, Events};

/// How many events are kept unless the stream was opened with another backlog.
pub(crate) const DEFAULT: usize = 100;

/// Something that happened to a stream's socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SocketEvent {
    /// What happened, with its value.
    pub kind: EventKind,
    /// Where. Empty if it concerns no endpoint.
    pub endpoint: String,
    /// How many events were discarded before this one, since the one that was read last: the backlog was full.
    pub discarded: usize,
}

/// The newest events, and how many older ones were discarded.
pub(crate) struct Backlog {
    events: VecDeque<Result<SocketEvent, EventError>>,
    most: usize,
    discarded: usize,
    /// How many were ever discarded.
    pub(crate) discarded_ever: u64,
}

impl Backlog {
    fn discard_over(&mut self, most: usize) {
        while self.events.len() > most {
            self.events.pop_front();
            self.discarded = self.discarded.saturating_add(1);
            self.discarded_ever = self.discarded_ever.wrapping_add(1);
        }
    }
}

impl Events for Backlog {
    type Event = Result<SocketEvent, EventError>;
    const NEW: Self = Self {
        events: VecDeque::new(),
        most: DEFAULT,
        discarded: 0,
        discarded_ever: 0,
    };

    fn push(&mut self, event: Self::Event) {
        self.events.push_back(event);
        self.discard_over(self.most);
    }

    fn pop(&mut self) -> Option<(Self::Event, usize)> {
        let event = self.events.pop_front()?;
        Some((event, std::mem::take(&mut self.discarded)))
    }

    fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    fn discarded(&self) -> usize {
        self.discarded
    }

    fn set_backlog(&mut self, events: usize) {
        self.most = events;
        self.discard_over(events);
    }
}
