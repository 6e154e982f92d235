//! The handle of a stream.

use std::sync::{Arc, Weak};
use std::task::Waker;
use std::time::Duration;
use std::{fmt, mem};

use smallvec::SmallVec;
use tidegate_core::{AlreadyDone, Level, Limit, Lost, State, Watermarks};
use zmq::SocketType;

use crate::adapter::Adapter;
use crate::builder::Builder;
use crate::context::Context;
use crate::deferred::Deferral;
use crate::done::Shutdown;
use crate::error::{Errno, ReadError, TryReadError, WriteError};
use crate::fork::Forkable;
use crate::futures::{Closed, Drain, Flush, Read, SendMessage, Wait};
use crate::ledger::{SendFailure, Stats};
use crate::message::Multipart;
use crate::monitor::Monitor;
use crate::notes::{Note, Span};
use crate::pump::Flow;
#[cfg(unix)]
use crate::runtime::Lent;
use crate::runtime::{Watched, unwinding};
use crate::sync::MutexGuard;
use crate::turns;

/// What all handles of a stream share, and the I/O thread for as long as the stream has a socket.
pub(crate) struct Inner {
    flow: Forkable<Flow>,
    pub(crate) monitor: Arc<Monitor>,
    span: Span,
    pub(crate) kind: SocketType,
    /// Whether libzmq holds the last message alone.
    pub(crate) conflates: bool,
    /// Whether it takes whatever message has a frame.
    pub(crate) takes_any: bool,
    pub(crate) context: Context,
}

/// Who is to be woken once no lock is held.
pub(crate) type Wakers = SmallVec<[Waker; 4]>;

