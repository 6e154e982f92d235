//! The thread of a session: it reads all that comes as fast as it is allowed to, counts it, and keeps the newest.
//!
//! It works in ticks. Until a tick is over it reads; at its end it does what it was asked to, takes the figures and publishes them. It
//! holds no message: what it does not read waits in the stream's buffer, and from the high-water mark on with the peer.
//!
//! Under the lock that the window draws under it calls no stream, and copies no more than is kept.

use std::collections::VecDeque;
use std::iter;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};
use std::time::{Duration, Instant};

use tidegate::{
    BlockingError, EventMask, Multipart, ReadError, ReadEventError, SocketEvent, SocketType, Stats,
    TryReadEventError, WriteError, ZmqStream, options,
};

use crate::session::{Command, Shared};
use crate::snapshot::{
    EVENTS, Field, How, Kept, MESSAGES, Phase, Sample, TICK, high_of, push_bounded,
};
use crate::ticks::Ticks;

/// How long a stream that was closed goes on sending, unless it is asked for to be closed at once. The end of the program waits for less, and
/// tells if not all was sent.
const LINGER: Duration = Duration::from_secs(30);
/// So many messages that were refused are looked at in a tick; only the last one is shown.
const REFUSED: usize = 64;

pub(crate) struct Worker {
    commands: Receiver<Command>,
    shared: Shared,
    on_news: Box<dyn Fn() + Send>,
    began: Instant,
    ticks: Ticks,
    is_closing: bool,
    /// The newest messages of this tick.
    messages: VecDeque<Arc<Kept>>,
    read: u64,
    lowest: usize,
    highest: usize,
    before: Stats,
}

/// What is to be waited for until the tick is over.
enum Wait {
    Message,
    /// Nothing can be read.
    Command,
}

/// Why a stream is not read any more.
enum End {
    /// It was asked for.
    Asked,
    /// The same, with no time for what is not sent yet.
    AskedAtOnce,
    /// Nobody asks any more: the handle was dropped.
    Dropped,
    /// The stream has ended by itself.
    Itself(Phase),
}

impl Worker {
    pub(crate) fn new(
        commands: Receiver<Command>,
        shared: Shared,
        on_news: Box<dyn Fn() + Send>,
    ) -> Self {
        let began = Instant::now();
        Self {
            commands,
            shared,
            on_news,
            began,
            ticks: Ticks::new(began),
            is_closing: false,
            messages: VecDeque::new(),
            read: 0,
            lowest: usize::MAX,
            highest: 0,
            before: Stats::default(),
        }
    }

