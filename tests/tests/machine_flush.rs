//! Waiting for the write buffer to be empty, on the core's machine, with exact wakes: D2, and what C and E say of it.

use std::task::Poll;

use tidegate_core::{DrainError, Lost, ReadEventError, Ticket, TooManyWaiters, Watermarks};
use tidegate_tests::{
    Broken, Counter, Small, Waiter, call, close, sent, small, wake, woken, write,
};

const FLUSHED: Poll<Result<(), DrainError<Broken>>> = Poll::Ready(Ok(()));

#[test]
fn d2_flush_returns_at_once_when_nothing_is_queued_and_else_waits_for_the_last_message() {
    let mut machine = small::<1>();
    let mut flushers = Waiter::several::<1>();
    assert_eq!(flushers[0].flush(&mut machine), FLUSHED);
    write(&mut machine, b"one");
    write(&mut machine, b"two");
    assert!(flushers[0].flush(&mut machine).is_pending());
    sent(&mut machine);
    assert_eq!(woken(&flushers), [0]);
    assert!(flushers[0].flush(&mut machine).is_pending());
    sent(&mut machine);
    assert_eq!(woken(&flushers), [1]);
    assert_eq!(flushers[0].flush(&mut machine), FLUSHED);
    assert!(!flushers[0].ticket.has_place());
}

#[test]
fn d2_all_who_flush_are_woken_at_once_and_told_even_if_a_write_follows() {
    let mut machine = small::<4>();
    let mut flushers = Waiter::several::<4>();
    write(&mut machine, b"one");
    for flusher in &mut flushers[..3] {
        assert!(flusher.flush(&mut machine).is_pending());
    }
    sent(&mut machine);
    assert_eq!(woken(&flushers), [1, 1, 1, 0]);
    write(&mut machine, b"two");
    // One who begins now waits for that message.
    assert!(flushers[3].flush(&mut machine).is_pending());
    for flusher in flushers[..3].iter_mut().rev() {
        assert_eq!(flusher.flush(&mut machine), FLUSHED);
    }
    assert!(flushers[0].flush(&mut machine).is_pending());
    assert_eq!(woken(&flushers), [0; 4]);
    sent(&mut machine);
    assert_eq!(woken(&flushers), [1, 0, 0, 1]);
}

#[test]
fn d2_all_who_flush_are_told_even_if_a_write_comes_before_their_wakes() {
    let mut machine = small::<4>();
    let mut flushers = Waiter::several::<4>();
    write(&mut machine, b"one");
    for flusher in &mut flushers[..3] {
        assert!(flusher.flush(&mut machine).is_pending());
    }
    let wakes = machine.sent();
    write(&mut machine, b"two");
    assert!(flushers[3].flush(&mut machine).is_pending());
    // One gives up, and one asks for itself, before they were woken.
    std::mem::take(&mut flushers[0]).cancel(&mut machine);
    let _ = flushers[1].flush(&mut machine);
    wake(&mut machine, wakes);
    assert_eq!(woken(&flushers), [0, 1, 1, 0]);
    assert_eq!(flushers[1].flush(&mut machine), FLUSHED);
    assert_eq!(flushers[2].flush(&mut machine), FLUSHED);
    assert!(flushers[3].flush(&mut machine).is_pending());
    sent(&mut machine);
    assert_eq!(woken(&flushers), [0, 0, 0, 1]);
    assert_eq!(flushers[3].flush(&mut machine), FLUSHED);
}

#[test]
fn d2_all_who_were_told_twice_over_are_woken_and_those_who_gave_up_are_not() {
    // Whoever of the first three gives up before the wakes, and a fourth who came in between, and was told too.
    for gives_up in 0..4 {
        let mut machine = small::<5>();
        let mut flushers = Waiter::several::<5>();
        write(&mut machine, b"one");
        for flusher in &mut flushers[..3] {
            assert!(flusher.flush(&mut machine).is_pending());
        }
        let mut wakes = machine.sent();
        write(&mut machine, b"two");
        assert!(flushers[3].flush(&mut machine).is_pending());
        wakes = wakes.and(machine.sent());
        write(&mut machine, b"three");
        assert!(flushers[4].flush(&mut machine).is_pending());
        std::mem::take(&mut flushers[gives_up]).cancel(&mut machine);
        wake(&mut machine, wakes);
        let mut expected = [1, 1, 1, 1, 0];
        expected[gives_up] = 0;
        assert_eq!(woken(&flushers), expected);
        sent(&mut machine);
        assert_eq!(woken(&flushers), [0, 0, 0, 0, 1]);
    }
}

#[test]
fn c2_the_only_one_who_was_told_of_a_flush_may_give_up_before_its_wake() {
    let mut machine = small::<2>();
    let mut flushers = Waiter::several::<2>();
    write(&mut machine, b"one");
    assert!(flushers[0].flush(&mut machine).is_pending());
    let wakes = machine.sent();
    std::mem::take(&mut flushers[0]).cancel(&mut machine);
    write(&mut machine, b"two");
    for flusher in &mut flushers {
        assert!(flusher.flush(&mut machine).is_pending());
    }
    wake(&mut machine, wakes);
    assert_eq!(woken(&flushers), [0, 0]);
    sent(&mut machine);
    assert_eq!(woken(&flushers), [1, 1]);
}

