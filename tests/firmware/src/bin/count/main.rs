//! Counts the instructions that the same work takes on every contender, and what each has room for.
#![no_std]
#![no_main]

mod events;
mod fits;
mod queues;
mod waits;

use core::panic::PanicInfo;

use cortex_m_rt::entry;
use tidegate_firmware_tests::contender;
use tidegate_firmware_tests::counter::Counter;
use tidegate_firmware_tests::report;

#[entry]
fn main() -> ! {
    let Some(peripherals) = cortex_m::Peripherals::take() else {
        report::exit(false);
    };
    let counter = Counter::start(peripherals.SYST);
    contender::each(&mut queues::Count::new(&counter));
    contender::waiting::each(&mut waits::Count::new(&counter));
    contender::events::each(&mut events::Count::new(&counter));
    contender::each(&mut fits::Fits);
    report::exit(true);
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    report::panicked(info)
}
