//! The same where a critical section leaves interrupts on: the sweep has to find that.
#![no_std]
#![no_main]

use core::panic::PanicInfo;

use cortex_m_rt::{entry, exception};
use tidegate_firmware_tests::swept_stream::{self, Shared};
use tidegate_firmware_tests::{report, sweep, tracked_lock};

critical_section::set_impl!(tracked_lock::Faulty);

#[entry]
fn main() -> ! {
    let Some(peripherals) = cortex_m::Peripherals::take() else {
        report::exit(false);
    };
    report::exit(swept_stream::run(peripherals.SYST));
}

#[exception]
fn SysTick() {
    sweep::interrupt::<Shared>();
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    report::panicked(info)
}
