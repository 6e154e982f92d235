//! Waiting to send, on the core's machine, with exact wakes: B5, and what C and E say of that wait.

use std::task::Poll;

use tidegate_core::{SendError, Watermarks, WriteError};
use tidegate_tests::{Broken, Message, Small, Waiter, call, sent, small, wake, woken, write};

const SENT: Poll<Result<(), SendError<(), Broken>>> = Poll::Ready(Ok(()));

/// A machine whose write side no gate ever pauses, and that holds a message of `frame` bytes: room is all that counts.
fn full<const W: usize>(frame: usize) -> Small<W> {
    let mut machine = small();
    call(&mut machine, |m| m.set_write_limits(Watermarks::UNLIMITED));
    write(&mut machine, &vec![0; frame]);
    machine
}

/// The message at the head.
fn head<const W: usize>(machine: &Small<W>) -> Option<Message> {
    machine
        .outgoing()
        .peek_with(|frames| frames.map(<[u8]>::to_vec).collect())
}

/// Writes a small message; says whether it was refused as full.
fn is_full<const W: usize>(machine: &mut Small<W>) -> bool {
    let message: &[&[u8]] = &[b"x"];
    match machine.write(message) {
        Ok(wakes) => {
            wake(machine, wakes);
            false
        }
        Err(error) => {
            assert_eq!(error, WriteError::Full(message));
            true
        }
    }
}

#[test]
fn b5_a_send_waits_for_the_gate_and_is_woken_once_when_it_opens() {
    let mut machine = small::<1>();
    let limits = Watermarks::new(20, 10).unwrap();
    call(&mut machine, |m| m.set_write_limits(limits));
    let mut senders = Waiter::several::<1>();
    for text in [b"1st-----", b"2nd-----"] {
        assert_eq!(senders[0].send(&mut machine, text), SENT);
    }
    write(&mut machine, b"over the mark");
    assert!(!machine.has_senders());
    assert!(senders[0].send(&mut machine, b"late").is_pending());
    assert!(machine.has_senders());
    // It waits for the gate and not for room, so a write overtakes nobody's room.
    assert!(!is_full(&mut machine));
    sent(&mut machine);
    sent(&mut machine);
    assert_eq!(
        machine.outgoing().peek_with(|f| f.payload_bytes()),
        Some(13)
    );
    assert_eq!(woken(&senders), [0]);
    sent(&mut machine);
    assert_eq!(woken(&senders), [1]);
    sent(&mut machine);
    assert_eq!(woken(&senders), [0]);
    assert_eq!(senders[0].send(&mut machine, b"late"), SENT);
    assert!(!machine.has_senders());
    assert_eq!(head(&machine), Some(vec![b"late".to_vec()]));
}

#[test]
fn b5_a_send_waits_for_room_as_well_and_a_write_is_full_meanwhile() {
    let mut machine = full::<1>(200);
    let mut senders = Waiter::several::<1>();
    assert!(!is_full(&mut machine));
    assert!(senders[0].send(&mut machine, &[1; 100]).is_pending());
    assert!(is_full(&mut machine));
    sent(&mut machine);
    assert_eq!(woken(&senders), [1]);
    // It has been woken and not yet gone on: its room is still its own.
    assert!(is_full(&mut machine));
    assert_eq!(senders[0].send(&mut machine, &[1; 100]), SENT);
    assert!(!is_full(&mut machine));
}

#[test]
fn b5_the_gate_holds_a_send_for_which_there_would_be_room() {
    let mut machine = full::<1>(200);
    let mut senders = Waiter::several::<1>();
    assert!(senders[0].send(&mut machine, &[1; 100]).is_pending());
    call(&mut machine, |m| {
        m.set_write_limits(Watermarks::new(0, 0).unwrap())
    });
    sent(&mut machine);
    assert_eq!(woken(&senders), [1]);
    assert_eq!(senders[0].send(&mut machine, b"one"), SENT);
    // There is room for two, and one shuts this gate.
    assert!(senders[0].send(&mut machine, b"two").is_pending());
    sent(&mut machine);
    assert_eq!(woken(&senders), [1]);
    assert_eq!(senders[0].send(&mut machine, b"two"), SENT);
}

