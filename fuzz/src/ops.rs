//! What may be done to a machine, and what is seen of it afterwards.

use std::task::Poll;

use arbitrary::Arbitrary;
use tidegate_core::{
    DrainError, Interest, Lost, Phase, ReadError, ReadEventError, SendError, TooManyWaiters,
    TryReadError, TryReadEventError, Watermarks,
};

use crate::Message;

/// How many may wait, and for how many of them there is room.
pub const WAITERS: usize = 5;
pub const SLOTS: usize = 3;
/// How many events are kept.
pub const EVENTS: usize = 2;

/// The lengths of a message's frames.
pub type Lengths = Vec<u8>;

#[derive(Arbitrary, Debug)]
pub enum Op {
    Feed(Lengths),
    Discard,
    Write(Lengths),
    Send(u8, Lengths),
    Read(u8),
    TryRead,
    Drain(u8),
    Flush(u8),
    Closed(u8),
    Event(u8),
    TryEvent,
    FeedEvent,
    Monitor(bool),
    Backlog(u8),
    Cancel(u8),
    Sent,
    Refused,
    Close,
    Abort,
    Finish,
    Fail(u8),
    ReadLimits(u8, u8),
    WriteLimits(u8, u8),
    PauseReading,
    ResumeReading,
    OnDemand(bool),
    RegisterDriver,
    DeregisterDriver,
    /// Whether a message may be taken, or so many bytes be sent, and no more than that.
    Look(u8),
    Ask(u8, u8),
}

/// What may be done to a shared stream: all of that but the last two, and what lends and borrows.
#[derive(Arbitrary, Debug)]
pub enum Shared {
    Call(Op),
    /// Room on one side, for so many bytes in so many frames.
    Reserve(bool, u8, u8),
    /// The room that was made so many grants ago is used, for as much as fits.
    Commit(u8, Lengths),
    GiveUp(u8),
    Peek(u8),
    TryPeek,
    Release,
    PutBack,
    /// A read into so many bytes.
    ReadInto(u8, u8),
    Head,
    ReleaseHead,
    PutBackHead,
    CopyHead,
}

/// A waiter's number.
pub fn waiter(which: u8) -> usize {
    usize::from(which) % WAITERS
}

/// A valid pair of marks out of any two numbers.
pub fn marks(a: u8, b: u8) -> (usize, usize) {
    let (high, low) = (usize::from(a.max(b)), usize::from(a.min(b)));
    if high == 255 {
        (usize::MAX, low)
    } else {
        (high, low)
    }
}

/// The same as the machine takes it.
pub fn limits(a: u8, b: u8) -> Watermarks {
    let (high, low) = marks(a, b);
    Watermarks::new(high, low).expect("they are in order")
}

/// Why a message was not queued.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    NoFrames,
    Full,
    TooLarge,
    Closed,
    Failed(u8),
}

/// What a call returned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Done,
    Doubled(bool),
    Pushed(Result<(), Refusal>),
    Sent(Poll<Result<(), SendError<(), u8>>>),
    Read(Poll<Result<Message, ReadError<u8>>>),
    Looked(Poll<Result<(), ReadError<u8>>>),
    TryRead(Result<Message, TryReadError<u8>>),
    Head(Option<Message>),
    Waited(Poll<Result<(), DrainError<u8>>>),
    Closed(Poll<Result<Lost, TooManyWaiters>>),
    Event(Poll<Result<(usize, usize), ReadEventError<u8>>>),
    TryEvent(Result<(usize, usize), TryReadEventError<u8>>),
}

/// All that is seen of a machine after a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    pub outcome: Outcome,
    /// How often each waiter was woken by the call.
    pub woken: [usize; WAITERS],
    pub driver_woken: usize,
    /// Of what was received, and of what is to be sent.
    pub levels: [usize; 2],
    pub gates_paused: [bool; 2],
    pub interest: Interest,
    pub phase: Phase,
    pub at_closing: bool,
    pub exception: Option<u8>,
    pub lost: Lost,
    pub refused: usize,
    pub reading_paused: bool,
    pub monitoring: bool,
    pub events_discarded: usize,
}
