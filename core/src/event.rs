//! What happens to a socket, as libzmq's monitor tells it.

use core::ops::{BitOr, BitOrAssign};
use core::{fmt, str};

use crate::error::EventError;

/// Which events a monitor is to report: a set of them, put together with `|`.
///
/// ```
/// use tidegate_core::EventMask;
///
/// let mask = EventMask::CONNECTED | EventMask::DISCONNECTED;
/// assert!(mask.contains(EventMask::CONNECTED));
/// assert!(!mask.contains(EventMask::CLOSED));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct EventMask(u16);

impl EventMask {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// [`EventKind::Connected`].
    pub const CONNECTED: Self = Self(0x0001);
    /// [`EventKind::ConnectDelayed`].
    pub const CONNECT_DELAYED: Self = Self(0x0002);
    /// [`EventKind::ConnectRetried`].
    pub const CONNECT_RETRIED: Self = Self(0x0004);
    /// [`EventKind::Listening`].
    pub const LISTENING: Self = Self(0x0008);
    /// [`EventKind::BindFailed`].
    pub const BIND_FAILED: Self = Self(0x0010);
    /// [`EventKind::Accepted`].
    pub const ACCEPTED: Self = Self(0x0020);
    /// [`EventKind::AcceptFailed`].
    pub const ACCEPT_FAILED: Self = Self(0x0040);
    /// [`EventKind::Closed`].
    pub const CLOSED: Self = Self(0x0080);
    /// [`EventKind::CloseFailed`].
    pub const CLOSE_FAILED: Self = Self(0x0100);
    /// [`EventKind::Disconnected`].
    pub const DISCONNECTED: Self = Self(0x0200);
    /// [`EventKind::MonitorStopped`].
    pub const MONITOR_STOPPED: Self = Self(0x0400);
    /// [`EventKind::HandshakeFailedNoDetail`].
    pub const HANDSHAKE_FAILED_NO_DETAIL: Self = Self(0x0800);
    /// [`EventKind::HandshakeSucceeded`].
    pub const HANDSHAKE_SUCCEEDED: Self = Self(0x1000);
    /// [`EventKind::HandshakeFailedProtocol`].
    pub const HANDSHAKE_FAILED_PROTOCOL: Self = Self(0x2000);
    /// [`EventKind::HandshakeFailedAuth`].
    pub const HANDSHAKE_FAILED_AUTH: Self = Self(0x4000);
    /// All events, those that a later libzmq may add included.
    pub const ALL: Self = Self(0xffff);

    /// The set with these bits, as `ZMQ_EVENT_…` in `zmq.h` names them.
    pub const fn from_bits(bits: u16) -> Self {
        Self(bits)
    }

    /// The bits, as `zmq_socket_monitor` takes them.
    pub const fn bits(self) -> u16 {
        self.0
    }

    /// Whether every event of the other set is in this one.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl BitOr for EventMask {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for EventMask {
    fn bitor_assign(&mut self, other: Self) {
        *self = *self | other;
    }
}

/// What happened, with the value that this kind of event carries.
///
/// The kinds and values are those of libzmq's `zmq_socket_monitor(3)`. A descriptor may be closed, and belong to
/// something else, by the time the event is read. An `errno` is that of the system, or one of libzmq's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum EventKind {
    /// Connected to a peer.
    Connected {
        /// The connection's descriptor.
        fd: i32,
    },
    /// A connect is on its way. The manual leaves its value open; libzmq gives an `errno`.
    ConnectDelayed {
        /// Why it did not connect at once: commonly `EINPROGRESS`.
        errno: i32,
    },
    /// A connect has failed, and is tried again.
    ConnectRetried {
        /// The time until then, in milliseconds.
        interval_ms: u32,
    },
    /// Bound.
    Listening {
        /// The listening socket's descriptor.
        fd: i32,
    },
    /// Could not be bound.
    BindFailed {
        /// Why.
        errno: i32,
    },
    /// Accepted a peer's connection.
    Accepted {
        /// The connection's descriptor.
        fd: i32,
    },
    /// Could not accept a peer's connection.
    AcceptFailed {
        /// Why.
        errno: i32,
    },
    /// A connection or a listening socket was closed.
    Closed {
        /// The descriptor that was closed.
        fd: i32,
    },
    /// Could not be closed; with `ipc` only.
    CloseFailed {
        /// Why.
        errno: i32,
    },
    /// A connection broke; it will be closed.
    Disconnected {
        /// The connection's descriptor.
        fd: i32,
    },
    /// The monitor has ended: this is its last event.
    MonitorStopped,
    /// The handshake failed, nobody knows why.
    HandshakeFailedNoDetail {
        /// What the system said.
        errno: i32,
    },
    /// The handshake succeeded: messages can go.
    HandshakeSucceeded,
    /// The handshake failed because the peer, or the ZAP handler, broke its protocol.
    HandshakeFailedProtocol {
        /// One of `ZMQ_PROTOCOL_ERROR_…` in `zmq.h`: `0x1…` ZMTP, `0x2…` ZAP, `0x3…` WebSocket.
        code: u32,
    },
    /// The handshake failed because the ZAP handler did not let the peer in.
    HandshakeFailedAuth {
        /// The status that the ZAP handler gave: 300, 400 or 500.
        status: u32,
    },
    /// An event that this version does not know.
    Unknown {
        /// Its number.
        event: u16,
        /// Its value as it came.
        value: u32,
    },
}

