//! How much stack the public calls take, in bytes.
#![no_std]
#![no_main]

mod tidegate;

use core::hint::black_box;
use core::panic::PanicInfo;

use cortex_m_rt::entry;
use tidegate_firmware_tests::{report, stack};

/// Keeps the most.
pub struct Deepest {
    bytes: u32,
}

impl Deepest {
    /// Measures one call.
    pub fn call(&mut self, name: &str, mut f: impl FnMut()) {
        let bytes = stack::used(black_box(&mut f));
        report::value(name, "stack of the call", bytes);
        self.bytes = self.bytes.max(bytes);
    }
}

/// What is known to take 400 bytes and little more, to see that a measurement can be wrong.
fn measures_what_is_known() -> bool {
    let nothing = stack::used(black_box(&mut || ()));
    let bytes = stack::used(black_box(&mut || {
        black_box([0u32; 100]);
    }));
    nothing < 16 && (400..450).contains(&bytes)
}

#[entry]
fn main() -> ! {
    let is_well = measures_what_is_known();
    let mut deepest = Deepest { bytes: 0 };
    tidegate::calls(&mut deepest);
    report::value("tidegate Stream", "stack", deepest.bytes);
    report::exit(is_well);
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    report::panicked(info)
}
