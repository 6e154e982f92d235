//! Telemetry on a microcontroller.
//!
//! ```text
//! timer's interrupt ─► producer ─► STREAM ─► reader    a task, slow now and then
//!                          └─ events ─┘ └──► watcher   a task
//! ```
//!
//! The interrupt makes a message per tick for as long as the stream's read side is not paused. When all have been read the
//! image says what happened and ends: with success only if every message came, once, in order and as it was sent.
#![no_std]
#![no_main]

mod board;
mod clock;
mod producer;
mod reader;
mod sensor;
mod stream;
mod summary;
mod telemetry;
mod watcher;

// Carries defmt's log over semihosting.
use defmt_semihosting as _;
use embassy_executor::Spawner;
use embassy_sync::blocking_mutex::raw::CriticalSectionRawMutex;
use embassy_sync::signal::Signal;
use semihosting::process;

static RECEIVED: Signal<CriticalSectionRawMutex, reader::Received> = Signal::new();
static SEEN: Signal<CriticalSectionRawMutex, watcher::Seen> = Signal::new();

#[embassy_executor::task]
async fn read() {
    RECEIVED.signal(reader::run().await);
}

#[embassy_executor::task]
async fn watch() {
    SEEN.signal(watcher::run().await);
}

#[embassy_executor::main]
async fn main(spawner: Spawner) {
    let (Ok(read), Ok(watch)) = (read(), watch()) else {
        defmt::error!("a task runs already");
        end(false);
    };
    spawner.spawn(read);
    spawner.spawn(watch);
    stream::STREAM.set_monitoring(true);
    board::start_timer();
    let (received, seen) = (RECEIVED.wait().await, SEEN.wait().await);
    end(summary::print(producer::progress(), received, seen));
}

/// Ends the image, and QEMU with it.
fn end(success: bool) -> ! {
    process::exit(if success { 0 } else { 1 })
}

/// If anything panics, QEMU ends with a failure.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    process::abort()
}
