//! embassy-sync PubSubChannel: publish.
#![no_std]
#![no_main]

use core::hint::black_box;

use tidegate_firmware_tests::contender::events::PubSub;
use tidegate_firmware_tests::{flash, flash_image};

static CHANNEL: PubSub = PubSub::new();

flash_image!({
    black_box(CHANNEL.subscriber().is_ok());
    flash::events(&mut CHANNEL.immediate_publisher())
});
