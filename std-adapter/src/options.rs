//! Options of a socket, each with the type of its value.
//!
//! They are set before anything is bound or connected, by [`Builder::option`], and later by [`ZmqStream::set_option`]. What each
//! means, and what libzmq takes for it unless it is set, is libzmq's own:
//! [zmq_setsockopt(3)](https://libzmq.readthedocs.io/en/latest/zmq_setsockopt.html).
//!
//! Of a stream that runs, [`LINGER`], [`ROUTER_MANDATORY`], [`ROUTER_HANDOVER`], [`XPUB_NODROP`], [`REQ_CORRELATE`] and [`REQ_RELAXED`]
//! change at once; every other option holds for what is bound and connected after it was set. [`SEND_HWM`], [`RECEIVE_HWM`] and [`IMMEDIATE`] can
//! be set before the first bind or connect only: libzmq would tell the peers that it has, and crash where one is just leaving.
//!
//! A time is a whole number of milliseconds, one that is none is rounded up; over 2³¹ − 1 of them it is refused with
//! `EINVAL`, as libzmq refuses what it cannot take.
//!
//! ```
//! use std::time::Duration;
//! use tidegate::{SocketType, ZmqStream, options};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let stream = ZmqStream::builder(SocketType::DEALER)
//!     .option(options::ROUTING_ID, b"sensor-7".to_vec())
//!     .option(options::HEARTBEAT_INTERVAL, Duration::from_secs(5))
//!     .bind("tcp://127.0.0.1:*")
//!     .open()?;
//! assert_eq!(stream.option(options::ROUTING_ID)?, b"sensor-7");
//!
//! stream.set_option(options::LINGER, Some(Duration::from_secs(1)))?;
//! assert_eq!(stream.option(options::LINGER)?, Some(Duration::from_secs(1)));
//! // Too late.
//! assert!(stream.set_option(options::SEND_HWM, 10).is_err());
//!
//! let error = stream.set_option(options::ROUTER_MANDATORY, true).unwrap_err();
//! assert_eq!(error.to_string(), "cannot set ZMQ_ROUTER_MANDATORY: Invalid argument (errno 22)");
//! # Ok(())
//! # }
//! ```
//!
//! # Open to strangers
//!
//! Whoever can connect to an endpoint that is bound can send it anything. What is no ZMTP, and what breaks its rules, ends that one
//! connection at most, and the other peers are served meanwhile. What else a stranger can do, and what bounds it:
//!
//! | a stranger | is bounded by | default |
//! | --- | --- | --- |
//! | sends a huge frame, command, topic or name, or claims its length | [`MAX_MESSAGE_BYTES`] | no limit |
//! | does not end its handshake | [`HANDSHAKE_INTERVAL`]; by `ws` nothing | 30 s |
//! | falls silent after it | [`HEARTBEAT_INTERVAL`], [`HEARTBEAT_TIMEOUT`]; but see there | never |
//! | sends more than is read | [`high_read`](Builder::high_read), and [`RECEIVE_HWM`] messages of each peer | 64 KiB, 1,000 |
//! | sends one short message after the other, which are read late | [`copy_received`](crate::ContextBuilder::copy_received) | 18 KB for each |
//! | reads less than it is sent | [`SEND_HWM`] messages for each peer; the time, [`TCP_MAX_RETRANSMIT`] | 1,000, of an XSUB any number; any time |
//! | connects faster than is accepted | [`BACKLOG`] | 100 |
//!
//! Without [`MAX_MESSAGE_BYTES`] libzmq reserves what a frame claims at once, if the system has that much of address space, and memory grows
//! with what has come. It bounds a frame and not a message.
//!
//! **Nothing bounds**, in libzmq 4.3.4:
//!
//! - how many connections there are, but the process's limit of descriptors. At that limit the peers that are there are served, and libzmq's
//!   thread tries to accept the next one without a pause; a connection that goes makes room for it. One that comes by `ipc` at that limit
//!   **ends the process** (`ipc_listener.cpp`; libzmq allows for it over tcp);
//! - the frames of one message: about 64 bytes of each are held until the last one has come or the peer goes;
//! - the topics that a peer subscribes to: a PUB or an XPUB holds each until it is unsubscribed or the peer goes, a long one with thirty bytes
//!   for each of its own, and the stream of an XPUB what it was told of them once more;
//! - what a peer sends an XPUB as the beginning of a message without an end: somebody else's message may be joined to it;
//! - what an XPUB has to tell of subscriptions to a user who does not read it, and whatever else its peers send. The stream stops at
//!   `high_read`, libzmq does not: read an XPUB, or have a PUB;
//! - one answer of a REP: the next one behind a request without a delimiter whose sender has left goes nowhere. Against strangers
//!   [`ZAP_DOMAIN`], PLAIN or CURVE help; else a REQ that asks again by a new stream, or a ROUTER instead of the REP;
//! - how many connections by `ws` stay that nobody has any more: one that breaks the protocol, as by a text frame, is not heard again and keeps its
//!   descriptor and its share of what is sent until the stream closes. Bind `ws` for peers that are known;
//! - what a peer says that it is. Peers of ZMTP 1.0 and 2.0 have no handshake, and bytes that happen to look like theirs are read as
//!   messages; where a [`ZAP_DOMAIN`] is set, or PLAIN or CURVE is, they are turned away. A ROUTER's peer may claim any name. One that is taken
//!   is not given away, unless [`ROUTER_HANDOVER`] is on, and the connection that is unheard then stays; but libzmq 4.3.4 trusts the names so
//!   far that a peer who means harm can have it **end the process**: a ROUTER is for peers that are known.
//!
//! So a program that is open to the internet lets in whom it knows, by CURVE; sets [`MAX_MESSAGE_BYTES`]; and leaves the heartbeat off
//! on what it reads late.

