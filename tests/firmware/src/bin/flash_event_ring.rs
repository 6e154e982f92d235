//! tidegate EventRing: push.
#![no_std]
#![no_main]

use tidegate_firmware_tests::contender::events::Ring;
use tidegate_firmware_tests::{flash, flash_image, lend};

static mut EVENTS: Ring = Ring::new();

flash_image!({
    // SAFETY: nobody else names it, and `main` runs once.
    let events = unsafe { lend(&raw mut EVENTS) };
    flash::events(events)
});
