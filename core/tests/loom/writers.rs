//! Those who wait to write, to be resumed, or for the write buffer to be empty.

use loom::thread;
use tidegate_core::Watermarks;

use crate::support::{begins_to_wait, block_on, model};
use crate::{Stream, stream};

/// Three messages of four bytes; once one has gone there is room for no longer one, in one piece, and once two have, for one of seven.
fn full() -> &'static Stream {
    let stream = stream();
    stream.set_write_limits(Watermarks::UNLIMITED);
    for _ in 0..3 {
        stream.write(&[b"00"]).unwrap();
    }
    stream
}

/// The transport takes the oldest message over.
fn sent(stream: &Stream) -> u8 {
    let head = stream.port().head().unwrap();
    let first = head.frames().next().unwrap()[0];
    head.release();
    first
}

async fn send(stream: &Stream, message: &'static [&'static [u8]]) {
    stream.send(message).await.unwrap();
}

#[test]
fn b5_a_sender_that_waits_for_room_gets_it_when_a_message_has_gone() {
    model([None, None], || {
        let stream = full();
        let sender = thread::spawn(|| block_on(send(stream, &[b"12345"])));
        sent(stream);
        sent(stream);
        sender.join().unwrap();
        assert_eq!([sent(stream), sent(stream)], *b"01");
    });
}

#[test]
fn b5_senders_that_wait_for_room_go_in_the_order_in_which_they_came() {
    model([Some(3), Some(2)], || {
        let stream = full();
        let mut first = Box::pin(send(stream, &[b"12345"]));
        let mut second = Box::pin(send(stream, &[b"2"]));
        begins_to_wait(&mut first);
        begins_to_wait(&mut second);
        let first = thread::spawn(|| block_on(first));
        let second = thread::spawn(|| block_on(second));
        for _ in 0..3 {
            assert_eq!(sent(stream), b'0');
        }
        first.join().unwrap();
        second.join().unwrap();
        assert_eq!([sent(stream), sent(stream)], *b"12");
    });
}

#[test]
fn b5_whoever_waits_for_room_to_write_in_place_and_who_sends_behind_it_get_it_in_that_order() {
    model([Some(3), Some(2)], || {
        let stream = full();
        let mut first = stream.wait_for_room(5, 1);
        let mut second = Box::pin(send(stream, &[b"2"]));
        begins_to_wait(&mut first);
        begins_to_wait(&mut second);
        let first = thread::spawn(|| {
            let mut grant = block_on(first).unwrap();
            grant.frame(5).unwrap().copy_from_slice(b"12345");
            grant.commit().unwrap();
        });
        let second = thread::spawn(|| block_on(second));
        for _ in 0..3 {
            assert_eq!(sent(stream), b'0');
        }
        first.join().unwrap();
        second.join().unwrap();
        assert_eq!([sent(stream), sent(stream)], *b"12");
    });
}

#[test]
fn c2_a_sender_that_is_dropped_when_it_was_woken_passes_its_turn_on() {
    model([Some(4), Some(2)], || {
        let stream = full();
        let mut first = Box::pin(send(stream, &[b"111"]));
        let mut second = Box::pin(send(stream, &[b"222"]));
        begins_to_wait(&mut first);
        begins_to_wait(&mut second);
        let dropped = thread::spawn(|| drop(first));
        let second = thread::spawn(|| block_on(second));
        assert_eq!([sent(stream), sent(stream)], *b"00");
        second.join().unwrap();
        dropped.join().unwrap();
        assert_eq!([sent(stream), sent(stream)], *b"02");
    });
}

#[test]
fn d2_all_who_drain_go_on_when_the_gate_opens() {
    model([Some(4), Some(2)], || {
        let stream = stream();
        stream.set_write_limits(Watermarks::new(4, 0).unwrap());
        stream.write(&[b"00"]).unwrap();
        stream.write(&[b"00"]).unwrap();
        let drains = [(); 2].map(|()| thread::spawn(|| block_on(stream.drain()).unwrap()));
        sent(stream);
        sent(stream);
        for drain in drains {
            drain.join().unwrap();
        }
    });
}

#[test]
fn d2_whoever_flushes_goes_on_though_another_writes_when_the_buffer_was_just_empty() {
    model([Some(4), Some(2)], || {
        let stream = stream();
        stream.write(&[b"00"]).unwrap();
        let mut flush = stream.flush();
        begins_to_wait(&mut flush);
        let flush = thread::spawn(|| block_on(flush).unwrap());
        let writer = thread::spawn(|| stream.write(&[b"11"]).unwrap());
        // What is written before this goes before the flush is over, and may be flushed, too.
        sent(stream);
        writer.join().unwrap();
        if stream.write_buffer_bytes() > 0 && stream.port().head().is_some() {
            sent(stream);
        }
        flush.join().unwrap();
    });
}