use std::ffi::c_int;
use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use zmq::SocketType;

use crate::error::{Errno, OptionError, SocketError};
use crate::kinds;
use crate::security::NO_CURVE;
pub use crate::security::{
    CURVE_PUBLIC_KEY, CURVE_SECRET_KEY, CURVE_SERVER, CURVE_SERVER_KEY, CurveKey, CurveKeyError,
    CurveKeys, PLAIN_PASSWORD, PLAIN_SERVER, PLAIN_USERNAME, ZAP_DOMAIN, ZAP_ENFORCE_DOMAIN,
};
use crate::socket::{self, Socket};
use crate::stream::ZmqStream;

#[cfg(doc)]
use crate::builder::Builder;

/// An option whose value is a `T`.
pub struct SocketOption<T> {
    name: &'static str,
    number: u32,
    value: PhantomData<fn(T) -> T>,
}

impl<T> SocketOption<T> {
    pub(crate) const fn new(name: &'static str, number: u32) -> Self {
        Self {
            name,
            number,
            value: PhantomData,
        }
    }

    /// The option's name in libzmq.
    pub const fn name(&self) -> &'static str {
        self.name
    }
}

impl<T> Clone for SocketOption<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for SocketOption<T> {}

impl<T> fmt::Debug for SocketOption<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// How long a stream that closes goes on sending, what it holds and what libzmq holds; `None`: for ever. Default: for ever, and 0 for SUB
/// and XSUB. A stream takes "for ever" for 30 seconds, so that a peer that never comes does not keep it; libzmq has a quarter of a second at the
/// least, but for a SUB: it aborts the process if it has none and a connection breaks just then of which it has sent half a message.
#[doc(alias = "ZMQ_LINGER")]
pub const LINGER: SocketOption<Option<Duration>> =
    SocketOption::new("ZMQ_LINGER", zmq_sys::ZMQ_LINGER);

/// How many messages libzmq holds for each peer that they are sent to, beyond those in the stream's own write buffer; 0: no
/// limit. Default: 1,000; of a SUB or an XSUB that was not adopted 0, for what they send are subscriptions, and libzmq drops those that are too
/// many; so an XSUB that writes other messages faster than they are taken is to set it.
/// Worst case: this many of the longest messages, for each peer.
#[doc(alias = "ZMQ_SNDHWM")]
pub const SEND_HWM: SocketOption<u32> = SocketOption::new("ZMQ_SNDHWM", zmq_sys::ZMQ_SNDHWM);

/// How many messages libzmq holds of each peer, beyond those in the stream's own read buffer; 0: no limit. Default: 1,000. Worst
/// case: this many messages of [`MAX_MESSAGE_BYTES`], of each peer; but see
/// [`copy_received`](crate::ContextBuilder::copy_received) of what a short one takes. Where a ZAP handler is asked who comes it is 2 at least, for libzmq
/// counts what that says as a message which is never read; so a server of PLAIN or CURVE that connects has one place less of it with each
/// time that it connects anew.
#[doc(alias = "ZMQ_RCVHWM")]
pub const RECEIVE_HWM: SocketOption<u32> = SocketOption::new("ZMQ_RCVHWM", zmq_sys::ZMQ_RCVHWM);

/// What a ROUTER calls this socket: 1 to 255 bytes. Default: none, and the ROUTER thinks of a name.
///
/// A peer that comes back by its name while the ROUTER has not read all that had come by its old connection is taken for another that claims the
/// name: libzmq hears nothing of it, and sends it nothing, for as long as that new connection lasts. So read a ROUTER of named peers
/// without long pauses.
#[doc(alias = "ZMQ_ROUTING_ID")]
pub const ROUTING_ID: SocketOption<Vec<u8>> =
    SocketOption::new("ZMQ_ROUTING_ID", zmq_sys::ZMQ_ROUTING_ID);

