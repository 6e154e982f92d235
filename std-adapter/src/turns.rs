//! Which calls a socket's type allows, and when: a PULL only receives, a REQ asks and then waits for its reply.

use zmq::SocketType;

use crate::error::WriteError;
use crate::message::Multipart;
use crate::stream::Inner;
use crate::subscriptions::MOST_PREFIX_BYTES;

/// Whether a socket of this type sends.
pub(crate) fn sends(kind: SocketType) -> bool {
    !matches!(kind, SocketType::PULL | SocketType::SUB)
}

/// Whether a socket of this type receives.
pub(crate) fn receives(kind: SocketType) -> bool {
    !matches!(kind, SocketType::PUSH | SocketType::PUB)
}

/// Whether a socket of this type, which conflates or does not, takes whatever message has a frame.
pub(crate) fn takes_any(kind: SocketType, conflates: bool) -> bool {
    let is_particular = matches!(kind, SocketType::STREAM | SocketType::XSUB);
    sends(kind) && !is_particular && !conflates
}

/// Whether this socket takes such a message at all; if not, which error says so.
#[inline]
pub(crate) fn check(
    stream: &Inner,
    message: &Multipart,
) -> Result<(), fn(Box<Multipart>) -> WriteError> {
    if stream.takes_any && !message.is_empty() {
        return Ok(());
    }
    check_particular(stream, message)
}

#[cold]
fn check_particular(
    stream: &Inner,
    message: &Multipart,
) -> Result<(), fn(Box<Multipart>) -> WriteError> {
    if !sends(stream.kind) {
        return Err(WriteError::ReceivesOnly);
    }
    match (stream.kind, message.len()) {
        (_, 0) => Err(WriteError::NoFrames),
        // libzmq would take any other for the beginning of a message that never ends, and drop all that follows.
        (SocketType::STREAM, len) if len != 2 => Err(WriteError::NotTwoFrames),
        (SocketType::XSUB, len) if begins_as_subscription(message) => {
            if len > 1 {
                // libzmq would hand its frames on one by one, joined to what comes behind them.
                Err(WriteError::NotOneFrame)
            } else if message.payload_bytes() > MOST_PREFIX_BYTES + 1 {
                Err(WriteError::LongSubscription)
            } else {
                Ok(())
            }
        }
        // libzmq would send the last frame alone of a message that is conflated.
        (_, len) if stream.conflates && len > 1 => Err(WriteError::NotOneFrame),
        _ => Ok(()),
    }
}

/// Whether an XSUB takes this for a subscription, or for the end of one.
fn begins_as_subscription(message: &Multipart) -> bool {
    let first = message.first().and_then(|frame| frame.first());
    matches!(first, Some(0 | 1))
}

/// Whose turn it is: that of a call which sends, or which receives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// The type takes no turns.
    Either,
    /// Not known before the next message has gone or come.
    Unknown,
    Write,
    Read,
}

impl Turn {
    /// Where a socket of this type begins: a REQ asks, a REP is asked.
    pub(crate) fn of(kind: SocketType) -> Self {
        match kind {
            SocketType::REQ => Self::Write,
            SocketType::REP => Self::Read,
            _ => Self::Either,
        }
    }

    /// Where an adopted socket of this type stands, by whether it would receive and send. A REQ that would do neither waits for a reply
    /// or has no peer, and one that is relaxed may wait though it would send: libzmq knows, and its error is the write's.
    pub(crate) fn of_adopted(
        kind: SocketType,
        receives: bool,
        sends: bool,
        is_relaxed: bool,
    ) -> Self {
        match (kind, receives, sends) {
            (SocketType::REQ, true, _) => Self::Read,
            (SocketType::REQ, false, sends) if is_relaxed || !sends => Self::Unknown,
            (SocketType::REP, _, true) => Self::Write,
            _ => Self::of(kind),
        }
    }

    /// A message was read.
    pub(crate) fn has_read(&mut self) {
        if *self != Self::Either {
            *self = Self::Write;
        }
    }

    /// A message was sent, or is queued.
    pub(crate) fn has_written(&mut self) {
        if *self != Self::Either {
            *self = Self::Read;
        }
    }
}
