//! What can go wrong, with everything that is known of it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use std::{fmt, io};

use tidegate_core::{EventError, Lost, WatermarkError};
use zmq::SocketType;

use crate::message::Multipart;
use crate::socket;

/// An error number as libzmq gave it, whether or not anybody knows it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Errno(i32);

impl Errno {
    pub(crate) const fn new(raw: i32) -> Self {
        Self(raw)
    }

    /// `EHOSTUNREACH`: a mandatory ROUTER does not know the peer, or it has left.
    pub const HOST_UNREACHABLE: Self = Self(zmq_sys::errno::EHOSTUNREACH);

    /// `EADDRINUSE`: somebody else has bound the endpoint.
    pub const ADDRESS_IN_USE: Self = Self(zmq_sys::errno::EADDRINUSE);

    /// libzmq's `EFSM`: the socket cannot do that now.
    pub const STATE: Self = Self(zmq_sys::errno::EFSM);

    /// libzmq's `ETERM`: the context was terminated.
    pub const TERMINATED: Self = Self(zmq_sys::errno::ETERM);

    /// The stream is that of a process which this one was forked from.
    pub const FORKED: Self = Self(i32::MIN);

    /// The number of an error of the operating system.
    #[cfg(all(feature = "tokio", unix))]
    pub(crate) fn of(error: &io::Error) -> Self {
        Self(error.raw_os_error().unwrap_or_default())
    }

    /// The number: one of the operating system's, or one of libzmq's own from `zmq.h`.
    pub const fn raw(self) -> i32 {
        self.0
    }
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::FORKED {
            return f.write_str(socket::message_of(*self));
        }
        write!(f, "{} (errno {})", socket::message_of(*self), self.0)
    }
}

impl fmt::Debug for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Errno({}: {})", self.0, socket::message_of(*self))
    }
}

impl std::error::Error for Errno {}

/// Which of a stream's two buffers is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// What was received and not yet read.
    Read,
    /// What was written and not yet sent.
    Write,
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Read => "read",
            Self::Write => "write",
        })
    }
}

