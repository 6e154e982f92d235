//! One enum per operation. What was refused comes back in it.

use core::fmt;

use crate::ring::NoRegion;

/// What a stream that ended without being able to send everything has dropped.
///
/// A [head](crate::BytePort::head) that was lent when the stream ended counts, whether it is released or put back later: the
/// transport had not yet said that it has taken it over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Lost {
    /// Whole messages of the write buffer that the transport never took.
    pub messages: usize,
    /// Their charge, in bytes: payload, and what each frame is charged.
    pub bytes: usize,
}

impl Lost {
    /// Whether nothing was lost.
    pub const fn is_nothing(&self) -> bool {
        self.messages == 0
    }
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.messages == 1 { "" } else { "s" };
        let Self { messages, bytes } = self;
        write!(f, "{messages} message{plural} ({bytes} bytes)")
    }
}

/// Why a buffer did not take a message. Nothing of it was queued; it is handed back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PushError<M> {
    /// A message has at least one frame.
    NoFrames(M),
    /// It does not fit now; it does when enough has been read, at the latest when the buffer is empty.
    Full(M),
    /// It can never fit.
    TooLarge(M),
    /// The stream that the buffer belongs to is no longer open. A buffer by itself never says so.
    Closed(M),
}

impl<M> PushError<M> {
    /// The message that was refused.
    pub fn into_message(self) -> M {
        match self {
            Self::NoFrames(message)
            | Self::Full(message)
            | Self::TooLarge(message)
            | Self::Closed(message) => message,
        }
    }

    pub(crate) fn map_message<N>(self, f: impl FnOnce(M) -> N) -> PushError<N> {
        match self {
            Self::NoFrames(message) => PushError::NoFrames(f(message)),
            Self::Full(message) => PushError::Full(f(message)),
            Self::TooLarge(message) => PushError::TooLarge(f(message)),
            Self::Closed(message) => PushError::Closed(f(message)),
        }
    }
}

/// Why a write was refused. Nothing of the message was queued; it is handed back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteError<M, E> {
    /// A message has at least one frame.
    NoFrames(M),
    /// It does not fit now, and does when enough has been sent, at the latest when the write buffer is empty; or a
    /// [`send`](crate::Stream::send) waits for room, which it would overtake.
    Full(M),
    /// It can never fit.
    TooLarge(M),
    /// The stream is closing or closed.
    Closed(M),
    /// The transport has failed.
    Failed(M, E),
}

impl<M, E> WriteError<M, E> {
    /// The message that was refused.
    pub fn into_message(self) -> M {
        match self {
            Self::NoFrames(message)
            | Self::Full(message)
            | Self::TooLarge(message)
            | Self::Closed(message)
            | Self::Failed(message, _) => message,
        }
    }
}

impl<M, E> WriteError<M, E> {
    /// The same with another message: the one that was asked for.
    pub(crate) fn map_message<N>(self, f: impl FnOnce(M) -> N) -> WriteError<N, E> {
        match self {
            Self::NoFrames(message) => WriteError::NoFrames(f(message)),
            Self::Full(message) => WriteError::Full(f(message)),
            Self::TooLarge(message) => WriteError::TooLarge(f(message)),
            Self::Closed(message) => WriteError::Closed(f(message)),
            Self::Failed(message, error) => WriteError::Failed(f(message), error),
        }
    }
}

/// Why a message that waited to be written was refused. Nothing of it was queued; it is handed back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendError<M, E> {
    /// A message has at least one frame.
    NoFrames(M),
    /// It can never fit.
    TooLarge(M),
    /// The stream is closing or closed.
    Closed(M),
    /// The transport has failed.
    Failed(M, E),
    /// Every waiter slot is taken.
    TooManyWaiters(M),
}

impl<M, E> SendError<M, E> {
    /// The message that was refused.
    pub fn into_message(self) -> M {
        match self {
            Self::NoFrames(message)
            | Self::TooLarge(message)
            | Self::Closed(message)
            | Self::Failed(message, _)
            | Self::TooManyWaiters(message) => message,
        }
    }

