//! A real machine, and what is seen of it.

use std::sync::Arc;
use std::task::Poll;

use tidegate_core::{
    Events, Fixed, FixedSlots, Level, Machine, MessageBuffer, OwnedMessage, OwnedQueue, PushError,
    Queue, SendError, Storage, Ticket, Wakes, WriteError,
};

use crate::ops::{EVENTS, Op, Outcome, Refusal, SLOTS, Seen, WAITERS, limits, waiter};
use crate::{Counter, Message, charge, packed, slices};

type Ring = tidegate_core::EventRing<usize, EVENTS>;

/// A storage that the same messages can be put into.
pub trait Subject:
    Storage<Incoming: Queue, Outgoing: Queue, Events: Events<Event = usize>>
{
    fn machine() -> Machine<Self, u8>
    where
        Self: Sized;
    fn incoming<'a>(
        message: &'a Message,
        frames: &'a [&'a [u8]],
    ) -> <Self::Incoming as Queue>::Push<'a>;
    fn outgoing<'a>(
        message: &'a Message,
        frames: &'a [&'a [u8]],
    ) -> <Self::Outgoing as Queue>::Push<'a>;
    fn read(message: <Self::Incoming as Queue>::Pop<'_>) -> Message;
    /// The oldest message that is to be sent.
    fn head(machine: &Machine<Self, u8>) -> Option<Message>
    where
        Self: Sized;
    /// The transport has taken that over: what it was.
    fn sent(machine: &mut Machine<Self, u8>) -> (Option<Message>, Wakes)
    where
        Self: Sized;
    /// Whether a message came back unchanged.
    fn is(message: &<Self::Outgoing as Queue>::Push<'_>, expected: &Message) -> bool;
}

impl<const N: usize> Subject for Fixed<N, N, SLOTS, Ring> {
    fn machine() -> Machine<Self, u8> {
        Machine::new(
            MessageBuffer::new(),
            MessageBuffer::new(),
            FixedSlots::new(),
        )
    }
    fn incoming<'a>(_: &'a Message, frames: &'a [&'a [u8]]) -> &'a [&'a [u8]] {
        frames
    }
    fn outgoing<'a>(_: &'a Message, frames: &'a [&'a [u8]]) -> &'a [&'a [u8]] {
        frames
    }
    fn read(message: tidegate_core::Frames<'_>) -> Message {
        message.map(<[u8]>::to_vec).collect()
    }
    fn head(machine: &Machine<Self, u8>) -> Option<Message> {
        machine.outgoing().peek_with(Self::read)
    }
    fn sent(machine: &mut Machine<Self, u8>) -> (Option<Message>, Wakes) {
        (Self::head(machine), machine.sent())
    }
    fn is(message: &&[&[u8]], expected: &Message) -> bool {
        *message == slices(expected)
    }
}

/// A message as a host keeps it, charged like a packed one.
#[derive(Clone, Debug)]
pub struct Owned(pub Message);

impl OwnedMessage for Owned {
    fn frame_count(&self) -> usize {
        self.0.len()
    }
    fn charge_bytes(&self) -> usize {
        charge(&self.0)
    }
}

/// The storage of a host.
pub enum Host {}

impl Storage for Host {
    type Incoming = OwnedQueue<Owned>;
    type Outgoing = OwnedQueue<Owned>;
    type Events = Ring;
    type Slots = FixedSlots<SLOTS>;
}

impl Subject for Host {
    fn machine() -> Machine<Self, u8> {
        Machine::new(OwnedQueue::new(), OwnedQueue::new(), FixedSlots::new())
    }
    fn incoming<'a>(message: &'a Message, _: &'a [&'a [u8]]) -> Owned {
        Owned(message.clone())
    }
    fn outgoing<'a>(message: &'a Message, _: &'a [&'a [u8]]) -> Owned {
        Owned(message.clone())
    }
    fn read(message: Owned) -> Message {
        message.0
    }
    fn head(machine: &Machine<Self, u8>) -> Option<Message> {
        machine.outgoing().head().map(|message| message.0.clone())
    }
    /// As an adapter does it, which hands messages over while it can.
    fn sent(machine: &mut Machine<Self, u8>) -> (Option<Message>, Wakes) {
        let mut head = None;
        let (_, wakes) = machine.send_while(1, |message| {
            head = Some(message.0.clone());
            true
        });
        (head, wakes)
    }
    fn is(message: &Owned, expected: &Message) -> bool {
        message.0 == *expected
    }
}

