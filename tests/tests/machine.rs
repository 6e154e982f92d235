//! Sections C, D and E of the contract on the core's machine, with exact wakes.

use std::task::Poll;

use tidegate_core::{
    DrainError, Interest, Lost, Phase, PushError, ReadError, State, Ticket, TryReadError,
    Watermarks, WriteError,
};
use tidegate_tests::{Broken, Counter, Message, Small, Waiter, small, wake};

fn feed<const W: usize>(machine: &mut Small<W>, text: &str) {
    let wakes = machine.feed(&[text.as_bytes()]).unwrap();
    wake(machine, wakes);
}

fn message(text: &str) -> Poll<Result<Message, ReadError<Broken>>> {
    Poll::Ready(Ok(vec![text.as_bytes().to_vec()]))
}

fn try_read<const W: usize>(machine: &mut Small<W>) -> Result<Message, TryReadError<Broken>> {
    let (read, wakes) = machine.try_read(|frames| frames.map(<[u8]>::to_vec).collect());
    wake(machine, wakes);
    read
}

fn closes<const W: usize>(machine: &mut Small<W>) {
    let wakes = machine.close();
    wake(machine, wakes);
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
    closes(&mut machine);
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
    closes(&mut machine);
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
fn c2_a_ticket_that_is_used_for_another_wait_gives_up_the_first() {
    let mut machine = small::<1>();
    let _ = machine.set_write_limits(Watermarks::new(0, 0).unwrap());
    let _ = machine.write(&[b"x"]).unwrap();
    let mut waiter = Waiter::new();
    assert!(waiter.read(&mut machine).is_pending());
    assert!(
        waiter
            .poll(&mut machine, |m, t| m.poll_drain(t))
            .is_pending()
    );
    feed(&mut machine, "one");
    assert_eq!(waiter.counter.take(), 0);
    let wakes = machine.sent();
    wake(&mut machine, wakes);
    assert_eq!(waiter.counter.take(), 1);
    waiter.cancel(&mut machine);
}

#[test]
fn c4_at_closing_is_false_on_an_open_stream_and_true_on_an_empty_one_that_closes() {
    let mut machine = small::<1>();
    assert!(!machine.at_closing());
    closes(&mut machine);
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
    closes(&mut machine);
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
    machine.starved();
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
        assert_eq!(
            drainer.poll(&mut machine, |m, t| m.poll_drain(t)),
            Poll::Ready(Ok(()))
        );
        let _ = machine.write(&[b"12345678"]).unwrap();
    }
    let _ = machine.write(&[b"1"]).unwrap();
    assert!(
        drainer
            .poll(&mut machine, |m, t| m.poll_drain(t))
            .is_pending()
    );
    let wakes = machine.sent();
    wake(&mut machine, wakes);
    assert_eq!(drainer.counter.take(), 0);
    let wakes = machine.sent();
    wake(&mut machine, wakes);
    assert_eq!(drainer.counter.take(), 1);
    assert_eq!(
        drainer.poll(&mut machine, |m, t| m.poll_drain(t)),
        Poll::Ready(Ok(()))
    );
}

#[test]
fn d2_any_number_of_tasks_drain_and_each_is_woken_once() {
    let mut machine = small::<3>();
    let _ = machine.set_write_limits(Watermarks::new(0, 0).unwrap());
    let _ = machine.write(&[b"x"]).unwrap();
    let mut drainers = [Waiter::new(), Waiter::new(), Waiter::new()];
    for drainer in &mut drainers {
        assert!(
            drainer
                .poll(&mut machine, |m, t| m.poll_drain(t))
                .is_pending()
        );
    }
    let wakes = machine.sent();
    wake(&mut machine, wakes);
    for k in 0..3 {
        let woken: Vec<usize> = drainers.iter().map(|d| d.counter.take()).collect();
        let expected: Vec<usize> = (0..3).map(|other| usize::from(other == k)).collect();
        assert_eq!(woken, expected);
        let drained = drainers[k].poll(&mut machine, |m, t| m.poll_drain(t));
        assert_eq!(drained, Poll::Ready(Ok(())));
    }
}

