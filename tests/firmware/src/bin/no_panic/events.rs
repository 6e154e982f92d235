//! Events of sockets, and rings of the newest ones.

use core::hint::black_box;

use tidegate_core::{Endpoint, EventKind, EventMask, EventRing, Events, NoEvents, SocketEvent};

use tidegate_firmware_tests::opaque::{message, number, opaque, text};

type Ring = EventRing<[u32; 4], 8>;

fn ring() {
    let mut ring = Ring::new();
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
    opaque(Ring::default());
}

/// As a machine calls them.
fn kept<V: Events>(mut event: impl FnMut() -> Option<V::Event>) {
    let mut events = opaque(V::NEW);
    let events = black_box(&mut events);
    if let Some(event) = event() {
        Events::push(events, event);
    }
    opaque(Events::pop(events));
    opaque((Events::is_empty(events), Events::discarded(events)));
    Events::set_backlog(events, number());
}

fn masks() {
    let mut mask = opaque(EventMask::from_bits(opaque(1)));
    mask |= opaque(EventMask::ALL) | opaque(EventMask::NONE);
    opaque((mask.bits(), mask.contains(opaque(EventMask::CLOSED))));
    opaque(opaque(EventKind::MonitorStopped).mask());
}

fn endpoint<const L: usize>() {
    let endpoint = opaque(Endpoint::<L>::new(text()));
    opaque((endpoint.as_str(), endpoint.is_cut()));
    opaque(Endpoint::<L>::default() == endpoint);
}

fn socket_event() {
    if let Ok(event) = SocketEvent::<64>::decode(message().iter().copied()) {
        opaque(event == opaque(event));
    }
    // The header has to be seen by itself as well: frames of any number and length.
    let header = opaque([0; 6]);
    let header = opaque(header.get(..number()).unwrap_or_default());
    opaque(SocketEvent::<3>::decode([header, text().as_bytes()]).is_ok());
}

/// Calls them all.
pub fn call() {
    ring();
    kept::<NoEvents>(|| None);
    kept::<Ring>(|| Some(opaque([1; 4])));
    kept::<EventRing<SocketEvent, 4>>(|| SocketEvent::decode(message().iter().copied()).ok());
    masks();
    endpoint::<0>();
    endpoint::<3>();
    endpoint::<64>();
    socket_event();
}
