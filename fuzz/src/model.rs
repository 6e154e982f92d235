//! What a machine is to do, said with lists: one per kind of wait, and after each call a look at all of them.

use std::array;
use std::collections::VecDeque;
use std::task::Poll;

use tidegate_core::{
    DrainError, Interest, Lost, Phase, ReadError, ReadEventError, SendError, TooManyWaiters,
    TryReadError, TryReadEventError,
};

use crate::ops::{EVENTS, Op, Outcome, Refusal, SLOTS, Seen, WAITERS, marks, waiter};
use crate::{Message, charge, packed};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    Closing,
    Closed,
    Failed(u8),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Read,
    Event,
    Send,
    Drain,
    Flush,
    Closed,
}

const KINDS: [Kind; 6] = [
    Kind::Read,
    Kind::Event,
    Kind::Send,
    Kind::Drain,
    Kind::Flush,
    Kind::Closed,
];

/// One side: its messages, its marks, and whether its gate is shut.
#[derive(Default)]
struct Side {
    messages: VecDeque<Message>,
    marks: (usize, usize),
    paused: bool,
}

impl Side {
    fn level(&self) -> usize {
        self.messages.iter().map(charge).sum()
    }

    fn update(&mut self) {
        let (high, low) = self.marks;
        self.paused = if self.paused {
            self.level() > low
        } else {
            self.level() > high
        };
    }
}

/// Somebody who has a slot.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    kind: Kind,
    asleep: bool,
    /// Taken off the list, for the wait is over.
    told: bool,
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
    waiting: [Option<Waiting>; WAITERS],
    lists: [VecDeque<usize>; 6],
}

impl Model {
    pub fn new(capacity: usize) -> Self {
        let side = || Side {
            marks: (capacity - capacity.div_ceil(4), capacity / 4),
            ..Side::default()
        };
        Self {
            capacity,
            state: State::Open,
            incoming: side(),
            outgoing: side(),
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
            waiting: [None; WAITERS],
            lists: array::from_fn(|_| VecDeque::new()),
        }
    }

    fn live(&self) -> bool {
        matches!(self.state, State::Open | State::Closing)
    }

    fn list(&mut self, kind: Kind) -> &mut VecDeque<usize> {
        &mut self.lists[kind as usize]
    }

    fn interest(&self) -> Interest {
        let demand =
            self.incoming.messages.is_empty() && !self.lists[Kind::Read as usize].is_empty();
        Interest {
            receive: self.state == State::Open
                && !self.incoming.paused
                && !self.reading_paused
                && !self.starved
                && (!self.on_demand || demand),
            send: self.live() && !self.outgoing.messages.is_empty(),
        }
    }

    /// Whether the wait is over for all.
    fn over(&self, kind: Kind) -> bool {
        match kind {
            Kind::Read => match self.state {
                State::Open => false,
                State::Failed(_) => true,
                _ => self.incoming.messages.is_empty() && self.discarded.is_none(),
            },
            Kind::Event => {
                (self.state != State::Open || !self.monitoring) && self.events.is_empty()
            }
            Kind::Send => self.state != State::Open,
            Kind::Flush => !self.live() || self.outgoing.messages.is_empty(),
            Kind::Drain | Kind::Closed => !self.live(),
        }
    }

    /// Whether the first has reason to go on.
    fn served(&self, kind: Kind, room: usize) -> bool {
        match kind {
            Kind::Read => {
                !self.incoming.messages.is_empty() || matches!(self.discarded, Some((_, 0)))
            }
            Kind::Event => !self.events.is_empty(),
            Kind::Send => !self.outgoing.paused && self.needed <= room,
            Kind::Drain => !self.outgoing.paused,
            Kind::Flush | Kind::Closed => false,
        }
    }

    fn leave(&mut self, who: usize) {
        let Some(waiting) = self.waiting[who].take() else {
            return;
        };
        let list = self.list(waiting.kind);
        let was_first = list.front() == Some(&who);
        list.retain(|&other| other != who);
        if was_first && waiting.kind == Kind::Send {
            // The next one is not overtaken before it has looked.
            let next_waits = self.needed > 0 && !self.lists[Kind::Send as usize].is_empty();
            self.needed = usize::from(next_waits);
        }
    }

    fn begin(&mut self, kind: Kind, who: usize) {
        if self.waiting[who].is_some_and(|waiting| waiting.kind != kind) {
            self.leave(who);
        }
    }

    /// Whether it is this waiter's turn; `None` is a newcomer.
    fn is_next(&self, kind: Kind, who: Option<usize>) -> bool {
        match self.lists[kind as usize].front() {
            None => true,
            first => first == who.as_ref(),
        }
    }

