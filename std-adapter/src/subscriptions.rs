//! What a SUB or an XSUB is subscribed to.

use zmq::SocketType;

use crate::error::{Errno, SocketError, SubscribeError, WriteError};
use crate::message::Multipart;
use crate::pump::Flow;
use crate::socket::Socket;
use crate::stream::ZmqStream;

/// The longest prefix that a SUB or an XSUB is subscribed to, in bytes.
pub const MOST_PREFIX_BYTES: usize = 4096;

#[derive(Clone, Copy)]
enum Change {
    Subscribe,
    Unsubscribe,
}

/// Subscribes a SUB before anything is bound; returns what it is subscribed to then. An XSUB does so by its first messages.
pub(crate) fn subscribe_early(
    socket: &mut Socket,
    prefixes: &[Vec<u8>],
) -> Result<Vec<Vec<u8>>, SubscribeError> {
    let mut subscribed = Vec::new();
    if !prefixes.is_empty() {
        check(socket.kind())?;
    }
    prefixes
        .iter()
        .try_for_each(|prefix| check_length(prefix))?;
    if socket.kind() == SocketType::SUB {
        let conflates = socket.conflates();
        for prefix in prefixes {
            if !subscribed.contains(prefix) {
                if conflates && !subscribed.is_empty() {
                    unsubscribe_early(socket, &subscribed);
                    return Err(SubscribeError::OnePrefix);
                }
                if let Err(errno) = socket.set_bytes(zmq_sys::ZMQ_SUBSCRIBE, prefix) {
                    unsubscribe_early(socket, &subscribed);
                    return Err(SubscribeError::Refused(errno));
                }
                subscribed.push(prefix.clone());
            }
        }
    }
    Ok(subscribed)
}

/// Takes back what [`subscribe_early`] did, on a socket that is given back.
pub(crate) fn unsubscribe_early(socket: &mut Socket, subscribed: &[Vec<u8>]) {
    if socket.kind() == SocketType::SUB {
        for prefix in subscribed {
            // It fails only if the context is gone.
            let _: Result<(), Errno> = socket.set_bytes(zmq_sys::ZMQ_UNSUBSCRIBE, prefix);
        }
    }
}

/// A type that subscribes, or an error that says that this one does not.
fn check(kind: SocketType) -> Result<(), SubscribeError> {
    match kind {
        SocketType::SUB | SocketType::XSUB => Ok(()),
        _ => Err(SubscribeError::NotASubscriber { kind }),
    }
}

fn check_length(prefix: &[u8]) -> Result<(), SubscribeError> {
    let bytes = prefix.len();
    if bytes > MOST_PREFIX_BYTES {
        return Err(SubscribeError::TooLong { bytes });
    }
    Ok(())
}

impl From<SocketError> for SubscribeError {
    fn from(over: SocketError) -> Self {
        match over {
            SocketError::Closed => Self::Closed,
            SocketError::InUse => Self::InUse,
            SocketError::Failed(errno) => Self::Failed(errno),
        }
    }
}

impl Flow {
    pub(crate) fn subscribe(
        &mut self,
        kind: SocketType,
        conflates: bool,
        prefix: &[u8],
    ) -> Result<(), SubscribeError> {
        check(kind)?;
        check_length(prefix)?;
        self.check_open()?;
        // libzmq counts; the list does not. What is there already is not told again.
        if self.subscriptions.iter().any(|held| held == prefix) {
            return Ok(());
        }
        if conflates && !self.subscriptions.is_empty() {
            return Err(SubscribeError::OnePrefix);
        }
        self.change(kind, Change::Subscribe, prefix)?;
        self.subscriptions.push(prefix.to_owned());
        Ok(())
    }

    pub(crate) fn unsubscribe(
        &mut self,
        kind: SocketType,
        prefix: &[u8],
    ) -> Result<(), SubscribeError> {
        check(kind)?;
        self.check_open()?;
        let held = self.subscriptions.iter().position(|held| held == prefix);
        let held = held.ok_or(SubscribeError::NotSubscribed)?;
        self.change(kind, Change::Unsubscribe, prefix)?;
        self.subscriptions.remove(held);
        Ok(())
    }

    fn change(
        &mut self,
        kind: SocketType,
        change: Change,
        prefix: &[u8],
    ) -> Result<(), SubscribeError> {
        if kind == SocketType::XSUB {
            let first = match change {
                Change::Subscribe => 1,
                Change::Unsubscribe => 0,
            };
            let message: Vec<u8> = std::iter::once(first)
                .chain(prefix.iter().copied())
                .collect();
            return self
                .write(&mut Multipart::from(message))
                .map_err(|error| match *error {
                    WriteError::Refused(_, errno) => SubscribeError::Refused(errno),
                    WriteError::Failed(_, errno) => SubscribeError::Failed(errno),
                    _ => SubscribeError::Closed,
                });
        }
        let option = match change {
            Change::Subscribe => zmq_sys::ZMQ_SUBSCRIBE,
            Change::Unsubscribe => zmq_sys::ZMQ_UNSUBSCRIBE,
        };
        self.touch(|socket| socket.set_bytes(option, prefix))?
            .map_err(SubscribeError::Refused)
    }
}

impl ZmqStream {
    /// Subscribes a SUB or an XSUB to the messages whose first frame begins with this prefix; the empty one is of every
    /// message. A second time it does nothing.
    ///
    /// An XSUB tells its peers by a message, in order with what was written before. libzmq drops what is over
    /// [`SEND_HWM`](crate::options::SEND_HWM) for a peer, and when one connects the last of so many subscriptions, without a word: so it
    /// holds any number for a SUB and an XSUB, unless that option is set. Messages that begin with 1 or 0 and that one [`write`](Self::write)s oneself are not in
    /// [`subscriptions`](Self::subscriptions).
    ///
    /// # Errors
    /// See [`SubscribeError`]. The list is as it was.
    ///
    /// ```
    /// use tidegate::{SocketType, SubscribeError, ZmqStream};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let stream = ZmqStream::builder(SocketType::SUB).subscribe("weather").open()?;
    /// stream.subscribe("news")?;
    /// stream.subscribe("news")?;
    /// assert_eq!(stream.subscriptions(), [b"weather".to_vec(), b"news".to_vec()]);
    ///
    /// stream.unsubscribe("news")?;
    /// assert!(matches!(stream.unsubscribe("news"), Err(SubscribeError::NotSubscribed)));
    /// # Ok(())
    /// # }
    /// ```
    pub fn subscribe(&self, prefix: impl AsRef<[u8]>) -> Result<(), SubscribeError> {
        let (kind, prefix) = (self.socket_type(), prefix.as_ref());
        let conflates = self.inner().conflates;
        self.inner()
            .with(|flow| flow.subscribe(kind, conflates, prefix))
    }

    /// Undoes the subscription to this very prefix, whether the builder made it or [`subscribe`](Self::subscribe). Messages
    /// that have come already are still read.
    ///
    /// # Errors
    /// See [`SubscribeError`]. The list is as it was.
    pub fn unsubscribe(&self, prefix: impl AsRef<[u8]>) -> Result<(), SubscribeError> {
        let (kind, prefix) = (self.socket_type(), prefix.as_ref());
        self.inner().with(|flow| flow.unsubscribe(kind, prefix))
    }

    /// The prefixes that this stream is subscribed to, in the order in which they were subscribed: each is there once.
    pub fn subscriptions(&self) -> Vec<Vec<u8>> {
        self.inner().with(|flow| flow.subscriptions.clone())
    }
}
