//! A shared stream whose calls are interrupted by others right behind any of their critical sections: on both sides each
//! message that was accepted comes out once, whole and in order; so do events; nobody oversleeps; and no place is lost.
#![no_main]

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll};
use std::{mem, ptr};

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use tidegate_core::{
    Closed, Drain, EventRing, Flush, Frames, Peek, Phase, PushError, ReadError, ReadEvent,
    SendError, SendMessage, Stream, TryReadError, Watermarks,
};
use tidegate_fuzz::line::Line;
use tidegate_fuzz::{Counter, Message, meddle};

const BYTES: usize = 64;
const WAITERS: usize = 3;
const ACTORS: usize = 4;

type Events = EventRing<u16, 2>;
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
    Send(
        SendMessage<'s, 's, BYTES, BYTES, WAITERS, u8, Events>,
        Slices,
    ),
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
    received: Line,
    written: Line,
    /// How many messages were numbered on either side.
    feeds: Cell<u16>,
    writes: Cell<u8>,
    /// How many messages were thrown away, and no reader was told yet.
    discarded: Cell<usize>,
    /// How many events came in, and how many are gone: read, or said to be discarded.
    events: Cell<u16>,
    events_gone: Cell<u16>,
    is_aborted: Cell<bool>,
    /// How many messages the transport took over and the stream counts as lost, for it ended while they were lent.
    taken_late: Cell<usize>,
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

/// A message that is to be sent.
type Slices = &'static [&'static [u8]];

/// Those that are written: for each number one of each size, with the number in all its bytes.
static WRITES: LazyLock<Vec<[Vec<&[u8]>; 4]>> = LazyLock::new(|| {
    static FRAMES: LazyLock<Vec<[u8; BYTES]>> =
        LazyLock::new(|| (0..=u8::MAX).map(|number| [number; BYTES]).collect());
    let of_each_size = |frame: &'static [u8; BYTES]| -> [Vec<&[u8]>; 4] {
        [
            vec![&frame[..1]],
            vec![&frame[..9], &[]],
            vec![&frame[..30]],
            vec![&frame[..50]],
        ]
    };
    FRAMES.iter().map(of_each_size).collect()
});

fn owned<'a>(frames: impl IntoIterator<Item = &'a [u8]>) -> Message {
    frames.into_iter().map(<[u8]>::to_vec).collect()
}

/// Whom of those who wait for one thing there is something for.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Due {
    Nobody,
    /// The first; it passes its turn on.
    One,
    Everybody,
}

impl<'s> World<'s> {
    fn feed(&self, len: u8, reserved: u8, commit: bool) {
        self.feeds.set(self.feeds.get() + 1);
        let mut bytes = vec![0; 2 + usize::from(len) % 40];
        bytes[..2].copy_from_slice(&self.feeds.get().to_le_bytes());
        let port = self.stream.port();
        self.received.put(owned([&bytes[..]]), || {
            if reserved == 0 && commit {
                port.feed(&[&bytes]).is_ok()
            } else if let Ok(mut grant) = port.reserve(bytes.len() + usize::from(reserved) % 8, 1) {
                let room = grant.frame(bytes.len()).expect("it was reserved");
                room.copy_from_slice(&bytes);
                commit && grant.commit().is_ok()
            } else {
                false
            }
        });
    }

    /// The next message to be written.
    fn message(&self, size: u8) -> Slices {
        self.writes.set(self.writes.get().wrapping_add(1));
        let sizes = &WRITES[usize::from(self.writes.get())];
        &sizes[usize::from(size) % sizes.len()]
    }

    fn write(&self, size: u8, more: u8, commit: bool) {
        let message = self.message(size);
        self.written.put(owned(message.iter().copied()), || {
            if more == 0 && commit {
                return self.stream.write(message).is_ok();
            }
            let payload: usize = message.iter().map(|frame| frame.len()).sum();
            let reserved = payload + usize::from(more) % 8;
            match self.stream.reserve(reserved, message.len()) {
                Ok(mut grant) => {
                    for frame in message {
                        let room = grant.frame(frame.len()).expect("it was reserved");
                        room.copy_from_slice(frame);
                    }
                    commit && grant.commit().is_ok()
                }
                Err(_) => false,
            }
        });
    }

    fn read(&self, frames: Frames<'_>) {
        self.received.took(&owned(frames));
    }

