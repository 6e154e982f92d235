//! One side of a stream: where its messages lie, what they are charged, and whether its gate is shut.

use std::collections::VecDeque;

use crate::{Message, charge};

/// A stretch of the ring that no other message gets.
#[derive(Debug)]
struct Region {
    number: usize,
    start: usize,
    len: usize,
    holds: Holds,
}

#[derive(Debug)]
enum Holds {
    /// Somebody is writing there.
    Nothing,
    Message(Message),
    /// Nobody is, and the reader will pass it.
    Gap,
}

/// A ring as the documentation of `MessageBuffer` tells it, with a list of who lies where.
#[derive(Debug)]
pub struct Side {
    capacity: usize,
    /// In the order of their reservations.
    regions: VecDeque<Region>,
    /// Where the next one begins, if it fits there.
    end: usize,
    next: usize,
    /// Whether somebody looks at the oldest message.
    pub lent: bool,
    /// High and low.
    pub marks: (usize, usize),
    pub paused: bool,
}

impl Side {
    pub fn new(capacity: usize) -> Self {
        Self {
            capacity,
            regions: VecDeque::new(),
            end: 0,
            next: 0,
            lent: false,
            marks: (capacity - capacity.div_ceil(4), capacity / 4),
            paused: false,
        }
    }

    fn messages(&self) -> impl Iterator<Item = &Message> {
        self.regions
            .iter()
            .filter_map(|region| match &region.holds {
                Holds::Message(message) => Some(message),
                Holds::Nothing | Holds::Gap => None,
            })
    }

    pub fn len(&self) -> usize {
        self.messages().count()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn level(&self) -> usize {
        self.messages().map(charge).sum()
    }

    /// The oldest message, if it can be taken.
    pub fn first(&self) -> Option<&Message> {
        match &self.regions.front()?.holds {
            Holds::Message(message) if !self.lent => Some(message),
            _ => None,
        }
    }

    /// Over the high mark shut, at or under the low one open, between as it was.
    pub fn update(&mut self) {
        let (high, low) = self.marks;
        let level = self.level();
        self.paused = if self.paused {
            level > low
        } else {
            level > high
        };
    }

    fn begin(&self) -> usize {
        self.regions.front().map_or(0, |first| first.start)
    }

    /// The longest message that fits: in what is free, less one byte where that lies before the oldest message.
    pub fn room(&self) -> usize {
        let (begin, end) = (self.begin(), self.end);
        if end < begin {
            begin - end - 1
        } else {
            (self.capacity - end).max(begin.saturating_sub(1))
        }
    }

    /// Room for so many bytes, behind all others or, if there is none, before them. Its number.
    pub fn reserve(&mut self, len: usize) -> Option<usize> {
        if len > self.room() {
            return None;
        }
        let wraps = self.end >= self.begin() && len > self.capacity - self.end;
        let start = if wraps { 0 } else { self.end };
        self.end = start + len;
        self.next += 1;
        self.regions.push_back(Region {
            number: self.next,
            start,
            len,
            holds: Holds::Nothing,
        });
        Some(self.next)
    }

    fn find(&self, number: usize) -> Option<usize> {
        self.regions.iter().position(|it| it.number == number)
    }

    /// What was reserved now holds a message.
    pub fn write(&mut self, number: usize, message: Message) {
        let at = self.find(number).expect("it was reserved");
        self.regions[at].holds = Holds::Message(message);
        self.update();
    }

    /// Only the first bytes of what was reserved are needed.
    pub fn cut(&mut self, number: usize, len: usize) {
        let Some(at) = self.find(number) else { return };
        let region = &mut self.regions[at];
        let (start, was) = (region.start + len, region.len);
        region.len = len;
        if region.start + was == self.end {
            self.end = start;
        } else if was > len {
            let gap = Region {
                number: 0,
                start,
                len: was - len,
                holds: Holds::Gap,
            };
            self.regions.insert(at + 1, gap);
        }
    }

    /// What was reserved is given up.
    pub fn give_up(&mut self, number: usize) {
        let Some(at) = self.find(number) else { return };
        if self.regions[at].start + self.regions[at].len == self.end {
            self.end = self.regions[at].start;
            self.regions.remove(at);
        } else {
            self.regions[at].holds = Holds::Gap;
        }
        self.pass_gaps();
    }

    /// The reader passes what nobody uses; a ring that is empty begins at its beginning.
    pub fn pass_gaps(&mut self) {
        while let Some(Holds::Gap) = self.regions.front().map(|first| &first.holds) {
            self.regions.pop_front();
        }
        if self.regions.is_empty() {
            self.end = 0;
        }
    }

    /// Puts a message in at once, if there is room.
    pub fn push(&mut self, message: Message, len: usize) -> bool {
        let reserved = self.reserve(len);
        if let Some(number) = reserved {
            self.write(number, message);
        }
        reserved.is_some()
    }

    /// Takes the oldest message out, if it can be taken or was lent. The reader has not passed yet what is behind it.
    pub fn release(&mut self) -> Option<Message> {
        self.lent = false;
        let message = self.first()?.clone();
        self.regions.pop_front();
        self.update();
        Some(message)
    }

    /// The same, and what nobody uses is passed.
    pub fn take(&mut self) -> Option<Message> {
        let message = self.release();
        self.pass_gaps();
        message
    }

    /// Everything is dropped.
    pub fn clear(&mut self) {
        self.regions.clear();
        self.end = 0;
        self.lent = false;
    }
}
