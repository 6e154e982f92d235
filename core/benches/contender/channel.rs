//! embassy-sync: a channel of vectors.

use core::mem::size_of_val;
use core::task::{Context, Poll};

use embassy_sync::blocking_mutex::raw::CriticalSectionRawMutex;
use embassy_sync::channel;

use super::waiting::{VisitWaiting, Waiting};
use super::{Contender, SLOTS, Slot, Visit};

/// The channel itself.
pub type Channel = channel::Channel<CriticalSectionRawMutex, Slot, SLOTS>;

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

impl Waiting for &Channel {
    fn wait(&mut self, message: &[u8], cx: &mut Context<'_>, mut see: impl FnMut(&[u8])) -> bool {
        let was_pending = self.poll_receive(cx).is_pending();
        if !self.push(message) {
            return false;
        }
        let Poll::Ready(slot) = self.poll_receive(cx) else {
            return false;
        };
        see(&slot);
        was_pending
    }
}

/// Shows it to the visitor.
pub fn visit(visit: &mut impl Visit) {
    let channel = Channel::new();
    visit.queue("embassy-sync Channel", size_of_val(&channel), &mut &channel);
}

/// The same, for its reader can wait.
pub fn visit_waiting(visit: &mut impl VisitWaiting) {
    let channel = Channel::new();
    visit.waiting("embassy-sync Channel", &mut &channel);
}
