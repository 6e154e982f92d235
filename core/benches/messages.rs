//! How long a message takes through a queue in about 2 KiB, for a person to look at. What is compared is counted in
//! instructions, by the bench beside this one.

#[allow(dead_code, reason = "this bench shows three of the contenders")]
mod contender;

use std::hint::black_box;

use divan::Bencher;

use contender::{Contender, bbqueue, deque, tidegate};

const LENGTHS: [usize; 3] = [0, 20, 200];

fn main() {
    divan::main();
}

/// Into the queue and out of it, one message at a time.
fn through(bencher: Bencher<'_, '_>, queue: &mut impl Contender, len: usize) {
    let message = vec![7; len];
    bencher.bench_local(|| {
        let pushed = queue.push(black_box(&message));
        let popped = queue.pop(|bytes| {
            black_box(bytes);
        });
        assert!(pushed && popped);
    });
}

#[divan::bench(args = LENGTHS)]
fn tidegate_buffer_and_gate(bencher: Bencher<'_, '_>, len: usize) {
    through(bencher, &mut tidegate::Gated::empty(), len);
}

#[divan::bench(args = LENGTHS)]
fn heapless_deque(bencher: Bencher<'_, '_>, len: usize) {
    through(bencher, &mut deque::Queue::new(), len);
}

#[divan::bench(args = LENGTHS)]
fn bbqueue_frames(bencher: Bencher<'_, '_>, len: usize) {
    let queue = bbqueue::Queue::new();
    through(bencher, &mut bbqueue::Ends::new(&queue), len);
}