#[test]
fn b5_those_who_wait_to_send_are_served_in_the_order_in_which_they_came_one_wake_each() {
    let mut machine = full::<4>(250);
    let mut senders = Waiter::several::<4>();
    for (sender, k) in senders.iter_mut().zip(0..) {
        assert!(sender.send(&mut machine, &[k; 20]).is_pending());
    }
    sent(&mut machine);
    for k in 0..4 {
        let mut expected = [0; 4];
        expected[k] = 1;
        assert_eq!(woken(&senders), expected);
        let frame = [k.try_into().unwrap(); 20];
        assert_eq!(senders[k].send(&mut machine, &frame), SENT);
    }
    assert_eq!(woken(&senders), [0; 4]);
    for k in 0..4 {
        assert_eq!(head(&machine), Some(vec![vec![k; 20]]));
        sent(&mut machine);
    }
}

#[test]
fn b5_a_large_message_that_waits_is_not_overtaken_by_smaller_ones() {
    let mut machine = full::<2>(100);
    write(&mut machine, &[0; 100]);
    let mut senders = Waiter::several::<2>();
    let (large, small) = ([1; 120], [2; 10]);
    assert!(senders[0].send(&mut machine, &large).is_pending());
    assert!(senders[1].send(&mut machine, &small).is_pending());
    // 101 bytes are free in one piece: enough for the small one, which has to wait all the same.
    sent(&mut machine);
    assert_eq!(woken(&senders), [0, 0]);
    assert!(senders[1].send(&mut machine, &small).is_pending());
    assert!(is_full(&mut machine));
    sent(&mut machine);
    assert_eq!(woken(&senders), [1, 0]);
    // A newcomer who finds room does not overtake those who were there before either.
    assert!(senders[1].send(&mut machine, &small).is_pending());
    assert_eq!(senders[0].send(&mut machine, &large), SENT);
    assert_eq!(woken(&senders), [0, 1]);
    assert_eq!(senders[1].send(&mut machine, &small), SENT);
    assert_eq!(head(&machine), Some(vec![large.to_vec()]));
}

#[test]
fn b5_a_message_that_can_never_fit_is_too_large_at_once_whoever_waits() {
    let mut machine = full::<2>(250);
    let mut senders = Waiter::several::<2>();
    assert!(senders[0].send(&mut machine, &[1; 20]).is_pending());
    let too_large = Poll::Ready(Err(SendError::TooLarge(())));
    assert_eq!(senders[1].send(&mut machine, &[2; 255]), too_large);
    assert!(!senders[1].ticket.has_place());
    // One byte less is what an empty buffer takes.
    assert!(senders[1].send(&mut machine, &[2; 254]).is_pending());
    assert_eq!(woken(&senders), [0, 0]);
    sent(&mut machine);
    assert_eq!(senders[0].send(&mut machine, &[2; 255]), too_large);
    // Whoever was refused at its turn passes it on.
    assert_eq!(woken(&senders), [1, 1]);
    assert_eq!(senders[1].send(&mut machine, &[2; 254]), SENT);
}

#[test]
fn d3_a_turn_that_ends_in_a_message_without_frames_is_passed_on() {
    let mut machine = full::<2>(250);
    let mut senders = Waiter::several::<2>();
    for sender in &mut senders {
        assert!(sender.send(&mut machine, &[1; 20]).is_pending());
    }
    sent(&mut machine);
    assert_eq!(woken(&senders), [1, 0]);
    let (written, wakes) = machine.write_in_turn(&mut senders[0].ticket, &[]);
    assert_eq!(written, Err(WriteError::NoFrames(&[][..])));
    wake(&mut machine, wakes);
    assert_eq!(woken(&senders), [0, 1]);
    assert_eq!(head(&machine), None);
    assert_eq!(senders[1].send(&mut machine, &[1; 20]), SENT);
}

