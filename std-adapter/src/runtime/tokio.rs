//! A task on a tokio runtime for each stream.
//!
//! tokio tells of a descriptor when it *becomes* readable, so the task notes that it was told before it calls the stream: whatever
//! comes while the stream looks is told anew. The runtime has a duplicate of the descriptor, for libzmq may close its own at any
//! time. A runtime that shuts down drops the task, and the stream goes over to the I/O thread.

use std::future::Future;
use std::io;
use std::mem;
use std::os::fd::OwnedFd;
use std::panic::catch_unwind;
use std::pin::Pin;
use std::sync::{Arc, Mutex, Weak};
use std::task::{Context, Poll, Waker};

use tokio::io::unix::AsyncFd;
use tokio::runtime::Handle;

use super::thread::lock;
use super::{Watched, unwinding};
use crate::socket::Descriptor;

/// After so many calls of the stream the task lets others run.
const ROUNDS: usize = 4;

/// What the stream asks of its task.
#[derive(Default)]
struct Orders {
    scheduled: bool,
    closed: bool,
    waker: Option<Waker>,
    stream: Option<Weak<dyn Watched>>,
}

/// A stream's place on a runtime.
pub(crate) struct Place {
    orders: Arc<Mutex<Orders>>,
}

/// A place that was found, and is not taken yet.
pub(super) struct Vacancy<'a> {
    runtime: &'a Handle,
    readable: AsyncFd<OwnedFd>,
}

impl<'a> Vacancy<'a> {
    pub(super) fn find(runtime: &'a Handle, descriptor: Descriptor) -> io::Result<Self> {
        let _entered = runtime.enter();
        // There is no other way to learn that the I/O driver is not enabled.
        let readable = catch_unwind(|| descriptor.on_tokio())
            .map_err(|_| io::Error::other("the tokio runtime's I/O driver is not enabled"))??;
        Ok(Self { runtime, readable })
    }

    pub(super) fn take<W: Watched + 'static>(self, make: impl FnOnce(Place) -> Arc<W>) -> Arc<W> {
        let orders = Arc::<Mutex<Orders>>::default();
        let stream = make(Place {
            orders: orders.clone(),
        });
        let of_place: Weak<W> = Arc::downgrade(&stream);
        lock(&orders).stream = Some(of_place);
        self.runtime.spawn(Task {
            readable: self.readable,
            orders,
            stream: stream.clone(),
        });
        stream
    }
}

impl Place {
    fn order(&self, order: impl FnOnce(&mut Orders)) {
        let waker = {
            let mut orders = lock(&self.orders);
            order(&mut orders);
            orders.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Has the task call the stream soon.
    pub(super) fn reschedule(&self) {
        self.order(|orders| orders.scheduled = true);
    }

    /// Ends the task.
    pub(super) fn close(&mut self) {
        self.order(|orders| orders.closed = true);
    }

    /// The stream, unless it is gone.
    pub(super) fn stream(&self) -> Option<Arc<dyn Watched>> {
        lock(&self.orders).stream.as_ref().and_then(Weak::upgrade)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.close();
    }
}

/// Calls a stream for as long as it is open.
struct Task {
    readable: AsyncFd<OwnedFd>,
    orders: Arc<Mutex<Orders>>,
    stream: Arc<dyn Watched>,
}

impl Future for Task {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        for _ in 0..ROUNDS {
            // Stored before anything is looked at; what it replaces is dropped once nothing is locked.
            let waker = cx.waker().clone();
            let (scheduled, _old) = {
                let mut orders = lock(&this.orders);
                if orders.closed {
                    return Poll::Ready(());
                }
                let old = orders.waker.replace(waker);
                (mem::take(&mut orders.scheduled), old)
            };
            let is_ready = match this.readable.poll_read_ready(cx) {
                Poll::Ready(Ok(mut guard)) => {
                    guard.clear_ready();
                    true
                }
                // The runtime shuts down.
                Poll::Ready(Err(_)) => return Poll::Ready(()),
                Poll::Pending => false,
            };
            if is_ready {
                unwinding(|| this.stream.on_ready());
            } else if scheduled {
                unwinding(|| this.stream.on_schedule());
            } else {
                return Poll::Pending;
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        if !lock(&self.orders).closed {
            unwinding(|| self.stream.clone().on_runtime_gone());
        }
    }
}
