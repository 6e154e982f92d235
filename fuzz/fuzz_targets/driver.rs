//! A stream and its driver over a simulated link that takes messages byte by byte, refuses some, says that it is ready when it is
//! not, stalls and breaks; the driver is dropped and made anew at any point. Against books of what was written, taken, refused,
//! lost, fed and read: nothing is lost, doubled or out of order, nobody oversleeps, a paused stream's link is left alone, and
//! everything ends.
#![no_main]

use std::future::Future;
use std::pin::Pin;
use std::slice;
use std::sync::Arc;
use std::task::{Context, Poll};

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use tidegate_core::{
    Drive, Driver, Peek, Phase, ReadError, ReadGrant, TryReadError, TryReadEventError, WriteError,
    drive,
};
use tidegate_fuzz::link::{BROKEN, Counted, Fed, Line, Link, Over, Ring, State, Touch};
use tidegate_fuzz::ops::{Lengths, limits, marks};
use tidegate_fuzz::{Bytes, Counter, Message, charge, packed, slices};

#[derive(Arbitrary, Debug)]
enum Op {
    Write(Lengths),
    TryRead,
    /// A reader waits, or looks again; and one leaves.
    Read,
    Leave,
    Inbound(Lengths),
    /// Many short ones.
    Flood(u8),
    Credit(u8),
    /// The driver is polled if it was woken; or though it was not.
    Run,
    Poll,
    Remake,
    WronglyReady(u8),
    ReadyForOthers(u8),
    Refuse(u8),
    Stall(bool),
    Break(Touch),
    Event,
    Monitor(bool),
    TryEvent,
    ReadLimits(u8, u8),
    Pause(bool),
    OnDemand(bool),
    Close,
    Abort,
}

/// How the stream is driven.
#[derive(Arbitrary, Clone, Copy, Debug)]
enum How {
    Future,
    /// By hand, with a port that counts its bytes.
    Counted,
}

#[derive(Arbitrary, Debug)]
struct Input {
    capacity: u8,
    in_place: bool,
    how: How,
    ops: Vec<Op>,
}

enum Driving<'s, const N: usize> {
    Future(Driver<'s, 's, Over<N>, N, N, 1, u8, Ring>),
    Counted(Counted<'s, N>, &'s mut Over<N>),
}

struct Rig<'s, const N: usize> {
    stream: &'s Line<N>,
    link: Link,
    /// Those for the drivers to come.
    links: slice::IterMut<'s, Over<N>>,
    how: How,
    driving: Option<Driving<'s, N>>,
    driver: Arc<Counter>,
    /// Whether it is to be polled, woken or not.
    is_awake: bool,
    has_ended: bool,
    reader: Option<Peek<'s, N, N, 1, u8, Ring>>,
    reader_counter: Arc<Counter>,
    bytes: Bytes,
}

impl<'s, const N: usize> Rig<'s, N> {
    fn remake(&mut self) {
        // The old one goes first: there is one at a time.
        self.driving = None;
        let link = self.links.next().expect("there are enough");
        self.driving = Some(match self.how {
            How::Future => Driving::Future(self.stream.drive(link)),
            How::Counted => {
                let port = self.stream.port();
                Driving::Counted(Counted { port, moved: 0 }, link)
            }
        });
        self.is_awake = true;
        self.has_ended = false;
        self.link.wire().shutdown = None;
    }

    fn poll(&mut self) {
        if self.has_ended {
            return;
        }
        self.driver.take();
        self.link.wire().begin_poll();
        let waker = self.driver.waker();
        let mut cx = Context::from_waker(&waker);
        let has_ended = match self.driving.as_mut().expect("there is always one") {
            Driving::Future(driver) => {
                self.is_awake = false;
                Pin::new(driver).poll(&mut cx).is_ready()
            }
            Driving::Counted(port, link) => {
                port.port.register(&waker);
                self.link.wire().moved_before = port.moved;
                let drive = drive(port, *link, &mut cx);
                self.is_awake = drive == Drive::Again;
                drive == Drive::Ended
            }
        };
        self.has_ended = has_ended;
        let wire = self.link.wire();
        assert_eq!(has_ended, !wire.is_live() && wire.shutdown.is_some());
    }

    fn is_asleep(&self) -> bool {
        !self.has_ended && !self.is_awake && self.driver.count() == 0
    }

    fn write(&mut self, lengths: &[u8]) {
        let message = self.bytes.message(lengths);
        let frames = slices(&message);
        let result = self.stream.write(&frames);
        let mut wire = self.link.wire();
        match result {
            Ok(()) => {
                assert!(wire.state == State::Open && !message.is_empty());
                wire.written.push(message.clone());
            }
            Err(WriteError::NoFrames(_)) => assert!(message.is_empty()),
            Err(WriteError::Closed(_)) => {
                assert!(matches!(wire.state, State::Closing | State::Closed));
            }
            Err(WriteError::Failed(_, error)) => {
                assert_eq!((wire.state, error), (State::Failed, BROKEN));
            }
            Err(WriteError::TooLarge(_)) => assert!(packed(&message) > N),
            Err(WriteError::Full(_)) => {
                assert!(packed(&message) <= N && wire.taken < wire.written.len());
            }
        }
    }

