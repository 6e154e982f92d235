//! The packed buffer against a list of who lies where in its ring, compared after every step: what comes out, what it is charged,
//! and exactly what fits.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use tidegate_core::{Frames, Level, MessageBuffer, PushError};
use tidegate_fuzz::model::Side;
use tidegate_fuzz::{Bytes, Message, slices};

#[derive(Arbitrary, Debug)]
enum Step {
    /// The lengths of the frames; what is in them is counted up.
    Push(Vec<u16>),
    /// A message that fills the longest free stretch, but for so many bytes, or is longer than it by one.
    Fill(u8),
    TooMuch,
    Pop,
    Clear,
}

#[derive(Arbitrary, Debug)]
struct Input {
    capacity: u8,
    steps: Vec<Step>,
}

fn length(len: u16) -> usize {
    // Short frames are what a small ring is about; long ones come through unchanged now and then.
    usize::from(if len.is_multiple_of(8) { len } else { len % 96 })
}

fn ring_bytes(message: &Message) -> usize {
    let header = |len| if len < 16_384 { 2 } else { 4 };
    message
        .iter()
        .map(|frame| frame.len() + header(frame.len()))
        .sum()
}

fn owned(frames: Frames<'_>) -> Message {
    let message: Message = frames.map(<[u8]>::to_vec).collect();
    assert_eq!(frames.frame_count(), message.len());
    assert_eq!(frames.payload_bytes(), message.concat().len());
    message
}

fn push<const N: usize>(buffer: &mut MessageBuffer<N>, model: &mut Side, message: Message) {
    let frames = slices(&message);
    let len = ring_bytes(&message);
    let back = match buffer.push(&frames) {
        Ok(()) => {
            assert!(!frames.is_empty());
            assert!(model.push(message.clone(), len), "there was no room");
            return;
        }
        Err(PushError::NoFrames(back)) => {
            assert!(frames.is_empty());
            back
        }
        Err(PushError::TooLarge(back)) => {
            assert!(len > N);
            back
        }
        Err(PushError::Full(back)) => {
            assert!(len <= N && len > model.room());
            back
        }
        Err(PushError::Closed(_)) => panic!("a buffer is never closed"),
    };
    assert_eq!(back, frames, "it comes back");
}

fn run<const N: usize>(steps: &[Step]) {
    let mut buffer = Box::new(MessageBuffer::<N>::new());
    let mut model = Side::new(N);
    let mut bytes = Bytes::default();
    for step in steps {
        match step {
            Step::Push(lengths) => {
                let message = lengths.iter().map(|&len| bytes.frame(length(len)));
                push(&mut buffer, &mut model, message.collect());
            }
            Step::Fill(less) => {
                let room = model.room();
                let header = if room < 16_384 + 2 { 2 } else { 4 };
                if let Some(len) = room.checked_sub(header + usize::from(*less)) {
                    push(&mut buffer, &mut model, vec![bytes.frame(len)]);
                }
            }
            Step::TooMuch => {
                let frame = bytes.frame(model.room().saturating_sub(1));
                push(&mut buffer, &mut model, vec![frame]);
            }
            Step::Pop => assert_eq!(buffer.pop_with(owned), model.take()),
            Step::Clear => {
                buffer.clear();
                model.clear();
            }
        }
        assert_eq!(buffer.len(), model.len());
        assert_eq!(buffer.is_empty(), model.is_empty());
        assert_eq!(buffer.level_bytes(), model.level());
        assert_eq!(buffer.largest_free_bytes(), model.room());
        assert_eq!(buffer.capacity_bytes(), N);
        assert_eq!(buffer.peek_with(owned).as_ref(), model.first());
        // Whatever may ever fit fits an empty buffer.
        assert!(!model.is_empty() || model.room() == N);
    }
    // What is left comes out as it went in.
    while let Some(message) = model.take() {
        assert_eq!(buffer.pop_with(owned), Some(message));
    }
    assert_eq!(buffer.pop_with(owned), None);
}

/// From nothing on, one by one at first.
const RUNS: [fn(&[Step]); 24] = [
    run::<0>,
    run::<1>,
    run::<2>,
    run::<3>,
    run::<4>,
    run::<5>,
    run::<6>,
    run::<7>,
    run::<8>,
    run::<9>,
    run::<10>,
    run::<11>,
    run::<12>,
    run::<13>,
    run::<14>,
    run::<15>,
    run::<16>,
    run::<67>,
    run::<255>,
    run::<256>,
    run::<257>,
    run::<2048>,
    run::<9000>,
    run::<70_000>,
];

fuzz_target!(|input: Input| {
    RUNS[usize::from(input.capacity) % RUNS.len()](&input.steps);
});
