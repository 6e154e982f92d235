//! The room of messages that are written in place: B3, B5, and what becomes of it at the end, with exact wakes.

use std::mem;
use std::sync::{Arc, Mutex};
use std::task::{Poll, Wake};

use tidegate_core::{CommitError, PushError, ReadError, Watermarks, WriteError};
use tidegate_tests::{Broken, Counter, Incoming, Message, Outgoing, Shared, Side, fill, poll};

fn one(frame: impl AsRef<[u8]>) -> Option<Message> {
    Some(vec![frame.as_ref().to_vec()])
}

#[test]
fn b3_a_commit_that_shrinks_is_charged_for_what_was_written_and_gives_the_rest_back() {
    fn check<'s, const R: bool>(side: impl Side<'s, 64, R>) {
        let mut grant = side.room(40, 2).unwrap();
        fill(&mut grant, &[b"four"]);
        assert_eq!(side.level(), 0);
        assert_eq!(side.put(&[&[0; 40]]), Err(PushError::Full(())));
        grant.commit().unwrap();
        assert_eq!(side.level(), 6);
        // It was the newest: what it did not need is there at once.
        drop(side.room(56, 1).unwrap());
        // One that is not the newest gives the rest back when it is read.
        let mut early = side.room(30, 1).unwrap();
        let late = side.written("late");
        fill(&mut early, &[b"early"]);
        early.commit().unwrap();
        late.commit().unwrap();
        assert_eq!(side.level(), 6 + 7 + 6);
        assert_eq!(side.put(&[&[0; 20]]), Err(PushError::Full(())));
        assert_eq!(side.take(), one("four"));
        assert_eq!(side.take(), one("early"));
        assert_eq!(side.put(&[&[0; 30]]), Ok(()));
        assert_eq!(side.take(), one("late"));
        assert_eq!(side.take(), one([0; 30]));
    }
    let stream = Shared::new();
    check(Incoming(&stream));
    check(Outgoing(&stream));
}

#[test]
fn d3_a_grant_of_no_frames_is_refused_and_its_room_is_free_again() {
    fn check<'s, const R: bool>(side: impl Side<'s, 64, R>) {
        assert!(matches!(side.room(9, 0), Err(PushError::NoFrames(()))));
        let grant = side.room(62, 1).unwrap();
        assert_eq!(grant.commit(), Err(CommitError::NoFrames));
        assert_eq!(side.level(), 0);
        assert!(side.look().is_none());
        drop(side.room(62, 1).unwrap());
    }
    let stream = Shared::new();
    check(Incoming(&stream));
    check(Outgoing(&stream));
}

#[test]
fn b5_a_reservation_is_full_or_too_large_just_as_a_message_of_that_size_is() {
    fn check<'s, const R: bool>(side: impl Side<'s, 64, R>) {
        let too_large = |bytes, frames| {
            let error = side.room(bytes, frames).map(drop);
            assert_eq!(error, Err(PushError::TooLarge(())), "{bytes} in {frames}");
        };
        let most = usize::MAX;
        for (bytes, frames) in [
            (63, 1),
            (0, 33),
            (61, 2),
            (most, 1),
            (1, most),
            (most, most),
        ] {
            too_large(bytes, frames);
        }
        for (bytes, frames) in [(0, 32), (60, 2), (62, 1)] {
            let room = side.room(bytes, frames).unwrap();
            assert_eq!(side.room(0, 1).map(drop), Err(PushError::Full(())));
            too_large(63, 1);
            drop(room);
        }
    }
    let stream = Shared::new();
    check(Incoming(&stream));
    check(Outgoing(&stream));
}