impl Inner {
    pub(crate) fn new(
        flow: Flow,
        kind: SocketType,
        conflates: bool,
        span: Span,
        context: Context,
        events_backlog: usize,
    ) -> Self {
        Self {
            flow: Forkable::new(flow),
            monitor: Monitor::new(events_backlog),
            span,
            kind,
            conflates,
            takes_any: turns::takes_any(kind, conflates),
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
    #[inline]
    pub(crate) fn with<R>(&self, f: impl FnOnce(&mut Flow) -> R) -> R {
        let _deferral = Deferral::begin();
        let mut flow = self.flow.lock(|| Flow::of_parent(self.kind));
        flow.uses = flow.uses.wrapping_add(1);
        let result = f(&mut flow);
        if !flow.is_quiet() {
            self.see_to(flow);
        }
        result
    }

    /// Lets go of the lock of a stream that has something to tell, and tells it.
    #[inline(never)]
    fn see_to(&self, mut flow: MutexGuard<'_, Flow>) {
        let mut wakers = Wakers::new();
        let (ends_events, failure, ended, notes) = {
            let mut wakes = mem::take(&mut flow.wakes);
            while let Some(waker) = flow.machine.take_waker(&mut wakes) {
                wakers.push(waker);
            }
            if flow.ledger.subscribers.has_news || !flow.is_open() {
                wakers.extend(flow.ledger.subscribers.take());
            }
            let ended = if flow.is_over() {
                flow.registration.take()
            } else {
                None
            };
            let ends_events = flow.ends_events();
            let failure = flow.machine.exception().copied();
            if ends_events && failure.is_none() {
                flow.ledger.notes.push(|| Note::Closing);
            }
            if ended.is_some() {
                let lost_messages = flow.machine.lost().messages;
                let closed = Note::Closed { lost_messages };
                flow.ledger
                    .notes
                    .push(|| failure.map_or(closed, Note::Failed));
            }
            let notes = mem::take(&mut flow.ledger.notes);
            drop(flow);
            (ends_events, failure, ended, notes)
        };
        // Wakers last: what they do is somebody else's.
        if ends_events {
            wakers.extend(self.monitor.close(failure));
        }
        if let Some(registration) = ended {
            wakers.extend(self.monitor.end());
            self.context.ended(&registration);
        }
        if !notes.is_empty() {
            // A subscriber that panics keeps nobody asleep.
            unwinding(|| self.span.tell(notes));
        }
        wake_all(wakers);
    }

    /// What the stream has dropped.
    pub(crate) fn lost(&self) -> Lost {
        self.with(|flow| flow.machine.lost())
    }
}

/// Wakes all of these, even if a waker panics: it is another's, and whoever has a message in hand just then is to keep it.
pub(crate) fn wake_all(wakers: impl IntoIterator<Item = Waker>) {
    for waker in wakers {
        unwinding(|| waker.wake());
    }
}

impl Watched for Inner {
    fn on_ready(&self) {
        self.with(Flow::fired);
    }

    fn on_schedule(&self) {
        self.with(Flow::pump);
    }

    fn on_deadline(&self) {
        self.with(Flow::deadline);
    }

    #[cfg(unix)]
    fn lend(&self) -> Option<Lent> {
        self.with(Flow::lend_watch)
    }

    #[cfg(unix)]
    fn give_back(&self, is_readable: bool) {
        self.with(|flow| flow.take_back(is_readable));
    }

    #[cfg(unix)]
    fn undefer(&self) {
        self.with(Flow::undefer);
    }

    #[cfg(unix)]
    fn on_tick(&self) {
        self.with(Flow::tick);
    }

    #[cfg(all(feature = "tokio", unix))]
    fn on_runtime_gone(self: Arc<Self>) {
        self.with(Flow::move_to_thread);
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
/// A clone is another handle of the same stream; any number of tasks and threads may use it. (A REQ and a REP take turns, whoever calls,
/// so that two who share one get each other's: share a DEALER or a ROUTER instead.) Dropping the last one
/// closes the stream, as [`close`](Self::close) does.
///
/// Memory: what is queued, and 64 to 96 bytes for each of the most messages that ever were; reading stops at `high_read` and one
/// message (of a SUB, an XSUB and a ROUTER two), writing has no end for those who never [`drain`](Self::drain). A message is charged its payload and 64 bytes for each frame.
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
pub struct ZmqStream {
    /// What this handle waits for as a `Stream` and a `Sink`.
    pub(crate) adapter: Adapter,
    handle: Arc<Handle>,
}

/// Another handle of the same stream.
impl Clone for ZmqStream {
    fn clone(&self) -> Self {
        Self {
            adapter: Adapter::default(),
            handle: self.handle.clone(),
        }
    }
}

impl Drop for ZmqStream {
    fn drop(&mut self) {
        self.leave();
    }
}

impl ZmqStream {
    pub(crate) fn of(inner: Arc<Inner>) -> Self {
        Self {
            adapter: Adapter::default(),
            handle: Arc::new(Handle(inner)),
        }
    }

    pub(crate) fn parts(&mut self) -> (&Inner, &mut Adapter) {
        (&self.handle.0, &mut self.adapter)
    }

    pub(crate) fn downgrade(&self) -> Weak<Inner> {
        Arc::downgrade(&self.handle.0)
    }

    pub(crate) fn inner(&self) -> &Inner {
        &self.handle.0
    }

    /// Begins to open a stream of this type.
    pub fn builder(kind: SocketType) -> Builder {
        Builder::new(kind)
    }

    /// Sends a message, without waiting: at once if nothing is queued before it and libzmq has room, else it is queued and sent
    /// in the background.
    ///
    /// It takes a message even while the write side is paused. Call [`drain`](Self::drain) between writes to be held
    /// back while more than `high_write` bytes are queued.
    ///
    /// Where a message goes to nobody (a ROUTER's to a peer that it does not know, a PUB's without subscribers), libzmq
    /// drops it and reports success ([zmq_socket(3)](https://libzmq.readthedocs.io/en/latest/zmq_socket.html)). So it does with a message
    /// of a ROUTER that has the peer's routing id and nothing behind it.
    ///
    /// # Errors
    /// See [`WriteError`]. The message comes back, and nothing of it was sent.
    pub fn write(&self, message: impl Into<Multipart>) -> Result<(), WriteError> {
        let mut message = message.into();
        if let Err(error) = turns::check(self.inner(), &message) {
            return Err(error(message.into()));
        }
        let written = self.inner().with(|flow| flow.write(&mut message));
        written.map_err(|error| *error)
    }

    /// Waits while the write side is paused, that is, from when more than `high_write` bytes are queued until no more
    /// than `low_write` are; returns at once otherwise, but that it lets other tasks of its thread run once per 256 KiB
    /// written, as messages are charged.
    /// Stays valid while the stream closes.
    ///
    /// # Errors
    /// See [`DrainError`](crate::DrainError).
    ///
    /// # Cancel safety
    /// A dropped future has no effect; if it had been woken already, the next one is.
    ///
    /// ```
    /// use futures_lite::future::{block_on, poll_once};
    /// use tidegate::{DrainError, SocketType, ZmqStream};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let push = ZmqStream::builder(SocketType::PUSH).high_write(0).open()?;
    /// assert_eq!(block_on(push.drain()), Ok(()));
    /// push.write("nobody takes it")?;
    /// assert_eq!(block_on(poll_once(push.drain())), None);
    ///
    /// push.abort();
    /// assert!(matches!(block_on(push.drain()), Err(DrainError::Dropped(lost)) if lost.messages == 1));
    /// # Ok(())
    /// # }
    /// ```
    pub fn drain(&self) -> Drain<'_> {
        self.leave();
        Drain(Wait::new(self))
    }

    /// Waits for a message. Those who wait are served in the order in which they came. On a stream that closes, what was received
    /// is read first.
    ///
    /// # Errors
    /// See [`ReadError`].
    ///
    /// # Cancel safety
    /// A dropped future has taken no message; if it had been woken already, the next one is.
    ///
    /// ```
    /// use futures_lite::future::{block_on, poll_once};
    /// use tidegate::{ReadError, SocketType, ZmqStream};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let pull = ZmqStream::builder(SocketType::PULL).bind("tcp://127.0.0.1:*").open()?;
    /// assert_eq!(block_on(poll_once(pull.read())), None); // it would wait
    ///
    /// let push = ZmqStream::builder(SocketType::PUSH).connect(&pull.bindings()[0]).open()?;
    /// push.write(("temperature", "21.5"))?;
    /// assert_eq!(block_on(pull.read())?, ["temperature", "21.5"]);
    ///
    /// pull.close();
    /// assert_eq!(block_on(pull.read()), Err(ReadError::Closed));
    /// # block_on(tidegate::shutdown(std::time::Duration::from_secs(5)))?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn read(&self) -> Read<'_> {
        self.leave();
        Read(Wait::new(self))
    }

    /// Takes a message if one is there and nobody waits for it: from the buffer, or from libzmq. After a failure what was buffered before it
    /// comes first.
    ///
    /// # Errors
    /// See [`TryReadError`].
    pub fn try_read(&self) -> Result<Multipart, TryReadError> {
        self.leave();
        if !turns::receives(self.inner().kind) {
            return Err(ReadError::SendsOnly.into());
        }
        let mut message = Multipart::new();
        let read = self.inner().with(|flow| flow.try_read(&mut message));
        read.map(|()| message)
    }

    /// Writes a message once the write side is open: [`drain`](Self::drain) and [`write`](Self::write) in one. Those who wait
    /// are served in the order in which they came. A [`write`](Self::write) meanwhile does not wait for them. Lets other tasks of its
    /// thread run once per 256 KiB, as messages are charged.
    ///
    /// # Errors
    /// See [`WriteError`]. The message comes back, and nothing of it was sent.
    ///
    /// # Cancel safety
    /// A future that is dropped before it was ready has sent nothing; its message is gone with it, and the next one gets its
    /// turn. One that is polled again after it was ready says that a message without frames is none.
    ///
    /// ```
    /// use futures_lite::future::block_on;
    /// use tidegate::{SocketType, WriteError, ZmqStream};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let pull = ZmqStream::builder(SocketType::PULL).bind("tcp://127.0.0.1:*").open()?;
    /// let push = ZmqStream::builder(SocketType::PUSH).connect(&pull.bindings()[0]).open()?;
    /// block_on(async {
    ///     push.send("21.5").await?;
    ///     assert_eq!(pull.read().await.unwrap(), "21.5");
    ///     push.close();
    ///     assert!(matches!(push.send("late").await, Err(WriteError::Closed(_))));
    ///     Ok::<_, WriteError>(())
    /// })?;
    /// # block_on(tidegate::shutdown(std::time::Duration::from_secs(5)))?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn send(&self, message: impl Into<Multipart>) -> SendMessage<'_> {
        self.leave();
        SendMessage {
            wait: Wait::new(self),
            message: message.into(),
        }
    }

    /// Waits until the write buffer is empty, or was once meanwhile: libzmq has accepted or refused whatever was written before.
    /// Others who go on writing may put that off. Stays valid while the stream closes. What libzmq has accepted it goes on to send;
    /// see [`shutdown`](Self::shutdown).
    ///
    /// # Errors
    /// See [`DrainError`](crate::DrainError).
    ///
    /// # Cancel safety
    /// A dropped future has no effect.
    ///
    /// ```
    /// use futures_lite::future::{block_on, poll_once};
    /// use tidegate::{DrainError, SocketType, ZmqStream};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let push = ZmqStream::builder(SocketType::PUSH).open()?;
    /// push.write("nobody takes it yet")?;
    /// assert_eq!(block_on(poll_once(push.flush())), None);
    /// let pull = ZmqStream::builder(SocketType::PULL).bind("tcp://127.0.0.1:*").open()?;
    /// push.connect(&pull.bindings()[0])?;
    /// assert_eq!(block_on(push.flush()), Ok(()));
    ///
    /// let alone = ZmqStream::builder(SocketType::PUSH).open()?;
    /// alone.write("nobody will ever take it")?;
    /// alone.abort();
    /// assert!(matches!(block_on(alone.flush()), Err(DrainError::Dropped(lost)) if lost.messages == 1));
    /// # Ok(())
    /// # }
    /// ```
    pub fn flush(&self) -> Flush<'_> {
        self.leave();
        Flush(Wait::new(self))
    }

