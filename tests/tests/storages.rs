//! One machine over two storages: H4.

use std::sync::Arc;
use std::task::Waker;

use tidegate_core::{
    EventRing, Fixed, FixedSlots, Frames, Level, Machine, MessageBuffer, OwnedMessage, OwnedQueue,
    PushError, Queue, Storage, Ticket, Wakes, Watermarks, WriteError,
};
use tidegate_tests::{Broken, Counter, Message, random_message, small, with_frames};

const WAITERS: usize = 5;
type Events = EventRing<u32, 2>;
/// One slot too few, so that somebody finds none.
type Slots = FixedSlots<{ WAITERS - 1 }>;

/// A storage, both of whose queues are `Q`.
trait Store: Storage<Incoming = Self::Q, Outgoing = Self::Q, Events = Events, Slots = Slots> {
    type Q: Queue;
    fn queue() -> Self::Q;
    fn push<'a>(message: &'a [&'a [u8]]) -> <Self::Q as Queue>::Push<'a>;
    fn pop(message: <Self::Q as Queue>::Pop<'_>) -> Message;
}

type Packed = Fixed<4096, 4096, { WAITERS - 1 }, Events>;

impl Store for Packed {
    type Q = MessageBuffer<4096>;
    fn queue() -> Self::Q {
        MessageBuffer::new()
    }
    fn push<'a>(message: &'a [&'a [u8]]) -> &'a [&'a [u8]] {
        message
    }
    fn pop(message: Frames<'_>) -> Message {
        message.map(<[u8]>::to_vec).collect()
    }
}

/// A message that is charged as on packed.
struct Owned(Message);

impl OwnedMessage for Owned {
    fn frame_count(&self) -> usize {
        self.0.len()
    }
    fn charge_bytes(&self) -> usize {
        self.0.iter().map(|frame| frame.len() + 2).sum()
    }
}

struct Host;

impl Storage for Host {
    type Incoming = OwnedQueue<Owned>;
    type Outgoing = OwnedQueue<Owned>;
    type Events = Events;
    type Slots = Slots;
}

impl Store for Host {
    type Q = OwnedQueue<Owned>;
    fn queue() -> Self::Q {
        OwnedQueue::new()
    }
    fn push<'a>(message: &'a [&'a [u8]]) -> Owned {
        Owned(message.iter().map(|frame| frame.to_vec()).collect())
    }
    fn pop(message: Owned) -> Message {
        message.0
    }
}

struct Rig<S: Store> {
    machine: Machine<S, Broken>,
    tickets: [Ticket; WAITERS],
    counters: [Arc<Counter>; WAITERS],
    driver: Arc<Counter>,
}

/// Polls with somebody's ticket, and says what came of it.
fn poll<S: Store, R: std::fmt::Debug>(
    machine: &mut Machine<S, Broken>,
    (ticket, counter): (&mut Ticket, &Arc<Counter>),
    f: impl FnOnce(&mut Machine<S, Broken>, &mut Ticket) -> (R, Wakes),
) -> (String, Wakes) {
    ticket.offer(&counter.waker());
    let (result, wakes) = f(machine, ticket);
    ticket.settle();
    (format!("{result:?}"), wakes)
}

impl<S: Store> Rig<S> {
    fn new() -> Self {
        let mut machine = Machine::new(S::queue(), S::queue(), Slots::new());
        let _ = machine.set_read_limits(Watermarks::new(100, 30).unwrap());
        let _ = machine.set_write_limits(Watermarks::new(100, 30).unwrap());
        Self {
            machine,
            tickets: Default::default(),
            counters: Default::default(),
            driver: Counter::new(),
        }
    }

    /// Makes one call, as the generator says, and tells all that can be seen of it.
    fn step(&mut self, rng: &mut fastrand::Rng) -> String {
        let message = random_message(rng, 3, 20);
        let (who, what) = (rng.usize(0..WAITERS), rng.usize(0..100));
        let machine = &mut self.machine;
        let one = (&mut self.tickets[who], &self.counters[who]);
        let none = |wakes| (String::new(), wakes);
        let (result, wakes) = with_frames(&message, |frames| match what {
            // As long as there is room on packed.
            0..=14 if machine.incoming().level_bytes() < 1000 => {
                match machine.feed(S::push(frames)) {
                    Ok(wakes) => ("fed".to_owned(), wakes),
                    Err(error) => (error.to_string(), Wakes::NONE),
                }
            }
            15..=29 if machine.outgoing().level_bytes() < 1000 => {
                match machine.write(S::push(frames)) {
                    Ok(wakes) => ("written".to_owned(), wakes),
                    Err(error) => (error.to_string(), Wakes::NONE),
                }
            }
            30..=41 => poll(machine, one, |machine, ticket| {
                machine.poll_read(ticket, S::pop)
            }),
            42..=46 => {
                let (read, wakes) = machine.try_read(S::pop);
                (format!("{read:?}"), wakes)
            }
            47..=58 => none(machine.sent()),
            59..=63 => poll(machine, one, Machine::poll_drain),
            64..=67 => poll(machine, one, Machine::poll_flush),
            68..=70 => poll(machine, one, Machine::poll_event),
            71 => poll(machine, one, Machine::poll_closed),
            72..=74 => none(machine.feed_event(who as u32)),
            75 | 76 => none(machine.set_monitoring(who > 1)),
            77..=82 => none(machine.cancel(one.0)),
            83 => none(machine.discard()),
            84 => none(machine.refused()),
            85 => (format!("{:?}", machine.pause_reading()), Wakes::NONE),
            86..=88 => match machine.resume_reading() {
                Ok(wakes) => none(wakes),
                Err(error) => (error.to_string(), Wakes::NONE),
            },
            89 => none(machine.set_on_demand(who == 0)),
            90 => none(machine.set_event_backlog(who)),
            91 => none(machine.set_read_limits(Watermarks::from_high(who * 40))),
            92 => none(machine.set_write_limits(Watermarks::from_high(who * 40))),
            // The end comes seldom.
            93 if who == 0 && rng.u8(0..20) == 0 => none(match rng.u8(0..4) {
                0 => machine.abort(),
                1 => machine.fail(Broken),
                _ => machine.close(),
            }),
            94 => none(machine.finish()),
            _ => none(Wakes::NONE),
        });
        let mut wakes = wakes;
        let wakers: Vec<Waker> =
            std::iter::from_fn(|| self.machine.take_waker(&mut wakes)).collect();
        wakers.into_iter().for_each(Waker::wake);
        self.machine.register_driver(self.driver.waker());
        let machine = &self.machine;
        format!(
            "{what}: {result} {:?} {} {machine:?} {:?} {:?} {} {:?} {}",
            self.counters.each_ref().map(|counter| counter.take()),
            self.driver.take(),
            machine.interest(),
            machine.phase(),
            machine.at_closing(),
            machine.lost(),
            machine.refused_messages(),
        )
    }
}

#[test]
fn h4_packed_bytes_and_owned_messages_give_the_same_results_transitions_and_wakes() {
    for seed in 0..300 {
        let mut rngs = [seed; 2].map(fastrand::Rng::with_seed);
        let (mut device, mut host) = (Rig::<Packed>::new(), Rig::<Host>::new());
        for _ in 0..300 {
            assert_eq!(device.step(&mut rngs[0]), host.step(&mut rngs[1]));
        }
    }
}

#[test]
fn h4_a_refusal_changes_nothing() {
    let mut machine = small::<0>();
    for _ in 0..2 {
        let _ = machine.feed(&[&[1; 60]]).unwrap();
        let _ = machine.write(&[&[1; 60]]).unwrap();
    }
    let before = format!("{machine:?}");
    let (full, too_large): (&[&[u8]], &[&[u8]]) = (&[&[2; 200]], &[&[2; 255]]);
    assert_eq!(machine.write(&[]), Err(WriteError::NoFrames(&[][..])));
    assert_eq!(machine.write(full), Err(WriteError::Full(full)));
    assert_eq!(
        machine.write(too_large),
        Err(WriteError::TooLarge(too_large))
    );
    assert_eq!(machine.feed(&[]), Err(PushError::NoFrames(&[][..])));
    assert_eq!(machine.feed(too_large), Err(PushError::TooLarge(too_large)));
    assert!(machine.interest().receive);
    // This one waits for room, and is not asked for before there is some.
    assert_eq!(machine.feed(full), Err(PushError::Full(full)));
    assert!(!machine.interest().receive);
    assert_eq!(format!("{machine:?}"), before);
    for _ in 0..2 {
        let (read, _) = machine.try_read(|frames| frames.eq([[1; 60]]));
        assert_eq!(read, Ok(true));
        assert_eq!(
            machine.outgoing().peek_with(|frames| frames.eq([[1; 60]])),
            Some(true)
        );
        let _ = machine.sent();
    }
}

#[test]
fn d1_a_host_sends_as_many_as_are_taken_at_once_and_the_level_follows() {
    let mut machine =
        Machine::<Host, Broken>::new(OwnedQueue::new(), OwnedQueue::new(), Slots::default());
    assert!(OwnedQueue::<Owned>::default().head().is_none());
    let _: Wakes = machine.set_write_limits(Watermarks::new(10, 5).unwrap());
    for text in ["a", "bb", "ccc", "dddd"] {
        let _: Wakes = machine.write(Owned(vec![text.into()])).ok().unwrap();
    }
    let mut offered = Vec::new();
    let mut send = |message: &mut Owned| {
        offered.push(message.0[0].len());
        message.0[0].len() != 3
    };
    let (sent, _) = machine.send_while(1, &mut send);
    assert_eq!((sent, machine.outgoing().level_bytes()), (1, 4 + 5 + 6));
    let (sent, _) = machine.send_while(8, &mut send);
    assert_eq!((sent, machine.outgoing().level_bytes()), (1, 5 + 6));
    // Nobody waits for nothing.
    let counter = Counter::new();
    let mut ticket = Ticket::new();
    ticket.offer(&counter.waker());
    assert!(machine.poll_drain(&mut ticket).0.is_pending());
    let (sent, wakes) = machine.send_while(8, &mut send);
    assert_eq!((sent, machine.outgoing().len()), (0, 2));
    assert!(wakes.is_none());
    assert_eq!(offered, [1, 2, 3, 3]);
    machine.outgoing_mut().head_mut().unwrap().0[0] = b"x".to_vec();
    assert_eq!(machine.outgoing().head().unwrap().0[0], b"x");
    assert_eq!(machine.outgoing().level_bytes(), 5 + 6);
    assert!(machine.is_write_gate_paused());
    let (sent, _) = machine.send_while(8, |_| true);
    assert_eq!((sent, machine.outgoing().level_bytes()), (2, 0));
    assert!(!machine.is_write_gate_paused());
}

#[test]
fn b1_the_queues_of_a_host_begin_with_marks_of_64_kib_and_16_and_have_no_end() {
    let machine =
        Machine::<Host, Broken>::new(OwnedQueue::new(), OwnedQueue::new(), Slots::default());
    let marks = Watermarks::new(65_536, 16_384).unwrap();
    assert_eq!(
        (machine.read_limits(), machine.write_limits()),
        (marks, marks)
    );
    for queue in [machine.incoming(), machine.outgoing()] {
        assert_eq!(queue.largest_free_bytes(), usize::MAX);
        assert_eq!(queue.capacity_bytes(), usize::MAX);
    }
}
