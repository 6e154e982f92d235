//! A simulated link, as a driver's transport, and the books of what went over it.

use std::cell::{RefCell, RefMut};
use std::collections::VecDeque;
use std::mem;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use arbitrary::Arbitrary;
use tidegate_core::{
    BATCH_BYTES, BATCH_MESSAGES, BytePort, EventRing, Frames, Interest, Lost, Phase, Port,
    PushError, Received, Sent, Shutdown, Stream, Transport,
};

use crate::{Message, charge, packed, slices};

pub type Ring = EventRing<usize, 2>;
pub type Line<const N: usize> = Stream<N, N, 1, u8, Ring>;
pub type LinePort<'s, const N: usize> = BytePort<'s, N, N, 1, u8, Ring>;

/// Where a link is touched.
#[derive(Arbitrary, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Touch {
    Ready,
    Receive,
    Send,
    Event,
    Flush,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Open,
    Closing,
    Closed,
    Failed,
}

/// What a reader is to get next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fed {
    Message(Message),
    Discarded(usize),
}

/// The error with which a link breaks.
pub const BROKEN: u8 = 7;

/// The link, what happens on it, and the books.
pub struct Wire {
    capacity: usize,
    pub state: State,
    /// What the stream has taken to be sent, and how much of that the link has taken over or refused.
    pub written: Vec<Message>,
    pub taken: usize,
    pub refused: usize,
    pub lost: Lost,
    /// What has arrived at the far end, and what is on the link with how many of its bytes gone.
    pub arrived: Vec<Message>,
    pub sending: Option<(Message, usize)>,
    /// How many bytes the link takes before it blocks.
    pub credit: usize,
    /// Messages on their way in, and what was fed of them and not yet read.
    pub inbound: VecDeque<Message>,
    pub fed: VecDeque<Fed>,
    pub read_marks: (usize, usize),
    pub read_gate: bool,
    pub reading_paused: bool,
    pub starved: bool,
    pub on_demand: bool,
    /// Whether a reader waits.
    pub waits: bool,
    /// Events that the link has yet to tell, and those that wait to be read.
    pub untold: usize,
    pub told: VecDeque<usize>,
    pub events: usize,
    pub events_discarded: usize,
    pub monitoring: bool,
    /// How many messages the link will refuse, and how often it will say that it is ready when it is not, or ready for what nobody
    /// wants.
    pub refuses: u8,
    pub wrongly_ready: u8,
    pub ready_for_others: u8,
    /// Whether it does not get its bytes out, though it took them.
    pub stalls: bool,
    pub breaks: Option<Touch>,
    /// Whether the head is lent to it, or copied.
    pub in_place: bool,
    pub shutdown: Option<Shutdown>,
    /// Within one poll of a driver.
    pub sends: usize,
    pub receives: usize,
    pub tells: usize,
    pub touches: usize,
    /// What the port had moved before, and whether the link said that it is ready for what nobody wants.
    pub moved_before: usize,
    was_for_others: bool,
    waker: Option<Waker>,
}

impl Wire {
    pub fn level(&self) -> usize {
        let messages = self.fed.iter().map(|fed| match fed {
            Fed::Message(message) => charge(message),
            Fed::Discarded(_) => 0,
        });
        messages.sum()
    }

    pub fn is_live(&self) -> bool {
        matches!(self.state, State::Open | State::Closing)
    }

    fn has_messages(&self) -> bool {
        self.fed.iter().any(|fed| matches!(fed, Fed::Message(_)))
    }

    pub fn update_gate(&mut self) {
        let (high, low) = self.read_marks;
        let level = self.level();
        self.read_gate = if self.read_gate {
            level > low
        } else {
            level > high
        };
    }

    /// What a stream is to want of its link.
    pub fn wants(&self) -> Interest {
        let demand = self.waits && !self.has_messages();
        Interest {
            receive: self.state == State::Open
                && !self.reading_paused
                && !self.read_gate
                && !self.starved
                && (!self.on_demand || demand),
            send: self.is_live() && self.taken < self.written.len(),
        }
    }

    pub fn phase(&self) -> Phase {
        match self.state {
            State::Closing if self.taken == self.written.len() => Phase::Flush,
            State::Open | State::Closing => Phase::Run,
            State::Closed | State::Failed => Phase::Ended,
        }
    }

    /// What could be done of what is wanted.
    pub fn can(&self) -> Interest {
        self.wants().and(Interest {
            receive: !self.inbound.is_empty(),
            send: self.sending.is_none() && self.credit > 0,
        })
    }

    /// Whether all that was taken is on its way.
    pub fn is_flushed(&self) -> bool {
        self.sending.is_none() && !self.stalls
    }

    pub fn end(&mut self, state: State) {
        if self.is_live() {
            let left = &self.written[self.taken..];
            self.lost = Lost {
                messages: left.len(),
                bytes: left.iter().map(charge).sum(),
            };
            self.state = state;
        }
    }

