//! A gate against the rule that it is: over the high mark pause, at or under the low one resume, between stay.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use tidegate_core::{Gate, Limit, MessageBuffer, Transition, Watermarks};

#[derive(Arbitrary, Debug)]
enum Step {
    Level(Mark),
    Both(Mark, Mark),
    High(Mark),
    Low(Mark),
    Unlimited,
}

/// Numbers that are near each other, or anything.
#[derive(Arbitrary, Clone, Copy, Debug)]
enum Mark {
    Near(u8),
    Any(usize),
}

impl Mark {
    fn bytes(self) -> usize {
        match self {
            Self::Near(near) => usize::from(near % 16),
            Self::Any(any) => any,
        }
    }
}

/// What the documentation says of a pair of marks.
fn resolve(high: Option<usize>, low: Option<usize>) -> Option<(usize, usize)> {
    match (high, low) {
        (Some(0), _) => Some((0, 0)),
        (Some(high), Some(low)) => (high >= low).then_some((high, low)),
        (Some(high), None) => Some((high, high / 4)),
        (None, Some(low)) => Some((low.saturating_mul(4), low)),
        (None, None) => Some((750, 250)),
    }
}

fuzz_target!(|steps: Vec<Step>| {
    let mut gate = Gate::<MessageBuffer<1000>>::new();
    let default = gate.limits();
    assert_eq!(default.high(), Limit::Bytes(750));
    assert_eq!(default.low_bytes(), 250);
    let (mut high, mut low) = (750, 250);
    let (mut level, mut paused) = (0, false);
    for step in &steps {
        let (new, limits) = match *step {
            Step::Level(mark) => {
                level = mark.bytes();
                (Some((high, low)), None)
            }
            Step::Both(h, l) => {
                let (h, l) = (h.bytes(), l.bytes());
                let limits = Watermarks::resolve(Some(Limit::Bytes(h)), Some(l), default);
                (resolve(Some(h), Some(l)), Some(limits))
            }
            Step::High(h) => {
                let limits = Watermarks::resolve(Some(Limit::Bytes(h.bytes())), None, default);
                (resolve(Some(h.bytes()), None), Some(limits))
            }
            Step::Low(l) => {
                let limits = Watermarks::resolve(None, Some(l.bytes()), default);
                (resolve(None, Some(l.bytes())), Some(limits))
            }
            Step::Unlimited => {
                let limits = Watermarks::resolve(Some(Limit::Unlimited), None, default);
                (Some((usize::MAX, usize::MAX)), Some(limits))
            }
        };
        let transition = match (limits, new) {
            (None, _) => gate.update(level),
            (Some(Ok(limits)), Some(marks)) => {
                (high, low) = marks;
                gate.set_limits(limits, level)
            }
            (Some(Err(error)), None) => {
                assert!(error.high_bytes < error.low_bytes);
                continue;
            }
            (limits, marks) => panic!("{limits:?} where {marks:?} was expected"),
        };
        let expected = match paused {
            false if level > high => Some(Transition::Pause),
            true if level <= low => Some(Transition::Resume),
            _ => None,
        };
        assert_eq!(transition, expected);
        paused = match expected {
            Some(Transition::Pause) => true,
            Some(Transition::Resume) => false,
            None => paused,
        };
        assert_eq!(gate.is_paused(), paused);
        let limits = gate.limits();
        assert_eq!(limits.low_bytes(), low);
        match limits.high() {
            Limit::Bytes(bytes) => assert_eq!(bytes, high),
            Limit::Unlimited => assert_eq!(high, usize::MAX),
        }
    }
});