    pub(crate) fn run(mut self, kind: SocketType, how: How, endpoint: &str) {
        let phase = match self.open(kind, how, endpoint) {
            Ok(stream) => {
                let end = self.watch(&stream);
                self.close(&stream, end)
            }
            Err(why) => Phase::Failed(why),
        };
        self.shared.lock().end(phase);
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

    /// Reads until the stream is to be closed or has ended.
    fn watch(&mut self, stream: &ZmqStream) -> End {
        self.ticks = Ticks::new(Instant::now());
        loop {
            let mut then = self.read(stream);
            if then.is_continue() {
                then = self.do_what_was_asked(stream);
            }
            self.take_figures(stream);
            if let ControlFlow::Break(end) = then {
                return end;
            }
            self.ticks.begin_next(Instant::now());
        }
    }

    /// Reads as much as may be read until the tick is over. When nothing can be read it does what it is asked to at once, and the tick goes
    /// on.
    fn read(&mut self, stream: &ZmqStream) -> ControlFlow<End> {
        let mut wait = Wait::Message;
        loop {
            self.look_at_level(stream.read_buffer_bytes());
            let left = self.ticks.left(Instant::now());
            if left.is_zero() {
                return ControlFlow::Continue(());
            }
            if self.ticks.burst() == 0 {
                wait = Wait::Command;
            }
            match wait {
                Wait::Command => match self.commands.recv_timeout(left) {
                    Ok(command) => {
                        self.do_command(stream, command)?;
                        // It may be its turn to read.
                        wait = Wait::Message;
                    }
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => {
                        return ControlFlow::Break(End::Dropped);
                    }
                },
                Wait::Message => match stream.blocking().read(left) {
                    Ok(message) => {
                        self.take(&message);
                        self.read_burst(stream);
                    }
                    Err(BlockingError::TimedOut(())) => {}
                    Err(BlockingError::Failed(ReadError::Failed(errno))) => {
                        let phase = Phase::Failed(errno.to_string());
                        return ControlFlow::Break(End::Itself(phase));
                    }
                    Err(BlockingError::Failed(ReadError::Closed)) => {
                        return ControlFlow::Break(End::Itself(Phase::Closed));
                    }
                    // It only sends, or it is its turn to send.
                    Err(BlockingError::Failed(_)) => wait = Wait::Command,
                },
            }
        }
    }

    /// Reads what is there.
    fn read_burst(&mut self, stream: &ZmqStream) {
        for _ in 0..self.ticks.burst() {
            match stream.try_read() {
                Ok(message) => self.take(&message),
                // What else it may be, the next read says again.
                Err(_) => return,
            }
        }
    }

    /// Reads what was received before, and waits until what was sent is gone, and says what was lost. Who asks for it at once drops what is
    /// left to be sent; whoever drops the handle leaves it to the end of the program.
    fn close(&mut self, stream: &ZmqStream, end: End) -> Phase {
        stream.close();
        let mut is_urgent = matches!(end, End::AskedAtOnce);
        let phase = match end {
            End::Dropped => return Phase::Closed,
            End::Asked | End::AskedAtOnce => Phase::Closed,
            End::Itself(phase) => phase,
        };
        self.is_closing = true;
        self.shared.lock().phase = Phase::Closing;
        let lost = loop {
            let is_all_read = self.read_rest(stream);
            self.take_figures(stream);
            if is_all_read {
                if is_urgent {
                    stream.abort();
                }
                if let Some(lost) = stream.blocking().closed(TICK) {
                    break lost;
                }
            }
            match self.do_what_was_asked(stream) {
                ControlFlow::Continue(()) => {}
                ControlFlow::Break(End::Dropped) => return Phase::Closed,
                ControlFlow::Break(_) => is_urgent = true,
            }
        };
        self.take_figures(stream);
        if !lost.is_nothing() {
            let why = format!("lost with the stream: {lost}");
            self.shared.lock().set_fault(Field::Message, Some(why));
        }
        phase
    }

    /// Reads for a tick at most what a stream that receives no more still holds, at no pace. Says whether that was all.
    fn read_rest(&mut self, stream: &ZmqStream) -> bool {
        let began = Instant::now();
        while began.elapsed() < TICK {
            match stream.try_read() {
                Ok(message) => self.take(&message),
                Err(_) => return true,
            }
        }
        false
    }

    fn take(&mut self, message: &Multipart) {
        self.read += 1;
        self.ticks.took_one();
        let kept = Kept::new(self.read, self.began.elapsed(), message);
        push_bounded(&mut self.messages, Arc::new(kept), MESSAGES);
    }

    fn look_at_level(&mut self, level_bytes: usize) {
        self.lowest = self.lowest.min(level_bytes);
        self.highest = self.highest.max(level_bytes);
    }

    fn do_what_was_asked(&mut self, stream: &ZmqStream) -> ControlFlow<End> {
        loop {
            match self.commands.try_recv() {
                Ok(command) => self.do_command(stream, command)?,
                Err(TryRecvError::Empty) => return ControlFlow::Continue(()),
                Err(TryRecvError::Disconnected) => return ControlFlow::Break(End::Dropped),
            }
        }
    }

    fn do_command(&mut self, stream: &ZmqStream, command: Command) -> ControlFlow<End> {
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
                return ControlFlow::Continue(());
            }
            Command::Pace(pace) => {
                self.ticks.set_pace(pace);
                return ControlFlow::Continue(());
            }
            Command::Close if self.is_closing => return ControlFlow::Continue(()),
            Command::Close => return ControlFlow::Break(End::Asked),
            Command::CloseAtOnce => return ControlFlow::Break(End::AskedAtOnce),
        };
        self.shared.lock().set_fault(field, result.err());
        self.show_state(stream);
        ControlFlow::Continue(())
    }

    /// What changes by commands only.
    fn show_state(&self, stream: &ZmqStream) {
        let bound = stream.bindings().into_iter().map(|at| (How::Bind, at));
        let connections = stream.connections().into_iter();
        let connected = connections.map(|to| (How::Connect, to));
        let endpoints = bound.chain(connected).collect();
        let subscriptions = stream.subscriptions();
        let limits = stream.read_limits();
        let mut shown = self.shared.lock();
        (shown.endpoints, shown.subscriptions) = (endpoints, subscriptions);
        shown.limits = limits;
    }

    /// Ends a tick: publishes what was seen in it.
    fn take_figures(&mut self, stream: &ZmqStream) {
        let stats = stream.stats();
        self.look_at_level(stats.read_buffer_bytes);
        let at = self.began.elapsed();
        let is_paused = stream.is_reading_paused();
        let limits = stream.read_limits();
        let sample = Sample {
            at: at.as_secs_f64(),
            lowest: self.lowest,
            highest: self.highest,
            received: stats.received_messages,
            received_bytes: stats.received_bytes,
            high: high_of(limits),
            low: limits.low_bytes(),
            is_held: !self.is_closing
                && (stats.read_pauses > self.before.read_pauses
                    || stats.read_pauses > stats.read_resumes),
            is_paused,
        };
        (self.lowest, self.highest) = (usize::MAX, 0);

        let refused = iter::from_fn(|| stream.take_send_failure()).take(REFUSED);
        let refused = refused.last();
        let events = some_events(|| stream.try_read_event());

        let mut shown = self.shared.lock();
        if let Some(failure) = refused {
            let why = format!("a message that was queued was refused: {}", failure.reason);
            shown.set_fault(Field::Message, Some(why));
        }
        for event in events {
            match event {
                Ok(event) => push_bounded(&mut shown.events, (at, Arc::new(event)), EVENTS),
                Err(error) => shown.set_fault(Field::Events, Some(error.to_string())),
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

/// Events that wait to be read: as many as are kept, for more may come while these are read.
fn some_events(
    mut read: impl FnMut() -> Result<SocketEvent, TryReadEventError>,
) -> Vec<Result<SocketEvent, ReadEventError>> {
    let one = || match read() {
        Ok(event) => Some(Ok(event)),
        Err(TryReadEventError::Read(error @ ReadEventError::Malformed { .. })) => Some(Err(error)),
        // No event, or no monitor.
        Err(_) => None,
    };
    iter::from_fn(one).take(EVENTS).collect()
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

#[cfg(test)]
mod tests {
    use tidegate::EventKind;

    use super::*;

    #[test]
    fn of_events_that_come_without_end_as_many_are_read_as_are_kept() {
        let event = SocketEvent {
            kind: EventKind::MonitorStopped,
            endpoint: String::new(),
            discarded: 0,
        };
        let mut read = 0;
        let events = some_events(|| {
            read += 1;
            // Of those that would not end.
            (read < 100 * EVENTS)
                .then(|| event.clone())
                .ok_or(TryReadEventError::Empty)
        });
        assert_eq!((events.len(), read), (EVENTS, EVENTS));
    }
}
