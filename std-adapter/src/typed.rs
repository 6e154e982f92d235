//! Streams whose type says what they can do.

use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use zmq::SocketType;

use crate::builder::Builder;
use crate::error::{OpenError, ReadError, SubscribeError, TryReadError, WriteError};
use crate::futures::{Closed, Drain, Flush, Read, SendMessage};
use crate::kinds;
use crate::message::Multipart;
use crate::stream::ZmqStream;

/// A [`ZmqStream`] of one type, with the calls that this type has: a [`Pull`] has no `write`, a [`Sub`] has `subscribe`.
///
/// It is nothing but the stream: [`stream`](Self::stream) has all other calls. A clone is another handle of it.
///
/// ```
/// use futures_lite::future::block_on;
/// use tidegate::typed::{Pull, Push};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let pull = Pull::open(|builder| builder.bind("tcp://127.0.0.1:*"))?;
/// let push = Push::open(|builder| builder.connect(&pull.stream().bindings()[0]))?;
/// block_on(push.send("hello"))?;
/// assert_eq!(block_on(pull.read())?, "hello");
/// # block_on(tidegate::shutdown(std::time::Duration::from_secs(5)))?;
/// # Ok(())
/// # }
/// ```
///
/// ```compile_fail
/// let pull = tidegate::typed::Pull::open(|builder| builder.bind("tcp://127.0.0.1:*")).unwrap();
/// pull.write("a PULL has no such call");
/// ```
pub struct Typed<K> {
    stream: ZmqStream,
    kind: PhantomData<fn() -> K>,
}

/// A type of socket.
pub trait Kind: sealed::Sealed {
    /// The type.
    const TYPE: SocketType;
}

/// A type that sends.
pub trait Sends: Kind {}

/// A type that receives.
pub trait Receives: Kind {}

/// A type that subscribes.
pub trait Subscribes: Kind {}

mod sealed {
    pub trait Sealed {}
}

/// The types, as types.
pub mod kind {
    use super::{Kind, Receives, Sends, SocketType, Subscribes, sealed};

    macro_rules! kinds {
        ($($name:ident $type:ident: $($does:ident)+;)*) => {$(
            #[doc = concat!("`ZMQ_", stringify!($type), "`.")]
            #[derive(Debug)]
            pub enum $name {}
            impl sealed::Sealed for $name {}
            impl Kind for $name {
                const TYPE: SocketType = SocketType::$type;
            }
            $(impl $does for $name {})+
        )*};
    }
    kinds! {
        Pair PAIR: Sends Receives;
        Pub PUB: Sends;
        Sub SUB: Receives Subscribes;
        XPub XPUB: Sends Receives;
        XSub XSUB: Sends Receives Subscribes;
        Req REQ: Sends Receives;
        Rep REP: Sends Receives;
        Dealer DEALER: Sends Receives;
        Router ROUTER: Sends Receives;
        Pull PULL: Receives;
        Push PUSH: Sends;
        Raw STREAM: Sends Receives;
    }
}

macro_rules! streams {
    ($($name:ident)*) => {$(
        #[doc = concat!("A stream of type [`", stringify!($name), "`](kind::", stringify!($name), ").")]
        pub type $name = Typed<kind::$name>;
    )*};
}
streams!(Pair Pub Sub XPub XSub Req Rep Dealer Router Pull Push Raw);

/// A stream is of another type than it was to be.
#[derive(Debug, thiserror::Error)]
#[error("the stream is a {found}, not a {asked_for}")]
pub struct WrongType {
    /// The stream.
    pub stream: ZmqStream,
    /// The type that was asked for.
    pub asked_for: &'static str,
    /// The type that it has.
    pub found: &'static str,
}

impl<K: Kind> Typed<K> {
    /// Opens a stream of this type, with what `build` sets.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open(build: impl FnOnce(Builder) -> Builder) -> Result<Self, OpenError> {
        Ok(Self::of(build(ZmqStream::builder(K::TYPE)).open()?))
    }

    fn of(stream: ZmqStream) -> Self {
        Self {
            stream,
            kind: PhantomData,
        }
    }

    /// The stream, for every other call.
    pub fn stream(&self) -> &ZmqStream {
        &self.stream
    }

    /// The stream itself.
    pub fn into_stream(self) -> ZmqStream {
        self.stream
    }

    /// See [`ZmqStream::close`].
    pub fn close(&self) {
        self.stream.close();
    }

    /// See [`ZmqStream::closed`]; cancel-safe as that is.
    pub fn closed(&self) -> Closed<'_> {
        self.stream.closed()
    }

    /// See [`ZmqStream::abort`].
    pub fn abort(&self) {
        self.stream.abort();
    }
}

/// A stream of this type; another comes back.
impl<K: Kind> TryFrom<ZmqStream> for Typed<K> {
    type Error = WrongType;

    fn try_from(stream: ZmqStream) -> Result<Self, WrongType> {
        let found = stream.socket_type();
        if found == K::TYPE {
            return Ok(Self::of(stream));
        }
        Err(WrongType {
            stream,
            asked_for: kinds::name(K::TYPE),
            found: kinds::name(found),
        })
    }
}

impl<K: Sends> Typed<K> {
    /// See [`ZmqStream::write`].
    ///
    /// # Errors
    /// See [`WriteError`].
    pub fn write(&self, message: impl Into<Multipart>) -> Result<(), WriteError> {
        self.stream.write(message)
    }

    /// See [`ZmqStream::send`]; cancel-safe as that is.
    pub fn send(&self, message: impl Into<Multipart>) -> SendMessage<'_> {
        self.stream.send(message)
    }

    /// See [`ZmqStream::drain`]; cancel-safe as that is.
    pub fn drain(&self) -> Drain<'_> {
        self.stream.drain()
    }

    /// See [`ZmqStream::flush`]; cancel-safe as that is.
    pub fn flush(&self) -> Flush<'_> {
        self.stream.flush()
    }
}

impl<K: Receives> Typed<K> {
    /// See [`ZmqStream::read`]; cancel-safe as that is.
    pub fn read(&self) -> Read<'_> {
        self.stream.read()
    }

    /// See [`ZmqStream::try_read`].
    ///
    /// # Errors
    /// See [`TryReadError`].
    pub fn try_read(&self) -> Result<Multipart, TryReadError> {
        self.stream.try_read()
    }
}

impl<K: Subscribes> Typed<K> {
    /// See [`ZmqStream::subscribe`].
    ///
    /// # Errors
    /// See [`SubscribeError`].
    pub fn subscribe(&self, prefix: impl AsRef<[u8]>) -> Result<(), SubscribeError> {
        self.stream.subscribe(prefix)
    }

    /// See [`ZmqStream::unsubscribe`].
    ///
    /// # Errors
    /// See [`SubscribeError`].
    pub fn unsubscribe(&self, prefix: impl AsRef<[u8]>) -> Result<(), SubscribeError> {
        self.stream.unsubscribe(prefix)
    }
}

/// As the [`Stream`] of the stream itself.
impl<K: Receives> Stream for Typed<K> {
    type Item = Result<Multipart, ReadError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut self.get_mut().stream).poll_next(cx)
    }
}

impl<K> Clone for Typed<K> {
    fn clone(&self) -> Self {
        Self {
            stream: self.stream.clone(),
            kind: PhantomData,
        }
    }
}

impl<K> fmt::Debug for Typed<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.stream.fmt(f)
    }
}
