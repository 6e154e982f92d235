//! What streams share: libzmq's context, its end, and what that waits for.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, Weak};
use std::time::Duration;
use std::{fmt, io, mem};

use tidegate_core::Lost;
use zmq::SocketType;

use crate::done::{Done, Shutdown};
use crate::error::{OpenError, OptionError, ShutdownError};
use crate::fork::Forkable;
use crate::inproc;
use crate::kinds;
use crate::pump::Flow;
use crate::runtime::{lock, unwinding};
use crate::socket::{RawContext, Socket, socket_of, watch_forks};
use crate::stream::Inner;
use crate::sync::{Condvar, Instant, Mutex, MutexGuard, global, thread};

/// Sockets that are closed by a shutdown linger for so much longer than its deadline: were libzmq to give up just
/// then, a shutdown that was too short would look like one that was not.
const BEYOND_DEADLINE: Duration = Duration::from_secs(3);
/// How long libzmq may take to end, though the deadline is over.
const GRACE: Duration = Duration::from_secs(1);

global! {
    /// The context of the streams that name none.
    static SHARED: Forkable<Option<Context>> = Forkable::of_program(None);
}

/// A libzmq context: streams of one context share its I/O threads and can reach each other by `inproc`.
///
/// A clone is another handle of the same context. When the last handle and the last stream of it are gone, it is
/// terminated by a helper thread; no drop blocks. So that a process does not end before libzmq has sent what it
/// accepted, [`shutdown`](Self::shutdown) has to be waited for.
#[derive(Clone)]
pub struct Context {
    shared: Arc<Shared>,
}

struct Shared {
    state: Forkable<State>,
    changed: Condvar,
}

struct State {
    /// Gone once it is being terminated.
    origin: Option<Origin>,
    streams: BTreeMap<u64, Weak<Inner>>,
    /// What they have bound by `inproc`.
    inproc: inproc::Names,
    /// How many streams were ever opened.
    opened: u64,
    /// Who decides who is let in. It goes last: until then there are others that may be asked for.
    guard: Weak<Inner>,
    /// The end, once it has been asked for.
    shutdown: Option<Arc<Done>>,
    terminated: bool,
}

/// Whose libzmq context it is.
enum Origin {
    /// Our own: we terminate it.
    Own(RawContext),
    /// A clone of a caller's, which is terminated with its last clone.
    Callers(zmq::Context),
    /// That of a socket that was adopted, which its owner terminates.
    Unknown,
    /// That of a process that this one was forked from.
    Parents,
}

/// A stream's place among those of its context.
#[derive(Debug)]
pub(crate) struct Registration(u64);

impl State {
    fn new(origin: Option<Origin>) -> Self {
        Self {
            origin,
            streams: BTreeMap::new(),
            inproc: inproc::Names::default(),
            opened: 0,
            guard: Weak::new(),
            shutdown: None,
            terminated: false,
        }
    }

    /// What a forked child has of a context of its parent.
    fn of_parent() -> Self {
        Self::new(Some(Origin::Parents))
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock(State::of_parent)
    }
}

impl Context {
    /// A context of its own, with libzmq's defaults: one I/O thread, and one beside it for [names](crate::ZmqStream::connect); 1,023
    /// sockets.
    ///
    /// # Errors
    /// libzmq has no descriptors or memory for it.
    pub fn new() -> Result<Self, OpenError> {
        Self::builder().build()
    }

    /// Begins to make a context of its own.
    pub fn builder() -> ContextBuilder {
        ContextBuilder::default()
    }

    /// The context of an adopted socket.
    pub(crate) fn unknown() -> Self {
        Self::of(Origin::Unknown)
    }

    fn of(origin: Origin) -> Self {
        watch_forks();
        Self {
            shared: Arc::new(Shared {
                state: Forkable::new(State::new(Some(origin))),
                changed: Condvar::new(),
            }),
        }
    }

    /// The context that the process's streams have unless they are given another.
    ///
    /// # Errors
    /// There was none, and a new one could not be had.
    pub fn shared() -> Result<Self, OpenError> {
        let mut shared = SHARED.lock(|| None);
        match &*shared {
            Some(context) if context.shared.lock().shutdown.is_none() => Ok(context.clone()),
            _ => Ok(shared.insert(Self::new()?).clone()),
        }
    }

    pub(crate) fn socket(&self, kind: SocketType) -> Result<Socket, OpenError> {
        let state = self.shared.lock();
        let origin = state.origin.as_ref().filter(|_| state.shutdown.is_none());
        let socket = match origin.ok_or(OpenError::ContextShutDown)? {
            Origin::Own(raw) => raw.socket(kind),
            Origin::Callers(context) => socket_of(context, kind),
            Origin::Unknown => return Err(OpenError::NeedsContext),
            Origin::Parents => return Err(OpenError::Forked),
        };
        let mut socket = socket.map_err(|source| OpenError::Socket {
            kind: kinds::name(kind),
            source,
        })?;
        socket.set_names(state.inproc.clone());
        Ok(socket)
    }

