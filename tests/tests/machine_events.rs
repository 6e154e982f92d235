//! Events on the core's machine, with exact wakes: F2, F3, F5, and what C and E say of waiting for one.

use std::task::Poll;

use tidegate_core::{EventRing, Machine, ReadEventError, TryReadEventError, Watermarks};
use tidegate_tests::{
    Broken, Small, Waiter, call, close, feed, small, small_with_events, try_read, wake, woken,
};

/// Events are numbers here; there is room for four.
type Watched<const W: usize> = Small<W, EventRing<u32, 4>>;
type Seen = Result<(u32, usize), ReadEventError<Broken>>;

fn watched<const W: usize>() -> Watched<W> {
    let mut machine = small_with_events();
    call(&mut machine, |m| m.set_monitoring(true));
    machine
}

fn happen<const W: usize>(machine: &mut Watched<W>, events: impl IntoIterator<Item = u32>) {
    for event in events {
        call(machine, |m| m.feed_event(event));
    }
}

fn try_event<const W: usize>(
    machine: &mut Watched<W>,
) -> Result<(u32, usize), TryReadEventError<Broken>> {
    let (event, wakes) = machine.try_event();
    wake(machine, wakes);
    event
}

const fn seen(event: u32, discarded: usize) -> Poll<Seen> {
    Poll::Ready(Ok((event, discarded)))
}

#[test]
fn f2_events_are_read_in_the_order_in_which_they_came() {
    let mut machine = watched::<1>();
    let mut reader = Waiter::new();
    happen(&mut machine, 1..=3);
    assert_eq!(reader.event(&mut machine), seen(1, 0));
    assert_eq!(try_event(&mut machine), Ok((2, 0)));
    happen(&mut machine, [4]);
    assert_eq!(reader.event(&mut machine), seen(3, 0));
    assert_eq!(reader.event(&mut machine), seen(4, 0));
    assert_eq!(try_event(&mut machine), Err(TryReadEventError::Empty));
    assert!(reader.event(&mut machine).is_pending());
    happen(&mut machine, [5, 6]);
    assert_eq!(reader.counter.take(), 1);
    assert_eq!(reader.event(&mut machine), seen(5, 0));
}

#[test]
fn f2_past_the_backlog_the_oldest_go_and_their_number_comes_with_the_next_event() {
    let mut machine = watched::<1>();
    let mut reader = Waiter::new();
    happen(&mut machine, 1..=7);
    assert_eq!(reader.event(&mut machine), seen(4, 3));
    assert_eq!(reader.event(&mut machine), seen(5, 0));
    // A smaller backlog discards at once, and counts too.
    call(&mut machine, |m| m.set_event_backlog(1));
    assert_eq!(machine.events().discarded(), 1);
    happen(&mut machine, [8]);
    assert_eq!(reader.event(&mut machine), seen(8, 2));
}

#[test]
fn f2_a_backlog_of_0_only_counts_and_wakes_nobody() {
    let mut machine = watched::<1>();
    let mut reader = Waiter::new();
    call(&mut machine, |m| m.set_event_backlog(0));
    assert!(reader.event(&mut machine).is_pending());
    happen(&mut machine, 1..=3);
    assert_eq!(reader.counter.take(), 0);
    assert_eq!(machine.events().discarded(), 3);
    call(&mut machine, |m| m.set_event_backlog(4));
    assert_eq!(reader.counter.take(), 0);
    happen(&mut machine, [4]);
    assert_eq!(reader.counter.take(), 1);
    assert_eq!(reader.event(&mut machine), seen(4, 3));
}

#[test]
fn f2_a_backlog_that_shrinks_to_nothing_leaves_a_woken_reader_waiting() {
    let mut machine = watched::<2>();
    let mut readers = Waiter::several::<2>();
    for reader in &mut readers {
        assert!(reader.event(&mut machine).is_pending());
    }
    happen(&mut machine, [1]);
    call(&mut machine, |m| m.set_event_backlog(0));
    assert_eq!(woken(&readers), [1, 0]);
    assert!(readers[0].event(&mut machine).is_pending());
    // Where it takes the last event of a stream that is not monitored any more, it is the end for all.
    call(&mut machine, |m| m.set_event_backlog(4));
    happen(&mut machine, [2]);
    call(&mut machine, |m| m.set_monitoring(false));
    assert_eq!(woken(&readers), [1, 0]);
    call(&mut machine, |m| m.set_event_backlog(0));
    assert_eq!(woken(&readers), [0, 1]);
    let over = Poll::Ready(Err(ReadEventError::NotMonitoring));
    assert_eq!(readers[0].event(&mut machine), over);
    assert_eq!(readers[1].event(&mut machine), over);
}

