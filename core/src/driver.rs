//! The loop between a stream and its transport.

use core::future::Future;
use core::marker::PhantomData;
use core::pin::Pin;
use core::task::{Context, Poll};

use embassy_futures::select::{Either, select};

use crate::handles::BytePort;
use crate::shared::Stream;
use crate::stream::{FixedEvents, Interest, NoEvents, Phase};
use crate::transport::{Port, Received, Sent, Shutdown, Transport};

/// After so many messages in one direction, or events, a driver lets others run.
pub const BATCH_MESSAGES: usize = 64;
/// After so many bytes a driver lets others run, where its port counts them. A [`BytePort`] does not: a [`Stream`]'s buffers
/// are what bounds it.
pub const BATCH_BYTES: usize = 64 * 1024;

/// What a run of a driver ended with.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Drive {
    /// Nothing can go on before the transport's waker is woken or the stream's interest grows.
    Idle,
    /// The batch is used up; there may be more.
    Again,
    /// The stream has ended, and the transport was shut down.
    Ended,
}

/// Moves messages until neither side can go on, or a batch is used up, of [`BATCH_MESSAGES`] or [`BATCH_BYTES`]: for an
/// owner who has the stream to itself meanwhile. `cx` holds the waker that the transport is to wake when there is more.
pub fn drive<P, T>(port: &mut P, transport: &mut T, cx: &mut Context<'_>) -> Drive
where
    P: Port<Error = T::Error, Refused = T::Refused>,
    T: Transport<P>,
{
    let mut batch = Batch::new(port);
    loop {
        match step(port, transport, &mut batch) {
            Drive::Idle => {}
            end => return end,
        }
        let want = port.interest();
        match Pin::new(&mut Ready::new(transport, want)).poll(cx) {
            Poll::Pending => return Drive::Idle,
            Poll::Ready(Ok(())) => {}
            Poll::Ready(Err(error)) => return fail(port, transport, error),
        }
    }
}

/// Runs a [`Stream`] over its transport for as long as the stream lives. Made by [`Stream::drive`].
///
/// # Cancel safety
/// All progress lives in the stream and the transport: dropping the driver loses nothing, and another one may go on.
#[must_use = "futures do nothing unless polled"]
#[derive(Debug)]
pub struct Driver<
    's,
    't,
    T,
    const RX: usize,
    const TX: usize,
    const W: usize,
    E: Clone,
    V: FixedEvents = NoEvents,
> {
    port: BytePort<'s, RX, TX, W, E, V>,
    transport: &'t mut T,
    ended: bool,
    /// Whether it has stored a waker and not ended.
    registered: bool,
}

impl<'s, 't, T, const RX: usize, const TX: usize, const W: usize, E: Clone, V: FixedEvents>
    Driver<'s, 't, T, RX, TX, W, E, V>
{
    pub(crate) fn new(stream: &'s Stream<RX, TX, W, E, V>, transport: &'t mut T) -> Self {
        Self {
            port: BytePort::new(stream),
            transport,
            ended: false,
            registered: false,
        }
    }
}

/// Its waker is of no use any more. There is one driver at a time.
impl<T, const RX: usize, const TX: usize, const W: usize, E: Clone, V: FixedEvents> Drop
    for Driver<'_, '_, T, RX, TX, W, E, V>
{
    fn drop(&mut self) {
        if self.registered {
            self.port.deregister();
        }
    }
}

impl<'s, T, const RX: usize, const TX: usize, const W: usize, E, V: FixedEvents> Future
    for Driver<'s, '_, T, RX, TX, W, E, V>
where
    E: Clone,
    T: Transport<BytePort<'s, RX, TX, W, E, V>, Error = E, Refused = ()>,
{
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        if this.ended {
            return Poll::Ready(());
        }
        let mut batch = Batch::new(&this.port);
        loop {
            // Before the step, which looks: whatever comes after its look takes this waker out.
            this.port.begin_step(cx.waker());
            this.registered = true;
            let stepped = step(&mut this.port, this.transport, &mut batch);
            let want = this.port.end_step();
            match stepped {
                Drive::Idle => {}
                Drive::Again => {
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Drive::Ended => {
                    this.ended = true;
                    // It is to keep no task once there is none to drive.
                    this.port.deregister();
                    this.registered = false;
                    return Poll::Ready(());
                }
            }
            let changed = Changed {
                port: &mut this.port,
            };
            let ready = Ready::new(this.transport, want);
            match Pin::new(&mut select(changed, ready)).poll(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Either::First(()) | Either::Second(Ok(()))) => {}
                Poll::Ready(Either::Second(Err(error))) => {
                    let _: Drive = fail(&mut this.port, this.transport, error);
                    this.ended = true;
                    this.registered = false;
                    return Poll::Ready(());
                }
            }
        }
    }
}