    pub(crate) fn is_shutting_down(&self) -> bool {
        self.shared.lock().shutdown.is_some()
    }

    /// A stream was opened. `None` if the context is being shut down.
    pub(crate) fn register(&self, stream: &Arc<Inner>) -> Option<Registration> {
        let mut state = self.shared.lock();
        if state.shutdown.is_some() {
            return None;
        }
        state.opened += 1;
        let id = state.opened;
        state.streams.insert(id, Arc::downgrade(stream));
        Some(Registration(id))
    }

    /// This stream decides who is let in.
    pub(crate) fn is_guarded_by(&self, guard: Weak<Inner>) {
        self.shared.lock().guard = guard;
    }

    /// A stream has closed its socket.
    pub(crate) fn ended(&self, registration: &Registration) {
        self.shared.lock().streams.remove(&registration.0);
        self.shared.changed.notify_all();
    }

    /// Closes all streams of the context, gives them and libzmq until the deadline to send what was written, and
    /// terminates the context. Begins at once, in the background, whether or not it is waited for; a second call waits
    /// for the same end, with the first one's deadline.
    ///
    /// Every program ends with it: libzmq drops what it has accepted and not yet sent when the process ends, and nothing
    /// else tells when it is done. What libzmq holds for a stream whose socket is closed already is sent for as long as that one
    /// [lingers](crate::options::LINGER), whatever the deadline.
    ///
    /// Over `ipc` what was sent need not arrive: a peer whose libzmq has stopped to receive, for it has its
    /// [mark](crate::options::RECEIVE_HWM) of messages, loses what lies in the kernel when this end hangs up, with libzmq 4.3.4 and
    /// 4.3.5 ([4660](https://github.com/zeromq/libzmq/issues/4660)). Over tcp it arrives, but for up to 8 KiB of small messages that libzmq
    /// put together last, where the connection's [send buffer](crate::options::SEND_BUFFER_BYTES) is full at that moment
    /// ([1922](https://github.com/zeromq/libzmq/issues/1922)).
    ///
    /// The threads that it takes end right afterwards, and so does the process's I/O thread if no other context has
    /// streams.
    ///
    /// # Errors
    /// See [`ShutdownError`]. After a timeout what the streams held was dropped, and libzmq drops what it holds within
    /// three seconds, or when a stream that was closed before has lingered; a name that libzmq has just begun to look up it waits for,
    /// however long that takes. It is reported up to a second late: libzmq may just be done.
    ///
    /// # Cancel safety
    /// A dropped future stops nothing.
    pub fn shutdown(&self, deadline: Duration) -> Shutdown {
        let done = {
            let mut state = self.shared.lock();
            if let Some(done) = &state.shutdown {
                return Shutdown::of(done.clone());
            }
            if matches!(state.origin, Some(Origin::Parents)) {
                return Shutdown::of(Done::of(Err(ShutdownError::Forked)));
            }
            // From here on no stream is opened in it, and the next one that names no context has a new one.
            state.shutdown.insert(Arc::default()).clone()
        };
        let end = Instant::now().checked_add(deadline);
        let spawned = thread::Builder::new()
            .name("tidegate-shutdown".into())
            .spawn({
                let (context, done) = (self.clone(), done.clone());
                move || done.set(context.run_shutdown(deadline, end))
            });
        if let Err(error) = spawned {
            // The next call tries again.
            self.shared.lock().shutdown = None;
            done.set(Err(ShutdownError::Thread(Arc::new(error))));
        }
        Shutdown::of(done)
    }

    fn run_shutdown(&self, deadline: Duration, end: Option<Instant>) -> Result<(), ShutdownError> {
        let mut streams: Vec<Arc<Inner>> = {
            let state = self.shared.lock();
            state.streams.values().filter_map(Weak::upgrade).collect()
        };
        // One that is just taken out has ended, and has told its own loss.
        streams.retain(|stream| !stream.with(|flow| flow.is_over()));
        let close = |stream: &Inner| {
            unwinding(|| {
                stream.with(|flow| flow.close_within(deadline.saturating_add(BEYOND_DEADLINE)));
            });
        };
        let guard = self.shared.lock().guard.clone();
        let is_guard = |stream: &Weak<Inner>| stream.ptr_eq(&guard);
        for stream in &streams {
            if !is_guard(&Arc::downgrade(stream)) {
                close(stream);
            }
        }
        self.wait(end, |state| state.streams.values().all(is_guard));
        if let Some(guard) = guard.upgrade() {
            close(&guard);
        }
        let sent_all = self.wait(end, |state| state.streams.is_empty());
        let mut lost = Lost::default();
        for stream in &streams {
            if !sent_all {
                unwinding(|| stream.with(Flow::abort));
            }
            let of_stream = stream.lost();
            lost.messages = lost.messages.saturating_add(of_stream.messages);
            lost.bytes = lost.bytes.saturating_add(of_stream.bytes);
        }
        drop(streams);

        let started = self.terminate();
        started.map_err(|error| ShutdownError::Thread(Arc::new(error)))?;
        // However short the time was: where nothing is left to send, libzmq ends at once.
        let grace = Instant::now().checked_add(GRACE);
        let terminated = self.wait(end.zip(grace).map(|(end, grace)| end.max(grace)), |state| {
            state.terminated
        });
        if !sent_all || !terminated {
            return Err(ShutdownError::TimedOut(lost));
        }
        if !lost.is_nothing() {
            return Err(ShutdownError::Lost(lost));
        }
        Ok(())
    }

