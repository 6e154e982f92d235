//! The futures of a stream. Each keeps its place among those who wait, and gives it up when it is dropped.

use std::future::Future;
use std::pin::Pin;
use std::task::{self, Poll};
use std::{fmt, mem};

use tidegate_core::{Lost, Ticket};

use crate::error::{DrainError, ReadError, WriteError};
use crate::message::Multipart;
use crate::pump::Flow;
use crate::runtime;
use crate::stream::{Inner, ZmqStream};
use crate::turns;

/// A stream, and a place among those who wait for it.
pub(crate) struct Wait<'a> {
    inner: &'a Inner,
    ticket: Ticket,
    /// Whether it has let others run, and is to go on.
    has_yielded: bool,
}

impl<'a> Wait<'a> {
    pub(crate) fn new(stream: &'a ZmqStream) -> Self {
        Self {
            inner: stream.inner(),
            ticket: Ticket::new(),
            has_yielded: false,
        }
    }

    /// [`poll`](Self::poll), of one who writes: now and then it lets others run first.
    fn poll_or_yield<R>(
        &mut self,
        cx: &mut task::Context<'_>,
        f: impl FnOnce(&mut Flow, &mut Ticket) -> Poll<R>,
    ) -> Poll<R> {
        poll_or_yield(self.inner, &mut self.ticket, &mut self.has_yielded, cx, f)
    }

    fn poll<R>(
        &mut self,
        cx: &task::Context<'_>,
        f: impl FnOnce(&mut Flow, &mut Ticket) -> R,
    ) -> R {
        poll_with(self.inner, &mut self.ticket, cx, f)
    }
}

/// Polls with the stream locked.
pub(crate) fn poll_with<R>(
    inner: &Inner,
    ticket: &mut Ticket,
    cx: &task::Context<'_>,
    f: impl FnOnce(&mut Flow, &mut Ticket) -> R,
) -> R {
    ticket.offer(cx.waker());
    let result = inner.with(|flow| f(flow, ticket));
    ticket.settle();
    result
}

/// Polls for a message: at once if one is there and nobody waits, and then no waker is cloned.
pub(crate) fn poll_read(
    inner: &Inner,
    ticket: &mut Ticket,
    cx: &task::Context<'_>,
) -> Poll<Result<Multipart, ReadError>> {
    let mut message = Multipart::new();
    let at_once = match ticket.has_place() {
        false => inner.with(|flow| flow.read_at_once(&mut message)),
        true => None,
    };
    let read = match at_once {
        Some(read) => Poll::Ready(read),
        None => poll_with(inner, ticket, cx, |flow, ticket| {
            flow.poll_read(ticket, &mut message)
        }),
    };
    match read {
        Poll::Ready(Ok(())) => Poll::Ready(Ok(message)),
        Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
        Poll::Pending => Poll::Pending,
    }
}

/// [`poll_with`], of one who writes: now and then it lets others run first.
pub(crate) fn poll_or_yield<R>(
    inner: &Inner,
    ticket: &mut Ticket,
    has_yielded: &mut bool,
    cx: &mut task::Context<'_>,
    f: impl FnOnce(&mut Flow, &mut Ticket) -> Poll<R>,
) -> Poll<R> {
    let polled = poll_with(inner, ticket, cx, |flow, ticket| {
        flow.poll_or_yield(ticket, has_yielded, f)
    });
    polled.unwrap_or_else(|| {
        runtime::let_others_run(cx);
        Poll::Pending
    })
}

impl Drop for Wait<'_> {
    #[inline]
    fn drop(&mut self) {
        if self.ticket.has_place() {
            let ticket = &mut self.ticket;
            self.inner.with(|flow| flow.cancel(ticket));
        }
    }
}

/// Waits for a message. Made by [`ZmqStream::read`].
#[must_use = "futures do nothing unless polled"]
pub struct Read<'a>(pub(crate) Wait<'a>);

impl Future for Read<'_> {
    type Output = Result<Multipart, ReadError>;

    fn poll(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Self::Output> {
        let wait = &mut self.get_mut().0;
        if !turns::receives(wait.inner.kind) {
            return Poll::Ready(Err(ReadError::SendsOnly));
        }
        poll_read(wait.inner, &mut wait.ticket, cx)
    }
}

/// Waits while the write side is paused. Made by [`ZmqStream::drain`].
#[must_use = "futures do nothing unless polled"]
pub struct Drain<'a>(pub(crate) Wait<'a>);

impl Future for Drain<'_> {
    type Output = Result<(), DrainError>;

    fn poll(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Self::Output> {
        let wait = &mut self.get_mut().0;
        if !wait.ticket.has_place() && wait.inner.with(|flow| flow.is_drained()) {
            return Poll::Ready(Ok(()));
        }
        wait.poll_or_yield(cx, Flow::poll_drain)
    }
}

/// Waits until the write buffer is empty. Made by [`ZmqStream::flush`].
#[must_use = "futures do nothing unless polled"]
pub struct Flush<'a>(pub(crate) Wait<'a>);

impl Future for Flush<'_> {
    type Output = Result<(), DrainError>;

    fn poll(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Self::Output> {
        self.get_mut().0.poll(cx, Flow::poll_flush)
    }
}

/// Waits until the write side is open, and writes. Made by [`ZmqStream::send`].
#[must_use = "futures do nothing unless polled"]
pub struct SendMessage<'a> {
    pub(crate) wait: Wait<'a>,
    pub(crate) message: Multipart,
}

impl SendMessage<'_> {
    /// The message, which was not sent; without frames if the future was ready.
    pub fn into_message(mut self) -> Multipart {
        mem::take(&mut self.message)
    }
}

impl Future for SendMessage<'_> {
    type Output = Result<(), WriteError>;

    fn poll(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let message = &mut this.message;
        if let Err(error) = turns::check(this.wait.inner, message) {
            return Poll::Ready(Err(error(mem::take(message).into())));
        }
        if !this.wait.ticket.has_place()
            && let Some(sent) = this.wait.inner.with(|flow| flow.send_at_once(message))
        {
            return Poll::Ready(sent.map_err(|error| *error));
        }
        this.wait
            .poll_or_yield(cx, |flow, ticket| flow.poll_send(ticket, message))
    }
}

/// Waits for the end of the stream. Made by [`ZmqStream::closed`].
#[must_use = "futures do nothing unless polled"]
pub struct Closed<'a>(pub(crate) Wait<'a>);

impl Future for Closed<'_> {
    type Output = Lost;

    fn poll(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Lost> {
        self.get_mut().0.poll(cx, Flow::poll_closed)
    }
}

macro_rules! debug {
    ($($future:ident)*) => {$(
        impl fmt::Debug for $future<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($future)).finish_non_exhaustive()
            }
        }
    )*};
}
debug!(Read Drain Flush SendMessage Closed);
