//! All that differs between the boards: where a timer's interrupt comes from, about once a millisecond.

#[cfg(target_arch = "arm")]
mod cortex_m;
#[cfg(target_arch = "riscv32")]
mod riscv;

#[cfg(target_arch = "arm")]
pub use cortex_m::start_timer;
#[cfg(target_arch = "riscv32")]
pub use riscv::start_timer;

/// In the timer's interrupt.
fn on_tick() {
    crate::clock::tick();
    crate::producer::tick();
}
