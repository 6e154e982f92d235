//! heapless Deque: push and pop.
#![no_std]
#![no_main]

use tidegate_firmware_tests::contender::deque::Queue;
use tidegate_firmware_tests::{flash, flash_image};

static mut QUEUE: Queue = Queue::new();

flash_image!({
    // SAFETY: nobody else names it, and `main` runs once.
    let queue = unsafe { &mut *(&raw mut QUEUE) };
    flash::queue(queue)
});
