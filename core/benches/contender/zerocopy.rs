//! embassy-sync: a channel that lends its slots.

use core::mem::size_of_val;
use core::task::{Context, Poll};

use embassy_sync::blocking_mutex::raw::CriticalSectionRawMutex;
use embassy_sync::zerocopy_channel::{self, Receiver, Sender};

use super::waiting::{VisitWaiting, Waiting};
use super::{Contender, SLOTS, Slot, Visit};

/// The channel itself.
pub type Channel<'a> = zerocopy_channel::Channel<'a, CriticalSectionRawMutex, Slot>;

/// Its two ends.
pub struct Ends<'a> {
    /// Where messages go in.
    pub sender: Sender<'a, CriticalSectionRawMutex, Slot>,
    /// Where they come out.
    pub receiver: Receiver<'a, CriticalSectionRawMutex, Slot>,
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

impl Waiting for Ends<'_> {
    fn wait(&mut self, message: &[u8], cx: &mut Context<'_>, mut see: impl FnMut(&[u8])) -> bool {
        let was_pending = self.receiver.poll_receive(cx).is_pending();
        if !self.push(message) {
            return false;
        }
        let Poll::Ready(slot) = self.receiver.poll_receive(cx) else {
            return false;
        };
        see(slot);
        self.receiver.receive_done();
        was_pending
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

/// The same, for its reader can wait.
pub fn visit_waiting(visit: &mut impl VisitWaiting) {
    let mut slots = [const { Slot::new() }; SLOTS];
    let mut channel = Channel::new(&mut slots);
    let (sender, receiver) = channel.split();
    visit.waiting(
        "embassy-sync zerocopy_channel",
        &mut Ends { sender, receiver },
    );
}
