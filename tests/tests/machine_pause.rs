//! What opens and shuts the sides of the core's machine while it runs, with exact wakes: reading paused by the caller (C6),
//! limits changed in flight (B4), and messages that were thrown away, for they could never fit (B5).

use std::task::Poll;

use tidegate_core::{AlreadyDone, Interest, PushError, ReadError, TryReadError, Watermarks};
use tidegate_tests::{
    Broken, Counter, Message, Small, Waiter, call, close, feed, sent, small, try_read, wake, woken,
    write,
};

type Read = Poll<Result<Message, ReadError<Broken>>>;

fn got(text: &str) -> Read {
    Poll::Ready(Ok(vec![text.as_bytes().to_vec()]))
}

fn thrown_away(messages: usize) -> Read {
    Poll::Ready(Err(ReadError::Discarded { messages }))
}

fn marks(high: usize, low: usize) -> Watermarks {
    Watermarks::new(high, low).unwrap()
}

/// A driver that sleeps, and looks at the machine when it is woken.
struct Driver(std::sync::Arc<Counter>);

impl Driver {
    fn asleep<const W: usize>(machine: &mut Small<W>) -> Self {
        let driver = Self(Counter::new());
        machine.register_driver(driver.0.waker());
        driver
    }

    /// How often it was woken; it sleeps again.
    fn take<const W: usize>(&self, machine: &mut Small<W>) -> usize {
        machine.register_driver(self.0.waker());
        self.0.take()
    }
}

fn receives<const W: usize>(machine: &Small<W>) -> bool {
    machine.interest().receive
}

#[test]
fn c6_a_doubled_pause_or_resume_is_an_error_and_changes_nothing() {
    let mut machine = small::<1>();
    let driver = Driver::asleep(&mut machine);
    assert_eq!(machine.resume_reading(), Err(AlreadyDone));
    assert!(!machine.is_reading_paused());
    assert_eq!(machine.pause_reading(), Ok(()));
    assert_eq!(machine.pause_reading(), Err(AlreadyDone));
    assert!(machine.is_reading_paused());
    call(&mut machine, |m| m.resume_reading().unwrap());
    assert_eq!(driver.take(&mut machine), 1);
    assert_eq!(machine.resume_reading(), Err(AlreadyDone));
    assert!(!machine.is_reading_paused());
    assert_eq!(driver.take(&mut machine), 0);
}

#[test]
fn c6_while_the_caller_has_paused_reading_a_read_serves_the_buffer_only() {
    let mut machine = small::<1>();
    let mut readers = Waiter::several::<1>();
    feed(&mut machine, "one");
    machine.pause_reading().unwrap();
    assert_eq!(machine.interest(), Interest::NONE);
    assert_eq!(readers[0].read(&mut machine), got("one"));
    assert!(readers[0].read(&mut machine).is_pending());
    assert!(!receives(&machine));
    // A transport that had a message in hand already does not lose it, nor does its reader wait.
    feed(&mut machine, "in hand");
    assert_eq!(woken(&readers), [1]);
    assert_eq!(readers[0].read(&mut machine), got("in hand"));
    // The other direction goes on.
    write(&mut machine, b"out");
    assert_eq!(
        machine.interest(),
        Interest {
            receive: false,
            send: true
        }
    );
}

#[test]
fn c6_the_driver_is_woken_by_whichever_of_gate_and_caller_opens_last() {
    let mut machine = small::<1>();
    call(&mut machine, |m| m.set_read_limits(marks(5, 0)));
    let driver = Driver::asleep(&mut machine);
    feed(&mut machine, "over");
    machine.pause_reading().unwrap();
    // The gate opens first: the caller still holds the transport back.
    assert!(try_read(&mut machine).is_ok());
    assert_eq!((driver.take(&mut machine), receives(&machine)), (0, false));
    call(&mut machine, |m| m.resume_reading().unwrap());
    assert_eq!((driver.take(&mut machine), receives(&machine)), (1, true));
    // The caller lets go first: the gate still holds it back.
    feed(&mut machine, "over");
    machine.pause_reading().unwrap();
    call(&mut machine, |m| m.resume_reading().unwrap());
    assert_eq!((driver.take(&mut machine), receives(&machine)), (0, false));
    assert!(try_read(&mut machine).is_ok());
    assert_eq!((driver.take(&mut machine), receives(&machine)), (1, true));
}