    /// Waits; `false` if there is no room for one more.
    fn wait(&mut self, kind: Kind, who: usize) -> bool {
        match &mut self.waiting[who] {
            Some(waiting) if !waiting.told => waiting.asleep = true,
            Some(waiting) => {
                (waiting.told, waiting.asleep) = (false, true);
                self.list(kind).push_back(who);
            }
            None => {
                if self.waiting.iter().flatten().count() == SLOTS {
                    return false;
                }
                self.waiting[who] = Some(Waiting {
                    kind,
                    asleep: true,
                    told: false,
                });
                self.list(kind).push_back(who);
            }
        }
        true
    }

    /// Wakes whoever has reason to go on.
    fn wake(&mut self, room: usize) -> [usize; WAITERS] {
        let mut woken = [0; WAITERS];
        for kind in KINDS {
            if self.over(kind) {
                for who in self.list(kind).split_off(0) {
                    let waiting = self.waiting[who].as_mut().expect("it is listed");
                    woken[who] += usize::from(waiting.asleep);
                    (waiting.asleep, waiting.told) = (false, true);
                }
            } else if self.served(kind, room)
                && let Some(&who) = self.list(kind).front()
            {
                let waiting = self.waiting[who].as_mut().expect("it is listed");
                woken[who] += usize::from(waiting.asleep);
                waiting.asleep = false;
            }
        }
        woken
    }

    fn end(&mut self, state: State) {
        self.lost.messages += self.outgoing.messages.len();
        self.lost.bytes += self.outgoing.level();
        self.outgoing.messages.clear();
        self.outgoing.update();
        self.state = state;
    }

    fn take(&mut self) -> Message {
        let message = self
            .incoming
            .messages
            .pop_front()
            .expect("it was looked at");
        if let Some((_, before)) = &mut self.discarded {
            *before = before.saturating_sub(1);
        }
        self.incoming.update();
        self.starved = false;
        message
    }

    /// `room` is what the rings had free before the call.
    fn push(&mut self, message: &Message, received: bool, room: usize) -> Result<(), Refusal> {
        match self.state {
            State::Open => {}
            State::Failed(error) if !received => return Err(Refusal::Failed(error)),
            _ => return Err(Refusal::Closed),
        }
        if !received && self.needed > 0 {
            return Err(Refusal::Full);
        }
        if message.is_empty() {
            return Err(Refusal::NoFrames);
        }
        if packed(message) > self.capacity {
            return Err(Refusal::TooLarge);
        }
        if packed(message) > room {
            self.starved |= received;
            return Err(Refusal::Full);
        }
        let side = if received {
            &mut self.incoming
        } else {
            &mut self.outgoing
        };
        side.messages.push_back(message.clone());
        side.update();
        Ok(())
    }

