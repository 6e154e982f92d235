//! Those who wait for a message.

use loom::thread;
use tidegate_core::{ReadError, TryReadError};

use crate::support::{begins_to_wait, block_on, model};
use crate::{Stream, stream};

/// The first byte of the message that comes next; the second one is the same.
async fn next(stream: &Stream) -> Result<u8, ReadError<u8>> {
    let message = stream.peek().await?;
    let frames: Vec<_> = message.frames().map(<[u8]>::to_vec).collect();
    message.release();
    let [frame] = frames.as_slice() else {
        panic!("{frames:?}");
    };
    assert_eq!(frame[..], [frame[0]; 2]);
    Ok(frame[0])
}

fn feed(stream: &Stream, k: u8) {
    stream.port().feed(&[&[k, k]]).unwrap();
}

#[test]
fn c3_a_reader_gets_what_comes_while_it_makes_up_its_mind_to_sleep() {
    model([None, None], || {
        let stream = stream();
        let reader = thread::spawn(|| [block_on(next(stream)), block_on(next(stream))]);
        feed(stream, 1);
        feed(stream, 2);
        assert_eq!(reader.join().unwrap(), [Ok(1), Ok(2)]);
    });
}

#[test]
fn c3_of_two_readers_and_two_messages_each_gets_one_however_they_come() {
    model([Some(4), Some(2)], || {
        let stream = stream();
        let readers = [(); 2].map(|()| thread::spawn(|| block_on(next(stream)).unwrap()));
        feed(stream, 1);
        feed(stream, 2);
        let mut got = readers.map(|reader| reader.join().unwrap());
        got.sort();
        assert_eq!(got, [1, 2]);
    });
}

#[test]
fn c3_those_who_wait_are_served_in_the_order_in_which_they_came() {
    model([Some(4), Some(2)], || {
        let stream = stream();
        let [mut first, mut second] = [(); 2].map(|()| Box::pin(next(stream)));
        begins_to_wait(&mut first);
        begins_to_wait(&mut second);
        let first = thread::spawn(|| block_on(first));
        let second = thread::spawn(|| block_on(second));
        feed(stream, 1);
        feed(stream, 2);
        assert_eq!(first.join().unwrap(), Ok(1));
        assert_eq!(second.join().unwrap(), Ok(2));
    });
}

#[test]
fn c2_a_reader_that_is_dropped_when_it_was_woken_passes_its_turn_on() {
    model([Some(4), Some(2)], || {
        let stream = stream();
        let [mut first, mut second] = [(); 2].map(|()| Box::pin(next(stream)));
        begins_to_wait(&mut first);
        begins_to_wait(&mut second);
        let dropped = thread::spawn(|| drop(first));
        let second = thread::spawn(|| block_on(second));
        feed(stream, 1);
        dropped.join().unwrap();
        assert_eq!(second.join().unwrap(), Ok(1));
    });
}

#[test]
fn c6_a_try_read_overtakes_nobody_whenever_it_comes() {
    model([Some(4), Some(2)], || {
        let stream = stream();
        let mut first = Box::pin(next(stream));
        begins_to_wait(&mut first);
        let other = thread::spawn(|| stream.try_read(&mut [0; 8]).map(|_| ()));
        let feeder = thread::spawn(|| feed(stream, 1));
        assert_eq!(block_on(first), Ok(1));
        assert_eq!(other.join().unwrap(), Err(TryReadError::Empty));
        feeder.join().unwrap();
    });
}

#[test]
fn h3_whoever_looks_and_leaves_the_message_wakes_the_next_reader() {
    model([Some(4), Some(2)], || {
        let stream = stream();
        let looks = thread::spawn(|| drop(block_on(stream.peek()).unwrap()));
        let reads = thread::spawn(|| block_on(next(stream)));
        feed(stream, 1);
        // The one who looks may come last.
        assert_eq!(reads.join().unwrap(), Ok(1));
        feed(stream, 2);
        looks.join().unwrap();
        assert_eq!(block_on(next(stream)), Ok(2));
    });
}
