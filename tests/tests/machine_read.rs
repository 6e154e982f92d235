//! Section C of the contract on the core's machine, with exact wakes.

use std::task::Poll;

use tidegate_core::{PushError, ReadError, TryReadError, Watermarks};
use tidegate_tests::{Broken, Counter, Message, Waiter, close, feed, sent, small, try_read, wake};

fn message(text: &str) -> Poll<Result<Message, ReadError<Broken>>> {
    Poll::Ready(Ok(vec![text.as_bytes().to_vec()]))
}

#[test]
fn c1_a_reader_gets_whole_messages_in_order_empty_frames_and_all() {
    let mut machine = small::<1>();
    let _ = machine.feed(&[b"a", b"", b"b"]).unwrap();
    let _ = machine.feed(&[b""]).unwrap();
    let _ = machine.feed(&[b"", b"", b""]).unwrap();
    let mut reader = Waiter::new();
    let ready = |frames: &[&str]| -> Poll<Result<Message, ReadError<Broken>>> {
        Poll::Ready(Ok(frames.iter().map(|f| f.as_bytes().to_vec()).collect()))
    };
    assert_eq!(reader.read(&mut machine), ready(&["a", "", "b"]));
    assert_eq!(reader.read(&mut machine), ready(&[""]));
    assert_eq!(reader.read(&mut machine), ready(&["", "", ""]));
    assert_eq!(reader.read(&mut machine), Poll::Pending);
    reader.cancel(&mut machine);
}

#[test]
fn c2_a_read_that_is_dropped_takes_no_message_and_passes_its_turn_on() {
    let mut machine = small::<2>();
    let (mut first, mut second) = (Waiter::new(), Waiter::new());
    assert!(first.read(&mut machine).is_pending());
    assert!(second.read(&mut machine).is_pending());
    feed(&mut machine, "one");
    assert_eq!((first.counter.take(), second.counter.take()), (1, 0));
    first.cancel(&mut machine);
    assert_eq!(second.counter.take(), 1);
    assert_eq!(second.read(&mut machine), message("one"));
}

#[test]
fn c2_dropping_a_reader_when_there_is_nothing_to_read_wakes_nobody() {
    let mut machine = small::<3>();
    let mut readers = [Waiter::new(), Waiter::new(), Waiter::new()];
    for reader in &mut readers {
        assert!(reader.read(&mut machine).is_pending());
    }
    let [first, second, third] = readers;
    let counters = [second.counter.clone(), third.counter.clone()];
    first.cancel(&mut machine);
    third.cancel(&mut machine);
    second.cancel(&mut machine);
    assert_eq!(counters.map(|counter| counter.take()), [0, 0]);
}

#[test]
fn c2_a_waker_is_replaced_when_another_task_polls_and_only_the_newest_is_woken() {
    let mut machine = small::<1>();
    let mut reader = Waiter::new();
    assert!(reader.read(&mut machine).is_pending());
    let old = std::mem::replace(&mut reader.counter, Counter::new());
    assert!(reader.read(&mut machine).is_pending());
    feed(&mut machine, "one");
    assert_eq!((old.take(), reader.counter.take()), (0, 1));
    assert_eq!(reader.read(&mut machine), message("one"));
}

#[test]
fn c3_readers_are_served_in_the_order_in_which_they_came_one_message_each() {
    let mut machine = small::<4>();
    let mut readers: Vec<Waiter> = (0..4).map(|_| Waiter::new()).collect();
    for reader in &mut readers {
        assert!(reader.read(&mut machine).is_pending());
    }
    for text in ["0", "1", "2", "3"] {
        feed(&mut machine, text);
    }
    for (k, text) in ["0", "1", "2", "3"].into_iter().enumerate() {
        let woken: Vec<usize> = readers.iter().map(|reader| reader.counter.take()).collect();
        let expected: Vec<usize> = (0..4).map(|other| usize::from(other == k)).collect();
        assert_eq!(woken, expected);
        assert_eq!(readers[k].read(&mut machine), message(text));
    }
}

#[test]
fn c3_a_newcomer_does_not_overtake_those_who_wait() {
    let mut machine = small::<2>();
    let (mut first, mut late) = (Waiter::new(), Waiter::new());
    assert!(first.read(&mut machine).is_pending());
    feed(&mut machine, "one");
    assert!(late.read(&mut machine).is_pending());
    assert_eq!(try_read(&mut machine), Err(TryReadError::Empty));
    assert_eq!(first.read(&mut machine), message("one"));
    assert_eq!(late.counter.take(), 0);
    feed(&mut machine, "two");
    assert_eq!(late.counter.take(), 1);
    assert_eq!(late.read(&mut machine), message("two"));
}

