//! Section D of the contract on the core's machine, with exact wakes.

use std::task::Poll;

use tidegate_core::{Interest, State, Watermarks, WriteError};
use tidegate_tests::{Broken, Counter, Waiter, close, sent, small, wake};

#[test]
fn d1_a_write_is_queued_and_the_driver_is_woken_for_the_first_only() {
    let mut machine = small::<1>();
    let driver = Counter::new();
    machine.register_driver(driver.waker());
    assert_eq!(
        machine.interest(),
        Interest {
            receive: true,
            send: false
        }
    );
    for _ in 0..3 {
        let wakes = machine.write(&[b"x"]).unwrap();
        wake(&mut machine, wakes);
        machine.register_driver(driver.waker());
    }
    assert_eq!(driver.take(), 1);
    assert!(machine.interest().send);
}

#[test]
fn d2_drain_returns_at_once_until_the_side_pauses_and_then_waits_for_the_low_mark() {
    let mut machine = small::<2>();
    let _ = machine.set_write_limits(Watermarks::new(20, 10).unwrap());
    let mut drainer = Waiter::new();
    for _ in 0..2 {
        assert_eq!(drainer.drain(&mut machine), Poll::Ready(Ok(())));
        let _ = machine.write(&[b"12345678"]).unwrap();
    }
    let _ = machine.write(&[b"1"]).unwrap();
    assert!(drainer.drain(&mut machine).is_pending());
    sent(&mut machine);
    assert_eq!(drainer.counter.take(), 0);
    sent(&mut machine);
    assert_eq!(drainer.counter.take(), 1);
    assert_eq!(drainer.drain(&mut machine), Poll::Ready(Ok(())));
}

#[test]
fn d2_any_number_of_tasks_drain_and_each_is_woken_once() {
    let mut machine = small::<3>();
    let _ = machine.set_write_limits(Watermarks::new(0, 0).unwrap());
    let _ = machine.write(&[b"x"]).unwrap();
    let mut drainers = [Waiter::new(), Waiter::new(), Waiter::new()];
    for drainer in &mut drainers {
        assert!(drainer.drain(&mut machine).is_pending());
    }
    sent(&mut machine);
    for k in 0..3 {
        let woken: Vec<usize> = drainers.iter().map(|d| d.counter.take()).collect();
        let expected: Vec<usize> = (0..3).map(|other| usize::from(other == k)).collect();
        assert_eq!(woken, expected);
        let drained = drainers[k].drain(&mut machine);
        assert_eq!(drained, Poll::Ready(Ok(())));
    }
}

#[test]
fn d2_drain_stays_valid_while_closing() {
    let mut machine = small::<1>();
    let _ = machine.set_write_limits(Watermarks::new(0, 0).unwrap());
    let _ = machine.write(&[b"x"]).unwrap();
    close(&mut machine);
    let mut drainer = Waiter::new();
    assert!(drainer.drain(&mut machine).is_pending());
    sent(&mut machine);
    assert_eq!(drainer.counter.take(), 1);
    assert_eq!(drainer.drain(&mut machine), Poll::Ready(Ok(())));
}

#[test]
fn d3_a_message_without_frames_is_refused_and_nothing_is_queued() {
    let mut machine = small::<1>();
    assert_eq!(machine.write(&[]), Err(WriteError::NoFrames(&[][..])));
    assert!(!machine.interest().send);
}

#[test]
fn d4_a_write_after_close_or_failure_hands_the_message_back() {
    let late: &[&[u8]] = &[b"late"];
    let mut machine = small::<1>();
    close(&mut machine);
    let error = machine.write(late).unwrap_err();
    assert_eq!(error, WriteError::Closed(late));
    assert_eq!(error.into_message(), late);
    let mut machine = small::<1>();
    let _ = machine.fail(Broken);
    assert_eq!(machine.write(late), Err(WriteError::Failed(late, Broken)));
}

#[test]
fn b5_a_write_that_does_not_fit_hands_the_message_back_as_full_or_too_large() {
    let mut machine = small::<1>();
    let (fits, never) = (vec![0; 200], vec![0; 255]);
    let (fits, never): (&[&[u8]], &[&[u8]]) = (&[&fits], &[&never]);
    let _ = machine.write(fits).unwrap();
    assert_eq!(machine.write(fits), Err(WriteError::Full(fits)));
    assert_eq!(machine.write(never), Err(WriteError::TooLarge(never)));
}

#[test]
fn d5_a_refused_message_is_dropped_and_counted_and_the_stream_lives_on() {
    let mut machine = small::<1>();
    let _ = machine.write(&[b"bad"]).unwrap();
    let _ = machine.write(&[b"good"]).unwrap();
    let _ = machine.refused();
    assert_eq!(machine.refused_messages(), 1);
    assert_eq!(machine.state(), &State::Open);
    assert!(machine.interest().send);
}
