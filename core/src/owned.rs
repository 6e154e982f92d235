//! A queue of owned messages, for a host: a message is moved in and out, never copied.

use alloc::collections::VecDeque;

use crate::error::PushError;
use crate::queue::{Level, Queue};
use crate::watermark::Watermarks;

/// A message that is cheap to move.
pub trait OwnedMessage {
    /// How many frames it has. One without frames is refused.
    fn frame_count(&self) -> usize;
    /// What a gate is charged for it, in bytes: its payload, and a constant for each frame.
    fn charge_bytes(&self) -> usize;
}

/// As many owned messages as there are, each with what it was charged when it came in. Needs the feature `alloc`.
///
/// Memory: what is queued, and a `usize` for each message; it has no limit of its own, so a gate is what bounds it. New gates
/// over it have a high-water mark of 64 KiB and a low one of 16 KiB.
///
/// ```
/// use tidegate_core::{Level, OwnedMessage, OwnedQueue, PushError, Queue};
///
/// #[derive(Debug, PartialEq)]
/// struct Message(Vec<Vec<u8>>);
///
/// impl OwnedMessage for Message {
///     fn frame_count(&self) -> usize {
///         self.0.len()
///     }
///     fn charge_bytes(&self) -> usize {
///         self.0.iter().map(|frame| frame.len() + size_of::<Vec<u8>>()).sum()
///     }
/// }
///
/// let mut queue = OwnedQueue::new();
/// queue.push(Message(vec![b"hello".to_vec()])).unwrap();
/// assert_eq!(queue.level_bytes(), 5 + size_of::<Vec<u8>>());
/// assert_eq!(queue.push(Message(vec![])), Err(PushError::NoFrames(Message(vec![]))));
/// ```
#[derive(Debug)]
pub struct OwnedQueue<M> {
    queue: VecDeque<(usize, M)>,
    level: usize,
}

impl<M> OwnedQueue<M> {
    /// An empty queue.
    pub const fn new() -> Self {
        Self {
            queue: VecDeque::new(),
            level: 0,
        }
    }

    /// The oldest message.
    #[inline]
    pub fn head(&self) -> Option<&M> {
        self.queue.front().map(|(_, message)| message)
    }

    /// The oldest message, for a transport that takes its frames one by one. What it is charged does not change by this.
    #[inline]
    pub fn head_mut(&mut self) -> Option<&mut M> {
        self.queue.front_mut().map(|(_, message)| message)
    }

    /// Drops the oldest messages for as long as `is_done` says so of each, and so many at most. Says how many.
    pub(crate) fn drop_while(
        &mut self,
        most: usize,
        mut is_done: impl FnMut(&mut M) -> bool,
    ) -> usize {
        let (mut done, mut charge) = (0usize, 0usize);
        for (charged, message) in self.queue.iter_mut().take(most) {
            if !is_done(message) {
                break;
            }
            done = done.saturating_add(1);
            charge = charge.saturating_add(*charged);
        }
        drop(self.queue.drain(..done.min(self.queue.len())));
        self.level = self.level.saturating_sub(charge);
        done
    }
}

impl<M> Default for OwnedQueue<M> {
    fn default() -> Self {
        Self::new()
    }
}

impl<M> Level for OwnedQueue<M> {
    const LIMITS: Watermarks = Watermarks::from_high(64 * 1024);

    #[inline]
    fn level_bytes(&self) -> usize {
        self.level
    }

    #[inline]
    fn len(&self) -> usize {
        self.queue.len()
    }

    fn clear(&mut self) {
        self.queue.clear();
        self.level = 0;
    }
}

impl<M: OwnedMessage> Queue for OwnedQueue<M> {
    type Push<'a> = M;
    type Pop<'a> = M;

    #[inline]
    fn push<'m>(&mut self, message: Self::Push<'m>) -> Result<(), PushError<Self::Push<'m>>> {
        if message.frame_count() == 0 {
            return Err(PushError::NoFrames(message));
        }
        let charge = message.charge_bytes();
        self.level = self.level.saturating_add(charge);
        self.queue.push_back((charge, message));
        Ok(())
    }

    #[inline]
    fn pop_with<R>(&mut self, f: impl FnOnce(M) -> R) -> Option<R> {
        let (charge, message) = self.queue.pop_front()?;
        self.level = self.level.saturating_sub(charge);
        Some(f(message))
    }
}
