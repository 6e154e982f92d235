//! How a stream ends, and how its socket changes hands meanwhile.

#[cfg(unix)]
use std::mem;
use std::time::Duration;

use tidegate_core::{EventMask, Level, Shutdown};
use zmq::SocketType;

use crate::endpoints::Endpoints;
use crate::error::Errno;
use crate::names;
use crate::port::new_machine;
use crate::pump::{Flow, end};
#[cfg(unix)]
use crate::runtime::Lent;
use crate::socket::Socket;
use crate::sync::Instant;
use crate::transport::ZmqTransport;
use crate::turns::Turn;

impl Flow {
    /// What a forked child has of a stream of its parent.
    pub(crate) fn of_parent(kind: SocketType) -> Self {
        let mut machine = new_machine();
        // Nobody waits.
        let _ = machine.fail(Errno::FORKED);
        let mut flow = Self::new(kind, Turn::of(kind), machine, None, Endpoints::default());
        flow.has_ended_events = true;
        flow
    }

    /// The socket that was lent comes back. Whatever has happened meanwhile was of no use to anybody.
    pub(crate) fn put_back(&mut self, mut transport: ZmqTransport) {
        self.is_lent = false;
        self.endpoints.may_have_peers();
        #[cfg(unix)]
        {
            transport.watch.take_back();
            transport.watch.was_away();
        }
        names::keep_apart(transport.watch.socket());
        let is_open = self.is_open();
        if !is_open {
            let (since, linger) = self.closes.take().unwrap_or_else(|| (Instant::now(), None));
            transport.begin_to_close(since, linger);
        }
        self.transport = Some(transport);
        #[cfg(all(feature = "tokio", unix))]
        if mem::take(&mut self.is_runtime_gone) {
            self.move_to_thread();
        }
        self.pump();
        // It may have come meanwhile, in vain.
        match is_open {
            true => self.watch_deadline(),
            false => self.outlive_runtime(),
        }
    }

    /// Ends the stream before it was anybody's, and gives its socket back, if it still has it. Whether it is monitored by us: a monitor
    /// of its owner's stays.
    pub(crate) fn give_up(&mut self, is_monitored: bool) -> Option<Socket> {
        let mut transport = self.transport.take();
        if let Some(transport) = transport.as_mut().filter(|_| is_monitored) {
            // libzmq's own I/O thread would wait for somebody who takes its events. It fails only if the context is gone.
            let _: Result<(), Errno> = transport.watch.socket().monitor(None, EventMask::NONE);
        }
        self.abort();
        transport.map(|transport| transport.watch.into_socket())
    }

    /// Takes no more from the socket, and closes it once what is queued was sent, or the socket's linger is over.
    pub(crate) fn close(&mut self) {
        if self.is_open() {
            self.close_in_time(None);
        }
    }

    /// [`close`](Self::close), and gives up after this time instead, even if the stream is closing already.
    pub(crate) fn close_within(&mut self, linger: Duration) {
        self.close_in_time(Some(linger));
    }

    fn close_in_time(&mut self, linger: Option<Duration>) {
        let now = Instant::now();
        match &mut self.transport {
            Some(transport) => transport.begin_to_close(now, linger),
            // Once it comes back, if it is lent.
            None => self.closes = Some((now, linger)),
        }
        let wakes = self.machine.close();
        self.wake(wakes);
        self.pump();
        self.outlive_runtime();
    }

    /// Has the stream called when its time is up, whatever becomes of the runtime of those who used it.
    fn outlive_runtime(&mut self) {
        if let Some(transport) = &mut self.transport {
            transport.watch.outlive_runtime();
            transport.watch_deadline();
        }
    }

    /// Has a thread that is about to sleep watch the socket, if somebody is to.
    #[cfg(unix)]
    pub(crate) fn lend_watch(&mut self) -> Option<Lent> {
        let transport = self.transport.as_mut();
        if !transport.is_some_and(|transport| transport.watch.lend()) {
            return None;
        }
        let has_written = mem::take(&mut self.has_written);
        let received = self.ledger.stats.received_messages;
        let before = mem::replace(&mut self.received_before, received);
        Some(Lent {
            awaits_reply: has_written
                && self.machine.has_readers()
                && self.machine.outgoing().is_empty(),
            received_messages: received.wrapping_sub(before),
        })
    }

    /// The thread that has watched the socket while it slept has woken.
    #[cfg(unix)]
    pub(crate) fn take_back(&mut self, is_readable: bool) {
        if let Some(transport) = &mut self.transport {
            transport.watch.take_back();
            if is_readable {
                self.pump();
            } else {
                transport.watch.set();
            }
        }
    }

    /// The thread that was to watch the socket while it sleeps does not sleep.
    #[cfg(unix)]
    pub(crate) fn undefer(&mut self) {
        // Without sleepers the next tick is early enough.
        if self.has_sleepers()
            && let Some(transport) = &mut self.transport
        {
            transport.watch.undefer();
        }
    }

    /// The runtime that has watched the socket is gone: the I/O thread takes over.
    #[cfg(all(feature = "tokio", unix))]
    pub(crate) fn move_to_thread(&mut self) {
        self.is_runtime_gone = self.is_lent;
        let moved = self
            .transport
            .as_mut()
            .map(|transport| transport.watch.move_to_thread());
        match moved {
            Some(Err(error)) => self.fail(Errno::of(&error)),
            Some(Ok(())) => {
                self.pump();
                self.watch_deadline();
            }
            None => {}
        }
    }

    fn watch_deadline(&mut self) {
        if let Some(transport) = &mut self.transport {
            transport.watch_deadline();
        }
    }

    /// The time has come to try the head again, or to give up.
    pub(crate) fn deadline(&mut self) {
        if self.transport.as_mut().is_some_and(ZmqTransport::retries) {
            self.pump();
        }
        self.give_up_closing();
        self.watch_deadline();
    }

    /// If the time to close is up, drops what is queued. What was received can still be read.
    fn give_up_closing(&mut self) {
        if let Some(mut transport) = self.transport.take_if(|transport| transport.is_over()) {
            end(&mut transport, Shutdown::Abort);
            let wakes = self.machine.finish();
            self.wake(wakes);
        }
    }

    /// Drops what is queued, and closes the socket now.
    pub(crate) fn abort(&mut self) {
        let wakes = self.machine.abort();
        self.wake(wakes);
        self.pump();
    }
}
