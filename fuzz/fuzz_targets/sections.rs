//! A shared stream whose calls are interrupted by others right behind any of their critical sections: no message is lost or
//! comes twice, nobody oversleeps, and no place is lost.
#![no_main]

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::ptr;
use std::sync::Arc;
use std::task::{Context, Poll};

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use tidegate_core::{
    Closed, Drain, EventRing, Flush, Peek, Phase, ReadError, ReadEvent, SendError, SendMessage,
    Stream, Watermarks,
};
use tidegate_fuzz::{Counter, meddle};

const BYTES: usize = 64;
const WAITERS: usize = 3;
const ACTORS: usize = 4;

type Events = EventRing<u8, 2>;
type Shared = Stream<BYTES, BYTES, WAITERS, u8, Events>;

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Call {
    /// A message of so many bytes comes; in a grant that is longer by so many, or given up.
    Feed(u8),
    FeedShorter(u8, u8),
    GiveUp(u8),
    Discard,
    TryRead,
    PutBack,
    Write(u8),
    WriteShorter(u8, u8),
    GiveUpWrite(u8),
    Sent,
    Event,
    TryEvent,
    Start(u8, Kind),
    Poll(u8),
    Drop(u8),
    Monitoring(bool),
    ReadLimits(u8),
    WriteLimits(u8),
    Pause,
    Resume,
    OnDemand(bool),
    Register,
    Close,
    Abort,
    Finish,
    Fail,
}

#[derive(Arbitrary, Clone, Copy, Debug, PartialEq)]
enum Kind {
    Peek,
    Send(u8),
    Drain,
    Flush,
    Event,
    Closed,
}

#[derive(Arbitrary, Debug)]
struct Step {
    call: Call,
    /// What comes behind the section of this call that ends after so many others.
    behind: Option<(u8, Call)>,
}