#[test]
fn h3_a_forgotten_grant_holds_up_what_comes_after_it_and_corrupts_nothing() {
    fn check<'s, const R: bool>(side: impl Side<'s, 64, R>) {
        side.put(&[b"before"]).unwrap();
        mem::forget(side.written("forgotten"));
        // What fits is queued behind it, and stays there: 8 + 11 + 9 * 5 = 64.
        for k in 0..9 {
            assert_eq!(side.put(&[&[k; 3]]), Ok(()));
        }
        assert_eq!(side.put(&[b""]), Err(PushError::Full(())));
        assert_eq!(side.take(), one("before"));
        for k in 0..100 {
            // The room of what was read before it is used once more, and never that of the forgotten one.
            assert_eq!(side.put(&[&[k; 3]]).is_ok(), k == 0);
            assert!(side.look().is_none());
        }
        assert_eq!(side.level(), 10 * 5);
    }
    let stream = Shared::new();
    check(Incoming(&stream));
    check(Outgoing(&stream));
    stream.abort();
    assert_eq!(stream.read_buffer_bytes() + stream.write_buffer_bytes(), 0);
    assert!(Incoming(&stream).look().is_none() && Outgoing(&stream).look().is_none());
}

#[test]
fn d4_a_grant_that_is_committed_after_the_end_is_refused_on_either_side() {
    type End = (fn(&Shared<64>), ReadError<Broken>);
    let ends: [End; 3] = [
        (|stream| stream.close(), ReadError::Closed),
        (|stream| stream.abort(), ReadError::Closed),
        (
            |stream| stream.port().fail(Broken),
            ReadError::Failed(Broken),
        ),
    ];
    for (end, error) in ends {
        let stream = Shared::<64>::new();
        let (received, to_send) = (Incoming(&stream), Outgoing(&stream));
        let reader = Counter::new();
        let mut peek = stream.peek();
        assert!(poll(&mut peek, &reader).is_pending());
        let grants = (received.written("in"), to_send.written("out"));
        end(&stream);
        assert_eq!(reader.take(), 1);
        assert_eq!(grants.0.commit(), Err(CommitError::Closed));
        assert_eq!(grants.1.commit(), Err(CommitError::Closed));
        assert_eq!((received.level(), to_send.level()), (0, 0));
        assert!(matches!(poll(&mut peek, &reader), Poll::Ready(Err(e)) if e == error));
        assert!(to_send.look().is_none());
        assert!(matches!(received.room(1, 1), Err(PushError::Closed(()))));
        assert!(matches!(to_send.room(1, 1), Err(PushError::Closed(()))));
    }
}

#[test]
fn e1_what_was_committed_behind_a_grant_that_a_close_refuses_is_still_sent_and_read() {
    let stream = Shared::<64>::new();
    let (received, to_send) = (Incoming(&stream), Outgoing(&stream));
    let (driver, reader) = (Counter::new(), Counter::new());
    let mut peek = stream.peek();
    assert!(poll(&mut peek, &reader).is_pending());
    let grants = (received.written("late"), to_send.written("late"));
    received.put(&[b"in"]).unwrap();
    to_send.put(&[b"out"]).unwrap();
    stream.close();
    stream.port().register(&driver.waker());
    assert_eq!((driver.take(), reader.take()), (0, 0));
    assert_eq!(grants.1.commit(), Err(CommitError::Closed));
    assert_eq!((driver.take(), reader.take()), (1, 0));
    assert_eq!(to_send.take(), one("out"));
    assert_eq!(grants.0.commit(), Err(CommitError::Closed));
    assert_eq!(reader.take(), 1);
    assert!(matches!(poll(&mut peek, &reader), Poll::Ready(Ok(lent)) if lent.frames().eq([b"in"])));
}

