//! Room that one waits for, to write in place: it comes in turn with those who send (B5), with exact wakes.

use std::task::Poll;

use tidegate_core::{NoEvents, SendError, WaitForRoom, Watermarks, WriteError};
use tidegate_tests::{Broken, Counter, Message, Outgoing, Room, Shared, Side, fill, poll};

type Wait<'s> = WaitForRoom<'s, 64, 64, 4, Broken, NoEvents>;

fn one(frame: impl AsRef<[u8]>) -> Option<Message> {
    Some(vec![frame.as_ref().to_vec()])
}

/// The room that is there, with a frame in it.
fn ready<'s>(wait: &mut Wait<'s>, frame: &[u8]) -> Room<'s, 64, false> {
    let Poll::Ready(Ok(mut grant)) = poll(wait, &Counter::new()) else {
        panic!("there is room");
    };
    fill(&mut grant, &[frame]);
    grant
}

#[test]
fn b5_whoever_waits_for_room_to_write_in_place_is_woken_when_it_is_there_and_not_overtaken() {
    let stream = Shared::<64>::new();
    let writer = Counter::new();
    stream.write(&[&[0; 40]]).unwrap();
    let mut wait = stream.wait_for_room(20, 2);
    assert!(poll(&mut wait, &writer).is_pending());
    // The gate is open, and there is no such room.
    assert!(poll(&mut stream.drain(), &Counter::new()).is_ready());
    let small: &[&[u8]] = &[b""];
    assert_eq!(stream.write(small), Err(WriteError::Full(small)));
    assert!(matches!(stream.reserve(0, 1), Err(WriteError::Full(()))));
    stream.port().sent();
    assert_eq!(writer.take(), 1);
    let grant = ready(&mut wait, b"in place");
    // From here on others go behind it.
    assert_eq!(stream.write(&[b"behind"]), Ok(()));
    assert!(Outgoing(&stream).look().is_none());
    grant.commit().unwrap();
    assert_eq!(Outgoing(&stream).take(), one("in place"));
    assert_eq!(Outgoing(&stream).take(), one("behind"));
    // Polled on, it waits for the next.
    ready(&mut wait, b"again").commit().unwrap();
    assert_eq!(Outgoing(&stream).take(), one("again"));
    assert_eq!(writer.take(), 0);
}

#[test]
fn b5_whoever_waits_for_room_to_write_in_place_waits_for_the_gate_as_well() {
    let stream = Shared::<64>::new();
    let writer = Counter::new();
    stream.set_write_limits(Watermarks::new(4, 0).unwrap());
    stream.write(&[b"over"]).unwrap();
    let mut wait = stream.writer().wait_for_room(3, 1);
    assert!(poll(&mut wait, &writer).is_pending());
    stream.port().sent();
    assert_eq!(writer.take(), 1);
    drop(ready(&mut wait, b"now"));
}

#[test]
fn b5_those_who_send_and_those_who_write_in_place_are_served_in_the_order_in_which_they_came() {
    let stream = Shared::<64>::new();
    let writers = [(); 3].map(|()| Counter::new());
    let woken = || writers.each_ref().map(|writer| writer.take());
    stream.write(&[&[0; 40]]).unwrap();
    let mut first = stream.wait_for_room(30, 1);
    let second: &[&[u8]] = &[&[2; 20]];
    let mut second = stream.send(second);
    let mut third = stream.wait_for_room(4, 1);
    assert!(poll(&mut first, &writers[0]).is_pending());
    assert!(poll(&mut second, &writers[1]).is_pending());
    assert!(poll(&mut third, &writers[2]).is_pending());
    stream.port().sent();
    assert_eq!(woken(), [1, 0, 0]);
    assert!(poll(&mut third, &writers[2]).is_pending());
    let grant = ready(&mut first, &[1; 30]);
    assert_eq!(woken(), [0, 1, 0]);
    assert_eq!(poll(&mut second, &writers[1]), Poll::Ready(Ok(())));
    assert_eq!(woken(), [0, 0, 1]);
    ready(&mut third, b"3").commit().unwrap();
    grant.commit().unwrap();
    assert_eq!(Outgoing(&stream).take(), one([1; 30]));
    assert_eq!(Outgoing(&stream).take(), one([2; 20]));
    assert_eq!(Outgoing(&stream).take(), one("3"));
}

