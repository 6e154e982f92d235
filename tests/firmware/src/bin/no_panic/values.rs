//! The values: marks, gates, interest, wakes, errors, and how large a message is.

use core::hint::black_box;

use tidegate_core::{
    Gate, Interest, Limit, Lost, MessageBuffer, PushError, SendError, State, Wakes, Watermarks,
    WriteError, packed_bytes,
};

use tidegate_firmware_tests::opaque::{message, number, opaque};

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

fn flags() {
    let interest = opaque(Interest::NONE);
    opaque(interest.and(opaque(Interest::default())).is_some());
    let wakes = opaque(Wakes::NONE);
    opaque(wakes.and(opaque(Wakes::default())).is_none());
    opaque(opaque(Lost::default()).is_nothing());
    let state = opaque(State::Failed(1u8));
    opaque((state.is_live(), state.is_open()));
}

fn errors() {
    let error = opaque(PushError::Full(number()));
    opaque(error.into_message());
    let error: WriteError<usize, u8> = opaque(error.into());
    opaque(error.into_message());
    opaque(opaque(SendError::<usize, u8>::Closed(number())).into_message());
}

/// Calls them all.
pub fn call() {
    watermarks();
    gate();
    flags();
    errors();
    opaque(packed_bytes(message()));
}
