//! tidegate Stream: push and pop.
#![no_std]
#![no_main]

use tidegate_firmware_tests::contender::tidegate_stream::{self, Shared};
use tidegate_firmware_tests::{flash, flash_image};

static STREAM: Shared = Shared::new();

flash_image!(flash::queue(&mut tidegate_stream::ReadSide::new(&STREAM)));