    pub(crate) fn map_message<N>(self, f: impl FnOnce(M) -> N) -> SendError<N, E> {
        match self {
            Self::NoFrames(message) => SendError::NoFrames(f(message)),
            Self::TooLarge(message) => SendError::TooLarge(f(message)),
            Self::Closed(message) => SendError::Closed(f(message)),
            Self::Failed(message, error) => SendError::Failed(f(message), error),
            Self::TooManyWaiters(message) => SendError::TooManyWaiters(f(message)),
        }
    }
}

impl From<NoRegion> for PushError<()> {
    fn from(error: NoRegion) -> Self {
        match error {
            NoRegion::Full => Self::Full(()),
            NoRegion::TooLarge => Self::TooLarge(()),
        }
    }
}

impl<M, E> From<PushError<M>> for WriteError<M, E> {
    fn from(error: PushError<M>) -> Self {
        match error {
            PushError::NoFrames(message) => Self::NoFrames(message),
            PushError::Full(message) => Self::Full(message),
            PushError::TooLarge(message) => Self::TooLarge(message),
            PushError::Closed(message) => Self::Closed(message),
        }
    }
}

/// Why a read gave no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ReadError<E> {
    /// The stream is closing or closed, and everything that had been buffered was read.
    Closed,
    /// The transport has failed. What had been buffered can still be had by a `try_read`.
    Failed(E),
    /// So many messages at this place could never fit and were thrown away. Told once; the next read goes on.
    Discarded {
        /// How many, with those at later places that were known of by now.
        messages: usize,
    },
    /// Every waiter slot is taken.
    TooManyWaiters,
    /// The message is longer than the slice that it was to be copied into; it stays in the buffer.
    TooSmall {
        /// The length that the slice must have, in bytes: payload and headers.
        needed_bytes: usize,
    },
}

/// Why an attempt to read gave no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum TryReadError<E> {
    /// There is no message now that can be taken, or others who wait come first. After a failure: somebody looks at the oldest
    /// message, or still has the room for one before it.
    Empty,
    /// As a read that waits would say.
    Read(ReadError<E>),
}

/// Why a read gave no event. What was buffered came first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ReadEventError<E> {
    /// Nobody has asked for events.
    NotMonitoring,
    /// The stream is closing or closed.
    Closed,
    /// The transport has failed.
    Failed(E),
    /// Every waiter slot is taken.
    TooManyWaiters,
}

/// Why an attempt to read gave no event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum TryReadEventError<E> {
    /// There is no event now, or others who wait come first.
    Empty,
    /// As a read that waits would say.
    Read(ReadEventError<E>),
}

/// Puts the transport's error in, where it lies beside the machine that reports a failure.
pub(crate) trait WithFailure<E> {
    /// The same error, with the transport's in it.
    type Output;
    fn with_failure(self, failure: impl FnOnce() -> Option<E>) -> Self::Output;
}

impl<M, E> WithFailure<E> for WriteError<M, ()> {
    type Output = WriteError<M, E>;
    fn with_failure(self, failure: impl FnOnce() -> Option<E>) -> WriteError<M, E> {
        match self {
            Self::NoFrames(message) => WriteError::NoFrames(message),
            Self::Full(message) => WriteError::Full(message),
            Self::TooLarge(message) => WriteError::TooLarge(message),
            Self::Closed(message) => WriteError::Closed(message),
            Self::Failed(message, ()) => match failure() {
                Some(error) => WriteError::Failed(message, error),
                None => WriteError::Closed(message),
            },
        }
    }
}

impl<M, E> WithFailure<E> for SendError<M, ()> {
    type Output = SendError<M, E>;
    fn with_failure(self, failure: impl FnOnce() -> Option<E>) -> SendError<M, E> {
        match self {
            Self::NoFrames(message) => SendError::NoFrames(message),
            Self::TooLarge(message) => SendError::TooLarge(message),
            Self::Closed(message) => SendError::Closed(message),
            Self::TooManyWaiters(message) => SendError::TooManyWaiters(message),
            Self::Failed(message, ()) => match failure() {
                Some(error) => SendError::Failed(message, error),
                None => SendError::Closed(message),
            },
        }
    }
}

