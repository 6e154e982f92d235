//! Several streams, awaited at once.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use smallvec::SmallVec;

use crate::error::ReadError;
use crate::futures::Read;
use crate::message::Multipart;
use crate::stream::ZmqStream;

/// So many streams are awaited without an allocation.
const INLINE: usize = 4;

/// Reads from whichever of several streams has a message, and from each in turn if all have.
///
/// ```
/// use futures_lite::future::block_on;
/// use tidegate::{AnyOf, SocketType, ZmqStream};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let open = |endpoint: &str| ZmqStream::builder(SocketType::PULL).bind(endpoint).open();
/// let (orders, commands) = (open("inproc://orders")?, open("inproc://commands")?);
/// let push = ZmqStream::builder(SocketType::PUSH).connect("inproc://commands").open()?;
/// push.write("stop")?;
///
/// let mut either = AnyOf::new([&orders, &commands]);
/// let (index, message) = block_on(either.read());
/// assert_eq!((index, message?), (1, "stop".into()));
/// # block_on(tidegate::shutdown(std::time::Duration::from_secs(5)))?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct AnyOf<'a> {
    streams: SmallVec<[&'a ZmqStream; INLINE]>,
    /// Whose turn it is.
    first: usize,
}

impl<'a> AnyOf<'a> {
    /// Of these streams, numbered in this order.
    pub fn new(streams: impl IntoIterator<Item = &'a ZmqStream>) -> Self {
        Self {
            streams: streams.into_iter().collect(),
            first: 0,
        }
    }

    /// Waits for a message of any of them, or the error of one that has ended; says of which. One that has ended says so at each of its
    /// turns. Without streams it waits for ever.
    ///
    /// # Errors
    /// Beside the number of the stream, what a [`read`](ZmqStream::read) of it says: see [`ReadError`].
    ///
    /// # Cancel safety
    /// A dropped future has taken no message; if it had been woken already, the next one that reads is.
    pub fn read(&mut self) -> ReadAny<'_, 'a> {
        let reads = self.streams.iter().map(|stream| stream.read());
        ReadAny {
            reads: reads.collect(),
            of: self,
        }
    }
}

impl fmt::Debug for AnyOf<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.streams).finish()
    }
}

/// Waits for a message of several streams. Made by [`AnyOf::read`].
#[must_use = "futures do nothing unless polled"]
pub struct ReadAny<'r, 'a> {
    of: &'r mut AnyOf<'a>,
    reads: SmallVec<[Read<'a>; INLINE]>,
}

impl Future for ReadAny<'_, '_> {
    type Output = (usize, Result<Multipart, ReadError>);

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let first = this.of.first;
        let split = first.min(this.reads.len());
        let (before, from_first) = this.reads.split_at_mut(split);
        let in_turn = (first..).zip(from_first).chain((0..).zip(before));
        for (index, read) in in_turn {
            if let Poll::Ready(message) = Pin::new(read).poll(cx) {
                this.of.first = (index + 1) % this.of.streams.len().max(1);
                return Poll::Ready((index, message));
            }
        }
        Poll::Pending
    }
}

impl fmt::Debug for ReadAny<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadAny").finish_non_exhaustive()
    }
}
