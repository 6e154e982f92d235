//! What the tests share: wakers that count, a simulated link, and a look at what the process has open.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::Future;
use std::net::TcpStream;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use tidegate::{Builder, Frame, SocketType, ZmqStream};
use tidegate_core::{
    BytePort, Fixed, FixedSlots, Interest, Lost, Machine, MessageBuffer, PushError, Received, Sent,
    Shutdown, Ticket, TooManyWaiters, Transport, Wakes,
};

/// A waker that counts how often it was woken.
#[derive(Default)]
pub struct Counter(AtomicUsize);

impl Wake for Counter {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Counter {
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// How often it was woken since the last look.
    pub fn take(&self) -> usize {
        self.0.swap(0, Ordering::SeqCst)
    }

    pub fn waker(self: &Arc<Self>) -> Waker {
        self.clone().into()
    }
}

/// Polls once.
pub fn poll<F: Future + Unpin>(future: &mut F, counter: &Arc<Counter>) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(&counter.waker()))
}

/// The transport's error in tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken;

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the link broke")
    }
}

impl std::error::Error for Broken {}

/// A machine in fixed memory with 256 bytes each way and room for `W` waiters.
pub type Small<const W: usize> = Machine<Fixed<256, 256, W>, Broken>;

pub fn small<const W: usize>() -> Small<W> {
    Machine::new(
        MessageBuffer::new(),
        MessageBuffer::new(),
        FixedSlots::new(),
    )
}

/// Wakes those whom the machine names.
pub fn wake<const W: usize>(machine: &mut Small<W>, mut wakes: Wakes) {
    let wakers: Vec<Waker> = std::iter::from_fn(|| machine.take_waker(&mut wakes)).collect();
    wakers.into_iter().for_each(Waker::wake);
}

/// One who waits on a machine by hand.
#[derive(Default)]
pub struct Waiter {
    pub ticket: Ticket,
    pub counter: Arc<Counter>,
}

impl Waiter {
    pub fn new() -> Self {
        Self::default()
    }

    /// Polls the machine with this waiter's ticket and waker, and wakes those whom it names.
    pub fn poll<R, const W: usize>(
        &mut self,
        machine: &mut Small<W>,
        f: impl FnOnce(&mut Small<W>, &mut Ticket) -> (R, Wakes),
    ) -> R {
        self.ticket.offer(&self.counter.waker());
        let (result, wakes) = f(machine, &mut self.ticket);
        wake(machine, wakes);
        self.ticket.settle();
        result
    }

    /// Waits to read a message, and returns its frames.
    pub fn read<const W: usize>(
        &mut self,
        machine: &mut Small<W>,
    ) -> Poll<Result<Message, tidegate_core::ReadError<Broken>>> {
        self.poll(machine, |machine, ticket| {
            machine.poll_read(ticket, |frames| frames.map(<[u8]>::to_vec).collect())
        })
    }

    /// Waits while the write side is paused.
    pub fn drain<const W: usize>(
        &mut self,
        machine: &mut Small<W>,
    ) -> Poll<Result<(), tidegate_core::DrainError<Broken>>> {
        self.poll(machine, Machine::poll_drain)
    }

    /// Waits for the end.
    pub fn closed<const W: usize>(
        &mut self,
        machine: &mut Small<W>,
    ) -> Poll<Result<Lost, TooManyWaiters>> {
        self.poll(machine, Machine::poll_closed)
    }

    /// Gives up.
    pub fn cancel<const W: usize>(mut self, machine: &mut Small<W>) {
        let wakes = machine.cancel(&mut self.ticket);
        wake(machine, wakes);
    }
}

/// The driver fed a message of one frame.
pub fn feed<const W: usize>(machine: &mut Small<W>, text: &str) {
    let wakes = machine.feed(&[text.as_bytes()]).expect("it fits");
    wake(machine, wakes);
}

/// The driver saw the oldest message off.
pub fn sent<const W: usize>(machine: &mut Small<W>) {
    let wakes = machine.sent();
    wake(machine, wakes);
}

/// The user closes the stream.
pub fn close<const W: usize>(machine: &mut Small<W>) {
    let wakes = machine.close();
    wake(machine, wakes);
}

/// Takes a message if one is there.
pub fn try_read<const W: usize>(
    machine: &mut Small<W>,
) -> Result<Message, tidegate_core::TryReadError<Broken>> {
    let (read, wakes) = machine.try_read(|frames| frames.map(<[u8]>::to_vec).collect());
    wake(machine, wakes);
    read
}

/// A message as tests compare it.
pub type Message = Vec<Vec<u8>>;

