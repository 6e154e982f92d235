//! The monitor of a stream: libzmq tells what happens to a socket by messages to a PAIR of the same context.
//!
//! The PAIR is connected before libzmq is told to send there, so that no event is missed, and has no high-water mark: libzmq's
//! own I/O thread sends the events, and would wait for room. The process's I/O thread takes them out at once, whether or not
//! anybody reads, and the stream's backlog discards what is too much. Events have a lock of their own, and a machine of their
//! own that has no messages; where both locks are held, the stream's was taken first.

use std::ffi::{CStr, CString};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{self, Poll};
use std::{fmt, mem};

use tidegate_core::{
    EventError, EventKind, EventMask, ReadEventError as CoreReadEventError, Ticket,
    TryReadEventError as CoreTryReadEventError, Wakes,
};
use zmq::SocketType;

use crate::arrivals::over;
use crate::backlog::SocketEvent;
use crate::error::{
    Errno, MonitorError, OpenError, ReadEventError, SocketError, TryReadEventError, WaitError,
};
use crate::events::Events;
use crate::fork::Forkable;
use crate::message::Multipart;
use crate::presence::{Change, Presence};
use crate::pump::Flow;
use crate::runtime::{Runtime, Watch, Watched};
use crate::socket::{Socket, c_string};
use crate::stream::{Wakers, ZmqStream, wake_all};
use crate::waiting::{Place, Waiting};

/// After so many events the I/O thread lets other streams run.
const BATCH: usize = 64;

/// A stream's events, whether or not it is monitored.
pub(crate) struct Monitor(Forkable<State>);

struct State {
    events: Events,
    /// Where the events come from, while the socket is monitored.
    pair: Option<Box<Pair>>,
    wakes: Wakes,
    /// Who is there, if the stream keeps that. Then the PAIR is there all the while, and gets all events.
    tracking: Option<Box<Tracking>>,
}

struct Tracking {
    presence: Presence,
    /// What the user has events reported of.
    wanted: EventMask,
    waiting: Waiting,
    /// Whether those who wait for a connection have reason to look.
    has_news: bool,
}

/// Our end of the PAIR.
struct Pair {
    watch: Watch,
    /// The events that it was asked for.
    mask: EventMask,
    /// The frames of an event of which not all have come.
    partial: Multipart,
    /// Its context was terminated, and nothing more comes.
    is_over: bool,
}

impl Pair {
    /// The next event, if one is there.
    fn recv(&mut self) -> Option<Result<SocketEvent, EventError>> {
        loop {
            match self.partial.receive(self.watch.socket()) {
                Ok((_, true)) => {}
                Ok((_, false)) => return Some(decode(&mem::take(&mut self.partial))),
                Err(errno) => {
                    self.is_over |= errno.ends_socket();
                    return None;
                }
            }
        }
    }
}

fn decode(message: &Multipart) -> Result<SocketEvent, EventError> {
    let frames = message.iter().map(|frame| &**frame);
    // It looks at all of it, and keeps nothing of the endpoint.
    let kind = tidegate_core::SocketEvent::<0>::decode(frames)?.kind;
    let endpoint = message.get(1).map_or(&[][..], |frame| frame);
    Ok(SocketEvent {
        kind,
        endpoint: String::from_utf8_lossy(endpoint).into_owned(),
        discarded: 0,
    })
}

/// An endpoint that no other monitor of this process has.
fn unique_endpoint() -> CString {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    c_string(&format!("inproc://tidegate-monitor-{number}")).unwrap_or_default()
}

/// A PAIR that is connected to this endpoint, which is not bound yet.
fn connected(mut pair: Socket, endpoint: &CString) -> Result<Socket, Errno> {
    pair.set_int(zmq_sys::ZMQ_RCVHWM, 0)?;
    pair.set_int(zmq_sys::ZMQ_LINGER, 0)?;
    pair.connect(endpoint)?;
    Ok(pair)
}

/// Lets a PAIR be closed whose endpoint nobody has bound: libzmq would keep it, its descriptors and its place, until the context ends. So
/// it binds the endpoint itself. There is nothing else to do should that fail.
fn let_go(pair: &mut Socket, endpoint: &CStr) {
    let _: Result<(), Errno> = pair.bind(endpoint);
}

