//! embassy-sync Channel: push and pop.
#![no_std]
#![no_main]

use tidegate_firmware_tests::contender::channel::Channel;
use tidegate_firmware_tests::{flash, flash_image};

static CHANNEL: Channel = Channel::new();

flash_image!(flash::queue(&CHANNEL));
