//! The only code that sends or receives.
//!
//! A [`Flow`] is a stream's machine and its socket, under the stream's one lock. Whoever holds it, a caller or the I/O
//! thread, may [`pump`](Flow::pump); nobody sleeps before a pump has ended quiescent. The order before sleeping is: the
//! waiter is registered, the socket is pumped until neither direction can go on, and the watch is set, all under the
//! lock. News that come after the last look leave the descriptor readable, and a watch that is set on a readable
//! descriptor fires at once; so nothing is missed, whichever thread took in what was before. A pump that leaves messages to those who read
//! comes back in the next tick, in which they have read on, most often.

use std::mem;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tidegate_core::{
    AlreadyDone, DrainError as CoreDrainError, Drive, Level, Lost, Polled,
    ReadError as CoreReadError, SendError as CoreSendError, Sent, Shutdown, State, Ticket,
    Transport, TryReadError as CoreTryReadError, Wakes, Watermarks, WriteError as CoreWriteError,
    drive,
};
use zmq::SocketType;

use crate::context::Registration;
use crate::endpoints::Endpoints;
use crate::error::{DrainError, Errno, ReadError, SocketError, TryReadError, WriteError};
use crate::ledger::Ledger;
use crate::message::{Frame, Multipart};
use crate::port::{OwnedPort, ZmqMachine};
use crate::runtime;
use crate::socket::Socket;
use crate::sync::Instant;
use crate::transport::ZmqTransport;
use crate::turns::Turn;
use crate::yields;

/// So many batches at once, as long as nobody is to be woken.
const BATCHES: usize = 8;
/// After so many messages that were queued one after the other, whoever writes looks whether they can be sent.
const QUEUED_MOST: usize = 64;

/// For so many ticks in a row at most a socket is left to those who use it.
const LEFT_MOST: u32 = 8;

/// A stream's machine and its socket. The socket is there until the stream has ended.
pub(crate) struct Flow {
    pub(crate) machine: ZmqMachine,
    pub(crate) transport: Option<ZmqTransport>,
    /// The stream's place in its context, until the stream has ended.
    pub(crate) registration: Option<Registration>,
    pub(crate) endpoints: Endpoints,
    pub(crate) subscriptions: Vec<Vec<u8>>,
    pub(crate) ledger: Ledger,
    turn: Turn,
    /// Whether a REQ may ask again before it has the reply.
    is_relaxed: bool,
    /// How many messages were queued since the socket was last looked at.
    queued: usize,
    /// Whether somebody has the socket by `with_socket`.
    pub(crate) is_lent: bool,
    /// Since when the stream closes whose socket is lent, and within which time if not within its linger.
    pub(crate) closes: Option<(Instant, Option<Duration>)>,
    /// Whether the stream is not yet anybody's: what is in an adopted socket stays there as long as that may be given back.
    pub(crate) is_opening: bool,
    /// Whether the runtime that watched the socket went while it was lent.
    #[cfg(all(feature = "tokio", unix))]
    pub(crate) is_runtime_gone: bool,
    /// Whether the events were told that the stream ends.
    pub(crate) has_ended_events: bool,
    /// Who is to be woken once the lock is released.
    pub(crate) wakes: Wakes,
    /// Whether something was written since somebody has last slept over the stream.
    pub(crate) has_written: bool,
    /// How many messages had been received when a thread has last slept over it.
    pub(crate) received_before: u64,
    /// How often the stream was used, so that one use can tell whether there was another since.
    pub(crate) uses: usize,
    /// Whether somebody has read, or sent at once, since the watch last asked.
    is_in_use: bool,
    /// How often the socket was left to them since it was last pumped for nobody.
    left: u32,
    /// Whether a batch has ended, and the tick goes on with it if nobody does before.
    goes_on: bool,
    /// The use in which a receive has found nothing, and nothing was done behind it.
    found_nothing: Option<usize>,
}

impl Flow {
    pub(crate) fn new(
        kind: SocketType,
        turn: Turn,
        machine: ZmqMachine,
        transport: impl Into<Option<ZmqTransport>>,
        endpoints: Endpoints,
    ) -> Self {
        Self {
            machine,
            ledger: Ledger::new(kind),
            turn,
            is_relaxed: false,
            queued: 0,
            transport: transport.into(),
            registration: None,
            endpoints,
            subscriptions: Vec::new(),
            is_lent: false,
            closes: None,
            is_opening: false,
            #[cfg(all(feature = "tokio", unix))]
            is_runtime_gone: false,
            has_ended_events: false,
            wakes: Wakes::NONE,
            has_written: false,
            received_before: 0,
            uses: 0,
            is_in_use: false,
            left: 0,
            goes_on: false,
            found_nothing: None,
        }
    }

