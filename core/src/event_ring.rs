//! A ring of the newest events.

use core::fmt;

/// The last `N` events: when one more comes the oldest is dropped, and counted.
///
/// The backlog is a limit at run time, at most `N`, which is the default. With a backlog of 0 events are only counted.
///
/// Memory: `N` events and five words; all zeros at the start.
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
    /// Those that were ever used, in the order of their places.
    slots: heapless::Vec<T, N>,
    /// Where the next event goes.
    next: usize,
    /// How many came and were neither read nor counted below: as many of them wait as the backlog lets.
    unread: usize,
    /// How much the backlog is under `N`.
    cut: usize,
    /// How many were discarded by smaller backlogs before.
    discarded: usize,
}

impl<T: Copy, const N: usize> EventRing<T, N> {
    /// An empty ring with a backlog of `N`.
    pub const fn new() -> Self {
        Self {
            slots: heapless::Vec::new(),
            next: 0,
            unread: 0,
            cut: 0,
            discarded: 0,
        }
    }

    /// How many events are kept.
    pub const fn backlog(&self) -> usize {
        // `cut` is never over `N`.
        N.wrapping_sub(self.cut)
    }

    /// Changes how many events are kept, at most `N`; the oldest ones that are too many are dropped, and counted.
    pub fn set_backlog(&mut self, events: usize) {
        let kept = self.len().min(events);
        self.discarded = self
            .discarded
            .saturating_add(self.unread.wrapping_sub(kept));
        self.unread = kept;
        self.cut = N.saturating_sub(events);
    }

    /// Adds an event. If the backlog is full the oldest one makes room.
    #[inline]
    pub fn push(&mut self, event: T) {
        match self.slots.get_mut(self.next) {
            Some(slot) => *slot = event,
            // The places are used in their order, so this is the next one.
            None => {
                let _: Result<(), T> = self.slots.push(event);
            }
        }
        let next = self.next.wrapping_add(1);
        self.next = if next < N { next } else { 0 };
        self.unread = self.unread.saturating_add(1);
    }

    /// Takes the oldest event, and how many were discarded since the last one was taken.
    #[inline]
    pub fn pop(&mut self) -> Option<(T, usize)> {
        let len = self.len();
        if len == 0 {
            return None;
        }
        let oldest = match self.next.checked_sub(len) {
            Some(oldest) => oldest,
            None => self.next.wrapping_add(N).wrapping_sub(len),
        };
        let event = *self.slots.get(oldest)?;
        let discarded = self.discarded();
        self.discarded = 0;
        self.unread = len.wrapping_sub(1);
        Some((event, discarded))
    }

    /// How many events wait.
    #[inline]
    pub const fn len(&self) -> usize {
        if self.unread < self.backlog() {
            self.unread
        } else {
            self.backlog()
        }
    }

    /// Whether no event waits.
    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many were discarded since the last event was taken.
    #[inline]
    pub const fn discarded(&self) -> usize {
        self.discarded
            .saturating_add(self.unread.wrapping_sub(self.len()))
    }
}

impl<T: Copy, const N: usize> Default for EventRing<T, N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Copy, const N: usize> fmt::Debug for EventRing<T, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventRing")
            .field("backlog", &self.backlog())
            .field("len", &self.len())
            .field("discarded", &self.discarded())
            .finish()
    }
}
