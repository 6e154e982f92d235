//! An executor of one future, which polls it only after it was woken: a wake that is lost leaves it waiting.

use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};

use crate::waker;

/// Polls for as long as the future was woken since the last poll.
pub struct Task<F> {
    future: F,
    polled_at: Option<u32>,
}

impl<F: Future + Unpin> Task<F> {
    /// A future that was not polled yet.
    pub fn new(future: F) -> Self {
        Self {
            future,
            polled_at: None,
        }
    }

    /// What it came to, if it is ready; polls it no more than it was woken.
    pub fn run(&mut self) -> Option<F::Output> {
        let waker = waker::counting();
        let mut cx = Context::from_waker(&waker);
        while self.polled_at != Some(waker::wakes()) {
            self.polled_at = Some(waker::wakes());
            if let Poll::Ready(output) = Pin::new(&mut self.future).poll(&mut cx) {
                return Some(output);
            }
        }
        None
    }
}
