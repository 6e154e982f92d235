//! embassy-sync zerocopy_channel: push and pop.
#![no_std]
#![no_main]

use tidegate_firmware_tests::contender::zerocopy::{Channel, Ends};
use tidegate_firmware_tests::contender::{SLOTS, Slot};
use tidegate_firmware_tests::{flash, flash_image, lend};

static mut CHANNEL_SLOTS: [Slot; SLOTS] = [const { Slot::new() }; SLOTS];

flash_image!({
    // SAFETY: nobody else names them, and `main` runs once.
    let slots = unsafe { lend(&raw mut CHANNEL_SLOTS) };
    let mut channel = Channel::new(slots);
    let (sender, receiver) = channel.split();
    flash::queue(Ends { sender, receiver })
});
