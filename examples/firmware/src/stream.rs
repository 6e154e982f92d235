//! The stream between the interrupt and the tasks.

use core::convert::Infallible;

use tidegate_core::{EventRing, Stream};

/// 512 bytes for what is to be read, none for sending, two who wait: the reader and the watcher. The interrupt is its own
/// transport, and never fails. The eight newest events are kept.
///
/// Its marks are the default: the read side pauses over 384 bytes, and resumes at 128.
pub static STREAM: Stream<512, 0, 2, Infallible, EventRing<Event, 8>> = Stream::new();

/// What the interrupt reports.
#[derive(Clone, Copy)]
pub enum Event {
    /// The read side has paused.
    Paused {
        /// Messages that were sent before.
        sent: u32,
    },
    /// The read side goes on.
    Resumed {
        /// Ticks without a message meanwhile.
        held_back: u32,
    },
}