#[test]
fn c3_one_waiter_too_many_gets_an_error_and_the_others_keep_their_places() {
    let mut machine = small::<2>();
    let mut waiters = [Waiter::new(), Waiter::new(), Waiter::new()];
    let [first, second, third] = &mut waiters;
    assert!(first.read(&mut machine).is_pending());
    assert!(second.read(&mut machine).is_pending());
    assert_eq!(
        third.read(&mut machine),
        Poll::Ready(Err(ReadError::TooManyWaiters))
    );
    feed(&mut machine, "one");
    assert_eq!(first.read(&mut machine), message("one"));
    // The slot that became free is given out again.
    assert!(third.read(&mut machine).is_pending());
    feed(&mut machine, "two");
    assert_eq!(second.counter.take(), 1);
    assert_eq!(second.read(&mut machine), message("two"));
}

#[test]
fn c4_after_close_what_was_buffered_comes_first_and_then_closed_always() {
    let mut machine = small::<1>();
    feed(&mut machine, "one");
    feed(&mut machine, "two");
    close(&mut machine);
    let mut reader = Waiter::new();
    assert!(!machine.at_closing());
    assert_eq!(reader.read(&mut machine), message("one"));
    assert_eq!(try_read(&mut machine), Ok(vec![b"two".to_vec()]));
    assert!(machine.at_closing());
    for _ in 0..3 {
        assert_eq!(
            reader.read(&mut machine),
            Poll::Ready(Err(ReadError::Closed))
        );
        assert_eq!(
            try_read(&mut machine),
            Err(TryReadError::Read(ReadError::Closed))
        );
    }
}

#[test]
fn c4_closed_is_told_to_everybody_whoever_waits_before_them() {
    let mut machine = small::<3>();
    let mut waiters = [Waiter::new(), Waiter::new(), Waiter::new()];
    let [held, second, third] = &mut waiters;
    assert!(held.read(&mut machine).is_pending());
    assert!(second.read(&mut machine).is_pending());
    feed(&mut machine, "last");
    close(&mut machine);
    // The message is the first one's; until it was taken, nobody knows that it was the last.
    assert_eq!(second.counter.take(), 0);
    assert_eq!(held.read(&mut machine), message("last"));
    assert_eq!(second.counter.take(), 1);
    // The second does not go on, and holds up nobody.
    let closed = Poll::Ready(Err(ReadError::Closed));
    assert_eq!(third.read(&mut machine), closed);
    assert_eq!(
        try_read(&mut machine),
        Err(TryReadError::Read(ReadError::Closed))
    );
    assert_eq!(second.read(&mut machine), closed);
}

#[test]
fn c2_a_ticket_that_is_used_for_another_wait_gives_up_the_first_and_passes_its_turn_on() {
    let mut machine = small::<2>();
    let _ = machine.set_write_limits(Watermarks::new(0, 0).unwrap());
    let _ = machine.write(&[b"x"]).unwrap();
    let (mut waiter, mut next) = (Waiter::new(), Waiter::new());
    assert!(waiter.read(&mut machine).is_pending());
    assert!(next.read(&mut machine).is_pending());
    feed(&mut machine, "one");
    assert_eq!((waiter.counter.take(), next.counter.take()), (1, 0));
    assert!(waiter.drain(&mut machine).is_pending());
    assert_eq!(next.counter.take(), 1);
    assert_eq!(next.read(&mut machine), message("one"));
    sent(&mut machine);
    assert_eq!(waiter.counter.take(), 1);
    waiter.cancel(&mut machine);
}

#[test]
fn c2_the_waker_of_a_wait_that_was_given_up_is_dropped_outside_the_lock() {
    let mut machine = small::<1>();
    let _ = machine.set_write_limits(Watermarks::new(0, 0).unwrap());
    let _ = machine.write(&[b"x"]).unwrap();
    let mut waiter = Waiter::new();
    assert!(waiter.read(&mut machine).is_pending());
    let counter = waiter.counter.clone();
    let held = std::sync::Arc::strong_count(&counter);
    waiter.ticket.offer(&counter.waker());
    let _ = machine.poll_drain(&mut waiter.ticket);
    // The old one is in the ticket, the new one in the slot.
    assert_eq!(std::sync::Arc::strong_count(&counter), held + 1);
    waiter.ticket.settle();
    assert_eq!(std::sync::Arc::strong_count(&counter), held);
    waiter.cancel(&mut machine);
}

