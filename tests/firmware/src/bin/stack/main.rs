//! How much stack the public calls take, in bytes.
#![no_std]
#![no_main]

mod beside;

use core::hint::black_box;
use core::panic::PanicInfo;

use cortex_m_rt::entry;
use tidegate_firmware_tests::calls::{self, Calls, Most};
use tidegate_firmware_tests::{report, stack};

/// The deepest of each kind of call.
#[derive(Default)]
struct Depths {
    deepest: Most,
}

impl Calls for Depths {
    fn call<R>(&mut self, kind: &'static str, call: impl FnOnce() -> R) -> R {
        let (result, bytes) = stack::used(call);
        self.deepest.add(kind, bytes);
        result
    }
}

/// What is known to take 400 bytes and little more, to see that a measurement can be wrong.
fn measures_what_is_known() -> bool {
    let ((), nothing) = stack::used(|| ());
    let ((), bytes) = stack::used(|| {
        black_box([0u32; 100]);
    });
    nothing < 16 && (400..450).contains(&bytes)
}

#[entry]
fn main() -> ! {
    let is_well = measures_what_is_known();
    let mut depths = Depths::default();
    calls::each(&mut depths);
    beside::each(&mut depths);
    depths.deepest.report("stack call", "stack");
    report::exit(is_well);
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    report::panicked(info)
}
