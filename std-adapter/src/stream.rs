//! The handle of a stream, and its futures.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{self, Poll, Waker};
use std::time::Duration;
use std::{fmt, mem};

use smallvec::SmallVec;
use tidegate_core::{Level, Lost, Ticket};
use zmq::SocketType;

use crate::builder::Builder;
use crate::context::{Context, Shutdown};
use crate::error::{DrainError, Errno, ReadError, TryReadError, WriteError};
use crate::message::Multipart;
use crate::pump::Flow;
use crate::runtime::Watched;

/// What all handles of a stream share, and the I/O thread for as long as the stream has a socket.
pub(crate) struct Inner {
    flow: Mutex<Flow>,
    kind: SocketType,
    context: Context,
}

impl Inner {
    pub(crate) fn new(flow: Flow, kind: SocketType, context: Context) -> Self {
        Self {
            flow: Mutex::new(flow),
            kind,
            context,
        }
    }

    /// Tells the context of this stream. `false` if the context is being shut down.
    pub(crate) fn register(self: &Arc<Self>) -> bool {
        let registration = self.context.register(self);
        let is_registered = registration.is_some();
        self.with(|flow| flow.registration = registration);
        is_registered
    }

    /// Locks the stream, and afterwards wakes those who have reason to go on.
    pub(crate) fn with<R>(&self, f: impl FnOnce(&mut Flow) -> R) -> R {
        let mut wakers = SmallVec::<[Waker; 4]>::new();
        let (result, ended) = {
            let mut flow = self.flow.lock().unwrap_or_else(PoisonError::into_inner);
            let result = f(&mut flow);
            let mut wakes = mem::take(&mut flow.wakes);
            while let Some(waker) = flow.machine.take_waker(&mut wakes) {
                wakers.push(waker);
            }
            let ended = match flow.transport {
                Some(_) => None,
                None => flow.registration.take(),
            };
            (result, ended)
        };
        if let Some(registration) = ended {
            self.context.ended(&registration);
        }
        wake_all(wakers);
        result
    }

    /// What the stream has dropped.
    pub(crate) fn lost(&self) -> Lost {
        self.with(|flow| flow.machine.lost())
    }
}

/// Wakes all of these, even if a waker panics; the first panic goes on afterwards.
pub(crate) fn wake_all(wakers: impl IntoIterator<Item = Waker>) {
    let mut panic = None;
    for waker in wakers {
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| waker.wake())) {
            panic.get_or_insert(payload);
        }
    }
    if let Some(payload) = panic {
        resume_unwind(payload);
    }
}

impl Watched for Inner {
    fn on_ready(&self) {
        self.with(Flow::fired);
    }

    fn on_schedule(&self) {
        self.with(Flow::pump);
    }
}

/// Closes the stream with its last handle.
struct Handle(Arc<Inner>);

impl Drop for Handle {
    fn drop(&mut self) {
        self.0.with(Flow::close);
    }
}

/// A stream of ZeroMQ messages, both ways, with flow control.
///
/// A clone is another handle of the same stream; any number of tasks and threads may use it. Dropping the last one
/// closes the stream, as [`close`](Self::close) does.
///
/// Memory: what is queued; reading stops at `high_read` and one message, writing has no end for those who never
/// [`drain`](Self::drain). A message is charged its payload and 64 bytes for each frame.
///
/// ```
/// use std::time::Duration;
/// use futures_lite::future::block_on;
/// use tidegate::{SocketType, ZmqStream};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let pull = ZmqStream::builder(SocketType::PULL).bind("tcp://127.0.0.1:*").open()?;
/// let push = ZmqStream::builder(SocketType::PUSH).connect(&pull.bindings()[0]).open()?;
///
/// push.write(("temperature", "21.5"))?;
/// let message = block_on(pull.read())?;
/// assert_eq!(message, ["temperature", "21.5"]);
///
/// push.close();
/// let late = push.write("late").unwrap_err();
/// assert_eq!(late.into_message(), "late");
///
/// block_on(tidegate::shutdown(Duration::from_secs(5)))?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct ZmqStream {
    handle: Arc<Handle>,
}

impl ZmqStream {
    pub(crate) fn of(inner: Arc<Inner>) -> Self {
        Self {
            handle: Arc::new(Handle(inner)),
        }
    }

    pub(crate) fn inner(&self) -> &Inner {
        &self.handle.0
    }

    /// Begins to open a stream of this type.
    pub fn builder(kind: SocketType) -> Builder {
        Builder::new(kind)
    }

    /// Sends a message, without waiting: at once if nothing is queued before it, else it is queued and sent in the
    /// background.
    ///
    /// It takes a message even while the write side is paused. Call [`drain`](Self::drain) between writes to be held
    /// back while more than `high_write` bytes are queued.
    ///
    /// Where a message goes to nobody (a ROUTER's to a peer that it does not know, a PUB's without subscribers), libzmq
    /// drops it and reports success ([zmq_socket(3)](https://libzmq.readthedocs.io/en/latest/zmq_socket.html)).
    ///
    /// # Errors
    /// See [`WriteError`]. The message comes back, and nothing of it was sent.
    pub fn write(&self, message: impl Into<Multipart>) -> Result<(), WriteError> {
        let message = message.into();
        // libzmq would take any other for the beginning of a message that never ends, and drop all that follows.
        if self.inner().kind == SocketType::STREAM && !matches!(message.len(), 0 | 2) {
            return Err(WriteError::NotTwoFrames(message.into()));
        }
        self.inner().with(|flow| flow.write(message))
    }

