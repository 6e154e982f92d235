//! An event into a ring that is full.

use core::hint::black_box;

use tidegate_firmware_tests::contender::events::{Event, Events, KEPT, VisitEvents};
use tidegate_firmware_tests::counter::Counter;
use tidegate_firmware_tests::report;

const ROUNDS: u32 = 256;

/// Counts each contender's work.
pub struct Count<'c> {
    counter: &'c Counter,
}

impl<'c> Count<'c> {
    /// Counts with this counter.
    pub fn new(counter: &'c Counter) -> Self {
        Self { counter }
    }
}

impl VisitEvents for Count<'_> {
    fn events(&mut self, name: &str, events: &mut impl Events) {
        let event: Event = black_box([1, 2, 3, 4]);
        for _ in 0..2 * KEPT {
            events.write(event);
        }
        let count = self.counter.average(ROUNDS, || {
            black_box(&mut *events).write(event);
            true
        });
        report::value(name, "M3 event", count);
    }
}
