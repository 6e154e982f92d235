//! tidegate EventRing: push.
#![no_std]
#![no_main]

use tidegate_firmware_tests::contender::events::Ring;
use tidegate_firmware_tests::{flash, flash_image};

static mut EVENTS: Ring = Ring::new();

flash_image!({
    // SAFETY: nobody else names it, and `main` runs once.
    let events = unsafe { &mut *(&raw mut EVENTS) };
    flash::events(events)
});