#[test]
fn b5_room_that_a_grant_gives_back_wakes_the_transport_that_waits_for_it_once() {
    let stream = Shared::<64>::new();
    stream.set_read_limits(Watermarks::UNLIMITED);
    let side = Incoming(&stream);
    let driver = Counter::new();
    let woken = || {
        stream.port().register(&driver.waker());
        (driver.take(), stream.port().interest().receive)
    };
    let starve = || {
        assert_eq!(side.put(&[&[0; 40]]), Err(PushError::Full(())));
        assert_eq!(woken(), (0, false));
    };
    assert_eq!(woken(), (0, true));
    // Nobody waits for this room.
    drop(side.room(40, 1).unwrap());
    assert_eq!(woken(), (0, true));
    let grant = side.room(40, 1).unwrap();
    starve();
    drop(grant);
    assert_eq!(woken(), (1, true));
    let mut grant = side.room(40, 1).unwrap();
    starve();
    fill(&mut grant, &[b"short"]);
    grant.commit().unwrap();
    assert_eq!(woken(), (1, true));
    side.put(&[&[0; 30]]).unwrap();
    starve();
    assert_eq!(side.take(), one("short"));
    assert_eq!(woken(), (1, true));
    assert_eq!(side.take(), one([0; 30]));
    assert_eq!(woken(), (0, true));
}

#[test]
fn b5_room_that_a_grant_gives_back_wakes_the_send_that_waits_for_it_once() {
    let stream = Shared::<64>::new();
    let sender = Counter::new();
    let message: &[&[u8]] = &[&[1; 50]];
    let first = stream.reserve(30, 1).unwrap();
    let mut last = stream.reserve(20, 1).unwrap();
    let mut send = stream.send(message);
    assert!(poll(&mut send, &sender).is_pending());
    // Nobody may take the room that it waits for.
    let late: &[&[u8]] = &[b""];
    assert!(matches!(stream.reserve(0, 1), Err(WriteError::Full(()))));
    assert_eq!(stream.write(late), Err(WriteError::Full(late)));
    drop(first);
    assert_eq!(sender.take(), 0);
    fill(&mut last, &[b"short"]);
    last.commit().unwrap();
    // 57 bytes would do, and 32 of them are those before it, which it cannot have before it was sent.
    assert_eq!(sender.take(), 0);
    assert_eq!(Outgoing(&stream).take(), one("short"));
    assert_eq!(sender.take(), 1);
    assert_eq!(poll(&mut send, &sender), Poll::Ready(Ok(())));
    assert_eq!(Outgoing(&stream).take(), one([1; 50]));
    // And one for which a commit or a drop is enough.
    for shrink in [false, true] {
        let mut grant = stream.reserve(30, 1).unwrap();
        let mut send = stream.send(message);
        assert!(poll(&mut send, &sender).is_pending());
        if shrink {
            fill(&mut grant, &[b"short"]);
            grant.commit().unwrap();
        } else {
            drop(grant);
        }
        assert_eq!(sender.take(), 1);
        assert_eq!(poll(&mut send, &sender), Poll::Ready(Ok(())));
        while Outgoing(&stream).take().is_some() {}
    }
}

/// A transport that has one message in hand, and tries again in the moment in which it is woken.
struct Eager {
    stream: &'static Shared<64>,
    tries: Mutex<Vec<bool>>,
}

impl Wake for Eager {
    fn wake(self: Arc<Self>) {
        self.stream.port().register(&self.clone().into());
        let fits = Incoming(self.stream).put(&[&[3; 30]]).is_ok();
        self.tries.lock().unwrap().push(fits);
    }
}

#[test]
fn b5_a_transport_that_tries_again_before_all_the_room_is_there_is_woken_again() {
    static STREAM: Shared<64> = Shared::new();
    let side = Incoming(&STREAM);
    STREAM.set_read_limits(Watermarks::UNLIMITED);
    side.put(&[&[1; 20]]).unwrap();
    let given_up = side.room(30, 1).unwrap();
    side.put(&[b"end"]).unwrap();
    drop(given_up);
    let eager = Arc::new(Eager {
        stream: &STREAM,
        tries: Mutex::default(),
    });
    eager.clone().wake();
    // The message makes room, and what was given up behind it makes more, one after the other.
    assert_eq!(side.take(), one([1; 20]));
    assert_eq!(*eager.tries.lock().unwrap(), [false, false, true]);
    assert_eq!(side.take(), one("end"));
    assert_eq!(side.take(), one([3; 30]));
}
