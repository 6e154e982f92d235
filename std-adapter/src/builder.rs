//! Opening a stream.

use std::mem;
use std::sync::Arc;

use tidegate_core::{Level, Limit, OwnedQueue, Watermarks};
use zmq::SocketType;

use crate::backlog;
use crate::context::Context;
use crate::endpoints::Endpoints;
use crate::error::{AdoptError, EndpointError, Errno, OpenError, Side, SubscribeError};
use crate::message::Multipart;
use crate::notes::Span;
use crate::options::{self, OptionValue, Setting, SocketOption, check_all};
use crate::port::new_machine;
use crate::pump::Flow;
use crate::runtime::{Runtime, Watch};
use crate::socket::{self, Socket};
use crate::stream::{Inner, ZmqStream};
use crate::subscriptions::{subscribe_early, unsubscribe_early};
use crate::transport::ZmqTransport;
use crate::turns::Turn;

/// What a stream is opened with. All but the type is optional.
///
/// ```
/// use tidegate::{Limit, SocketType, ZmqStream};
///
/// # fn main() -> Result<(), tidegate::OpenError> {
/// let stream = ZmqStream::builder(SocketType::DEALER)
///     .bind("tcp://127.0.0.1:*")
///     .bind("inproc://also-here")
///     .high_read(8 * 1024)
///     .high_write(Limit::Unlimited)
///     .open()?;
/// assert_eq!(stream.bindings().len(), 2);
///
/// let error = ZmqStream::builder(SocketType::PULL).high_read(10).low_read(20).open().unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "the read buffer: high-water mark of 10 bytes is under the low-water mark of 20 bytes",
/// );
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use = "a builder opens nothing before `open`"]
pub struct Builder {
    kind: SocketType,
    bind: Vec<String>,
    connect: Vec<String>,
    context: Option<Context>,
    read: Marks,
    write: Marks,
    settings: Vec<Setting>,
    subscriptions: Vec<Vec<u8>>,
    read_ahead: bool,
    events_backlog: usize,
    tracks_connections: bool,
    runtime: Runtime,
}

#[derive(Debug, Clone, Copy, Default)]
struct Marks {
    high: Option<Limit>,
    low: Option<usize>,
}

impl Marks {
    fn resolve(self, side: Side) -> Result<Watermarks, OpenError> {
        Watermarks::resolve(self.high, self.low, OwnedQueue::<Multipart>::LIMITS)
            .map_err(|source| OpenError::Watermarks { side, source })
    }
}

impl Builder {
    pub(crate) fn new(kind: SocketType) -> Self {
        Self {
            kind,
            bind: Vec::new(),
            connect: Vec::new(),
            context: None,
            read: Marks::default(),
            write: Marks::default(),
            settings: Vec::new(),
            subscriptions: Vec::new(),
            read_ahead: true,
            events_backlog: backlog::DEFAULT,
            tracks_connections: false,
            runtime: Runtime::default(),
        }
    }

    /// Binds this endpoint. May be called any number of times; endpoints are bound in this order, before any is
    /// connected.
    pub fn bind(mut self, endpoint: impl Into<String>) -> Self {
        self.bind.push(endpoint.into());
        self
    }

    /// Connects this endpoint. May be called any number of times.
    pub fn connect(mut self, endpoint: impl Into<String>) -> Self {
        self.connect.push(endpoint.into());
        self
    }

    /// Opens the stream in this context, and not in the one that the process shares. Of a socket to [`adopt`](Self::adopt) it has to
    /// be the context.
    pub fn context(mut self, context: &Context) -> Self {
        self.context = Some(context.clone());
        self
    }

    /// Stops receiving when more than this many bytes wait to be read, each frame charged 64 bytes besides its payload. Default: four times
    /// `low_read` if that is set, or 64 KiB. Worst case: this and one message more (two of a SUB, an XSUB and a ROUTER).
    pub fn high_read(mut self, high: impl Into<Limit>) -> Self {
        self.read.high = Some(high.into());
        self
    }

    /// Receives again when no more than this many bytes wait to be read. Default: a quarter of `high_read`, or 16 KiB.
    pub fn low_read(mut self, low_bytes: usize) -> Self {
        self.read.low = Some(low_bytes);
        self
    }

    /// Pauses those who drain or send when more than this many bytes wait to be sent, each frame charged 64 bytes besides its payload.
    /// Default: four times `low_write`, or 64 KiB. Worst case: this and one message of each who drains after every write, or sends; who
    /// only writes has no bound.
    pub fn high_write(mut self, high: impl Into<Limit>) -> Self {
        self.write.high = Some(high.into());
        self
    }