    /// Whether there is nothing to see to once the lock is released: nobody to be woken, no end, nothing to tell.
    #[inline]
    pub(crate) fn is_quiet(&self) -> bool {
        self.wakes.is_none()
            && self.transport.is_some()
            && self.is_open()
            && self.ledger.notes.is_empty()
            && !self.ledger.subscribers.has_news
    }

    #[inline]
    pub(crate) fn is_open(&self) -> bool {
        matches!(self.machine.state(), State::Open)
    }

    /// Whether its socket is closed, and not only lent.
    pub(crate) fn is_over(&self) -> bool {
        self.transport.is_none() && !self.is_lent
    }

    pub(crate) fn wake(&mut self, wakes: Wakes) {
        self.ledger.note_gates(&self.machine);
        self.wakes = self.wakes.and(wakes);
    }

    /// Polls, unless whoever writes is to let others on its thread run first: then `None`, and what was written counts anew.
    pub(crate) fn poll_or_yield<T>(
        &mut self,
        ticket: &mut Ticket,
        has_yielded: &mut bool,
        poll: impl FnOnce(&mut Self, &mut Ticket) -> Poll<T>,
    ) -> Option<Poll<T>> {
        // One that has a place has let others run. And nobody lets others run twice: they may have written as much again.
        if !*has_yielded && yields::is_due() && !ticket.has_place() {
            yields::others_run();
            *has_yielded = true;
            return None;
        }
        *has_yielded = false;
        let polled = poll(self, ticket);
        if polled.is_pending() {
            yields::others_run();
        }
        Some(polled)
    }

    /// Sends and receives until neither can go on, or a batch is used up. Sees to the end of the stream.
    pub(crate) fn pump(&mut self) {
        if let Some(transport) = &mut self.transport {
            transport.begin();
        }
        self.queued = 0;
        self.pump_on();
    }

    /// [`pump`](Self::pump), where something is known of the socket already.
    fn pump_on(&mut self) {
        let transport = self.transport.as_mut();
        let Some(transport) = transport.filter(|_| !self.is_opening) else {
            return;
        };
        let mut port = OwnedPort::new(&mut self.machine, &mut self.ledger, &mut self.turn);
        // The transport's watch calls the stream itself; it needs no waker.
        let mut cx = Context::from_waker(Waker::noop());
        let mut ended = drive(&mut port, transport, &mut cx);
        for _ in 1..BATCHES {
            // Whoever reads is woken at once. Those who wait to write may wait until the rest of the queue has gone.
            let wakes_nobody = port.wakes.is_none() || port.machine.incoming().is_empty();
            if ended != Drive::Again || !wakes_nobody {
                break;
            }
            ended = drive(&mut port, transport, &mut cx);
        }
        let wakes = port.wakes;
        match ended {
            Drive::Idle => self.goes_on = false,
            Drive::Again => {
                // Whoever reads takes what is there first, and then from libzmq.
                let is_readers = !runtime::is_io_thread()
                    && self.machine.outgoing().is_empty()
                    && !self.machine.incoming().is_empty();
                self.goes_on = is_readers && transport.watch.look_later();
                if !self.goes_on {
                    transport.reschedule();
                }
            }
            Drive::Ended => self.transport = None,
        }
        self.wake(wakes);
    }

    /// Asks something of the socket that neither sends nor receives, while the stream is open. Whatever that takes in of the news,
    /// the pump sees to afterwards.
    pub(crate) fn touch<R>(&mut self, f: impl FnOnce(&mut Socket) -> R) -> Result<R, SocketError> {
        self.check_open()?;
        let transport = self.transport.as_mut().ok_or(SocketError::InUse)?;
        let result = f(transport.watch.socket());
        self.pump();
        Ok(result)
    }

    /// Whether the stream is open; if not, why.
    pub(crate) fn check_open(&self) -> Result<(), SocketError> {
        match self.machine.state() {
            State::Open => Ok(()),
            State::Closing | State::Closed => Err(SocketError::Closed),
            State::Failed(errno) => Err(SocketError::Failed(*errno)),
        }
    }

    /// The watch has seen the descriptor readable. While others use the socket by themselves it is left to them until the next tick:
    /// whoever takes in all the news has libzmq tell every message that comes.
    pub(crate) fn fired(&mut self) {
        if let Some(transport) = &mut self.transport {
            transport.fired();
        }
        if !self.is_left_to_others() {
            self.pump();
        }
    }

