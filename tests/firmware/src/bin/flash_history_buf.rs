//! heapless HistoryBuf: write.
#![no_std]
#![no_main]

use tidegate_firmware_tests::contender::events::History;
use tidegate_firmware_tests::{flash, flash_image};

static mut EVENTS: History = History::new();

flash_image!({
    // SAFETY: nobody else names it, and `main` runs once.
    let events = unsafe { &mut *(&raw mut EVENTS) };
    flash::events(events)
});