/// Whether a ROUTER refuses a message to a peer that it does not know, and holds one back for a peer that takes no more.
/// Default: it drops both. Cannot be read.
///
/// One that is held back is tried again at any news of the socket; without any, for libzmq says of itself neither that the peer has room
/// nor that it has left, after 10 ms, 20 ms and so on, at last every second.
#[doc(alias = "ZMQ_ROUTER_MANDATORY")]
pub const ROUTER_MANDATORY: SocketOption<bool> =
    SocketOption::new("ZMQ_ROUTER_MANDATORY", zmq_sys::ZMQ_ROUTER_MANDATORY);

/// Whether a ROUTER gives the name of a peer to a new one that claims it. Default: nothing of the new one is read, and it is sent
/// nothing. Whichever loses stays connected. What had come by the old connection and is unread is then dropped, or comes under a name that
/// libzmq thinks of. Cannot be read.
#[doc(alias = "ZMQ_ROUTER_HANDOVER")]
pub const ROUTER_HANDOVER: SocketOption<bool> =
    SocketOption::new("ZMQ_ROUTER_HANDOVER", zmq_sys::ZMQ_ROUTER_HANDOVER);

/// Whether libzmq holds messages only for peers whose connection stands. Default: as soon as `connect` was called. What it holds for one
/// goes with the connection then, and so does what has come by it and is unread.
#[doc(alias = "ZMQ_IMMEDIATE")]
pub const IMMEDIATE: SocketOption<bool> =
    SocketOption::new("ZMQ_IMMEDIATE", zmq_sys::ZMQ_IMMEDIATE);

/// How long libzmq waits before it connects again, a millisecond or more; `None`: it does not, and what it holds goes with the
/// connection; but to an endpoint to which it has never come, or that is a name, it goes on to hold messages for nobody. Default: 100 ms.
#[doc(alias = "ZMQ_RECONNECT_IVL")]
pub const RECONNECT_INTERVAL: SocketOption<Option<Duration>> =
    SocketOption::new("ZMQ_RECONNECT_IVL", zmq_sys::ZMQ_RECONNECT_IVL);

/// Up to which time that wait doubles from attempt to attempt; 0: it stays the same. Default: 0.
#[doc(alias = "ZMQ_RECONNECT_IVL_MAX")]
pub const RECONNECT_INTERVAL_MAX: SocketOption<Duration> =
    SocketOption::new("ZMQ_RECONNECT_IVL_MAX", zmq_sys::ZMQ_RECONNECT_IVL_MAX);

/// How often a peer is asked whether it is there; 0: never. Default: 0.
///
/// The question waits behind what is to be sent, and the time is counted from when it is sent. So libzmq (4.3.4) may not notice a peer that
/// vanishes while more is to be sent than the connection takes: [`TCP_MAX_RETRANSMIT`] does.
///
/// libzmq does not hear the answer while it takes nothing from the peer, because the stream is paused or is not read: a peer that is there
/// is then dropped as one that is not. **libzmq 4.3.4 may end the process** where a heartbeat meets a connection that it takes
/// nothing from: when the peer resets it ([4364](https://github.com/zeromq/libzmq/issues/4364)), and when a stream that has connected is
/// read after the heartbeat has connected it again ([3937](https://github.com/zeromq/libzmq/issues/3937)). A `ws` endpoint without PLAIN or CURVE
/// is neither bound nor connected with it, for any stranger could do the same. So this is for streams that are read
/// without a pause; for others there are [`TCP_KEEPALIVE`] and [`TCP_MAX_RETRANSMIT`].
#[doc(alias = "ZMQ_HEARTBEAT_IVL")]
pub const HEARTBEAT_INTERVAL: SocketOption<Duration> =
    SocketOption::new("ZMQ_HEARTBEAT_IVL", zmq_sys::ZMQ_HEARTBEAT_IVL);

/// How long libzmq waits for anything from a peer that it has asked, before it ends the connection; 0: for ever. Default:
/// [`HEARTBEAT_INTERVAL`], which is read as 0.
#[doc(alias = "ZMQ_HEARTBEAT_TIMEOUT")]
pub const HEARTBEAT_TIMEOUT: SocketOption<Duration> =
    SocketOption::new("ZMQ_HEARTBEAT_TIMEOUT", zmq_sys::ZMQ_HEARTBEAT_TIMEOUT);

/// After which silence of ours a peer is told to end the connection; libzmq cuts it to tenths of a second. At most 6,553.5
/// seconds. Default: 0, it is not told to.
#[doc(alias = "ZMQ_HEARTBEAT_TTL")]
pub const HEARTBEAT_TTL: SocketOption<Duration> =
    SocketOption::new("ZMQ_HEARTBEAT_TTL", zmq_sys::ZMQ_HEARTBEAT_TTL);