    fn read(&mut self, who: Option<usize>) -> Poll<Result<Message, ReadError<u8>>> {
        if let Some(who) = who {
            self.begin(Kind::Read, who);
        }
        let result = if self.over(Kind::Read) {
            Err(match self.state {
                State::Failed(error) => ReadError::Failed(error),
                _ => ReadError::Closed,
            })
        } else if let Some((messages, 0)) = self.discarded
            && self.is_next(Kind::Read, who)
        {
            self.discarded = None;
            Err(ReadError::Discarded { messages })
        } else if !self.incoming.messages.is_empty() && self.is_next(Kind::Read, who) {
            Ok(self.take())
        } else {
            let Some(who) = who else { return Poll::Pending };
            if self.wait(Kind::Read, who) {
                return Poll::Pending;
            }
            Err(ReadError::TooManyWaiters)
        };
        if let Some(who) = who {
            self.leave(who);
        }
        Poll::Ready(result)
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
            Ok((event, std::mem::take(&mut self.events_discarded)))
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
                self.outgoing.messages.is_empty() || self.waiting[who].is_some_and(|it| it.told)
            }
            _ => !self.outgoing.paused,
        };
        let result = match self.state {
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

    fn send(
        &mut self,
        who: usize,
        message: &Message,
        room: usize,
    ) -> Poll<Result<(), SendError<(), u8>>> {
        self.begin(Kind::Send, who);
        let result = match self.state {
            State::Failed(error) => Err(SendError::Failed((), error)),
            State::Closing | State::Closed => Err(SendError::Closed(())),
            State::Open if packed(message) > self.capacity => Err(SendError::TooLarge(())),
            State::Open => {
                let turn = self.is_next(Kind::Send, Some(who)) && !self.outgoing.paused;
                if turn && packed(message) <= room {
                    let needed = std::mem::take(&mut self.needed);
                    let pushed = self.push(message, false, room);
                    self.needed = needed;
                    match pushed {
                        Ok(()) => Ok(()),
                        Err(Refusal::NoFrames) => Err(SendError::NoFrames(())),
                        Err(other) => panic!("{other:?}"),
                    }
                } else if self.wait(Kind::Send, who) {
                    if self.is_next(Kind::Send, Some(who)) {
                        self.needed = if turn { packed(message) } else { 0 };
                    }
                    return Poll::Pending;
                } else {
                    Err(SendError::TooManyWaiters(()))
                }
            }
        };
        self.leave(who);
        Poll::Ready(result)
    }

    fn trim_events(&mut self) {
        while self.events.len() > self.backlog {
            self.events.pop_front();
            self.events_discarded += 1;
        }
    }

    /// What the machine is to show after this; the room is what it has before, and the room to send what it has after.
    pub fn apply(
        &mut self,
        op: &Op,
        message: &Message,
        [receive_room, send_room]: [usize; 2],
        send_room_after: usize,
    ) -> Seen {
        let before = self.interest();
        let was = self.state;
        let mut outcome = Outcome::Done;
        match *op {
            Op::Feed(_) => outcome = Outcome::Pushed(self.push(message, true, receive_room)),
            Op::Write(_) => outcome = Outcome::Pushed(self.push(message, false, send_room)),
            Op::Send(who, _) => outcome = Outcome::Sent(self.send(waiter(who), message, send_room)),
            Op::Read(who) => outcome = Outcome::Read(self.read(Some(waiter(who)))),
            Op::TryRead => {
                let failed = matches!(self.state, State::Failed(_));
                outcome = Outcome::TryRead(if failed && matches!(self.discarded, Some((_, 0))) {
                    let (messages, _) = self.discarded.take().expect("it was looked at");
                    Err(TryReadError::Read(ReadError::Discarded { messages }))
                } else if failed && !self.incoming.messages.is_empty() {
                    Ok(self.take())
                } else {
                    match self.read(None) {
                        Poll::Ready(result) => result.map_err(TryReadError::Read),
                        Poll::Pending => Err(TryReadError::Empty),
                    }
                });
            }
            Op::Drain(who) => outcome = Outcome::Waited(self.writes(Kind::Drain, waiter(who))),
            Op::Flush(who) => outcome = Outcome::Waited(self.writes(Kind::Flush, waiter(who))),
            Op::Closed(who) => {
                let who = waiter(who);
                self.begin(Kind::Closed, who);
                outcome = Outcome::Closed(if !self.live() {
                    self.leave(who);
                    Poll::Ready(Ok(self.lost))
                } else if self.wait(Kind::Closed, who) {
                    Poll::Pending
                } else {
                    Poll::Ready(Err(TooManyWaiters))
                });
            }
            Op::Event(who) => outcome = Outcome::Event(self.event(Some(waiter(who)))),
            Op::TryEvent => {
                outcome = Outcome::TryEvent(match self.event(None) {
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
                    let before = self.incoming.messages.len();
                    self.discarded.get_or_insert((0, before)).0 += 1;
                }
            }
            Op::Sent | Op::Refused => {
                self.refused += usize::from(matches!(op, Op::Refused));
                self.outgoing.messages.pop_front();
                self.outgoing.update();
            }
            Op::Close => {
                if self.state == State::Open {
                    self.state = State::Closing;
                }
            }
            Op::Abort => {
                if self.live() {
                    self.incoming.messages.clear();
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
                outcome = Outcome::Doubled(std::mem::replace(&mut self.reading_paused, true));
            }
            Op::ResumeReading => {
                outcome = Outcome::Doubled(!std::mem::replace(&mut self.reading_paused, false));
            }
            Op::OnDemand(on) => self.on_demand = on,
            Op::RegisterDriver => self.driver = true,
        }
        let woken = self.wake(send_room_after);
        let after = self.interest();
        let grew = (after.receive && !before.receive) || (after.send && !before.send);
        let ends = was != self.state;
        let driver_woken = self.driver && (grew || ends);
        self.driver &= !driver_woken;
        Seen {
            outcome,
            woken,
            driver_woken: usize::from(driver_woken),
            incoming: (self.incoming.messages.len(), self.incoming.level()),
            outgoing: (self.outgoing.messages.len(), self.outgoing.level()),
            read_gate_paused: self.incoming.paused,
            write_gate_paused: self.outgoing.paused,
            interest: after,
            phase: match self.state {
                State::Closing if self.outgoing.messages.is_empty() => Phase::Flush,
                State::Open | State::Closing => Phase::Run,
                State::Closed | State::Failed(_) => Phase::Ended,
            },
            at_closing: matches!(self.state, State::Closing | State::Closed)
                && self.over(Kind::Read),
            exception: match self.state {
                State::Failed(error) => Some(error),
                _ => None,
            },
            lost: self.lost,
            refused: self.refused,
        }
    }
}