    /// A reader has got this: it is what comes next.
    fn got(
        &mut self,
        result: Result<ReadGrant<'s, N, N, 1, u8, Ring, true>, ReadError<u8>>,
        may_read_on: bool,
    ) {
        let next = self.link.wire().fed.front().cloned();
        match result {
            Ok(grant) => {
                let message: Message = grant.frames().map(<[u8]>::to_vec).collect();
                assert_eq!(
                    Some(Fed::Message(message)),
                    next,
                    "lost, doubled, or out of order"
                );
                // Before the driver is woken by it.
                {
                    let mut wire = self.link.wire();
                    wire.fed.pop_front();
                    wire.update_gate();
                    wire.starved = false;
                }
                grant.release();
            }
            Err(ReadError::Discarded { messages }) => {
                assert_eq!(Some(Fed::Discarded(messages)), next);
                self.link.wire().fed.pop_front();
            }
            Err(ReadError::Closed) => {
                let state = self.link.wire().state;
                assert!(next.is_none() && matches!(state, State::Closing | State::Closed));
            }
            Err(ReadError::Failed(error)) => {
                assert_eq!((self.link.wire().state, error), (State::Failed, BROKEN));
                assert!(!may_read_on || next.is_none(), "there is more");
            }
            Err(other) => panic!("{other:?}"),
        }
    }

    /// Says whether there was something.
    fn try_read(&mut self) -> bool {
        let is_end = |error: &ReadError<u8>| !matches!(error, ReadError::Discarded { .. });
        match self.stream.try_peek() {
            Ok(grant) => {
                self.got(Ok(grant), true);
                true
            }
            Err(TryReadError::Empty) => {
                let wire = self.link.wire();
                // Nobody overtakes the one who waits.
                assert!(wire.state == State::Open || wire.waits);
                assert!(wire.fed.is_empty() || wire.waits);
                false
            }
            Err(TryReadError::Read(error)) => {
                let more = !is_end(&error);
                self.got(Err(error), true);
                more
            }
        }
    }

