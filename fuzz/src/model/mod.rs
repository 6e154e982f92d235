//! What a machine is to do, said with lists: who waits for what, and what lies where.

mod lent;
mod side;
mod waits;

use std::collections::VecDeque;
use std::mem;
use std::task::Poll;

use tidegate_core::{
    DrainError, Interest, Lost, Phase, ReadError, ReadEventError, SendError, TooManyWaiters,
    TryReadError, TryReadEventError,
};

use crate::ops::{EVENTS, Op, Outcome, Refusal, Seen, WAITERS, marks, waiter};
use crate::{Message, packed};
use lent::Lent;
pub use side::Side;
pub use waits::Kind;
use waits::Waits;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    Closing,
    Closed,
    Failed(u8),
}

pub struct Model {
    capacity: usize,
    state: State,
    incoming: Side,
    outgoing: Side,
    events: VecDeque<usize>,
    next_event: usize,
    backlog: usize,
    events_discarded: usize,
    monitoring: bool,
    starved: bool,
    on_demand: bool,
    reading_paused: bool,
    /// How many messages were thrown away, and how many come before.
    discarded: Option<(usize, usize)>,
    needed: usize,
    lost: Lost,
    refused: usize,
    driver: bool,
    waits: Waits,
    reserved: Vec<Lent>,
    /// Whether somebody holds a message of either side.
    held: [bool; 2],
    /// Who was woken since the last look, and how often.
    woken: [usize; WAITERS],
    driver_woken: usize,
}

impl Model {
    pub fn new(capacity: usize) -> Self {
        Self {
            capacity,
            state: State::Open,
            incoming: Side::new(capacity),
            outgoing: Side::new(capacity),
            events: VecDeque::new(),
            next_event: 0,
            backlog: EVENTS,
            events_discarded: 0,
            monitoring: false,
            starved: false,
            on_demand: false,
            reading_paused: false,
            discarded: None,
            needed: 0,
            lost: Lost::default(),
            refused: 0,
            driver: false,
            waits: Waits::default(),
            reserved: Vec::new(),
            held: [false; 2],
            woken: [0; WAITERS],
            driver_woken: 0,
        }
    }

    fn live(&self) -> bool {
        matches!(self.state, State::Open | State::Closing)
    }

    fn interest(&self) -> Interest {
        let demand = self.incoming.is_empty() && !self.waits.is_empty(Kind::Read);
        Interest {
            receive: self.state == State::Open
                && !self.incoming.paused
                && !self.reading_paused
                && !self.starved
                && (!self.on_demand || demand),
            send: self.live() && self.outgoing.first().is_some(),
        }
    }

    fn phase(&self) -> Phase {
        match self.state {
            State::Closing if self.outgoing.is_empty() => Phase::Flush,
            State::Open | State::Closing => Phase::Run,
            State::Closed | State::Failed(_) => Phase::Ended,
        }
    }

    /// How many messages wait on either side.
    pub fn lengths(&self) -> [usize; 2] {
        [self.incoming.len(), self.outgoing.len()]
    }

    /// The longest messages that fit now.
    pub fn room(&self) -> [usize; 2] {
        [self.incoming.room(), self.outgoing.room()]
    }

    fn end(&mut self, state: State) {
        self.lost.messages += self.outgoing.len();
        self.lost.bytes += self.outgoing.level();
        self.outgoing.clear();
        self.outgoing.update();
        self.state = state;
    }

    /// The oldest message is read.
    fn take(&mut self) -> Option<Message> {
        let message = self.incoming.take()?;
        if let Some((_, before)) = &mut self.discarded {
            *before = before.saturating_sub(1);
        }
        self.starved = false;
        Some(message)
    }

