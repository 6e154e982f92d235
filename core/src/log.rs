//! Log lines at each transition, written after the lock was released: lengths, never payload. Without the feature `defmt`
//! nothing of this is left.

use crate::stream::{Machine, Storage};

/// What a log line may be about, as it was before a call.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seen {
    #[cfg(feature = "defmt")]
    state: u8,
    #[cfg(feature = "defmt")]
    paused: [bool; 3],
    #[cfg(feature = "defmt")]
    level_bytes: [usize; 2],
}

impl Seen {
    #[cfg(not(feature = "defmt"))]
    #[inline]
    pub(crate) fn of<S: Storage, E: Clone>(_: &Machine<S, E>) -> Self {
        Self {}
    }

    #[cfg(not(feature = "defmt"))]
    #[inline]
    pub(crate) fn log_changes(self, _before: Self) {}

    #[cfg(feature = "defmt")]
    pub(crate) fn of<S: Storage, E: Clone>(machine: &Machine<S, E>) -> Self {
        use crate::queue::Level as _;
        use crate::stream::State;
        Self {
            state: match machine.state() {
                State::Open => 0,
                State::Closing => 1,
                State::Closed => 2,
                State::Failed(_) => 3,
            },
            paused: [
                machine.is_read_gate_paused(),
                machine.is_write_gate_paused(),
                machine.is_reading_paused(),
            ],
            level_bytes: [
                machine.incoming().level_bytes(),
                machine.outgoing().level_bytes(),
            ],
        }
    }

    #[cfg(feature = "defmt")]
    pub(crate) fn log_changes(self, before: Self) {
        const STATES: [&str; 4] = ["open", "closing", "closed", "failed"];
        const GATES: [&str; 3] = ["read gate", "write gate", "reading"];
        let [received, written] = self.level_bytes;
        if self.state != before.state {
            let state = STATES.get(usize::from(self.state)).copied();
            defmt::debug!(
                "stream {=str}, {=usize} B to read, {=usize} B to send",
                state.unwrap_or(""),
                received,
                written
            );
        }
        for ((what, now), before) in GATES.iter().zip(self.paused).zip(before.paused) {
            if now != before {
                defmt::debug!(
                    "{=str} {=str}, {=usize} B to read, {=usize} B to send",
                    what,
                    if now { "paused" } else { "resumed" },
                    received,
                    written
                );
            }
        }
    }
}
