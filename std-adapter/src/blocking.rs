//! Streams for programs without async: the same calls, which block the thread, each with a timeout if that is wanted.

use std::fmt;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake};
use std::thread::{self, Thread};
use std::time::Duration;

use tidegate_core::Lost;

use crate::backlog::SocketEvent;
use crate::error::{DrainError, ReadError, ReadEventError, WriteError};
use crate::message::Multipart;
use crate::stream::ZmqStream;
use crate::sync::Instant;

/// Runs a future on this thread, and waits for it. The sockets of the streams that it waits for are watched by this thread itself, so
/// that no other has to be woken for them.
///
/// It takes two descriptors for each thread that has called it, until the thread ends. Any other executor works as well; there
/// the process's I/O thread watches.
///
/// A thread that has asked, and awaits answers which come soon, looks for them for up to 200 µs before it sleeps. Above some 40,000 messages
/// a second a thread lets about 60 µs pass (on Linux) before it watches again, if that raises the throughput by a tenth at least. That
/// adds as much to the latency of all that it waits for.
///
/// A stream that was opened with [`Builder::tokio`](crate::Builder::tokio) is served by a task of that runtime: on the thread of a runtime that has no other, this would wait
/// for ever.
///
/// To stop waiting from outside, let another task or thread `close` a clone of the stream: whoever waits is told.
///
/// ```
/// use tidegate::{SocketType, ZmqStream};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let pull = ZmqStream::builder(SocketType::PULL).bind("tcp://127.0.0.1:*").open()?;
/// let push = ZmqStream::builder(SocketType::PUSH).connect(&pull.bindings()[0]).open()?;
/// tidegate::block_on(async {
///     push.send("hello").await?;
///     assert_eq!(pull.read().await?, "hello");
///     tidegate::shutdown(std::time::Duration::from_secs(5)).await?;
///     Ok(())
/// })
/// # }
/// ```
pub fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    loop {
        // Without a deadline it ends with the future only.
        if let Some(output) = wait(future.as_mut(), None) {
            return output;
        }
    }
}

/// Waits for a future until the deadline has come: then `None`. Where there are no descriptors for it the thread parks.
#[cfg(unix)]
fn wait<F: Future>(mut future: Pin<&mut F>, deadline: Option<Instant>) -> Option<F::Output> {
    match crate::runtime::wait(future.as_mut(), deadline) {
        Ok(output) => output,
        Err(_) => park(future, deadline),
    }
}

#[cfg(not(unix))]
use park as wait;

/// A thread that is unparked.
struct Parked {
    woken: AtomicBool,
    thread: Thread,
}

impl Wake for Parked {
    fn wake(self: Arc<Self>) {
        self.woken.store(true, Ordering::SeqCst);
        self.thread.unpark();
    }
}

/// [`wait`], where the thread cannot watch descriptors: the I/O thread does.
fn park<F: Future>(mut future: Pin<&mut F>, deadline: Option<Instant>) -> Option<F::Output> {
    let parked = Arc::new(Parked {
        woken: AtomicBool::new(false),
        thread: thread::current(),
    });
    let waker = parked.clone().into();
    let mut cx = Context::from_waker(&waker);
    loop {
        parked.woken.store(false, Ordering::SeqCst);
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return Some(output);
        }
        while !parked.woken.load(Ordering::SeqCst) {
            match deadline {
                None => thread::park(),
                Some(deadline) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return None;
                    }
                    thread::park_timeout(left);
                }
            }
        }
    }
}

/// Why a call that blocks did not do what it was to do. `T` is what comes back when the time is up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockingError<E, T = ()> {
    /// The time is up. Nothing has happened, and nobody has lost a turn.
    TimedOut(T),
    /// As the call that waits would say.
    Failed(E),
}

impl<E: fmt::Display, T> fmt::Display for BlockingError<E, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TimedOut(_) => f.write_str("the time is up"),
            Self::Failed(error) => error.fmt(f),
        }
    }
}

impl<E: std::error::Error, T: fmt::Debug> std::error::Error for BlockingError<E, T> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::TimedOut(_) => None,
            Self::Failed(error) => error.source(),
        }
    }
}

