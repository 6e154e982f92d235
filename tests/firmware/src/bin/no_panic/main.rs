//! Links only if no path to a panic is left: what a panic would call does not exist. Every public function of the core
//! is called here on a receiver and with input that the compiler does not see through.
#![no_std]
#![no_main]

mod buffer;
mod events;
mod formats;
mod grants;
mod link;
mod machine;
mod port;
mod slots;
mod stream;
mod values;

use tidegate_firmware_tests::no_panic_image;

no_panic_image!({
    values::call();
    events::call();
    slots::call();
    buffer::call();
    machine::call();
    stream::call();
    link::call();
    formats::call();
});
