//! Sweeps an interrupt over what is sent: there must be no fault.
#![no_std]
#![no_main]

use tidegate_firmware_tests::sweep::sent::Sent;
use tidegate_firmware_tests::{sweep_image, tracked_lock};

sweep_image!(tracked_lock::Sound, Sent);