#[test]
fn d2_drain_stays_valid_while_closing() {
    let mut machine = small::<1>();
    let _ = machine.set_write_limits(Watermarks::new(0, 0).unwrap());
    let _ = machine.write(&[b"x"]).unwrap();
    closes(&mut machine);
    let mut drainer = Waiter::new();
    assert!(
        drainer
            .poll(&mut machine, |m, t| m.poll_drain(t))
            .is_pending()
    );
    let wakes = machine.sent();
    wake(&mut machine, wakes);
    assert_eq!(drainer.counter.take(), 1);
    assert_eq!(
        drainer.poll(&mut machine, |m, t| m.poll_drain(t)),
        Poll::Ready(Ok(()))
    );
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
    closes(&mut machine);
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

#[test]
fn e1_close_flushes_what_is_queued_and_then_ends() {
    let mut machine = small::<2>();
    let driver = Counter::new();
    let _ = machine.write(&[b"queued"]).unwrap();
    machine.register_driver(driver.waker());
    let mut end = Waiter::new();
    assert!(end.poll(&mut machine, |m, t| m.poll_closed(t)).is_pending());
    closes(&mut machine);
    assert_eq!(driver.take(), 1);
    assert_eq!(
        machine.interest(),
        Interest {
            receive: false,
            send: true
        }
    );
    assert_eq!(machine.phase(), Phase::Run);
    let wakes = machine.sent();
    wake(&mut machine, wakes);
    assert_eq!(machine.phase(), Phase::Flush);
    assert_eq!(end.counter.take(), 0);
    let wakes = machine.finish();
    wake(&mut machine, wakes);
    assert_eq!(end.counter.take(), 1);
    assert_eq!(
        end.poll(&mut machine, |m, t| m.poll_closed(t)),
        Poll::Ready(Ok(Lost::default()))
    );
    assert_eq!(machine.state(), &State::Closed);
}

#[test]
fn e2_abort_drops_the_buffers_and_says_what_was_lost() {
    let mut machine = small::<2>();
    let _ = machine.set_write_limits(Watermarks::new(0, 0).unwrap());
    feed(&mut machine, "in");
    let _ = machine.write(&[b"out", b""]).unwrap();
    let mut drainer = Waiter::new();
    assert!(
        drainer
            .poll(&mut machine, |m, t| m.poll_drain(t))
            .is_pending()
    );
    let wakes = machine.abort();
    wake(&mut machine, wakes);
    let lost = Lost {
        messages: 1,
        bytes: 7,
    };
    assert_eq!(drainer.counter.take(), 1);
    assert_eq!(
        drainer.poll(&mut machine, |m, t| m.poll_drain(t)),
        Poll::Ready(Err(DrainError::Dropped(lost)))
    );
    assert_eq!(machine.lost(), lost);
    assert_eq!(
        try_read(&mut machine),
        Err(TryReadError::Read(ReadError::Closed))
    );
    // It has ended: aborting again loses nothing more.
    let _ = machine.abort();
    assert_eq!(machine.lost(), lost);
}

#[test]
fn e3_every_wait_completes_when_the_stream_closes_or_fails() {
    type End = fn(&mut Small<6>) -> tidegate_core::Wakes;
    let ends: [End; 2] = [|machine| machine.abort(), |machine| machine.fail(Broken)];
    for end in ends {
        let mut machine = small::<6>();
        let _ = machine.set_write_limits(Watermarks::new(0, 0).unwrap());
        let _ = machine.write(&[b"x"]).unwrap();
        let mut waiters: Vec<Waiter> = (0..6).map(|_| Waiter::new()).collect();
        let poll = |k: usize, waiter: &mut Waiter, machine: &mut Small<6>| match k % 3 {
            0 => waiter.read(machine).is_ready(),
            1 => waiter.poll(machine, |m, t| m.poll_drain(t)).is_ready(),
            _ => waiter.poll(machine, |m, t| m.poll_closed(t)).is_ready(),
        };
        for (k, waiter) in waiters.iter_mut().enumerate() {
            assert!(!poll(k, waiter, &mut machine));
        }
        let wakes = end(&mut machine);
        wake(&mut machine, wakes);
        // All at once: one who does not go on holds up nobody.
        let woken: Vec<usize> = waiters.iter().map(|waiter| waiter.counter.take()).collect();
        assert_eq!(woken, [1; 6]);
        for (k, waiter) in waiters.iter_mut().enumerate().rev() {
            assert!(poll(k, waiter, &mut machine));
        }
        // And every place is free again.
        let mut machine = small::<6>();
        for waiter in &mut waiters {
            assert!(waiter.read(&mut machine).is_pending());
        }
    }
}

#[test]
fn e5_every_call_on_an_ended_stream_is_defined() {
    let mut machine = small::<1>();
    let _ = machine.abort();
    let _ = machine.close();
    let _ = machine.finish();
    let _ = machine.fail(Broken);
    assert_eq!(machine.state(), &State::Closed);
    assert_eq!(machine.exception(), None);
    assert_eq!(machine.interest(), Interest::NONE);
    assert_eq!(machine.phase(), Phase::Ended);
    let (closed, _) = machine.poll_closed(&mut Ticket::new());
    assert_eq!(closed, Poll::Ready(Ok(Lost::default())));
    let (drained, _) = machine.poll_drain(&mut Ticket::new());
    assert_eq!(drained, Poll::Ready(Ok(())));
    let _ = machine.cancel(&mut Ticket::new());
    let _ = machine.sent();
}

#[test]
fn h2_the_same_calls_give_the_same_results_and_wakes() {
    let run = |seed| {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut machine = small::<3>();
        let mut readers = [Waiter::new(), Waiter::new(), Waiter::new()];
        let mut log = String::new();
        for _ in 0..2_000 {
            let k = rng.usize(0..3);
            match rng.u8(0..6) {
                0 | 1 => log += &format!("{:?}", machine.feed(&[&[rng.u8(..)]]).is_ok()),
                2 => log += &format!("{:?}", readers[k].read(&mut machine)),
                3 => std::mem::take(&mut readers[k]).cancel(&mut machine),
                4 => log += &format!("{:?}", machine.write(&[&[rng.u8(..)]]).is_ok()),
                _ => {
                    let wakes = machine.sent();
                    wake(&mut machine, wakes);
                }
            }
            log += &format!(
                "{:?}{machine:?}",
                readers.each_ref().map(|r| r.counter.take())
            );
        }
        log
    };
    assert_eq!(run(7), run(7));
}