#[test]
fn c6_the_driver_is_not_woken_for_room_while_something_else_holds_it_back() {
    let mut machine = small::<1>();
    call(&mut machine, |m| m.set_read_limits(Watermarks::UNLIMITED));
    let driver = Driver::asleep(&mut machine);
    feed(&mut machine, &"x".repeat(200));
    let no_room: &[&[u8]] = &[&[0; 100]];
    assert_eq!(machine.feed(no_room), Err(PushError::Full(no_room)));
    machine.pause_reading().unwrap();
    assert!(try_read(&mut machine).is_ok());
    assert_eq!((driver.take(&mut machine), receives(&machine)), (0, false));
    call(&mut machine, |m| m.resume_reading().unwrap());
    assert_eq!((driver.take(&mut machine), receives(&machine)), (1, true));
}

#[test]
fn c6_a_stream_that_is_not_open_is_not_read_from_whoever_resumes_it() {
    let mut machine = small::<1>();
    machine.pause_reading().unwrap();
    close(&mut machine);
    let driver = Driver::asleep(&mut machine);
    call(&mut machine, |m| m.resume_reading().unwrap());
    assert_eq!((driver.take(&mut machine), receives(&machine)), (0, false));
    call(&mut machine, |m| m.set_read_limits(marks(0, 0)));
    call(&mut machine, |m| m.set_read_limits(Watermarks::UNLIMITED));
    assert_eq!((driver.take(&mut machine), receives(&machine)), (0, false));
}

#[test]
fn b4_a_change_of_the_read_limits_wakes_the_driver_exactly_when_it_may_go_on() {
    let mut machine = small::<1>();
    feed(&mut machine, "12345678");
    let driver = Driver::asleep(&mut machine);
    // (high, low), whether the driver is woken, and whether it may receive then, with 10 bytes queued.
    for (high, low, wakes, receive) in [
        (10, 2, 0, true),
        (9, 2, 0, false),
        (20, 9, 0, false),
        (20, 10, 1, true),
        (30, 20, 0, true),
        (0, 0, 0, false),
        (10, 10, 1, true),
    ] {
        call(&mut machine, |m| m.set_read_limits(marks(high, low)));
        let after = (driver.take(&mut machine), receives(&machine));
        assert_eq!(after, (wakes, receive), "{high} {low}");
        assert_eq!(machine.is_read_gate_paused(), !receive);
        assert_eq!(machine.read_limits(), marks(high, low));
    }
    // Paused by the caller, the gate alone does not let the driver go on.
    machine.pause_reading().unwrap();
    call(&mut machine, |m| m.set_read_limits(marks(5, 1)));
    call(&mut machine, |m| m.set_read_limits(Watermarks::UNLIMITED));
    assert_eq!((driver.take(&mut machine), receives(&machine)), (0, false));
}

#[test]
fn b4_a_change_of_the_write_limits_wakes_one_who_drains_and_one_who_sends() {
    let mut machine = small::<4>();
    write(&mut machine, b"12345678");
    call(&mut machine, |m| m.set_write_limits(marks(9, 2)));
    assert!(machine.is_write_gate_paused());
    let mut drainers = Waiter::several::<2>();
    let mut senders = Waiter::several::<2>();
    for (drainer, sender) in drainers.iter_mut().zip(&mut senders) {
        assert!(drainer.drain(&mut machine).is_pending());
        assert!(sender.send(&mut machine, b"x").is_pending());
    }
    call(&mut machine, |m| m.set_write_limits(marks(20, 9)));
    assert_eq!((woken(&drainers), woken(&senders)), ([0, 0], [0, 0]));
    call(&mut machine, |m| m.set_write_limits(marks(20, 10)));
    assert_eq!((woken(&drainers), woken(&senders)), ([1, 0], [1, 0]));
    // Each passes its turn on.
    assert!(drainers[0].drain(&mut machine).is_ready());
    assert!(senders[0].send(&mut machine, b"x").is_ready());
    assert_eq!((woken(&drainers), woken(&senders)), ([0, 1], [0, 1]));
    // The gate shuts before they go on: they were woken, and wait on.
    call(&mut machine, |m| m.set_write_limits(marks(0, 0)));
    assert!(drainers[1].drain(&mut machine).is_pending());
    assert!(senders[1].send(&mut machine, b"x").is_pending());
    sent(&mut machine);
    assert_eq!((woken(&drainers), woken(&senders)), ([0, 0], [0, 0]));
    sent(&mut machine);
    assert_eq!((woken(&drainers), woken(&senders)), ([0, 1], [0, 1]));
    assert!(drainers[1].drain(&mut machine).is_ready());
    assert!(senders[1].send(&mut machine, b"x").is_ready());
}