    /// The tick has come for what was put off.
    #[cfg(unix)]
    pub(crate) fn tick(&mut self) {
        let transport = self.transport.as_mut();
        let looks = transport.is_some_and(|transport| transport.watch.tick());
        // Whoever sleeps has set the watch, unless a batch has ended.
        if looks && (self.goes_on || !self.has_sleepers()) && !self.is_left_to_others() {
            self.pump();
        }
    }

    /// Whether the socket was used since this was last asked, and nobody sleeps: then it is looked at in the next tick. Now and then it is
    /// not left to anybody: whoever reads what is queued, or only writes, does not look for what has come.
    fn is_left_to_others(&mut self) -> bool {
        let is_left = mem::take(&mut self.is_in_use)
            && self.left < LEFT_MOST
            && self.is_open()
            && !self.has_sleepers();
        let transport = self.transport.as_mut().filter(|_| is_left);
        let is_left = transport.is_some_and(|transport| transport.watch.look_later());
        self.left = if is_left { self.left + 1 } else { 0 };
        is_left
    }

    /// A message was handed to whoever reads.
    fn has_read(&mut self) {
        self.turn.has_read();
        self.is_in_use = true;
    }

    /// What waits in libzmq is nobody's news any more: the next tick takes it in, unless somebody has until then.
    #[inline]
    fn look_later(&mut self) {
        if self.machine.interest().receive
            && let Some(transport) = &mut self.transport
        {
            transport.watch.look_later();
        }
    }

    /// Whether the stream is open, and this is not the turn of what is to be done.
    fn is_out_of_turn(&self, other: Turn) -> bool {
        self.turn == other && self.is_open()
    }

    /// From now on a REQ may ask again before it has the reply, or may not.
    pub(crate) fn set_relaxed(&mut self, is_relaxed: bool) {
        self.is_relaxed = is_relaxed;
    }

    /// Gives the request up that was not answered yet, if there is one: what is queued of it is not sent, and a reply that was received
    /// is nobody's. One that libzmq receives later it throws away before the next request goes.
    pub(crate) fn abandon_request(&mut self) {
        if self.turn != Turn::Read || self.ledger.kind() != SocketType::REQ {
            return;
        }
        self.turn = Turn::Write;
        let (_, mut wakes) = self.machine.send_while(usize::MAX, |_| true);
        while !self.machine.incoming().is_empty() {
            // Whoever waits for it waits for the next one.
            let (_, more) = self.machine.take(&mut Ticket::new(), drop);
            wakes = wakes.and(more);
        }
        if let Some(transport) = &mut self.transport {
            transport.forget_partial();
        }
        self.wake(wakes);
        if !self.is_open() {
            // It need not wait for that any more.
            self.pump();
        }
    }

    /// Sends a message at once if nothing is queued before it, and queues it otherwise. Leaves it without frames: it was taken, or is in
    /// the error. That is boxed, so that what goes well is told in a register.
    pub(crate) fn write(&mut self, message: &mut Multipart) -> Result<(), Box<WriteError>> {
        if self.turn != Turn::Either {
            self.take_turn(message)?;
        }
        let written_bytes = self.write_in_turn(message)?;
        yields::wrote(written_bytes);
        self.turn.has_written();
        self.has_written = true;
        Ok(())
    }

    /// Whoever writes where turns are taken takes its own, if it has it.
    #[inline(never)]
    fn take_turn(&mut self, message: &mut Multipart) -> Result<(), Box<WriteError>> {
        if self.is_out_of_turn(Turn::Read) {
            if !self.is_relaxed {
                return Err(WriteError::OutOfTurn(mem::take(message).into()).into());
            }
            self.abandon_request();
        }
        if self.turn == Turn::Write && self.ledger.kind() == SocketType::REQ {
            // Whoever was to be told that the last request was not sent has given up.
            let (_, wakes) = self.machine.try_read(|message| message);
            self.wake(wakes);
        }
        Ok(())
    }

