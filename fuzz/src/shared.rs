//! A real shared stream with the futures of those who wait for it and the grants that are out, and what is seen of it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tidegate_core::{
    Closed, CommitError, Drain, Flush, Frames, Peek, Port, PushError, Read, ReadError, ReadEvent,
    ReadGrant, SendError, SendMessage, Stream, WriteError, WriteGrant,
};

use crate::ops::{EVENTS, Op, Outcome, Refusal, SLOTS, Seen, Shared, WAITERS, limits, waiter};
use crate::{Counter, Message, packed};

type Ring = tidegate_core::EventRing<usize, EVENTS>;
pub type Real<const N: usize> = Stream<N, N, SLOTS, u8, Ring>;

/// What a waiter waits for.
enum Wait<'s, const N: usize> {
    Peek(Peek<'s, N, N, SLOTS, u8, Ring>),
    Read(Read<'s, 's, N, N, SLOTS, u8, Ring>),
    Send(SendMessage<'s, 's, N, N, SLOTS, u8, Ring>),
    Drain(Drain<'s, N, N, SLOTS, u8, Ring>),
    Flush(Flush<'s, N, N, SLOTS, u8, Ring>),
    Event(ReadEvent<'s, N, N, SLOTS, u8, Ring>),
    Closed(Closed<'s, N, N, SLOTS, u8, Ring>),
}

/// Room on one side or the other.
enum Grant<'s, const N: usize> {
    Received(WriteGrant<'s, N, N, SLOTS, u8, Ring, true>),
    Written(WriteGrant<'s, N, N, SLOTS, u8, Ring, false>),
}

impl<const N: usize> Grant<'_, N> {
    fn frame(&mut self, len: usize) -> Option<&mut [u8]> {
        match self {
            Self::Received(grant) => grant.frame(len),
            Self::Written(grant) => grant.frame(len),
        }
    }

    fn commit(self) -> Result<(), Refusal> {
        let committed = match self {
            Self::Received(grant) => grant.commit(),
            Self::Written(grant) => grant.commit(),
        };
        committed.map_err(|error| match error {
            CommitError::NoFrames => Refusal::NoFrames,
            CommitError::Closed => Refusal::Closed,
        })
    }
}

/// One who waits.
struct Waiter<'s, const N: usize> {
    wait: Option<Wait<'s, N>>,
    /// The number of the call with which the wait began.
    since: usize,
    counter: Arc<Counter>,
}

pub struct SharedRig<'s, const N: usize> {
    stream: &'s Real<N>,
    waiters: [Waiter<'s, N>; WAITERS],
    grants: Vec<Grant<'s, N>>,
    reading: Option<ReadGrant<'s, N, N, SLOTS, u8, Ring, true>>,
    sending: Option<ReadGrant<'s, N, N, SLOTS, u8, Ring, false>>,
    driver: Arc<Counter>,
    events: usize,
    /// The number of the call that is being done.
    now: usize,
}

fn owned(frames: Frames<'_>) -> Message {
    frames.map(<[u8]>::to_vec).collect()
}

fn refusal<M>(error: PushError<M>) -> Refusal {
    match error {
        PushError::NoFrames(_) => Refusal::NoFrames,
        PushError::Full(_) => Refusal::Full,
        PushError::TooLarge(_) => Refusal::TooLarge,
        PushError::Closed(_) => Refusal::Closed,
    }
}

fn not_written<M>(error: WriteError<M, u8>) -> Refusal {
    match error {
        WriteError::NoFrames(_) => Refusal::NoFrames,
        WriteError::Full(_) => Refusal::Full,
        WriteError::TooLarge(_) => Refusal::TooLarge,
        WriteError::Closed(_) => Refusal::Closed,
        WriteError::Failed(_, error) => Refusal::Failed(error),
    }
}

fn not_sent<M>(error: SendError<M, u8>) -> SendError<(), u8> {
    match error {
        SendError::NoFrames(_) => SendError::NoFrames(()),
        SendError::TooLarge(_) => SendError::TooLarge(()),
        SendError::Closed(_) => SendError::Closed(()),
        SendError::Failed(_, error) => SendError::Failed((), error),
        SendError::TooManyWaiters(_) => SendError::TooManyWaiters(()),
    }
}

impl<'s, const N: usize> SharedRig<'s, N> {
    pub fn new(stream: &'s Real<N>) -> Self {
        Self {
            stream,
            waiters: [(); WAITERS].map(|()| Waiter {
                wait: None,
                since: 0,
                counter: Arc::default(),
            }),
            grants: Vec::new(),
            reading: None,
            sending: None,
            driver: Arc::default(),
            events: 0,
            now: 0,
        }
    }

    /// Whoever waits and is now to do something else, and the call with which a wait began that now goes on.
    pub fn before(&self, op: &Shared) -> (Option<u8>, Option<usize>) {
        let (Shared::Peek(who)
        | Shared::ReadInto(who, _)
        | Shared::Call(
            Op::Read(who)
            | Op::Send(who, _)
            | Op::Drain(who)
            | Op::Flush(who)
            | Op::Event(who)
            | Op::Closed(who),
        )) = *op
        else {
            return (None, None);
        };
        let waits = &self.waiters[waiter(who)];
        match (&waits.wait, op) {
            (None, _) => (None, None),
            (Some(Wait::Peek(_)), Shared::Peek(_) | Shared::Call(Op::Read(_)))
            | (Some(Wait::Drain(_)), Shared::Call(Op::Drain(_)))
            | (Some(Wait::Flush(_)), Shared::Call(Op::Flush(_)))
            | (Some(Wait::Event(_)), Shared::Call(Op::Event(_)))
            | (Some(Wait::Closed(_)), Shared::Call(Op::Closed(_))) => (None, None),
            // What these wait with was said when they began.
            (Some(Wait::Read(_)), Shared::ReadInto(..))
            | (Some(Wait::Send(_)), Shared::Call(Op::Send(..))) => (None, Some(waits.since)),
            _ => (Some(who), None),
        }
    }

    /// Polls what a waiter waits for, which begins if it does not wait. A wait that is over is dropped.
    fn poll<F, R>(
        &mut self,
        which: u8,
        begin: impl FnOnce(&'s Real<N>) -> Wait<'s, N>,
        of: impl for<'w> FnOnce(&'w mut Wait<'s, N>) -> Option<&'w mut F>,
        seen: impl FnOnce(&mut Self, &mut F, F::Output) -> R,
    ) -> Poll<R>
    where
        F: Future + Unpin,
    {
        let Waiter {
            wait,
            since,
            counter,
        } = &mut self.waiters[waiter(which)];
        let mut wait = wait.take().unwrap_or_else(|| {
            *since = self.now;
            begin(self.stream)
        });
        let waker = counter.waker();
        let future = of(&mut wait).expect("it waits for nothing else");
        match Pin::new(&mut *future).poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => Poll::Ready(seen(self, future, output)),
            Poll::Pending => {
                self.waiters[waiter(which)].wait = Some(wait);
                Poll::Pending
            }
        }
    }

    fn peek(&mut self, which: u8, is_kept: bool) -> Outcome {
        Outcome::Read(self.poll(
            which,
            |stream| Wait::Peek(stream.peek()),
            |wait| match wait {
                Wait::Peek(peek) => Some(peek),
                _ => None,
            },
            |rig, _, peeked| {
                let grant = peeked?;
                let message = owned(grant.frames());
                if is_kept {
                    assert!(rig.reading.replace(grant).is_none(), "lent twice");
                } else {
                    grant.release();
                }
                Ok(message)
            },
        ))
    }

    fn read_into(&mut self, which: u8, out: &'s mut [u8]) -> Outcome {
        Outcome::Read(self.poll(
            which,
            |stream| Wait::Read(stream.read(out)),
            |wait| match wait {
                Wait::Read(read) => Some(read),
                _ => None,
            },
            |_, read, result| {
                let message = owned(result?);
                // The slice went with the message.
                let again = Pin::new(read).poll(&mut Context::from_waker(std::task::Waker::noop()));
                assert!(matches!(again, Poll::Ready(Err(ReadError::Closed))));
                Ok(message)
            },
        ))
    }

    fn send(&mut self, which: u8, frames: &'s [&'s [u8]]) -> Outcome {
        Outcome::Sent(self.poll(
            which,
            |stream| Wait::Send(stream.send(frames)),
            |wait| match wait {
                Wait::Send(send) => Some(send),
                _ => None,
            },
            |_, send, sent| {
                let again = Pin::new(send).poll(&mut Context::from_waker(std::task::Waker::noop()));
                assert!(matches!(again, Poll::Ready(Err(SendError::Closed([])))));
                sent.map_err(not_sent)
            },
        ))
    }

    fn call(&mut self, op: &Op, frames: &'s [&'s [u8]]) -> Outcome {
        let (stream, mut port) = (self.stream, self.stream.port());
        match *op {
            Op::Feed(_) => {
                return Outcome::Pushed(port.feed(frames).map_err(|error| {
                    let refused = refusal(error);
                    if let PushError::Full(back) = error {
                        assert_eq!(back, frames, "it comes back");
                    }
                    refused
                }));
            }
            Op::Write(_) => return Outcome::Pushed(stream.write(frames).map_err(not_written)),
            Op::Send(which, _) => return self.send(which, frames),
            Op::Read(which) => return self.peek(which, false),
            Op::TryRead => {
                let mut out = [0; N];
                return Outcome::TryRead(stream.try_read(&mut out).map(owned));
            }
            Op::Drain(which) => {
                return Outcome::Waited(self.poll(
                    which,
                    |stream| Wait::Drain(stream.drain()),
                    |wait| match wait {
                        Wait::Drain(drain) => Some(drain),
                        _ => None,
                    },
                    |_, _, drained| drained,
                ));
            }
            Op::Flush(which) => {
                return Outcome::Waited(self.poll(
                    which,
                    |stream| Wait::Flush(stream.flush()),
                    |wait| match wait {
                        Wait::Flush(flush) => Some(flush),
                        _ => None,
                    },
                    |_, _, flushed| flushed,
                ));
            }
            Op::Event(which) => {
                return Outcome::Event(self.poll(
                    which,
                    |stream| Wait::Event(stream.read_event()),
                    |wait| match wait {
                        Wait::Event(event) => Some(event),
                        _ => None,
                    },
                    |_, _, event| event,
                ));
            }
            Op::Closed(which) => {
                return Outcome::Closed(self.poll(
                    which,
                    |stream| Wait::Closed(stream.closed()),
                    |wait| match wait {
                        Wait::Closed(closed) => Some(closed),
                        _ => None,
                    },
                    |_, _, closed| closed,
                ));
            }
            Op::TryEvent => return Outcome::TryEvent(stream.try_read_event()),
            Op::FeedEvent => {
                self.events += 1;
                port.feed_event(self.events);
            }
            Op::Monitor(on) => stream.set_monitoring(on),
            Op::Backlog(events) => stream.set_event_backlog(usize::from(events)),
            Op::Cancel(which) => drop(self.waiters[waiter(which)].wait.take()),
            Op::Discard => port.discard(),
            Op::Sent => port.sent(),
            Op::Refused => Port::refused(&mut port, ()),
            Op::Close => stream.close(),
            Op::Abort => stream.abort(),
            Op::Finish => port.finish(),
            Op::Fail(error) => port.fail(error),
            Op::ReadLimits(a, b) => stream.set_read_limits(limits(a, b)),
            Op::WriteLimits(a, b) => stream.set_write_limits(limits(a, b)),
            Op::PauseReading => return Outcome::Doubled(stream.pause_reading().is_err()),
            Op::ResumeReading => return Outcome::Doubled(stream.resume_reading().is_err()),
            Op::OnDemand(on) => stream.set_on_demand(on),
            Op::RegisterDriver => port.register(&self.driver.waker()),
            Op::DeregisterDriver => port.deregister(),
            Op::Look(_) | Op::Ask(..) => unreachable!("a stream has no such call"),
        }
        Outcome::Done
    }

    fn grant(&mut self, which: u8) -> Option<Grant<'s, N>> {
        let at = usize::from(which).checked_rem(self.grants.len())?;
        Some(self.grants.remove(at))
    }

    /// Does it, as the call of this number, with this message and slice if it is about them.
    pub fn apply(
        &mut self,
        op: &Shared,
        number: usize,
        frames: &'s [&'s [u8]],
        out: &'s mut [u8],
    ) -> Seen {
        self.now = number;
        let (stream, port) = (self.stream, self.stream.port());
        let outcome = match *op {
            Shared::Call(ref op) => self.call(op, frames),
            Shared::Reserve(received, bytes, frames) => {
                let (bytes, frames) = (usize::from(bytes), usize::from(frames % 4));
                let grant = if received {
                    let grant = port.reserve(bytes, frames).map_err(refusal);
                    grant.map(Grant::Received)
                } else {
                    let grant = stream.reserve(bytes, frames).map_err(not_written);
                    grant.map(Grant::Written)
                };
                Outcome::Pushed(grant.map(|grant| self.grants.push(grant)))
            }
            Shared::Commit(which, _) => Outcome::Pushed(match self.grant(which) {
                None => Ok(()),
                Some(mut grant) => {
                    for frame in frames {
                        if let Some(room) = grant.frame(frame.len()) {
                            room.copy_from_slice(frame);
                        }
                    }
                    grant.commit()
                }
            }),
            Shared::GiveUp(which) => {
                drop(self.grant(which));
                Outcome::Done
            }
            Shared::Peek(which) => self.peek(which, true),
            Shared::TryPeek => Outcome::TryRead(stream.try_peek().map(|grant| {
                let message = owned(grant.frames());
                assert!(self.reading.replace(grant).is_none(), "lent twice");
                message
            })),
            Shared::ReadInto(which, _) => self.read_into(which, out),
            Shared::Release => {
                if let Some(grant) = self.reading.take() {
                    grant.release();
                }
                Outcome::Done
            }
            Shared::PutBack => {
                drop(self.reading.take());
                Outcome::Done
            }
            Shared::Head => {
                let head = port.head();
                let message = head.as_ref().map(|head| owned(head.frames()));
                if let Some(head) = head {
                    assert!(self.sending.replace(head).is_none(), "lent twice");
                }
                Outcome::Head(message)
            }
            Shared::ReleaseHead => {
                if let Some(head) = self.sending.take() {
                    head.release();
                }
                Outcome::Done
            }
            Shared::PutBackHead => {
                drop(self.sending.take());
                Outcome::Done
            }
            Shared::CopyHead => {
                let mut out = [0; N];
                let head = port.copy_head(&mut out).expect("all that there is fits");
                Outcome::Head(head.map(owned))
            }
        };
        self.see(outcome)
    }

    /// Drops what a waiter waits for.
    pub fn cancel(&mut self, which: u8) -> Seen {
        drop(self.waiters[waiter(which)].wait.take());
        self.see(Outcome::Done)
    }

    fn see(&self, outcome: Outcome) -> Seen {
        let stream = self.stream;
        Seen {
            outcome,
            woken: self.waiters.each_ref().map(|waits| waits.counter.take()),
            driver_woken: self.driver.take(),
            levels: [stream.read_buffer_bytes(), stream.write_buffer_bytes()],
            gates_paused: [stream.is_read_gate_paused(), stream.is_write_gate_paused()],
            interest: stream.port().interest(),
            phase: stream.port().phase(),
            at_closing: stream.at_closing(),
            exception: stream.exception(),
            lost: stream.lost(),
            refused: stream.refused_messages(),
            reading_paused: stream.is_reading_paused(),
            monitoring: stream.is_monitoring(),
            events_discarded: stream.discarded_events(),
        }
    }
}

/// The message as far as it fits into so much room: frames that do not are left out.
pub fn fitting(message: &Message, bytes: usize) -> Message {
    let mut fits = Message::new();
    for frame in message {
        if packed(&fits) + 2 + frame.len() <= bytes {
            fits.push(frame.clone());
        }
    }
    fits
}
