//! Sweeps an interrupt over what is received: there must be no fault.
#![no_std]
#![no_main]

use tidegate_firmware_tests::sweep::received::Received;
use tidegate_firmware_tests::{sweep_image, tracked_lock};

sweep_image!(tracked_lock::Sound, Received);