    /// Returns what the message is charged.
    fn write_in_turn(&mut self, message: &mut Multipart) -> Result<usize, Box<WriteError>> {
        debug_assert!(!message.is_empty(), "whoever takes it has looked");
        let direct = self.is_open() && self.machine.outgoing().is_empty();
        let Some(transport) = self.transport.as_mut().filter(|_| direct) else {
            let charge_bytes = self.queue(message)?;
            self.queued = self.queued.saturating_add(1);
            if self.queued >= QUEUED_MOST {
                self.pump();
            }
            return Ok(charge_bytes);
        };
        let mut payload_bytes = 0;
        let of_frames = size_of_val::<[Frame]>(message);
        transport.begin();
        match transport.send(message, &mut payload_bytes) {
            Ok(Sent::Blocked) => {
                let charge_bytes = self.queue(message)?;
                self.pump_on();
                Ok(charge_bytes)
            }
            Ok(sent) => {
                self.is_in_use = true;
                // The send may have taken in that there is something to receive; whoever reads later looks anyway.
                if self.has_sleepers() {
                    self.pump_on();
                }
                match sent {
                    Sent::Refused(errno) => {
                        self.ledger.refused(message, errno);
                        Err(WriteError::Refused(mem::take(message).into(), errno).into())
                    }
                    Sent::Accepted | Sent::Blocked => {
                        self.ledger.sent(1, payload_bytes);
                        Ok(payload_bytes.saturating_add(of_frames))
                    }
                }
            }
            Err(errno) => {
                self.fail(errno);
                Err(WriteError::Failed(mem::take(message).into(), errno).into())
            }
        }
    }

    /// Writes a message if the write side is open, nobody waits for it, and it is not time to let others run. Those that are not
    /// written go the long way, which knows what to say.
    pub(crate) fn send_at_once(
        &mut self,
        message: &mut Multipart,
    ) -> Option<Result<(), Box<WriteError>>> {
        let may_send = self.is_drained() && !self.machine.has_senders() && self.turn != Turn::Read;
        may_send.then(|| self.write(message))
    }

    /// Whether whoever writes need not wait, and need not let others run.
    pub(crate) fn is_drained(&self) -> bool {
        !yields::is_due() && self.is_open() && !self.machine.is_write_gate_paused()
    }

    fn queue(&mut self, message: &mut Multipart) -> Result<usize, Box<WriteError>> {
        let before = self.machine.outgoing().level_bytes();
        match self.machine.write(mem::take(message)) {
            Ok(wakes) => {
                self.wake(wakes);
                let level = self.machine.outgoing().level_bytes();
                Ok(level.saturating_sub(before))
            }
            Err(error) => Err(write_error(error).into()),
        }
    }

    pub(crate) fn fail(&mut self, errno: Errno) {
        if let Some(mut transport) = self.transport.take() {
            end(&mut transport, Shutdown::Abort);
        }
        let wakes = self.machine.fail(errno);
        self.wake(wakes);
    }

    /// Polls for a message, which goes into `message`.
    pub(crate) fn poll_read(
        &mut self,
        ticket: &mut Ticket,
        message: &mut Multipart,
    ) -> Poll<Result<(), ReadError>> {
        // One that waits already has come in turn, and is served when it is its turn again.
        if !ticket.has_place() && self.is_out_of_turn(Turn::Write) {
            return Poll::Ready(Err(ReadError::OutOfTurn));
        }
        let found_nothing = self.found_nothing.take() == Some(self.uses.wrapping_sub(1));
        let receiving = self.machine.interest().receive;
        if let Poll::Ready(result) = self.poll_buffered(ticket, message) {
            self.go_on_if_resumed(receiving);
            return Poll::Ready(result);
        }
        if found_nothing {
            // The use before this one, and it has left what is known of the socket.
            return self.poll_pumped(ticket, message);
        }
        self.receive();
        let result = self.poll_buffered(ticket, message);
        // Whoever got a message does not sleep, and what else libzmq holds waits for the next read. But a receive may
        // have taken in the news that others sleep for.
        if result.is_ready() && !self.has_sleepers() {
            self.look_later();
            return result;
        }
        if result.is_ready() {
            self.pump_on();
            return result;
        }
        self.poll_pumped(ticket, message)
    }

    /// Polls once more when the socket was pumped, as it is before anybody sleeps.
    fn poll_pumped(
        &mut self,
        ticket: &mut Ticket,
        message: &mut Multipart,
    ) -> Poll<Result<(), ReadError>> {
        self.pump_on();
        let read = self.poll_buffered(ticket, message);
        if read.is_pending()
            && self.has_written
            && self.endpoints.leaves_process()
            && self.machine.outgoing().is_empty()
            && let Some(transport) = &self.transport
        {
            self.has_written = !transport.watch.await_reply();
        }
        read
    }

