//! The futures of a shared stream. Each is [`Unpin`], keeps a [`Ticket`], and does nothing but lock and poll the machine.
//!
//! Dropping one at any point loses nothing: it gives its place up, and if it had been woken already it wakes the next.
//! A future that is polled again after it was ready begins anew; but a [`Read`], whose slice went with its message, says
//! that it is closed.

use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll};

use crate::error::{DrainError, Lost, ReadError, TooManyWaiters};
use crate::message::Frames;
use crate::shared::{Stream, copy_out, frames_in, too_small};
use crate::stream::{Fixed, Machine, Wakes};
use crate::waiters::Ticket;

/// A stream, and a place among those who wait for it.
#[derive(Debug)]
struct Wait<'s, const RX: usize, const TX: usize, const W: usize, E: Clone> {
    stream: &'s Stream<RX, TX, W, E>,
    ticket: Ticket,
}

impl<'s, const RX: usize, const TX: usize, const W: usize, E: Clone> Wait<'s, RX, TX, W, E> {
    fn new(stream: &'s Stream<RX, TX, W, E>) -> Self {
        Self {
            stream,
            ticket: Ticket::new(),
        }
    }

    fn poll<R>(
        &mut self,
        cx: &Context<'_>,
        f: impl FnOnce(&mut Machine<Fixed<RX, TX, W>, E>, &mut Ticket) -> (R, Wakes),
    ) -> R {
        self.ticket.offer(cx.waker());
        let ticket = &mut self.ticket;
        let result = self.stream.with(|machine| f(machine, ticket));
        self.ticket.settle();
        result
    }
}

impl<const RX: usize, const TX: usize, const W: usize, E: Clone> Drop for Wait<'_, RX, TX, W, E> {
    fn drop(&mut self) {
        if self.ticket.has_place() {
            let ticket = &mut self.ticket;
            self.stream.with(|machine| ((), machine.cancel(ticket)));
        }
    }
}

/// Waits for a message. Made by [`Stream::read`].
#[must_use = "futures do nothing unless polled"]
#[derive(Debug)]
pub struct Read<'s, 'b, const RX: usize, const TX: usize, const W: usize, E: Clone> {
    wait: Wait<'s, RX, TX, W, E>,
    out: Option<&'b mut [u8]>,
}

impl<'s, 'b, const RX: usize, const TX: usize, const W: usize, E: Clone>
    Read<'s, 'b, RX, TX, W, E>
{
    pub(crate) fn new(stream: &'s Stream<RX, TX, W, E>, out: &'b mut [u8]) -> Self {
        Self {
            wait: Wait::new(stream),
            out: Some(out),
        }
    }
}

impl<'b, const RX: usize, const TX: usize, const W: usize, E: Clone> Future
    for Read<'_, 'b, RX, TX, W, E>
{
    type Output = Result<Frames<'b>, ReadError<E>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        // Gone with the message that was returned before.
        let Some(out) = this.out.as_deref_mut() else {
            return Poll::Ready(Err(ReadError::Closed));
        };
        let read = this.wait.poll(cx, |machine, ticket| {
            let (ready, wakes) = machine.poll_readable(ticket);
            match ready {
                Poll::Pending => (Poll::Pending, wakes),
                Poll::Ready(Err(error)) => (Poll::Ready(Err(error)), wakes),
                Poll::Ready(Ok(())) => {
                    if let Some(needed_bytes) = too_small(machine.incoming(), out) {
                        let wakes = wakes.and(machine.cancel(ticket));
                        return (
                            Poll::Ready(Err(ReadError::TooSmall { needed_bytes })),
                            wakes,
                        );
                    }
                    let (len, more) = machine.take(ticket, |frames| copy_out(frames, out));
                    (Poll::Ready(len.ok_or(ReadError::Closed)), wakes.and(more))
                }
            }
        });
        match read {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Ready(Ok(len)) => {
                let out: Option<&'b [u8]> = this.out.take().map(|out| &*out);
                let frames = out.and_then(|out| frames_in(out, len));
                Poll::Ready(frames.ok_or(ReadError::Closed))
            }
        }
    }
}

/// Waits while the write side is paused. Made by [`Stream::drain`].
#[must_use = "futures do nothing unless polled"]
#[derive(Debug)]
pub struct Drain<'s, const RX: usize, const TX: usize, const W: usize, E: Clone>(
    Wait<'s, RX, TX, W, E>,
);

impl<'s, const RX: usize, const TX: usize, const W: usize, E: Clone> Drain<'s, RX, TX, W, E> {
    pub(crate) fn new(stream: &'s Stream<RX, TX, W, E>) -> Self {
        Self(Wait::new(stream))
    }
}

impl<const RX: usize, const TX: usize, const W: usize, E: Clone> Future
    for Drain<'_, RX, TX, W, E>
{
    type Output = Result<(), DrainError<E>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let wait = &mut self.get_mut().0;
        wait.poll(cx, |machine, ticket| machine.poll_drain(ticket))
    }
}

/// Waits for the end of the stream. Made by [`Stream::closed`].
#[must_use = "futures do nothing unless polled"]
#[derive(Debug)]
pub struct Closed<'s, const RX: usize, const TX: usize, const W: usize, E: Clone>(
    Wait<'s, RX, TX, W, E>,
);

impl<'s, const RX: usize, const TX: usize, const W: usize, E: Clone> Closed<'s, RX, TX, W, E> {
    pub(crate) fn new(stream: &'s Stream<RX, TX, W, E>) -> Self {
        Self(Wait::new(stream))
    }
}

impl<const RX: usize, const TX: usize, const W: usize, E: Clone> Future
    for Closed<'_, RX, TX, W, E>
{
    type Output = Result<Lost, TooManyWaiters>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let wait = &mut self.get_mut().0;
        wait.poll(cx, |machine, ticket| machine.poll_closed(ticket))
    }
}
