//! The shared stream and its futures.

use core::future::Future;
use core::hint::black_box;
use core::pin::pin;
use core::task::Context;

use tidegate_core::{Stream, Watermarks};

use tidegate_firmware_tests::opaque::{message, number, opaque, waker};

type Small = Stream<64, 64, 2, u8>;

static STREAM: Small = Stream::new();

/// Polls a future some times, and drops it.
fn poll(future: impl Future) {
    let waker = waker();
    let mut cx = Context::from_waker(&waker);
    let mut future = pin!(future);
    while number() != 0 {
        opaque(black_box(&mut future).as_mut().poll(&mut cx).is_ready());
    }
}

/// Calls them all, in no order that the compiler knows.
pub fn call() {
    let stream = black_box(&STREAM);
    let mut out = [0; 64];
    while number() != 3 {
        let out = black_box(&mut out[..]);
        match number() {
            0 => {
                opaque(stream.write(message()).is_ok());
            }
            1 => {
                opaque(stream.try_read(out).is_ok());
            }
            2 => poll(stream.drain()),
            3 => poll(stream.read(out)),
            4 => poll(stream.closed()),
            5 => stream.close(),
            6 => stream.abort(),
            7 => stream.set_read_limits(opaque(Watermarks::from_high(number()))),
            8 => stream.set_write_limits(opaque(Watermarks::from_high(number()))),
            _ => {
                opaque((stream.at_closing(), stream.exception()));
                opaque((stream.read_buffer_bytes(), stream.write_buffer_bytes()));
                opaque(Small::default().at_closing());
            }
        }
    }
}