/// Whether these two are of one context: then a name that one of them has bound is taken. `socket` is not monitored any more.
fn are_of_one_context(socket: &mut Socket, pair: &mut Socket) -> Result<bool, Errno> {
    let name = unique_endpoint();
    socket.monitor(Some(&name), EventMask::NONE)?;
    let bound = pair.bind(&name);
    if bound.is_ok() {
        pair.unbind(&name)?;
    }
    socket.monitor(None, EventMask::NONE)?;
    Ok(bound == Err(Errno::ADDRESS_IN_USE))
}

impl State {
    fn new(backlog: usize) -> Self {
        Self {
            events: Events::new(backlog),
            pair: None,
            wakes: Wakes::NONE,
            tracking: None,
        }
    }

    /// What a forked child has of a monitor of its parent.
    fn of_parent() -> Self {
        let mut state = Self::new(0);
        // Nobody of the child waits.
        let _ = state.events.end(Some(Errno::FORKED));
        state
    }

    fn wake(&mut self, wakes: Wakes) {
        self.wakes = self.wakes.and(wakes);
    }

    fn feed(&mut self, event: Result<SocketEvent, EventError>) {
        if let Some(tracking) = &mut self.tracking
            && let Ok(event) = &event
        {
            tracking.has_news |= tracking.presence.note(event.kind, &event.endpoint);
            if !tracking.wanted.contains(event.kind.mask()) {
                return;
            }
        }
        let wakes = self.events.machine().feed_event(event);
        self.wake(wakes);
    }

    /// Takes in what has come, and has the PAIR watched for what comes next.
    fn take_in_batch(&mut self) {
        for _ in 0..BATCH {
            let Some(pair) = &mut self.pair else {
                return;
            };
            match pair.recv() {
                Some(event) => self.feed(event),
                None if pair.is_over => return drop(self.pair.take()),
                None => return pair.watch.set_now(),
            }
        }
        if let Some(pair) = &self.pair {
            pair.watch.reschedule();
        }
    }

    /// Takes in everything that has come until now.
    fn take_in_all(&mut self) {
        while let Some(event) = self.pair.as_mut().and_then(|pair| pair.recv()) {
            self.feed(event);
        }
        // Nothing more, and the watch is set.
        self.take_in_batch();
    }

    /// Takes in everything of a PAIR that nothing more comes to, and closes it.
    fn take_in_rest(&mut self, mut pair: Box<Pair>, is_wanted: impl Fn(EventKind) -> bool) {
        while let Some(event) = pair.recv() {
            if event.as_ref().map_or(true, |event| is_wanted(event.kind)) {
                self.feed(event);
            }
        }
    }

    fn is_open(&self) -> bool {
        self.events.is_open()
    }

    /// Has these events reported, or none, if the socket is monitored anyway. Those that have come are of what was wanted before.
    fn want(&mut self, events: Option<EventMask>) -> bool {
        if self.tracking.is_some() {
            self.take_in_all();
        }
        let Some(tracking) = &mut self.tracking else {
            return false;
        };
        tracking.wanted = events.unwrap_or(EventMask::NONE);
        let wakes = self.events.machine().set_monitoring(events.is_some());
        self.wake(wakes);
        true
    }
}

impl Monitor {
    pub(crate) fn new(backlog: usize) -> Arc<Self> {
        Arc::new(Self(Forkable::new(State::new(backlog))))
    }

    /// Locks the events; returns who has reason to go on, to be woken once no lock is held.
    fn locked<R>(&self, f: impl FnOnce(&mut State) -> R) -> (R, Wakers) {
        let mut wakers = Wakers::new();
        let mut state = self.0.lock(State::of_parent);
        let result = f(&mut state);
        let mut wakes = mem::take(&mut state.wakes);
        if let Some(machine) = state.events.made() {
            while let Some(waker) = machine.take_waker(&mut wakes) {
                wakers.push(waker);
            }
        }
        if let Some(tracking) = &mut state.tracking
            && mem::take(&mut tracking.has_news)
        {
            wakers.extend(tracking.waiting.take());
        }
        (result, wakers)
    }

    fn with<R>(&self, f: impl FnOnce(&mut State) -> R) -> R {
        let (result, wakers) = self.locked(f);
        wake_all(wakers);
        result
    }

