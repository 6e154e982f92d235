//! The futures of a shared stream, of every kind, dropped at any point: C2.

use std::cell::Cell;
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use tidegate_core::{EventRing, Stream};
use tidegate_tests::{Broken, Counter, poll};

type Watched = Stream<64, 64, 6, Broken, EventRing<u32, 4>>;

const MESSAGES: [&[&[u8]]; 3] = [&[b"a"], &[b"", &[1; 30], b""], &[&[2; 62]]];

/// How many messages the futures have taken, and queued.
#[derive(Default)]
struct Tally {
    taken: Cell<usize>,
    queued: Cell<usize>,
}

fn count(cell: &Cell<usize>) {
    cell.set(cell.get() + 1);
}

const KINDS: usize = 10;

/// Waits for one thing or another; says whether only a wake makes it ready.
async fn work(stream: &Watched, kind: usize, tally: &Tally) -> bool {
    match kind {
        0 => {
            stream.peek().await.unwrap().release();
            count(&tally.taken);
        }
        1 => {
            let mut out = [0; 64];
            stream.read(&mut out).await.unwrap();
            count(&tally.taken);
        }
        // Looked at and put back.
        2 => drop(stream.peek().await.unwrap()),
        3..=5 => {
            stream.send(MESSAGES[kind - 3]).await.unwrap();
            count(&tally.queued);
        }
        6 => stream.flush().await.unwrap(),
        7 => drop(stream.read_event().await.unwrap()),
        8 => drop(stream.closed().await.unwrap()),
        // Who drains may find the gate open before the wake comes by way of those who came before.
        _ => {
            stream.drain().await.unwrap();
            return false;
        }
    }
    true
}

/// One that waits, and whoever wakes it.
struct Waiting<'s> {
    future: Pin<Box<dyn Future<Output = bool> + 's>>,
    counter: Arc<Counter>,
}

impl<'s> Waiting<'s> {
    fn new(future: impl Future<Output = bool> + 's) -> Self {
        let (future, counter) = (Box::pin(future), Counter::new());
        Self { future, counter }
    }
}

fn run(rng: &mut fastrand::Rng) {
    let (stream, tally) = (Watched::new(), Tally::default());
    stream.set_monitoring(true);
    let mut waiting: VecDeque<Waiting<'_>> = VecDeque::new();
    let (mut fed, mut sent) = (0, 0);
    for _ in 0..400 {
        match rng.u8(0..10) {
            0..=2 if waiting.len() < 6 => {
                let mut wait = Waiting::new(work(&stream, rng.usize(0..KINDS), &tally));
                if poll(&mut wait.future, &wait.counter).is_pending() {
                    waiting.push_back(wait);
                }
            }
            // Whoever was woken goes on, and whoever was not has no reason to.
            3 | 4 if !waiting.is_empty() => {
                let mut wait = waiting.remove(rng.usize(0..waiting.len())).unwrap();
                let woken = wait.counter.take() > 0;
                match poll(&mut wait.future, &wait.counter) {
                    Poll::Pending => waiting.push_back(wait),
                    Poll::Ready(sleeps) => assert!(woken || !sleeps, "overslept"),
                }
            }
            5 => drop(waiting.pop_front()),
            6 => fed += usize::from(stream.port().feed(&[b"in"]).is_ok()),
            7 => {
                if stream.write(&[b"out"]).is_ok() {
                    count(&tally.queued);
                }
            }
            8 => {
                if let Some(head) = stream.port().head() {
                    head.release();
                    sent += 1;
                }
            }
            _ => stream.port().feed_event(1),
        }
    }
    waiting.clear();
    // Nothing was lost, and every place is free again.
    while let Ok(lent) = stream.try_peek() {
        lent.release();
        count(&tally.taken);
    }
    while let Some(head) = stream.port().head() {
        head.release();
        sent += 1;
    }
    assert_eq!((tally.taken.get(), sent), (fed, tally.queued.get()));
    let (mut all, counter) = ([(); 6].map(|()| stream.peek()), Counter::new());
    assert!(all.iter_mut().all(|peek| poll(peek, &counter).is_pending()));
}

#[test]
fn c2_futures_of_every_kind_may_be_dropped_at_any_point_and_nobody_else_oversleeps() {
    for seed in 0..300 {
        run(&mut fastrand::Rng::with_seed(seed));
    }
}
