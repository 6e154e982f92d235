//! Rings of the newest events: 128 of 16 bytes.

use embassy_sync::pubsub::{ImmediatePublisher, PubSubChannel};
use heapless::HistoryBuf;
use tidegate_core::EventRing;

use super::Lock;

/// How many events are kept.
pub const KEPT: usize = 128;

/// An event.
pub type Event = [u32; 4];

/// heapless's.
pub type History = HistoryBuf<Event, KEPT>;
/// embassy-sync's.
pub type PubSub = PubSubChannel<Lock, Event, KEPT, 1, 1>;
/// tidegate's.
pub type Ring = EventRing<Event, KEPT>;

/// A ring that drops its oldest event for a new one.
pub trait Events {
    /// Adds an event.
    fn write(&mut self, event: Event);
}

/// What is done with each ring in turn.
pub trait VisitEvents {
    /// One ring.
    fn events(&mut self, name: &str, events: &mut impl Events);
}

impl Events for History {
    fn write(&mut self, event: Event) {
        Self::write(self, event);
    }
}

impl Events for ImmediatePublisher<'_, Lock, Event, KEPT, 1, 1> {
    fn write(&mut self, event: Event) {
        self.publish_immediate(event);
    }
}

impl Events for Ring {
    fn write(&mut self, event: Event) {
        self.push(event);
    }
}

/// Shows every ring to the visitor.
pub fn each(visit: &mut impl VisitEvents) {
    visit.events("heapless HistoryBuf", &mut History::new());
    let channel = PubSub::new();
    // One that never reads: without a subscriber it keeps nothing.
    let subscriber = channel.subscriber();
    visit.events(
        "embassy-sync PubSubChannel",
        &mut channel.immediate_publisher(),
    );
    drop(subscriber);
    visit.events("tidegate EventRing", &mut Ring::new());
}