    /// Whether libzmq sends the socket's events here.
    pub(crate) fn has_pair(&self) -> bool {
        self.with(|state| state.pair.is_some())
    }

    /// How many events the backlog has ever discarded.
    pub(crate) fn discarded(&self) -> u64 {
        self.with(|state| {
            let machine = state.events.made();
            machine.map_or(0, |machine| machine.events().discarded_ever)
        })
    }

    /// The stream is closing, or has failed: what has happened until now can still be read. Returns who is to be woken.
    pub(crate) fn close(&self, failure: Option<Errno>) -> Wakers {
        let ((), wakers) = self.locked(|state| {
            state.take_in_all();
            let wakes = state.events.end(failure);
            state.wake(wakes);
            if let Some(tracking) = &mut state.tracking {
                tracking.presence.leave_all();
                tracking.has_news = true;
            }
        });
        wakers
    }

    /// The stream's socket is closed. Returns who is to be woken.
    pub(crate) fn end(&self) -> Wakers {
        let (pair, wakers) = self.locked(|state| {
            // Another thread may still be on its way to say that the stream closes.
            state.take_in_all();
            state.pair.take()
        });
        drop(pair);
        wakers
    }

    /// Keeps from now on who is there.
    pub(crate) fn track(
        self: &Arc<Self>,
        socket: &mut Socket,
        pair: Socket,
    ) -> Result<(), MonitorError> {
        let (armed, wakers) = self.locked(|state| {
            state.tracking = Some(Box::new(Tracking {
                presence: Presence::new(socket.kind()),
                wanted: EventMask::NONE,
                waiting: Waiting::default(),
                has_news: false,
            }));
            let armed = self.arm(state, socket, pair, EventMask::ALL);
            state.want(None);
            armed
        });
        // The stream is just being opened: nobody waits.
        drop(wakers);
        armed
    }

    /// The stream has bound, connected, unbound or disconnected an endpoint: what was told before is looked at first.
    /// `connected` is what the stream is connected to then.
    pub(crate) fn note(&self, change: Change, endpoint: &str, connected: &[String]) -> Wakers {
        let ((), wakers) = self.locked(|state| {
            if state.tracking.is_some() {
                state.take_in_all();
            }
            if let Some(tracking) = &mut state.tracking {
                tracking.presence.change(change, endpoint, connected);
            }
        });
        wakers
    }

    /// Looks at who is there, if that is kept.
    pub(crate) fn with_presence<R>(&self, f: impl FnOnce(&Presence) -> R) -> Option<R> {
        self.with(|state| {
            let tracking = state.tracking.as_ref()?;
            Some(f(&tracking.presence))
        })
    }

    /// Polls until so many connections are ready.
    pub(crate) fn poll_connected(
        &self,
        place: &mut Place,
        waker: &mut Option<task::Waker>,
        connections: usize,
    ) -> Poll<Result<(), WaitError>> {
        self.with(|state| {
            let end = over(state.events.machine().state());
            let Some(tracking) = &mut state.tracking else {
                return Poll::Ready(Err(end.unwrap_or(WaitError::NotTracked)));
            };
            match end {
                Some(error) => Poll::Ready(Err(error)),
                None if tracking.presence.connected() >= connections => Poll::Ready(Ok(())),
                None => tracking.waiting.wait(place, waker),
            }
        })
    }

    /// Somebody waits no more.
    pub(crate) fn leave(&self, place: &mut Place) -> Option<task::Waker> {
        self.with(|state| state.tracking.as_mut()?.waiting.leave(place))
    }

