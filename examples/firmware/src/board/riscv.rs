//! The machine timer of QEMU's `virt`.
#![allow(
    unsafe_code,
    reason = "the timer has no safe driver, and to enable interrupts is unsafe on RISC-V"
)]

use core::ptr;

use riscv::interrupt::Interrupt;
use riscv::register::{mie, time};

/// Of the time's 10 MHz: 1 ms.
const PERIOD: u64 = 10_000;
/// Hart 0's registers with the time of its next interrupt: the low half, and the high half.
const NEXT: [*mut u32; 2] = [
    ptr::without_provenance_mut(0x0200_4000),
    ptr::without_provenance_mut(0x0200_4004),
];

/// Starts the interrupts.
pub fn start_timer() {
    set_next(time::read64() + PERIOD);
    // SAFETY: every static that the handler uses is ready, and nobody relies on interrupts being off.
    unsafe {
        mie::set_mtimer();
        riscv::interrupt::enable();
    }
}

#[riscv_rt::core_interrupt(Interrupt::MachineTimer)]
fn machine_timer() {
    set_next(time::read64() + PERIOD);
    super::on_tick();
}

fn set_next(at: u64) {
    let [a, b, c, d, e, f, g, h] = at.to_le_bytes();
    let [low, high] = NEXT;
    // SAFETY: `virt` has the registers there, and nothing but this function uses them. The high half is out of reach
    // until both are new, so no time in between is ever due.
    unsafe {
        high.write_volatile(u32::MAX);
        low.write_volatile(u32::from_le_bytes([a, b, c, d]));
        high.write_volatile(u32::from_le_bytes([e, f, g, h]));
    }
}
