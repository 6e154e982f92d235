//! Messages that are written in place: their order and their frames (H3), with exact wakes.

use std::task::Poll;

use tidegate_core::{ReadError, Stream, TryReadError, Watermarks};
use tidegate_tests::{Broken, Counter, Incoming, Message, Outgoing, Shared, Side, fill, poll};

fn one(frame: impl AsRef<[u8]>) -> Option<Message> {
    Some(vec![frame.as_ref().to_vec()])
}

/// Every order of so many.
fn orders(count: usize) -> Vec<Vec<usize>> {
    if count == 0 {
        return vec![vec![]];
    }
    let mut all = Vec::new();
    for shorter in orders(count - 1) {
        for at in 0..count {
            let mut order = shorter.clone();
            order.insert(at, count - 1);
            all.push(order);
        }
    }
    all
}

/// Four grants, committed (the bits of `commits`) or given up in this order.
fn in_this_order<'s, const R: bool>(
    side: impl Side<'s, 48, R>,
    before: usize,
    order: &[usize],
    commits: u8,
) {
    let is_message = |k: usize| commits >> k & 1 == 1;
    // Where in the ring they lie: from its start, or across its end.
    side.put(&[&vec![9; before]]).unwrap();
    let mut grants = Vec::new();
    for k in 0..4 {
        if k == 2 {
            assert_eq!(side.take(), one(vec![9; before]));
        }
        grants.push(Some(side.written([k; 7])));
    }
    for &which in order {
        let grant = grants[which].take().unwrap();
        if is_message(which) {
            grant.commit().unwrap();
        } else {
            drop(grant);
        }
        // What comes before the first that is in flight can be read; what comes after it is charged, and no more.
        let done = grants.iter().take_while(|grant| grant.is_none()).count();
        assert_eq!(side.look().is_some(), (0..done).any(is_message));
        let committed = (0..4).filter(|&k| grants[k].is_none() && is_message(k));
        assert_eq!(side.level(), committed.count() * 9);
    }
    for k in (0..4u8).filter(|&k| is_message(k.into())) {
        assert_eq!(side.take(), one([k; 7]));
    }
    assert!(side.look().is_none());
    // Nothing is left of it: the whole ring is there again.
    assert_eq!(side.put(&[&[1; 46]]), Ok(()));
}

#[test]
fn h3_messages_come_in_the_order_of_their_reservations_in_whatever_order_they_are_done() {
    for order in orders(4) {
        for (commits, before) in (0..1 << 4).flat_map(|commits| [(commits, 0), (commits, 20)]) {
            let stream = Shared::new();
            in_this_order(Incoming(&stream), before, &order, commits);
            in_this_order(Outgoing(&stream), before, &order, commits);
        }
    }
}

#[test]
fn h3_a_reader_is_woken_when_the_first_in_flight_is_committed_and_not_before() {
    let stream = Shared::<64>::new();
    let readers = [Counter::new(), Counter::new()];
    let (mut first, mut second) = (stream.peek(), stream.peek());
    assert!(poll(&mut first, &readers[0]).is_pending());
    assert!(poll(&mut second, &readers[1]).is_pending());
    let early = Incoming(&stream).written("early");
    Incoming(&stream).written("late").commit().unwrap();
    assert!(poll(&mut first, &readers[0]).is_pending());
    assert_eq!(readers.each_ref().map(|reader| reader.take()), [0, 0]);
    early.commit().unwrap();
    assert_eq!(readers.each_ref().map(|reader| reader.take()), [1, 0]);
    assert!(poll(&mut first, &readers[0]).is_ready());
}

#[test]
fn h3_a_grant_that_is_given_up_lets_the_reader_pass_and_wakes_it_once() {
    let stream = Shared::<64>::new();
    let reader = Counter::new();
    let mut out = [0; 16];
    let mut read = stream.read(&mut out);
    assert!(poll(&mut read, &reader).is_pending());
    let [first, second, third] = ["1", "2", "3"].map(|text| Incoming(&stream).written(text));
    third.commit().unwrap();
    drop(second);
    assert_eq!(reader.take(), 0);
    drop(first);
    assert_eq!(reader.take(), 1);
    let Poll::Ready(Ok(mut frames)) = poll(&mut read, &reader) else {
        panic!("nothing is in its way");
    };
    assert_eq!(frames.next(), Some(&b"3"[..]));
}

