//! The longest critical section of each kind of call.

use core::convert::Infallible;
use core::future::Future;
use core::hint::black_box;
use core::pin::Pin;
use core::task::{Context, Poll};

use tidegate_core::{EventRing, Stream};
use tidegate_firmware_tests::{report, timed_lock, waker};

/// An event.
pub type Event = [u32; 4];
/// Rings that a few messages fill.
pub type Small = Stream<256, 256, 8, Infallible, EventRing<Event, 8>>;

/// How many kinds of call there may be.
const KINDS: usize = 128;

/// The longest section of each.
pub struct Calls {
    longest: [(&'static str, u32); KINDS],
    len: usize,
}

impl Calls {
    /// None yet.
    pub fn new() -> Self {
        Self {
            longest: [("", 0); KINDS],
            len: 0,
        }
    }

    /// Times one call. The longest of all that have this name counts. What it returns is as it should be.
    pub fn time<R>(&mut self, name: &'static str, call: impl FnOnce() -> R) -> R {
        timed_lock::reset();
        let result = call();
        let Some(longest) = timed_lock::longest() else {
            panic!("{name} has no critical section");
        };
        let known = self.longest[..self.len]
            .iter_mut()
            .find(|(other, _)| *other == name);
        match known {
            Some((_, known)) => *known = longest.max(*known),
            None => {
                self.longest[self.len] = (name, longest);
                self.len += 1;
            }
        }
        result
    }

    /// Times a poll; says whether it was ready.
    pub fn poll<F: Future + Unpin>(
        &mut self,
        name: &'static str,
        future: &mut F,
    ) -> Poll<F::Output> {
        self.time(name, || poll(black_box(future)))
    }

    /// Prints all, and the longest of all.
    pub fn report(&self) {
        let mut longest = 0;
        for (name, instructions) in &self.longest[..self.len] {
            report::value(name, "masked call", *instructions);
            longest = longest.max(*instructions);
        }
        report::value("tidegate Stream", "masked any call", longest);
    }
}

/// An empty stream that the compiler does not see through.
pub fn stream() -> Small {
    black_box(Stream::new())
}

/// Polls with a waker that counts.
pub fn poll<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    let waker = black_box(waker::counting());
    Pin::new(future).poll(&mut Context::from_waker(&waker))
}