    /// Stops taking messages from the socket; a read serves the buffer only, and then waits. libzmq's own marks then hold
    /// the peers back.
    ///
    /// # Errors
    /// Reading was paused already.
    pub fn pause_reading(&self) -> Result<(), AlreadyDone> {
        self.inner().with(|flow| flow.machine.pause_reading())
    }

    /// Undoes [`pause_reading`](Self::pause_reading).
    ///
    /// # Errors
    /// Reading was not paused.
    pub fn resume_reading(&self) -> Result<(), AlreadyDone> {
        self.inner().with(Flow::resume_reading)
    }

    /// Whether [`pause_reading`](Self::pause_reading) is in force.
    pub fn is_reading_paused(&self) -> bool {
        self.inner().with(|flow| flow.machine.is_reading_paused())
    }

    /// Whether the level of the read side went over its high-water mark, and not yet down to its low one: nothing is received.
    pub fn is_read_gate_paused(&self) -> bool {
        self.inner().with(|flow| flow.machine.is_read_gate_paused())
    }

    /// Whether the level of the write side went over its high-water mark, and not yet down to its low one: a
    /// [`drain`](Self::drain) waits.
    pub fn is_write_gate_paused(&self) -> bool {
        self.inner()
            .with(|flow| flow.machine.is_write_gate_paused())
    }