#[test]
fn d1_a_commit_wakes_the_driver_once_its_message_can_be_sent() {
    let stream = Shared::<64>::new();
    let driver = Counter::new();
    let woken = || {
        stream.port().register(&driver.waker());
        (driver.take(), stream.port().interest().send)
    };
    assert_eq!(woken(), (0, false));
    let grants = ["1", "2", "3", "4"].map(|text| Outgoing(&stream).written(text));
    let [first, second, third, fourth] = grants;
    second.commit().unwrap();
    assert_eq!(woken(), (0, false));
    first.commit().unwrap();
    assert_eq!(woken(), (1, true));
    fourth.commit().unwrap();
    assert_eq!(woken(), (0, true));
    stream.port().sent();
    stream.port().sent();
    assert_eq!(woken(), (0, false));
    drop(third);
    assert_eq!(woken(), (1, true));
    assert_eq!(Outgoing(&stream).take(), one("4"));
}

#[test]
fn h3_the_frame_that_was_begun_last_can_be_cut_and_others_follow() {
    let stream = Shared::<64>::new();
    let mut grant = Outgoing(&stream).room(40, 4).unwrap();
    // Before there is a frame there is nothing to cut.
    grant.truncate(0);
    fill(&mut grant, &[b"12345678"]);
    for len in [9, 8, 3, 5] {
        grant.truncate(len);
    }
    fill(&mut grant, &[b"", b"abcdef"]);
    grant.truncate(0);
    fill(&mut grant, &[b"end"]);
    grant.commit().unwrap();
    assert_eq!(stream.write_buffer_bytes(), 3 + 3 + 4 * 2);
    let frames: [&[u8]; 4] = [b"123", b"", b"", b"end"];
    assert_eq!(Outgoing(&stream).take().unwrap(), frames);
}

#[test]
fn h3_a_frame_beyond_what_was_reserved_is_refused_and_changes_nothing() {
    let stream = Shared::<64>::new();
    let mut grant = Incoming(&stream).room(6, 2).unwrap();
    assert!(grant.frame(9).is_none());
    fill(&mut grant, &[b"123"]);
    assert!(grant.frame(4).is_none());
    assert!(grant.frame(usize::MAX).is_none());
    fill(&mut grant, &[b"456"]);
    assert!(grant.frame(0).is_none());
    // What was cut off can be used for another frame.
    grant.truncate(1);
    fill(&mut grant, &[b""]);
    grant.commit().unwrap();
    let frames: [&[u8]; 3] = [b"123", b"4", b""];
    assert_eq!(Incoming(&stream).take().unwrap(), frames);
}

#[test]
fn h3_frames_of_16384_bytes_and_more_are_written_and_cut_in_place() {
    let stream = Box::new(Shared::<40_000>::new());
    let side = Incoming(&stream);
    let frame: Vec<u8> = (0..20_000).map(|k| (k % 251) as u8).collect();
    for cut in [19_999, 16_384, 16_383, 1, 0] {
        let mut grant = side.written(&frame);
        grant.truncate(cut);
        grant.commit().unwrap();
        assert_eq!(side.level(), cut + 2);
        assert_eq!(side.take(), one(&frame[..cut]));
    }
    // In the middle of others, whose headers are short.
    let frames: [&[u8]; 4] = [b"first", &frame[..16_384], b"", &frame];
    let mut grant = side.room(5 + 16_384 + 20_000, 4).unwrap();
    fill(&mut grant, &frames);
    grant.truncate(17_000);
    grant.commit().unwrap();
    assert_eq!(side.level(), 5 + 16_384 + 17_000 + 4 * 2);
    let lent = side.look().unwrap();
    assert!(
        lent.frames()
            .eq([frames[0], frames[1], b"", &frame[..17_000]])
    );
    lent.release();
    // What was reserved for longer headers than were needed is there again.
    assert_eq!(side.put(&[&frame, &frame[..19_992]]), Ok(()));
}

