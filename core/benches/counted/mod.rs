//! The work that is counted, part after part. The first part is nothing at all, the second what hides a queue from the
//! compiler before a push and before a pop.

use std::hint::black_box;

use crate::contender::events::{self, Event, Events, KEPT, VisitEvents};
use crate::contender::{self, Contender, FramedContender, Visit};

/// How often each work is repeated.
pub const ROUNDS: u64 = 256;

/// Does all of it, and prints for each part its name and how many times a queue is hidden.
pub fn work() {
    part("nothing", "", 0, || black_box(true));
    let mut place = 0u32;
    part("hiding", "", 1, || {
        black_box(&mut place);
        black_box(&mut place);
        black_box(true)
    });
    contender::each(&mut Work);
    events::each(&mut Work);
}

fn part(name: &str, what: &str, hidden: u64, mut f: impl FnMut() -> bool) {
    for _ in 0..ROUNDS {
        assert!(round(&mut f), "{name}: {what}");
    }
    println!("{hidden}\t{name}\thost {what}");
    part_is_over();
}

/// What callgrind counts.
#[inline(never)]
fn round<F: FnMut() -> bool>(f: &mut F) -> bool {
    f()
}

/// Where callgrind writes down what it has counted.
#[inline(never)]
fn part_is_over() {
    black_box(());
}

fn bytes(len: usize) -> &'static [u8] {
    static BYTES: [u8; 256] = [0xA5; 256];
    black_box(BYTES.get(..len).unwrap_or_default())
}

fn see(bytes: &[u8]) {
    black_box(bytes);
}

struct Work;

impl Visit for Work {
    fn queue(&mut self, name: &str, _ram_bytes: usize, queue: &mut impl Contender) {
        let [m0, m5, m20, m200] = [0, 5, 20, 200].map(bytes);
        // One message stays in the queue, so that a ring slides through all its positions.
        assert!(queue.push(m20));
        for (what, message) in [("20 B", m20), ("200 B", m200)] {
            part(name, what, 1, || {
                black_box(&mut *queue).push(message) & black_box(&mut *queue).pop(see)
            });
        }
        part(name, "3 messages", 3, || {
            let mut is_well = true;
            for message in [m5, m0, m200] {
                is_well &= black_box(&mut *queue).push(message);
                is_well &= black_box(&mut *queue).pop(see);
            }
            is_well
        });
        assert!(queue.pop(see));
    }

    fn framed(&mut self, name: &str, ram_bytes: usize, queue: &mut impl FramedContender) {
        self.queue(name, ram_bytes, queue);
        let message = [5, 0, 200].map(bytes);
        assert!(queue.push_frames(&message));
        part(name, "3 frames", 1, || {
            black_box(&mut *queue).push_frames(&message) & black_box(&mut *queue).pop_frames(see)
        });
        assert!(queue.pop_frames(see));
    }
}

impl VisitEvents for Work {
    fn events(&mut self, name: &str, events: &mut impl Events) {
        let event: Event = black_box([1, 2, 3, 4]);
        for _ in 0..2 * KEPT {
            events.write(event);
        }
        part(name, "event", 0, || {
            black_box(&mut *events).write(event);
            true
        });
    }
}