impl<E> WithFailure<E> for ReadError<()> {
    type Output = ReadError<E>;
    fn with_failure(self, failure: impl FnOnce() -> Option<E>) -> ReadError<E> {
        match self {
            Self::Closed => ReadError::Closed,
            Self::Failed(()) => failure().map_or(ReadError::Closed, ReadError::Failed),
            Self::Discarded { messages } => ReadError::Discarded { messages },
            Self::TooManyWaiters => ReadError::TooManyWaiters,
            Self::TooSmall { needed_bytes } => ReadError::TooSmall { needed_bytes },
        }
    }
}

impl<E> WithFailure<E> for TryReadError<()> {
    type Output = TryReadError<E>;
    fn with_failure(self, failure: impl FnOnce() -> Option<E>) -> TryReadError<E> {
        match self {
            Self::Empty => TryReadError::Empty,
            Self::Read(error) => TryReadError::Read(error.with_failure(failure)),
        }
    }
}

impl<E> WithFailure<E> for ReadEventError<()> {
    type Output = ReadEventError<E>;
    fn with_failure(self, failure: impl FnOnce() -> Option<E>) -> ReadEventError<E> {
        match self {
            Self::NotMonitoring => ReadEventError::NotMonitoring,
            Self::Closed => ReadEventError::Closed,
            Self::Failed(()) => failure().map_or(ReadEventError::Closed, ReadEventError::Failed),
            Self::TooManyWaiters => ReadEventError::TooManyWaiters,
        }
    }
}

impl<E> WithFailure<E> for DrainError<()> {
    type Output = DrainError<E>;
    fn with_failure(self, failure: impl FnOnce() -> Option<E>) -> DrainError<E> {
        match self {
            Self::Dropped(lost) => DrainError::Dropped(lost),
            Self::Failed(()) => {
                failure().map_or(DrainError::Dropped(Lost::default()), DrainError::Failed)
            }
            Self::TooManyWaiters => DrainError::TooManyWaiters,
        }
    }
}

/// What was asked for is so already; nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct AlreadyDone;

/// Why a wait for the write side ended without what it waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum DrainError<E> {
    /// The stream was aborted; this is what was dropped with it.
    Dropped(Lost),
    /// The transport has failed.
    Failed(E),
    /// Every waiter slot is taken.
    TooManyWaiters,
}

/// Every waiter slot is taken. Nobody who waits already was disturbed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct TooManyWaiters;

/// Why a message is none that a libzmq monitor sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum EventError {
    /// It has too few or too many frames.
    FrameCount {
        /// How many a monitor's message has.
        expected: usize,
        /// How many there were.
        found: usize,
    },
    /// The first frame, an event's number and value, is too short or too long.
    HeaderLength {
        /// Its length in a monitor's message, in bytes.
        expected_bytes: usize,
        /// Its length, in bytes.
        found_bytes: usize,
    },
    /// The second frame, the endpoint, is not UTF-8.
    EndpointNotUtf8 {
        /// How much of it is UTF-8, in bytes from its start.
        valid_up_to_bytes: usize,
        /// Its length, in bytes.
        found_bytes: usize,
    },
}

const NO_FRAMES: &str = "a message has at least one frame";
const FULL: &str = "the message does not fit now";
const TOO_LARGE: &str = "the message can never fit";
const CLOSED: &str = "the stream is closed";
const WAITERS: &str = "every waiter slot is taken";

impl<M> fmt::Display for PushError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoFrames(_) => NO_FRAMES,
            Self::Full(_) => FULL,
            Self::TooLarge(_) => TOO_LARGE,
            Self::Closed(_) => CLOSED,
        })
    }
}