    /// Has `socket` monitored by this PAIR. What came by another one is taken in before.
    fn arm(
        self: &Arc<Self>,
        state: &mut State,
        socket: &mut Socket,
        mut pair: Socket,
        mask: EventMask,
    ) -> Result<(), MonitorError> {
        let endpoint = unique_endpoint();
        // libzmq would wait for ever for somebody who takes the first event. Of one that is monitored already it is known.
        if state.pair.is_none()
            && socket.is_adopted()
            && !are_of_one_context(socket, &mut pair).map_err(MonitorError::Refused)?
        {
            return Err(MonitorError::NeedsContext);
        }
        let pair = connected(pair, &endpoint).map_err(MonitorError::Refused)?;
        let mut new = None;
        Watch::open(&Runtime::Thread, pair, |watch| {
            new = Some(Box::new(Pair {
                watch,
                mask,
                partial: Multipart::new(),
                is_over: false,
            }));
            self.clone()
        })
        .map_err(|(error, mut pair)| {
            let_go(&mut pair, &endpoint);
            error
        })?;
        let armed = socket.monitor(Some(&endpoint), mask);
        if armed.is_err()
            && let Some(new) = &mut new
        {
            let_go(new.watch.socket(), &endpoint);
        }
        if let Some(old) = state.pair.take() {
            // The monitor as a whole has not stopped.
            state.take_in_rest(old, |kind| kind != EventKind::MonitorStopped);
        }
        let wakes = state.events.machine().set_monitoring(armed.is_ok());
        state.wake(wakes);
        armed.map_err(MonitorError::Refused)?;
        state.pair = new;
        state.take_in_batch();
        Ok(())
    }
}

impl Watched for Monitor {
    fn on_ready(&self) {
        self.with(|state| {
            if let Some(pair) = &mut state.pair {
                pair.watch.fired();
            }
            state.take_in_batch();
        });
    }

    fn on_schedule(&self) {
        self.with(State::take_in_batch);
    }
}

