//! Who waits: one list per kind of wait, and after each call a look at all of them.

use std::collections::VecDeque;
use std::mem;

use super::{Model, State};
use crate::ops::{SLOTS, WAITERS};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Read,
    Event,
    Send,
    Drain,
    Flush,
    Closed,
}

const KINDS: [Kind; 6] = [
    Kind::Read,
    Kind::Event,
    Kind::Send,
    Kind::Drain,
    Kind::Flush,
    Kind::Closed,
];

/// Somebody who has a slot.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waiting {
    kind: Kind,
    asleep: bool,
    /// Taken off the list, for the wait is over.
    pub(super) told: bool,
    /// And that because what it has flushed is gone, whatever comes later.
    pub(super) flushed: bool,
}

/// The slots, and the lists.
#[derive(Default)]
pub(super) struct Waits {
    pub(super) waiting: [Option<Waiting>; WAITERS],
    lists: [VecDeque<usize>; 6],
}

impl Waits {
    pub(super) fn is_empty(&self, kind: Kind) -> bool {
        self.lists[kind as usize].is_empty()
    }

    fn list(&mut self, kind: Kind) -> &mut VecDeque<usize> {
        &mut self.lists[kind as usize]
    }
}

impl Model {
    /// Whether the wait is over for all.
    pub(super) fn over(&self, kind: Kind) -> bool {
        match kind {
            Kind::Read => match self.state {
                State::Open => false,
                State::Failed(_) => true,
                _ => self.incoming.is_empty() && self.discarded.is_none(),
            },
            Kind::Event => {
                (self.state != State::Open || !self.monitoring) && self.events.is_empty()
            }
            Kind::Send => self.state != State::Open,
            Kind::Flush => !self.live() || self.outgoing.is_empty(),
            Kind::Drain | Kind::Closed => !self.live(),
        }
    }

    /// Whether the first has reason to go on.
    fn served(&self, kind: Kind) -> bool {
        match kind {
            Kind::Read => self.incoming.first().is_some() || matches!(self.discarded, Some((_, 0))),
            Kind::Event => !self.events.is_empty(),
            Kind::Send => !self.outgoing.paused && self.needed <= self.outgoing.room(),
            Kind::Drain => !self.outgoing.paused,
            Kind::Flush | Kind::Closed => false,
        }
    }

    /// Gives up a place, and passes the turn on.
    pub(super) fn leave(&mut self, who: usize) {
        let Some(waiting) = self.waits.waiting[who].take() else {
            return;
        };
        let list = self.waits.list(waiting.kind);
        let was_first = list.front() == Some(&who);
        list.retain(|&other| other != who);
        if was_first && waiting.kind == Kind::Send {
            // The next one is not overtaken before it has looked.
            let next_waits = self.needed > 0 && !self.waits.is_empty(Kind::Send);
            self.needed = usize::from(next_waits);
        }
    }

    /// What one waited for before it gives up.
    pub(super) fn begin(&mut self, kind: Kind, who: usize) {
        if self.waits.waiting[who].is_some_and(|waiting| waiting.kind != kind) {
            self.leave(who);
        }
    }

    /// Whether it is this waiter's turn; `None` is a newcomer.
    pub(super) fn is_next(&self, kind: Kind, who: Option<usize>) -> bool {
        match self.waits.lists[kind as usize].front() {
            None => true,
            first => first == who.as_ref(),
        }
    }

    /// Waits; `false` if there is no room for one more.
    pub(super) fn wait(&mut self, kind: Kind, who: usize) -> bool {
        match &mut self.waits.waiting[who] {
            Some(waiting) if !waiting.told => waiting.asleep = true,
            Some(waiting) => {
                (waiting.told, waiting.asleep) = (false, true);
                self.waits.list(kind).push_back(who);
            }
            None => {
                if self.waits.waiting.iter().flatten().count() == SLOTS {
                    return false;
                }
                self.waits.waiting[who] = Some(Waiting {
                    kind,
                    asleep: true,
                    told: false,
                    flushed: false,
                });
                self.waits.list(kind).push_back(who);
            }
        }
        true
    }

    /// Wakes whoever has reason to go on.
    pub(super) fn wake(&mut self) {
        for kind in KINDS {
            if self.over(kind) {
                let flushed = kind == Kind::Flush && self.live();
                for who in mem::take(self.waits.list(kind)) {
                    let waiting = self.waits.waiting[who].as_mut().expect("it is listed");
                    self.woken[who] += usize::from(waiting.asleep);
                    (waiting.asleep, waiting.told, waiting.flushed) = (false, true, flushed);
                }
            } else if self.served(kind)
                && let Some(&who) = self.waits.list(kind).front()
            {
                let waiting = self.waits.waiting[who].as_mut().expect("it is listed");
                self.woken[who] += usize::from(waiting.asleep);
                waiting.asleep = false;
            }
        }
    }
}