/// Hands `f` the frames as the core takes them.
pub fn with_frames<R>(message: &[Vec<u8>], f: impl FnOnce(&[&[u8]]) -> R) -> R {
    let frames: Vec<&[u8]> = message.iter().map(Vec::as_slice).collect();
    f(&frames)
}

/// A random message: up to `frames` frames of up to `bytes` bytes each.
pub fn random_message(rng: &mut fastrand::Rng, frames: usize, bytes: usize) -> Message {
    (0..rng.usize(1..=frames))
        .map(|_| {
            let len = rng.usize(0..=bytes);
            std::iter::repeat_with(|| rng.u8(..)).take(len).collect()
        })
        .collect()
}

/// The far end of a [`SimLink`], and what happens on the way.
#[derive(Default)]
pub struct SimWire {
    /// Messages on their way in.
    pub inbound: VecDeque<Message>,
    /// What has arrived at the far end.
    pub arrived: Vec<Message>,
    /// How many bytes the link takes before it blocks.
    pub credit: usize,
    /// Whether the link has flushed what it took.
    pub flushed: bool,
    /// How the link was shut down.
    pub shutdown: Option<Shutdown>,
    /// Messages too large for the reader.
    pub skipped: usize,
    /// The link refuses messages with this first frame.
    pub refuses: Option<Vec<u8>>,
    /// The link breaks at the next touch.
    pub broken: bool,
    waker: Option<Waker>,
}

/// A transport in memory that sends byte by byte as far as its credit goes, and is told by the test what happens.
#[derive(Clone, Default)]
pub struct SimLink {
    wire: Rc<RefCell<SimWire>>,
    /// The message that is being sent, and how much of it has gone.
    sending: Rc<RefCell<Option<(Message, usize)>>>,
}

impl SimLink {
    pub fn new(credit: usize) -> Self {
        let link = Self::default();
        link.wire.borrow_mut().credit = credit;
        link
    }

    /// Something happens on the wire; the driver is woken.
    pub fn happens<R>(&self, f: impl FnOnce(&mut SimWire) -> R) -> R {
        let (result, waker) = {
            let mut wire = self.wire.borrow_mut();
            (f(&mut wire), wire.waker.take())
        };
        if let Some(waker) = waker {
            waker.wake();
        }
        result
    }

    /// A look at the wire; nothing happens.
    pub fn look<R>(&self, f: impl FnOnce(&SimWire) -> R) -> R {
        f(&self.wire.borrow())
    }

    fn check(&self) -> Result<(), Broken> {
        if self.wire.borrow().broken {
            Err(Broken)
        } else {
            Ok(())
        }
    }

    /// Sends on what was begun; says whether nothing is left of it.
    fn go_on(&self) -> bool {
        let mut sending = self.sending.borrow_mut();
        let Some((message, gone)) = sending.as_mut() else {
            return true;
        };
        let mut wire = self.wire.borrow_mut();
        let len = message.iter().map(|frame| frame.len() + 1).sum::<usize>();
        let step = wire.credit.min(len - *gone);
        wire.credit -= step;
        *gone += step;
        if *gone < len {
            return false;
        }
        if let Some((message, _)) = sending.take() {
            wire.arrived.push(message);
        }
        true
    }
}

impl<const RX: usize, const TX: usize, const W: usize> Transport<BytePort<'_, RX, TX, W, Broken>>
    for SimLink
{
    type Error = Broken;
    type Refused = ();

    fn poll_ready(
        &mut self,
        cx: &mut Context<'_>,
        want: Interest,
    ) -> Poll<Result<Interest, Broken>> {
        self.wire.borrow_mut().waker = Some(cx.waker().clone());
        self.check()?;
        let idle = self.go_on();
        let wire = self.wire.borrow();
        let ready = want.and(Interest {
            receive: !wire.inbound.is_empty(),
            send: idle && wire.credit > 0,
        });
        if ready.is_some() {
            Poll::Ready(Ok(ready))
        } else {
            Poll::Pending
        }
    }

    fn try_recv(&mut self, port: &mut BytePort<'_, RX, TX, W, Broken>) -> Result<Received, Broken> {
        self.check()?;
        let mut wire = self.wire.borrow_mut();
        let Some(message) = wire.inbound.pop_front() else {
            return Ok(Received::Blocked);
        };
        let fed = with_frames(&message, |frames| match port.feed(frames) {
            Ok(()) => Received::Message,
            Err(PushError::Full(_)) => Received::NoRoom,
            Err(PushError::TooLarge(_) | PushError::NoFrames(_)) => Received::Skipped,
            Err(PushError::Closed(_)) => Received::Blocked,
        });
        match fed {
            Received::NoRoom => wire.inbound.push_front(message),
            Received::Skipped => wire.skipped += 1,
            Received::Message | Received::Blocked => {}
        }
        Ok(fed)
    }

    fn try_send(&mut self, port: &mut BytePort<'_, RX, TX, W, Broken>) -> Result<Sent<()>, Broken> {
        self.check()?;
        if !self.go_on() || self.wire.borrow().credit == 0 {
            return Ok(Sent::Blocked);
        }
        let mut out = [0; 1024];
        let Ok(Some(head)) = port.copy_head(&mut out) else {
            return Ok(Sent::Blocked);
        };
        let message: Message = head.map(<[u8]>::to_vec).collect();
        if self.wire.borrow().refuses.as_ref() == message.first() {
            return Ok(Sent::Refused(()));
        }
        *self.sending.borrow_mut() = Some((message, 0));
        port.sent();
        self.go_on();
        Ok(Sent::Accepted)
    }

    fn try_flush(&mut self) -> Result<bool, Broken> {
        self.check()?;
        let flushed = self.go_on();
        self.wire.borrow_mut().flushed = flushed;
        Ok(flushed)
    }

    fn shutdown(&mut self, how: Shutdown) {
        self.wire.borrow_mut().shutdown = Some(how);
    }
}

