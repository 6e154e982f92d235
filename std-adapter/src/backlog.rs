//! Where events wait to be read: any number of them, or no more than a limit.

use std::collections::VecDeque;
use std::fmt;

use tidegate_core::{EventError, EventKind, Events};

use crate::error::Errno;

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

/// A line for a log: where, what in words, and how many events are missing before it.
///
/// ```
/// use tidegate::{EventKind, SocketEvent};
///
/// let event = SocketEvent {
///     kind: EventKind::ConnectRetried { interval_ms: 100 },
///     endpoint: "tcp://127.0.0.1:5555".into(),
///     discarded: 2,
/// };
/// assert_eq!(event.to_string(), "tcp://127.0.0.1:5555: connects again in 100 ms (2 events before this were discarded)");
/// ```
impl fmt::Display for SocketEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.endpoint.is_empty() {
            write!(f, "{}: ", self.endpoint)?;
        }
        let why = |errno: i32| Errno::new(errno);
        match self.kind {
            EventKind::Connected { .. } => f.write_str("connected"),
            EventKind::ConnectDelayed { .. } => f.write_str("connects"),
            EventKind::ConnectRetried { interval_ms } => {
                write!(f, "connects again in {interval_ms} ms")
            }
            EventKind::Listening { .. } => f.write_str("listening"),
            EventKind::BindFailed { errno } => write!(f, "cannot be bound: {}", why(errno)),
            EventKind::Accepted { .. } => f.write_str("accepted a connection"),
            EventKind::AcceptFailed { errno } => {
                write!(f, "cannot accept a connection: {}", why(errno))
            }
            EventKind::Closed { .. } => f.write_str("closed"),
            EventKind::CloseFailed { errno } => write!(f, "cannot be closed: {}", why(errno)),
            EventKind::Disconnected { .. } => f.write_str("disconnected"),
            EventKind::MonitorStopped => f.write_str("the monitor has stopped"),
            EventKind::HandshakeFailedNoDetail { errno } => {
                write!(f, "the handshake failed: {}", why(errno))
            }
            EventKind::HandshakeSucceeded => f.write_str("the handshake succeeded"),
            EventKind::HandshakeFailedProtocol { code } => {
                write!(f, "the handshake broke its protocol (code {code:#x})")
            }
            EventKind::HandshakeFailedAuth { status } => {
                write!(f, "the handshake was refused (ZAP status {status})")
            }
            kind => write!(f, "{kind:?}"),
        }?;
        match self.discarded {
            0 => Ok(()),
            1 => f.write_str(" (an event before this was discarded)"),
            some => write!(f, " ({some} events before this were discarded)"),
        }
    }
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