#[test]
fn c2_a_wait_for_room_that_is_dropped_takes_none_and_passes_its_turn_on() {
    let stream = Shared::<64>::new();
    let writers = [Counter::new(), Counter::new()];
    stream.write(&[&[0; 40]]).unwrap();
    let message: &[&[u8]] = &[&[1; 60]];
    let mut first = stream.wait_for_room(60, 1);
    let mut second = stream.send(message);
    assert!(poll(&mut first, &writers[0]).is_pending());
    assert!(poll(&mut second, &writers[1]).is_pending());
    stream.port().sent();
    assert_eq!((writers[0].take(), writers[1].take()), (1, 0));
    drop(first);
    assert_eq!(writers[1].take(), 1);
    assert_eq!(poll(&mut second, &writers[1]), Poll::Ready(Ok(())));
    // And room that was had and is given up is there for the next.
    stream.port().sent();
    let grant = ready(&mut stream.wait_for_room(60, 1), b"not sent");
    let mut next = stream.send(message);
    assert!(poll(&mut next, &writers[1]).is_pending());
    drop(grant);
    assert_eq!(writers[1].take(), 1);
    assert_eq!(poll(&mut next, &writers[1]), Poll::Ready(Ok(())));
}

#[test]
fn b5_room_that_can_never_be_there_is_refused_whoever_waits() {
    let stream = Shared::<64>::new();
    let at_once = |bytes, frames| {
        let polled = poll(&mut stream.wait_for_room(bytes, frames), &Counter::new());
        polled.map(|room| room.map(drop))
    };
    let most = usize::MAX;
    for full in [false, true] {
        if full {
            stream.write(&[&[0; 40]]).unwrap();
        }
        assert_eq!(at_once(1, 0), Poll::Ready(Err(SendError::NoFrames(()))));
        for (bytes, frames) in [(63, 1), (0, 33), (most, 1), (1, most)] {
            let refused = at_once(bytes, frames);
            assert_eq!(refused, Poll::Ready(Err(SendError::TooLarge(()))));
        }
        let is_there = at_once(62, 1);
        assert_eq!(is_there.is_ready(), !full);
    }
    // One place for each who waits.
    let mut waits = [(); 5].map(|()| stream.wait_for_room(30, 1));
    let (last, others) = waits.split_last_mut().unwrap();
    for wait in others {
        assert!(poll(wait, &Counter::new()).is_pending());
    }
    let refused = poll(last, &Counter::new()).map(|room| room.map(drop));
    assert_eq!(refused, Poll::Ready(Err(SendError::TooManyWaiters(()))));
}

#[test]
fn e3_whoever_waits_for_room_to_write_in_place_is_told_of_every_end() {
    type End = (fn(&Shared<64>), SendError<(), Broken>);
    let ends: [End; 3] = [
        (|stream| stream.close(), SendError::Closed(())),
        (|stream| stream.abort(), SendError::Closed(())),
        (
            |stream| stream.port().fail(Broken),
            SendError::Failed((), Broken),
        ),
    ];
    for (end, error) in ends {
        let stream = Shared::<64>::new();
        let writer = Counter::new();
        stream.write(&[&[0; 40]]).unwrap();
        let mut wait = stream.wait_for_room(30, 1);
        assert!(poll(&mut wait, &writer).is_pending());
        end(&stream);
        assert_eq!(writer.take(), 1);
        for _ in 0..2 {
            let told = poll(&mut wait, &writer).map(|room| room.map(drop));
            assert_eq!(told, Poll::Ready(Err(error)));
        }
    }
}
