//! No queue at all: the copy that none of them can do without, to the worst address.

use super::{Contender, SLOT_BYTES, Visit};

#[repr(C, align(4))]
struct Copy {
    bytes: [u8; SLOT_BYTES],
    len: usize,
}

impl Contender for Copy {
    fn push(&mut self, message: &[u8]) -> bool {
        let len = message.len();
        let Some(bytes) = self.bytes.get_mut(1..=len) else {
            return false;
        };
        bytes.copy_from_slice(message);
        self.len = len;
        true
    }

    fn pop(&mut self, mut see: impl FnMut(&[u8])) -> bool {
        self.bytes.get(1..=self.len).is_some_and(|bytes| {
            see(bytes);
            true
        })
    }
}

/// Shows it to the visitor.
pub fn visit(visit: &mut impl Visit) {
    let mut copy = Copy {
        bytes: [0; SLOT_BYTES],
        len: 0,
    };
    visit.queue("copy in alone, misaligned", 0, &mut copy);
}
