//! embassy-sync: a channel of vectors.

use core::mem::size_of_val;

use embassy_sync::channel;

use super::{Contender, Lock, SLOTS, Slot, Visit};

/// The channel itself.
pub type Channel = channel::Channel<Lock, Slot, SLOTS>;

impl Contender for &Channel {
    fn push(&mut self, message: &[u8]) -> bool {
        Slot::from_slice(message).is_ok_and(|slot| self.try_send(slot).is_ok())
    }

    fn pop(&mut self, mut see: impl FnMut(&[u8])) -> bool {
        self.try_receive().is_ok_and(|slot| {
            see(&slot);
            true
        })
    }
}

/// Shows it to the visitor.
pub fn visit(visit: &mut impl Visit) {
    let channel = Channel::new();
    visit.queue("embassy-sync Channel", size_of_val(&channel), &mut &channel);
}
