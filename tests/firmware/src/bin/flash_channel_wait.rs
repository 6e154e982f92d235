//! embassy-sync Channel: push, pop and wait.
#![no_std]
#![no_main]

use tidegate_firmware_tests::contender::channel::Channel;
use tidegate_firmware_tests::{flash, flash_image};

static CHANNEL: Channel = Channel::new();

flash_image!(flash::waiting(&CHANNEL));
