//! What a stream tells a `tracing` subscriber: noted while the stream is locked, told once it is not. Lengths, never payloads.

use crate::error::Errno;

/// Something worth a line in a log.
#[cfg_attr(not(feature = "tracing"), allow(dead_code, reason = "nobody is told"))]
pub(crate) enum Note {
    Opened,
    Bound(String),
    Connected(String),
    Unbound(String),
    Disconnected(String),
    ReadPaused { bytes: usize },
    ReadResumed { bytes: usize },
    WritePaused { bytes: usize },
    WriteResumed { bytes: usize },
    Refused { reason: Errno, bytes: usize },
    Closing,
    Closed { lost_messages: usize },
    Failed(Errno),
}

/// What is to be told.
#[derive(Default)]
pub(crate) struct Notes {
    #[cfg(feature = "tracing")]
    notes: Vec<Note>,
}

impl Notes {
    /// Makes the note, if anybody is to be told.
    pub(crate) fn push(&mut self, note: impl FnOnce() -> Note) {
        #[cfg(feature = "tracing")]
        if tracing::level_filters::LevelFilter::current() >= tracing::Level::WARN {
            self.notes.push(note());
        }
        #[cfg(not(feature = "tracing"))]
        let _ = note;
    }

    /// Whether there is nothing to tell.
    pub(crate) fn is_empty(&self) -> bool {
        #[cfg(feature = "tracing")]
        return self.notes.is_empty();
        #[cfg(not(feature = "tracing"))]
        true
    }
}

/// The span of a stream.
pub(crate) struct Span {
    #[cfg(feature = "tracing")]
    span: tracing::Span,
}

impl Span {
    pub(crate) fn new(kind: zmq::SocketType) -> Self {
        #[cfg(not(feature = "tracing"))]
        let _ = kind;
        Self {
            #[cfg(feature = "tracing")]
            span: tracing::debug_span!("stream", kind = crate::kinds::name(kind)),
        }
    }

    /// Tells a subscriber, within the span.
    pub(crate) fn tell(&self, notes: Notes) {
        #[cfg(feature = "tracing")]
        self.span
            .in_scope(|| notes.notes.into_iter().for_each(tell));
        #[cfg(not(feature = "tracing"))]
        let _ = notes;
    }
}

#[cfg(feature = "tracing")]
fn tell(note: Note) {
    use tracing::{debug, error, warn};
    match note {
        Note::Opened => debug!("opened"),
        Note::Bound(endpoint) => debug!(endpoint, "bound"),
        Note::Connected(endpoint) => debug!(endpoint, "connects"),
        Note::Unbound(endpoint) => debug!(endpoint, "unbound"),
        Note::Disconnected(endpoint) => debug!(endpoint, "disconnected"),
        Note::ReadPaused { bytes } => debug!(bytes, "reading paused"),
        Note::ReadResumed { bytes } => debug!(bytes, "reading resumed"),
        Note::WritePaused { bytes } => debug!(bytes, "writing paused"),
        Note::WriteResumed { bytes } => debug!(bytes, "writing resumed"),
        Note::Refused { reason, bytes } => warn!(%reason, bytes, "message refused"),
        Note::Closing => debug!("closing"),
        Note::Closed { lost_messages: 0 } => debug!("closed"),
        Note::Closed { lost_messages } => warn!(lost_messages, "closed with messages unsent"),
        Note::Failed(errno) => error!(%errno, "failed"),
    }
}