#[test]
fn c4_a_stream_that_is_not_open_takes_no_more_from_its_transport() {
    let late: &[&[u8]] = &[b"late"];
    let mut machine = small::<1>();
    close(&mut machine);
    assert_eq!(machine.feed(late), Err(PushError::Closed(late)));
    assert!(machine.at_closing());
    let mut machine = small::<1>();
    let _ = machine.abort();
    assert_eq!(machine.feed(late), Err(PushError::Closed(late)));
    let mut machine = small::<1>();
    let _ = machine.fail(Broken);
    assert_eq!(machine.feed(late), Err(PushError::Closed(late)));
}

#[test]
fn c4_at_closing_is_false_on_an_open_stream_and_true_on_an_empty_one_that_closes() {
    let mut machine = small::<1>();
    assert!(!machine.at_closing());
    close(&mut machine);
    assert!(machine.at_closing());
    let wakes = machine.finish();
    wake(&mut machine, wakes);
    assert!(machine.at_closing());
}

#[test]
fn c5_after_a_failure_every_read_reports_it_and_the_buffer_can_still_be_taken() {
    let mut machine = small::<2>();
    feed(&mut machine, "before");
    let wakes = machine.fail(Broken);
    wake(&mut machine, wakes);
    let mut reader = Waiter::new();
    let failed = Poll::Ready(Err(ReadError::Failed(Broken)));
    assert_eq!(reader.read(&mut machine), failed);
    assert_eq!(machine.exception(), Some(&Broken));
    assert_eq!(try_read(&mut machine), Ok(vec![b"before".to_vec()]));
    assert_eq!(reader.read(&mut machine), failed);
    assert_eq!(
        try_read(&mut machine),
        Err(TryReadError::Read(ReadError::Failed(Broken)))
    );
    assert_eq!(machine.exception(), Some(&Broken));
    // A later close changes nothing of that.
    close(&mut machine);
    assert_eq!(reader.read(&mut machine), failed);
}

#[test]
fn c6_the_transport_is_read_only_while_the_gate_is_open() {
    let mut machine = small::<1>();
    let _ = machine.set_read_limits(Watermarks::new(10, 5).unwrap());
    let driver = Counter::new();
    assert!(machine.register_driver(driver.waker()).is_none());
    feed(&mut machine, "12345678");
    assert!(machine.interest().receive);
    feed(&mut machine, "12");
    assert!(!machine.interest().receive);
    assert_eq!(driver.take(), 0);
    // 14 bytes, then 4: at or under the low mark, the driver is told.
    assert!(try_read(&mut machine).is_ok());
    assert_eq!(driver.take(), 1);
    assert!(machine.interest().receive);
}

#[test]
fn c6_after_no_room_the_transport_is_read_again_once_a_message_was_taken() {
    let mut machine = small::<1>();
    let _ = machine.set_read_limits(Watermarks::UNLIMITED);
    let driver = Counter::new();
    machine.register_driver(driver.waker());
    feed(&mut machine, &"x".repeat(200));
    let large = vec![0; 100];
    let refused: &[&[u8]] = &[&large];
    assert_eq!(machine.feed(refused), Err(PushError::Full(refused)));
    assert!(!machine.interest().receive);
    assert!(try_read(&mut machine).is_ok());
    assert_eq!(driver.take(), 1);
    assert!(machine.interest().receive);
}

#[test]
fn c7_without_read_ahead_the_transport_is_read_only_while_somebody_waits() {
    let mut machine = small::<2>();
    let _ = machine.set_on_demand(true);
    assert!(!machine.interest().receive);
    let driver = Counter::new();
    machine.register_driver(driver.waker());
    let (mut first, mut second) = (Waiter::new(), Waiter::new());
    assert!(first.read(&mut machine).is_pending());
    assert_eq!(driver.take(), 1);
    assert!(machine.interest().receive);
    assert!(second.read(&mut machine).is_pending());
    feed(&mut machine, "one");
    assert!(!machine.interest().receive);
    machine.register_driver(driver.waker());
    assert_eq!(first.read(&mut machine), message("one"));
    // The second still waits, and nothing is there.
    assert_eq!(driver.take(), 1);
    assert!(machine.interest().receive);
    second.cancel(&mut machine);
    assert!(!machine.interest().receive);
}
