//! A stream as a `Stream` and a `Sink` of the futures crates.

use std::mem;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::task::{self, Poll, Wake, Waker};

use futures_core::{FusedStream, Stream};
use futures_sink::Sink;
use tidegate_core::Ticket;

use crate::error::{DrainError, ReadError, WriteError};
use crate::futures::{poll_or_yield, poll_with};
use crate::message::Multipart;
use crate::pump::Flow;
use crate::stream::{Inner, ZmqStream};
use crate::turns;

/// What one handle waits for; nothing is allocated for a handle that is used by its methods alone.
#[derive(Default)]
pub(crate) struct Adapter {
    places: Option<Box<Places>>,
    has_ended: bool,
}

#[derive(Default)]
struct Places {
    next: Arc<Place>,
    ready: Arc<Place>,
    flush: Arc<Place>,
    close: Arc<Place>,
}

/// A place among those who wait, of a handle and not of a future: what polls it may never come back, as a `next()` in a timeout. So
/// whoever is woken leaves the line, and passes the turn on as well; when it is polled it looks, and lines up anew.
#[derive(Default)]
struct Place {
    ticket: Mutex<Ticket>,
    waker: Mutex<Option<Waker>>,
    /// Whether it was woken while it was polled.
    was_woken: AtomicBool,
    stream: OnceLock<Weak<Inner>>,
}