impl ZmqStream {
    /// Has libzmq report these events of the socket, to be read by [`read_event`](Self::read_event). What happened before is not
    /// reported. A second time it changes which events are reported, and loses none of those that have come.
    ///
    /// Takes two more sockets of the context, and a descriptor or two for each, until it is [disabled](Self::disable_monitor) or the
    /// stream is closed.
    ///
    /// # Errors
    /// See [`MonitorError`]. If the events could not be changed, those of before go on to be reported, or none, where libzmq had let go of
    /// them already: [`monitored_events`](Self::monitored_events) says which.
    ///
    /// ```
    /// use futures_lite::future::block_on;
    /// use tidegate::{EventKind, EventMask, SocketType, ZmqStream};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let stream = ZmqStream::builder(SocketType::PULL).open()?;
    /// stream.enable_monitor(EventMask::ALL)?;
    /// let endpoint = stream.bind("tcp://127.0.0.1:*")?;
    ///
    /// let event = block_on(stream.read_event())?;
    /// assert!(matches!(event.kind, EventKind::Listening { .. }));
    /// assert_eq!(event.endpoint, endpoint);
    /// # block_on(tidegate::shutdown(std::time::Duration::from_secs(5)))?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn enable_monitor(&self, events: EventMask) -> Result<(), MonitorError> {
        let monitor = &self.inner().monitor;
        if self.monitored_events() == Some(events) {
            return Ok(());
        }
        let is_tracked = self.inner().with(|flow| {
            flow.check_open().map_err(not_monitored)?;
            Ok::<_, MonitorError>(monitor.locked(|state| state.want(Some(events))))
        });
        let (is_tracked, wakers) = is_tracked?;
        wake_all(wakers);
        if is_tracked {
            return Ok(());
        }
        // Made before the stream is locked.
        let pair = self.inner().context.socket(SocketType::PAIR);
        let pair = pair.map_err(|error| match error {
            OpenError::Socket { source, .. } => MonitorError::Refused(source),
            OpenError::NeedsContext => MonitorError::NeedsContext,
            OpenError::Forked => MonitorError::Failed(Errno::FORKED),
            _ => MonitorError::Closed,
        })?;
        let armed = self.inner().with(|flow| {
            flow.touch(|socket| monitor.locked(|state| monitor.arm(state, socket, pair, events)))
        });
        let (result, wakers) = armed.map_err(not_monitored)?;
        wake_all(wakers);
        result
    }

    /// Has no more events reported. Those that have come can still be read, and then whoever reads events learns that there is no
    /// monitor. A second time, and on a stream that is closed, it does nothing.
    ///
    /// # Errors
    /// [`InUse`](MonitorError::InUse): somebody has the socket by [`with_socket`](Self::with_socket); it is monitored as before.
    pub fn disable_monitor(&self) -> Result<(), MonitorError> {
        let monitor = &self.inner().monitor;
        let disarmed = self.inner().with(|flow| {
            flow.touch(|socket| {
                monitor.locked(|state| {
                    if state.want(None) {
                        return;
                    }
                    // Without one it is its owner's, if the socket is monitored.
                    if let Some(pair) = state.pair.take() {
                        // It fails only if the context is gone, and the monitor with it.
                        let _: Result<(), Errno> = socket.monitor(None, EventMask::NONE);
                        state.take_in_rest(pair, |_| true);
                    }
                    if let Some(machine) = state.events.made() {
                        let wakes = machine.set_monitoring(false);
                        state.wake(wakes);
                    }
                })
            })
        });
        match disarmed {
            Ok(((), wakers)) => wake_all(wakers),
            Err(SocketError::InUse) => return Err(MonitorError::InUse),
            Err(SocketError::Closed | SocketError::Failed(_)) => {}
        }
        Ok(())
    }

    /// Which events are reported: `None` if there is no monitor.
    pub fn monitored_events(&self) -> Option<EventMask> {
        self.inner().monitor.with(|state| {
            let pair = state.pair.as_ref().filter(|_| state.is_open())?;
            match &state.tracking {
                Some(tracking) => {
                    let is_monitoring = state.events.machine().is_monitoring();
                    is_monitoring.then_some(tracking.wanted)
                }
                None => Some(pair.mask),
            }
        })
    }

    /// Changes how many events are kept until they are read, `None` for any number; the oldest ones that are too many are
    /// discarded, and counted. Default: 100, or what [`Builder::events_backlog`](crate::Builder::events_backlog) says.
    pub fn set_events_backlog(&self, events: impl Into<Option<usize>>) {
        let most = events.into().unwrap_or(usize::MAX);
        self.inner().monitor.with(|state| {
            let wakes = state.events.set_backlog(most);
            state.wake(wakes);
        });
    }

    /// Waits for an event. Those who wait are served in the order in which they came. Events do not wait for messages, nor
    /// messages for events.
    ///
    /// # Errors
    /// See [`ReadEventError`]. Events that have come are read first.
    ///
    /// # Cancel safety
    /// A dropped future has taken no event; if it had been woken already, the next one is.
    ///
    /// ```
    /// use futures_lite::future::block_on;
    /// use tidegate::{EventKind, EventMask, ReadEventError, SocketType, ZmqStream};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let pull = ZmqStream::builder(SocketType::PULL).open()?;
    /// assert_eq!(block_on(pull.read_event()), Err(ReadEventError::NotMonitoring));
    ///
    /// pull.enable_monitor(EventMask::LISTENING)?;
    /// pull.bind("tcp://127.0.0.1:*")?;
    /// pull.close();
    /// let event = block_on(pull.read_event())?; // what has come is read first
    /// assert!(matches!(event.kind, EventKind::Listening { .. }) && event.discarded == 0);
    /// assert_eq!(block_on(pull.read_event()), Err(ReadEventError::Closed));
    /// # Ok(())
    /// # }
    /// ```
    pub fn read_event(&self) -> ReadEvent<'_> {
        self.leave();
        ReadEvent {
            monitor: &self.inner().monitor,
            ticket: Ticket::new(),
        }
    }

    /// Takes an event if one is there and nobody waits for it.
    ///
    /// # Errors
    /// See [`TryReadEventError`].
    pub fn try_read_event(&self) -> Result<SocketEvent, TryReadEventError> {
        self.leave();
        let read = self.inner().monitor.with(|state| {
            let (read, wakes) = state.events.machine().try_event();
            state.wake(wakes);
            read
        });
        match read {
            Ok(seen) => Ok(event(seen)?),
            Err(CoreTryReadEventError::Empty) => Err(TryReadEventError::Empty),
            Err(CoreTryReadEventError::Read(error)) => Err(read_error(error).into()),
        }
    }
}

/// Waits for an event. Made by [`ZmqStream::read_event`].
#[must_use = "futures do nothing unless polled"]
pub struct ReadEvent<'a> {
    monitor: &'a Monitor,
    ticket: Ticket,
}

impl Future for ReadEvent<'_> {
    type Output = Result<SocketEvent, ReadEventError>;

    fn poll(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        this.ticket.offer(cx.waker());
        let ticket = &mut this.ticket;
        let read = this.monitor.with(|state| {
            let (read, wakes) = state.events.machine().poll_event(ticket);
            state.wake(wakes);
            read
        });
        this.ticket.settle();
        read.map(|read| read.map_err(read_error).and_then(event))
    }
}