#[test]
fn c2_a_send_that_is_dropped_passes_its_turn_on_and_its_claim_on_room_goes_with_it() {
    let mut machine = full::<2>(200);
    let [mut first, mut second] = Waiter::several::<2>();
    assert!(first.send(&mut machine, &[1; 100]).is_pending());
    assert!(second.send(&mut machine, &[2; 10]).is_pending());
    first.cancel(&mut machine);
    assert_eq!(second.counter.take(), 1);
    assert_eq!(second.send(&mut machine, &[2; 10]), SENT);
    assert!(!is_full(&mut machine));
    // The same with nobody behind it.
    let mut last = Waiter::new();
    assert!(last.send(&mut machine, &[3; 100]).is_pending());
    assert!(is_full(&mut machine));
    last.cancel(&mut machine);
    assert!(!is_full(&mut machine));
}

#[test]
fn c2_a_send_that_was_woken_and_dropped_passes_its_turn_on() {
    let mut machine = full::<3>(250);
    let mut senders = Waiter::several::<3>();
    for sender in &mut senders {
        assert!(sender.send(&mut machine, &[1; 100]).is_pending());
    }
    sent(&mut machine);
    assert_eq!(woken(&senders), [1, 0, 0]);
    let [first, mut second, third] = senders;
    first.cancel(&mut machine);
    assert_eq!((second.counter.take(), third.counter.take()), (1, 0));
    assert_eq!(second.send(&mut machine, &[1; 100]), SENT);
    assert_eq!(third.counter.take(), 1);
    third.cancel(&mut machine);
}

#[test]
fn c2_dropping_a_send_that_is_not_the_first_wakes_nobody_and_leaves_the_claim_alone() {
    let mut machine = full::<3>(200);
    let [mut first, mut second, mut third] = Waiter::several::<3>();
    assert!(first.send(&mut machine, &[1; 100]).is_pending());
    assert!(second.send(&mut machine, &[2; 10]).is_pending());
    assert!(third.send(&mut machine, &[2; 10]).is_pending());
    second.cancel(&mut machine);
    assert_eq!((first.counter.take(), third.counter.take()), (0, 0));
    assert!(is_full(&mut machine));
    third.cancel(&mut machine);
    assert_eq!(first.counter.take(), 0);
    assert!(is_full(&mut machine));
    first.cancel(&mut machine);
}

#[test]
fn c3_one_sender_too_many_gets_an_error_and_the_others_keep_their_places() {
    let mut machine = full::<2>(250);
    let mut senders = Waiter::several::<3>();
    assert!(senders[0].send(&mut machine, &[1; 20]).is_pending());
    assert!(senders[1].send(&mut machine, &[1; 20]).is_pending());
    let too_many = Poll::Ready(Err(SendError::TooManyWaiters(())));
    assert_eq!(senders[2].send(&mut machine, &[1; 20]), too_many);
    sent(&mut machine);
    assert_eq!(woken(&senders), [1, 0, 0]);
    assert_eq!(senders[0].send(&mut machine, &[1; 20]), SENT);
    assert_eq!(woken(&senders), [0, 1, 0]);
}

#[test]
fn e3_every_send_that_waits_ends_when_the_stream_closes_or_fails() {
    type End = fn(&mut Small<3>) -> tidegate_core::Wakes;
    let ends: [(End, SendError<(), Broken>); 3] = [
        (|m| m.close(), SendError::Closed(())),
        (|m| m.abort(), SendError::Closed(())),
        (|m| m.fail(Broken), SendError::Failed((), Broken)),
    ];
    for (end, error) in ends {
        let mut machine = full::<3>(250);
        let mut senders = Waiter::several::<3>();
        for sender in &mut senders {
            assert!(sender.send(&mut machine, &[1; 20]).is_pending());
        }
        call(&mut machine, end);
        assert_eq!(woken(&senders), [1, 1, 1]);
        for sender in senders.iter_mut().rev() {
            assert_eq!(sender.send(&mut machine, b""), Poll::Ready(Err(error)));
            assert!(!sender.ticket.has_place());
        }
        assert_eq!(woken(&senders), [0, 0, 0]);
    }
}