    /// Takes a message if one is there, nobody waits for it, and there is nothing special about it.
    pub(crate) fn read_at_once(
        &mut self,
        message: &mut Multipart,
    ) -> Option<Result<(), ReadError>> {
        self.found_nothing = None;
        let may_read = self.is_open()
            && !self.machine.has_readers()
            && self.turn != Turn::Write
            // It may have to be told that there is no reply.
            && self.ledger.kind() != SocketType::REQ;
        if !may_read {
            return None;
        }
        if !self.machine.incoming().is_empty() {
            let receiving = self.machine.interest().receive;
            let Poll::Ready(read) = self.poll_buffered(&mut Ticket::new(), message) else {
                return None;
            };
            self.go_on_if_resumed(receiving);
            return Some(read);
        }
        if self.machine.is_reading_paused() {
            return None;
        }
        let transport = self.transport.as_mut()?;
        transport.begin();
        match transport.recv(message) {
            Ok(Some(payload_bytes)) => {
                self.ledger.look_at(message);
                self.ledger.received(payload_bytes);
                self.has_read();
                // It may have taken in that what is queued can be sent, or what somebody else waits for.
                if self.has_sleepers() {
                    self.pump_on();
                } else {
                    self.look_later();
                }
                Some(Ok(()))
            }
            Ok(None) => {
                self.found_nothing = Some(self.uses);
                None
            }
            Err(errno) => {
                self.fail(errno);
                None
            }
        }
    }

    /// A message was taken from the buffer, or the user has resumed: if that opened the way, what libzmq holds meanwhile is
    /// received now. Its news were taken in when reading was paused, and come no second time.
    fn go_on_if_resumed(&mut self, receiving: bool) {
        if !receiving && self.machine.interest().receive {
            self.pump();
        }
    }

    fn poll_buffered(
        &mut self,
        ticket: &mut Ticket,
        message: &mut Multipart,
    ) -> Poll<Result<(), ReadError>> {
        let (read, wakes) = self.machine.poll_read(ticket, |read| *message = read);
        self.wake(wakes);
        if let Poll::Ready(Ok(())) = read {
            self.has_read();
        }
        read.map_err(read_error)
    }

    /// Receives one message if one is there.
    fn receive(&mut self) {
        // It receives nothing ahead, and who asks for its reply does not wait.
        let is_reply = self.ledger.kind() == SocketType::REQ
            // Of one that was adopted libzmq knows whether it has asked.
            && matches!(self.turn, Turn::Read | Turn::Unknown)
            && self.is_open()
            && !self.machine.is_reading_paused();
        let Some(transport) = &mut self.transport else {
            return;
        };
        transport.begin();
        if !is_reply && !self.machine.interest().receive {
            return;
        }
        let mut port = OwnedPort::new(&mut self.machine, &mut self.ledger, &mut self.turn);
        let received = transport.try_recv(&mut port);
        let wakes = port.wakes;
        self.wake(wakes);
        if let Err(errno) = received {
            self.fail(errno);
        }
    }

    /// Whether somebody sleeps, or something is queued, that the next news may be for.
    pub(crate) fn has_sleepers(&self) -> bool {
        self.machine.has_readers()
            || !self.machine.outgoing().is_empty()
            || self.ledger.subscribers.are_awaited()
    }

    /// Takes a message, which goes into `message`, if one is there and nobody waits for it.
    #[inline]
    pub(crate) fn try_read(&mut self, message: &mut Multipart) -> Result<(), TryReadError> {
        match self.read_at_once(message) {
            Some(read) => read.map_err(Into::into),
            None => self.try_read_slowly(message),
        }
    }

    /// The same where there was none at once, or something special about it.
    #[inline(never)]
    fn try_read_slowly(&mut self, message: &mut Multipart) -> Result<(), TryReadError> {
        if self.is_out_of_turn(Turn::Write) {
            return Err(ReadError::OutOfTurn.into());
        }
        let found_nothing = self.found_nothing.take().is_some();
        if self.machine.incoming().is_empty() && !self.machine.has_readers() {
            if !found_nothing {
                self.receive();
            }
            if self.has_sleepers() {
                self.pump_on();
            } else {
                self.look_later();
            }
        }
        let receiving = self.machine.interest().receive;
        let (read, wakes) = self.machine.try_read(|read| *message = read);
        self.wake(wakes);
        if read.is_ok() {
            self.has_read();
        }
        self.go_on_if_resumed(receiving);
        read.map_err(|error| match error {
            CoreTryReadError::Empty => TryReadError::Empty,
            CoreTryReadError::Read(error) => read_error(error).into(),
        })
    }

    pub(crate) fn poll_drain(&mut self, ticket: &mut Ticket) -> Poll<Result<(), DrainError>> {
        let drained = self.poll_machine(|machine| machine.poll_drain(ticket));
        self.drained(drained)
    }

    pub(crate) fn poll_flush(&mut self, ticket: &mut Ticket) -> Poll<Result<(), DrainError>> {
        let flushed = self.poll_machine(|machine| machine.poll_flush(ticket));
        self.drained(flushed)
    }

