//! The same on a buffer that no lock guards at all: the sweep has to see by the messages alone that something is wrong.
#![no_std]
#![no_main]

use core::panic::PanicInfo;

use cortex_m_rt::{entry, exception};
use tidegate_core::MessageBuffer;
use tidegate_firmware_tests::{report, sweep, tracked_lock};

critical_section::set_impl!(tracked_lock::Sound);

static mut BUFFER: MessageBuffer<256> = MessageBuffer::new();

/// The buffer. It is not sound; the image exists to be found out.
fn buffer() -> &'static mut MessageBuffer<256> {
    // SAFETY: none: interrupt and main have it at once.
    unsafe { &mut *core::hint::black_box(&raw mut BUFFER) }
}

struct Torn;

impl sweep::Shared for Torn {
    fn push(message: &[u8]) -> bool {
        buffer().push(&[message]).is_ok()
    }

    fn is_open() -> bool {
        false
    }
}

#[entry]
fn main() -> ! {
    let Some(peripherals) = cortex_m::Peripherals::take() else {
        report::exit(false);
    };
    report::exit(sweep::run::<Torn>(peripherals.SYST, |see| {
        buffer().pop_with(|frames| frames.for_each(see)).is_some()
    }));
}

#[exception]
fn SysTick() {
    sweep::interrupt::<Torn>();
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    report::panicked(info)
}