/// Why a stream could not be opened. Nothing is left of the attempt.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The marks of one side do not fit together.
    #[error("the {side} buffer: {source}")]
    Watermarks {
        /// Which side.
        side: Side,
        /// Both marks.
        source: WatermarkError,
    },
    /// An endpoint could not be bound or connected.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// A subscription could not be made.
    #[error("cannot subscribe: {0}")]
    Subscribe(#[source] SubscribeError),
    /// An option could not be set.
    #[error(transparent)]
    Option(#[from] OptionError),
    /// No context could be had: too many descriptors.
    #[error("cannot make a context: {0}")]
    Context(Errno),
    /// No socket could be had: too many sockets in the context, or too many descriptors.
    #[error("cannot make a {kind} socket: {source}")]
    Socket {
        /// The type that was asked for.
        kind: &'static str,
        /// What libzmq says.
        source: Errno,
    },
    /// The socket that was to be adopted is of another type.
    #[error("the socket to adopt is a {found}, not a {asked_for}")]
    WrongType {
        /// The type that was asked for.
        asked_for: &'static str,
        /// The type that it has.
        found: &'static str,
    },
    /// A [`Requester`](crate::Requester) was to be of another type than the one that asks.
    #[error("a requester is a REQ, not a {found}")]
    NotAReq {
        /// The type that the builder was made for.
        found: &'static str,
    },
    /// The socket that was to be adopted is of no use: its context was terminated.
    #[error("cannot adopt the socket: {source}")]
    Adopt {
        /// What libzmq says.
        source: Errno,
    },
    /// The socket's owner has received some frames of a message, and not the last.
    #[error("the socket to adopt is in the middle of a message that was begun to be received")]
    HalfReceived,
    /// The context of an adopted socket is not known, and no other socket can be made in it.
    #[error("the socket was adopted without its context; `Builder::context` gives it")]
    NeedsContext,
    /// The context is being shut down, or was.
    #[error("the context was shut down")]
    ContextShutDown,
    /// The context is that of a process which this one was forked from.
    #[error("the process was forked, and the context is its parent's")]
    Forked,
    /// The connections cannot be tracked.
    #[error("cannot track the connections: {0}")]
    Track(#[source] MonitorError),
    /// The I/O thread, or its watch over the socket's descriptor, could not be had.
    #[error("cannot watch the socket: {0}")]
    Watch(#[from] io::Error),
}

/// Why nobody was waited for any longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WaitError {
    /// The time is up.
    #[error("nobody has come within {0:?}")]
    TimedOut(Duration),
    /// The stream keeps no account of who is there.
    #[error("the stream was opened without `Builder::track_connections`")]
    NotTracked,
    /// A socket of this type is not told of subscriptions.
    #[error("only an XPUB is told of subscriptions, not a {found}")]
    WrongType {
        /// The stream's type.
        found: &'static str,
    },
    /// The stream is closing or closed.
    #[error("the stream is closed")]
    Closed,
    /// The stream has failed.
    #[error("the stream has failed: {0}")]
    Failed(Errno),
    /// There is no I/O thread that could keep the time, and there are no descriptors or threads left to start one.
    #[error("cannot keep the time: {0}")]
    Timer(io::ErrorKind),
}

/// Why an [`Authenticator`](crate::Authenticator) could not be started. Nothing is left of the attempt.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuthenticatorError {
    /// The context has one, or another ZAP handler: there can be one.
    #[error("the context has a ZAP handler already")]
    AlreadyStarted,
    /// Its stream could not be opened.
    #[error("cannot open the ZAP handler: {0}")]
    Open(#[source] OpenError),
    /// Its thread could not be started.
    #[error("cannot start the ZAP handler's thread: {0}")]
    Thread(#[source] io::Error),
}

/// Why a socket was not adopted. The socket comes back, with the options that were set; what was bound or connected for the stream is
/// undone, and with it what its owner had bound or connected by the same name.
///
/// It prints as its [`error`](Self::error) does, and has the same source.
pub struct AdoptError {
    /// What went wrong.
    pub error: OpenError,
    /// Behind a lock that nobody waits for, so that this can be passed on as any error.
    socket: Mutex<zmq::Socket>,
}

impl AdoptError {
    pub(crate) fn new(error: OpenError, socket: zmq::Socket) -> Self {
        Self {
            error,
            socket: Mutex::new(socket),
        }
    }

    /// The socket.
    pub fn into_socket(self) -> zmq::Socket {
        self.socket
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Display for AdoptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl std::error::Error for AdoptError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.error.source()
    }
}

impl fmt::Debug for AdoptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AdoptError")
            .field("error", &self.error)
            .finish_non_exhaustive()
    }
}

/// Why an endpoint was not bound, connected, unbound or disconnected. Nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// An endpoint contains a NUL byte.
    #[error("the endpoint {endpoint:?} contains a NUL byte")]
    Nul {
        /// The endpoint.
        endpoint: String,
    },
    /// An endpoint names a port over 65,535, of which libzmq would take the lower 16 bits.
    #[error("the port of {endpoint} is over 65535")]
    Port {
        /// The endpoint.
        endpoint: String,
    },
    /// libzmq would take the endpoint and do nothing, or do harm.
    #[error("no use is made of {endpoint}: {reason}")]
    Unsupported {
        /// The endpoint.
        endpoint: String,
        /// Why.
        reason: &'static str,
    },
    /// An endpoint could not be bound.
    #[error("cannot bind {endpoint}: {source}")]
    Bind {
        /// The endpoint.
        endpoint: String,
        /// What libzmq says.
        source: Errno,
    },
    /// An endpoint could not be connected.
    #[error("cannot connect {endpoint}: {source}")]
    Connect {
        /// The endpoint.
        endpoint: String,
        /// What libzmq says.
        source: Errno,
    },
    /// An endpoint could not be unbound.
    #[error("cannot unbind {endpoint}: {source}")]
    Unbind {
        /// The endpoint.
        endpoint: String,
        /// What libzmq says.
        source: Errno,
    },
    /// An endpoint could not be disconnected.
    #[error("cannot disconnect {endpoint}: {source}")]
    Disconnect {
        /// The endpoint.
        endpoint: String,
        /// What libzmq says.
        source: Errno,
    },
    /// This stream has not bound the endpoint, or has unbound it.
    #[error("{endpoint} is not bound by this stream")]
    NotBound {
        /// The endpoint.
        endpoint: String,
    },
    /// This stream has not connected the endpoint, or has disconnected it.
    #[error("{endpoint} is not connected by this stream")]
    NotConnected {
        /// The endpoint.
        endpoint: String,
    },
    /// The stream is closing or closed.
    #[error("the stream is closed")]
    Closed,
    /// Somebody has the socket by [`with_socket`](crate::ZmqStream::with_socket). A moment later it may work.
    #[error("the socket is in use by `with_socket`")]
    InUse,
    /// The socket has failed, and the stream has ended.
    #[error("the stream has failed: {0}")]
    Failed(Errno),
}

