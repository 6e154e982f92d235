//! The ring of the newest events against a `VecDeque` and a count.
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
    for (k, step) in steps.iter().enumerate() {
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
                backlog = usize::from(*events % 12).min(N);
                ring.set_backlog(usize::from(*events % 12));
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
}

fuzz_target!(|input: (u8, Vec<Step>)| {
    let (capacity, steps) = input;
    match capacity % 3 {
        0 => run::<1>(&steps),
        1 => run::<3>(&steps),
        _ => run::<8>(&steps),
    }
});
