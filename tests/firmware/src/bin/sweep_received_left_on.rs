//! Sweeps an interrupt over what is received: a critical section leaves interrupts on, and that has to be found.
#![no_std]
#![no_main]

use tidegate_firmware_tests::sweep::received::Received;
use tidegate_firmware_tests::{sweep_image, tracked_lock};

sweep_image!(tracked_lock::LeftOn, Received);
