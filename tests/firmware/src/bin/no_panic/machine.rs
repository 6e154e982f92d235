//! The machine, by hand.

use core::hint::black_box;
use core::task::{Poll, Waker};

use tidegate_core::{
    EventRing, Fixed, FixedSlots, Machine, MessageBuffer, Ticket, Wakes, Watermarks,
};

use tidegate_firmware_tests::lend;
use tidegate_firmware_tests::opaque::{coin, message, number, opaque, waker};

use crate::buffer::frames;
use crate::slots;

type Small = Machine<Fixed<64, 64, 2, EventRing<[u32; 4], 4>>, u8>;

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

/// What a poll came to.
fn polled<T>(machine: &mut Small, (ready, wakes): (Poll<T>, Wakes)) {
    opaque(ready.is_ready());
    wake(machine, wakes);
}

/// What a call came to.
fn done<T>(machine: &mut Small, (result, wakes): (T, Wakes)) {
    opaque(result);
    wake(machine, wakes);
}

fn reads(machine: &mut Small, ticket: &mut Ticket) {
    if let Ok(wakes) = machine.feed(message()) {
        wake(machine, wakes);
    }
    let wakes = machine.discard();
    wake(machine, wakes);
    let ready = machine.poll_readable(ticket);
    polled(machine, ready);
    let taken = machine.take(ticket, frames);
    done(machine, taken);
    let ready = machine.poll_read(ticket, frames);
    polled(machine, ready);
    let result = machine.try_readable();
    done(machine, result);
    let result = machine.try_read(frames);
    done(machine, result);
}

fn writes(machine: &mut Small, ticket: &mut Ticket) {
    if let Ok(wakes) = machine.write(message()) {
        wake(machine, wakes);
    }
    let ready = machine.poll_send(ticket, number());
    polled(machine, ready);
    let result = machine.write_in_turn(ticket, message());
    done(machine, result);
    let ready = machine.poll_drain(ticket);
    polled(machine, ready);
    let ready = machine.poll_flush(ticket);
    polled(machine, ready);
    let ready = machine.poll_closed(ticket);
    polled(machine, ready);
    let wakes = machine.sent();
    wake(machine, wakes);
    let wakes = machine.refused();
    wake(machine, wakes);
    opaque(machine.outgoing_mut().pop_with(frames));
}

fn events(machine: &mut Small, ticket: &mut Ticket) {
    let wakes = machine
        .set_monitoring(coin())
        .and(machine.set_event_backlog(number()))
        .and(machine.feed_event(opaque([1; 4])));
    wake(machine, wakes);
    let ready = machine.poll_event(ticket);
    polled(machine, ready);
    let result = machine.try_event();
    done(machine, result);
    opaque((machine.is_monitoring(), machine.events().is_empty()));
}

fn looks(machine: &mut Small) {
    opaque(machine.state().is_live());
    opaque(machine.exception().copied());
    opaque((machine.at_closing(), machine.has_driver()));
    opaque((machine.lost(), machine.interest()));
    opaque((machine.has_readers(), machine.has_senders()));
    opaque((
        machine.phase(),
        machine.read_limits(),
        machine.write_limits(),
    ));
    opaque((
        machine.is_reading_paused(),
        machine.is_read_gate_paused(),
        machine.is_write_gate_paused(),
    ));
    opaque(machine.incoming().peek_with(frames));
    opaque(machine.outgoing().peek_with(frames));
    opaque(machine.refused_messages());
}

fn turns(machine: &mut Small) {
    let old: Option<Waker> = machine.register_driver(waker());
    drop(old);
    drop(machine.deregister_driver());
    let limits = opaque(Watermarks::from_high(number()));
    let wakes = machine
        .set_read_limits(limits)
        .and(machine.set_write_limits(limits))
        .and(machine.set_on_demand(coin()));
    wake(machine, wakes);
    opaque(machine.pause_reading().is_ok());
    if let Ok(wakes) = machine.resume_reading() {
        wake(machine, wakes);
    }
    let wakes = match number() {
        0 => machine.close(),
        1 => machine.abort(),
        2 => machine.finish(),
        _ => machine.fail(opaque(1)),
    };
    wake(machine, wakes);
}

/// Calls them all, in no order that the compiler knows.
pub fn call() {
    // SAFETY: nobody else names it, and `main` calls this once.
    let machine = black_box(unsafe { lend(&raw mut MACHINE) });
    let mut ticket = slots::ticket();
    let ticket = black_box(&mut ticket);
    while number() != 5 {
        match number() {
            0 => reads(machine, ticket),
            1 => writes(machine, ticket),
            2 => events(machine, ticket),
            3 => looks(machine),
            4 => turns(machine),
            _ => {
                let wakes = machine.cancel(ticket);
                wake(machine, wakes);
            }
        }
    }
}
