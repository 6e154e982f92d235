//! A ring of the newest events.

use core::{fmt, mem};

/// The last `N` events, at least one: when one more comes the oldest is dropped, and counted.
///
/// The backlog is a limit at run time, at most `N`, which is the default. With a backlog of 0 events are only counted.
///
/// Memory: `N` events and four words; all zeros at the start.
///
/// ```
/// use tidegate_core::EventRing;
///
/// let mut ring = EventRing::<&str, 2>::new();
/// ring.push("one");
/// ring.push("two");
/// ring.push("three");
/// assert_eq!(ring.pop(), Some(("two", 1)));
/// assert_eq!(ring.pop(), Some(("three", 0)));
/// assert_eq!(ring.pop(), None);
/// ```
pub struct EventRing<T, const N: usize> {
    events: heapless::Deque<T, N>,
    /// How much the backlog is under `N`.
    cut: usize,
    discarded: usize,
}

impl<T, const N: usize> EventRing<T, N> {
    /// An empty ring with a backlog of `N`.
    pub const fn new() -> Self {
        Self {
            events: heapless::Deque::new(),
            cut: 0,
            discarded: 0,
        }
    }

    /// How many events are kept.
    pub const fn backlog(&self) -> usize {
        N.saturating_sub(self.cut)
    }

    /// Changes how many events are kept, at most `N`; the oldest ones that are too many are dropped, and counted.
    pub fn set_backlog(&mut self, events: usize) {
        self.cut = N.saturating_sub(events);
        while self.events.len() > self.backlog() {
            self.discard();
        }
    }

    fn discard(&mut self) {
        self.events.pop_front();
        self.discarded = self.discarded.saturating_add(1);
    }

    /// Adds an event. If the backlog is full the oldest one makes room.
    #[inline]
    pub fn push(&mut self, event: T) {
        if self.events.len() >= self.backlog() {
            self.discard();
        }
        // A backlog of 0 has no room for it either: it was counted just now.
        if self.backlog() > 0 {
            let _: Result<(), T> = self.events.push_back(event);
        }
    }

    /// Takes the oldest event, and how many were discarded since the last one was taken.
    pub fn pop(&mut self) -> Option<(T, usize)> {
        let event = self.events.pop_front()?;
        Some((event, mem::take(&mut self.discarded)))
    }

    /// How many events wait.
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// Whether no event waits.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// How many were discarded since the last event was taken.
    pub const fn discarded(&self) -> usize {
        self.discarded
    }
}

impl<T, const N: usize> Default for EventRing<T, N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T, const N: usize> fmt::Debug for EventRing<T, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventRing")
            .field("backlog", &self.backlog())
            .field("len", &self.len())
            .field("discarded", &self.discarded)
            .finish()
    }
}
