//! The thread of a session: it reads all that comes as fast as it is allowed to, counts it, and keeps the newest.
//!
//! It works in ticks. Until a tick is over it reads; at its end it does what it was asked to, takes the figures and publishes them. It
//! holds no message: what it does not read waits in the stream's buffer, and from the high-water mark on with the peer.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};
use std::time::{Duration, Instant};

use tidegate::{
    BlockingError, EventMask, Multipart, ReadError, ReadEventError, SocketType, Stats,
    TryReadEventError, WriteError, ZmqStream, options,
};

use crate::session::{Command, Shared};
use crate::snapshot::{EVENTS, Field, How, Kept, MESSAGES, Phase, Sample, TICK, push_bounded};

/// So many messages are read between two looks at the clock and at the level.
const BURST: u64 = 128;
/// How long a stream that was closed goes on sending: longer than the end of the program waits, so that it can tell that not all was sent.
const LINGER: Duration = Duration::from_secs(5);

pub(crate) struct Worker {
    commands: Receiver<Command>,
    shared: Shared,
    on_news: Box<dyn Fn() + Send>,
    began: Instant,
    /// The newest messages of this tick.
    messages: VecDeque<Arc<Kept>>,
    read: u64,
    lowest: usize,
    highest: usize,
    pace: Option<u32>,
    /// How many messages may still be read in this tick, and the part of one that is left over for the next.
    allowance: f64,
    before: Stats,
}

/// What is to be waited for until the tick is over.
enum Wait {
    Message,
    /// Nothing can be read.
    Command,
}

impl Worker {
    pub(crate) fn new(
        commands: Receiver<Command>,
        shared: Shared,
        on_news: Box<dyn Fn() + Send>,
    ) -> Self {
        Self {
            commands,
            shared,
            on_news,
            began: Instant::now(),
            messages: VecDeque::new(),
            read: 0,
            lowest: usize::MAX,
            highest: 0,
            pace: None,
            allowance: f64::INFINITY,
            before: Stats::default(),
        }
    }

    pub(crate) fn run(mut self, kind: SocketType, how: How, endpoint: &str) {
        let phase = match self.open(kind, how, endpoint) {
            Ok(stream) => {
                let phase = self.watch(&stream);
                stream.close();
                phase
            }
            Err(why) => Phase::Failed(why),
        };
        {
            let mut shown = self.shared.lock();
            if let Phase::Failed(why) = &phase {
                shown.set_fault(Field::Endpoint, Some(why.clone()));
            }
            shown.phase = phase;
            shown.endpoints.clear();
            shown.subscriptions.clear();
            shown.is_paused = false;
        }
        (self.on_news)();
    }

    /// The monitor comes before the endpoint, so that nothing of it is missed.
    fn open(&self, kind: SocketType, how: How, endpoint: &str) -> Result<ZmqStream, String> {
        let opened = ZmqStream::builder(kind)
            .option(options::LINGER, Some(LINGER))
            .open();
        let stream = opened.map_err(|error| error.to_string())?;
        let monitored = stream.enable_monitor(EventMask::ALL);
        if let Err(why) = attach(&stream, how, endpoint) {
            stream.abort();
            return Err(why);
        }
        let mut shown = self.shared.lock();
        shown.set_fault(
            Field::Events,
            monitored.err().map(|error| error.to_string()),
        );
        shown.phase = Phase::Open;
        drop(shown);
        self.show_state(&stream);
        Ok(stream)
    }

    /// Reads until the stream is closed or has failed.
    fn watch(&mut self, stream: &ZmqStream) -> Phase {
        let mut tick_ends = Instant::now();
        loop {
            let now = Instant::now();
            // Late ticks are left out, not made up for.
            tick_ends = (tick_ends + TICK).max(now);
            let (commands, phase) = self.read_until(stream, tick_ends);
            let is_closed = commands
                .into_iter()
                .any(|command| self.does_close(stream, command));
            let more = self.do_what_was_asked(stream);
            self.take_figures(stream);
            if is_closed || !more {
                return Phase::Closed;
            }
            if let Some(phase) = phase {
                return phase;
            }
        }
    }

