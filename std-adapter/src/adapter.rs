//! A stream as a `Stream` and a `Sink` of the futures crates.

use std::mem;
use std::pin::Pin;
use std::sync::{OnceLock, TryLockError};
use std::task::{self, Poll};

use futures_core::{FusedStream, Stream};
use futures_sink::Sink;
use tidegate_core::Ticket;

use crate::error::{DrainError, ReadError, WriteError};
use crate::futures::{poll_or_yield, poll_read, poll_with};
use crate::message::Multipart;
use crate::pump::Flow;
use crate::runtime::lock;
use crate::stream::{Inner, ZmqStream};
use crate::sync::{Mutex, MutexGuard};
use crate::turns;

/// What one handle waits for; nothing is allocated for a handle that is used by its methods alone.
#[derive(Default)]
pub(crate) struct Adapter(OnceLock<Box<Mutex<Places>>>);

#[derive(Default)]
struct Places {
    next: Ticket,
    ready: Ticket,
    /// Whether who is to be ready has let others run.
    has_yielded: bool,
    flush: Ticket,
    close: Ticket,
    has_ended: bool,
}

impl Adapter {
    /// Nobody waits for the lock: whoever polls has the handle to himself.
    fn places(&self) -> MutexGuard<'_, Places> {
        let places = self.0.get_or_init(Box::default);
        lock(places)
    }

    /// The places, if there are any, and nobody gives them up just now: in a forked child somebody may do so for ever.
    fn used(&self) -> Option<MutexGuard<'_, Places>> {
        match self.0.get()?.try_lock() {
            Ok(places) => Some(places),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    fn has_ended(&self) -> bool {
        self.used().is_some_and(|places| places.has_ended)
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
    /// Polls with the handle's places, which are nobody else's meanwhile.
    fn with_places<R>(&mut self, poll: impl FnOnce(&Inner, &mut Places) -> R) -> R {
        let (inner, adapter) = self.parts();
        // In their place, so that a waker that panics loses none of them.
        poll(inner, &mut adapter.places())
    }

    /// The handle waits no more as a `Stream` or a `Sink`: it is dropped, or used otherwise. Its places are given up, and their turns
    /// go to the next.
    #[inline]
    pub(crate) fn leave(&self) {
        if self.adapter.0.get().is_some() {
            self.give_up_places();
        }
    }

    #[cold]
    fn give_up_places(&self) {
        let Some(mut places) = self.adapter.used() else {
            return;
        };
        let tickets = [
            mem::take(&mut places.next),
            mem::take(&mut places.ready),
            mem::take(&mut places.flush),
            mem::take(&mut places.close),
        ];
        drop(places);
        for mut ticket in tickets {
            if ticket.has_place() {
                self.inner().with(|flow| flow.cancel(&mut ticket));
            }
        }
    }
}

/// The messages, in order; each goes to one of those who read. It ends when the stream is closed and what was buffered was read, and
/// behind the error of a stream that has failed.
///
/// The place in the line is the handle's, not that of a `next()`: one that is dropped, in a timeout say, keeps it for the next one, until
/// the handle is polled again, used by another call that waits or takes, or dropped. Others who wait behind it wait as long. A
/// [`read`](ZmqStream::read) gives its place up when it is dropped.
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
        if this.adapter.has_ended() {
            return Poll::Ready(None);
        }
        let read = if turns::receives(this.socket_type()) {
            this.with_places(|inner, places| poll_read(inner, &mut places.next, cx))
        } else {
            Poll::Ready(Err(ReadError::SendsOnly))
        };
        read.map(|read| {
            let has_ended = matches!(
                read,
                Err(ReadError::Closed | ReadError::Failed(_) | ReadError::SendsOnly)
            );
            this.with_places(|_, places| places.has_ended = has_ended);
            match read {
                Err(ReadError::Closed) => None,
                read => Some(read),
            }
        })
    }
}

impl FusedStream for ZmqStream {
    fn is_terminated(&self) -> bool {
        self.adapter.has_ended()
    }
}

/// Anything that makes a message can be sent. Ready means that the write side is not paused; flushed, that libzmq has accepted or
/// refused what was written; to close a sink closes the whole stream, all its handles, and waits for its end. As with the `Stream`, a
/// place in a line is the handle's.
///
/// With `SinkExt` in scope `send`, `flush` and `close` are the stream's own where it is called as `stream.send(..)` or by `&stream`, and
/// `SinkExt`'s by a `&mut ZmqStream`; that `send` waits until libzmq has taken the message. `SinkExt::send(&mut stream, ..)` and
/// `ZmqStream::send(&stream, ..)` leave no doubt.
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
        let drained = this.with_places(|inner, places| {
            let Places {
                ready, has_yielded, ..
            } = places;
            poll_or_yield(inner, ready, has_yielded, cx, Flow::poll_drain)
        });
        drained.map_err(SinkError::Drain)
    }

    fn start_send(self: Pin<&mut Self>, message: M) -> Result<(), SinkError> {
        Ok(self.write(message)?)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Result<(), SinkError>> {
        let this = self.get_mut();
        let flushed = this
            .with_places(|inner, places| poll_with(inner, &mut places.flush, cx, Flow::poll_flush));
        flushed.map_err(SinkError::Drain)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Result<(), SinkError>> {
        let this = self.get_mut();
        ZmqStream::close(this);
        let closed = this.with_places(|inner, places| {
            poll_with(inner, &mut places.close, cx, Flow::poll_closed)
        });
        closed.map(|lost| match this.exception() {
            Some(errno) => Err(DrainError::Failed(errno).into()),
            None if lost.is_nothing() => Ok(()),
            None => Err(DrainError::Dropped(lost).into()),
        })
    }
}
