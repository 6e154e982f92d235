//! The end of a stream, for all who wait.

use loom::thread;
use tidegate_core::{DrainError, ReadError, ReadEventError};

use crate::stream;
use crate::support::{block_on, model};

#[test]
fn e3_whoever_waits_when_the_stream_is_aborted_is_told() {
    model([Some(3), Some(2)], || {
        let stream = stream();
        stream.write(&[b"00"]).unwrap();
        let reader = thread::spawn(|| block_on(stream.peek()).map(drop));
        let flush = thread::spawn(|| block_on(stream.flush()));
        let closed = thread::spawn(|| block_on(stream.closed()).unwrap());
        stream.abort();
        assert_eq!(reader.join().unwrap(), Err(ReadError::Closed));
        let lost = closed.join().unwrap();
        assert_eq!(lost.messages, 1);
        assert_eq!(flush.join().unwrap(), Err(DrainError::Dropped(lost)));
    });
}

#[test]
fn e2_a_flush_says_what_was_dropped_though_a_head_is_released_while_the_stream_is_aborted() {
    model([Some(3), Some(2)], || {
        let stream = stream();
        stream.write(&[b"00"]).unwrap();
        stream.write(&[b"01"]).unwrap();
        let head = stream.port().head().unwrap();
        let transport = thread::spawn(move || head.release());
        let flush = thread::spawn(|| block_on(stream.flush()));
        stream.abort();
        transport.join().unwrap();
        let lost = stream.lost();
        assert!((1..=2).contains(&lost.messages));
        assert_eq!(flush.join().unwrap(), Err(DrainError::Dropped(lost)));
    });
}

#[test]
fn e3_several_who_wait_for_the_same_are_all_told_of_the_end() {
    model([Some(3), Some(2)], || {
        let stream = stream();
        let readers = [(); 3].map(|()| thread::spawn(|| block_on(stream.peek()).map(drop)));
        stream.close();
        for reader in readers {
            assert_eq!(reader.join().unwrap(), Err(ReadError::Closed));
        }
    });
}

#[test]
fn c4_what_came_before_a_close_is_read_first_by_one_and_the_other_is_told() {
    model([Some(3), Some(2)], || {
        let stream = stream();
        let readers = [(); 2]
            .map(|()| thread::spawn(|| block_on(stream.peek()).map(|message| message.release())));
        stream.port().feed(&[b"00"]).unwrap();
        stream.close();
        let mut read = readers.map(|reader| reader.join().unwrap());
        read.sort_by_key(Result::is_err);
        assert_eq!(read, [Ok(()), Err(ReadError::Closed)]);
    });
}

#[test]
fn c5_whoever_waits_when_the_transport_fails_gets_its_error() {
    model([Some(3), Some(2)], || {
        let stream = stream();
        stream.write(&[b"00"]).unwrap();
        let reader = thread::spawn(|| block_on(stream.peek()).map(drop));
        let flush = thread::spawn(|| block_on(stream.flush()));
        stream.port().fail(7);
        assert_eq!(reader.join().unwrap(), Err(ReadError::Failed(7)));
        assert_eq!(flush.join().unwrap(), Err(DrainError::Failed(7)));
    });
}

#[test]
fn f3_an_event_is_read_before_it_is_told_that_there_are_no_more() {
    model([Some(4), Some(2)], || {
        let stream = stream();
        stream.set_monitoring(true);
        let readers = [(); 2].map(|()| thread::spawn(|| block_on(stream.read_event())));
        stream.port().feed_event(1);
        stream.set_monitoring(false);
        let mut read = readers.map(|reader| reader.join().unwrap());
        read.sort_by_key(Result::is_err);
        assert_eq!(read, [Ok((1, 0)), Err(ReadEventError::NotMonitoring)]);
    });
}
