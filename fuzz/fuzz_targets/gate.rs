//! A gate against the rule that it is: over the high mark pause, at or under the low one resume, between stay.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use tidegate_core::{Gate, Level, Limit, MessageBuffer, Transition, Watermarks};

#[derive(Arbitrary, Debug)]
enum Step {
    Level(Mark),
    Both(Mark, Mark),
    High(Mark),
    Low(Mark),
    Unlimited,
    UnlimitedOver(Mark),
    Default,
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
fn resolve(
    high: Option<usize>,
    low: Option<usize>,
    default: (usize, usize),
) -> Option<(usize, usize)> {
    match (high, low) {
        (Some(0), _) => Some((0, 0)),
        (Some(high), Some(low)) => (high >= low).then_some((high, low)),
        (Some(high), None) => Some((high, high / 4)),
        (None, Some(low)) => Some((low.saturating_mul(4), low)),
        (None, None) => Some(default),
    }
}

fn run<const N: usize>(steps: &[Step], marks: (usize, usize)) {
    let mut gate = Gate::<MessageBuffer<N>>::new();
    let default = gate.limits();
    assert_eq!(default, MessageBuffer::<N>::LIMITS);
    assert_eq!(default.high(), Limit::Bytes(marks.0));
    assert_eq!(default.low_bytes(), marks.1);
    let (mut high, mut low) = marks;
    let (mut level, mut paused) = (0, false);
    for step in steps {
        let (new, limits) = match *step {
            Step::Level(mark) => {
                level = mark.bytes();
                (Some((high, low)), None)
            }
            Step::Both(h, l) => {
                let (h, l) = (h.bytes(), l.bytes());
                let limits = Watermarks::resolve(Some(Limit::Bytes(h)), Some(l), default);
                assert_eq!(limits, Watermarks::new(h, l));
                (resolve(Some(h), Some(l), marks), Some(limits))
            }
            Step::High(h) => {
                let limits = Watermarks::resolve(Some(Limit::Bytes(h.bytes())), None, default);
                (resolve(Some(h.bytes()), None, marks), Some(limits))
            }
            Step::Low(l) => {
                let limits = Watermarks::resolve(None, Some(l.bytes()), default);
                (resolve(None, Some(l.bytes()), marks), Some(limits))
            }
            Step::Unlimited => {
                let limits = Watermarks::resolve(Some(Limit::Unlimited), None, default);
                (Some((usize::MAX, usize::MAX)), Some(limits))
            }
            // One that is paused resumes there.
            Step::UnlimitedOver(l) => {
                let limits = Watermarks::resolve(Some(Limit::Unlimited), Some(l.bytes()), default);
                (Some((usize::MAX, l.bytes())), Some(limits))
            }
            Step::Default => {
                let limits = Watermarks::resolve(None, None, default);
                (resolve(None, None, marks), Some(limits))
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
}

fuzz_target!(|input: (u8, Vec<Step>)| {
    let (capacity, steps) = input;
    // Three quarters and one quarter.
    match capacity % 6 {
        0 => run::<0>(&steps, (0, 0)),
        1 => run::<1>(&steps, (0, 0)),
        2 => run::<2>(&steps, (1, 0)),
        3 => run::<7>(&steps, (5, 1)),
        4 => run::<8>(&steps, (6, 2)),
        _ => run::<1000>(&steps, (750, 250)),
    }
});