impl<M, E: fmt::Display> fmt::Display for WriteError<M, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoFrames(_) => NO_FRAMES,
            Self::Full(_) => FULL,
            Self::TooLarge(_) => TOO_LARGE,
            Self::Closed(_) => CLOSED,
            Self::Failed(_, error) => return failed(f, error),
        })
    }
}

impl<E: fmt::Display> fmt::Display for ReadError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str(CLOSED),
            Self::Failed(error) => failed(f, error),
            Self::Discarded { messages } => {
                write!(
                    f,
                    "{messages} messages that could never fit were thrown away"
                )
            }
            Self::TooManyWaiters => f.write_str(WAITERS),
            Self::TooSmall { needed_bytes } => {
                write!(f, "the message needs a slice of {needed_bytes} bytes")
            }
        }
    }
}

impl<M, E: fmt::Display> fmt::Display for SendError<M, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoFrames(_) => NO_FRAMES,
            Self::TooLarge(_) => TOO_LARGE,
            Self::Closed(_) => CLOSED,
            Self::Failed(_, error) => return failed(f, error),
            Self::TooManyWaiters(_) => WAITERS,
        })
    }
}

impl<E: fmt::Display> fmt::Display for ReadEventError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotMonitoring => f.write_str("nobody has asked for events"),
            Self::Closed => f.write_str(CLOSED),
            Self::Failed(error) => failed(f, error),
            Self::TooManyWaiters => f.write_str(WAITERS),
        }
    }
}

impl<E: fmt::Display> fmt::Display for TryReadEventError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("there is no event now"),
            Self::Read(error) => error.fmt(f),
        }
    }
}

impl fmt::Display for AlreadyDone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("that was done already")
    }
}

impl<E: fmt::Display> fmt::Display for TryReadError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("there is no message now"),
            Self::Read(error) => error.fmt(f),
        }
    }
}

impl<E: fmt::Display> fmt::Display for DrainError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dropped(lost) => write!(f, "the stream was aborted with {lost} unsent"),
            Self::Failed(error) => failed(f, error),
            Self::TooManyWaiters => f.write_str(WAITERS),
        }
    }
}

impl fmt::Display for TooManyWaiters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(WAITERS)
    }
}

impl fmt::Display for EventError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FrameCount { expected, found } => write!(
                f,
                "a monitor's message has {expected} frames, and this one has {found}"
            ),
            Self::HeaderLength {
                expected_bytes,
                found_bytes,
            } => write!(
                f,
                "an event's header has {expected_bytes} bytes, and this one has {found_bytes}"
            ),
            Self::EndpointNotUtf8 {
                valid_up_to_bytes,
                found_bytes,
            } => write!(
                f,
                "an event's endpoint is UTF-8, and this one of {found_bytes} bytes is so for {valid_up_to_bytes} only"
            ),
        }
    }
}

fn failed(f: &mut fmt::Formatter<'_>, error: &impl fmt::Display) -> fmt::Result {
    write!(f, "the transport has failed: {error}")
}

impl<M: fmt::Debug> core::error::Error for PushError<M> {}
impl<M: fmt::Debug, E: fmt::Debug + fmt::Display> core::error::Error for WriteError<M, E> {}
impl<E: fmt::Debug + fmt::Display> core::error::Error for ReadError<E> {}
impl<E: fmt::Debug + fmt::Display> core::error::Error for TryReadError<E> {}
impl<E: fmt::Debug + fmt::Display> core::error::Error for DrainError<E> {}
impl<M: fmt::Debug, E: fmt::Debug + fmt::Display> core::error::Error for SendError<M, E> {}
impl<E: fmt::Debug + fmt::Display> core::error::Error for ReadEventError<E> {}
impl<E: fmt::Debug + fmt::Display> core::error::Error for TryReadEventError<E> {}
impl core::error::Error for TooManyWaiters {}
impl core::error::Error for AlreadyDone {}
impl core::error::Error for EventError {}