    /// Whether so many bytes may be put in, and where.
    fn reserve(&mut self, len: usize, received: bool) -> Result<usize, Refusal> {
        match self.state {
            State::Open => {}
            State::Failed(error) if !received => return Err(Refusal::Failed(error)),
            _ => return Err(Refusal::Closed),
        }
        if !received && self.needed > 0 {
            return Err(Refusal::Full);
        }
        if len == 0 {
            return Err(Refusal::NoFrames);
        }
        if len > self.capacity {
            return Err(Refusal::TooLarge);
        }
        let reserved = self.side(received).reserve(len);
        if reserved.is_none() {
            self.starved |= received;
        }
        reserved.ok_or(Refusal::Full)
    }

    fn side(&mut self, received: bool) -> &mut Side {
        if received {
            &mut self.incoming
        } else {
            &mut self.outgoing
        }
    }

    fn push(&mut self, message: &Message, received: bool) -> Result<(), Refusal> {
        let number = self.reserve(packed(message), received)?;
        self.side(received).write(number, message.clone());
        Ok(())
    }

    /// Whether a message may be taken; who may keeps its place.
    fn readable(&mut self, who: Option<usize>) -> Poll<Result<(), ReadError<u8>>> {
        if let Some(who) = who {
            self.begin(Kind::Read, who);
        }
        let error = if self.over(Kind::Read) {
            match self.state {
                State::Failed(error) => ReadError::Failed(error),
                _ => ReadError::Closed,
            }
        } else if let Some((messages, 0)) = self.discarded
            && self.is_next(Kind::Read, who)
        {
            self.discarded = None;
            ReadError::Discarded { messages }
        } else if self.incoming.first().is_some() && self.is_next(Kind::Read, who) {
            return Poll::Ready(Ok(()));
        } else {
            let Some(who) = who else { return Poll::Pending };
            if self.wait(Kind::Read, who) {
                return Poll::Pending;
            }
            ReadError::TooManyWaiters
        };
        if let Some(who) = who {
            self.leave(who);
        }
        Poll::Ready(Err(error))
    }

    fn read(&mut self, who: usize) -> Poll<Result<Message, ReadError<u8>>> {
        self.readable(Some(who)).map_ok(|()| {
            self.leave(who);
            self.take().expect("it was looked at")
        })
    }

    /// Whether a message may be taken by somebody who does not wait.
    fn try_readable(&mut self) -> Result<(), TryReadError<u8>> {
        let failed = matches!(self.state, State::Failed(_));
        if failed && let Some((messages, 0)) = self.discarded {
            self.discarded = None;
            return Err(TryReadError::Read(ReadError::Discarded { messages }));
        }
        if failed && !self.incoming.is_empty() {
            let is_there = self.incoming.first().is_some();
            return is_there.then_some(()).ok_or(TryReadError::Empty);
        }
        match self.readable(None) {
            Poll::Ready(result) => result.map_err(TryReadError::Read),
            Poll::Pending => Err(TryReadError::Empty),
        }
    }

    fn event(&mut self, who: Option<usize>) -> Poll<Result<(usize, usize), ReadEventError<u8>>> {
        if let Some(who) = who {
            self.begin(Kind::Event, who);
        }
        let result = if self.over(Kind::Event) {
            Err(match self.state {
                State::Open => ReadEventError::NotMonitoring,
                State::Failed(error) => ReadEventError::Failed(error),
                _ => ReadEventError::Closed,
            })
        } else if !self.events.is_empty() && self.is_next(Kind::Event, who) {
            let event = self.events.pop_front().expect("there is one");
            Ok((event, mem::take(&mut self.events_discarded)))
        } else {
            let Some(who) = who else { return Poll::Pending };
            if self.wait(Kind::Event, who) {
                return Poll::Pending;
            }
            Err(ReadEventError::TooManyWaiters)
        };
        if let Some(who) = who {
            self.leave(who);
        }
        Poll::Ready(result)
    }

