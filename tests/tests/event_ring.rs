//! The ring of events: the newest are kept, the others are counted (contract F2).

use std::collections::VecDeque;

use tidegate_core::EventRing;

#[test]
fn f2_past_the_backlog_the_oldest_is_discarded_and_the_number_comes_with_the_next_event() {
    let mut ring = EventRing::<u32, 3>::new();
    (0..5).for_each(|event| ring.push(event));
    assert_eq!((ring.len(), ring.discarded()), (3, 2));
    assert_eq!(ring.pop(), Some((2, 2)));
    assert_eq!(ring.pop(), Some((3, 0)));
    ring.push(5);
    ring.push(6);
    ring.push(7);
    assert_eq!(ring.pop(), Some((5, 1)));
}

#[test]
fn f2_a_backlog_of_0_only_counts() {
    let mut ring = EventRing::<u32, 3>::new();
    ring.set_backlog(0);
    (0..5).for_each(|event| ring.push(event));
    assert!(ring.is_empty());
    assert_eq!((ring.pop(), ring.discarded()), (None, 5));
    ring.set_backlog(1);
    ring.push(5);
    assert_eq!(ring.pop(), Some((5, 5)));
}

#[test]
fn f2_the_backlog_is_a_limit_at_run_time_up_to_the_capacity() {
    let mut ring = EventRing::<u32, 3>::new();
    assert_eq!(ring.backlog(), 3);
    (0..3).for_each(|event| ring.push(event));
    ring.set_backlog(1);
    assert_eq!(ring.pop(), Some((2, 2)));
    ring.set_backlog(100);
    assert_eq!(ring.backlog(), 3);
}

#[test]
fn f2_whatever_is_pushed_popped_and_limited_nothing_is_unaccounted_for() {
    let mut rng = fastrand::Rng::with_seed(1);
    let mut ring = EventRing::<u32, 7>::new();
    let (mut model, mut backlog, mut discarded) = (VecDeque::new(), 7, 0);
    for event in 0..50_000 {
        match rng.u8(0..10) {
            0 => {
                backlog = rng.usize(0..10).min(7);
                ring.set_backlog(backlog);
            }
            1..=4 => {
                let expected = model
                    .pop_front()
                    .map(|event| (event, std::mem::take(&mut discarded)));
                assert_eq!(ring.pop(), expected);
            }
            _ => {
                ring.push(event);
                model.push_back(event);
            }
        }
        while model.len() > backlog {
            model.pop_front();
            discarded += 1;
        }
        assert_eq!((ring.len(), ring.discarded()), (model.len(), discarded));
    }
}
