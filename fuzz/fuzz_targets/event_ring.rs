//! The ring of the newest events against a `VecDeque` and a count; at the end all that is left is taken out, in order.
#![no_main]

use std::collections::VecDeque;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use tidegate_core::EventRing;

#[derive(Arbitrary, Debug)]
enum Step {
    Push,
    Pop,
    Backlog(u8),
}

fn run<const N: usize>(steps: &[Step]) {
    let mut ring = EventRing::<usize, N>::new();
    let mut model = VecDeque::new();
    let (mut backlog, mut discarded) = (N, 0);
    let last = (0..=N).map(|_| &Step::Pop);
    for (k, step) in steps.iter().chain(last).enumerate() {
        match step {
            Step::Push => {
                ring.push(k);
                model.push_back(k);
            }
            Step::Pop => {
                let expected = model.pop_front().map(|event| (event, discarded));
                if expected.is_some() {
                    discarded = 0;
                }
                assert_eq!(ring.pop(), expected);
            }
            Step::Backlog(events) => {
                // Far over the capacity too.
                let events = match *events {
                    255 => usize::MAX,
                    events => usize::from(events % 12),
                };
                backlog = events.min(N);
                ring.set_backlog(events);
            }
        }
        while model.len() > backlog {
            model.pop_front();
            discarded += 1;
        }
        assert_eq!(ring.backlog(), backlog);
        assert_eq!(
            (ring.len(), ring.is_empty()),
            (model.len(), model.is_empty())
        );
        assert_eq!(ring.discarded(), discarded);
    }
    assert!(ring.is_empty());
}

fuzz_target!(|input: (u8, Vec<Step>)| {
    let (capacity, steps) = input;
    match capacity % 5 {
        0 => run::<0>(&steps),
        1 => run::<1>(&steps),
        2 => run::<2>(&steps),
        3 => run::<3>(&steps),
        _ => run::<8>(&steps),
    }
});