    /// Moves on what was begun.
    fn go_on(&mut self) {
        let Some((message, gone)) = &mut self.sending else {
            return;
        };
        let len = message.iter().map(|frame| frame.len() + 1).sum::<usize>();
        let step = self.credit.min(len - *gone);
        self.credit -= step;
        *gone += step;
        if *gone == len {
            let sent = self.sending.take().expect("it was looked at");
            self.arrived.push(sent.0);
        }
    }

    fn touch(&mut self, at: Touch) -> Result<(), u8> {
        self.touches += 1;
        assert!(self.touches < 2_000, "a driver does not let others run");
        assert!(!self.was_for_others, "that was to be taken as pending");
        if self.breaks == Some(at) {
            self.breaks = None;
            self.end(State::Failed);
            return Err(BROKEN);
        }
        Ok(())
    }

    /// A driver is about to be polled.
    pub fn begin_poll(&mut self) {
        (self.sends, self.receives, self.tells, self.touches) = (0, 0, 0, 0);
        self.was_for_others = false;
    }
}

/// A link's end that a driver holds.
#[derive(Clone)]
pub struct Link(Rc<RefCell<Wire>>);

impl Link {
    pub fn new(capacity: usize, in_place: bool) -> Self {
        Self(Rc::new(RefCell::new(Wire {
            capacity,
            state: State::Open,
            written: Vec::new(),
            taken: 0,
            refused: 0,
            lost: Lost::default(),
            arrived: Vec::new(),
            sending: None,
            credit: 0,
            inbound: VecDeque::new(),
            fed: VecDeque::new(),
            read_marks: (capacity - capacity.div_ceil(4), capacity / 4),
            read_gate: false,
            reading_paused: false,
            starved: false,
            on_demand: false,
            waits: false,
            untold: 0,
            told: VecDeque::new(),
            events: 0,
            events_discarded: 0,
            monitoring: false,
            refuses: 0,
            wrongly_ready: 0,
            ready_for_others: 0,
            stalls: false,
            breaks: None,
            in_place,
            shutdown: None,
            sends: 0,
            receives: 0,
            tells: 0,
            touches: 0,
            moved_before: 0,
            was_for_others: false,
            waker: None,
        })))
    }

    pub fn wire(&self) -> RefMut<'_, Wire> {
        self.0.borrow_mut()
    }

    /// Something happens on the wire, and the link wakes its driver.
    pub fn happens(&self, f: impl FnOnce(&mut Wire)) {
        f(&mut self.wire());
        let waker = self.wire().waker.take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// A port that this link moves messages with.
pub trait Carries<'s, const N: usize>: Port<Error = u8, Refused = ()> {
    fn bytes(&self) -> LinePort<'s, N>;
    fn moved(&mut self, bytes: usize);
}

impl<'s, const N: usize> Carries<'s, N> for LinePort<'s, N> {
    fn bytes(&self) -> LinePort<'s, N> {
        *self
    }
    fn moved(&mut self, _: usize) {}
}

/// A port that counts what it moves, and makes much of it.
pub struct Counted<'s, const N: usize> {
    pub port: LinePort<'s, N>,
    pub moved: usize,
}

impl<const N: usize> Port for Counted<'_, N> {
    type Error = u8;
    type Refused = ();
    fn interest(&mut self) -> Interest {
        self.port.interest()
    }
    fn phase(&mut self) -> Phase {
        self.port.phase()
    }
    fn moved_bytes(&self) -> usize {
        self.moved
    }
    fn discarded(&mut self) {
        Port::discarded(&mut self.port);
    }
    fn refused(&mut self, reason: ()) {
        Port::refused(&mut self.port, reason);
    }
    fn finish(&mut self) {
        Port::finish(&mut self.port);
    }
    fn fail(&mut self, error: u8) {
        Port::fail(&mut self.port, error);
    }
}

impl<'s, const N: usize> Carries<'s, N> for Counted<'s, N> {
    fn bytes(&self) -> LinePort<'s, N> {
        self.port
    }
    fn moved(&mut self, bytes: usize) {
        self.moved += bytes * (BATCH_BYTES / 100);
    }
}

fn owned(frames: Frames<'_>) -> Message {
    frames.map(<[u8]>::to_vec).collect()
}

/// One port at a time has this many bytes.
pub struct Over<const N: usize>(pub Link);

impl<'s, P: Carries<'s, N>, const N: usize> Transport<P> for Over<N> {
    type Error = u8;
    type Refused = ();

    fn poll_ready(&mut self, cx: &mut Context<'_>, want: Interest) -> Poll<Result<Interest, u8>> {
        let mut wire = self.0.wire();
        wire.waker = Some(cx.waker().clone());
        wire.touch(Touch::Ready)?;
        assert_eq!(want, wire.wants());
        wire.go_on();
        if want.is_some() && wire.wrongly_ready > 0 {
            wire.wrongly_ready -= 1;
            return Poll::Ready(Ok(want));
        }
        let can = wire.can();
        if can.is_some() {
            return Poll::Ready(Ok(can));
        }
        if wire.ready_for_others > 0 {
            wire.ready_for_others -= 1;
            wire.was_for_others = true;
            return Poll::Ready(Ok(Interest {
                receive: !want.receive,
                send: !want.send,
            }));
        }
        Poll::Pending
    }