    fn writes(&mut self, kind: Kind, who: usize) -> Poll<Result<(), DrainError<u8>>> {
        self.begin(kind, who);
        let is_done = match kind {
            Kind::Flush => {
                self.outgoing.is_empty() || self.waits.waiting[who].is_some_and(|it| it.told)
            }
            _ => !self.outgoing.paused,
        };
        let result = match self.state {
            _ if self.waits.waiting[who].is_some_and(|it| it.flushed) => Ok(()),
            State::Failed(error) => Err(DrainError::Failed(error)),
            State::Closed if self.lost.messages > 0 => Err(DrainError::Dropped(self.lost)),
            _ if is_done => Ok(()),
            _ => {
                if self.wait(kind, who) {
                    return Poll::Pending;
                }
                Err(DrainError::TooManyWaiters)
            }
        };
        self.leave(who);
        Poll::Ready(result)
    }

    /// Whether so many bytes may be queued; who may keeps its place.
    fn sendable(&mut self, who: usize, len: usize) -> Poll<Result<(), SendError<(), u8>>> {
        self.begin(Kind::Send, who);
        let error = match self.state {
            State::Failed(error) => SendError::Failed((), error),
            State::Closing | State::Closed => SendError::Closed(()),
            State::Open if len > self.capacity => SendError::TooLarge(()),
            State::Open => {
                let turn = self.is_next(Kind::Send, Some(who)) && !self.outgoing.paused;
                if turn && len <= self.outgoing.room() {
                    return Poll::Ready(Ok(()));
                } else if self.wait(Kind::Send, who) {
                    if self.is_next(Kind::Send, Some(who)) {
                        self.needed = if turn { len } else { 0 };
                    }
                    return Poll::Pending;
                }
                SendError::TooManyWaiters(())
            }
        };
        self.leave(who);
        Poll::Ready(Err(error))
    }

    fn send(&mut self, who: usize, message: &Message) -> Poll<Result<(), SendError<(), u8>>> {
        let ready = self.sendable(who, packed(message));
        if ready != Poll::Ready(Ok(())) {
            return ready;
        }
        let pushed = self.outgoing.push(message.clone(), packed(message));
        self.leave(who);
        assert!(pushed, "it was looked at");
        Poll::Ready(Ok(()))
    }

    fn closed(&mut self, who: usize) -> Poll<Result<Lost, TooManyWaiters>> {
        self.begin(Kind::Closed, who);
        if !self.live() {
            self.leave(who);
            Poll::Ready(Ok(self.lost))
        } else if self.wait(Kind::Closed, who) {
            Poll::Pending
        } else {
            Poll::Ready(Err(TooManyWaiters))
        }
    }

    fn trim_events(&mut self) {
        while self.events.len() > self.backlog {
            self.events.pop_front();
            self.events_discarded += 1;
        }
    }

    /// What the machine is to show after this.
    pub fn apply(&mut self, op: &Op, message: &Message) -> Seen {
        let outcome = self.step(|model| model.call(op, message));
        self.see(outcome)
    }

    /// Something is done, and then whoever has reason to go on is woken.
    fn step<R>(&mut self, f: impl FnOnce(&mut Self) -> R) -> R {
        let (before, was) = (self.interest(), self.state);
        let result = f(self);
        self.wake();
        let after = self.interest();
        let grew = (after.receive && !before.receive) || (after.send && !before.send);
        if grew || was != self.state {
            self.wake_driver();
        }
        result
    }

    fn wake_driver(&mut self) {
        self.driver_woken += usize::from(mem::take(&mut self.driver));
    }