    /// Resumes those who drain or send when no more than this many bytes wait to be sent. Default: a quarter of `high_write`, or
    /// 16 KiB.
    pub fn low_write(mut self, low_bytes: usize) -> Self {
        self.write.low = Some(low_bytes);
        self
    }

    /// Sets an option of the socket, before anything is bound or connected. May be called any number of times; options are set
    /// in this order.
    pub fn option<T: OptionValue>(mut self, option: SocketOption<T>, value: T) -> Self {
        self.settings.push(Setting::new(option, value));
        self
    }

    /// The type of the stream.
    pub(crate) fn kind(&self) -> SocketType {
        self.kind
    }

    /// Sets an option, unless that is done otherwise.
    pub(crate) fn default_option<T: OptionValue>(
        mut self,
        option: SocketOption<T>,
        value: T,
    ) -> Self {
        self.settings.insert(0, Setting::new(option, value));
        self
    }

    /// Subscribes a SUB or an XSUB to the messages whose first frame begins with this prefix; see
    /// [`ZmqStream::subscribe`]. May be called any number of times.
    pub fn subscribe(mut self, prefix: impl AsRef<[u8]>) -> Self {
        self.subscriptions.push(prefix.as_ref().to_owned());
        self
    }

    /// Has libzmq hold the last message alone, one of a single frame, in each direction. Only a DEALER, PULL, PUSH, PUB or
    /// SUB can. It turns [`read_ahead`](Self::read_ahead) off: what is read is what came last, but that a read which is dropped just when
    /// a message has come leaves that one for the next read. libzmq may end the process when a peer sends a message of several frames to
    /// one that conflates; one of ours is refused. A SUB that conflates has one prefix at most, and so should each subscriber of a PUB that
    /// conflates: libzmq keeps the latest subscription message of each alone, too. A message that comes just while the one before is read may wait in
    /// libzmq 4.3.4 until another one comes, and is never freed then. The end of a connection takes the same place: what was written and has not
    /// left yet is lost when the stream closes or disconnects, whatever its [`LINGER`](crate::options::LINGER), and what was not read when a peer of one that
    /// is bound leaves. By `inproc` it is the side that connects which conflates for both, and it connects only what a stream of its
    /// [`Context`] has bound. Default: off.
    pub fn conflate(mut self, on: bool) -> Self {
        self.settings.push(Setting::conflate(on));
        self
    }

    /// Whether messages are received before anybody reads, up to `high_read` bytes. Without it one is received when
    /// somebody waits for it, and libzmq holds the others, but for one that a SUB, an XSUB or a ROUTER has looked at. Default: on. A REQ, a REP and a stream that conflates never do.
    ///
    /// A read that finds a message in libzmq takes that one at once. What waits behind it is received ahead within ten milliseconds; on
    /// tokio, and on systems that are no Unix, when libzmq has news next, or anything else is done with the stream that looks at its
    /// socket. The same holds of what has come just before a write that libzmq took at once, wherever the stream runs. Until then libzmq
    /// holds it, within `RECEIVE_HWM`.
    pub fn read_ahead(mut self, on: bool) -> Self {
        self.read_ahead = on;
        self
    }

    /// How many events are kept until they are read, `None` for any number; the oldest ones that are too many are discarded, and
    /// counted. See [`ZmqStream::enable_monitor`]. Default: 100. Worst case: this many events of an endpoint each.
    pub fn events_backlog(mut self, events: impl Into<Option<usize>>) -> Self {
        self.events_backlog = events.into().unwrap_or(usize::MAX);
        self
    }

    /// Keeps who is connected, from before the first bind or connect on, for [`connection_states`](ZmqStream::connection_states) and
    /// [`wait_connected`](ZmqStream::wait_connected). Default: off. It takes what a [monitor](ZmqStream::enable_monitor) takes, two more
    /// sockets of the context, for as long as the stream is open, and some 100 bytes for each connection; the stream can be monitored
    /// as any other. What libzmq does not tell is not known: `inproc`; what somebody connects or disconnects by
    /// [`with_socket`](ZmqStream::with_socket), or once somebody has it monitored so; the peer of a STREAM that is hung up on by an empty message; and that peers of ZMTP 1.0 and 2.0, which have no handshake, are ready. While several
    /// handshakes of one endpoint are under way and one fails, it may be taken for another until one of them ends. Where the context has
    /// several [I/O threads](crate::ContextBuilder::io_threads), libzmq may tell of the end of a handshake before it tells of the
    /// connection, so that one that is ready counts as one that is not.
    pub fn track_connections(mut self, on: bool) -> Self {
        self.tracks_connections = on;
        self
    }