/// Why the socket of a stream cannot be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SocketError {
    /// The stream is closing or closed.
    #[error("the stream is closed")]
    Closed,
    /// Somebody has it already by [`with_socket`](crate::ZmqStream::with_socket).
    #[error("the socket is in use by `with_socket`")]
    InUse,
    /// The socket has failed, and the stream has ended.
    #[error("the stream has failed: {0}")]
    Failed(Errno),
}

/// Why a subscription was not made or undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SubscribeError {
    /// Only a SUB and an XSUB subscribe.
    #[error("a {kind:?} socket has no subscriptions; a SUB or an XSUB has")]
    NotASubscriber {
        /// The type of the socket.
        kind: SocketType,
    },
    /// The stream is not subscribed to this prefix.
    #[error("the stream is not subscribed to this prefix")]
    NotSubscribed,
    /// A SUB that [conflates](crate::Builder::conflate) would tell its publishers of the last prefix alone.
    #[error("a SUB that conflates is subscribed to one prefix at most")]
    OnePrefix,
    /// The prefix is longer than [`MOST_PREFIX_BYTES`](crate::MOST_PREFIX_BYTES): libzmq takes a call of a function for each byte of it,
    /// one in the other, and a long one would end the process.
    #[error("a prefix of {bytes} bytes is longer than {most}", most = crate::MOST_PREFIX_BYTES)]
    TooLong {
        /// How long it is.
        bytes: usize,
    },
    /// The stream is closing or closed.
    #[error("the stream is closed")]
    Closed,
    /// Somebody has the socket by [`with_socket`](crate::ZmqStream::with_socket). A moment later it may work.
    #[error("the socket is in use by `with_socket`")]
    InUse,
    /// The socket has failed, and the stream has ended.
    #[error("the stream has failed: {0}")]
    Failed(Errno),
    /// libzmq refused it.
    #[error("the subscription was refused: {0}")]
    Refused(Errno),
}

/// Why an option was not set, or could not be read. The option has libzmq's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OptionError {
    /// It could not be set: the value is out of its range, or the socket's type does not have it.
    #[error("cannot set {option}: {source}")]
    Set {
        /// The option.
        option: &'static str,
        /// What libzmq says.
        source: Errno,
    },
    /// It could not be read.
    #[error("cannot read {option}: {source}")]
    Get {
        /// The option.
        option: &'static str,
        /// What libzmq says.
        source: Errno,
    },
    /// libzmq would take it and do nothing, or do harm.
    #[error("{option} is not supported: {reason}")]
    Unsupported {
        /// The option.
        option: &'static str,
        /// Why, and what helps.
        reason: &'static str,
    },
    /// The stream is closing or closed.
    #[error("{option} is of a stream that is closed")]
    Closed {
        /// The option.
        option: &'static str,
    },
    /// Somebody has the socket by [`with_socket`](crate::ZmqStream::with_socket). A moment later it may work.
    #[error("{option} is of a socket that is in use by `with_socket`")]
    InUse {
        /// The option.
        option: &'static str,
    },
    /// The socket has failed, and the stream has ended.
    #[error("{option} is of a stream that has failed: {source}")]
    Failed {
        /// The option.
        option: &'static str,
        /// Why.
        source: Errno,
    },
}

