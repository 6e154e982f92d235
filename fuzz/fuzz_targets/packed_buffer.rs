//! The packed buffer against a `VecDeque` of messages, compared after every step.
#![no_main]

use std::collections::VecDeque;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use tidegate_core::{MessageBuffer, Level, PushError};

#[derive(Arbitrary, Debug)]
enum Step {
    /// The lengths of the frames; what is in them is counted up.
    Push(Vec<u16>),
    Pop,
    Clear,
}

#[derive(Arbitrary, Debug)]
struct Input {
    capacity: u8,
    steps: Vec<Step>,
}

type Message = Vec<Vec<u8>>;

/// The model: whole messages, and nothing of how they are stored but what one takes in the ring.
#[derive(Default)]
struct Model {
    messages: VecDeque<Message>,
    next_byte: u8,
}

impl Model {
    fn message(&mut self, lengths: &[u16]) -> Message {
        lengths
            .iter()
            .map(|&len| {
                // Short frames are what a small ring is about; long ones come through unchanged now and then.
                let len = if len % 8 == 0 {
                    usize::from(len)
                } else {
                    usize::from(len % 96)
                };
                (0..len)
                    .map(|_| {
                        self.next_byte = self.next_byte.wrapping_add(1);
                        self.next_byte
                    })
                    .collect()
            })
            .collect()
    }

    fn level(&self) -> usize {
        self.messages
            .iter()
            .flatten()
            .map(|frame| frame.len() + 2)
            .sum()
    }
}

fn ring_bytes(message: &Message) -> usize {
    message
        .iter()
        .map(|frame| frame.len() + if frame.len() < 16_384 { 2 } else { 4 })
        .sum()
}

fn run<const N: usize>(steps: &[Step]) {
    let mut buffer = Box::new(MessageBuffer::<N>::new());
    let mut model = Model::default();
    for step in steps {
        let before = (
            buffer.len(),
            buffer.level_bytes(),
            buffer.largest_free_bytes(),
        );
        match step {
            Step::Push(lengths) => {
                let message = model.message(lengths);
                let frames: Vec<&[u8]> = message.iter().map(Vec::as_slice).collect();
                let len = ring_bytes(&message);
                match buffer.push(&frames) {
                    Ok(()) => {
                        assert!(!frames.is_empty() && len <= before.2);
                        model.messages.push_back(message);
                    }
                    Err(error) => {
                        let back = match error {
                            PushError::NoFrames(back) => {
                                assert!(frames.is_empty());
                                back
                            }
                            PushError::Closed(_) => panic!("a buffer is never closed"),
                            PushError::TooLarge(back) => {
                                assert!(len > N);
                                back
                            }
                            PushError::Full(back) => {
                                assert!(len <= N && len > before.2);
                                // Whatever may ever fit fits an empty buffer.
                                assert!(!model.messages.is_empty());
                                back
                            }
                        };
                        assert_eq!(back, frames);
                        let after = (
                            buffer.len(),
                            buffer.level_bytes(),
                            buffer.largest_free_bytes(),
                        );
                        assert_eq!(before, after, "a refusal changes nothing");
                    }
                }
            }
            Step::Pop => {
                let popped =
                    buffer.pop_with(|frames| frames.map(<[u8]>::to_vec).collect::<Message>());
                assert_eq!(popped, model.messages.pop_front());
            }
            Step::Clear => {
                buffer.clear();
                model.messages.clear();
            }
        }
        assert_eq!(buffer.len(), model.messages.len());
        assert_eq!(buffer.level_bytes(), model.level());
        let head = buffer.peek_with(|frames| {
            assert_eq!(frames.frame_count(), frames.count());
            frames.map(<[u8]>::to_vec).collect::<Message>()
        });
        assert_eq!(head.as_ref(), model.messages.front());
        if model.messages.is_empty() {
            assert_eq!(buffer.largest_free_bytes(), N);
        }
    }
    // What is left comes out as it went in.
    for message in model.messages {
        let popped = buffer.pop_with(|frames| frames.map(<[u8]>::to_vec).collect::<Message>());
        assert_eq!(popped, Some(message));
    }
    assert!(buffer.is_empty());
}

fuzz_target!(|input: Input| {
    match input.capacity % 9 {
        0 => run::<0>(&input.steps),
        1 => run::<1>(&input.steps),
        2 => run::<2>(&input.steps),
        3 => run::<5>(&input.steps),
        4 => run::<16>(&input.steps),
        5 => run::<67>(&input.steps),
        6 => run::<256>(&input.steps),
        7 => run::<2048>(&input.steps),
        _ => run::<70_000>(&input.steps),
    }
});
