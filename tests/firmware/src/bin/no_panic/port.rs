//! The transport's side of a stream, by hand.

use tidegate_core::{BytePort, FixedEvents, Port as _};

use tidegate_firmware_tests::opaque::{message, number, opaque, waker};

use crate::buffer::frames;
use crate::grants;

type Port<V> = BytePort<'static, 64, 64, 2, u8, V>;

fn moves<V: FixedEvents>(port: Port<V>) {
    let mut out = [0; 64];
    match number() {
        0 => {
            opaque(port.feed(message()).is_ok());
        }
        1 => grants::fill(port.reserve(number(), number()).ok()),
        2 => grants::look_at(port.head()),
        3 => {
            if let Ok(Some(message)) = port.copy_head(opaque(&mut out[..])) {
                opaque(frames(message));
            }
        }
        4 => port.sent(),
        _ => port.discard(),
    }
}

/// As a driver calls it.
fn driven<V: FixedEvents>(mut port: Port<V>) {
    let port = opaque(&mut port);
    match number() {
        0 => port.discarded(),
        1 => port.refused(()),
        2 => tidegate_core::Port::finish(port),
        3 => tidegate_core::Port::fail(port, opaque(1)),
        4 => {
            opaque(tidegate_core::Port::phase(port));
        }
        5 => {
            opaque(tidegate_core::Port::interest(port));
        }
        _ => {
            opaque(port.moved_bytes());
        }
    }
}

/// Calls them all, in no order that the compiler knows.
pub fn call<V: FixedEvents>(port: Port<V>, event: impl Fn() -> Option<V::Event>) {
    match number() {
        0 => moves(port),
        1 => driven(port),
        2 => port.finish(),
        3 => port.fail(opaque(1)),
        4 => port.register(&waker()),
        6 => port.deregister(),
        5 => {
            if let Some(event) = event() {
                port.feed_event(event);
            }
        }
        _ => {
            opaque((port.interest(), port.phase()));
        }
    }
}