/// A machine with its waiters.
pub struct Rig<S: Subject> {
    pub machine: Machine<S, u8>,
    waiters: [(Ticket, Arc<Counter>); WAITERS],
    driver: Arc<Counter>,
    events: usize,
}

impl<S: Subject> Default for Rig<S> {
    fn default() -> Self {
        Self {
            machine: S::machine(),
            waiters: Default::default(),
            driver: Arc::default(),
            events: 0,
        }
    }
}

impl<S: Subject> Rig<S> {
    /// The longest messages that fit now.
    pub fn room(&self) -> [usize; 2] {
        [
            self.machine.incoming().largest_free_bytes(),
            self.machine.outgoing().largest_free_bytes(),
        ]
    }

    /// How many messages wait on either side.
    pub fn lengths(&self) -> [usize; 2] {
        [self.machine.incoming().len(), self.machine.outgoing().len()]
    }

    /// All leave, and what is left is taken out one by one, until nothing comes any more.
    pub fn last_ops(&self) -> Vec<Op> {
        let [received, written] = self.lengths();
        let mut ops: Vec<Op> = (0..WAITERS).map(|who| Op::Cancel(who as u8)).collect();
        // And what was discarded is told in between.
        ops.extend((0..received + 2).map(|_| Op::TryRead));
        ops.extend((0..=written).map(|_| Op::Sent));
        ops.extend((0..=EVENTS).map(|_| Op::TryEvent));
        ops
    }

    fn poll<R>(
        &mut self,
        which: u8,
        f: impl FnOnce(&mut Machine<S, u8>, &mut Ticket) -> (R, Wakes),
    ) -> (R, Wakes) {
        let (ticket, counter) = &mut self.waiters[waiter(which)];
        ticket.offer(&counter.waker());
        let result = f(&mut self.machine, ticket);
        ticket.settle();
        result
    }

