//! tidegate: the plain buffer with its gate.

use core::mem::size_of_val;

use tidegate_core::{Gate, Level as _, MessageBuffer, Transition};

use super::{BYTES, Contender, FramedContender, Visit};

/// The buffer with the gate beside it that [`Stream`] has too.
pub struct Gated {
    buffer: MessageBuffer<BYTES>,
    gate: Gate<MessageBuffer<BYTES>>,
    turns: usize,
}

impl Gated {
    /// Empty and open.
    pub const fn empty() -> Self {
        Self {
            buffer: MessageBuffer::new(),
            gate: Gate::new(),
            turns: 0,
        }
    }

    fn update(&mut self) {
        match self.gate.update(self.buffer.level_bytes()) {
            Some(Transition::Pause | Transition::Resume) => self.turns = self.turns.wrapping_add(1),
            None => {}
        }
    }
}

impl Contender for Gated {
    fn push(&mut self, message: &[u8]) -> bool {
        self.push_frames(&[message])
    }

    fn pop(&mut self, see: impl FnMut(&[u8])) -> bool {
        self.pop_frames(see)
    }
}

impl FramedContender for Gated {
    fn push_frames(&mut self, frames: &[&[u8]]) -> bool {
        let had_room = self.buffer.push(frames).is_ok();
        self.update();
        had_room
    }

    fn pop_frames(&mut self, see: impl FnMut(&[u8])) -> bool {
        let popped = self.buffer.pop_with(|frames| frames.for_each(see));
        self.update();
        popped.is_some()
    }
}

/// Shows it to the visitor.
pub fn visit(visit: &mut impl Visit) {
    let mut gated = Gated::empty();
    // The count of turns is the measurement's, in place of what would pause and resume.
    let ram_bytes = size_of_val(&gated) - size_of::<usize>();
    visit.framed("tidegate MessageBuffer + Gate", ram_bytes, &mut gated);
}