/// The calls of a stream that wait, as calls that block the thread. Made by [`ZmqStream::blocking`].
///
/// Each takes a timeout: a [`Duration`], or `None` to wait for ever.
///
/// ```
/// use std::time::Duration;
/// use tidegate::{BlockingError, SocketType, ZmqStream};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let pull = ZmqStream::builder(SocketType::PULL).bind("tcp://127.0.0.1:*").open()?;
/// let push = ZmqStream::builder(SocketType::PUSH).connect(&pull.bindings()[0]).open()?;
///
/// let nothing = pull.blocking().read(Duration::from_millis(1));
/// assert_eq!(nothing, Err(BlockingError::TimedOut(())));
///
/// push.blocking().send("hello", None)?;
/// assert_eq!(pull.blocking().read(None)?, "hello");
/// # tidegate::block_on(tidegate::shutdown(Duration::from_secs(5)))?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Blocking<'a>(&'a ZmqStream);

/// Waits for a future that ends in a result.
fn within<T, E>(
    future: impl Future<Output = Result<T, E>>,
    timeout: impl Into<Option<Duration>>,
) -> Result<T, BlockingError<E>> {
    // A time beyond what the clock can name never comes.
    let deadline = timeout
        .into()
        .and_then(|time| Instant::now().checked_add(time));
    match wait(pin!(future), deadline) {
        Some(result) => result.map_err(BlockingError::Failed),
        None => Err(BlockingError::TimedOut(())),
    }
}

impl Blocking<'_> {
    /// [`ZmqStream::read`].
    ///
    /// # Errors
    /// The time is up, or see [`ReadError`].
    pub fn read(
        self,
        timeout: impl Into<Option<Duration>>,
    ) -> Result<Multipart, BlockingError<ReadError>> {
        within(self.0.read(), timeout)
    }

    /// [`ZmqStream::read_event`].
    ///
    /// # Errors
    /// The time is up, or see [`ReadEventError`].
    pub fn read_event(
        self,
        timeout: impl Into<Option<Duration>>,
    ) -> Result<SocketEvent, BlockingError<ReadEventError>> {
        within(self.0.read_event(), timeout)
    }

    /// [`ZmqStream::drain`].
    ///
    /// # Errors
    /// The time is up, or see [`DrainError`].
    pub fn drain(
        self,
        timeout: impl Into<Option<Duration>>,
    ) -> Result<(), BlockingError<DrainError>> {
        within(self.0.drain(), timeout)
    }

    /// [`ZmqStream::flush`].
    ///
    /// # Errors
    /// The time is up, or see [`DrainError`].
    pub fn flush(
        self,
        timeout: impl Into<Option<Duration>>,
    ) -> Result<(), BlockingError<DrainError>> {
        within(self.0.flush(), timeout)
    }

    /// [`ZmqStream::send`].
    ///
    /// # Errors
    /// The time is up, or see [`WriteError`]. The message comes back in either, and nothing of it was sent.
    pub fn send(
        self,
        message: impl Into<Multipart>,
        timeout: impl Into<Option<Duration>>,
    ) -> Result<(), BlockingError<WriteError, Box<Multipart>>> {
        let mut send = self.0.send(message);
        match within(&mut send, timeout) {
            Ok(()) => Ok(()),
            Err(BlockingError::Failed(error)) => Err(BlockingError::Failed(error)),
            Err(BlockingError::TimedOut(())) => {
                Err(BlockingError::TimedOut(send.into_message().into()))
            }
        }
    }

    /// [`ZmqStream::closed`]: what of the write buffer had to be dropped, or `None` if the time is up.
    pub fn closed(self, timeout: impl Into<Option<Duration>>) -> Option<Lost> {
        let closed = async { Ok::<_, std::convert::Infallible>(self.0.closed().await) };
        within(closed, timeout).ok()
    }
}

impl ZmqStream {
    /// The calls that wait, as calls that block the thread: for programs without async. Whoever else uses the stream is served as ever.
    ///
    /// Another thread ends such a call by [`close`](Self::close) of a clone of the stream. On a thread of an async runtime no other task
    /// runs there meanwhile: of a stream that was opened with [`Builder::tokio`](crate::Builder::tokio) it is a task that receives and sends, so whoever blocks the one
    /// thread of its runtime waits for ever.
    pub fn blocking(&self) -> Blocking<'_> {
        Blocking(self)
    }
}