    /// Reads as much as may be read until then. Gives a command that has ended a wait, and the stream's end.
    fn read_until(
        &mut self,
        stream: &ZmqStream,
        tick_ends: Instant,
    ) -> (Option<Command>, Option<Phase>) {
        let per_tick = |pace: u32| f64::from(pace) * TICK.as_secs_f64();
        self.allowance = self.pace.map_or(f64::INFINITY, |pace| {
            // What was not used up is not saved, but for the part of a message.
            self.allowance.min(1.0) + per_tick(pace)
        });
        let mut wait = Wait::Message;
        loop {
            self.look_at_level(stream.read_buffer_bytes());
            let left = tick_ends.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return (None, None);
            }
            if self.allowance < 1.0 {
                wait = Wait::Command;
            }
            match wait {
                Wait::Command => match self.commands.recv_timeout(left) {
                    Ok(command) => return (Some(command), None),
                    Err(RecvTimeoutError::Timeout) => {}
                    // The handle was dropped.
                    Err(RecvTimeoutError::Disconnected) => return (Some(Command::Close), None),
                },
                Wait::Message => match stream.blocking().read(left) {
                    Ok(message) => {
                        self.take(&message);
                        self.read_burst(stream);
                    }
                    Err(BlockingError::TimedOut(())) => {}
                    Err(BlockingError::Failed(ReadError::Failed(errno))) => {
                        return (None, Some(Phase::Failed(errno.to_string())));
                    }
                    Err(BlockingError::Failed(ReadError::Closed)) => {
                        return (None, Some(Phase::Closed));
                    }
                    // It only sends, or it is its turn to send.
                    Err(BlockingError::Failed(_)) => wait = Wait::Command,
                },
            }
        }
    }

    /// Reads what is there.
    fn read_burst(&mut self, stream: &ZmqStream) {
        for _ in 0..BURST {
            if self.allowance < 1.0 {
                return;
            }
            match stream.try_read() {
                Ok(message) => self.take(&message),
                // What else it may be, the next read says again.
                Err(_) => return,
            }
        }
    }

    fn take(&mut self, message: &Multipart) {
        self.read += 1;
        self.allowance -= 1.0;
        let kept = Kept::new(self.read, self.began.elapsed(), message);
        push_bounded(&mut self.messages, Arc::new(kept), MESSAGES);
    }

    fn look_at_level(&mut self, level_bytes: usize) {
        self.lowest = self.lowest.min(level_bytes);
        self.highest = self.highest.max(level_bytes);
    }

    /// Whether there may be more commands.
    fn do_what_was_asked(&mut self, stream: &ZmqStream) -> bool {
        loop {
            match self.commands.try_recv() {
                Ok(command) => {
                    if self.does_close(stream, command) {
                        return false;
                    }
                }
                Err(TryRecvError::Empty) => return true,
                Err(TryRecvError::Disconnected) => return false,
            }
        }
    }

    /// Does what a command asks for, and says whether that is to close.
    fn does_close(&mut self, stream: &ZmqStream, command: Command) -> bool {
        let (field, result) = match command {
            Command::Attach(how, endpoint) => (Field::Endpoint, attach(stream, how, &endpoint)),
            Command::Detach(how, endpoint) => (Field::Endpoint, detach(stream, how, &endpoint)),
            Command::Subscribe(prefix) => (Field::Subscription, said(stream.subscribe(prefix))),
            Command::Unsubscribe(prefix) => (Field::Subscription, said(stream.unsubscribe(prefix))),
            Command::Send(frames) => (Field::Message, send(stream, frames)),
            Command::Marks(marks) => {
                stream.set_read_limits(marks);
                (Field::Marks, Ok(()))
            }
            Command::Pause(on) => {
                // Twice is no harm.
                let _ = if on {
                    stream.pause_reading()
                } else {
                    stream.resume_reading()
                };
                return false;
            }
            Command::Pace(pace) => {
                self.pace = pace;
                return false;
            }
            Command::Close => return true,
        };
        self.shared.lock().set_fault(field, result.err());
        self.show_state(stream);
        false
    }

    /// What changes by commands only.
    fn show_state(&self, stream: &ZmqStream) {
        let bound = stream.bindings().into_iter().map(|at| (How::Bind, at));
        let connections = stream.connections().into_iter();
        let connected = connections.map(|to| (How::Connect, to));
        let mut shown = self.shared.lock();
        shown.endpoints = bound.chain(connected).collect();
        shown.subscriptions = stream.subscriptions();
        shown.limits = stream.read_limits();
    }

    /// Ends a tick: publishes what was seen in it.
    fn take_figures(&mut self, stream: &ZmqStream) {
        let stats = stream.stats();
        self.look_at_level(stats.read_buffer_bytes);
        let at = self.began.elapsed();
        let is_paused = stream.is_reading_paused();
        let sample = Sample {
            at: at.as_secs_f64(),
            lowest: self.lowest,
            highest: self.highest,
            received: stats.received_messages,
            received_bytes: stats.received_bytes,
            is_held: stats.read_pauses > self.before.read_pauses
                || stats.read_pauses > stats.read_resumes,
            is_paused,
        };
        (self.lowest, self.highest) = (usize::MAX, 0);

        let mut shown = self.shared.lock();
        while let Some(failure) = stream.take_send_failure() {
            let why = format!("a message that was queued was refused: {}", failure.reason);
            shown.set_fault(Field::Message, Some(why));
        }
        loop {
            match stream.try_read_event() {
                Ok(event) => push_bounded(&mut shown.events, (at, Arc::new(event)), EVENTS),
                Err(TryReadEventError::Read(error @ ReadEventError::Malformed { .. })) => {
                    shown.set_fault(Field::Events, Some(error.to_string()));
                }
                // No event, or no monitor.
                Err(_) => break,
            }
        }
        for message in self.messages.drain(..) {
            push_bounded(&mut shown.messages, message, MESSAGES);
        }
        shown.add_sample(sample);
        shown.is_paused = is_paused;
        shown.discarded_events = stats.discarded_events;
        shown.sent = stats.sent_messages;
        shown.unsent_bytes = stats.write_buffer_bytes;
        shown.pauses = stats.read_pauses;
        drop(shown);
        self.before = stats;
        (self.on_news)();
    }
}

