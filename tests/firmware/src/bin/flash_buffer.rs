//! tidegate MessageBuffer and Gate: push and pop.
#![no_std]
#![no_main]

use tidegate_firmware_tests::contender::tidegate::Gated;
use tidegate_firmware_tests::{flash, flash_image, lend};

static mut QUEUE: Gated = Gated::empty();

flash_image!({
    // SAFETY: nobody else names it, and `main` runs once.
    let queue = unsafe { lend(&raw mut QUEUE) };
    flash::queue(queue)
});