enum Wait<'s> {
    Peek(Peek<'s, BYTES, BYTES, WAITERS, u8, Events>),
    Send(SendMessage<'s, 's, BYTES, BYTES, WAITERS, u8, Events>),
    Drain(Drain<'s, BYTES, BYTES, WAITERS, u8, Events>),
    Flush(Flush<'s, BYTES, BYTES, WAITERS, u8, Events>),
    Event(ReadEvent<'s, BYTES, BYTES, WAITERS, u8, Events>),
    Closed(Closed<'s, BYTES, BYTES, WAITERS, u8, Events>),
}

struct Actor<'s> {
    kind: Kind,
    wait: Wait<'s>,
    waker: Arc<Counter>,
    /// Whether it was polled and is pending.
    sleeps: bool,
}

struct World<'s> {
    stream: &'s Shared,
    actors: [RefCell<Option<Actor<'s>>>; ACTORS],
    /// Which messages were accepted, by number, and not yet read.
    unread: RefCell<Vec<u16>>,
    fed: Cell<u16>,
    read: Cell<u16>,
    written: Cell<usize>,
    sent: Cell<usize>,
    doubtful: Cell<usize>,
    driver: Arc<Counter>,
    driver_sleeps: Cell<bool>,
    interrupt: Cell<Option<Call>>,
    interrupted: Cell<bool>,
}

thread_local! {
    static WORLD: Cell<*const World<'static>> = const { Cell::new(ptr::null()) };
}

fn interrupt() {
    // SAFETY: it points to the world of the run that is going on, which outlives the run's calls.
    if let Some(world) = unsafe { WORLD.get().as_ref() }
        && let Some(call) = world.interrupt.take()
    {
        world.interrupted.set(true);
        world.call(call);
    }
}

const FRAME: [u8; BYTES] = [7; BYTES];
static MESSAGES: [&[&[u8]]; 4] = [
    &[FRAME.split_at(1).0],
    &[FRAME.split_at(9).0, &[]],
    &[FRAME.split_at(30).0],
    &[FRAME.split_at(50).0],
];

fn message(size: u8) -> &'static [&'static [u8]] {
    MESSAGES[usize::from(size) % MESSAGES.len()]
}

impl<'s> World<'s> {
    fn accepted(&self, number: u16, is_accepted: bool) {
        if is_accepted {
            self.unread.borrow_mut().push(number);
        }
    }

    fn number(&self) -> u16 {
        self.fed.set(self.fed.get() + 1);
        self.fed.get()
    }

    fn took(&self, frame: &[u8]) {
        let number = u16::from_le_bytes([frame[0], frame[1]]);
        let mut unread = self.unread.borrow_mut();
        // One that is read between its commit and the end of the call that fed it is accepted later.
        match unread.iter().position(|&other| other == number) {
            Some(place) => drop(unread.remove(place)),
            None => assert!(
                self.interrupted.get(),
                "message {number} comes twice, or from nowhere"
            ),
        }
        if !self.interrupted.get() {
            assert!(number > self.read.get(), "message {number} comes too late");
        }
        self.read.set(self.read.get().max(number));
    }

    fn feed(&self, len: u8, reserved: u8, commit: bool) {
        let number = self.number();
        let mut bytes = vec![0; 2 + usize::from(len) % 40];
        bytes[..2].copy_from_slice(&number.to_le_bytes());
        let port = self.stream.port();
        let read_before = self.read.get();
        let is_accepted = if reserved == 0 && commit {
            port.feed(&[&bytes]).is_ok()
        } else if let Ok(mut grant) = port.reserve(bytes.len() + usize::from(reserved) % 8, 1) {
            let room = grant.frame(bytes.len()).expect("it was reserved");
            room.copy_from_slice(&bytes);
            commit && grant.commit().is_ok()
        } else {
            false
        };
        let was_read = self.interrupted.get() && self.read.get() >= number && read_before < number;
        self.accepted(number, is_accepted && !was_read);
    }

    fn write(&self, size: u8, more: u8, commit: bool) {
        let message = message(size);
        let is_written = if more == 0 && commit {
            self.stream.write(message).is_ok()
        } else {
            let payload: usize = message.iter().map(|frame| frame.len()).sum();
            match self
                .stream
                .reserve(payload + usize::from(more) % 8, message.len())
            {
                Ok(mut grant) => {
                    for frame in message {
                        let room = grant.frame(frame.len()).expect("it was reserved");
                        room.copy_from_slice(frame);
                    }
                    commit && grant.commit().is_ok()
                }
                Err(_) => false,
            }
        };
        self.written
            .set(self.written.get() + usize::from(is_written));
    }

    fn start(&self, actor: u8, kind: Kind) {
        let Ok(mut place) = self.actors[usize::from(actor) % ACTORS].try_borrow_mut() else {
            return;
        };
        let stream = self.stream;
        let wait = match kind {
            Kind::Peek => Wait::Peek(stream.peek()),
            Kind::Send(size) => Wait::Send(stream.send(message(size))),
            Kind::Drain => Wait::Drain(stream.drain()),
            Kind::Flush => Wait::Flush(stream.flush()),
            Kind::Event => Wait::Event(stream.read_event()),
            Kind::Closed => Wait::Closed(stream.closed()),
        };
        // Whoever was there before gives its place up meanwhile.
        let before = place.take();
        drop(before);
        *place = Some(Actor {
            kind,
            wait,
            waker: Arc::default(),
            sleeps: false,
        });
    }

    fn poll(&self, actor: u8) {
        let Ok(mut place) = self.actors[usize::from(actor) % ACTORS].try_borrow_mut() else {
            return;
        };
        let Some(actor) = place.as_mut() else {
            return;
        };
        actor.waker.take();
        actor.sleeps = false;
        let waker = actor.waker.waker();
        let cx = &mut Context::from_waker(&waker);
        fn poll<F: Future + Unpin>(future: &mut F, cx: &mut Context<'_>) -> Poll<F::Output> {
            Pin::new(future).poll(cx)
        }
        let is_ready = match &mut actor.wait {
            Wait::Peek(wait) => match poll(wait, cx) {
                Poll::Ready(Ok(message)) => {
                    let frame = message.frames().next().expect("a frame").to_vec();
                    message.release();
                    self.took(&frame);
                    true
                }
                Poll::Ready(Err(error)) => {
                    assert!(!matches!(error, ReadError::TooSmall { .. }));
                    true
                }
                Poll::Pending => false,
            },
            Wait::Send(wait) => match poll(wait, cx) {
                Poll::Ready(sent) => {
                    assert!(!matches!(
                        sent,
                        Err(SendError::TooLarge(_) | SendError::NoFrames(_))
                    ));
                    self.written
                        .set(self.written.get() + usize::from(sent.is_ok()));
                    true
                }
                Poll::Pending => false,
            },
            Wait::Drain(wait) => poll(wait, cx).is_ready(),
            Wait::Flush(wait) => poll(wait, cx).is_ready(),
            Wait::Event(wait) => poll(wait, cx).is_ready(),
            Wait::Closed(wait) => poll(wait, cx).is_ready(),
        };
        if is_ready {
            *place = None;
        } else {
            actor.sleeps = true;
        }
    }

    fn call(&self, call: Call) {
        let (stream, port) = (self.stream, self.stream.port());
        match call {
            Call::Feed(len) => self.feed(len, 0, true),
            Call::FeedShorter(len, more) => self.feed(len, more, true),
            Call::GiveUp(len) => self.feed(len, 1, false),
            Call::Discard => port.discard(),
            Call::TryRead => {
                if let Ok(message) = stream.try_peek() {
                    let frame = message.frames().next().expect("a frame").to_vec();
                    message.release();
                    self.took(&frame);
                }
            }
            Call::PutBack => drop(stream.try_peek()),
            Call::Write(size) => self.write(size, 0, true),
            Call::WriteShorter(size, more) => self.write(size, more, true),
            Call::GiveUpWrite(size) => self.write(size, 1, false),
            Call::Sent => {
                if let Some(head) = port.head() {
                    head.release();
                    self.sent.set(self.sent.get() + 1);
                    // The stream may have ended while it was lent out, and counted it as lost.
                    let was_interrupted = usize::from(self.interrupted.get());
                    self.doubtful.set(self.doubtful.get() + was_interrupted);
                }
            }
            Call::Event => port.feed_event(1),
            Call::TryEvent => drop(stream.try_read_event()),
            Call::Start(actor, kind) => self.start(actor, kind),
            Call::Poll(actor) => self.poll(actor),
            Call::Drop(actor) => {
                if let Ok(mut place) = self.actors[usize::from(actor) % ACTORS].try_borrow_mut() {
                    let gone = place.take();
                    drop(gone);
                }
            }
            Call::Monitoring(on) => stream.set_monitoring(on),
            Call::ReadLimits(high) => stream.set_read_limits(Watermarks::from_high(high.into())),
            Call::WriteLimits(high) => stream.set_write_limits(Watermarks::from_high(high.into())),
            Call::Pause => drop(stream.pause_reading()),
            Call::Resume => drop(stream.resume_reading()),
            Call::OnDemand(on) => stream.set_on_demand(on),
            Call::Register => {
                self.driver.take();
                port.register(&self.driver.waker());
                let is_idle = !port.interest().is_some() && port.phase() == Phase::Run;
                self.driver_sleeps.set(is_idle);
            }
            Call::Close => stream.close(),
            Call::Abort => stream.abort(),
            // Only after the last message, or what is left is lost.
            Call::Finish if port.phase() == Phase::Flush => port.finish(),
            Call::Finish => {}
            Call::Fail => port.fail(1),
        }
    }

    /// Whether somebody sleeps who waits for this, and nobody is awake who does.
    fn all_sleep(&self, is_kind: impl Fn(Kind) -> bool) -> bool {
        let mut sleeps = false;
        for place in &self.actors {
            match &*place.borrow() {
                Some(actor) if is_kind(actor.kind) && actor.sleeps => {
                    if actor.waker.count() > 0 {
                        return false;
                    }
                    sleeps = true;
                }
                _ => {}
            }
        }
        sleeps
    }

    /// Nothing is going on: nobody oversleeps.
    fn check(&self) {
        let (stream, port) = (self.stream, self.stream.port());
        let has_ended = port.phase() == Phase::Ended;
        let is_open = !has_ended && !stream.at_closing() && port.phase() == Phase::Run;
        if stream.read_buffer_bytes() > 0 && !has_ended {
            assert!(
                !self.all_sleep(|kind| kind == Kind::Peek),
                "readers oversleep a message"
            );
        }
        if !stream.is_write_gate_paused() {
            assert!(
                !self.all_sleep(|kind| kind == Kind::Drain),
                "drains oversleep"
            );
            if stream.write_buffer_bytes() == 0 && is_open {
                let sends = |kind| matches!(kind, Kind::Send(_));
                assert!(!self.all_sleep(sends), "senders oversleep");
            }
        }
        if stream.write_buffer_bytes() == 0 {
            for place in &self.actors {
                if let Some(actor) = &*place.borrow()
                    && actor.kind == Kind::Flush
                    && actor.sleeps
                {
                    assert!(actor.waker.count() > 0, "a flush oversleeps");
                }
            }
        }
        if has_ended {
            let is_read = |kind| kind == Kind::Peek;
            let others_sleep = self.all_sleep(|kind| !is_read(kind) && kind != Kind::Event);
            assert!(!others_sleep, "somebody oversleeps the end");
            if stream.read_buffer_bytes() == 0 {
                assert!(!self.all_sleep(is_read), "readers oversleep the end");
            }
        }
        if self.driver_sleeps.get() && self.driver.count() == 0 && !has_ended {
            let wanted = port.interest().is_some() || port.phase() == Phase::Flush;
            assert!(!wanted, "the driver oversleeps");
        }
    }
}

fn run(steps: &[Step]) {
    let stream = Shared::new();
    let world = World {
        stream: &stream,
        actors: [const { RefCell::new(None) }; ACTORS],
        unread: RefCell::default(),
        fed: Cell::new(0),
        read: Cell::new(0),
        written: Cell::new(0),
        sent: Cell::new(0),
        doubtful: Cell::new(0),
        driver: Arc::default(),
        driver_sleeps: Cell::new(false),
        interrupt: Cell::new(None),
        interrupted: Cell::new(false),
    };
    WORLD.set(ptr::from_ref(&world).cast());
    for step in steps {
        world.interrupted.set(false);
        if let Some((sections, call)) = step.behind {
            world.interrupt.set(Some(call));
            meddle::behind(u32::from(sections % 8), interrupt);
        }
        world.call(step.call);
        meddle::stop();
        world.interrupt.set(None);
        world.check();
    }
    // What was accepted is there, in order.
    world.interrupted.set(false);
    for place in &world.actors {
        place.replace(None);
    }
    let was_dropped = stream.port().phase() == Phase::Ended && stream.exception().is_none();
    for _ in 0..4 * steps.len() {
        world.call(Call::TryRead);
        // Discarded messages are told in between.
        let _ = stream.try_peek();
    }
    let unread = world.unread.borrow();
    assert!(unread.is_empty() || was_dropped, "{unread:?} are lost");
    let left = world.written.get() - world.sent.get();
    if stream.port().phase() != Phase::Ended {
        for _ in 0..left {
            assert!(
                stream.port().head().map(|head| head.release()).is_some(),
                "a write is lost"
            );
        }
    } else {
        let lost = stream.lost().messages;
        let most = left + world.doubtful.get();
        assert!(lost <= most, "more was lost than was written");
    }
    // Every place is free again.
    let mut closed = [(); WAITERS].map(|()| stream.closed());
    for closed in &mut closed {
        let waker = Arc::<Counter>::default().waker();
        let polled = Pin::new(closed).poll(&mut Context::from_waker(&waker));
        assert!(!matches!(polled, Poll::Ready(Err(_))), "a place is lost");
    }
    WORLD.set(ptr::null());
}

fuzz_target!(|steps: Vec<Step>| run(&steps));
