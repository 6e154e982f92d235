//! heapless: a deque of vectors, neither shared nor woken.

use core::mem::size_of_val;

use heapless::Deque;

use super::{Contender, SLOTS, Slot, Visit};

/// The queue itself.
pub type Queue = Deque<Slot, SLOTS>;

impl Contender for Queue {
    fn push(&mut self, message: &[u8]) -> bool {
        Slot::from_slice(message).is_ok_and(|slot| self.push_back(slot).is_ok())
    }

    fn pop(&mut self, mut see: impl FnMut(&[u8])) -> bool {
        self.pop_front().is_some_and(|slot| {
            see(&slot);
            true
        })
    }
}

/// Shows it to the visitor.
pub fn visit(visit: &mut impl Visit) {
    let mut queue = Queue::new();
    visit.queue("heapless Deque", size_of_val(&queue), &mut queue);
}
