//! Section B of the contract, on the core's gate and machine.

use tidegate_core::{Gate, Level, Limit, MessageBuffer, Transition, Watermarks};
use tidegate_tests::{Waiter, small, wake};

type Buffer = MessageBuffer<1000>;

#[test]
fn b1_high_alone_gives_a_quarter_as_low_and_low_alone_four_times_as_high() {
    let marks = Watermarks::resolve(Some(Limit::Bytes(1000)), None, Buffer::LIMITS).unwrap();
    assert_eq!((marks.high(), marks.low_bytes()), (Limit::Bytes(1000), 250));
    let marks = Watermarks::resolve(None, Some(1000), Buffer::LIMITS).unwrap();
    assert_eq!(
        (marks.high(), marks.low_bytes()),
        (Limit::Bytes(4000), 1000)
    );
}

#[test]
fn b1_low_alone_saturates() {
    let marks = Watermarks::from_low(usize::MAX / 2);
    assert_eq!(marks.high(), Limit::Unlimited);
}

#[test]
fn b1_neither_gives_three_quarters_and_one_quarter_of_a_fixed_capacity() {
    let marks = Watermarks::resolve(None, None, Buffer::LIMITS).unwrap();
    assert_eq!((marks.high(), marks.low_bytes()), (Limit::Bytes(750), 250));
    assert_eq!(Gate::<Buffer>::new().limits(), marks);
    assert_eq!(Watermarks::of_capacity(0).high(), Limit::Bytes(0));
    assert_eq!(
        Watermarks::of_capacity(usize::MAX).low_bytes(),
        usize::MAX / 4
    );
}

#[test]
fn b1_high_under_low_is_an_error_that_names_both() {
    let error = Watermarks::resolve(Some(Limit::Bytes(3)), Some(4), Buffer::LIMITS).unwrap_err();
    assert_eq!((error.high_bytes, error.low_bytes), (3, 4));
    assert_eq!(
        error.to_string(),
        "high-water mark of 3 bytes is under the low-water mark of 4 bytes"
    );
    assert!(Watermarks::new(4, 4).is_ok());
}

#[test]
fn b1_high_zero_forces_low_zero_and_pauses_whenever_anything_is_queued() {
    let marks = Watermarks::new(0, 10).unwrap();
    assert_eq!(marks.low_bytes(), 0);
    let mut gate = Gate::<Buffer>::new();
    assert_eq!(gate.set_limits(marks, 0), None);
    assert_eq!(gate.update(1), Some(Transition::Pause));
    assert_eq!(gate.update(0), Some(Transition::Resume));
}

#[test]
fn b1_no_limit_is_a_value_of_its_own_and_never_pauses() {
    let marks = Watermarks::resolve(Some(Limit::Unlimited), None, Buffer::LIMITS).unwrap();
    assert_eq!(marks, Watermarks::UNLIMITED);
    let mut gate = Gate::<Buffer>::new();
    let _ = gate.set_limits(marks, 0);
    assert_eq!(gate.update(usize::MAX), None);
}

#[test]
fn b2_pauses_strictly_over_high_and_resumes_at_low() {
    let mut gate = Gate::<Buffer>::new();
    let _ = gate.set_limits(Watermarks::new(10, 4).unwrap(), 0);
    assert_eq!(gate.update(10), None);
    assert_eq!(gate.update(11), Some(Transition::Pause));
    assert!(gate.is_paused());
    assert_eq!(gate.update(5), None);
    assert_eq!(gate.update(4), Some(Transition::Resume));
    assert!(!gate.is_paused());
}

#[test]
fn b2_pause_and_resume_strictly_alternate_whatever_the_levels_and_limits() {
    let mut rng = fastrand::Rng::with_seed(2);
    let mut gate = Gate::<Buffer>::new();
    let mut last = Transition::Resume;
    let mut level = 0;
    for _ in 0..100_000 {
        let transition = if rng.u8(..) < 20 {
            let high = rng.usize(0..100);
            gate.set_limits(Watermarks::new(high, rng.usize(0..=high)).unwrap(), level)
        } else {
            level = rng.usize(0..120);
            gate.update(level)
        };
        let limits = gate.limits();
        let Limit::Bytes(high) = limits.high() else {
            panic!("no such limit was set")
        };
        if let Some(transition) = transition {
            assert_ne!(transition, last);
            last = transition;
        }
        // Whatever came before, a level beyond either mark leaves no choice.
        if level > high {
            assert!(gate.is_paused());
        }
        if level <= limits.low_bytes() {
            assert!(!gate.is_paused());
        }
        assert_eq!(gate.is_paused(), last == Transition::Pause);
    }
}

#[test]
fn b3_a_frame_is_charged_two_bytes_on_packed_so_that_empty_messages_pause_too() {
    let mut machine = small::<1>();
    let _ = machine.set_write_limits(Watermarks::new(20, 10).unwrap());
    let mut waiter = Waiter::new();
    for _ in 0..10 {
        let _ = machine.write(&[b""]).unwrap();
    }
    assert_eq!(machine.outgoing().level_bytes(), 20);
    assert!(waiter.drain(&mut machine).is_ready());
    let _ = machine.write(&[b""]).unwrap();
    assert!(waiter.drain(&mut machine).is_pending());
    waiter.cancel(&mut machine);
}

#[test]
fn b4_a_change_of_limits_takes_effect_at_once() {
    let mut machine = small::<2>();
    for _ in 0..5 {
        let _ = machine.write(&[b"12345678"]).unwrap();
    }
    let mut waiter = Waiter::new();
    assert!(waiter.drain(&mut machine).is_ready());

    // A level of 50 over the new high pauses.
    let wakes = machine.set_write_limits(Watermarks::new(49, 20).unwrap());
    wake(&mut machine, wakes);
    assert!(waiter.drain(&mut machine).is_pending());

    // Between the marks the state stays as it is.
    let wakes = machine.set_write_limits(Watermarks::new(60, 40).unwrap());
    wake(&mut machine, wakes);
    assert_eq!(waiter.counter.take(), 0);
    assert!(waiter.drain(&mut machine).is_pending());

    // At the new low it resumes, and wakes.
    let wakes = machine.set_write_limits(Watermarks::new(60, 50).unwrap());
    wake(&mut machine, wakes);
    assert_eq!(waiter.counter.take(), 1);
    assert!(waiter.drain(&mut machine).is_ready());
    assert_eq!(machine.write_limits(), Watermarks::new(60, 50).unwrap());
}

#[test]
fn b4_a_change_of_the_read_limits_pauses_and_resumes_the_transport_at_once() {
    let mut machine = small::<2>();
    let _ = machine.feed(&[b"12345678"]).unwrap();
    assert!(machine.interest().receive);
    let _ = machine.set_read_limits(Watermarks::new(9, 1).unwrap());
    assert!(!machine.interest().receive);
    let _ = machine.set_read_limits(Watermarks::UNLIMITED);
    assert!(machine.interest().receive);
    assert_eq!(machine.read_limits(), Watermarks::UNLIMITED);
}
