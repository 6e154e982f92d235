//! A stream's side of the seam: its machine, locked, and its books.

use std::mem;

use tidegate_core::{Interest, Level, Machine, OwnedQueue, Phase, Port, Wakes};
use zmq::SocketType;

use crate::error::Errno;
use crate::ledger::Ledger;
use crate::message::{Frame, Multipart};
use crate::queue::{GrowingSlots, Owned};
use crate::turns::Turn;

/// The machine of a stream over libzmq.
pub(crate) type ZmqMachine = Machine<Owned, Errno>;

/// A machine over empty queues.
pub(crate) fn new_machine() -> ZmqMachine {
    Machine::new(OwnedQueue::new(), OwnedQueue::new(), GrowingSlots::new())
}

/// The machine, for as long as its owner has it locked. Wakes are gathered for when it is let go.
pub(crate) struct OwnedPort<'a> {
    pub(crate) machine: &'a mut ZmqMachine,
    ledger: &'a mut Ledger,
    turn: &'a mut Turn,
    pub(crate) wakes: Wakes,
    moved_bytes: usize,
}

impl<'a> OwnedPort<'a> {
    pub(crate) fn new(
        machine: &'a mut ZmqMachine,
        ledger: &'a mut Ledger,
        turn: &'a mut Turn,
    ) -> Self {
        Self {
            machine,
            ledger,
            turn,
            wakes: Wakes::NONE,
            moved_bytes: 0,
        }
    }

    /// The owner notes the gates, once for all that was done: a gate turns once at most while messages only come in or only go.
    fn wake(&mut self, wakes: Wakes) {
        self.wakes = self.wakes.and(wakes);
    }

    /// A message was received. The queue of a host takes every message that has a frame.
    pub(crate) fn feed(&mut self, message: Multipart) {
        if self.ledger.kind() == SocketType::REQ {
            if *self.turn == Turn::Write {
                // The request was given up: its reply is nobody's, though somebody may wait for the next one.
                return;
            }
            // Of one that was adopted it was not known that it had asked.
            *self.turn = Turn::Read;
        }
        let frames = message.len();
        self.ledger.look_at(&message);
        let before = self.machine.incoming().level_bytes();
        if let Ok(wakes) = self.machine.feed(message) {
            let bytes = self.machine.incoming().level_bytes().saturating_sub(before);
            self.moved_bytes = self.moved_bytes.wrapping_add(bytes);
            self.ledger.received(payload(bytes, frames));
            self.wake(wakes);
        }
    }

    /// Lets `send` take the oldest messages over, one after the other and so many at most, until it says of one that it was not taken.
    /// It adds up the bytes of what it sends.
    pub(crate) fn send_while(
        &mut self,
        most: usize,
        mut send: impl FnMut(&mut Multipart, &mut usize) -> bool,
    ) {
        let before = self.machine.outgoing().level_bytes();
        let mut payload_bytes = 0;
        let (sent, wakes) = self
            .machine
            .send_while(most, |message| send(message, &mut payload_bytes));
        let bytes = before.saturating_sub(self.machine.outgoing().level_bytes());
        self.moved_bytes = self.moved_bytes.wrapping_add(bytes);
        self.ledger.sent(sent, payload_bytes);
        self.wake(wakes);
    }
}

/// What is payload of what a message was charged.
fn payload(charged_bytes: usize, frames: usize) -> usize {
    charged_bytes.saturating_sub(frames.saturating_mul(size_of::<Frame>()))
}

impl Port for OwnedPort<'_> {
    type Error = Errno;
    type Refused = Errno;

    fn interest(&mut self) -> Interest {
        self.machine.interest()
    }

    fn phase(&mut self) -> Phase {
        self.machine.phase()
    }

    fn moved_bytes(&self) -> usize {
        self.moved_bytes
    }

    fn discarded(&mut self) {
        let wakes = self.machine.discard();
        self.wake(wakes);
    }

    fn refused(&mut self, reason: Errno) {
        let message = self.machine.outgoing_mut().head_mut().map(mem::take);
        let wakes = self.machine.refused();
        self.wake(wakes);
        if let Some(message) = message {
            self.ledger.keep(message, reason);
        }
        if self.ledger.kind() == SocketType::REQ {
            // There is no reply to a request that was not sent.
            *self.turn = Turn::Write;
            if self.machine.has_readers() {
                self.discarded();
            }
        }
    }

    fn finish(&mut self) {
        let wakes = self.machine.finish();
        self.wake(wakes);
    }

    fn fail(&mut self, error: Errno) {
        let wakes = self.machine.fail(error);
        self.wake(wakes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d2_a_batch_is_measured_by_what_went_both_ways() {
        let (mut machine, mut turn) = (new_machine(), Turn::Either);
        let mut ledger = Ledger::new(SocketType::DEALER);
        let message = || Multipart::from(("ten bytes.", vec![7; 1_000]));
        let charged = 10 + 1_000 + 2 * size_of::<Frame>();
        for _ in 0..3 {
            let _ = machine.write(message());
        }
        let mut port = OwnedPort::new(&mut machine, &mut ledger, &mut turn);
        assert_eq!(port.moved_bytes(), 0);
        port.feed(message());
        assert_eq!(port.moved_bytes(), charged);
        let mut left = 2;
        port.send_while(9, |_, _| {
            left -= 1;
            left >= 0
        });
        assert_eq!(port.moved_bytes(), 3 * charged);
    }
}
