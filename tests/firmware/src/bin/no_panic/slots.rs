//! Where waiters are kept.

use core::hint::black_box;

use tidegate_core::{FixedSlots, Index as _, Slots, Ticket};

use tidegate_firmware_tests::opaque::{number, opaque, waker};

/// A ticket with a waker, of which nothing is known.
pub fn ticket() -> Ticket {
    let mut ticket = opaque(Ticket::new());
    ticket.offer(&waker());
    ticket
}

/// Calls them all.
pub fn call() {
    let mut slots = FixedSlots::<2>::new();
    let slots = black_box(&mut slots);
    opaque(slots.links().len());
    opaque(slots.wakers_mut().len());
    opaque(slots.links_mut().len());
    opaque(slots.grow().is_ok());
    opaque(FixedSlots::<2>::default());
    opaque(u8::of(number()).map(|index| opaque(index).slot()));
    opaque(u32::of(number()).map(|index| opaque(index).slot()));
    let mut ticket = ticket();
    let ticket = black_box(&mut ticket);
    opaque(ticket.has_place());
    ticket.settle();
    opaque(Ticket::default());
}
