//! The shared stream, its handles and its futures.

use core::future::Future;
use core::hint::black_box;
use core::pin::pin;
use core::task::Context;

use tidegate_core::{EventRing, FixedEvents, Frames, NoEvents, Stream, Watermarks};

use tidegate_firmware_tests::opaque::{coin, message, number, opaque, waker};

use crate::buffer::frames;
use crate::{grants, port};

/// A stream whose sizes are none that help.
pub type Small<V> = Stream<64, 64, 2, u8, V>;

static SILENT: Small<NoEvents> = Stream::new();
static STREAM: Small<EventRing<[u32; 4], 4>> = Stream::new();

/// Polls a future some times, shows what it came to, and drops it.
fn poll<F: Future>(future: F, mut show: impl FnMut(F::Output)) {
    let waker = waker();
    let mut cx = Context::from_waker(&waker);
    let mut future = pin!(future);
    while number() != 0 {
        if let core::task::Poll::Ready(output) = black_box(&mut future).as_mut().poll(&mut cx) {
            show(opaque(output));
        }
    }
}

fn show<E>(read: Result<Frames<'_>, E>) {
    if let Ok(message) = read {
        opaque(frames(message));
    }
}

fn reads<V: FixedEvents>(stream: &'static Small<V>) {
    let mut out = [0; 64];
    let out = black_box(&mut out[..]);
    let reader = opaque(stream.reader());
    match number() {
        0 => show(stream.try_read(out)),
        1 => poll(stream.read(out), show),
        2 => show(reader.try_read(out)),
        3 => poll(reader.read(out), show),
        4 => poll(stream.peek(), |grant| grants::look_at(grant.ok())),
        5 => poll(reader.peek(), |grant| grants::look_at(grant.ok())),
        6 => grants::look_at(stream.try_peek().ok()),
        7 => grants::look_at(reader.try_peek().ok()),
        8 => {
            opaque(stream.pause_reading().is_ok());
        }
        _ => {
            opaque(stream.resume_reading().is_ok());
        }
    }
}

fn writes<V: FixedEvents>(stream: &'static Small<V>) {
    let writer = opaque(stream.writer());
    match number() {
        0 => {
            opaque(stream.write(message()).is_ok());
        }
        1 => {
            opaque(writer.write(message()).is_ok());
        }
        2 => grants::fill(stream.reserve(number(), number()).ok()),
        3 => grants::fill(writer.reserve(number(), number()).ok()),
        4 => poll(stream.send(message()), drop),
        5 => poll(writer.send(message()), drop),
        6 => poll(stream.drain(), drop),
        7 => poll(writer.drain(), drop),
        8 => poll(stream.flush(), drop),
        9 => poll(stream.wait_for_room(number(), number()), |grant| {
            grants::fill(grant.ok())
        }),
        10 => poll(writer.wait_for_room(number(), number()), |grant| {
            grants::fill(grant.ok())
        }),
        _ => poll(writer.flush(), drop),
    }
}

fn events<V: FixedEvents>(stream: &'static Small<V>) {
    match number() {
        0 => stream.set_monitoring(coin()),
        1 => stream.set_event_backlog(number()),
        2 => poll(stream.read_event(), drop),
        _ => {
            opaque(stream.try_read_event().is_ok());
        }
    }
}

fn turns<V: FixedEvents>(stream: &'static Small<V>) {
    match number() {
        0 => poll(stream.closed(), drop),
        1 => stream.close(),
        2 => stream.abort(),
        3 => stream.set_read_limits(opaque(Watermarks::from_high(number()))),
        4 => stream.set_write_limits(opaque(Watermarks::from_high(number()))),
        5 => {
            opaque((stream.at_closing(), stream.exception()));
            opaque((stream.read_buffer_bytes(), stream.write_buffer_bytes()));
            opaque((stream.read_limits(), stream.write_limits()));
            opaque((stream.refused_messages(), stream.lost()));
            opaque((stream.discarded_events(), stream.is_monitoring()));
            opaque((stream.is_reading_paused(), stream.is_read_gate_paused()));
            opaque(stream.is_write_gate_paused());
        }
        6 => stream.set_on_demand(number() == 0),
        _ => {
            opaque(Small::<V>::default().at_closing());
        }
    }
}

fn calls<V: FixedEvents>(stream: &'static Small<V>, event: impl Fn() -> Option<V::Event>) {
    let stream = black_box(stream);
    while number() != 0 {
        match number() {
            0 => reads(stream),
            1 => writes(stream),
            2 => events(stream),
            3 => turns(stream),
            _ => port::call(opaque(stream.port()), &event),
        }
    }
}

/// Calls them all, in no order that the compiler knows; with events and without.
pub fn call() {
    calls(&STREAM, || Some(opaque([1; 4])));
    calls(&SILENT, || None);
}
