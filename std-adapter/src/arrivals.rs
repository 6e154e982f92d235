//! Waiting until somebody is there: a peer that joins late misses what was sent before.

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::Pin;
use std::task::{self, Poll, Waker};
use std::time::Duration;

use tidegate_core::State;
use zmq::SocketType;

use crate::error::{Errno, WaitError};
use crate::kinds;
use crate::presence::{EndpointState, Presence};
use crate::pump::Flow;
use crate::runtime::Timer;
use crate::stream::{Inner, ZmqStream};
use crate::waiting::{Place, Waiting};

/// What an XPUB has been told of subscriptions.
#[derive(Default)]
pub(crate) struct Subscribers {
    /// To what there is a subscription. libzmq holds these, too.
    prefixes: BTreeSet<Box<[u8]>>,
    waiting: Waiting,
    /// Whether those who wait have reason to look.
    pub(crate) has_news: bool,
}

impl Subscribers {
    /// An XPUB has received this: a subscription begins with 1, the end of one with 0.
    #[inline(never)]
    pub(crate) fn note(&mut self, message: Option<&[u8]>) {
        match message.and_then(<[u8]>::split_first) {
            Some((1, prefix)) => {
                self.prefixes.insert(prefix.into());
                self.has_news = true;
            }
            // libzmq hands on the end of what nobody was subscribed to, too.
            Some((0, prefix)) => {
                self.prefixes.remove(prefix);
            }
            _ => {}
        }
    }

    /// Whether somebody is subscribed.
    fn are_there(&self) -> bool {
        !self.prefixes.is_empty()
    }

    /// Whether somebody waits.
    pub(crate) fn are_awaited(&self) -> bool {
        self.waiting.has_places()
    }

    /// Those who wait, to be woken.
    pub(crate) fn take(&mut self) -> impl Iterator<Item = Waker> + use<> {
        self.has_news = false;
        self.waiting.take()
    }
}

/// Whom somebody waits for.
#[derive(Clone, Copy)]
enum Whom {
    /// So many connections.
    Connections(usize),
    /// Anybody who subscribes.
    Subscriber,
}

/// Waits for somebody who comes.
struct Arrival<'a> {
    inner: &'a Inner,
    whom: Whom,
    place: Place,
}

impl Future for Arrival<'_> {
    type Output = Result<(), WaitError>;

    fn poll(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Self::Output> {
        let Self { inner, whom, place } = self.get_mut();
        let mut waker = Some(cx.waker().clone());
        match whom {
            Whom::Connections(connections) => {
                let monitor = &inner.monitor;
                monitor.poll_connected(place, &mut waker, *connections)
            }
            Whom::Subscriber => inner.with(|flow| flow.poll_subscriber(place, &mut waker)),
        }
    }
}

impl Drop for Arrival<'_> {
    fn drop(&mut self) {
        let place = &mut self.place;
        let waker = match self.whom {
            Whom::Connections(_) => self.inner.monitor.leave(place),
            Whom::Subscriber => self
                .inner
                .with(|flow| flow.ledger.subscribers.waiting.leave(place)),
        };
        drop(waker);
    }
}

/// Why nobody comes any more, if the stream is not open.
pub(crate) fn over(state: &State<Errno>) -> Option<WaitError> {
    match state {
        State::Open => None,
        State::Closing | State::Closed => Some(WaitError::Closed),
        State::Failed(errno) => Some(WaitError::Failed(*errno)),
    }
}

impl Flow {
    fn poll_subscriber(
        &mut self,
        place: &mut Place,
        waker: &mut Option<Waker>,
    ) -> Poll<Result<(), WaitError>> {
        if let Some(over) = over(self.machine.state()) {
            return Poll::Ready(Err(over));
        }
        if self.ledger.subscribers.are_there() {
            return Poll::Ready(Ok(()));
        }
        let waits = self.ledger.subscribers.waiting.wait(place, waker);
        // As anybody who sleeps: the news may have been taken in before.
        self.pump();
        match self.ledger.subscribers.are_there() {
            false => waits,
            true => Poll::Ready(Ok(())),
        }
    }
}