impl EventKind {
    /// The bytes of a monitor message's first frame: the event's number and its value, in the machine's byte order.
    const HEADER_BYTES: usize = 6;

    fn decode(header: &[u8]) -> Result<Self, EventError> {
        let &[e0, e1, v0, v1, v2, v3] = header else {
            return Err(EventError::HeaderLength {
                expected_bytes: Self::HEADER_BYTES,
                found_bytes: header.len(),
            });
        };
        let mask = EventMask(u16::from_ne_bytes([e0, e1]));
        let value = u32::from_ne_bytes([v0, v1, v2, v3]);
        let number = value.cast_signed();
        Ok(match mask {
            EventMask::CONNECTED => Self::Connected { fd: number },
            EventMask::CONNECT_DELAYED => Self::ConnectDelayed { errno: number },
            EventMask::CONNECT_RETRIED => Self::ConnectRetried { interval_ms: value },
            EventMask::LISTENING => Self::Listening { fd: number },
            EventMask::BIND_FAILED => Self::BindFailed { errno: number },
            EventMask::ACCEPTED => Self::Accepted { fd: number },
            EventMask::ACCEPT_FAILED => Self::AcceptFailed { errno: number },
            EventMask::CLOSED => Self::Closed { fd: number },
            EventMask::CLOSE_FAILED => Self::CloseFailed { errno: number },
            EventMask::DISCONNECTED => Self::Disconnected { fd: number },
            EventMask::MONITOR_STOPPED => Self::MonitorStopped,
            EventMask::HANDSHAKE_FAILED_NO_DETAIL => {
                Self::HandshakeFailedNoDetail { errno: number }
            }
            EventMask::HANDSHAKE_SUCCEEDED => Self::HandshakeSucceeded,
            EventMask::HANDSHAKE_FAILED_PROTOCOL => Self::HandshakeFailedProtocol { code: value },
            EventMask::HANDSHAKE_FAILED_AUTH => Self::HandshakeFailedAuth { status: value },
            EventMask(event) => Self::Unknown { event, value },
        })
    }

    /// The bit of the [`EventMask`] that asks for this event.
    pub const fn mask(self) -> EventMask {
        match self {
            Self::Connected { .. } => EventMask::CONNECTED,
            Self::ConnectDelayed { .. } => EventMask::CONNECT_DELAYED,
            Self::ConnectRetried { .. } => EventMask::CONNECT_RETRIED,
            Self::Listening { .. } => EventMask::LISTENING,
            Self::BindFailed { .. } => EventMask::BIND_FAILED,
            Self::Accepted { .. } => EventMask::ACCEPTED,
            Self::AcceptFailed { .. } => EventMask::ACCEPT_FAILED,
            Self::Closed { .. } => EventMask::CLOSED,
            Self::CloseFailed { .. } => EventMask::CLOSE_FAILED,
            Self::Disconnected { .. } => EventMask::DISCONNECTED,
            Self::MonitorStopped => EventMask::MONITOR_STOPPED,
            Self::HandshakeFailedNoDetail { .. } => EventMask::HANDSHAKE_FAILED_NO_DETAIL,
            Self::HandshakeSucceeded => EventMask::HANDSHAKE_SUCCEEDED,
            Self::HandshakeFailedProtocol { .. } => EventMask::HANDSHAKE_FAILED_PROTOCOL,
            Self::HandshakeFailedAuth { .. } => EventMask::HANDSHAKE_FAILED_AUTH,
            Self::Unknown { event, .. } => EventMask(event),
        }
    }
}