/// Why a write was refused. Nothing of the message was sent or queued; it is handed back, boxed so that a result stays
/// small.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// A message has at least one frame.
    #[error("a message has at least one frame")]
    NoFrames(Box<Multipart>),
    /// A message of a STREAM socket has two frames: who, and what.
    #[error("a message of a STREAM socket has two frames, an identity and bytes; this one has {}", .0.len())]
    NotTwoFrames(Box<Multipart>),
    /// A message of a stream that conflates has one frame, and so has a subscription, or the end of one, that is written to an XSUB: what
    /// begins with the byte 1 or 0.
    #[error("a message of a stream that conflates, or a subscription of an XSUB, has one frame; this one has {}", .0.len())]
    NotOneFrame(Box<Multipart>),
    /// What begins with the byte 1 or 0 is a subscription of an XSUB, or the end of one, and the prefix behind that is longer than
    /// [`MOST_PREFIX_BYTES`](crate::MOST_PREFIX_BYTES).
    #[error("a subscription of {} bytes is longer than {}", .0.payload_bytes(), crate::MOST_PREFIX_BYTES)]
    LongSubscription(Box<Multipart>),
    /// A PULL and a SUB only receive.
    #[error("a socket of this type only receives")]
    ReceivesOnly(Box<Multipart>),
    /// A REQ has asked and not read the reply, or a REP has read no request that it has not answered.
    #[error("out of turn: a message has to be read first")]
    OutOfTurn(Box<Multipart>),
    /// The stream is closing or closed.
    #[error("the stream is closed")]
    Closed(Box<Multipart>),
    /// libzmq refused this message; the stream lives on.
    #[error("the message was refused: {1}")]
    Refused(Box<Multipart>, Errno),
    /// The socket has failed, and the stream has ended.
    #[error("the stream has failed: {1}")]
    Failed(Box<Multipart>, Errno),
}

impl WriteError {
    /// The message that was refused.
    pub fn into_message(self) -> Multipart {
        match self {
            Self::NoFrames(message)
            | Self::NotTwoFrames(message)
            | Self::NotOneFrame(message)
            | Self::LongSubscription(message)
            | Self::ReceivesOnly(message)
            | Self::OutOfTurn(message)
            | Self::Closed(message)
            | Self::Refused(message, _)
            | Self::Failed(message, _) => *message,
        }
    }
}

/// Why a read gave no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// A PUSH and a PUB only send.
    #[error("a socket of this type only sends")]
    SendsOnly,
    /// A REQ has not asked, or a REP has not answered what it has read last.
    #[error("out of turn: a message has to be written first")]
    OutOfTurn,
    /// The request that this would have been the reply to was not sent;
    /// [`take_send_failure`](crate::ZmqStream::take_send_failure) has it. The next turn is that of a write.
    #[error("the request was not sent")]
    NoReply,
    /// The stream is closing or closed, and everything that had been buffered was read.
    #[error("the stream is closed")]
    Closed,
    /// The socket has failed. What was buffered before can still be had by `try_read`.
    #[error("the stream has failed: {0}")]
    Failed(Errno),
}