/// The longest frame that is taken from a peer, in bytes; a peer that sends a longer one, or a command, is disconnected before any of
/// it is held. Default: `None`, no limit: one frame may then claim all memory.
#[doc(alias = "ZMQ_MAXMSGSIZE")]
pub const MAX_MESSAGE_BYTES: SocketOption<Option<u64>> =
    SocketOption::new("ZMQ_MAXMSGSIZE", zmq_sys::ZMQ_MAXMSGSIZE);

/// Whether the operating system asks tcp peers whether they are there; `None`: as it does by default. Default: `None`.
///
/// The libzmq that the `zmq` crate builds can only do this on Windows: elsewhere it takes the value and does nothing, so that
/// the four keepalive options are [`OptionError::Unsupported`] with it. A libzmq of the system can do it. [`HEARTBEAT_INTERVAL`] works with each.
#[doc(alias = "ZMQ_TCP_KEEPALIVE")]
pub const TCP_KEEPALIVE: SocketOption<Option<bool>> =
    SocketOption::new("ZMQ_TCP_KEEPALIVE", zmq_sys::ZMQ_TCP_KEEPALIVE);

/// After how many questions without an answer the connection ends. Default: `None`, the operating system's. See
/// [`TCP_KEEPALIVE`].
#[doc(alias = "ZMQ_TCP_KEEPALIVE_CNT")]
pub const TCP_KEEPALIVE_COUNT: SocketOption<Option<u32>> =
    SocketOption::new("ZMQ_TCP_KEEPALIVE_CNT", zmq_sys::ZMQ_TCP_KEEPALIVE_CNT);

/// After how many seconds of silence the first question is asked. Default: `None`, the operating system's. See
/// [`TCP_KEEPALIVE`].
#[doc(alias = "ZMQ_TCP_KEEPALIVE_IDLE")]
pub const TCP_KEEPALIVE_IDLE_SECONDS: SocketOption<Option<u32>> =
    SocketOption::new("ZMQ_TCP_KEEPALIVE_IDLE", zmq_sys::ZMQ_TCP_KEEPALIVE_IDLE);

/// How many seconds lie between two questions. Default: `None`, the operating system's. See [`TCP_KEEPALIVE`].
#[doc(alias = "ZMQ_TCP_KEEPALIVE_INTVL")]
pub const TCP_KEEPALIVE_INTERVAL_SECONDS: SocketOption<Option<u32>> =
    SocketOption::new("ZMQ_TCP_KEEPALIVE_INTVL", zmq_sys::ZMQ_TCP_KEEPALIVE_INTVL);

/// Whether names are resolved to, and wildcards bound for, IPv6 as well as IPv4. Default: IPv4 alone.
#[doc(alias = "ZMQ_IPV6")]
pub const IPV6: SocketOption<bool> = SocketOption::new("ZMQ_IPV6", zmq_sys::ZMQ_IPV6);

/// The operating system's buffer for what is sent on one connection, in bytes. Default: `None`, the operating system's.
#[doc(alias = "ZMQ_SNDBUF")]
pub const SEND_BUFFER_BYTES: SocketOption<Option<u32>> =
    SocketOption::new("ZMQ_SNDBUF", zmq_sys::ZMQ_SNDBUF);

/// The operating system's buffer for what is received on one connection, in bytes. Default: `None`, the operating system's.
#[doc(alias = "ZMQ_RCVBUF")]
pub const RECEIVE_BUFFER_BYTES: SocketOption<Option<u32>> =
    SocketOption::new("ZMQ_RCVBUF", zmq_sys::ZMQ_RCVBUF);

/// Whether an XPUB or a PUB holds a message back while a subscriber takes no more. Default: it drops the message for that
/// subscriber. Cannot be read.
#[doc(alias = "ZMQ_XPUB_NODROP")]
pub const XPUB_NODROP: SocketOption<bool> =
    SocketOption::new("ZMQ_XPUB_NODROP", zmq_sys::ZMQ_XPUB_NODROP);

/// Whether a REQ puts a number before each request and takes no reply for one without the same: a late reply is never taken for another.
/// A REP gives the number back by itself; a ROUTER finds it before the empty frame, and has to give it back there. To change it while a reply is awaited is to
/// lose that reply. Default: off, and the first reply of the peer that was asked is taken. Cannot be read.
#[doc(alias = "ZMQ_REQ_CORRELATE")]
pub const REQ_CORRELATE: SocketOption<bool> =
    SocketOption::new("ZMQ_REQ_CORRELATE", zmq_sys::ZMQ_REQ_CORRELATE);

/// Whether a REQ may ask again before it has the reply. The request before is then given up: its reply is thrown away, also one that was
/// received and not read, and if it is still queued it is not sent; whoever reads waits for the reply to the new one. Without
/// [`REQ_CORRELATE`] a late reply may be taken for it. Default: off, and such a write is [`OutOfTurn`](crate::WriteError::OutOfTurn).
/// Cannot be read. A [`Requester`](crate::Requester) sets both, and asks again by itself.
#[doc(alias = "ZMQ_REQ_RELAXED")]
pub const REQ_RELAXED: SocketOption<bool> =
    SocketOption::new("ZMQ_REQ_RELAXED", zmq_sys::ZMQ_REQ_RELAXED);

