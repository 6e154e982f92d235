//! A proof that has to fail: an index that may be out of bounds.
#![no_std]
#![no_main]

use tidegate_firmware_tests::messages::bytes;
use tidegate_firmware_tests::no_panic_image;
use tidegate_firmware_tests::opaque::{number, opaque};

no_panic_image!({
    let buf = bytes(8);
    let at = number();
    opaque(buf[at]);
});
