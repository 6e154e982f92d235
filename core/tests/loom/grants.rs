//! Messages that are written and looked at where they lie, by several at once.

use loom::thread;
use tidegate_core::{CommitError, PushError, ReadError};

use crate::support::{block_on, model};
use crate::{Stream, stream};

/// A received message of two bytes, written in place; it is given up again if `k` is 0.
fn receive(stream: &Stream, k: u8) {
    let mut grant = stream.port().reserve(2, 1).unwrap();
    grant.frame(2).unwrap().fill(k);
    // Others come and go while it is written.
    thread::yield_now();
    if k > 0 {
        grant.commit().unwrap();
    }
}

async fn next(stream: &Stream) -> Result<u8, ReadError<u8>> {
    let message = stream.peek().await?;
    let before = message.frames().next().unwrap().to_vec();
    // Nobody writes where it lies.
    thread::yield_now();
    assert_eq!(message.frames().next(), Some(&before[..]));
    assert!(before.iter().all(|&k| k == before[0]));
    message.release();
    Ok(before[0])
}

#[test]
fn h3_two_who_write_in_place_are_read_whole_and_no_byte_is_anothers() {
    model([Some(3), Some(2)], || {
        let stream = stream();
        let other = thread::spawn(|| receive(stream, 1));
        let reader = thread::spawn(|| [(); 2].map(|()| block_on(next(stream)).unwrap()));
        receive(stream, 2);
        let mut got = reader.join().unwrap();
        got.sort();
        assert_eq!(got, [1, 2]);
        other.join().unwrap();
    });
}

#[test]
fn h3_what_is_given_up_in_front_of_a_message_keeps_nobody_from_it() {
    model([Some(4), Some(2)], || {
        let stream = stream();
        let gives_up = thread::spawn(|| receive(stream, 0));
        let reader = thread::spawn(|| block_on(next(stream)).unwrap());
        receive(stream, 1);
        assert_eq!(reader.join().unwrap(), 1);
        gives_up.join().unwrap();
        assert_eq!(stream.read_buffer_bytes(), 0);
    });
}

#[test]
fn h3_a_ring_that_is_full_again_and_again_slides_under_its_reader() {
    model([Some(4), Some(2)], || {
        let stream = stream();
        let feeder = thread::spawn(|| {
            for k in 1..=6 {
                while let Err(error) = stream.port().feed(&[&[k; 3]]) {
                    assert!(matches!(error, PushError::Full(_)));
                    thread::yield_now();
                }
            }
        });
        for k in 1..=6 {
            assert_eq!(block_on(next(stream)), Ok(k));
        }
        feeder.join().unwrap();
    });
}

#[test]
fn e1_a_message_that_is_committed_when_the_stream_closes_is_refused_or_is_read() {
    model([Some(4), Some(2)], || {
        let stream = stream();
        let writer = thread::spawn(|| {
            let mut grant = stream.port().reserve(2, 1).ok()?;
            grant.frame(2).unwrap().fill(1);
            Some(grant.commit())
        });
        let reader = thread::spawn(|| block_on(next(stream)));
        stream.close();
        let committed = writer.join().unwrap();
        let read = reader.join().unwrap();
        match committed {
            Some(Ok(())) => assert_eq!(read, Ok(1)),
            None | Some(Err(CommitError::Closed)) => assert_eq!(read, Err(ReadError::Closed)),
            Some(Err(error)) => panic!("{error}"),
        }
    });
}

#[test]
fn e1_a_shortened_message_that_a_close_refuses_takes_none_with_it_that_came_behind() {
    model([Some(4), Some(2)], || {
        let stream = stream();
        let writer = thread::spawn(|| {
            let mut grant = stream.port().reserve(6, 1).ok()?;
            grant.frame(2).unwrap().fill(1);
            grant.commit().ok()
        });
        // As long as what the other leaves over.
        stream.port().feed(&[&[2; 2]]).unwrap();
        stream.close();
        let committed = writer.join().unwrap();
        let mut read = [(); 2].map(|()| block_on(next(stream)).ok());
        read.sort();
        assert_eq!(read, [committed.map(|()| 1), Some(2)]);
    });
}
