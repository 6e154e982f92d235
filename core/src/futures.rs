//! The futures of a shared stream. Each is [`Unpin`], keeps a [`Ticket`], and does nothing but lock and poll the machine.
//!
//! Dropping one at any point loses nothing: it gives its place up, and if it had been woken already it wakes the next.
//! A future that is polled again after it was ready begins anew; but a [`Read`], whose slice went with its message, and a
//! [`SendMessage`], whose message is gone, say that the stream is closed.

use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};

use crate::error::{
    DrainError, Lost, PushError, ReadError, ReadEventError, SendError, TooManyWaiters,
    WithFailure as _,
};
use crate::grant::{ReadGrant, WriteGrant};
use crate::message::Frames;
use crate::shared::{SharedMachine, Stream, grant_bytes};
use crate::stream::{FixedEvents, NoEvents, Step};
use crate::waiters::{Kind, Ticket};

/// A stream, and a place among those who wait for it.
#[derive(Debug)]
struct Wait<'s, const RX: usize, const TX: usize, const W: usize, E: Clone, V: FixedEvents> {
    stream: &'s Stream<RX, TX, W, E, V>,
    ticket: Ticket,
}

impl<'s, const RX: usize, const TX: usize, const W: usize, E: Clone, V: FixedEvents>
    Wait<'s, RX, TX, W, E, V>
{
    #[inline]
    fn new(stream: &'s Stream<RX, TX, W, E, V>) -> Self {
        Self {
            stream,
            ticket: Ticket::new(),
        }
    }

    /// Drops the wakers that are not needed, outside every critical section.
    #[inline]
    fn poll<R>(
        &mut self,
        cx: &Context<'_>,
        f: impl FnOnce(&'s Stream<RX, TX, W, E, V>, &mut Ticket, &Waker) -> R,
    ) -> R {
        let result = f(self.stream, &mut self.ticket, cx.waker());
        self.ticket.settle();
        result
    }

    #[inline]
    fn poll_steps<R>(
        &mut self,
        cx: &Context<'_>,
        kind: Kind,
        step: impl FnMut(&mut SharedMachine<RX, TX, W, V>, &mut Ticket) -> Step<R>,
    ) -> Poll<Result<R, TooManyWaiters>> {
        self.poll(cx, |stream, ticket, waker| {
            stream.poll_steps(kind, ticket, waker, step)
        })
    }

    /// A drain or a flush.
    #[inline]
    fn poll_writes(&mut self, cx: &Context<'_>, kind: Kind) -> Poll<Result<(), DrainError<E>>> {
        let done = self.poll_steps(cx, kind, |machine, ticket| {
            machine.step_writes(kind, ticket)
        });
        done.map(|done| match done {
            Ok(done) => done.map_err(|error| error.with_failure(|| self.stream.failure())),
            Err(TooManyWaiters) => Err(DrainError::TooManyWaiters),
        })
    }
}

impl<const RX: usize, const TX: usize, const W: usize, E: Clone, V: FixedEvents> Drop
    for Wait<'_, RX, TX, W, E, V>
{
    #[inline]
    fn drop(&mut self) {
        self.stream.leave(&mut self.ticket);
    }
}

/// Waits for a message, which is lent out where it lies. Made by [`Stream::peek`].
#[must_use = "futures do nothing unless polled"]
#[derive(Debug)]
pub struct Peek<
    's,
    const RX: usize,
    const TX: usize,
    const W: usize,
    E: Clone,
    V: FixedEvents = NoEvents,
>(Wait<'s, RX, TX, W, E, V>);

impl<'s, const RX: usize, const TX: usize, const W: usize, E: Clone, V: FixedEvents>
    Peek<'s, RX, TX, W, E, V>
{
    #[inline]
    pub(crate) fn new(stream: &'s Stream<RX, TX, W, E, V>) -> Self {
        Self(Wait::new(stream))
    }
}

impl<'s, const RX: usize, const TX: usize, const W: usize, E: Clone, V: FixedEvents> Future
    for Peek<'s, RX, TX, W, E, V>
{
    type Output = Result<ReadGrant<'s, RX, TX, W, E, V, true>, ReadError<E>>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let wait = &mut self.get_mut().0;
        let peeked = wait.poll(cx, |stream, ticket, waker| stream.poll_peek(ticket, waker));
        peeked.map_ok(|region| ReadGrant::new(wait.stream, region))
    }
}

/// Waits for a message, and copies it out. Made by [`Stream::read`].
#[must_use = "futures do nothing unless polled"]
#[derive(Debug)]
pub struct Read<
    's,
    'b,
    const RX: usize,
    const TX: usize,
    const W: usize,
    E: Clone,
    V: FixedEvents = NoEvents,
> {
    wait: Wait<'s, RX, TX, W, E, V>,
    out: Option<&'b mut [u8]>,
}

impl<'s, 'b, const RX: usize, const TX: usize, const W: usize, E: Clone, V: FixedEvents>
    Read<'s, 'b, RX, TX, W, E, V>
{
    #[inline]
    pub(crate) fn new(stream: &'s Stream<RX, TX, W, E, V>, out: &'b mut [u8]) -> Self {
        Self {
            wait: Wait::new(stream),
            out: Some(out),
        }
    }
}

impl<'b, const RX: usize, const TX: usize, const W: usize, E: Clone, V: FixedEvents> Future
    for Read<'_, 'b, RX, TX, W, E, V>
{
    type Output = Result<Frames<'b>, ReadError<E>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        // Gone with the message that was returned before.
        if this.out.is_none() {
            return Poll::Ready(Err(ReadError::Closed));
        }
        let peeked = this
            .wait
            .poll(cx, |stream, ticket, waker| stream.poll_peek(ticket, waker));
        let region = match peeked {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
            Poll::Ready(Ok(region)) => region,
        };
        let out = this.out.take().unwrap_or_default();
        match this.wait.stream.copy_out(region, out) {
            Ok(len) => {
                let out: &'b [u8] = out;
                Poll::Ready(Ok(Frames::of(out.get(..len).unwrap_or_default())))
            }
            Err(needed_bytes) => {
                this.out = Some(out);
                Poll::Ready(Err(ReadError::TooSmall { needed_bytes }))
            }
        }
    }
}