impl ZmqStream {
    /// Who is there, by endpoint, of a stream that [tracks its connections](crate::Builder::track_connections); `None` of any other. An
    /// endpoint without connections is not listed. libzmq tells nothing of `inproc`.
    pub fn connection_states(&self) -> Option<Vec<EndpointState>> {
        let connected = self.connections();
        let states = |presence: &Presence| presence.states(&connected);
        self.inner().monitor.with_presence(states)
    }

    /// Waits until so many connections have ended their handshake, of a stream that
    /// [tracks them](crate::Builder::track_connections), or the time is up; `None` waits for as long as it takes. Whoever has connected
    /// and was refused does not count. libzmq tells nothing of `inproc`, which does not count either.
    ///
    /// # Errors
    /// See [`WaitError`].
    ///
    /// # Cancel safety
    /// A dropped future has no effect.
    ///
    /// ```
    /// use std::time::Duration;
    /// use futures_lite::future::block_on;
    /// use tidegate::{SocketType, ZmqStream};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let push = ZmqStream::builder(SocketType::PUSH).track_connections(true);
    /// let push = push.bind("tcp://127.0.0.1:*").open()?;
    /// let pull = ZmqStream::builder(SocketType::PULL).connect(&push.bindings()[0]).open()?;
    /// block_on(push.wait_connected(1, Duration::from_secs(5)))?;
    /// assert_eq!(push.connection_states().unwrap()[0].connected, 1);
    /// # drop(pull);
    /// # block_on(tidegate::shutdown(Duration::from_secs(5)))?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn wait_connected(
        &self,
        connections: usize,
        timeout: impl Into<Option<Duration>>,
    ) -> Result<(), WaitError> {
        self.wait_for(Whom::Connections(connections), timeout.into())
            .await
    }

    /// Waits until an XPUB knows of a subscription, whatever to, or the time is up; `None` waits for as long as it takes. What is
    /// published from then on reaches that subscriber.
    ///
    /// libzmq hands subscriptions to an XPUB as messages, which **are to be read**: what nobody reads libzmq keeps, without a limit, and
    /// `while stream.try_read().is_ok() {}` now and then is enough. With
    /// [`read_ahead`](crate::Builder::read_ahead) turned off they are known only once they are, and past `high_read` bytes of them and
    /// while reading is [paused](Self::pause_reading), too. What an adopted socket was told before does not count. A peer that ends a
    /// subscription which others have and it has not makes libzmq say that nobody has it, and so do
    /// `ZMQ_XPUB_VERBOSER` and `ZMQ_XPUB_MANUAL`. A PUB is not told of subscriptions: an XPUB sends as one does.
    ///
    /// # Errors
    /// See [`WaitError`].
    ///
    /// # Cancel safety
    /// A dropped future has no effect.
    pub async fn wait_subscriber(
        &self,
        timeout: impl Into<Option<Duration>>,
    ) -> Result<(), WaitError> {
        if self.socket_type() != SocketType::XPUB {
            let found = kinds::name(self.socket_type());
            return Err(WaitError::WrongType { found });
        }
        self.wait_for(Whom::Subscriber, timeout.into()).await
    }

    async fn wait_for(&self, whom: Whom, timeout: Option<Duration>) -> Result<(), WaitError> {
        self.leave();
        let arrival = Arrival {
            inner: self.inner(),
            whom,
            place: Place::default(),
        };
        match Timer::new().within(timeout, arrival).await {
            Ok(Some(arrived)) => arrived,
            Ok(None) => Err(WaitError::TimedOut(timeout.unwrap_or_default())),
            Err(error) => Err(WaitError::Timer(error.kind())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn i4_whoever_is_subscribed_is_there_until_that_very_subscription_ends() {
        let mut subscribers = Subscribers::default();
        let mut after = |message: &[u8]| {
            subscribers.note(Some(message));
            subscribers.are_there()
        };
        assert!(!after(b"\x00never subscribed"));
        assert!(after(b"\x01news"));
        // What any peer may say.
        assert!(after(b"\x00never subscribed") && after(b"\x00") && after(b"\x00new"));
        assert!(after(b"a message") && after(b""));
        // Told twice where libzmq hands on every subscription.
        assert!(after(b"\x01") && after(b"\x01news") && after(b"\x00news"));
        assert!(!after(b"\x00"));
    }
}
