//! The values: marks, gates, events, wakes, errors.

use core::hint::black_box;

use tidegate_core::{
    EventRing, Gate, Interest, Limit, Lost, MessageBuffer, PushError, Wakes, Watermarks, WriteError,
};

use tidegate_firmware_tests::opaque::{number, opaque};

type Buffer = MessageBuffer<64>;

fn marks() -> Watermarks {
    opaque(Watermarks::of_capacity(number()))
}

fn watermarks() {
    opaque(Watermarks::new(number(), number()).is_ok());
    opaque(Watermarks::from_high(number()));
    opaque(Watermarks::from_low(number()));
    opaque(Limit::from(number()));
    let high = opaque(Some(Limit::Bytes(number())));
    opaque(Watermarks::resolve(high, opaque(Some(number())), marks()).is_ok());
    opaque(marks().high());
    opaque(marks().low_bytes());
}

fn gate() {
    let mut gate = opaque(Gate::<Buffer>::new());
    let gate = black_box(&mut gate);
    opaque(gate.limits());
    opaque(gate.set_limits(marks(), number()));
    opaque(gate.update(number()));
    opaque(gate.is_paused());
    opaque(Gate::<Buffer>::default());
}

fn events() {
    let mut ring = EventRing::<[u32; 4], 8>::new();
    let ring = black_box(&mut ring);
    ring.push(opaque([1; 4]));
    opaque(ring.pop());
    ring.set_backlog(number());
    opaque((
        ring.backlog(),
        ring.len(),
        ring.is_empty(),
        ring.discarded(),
    ));
    opaque(EventRing::<[u32; 4], 8>::default());
}

fn flags() {
    let interest = opaque(Interest::NONE);
    opaque(interest.and(opaque(Interest::default())).is_some());
    let wakes = opaque(Wakes::NONE);
    opaque(wakes.and(opaque(Wakes::default())).is_none());
    opaque(opaque(Lost::default()).is_nothing());
}

fn errors() {
    let error = opaque(PushError::Full(number()));
    let error: WriteError<usize, u8> = opaque(error.into());
    opaque(error.into_message());
}

/// Calls them all.
pub fn call() {
    watermarks();
    gate();
    events();
    flags();
    errors();
}
