//! SysTick, which every Cortex-M has.

use cortex_m::peripheral::syst::SystClkSource;
use cortex_m_rt::exception;

/// Of the core's clock: 1 ms at lm3s6965evb's 12.5 MHz, 0.78 ms at microbit's 16 MHz.
const PERIOD: u32 = 12_500;

/// Starts the interrupts. Only the first call does anything.
pub fn start_timer() {
    if let Some(mut core) = cortex_m::Peripherals::take() {
        core.SYST.set_reload(PERIOD - 1);
        core.SYST.set_clock_source(SystClkSource::Core);
        core.SYST.clear_current();
        core.SYST.enable_interrupt();
        core.SYST.enable_counter();
    }
}

#[exception]
fn SysTick() {
    super::on_tick();
}
