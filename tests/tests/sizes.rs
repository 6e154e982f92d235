//! The size limits: capacities from 0 upwards, messages of 0 to 200 frames, frames of 0 bytes up to all that there is, on
//! the packed buffer and on both sides of a shared stream, against a model that knows nothing but where messages lie.

use std::collections::VecDeque;
use std::convert::Infallible;

use tidegate_core::{Level, MessageBuffer, PushError, Stream, Watermarks, packed_bytes};
use tidegate_tests::{Incoming, Message, Outgoing, Shared, Side, fill, with_frames};

fn packed(message: &Message) -> usize {
    let header = |frame: &Vec<u8>| if frame.len() < 16_384 { 2 } else { 4 };
    message
        .iter()
        .map(|frame| frame.len() + header(frame))
        .sum()
}

fn charge(message: &Message) -> usize {
    message.iter().map(|frame| frame.len() + 2).sum()
}

/// Where the messages lie: one behind the other, none across the end, all of it free once it is empty.
struct Model {
    capacity: usize,
    messages: VecDeque<(usize, Message)>,
    end: usize,
}

impl Model {
    fn new(capacity: usize) -> Self {
        let messages = VecDeque::new();
        Self {
            capacity,
            messages,
            end: 0,
        }
    }

    /// Where a message of so many bytes would go.
    fn place(&self, len: usize) -> Option<usize> {
        let Some(&(oldest, _)) = self.messages.front() else {
            return (len <= self.capacity).then_some(0);
        };
        let (above, below) = if oldest < self.end {
            (len <= self.capacity - self.end, len < oldest)
        } else {
            (len < oldest - self.end, false)
        };
        above.then_some(self.end).or(below.then_some(0))
    }

    /// The longest that has a place.
    fn free(&self) -> usize {
        (0..=self.capacity)
            .rev()
            .find(|&len| self.place(len).is_some())
            .unwrap_or(0)
    }

    fn push(&mut self, message: &Message) -> Result<(), PushError<()>> {
        let len = packed(message);
        if message.is_empty() {
            return Err(PushError::NoFrames(()));
        }
        if len > self.capacity {
            return Err(PushError::TooLarge(()));
        }
        let start = self.place(len).ok_or(PushError::Full(()))?;
        self.messages.push_back((start, message.clone()));
        self.end = start + len;
        Ok(())
    }

    fn pop(&mut self) -> Option<Message> {
        Some(self.messages.pop_front()?.1)
    }

    fn level(&self) -> usize {
        self.messages
            .iter()
            .map(|(_, message)| charge(message))
            .sum()
    }
}

/// What is to behave like the model, each in its own way.
struct Subjects<const N: usize> {
    buffer: MessageBuffer<N>,
    stream: Shared<N>,
}

impl<const N: usize> Subjects<N> {
    fn new() -> Box<Self> {
        Box::new(Self {
            buffer: MessageBuffer::new(),
            stream: Shared::new(),
        })
    }

    fn push(&mut self, message: &Message) -> [Result<(), PushError<()>>; 3] {
        let buffer = with_frames(message, |frames| {
            self.buffer.push(frames).map_err(|error| match error {
                PushError::NoFrames(_) => PushError::NoFrames(()),
                PushError::Full(_) => PushError::Full(()),
                PushError::TooLarge(_) => PushError::TooLarge(()),
                PushError::Closed(_) => PushError::Closed(()),
            })
        });
        let received = with_frames(message, |frames| Incoming(&self.stream).put(frames));
        // In place where room for it is as large as it is itself; a grant reckons with the longest headers.
        let payload: usize = message.iter().map(Vec::len).sum();
        let to_send = if payload < 16_384 {
            let room = Outgoing(&self.stream).room(payload, message.len());
            room.map(|mut room| {
                with_frames(message, |frames| fill(&mut room, frames));
                room.commit().unwrap();
            })
        } else {
            with_frames(message, |frames| Outgoing(&self.stream).put(frames))
        };
        [buffer, received, to_send]
    }

    fn pop(&mut self) -> [Option<Message>; 3] {
        [
            self.buffer
                .pop_with(|frames| frames.map(<[u8]>::to_vec).collect()),
            Incoming(&self.stream).take(),
            Outgoing(&self.stream).take(),
        ]
    }

    fn levels(&self) -> [usize; 3] {
        [
            self.buffer.level_bytes(),
            self.stream.read_buffer_bytes(),
            self.stream.write_buffer_bytes(),
        ]
    }
}

/// Frames of these lengths, whose bytes are counted up.
fn message(lengths: impl IntoIterator<Item = usize>) -> Message {
    let mut next = 0u8;
    let mut byte = || {
        next = next.wrapping_add(1);
        next
    };
    let frame = |len| std::iter::repeat_with(&mut byte).take(len).collect();
    lengths.into_iter().map(frame).collect()
}

