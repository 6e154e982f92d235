//! Wakers that count, and polls by hand.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

/// A waker that counts how often it was woken.
#[derive(Default)]
pub struct Counter(AtomicUsize);

impl Wake for Counter {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Counter {
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// How often it was woken since the last look.
    pub fn take(&self) -> usize {
        self.0.swap(0, Ordering::SeqCst)
    }

    pub fn waker(self: &Arc<Self>) -> Waker {
        self.clone().into()
    }
}

/// Polls once.
pub fn poll<F: Future + Unpin>(future: &mut F, counter: &Arc<Counter>) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(&counter.waker()))
}

/// Waits until another thread, which is started for it, wakes this one.
pub async fn woken_by_another_thread() {
    woken_after(Duration::ZERO).await;
}

/// Waits until another thread, which is started for it, wakes this one after so long.
pub async fn woken_after(time: Duration) {
    let mut is_asked = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut is_asked, true) {
            return Poll::Ready(());
        }
        let waker = cx.waker().clone();
        std::thread::spawn(move || {
            std::thread::sleep(time);
            waker.wake();
        });
        Poll::Pending
    })
    .await;
}

struct Keeping {
    begun: mpsc::Sender<()>,
    end: Mutex<mpsc::Receiver<()>>,
}

impl Wake for Keeping {
    fn wake(self: Arc<Self>) {
        // Once the other end is gone it keeps nobody.
        let _ = self.begun.send(());
        let _ = self.end.lock().expect("nobody panics here").recv();
    }
}

/// Keeps whoever wakes its waker, until it is dropped.
pub struct Kept {
    has_begun: mpsc::Receiver<()>,
    _goes_on: mpsc::Sender<()>,
}

impl Kept {
    /// Waits until somebody is kept.
    pub fn begins(&self) {
        self.has_begun.recv().expect("the waker is there");
    }
}

/// Polls once what has to wait, with a waker that keeps the thread that wakes it.
pub fn poll_keeping<F: Future + Unpin>(future: &mut F) -> Kept {
    let ((begun, has_begun), (goes_on, end)) = (mpsc::channel(), mpsc::channel());
    let end = Mutex::new(end);
    let waker = Arc::new(Keeping { begun, end }).into();
    let polled = Pin::new(future).poll(&mut Context::from_waker(&waker));
    assert!(polled.is_pending());
    Kept {
        has_begun,
        _goes_on: goes_on,
    }
}
