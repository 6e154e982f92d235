//! A task on a tokio runtime for each stream.
//!
//! tokio tells of a descriptor when it *becomes* readable, so the task notes that it was told before it calls the stream: whatever
//! comes while the stream looks is told anew. The runtime lets go of the descriptor when the place is closed, and not when the task gets
//! to know of it: libzmq closes it right afterwards. A runtime that shuts down drops the task, and the stream goes over to the I/O thread.

use std::future::Future;
use std::io;
use std::mem;
use std::pin::Pin;
use std::ptr;
use std::sync::{Arc, OnceLock, Weak};
use std::task::{Context, Poll, RawWakerVTable, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use super::awake::Awake;
use super::reactor::Seat;
use super::{Watched, let_others_run, lock, unwinding};
use crate::socket::{Descriptor, wait_readable};
use crate::sync::{AsyncFd, Handle, Instant, Mutex, catch_unwind};

/// After so many calls of the stream the task lets others run.
const ROUNDS: usize = 4;

/// How tokio wakes a task, once one was seen.
static OF_TASKS: OnceLock<&'static RawWakerVTable> = OnceLock::new();

/// Whether this wakes a task of a tokio runtime, as far as is known.
pub(super) fn is_task(waker: &Waker) -> bool {
    OF_TASKS
        .get()
        .is_some_and(|of_tasks| ptr::eq(*of_tasks, waker.vtable()))
}

/// What the stream asks of its task.
struct Orders {
    scheduled: bool,
    awake: Awake,
    /// The descriptor as the runtime has it, until the place is closed.
    readable: Option<AsyncFd<Descriptor>>,
    waker: Option<Waker>,
    stream: Option<Weak<dyn Watched>>,
    /// When the stream is to be called at the latest, if the thread is there that does it.
    deadline: Option<(Instant, Thread)>,
}

/// What a task has found to do.
enum Found {
    Ready,
    Scheduled,
    Nothing,
    /// And the runtime is to be kept awake.
    NothingYet,
    /// The place is closed, or the runtime shuts down.
    Over,
}

impl Orders {
    fn look(&mut self, cx: &mut Context<'_>) -> Found {
        let scheduled = mem::take(&mut self.scheduled);
        let Some(readable) = &self.readable else {
            return Found::Over;
        };
        let mut is_ready = match readable.poll_read_ready(cx) {
            Poll::Ready(Ok(mut guard)) => {
                guard.clear_ready();
                true
            }
            // The runtime shuts down.
            Poll::Ready(Err(_)) => return Found::Over,
            Poll::Pending => false,
        };
        let mut is_awake = false;
        if self.awake.is_waiting() {
            let now = Instant::now();
            is_awake = self.awake.goes_on(now);
            // Another thread of the runtime may sleep over its news.
            is_ready |= is_awake && is_readable(*readable.get_ref());
            if is_ready {
                self.awake.came(now);
            }
        }
        match (is_ready, scheduled, is_awake) {
            (true, _, _) => Found::Ready,
            (_, true, _) => Found::Scheduled,
            (_, _, true) => Found::NothingYet,
            (false, false, false) => Found::Nothing,
        }
    }
}

fn is_readable(descriptor: Descriptor) -> bool {
    !wait_readable(&[descriptor], Some(Duration::ZERO)).is_empty()
}

/// A stream's place on a runtime.
pub(crate) struct Place {
    orders: Arc<Mutex<Orders>>,
    /// Where the I/O thread keeps the time, once there was a deadline.
    seat: Option<Seat>,
}

/// A place that was found, and is not taken yet.
pub(super) struct Vacancy<'a> {
    runtime: &'a Handle,
    readable: AsyncFd<Descriptor>,
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
        let orders = Arc::new(Mutex::new(Orders {
            scheduled: false,
            awake: Awake::NEW,
            readable: Some(self.readable),
            waker: None,
            stream: None,
            deadline: None,
        }));
        let stream = make(Place {
            orders: orders.clone(),
            seat: None,
        });
        let of_place: Weak<W> = Arc::downgrade(&stream);
        lock(&orders).stream = Some(of_place);
        self.runtime.spawn(Task {
            orders,
            stream: stream.clone(),
        });
        stream
    }
}