    pub(crate) fn poll_closed(&mut self, ticket: &mut Ticket) -> Poll<Lost> {
        let (closed, wakes) = self.machine.poll_closed(ticket);
        self.wake(wakes);
        // Slots grow.
        closed.map(|lost| lost.unwrap_or_default())
    }

    /// Polls, and pumps before the ticket sleeps.
    fn poll_machine<T, X>(
        &mut self,
        mut poll: impl FnMut(&mut ZmqMachine) -> Polled<T, X>,
    ) -> Poll<Result<T, X>> {
        let (polled, wakes) = poll(&mut self.machine);
        self.wake(wakes);
        if polled.is_ready() {
            return polled;
        }
        self.pump();
        let (polled, wakes) = poll(&mut self.machine);
        self.wake(wakes);
        polled
    }

    fn drained(
        &self,
        drained: Poll<Result<(), CoreDrainError<Errno>>>,
    ) -> Poll<Result<(), DrainError>> {
        drained.map_err(|error| match error {
            CoreDrainError::Failed(errno) => DrainError::Failed(errno),
            CoreDrainError::Dropped(lost) => DrainError::Dropped(lost),
            // Slots grow.
            CoreDrainError::TooManyWaiters => DrainError::Dropped(self.machine.lost()),
        })
    }

    /// Writes the message once it is this ticket's turn and the write side is open.
    pub(crate) fn poll_send(
        &mut self,
        ticket: &mut Ticket,
        message: &mut Multipart,
    ) -> Poll<Result<(), WriteError>> {
        if !ticket.has_place() && self.is_out_of_turn(Turn::Read) && !self.is_relaxed {
            return Poll::Ready(Err(WriteError::OutOfTurn(mem::take(message).into())));
        }
        // The queue of a host has room for every message: what is waited for is the gate.
        match self.poll_machine(|machine| machine.poll_send(ticket, 0)) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(ready) => {
                let result = match ready {
                    Ok(()) => self.write(message).map_err(|error| *error),
                    Err(CoreSendError::Failed((), errno)) => {
                        Err(WriteError::Failed(mem::take(message).into(), errno))
                    }
                    // Slots grow, and a message of any size fits.
                    Err(_) => Err(WriteError::Closed(mem::take(message).into())),
                };
                self.cancel(ticket);
                Poll::Ready(result)
            }
        }
    }

    pub(crate) fn resume_reading(&mut self) -> Result<(), AlreadyDone> {
        let receiving = self.machine.interest().receive;
        let wakes = self.machine.resume_reading()?;
        self.wake(wakes);
        self.go_on_if_resumed(receiving);
        Ok(())
    }

    pub(crate) fn set_read_limits(&mut self, limits: Watermarks) {
        let receiving = self.machine.interest().receive;
        let wakes = self.machine.set_read_limits(limits);
        self.wake(wakes);
        self.go_on_if_resumed(receiving);
    }

    pub(crate) fn set_write_limits(&mut self, limits: Watermarks) {
        let wakes = self.machine.set_write_limits(limits);
        self.wake(wakes);
    }

    /// A future that waited is dropped.
    pub(crate) fn cancel(&mut self, ticket: &mut Ticket) {
        let wakes = self.machine.cancel(ticket);
        self.wake(wakes);
    }
}

fn read_error(error: CoreReadError<Errno>) -> ReadError {
    match error {
        CoreReadError::Failed(errno) => ReadError::Failed(errno),
        // Nothing is too long for the queue of a host: it is the request that was discarded.
        CoreReadError::Discarded { .. } => ReadError::NoReply,
        // Slots grow, and nothing is copied into a slice.
        CoreReadError::Closed | CoreReadError::TooManyWaiters | CoreReadError::TooSmall { .. } => {
            ReadError::Closed
        }
    }
}

fn write_error(error: CoreWriteError<Multipart, Errno>) -> WriteError {
    match error {
        CoreWriteError::NoFrames(message) => WriteError::NoFrames(message.into()),
        CoreWriteError::Failed(message, errno) => WriteError::Failed(message.into(), errno),
        CoreWriteError::Closed(message)
        // The queue of a host has no end.
        | CoreWriteError::Full(message)
        | CoreWriteError::TooLarge(message) => WriteError::Closed(message.into()),
    }
}

