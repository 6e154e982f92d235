//! A proof that has to fail: a `borrow_mut` of a cell that may be borrowed already.
#![no_std]
#![no_main]

use core::cell::RefCell;
use core::hint::black_box;

use tidegate_firmware_tests::no_panic_image;

no_panic_image!({
    let cell = RefCell::new(0u32);
    let cell = black_box(&cell);
    *cell.borrow_mut() += 1;
});
