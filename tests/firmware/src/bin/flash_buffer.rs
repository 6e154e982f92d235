//! tidegate MessageBuffer and Gate: push and pop.
#![no_std]
#![no_main]

use tidegate_firmware_tests::contender::tidegate::Gated;
use tidegate_firmware_tests::{flash, flash_image};

static mut QUEUE: Gated = Gated::new();

flash_image!({
    // SAFETY: nobody else names it, and `main` runs once.
    let queue = unsafe { &mut *(&raw mut QUEUE) };
    flash::queue(queue)
});