    /// Has a task on this tokio runtime receive and send in the background, and not the process's I/O thread; its I/O driver has to be
    /// [enabled](tokio::runtime::Builder::enable_io), and it has to be running: a current-thread runtime does nothing while nobody blocks
    /// on it, nor while its thread waits for something else, such as a [`blocking`](ZmqStream::blocking) call. As long as it runs the futures of the stream work on any executor. When the runtime shuts
    /// down, or the stream closes with messages unsent, the I/O thread takes over. Where there is no unix this does nothing. Needs the
    /// feature `tokio`.
    ///
    /// A runtime without work sleeps, and takes longer to wake than many answers take. So where something was written and somebody reads,
    /// whoever answers and waits for the next request, too, the task keeps the runtime awake for up to 200 µs of the wait, if waits of
    /// this stream are no longer than a millisecond; less and less often where that was in vain, and not of a stream that has only `inproc`
    /// endpoints. All other tasks run meanwhile.
    ///
    /// ```
    /// use tidegate::{SocketType, ZmqStream};
    ///
    /// #[tokio::main(flavor = "current_thread")]
    /// async fn main() -> Result<(), Box<dyn std::error::Error>> {
    ///     let runtime = tokio::runtime::Handle::current();
    ///     let open = |kind| ZmqStream::builder(kind).tokio(&runtime);
    ///     let pull = open(SocketType::PULL).bind("tcp://127.0.0.1:*").open()?;
    ///     let push = open(SocketType::PUSH).connect(&pull.bindings()[0]).open()?;
    ///     push.send("hello").await?;
    ///     assert_eq!(pull.read().await?, "hello");
    ///     tidegate::shutdown(std::time::Duration::from_secs(5)).await?;
    ///     Ok(())
    /// }
    /// ```
    #[cfg(feature = "tokio")]
    #[cfg_attr(not(unix), expect(unused_variables, reason = "it does nothing there"))]
    pub fn tokio(self, runtime: &crate::sync::Handle) -> Self {
        Self {
            #[cfg(unix)]
            runtime: Runtime::Tokio(runtime.clone()),
            ..self
        }
    }

    /// Opens the stream. This waits for nobody, but for who resolves a host name of a `ws` endpoint to connect.
    ///
    /// # Errors
    /// See [`OpenError`]: it names the endpoint, the option or the marks. Nothing stays bound, connected or open; libzmq frees the
    /// socket's descriptors in the background.
    pub fn open(self) -> Result<ZmqStream, OpenError> {
        let limits = self.limits()?;
        let context = match &self.context {
            Some(context) => context.clone(),
            None => Context::shared()?,
        };
        let socket = context.socket(self.kind)?;
        let this = match self.kind {
            // What they send are subscriptions, and libzmq drops those that are too many.
            SocketType::SUB | SocketType::XSUB => self.default_option(options::SEND_HWM, 0),
            _ => self,
        };
        this.open_over(socket, context, limits)
            .map_err(|(error, _)| error)
    }

    /// Opens the stream over a socket that is there already, whatever it is bound and connected to; messages that it holds are read
    /// first. The stream closes it in the end.
    ///
    /// A message of which its owner has sent some frames has to be ended before: libzmq joins what the stream sends to it, and does not
    /// tell. A REQ that may ask anew before it has the reply is to be given [`REQ_RELAXED`](crate::options::REQ_RELAXED) here, too, if it
    /// has asked; whether it has libzmq does not tell, and a read of one that has not waits.
    ///
    /// Its context is known only if [`context`](Self::context) gives the same one; without that the stream cannot be
    /// [monitored](ZmqStream::enable_monitor), and its [`shutdown`](ZmqStream::shutdown) ends nothing but the stream: messages that
    /// libzmq has accepted are sent before the context is terminated by whoever owns it. libzmq has one monitor for each socket: that of
    /// its owner ends when the stream is monitored, or tracks its connections.
    ///
    /// # Errors
    /// See [`OpenError`]. The socket comes back.
    ///
    /// ```
    /// use futures_lite::future::block_on;
    /// use tidegate::{SocketType, ZmqStream};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let context = zmq::Context::new();
    /// let socket = context.socket(SocketType::PULL)?;
    /// socket.bind("inproc://there-already")?;
    ///
    /// let error = ZmqStream::builder(SocketType::PUSH).adopt(socket).unwrap_err();
    /// assert_eq!(error.to_string(), "the socket to adopt is a PULL, not a PUSH");
    ///
    /// let stream = ZmqStream::builder(SocketType::PULL).adopt(error.into_socket())?;
    /// let peer = context.socket(SocketType::PUSH)?;
    /// peer.connect("inproc://there-already")?;
    /// peer.send("hello", 0)?;
    /// assert_eq!(block_on(stream.read())?, "hello");
    /// # Ok(())
    /// # }
    /// ```
    pub fn adopt(self, socket: zmq::Socket) -> Result<ZmqStream, AdoptError> {
        let limits = match self.limits() {
            Ok(limits) => limits,
            Err(error) => return Err(AdoptError::new(error, socket)),
        };
        let context = match &self.context {
            Some(context) if context.is_shutting_down() => {
                let error = OpenError::ContextShutDown;
                return Err(AdoptError::new(error, socket));
            }
            Some(context) => context.clone(),
            None => Context::unknown(),
        };
        Socket::adopt(socket, self.kind)
            .map_err(|(error, socket)| AdoptError::new(error, socket))
            .and_then(|socket| {
                let opened = self.open_over(socket, context, limits);
                opened.map_err(|(error, socket)| AdoptError::new(error, socket.into_inner()))
            })
    }

