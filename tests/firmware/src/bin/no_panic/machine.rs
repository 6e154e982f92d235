//! The machine, by hand.

use core::hint::black_box;
use core::task::Waker;

use tidegate_core::{
    Fixed, FixedSlots, Frames, Index as _, Machine, MessageBuffer, Slots, Ticket, Wakes, Watermarks,
};

use tidegate_firmware_tests::lend;
use tidegate_firmware_tests::opaque::{message, number, opaque, waker};

type Small = Machine<Fixed<64, 64, 2>, u8>;

static mut MACHINE: Small = Machine::new(
    MessageBuffer::new(),
    MessageBuffer::new(),
    FixedSlots::new(),
);

fn wake(machine: &mut Small, wakes: Wakes) {
    let mut wakes = opaque(wakes);
    while let Some(waker) = machine.take_waker(&mut wakes) {
        waker.wake();
    }
}

fn count(frames: Frames<'_>) -> usize {
    opaque(frames.frame_count())
}

fn ticket() -> Ticket {
    let mut ticket = opaque(Ticket::new());
    ticket.offer(&waker());
    ticket
}

fn reads(machine: &mut Small) {
    let mut ticket = ticket();
    let ticket = black_box(&mut ticket);
    if let Ok(wakes) = machine.feed(message()) {
        wake(machine, wakes);
    }
    machine.starved();
    let (ready, wakes) = machine.poll_readable(ticket);
    opaque(ready.is_ready());
    wake(machine, wakes);
    let (taken, wakes) = machine.take(ticket, count);
    opaque(taken);
    wake(machine, wakes);
    let (ready, wakes) = machine.poll_read(ticket, count);
    opaque(ready.is_ready());
    wake(machine, wakes);
    let wakes = machine.cancel(ticket);
    wake(machine, wakes);
    ticket.settle();
    opaque(ticket.has_place());
    let (result, wakes) = machine.try_readable();
    opaque(result.is_ok());
    wake(machine, wakes);
    let (result, wakes) = machine.try_read(count);
    opaque(result.is_ok());
    wake(machine, wakes);
}

fn writes(machine: &mut Small) {
    let mut ticket = ticket();
    let ticket = black_box(&mut ticket);
    if let Ok(wakes) = machine.write(message()) {
        wake(machine, wakes);
    }
    let (ready, wakes) = machine.poll_drain(ticket);
    opaque(ready.is_ready());
    wake(machine, wakes);
    let (ready, wakes) = machine.poll_closed(ticket);
    opaque(ready.is_ready());
    wake(machine, wakes);
    let wakes = machine.cancel(ticket);
    wake(machine, wakes);
    let wakes = machine.sent();
    wake(machine, wakes);
    let wakes = machine.refused();
    wake(machine, wakes);
    opaque(machine.outgoing_mut().pop_with(count));
}

fn looks(machine: &mut Small) {
    opaque(machine.state().is_live());
    opaque(machine.exception().copied());
    opaque((machine.at_closing(), machine.has_driver()));
    opaque((machine.lost(), machine.interest(), machine.has_readers()));
    opaque((
        machine.phase(),
        machine.read_limits(),
        machine.write_limits(),
    ));
    opaque(machine.incoming().peek_with(count));
    opaque(machine.outgoing().peek_with(count));
    opaque(machine.refused_messages());
}

fn turns(machine: &mut Small) {
    let old: Option<Waker> = machine.register_driver(waker());
    drop(old);
    let limits = opaque(Watermarks::from_high(number()));
    let wakes = machine
        .set_read_limits(limits)
        .and(machine.set_write_limits(limits))
        .and(machine.set_on_demand(number() == 0));
    wake(machine, wakes);
    match number() {
        0 => {
            let wakes = machine.close();
            wake(machine, wakes);
        }
        1 => {
            let wakes = machine.abort();
            wake(machine, wakes);
        }
        2 => {
            let wakes = machine.finish();
            wake(machine, wakes);
        }
        _ => {
            let wakes = machine.fail(opaque(1));
            wake(machine, wakes);
        }
    }
}

fn slots() {
    let mut slots = FixedSlots::<2>::new();
    let slots = black_box(&mut slots);
    opaque(slots.get().len());
    opaque(slots.get_mut().len());
    opaque(u8::of(number()).and_then(|index| opaque(index).slot()));
    opaque(u32::of(number()).and_then(|index| opaque(index).slot()));
}

/// Calls them all, in no order that the compiler knows.
pub fn call() {
    // SAFETY: nobody else names it, and `main` calls this once.
    let machine = black_box(unsafe { lend(&raw mut MACHINE) });
    while number() != 3 {
        match number() {
            0 => reads(machine),
            1 => writes(machine),
            2 => looks(machine),
            3 => turns(machine),
            _ => slots(),
        }
    }
}
