//! In the timer's interrupt: one measurement per tick, and a message of it, while the readers keep up.
//!
//! While the stream's read side is paused the interrupt measures nothing and counts what it held back. So nothing is lost:
//! the sequence has no gap, whatever the readers do.

use core::cell::Cell;
use core::mem;

use critical_section::Mutex;

use crate::stream::{Event, STREAM};
use crate::telemetry::{MESSAGES, Telemetry};

/// Where the interrupt stands.
#[derive(Clone, Copy)]
pub struct Producer {
    /// Messages sent so far, and the sequence number of the next one.
    pub sent: u32,
    /// Ticks without a message, for the read side was paused.
    pub held_back: u32,
    /// How many events it reported.
    pub events: usize,
    /// Of `held_back`, those since the read side paused.
    pause: u32,
}

static PRODUCER: Mutex<Cell<Producer>> = Mutex::new(Cell::new(Producer {
    sent: 0,
    held_back: 0,
    events: 0,
    pause: 0,
}));

/// How far it has come.
pub fn progress() -> Producer {
    critical_section::with(|cs| PRODUCER.borrow(cs).get())
}

/// Called by every tick, in the interrupt.
pub fn tick() {
    // Nothing but this function changes it, and it does not interrupt itself: interrupts stay on in between.
    let mut producer = progress();
    if producer.sent < MESSAGES {
        producer.step();
        critical_section::with(|cs| PRODUCER.borrow(cs).set(producer));
    }
}

impl Producer {
    fn step(&mut self) {
        if send(self.sent).is_none() {
            if self.pause == 0 {
                self.report(Event::Paused { sent: self.sent });
            }
            self.pause += 1;
            self.held_back += 1;
            return;
        }
        self.sent += 1;
        if self.pause > 0 {
            let held_back = mem::take(&mut self.pause);
            self.report(Event::Resumed { held_back });
        }
        if self.sent == MESSAGES {
            STREAM.close();
        }
    }

    fn report(&mut self, event: Event) {
        STREAM.port().feed_event(event);
        self.events += 1;
    }
}

/// Measures, and writes the message where the readers will see it. `None` if they do not keep up; there is no message then.
fn send(sequence: u32) -> Option<()> {
    let port = STREAM.port();
    if !port.interest().receive {
        return None;
    }
    let mut message = port.reserve(Telemetry::BYTES, Telemetry::FRAMES).ok()?;
    let telemetry = Telemetry::measure(sequence);
    *message.frame(4)?.first_chunk_mut()? = telemetry.sequence.to_le_bytes();
    *message.frame(4)?.first_chunk_mut()? = telemetry.reading.to_le_bytes();
    message.commit().ok()
}