#[test]
fn h3_a_frame_that_is_cut_from_16384_bytes_on_keeps_the_longer_header_and_others_may_follow() {
    fn check<'s, const R: bool>(side: impl Side<'s, 40_000, R>) {
        let mut grant = side.room(2 * 16_384 + 3, 3).unwrap();
        for cut in [5, 0] {
            let used = grant.used_bytes();
            fill(&mut grant, &[&[1; 16_384]]);
            grant.truncate(cut);
            assert_eq!(grant.used_bytes(), used + 4 + cut);
        }
        fill(&mut grant, &[b"end"]);
        let behind = side.room(4, 1).unwrap();
        grant.commit().unwrap();
        drop(behind);
        // The charge is that of what is left.
        assert_eq!(side.level(), 5 + 3 + 3 * 2);
        let frames: [&[u8]; 3] = [&[1; 5], b"", b"end"];
        assert_eq!(side.take().unwrap(), frames);
        assert_eq!(side.level(), 0);
        assert_eq!(side.put(&[&[2; 39_996]]), Ok(()));
    }
    let stream = Box::new(Shared::<40_000>::new());
    check(Outgoing(&stream));
    check(Incoming(&stream));
    // What it takes where it is copied out is what it takes where it lies.
    let copied = Box::new(Shared::<40_000>::new());
    let mut grant = Incoming(&copied).written([3; 16_384]);
    grant.truncate(6);
    grant.commit().unwrap();
    let too_small = ReadError::TooSmall { needed_bytes: 10 };
    assert_eq!(
        copied.try_read(&mut [0; 9]).map(drop),
        Err(TryReadError::Read(too_small))
    );
    let mut out = [0; 10];
    assert!(copied.try_read(&mut out).unwrap().eq([[3; 6]]));
}

#[test]
fn h3_the_frame_that_was_begun_last_is_reached_again_until_another_is_begun() {
    fn check<'s, const R: bool>(side: impl Side<'s, 64, R>) {
        let mut grant = side.room(20, 3).unwrap();
        assert_eq!(grant.last_frame_mut(), None);
        for frame in [b"tide", b"gate"] {
            grant.frame(6).unwrap();
            // As an interrupt does to which they come one at a time.
            for (at, &byte) in frame.iter().enumerate() {
                grant.last_frame_mut().unwrap()[at] = byte;
            }
            // It is as long as what is left of it.
            assert_eq!(grant.last_frame_mut().map(|frame| frame.len()), Some(6));
            grant.truncate(4);
            assert_eq!(grant.last_frame_mut(), Some(&mut { *frame }[..]));
        }
        // One that is refused leaves the last one what it was.
        assert!(grant.frame(64).is_none());
        assert_eq!(grant.last_frame_mut(), Some(&mut b"gate".to_owned()[..]));
        grant.frame(0).unwrap();
        assert_eq!(grant.last_frame_mut(), Some(&mut [][..]));
        grant.commit().unwrap();
        assert_eq!(side.take().unwrap(), [&b"tide"[..], b"gate", b""]);
    }
    let stream = Shared::new();
    check(Incoming(&stream));
    check(Outgoing(&stream));
}

#[test]
fn h3_what_was_given_up_is_passed_however_long_it_is() {
    // Of all this, only what is written to takes memory.
    static STREAM: Stream<{ 1 << 26 }, 0, 0, Broken> = Stream::new();
    let port = STREAM.port();
    STREAM.set_read_limits(Watermarks::UNLIMITED);
    for bits in 1..26 {
        for len in [(1 << bits) - 1, 1 << bits, (1 << bits) + 1] {
            port.feed(&[b"before"]).unwrap();
            let given_up = port.reserve(len, 1).unwrap();
            port.feed(&[b"behind"]).unwrap();
            drop(given_up);
            for text in ["before", "behind"] {
                let lent = STREAM.try_peek().unwrap();
                assert!(lent.frames().eq([text.as_bytes()]), "{len}");
                lent.release();
            }
        }
    }
}

#[test]
fn h3_what_a_shortened_message_leaves_behind_is_passed_even_if_it_is_one_byte() {
    fn check<'s, const R: bool>(side: impl Side<'s, 64, R>) {
        for unused in 1..4 {
            let mut shortened = side.room(4 + unused, 1).unwrap();
            side.put(&[b"behind"]).unwrap();
            fill(&mut shortened, &[b"four"]);
            shortened.commit().unwrap();
            assert_eq!(side.take(), one("four"));
            assert_eq!(side.take(), one("behind"));
            assert_eq!((side.take(), side.level()), (None, 0));
        }
    }
    let stream = Shared::new();
    check(Incoming(&stream));
    check(Outgoing(&stream));
}