fn said<T>(result: Result<T, impl std::error::Error>) -> Result<(), String> {
    result.map(drop).map_err(|error| error.to_string())
}

fn attach(stream: &ZmqStream, how: How, endpoint: &str) -> Result<(), String> {
    said(match how {
        How::Bind => stream.bind(endpoint),
        How::Connect => stream.connect(endpoint),
    })
}

fn detach(stream: &ZmqStream, how: How, endpoint: &str) -> Result<(), String> {
    said(match how {
        How::Bind => stream.unbind(endpoint),
        How::Connect => stream.disconnect(endpoint),
    })
}

/// Sends at once, or not at all: whoever sends by hand is told that too much waits, and does not wait.
fn send(stream: &ZmqStream, frames: Vec<Vec<u8>>) -> Result<(), String> {
    match stream.blocking().send(frames, Duration::ZERO) {
        Ok(()) => Ok(()),
        Err(BlockingError::TimedOut(_)) => {
            let unsent = crate::frames::bytes(stream.write_buffer_bytes() as u64);
            Err(format!("not sent: {unsent} wait to be sent already"))
        }
        Err(BlockingError::Failed(error @ WriteError::OutOfTurn(_))) => {
            Err(format!("not sent, {error}"))
        }
        Err(BlockingError::Failed(error)) => Err(format!("not sent: {error}")),
    }
}
