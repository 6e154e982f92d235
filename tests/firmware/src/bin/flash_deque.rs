//! heapless Deque: push and pop.
#![no_std]
#![no_main]

use tidegate_firmware_tests::contender::deque::Queue;
use tidegate_firmware_tests::{flash, flash_image, lend};

static mut QUEUE: Queue = Queue::new();

flash_image!({
    // SAFETY: nobody else names it, and `main` runs once.
    let queue = unsafe { lend(&raw mut QUEUE) };
    flash::queue(queue)
});
