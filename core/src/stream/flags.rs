//! What is out of the ordinary: in one byte, so that one look tells that nothing is.

use crate::watermark::Transition;

/// A set of what may be the matter. All zeros: nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Flags(u8);

impl Flags {
    pub(super) const NONE: Self = Self(0);
    /// A received message had no room.
    pub(super) const STARVED: Self = Self(1);
    /// Receive only while somebody waits for a message and none is there.
    pub(super) const ON_DEMAND: Self = Self(1 << 1);
    /// There are messages that could never fit and that no reader was told of.
    pub(super) const DISCARDED: Self = Self(1 << 2);
    /// The user has paused reading.
    pub(super) const READING_PAUSED: Self = Self(1 << 3);
    /// Events are wanted.
    pub(super) const MONITORING: Self = Self(1 << 4);
    /// The gate of the read side is shut.
    pub(super) const READ_GATE: Self = Self(1 << 5);
    /// The gate of the write side is shut.
    pub(super) const WRITE_GATE: Self = Self(1 << 6);
    /// The driver tries whatever there is, and looks once more before it sleeps.
    pub(super) const STEPPING: Self = Self(1 << 7);

    /// Both.
    pub(super) const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether any of these is set.
    #[inline]
    pub(super) const fn has(self, any: Self) -> bool {
        self.0 & any.0 != 0
    }

    /// Sets these or takes them back; says whether any was set before.
    #[inline]
    pub(super) fn set(&mut self, these: Self, on: bool) -> bool {
        let before = self.has(these);
        if on {
            self.0 |= these.0;
        } else {
            self.0 &= !these.0;
        }
        before
    }

    /// Follows a gate.
    #[inline]
    pub(super) fn turn(&mut self, gate: Self, turned: Option<Transition>) {
        if let Some(transition) = turned {
            self.set(gate, transition == Transition::Pause);
        }
    }
}