/// An empty ring takes a message exactly if it has at most `N` packed bytes, wherever the ring stood before.
fn one_at_a_time<const N: usize>() {
    let mut subjects = Subjects::<N>::new();
    let near: Vec<usize> = if N <= 40 {
        (0..=N + 3).collect()
    } else {
        let ends = (N.saturating_sub(6)..=N + 1).chain([N / 2 - 2, N / 2 - 1, N - 400.min(N)]);
        (0..=3).chain(ends).chain(16_382..=16_386).collect()
    };
    for frames in [0, 1, 2, 3, 4, 5, 7, 10, 20, 50, 100, 199, 200] {
        for &len in &near {
            let shapes = [
                message((0..frames).map(|k| if k == 0 { len } else { 0 })),
                message((0..frames).map(|k| if k + 1 == frames { len } else { k % 2 })),
                message((0..frames).map(|_| if len * frames <= N { len } else { 0 })),
            ];
            for message in shapes {
                let expected = match packed(&message) {
                    0 => Err(PushError::NoFrames(())),
                    len if len <= N => Ok(()),
                    _ => Err(PushError::TooLarge(())),
                };
                assert_eq!(
                    subjects.push(&message),
                    [expected; 3],
                    "{frames} {len} in {N}"
                );
                let level = expected.map_or(0, |()| charge(&message));
                assert_eq!(subjects.levels(), [level; 3]);
                let back = expected.ok().map(|()| message);
                assert_eq!(subjects.pop(), [back.clone(), back.clone(), back]);
            }
        }
    }
}

/// Whatever is put in and taken out, in whatever order: the same as the model.
fn in_any_order<const N: usize>(steps: usize) {
    let mut rng = fastrand::Rng::with_seed(N as u64);
    let mut subjects = Subjects::<N>::new();
    let mut model = Model::new(N);
    for _ in 0..steps {
        if rng.u8(0..5) < 3 {
            let frames = if rng.u8(0..8) == 0 { 200 } else { 4 };
            let frames = rng.usize(0..=frames);
            let most = N / [1, 2, 4, 8, 50][rng.usize(0..5)] + 1;
            let mut left = rng.usize(0..=most);
            let message = message((0..frames).map(|_| {
                let len = rng.usize(0..=left);
                left -= len;
                len
            }));
            assert_eq!(subjects.push(&message), [model.push(&message); 3]);
        } else {
            let back = model.pop();
            assert_eq!(subjects.pop(), [back.clone(), back.clone(), back]);
        }
        assert_eq!(subjects.levels(), [model.level(); 3]);
        if N < 300 {
            assert_eq!(subjects.buffer.largest_free_bytes(), model.free());
        }
    }
}

/// Calls a function for each of these capacities.
macro_rules! at {
    ($f:ident $arguments:tt: $($n:literal)*) => { $($f::<$n> $arguments;)* };
}

#[test]
fn b5_an_empty_ring_takes_every_message_up_to_its_capacity_and_refuses_every_longer_one() {
    at!(one_at_a_time(): 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 31 32 33 40);
    at!(one_at_a_time(): 64 255 256 257 399 400 401 402 2048);
}

#[test]
fn b5_an_empty_ring_takes_frames_of_either_header_up_to_its_capacity() {
    at!(one_at_a_time(): 16384 16385 16386 16387 16388 16389 40000);
}

#[test]
fn b5_what_is_full_is_decided_by_where_the_messages_lie_and_by_nothing_else() {
    at!(in_any_order(2_000): 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 31 32 33 40);
    at!(in_any_order(10_000): 64 100 255 256 257);
    at!(in_any_order(5_000): 1000 2048);
    at!(in_any_order(500): 20000 40000);
}

#[test]
fn b5_a_frame_that_is_longer_than_a_header_can_say_is_too_large() {
    // Zeros that nobody touches take no memory.
    let zeros = vec![0; 1 << 29];
    let (longest, longer): (&[&[u8]], &[&[u8]]) = (&[&zeros[1..]], &[b"", &zeros]);
    assert_eq!(packed_bytes(longest), Some((1 << 29) - 1 + 4));
    assert_eq!(packed_bytes(longer), None);
    let mut subjects = Subjects::<64>::new();
    for message in [longest, longer] {
        assert_eq!(
            subjects.buffer.push(message),
            Err(PushError::TooLarge(message))
        );
        let too_large = Err(PushError::TooLarge(()));
        assert_eq!(Incoming(&subjects.stream).put(message), too_large);
        assert_eq!(Outgoing(&subjects.stream).put(message), too_large);
        assert_eq!(
            Outgoing(&subjects.stream).room(1 << 29, 1).map(drop),
            too_large
        );
    }
}

#[test]
fn b5_a_frame_of_mebibytes_comes_out_as_long_as_it_went_in() {
    // Of all this, only what is written to takes memory.
    static STREAM: Stream<{ 1 << 26 }, 0, 0, Infallible> = Stream::new();
    STREAM.set_read_limits(Watermarks::UNLIMITED);
    let bytes: Vec<u8> = (0..(1_u32 << 25) + 9).map(|k| k.to_le_bytes()[2]).collect();
    for bits in 14..26 {
        for len in [(1 << bits) - 1, 1 << bits, (1 << bits) + 9] {
            let message: &[&[u8]] = &[
                &bytes[..len],
                b"behind",
                &bytes[len..][..9.min(bytes.len() - len)],
            ];
            STREAM.port().feed(message).unwrap();
            let lent = STREAM.try_peek().unwrap();
            assert!(lent.frames().eq(message.iter().copied()), "{len}");
            lent.release();
            assert_eq!(STREAM.read_buffer_bytes(), 0);
        }
    }
}