    /// Waits while the write side is paused, that is, from when more than `high_write` bytes are queued until no more
    /// than `low_write` are; returns at once otherwise. Stays valid while the stream closes.
    ///
    /// # Errors
    /// See [`DrainError`].
    ///
    /// # Cancel safety
    /// A dropped future has no effect; if it had been woken already, the next one is.
    pub fn drain(&self) -> Drain<'_> {
        Drain(Wait::new(self))
    }

    /// Waits for a message. Those who wait are served in the order in which they came.
    ///
    /// # Errors
    /// See [`ReadError`].
    ///
    /// # Cancel safety
    /// A dropped future has taken no message; if it had been woken already, the next one is.
    pub fn read(&self) -> Read<'_> {
        Read(Wait::new(self))
    }

    /// Takes a message if one is there and nobody waits for it. After a failure what was buffered before it comes first.
    ///
    /// # Errors
    /// See [`TryReadError`].
    pub fn try_read(&self) -> Result<Multipart, TryReadError> {
        self.inner().with(Flow::try_read)
    }

    /// Closes the stream: nothing more is received or written; what was received can still be read; what is queued is
    /// still sent, in the background, and then the socket is closed; libzmq goes on sending what it has accepted for at most
    /// 30 seconds from then on. Returns at once.
    ///
    /// A stream with messages that no peer takes stays until one comes, or until a [`shutdown`](Self::shutdown).
    pub fn close(&self) {
        self.inner().with(Flow::close);
    }

    /// Waits until the socket is closed: libzmq has accepted or refused every message that was written. Says what of
    /// the write buffer had to be dropped.
    ///
    /// What libzmq has accepted and not yet sent, it goes on to send; a process that ends meanwhile loses it. See
    /// [`shutdown`](Self::shutdown).
    ///
    /// # Cancel safety
    /// A dropped future has no effect.
    pub fn closed(&self) -> Closed<'_> {
        Closed(Wait::new(self))
    }

    /// Shuts down the **context** of this stream, with all streams that it has: every stream that was opened without
    /// [`Builder::context`] shares one. See [`Context::shutdown`].
    pub fn shutdown(&self, deadline: Duration) -> Shutdown {
        self.inner().context.shutdown(deadline)
    }

    /// True exactly when the stream is closing, or closed, and everything that had been received was read.
    pub fn at_closing(&self) -> bool {
        self.inner().with(|flow| flow.machine.at_closing())
    }

    /// The error that the socket has failed with, if it has. Reading it does not consume it.
    pub fn exception(&self) -> Option<Errno> {
        self.inner().with(|flow| flow.machine.exception().copied())
    }

    /// The socket's type.
    pub fn socket_type(&self) -> SocketType {
        self.inner().kind
    }

    /// What the messages that wait to be read are charged, in bytes.
    pub fn read_buffer_bytes(&self) -> usize {
        self.inner()
            .with(|flow| flow.machine.incoming().level_bytes())
    }

    /// What the messages that wait to be sent are charged, in bytes.
    pub fn write_buffer_bytes(&self) -> usize {
        self.inner()
            .with(|flow| flow.machine.outgoing().level_bytes())
    }

    /// How many queued messages libzmq has refused, each for a reason of its own; the stream went on with the next.
    pub fn refused_messages(&self) -> usize {
        self.inner().with(|flow| flow.machine.refused_messages())
    }
}

impl fmt::Debug for ZmqStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Formatted outside the lock: `f` may write to anything.
        let machine = self.inner().with(|flow| format!("{:?}", flow.machine));
        f.debug_struct("ZmqStream")
            .field("type", &self.inner().kind)
            .field("machine", &format_args!("{machine}"))
            .finish()
    }
}

/// A stream, and a place among those who wait for it.
struct Wait<'a> {
    inner: &'a Inner,
    ticket: Ticket,
}

impl<'a> Wait<'a> {
    fn new(stream: &'a ZmqStream) -> Self {
        Self {
            inner: stream.inner(),
            ticket: Ticket::new(),
        }
    }

    fn poll<R>(
        &mut self,
        cx: &task::Context<'_>,
        f: impl FnOnce(&mut Flow, &mut Ticket) -> R,
    ) -> R {
        self.ticket.offer(cx.waker());
        let ticket = &mut self.ticket;
        let result = self.inner.with(|flow| f(flow, ticket));
        self.ticket.settle();
        result
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        if self.ticket.has_place() {
            let ticket = &mut self.ticket;
            self.inner.with(|flow| flow.cancel(ticket));
        }
    }
}

/// Waits for a message. Made by [`ZmqStream::read`].
#[must_use = "futures do nothing unless polled"]
pub struct Read<'a>(Wait<'a>);

impl Future for Read<'_> {
    type Output = Result<Multipart, ReadError>;

    fn poll(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Self::Output> {
        self.get_mut().0.poll(cx, Flow::poll_read)
    }
}

/// Waits while the write side is paused. Made by [`ZmqStream::drain`].
#[must_use = "futures do nothing unless polled"]
pub struct Drain<'a>(Wait<'a>);

impl Future for Drain<'_> {
    type Output = Result<(), DrainError>;

    fn poll(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Self::Output> {
        self.get_mut().0.poll(cx, Flow::poll_drain)
    }
}

/// Waits for the end of the stream. Made by [`ZmqStream::closed`].
#[must_use = "futures do nothing unless polled"]
pub struct Closed<'a>(Wait<'a>);

impl Future for Closed<'_> {
    type Output = Lost;

    fn poll(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Lost> {
        self.get_mut().0.poll(cx, |flow, ticket| {
            let (closed, wakes) = flow.machine.poll_closed(ticket);
            flow.wakes = flow.wakes.and(wakes);
            // Slots grow.
            closed.map(|lost| lost.unwrap_or_default())
        })
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
debug!(Read Drain Closed);