/// Ends a transport.
pub(crate) fn end(transport: &mut ZmqTransport, how: Shutdown) {
    Transport::<OwnedPort<'_>>::shutdown(transport, how);
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::sync::mpsc::channel;
    use std::time::Duration;

    use futures_lite::future::{block_on, poll_once};
    use tidegate_core::{Level, Ticket};

    use super::{Flow, LEFT_MOST};
    use crate::sync::Instant;
    use crate::{Context, Multipart, SocketType, SubscribeError, TryReadError, ZmqStream, options};

    /// Whoever asks the socket for something takes in the news that a reader sleeps for.
    #[test]
    fn g3_a_touch_that_takes_in_the_news_of_a_message_wakes_its_reader() {
        let context = Context::new().unwrap();
        let open = |kind| ZmqStream::builder(kind).context(&context);
        let pull = open(SocketType::PULL).bind("inproc://touch").open();
        let pull = pull.unwrap();
        let push = open(SocketType::PUSH).connect("inproc://touch").open();
        let push = push.unwrap();
        let (progress, has_come) = channel();
        let reader = pull.clone();
        std::thread::spawn(move || {
            block_on(async {
                while reader.read().await.is_ok() {
                    progress.send(()).unwrap();
                }
            });
        });
        for k in 0..5_000 {
            push.write("x").unwrap();
            let touched = pull
                .inner()
                .with(|flow| flow.touch(|socket| socket.events()));
            touched.unwrap().unwrap();
            let came = has_come.recv_timeout(Duration::from_secs(30));
            assert_eq!(came, Ok(()), "the reader of message {k} sleeps");
        }
        block_on(context.shutdown(Duration::from_secs(20))).unwrap();
    }

    /// A context of the callers', who destroy it, and the same for streams.
    fn callers_context() -> (zmq::Context, Context) {
        let callers = zmq::Context::new();
        // `destroy` frees the context, and the drop of the last clone would free it once more.
        std::mem::forget(callers.clone());
        let context = Context::from(callers.clone());
        (callers, context)
    }

    /// Under the lock nobody else looks at the socket.
    #[test]
    fn e3_a_read_that_learns_that_the_context_is_gone_ends_the_stream() {
        let (mut callers, context) = callers_context();
        let pull = ZmqStream::builder(SocketType::PULL).context(&context);
        let pull = pull.open().unwrap();
        let terminates = std::thread::spawn(move || callers.destroy());
        pull.inner().with(|flow| {
            let started = Instant::now();
            while flow.machine.exception().is_none() {
                assert!(flow.read_at_once(&mut Multipart::new()).is_none());
                assert!(started.elapsed() < Duration::from_secs(30));
                std::thread::yield_now();
            }
        });
        terminates.join().unwrap().unwrap();
    }

    #[test]
    fn e3_a_subscription_that_learns_that_the_context_is_gone_says_so() {
        let (mut callers, context) = callers_context();
        let xsub = ZmqStream::builder(SocketType::XSUB).context(&context);
        let xsub = xsub.open().unwrap();
        let terminates = std::thread::spawn(move || callers.destroy());
        let error = xsub.inner().with(|flow| {
            let started = Instant::now();
            loop {
                assert!(started.elapsed() < Duration::from_secs(30));
                let subscribed = flow.subscribe(SocketType::XSUB, false, b"prefix");
                match subscribed.and_then(|()| flow.unsubscribe(SocketType::XSUB, b"prefix")) {
                    Ok(()) => std::thread::yield_now(),
                    Err(error) => break error,
                }
            }
        });
        assert!(matches!(error, SubscribeError::Failed(_)), "{error}");
        terminates.join().unwrap().unwrap();
    }

    /// What libzmq has taken it would hold for ever.
    #[test]
    fn e2_a_stream_that_gives_up_has_libzmq_linger_no_longer_than_that() {
        let context = Context::new().unwrap();
        let never_accepts = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("tcp://{}", never_accepts.local_addr().unwrap());
        let push = ZmqStream::builder(SocketType::PUSH)
            .context(&context)
            .option(options::LINGER, None)
            .option(options::SEND_HWM, 1)
            .connect(endpoint);
        let push = push.open().unwrap();
        for _ in 0..3 {
            push.write("of no use to anybody").unwrap();
        }
        assert!(push.write_buffer_bytes() > 0);
        let close = |flow: &mut Flow| flow.close_within(Duration::from_millis(100));
        push.inner().with(close);
        block_on(push.closed());
        block_on(context.shutdown(Duration::from_secs(10))).unwrap();
    }

    /// Under the lock nobody has woken the one who waits.
    #[test]
    fn c2_a_read_that_finds_a_message_in_libzmq_leaves_it_to_those_who_wait_already() {
        let context = Context::new().unwrap();
        let open = |kind| ZmqStream::builder(kind).context(&context);
        let pull = open(SocketType::PULL).bind("inproc://line").open().unwrap();
        let push = open(SocketType::PUSH).connect("inproc://line").open();
        let push = push.unwrap();
        let mut first = pull.read();
        assert!(block_on(poll_once(&mut first)).is_none());
        pull.inner().with(|flow| {
            push.write("x").unwrap();
            let mut message = Multipart::new();
            assert!(flow.read_at_once(&mut message).is_none());
            let waits = flow.poll_read(&mut Ticket::new(), &mut message);
            assert!(waits.is_pending());
            assert_eq!(flow.try_read(&mut message), Err(TryReadError::Empty));
        });
        assert_eq!(block_on(first).unwrap(), "x");
        pull.inner().with(|flow| {
            push.write("y").unwrap();
            let mut message = Multipart::new();
            assert_eq!(flow.read_at_once(&mut message), Some(Ok(())));
            assert_eq!(message, "y");
        });
        block_on(context.shutdown(Duration::from_secs(20))).unwrap();
    }

    #[test]
    fn c6_whoever_waits_behind_others_receives_nothing_that_the_gate_holds_back() {
        let context = Context::new().unwrap();
        let open = |kind| ZmqStream::builder(kind).context(&context);
        let pull = open(SocketType::PULL).high_read(1).bind("inproc://gate");
        let pull = pull.open().unwrap();
        let push = open(SocketType::PUSH).connect("inproc://gate").open();
        let push = push.unwrap();
        let mut first = pull.read();
        assert!(block_on(poll_once(&mut first)).is_none());
        pull.inner().with(|flow| {
            push.write("over the limit").unwrap();
            push.write("held back").unwrap();
            flow.pump();
            assert!(!flow.machine.interest().receive);
            let level = flow.machine.incoming().level_bytes();
            let mut message = Multipart::new();
            let waits = flow.poll_read(&mut Ticket::new(), &mut message);
            assert!(waits.is_pending());
            assert_eq!(flow.machine.incoming().level_bytes(), level);
        });
        assert_eq!(block_on(first).unwrap(), "over the limit");
        assert_eq!(block_on(pull.read()).unwrap(), "held back");
        block_on(context.shutdown(Duration::from_secs(20))).unwrap();
    }

    /// Whoever reads without a pause from what was received does not look for what comes.
    #[test]
    fn c7_a_socket_that_is_used_without_a_pause_is_left_to_its_users_for_a_few_ticks_at_most() {
        let context = Context::new().unwrap();
        let open = |kind| ZmqStream::builder(kind).context(&context);
        let pull = open(SocketType::PULL).bind("inproc://left").open().unwrap();
        let push = open(SocketType::PUSH).connect("inproc://left").open();
        let push = push.unwrap();
        let left = pull.inner().with(|flow| {
            push.write("x").unwrap();
            let mut left = 0;
            while flow.machine.incoming().is_empty() {
                flow.is_in_use = true;
                flow.fired();
                left += 1;
                assert!(left <= LEFT_MOST + 1);
            }
            left
        });
        assert_eq!(left, LEFT_MOST + 1);
        block_on(context.shutdown(Duration::from_secs(20))).unwrap();
    }

    /// Room comes and goes with every message, in the middle of a batch.
    #[test]
    fn d1_a_writer_over_a_socket_that_holds_one_message_does_not_stall() {
        const MESSAGES: u32 = 50_000;
        let context = Context::new().unwrap();
        let open = |kind, endpoint: &str| {
            let builder = ZmqStream::builder(kind).context(&context);
            let builder = match kind {
                SocketType::PULL => builder.bind(endpoint),
                _ => builder.connect(endpoint),
            };
            let builder = builder.option(options::SEND_HWM, 1);
            builder.option(options::RECEIVE_HWM, 1).open().unwrap()
        };
        let pull = open(SocketType::PULL, "inproc://one");
        let push = open(SocketType::PUSH, "inproc://one");
        let (progress, has_come) = channel();
        std::thread::spawn(move || {
            block_on(async {
                for k in 0..MESSAGES {
                    assert_eq!(pull.read().await.unwrap(), [k.to_le_bytes()]);
                    progress.send(k).unwrap();
                }
            });
        });
        std::thread::spawn(move || {
            block_on(async {
                for k in 0..MESSAGES {
                    push.write(k.to_le_bytes().as_slice()).unwrap();
                    push.drain().await.unwrap();
                }
            });
        });
        for k in 0..MESSAGES {
            let came = has_come.recv_timeout(Duration::from_secs(30));
            assert_eq!(came, Ok(k), "the writer or the reader stalled");
        }
        block_on(context.shutdown(Duration::from_secs(20))).unwrap();
    }
}
