//! bbqueue, framed: push and pop.
#![no_std]
#![no_main]

use tidegate_firmware_tests::contender::bbqueue::{Ends, Queue};
use tidegate_firmware_tests::{flash, flash_image};

static QUEUE: Queue = Queue::new();

flash_image!(flash::queue(Ends::new(&QUEUE)));