impl Drop for ReadEvent<'_> {
    fn drop(&mut self) {
        if self.ticket.has_place() {
            let ticket = &mut self.ticket;
            self.monitor.with(|state| {
                let wakes = state.events.machine().cancel(ticket);
                state.wake(wakes);
            });
        }
    }
}

impl fmt::Debug for ReadEvent<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadEvent").finish_non_exhaustive()
    }
}

fn not_monitored(over: SocketError) -> MonitorError {
    match over {
        SocketError::Closed => MonitorError::Closed,
        SocketError::InUse => MonitorError::InUse,
        SocketError::Failed(errno) => MonitorError::Failed(errno),
    }
}

fn event(
    (event, discarded): (Result<SocketEvent, EventError>, usize),
) -> Result<SocketEvent, ReadEventError> {
    let event = event.map_err(|source| ReadEventError::Malformed { source, discarded })?;
    Ok(SocketEvent { discarded, ..event })
}

fn read_error(error: CoreReadEventError<Errno>) -> ReadEventError {
    match error {
        CoreReadEventError::NotMonitoring => ReadEventError::NotMonitoring,
        CoreReadEventError::Failed(errno) => ReadEventError::Failed(errno),
        // Slots grow.
        CoreReadEventError::Closed | CoreReadEventError::TooManyWaiters => ReadEventError::Closed,
    }
}

impl Flow {
    /// Whether the events are to be told, now, that the stream ends.
    pub(crate) fn ends_events(&mut self) -> bool {
        !self.is_open() && !mem::replace(&mut self.has_ended_events, true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f1_what_is_no_event_is_an_error_that_says_why() {
        let header = [0x0008u16.to_ne_bytes().as_slice(), &7u32.to_ne_bytes()].concat();
        let decoded = |frames: &[&[u8]]| decode(&Multipart::from(frames));
        let event = decoded(&[&header, b"ipc://here"]).unwrap();
        assert_eq!(event.kind, EventKind::Listening { fd: 7 });
        assert_eq!((&*event.endpoint, event.discarded), ("ipc://here", 0));

        assert!(matches!(
            decoded(&[&header]),
            Err(EventError::FrameCount { found: 1, .. })
        ));
        assert!(matches!(
            decoded(&[b"short", b""]),
            Err(EventError::HeaderLength { found_bytes: 5, .. })
        ));
        assert!(matches!(
            decoded(&[&header, b"\xff"]),
            Err(EventError::EndpointNotUtf8 { .. })
        ));
        assert!(decoded(&[]).is_err());
    }

    #[test]
    fn f1_an_endpoint_of_any_length_is_kept_whole() {
        let header = [0x0008u16.to_ne_bytes().as_slice(), &7u32.to_ne_bytes()].concat();
        let endpoint = format!("ipc:///{}", "x".repeat(300));
        let event = decode(&[&header[..], endpoint.as_bytes()].into()).unwrap();
        assert_eq!(event.endpoint, endpoint);
    }

    #[test]
    fn f3_what_has_come_is_of_the_events_that_were_wanted_when_it_came() {
        let stream = ZmqStream::builder(SocketType::PULL).track_connections(true);
        let stream = stream.open().unwrap();
        let inner = stream.inner();
        // Nobody takes the events in between.
        let bind_and = |then: fn(&mut State)| {
            let touched = inner.with(|flow| {
                flow.touch(|socket| {
                    inner.monitor.locked(|state| {
                        socket.bind(c"tcp://127.0.0.1:*").unwrap();
                        then(state);
                    })
                })
            });
            drop(touched.unwrap());
        };
        let is_listening = |event: Result<SocketEvent, TryReadEventError>| {
            event.is_ok_and(|event| matches!(event.kind, EventKind::Listening { .. }))
        };
        bind_and(|state| assert!(state.want(Some(EventMask::LISTENING))));
        let empty = Err(TryReadEventError::Empty);
        assert_eq!(stream.try_read_event(), empty, "of before it was monitored");
        bind_and(|state| assert!(state.want(Some(EventMask::CLOSED))));
        assert!(is_listening(stream.try_read_event()));
        stream.enable_monitor(EventMask::LISTENING).unwrap();
        bind_and(|state| assert!(state.want(None)));
        assert!(is_listening(stream.try_read_event()));
        stream.abort();
    }
}
