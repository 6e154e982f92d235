//! A simulated link, and what may happen on it.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use tidegate_core::{
    BytePort, EventRing, FixedEvents, Interest, NoEvents, PushError, Received, Sent, Shutdown,
    Transport,
};

use crate::message::{Message, with_frames};

/// The transport's error in tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken;

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the link broke")
    }
}

impl std::error::Error for Broken {}

/// The far end of a [`SimLink`], and what happens on the way.
#[derive(Default)]
pub struct SimWire {
    /// Messages on their way in.
    pub inbound: VecDeque<Message>,
    /// What has arrived at the far end.
    pub arrived: Vec<Message>,
    /// How many bytes the link takes before it blocks.
    pub credit: usize,
    /// Whether the link has flushed what it took.
    pub flushed: bool,
    /// How the link was shut down.
    pub shutdown: Option<Shutdown>,
    /// Messages too large for the reader.
    pub skipped: usize,
    /// The link refuses messages with this first frame.
    pub refuses: Option<Vec<u8>>,
    /// The link breaks at the next touch.
    pub broken: bool,
    /// What happened to the link and was not yet told.
    pub events: VecDeque<usize>,
    /// The simulated time, and what is to happen when, in the order in which it was said.
    now: u64,
    agenda: Vec<(u64, Happening)>,
    waker: Option<Waker>,
}

/// Something that happens on the wire.
type Happening = Box<dyn FnOnce(&mut SimWire)>;

/// Streams that a link may tell of its events, and those that take none.
pub trait Told: FixedEvents {
    fn event(number: usize) -> Option<Self::Event>;
}

impl Told for NoEvents {
    fn event(_: usize) -> Option<Infallible> {
        None
    }
}

impl<const N: usize> Told for EventRing<usize, N> {
    fn event(number: usize) -> Option<usize> {
        Some(number)
    }
}

/// A transport in memory that sends byte by byte as far as its credit goes, and is told by the test what happens.
#[derive(Clone, Default)]
pub struct SimLink {
    wire: Rc<RefCell<SimWire>>,
    /// The message that is being sent, and how much of it has gone.
    sending: Rc<RefCell<Option<(Message, usize)>>>,
}

impl SimLink {
    pub fn new(credit: usize) -> Self {
        let link = Self::default();
        link.wire.borrow_mut().credit = credit;
        link
    }

    /// Something happens on the wire; the driver is woken.
    pub fn happens<R>(&self, f: impl FnOnce(&mut SimWire) -> R) -> R {
        let (result, waker) = {
            let mut wire = self.wire.borrow_mut();
            (f(&mut wire), wire.waker.take())
        };
        if let Some(waker) = waker {
            waker.wake();
        }
        result
    }

    /// Something happens on the wire so much later, in simulated time.
    pub fn later(&self, delay: u64, f: impl FnOnce(&mut SimWire) + 'static) {
        let mut wire = self.wire.borrow_mut();
        let at = wire.now + delay;
        wire.agenda.push((at, Box::new(f)));
    }

    /// Lets the simulated time go on, up to and with the next thing that happens; says whether anything did.
    pub fn pass_time(&self) -> bool {
        let next = {
            let mut wire = self.wire.borrow_mut();
            let when = wire.agenda.iter().map(|(at, _)| *at).min();
            when.and_then(|when| {
                wire.now = when;
                let index = wire.agenda.iter().position(|(at, _)| *at == when)?;
                Some(wire.agenda.remove(index).1)
            })
        };
        match next {
            Some(happening) => {
                self.happens(happening);
                true
            }
            None => false,
        }
    }

    /// The simulated time.
    pub fn now(&self) -> u64 {
        self.wire.borrow().now
    }

    /// A look at the wire; nothing happens.
    pub fn look<R>(&self, f: impl FnOnce(&SimWire) -> R) -> R {
        f(&self.wire.borrow())
    }

    fn check(&self) -> Result<(), Broken> {
        if self.wire.borrow().broken {
            Err(Broken)
        } else {
            Ok(())
        }
    }