/// How many connections the operating system holds for an endpoint that is bound, until libzmq accepts them; it cuts the number to a
/// most of its own. It bounds nothing that was accepted. Default: 100.
#[doc(alias = "ZMQ_BACKLOG")]
pub const BACKLOG: SocketOption<u32> = SocketOption::new("ZMQ_BACKLOG", zmq_sys::ZMQ_BACKLOG);

/// How long an attempt to connect over tcp may take before it is given up and, after [`RECONNECT_INTERVAL`], made again; 0: as long as
/// the operating system tries. Default: 0.
#[doc(alias = "ZMQ_CONNECT_TIMEOUT")]
pub const CONNECT_TIMEOUT: SocketOption<Duration> =
    SocketOption::new("ZMQ_CONNECT_TIMEOUT", zmq_sys::ZMQ_CONNECT_TIMEOUT);

/// How long what is to go over one tcp connection may wait for the other host, to acknowledge it or to take it at all, before the
/// connection ends; 0: as long as the operating system tries. It is what ends a peer that is connected and never reads. Where there is
/// neither Linux nor Windows it does nothing. Default: 0.
#[doc(alias = "ZMQ_TCP_MAXRT")]
pub const TCP_MAX_RETRANSMIT: SocketOption<Duration> =
    SocketOption::new("ZMQ_TCP_MAXRT", zmq_sys::ZMQ_TCP_MAXRT);

/// How long a new peer may take for its handshake before it is disconnected; 0: for ever. Default: 30 s.
///
/// libzmq 4.3.4 never stops the clock of peers of ZMTP 1.0 and 2.0, which have no handshake, and disconnects them when it is over.
#[doc(alias = "ZMQ_HANDSHAKE_IVL")]
pub const HANDSHAKE_INTERVAL: SocketOption<Duration> =
    SocketOption::new("ZMQ_HANDSHAKE_IVL", zmq_sys::ZMQ_HANDSHAKE_IVL);

/// What an option's value can be. No type of yours can be one.
pub trait OptionValue: sealed::Codec {}

impl<T: sealed::Codec> OptionValue for T {}

/// A value as libzmq takes it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Raw {
    Int(c_int),
    Long(i64),
    Bytes(Vec<u8>),
    /// No value that libzmq could be given.
    OutOfRange,
}

/// Bytes may be a password.
impl fmt::Debug for Raw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(value) => value.fmt(f),
            Self::Long(value) => value.fmt(f),
            Self::Bytes(bytes) => write!(f, "{} bytes", bytes.len()),
            Self::OutOfRange => f.write_str("out of range"),
        }
    }
}

mod sealed {
    use super::{CurveKey, Duration, Errno, Raw, Socket, c_int};

    pub trait Codec: Sized {
        #[expect(private_interfaces, reason = "nobody outside can name this trait")]
        fn encode(self) -> Raw;
        #[expect(private_interfaces, reason = "nobody outside can name this trait")]
        fn get(socket: &mut Socket, number: u32) -> Result<Self, Errno>;
    }

    fn int(value: Option<c_int>) -> Raw {
        value.map_or(Raw::OutOfRange, Raw::Int)
    }

    fn millis(time: Duration) -> Option<c_int> {
        let whole = time.as_millis();
        let is_whole = time.subsec_nanos().is_multiple_of(1_000_000);
        let millis = if is_whole { whole } else { whole + 1 };
        c_int::try_from(millis).ok()
    }

    /// What libzmq says, which is never negative here.
    fn unsigned(value: c_int) -> u32 {
        u32::try_from(value).unwrap_or(0)
    }

    /// An `int` of which -1 means that there is none, and how the others are read.
    macro_rules! codec {
        ($($type:ty: $value:ident => $encode:expr, $raw:ident => $decode:expr;)*) => {$(
            #[expect(private_interfaces, reason = "nobody outside can name the trait")]
            impl Codec for $type {
                fn encode(self) -> Raw {
                    let $value = self;
                    int($encode)
                }
                fn get(socket: &mut Socket, number: u32) -> Result<Self, Errno> {
                    let $raw: c_int = socket.get_int(number)?;
                    Ok($decode)
                }
            }
        )*};
    }
    codec! {
        bool: value => Some(c_int::from(value)), raw => raw != 0;
        u32: value => c_int::try_from(value).ok(), raw => unsigned(raw);
        Duration: value => millis(value), raw => Duration::from_millis(unsigned(raw).into());
        Option<bool>: value => Some(value.map_or(-1, c_int::from)), raw => (raw >= 0).then_some(raw != 0);
        Option<u32>: value => value.map_or(Some(-1), |value| c_int::try_from(value).ok()),
            raw => u32::try_from(raw).ok();
        Option<Duration>: value => value.map_or(Some(-1), millis),
            raw => u64::try_from(raw).ok().map(Duration::from_millis);
    }

