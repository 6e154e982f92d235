//! The whole machine against a model of lists: every result, every message that comes out on either side, every level, and
//! exactly who was woken, after every call. At the end all that is left is taken out.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use tidegate_core::{EventRing, Fixed};
use tidegate_fuzz::Bytes;
use tidegate_fuzz::model::Model;
use tidegate_fuzz::ops::{EVENTS, Op, SLOTS};
use tidegate_fuzz::rig::{Rig, Subject};

#[derive(Arbitrary, Debug)]
struct Input {
    capacity: u8,
    ops: Vec<Op>,
}

fn run<const N: usize>(ops: &[Op])
where
    Fixed<N, N, SLOTS, EventRing<usize, EVENTS>>: Subject,
{
    let mut rig = Rig::<Fixed<N, N, SLOTS, EventRing<usize, EVENTS>>>::default();
    let mut model = Model::new(N);
    let mut bytes = Bytes::default();
    let mut apply = |rig: &mut Rig<_>, op: &Op| {
        let message = match op {
            Op::Feed(lengths) | Op::Write(lengths) | Op::Send(_, lengths) => bytes.message(lengths),
            _ => Vec::new(),
        };
        let seen = rig.apply(op, &message);
        assert_eq!(seen, model.apply(op, &message), "{op:?}");
        assert_eq!(rig.lengths(), model.lengths());
        assert_eq!(rig.room(), model.room());
    };
    for op in ops {
        apply(&mut rig, op);
    }
    for op in rig.last_ops() {
        apply(&mut rig, &op);
    }
    assert_eq!((rig.lengths(), rig.room()), ([0, 0], [N, N]));
}

fuzz_target!(|input: Input| {
    match input.capacity % 4 {
        0 => run::<0>(&input.ops),
        1 => run::<9>(&input.ops),
        2 => run::<64>(&input.ops),
        _ => run::<300>(&input.ops),
    }
});
