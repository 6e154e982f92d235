//! What only a shared stream does: room that is lent to be written in, and messages that are lent to be looked at.

use std::task::Poll;

use tidegate_core::{Phase, ReadError, SendError};

use super::{Model, State};
use crate::ops::{Op, Outcome, Refusal, Seen, Shared, waiter};
use crate::{Message, packed};

/// Room that somebody has.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lent {
    received: bool,
    number: usize,
    bytes: usize,
}

impl Model {
    /// What a shared stream is to show after this. It wakes after each of its critical sections, where a machine does after
    /// all that it does.
    pub fn apply_shared(&mut self, op: &Shared, message: &Message) -> Seen {
        let outcome = match *op {
            Shared::Call(ref op) => return self.call_shared(op, message),
            Shared::Reserve(received, bytes, frames) => {
                Outcome::Pushed(self.lend(received, usize::from(bytes), usize::from(frames % 4)))
            }
            Shared::Commit(which, _) => Outcome::Pushed(self.commit(which, message)),
            Shared::GiveUp(which) => {
                if let Some(lent) = self.reserved(which) {
                    self.give_up(lent);
                }
                Outcome::Done
            }
            Shared::Peek(who) => Outcome::Read(self.step(|model| {
                let who = waiter(who);
                model.readable(Some(who)).map_ok(|()| {
                    model.leave(who);
                    model.borrow()
                })
            })),
            Shared::TryPeek => Outcome::TryRead(self.step(|model| {
                model.try_readable()?;
                Ok(model.borrow())
            })),
            Shared::ReadInto(who, bytes) => Outcome::Read(self.step(|model| {
                let who = waiter(who);
                model.readable(Some(who)).map(|ready| {
                    ready?;
                    model.leave(who);
                    let needed_bytes = packed(model.incoming.first().expect("it was looked at"));
                    if needed_bytes > usize::from(bytes) {
                        return Err(ReadError::TooSmall { needed_bytes });
                    }
                    Ok(model.take().expect("it was looked at"))
                })
            })),
            Shared::Release => {
                if std::mem::take(&mut self.held[0]) {
                    self.step(|model| {
                        // Where it is gone already, the gate has nothing left to keep it shut.
                        if !model.incoming.lent || model.take().is_none() {
                            model.incoming.update();
                        }
                    });
                }
                Outcome::Done
            }
            Shared::PutBack => {
                if std::mem::take(&mut self.held[0]) {
                    self.step(|model| model.incoming.lent = false);
                }
                Outcome::Done
            }
            Shared::Head => {
                let head = self.outgoing.first().cloned();
                if head.is_some() {
                    self.step(|model| model.outgoing.lent = true);
                    self.held[1] = true;
                }
                Outcome::Head(head)
            }
            Shared::ReleaseHead | Shared::PutBackHead => {
                if std::mem::take(&mut self.held[1]) {
                    self.step(|model| {
                        if model.outgoing.lent && matches!(op, Shared::ReleaseHead) {
                            model.outgoing.take();
                        }
                        model.outgoing.lent = false;
                    });
                    if self.interest().send || self.phase() == Phase::Flush {
                        self.wake_driver();
                    }
                }
                Outcome::Done
            }
            Shared::CopyHead => Outcome::Head(self.outgoing.first().cloned()),
        };
        self.see(outcome)
    }

    fn call_shared(&mut self, op: &Op, message: &Message) -> Seen {
        let outcome = match *op {
            // Looked at before anything else.
            Op::Feed(_) | Op::Write(_) if message.is_empty() => {
                Outcome::Pushed(Err(Refusal::NoFrames))
            }
            Op::Send(..) if message.is_empty() => {
                Outcome::Sent(Poll::Ready(Err(SendError::NoFrames(()))))
            }
            Op::Send(who, _) => Outcome::Sent(self.send_shared(waiter(who), message)),
            Op::Sent | Op::Refused => {
                if self.outgoing.first().is_some() {
                    self.refused += usize::from(matches!(op, Op::Refused));
                    self.step(|model| drop(model.outgoing.release()));
                    // Until then there was nothing to send, if there is a gap.
                    self.step(|model| model.outgoing.pass_gaps());
                }
                Outcome::Done
            }
            _ => return self.apply(op, message),
        };
        self.see(outcome)
    }

    /// The next one has its turn before the message is there.
    fn send_shared(
        &mut self,
        who: usize,
        message: &Message,
    ) -> Poll<Result<(), SendError<(), u8>>> {
        let reserved = self.step(|model| {
            model.sendable(who, packed(message)).map_ok(|()| {
                let number = model.outgoing.reserve(packed(message));
                model.leave(who);
                number.expect("it was looked at")
            })
        });
        reserved.map_ok(|number| self.step(|model| model.outgoing.write(number, message.clone())))
    }

    fn lend(&mut self, received: bool, bytes: usize, frames: usize) -> Result<(), Refusal> {
        if frames == 0 {
            return Err(Refusal::NoFrames);
        }
        let bytes = bytes + 2 * frames;
        let number = self.step(|model| model.reserve(bytes, received))?;
        self.reserved.push(Lent {
            received,
            number,
            bytes,
        });
        Ok(())
    }

    /// How many bytes the room has that was made so many grants ago.
    pub fn reserved_bytes(&self, which: u8) -> Option<usize> {
        let at = usize::from(which).checked_rem(self.reserved.len())?;
        Some(self.reserved[at].bytes)
    }

    fn reserved(&mut self, which: u8) -> Option<Lent> {
        let at = usize::from(which).checked_rem(self.reserved.len())?;
        Some(self.reserved.remove(at))
    }

    fn commit(&mut self, which: u8, message: &Message) -> Result<(), Refusal> {
        let Some(lent) = self.reserved(which) else {
            return Ok(());
        };
        if message.is_empty() {
            self.give_up(lent);
            return Err(Refusal::NoFrames);
        }
        if packed(message) < lent.bytes {
            self.step(|model| {
                model.side(lent.received).cut(lent.number, packed(message));
                model.starved &= !lent.received;
            });
        }
        if self.state != State::Open {
            self.give_up(lent);
            return Err(Refusal::Closed);
        }
        self.step(|model| {
            model
                .side(lent.received)
                .write(lent.number, message.clone())
        });
        Ok(())
    }

    fn give_up(&mut self, lent: Lent) {
        self.step(|model| {
            model.side(lent.received).give_up(lent.number);
            model.starved &= !lent.received;
        });
    }

    fn borrow(&mut self) -> Message {
        let message = self.incoming.first().expect("it was looked at").clone();
        self.incoming.lent = true;
        self.held[0] = true;
        message
    }
}