/// Waits until a message may be queued, and queues it. Made by [`Stream::send`].
#[must_use = "futures do nothing unless polled"]
#[derive(Debug)]
pub struct SendMessage<
    's,
    'm,
    const RX: usize,
    const TX: usize,
    const W: usize,
    E: Clone,
    V: FixedEvents = NoEvents,
> {
    wait: Wait<'s, RX, TX, W, E, V>,
    message: Option<&'m [&'m [u8]]>,
}

impl<'s, 'm, const RX: usize, const TX: usize, const W: usize, E: Clone, V: FixedEvents>
    SendMessage<'s, 'm, RX, TX, W, E, V>
{
    #[inline]
    pub(crate) fn new(stream: &'s Stream<RX, TX, W, E, V>, message: &'m [&'m [u8]]) -> Self {
        Self {
            wait: Wait::new(stream),
            message: Some(message),
        }
    }
}

impl<'m, const RX: usize, const TX: usize, const W: usize, E: Clone, V: FixedEvents> Future
    for SendMessage<'_, 'm, RX, TX, W, E, V>
{
    type Output = Result<(), SendError<&'m [&'m [u8]], E>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let Some(message) = this.message else {
            return Poll::Ready(Err(SendError::Closed(&[])));
        };
        let sent = this.wait.poll(cx, |stream, ticket, waker| {
            stream.poll_send(ticket, waker, message)
        });
        if sent.is_ready() {
            this.message = None;
        }
        sent
    }
}

/// Waits until a message may be queued, and gives the room for it. Made by [`Stream::wait_for_room`].
#[must_use = "futures do nothing unless polled"]
#[derive(Debug)]
pub struct WaitForRoom<
    's,
    const RX: usize,
    const TX: usize,
    const W: usize,
    E: Clone,
    V: FixedEvents = NoEvents,
> {
    wait: Wait<'s, RX, TX, W, E, V>,
    packed: Result<usize, PushError<()>>,
}

impl<'s, const RX: usize, const TX: usize, const W: usize, E: Clone, V: FixedEvents>
    WaitForRoom<'s, RX, TX, W, E, V>
{
    #[inline]
    pub(crate) fn new(
        stream: &'s Stream<RX, TX, W, E, V>,
        payload_bytes: usize,
        frames: usize,
    ) -> Self {
        Self {
            wait: Wait::new(stream),
            packed: grant_bytes(payload_bytes, frames),
        }
    }
}

impl<'s, const RX: usize, const TX: usize, const W: usize, E: Clone, V: FixedEvents> Future
    for WaitForRoom<'s, RX, TX, W, E, V>
{
    type Output = Result<WriteGrant<'s, RX, TX, W, E, V, false>, SendError<(), E>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let packed = match this.packed {
            Ok(packed) => packed,
            Err(PushError::NoFrames(())) => return Poll::Ready(Err(SendError::NoFrames(()))),
            Err(_) => return Poll::Ready(Err(SendError::TooLarge(()))),
        };
        let room = this.wait.poll(cx, |stream, ticket, waker| {
            stream.poll_room(ticket, waker, packed)
        });
        room.map_ok(|region| WriteGrant::new(this.wait.stream, region))
    }
}

