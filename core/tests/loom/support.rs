//! How a model is run, and a thread that waits.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use loom::sync::{Condvar, Mutex};

/// How often a thread is stopped in the middle at most, in one run of a model: first where all models are run for long, then where
/// `TIDEGATE_MODELS` is `quick`. `None` is as often as can be.
pub type Bounds = [Option<usize>; 2];

/// Runs a model in every order within its bounds, and says how many there were.
pub fn model(bounds: Bounds, run: impl Fn() + Send + Sync + 'static) {
    let is_quick = std::env::var("TIDEGATE_MODELS").is_ok_and(|models| models == "quick");
    let [full, quick] = bounds;
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = if is_quick { quick } else { full };
    builder.max_branches = 100_000;
    let orders = Arc::new(AtomicUsize::new(0));
    let counted = orders.clone();
    builder.check(move || {
        counted.fetch_add(1, Ordering::Relaxed);
        run();
    });
    let orders = orders.load(Ordering::Relaxed);
    assert!(orders > 1, "nothing could be in another order");
    let preemptions = match builder.preemption_bound {
        Some(most) => format!("preemptions <= {most}"),
        None => "all".to_owned(),
    };
    let thread = std::thread::current();
    let name = thread.name().unwrap_or_default();
    println!("\nmodel {name}: {orders} interleavings, {preemptions}");
}

/// Whether somebody was woken, and how to wait for that.
#[derive(Default)]
pub struct Sleeper {
    woken: Mutex<bool>,
    changed: Condvar,
}

impl Wake for Sleeper {
    fn wake(self: Arc<Self>) {
        *self.woken.lock().unwrap() = true;
        self.changed.notify_one();
    }
}

impl Sleeper {
    pub fn sleep(&self) {
        let mut woken = self.woken.lock().unwrap();
        while !*woken {
            woken = self.changed.wait(woken).unwrap();
        }
        *woken = false;
    }
}

/// Waits on this thread. A wake that is lost is a deadlock, which loom finds.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let sleeper = Arc::<Sleeper>::default();
    let waker = sleeper.clone().into();
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        sleeper.sleep();
    }
}

/// Polls once, and leaves a waker that nobody listens to: the next poll brings another.
pub fn begins_to_wait<F: Future + Unpin>(future: &mut F) {
    let polled = pin!(future).poll(&mut Context::from_waker(Waker::noop()));
    assert!(polled.is_pending());
}