    /// The marks of the read side.
    pub fn read_limits(&self) -> Watermarks {
        self.inner().with(|flow| flow.machine.read_limits())
    }

    /// Changes the marks of the read side, at once: a level over the new high-water mark stops receiving, one at or under the
    /// new low-water mark goes on, one between leaves it as it is.
    pub fn set_read_limits(&self, limits: Watermarks) {
        self.inner().with(|flow| flow.set_read_limits(limits));
    }

    /// The marks of the write side.
    pub fn write_limits(&self) -> Watermarks {
        self.inner().with(|flow| flow.machine.write_limits())
    }

    /// Changes the marks of the write side, at once: a level over the new high-water mark pauses those who drain or send, one
    /// at or under the new low-water mark resumes them, one between leaves it as it is.
    ///
    /// ```
    /// use tidegate::{SocketType, Watermarks, ZmqStream};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let push = ZmqStream::builder(SocketType::PUSH).open()?;
    /// push.write("nobody takes it")?; // 15 bytes, and 64 for the frame
    /// push.set_write_limits(Watermarks::new(78, 0)?);
    /// assert!(push.is_write_gate_paused());
    /// push.set_write_limits(Watermarks::from_high(79 * 4));
    /// assert!(!push.is_write_gate_paused());
    ///
    /// assert!(Watermarks::new(50, 100).is_err());
    /// # push.abort();
    /// # Ok(())
    /// # }
    /// ```
    pub fn set_write_limits(&self, limits: Watermarks) {
        self.inner().with(|flow| flow.set_write_limits(limits));
    }

    /// Drops both buffers and closes the socket now. What libzmq has accepted and not yet sent it drops within a quarter of a second. Whoever
    /// waits learns of it: a drain or a flush of what was [dropped](crate::DrainError::Dropped), if anything was.
    ///
    /// libzmq 4.3.4 aborts the process where a connection breaks at the moment that it gives up a message of which it has sent half
    /// ([3442](https://github.com/zeromq/libzmq/issues/3442)). That time makes it rare: it was seen where both ends of fifty
    /// connections in one process were aborted at once.
    pub fn abort(&self) {
        self.inner().with(Flow::abort);
    }

