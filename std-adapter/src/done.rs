//! The end of a context, for those who wait for it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{self, Poll, Waker};
use std::{fmt, mem};

use crate::error::ShutdownError;
use crate::fork::Forkable;
use crate::stream::wake_all;
use crate::sync::MutexGuard;

#[cfg(doc)]
use crate::context::Context;

/// The result of a shutdown, once it is there, and who waits for it.
pub(crate) struct Done {
    state: Forkable<Outcome>,
}

#[derive(Default)]
struct Outcome {
    result: Option<Result<(), ShutdownError>>,
    /// Of those who wait, each with the number of its future.
    wakers: Vec<(usize, Waker)>,
    futures: usize,
}

impl Default for Done {
    fn default() -> Self {
        Self {
            state: Forkable::new(Outcome::default()),
        }
    }
}

impl Outcome {
    /// What a forked child has of an end that its parent waits for.
    fn of_parent() -> Self {
        Self {
            result: Some(Err(ShutdownError::Forked)),
            ..Self::default()
        }
    }
}

impl Done {
    pub(crate) fn of(result: Result<(), ShutdownError>) -> Arc<Self> {
        let done = Arc::<Self>::default();
        done.set(result);
        done
    }

    fn lock(&self) -> MutexGuard<'_, Outcome> {
        self.state.lock(Outcome::of_parent)
    }

    pub(crate) fn set(&self, result: Result<(), ShutdownError>) {
        let wakers = {
            let mut outcome = self.lock();
            outcome.result = Some(result);
            mem::take(&mut outcome.wakers)
        };
        wake_all(wakers.into_iter().map(|(_, waker)| waker));
    }
}

/// Waits for the end of a context. Made by [`Context::shutdown`].
#[must_use = "a process that does not wait for the end of its context loses what was not sent"]
pub struct Shutdown {
    done: Arc<Done>,
    number: usize,
}

impl Shutdown {
    pub(crate) fn of(done: Arc<Done>) -> Self {
        let number = {
            let mut outcome = done.lock();
            outcome.futures += 1;
            outcome.futures
        };
        Self { done, number }
    }
}

impl Future for Shutdown {
    type Output = Result<(), ShutdownError>;

    fn poll(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Self::Output> {
        // Cloned before the lock, and any that it replaces is dropped after it.
        let waker = cx.waker().clone();
        let mut outcome = self.done.lock();
        if let Some(result) = &outcome.result {
            return Poll::Ready(result.clone());
        }
        let place = outcome
            .wakers
            .iter()
            .position(|(number, _)| *number == self.number);
        let old = place.map(|place| outcome.wakers.swap_remove(place));
        outcome.wakers.push((self.number, waker));
        drop(outcome);
        drop(old);
        Poll::Pending
    }
}

impl Drop for Shutdown {
    fn drop(&mut self) {
        let mut outcome = self.done.lock();
        let place = outcome
            .wakers
            .iter()
            .position(|(number, _)| *number == self.number);
        let old = place.map(|place| outcome.wakers.swap_remove(place));
        drop(outcome);
        drop(old);
    }
}

impl fmt::Debug for Shutdown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shutdown").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Counter(AtomicUsize);

    impl Wake for Counter {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[test]
    fn e1_everybody_who_waits_is_told_by_the_waker_of_the_last_poll_and_who_gave_up_is_not() {
        let done = Arc::<Done>::default();
        let [mut first, mut second, mut third] = [(); 3].map(|()| Shutdown::of(done.clone()));
        let counters = [(); 4].map(|()| Arc::<Counter>::default());
        let poll = |future: &mut Shutdown, counter: usize| {
            let waker = counters[counter].clone().into();
            Pin::new(future).poll(&mut task::Context::from_waker(&waker))
        };
        assert!(poll(&mut first, 0).is_pending());
        assert!(poll(&mut first, 1).is_pending());
        assert!(poll(&mut second, 2).is_pending());
        assert!(poll(&mut third, 3).is_pending());
        drop(third);
        // Nobody keeps what is not to be woken.
        assert_eq!(counters.each_ref().map(Arc::strong_count), [1, 2, 2, 1]);
        done.set(Ok(()));
        let woken = counters
            .each_ref()
            .map(|counter| counter.0.load(Ordering::SeqCst));
        assert_eq!(woken, [0, 1, 1, 0]);
        assert!(matches!(poll(&mut first, 0), Poll::Ready(Ok(()))));
        assert!(matches!(poll(&mut second, 0), Poll::Ready(Ok(()))));
    }
}