/// An endpoint in `L` bytes: a longer one is cut between two characters, and marked.
///
/// Memory: `L` bytes, and two words.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Endpoint<const L: usize> {
    /// Zeros behind the text.
    bytes: [u8; L],
    len: usize,
    cut: bool,
}

impl<const L: usize> Endpoint<L> {
    /// As much of an endpoint as `L` bytes hold.
    pub fn new(endpoint: &str) -> Self {
        let fits = (0..=endpoint.len().min(L))
            .rev()
            .find_map(|end| endpoint.get(..end))
            .unwrap_or_default();
        let mut bytes = [0; L];
        bytes
            .iter_mut()
            .zip(fits.as_bytes())
            .for_each(|(to, from)| *to = *from);
        Self {
            bytes,
            len: fits.len(),
            cut: fits.len() < endpoint.len(),
        }
    }

    /// What is there of the endpoint.
    pub fn as_str(&self) -> &str {
        let text = self.bytes.get(..self.len).unwrap_or_default();
        str::from_utf8(text).unwrap_or_default()
    }

    /// Whether there was more of it.
    pub const fn is_cut(&self) -> bool {
        self.cut
    }
}

impl<const L: usize> Default for Endpoint<L> {
    fn default() -> Self {
        Self::new("")
    }
}

/// A text in quotes and ASCII. What `str` prints looks up which characters can be shown, by a path to a panic.
struct Escaped<'a>(&'a str);

impl fmt::Debug for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.escape_default())
    }
}

impl<const L: usize> fmt::Debug for Endpoint<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint")
            .field("text", &Escaped(self.as_str()))
            .field("cut", &self.cut)
            .finish()
    }
}

#[cfg(feature = "defmt")]
impl<const L: usize> defmt::Format for Endpoint<L> {
    fn format(&self, f: defmt::Formatter<'_>) {
        let more = if self.cut { "…" } else { "" };
        defmt::write!(f, "{=str}{=str}", self.as_str(), more);
    }
}

/// With `…` behind it if it was cut.
impl<const L: usize> fmt::Display for Endpoint<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())?;
        f.write_str(if self.cut { "…" } else { "" })
    }
}

/// Something that happened to a socket: what, and at which endpoint, of which `L` bytes are kept.
///
/// Memory: `L` bytes, and four words on a 32-bit target.
///
/// ```
/// use tidegate_core::{EventError, EventKind, SocketEvent};
///
/// let header = [0x0004u16.to_ne_bytes().as_slice(), &100u32.to_ne_bytes()].concat();
/// let event: SocketEvent = SocketEvent::decode([&header[..], b"tcp://127.0.0.1:5555"])?;
/// assert_eq!(event.kind, EventKind::ConnectRetried { interval_ms: 100 });
/// assert_eq!(event.endpoint.as_str(), "tcp://127.0.0.1:5555");
///
/// let error = <SocketEvent>::decode([&header[..]]).unwrap_err();
/// assert_eq!(error, EventError::FrameCount { expected: 2, found: 1 });
/// # Ok::<(), EventError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct SocketEvent<const L: usize = 64> {
    /// What happened.
    pub kind: EventKind,
    /// Where. Empty if it concerns no endpoint.
    pub endpoint: Endpoint<L>,
}

impl<const L: usize> SocketEvent<L> {
    /// The frames of a monitor message: the header, and the endpoint.
    const FRAMES: usize = 2;

    /// Reads a message of a libzmq monitor of version 1: a frame of the event's number (16 bits) and value (32 bits) in
    /// the machine's byte order, then a frame with the endpoint.
    ///
    /// An event of unknown number is [`EventKind::Unknown`], and no error.
    ///
    /// # Errors
    /// The message is none of a monitor; see [`EventError`].
    pub fn decode<'a>(frames: impl IntoIterator<Item = &'a [u8]>) -> Result<Self, EventError> {
        let mut frames = frames.into_iter().fuse();
        let (header, endpoint, more) = (frames.next(), frames.next(), frames.count());
        let (Some(header), Some(endpoint), 0) = (header, endpoint, more) else {
            return Err(EventError::FrameCount {
                expected: Self::FRAMES,
                found: header.iter().chain(&endpoint).count().saturating_add(more),
            });
        };
        let kind = EventKind::decode(header)?;
        let endpoint = str::from_utf8(endpoint).map_err(|error| EventError::EndpointNotUtf8 {
            valid_up_to_bytes: error.valid_up_to(),
            found_bytes: endpoint.len(),
        })?;
        Ok(Self {
            kind,
            endpoint: Endpoint::new(endpoint),
        })
    }
}
