//! embassy-sync: a channel that lends its slots.

use core::mem::size_of_val;

use embassy_sync::zerocopy_channel::{self, Receiver, Sender};

use super::{Contender, Lock, SLOTS, Slot, Visit};

/// The channel itself.
pub type Channel<'a> = zerocopy_channel::Channel<'a, Lock, Slot>;

/// Its two ends.
pub struct Ends<'a> {
    /// Where messages go in.
    pub sender: Sender<'a, Lock, Slot>,
    /// Where they come out.
    pub receiver: Receiver<'a, Lock, Slot>,
}

impl Contender for Ends<'_> {
    fn push(&mut self, message: &[u8]) -> bool {
        let Some(slot) = self.sender.try_send() else {
            return false;
        };
        slot.clear();
        if slot.extend_from_slice(message).is_err() {
            return false;
        }
        self.sender.send_done();
        true
    }

    fn pop(&mut self, mut see: impl FnMut(&[u8])) -> bool {
        let Some(slot) = self.receiver.try_receive() else {
            return false;
        };
        see(slot);
        self.receiver.receive_done();
        true
    }
}

/// Shows it to the visitor.
pub fn visit(visit: &mut impl Visit) {
    let mut slots = [const { Slot::new() }; SLOTS];
    let slots_bytes = size_of_val(&slots);
    let mut channel = Channel::new(&mut slots);
    let ram_bytes = slots_bytes + size_of_val(&channel);
    let (sender, receiver) = channel.split();
    let mut ends = Ends { sender, receiver };
    visit.queue("embassy-sync zerocopy_channel", ram_bytes, &mut ends);
}
