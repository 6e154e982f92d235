//! A shared stream that an interrupt and a task use in turn, as the input says: the one feeds, sends and drives, the other has
//! futures that it polls, leaves and begins anew, and both hold what was lent to them. Compared after every call with the
//! model of lists: every result, every level, and exactly who was woken, and how often. At the end every message that is left is
//! taken out, and all of both rings can be had again.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use tidegate_core::{Phase, PushError};
use tidegate_fuzz::model::Model;
use tidegate_fuzz::ops::{Lengths, Op, SLOTS, Shared, WAITERS};
use tidegate_fuzz::shared::{Real, SharedRig, fitting};
use tidegate_fuzz::{Bytes, Message, slices};

#[derive(Arbitrary, Debug)]
struct Input {
    capacity: u8,
    calls: Vec<Shared>,
}

/// All give up what they hold and wait for, and what is left is taken out one by one.
fn last_calls(most: usize) -> Vec<Shared> {
    let all = |call: fn() -> Shared| (0..most).map(move |_| call());
    let mut calls: Vec<Shared> = (0..WAITERS)
        .map(|who| Shared::Call(Op::Cancel(who as u8)))
        .collect();
    calls.extend([Shared::PutBack, Shared::PutBackHead]);
    calls.extend(all(|| Shared::GiveUp(0)));
    calls.extend(all(|| Shared::Call(Op::TryRead)));
    for _ in 0..most {
        calls.extend([Shared::CopyHead, Shared::Call(Op::Sent)]);
    }
    calls.extend(all(|| Shared::Call(Op::TryEvent)));
    // Every place is free again.
    calls.extend((0..SLOTS).map(|who| Shared::Call(Op::Closed(who as u8))));
    calls
}

fn lengths(call: &Shared) -> Option<&Lengths> {
    match call {
        Shared::Call(Op::Feed(lengths) | Op::Write(lengths) | Op::Send(_, lengths))
        | Shared::Commit(_, lengths) => Some(lengths),
        _ => None,
    }
}

fn run<const N: usize>(calls: &[Shared]) {
    let stream = Box::new(Real::<N>::new());
    let mut bytes = Bytes::default();
    let messages: Vec<Message> = calls
        .iter()
        .map(|call| lengths(call).map_or(Message::new(), |lengths| bytes.message(lengths)))
        .collect();
    let frames: Vec<Vec<&[u8]>> = messages.iter().map(slices).collect();
    let mut slices: Vec<Vec<u8>> = calls
        .iter()
        .map(|call| match call {
            Shared::ReadInto(_, bytes) => vec![0; usize::from(*bytes)],
            _ => Vec::new(),
        })
        .collect();
    let mut rig = SharedRig::new(&stream);
    let mut model = Model::new(N);
    for (number, (call, out)) in calls.iter().zip(&mut slices).enumerate() {
        if matches!(call, Shared::Call(Op::Look(_) | Op::Ask(..))) {
            continue;
        }
        let (leaves, since) = rig.before(call);
        if let Some(who) = leaves {
            let left = model.apply(&Op::Cancel(who), &Message::new());
            assert_eq!(rig.cancel(who), left, "a wait is left for {call:?}");
        }
        let from = since.unwrap_or(number);
        let seen = rig.apply(call, number, &frames[from], out);
        let message = match *call {
            Shared::Commit(which, _) => {
                fitting(&messages[from], model.reserved_bytes(which).unwrap_or(0))
            }
            _ => messages[from].clone(),
        };
        assert_eq!(seen, model.apply_shared(&calls[from], &message), "{call:?}");
    }
    // Everything has come out, or was dropped when the stream ended.
    assert_eq!(model.room(), [N, N]);
    assert_eq!(model.lengths(), [0, 0]);
    // And the stream has as much room, as far as it gives any: one that is no longer open gives none. A frame takes two bytes
    // more than its payload.
    if let Some(payload) = N.checked_sub(2) {
        let received = stream.port().reserve(payload, 1).map(drop);
        let written = stream.reserve(payload, 1).map(drop);
        if stream.port().phase() == Phase::Run {
            assert_eq!((received, written), (Ok(()), Ok(())), "room is lost");
        } else {
            assert_eq!(received, Err(PushError::Closed(())));
            assert!(written.is_err());
        }
    }
}

fuzz_target!(|input: Input| {
    let mut calls = input.calls;
    calls.extend(last_calls(calls.len()));
    match input.capacity % 5 {
        0 => run::<0>(&calls),
        1 => run::<9>(&calls),
        2 => run::<40>(&calls),
        3 => run::<101>(&calls),
        _ => run::<300>(&calls),
    }
});
