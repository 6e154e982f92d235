//! embassy-sync Pipe, framed: push and pop.
#![no_std]
#![no_main]

use tidegate_firmware_tests::contender::pipe::{Framed, Pipe};
use tidegate_firmware_tests::{flash, flash_image};

static PIPE: Pipe = Pipe::new();

flash_image!(flash::queue(Framed::new(&PIPE)));