/// Why an attempt to read gave no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TryReadError {
    /// There is no message now, or others who wait come first.
    #[error("there is no message now")]
    Empty,
    /// As a read that waits would say.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// Why a stream was not monitored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MonitorError {
    /// The stream is closing or closed, or its context is being shut down.
    #[error("the stream is closed")]
    Closed,
    /// Somebody has the socket by [`with_socket`](crate::ZmqStream::with_socket). A moment later it may work.
    #[error("the socket is in use by `with_socket`")]
    InUse,
    /// The socket has failed, and the stream has ended.
    #[error("the stream has failed: {0}")]
    Failed(Errno),
    /// The stream's socket was adopted, and its context is not known: none was given, or another.
    #[error("the socket was adopted without its context; `Builder::context` gives it")]
    NeedsContext,
    /// libzmq refused it: too many sockets in the context, or too many descriptors.
    #[error("cannot monitor the socket: {0}")]
    Refused(#[source] Errno),
    /// The I/O thread's watch over the events could not be had.
    #[error("cannot watch the events: {0}")]
    Watch(#[from] io::Error),
}

/// Why a read gave no event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadEventError {
    /// The stream is not monitored, and every event that had come was read.
    #[error("the stream is not monitored")]
    NotMonitoring,
    /// The stream is closing or closed, and every event that had come was read.
    #[error("the stream is closed")]
    Closed,
    /// The socket has failed, and every event that had come was read.
    #[error("the stream has failed: {0}")]
    Failed(Errno),
    /// What came is no event.
    #[error("a malformed event: {source}")]
    Malformed {
        /// What is wrong with it.
        source: EventError,
        /// How many events were discarded before it.
        discarded: usize,
    },
}

/// Why an attempt to read gave no event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TryReadEventError {
    /// There is no event now, or others who wait come first.
    #[error("there is no event now")]
    Empty,
    /// As a read that waits would say.
    #[error(transparent)]
    Read(#[from] ReadEventError),
}

/// Why a request has no reply. The request is handed back, boxed so that a result stays small.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// Nobody has answered in time, as often as the request was sent; nobody may have been there. Servers may have done what was asked.
    #[error("no reply within {timeout:?} to any of {attempts} attempts")]
    TimedOut {
        /// The request.
        request: Box<Multipart>,
        /// How often it was sent, or was to be.
        attempts: u32,
        /// How long the reply was waited for each time.
        timeout: Duration,
    },
    /// The request could not be written, at the first attempt or a later one.
    #[error("the request was not sent: {0}")]
    Write(#[source] WriteError),
    /// The stream has ended before the reply came, or libzmq has refused the request when its turn came.
    #[error("no reply: {source}")]
    Read {
        /// The request.
        request: Box<Multipart>,
        /// What a read says.
        source: ReadError,
    },
    /// The time cannot be kept: there are no descriptors or threads left to start the I/O thread with. A
    /// [`timeout`](crate::Requester::timeout) of `None` needs none.
    #[error("cannot keep the time of the request: {source}")]
    Timer {
        /// The request.
        request: Box<Multipart>,
        /// What the operating system says.
        source: io::Error,
    },
}

impl RequestError {
    /// The request.
    pub fn into_request(self) -> Multipart {
        match self {
            Self::Write(error) => error.into_message(),
            Self::TimedOut { request, .. }
            | Self::Read { request, .. }
            | Self::Timer { request, .. } => *request,
        }
    }
}

/// Why a wait for the write side ended without what it waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DrainError {
    /// The stream was ended before everything was sent; this is what was dropped.
    #[error("the stream was ended with {0} unsent")]
    Dropped(Lost),
    /// The socket has failed, and the stream has ended.
    #[error("the stream has failed: {0}")]
    Failed(Errno),
}

/// Why a shutdown was not clean.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum ShutdownError {
    /// A stream was ended otherwise, and dropped messages.
    #[error("streams were ended with {0} unsent")]
    Lost(Lost),
    /// The time was up before everything was sent. What libzmq had accepted and not yet sent by then is lost, too, or will
    /// be; how much that is cannot be known.
    #[error("the time was up with {0} unsent, and with what libzmq still held")]
    TimedOut(Lost),
    /// The context is that of a process which this one was forked from: it was not touched.
    #[error("the process was forked, and the context is its parent's")]
    Forked,
    /// A helper thread could not be had; the context was not terminated.
    #[error("cannot start the thread that shuts the context down: {0}")]
    Thread(Arc<io::Error>),
}