impl Place {
    /// Has the task polled, if this says so.
    fn order(&self, order: impl FnOnce(&mut Orders) -> bool) {
        let waker = {
            let mut orders = lock(&self.orders);
            if !order(&mut orders) {
                return;
            }
            orders.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Has the task call the stream soon.
    pub(super) fn reschedule(&self) {
        self.order(|orders| {
            orders.scheduled = true;
            true
        });
    }

    /// Has the task keep the runtime awake, if the reply that is awaited from now on is likely to come soon.
    pub(super) fn await_reply(&self) {
        self.order(|orders| orders.awake.begin(Instant::now));
    }

    /// Has the stream called at this time, unless the place is closed before. Where the I/O thread cannot be had, for want of descriptors,
    /// by a thread that waits for nothing else.
    pub(super) fn set_deadline(&mut self, deadline: Instant) {
        if self.seat.is_none() {
            self.seat = self.stream().and_then(|stream| Seat::take(stream).ok());
        }
        if let Some(seat) = &mut self.seat {
            return seat.set_deadline(Some(deadline));
        }
        let mut orders = lock(&self.orders);
        if let Some((earlier, thread)) = &mut orders.deadline {
            *earlier = deadline;
            return thread.unpark();
        }
        let of_thread = self.orders.clone();
        let thread = thread::Builder::new().name("tidegate-linger".into());
        // Without threads either, the stream ends with its runtime, or once there is a peer.
        if let Ok(thread) = thread.spawn(move || linger(&of_thread)) {
            orders.deadline = Some((deadline, thread.thread().clone()));
        }
    }

    /// Ends the task.
    pub(super) fn close(&mut self) {
        self.seat = None;
        // Dropped once nothing is locked, and before the socket is closed.
        let readable = {
            let mut orders = lock(&self.orders);
            if let Some((_, thread)) = orders.deadline.take() {
                thread.unpark();
            }
            orders.readable.take()
        };
        if readable.is_some() {
            drop(readable);
            self.order(|_| true);
        }
    }

    /// The stream, unless it is gone.
    pub(super) fn stream(&self) -> Option<Arc<dyn Watched>> {
        lock(&self.orders).stream.as_ref().and_then(Weak::upgrade)
    }
}

/// Calls the stream when its time is up, unless it has none any more.
fn linger(orders: &Mutex<Orders>) {
    let stream = loop {
        let left = {
            let mut orders = lock(orders);
            let Some((deadline, _)) = &orders.deadline else {
                return;
            };
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                // Another deadline has another thread.
                orders.deadline = None;
                break orders.stream.as_ref().and_then(Weak::upgrade);
            }
            left
        };
        thread::park_timeout(left);
    };
    if let Some(stream) = stream {
        unwinding(|| stream.on_deadline());
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.close();
    }
}

/// Calls a stream for as long as it is open.
struct Task {
    orders: Arc<Mutex<Orders>>,
    stream: Arc<dyn Watched>,
}

impl Future for Task {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        OF_TASKS.get_or_init(|| cx.waker().vtable());
        for _ in 0..ROUNDS {
            // Stored before anything is looked at; what it replaces is dropped once nothing is locked.
            let waker = cx.waker().clone();
            let (found, _old) = {
                let mut orders = lock(&this.orders);
                let old = orders.waker.replace(waker);
                (orders.look(cx), old)
            };
            match found {
                Found::Ready => unwinding(|| this.stream.on_ready()),
                Found::Scheduled => unwinding(|| this.stream.on_schedule()),
                Found::Nothing => return Poll::Pending,
                Found::NothingYet => {
                    let_others_run(cx);
                    return Poll::Pending;
                }
                Found::Over => return Poll::Ready(()),
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        if lock(&self.orders).readable.is_some() {
            unwinding(|| self.stream.clone().on_runtime_gone());
        }
    }
}
