//! Time in ticks of the board's timer.

use core::future::poll_fn;
use core::sync::atomic::{AtomicU32, Ordering};
use core::task::Poll;

use embassy_sync::waitqueue::AtomicWaker;

/// Written in the interrupt only, so that no target needs more than a load and a store.
static NOW: AtomicU32 = AtomicU32::new(0);
static SLEEPER: AtomicWaker = AtomicWaker::new();

/// How many ticks there were.
pub fn now() -> u32 {
    NOW.load(Ordering::Relaxed)
}

/// One tick has passed; called in the interrupt.
pub fn tick() {
    NOW.store(now().wrapping_add(1), Ordering::Relaxed);
    SLEEPER.wake();
}

/// Waits for so many ticks. One task may sleep at a time.
pub async fn sleep(ticks: u32) {
    let start = now();
    poll_fn(|cx| {
        SLEEPER.register(cx.waker());
        if now().wrapping_sub(start) < ticks {
            Poll::Pending
        } else {
            Poll::Ready(())
        }
    })
    .await;
}

// In front of each line of the log.
defmt::timestamp!("{=u32}", now());
