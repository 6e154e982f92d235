//! A stream's storage on a host: owned handles, so that a large message is moved and never copied.

use std::collections::VecDeque;

use std::task::Waker;

use tidegate_core::{
    Index, Level, Link, NoEvents, PushError, Queue, Slots, Storage, TooManyWaiters, Watermarks,
};

use crate::message::Multipart;

/// The marks of a side that nobody set.
pub(crate) const DEFAULT_LIMITS: Watermarks = Watermarks::from_high(64 * 1024);

/// As many messages and waiters as there are.
pub(crate) enum Owned {}

impl Storage for Owned {
    type Incoming = Messages;
    type Outgoing = Messages;
    type Events = NoEvents;
    type Slots = GrowingSlots;
}

/// Messages, each with what it was charged when it came in.
#[derive(Debug, Default)]
pub(crate) struct Messages {
    queue: VecDeque<(usize, Multipart)>,
    level: usize,
}

impl Messages {
    pub(crate) const fn new() -> Self {
        Self {
            queue: VecDeque::new(),
            level: 0,
        }
    }

    /// The oldest message, for a socket that takes its frames one by one.
    pub(crate) fn head_mut(&mut self) -> Option<&mut Multipart> {
        self.queue.front_mut().map(|(_, message)| message)
    }
}

impl Level for Messages {
    const LIMITS: Watermarks = DEFAULT_LIMITS;

    fn level_bytes(&self) -> usize {
        self.level
    }

    fn len(&self) -> usize {
        self.queue.len()
    }

    fn clear(&mut self) {
        self.queue.clear();
        self.level = 0;
    }
}

impl Queue for Messages {
    type Push<'a> = Multipart;
    type Pop<'a> = Multipart;

    fn push<'a>(&mut self, message: Self::Push<'a>) -> Result<(), PushError<Self::Push<'a>>> {
        if message.is_empty() {
            return Err(PushError::NoFrames(message));
        }
        let charge = message.charge_bytes();
        self.level = self.level.saturating_add(charge);
        self.queue.push_back((charge, message));
        Ok(())
    }

    fn pop_with<R>(&mut self, f: impl FnOnce(Multipart) -> R) -> Option<R> {
        let (charge, message) = self.queue.pop_front()?;
        self.level = self.level.saturating_sub(charge);
        Some(f(message))
    }
}

/// Room for as many waiters as come.
#[derive(Debug, Default)]
pub(crate) struct GrowingSlots {
    wakers: Vec<Option<Waker>>,
    links: Vec<Link<u32>>,
}

impl GrowingSlots {
    pub(crate) const fn new() -> Self {
        Self {
            wakers: Vec::new(),
            links: Vec::new(),
        }
    }
}

impl Slots for GrowingSlots {
    type Index = u32;

    fn wakers(&self) -> &[Option<Waker>] {
        &self.wakers
    }

    fn wakers_mut(&mut self) -> &mut [Option<Waker>] {
        &mut self.wakers
    }

    fn links(&self) -> &[Link<u32>] {
        &self.links
    }

    fn links_mut(&mut self) -> &mut [Link<u32>] {
        &mut self.links
    }

    fn grow(&mut self) -> Result<(), TooManyWaiters> {
        u32::of(self.links.len()).ok_or(TooManyWaiters)?;
        self.wakers.push(None);
        self.links.push(Link::NONE);
        Ok(())
    }
}