    /// Sends on what was begun; says whether nothing is left of it.
    fn go_on(&self) -> bool {
        let mut sending = self.sending.borrow_mut();
        let Some((message, gone)) = sending.as_mut() else {
            return true;
        };
        let mut wire = self.wire.borrow_mut();
        let len = message.iter().map(|frame| frame.len() + 1).sum::<usize>();
        let step = wire.credit.min(len - *gone);
        wire.credit -= step;
        *gone += step;
        if *gone < len {
            return false;
        }
        if let Some((message, _)) = sending.take() {
            wire.arrived.push(message);
        }
        true
    }
}

impl<const RX: usize, const TX: usize, const W: usize, V: Told>
    Transport<BytePort<'_, RX, TX, W, Broken, V>> for SimLink
{
    type Error = Broken;
    type Refused = ();

    fn poll_ready(
        &mut self,
        cx: &mut Context<'_>,
        want: Interest,
    ) -> Poll<Result<Interest, Broken>> {
        self.wire.borrow_mut().waker = Some(cx.waker().clone());
        self.check()?;
        let idle = self.go_on();
        let wire = self.wire.borrow();
        // What happened is told whether or not anything is wanted.
        if !wire.events.is_empty() && want.is_some() {
            return Poll::Ready(Ok(want));
        }
        let ready = want.and(Interest {
            receive: !wire.inbound.is_empty(),
            send: idle && wire.credit > 0,
        });
        if ready.is_some() {
            Poll::Ready(Ok(ready))
        } else {
            Poll::Pending
        }
    }

    fn try_recv(
        &mut self,
        port: &mut BytePort<'_, RX, TX, W, Broken, V>,
    ) -> Result<Received, Broken> {
        self.check()?;
        let mut wire = self.wire.borrow_mut();
        let Some(message) = wire.inbound.pop_front() else {
            return Ok(Received::Blocked);
        };
        let fed = with_frames(&message, |frames| match port.feed(frames) {
            Ok(()) => Received::Message,
            Err(PushError::Full(_)) => Received::NoRoom,
            Err(PushError::TooLarge(_) | PushError::NoFrames(_)) => Received::Skipped,
            Err(PushError::Closed(_)) => Received::Blocked,
        });
        match fed {
            Received::NoRoom => wire.inbound.push_front(message),
            Received::Skipped => wire.skipped += 1,
            Received::Message | Received::Blocked => {}
        }
        Ok(fed)
    }

    fn try_send(
        &mut self,
        port: &mut BytePort<'_, RX, TX, W, Broken, V>,
    ) -> Result<Sent<()>, Broken> {
        self.check()?;
        if !self.go_on() || self.wire.borrow().credit == 0 {
            return Ok(Sent::Blocked);
        }
        let mut out = [0; 1024];
        let Ok(Some(head)) = port.copy_head(&mut out) else {
            return Ok(Sent::Blocked);
        };
        let message: Message = head.map(<[u8]>::to_vec).collect();
        if self.wire.borrow().refuses.as_ref() == message.first() {
            return Ok(Sent::Refused(()));
        }
        *self.sending.borrow_mut() = Some((message, 0));
        port.sent();
        self.go_on();
        Ok(Sent::Accepted)
    }

    fn try_event(&mut self, port: &mut BytePort<'_, RX, TX, W, Broken, V>) -> Result<bool, Broken> {
        self.check()?;
        let event = self.wire.borrow_mut().events.pop_front();
        if let Some(event) = event.and_then(V::event) {
            port.feed_event(event);
        }
        Ok(event.is_some())
    }

    fn try_flush(&mut self) -> Result<bool, Broken> {
        self.check()?;
        let flushed = self.go_on();
        self.wire.borrow_mut().flushed = flushed;
        Ok(flushed)
    }

    fn shutdown(&mut self, how: Shutdown) {
        self.wire.borrow_mut().shutdown = Some(how);
    }
}