    /// A reader was told of messages that were thrown away.
    fn told(&self, messages: usize) {
        let is_right = messages > 0 && messages <= self.discarded.get();
        assert!(is_right || self.is_aborted.get(), "told of too many");
        self.discarded
            .set(self.discarded.get().saturating_sub(messages));
    }

    /// Takes a message, or puts it back. Says whether there may be more.
    fn try_read(&self, is_kept: bool) -> bool {
        match self.stream.try_peek() {
            Ok(message) if is_kept => {
                self.read(message.frames());
                message.release();
                true
            }
            Ok(_) => true,
            Err(TryReadError::Read(ReadError::Discarded { messages })) => {
                self.told(messages);
                true
            }
            Err(_) => false,
        }
    }

    /// The transport takes one over. Says whether there was one.
    fn send(&self) -> bool {
        let Some(head) = self.stream.port().head() else {
            return false;
        };
        self.written.took(&owned(head.frames()));
        let is_late = usize::from(self.has_ended());
        self.taken_late.set(self.taken_late.get() + is_late);
        head.release();
        true
    }

    fn read_event(&self, (event, discarded): (u16, usize)) {
        let gone = usize::from(self.events_gone.get()) + discarded + 1;
        self.events_gone
            .set(gone.try_into().expect("so many were discarded"));
        // Whoever was interrupted learned of its own one before, and says so later.
        if !self.interrupted.get() {
            assert_eq!(event, self.events_gone.get(), "an event is lost or late");
        }
    }

    fn try_read_event(&self) -> bool {
        let event = self.stream.try_read_event();
        event.map(|event| self.read_event(event)).is_ok()
    }

    /// How many events wait to be read.
    fn events(&self) -> usize {
        let gone = usize::from(self.events_gone.get()) + self.stream.discarded_events();
        let waiting = usize::from(self.events.get()).checked_sub(gone);
        waiting.expect("an event comes twice")
    }

    /// Whether the stream takes messages: then this one is too large.
    fn is_open(&self) -> bool {
        let refused = meddle::aside(|| self.stream.port().reserve(BYTES, 1).map(drop));
        refused == Err(PushError::TooLarge(()))
    }

    fn has_ended(&self) -> bool {
        meddle::aside(|| self.stream.port().phase()) == Phase::Ended
    }

