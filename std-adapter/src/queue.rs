//! A stream's storage on a host: owned handles, so that a large message is moved and never copied.

use std::collections::VecDeque;

use tidegate_core::{Index, PushError, Queue, Slot, Slots, Storage, TooManyWaiters, Watermarks};

use crate::message::Multipart;

/// The marks of a side that nobody set.
pub(crate) const DEFAULT_LIMITS: Watermarks = Watermarks::from_high(64 * 1024);

/// As many messages and waiters as there are.
pub(crate) enum Owned {}

impl Storage for Owned {
    type Incoming = Messages;
    type Outgoing = Messages;
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

impl Queue for Messages {
    const LIMITS: Watermarks = DEFAULT_LIMITS;
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

/// Room for as many waiters as come.
#[derive(Debug, Default)]
pub(crate) struct GrowingSlots(Vec<Slot<u32>>);

impl GrowingSlots {
    pub(crate) const fn new() -> Self {
        Self(Vec::new())
    }
}

impl Slots for GrowingSlots {
    type Index = u32;

    fn get(&self) -> &[Slot<u32>] {
        &self.0
    }

    fn get_mut(&mut self) -> &mut [Slot<u32>] {
        &mut self.0
    }

    fn add(&mut self, slot: Slot<u32>) -> Result<(), TooManyWaiters> {
        u32::of(self.0.len()).ok_or(TooManyWaiters)?;
        self.0.push(slot);
        Ok(())
    }
}