    /// Waits until this is so, or the time is up.
    fn wait(&self, end: Option<Instant>, is_so: impl Fn(&State) -> bool) -> bool {
        let mut state = self.shared.lock();
        while !is_so(&state) {
            let left = end.map(|end| end.saturating_duration_since(Instant::now()));
            if left == Some(Duration::ZERO) {
                return false;
            }
            // A deadline beyond what the clock can name never comes.
            let left = left.unwrap_or(Duration::from_secs(u64::from(u32::MAX)));
            let waited = self.shared.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// Has a helper thread terminate the context, which may block for as long as sockets linger.
    fn terminate(&self) -> io::Result<()> {
        let origin = self.shared.lock().origin.take();
        if let Some(origin) = origin {
            let context = self.clone();
            origin.terminate_with(move || {
                context.shared.lock().terminated = true;
                context.shared.changed.notify_all();
            })?;
        }
        Ok(())
    }
}

impl Origin {
    fn terminate_with(self, then: impl FnOnce() + Send + 'static) -> io::Result<()> {
        let thread = thread::Builder::new().name("tidegate-term".into());
        // In a place that outlives the thread which cannot be had: a clone of a context may block the thread that drops it.
        let kept = Arc::new(Mutex::new(Some(self)));
        let of_thread = kept.clone();
        let spawned = thread.spawn(move || {
            let origin = lock(&of_thread).take();
            match origin {
                Some(Self::Own(raw)) => raw.terminate(),
                Some(Self::Callers(context)) => drop(context),
                Some(Self::Unknown | Self::Parents) | None => {}
            }
            then();
        });
        if let Err(error) = spawned {
            mem::forget(kept);
            return Err(error);
        }
        Ok(())
    }
}

impl Drop for State {
    fn drop(&mut self) {
        if let Some(origin) = self.origin.take()
            && matches!(origin, Origin::Own(_) | Origin::Callers(_))
        {
            // Without a thread the context is left as it is: nothing uses it any more.
            let _: io::Result<()> = origin.terminate_with(|| ());
        }
    }
}

/// A caller's context. Streams of it reach the caller's own sockets by `inproc`.
///
/// A clone of it is kept until the last handle and the last stream are gone, or it is [shut down](Context::shutdown), and is then
/// dropped by a helper thread. libzmq terminates the context with its last clone: who drops that waits for what is still to be sent.
/// Do not [`destroy`](zmq::Context::destroy) it while it has streams.
impl From<zmq::Context> for Context {
    fn from(context: zmq::Context) -> Self {
        Self::of(Origin::Callers(context))
    }
}

/// What a context of its own is made with. Made by [`Context::builder`].
#[derive(Clone, Debug, Default)]
#[must_use = "a builder makes nothing before `build`"]
pub struct ContextBuilder {
    io_threads: Option<u32>,
    name_threads: Option<u32>,
    max_sockets: Option<u32>,
    copies_received: bool,
}

impl ContextBuilder {
    /// How many threads libzmq sends and receives with. [The guide](https://zguide.zeromq.org/docs/chapter2/) counts one for each
    /// gigabyte a second; 0 is for `inproc` alone
    /// ([zmq_ctx_set(3)](https://libzmq.readthedocs.io/en/latest/zmq_ctx_set.html)). Connections to host names have
    /// [threads of their own](Self::name_threads). Default: 1.
    pub fn io_threads(mut self, threads: u32) -> Self {
        self.io_threads = Some(threads);
        self
    }

    /// How many more threads there are for connections to host names, which have them in turn, one after the other: a name server that
    /// does not answer holds up those that have the same thread, and nobody else. Each takes two descriptors. 0 is for those who connect
    /// no names: libzmq then chooses among all; so it does where there are more than 64 of both kinds, or none of the others. Default:
    /// 1.
    pub fn name_threads(mut self, threads: u32) -> Self {
        self.name_threads = Some(threads);
        self
    }

    /// How many sockets there may be at once: one for each stream, two more while it is monitored. Each takes a descriptor or two of
    /// the process, and so does each connection. Default: 1,023.
    pub fn max_sockets(mut self, sockets: u32) -> Self {
        self.max_sockets = Some(sockets);
        self
    }

    /// Has libzmq copy what it receives into memory of its own for each frame. Otherwise a frame of 34 bytes to 8 KiB stays where it was
    /// received, and keeps some 18 KB for as long as it is there: which it shares with what has come at the same time, so that whoever
    /// keeps messages that came one by one, or reads late what strangers send so, holds a hundred times what they are charged. It takes
    /// a fifth of the throughput of messages of 200 bytes, a tenth at 1 KiB, and nothing at 16 KiB. Default: off. What comes by `inproc`, or is
    /// encrypted by CURVE, is not concerned.
    ///
    /// It is libzmq's `ZMQ_ZERO_COPY_RECV`, turned off.
    #[doc(alias = "ZMQ_ZERO_COPY_RECV")]
    pub fn copy_received(mut self, on: bool) -> Self {
        self.copies_received = on;
        self
    }

    /// Makes the context.
    ///
    /// # Errors
    /// [`OpenError::Option`] names what libzmq does not take; [`OpenError::Context`] says that it has no descriptors or memory.
    ///
    /// ```
    /// use tidegate::{Context, SocketType, ZmqStream};
    ///
    /// # fn main() -> Result<(), tidegate::OpenError> {
    /// let context = Context::builder().max_sockets(4_000).io_threads(2).build()?;
    /// let stream = ZmqStream::builder(SocketType::PULL).context(&context).open()?;
    ///
    /// let error = Context::builder().max_sockets(0).build().unwrap_err();
    /// assert_eq!(error.to_string(), "cannot set ZMQ_MAX_SOCKETS: Invalid argument (errno 22)");
    /// # Ok(())
    /// # }
    /// ```
    pub fn build(self) -> Result<Context, OpenError> {
        let mut raw = RawContext::new().map_err(OpenError::Context)?;
        let mut set = Ok(());
        if let Some(sockets) = self.max_sockets {
            set = raw
                .set_max_sockets(sockets)
                .map_err(|source| ("ZMQ_MAX_SOCKETS", source));
        }
        if set.is_ok() {
            set = raw
                .set_io_threads(self.io_threads.unwrap_or(1), self.name_threads.unwrap_or(1))
                .map_err(|source| ("ZMQ_IO_THREADS", source));
        }
        if set.is_ok() && self.copies_received {
            set = raw
                .copy_received()
                .map_err(|source| ("ZMQ_ZERO_COPY_RECV", source));
        }
        // What is refused has to be terminated, too.
        let context = Context::of(Origin::Own(raw));
        set.map_err(|(option, source)| OptionError::Set { option, source })?;
        Ok(context)
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (streams, shutting_down) = {
            let state = self.shared.lock();
            (state.streams.len(), state.shutdown.is_some())
        };
        f.debug_struct("Context")
            .field("streams", &streams)
            .field("shutting_down", &shutting_down)
            .finish()
    }
}

/// Shuts down the context that the process's streams have unless they were given another; see [`Context::shutdown`]. If
/// there is none, there is nothing to wait for. A stream that is opened later has a new one.
///
/// # Errors
/// See [`ShutdownError`]: the time was up, or a stream ended otherwise meanwhile and lost messages.
///
/// # Cancel safety
/// A dropped future stops nothing.
///
/// ```
/// use std::time::Duration;
/// use tidegate::{ShutdownError, SocketType, ZmqStream};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let pull = ZmqStream::builder(SocketType::PULL).bind("tcp://127.0.0.1:*").open()?;
/// let push = ZmqStream::builder(SocketType::PUSH).connect(&pull.bindings()[0]).open()?;
/// push.write("is read")?;
/// assert_eq!(tidegate::block_on(pull.read())?, "is read");
/// tidegate::block_on(tidegate::shutdown(Duration::from_secs(5)))?;
///
/// let nobody_there = ZmqStream::builder(SocketType::PUSH).open()?;
/// nobody_there.write("goes nowhere")?;
/// let end = tidegate::block_on(tidegate::shutdown(Duration::from_millis(10)));
/// assert!(matches!(end, Err(ShutdownError::TimedOut(lost)) if lost.messages == 1));
/// # Ok(())
/// # }
/// ```
pub fn shutdown(deadline: Duration) -> Shutdown {
    let context = SHARED.lock(|| None).clone();
    match context {
        Some(context) => context.shutdown(deadline),
        None => Shutdown::of(Done::of(Ok(()))),
    }
}