    fn start(&self, actor: u8, kind: Kind) {
        let Ok(mut place) = self.actors[usize::from(actor) % ACTORS].try_borrow_mut() else {
            return;
        };
        let stream = self.stream;
        let wait = match kind {
            Kind::Peek => Wait::Peek(stream.peek()),
            Kind::Send(size) => {
                let message = self.message(size);
                Wait::Send(stream.send(message), message)
            }
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
                    self.read(message.frames());
                    message.release();
                    true
                }
                Poll::Ready(Err(ReadError::Discarded { messages })) => {
                    self.told(messages);
                    true
                }
                Poll::Ready(Err(error)) => {
                    assert!(!matches!(error, ReadError::TooSmall { .. }));
                    true
                }
                Poll::Pending => false,
            },
            Wait::Send(wait, message) => {
                let mut is_ready = false;
                let message = owned(message.iter().copied());
                self.written.put_some_time(message, || {
                    let polled = poll(wait, cx);
                    is_ready = polled.is_ready();
                    match polled {
                        Poll::Ready(Err(SendError::TooLarge(_) | SendError::NoFrames(_))) => {
                            panic!("it fits, and has frames")
                        }
                        polled => matches!(polled, Poll::Ready(Ok(()))),
                    }
                });
                is_ready
            }
            Wait::Drain(wait) => poll(wait, cx).is_ready(),
            Wait::Flush(wait) => poll(wait, cx).is_ready(),
            Wait::Event(wait) => match poll(wait, cx) {
                Poll::Ready(event) => {
                    let _ = event.map(|event| self.read_event(event));
                    true
                }
                Poll::Pending => false,
            },
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
            Call::Discard => {
                let more = usize::from(self.is_open());
                self.discarded.set(self.discarded.get() + more);
                port.discard();
            }
            Call::TryRead => drop(self.try_read(true)),
            Call::PutBack => drop(self.try_read(false)),
            Call::Write(size) => self.write(size, 0, true),
            Call::WriteShorter(size, more) => self.write(size, more, true),
            Call::GiveUpWrite(size) => self.write(size, 1, false),
            Call::Sent => drop(self.send()),
            Call::Event => {
                let event = self.events.get() + 1;
                if self.is_open() && meddle::aside(|| stream.is_monitoring()) {
                    self.events.set(event);
                }
                port.feed_event(event);
            }
            Call::TryEvent => drop(self.try_read_event()),
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
            Call::Abort => {
                // What was received and not yet read is gone.
                if !self.has_ended() {
                    self.is_aborted.set(true);
                    self.discarded.set(0);
                }
                stream.abort();
            }
            // Only after the last message, or what is left is lost.
            Call::Finish if port.phase() == Phase::Flush => port.finish(),
            Call::Finish => {}
            Call::Fail => port.fail(1),
        }
    }

    /// What there is for those who wait, as the contract has it.
    fn due(&self, kind: Kind) -> Due {
        let stream = self.stream;
        let (is_open, has_ended) = (self.is_open(), self.has_ended());
        let is_written = stream.write_buffer_bytes() > 0;
        let is_read = stream.read_buffer_bytes() == 0 && self.discarded.get() == 0;
        match kind {
            Kind::Peek if stream.exception().is_some() => Due::Everybody,
            Kind::Peek if !is_read => Due::One,
            Kind::Peek if !is_open => Due::Everybody,
            Kind::Event if self.events() > 0 => Due::One,
            Kind::Event if !is_open || !stream.is_monitoring() => Due::Everybody,
            Kind::Send(_) if !is_open => Due::Everybody,
            // Whatever it is, there is room for it.
            Kind::Send(_) if !stream.is_write_gate_paused() && !is_written => Due::One,
            Kind::Drain | Kind::Flush | Kind::Closed if has_ended => Due::Everybody,
            Kind::Drain if !stream.is_write_gate_paused() => Due::One,
            Kind::Flush if !is_written => Due::Everybody,
            _ => Due::Nobody,
        }
    }

    /// Nothing is going on: nobody oversleeps.
    fn check(&self) {
        let (stream, port) = (self.stream, self.stream.port());
        let kinds = [
            Kind::Peek,
            Kind::Send(0),
            Kind::Drain,
            Kind::Flush,
            Kind::Event,
            Kind::Closed,
        ];
        for kind in kinds {
            let (mut woken, mut asleep) = (0, 0);
            for place in &self.actors {
                if let Some(actor) = &*place.borrow()
                    && mem::discriminant(&actor.kind) == mem::discriminant(&kind)
                    && actor.sleeps
                {
                    match actor.waker.count() {
                        0 => asleep += 1,
                        _ => woken += 1,
                    }
                }
            }
            let oversleep = match self.due(kind) {
                Due::Nobody => false,
                Due::One => woken == 0 && asleep > 0,
                Due::Everybody => asleep > 0,
            };
            assert!(!oversleep, "{asleep} who wait for {kind:?} oversleep");
        }
        let is_read = stream.read_buffer_bytes() == 0 && self.discarded.get() == 0;
        let is_closing = !self.is_open() && stream.exception().is_none();
        assert_eq!(stream.at_closing(), is_closing && is_read);
        if self.driver_sleeps.get() && self.driver.count() == 0 {
            let wanted = port.interest().is_some() || port.phase() != Phase::Run;
            assert!(!wanted, "the driver oversleeps");
        }
    }
}

fn run(steps: &[Step]) {
    let stream = Shared::new();
    let world = World {
        stream: &stream,
        actors: [const { RefCell::new(None) }; ACTORS],
        received: Line::default(),
        written: Line::default(),
        feeds: Cell::new(0),
        writes: Cell::new(0),
        discarded: Cell::new(0),
        events: Cell::new(0),
        events_gone: Cell::new(0),
        is_aborted: Cell::new(false),
        taken_late: Cell::new(0),
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
    // Nobody waits any more, and what was accepted comes out, in order, and nothing else.
    world.interrupted.set(false);
    for place in &world.actors {
        place.replace(None);
    }
    while world.try_read(true) {}
    let unread = (world.received.count(), world.discarded.get());
    assert!(
        unread == (0, 0) || world.is_aborted.get(),
        "lost: {unread:?}"
    );
    while world.send() {}
    let lost = stream.lost().messages;
    if world.has_ended() {
        assert_eq!(lost, world.written.count() + world.taken_late.get());
    } else {
        assert_eq!((lost, world.written.count()), (0, 0), "a write is lost");
    }
    while world.try_read_event() {}
    assert_eq!(world.events(), 0, "an event is lost");
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