    fn call(&mut self, op: &Op, message: &Message) -> Outcome {
        match *op {
            Op::Feed(_) => return Outcome::Pushed(self.push(message, true)),
            Op::Write(_) => return Outcome::Pushed(self.push(message, false)),
            Op::Send(who, _) => {
                let who = waiter(who);
                // A machine looks at the message when its turn has come.
                if message.is_empty() {
                    let no_frames = Err(SendError::NoFrames(()));
                    return Outcome::Sent(match self.sendable(who, 0) {
                        Poll::Ready(Ok(())) => {
                            self.leave(who);
                            Poll::Ready(no_frames)
                        }
                        other => other,
                    });
                }
                return Outcome::Sent(self.send(who, message));
            }
            Op::Ask(who, bytes) => {
                return Outcome::Sent(self.sendable(waiter(who), usize::from(bytes)));
            }
            Op::Read(who) => return Outcome::Read(self.read(waiter(who))),
            Op::Look(who) => return Outcome::Looked(self.readable(Some(waiter(who)))),
            Op::TryRead => {
                let looked = self.try_readable();
                return Outcome::TryRead(looked.map(|()| self.take().expect("it was looked at")));
            }
            Op::Drain(who) => return Outcome::Waited(self.writes(Kind::Drain, waiter(who))),
            Op::Flush(who) => return Outcome::Waited(self.writes(Kind::Flush, waiter(who))),
            Op::Closed(who) => return Outcome::Closed(self.closed(waiter(who))),
            Op::Event(who) => return Outcome::Event(self.event(Some(waiter(who)))),
            Op::TryEvent => {
                return Outcome::TryEvent(match self.event(None) {
                    Poll::Ready(result) => result.map_err(TryReadEventError::Read),
                    Poll::Pending => Err(TryReadEventError::Empty),
                });
            }
            Op::FeedEvent => {
                self.next_event += 1;
                if self.monitoring && self.state == State::Open {
                    self.events.push_back(self.next_event);
                    self.trim_events();
                }
            }
            Op::Monitor(on) => self.monitoring = on,
            Op::Backlog(events) => {
                self.backlog = usize::from(events).min(EVENTS);
                self.trim_events();
            }
            Op::Cancel(who) => self.leave(waiter(who)),
            Op::Discard => {
                if self.state == State::Open {
                    let before = self.incoming.len();
                    self.discarded.get_or_insert((0, before)).0 += 1;
                }
            }
            Op::Sent => return Outcome::Head(self.outgoing.take()),
            Op::Refused => {
                self.refused += 1;
                return Outcome::Head(self.outgoing.take());
            }
            Op::Close => {
                if self.state == State::Open {
                    self.state = State::Closing;
                }
            }
            Op::Abort => {
                if self.live() {
                    self.incoming.clear();
                    self.incoming.update();
                    self.discarded = None;
                    self.end(State::Closed);
                }
            }
            Op::Finish => {
                if self.state == State::Closing {
                    self.end(State::Closed);
                }
            }
            Op::Fail(error) => {
                if self.live() {
                    self.end(State::Failed(error));
                }
            }
            Op::ReadLimits(a, b) => {
                self.incoming.marks = marks(a, b);
                self.incoming.update();
            }
            Op::WriteLimits(a, b) => {
                self.outgoing.marks = marks(a, b);
                self.outgoing.update();
            }
            Op::PauseReading => {
                return Outcome::Doubled(mem::replace(&mut self.reading_paused, true));
            }
            Op::ResumeReading => {
                return Outcome::Doubled(!mem::replace(&mut self.reading_paused, false));
            }
            Op::OnDemand(on) => self.on_demand = on,
            Op::RegisterDriver => self.driver = true,
            Op::DeregisterDriver => self.driver = false,
        }
        Outcome::Done
    }

    fn see(&mut self, outcome: Outcome) -> Seen {
        Seen {
            outcome,
            woken: mem::take(&mut self.woken),
            driver_woken: mem::take(&mut self.driver_woken),
            levels: [self.incoming.level(), self.outgoing.level()],
            gates_paused: [self.incoming.paused, self.outgoing.paused],
            interest: self.interest(),
            phase: self.phase(),
            at_closing: matches!(self.state, State::Closing | State::Closed)
                && self.over(Kind::Read),
            exception: match self.state {
                State::Failed(error) => Some(error),
                _ => None,
            },
            lost: self.lost,
            refused: self.refused,
            reading_paused: self.reading_paused,
            monitoring: self.monitoring,
            events_discarded: self.events_discarded,
        }
    }
}