    /// Does it, with this message if it is about one.
    pub fn apply(&mut self, op: &Op, message: &Message) -> Seen {
        let frames = slices(message);
        let machine = &mut self.machine;
        let done = |wakes| (Outcome::Done, wakes);
        let (outcome, wakes) = match *op {
            Op::Feed(_) => match machine.feed(S::incoming(message, &frames)) {
                Ok(wakes) => (Outcome::Pushed(Ok(())), wakes),
                Err(error) => {
                    let refusal = match error {
                        PushError::NoFrames(_) => Refusal::NoFrames,
                        PushError::Full(_) => Refusal::Full,
                        PushError::TooLarge(_) => Refusal::TooLarge,
                        PushError::Closed(_) => Refusal::Closed,
                    };
                    (Outcome::Pushed(Err(refusal)), Wakes::NONE)
                }
            },
            Op::Write(_) => match machine.write(S::outgoing(message, &frames)) {
                Ok(wakes) => (Outcome::Pushed(Ok(())), wakes),
                Err(error) => {
                    let refusal = match &error {
                        WriteError::NoFrames(_) => Refusal::NoFrames,
                        WriteError::Full(_) => Refusal::Full,
                        WriteError::TooLarge(_) => Refusal::TooLarge,
                        WriteError::Closed(_) => Refusal::Closed,
                        WriteError::Failed(_, error) => Refusal::Failed(*error),
                    };
                    assert!(S::is(&error.into_message(), message), "it comes back");
                    (Outcome::Pushed(Err(refusal)), Wakes::NONE)
                }
            },
            Op::Send(which, _) => {
                let (sent, wakes) = self.poll(which, |machine, ticket| {
                    let (ready, wakes) = machine.poll_send(ticket, packed(message));
                    match ready {
                        Poll::Ready(Ok(())) => {
                            let (written, more) =
                                machine.write_in_turn(ticket, S::outgoing(message, &frames));
                            let written = match written {
                                Ok(()) => Ok(()),
                                Err(WriteError::NoFrames(_)) => Err(SendError::NoFrames(())),
                                Err(_) => panic!("it was its turn, and there was room"),
                            };
                            (Poll::Ready(written), wakes.and(more))
                        }
                        other => (other, wakes),
                    }
                });
                (Outcome::Sent(sent), wakes)
            }
            Op::Read(which) => {
                let (read, wakes) =
                    self.poll(which, |machine, ticket| machine.poll_read(ticket, S::read));
                (Outcome::Read(read), wakes)
            }
            Op::TryRead => {
                let (read, wakes) = machine.try_read(S::read);
                (Outcome::TryRead(read), wakes)
            }
            Op::Drain(which) => {
                let (drained, wakes) = self.poll(which, Machine::poll_drain);
                (Outcome::Waited(drained), wakes)
            }
            Op::Flush(which) => {
                let (flushed, wakes) = self.poll(which, Machine::poll_flush);
                (Outcome::Waited(flushed), wakes)
            }
            Op::Closed(which) => {
                let (closed, wakes) = self.poll(which, Machine::poll_closed);
                (Outcome::Closed(closed), wakes)
            }
            Op::Event(which) => {
                let (event, wakes) = self.poll(which, Machine::poll_event);
                (Outcome::Event(event), wakes)
            }
            Op::TryEvent => {
                let (event, wakes) = machine.try_event();
                (Outcome::TryEvent(event), wakes)
            }
            Op::FeedEvent => {
                self.events += 1;
                done(machine.feed_event(self.events))
            }
            Op::Monitor(on) => done(machine.set_monitoring(on)),
            Op::Backlog(events) => done(machine.set_event_backlog(usize::from(events))),
            Op::Cancel(which) => {
                let (ticket, _) = &mut self.waiters[waiter(which)];
                let wakes = machine.cancel(ticket);
                ticket.settle();
                done(wakes)
            }
            Op::Discard => done(machine.discard()),
            Op::Sent => {
                let (head, wakes) = S::sent(machine);
                (Outcome::Head(head), wakes)
            }
            Op::Refused => {
                let head = S::head(machine);
                (Outcome::Head(head), machine.refused())
            }
            Op::Close => done(machine.close()),
            Op::Abort => done(machine.abort()),
            Op::Finish => done(machine.finish()),
            Op::Fail(error) => done(machine.fail(error)),
            Op::ReadLimits(a, b) => done(machine.set_read_limits(limits(a, b))),
            Op::WriteLimits(a, b) => done(machine.set_write_limits(limits(a, b))),
            Op::PauseReading => (
                Outcome::Doubled(machine.pause_reading().is_err()),
                Wakes::NONE,
            ),
            Op::ResumeReading => match machine.resume_reading() {
                Ok(wakes) => (Outcome::Doubled(false), wakes),
                Err(_) => (Outcome::Doubled(true), Wakes::NONE),
            },
            Op::OnDemand(on) => done(machine.set_on_demand(on)),
            Op::RegisterDriver => {
                machine.register_driver(self.driver.waker());
                assert!(machine.has_driver());
                done(Wakes::NONE)
            }
            Op::DeregisterDriver => {
                machine.deregister_driver();
                assert!(!machine.has_driver());
                done(Wakes::NONE)
            }
            Op::Look(which) => {
                let (looked, wakes) = self.poll(which, Machine::poll_readable);
                (Outcome::Looked(looked), wakes)
            }
            Op::Ask(which, bytes) => {
                let (ready, wakes) = self.poll(which, |machine, ticket| {
                    machine.poll_send(ticket, usize::from(bytes))
                });
                (Outcome::Sent(ready), wakes)
            }
        };
        self.wake(wakes);
        self.see(outcome)
    }

    fn wake(&mut self, mut wakes: Wakes) {
        while let Some(waker) = self.machine.take_waker(&mut wakes) {
            waker.wake();
        }
    }

    fn see(&self, outcome: Outcome) -> Seen {
        let machine = &self.machine;
        let (incoming, outgoing) = (machine.incoming(), machine.outgoing());
        Seen {
            outcome,
            woken: self.waiters.each_ref().map(|(_, counter)| counter.take()),
            driver_woken: self.driver.take(),
            levels: [incoming.level_bytes(), outgoing.level_bytes()],
            gates_paused: [
                machine.is_read_gate_paused(),
                machine.is_write_gate_paused(),
            ],
            interest: machine.interest(),
            phase: machine.phase(),
            at_closing: machine.at_closing(),
            exception: machine.exception().copied(),
            lost: machine.lost(),
            refused: machine.refused_messages(),
            reading_paused: machine.is_reading_paused(),
            monitoring: machine.is_monitoring(),
            events_discarded: machine.events().discarded(),
        }
    }
}
