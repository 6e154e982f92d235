//! What a flash image does with its contender. The image that only copies is what the others are compared with.

use core::hint::black_box;
use core::task::{Context, Waker};

use crate::contender::Contender;
use crate::contender::events::Events;
use crate::contender::waiting::Waiting;
use crate::messages::{bytes, see};

/// Pushes and pops for ever.
pub fn queue(mut queue: impl Contender) -> ! {
    loop {
        black_box(queue.push(bytes(black_box(20))));
        black_box(queue.pop(see));
    }
}

/// Pushes, pops and waits for ever.
pub fn waiting(mut queue: impl Contender + Waiting) -> ! {
    loop {
        black_box(queue.push(bytes(black_box(20))));
        black_box(queue.pop(see));
        let mut cx = Context::from_waker(black_box(Waker::noop()));
        black_box(queue.wait(bytes(black_box(20)), &mut cx, see));
    }
}

/// Copies and writes events for ever.
pub fn events(events: &mut impl Events) -> ! {
    loop {
        copy();
        events.write(black_box([1, 2, 3, 4]));
    }
}

/// Copies for ever.
pub fn nothing() -> ! {
    loop {
        copy();
        black_box(Waker::noop());
    }
}

fn copy() {
    let mut out = [0; 32];
    let message = bytes(black_box(20));
    if let Some(out) = black_box(&mut out).get_mut(..message.len()) {
        out.copy_from_slice(message);
        see(out);
    }
}

/// A flash image: `main` is the given expression, and whatever panics stops.
#[macro_export]
macro_rules! flash_image {
    ($work:expr) => {
        #[cortex_m_rt::entry]
        fn main() -> ! {
            $work
        }

        #[panic_handler]
        fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
            loop {}
        }
    };
}