impl Wake for Place {
    fn wake(self: Arc<Self>) {
        self.leave();
        let waker = lock(&self.waker).take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Place {
    fn poll<R>(
        self: &Arc<Self>,
        inner: &Arc<Inner>,
        cx: &task::Context<'_>,
        poll: impl FnOnce(&Inner, &mut Ticket, &task::Context<'_>) -> Poll<R>,
    ) -> Poll<R> {
        self.stream.get_or_init(|| Arc::downgrade(inner));
        // Stored before the look, and what it replaces is dropped once nothing is locked.
        let waker = cx.waker().clone();
        let old = lock(&self.waker).replace(waker);
        drop(old);
        let own = Waker::from(self.clone());
        // Nobody who holds the stream's lock waits for this one.
        let polled = poll(
            inner,
            &mut lock(&self.ticket),
            &task::Context::from_waker(&own),
        );
        if polled.is_ready() {
            let old = lock(&self.waker).take();
            drop(old);
        }
        polled
    }

    /// Gives the place up; if its turn had come, the next one's has. One that is being polled does so afterwards.
    fn leave(&self) {
        self.was_woken.store(true, Ordering::SeqCst);
        if let Some(inner) = self.stream.get().and_then(Weak::upgrade)
            && let Ok(mut ticket) = self.ticket.try_lock()
            && ticket.has_place()
        {
            inner.with(|flow| flow.cancel(&mut ticket));
        }
    }
}

/// Why a [`Sink`] did not take, flush or close.
#[derive(Debug, thiserror::Error)]
pub enum SinkError {
    /// The message was refused. It is in the error.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The stream has ended with messages unsent.
    #[error(transparent)]
    Drain(#[from] DrainError),
}

impl ZmqStream {
    fn place(&mut self, place: fn(&Places) -> &Arc<Place>) -> Arc<Place> {
        place(self.adapter.places.get_or_insert_default()).clone()
    }

    /// The handle is dropped: its places are given up, and their turns go to the next.
    pub(crate) fn leave(&mut self) {
        if let Some(places) = mem::take(&mut self.adapter.places) {
            for place in [&places.next, &places.ready, &places.flush, &places.close] {
                place.leave();
            }
        }
    }
}

/// The messages, in order; each goes to one of those who read. A `next()` may be dropped at any point, and keeps nobody waiting; a handle
/// that waits like that is woken now and then for a message that somebody else gets. It ends when the stream is closed and what was buffered was read, and
/// behind the error of a stream that has failed.
///
/// ```
/// use futures_lite::{future::block_on, StreamExt};
/// use tidegate::{SocketType, ZmqStream};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut pull = ZmqStream::builder(SocketType::PULL).bind("tcp://127.0.0.1:*").open()?;
/// let push = ZmqStream::builder(SocketType::PUSH).connect(&pull.bindings()[0]).open()?;
/// push.write("one")?;
/// block_on(async {
///     assert_eq!(pull.next().await.unwrap().unwrap(), "one");
///     pull.close();
///     assert!(pull.next().await.is_none());
/// });
/// # block_on(tidegate::shutdown(std::time::Duration::from_secs(5)))?;
/// # Ok(())
/// # }
/// ```
impl Stream for ZmqStream {
    type Item = Result<Multipart, ReadError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if this.adapter.has_ended {
            return Poll::Ready(None);
        }
        let read = if turns::receives(this.socket_type()) {
            this.place(|places| &places.next)
                .poll(this.shared(), cx, |inner, ticket, cx| {
                    poll_with(inner, ticket, cx, Flow::poll_read)
                })
        } else {
            Poll::Ready(Err(ReadError::SendsOnly))
        };
        read.map(|read| {
            this.adapter.has_ended = matches!(
                read,
                Err(ReadError::Closed | ReadError::Failed(_) | ReadError::SendsOnly)
            );
            match read {
                Err(ReadError::Closed) => None,
                read => Some(read),
            }
        })
    }
}

impl FusedStream for ZmqStream {
    fn is_terminated(&self) -> bool {
        self.adapter.has_ended
    }
}

/// Anything that makes a message can be sent. Ready means that the write side is not paused; flushed, that libzmq has accepted or
/// refused what was written; to close a sink closes the whole stream, all its handles, and waits for its end.
///
/// ```
/// use futures_util::SinkExt;
/// use futures_lite::future::block_on;
/// use tidegate::{SocketType, ZmqStream};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let pull = ZmqStream::builder(SocketType::PULL).bind("tcp://127.0.0.1:*").open()?;
/// let mut push = ZmqStream::builder(SocketType::PUSH).connect(&pull.bindings()[0]).open()?;
/// block_on(async {
///     push.feed("one").await?;
///     SinkExt::send(&mut push, ("two", "frames")).await?;
///     assert_eq!(pull.read().await.unwrap(), "one");
///     SinkExt::<&str>::close(&mut push).await
/// })?;
/// # block_on(tidegate::shutdown(std::time::Duration::from_secs(5)))?;
/// # Ok(())
/// # }
/// ```
impl<M: Into<Multipart>> Sink<M> for ZmqStream {
    type Error = SinkError;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Result<(), SinkError>> {
        let this = self.get_mut();
        let drained =
            this.place(|places| &places.ready)
                .poll(this.shared(), cx, |inner, ticket, cx| {
                    poll_or_yield(inner, ticket, cx, Flow::poll_drain)
                });
        drained.map_err(SinkError::Drain)
    }

    fn start_send(self: Pin<&mut Self>, message: M) -> Result<(), SinkError> {
        Ok(self.write(message)?)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Result<(), SinkError>> {
        let this = self.get_mut();
        let flushed =
            this.place(|places| &places.flush)
                .poll(this.shared(), cx, |inner, ticket, cx| {
                    poll_with(inner, ticket, cx, Flow::poll_flush)
                });
        flushed.map_err(SinkError::Drain)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Result<(), SinkError>> {
        let this = self.get_mut();
        ZmqStream::close(this);
        let closed =
            this.place(|places| &places.close)
                .poll(this.shared(), cx, |inner, ticket, cx| {
                    poll_with(inner, ticket, cx, Flow::poll_closed)
                });
        closed.map(|lost| match this.exception() {
            Some(errno) => Err(DrainError::Failed(errno).into()),
            None if lost.is_nothing() => Ok(()),
            None => Err(DrainError::Dropped(lost).into()),
        })
    }
}