    #[expect(private_interfaces, reason = "nobody outside can name the trait")]
    impl Codec for Option<u64> {
        fn encode(self) -> Raw {
            let value = self.map_or(Some(-1), |value| i64::try_from(value).ok());
            value.map_or(Raw::OutOfRange, Raw::Long)
        }
        fn get(socket: &mut Socket, number: u32) -> Result<Self, Errno> {
            Ok(u64::try_from(socket.get_long(number)?).ok())
        }
    }

    #[expect(private_interfaces, reason = "nobody outside can name the trait")]
    impl Codec for String {
        fn encode(self) -> Raw {
            Raw::Bytes(self.into_bytes())
        }
        fn get(socket: &mut Socket, number: u32) -> Result<Self, Errno> {
            let bytes = socket.get_bytes(number)?;
            // libzmq ends a text with a NUL.
            let text = bytes.strip_suffix(&[0]).unwrap_or(&bytes);
            Ok(Self::from_utf8_lossy(text).into_owned())
        }
    }

    #[expect(private_interfaces, reason = "nobody outside can name the trait")]
    impl Codec for CurveKey {
        fn encode(self) -> Raw {
            Raw::Bytes(self.as_bytes().to_vec())
        }
        fn get(socket: &mut Socket, number: u32) -> Result<Self, Errno> {
            let mut key = [0; Self::BYTES];
            socket.get_into(number, &mut key)?;
            Ok(key.into())
        }
    }

    #[expect(private_interfaces, reason = "nobody outside can name the trait")]
    impl Codec for Vec<u8> {
        fn encode(self) -> Raw {
            Raw::Bytes(self)
        }
        fn get(socket: &mut Socket, number: u32) -> Result<Self, Errno> {
            socket.get_bytes(number)
        }
    }
}

/// An option and the value that it is to have.
#[derive(Debug, Clone)]
pub(crate) struct Setting {
    name: &'static str,
    number: u32,
    value: Raw,
}

impl Setting {
    pub(crate) fn new<T: OptionValue>(option: SocketOption<T>, value: T) -> Self {
        Self {
            name: option.name,
            number: option.number,
            value: value.encode(),
        }
    }

    pub(crate) fn conflate(on: bool) -> Self {
        let option = SocketOption::new("ZMQ_CONFLATE", zmq_sys::ZMQ_CONFLATE);
        Self::new(option, on)
    }

    /// Whether this turns conflating on, or off.
    pub(crate) fn conflates(&self) -> Option<bool> {
        let is_conflate = self.number == zmq_sys::ZMQ_CONFLATE;
        is_conflate.then_some(self.value == Raw::Int(1))
    }

    /// Whether this lets a REQ ask again before it has the reply, or lets it no more.
    pub(crate) fn relaxes(&self) -> Option<bool> {
        let is_relaxed = self.number == zmq_sys::ZMQ_REQ_RELAXED;
        is_relaxed.then_some(self.value == Raw::Int(1))
    }

