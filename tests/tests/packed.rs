//! The packed message buffer: what goes in comes out, and what fits is what the docs say.

use std::collections::VecDeque;

use tidegate_core::{Frames, Level, MessageBuffer, PushError};
use tidegate_tests::{Message, random_message, with_frames};

fn owned(frames: Frames<'_>) -> Message {
    frames.map(<[u8]>::to_vec).collect()
}

/// Bytes that a message takes in the ring.
fn packed_len(message: &Message) -> usize {
    let header = |frame: &Vec<u8>| if frame.len() < 16_384 { 2 } else { 4 };
    message
        .iter()
        .map(|frame| frame.len() + header(frame))
        .sum()
}

fn charge(message: &Message) -> usize {
    message.iter().map(|frame| frame.len() + 2).sum()
}

/// A buffer beside a model that is obviously right.
fn compare<const N: usize>(seed: u64, steps: usize) {
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut buffer = Box::new(MessageBuffer::<N>::new());
    let mut model: VecDeque<Message> = VecDeque::new();
    for _ in 0..steps {
        if rng.bool() {
            let message = random_message(&mut rng, 5, N / 3 + 2);
            let free = buffer.largest_free_bytes();
            let len = packed_len(&message);
            match with_frames(&message, |frames| {
                buffer.push(frames).map_err(|e| match e {
                    PushError::Full(back) => (back == frames, false),
                    PushError::TooLarge(back) => (back == frames, true),
                    PushError::NoFrames(_) | PushError::Closed(_) => panic!("{e:?}"),
                })
            }) {
                Ok(()) => {
                    assert!(len <= free);
                    model.push_back(message);
                }
                Err((came_back, too_large)) => {
                    assert!(came_back);
                    assert!(len > free);
                    assert_eq!(too_large, len > N);
                    assert!(
                        too_large || !model.is_empty(),
                        "an empty buffer takes what fits"
                    );
                }
            }
        } else {
            assert_eq!(buffer.peek_with(owned), model.front().cloned());
            assert_eq!(buffer.pop_with(owned), model.pop_front());
        }
        assert_eq!(buffer.len(), model.len());
        assert_eq!(buffer.is_empty(), model.is_empty());
        assert_eq!(buffer.level_bytes(), model.iter().map(charge).sum());
    }
}

#[test]
fn c1_whole_messages_come_out_in_order_at_every_capacity() {
    compare::<0>(1, 1_000);
    compare::<1>(1, 1_000);
    compare::<2>(1, 1_000);
    compare::<3>(1, 5_000);
    compare::<7>(1, 5_000);
    compare::<16>(1, 10_000);
    compare::<64>(1, 20_000);
    compare::<257>(1, 20_000);
    compare::<2048>(1, 20_000);
    compare::<100_000>(1, 2_000);
}

#[test]
fn b5_an_empty_buffer_takes_every_message_that_fits_its_capacity_wherever_it_stood_before() {
    for before in 0..=62 {
        let mut buffer = MessageBuffer::<64>::new();
        buffer.push(&[&vec![0; before]]).unwrap();
        buffer.pop_with(|_| ());
        assert_eq!(buffer.push(&[&[7; 62]]), Ok(()));
        let one: &[&[u8]] = &[b""];
        assert_eq!(buffer.push(one), Err(PushError::Full(one)));
    }
    let mut buffer = MessageBuffer::<64>::new();
    assert!(matches!(
        buffer.push(&[&[7; 63]]),
        Err(PushError::TooLarge(_))
    ));
}

#[test]
fn b5_a_refused_message_changes_nothing() {
    let mut buffer = MessageBuffer::<32>::new();
    buffer.push(&[b"first", b""]).unwrap();
    let level = buffer.level_bytes();
    assert!(matches!(buffer.push(&[&[1; 30]]), Err(PushError::Full(_))));
    assert!(matches!(
        buffer.push(&[&[1; 31]]),
        Err(PushError::TooLarge(_))
    ));
    assert_eq!((buffer.len(), buffer.level_bytes()), (1, level));
    assert_eq!(
        buffer.pop_with(owned),
        Some(vec![b"first".to_vec(), vec![]])
    );
}

#[test]
fn b3_ninety_three_messages_of_20_bytes_or_ten_of_200_fit_in_2048() {
    for (len, fit) in [(20, 93), (200, 10)] {
        let mut buffer = MessageBuffer::<2048>::new();
        let payload = vec![0; len];
        let fitted = (0..200)
            .take_while(|_| buffer.push(&[&payload]).is_ok())
            .count();
        assert_eq!(fitted, fit);
    }
}

#[test]
fn d3_a_message_without_frames_is_refused() {
    let mut buffer = MessageBuffer::<32>::new();
    assert_eq!(buffer.push(&[]), Err(PushError::NoFrames(&[][..])));
    assert!(buffer.is_empty());
}

#[test]
fn c1_empty_frames_and_up_to_200_frames_come_out_as_they_went_in() {
    let mut buffer = MessageBuffer::<1024>::new();
    for count in 1..=200 {
        let message: Message = (0..count).map(|k| vec![0xA5; k % 3]).collect();
        with_frames(&message, |frames| buffer.push(frames).unwrap());
        let back = buffer.pop_with(|frames| {
            assert_eq!(frames.frame_count(), count);
            assert_eq!(frames.payload_bytes(), message.iter().map(Vec::len).sum());
            owned(frames)
        });
        assert_eq!(back, Some(message));
    }
}

#[test]
fn c1_frames_on_either_side_of_the_long_header_come_out_as_they_went_in() {
    let mut buffer = Box::new(MessageBuffer::<100_000>::new());
    for len in [16_383, 16_384, 16_385, 24_576, 65_535, 65_536, 99_996] {
        let frame: Vec<u8> = (0..len).map(|k| (k % 251) as u8).collect();
        buffer.push(&[&frame]).unwrap();
        assert_eq!(buffer.level_bytes(), len + 2);
        assert_eq!(buffer.pop_with(owned), Some(vec![frame]));
        assert_eq!(buffer.level_bytes(), 0);
    }
    assert!(matches!(
        buffer.push(&[&vec![0; 99_997]]),
        Err(PushError::TooLarge(_))
    ));
}

#[test]
fn c1_clear_forgets_everything_and_the_whole_capacity_is_there_again() {
    let mut buffer = MessageBuffer::<32>::new();
    buffer.push(&[b"12345678"]).unwrap();
    buffer.push(&[b"12345678"]).unwrap();
    buffer.pop_with(|_| ());
    buffer.push(&[b"12345678"]).unwrap();
    buffer.clear();
    assert!(buffer.is_empty());
    assert_eq!((buffer.level_bytes(), buffer.largest_free_bytes()), (0, 32));
    assert_eq!(buffer.capacity_bytes(), 32);
}
