//! A machine by hand: those who wait on it, and what a driver tells it, with their wakes.

use std::sync::Arc;
use std::task::{Poll, Waker};

use tidegate_core::{
    DrainError, Events, Fixed, FixedSlots, Lost, Machine, MessageBuffer, NoEvents, ReadError,
    ReadEventError, SendError, Ticket, TooManyWaiters, TryReadError, Wakes, packed_bytes,
};

use crate::message::Message;
use crate::sim::Broken;
use crate::wakers::Counter;

/// A machine in fixed memory with 256 bytes each way, room for `W` waiters, and events in a `V`.
pub type Small<const W: usize, V = NoEvents> = Machine<Fixed<256, 256, W, V>, Broken>;

pub fn small<const W: usize>() -> Small<W> {
    small_with_events()
}

pub fn small_with_events<const W: usize, V: Events>() -> Small<W, V> {
    Machine::new(
        MessageBuffer::new(),
        MessageBuffer::new(),
        FixedSlots::new(),
    )
}

/// Wakes those whom the machine names.
pub fn wake<const W: usize, V: Events>(machine: &mut Small<W, V>, mut wakes: Wakes) {
    let wakers: Vec<Waker> = std::iter::from_fn(|| machine.take_waker(&mut wakes)).collect();
    wakers.into_iter().for_each(Waker::wake);
}

/// Makes a call that nobody waits for, and wakes those whom it names.
pub fn call<const W: usize, V: Events>(
    machine: &mut Small<W, V>,
    f: impl FnOnce(&mut Small<W, V>) -> Wakes,
) {
    let wakes = f(machine);
    wake(machine, wakes);
}

/// One who waits on a machine by hand.
#[derive(Default)]
pub struct Waiter {
    pub ticket: Ticket,
    pub counter: Arc<Counter>,
}

/// An event as it is read, with how many were discarded before it.
pub type SeenEvent<T> = Result<(T, usize), ReadEventError<Broken>>;

impl Waiter {
    pub fn new() -> Self {
        Self::default()
    }

    /// So many of them.
    pub fn several<const K: usize>() -> [Self; K] {
        std::array::from_fn(|_| Self::new())
    }

    /// Polls the machine with this waiter's ticket and waker, and wakes those whom it names.
    pub fn poll<R, const W: usize, V: Events>(
        &mut self,
        machine: &mut Small<W, V>,
        f: impl FnOnce(&mut Small<W, V>, &mut Ticket) -> (R, Wakes),
    ) -> R {
        self.ticket.offer(&self.counter.waker());
        let (result, wakes) = f(machine, &mut self.ticket);
        wake(machine, wakes);
        self.ticket.settle();
        result
    }

    /// Waits to read a message, and returns its frames.
    pub fn read<const W: usize, V: Events>(
        &mut self,
        machine: &mut Small<W, V>,
    ) -> Poll<Result<Message, ReadError<Broken>>> {
        self.poll(machine, |machine, ticket| {
            machine.poll_read(ticket, |frames| frames.map(<[u8]>::to_vec).collect())
        })
    }

    /// Waits to read an event; how many were discarded comes with it.
    pub fn event<const W: usize, V: Events>(
        &mut self,
        machine: &mut Small<W, V>,
    ) -> Poll<SeenEvent<V::Event>> {
        self.poll(machine, Machine::poll_event)
    }

    /// Waits to queue a message of one frame, and queues it.
    pub fn send<const W: usize, V: Events>(
        &mut self,
        machine: &mut Small<W, V>,
        frame: &[u8],
    ) -> Poll<Result<(), SendError<(), Broken>>> {
        let message: &[&[u8]] = &[frame];
        let packed = packed_bytes(message).expect("no frame is that long");
        self.poll(machine, |machine, ticket| {
            let (ready, wakes) = machine.poll_send(ticket, packed);
            if ready != Poll::Ready(Ok(())) {
                return (ready, wakes);
            }
            let (written, more) = machine.write_in_turn(ticket, message);
            assert_eq!(written, Ok(()), "there was room for it");
            (ready, wakes.and(more))
        })
    }

    /// Waits while the write side is paused.
    pub fn drain<const W: usize, V: Events>(
        &mut self,
        machine: &mut Small<W, V>,
    ) -> Poll<Result<(), DrainError<Broken>>> {
        self.poll(machine, Machine::poll_drain)
    }

    /// Waits until the write buffer is empty.
    pub fn flush<const W: usize, V: Events>(
        &mut self,
        machine: &mut Small<W, V>,
    ) -> Poll<Result<(), DrainError<Broken>>> {
        self.poll(machine, Machine::poll_flush)
    }

    /// Waits for the end.
    pub fn closed<const W: usize, V: Events>(
        &mut self,
        machine: &mut Small<W, V>,
    ) -> Poll<Result<Lost, TooManyWaiters>> {
        self.poll(machine, Machine::poll_closed)
    }

    /// Gives up.
    pub fn cancel<const W: usize, V: Events>(mut self, machine: &mut Small<W, V>) {
        let wakes = machine.cancel(&mut self.ticket);
        wake(machine, wakes);
    }
}

/// How often each of them was woken since the last look.
pub fn woken<const K: usize>(waiters: &[Waiter; K]) -> [usize; K] {
    waiters.each_ref().map(|waiter| waiter.counter.take())
}

/// The driver fed a message of one frame.
pub fn feed<const W: usize, V: Events>(machine: &mut Small<W, V>, text: &str) {
    let wakes = machine.feed(&[text.as_bytes()]).expect("it fits");
    wake(machine, wakes);
}

/// A message of one frame is queued to be sent.
pub fn write<const W: usize, V: Events>(machine: &mut Small<W, V>, frame: &[u8]) {
    let wakes = machine.write(&[frame]).expect("it fits");
    wake(machine, wakes);
}

/// The driver saw the oldest message off.
pub fn sent<const W: usize, V: Events>(machine: &mut Small<W, V>) {
    call(machine, Machine::sent);
}

/// The user closes the stream.
pub fn close<const W: usize, V: Events>(machine: &mut Small<W, V>) {
    call(machine, Machine::close);
}

/// Takes a message if one is there.
pub fn try_read<const W: usize, V: Events>(
    machine: &mut Small<W, V>,
) -> Result<Message, TryReadError<Broken>> {
    let (read, wakes) = machine.try_read(|frames| frames.map(<[u8]>::to_vec).collect());
    wake(machine, wakes);
    read
}
