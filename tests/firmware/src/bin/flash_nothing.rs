//! What every flash image has: the start, a copy, a panic.
#![no_std]
#![no_main]

use tidegate_firmware_tests::{flash, flash_image};

flash_image!(flash::nothing());