    fn read(&mut self) {
        let mut reader = match self.reader.take() {
            Some(reader) => reader,
            None => self.stream.peek(),
        };
        self.reader_counter.take();
        let waker = self.reader_counter.waker();
        match Pin::new(&mut reader).poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(result) => {
                self.link.wire().waits = false;
                self.got(result, false);
            }
            Poll::Pending => {
                let mut wire = self.link.wire();
                assert!(wire.fed.is_empty() && wire.state == State::Open);
                wire.waits = true;
                self.reader = Some(reader);
            }
        }
    }

    fn leave(&mut self) {
        self.link.wire().waits = false;
        self.reader = None;
    }

    fn try_event(&mut self) {
        let mut wire = self.link.wire();
        match self.stream.try_read_event() {
            Ok(event) => {
                let discarded = std::mem::take(&mut wire.events_discarded);
                assert_eq!(Some(event), wire.told.pop_front().map(|it| (it, discarded)));
            }
            Err(TryReadEventError::Empty) => {
                assert!(wire.told.is_empty() && wire.monitoring && wire.state == State::Open);
            }
            Err(TryReadEventError::Read(_)) => {
                assert!(wire.told.is_empty());
                assert!(!wire.monitoring || wire.state != State::Open);
            }
        }
    }

    fn apply(&mut self, op: &Op) {
        let (stream, link) = (self.stream, self.link.clone());
        match *op {
            Op::Write(ref lengths) => self.write(lengths),
            Op::TryRead => drop(self.try_read()),
            Op::Read => self.read(),
            Op::Leave => self.leave(),
            Op::Inbound(ref lengths) => {
                let message = self.bytes.message(lengths);
                link.happens(|wire| wire.inbound.push_back(message));
            }
            Op::Flood(many) => {
                let messages: Vec<Message> = (0..many).map(|_| self.bytes.message(&[0])).collect();
                link.happens(|wire| wire.inbound.extend(messages));
            }
            Op::Credit(bytes) => link.happens(|wire| wire.credit += usize::from(bytes)),
            Op::Run => {
                if !self.is_asleep() {
                    self.poll();
                }
            }
            Op::Poll => self.poll(),
            Op::Remake => self.remake(),
            Op::WronglyReady(times) => link.happens(|wire| wire.wrongly_ready = times % 32),
            Op::ReadyForOthers(times) => link.happens(|wire| wire.ready_for_others = times),
            Op::Refuse(messages) => link.wire().refuses = messages,
            Op::Stall(stalls) => link.happens(|wire| wire.stalls = stalls),
            Op::Break(at) => link.happens(|wire| wire.breaks = Some(at)),
            Op::Event => link.happens(|wire| wire.untold += 1),
            Op::Monitor(on) => {
                link.wire().monitoring = on;
                stream.set_monitoring(on);
            }
            Op::TryEvent => self.try_event(),
            Op::ReadLimits(a, b) => {
                {
                    let mut wire = link.wire();
                    wire.read_marks = marks(a, b);
                    wire.update_gate();
                }
                stream.set_read_limits(limits(a, b));
            }
            Op::Pause(on) => {
                let was = std::mem::replace(&mut link.wire().reading_paused, on);
                let done = if on {
                    stream.pause_reading()
                } else {
                    stream.resume_reading()
                };
                assert_eq!(done.is_ok(), was != on);
            }
            Op::OnDemand(on) => {
                link.wire().on_demand = on;
                stream.set_on_demand(on);
            }
            Op::Close => {
                {
                    let mut wire = link.wire();
                    if wire.state == State::Open {
                        wire.state = State::Closing;
                    }
                }
                stream.close();
            }
            Op::Abort => {
                {
                    let mut wire = link.wire();
                    if wire.is_live() {
                        wire.fed.clear();
                        wire.end(State::Closed);
                    }
                }
                stream.abort();
            }
        }
    }

    /// After every call: the books are right, and nobody oversleeps.
    fn check(&self) {
        let (stream, wire) = (self.stream, self.link.wire());
        let queued = if wire.is_live() {
            wire.written[wire.taken..].iter().map(charge).sum()
        } else {
            0
        };
        assert_eq!(stream.write_buffer_bytes(), queued);
        assert_eq!(stream.read_buffer_bytes(), wire.level());
        assert_eq!(stream.lost(), wire.lost);
        assert_eq!(stream.refused_messages(), wire.refused);
        assert_eq!(stream.discarded_events(), wire.events_discarded);
        assert_eq!(stream.port().interest(), wire.wants());
        assert_eq!(stream.port().phase(), wire.phase());
        let failed = (wire.state == State::Failed).then_some(BROKEN);
        assert_eq!(stream.exception(), failed);
        let on_the_link = usize::from(wire.sending.is_some());
        assert_eq!(wire.arrived.len() + on_the_link + wire.refused, wire.taken);
        if self.is_asleep() {
            assert!(wire.is_live(), "the driver oversleeps the end");
            assert!(!wire.can().is_some(), "the driver oversleeps");
            assert_eq!(wire.untold, 0, "the driver oversleeps an event");
            let may_end = wire.phase() == Phase::Flush && wire.is_flushed();
            assert!(!may_end, "the driver oversleeps the flush");
        }
        if self.reader.is_some() && self.reader_counter.count() == 0 {
            let is_there = !wire.fed.is_empty() || wire.state != State::Open;
            assert!(!is_there, "the reader oversleeps");
        }
    }

    /// The link is sound and has no bounds, and everything is read.
    fn run_out(&mut self) {
        let most = 64 + self.link.wire().inbound.len();
        for _ in 0..most {
            if self.is_asleep() || self.has_ended {
                break;
            }
            self.poll();
            self.check();
            while self.try_read() {}
        }
        assert!(self.is_asleep() || self.has_ended, "it never comes to rest");
    }

    fn finish(mut self) {
        self.leave();
        self.apply(&Op::Pause(false));
        self.apply(&Op::OnDemand(false));
        self.apply(&Op::ReadLimits(255, 255));
        while self.try_read() {}
        self.link.happens(|wire| {
            wire.credit = usize::MAX;
            (wire.wrongly_ready, wire.ready_for_others, wire.refuses) = (0, 0, 0);
            (wire.stalls, wire.breaks) = (false, None);
        });
        self.run_out();
        if self.link.wire().is_live() {
            let wire = self.link.wire();
            assert_eq!(wire.taken, wire.written.len());
            assert!(wire.state != State::Open || wire.inbound.is_empty());
            assert!(wire.sending.is_none());
        }
        self.apply(&Op::Close);
        self.check();
        self.run_out();
        assert!(self.has_ended);
        while self.try_read() {}
        let wire = self.link.wire();
        // What was sent has arrived, was refused, or is said to be lost; what a broken link had in hand is the link's.
        let on_the_link = usize::from(wire.sending.is_some());
        let accounted = wire.arrived.len() + on_the_link + wire.refused + wire.lost.messages;
        assert_eq!(accounted, wire.written.len());
        assert!(wire.fed.is_empty());
        if wire.state == State::Closed && wire.lost.is_nothing() {
            assert!(wire.shutdown.is_some());
        }
    }
}

fn run<const N: usize>(input: &Input) {
    let stream = Box::new(Line::<N>::new());
    let link = Link::new(N, input.in_place);
    let mut links: Vec<Over<N>> = (0..input.ops.len() + 1)
        .map(|_| Over(link.clone()))
        .collect();
    let mut rig = Rig {
        stream: &stream,
        link,
        links: links.iter_mut(),
        how: input.how,
        driving: None,
        driver: Arc::default(),
        is_awake: true,
        has_ended: false,
        reader: None,
        reader_counter: Arc::default(),
        bytes: Bytes::default(),
    };
    rig.remake();
    for op in &input.ops {
        rig.apply(op);
        rig.check();
    }
    rig.finish();
}

fuzz_target!(|input: Input| {
    match input.capacity % 4 {
        0 => run::<0>(&input),
        1 => run::<24>(&input),
        2 => run::<200>(&input),
        _ => run::<600>(&input),
    }
});