/// Waits for an event. Made by [`Stream::read_event`].
#[must_use = "futures do nothing unless polled"]
#[derive(Debug)]
pub struct ReadEvent<
    's,
    const RX: usize,
    const TX: usize,
    const W: usize,
    E: Clone,
    V: FixedEvents = NoEvents,
>(Wait<'s, RX, TX, W, E, V>);

impl<'s, const RX: usize, const TX: usize, const W: usize, E: Clone, V: FixedEvents>
    ReadEvent<'s, RX, TX, W, E, V>
{
    #[inline]
    pub(crate) fn new(stream: &'s Stream<RX, TX, W, E, V>) -> Self {
        Self(Wait::new(stream))
    }
}

impl<'s, const RX: usize, const TX: usize, const W: usize, E: Clone, V: FixedEvents> Future
    for ReadEvent<'s, RX, TX, W, E, V>
{
    type Output = Result<(V::Event, usize), ReadEventError<E>>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let wait = &mut self.get_mut().0;
        let mut seen = None;
        let ready = wait.poll_steps(cx, Kind::Event, |machine, ticket| {
            machine.step_event(ticket, &mut seen)
        });
        match (ready, seen) {
            (_, Some(seen)) => Poll::Ready(Ok(seen)),
            (Poll::Ready(Ok(Err(error))), None) => {
                Poll::Ready(Err(error.with_failure(|| wait.stream.failure())))
            }
            (Poll::Ready(Err(_)), None) => Poll::Ready(Err(ReadEventError::TooManyWaiters)),
            _ => Poll::Pending,
        }
    }
}

/// Waits while the write side is paused. Made by [`Stream::drain`].
#[must_use = "futures do nothing unless polled"]
#[derive(Debug)]
pub struct Drain<
    's,
    const RX: usize,
    const TX: usize,
    const W: usize,
    E: Clone,
    V: FixedEvents = NoEvents,
>(Wait<'s, RX, TX, W, E, V>);

impl<'s, const RX: usize, const TX: usize, const W: usize, E: Clone, V: FixedEvents>
    Drain<'s, RX, TX, W, E, V>
{
    #[inline]
    pub(crate) fn new(stream: &'s Stream<RX, TX, W, E, V>) -> Self {
        Self(Wait::new(stream))
    }
}

impl<'s, const RX: usize, const TX: usize, const W: usize, E: Clone, V: FixedEvents> Future
    for Drain<'s, RX, TX, W, E, V>
{
    type Output = Result<(), DrainError<E>>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.get_mut().0.poll_writes(cx, Kind::Drain)
    }
}

/// Waits until the write buffer is empty. Made by [`Stream::flush`].
#[must_use = "futures do nothing unless polled"]
#[derive(Debug)]
pub struct Flush<
    's,
    const RX: usize,
    const TX: usize,
    const W: usize,
    E: Clone,
    V: FixedEvents = NoEvents,
>(Wait<'s, RX, TX, W, E, V>);

impl<'s, const RX: usize, const TX: usize, const W: usize, E: Clone, V: FixedEvents>
    Flush<'s, RX, TX, W, E, V>
{
    #[inline]
    pub(crate) fn new(stream: &'s Stream<RX, TX, W, E, V>) -> Self {
        Self(Wait::new(stream))
    }
}

impl<'s, const RX: usize, const TX: usize, const W: usize, E: Clone, V: FixedEvents> Future
    for Flush<'s, RX, TX, W, E, V>
{
    type Output = Result<(), DrainError<E>>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.get_mut().0.poll_writes(cx, Kind::Flush)
    }
}

/// Waits for the end of the stream. Made by [`Stream::closed`].
#[must_use = "futures do nothing unless polled"]
#[derive(Debug)]
pub struct Closed<
    's,
    const RX: usize,
    const TX: usize,
    const W: usize,
    E: Clone,
    V: FixedEvents = NoEvents,
>(Wait<'s, RX, TX, W, E, V>);

impl<'s, const RX: usize, const TX: usize, const W: usize, E: Clone, V: FixedEvents>
    Closed<'s, RX, TX, W, E, V>
{
    #[inline]
    pub(crate) fn new(stream: &'s Stream<RX, TX, W, E, V>) -> Self {
        Self(Wait::new(stream))
    }
}

impl<'s, const RX: usize, const TX: usize, const W: usize, E: Clone, V: FixedEvents> Future
    for Closed<'s, RX, TX, W, E, V>
{
    type Output = Result<Lost, TooManyWaiters>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let wait = &mut self.get_mut().0;
        let closed = wait.poll_steps(cx, Kind::Closed, SharedMachine::step_closed);
        closed.map(|closed| closed.and_then(|lost| lost))
    }
}
