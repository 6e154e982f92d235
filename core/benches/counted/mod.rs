//! The work that is counted, part after part; the first part is nothing at all.

use std::hint::black_box;

use crate::contender::events::{self, Event, Events, KEPT, VisitEvents};
use crate::contender::{self, Contender, FramedContender, Visit};

/// How often each work is repeated.
pub const ROUNDS: u32 = 256;

/// Does all of it, and prints the name of each part.
pub fn work() {
    part("nothing", "", || black_box(true));
    contender::each(&mut Work);
    events::each(&mut Work);
}

fn part(name: &str, what: &str, mut f: impl FnMut() -> bool) {
    for _ in 0..ROUNDS {
        assert!(round(&mut f), "{name}: {what}");
    }
    println!("{name}\thost {what}");
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
            part(name, what, || {
                let queue = black_box(&mut *queue);
                queue.push(message) & queue.pop(see)
            });
        }
        part(name, "3 messages", || {
            let queue = black_box(&mut *queue);
            let mut is_well = true;
            for message in [m5, m0, m200] {
                is_well &= queue.push(message) & queue.pop(see);
            }
            is_well
        });
        assert!(queue.pop(see));
    }

    fn framed(&mut self, name: &str, ram_bytes: usize, queue: &mut impl FramedContender) {
        self.queue(name, ram_bytes, queue);
        let message = [5, 0, 200].map(bytes);
        assert!(queue.push_frames(&message));
        part(name, "3 frames", || {
            let queue = black_box(&mut *queue);
            queue.push_frames(&message) & queue.pop_frames(see)
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
        part(name, "event", || {
            black_box(&mut *events).write(event);
            true
        });
    }
}
