//! What goes in on one side of a stream and comes out on the other, where a call may be interrupted by another one.

use std::cell::{Cell, RefCell};

use crate::Message;

/// What is to come out on one side, in order.
#[derive(Default)]
pub struct Line {
    /// Each message with its turn. Of two that have the same one either may come first.
    waiting: RefCell<Vec<(u32, Message)>>,
    /// What is being put in just now, by a call that has not come to its end: it may be taken before that.
    coming: RefCell<Option<Message>>,
    turn: Cell<u32>,
}

impl Line {
    /// A call that takes its turn at once: whatever comes in while it is interrupted comes later.
    pub fn put(&self, message: Message, put: impl FnOnce() -> bool) {
        self.turn.set(self.turn.get() + 1);
        self.put_in_turn(self.turn.get(), message, put);
    }

    /// A call that may have to wait for its turn: what comes in while it is interrupted comes before it or after it.
    pub fn put_some_time(&self, message: Message, put: impl FnOnce() -> bool) {
        self.put_in_turn(self.turn.get() + 1, message, put);
    }

    /// `put` says whether the message was accepted.
    fn put_in_turn(&self, turn: u32, message: Message, put: impl FnOnce() -> bool) {
        let outer = self.coming.replace(Some(message));
        let is_accepted = put();
        match self.coming.replace(outer) {
            None => assert!(is_accepted, "a message comes out that was refused"),
            Some(message) if is_accepted => {
                let mut waiting = self.waiting.borrow_mut();
                let place = waiting.partition_point(|&(other, _)| other <= turn);
                waiting.insert(place, (turn, message));
                self.turn.set(self.turn.get().max(turn));
            }
            Some(_) => {}
        }
    }

    /// A message was taken, and is not yet released.
    pub fn took(&self, message: &Message) {
        let mut waiting = self.waiting.borrow_mut();
        let Some(&(turn, _)) = waiting.first() else {
            let coming = self.coming.take();
            assert_eq!(coming.as_ref(), Some(message), "twice, or from nowhere");
            return;
        };
        let is_next = |&(other, ref it): &(u32, Message)| other == turn && it == message;
        let place = waiting.iter().position(is_next);
        match place {
            Some(place) => drop(waiting.remove(place)),
            None => panic!("{message:?} comes, and not one of {waiting:?}"),
        }
    }

    /// How many were accepted and not yet taken.
    pub fn count(&self) -> usize {
        self.waiting.borrow().len()
    }
}