    /// Why libzmq would take the value and do nothing, or harm, if it would.
    fn is_of_no_use(&self, kind: SocketType) -> Option<&'static str> {
        if self.number == zmq_sys::ZMQ_ROUTER_MANDATORY && kind == SocketType::REP {
            return Some("libzmq would end the process when a client of this REP has left");
        }
        let keeps_alive = matches!(
            self.number,
            zmq_sys::ZMQ_TCP_KEEPALIVE
                | zmq_sys::ZMQ_TCP_KEEPALIVE_CNT
                | zmq_sys::ZMQ_TCP_KEEPALIVE_IDLE
                | zmq_sys::ZMQ_TCP_KEEPALIVE_INTVL
        );
        if keeps_alive && self.value != Raw::Int(-1) && !socket::has_keepalive() {
            return Some(
                "the libzmq that is linked was built without it; the system's libzmq has it",
            );
        }
        let is_curve = matches!(
            self.number,
            zmq_sys::ZMQ_CURVE_SERVER
                | zmq_sys::ZMQ_CURVE_PUBLICKEY
                | zmq_sys::ZMQ_CURVE_SECRETKEY
                | zmq_sys::ZMQ_CURVE_SERVERKEY
        );
        if is_curve && !socket::has(c"curve") {
            return Some(NO_CURVE);
        }
        if self.number == zmq_sys::ZMQ_RECONNECT_IVL && self.value == Raw::Int(0) {
            return Some("libzmq would not connect again at all, which `None` says");
        }
        if self.conflates() == Some(true) && !kinds::can_conflate(kind) {
            return Some("only a DEALER, PULL, PUSH, PUB or SUB can hold the last message alone");
        }
        None
    }

    /// Why the value cannot be set on a socket that has had peers, if it cannot.
    fn comes_too_late(&self) -> Option<&'static str> {
        match self.number {
            zmq_sys::ZMQ_SNDHWM | zmq_sys::ZMQ_RCVHWM => Some(
                "libzmq would tell peers that may just be leaving, and crash; set it before the first bind or connect",
            ),
            zmq_sys::ZMQ_IMMEDIATE => Some(
                "libzmq would crash when a connection that is there already is lost; set it before the first bind or connect",
            ),
            _ => None,
        }
    }

    /// Whether this is of a mechanism, or makes a server of one, and the socket is not so after all that were set.
    fn is_undone(&self, socket: &mut Socket, settings: &[Self]) -> bool {
        match self.number {
            zmq_sys::ZMQ_PLAIN_SERVER | zmq_sys::ZMQ_CURVE_SERVER => {
                let of_this = |setting: &&Self| setting.number == self.number;
                let is_last_on = settings.iter().rfind(of_this).is_some_and(Self::is_on);
                is_last_on && socket.get_int(self.number) != Ok(1)
            }
            zmq_sys::ZMQ_PLAIN_USERNAME | zmq_sys::ZMQ_PLAIN_PASSWORD => {
                !socket.has_mechanism(zmq_sys::ZMQ_PLAIN)
            }
            zmq_sys::ZMQ_CURVE_PUBLICKEY
            | zmq_sys::ZMQ_CURVE_SECRETKEY
            | zmq_sys::ZMQ_CURVE_SERVERKEY => !socket.has_mechanism(zmq_sys::ZMQ_CURVE),
            _ => false,
        }
    }

    fn is_on(&self) -> bool {
        self.value == Raw::Int(1)
    }

    /// Whether this would take a mechanism from the socket that it does not name.
    fn takes_mechanism(&self, socket: &mut Socket) -> bool {
        let is_server = matches!(
            self.number,
            zmq_sys::ZMQ_PLAIN_SERVER | zmq_sys::ZMQ_CURVE_SERVER
        );
        is_server
            && self.value == Raw::Int(0)
            && socket.get_int(self.number) == Ok(0)
            && !socket.has_mechanism(zmq_sys::ZMQ_NULL)
    }

    /// Whether the socket would enforce a domain that it has not, once this is set.
    fn enforces_nothing(&self, socket: &mut Socket) -> bool {
        let enforces = match (self.number, &self.value) {
            (socket::ZAP_ENFORCE_DOMAIN, value) => *value != Raw::Int(0),
            _ => socket.enforces_domain(),
        };
        let has_domain = match (self.number, &self.value) {
            (zmq_sys::ZMQ_ZAP_DOMAIN, Raw::Bytes(domain)) => !domain.is_empty(),
            _ => socket.has_domain(),
        };
        enforces && !has_domain
    }

    /// Whether with this a ZAP handler is asked, and the receive mark is 1.
    fn leaves_no_room(&self, socket: &mut Socket) -> bool {
        match self.number {
            zmq_sys::ZMQ_RCVHWM => {
                self.value == Raw::Int(1)
                    && socket.kind() != SocketType::PUSH
                    && socket.is_guarded()
            }
            zmq_sys::ZMQ_PLAIN_SERVER | zmq_sys::ZMQ_CURVE_SERVER => {
                self.is_on() && has_room_for_one(socket)
            }
            zmq_sys::ZMQ_ZAP_DOMAIN => {
                self.value != Raw::Bytes(Vec::new()) && has_room_for_one(socket)
            }
            _ => false,
        }
    }

    /// Sets it on a stream that is open.
    fn apply_open(&self, socket: &mut Socket, has_had_peers: bool) -> Result<(), OptionError> {
        let is_of_zap = matches!(
            self.number,
            zmq_sys::ZMQ_ZAP_DOMAIN | socket::ZAP_ENFORCE_DOMAIN
        );
        if is_of_zap && self.enforces_nothing(socket) {
            return Err(NO_DOMAIN);
        }
        self.refuse_useless(socket)?;
        if self.leaves_no_room(socket) {
            return Err(NO_ROOM);
        }
        if self.number == zmq_sys::ZMQ_CURVE_SERVER && self.is_on() && !socket.has_secret_key() {
            return Err(NO_SECRET_KEY);
        }
        self.apply_kept(socket, has_had_peers)
    }

    /// Sets it on a socket that has its mechanism already.
    pub(crate) fn apply_kept(
        &self,
        socket: &mut Socket,
        has_had_peers: bool,
    ) -> Result<(), OptionError> {
        if self.takes_mechanism(socket) {
            return Err(OptionError::Unsupported {
                option: self.name,
                reason: "libzmq would take the socket's other mechanism from it",
            });
        }
        self.apply_late(socket, has_had_peers)
    }

    /// Sets it on a socket that may have peers.
    pub(crate) fn apply_late(
        &self,
        socket: &mut Socket,
        has_had_peers: bool,
    ) -> Result<(), OptionError> {
        match self.comes_too_late().filter(|_| has_had_peers) {
            Some(reason) => Err(OptionError::Unsupported {
                option: self.name,
                reason,
            }),
            None => self.apply(socket),
        }
    }

    /// Refuses what would be of no use on a socket of this type.
    fn refuse_useless(&self, socket: &Socket) -> Result<(), OptionError> {
        let option = self.name;
        let reason = self.is_of_no_use(socket.kind());
        reason.map_or(Ok(()), |reason| {
            Err(OptionError::Unsupported { option, reason })
        })
    }

    pub(crate) fn apply(&self, socket: &mut Socket) -> Result<(), OptionError> {
        self.refuse_useless(socket)?;
        let option = self.name;
        let set = match &self.value {
            Raw::Int(value) => socket.set_int(self.number, *value),
            Raw::Long(value) => socket.set_long(self.number, *value),
            Raw::Bytes(bytes) => socket.set_bytes(self.number, bytes),
            Raw::OutOfRange => Err(Errno::INVALID),
        };
        set.map_err(|source| OptionError::Set { option, source })
    }
}