/// How many descriptors the process has open, by what they are.
pub fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count)
}

/// The names of the process's threads that are tidegate's or libzmq's.
pub fn threads() -> Vec<String> {
    let tasks = std::fs::read_dir("/proc/self/task")
        .into_iter()
        .flatten()
        .flatten();
    tasks
        .filter_map(|task| std::fs::read_to_string(task.path().join("comm")).ok())
        .map(|name| name.trim().to_owned())
        .filter(|name| name.starts_with("tidegate") || name.starts_with("ZMQ"))
        .collect()
}

/// Waits until this is so; a [`Watchdog`] ends the wait.
pub fn eventually(mut is_so: impl FnMut() -> bool) {
    while !is_so() {
        std::thread::yield_now();
    }
}

/// Ends the process if a test takes longer than it may: a stall has to be a failure, not a wait without end.
pub struct Watchdog {
    _ends_with_the_test: mpsc::Sender<()>,
}

impl Watchdog {
    pub fn new(seconds: u64) -> Self {
        let (sender, receiver) = mpsc::channel();
        let test = std::thread::current().name().unwrap_or("a test").to_owned();
        std::thread::spawn(move || {
            let limit = Duration::from_secs(seconds);
            if receiver.recv_timeout(limit) == Err(mpsc::RecvTimeoutError::Timeout) {
                eprintln!("{test} stalled: it has not ended within {seconds} s");
                std::process::exit(101);
            }
        });
        Self {
            _ends_with_the_test: sender,
        }
    }
}

/// Begins to open a stream of this context.
pub fn builder(kind: SocketType, context: &tidegate::Context) -> Builder {
    ZmqStream::builder(kind).context(context)
}

/// A PULL on tcp, and a PUSH that is connected to it.
pub fn pipe(
    context: &tidegate::Context,
    change: impl Fn(Builder) -> Builder,
) -> (ZmqStream, ZmqStream) {
    let pull = change(builder(SocketType::PULL, context)).bind("tcp://127.0.0.1:*");
    let pull = pull.open().expect("a free port");
    let push = change(builder(SocketType::PUSH, context)).connect(&pull.bindings()[0]);
    (pull, push.open().expect("an endpoint that is bound"))
}

/// A STREAM, a raw TCP peer that is connected to it, and the identity that the stream has for the peer.
pub fn raw_peer(context: &tidegate::Context) -> (ZmqStream, TcpStream, Frame) {
    let stream = builder(SocketType::STREAM, context).bind("tcp://127.0.0.1:*");
    let stream = stream.open().expect("a free port");
    let address = stream.bindings()[0].trim_start_matches("tcp://");
    let peer = TcpStream::connect(address).expect("the stream listens");
    // libzmq tells of a new peer by a message of its identity and nothing else.
    let connected = futures_lite::future::block_on(stream.read()).expect("a peer");
    assert_eq!(connected[1..], [""]);
    let identity = connected[0].clone();
    (stream, peer, identity)
}

/// Shuts a context down, and with it everything that a test opened in it.
pub fn shut_down(context: &tidegate::Context) {
    futures_lite::future::block_on(context.shutdown(Duration::from_secs(20)))
        .expect("everything was sent");
}

/// The process's resident memory, in bytes.
pub fn resident_bytes() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("Linux");
    let pages = statm
        .split(' ')
        .nth(1)
        .and_then(|pages| pages.parse::<usize>().ok());
    pages.expect("the second field is the number of resident pages") * 4096
}