#[test]
fn b5_a_message_that_was_thrown_away_is_told_once_and_at_its_place() {
    let mut machine = small::<2>();
    let mut readers = Waiter::several::<2>();
    feed(&mut machine, "before");
    call(&mut machine, |m| m.discard());
    feed(&mut machine, "after");
    assert_eq!(readers[0].read(&mut machine), got("before"));
    assert_eq!(readers[0].read(&mut machine), thrown_away(1));
    assert_eq!(readers[0].read(&mut machine), got("after"));
    assert!(readers[0].read(&mut machine).is_pending());
    assert!(readers[1].read(&mut machine).is_pending());
    // One who waits learns of it at once, and the next one's turn comes.
    call(&mut machine, |m| m.discard());
    assert_eq!(woken(&readers), [1, 0]);
    feed(&mut machine, "next");
    assert_eq!(woken(&readers), [0, 0]);
    assert_eq!(readers[0].read(&mut machine), thrown_away(1));
    assert_eq!(woken(&readers), [0, 1]);
    assert_eq!(readers[1].read(&mut machine), got("next"));
}

#[test]
fn b5_messages_that_were_thrown_away_before_anybody_was_told_are_told_together() {
    let mut machine = small::<1>();
    feed(&mut machine, "one");
    call(&mut machine, |m| m.discard());
    feed(&mut machine, "two");
    call(&mut machine, |m| m.discard());
    call(&mut machine, |m| m.discard());
    let told = |messages| Err(TryReadError::Read(ReadError::Discarded { messages }));
    assert_eq!(try_read(&mut machine), Ok(vec![b"one".to_vec()]));
    assert_eq!(try_read(&mut machine), told(3));
    assert_eq!(try_read(&mut machine), Ok(vec![b"two".to_vec()]));
    assert_eq!(try_read(&mut machine), Err(TryReadError::Empty));
    call(&mut machine, |m| m.discard());
    assert_eq!(try_read(&mut machine), told(1));
    assert_eq!(try_read(&mut machine), Err(TryReadError::Empty));
}

#[test]
fn b5_a_discard_does_not_overtake_a_reader_who_waits_before() {
    let mut machine = small::<2>();
    let mut readers = Waiter::several::<2>();
    assert!(readers[0].read(&mut machine).is_pending());
    feed(&mut machine, "one");
    call(&mut machine, |m| m.discard());
    // The message is the first one's; what comes after it is not yet to be told.
    assert_eq!(woken(&readers), [1, 0]);
    assert!(readers[1].read(&mut machine).is_pending());
    assert_eq!(try_read(&mut machine), Err(TryReadError::Empty));
    assert_eq!(readers[0].read(&mut machine), got("one"));
    assert_eq!(woken(&readers), [0, 1]);
    assert_eq!(try_read(&mut machine), Err(TryReadError::Empty));
    assert_eq!(readers[1].read(&mut machine), thrown_away(1));
}

#[test]
fn c4_what_was_thrown_away_is_told_before_closed_and_forgotten_by_abort() {
    let mut machine = small::<1>();
    call(&mut machine, |m| m.discard());
    close(&mut machine);
    call(&mut machine, |m| m.discard());
    let mut reader = Waiter::new();
    assert_eq!(reader.read(&mut machine), thrown_away(1));
    let closed = Poll::Ready(Err(ReadError::Closed));
    assert_eq!(reader.read(&mut machine), closed);

    let mut machine = small::<1>();
    call(&mut machine, |m| m.discard());
    call(&mut machine, |m| m.abort());
    assert_eq!(reader.read(&mut machine), closed);
}

#[test]
fn c6_without_read_ahead_a_pause_by_the_caller_holds_the_transport_back_from_those_who_wait() {
    let mut machine = small::<1>();
    let wakes = machine.set_on_demand(true);
    wake(&mut machine, wakes);
    let driver = Driver::asleep(&mut machine);
    machine.pause_reading().unwrap();
    let mut reader = Waiter::new();
    assert!(reader.read(&mut machine).is_pending());
    assert_eq!((driver.take(&mut machine), receives(&machine)), (0, false));
    call(&mut machine, |m| m.resume_reading().unwrap());
    assert_eq!((driver.take(&mut machine), receives(&machine)), (1, true));
    call(&mut machine, |m| m.set_on_demand(false));
    assert_eq!(driver.take(&mut machine), 0);
    reader.cancel(&mut machine);
    call(&mut machine, |m| m.set_on_demand(true));
    assert_eq!((driver.take(&mut machine), receives(&machine)), (0, false));
    call(&mut machine, |m| m.set_on_demand(false));
    assert_eq!((driver.take(&mut machine), receives(&machine)), (1, true));
}