    fn try_recv(&mut self, port: &mut P) -> Result<Received, u8> {
        let mut wire = self.0.wire();
        wire.touch(Touch::Receive)?;
        assert!(wire.wants().receive, "a paused stream's link is read");
        let moved = port.moved_bytes() - wire.moved_before;
        assert!(wire.receives == 0 || moved < BATCH_BYTES, "over a batch");
        assert!(wire.receives < BATCH_MESSAGES, "a batch never ends");
        wire.receives += 1;
        let Some(message) = wire.inbound.pop_front() else {
            return Ok(Received::Blocked);
        };
        match port.bytes().feed(&slices(&message)) {
            Ok(()) => {
                port.moved(charge(&message));
                wire.fed.push_back(Fed::Message(message));
                wire.update_gate();
                Ok(Received::Message)
            }
            Err(PushError::Full(_)) => {
                assert!(wire.has_messages(), "what may ever fit fits an empty ring");
                wire.inbound.push_front(message);
                wire.starved = true;
                Ok(Received::NoRoom)
            }
            Err(PushError::NoFrames(_) | PushError::TooLarge(_)) => {
                assert!(message.is_empty() || packed(&message) > wire.capacity);
                let mut fed = mem::take(&mut wire.fed);
                // The reader is told once of all that was thrown away since it was told last.
                match fed.iter_mut().find_map(|fed| match fed {
                    Fed::Discarded(messages) => Some(messages),
                    Fed::Message(_) => None,
                }) {
                    Some(messages) => *messages += 1,
                    None => fed.push_back(Fed::Discarded(1)),
                }
                wire.fed = fed;
                Ok(Received::Skipped)
            }
            Err(PushError::Closed(_)) => panic!("it wanted to receive"),
        }
    }

    fn try_send(&mut self, port: &mut P) -> Result<Sent<()>, u8> {
        let mut wire = self.0.wire();
        wire.touch(Touch::Send)?;
        assert!(wire.wants().send, "there is nothing to send");
        let moved = port.moved_bytes() - wire.moved_before;
        assert!(wire.sends == 0 || moved < BATCH_BYTES, "over a batch");
        assert!(wire.sends < BATCH_MESSAGES, "a batch never ends");
        wire.sends += 1;
        wire.go_on();
        if wire.sending.is_some() || wire.credit == 0 {
            return Ok(Sent::Blocked);
        }
        let expected = wire.written[wire.taken].clone();
        wire.taken += 1;
        if wire.refuses > 0 {
            wire.refuses -= 1;
            wire.refused += 1;
            return Ok(Sent::Refused(()));
        }
        port.moved(charge(&expected));
        wire.sending = Some((expected.clone(), 0));
        wire.go_on();
        let is_in_place = wire.in_place;
        // The driver may be woken by that.
        drop(wire);
        let bytes = port.bytes();
        let message = if is_in_place {
            let head = bytes.head().expect("there is one");
            let message = owned(head.frames());
            head.release();
            message
        } else {
            let mut out = [0; N];
            let head = bytes.copy_head(&mut out).expect("it fits");
            let message = owned(head.expect("there is one"));
            bytes.sent();
            message
        };
        assert_eq!(message, expected, "lost, doubled, or out of order");
        Ok(Sent::Accepted)
    }

    fn try_event(&mut self, port: &mut P) -> Result<bool, u8> {
        let mut wire = self.0.wire();
        wire.touch(Touch::Event)?;
        assert!(wire.tells <= BATCH_MESSAGES, "a batch never ends");
        if wire.untold == 0 {
            return Ok(false);
        }
        wire.tells += 1;
        wire.untold -= 1;
        wire.events += 1;
        let event = wire.events;
        if wire.monitoring && wire.state == State::Open {
            wire.told.push_back(event);
            if wire.told.len() > 2 {
                wire.told.pop_front();
                wire.events_discarded += 1;
            }
        }
        port.bytes().feed_event(event);
        Ok(true)
    }

    fn try_flush(&mut self) -> Result<bool, u8> {
        let mut wire = self.0.wire();
        wire.touch(Touch::Flush)?;
        assert_eq!(wire.phase(), Phase::Flush);
        wire.go_on();
        Ok(wire.is_flushed())
    }

    fn shutdown(&mut self, how: Shutdown) {
        let mut wire = self.0.wire();
        if how == Shutdown::Flushed {
            assert!(wire.phase() == Phase::Flush && wire.is_flushed());
            wire.end(State::Closed);
        } else {
            assert!(!wire.is_live());
        }
        wire.shutdown = Some(how);
        wire.waker = None;
    }
}