    fn limits(&self) -> Result<[Watermarks; 2], OpenError> {
        Ok([
            self.read.resolve(Side::Read)?,
            self.write.resolve(Side::Write)?,
        ])
    }

    /// Everything that is set on the socket itself, before anybody watches it.
    fn prepare(&self, socket: &mut Socket) -> Result<(Vec<Vec<u8>>, Endpoints), OpenError> {
        let mut endpoints = Endpoints::default();
        if socket.is_adopted() {
            endpoints.may_have_peers();
        }
        for setting in &self.settings {
            match socket.is_adopted() {
                true => setting.apply_kept(socket, endpoints.has_had_peers())?,
                false => setting.apply_late(socket, endpoints.has_had_peers())?,
            }
        }
        check_all(socket, &self.settings)?;
        if matches!(
            self.kind,
            SocketType::PUB | SocketType::XPUB | SocketType::XSUB
        ) {
            // Or any frame of a message may be taken for a subscription. A libzmq that does not know of it does so.
            let _: Result<(), Errno> = socket.set_int(socket::ONLY_FIRST_SUBSCRIBE, 1);
        }
        let subscribed = subscribe_early(socket, &self.subscriptions);
        let subscribed = subscribed.map_err(OpenError::Subscribe)?;
        // Otherwise once somebody looks who connects.
        if !self.tracks_connections
            && let Err(error) = open_all(&mut endpoints, socket, &self.bind, &self.connect)
        {
            endpoints.undo_all(socket);
            unsubscribe_early(socket, &subscribed);
            return Err(error.into());
        }
        Ok((subscribed, endpoints))
    }

    fn open_over(
        self,
        mut socket: Socket,
        context: Context,
        [read_limits, write_limits]: [Watermarks; 2],
    ) -> Result<ZmqStream, (OpenError, Socket)> {
        let (subscribed, mut endpoints) = match self.prepare(&mut socket) {
            Ok(prepared) => prepared,
            Err(error) => return Err((error, socket)),
        };
        let mut relaxes = self.settings.iter().filter_map(Setting::relaxes);
        let is_relaxed = relaxes.next_back().unwrap_or(false);
        let takes_turns = matches!(self.kind, SocketType::REQ | SocketType::REP);
        let turn = match takes_turns && socket.is_adopted() {
            // A failure is that of the context, and comes again.
            true => {
                let (receives, sends) = socket.events().unwrap_or_default();
                Turn::of_adopted(self.kind, receives, sends, is_relaxed)
            }
            false => Turn::of(self.kind),
        };
        let conflates = socket.conflates();
        let mut machine = new_machine();
        // Nobody waits yet who could be woken.
        let _ = machine.set_read_limits(read_limits);
        let _ = machine.set_write_limits(write_limits);
        // A REP that had its next request in hand would have its reply go to that one; a REQ has one reply.
        // The message that came last would be the last that came before there was none to read.
        let on_demand = !self.read_ahead || takes_turns || conflates;
        let _ = machine.set_on_demand(on_demand);

        // A subscriber hears of it before anything is locked.
        let span = Span::new(self.kind);
        let inner = Watch::open(&self.runtime, socket, |watch| {
            let mut flow = Flow::new(
                self.kind,
                turn,
                machine,
                ZmqTransport::new(watch),
                mem::take(&mut endpoints),
            );
            flow.set_relaxed(is_relaxed);
            flow.is_opening = true;
            Inner::new(
                flow,
                self.kind,
                conflates,
                span,
                context,
                self.events_backlog,
            )
            .into()
        });
        let inner = inner.map_err(|(error, mut socket)| {
            endpoints.undo_all(&mut socket);
            unsubscribe_early(&mut socket, &subscribed);
            (OpenError::Watch(error), socket)
        })?;
        inner.with(|flow| flow.subscriptions = subscribed);
        let opened = match inner.register() {
            true => self
                .track(&inner)
                .and_then(|()| self.subscribe_late(&inner)),
            false => Err(OpenError::ContextShutDown),
        };
        match opened {
            Ok(()) => {
                begin(&inner);
                Ok(ZmqStream::of(inner))
            }
            Err(error) => match inner.with(|flow| flow.give_up(inner.monitor.has_pair())) {
                Some(mut socket) => {
                    let (mut endpoints, subscribed) = inner.with(|flow| {
                        let endpoints = mem::take(&mut flow.endpoints);
                        (endpoints, mem::take(&mut flow.subscriptions))
                    });
                    endpoints.undo_all(&mut socket);
                    unsubscribe_early(&mut socket, &subscribed);
                    Err((error, socket))
                }
                // The socket has failed in between, and is closed.
                None => Ok(ZmqStream::of(inner)),
            },
        }
    }

