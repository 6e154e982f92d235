//! A stream's storage on a host: owned handles, so that a large message is moved and never copied.

use std::task::Waker;

use tidegate_core::{
    Index, Link, NoEvents, OwnedMessage, OwnedQueue, Slots, Storage, TooManyWaiters,
};

use crate::message::Multipart;
use crate::socket::Frame;

/// As many messages and waiters as there are.
pub(crate) enum Owned {}

impl Storage for Owned {
    type Incoming = OwnedQueue<Multipart>;
    type Outgoing = OwnedQueue<Multipart>;
    type Events = NoEvents;
    type Slots = GrowingSlots;
}

impl OwnedMessage for Multipart {
    fn frame_count(&self) -> usize {
        self.len()
    }

    /// The payload, and the size of a handle for each frame.
    fn charge_bytes(&self) -> usize {
        self.payload_bytes()
            .saturating_add(self.len().saturating_mul(size_of::<Frame>()))
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