/// How much of a batch is used up. Each direction has one of its own, so that none is kept waiting by another that never ends.
struct Batch {
    sent: usize,
    received: usize,
    events: usize,
    bytes_before: usize,
}

impl Batch {
    fn new(port: &impl Port) -> Self {
        Self {
            sent: 0,
            received: 0,
            events: 0,
            bytes_before: port.moved_bytes(),
        }
    }
}

/// Counts one more attempt in a direction; says whether there is none left. One there is always.
fn is_spent(rounds: &mut usize, bytes_before: usize, port: &impl Port) -> bool {
    let moved = port.moved_bytes().saturating_sub(bytes_before);
    let is_spent = *rounds >= BATCH_MESSAGES || (*rounds > 0 && moved >= BATCH_BYTES);
    *rounds = rounds.saturating_add(1);
    is_spent
}

/// Sends and receives until both are blocked, and sees to the end.
fn step<P, T>(port: &mut P, transport: &mut T, batch: &mut Batch) -> Drive
where
    P: Port<Error = T::Error, Refused = T::Refused>,
    T: Transport<P>,
{
    match try_step(port, transport, batch) {
        Ok(drive) => drive,
        Err(error) => fail(port, transport, error),
    }
}

fn try_step<P, T>(port: &mut P, transport: &mut T, batch: &mut Batch) -> Result<Drive, T::Error>
where
    P: Port<Error = T::Error, Refused = T::Refused>,
    T: Transport<P>,
{
    let mut again = false;
    while port.interest().send {
        if is_spent(&mut batch.sent, batch.bytes_before, port) {
            again = true;
            break;
        }
        match transport.try_send(port)? {
            Sent::Accepted => {}
            Sent::Refused(reason) => port.refused(reason),
            Sent::Blocked => break,
        }
    }
    while port.interest().receive {
        if is_spent(&mut batch.received, batch.bytes_before, port) {
            again = true;
            break;
        }
        match transport.try_recv(port)? {
            Received::Message => {}
            Received::Skipped => port.discarded(),
            // The port leaves receiving out of its interest until there is room.
            Received::NoRoom | Received::Blocked => break,
        }
    }
    while transport.try_event(port)? {
        if is_spent(&mut batch.events, batch.bytes_before, port) {
            again = true;
            break;
        }
    }
    if again {
        return Ok(Drive::Again);
    }
    match port.phase() {
        Phase::Run => return Ok(Drive::Idle),
        Phase::Flush if !transport.try_flush()? => return Ok(Drive::Idle),
        Phase::Flush => {
            transport.shutdown(Shutdown::Flushed);
            port.finish();
        }
        Phase::Ended => transport.shutdown(Shutdown::Abort),
    }
    Ok(Drive::Ended)
}

fn fail<P, T>(port: &mut P, transport: &mut T, error: T::Error) -> Drive
where
    P: Port<Error = T::Error, Refused = T::Refused>,
    T: Transport<P>,
{
    transport.shutdown(Shutdown::Abort);
    port.fail(error);
    Drive::Ended
}

/// Waits until something has happened to the stream since the driver was registered.
struct Changed<'p, P> {
    port: &'p mut P,
}

impl<const RX: usize, const TX: usize, const W: usize, E: Clone, V: FixedEvents> Future
    for Changed<'_, BytePort<'_, RX, TX, W, E, V>>
{
    type Output = ();

    fn poll(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<()> {
        if self.port.is_registered() {
            Poll::Pending
        } else {
            Poll::Ready(())
        }
    }
}

/// Waits until the transport says that something wanted is worth trying.
struct Ready<'t, T, P> {
    transport: &'t mut T,
    want: Interest,
    port: PhantomData<fn(P)>,
}

impl<'t, T, P> Ready<'t, T, P> {
    fn new(transport: &'t mut T, want: Interest) -> Self {
        Self {
            transport,
            want,
            port: PhantomData,
        }
    }
}

impl<P, T: Transport<P>> Future for Ready<'_, T, P> {
    type Output = Result<(), T::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        match this.transport.poll_ready(cx, this.want) {
            Poll::Ready(Ok(ready)) if ready.and(this.want).is_some() => Poll::Ready(Ok(())),
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Ready(Ok(_)) | Poll::Pending => Poll::Pending,
        }
    }
}
