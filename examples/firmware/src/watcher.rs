//! The task that watches the stream's events, whatever the reader does.

use crate::stream::{Event, STREAM};

/// What was seen.
#[derive(Clone, Copy, Default)]
pub struct Seen {
    /// Events that were read.
    pub events: usize,
    /// Events that the ring discarded before they could be read.
    pub discarded: usize,
    /// What the events that were read say was held back.
    pub held_back: u32,
}

/// Reads events until the stream is closed and every event was read.
pub async fn run() -> Seen {
    let mut seen = Seen::default();
    while let Ok((event, discarded)) = STREAM.read_event().await {
        match event {
            Event::Paused { sent } => defmt::info!("paused after {} messages", sent),
            Event::Resumed { held_back } => {
                defmt::info!("resumed, {} held back", held_back);
                seen.held_back += held_back;
            }
        }
        seen.events += 1;
        seen.discarded += discarded;
    }
    seen
}