    /// Closes the stream: nothing more is received or written; what was received can still be read; what is queued is
    /// still sent, in the background, and then the socket is closed. Returns at once.
    ///
    /// What the stream holds and what libzmq holds for it is sent for as long as [`LINGER`](crate::options::LINGER) says from now on,
    /// 30 seconds if that is for ever; what is left then is dropped, and [`closed`](Self::closed) says how much of it was the
    /// stream's. A [`shutdown`](Self::shutdown) has a time of its own.
    ///
    /// ```
    /// use futures_lite::future::block_on;
    /// use tidegate::{SocketType, WriteError, ZmqStream};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let pull = ZmqStream::builder(SocketType::PULL).bind("tcp://127.0.0.1:*").open()?;
    /// let push = ZmqStream::builder(SocketType::PUSH).connect(&pull.bindings()[0]).open()?;
    /// push.write("last")?;
    /// push.close();
    /// assert!(matches!(push.write("late"), Err(WriteError::Closed(_))));
    /// assert_eq!(block_on(push.closed()).messages, 0);
    /// assert_eq!(block_on(pull.read())?, "last");
    /// # block_on(tidegate::shutdown(std::time::Duration::from_secs(5)))?;
    /// # Ok(())
    /// # }
    /// ```
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
    ///
    /// ```
    /// use std::time::Duration;
    /// use tidegate::{SocketType, ZmqStream, options};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let push = ZmqStream::builder(SocketType::PUSH).open()?;
    /// push.set_option(options::LINGER, Some(Duration::ZERO))?;
    /// push.write("there is nobody")?;
    /// push.close();
    /// let lost = tidegate::block_on(push.closed());
    /// assert_eq!(lost.messages, 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn closed(&self) -> Closed<'_> {
        self.leave();
        Closed(Wait::new(self))
    }

    /// Shuts down the **context** of this stream, with all streams that it has: every stream that was opened without
    /// [`Builder::context`] shares one. To end this stream alone, [`close`](Self::close) it and wait for [`closed`](Self::closed). See [`Context::shutdown`], also for its errors; a dropped future stops nothing.
    pub fn shutdown(&self, deadline: Duration) -> Shutdown {
        self.inner().context.shutdown(deadline)
    }

    /// True exactly when the stream is closing, or closed, and everything that had been received was read. Not after a failure:
    /// that is an [`exception`](Self::exception).
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

    /// Takes the oldest message that was queued and that libzmq refused, with the reason: a mandatory ROUTER's to a peer that is not
    /// there any more, say. Of a message that [`write`](Self::write) could send at once, that is the error of the write. The newest
    /// 64 are kept.
    pub fn take_send_failure(&self) -> Option<SendFailure> {
        self.inner().with(|flow| flow.ledger.take_failure())
    }

    /// What the stream has done since it was opened, and what it holds.
    pub fn stats(&self) -> Stats {
        let discarded_events = self.inner().monitor.discarded();
        self.inner().with(|flow| Stats {
            discarded_events,
            read_buffer_bytes: flow.machine.incoming().level_bytes(),
            write_buffer_bytes: flow.machine.outgoing().level_bytes(),
            ..flow.ledger.stats.clone()
        })
    }
}

/// What one side of a stream is doing, and how much it holds.
struct SideState {
    doing: &'static str,
    bytes: usize,
    limits: Watermarks,
}

impl fmt::Debug for SideState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut side = f.debug_struct(self.doing);
        side.field("bytes", &self.bytes);
        match self.limits.high() {
            Limit::Bytes(high) => {
                side.field("high", &high);
                side.field("low", &self.limits.low_bytes());
            }
            Limit::Unlimited => {
                side.field("high", &format_args!("unlimited"));
            }
        }
        side.finish()
    }
}

/// The type, what becomes of the stream, and for each side whether the socket is polled for it, whether a mark has paused it, its size
/// and its marks.
impl fmt::Debug for ZmqStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Formatted outside the lock: `f` may write to anything.
        let (state, read, write) = self.inner().with(|flow| {
            let machine = &flow.machine;
            let interest = machine.interest();
            let read = SideState {
                doing: match () {
                    () if interest.receive => "polling",
                    () if machine.is_read_gate_paused() => "paused",
                    () => "idle",
                },
                bytes: machine.incoming().level_bytes(),
                limits: machine.read_limits(),
            };
            let write = SideState {
                doing: match () {
                    () if machine.is_write_gate_paused() => "paused",
                    () if interest.send => "polling",
                    () => "idle",
                },
                bytes: machine.outgoing().level_bytes(),
                limits: machine.write_limits(),
            };
            let state = match machine.state() {
                State::Open => "open".to_owned(),
                State::Closing => "closing".to_owned(),
                State::Closed => "closed".to_owned(),
                State::Failed(errno) => format!("failed: {errno}"),
            };
            (state, read, write)
        });
        f.debug_struct("ZmqStream")
            .field("type", &self.inner().kind)
            .field("state", &format_args!("{state}"))
            .field("read", &read)
            .field("write", &write)
            .finish()
    }
}