/// libzmq would end the process when the first client of PLAIN comes, and let every other one in.
const NO_DOMAIN: OptionError = OptionError::Unsupported {
    option: ZAP_ENFORCE_DOMAIN.name,
    reason: "the socket has no ZMQ_ZAP_DOMAIN that it could enforce",
};

/// libzmq puts what the ZAP handler says of a peer before its first message, counts it as one, and never as read.
const NO_ROOM: OptionError = OptionError::Unsupported {
    option: RECEIVE_HWM.name,
    reason: "of a server of PLAIN or CURVE, or with a ZMQ_ZAP_DOMAIN, it is at least 2, for libzmq counts what a ZAP handler says of a peer as a message",
};

/// Whether libzmq holds one message of each peer. Of a PUSH it holds none; a PUB has what is subscribed.
fn has_room_for_one(socket: &mut Socket) -> bool {
    socket.kind() != SocketType::PUSH && socket.get_int(zmq_sys::ZMQ_RCVHWM) == Ok(1)
}

/// libzmq would take zeros, of which everybody knows the public key.
const NO_SECRET_KEY: OptionError = OptionError::Unsupported {
    option: CURVE_SERVER.name,
    reason: "the socket has no ZMQ_CURVE_SECRETKEY, which is to be set first",
};

/// Whether all options that are set go together.
pub(crate) fn check_all(socket: &mut Socket, settings: &[Setting]) -> Result<(), OptionError> {
    if socket.enforces_domain() && !socket.has_domain() {
        return Err(NO_DOMAIN);
    }
    if has_room_for_one(socket) && socket.is_guarded() {
        return Err(NO_ROOM);
    }
    if socket.get_int(zmq_sys::ZMQ_CURVE_SERVER) == Ok(1) && !socket.has_secret_key() {
        return Err(NO_SECRET_KEY);
    }
    match settings
        .iter()
        .find(|setting| setting.is_undone(socket, settings))
    {
        Some(undone) => Err(OptionError::Unsupported {
            option: undone.name,
            reason: "an option that is set behind it gives the socket another mechanism, or none",
        }),
        None => Ok(()),
    }
}

fn of_stream(over: SocketError, option: &'static str) -> OptionError {
    match over {
        SocketError::Closed => OptionError::Closed { option },
        SocketError::InUse => OptionError::InUse { option },
        SocketError::Failed(source) => OptionError::Failed { option, source },
    }
}

impl ZmqStream {
    /// Reads an option of the socket.
    ///
    /// # Errors
    /// See [`OptionError`]. libzmq does not tell every option; [`options`](crate::options) says of which.
    pub fn option<T: OptionValue>(&self, option: SocketOption<T>) -> Result<T, OptionError> {
        let name = option.name;
        self.inner()
            .with(|flow| flow.touch(|socket| T::get(socket, option.number)))
            .map_err(|over| of_stream(over, name))?
            .map_err(|source| OptionError::Get {
                option: name,
                source,
            })
    }

    /// Sets an option of the socket. [`options`](crate::options) says which change at once, and which hold for what is bound
    /// and connected later.
    ///
    /// # Errors
    /// See [`OptionError`]. The option is as it was.
    pub fn set_option<T: OptionValue>(
        &self,
        option: SocketOption<T>,
        value: T,
    ) -> Result<(), OptionError> {
        let setting = Setting::new(option, value);
        self.inner()
            .with(|flow| {
                let has_had_peers = flow.endpoints.has_had_peers();
                let set = flow.touch(|socket| setting.apply_open(socket, has_had_peers));
                if let (Ok(Ok(())), Some(is_relaxed)) = (&set, setting.relaxes()) {
                    flow.set_relaxed(is_relaxed);
                }
                set
            })
            .map_err(|over| of_stream(over, option.name))?
    }
}