#[test]
fn c2_a_flush_that_is_dropped_wakes_nobody_and_holds_up_nobody() {
    let mut machine = small::<3>();
    let mut flushers = Waiter::several::<3>();
    write(&mut machine, b"one");
    for flusher in &mut flushers {
        assert!(flusher.flush(&mut machine).is_pending());
    }
    let [first, second, mut third] = flushers;
    first.cancel(&mut machine);
    assert_eq!((second.counter.take(), third.counter.take()), (0, 0));
    sent(&mut machine);
    assert_eq!((second.counter.take(), third.counter.take()), (1, 1));
    // One that was told, and is dropped then.
    second.cancel(&mut machine);
    assert_eq!(third.flush(&mut machine), FLUSHED);
    assert_eq!(third.counter.take(), 0);
    // Every place is free again.
    write(&mut machine, b"two");
    for mut flusher in Waiter::several::<3>() {
        assert!(flusher.flush(&mut machine).is_pending());
    }
}

#[test]
fn c3_one_waiter_too_many_gets_an_error_whatever_it_waits_for() {
    let mut machine = small::<1>();
    call(&mut machine, |m| {
        m.set_write_limits(Watermarks::from_high(0))
    });
    call(&mut machine, |m| m.set_monitoring(true));
    write(&mut machine, b"one");
    let [mut first, mut late] = Waiter::several();
    assert!(first.flush(&mut machine).is_pending());
    let too_many = Poll::Ready(Err(DrainError::TooManyWaiters));
    assert_eq!(late.flush(&mut machine), too_many);
    assert_eq!(late.drain(&mut machine), too_many);
    assert_eq!(late.closed(&mut machine), Poll::Ready(Err(TooManyWaiters)));
    let too_many = Poll::Ready(Err(ReadEventError::TooManyWaiters));
    assert_eq!(late.event(&mut machine), too_many);
    assert!(!late.ticket.has_place());
    sent(&mut machine);
    assert_eq!((first.counter.take(), late.counter.take()), (1, 0));
    assert_eq!(first.flush(&mut machine), FLUSHED);
}

#[test]
fn c2_a_ticket_that_was_told_of_something_else_is_not_told_of_a_flush() {
    let mut machine = small::<1>();
    call(&mut machine, |m| m.set_monitoring(true));
    let mut waiter = Waiter::new();
    assert!(waiter.event(&mut machine).is_pending());
    call(&mut machine, |m| m.set_monitoring(false));
    assert_eq!(waiter.counter.take(), 1);
    write(&mut machine, b"one");
    assert!(waiter.flush(&mut machine).is_pending());
    sent(&mut machine);
    assert_eq!(waiter.counter.take(), 1);
    assert_eq!(waiter.flush(&mut machine), FLUSHED);
}

#[test]
fn d2_flush_stays_valid_while_closing() {
    let mut machine = small::<1>();
    let mut flushers = Waiter::several::<1>();
    write(&mut machine, b"one");
    assert!(flushers[0].flush(&mut machine).is_pending());
    close(&mut machine);
    assert_eq!(woken(&flushers), [0]);
    assert!(flushers[0].flush(&mut machine).is_pending());
    sent(&mut machine);
    assert_eq!(woken(&flushers), [1]);
    call(&mut machine, |m| m.finish());
    assert_eq!(woken(&flushers), [0]);
    assert_eq!(flushers[0].flush(&mut machine), FLUSHED);
}

#[test]
fn e2_abort_and_failure_end_every_flush_with_what_was_dropped() {
    let lost = Lost {
        messages: 2,
        bytes: 10,
    };
    for error in [DrainError::Dropped(lost), DrainError::Failed(Broken)] {
        let mut machine = small::<2>();
        let mut flushers = Waiter::several::<2>();
        write(&mut machine, b"one");
        write(&mut machine, b"two");
        for flusher in &mut flushers {
            assert!(flusher.flush(&mut machine).is_pending());
        }
        call(&mut machine, |m| match error {
            DrainError::Dropped(_) => m.abort(),
            _ => m.fail(Broken),
        });
        assert_eq!(machine.lost(), lost);
        assert_eq!(woken(&flushers), [1, 1]);
        for flusher in &mut flushers {
            assert_eq!(flusher.flush(&mut machine), Poll::Ready(Err(error)));
        }
        // And whoever asks later hears the same.
        let (late, _) = machine.poll_flush(&mut Ticket::new());
        assert_eq!(late, Poll::Ready(Err(error)));
    }
}

#[test]
fn c2_of_two_wakers_the_newer_one_is_woken_however_often_the_wait_is_looked_at_between() {
    let mut machine = small::<1>();
    write(&mut machine, b"one");
    let [older, newer] = [Counter::new(), Counter::new()];
    let mut ticket = Ticket::new();
    for counter in [&older, &newer] {
        ticket.offer(&counter.waker());
        // A caller looks twice before it sleeps, with one waker.
        for _ in 0..2 {
            let (flushed, wakes) = machine.poll_flush(&mut ticket);
            assert!(flushed.is_pending() && wakes.is_none());
        }
        ticket.settle();
    }
    sent(&mut machine);
    assert_eq!([older.take(), newer.take()], [0, 1]);
    let _ = machine.cancel(&mut ticket);
}

#[test]
fn d2_what_was_flushed_stays_so_though_the_stream_ends_before_it_is_looked_at() {
    let ends: [fn(&mut Small<2>); 3] = [
        |machine| _ = machine.abort(),
        |machine| _ = machine.fail(Broken),
        |machine| {
            let _ = machine.close();
            let _ = machine.finish();
        },
    ];
    for end in ends {
        let mut machine = small::<2>();
        let mut flushers = Waiter::several::<2>();
        write(&mut machine, b"one");
        assert!(flushers[0].flush(&mut machine).is_pending());
        sent(&mut machine);
        // This one is lost, and was written after that.
        write(&mut machine, b"two");
        assert!(flushers[1].flush(&mut machine).is_pending());
        end(&mut machine);
        assert_eq!(flushers[0].flush(&mut machine), FLUSHED);
        assert!(matches!(
            flushers[1].flush(&mut machine),
            Poll::Ready(Err(_))
        ));
    }
}