#[test]
fn f3_without_monitoring_there_are_no_events_and_a_read_says_so_at_once() {
    let mut machine = small_with_events::<1, EventRing<u32, 4>>();
    let mut reader = Waiter::new();
    happen(&mut machine, [1]);
    assert!(!machine.is_monitoring());
    let error = ReadEventError::NotMonitoring;
    assert_eq!(reader.event(&mut machine), Poll::Ready(Err(error)));
    assert_eq!(try_event(&mut machine), Err(TryReadEventError::Read(error)));
    assert!(!reader.ticket.has_place());
}

#[test]
fn f3_enabling_twice_and_disabling_twice_are_no_errors_and_wake_nobody_twice() {
    let mut machine = watched::<1>();
    let mut reader = Waiter::new();
    happen(&mut machine, [1]);
    call(&mut machine, |m| m.set_monitoring(true));
    assert_eq!(reader.event(&mut machine), seen(1, 0));
    assert!(reader.event(&mut machine).is_pending());
    call(&mut machine, |m| m.set_monitoring(true));
    assert_eq!(reader.counter.take(), 0);
    call(&mut machine, |m| m.set_monitoring(false));
    call(&mut machine, |m| m.set_monitoring(false));
    assert_eq!(reader.counter.take(), 1);
    // What happens between two times is not seen, and not counted as discarded either.
    happen(&mut machine, 2..=9);
    call(&mut machine, |m| m.set_monitoring(true));
    happen(&mut machine, [10]);
    assert_eq!(reader.event(&mut machine), seen(10, 0));
}

#[test]
fn f3_disabling_ends_every_read_that_waits_once_the_buffered_events_are_gone() {
    let mut machine = watched::<3>();
    let mut readers = Waiter::several::<3>();
    for reader in &mut readers {
        assert!(reader.event(&mut machine).is_pending());
    }
    happen(&mut machine, [1]);
    assert_eq!(woken(&readers), [1, 0, 0]);
    call(&mut machine, |m| m.set_monitoring(false));
    assert_eq!(woken(&readers), [0, 0, 0]);
    assert_eq!(readers[0].event(&mut machine), seen(1, 0));
    assert_eq!(woken(&readers), [0, 1, 1]);
    let over = Poll::Ready(Err(ReadEventError::NotMonitoring));
    for reader in readers.iter_mut().rev() {
        assert_eq!(reader.event(&mut machine), over);
        assert!(!reader.ticket.has_place());
    }
    assert_eq!(woken(&readers), [0, 0, 0]);
}

#[test]
fn f3_one_that_was_told_of_the_end_waits_anew_where_monitoring_is_on_again() {
    let mut machine = watched::<2>();
    let mut readers = Waiter::several::<2>();
    for reader in &mut readers {
        assert!(reader.event(&mut machine).is_pending());
    }
    call(&mut machine, |m| m.set_monitoring(false));
    assert_eq!(woken(&readers), [1, 1]);
    call(&mut machine, |m| m.set_monitoring(true));
    // The second asks first, and is the first from now on.
    assert!(readers[1].event(&mut machine).is_pending());
    assert!(readers[0].event(&mut machine).is_pending());
    happen(&mut machine, [1, 2]);
    assert_eq!(woken(&readers), [0, 1]);
    assert!(readers[0].event(&mut machine).is_pending());
    assert_eq!(readers[1].event(&mut machine), seen(1, 0));
    assert_eq!(woken(&readers), [1, 0]);
    assert_eq!(readers[0].event(&mut machine), seen(2, 0));
    assert!(readers.iter().all(|reader| !reader.ticket.has_place()));
}

#[test]
fn f3_after_the_end_the_buffered_events_come_first_and_then_closed_or_failed_always() {
    type End = fn(&mut Watched<1>) -> tidegate_core::Wakes;
    let ends: [(End, ReadEventError<Broken>); 3] = [
        (Machine::close, ReadEventError::Closed),
        (Machine::abort, ReadEventError::Closed),
        (|m| m.fail(Broken), ReadEventError::Failed(Broken)),
    ];
    for (end, error) in ends {
        let mut machine = watched::<1>();
        let mut reader = Waiter::new();
        happen(&mut machine, [1, 2]);
        call(&mut machine, end);
        happen(&mut machine, [3]);
        assert_eq!(reader.event(&mut machine), seen(1, 0));
        assert_eq!(try_event(&mut machine), Ok((2, 0)));
        for monitoring in [true, false] {
            assert_eq!(reader.event(&mut machine), Poll::Ready(Err(error)));
            let failed = TryReadEventError::Read(error);
            assert_eq!(try_event(&mut machine), Err(failed));
            call(&mut machine, |m| m.set_monitoring(monitoring));
        }
    }
}

