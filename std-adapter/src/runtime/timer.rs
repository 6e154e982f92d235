//! A wait that is over at a certain time: on any executor, or none, for the I/O thread keeps the time.

use std::future::{Future, poll_fn};
use std::io;
use std::mem;
use std::pin::pin;
use std::sync::Arc;
use std::task::{self, Poll, Waker};
use std::time::Duration;

use super::Watched;
use super::lock;
use super::reactor::Seat;
use crate::fork::Forkable;
use crate::sync::{Instant, Mutex};

/// Wakes whoever waits, when a time has come. It takes a seat of the I/O thread's when it is first needed, and keeps it until it is
/// dropped: no descriptor, but the thread is there meanwhile. A forked child takes one of its own.
///
/// Where the I/O thread has to be started for it and cannot be, for want of descriptors or threads, the wait ends with that error: it
/// would never end otherwise.
pub(crate) struct Timer {
    taken: Forkable<Option<Taken>>,
}

struct Taken {
    seat: Seat,
    alarm: Arc<Alarm>,
}

/// Who is to be woken, until it was.
#[derive(Default)]
struct Alarm(Mutex<Option<Waker>>);

impl Watched for Alarm {
    fn on_ready(&self) {}

    fn on_schedule(&self) {}

    fn on_deadline(&self) {
        let waker = lock(&self.0).take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl Taken {
    fn take() -> io::Result<Self> {
        let alarm = Arc::<Alarm>::default();
        let seat = Seat::take(alarm.clone())?;
        Ok(Self { seat, alarm })
    }
}

impl Timer {
    pub(crate) fn new() -> Self {
        Self {
            taken: Forkable::new(None),
        }
    }

    /// Whether this time has come. If not, the task is woken then, unless the timer is [put away](Self::put_away) before.
    fn poll(&self, deadline: Instant, cx: &task::Context<'_>) -> Poll<io::Result<()>> {
        // Cloned before the locks, and any that it replaces is dropped after them.
        let waker = cx.waker().clone();
        let _old;
        let mut taken = self.taken.lock(|| None);
        let taken = match &mut *taken {
            Some(taken) => taken,
            none => none.insert(Taken::take()?),
        };
        _old = lock(&taken.alarm.0).replace(waker);
        // Behind that: an alarm that has gone off meanwhile has woken the one before.
        if deadline <= Instant::now() {
            return Poll::Ready(Ok(()));
        }
        if taken.seat.deadline() != Some(deadline) {
            taken.seat.set_deadline(Some(deadline));
        }
        Poll::Pending
    }

    /// Wakes nobody any more.
    fn put_away(&self) {
        let _old = self.taken.lock(|| None).as_mut().and_then(|taken| {
            taken.seat.set_deadline(None);
            mem::take(&mut *lock(&taken.alarm.0))
        });
    }

    /// Waits for a future, but no longer than this from its first poll on: `None` if the time was up first. `None` as a timeout, and
    /// one beyond what the clock can name, never come. What is there in time is never thrown away: the future is polled first.
    ///
    /// # Errors
    /// The time cannot be kept: there is no I/O thread, and no descriptors or threads to start one.
    pub(crate) async fn within<F: Future>(
        &mut self,
        timeout: Option<Duration>,
        future: F,
    ) -> io::Result<Option<F::Output>> {
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let mut future = pin!(future);
        let waiting = Waiting(self);
        poll_fn(|cx| {
            if let Poll::Ready(output) = future.as_mut().poll(cx) {
                return Poll::Ready(Ok(Some(output)));
            }
            match deadline {
                Some(deadline) => waiting.0.poll(deadline, cx).map_ok(|()| None),
                None => Poll::Pending,
            }
        })
        .await
    }
}

/// Puts the timer away when the wait is over, or given up.
struct Waiting<'a>(&'a Timer);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.put_away();
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc::channel;
    use std::task::Wake;
    use std::thread;

    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);

    #[derive(Default)]
    struct Counter(AtomicUsize);

    impl Wake for Counter {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// Waits for nothing else on an executor of this kind; a wait without end fails.
    fn waits<R: Send + 'static>(wait: impl FnOnce() -> R + Send + 'static) -> R {
        let (done, is_done) = channel();
        thread::spawn(move || done.send(wait()));
        is_done.recv_timeout(Duration::from_secs(30)).unwrap()
    }

    #[test]
    fn i3_a_wait_ends_when_its_time_is_up_and_not_before() {
        type Run = fn(&mut Timer) -> io::Result<Option<()>>;
        let time = Duration::from_millis(20);
        let runs: [Run; 2] = [
            |timer| {
                let wait = timer.within(Some(Duration::from_millis(20)), pending());
                futures_lite::future::block_on(wait)
            },
            |timer| crate::block_on(timer.within(Some(Duration::from_millis(20)), pending())),
        ];
        for run in runs {
            waits(move || {
                let mut timer = Timer::new();
                // The second takes no other seat.
                for _ in 0..2 {
                    let began = Instant::now();
                    assert_eq!(run(&mut timer).unwrap(), None);
                    assert!(began.elapsed() >= time);
                }
            });
        }
    }

    #[test]
    fn i3_what_is_there_when_the_time_is_up_is_not_thrown_away() {
        let now = Some(Duration::ZERO);
        let there = futures_lite::future::block_on(Timer::new().within(now, ready(7)));
        assert_eq!(there.unwrap(), Some(7));
        let nothing = futures_lite::future::block_on(Timer::new().within(now, pending::<()>()));
        assert_eq!(nothing.unwrap(), None);
    }

    #[test]
    fn i3_a_time_that_no_clock_can_name_never_comes() {
        let counter = Arc::<Counter>::default();
        for timeout in [None, Some(Duration::MAX)] {
            let mut timer = Timer::new();
            let mut wait = pin!(timer.within(timeout, pending::<()>()));
            let waker = counter.clone().into();
            let mut cx = task::Context::from_waker(&waker);
            assert!(wait.as_mut().poll(&mut cx).is_pending());
        }
    }

    /// The I/O thread sleeps for an hour, and then somebody comes who waits for less.
    #[test]
    fn i3_a_wait_that_begins_later_may_be_over_earlier() {
        let mut long = Timer::new();
        let mut wait = pin!(long.within(Some(HOUR), pending::<()>()));
        let mut cx = task::Context::from_waker(Waker::noop());
        assert!(wait.as_mut().poll(&mut cx).is_pending());
        for _ in 0..100 {
            let ended = waits(|| {
                let mut timer = Timer::new();
                let wait = timer.within(Some(Duration::from_millis(1)), pending::<()>());
                futures_lite::future::block_on(wait)
            });
            assert_eq!(ended.unwrap(), None);
        }
        assert!(wait.as_mut().poll(&mut cx).is_pending());
    }

    /// What the I/O thread does when the time has come.
    fn go_off(timer: &Timer) {
        let alarm = timer.taken.lock(|| None).as_ref().unwrap().alarm.clone();
        alarm.on_deadline();
    }

    #[test]
    fn i3_a_wait_that_is_given_up_wakes_nobody_and_keeps_no_waker() {
        let counter = Arc::<Counter>::default();
        let mut timer = Timer::new();
        {
            let waker = counter.clone().into();
            let mut cx = task::Context::from_waker(&waker);
            let mut wait = pin!(timer.within(Some(HOUR), pending::<()>()));
            assert!(wait.as_mut().poll(&mut cx).is_pending());
        }
        assert_eq!(Arc::strong_count(&counter), 1);
        // The I/O thread may have been about to.
        go_off(&timer);
        assert_eq!(counter.0.load(Ordering::SeqCst), 0);
        let deadline = timer.taken.lock(|| None).as_ref().unwrap().seat.deadline();
        assert_eq!(deadline, None);
    }

    /// A task that moves has another waker each time.
    #[test]
    fn i3_the_waker_of_the_last_poll_is_woken_once() {
        let [first, last] = [(); 2].map(|()| Arc::<Counter>::default());
        let timer = Timer::new();
        let deadline = Instant::now() + HOUR;
        for counter in [&first, &last] {
            let waker = counter.clone().into();
            let cx = task::Context::from_waker(&waker);
            assert!(timer.poll(deadline, &cx).is_pending());
        }
        go_off(&timer);
        go_off(&timer);
        let woken = [first, last].map(|counter| counter.0.load(Ordering::SeqCst));
        assert_eq!(woken, [0, 1]);
    }
}
