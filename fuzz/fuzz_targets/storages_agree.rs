//! One machine over packed bytes, one over owned messages with the same charge: the same calls give the same results,
//! messages, transitions and wakes, wherever both accept. A refusal changes nothing. At the end what is left in the one is what is
//! left in the other.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tidegate_core::{EventRing, Fixed};
use tidegate_fuzz::ops::{EVENTS, Op, Outcome, Refusal, SLOTS};
use tidegate_fuzz::rig::{Host, Rig};
use tidegate_fuzz::{Bytes, packed};

const N: usize = 200;

type Packed = Fixed<N, N, SLOTS, EventRing<usize, EVENTS>>;

fuzz_target!(|ops: Vec<Op>| {
    let mut device = Rig::<Packed>::default();
    let mut host = Rig::<Host>::default();
    let mut bytes = Bytes::default();
    // The marks are the same, given the same bytes.
    for op in [Op::ReadLimits(150, 50), Op::WriteLimits(150, 50)] {
        device.apply(&op, &Vec::new());
        host.apply(&op, &Vec::new());
    }
    for op in &ops {
        let message = match op {
            Op::Feed(lengths) | Op::Write(lengths) | Op::Send(_, lengths) => bytes.message(lengths),
            _ => Vec::new(),
        };
        let [_, send_room] = device.room();
        // To wait for room is what only a fixed capacity does.
        let wanted = match op {
            Op::Send(..) => packed(&message),
            Op::Ask(_, bytes) => usize::from(*bytes),
            _ => 0,
        };
        if wanted > send_room {
            continue;
        }
        let before = device.room();
        let seen = device.apply(op, &message);
        let refused = [Refusal::Full, Refusal::TooLarge].map(|why| Outcome::Pushed(Err(why)));
        if refused.contains(&seen.outcome) {
            assert_eq!(device.room(), before);
            assert_eq!((seen.woken, seen.driver_woken), Default::default());
            // A message that waits for room keeps receiving out of the interest, and a host has always room.
            if matches!(op, Op::Feed(_)) && seen.outcome == refused[0] {
                break;
            }
            continue;
        }
        assert_eq!(seen, host.apply(op, &message), "{op:?}");
        assert_eq!(device.lengths(), host.lengths());
    }
    for op in device.last_ops() {
        let [left, right] = [
            &mut device.apply(&op, &Vec::new()),
            &mut host.apply(&op, &Vec::new()),
        ];
        assert_eq!(left.outcome, right.outcome, "{op:?}");
    }
    assert_eq!([device.lengths(), host.lengths()], [[0, 0]; 2]);
});
