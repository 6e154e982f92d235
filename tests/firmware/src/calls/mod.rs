//! Every kind of call of tidegate's stream, once or over and over, in the states that make it do the most. What is measured of
//! each is the image's.

mod ends;
mod events;
mod places;
mod reads;
mod waits;
mod writes;

use core::convert::Infallible;
use core::future::Future;
use core::hint::black_box;
use core::pin::Pin;
use core::task::{Context, Poll};

use tidegate_core::{EventRing, Stream};

use crate::{report, waker};

/// An event.
type Event = [u32; 4];
/// Rings that a few messages fill.
type Small = Stream<256, 256, 8, Infallible, EventRing<Event, 8>>;

/// What is done with each call in turn.
pub trait Calls {
    /// One call, of this kind; returns what it returns.
    fn call<R>(&mut self, kind: &'static str, call: impl FnOnce() -> R) -> R;

    /// One poll of a future.
    fn poll<F: Future + Unpin>(&mut self, kind: &'static str, future: &mut F) -> Poll<F::Output> {
        let waker = black_box(waker::counting());
        let mut cx = Context::from_waker(&waker);
        let future = black_box(future);
        self.call(kind, || Pin::new(future).poll(&mut cx))
    }
}

/// Makes all calls.
pub fn each(calls: &mut impl Calls) {
    reads::make(calls);
    places::make(calls);
    waits::make(calls);
    writes::make(calls);
    events::make(calls);
    ends::make(calls);
}

/// An empty stream that the compiler does not see through.
fn stream() -> Small {
    black_box(Stream::new())
}

/// Polls with a waker that counts.
fn poll<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    let waker = black_box(waker::counting());
    Pin::new(future).poll(&mut Context::from_waker(&waker))
}

/// How many kinds of call there may be.
const KINDS: usize = 160;

/// The most that was measured of each kind of call.
#[derive(Debug)]
pub struct Most {
    kinds: [(&'static str, u32); KINDS],
    len: usize,
}

impl Default for Most {
    fn default() -> Self {
        Self {
            kinds: [("", 0); KINDS],
            len: 0,
        }
    }
}

impl Most {
    /// What one call of this kind took.
    pub fn add(&mut self, kind: &'static str, value: u32) {
        let known = self.kinds[..self.len]
            .iter_mut()
            .find(|(other, _)| *other == kind);
        match known {
            Some((_, most)) => *most = value.max(*most),
            None => {
                self.kinds[self.len] = (kind, value);
                self.len += 1;
            }
        }
    }

    /// Prints all of them as `what`, and the most of all as `most`.
    pub fn report(&self, what: &str, most: &str) {
        let kinds = &self.kinds[..self.len];
        for (kind, value) in kinds {
            report::value(kind, what, *value);
        }
        let values = kinds.iter().map(|(_, value)| *value);
        report::value("tidegate Stream", most, values.max().unwrap_or(0));
    }
}
