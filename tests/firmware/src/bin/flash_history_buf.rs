//! heapless HistoryBuf: write.
#![no_std]
#![no_main]

use tidegate_firmware_tests::contender::events::History;
use tidegate_firmware_tests::{flash, flash_image, lend};

static mut EVENTS: History = History::new();

flash_image!({
    // SAFETY: nobody else names it, and `main` runs once.
    let events = unsafe { lend(&raw mut EVENTS) };
    flash::events(events)
});
