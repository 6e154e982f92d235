//! A static stream between an interrupt, which a thread stands for here, and a task: with backpressure, and no allocator.
//!
//! ```sh
//! cargo run --example interrupt
//! ```

use std::convert::Infallible;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use tidegate_core::{ReadError, Stream};

const SAMPLES: u32 = 500;

/// 256 bytes for samples on their way, nothing the other way, one task that waits.
static STREAM: Stream<256, 0, 1, Infallible> = Stream::new();
/// At how many ticks the task was behind.
static HELD_BACK: AtomicU32 = AtomicU32::new(0);

/// The interrupt: makes a sample in place if the task keeps up. Says whether it did.
fn timer_interrupt(sample: u32) -> bool {
    let port = STREAM.port();
    if !port.interest().receive {
        HELD_BACK.fetch_add(1, Ordering::Relaxed);
        return false;
    }
    let Ok(mut grant) = port.reserve(4, 1) else {
        return false;
    };
    if let Some(frame) = grant.frame(4) {
        frame.copy_from_slice(&sample.to_le_bytes());
    }
    grant.commit().is_ok()
}

fn run_timer() {
    let mut sample = 0;
    while sample < SAMPLES {
        thread::sleep(Duration::from_micros(20));
        // A sample that nobody has room for is taken at the next tick instead.
        sample += u32::from(timer_interrupt(sample));
    }
    STREAM.close();
}

/// The task: looks at each sample where it lies. Slow now and then.
async fn read_samples() -> u32 {
    let mut expected = 0;
    loop {
        let message = match STREAM.peek().await {
            Ok(message) => message,
            Err(ReadError::Closed) => return expected,
            Err(error) => panic!("{error}"),
        };
        assert!(message.frames().eq([expected.to_le_bytes()]));
        message.release();
        expected += 1;
        if expected % 100 == 0 {
            thread::sleep(Duration::from_millis(10));
        }
    }
}

fn main() {
    let timer = thread::spawn(run_timer);
    let read = futures_lite::future::block_on(read_samples());
    timer.join().expect("the timer does not panic");
    assert!(HELD_BACK.load(Ordering::Relaxed) > 0);
    println!("{read} samples in order, some of them later, for the task was behind");
}
