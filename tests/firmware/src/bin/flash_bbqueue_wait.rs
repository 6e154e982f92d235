//! bbqueue, framed, with its notifier: push, pop and wait.
#![no_std]
#![no_main]

use tidegate_firmware_tests::contender::bbqueue::Ends;
use tidegate_firmware_tests::contender::waiting::WaitingQueue;
use tidegate_firmware_tests::{flash, flash_image};

static QUEUE: WaitingQueue = WaitingQueue::new();

flash_image!(flash::waiting(Ends::new(&QUEUE)));
