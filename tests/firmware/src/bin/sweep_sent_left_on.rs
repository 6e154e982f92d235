//! Sweeps an interrupt over what is sent: a critical section leaves interrupts on, and that has to be found.
#![no_std]
#![no_main]

use tidegate_firmware_tests::sweep::sent::Sent;
use tidegate_firmware_tests::{sweep_image, tracked_lock};

sweep_image!(tracked_lock::LeftOn, Sent);