#[test]
fn e3_every_read_event_that_waits_ends_when_the_stream_closes_or_fails() {
    for fails in [false, true] {
        let mut machine = watched::<3>();
        let mut readers = Waiter::several::<3>();
        for reader in &mut readers {
            assert!(reader.event(&mut machine).is_pending());
        }
        let error = if fails {
            call(&mut machine, |m| m.fail(Broken));
            ReadEventError::Failed(Broken)
        } else {
            close(&mut machine);
            ReadEventError::Closed
        };
        assert_eq!(woken(&readers), [1, 1, 1]);
        for reader in readers.iter_mut().rev() {
            assert_eq!(reader.event(&mut machine), Poll::Ready(Err(error)));
        }
    }
}

#[test]
fn c3_events_go_to_those_who_wait_in_the_order_in_which_they_came_one_each() {
    let mut machine = watched::<3>();
    let mut readers = Waiter::several::<4>();
    for reader in &mut readers[..3] {
        assert!(reader.event(&mut machine).is_pending());
    }
    let too_many = Poll::Ready(Err(ReadEventError::TooManyWaiters));
    assert_eq!(readers[3].event(&mut machine), too_many);
    happen(&mut machine, 0..3);
    assert_eq!(try_event(&mut machine), Err(TryReadEventError::Empty));
    for k in 0..3 {
        let mut expected = [0; 4];
        expected[k] = 1;
        assert_eq!(woken(&readers), expected);
        let event = k.try_into().unwrap();
        assert_eq!(readers[k].event(&mut machine), seen(event, 0));
    }
    assert_eq!(woken(&readers), [0; 4]);
}

#[test]
fn c2_a_read_event_that_is_dropped_takes_no_event_and_passes_its_turn_on() {
    let mut machine = watched::<3>();
    let mut readers = Waiter::several::<3>();
    for reader in &mut readers {
        assert!(reader.event(&mut machine).is_pending());
    }
    let [first, second, mut third] = readers;
    second.cancel(&mut machine);
    assert_eq!((first.counter.take(), third.counter.take()), (0, 0));
    happen(&mut machine, [1]);
    assert_eq!((first.counter.take(), third.counter.take()), (1, 0));
    first.cancel(&mut machine);
    assert_eq!(third.counter.take(), 1);
    assert_eq!(third.event(&mut machine), seen(1, 0));
}

#[test]
fn f5_events_and_messages_are_read_independently_of_each_other() {
    let mut machine = watched::<2>();
    let mut readers = Waiter::several::<2>();
    assert!(readers[0].event(&mut machine).is_pending());
    assert!(readers[1].read(&mut machine).is_pending());
    feed(&mut machine, "one");
    assert_eq!(woken(&readers), [0, 1]);
    happen(&mut machine, [1]);
    assert_eq!(woken(&readers), [1, 0]);
    // Neither the gate nor the caller nor a message that nobody takes holds up an event.
    call(&mut machine, |m| {
        m.set_read_limits(Watermarks::new(0, 0).unwrap())
    });
    assert!(machine.pause_reading().is_ok());
    assert!(!machine.interest().receive);
    assert_eq!(readers[0].event(&mut machine), seen(1, 0));
    happen(&mut machine, [2]);
    assert_eq!(readers[0].event(&mut machine), seen(2, 0));
    // Events that nobody takes, as many as there may be, hold up no message.
    happen(&mut machine, 3..20);
    assert_eq!(
        readers[1].read(&mut machine),
        Poll::Ready(Ok(vec![b"one".to_vec()]))
    );
    feed(&mut machine, "two");
    assert_eq!(try_read(&mut machine), Ok(vec![b"two".to_vec()]));
    assert_eq!(readers[0].event(&mut machine), seen(16, 13));
}

#[test]
fn f5_a_machine_without_room_for_events_says_that_none_are_wanted_and_else_waits() {
    let mut machine = small::<1>();
    let mut reader = Waiter::new();
    let over = Poll::Ready(Err(ReadEventError::NotMonitoring));
    assert_eq!(reader.event(&mut machine), over);
    call(&mut machine, |m| m.set_monitoring(true));
    assert!(reader.event(&mut machine).is_pending());
    call(&mut machine, |m| m.set_event_backlog(5));
    assert_eq!(reader.counter.take(), 0);
    close(&mut machine);
    assert_eq!(reader.counter.take(), 1);
    let over = Poll::Ready(Err(ReadEventError::Closed));
    assert_eq!(reader.event(&mut machine), over);
}