    /// What an XSUB subscribes to, it sends.
    fn subscribe_late(&self, inner: &Inner) -> Result<(), OpenError> {
        for prefix in &self.subscriptions {
            let subscribed = inner.with(|flow| flow.subscribe(self.kind, false, prefix));
            subscribed.map_err(|error| match error {
                // Nobody but the context has the stream as yet.
                SubscribeError::Closed => OpenError::ContextShutDown,
                error => OpenError::Subscribe(error),
            })?;
        }
        Ok(())
    }
}

/// Begins to use the stream, which is known, and open for good: what is taken from an adopted socket now does not go back there.
fn begin(inner: &Inner) {
    inner.with(|flow| {
        flow.is_opening = false;
        flow.note_opened();
        flow.pump();
        #[cfg(unix)]
        if let Some(transport) = &mut flow.transport {
            transport.watch.nobody_has_set();
        }
    });
}

impl Builder {
    /// Begins to keep who is there, and lets them come.
    fn track(&self, inner: &Arc<Inner>) -> Result<(), OpenError> {
        if !self.tracks_connections {
            return Ok(());
        }
        let pair = inner.context.socket(SocketType::PAIR)?;
        inner.with(|flow| {
            let Some(transport) = &mut flow.transport else {
                // It has failed at once: whoever uses it is told.
                return Ok(());
            };
            let socket = transport.watch.socket();
            let tracked = inner.monitor.track(socket, pair);
            tracked.map_err(OpenError::Track)?;
            open_all(&mut flow.endpoints, socket, &self.bind, &self.connect)?;
            Ok(())
        })
    }
}

fn open_all(
    endpoints: &mut Endpoints,
    socket: &mut Socket,
    bind: &[String],
    connect: &[String],
) -> Result<(), EndpointError> {
    for endpoint in bind {
        endpoints.bind(socket, endpoint)?;
    }
    for endpoint in connect {
        endpoints.connect(socket, endpoint)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::Watched as _;

    #[test]
    fn e1_an_xsub_whose_context_is_shut_down_while_it_is_opened_says_so() {
        let context = Context::new().unwrap();
        let builder = ZmqStream::builder(SocketType::XSUB).context(&context);
        let builder = builder.subscribe("news");
        let opening = builder.clone().open().unwrap();
        assert_eq!(opening.unsubscribe("news"), Ok(()));
        opening.close();
        let opened = builder.subscribe_late(opening.inner());
        assert!(matches!(opened, Err(OpenError::ContextShutDown)));
        let shutdown = context.shutdown(std::time::Duration::from_secs(20));
        crate::block_on(shutdown).unwrap();
    }

    #[test]
    fn a3_a_watch_that_fires_while_a_stream_is_being_opened_takes_nothing_from_its_socket() {
        let context = Context::new().unwrap();
        let open = |kind| ZmqStream::builder(kind).context(&context);
        let pull = open(SocketType::PULL).bind("inproc://opening").open();
        let pull = pull.unwrap();
        pull.inner().with(|flow| flow.is_opening = true);
        let push = open(SocketType::PUSH).connect("inproc://opening").open();
        let push = push.unwrap();
        push.write("an owner's, if it fails").unwrap();
        pull.inner().on_ready();
        pull.inner().on_schedule();
        assert_eq!(pull.read_buffer_bytes(), 0);
        begin(pull.inner());
        assert!(pull.read_buffer_bytes() > 0);
        drop((pull, push));
        let shutdown = context.shutdown(std::time::Duration::from_secs(20));
        crate::block_on(shutdown).unwrap();
    }
}
