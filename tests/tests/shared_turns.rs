//! Turns, sizes and reports of the shared stream that are easy to get wrong.

use tidegate_core::{ReadError, Stream, TryReadError, Watermarks, WriteError, packed_bytes};
use tidegate_tests::{Broken, Counter, poll};

type S<const N: usize> = Stream<N, N, 4, Broken>;

#[test]
fn b5_a_write_does_not_overtake_the_second_send_that_waits() {
    let s = S::<32>::new();
    s.set_write_limits(Watermarks::UNLIMITED);
    let (a, b) = (Counter::new(), Counter::new());
    s.write(&[&[0; 28]]).unwrap();
    let m1: &[&[u8]] = &[&[1; 8]];
    let m2: &[&[u8]] = &[&[2; 20]];
    let (mut one, mut two) = (s.send(m1), s.send(m2));
    assert!(poll(&mut one, &a).is_pending());
    assert!(poll(&mut two, &b).is_pending());
    s.port().sent();
    assert!(poll(&mut one, &a).is_ready());
    // `two` has been woken, there is room for it (20 + 2 <= 32 - 10), it has not run yet.
    let late: &[&[u8]] = &[&[3; 4]];
    assert_eq!(
        s.write(late),
        Err(WriteError::Full(late)),
        "it would overtake `two`"
    );
}

#[test]
fn b5_a_write_does_not_overtake_the_send_whose_predecessor_gave_up() {
    let s = S::<32>::new();
    s.set_write_limits(Watermarks::UNLIMITED);
    let b = Counter::new();
    s.write(&[&[0; 28]]).unwrap();
    let m2: &[&[u8]] = &[&[2; 20]];
    let mut two = s.send(m2);
    let mut overtaken = 0;
    let mut pend = Vec::new();
    let m1: &[&[u8]] = &[&[1; 8]];
    let a = Counter::new();
    let mut one = s.send(m1);
    assert!(poll(&mut one, &a).is_pending());
    assert!(poll(&mut two, &b).is_pending());
    // the first gives up: the second is the first now, but nobody holds others back for it
    drop(one);
    s.port().sent();
    if s.write(&[&[9; 20]]).is_ok() {
        overtaken += 1;
    }
    pend.push(poll(&mut two, &b).is_pending());
    assert_eq!((overtaken, &pend[..]), (0, &[false][..]));
}

#[test]
fn b5_a_reservation_is_too_large_only_if_no_such_message_fits() {
    let s = Box::new(Stream::<0, 16390, 1, Broken>::new());
    let long = vec![7; 16384];
    assert_eq!(packed_bytes(&[&long, &[]]), Some(16390));
    assert!(s.write(&[&long, b""]).is_ok());
    s.port().sent();
    assert!(
        s.reserve(16384, 2).is_ok(),
        "write takes it, reserve says {:?}",
        s.reserve(16384, 2).err()
    );
}

#[test]
fn c4_at_closing_is_false_while_a_read_has_still_something_to_tell() {
    let s = S::<16>::new();
    s.port().discard();
    s.close();
    let ac = s.at_closing();
    let r = s.try_peek().map(drop);
    assert!(
        !(ac && r != Err(TryReadError::Read(ReadError::Closed))),
        "{ac} {r:?}"
    );
}

#[test]
fn c5_messages_that_were_thrown_away_are_told_after_a_failure_too() {
    let s = S::<16>::new();
    s.port().feed(&[b"a"]).unwrap();
    s.port().discard();
    s.port().feed(&[b"b"]).unwrap();
    s.port().fail(Broken);
    s.try_peek().unwrap().release();
    assert_eq!(
        s.try_peek().map(drop),
        Err(TryReadError::Read(ReadError::Discarded { messages: 1 }))
    );
}

#[test]
fn d4_a_message_written_in_place_is_refused_after_a_failure() {
    let stream = S::<64>::new();
    let mut grant = stream.reserve(3, 1).unwrap();
    grant.frame(3).unwrap();
    stream.port().fail(Broken);
    assert_eq!(grant.commit(), Err(tidegate_core::CommitError::Closed));
    let late: &[&[u8]] = &[b"late"];
    assert_eq!(stream.write(late), Err(WriteError::Failed(late, Broken)));
}
