//! A pending poll, a push, the wake and a ready poll.

use core::hint::black_box;
use core::task::Context;

use tidegate_firmware_tests::contender::waiting::{VisitWaiting, Waiting};
use tidegate_firmware_tests::counter::Counter;
use tidegate_firmware_tests::messages::{bytes, see};
use tidegate_firmware_tests::{report, waker};

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

impl VisitWaiting for Count<'_> {
    fn waiting(&mut self, name: &str, queue: &mut impl Waiting) {
        let message = bytes(5);
        let waker = waker::counting();
        let before = waker::wakes();
        let count = self.counter.average(ROUNDS, || {
            let mut cx = Context::from_waker(black_box(&waker));
            black_box(&mut *queue).wait(message, &mut cx, see)
        });
        assert_eq!(waker::wakes() - before, ROUNDS);
        report::value(name, "M3 wait", count);
    }
}
