//! Who waits for what, in the order in which they came.
//!
//! One circular list per kind of wait, linked through the slots by index; every step is a constant number of steps. A future
//! holds a [`Ticket`], which owns its slot until it leaves. Nobody is ever evicted.

use core::task::Waker;
use core::{fmt, mem};

use crate::error::TooManyWaiters;

/// What one waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A message to read.
    Read,
    /// An event to read.
    Event,
    /// The write side's gate, and room for a message.
    Send,
    /// The write side to be resumed.
    Drain,
    /// The write buffer to be empty.
    Flush,
    /// The end.
    Closed,
    /// A wake, after the write buffer was empty. Tickets do not say so: theirs is a flush.
    Flushed,
}

impl Kind {
    /// All, in the order of their numbers.
    pub(crate) const ALL: [Self; 7] = [
        Self::Read,
        Self::Event,
        Self::Send,
        Self::Drain,
        Self::Flush,
        Self::Closed,
        Self::Flushed,
    ];

    #[inline]
    pub(crate) fn index(self) -> usize {
        match self {
            Self::Read => 0,
            Self::Event => 1,
            Self::Send => 2,
            Self::Drain => 3,
            Self::Flush => 4,
            Self::Closed => 5,
            Self::Flushed => 6,
        }
    }
}

/// A slot's number, or none. `u8` on a device, `u32` on a host; zero is none, so that an empty list is all zeros.
pub trait Index: Copy + PartialEq + fmt::Debug {
    /// No slot; zero.
    const NONE: Self;
    /// The number as an index, or `None` if it does not fit.
    fn of(slot: usize) -> Option<Self>;
    /// The slot; of none, `usize::MAX`, which no slot has.
    fn slot(self) -> usize;
}

macro_rules! index {
    ($($int:ty),*) => {$(
        impl Index for $int {
            const NONE: Self = 0;
            #[inline]
            fn of(slot: usize) -> Option<Self> {
                slot.checked_add(1)?.try_into().ok()
            }
            #[inline]
            fn slot(self) -> usize {
                usize::try_from(self).unwrap_or(0).wrapping_sub(1)
            }
        }
    )*};
}
index!(u8, u32);

/// Who stands before and behind a slot in its list.
#[derive(Clone, Copy, Debug)]
pub struct Link<I> {
    before: I,
    /// None for a slot that is in no list; in a free slot the next free one.
    after: I,
}

impl<I: Index> Link<I> {
    /// In no list.
    pub const NONE: Self = Self {
        before: I::NONE,
        after: I::NONE,
    };
}

/// Where the waiters are kept: a fixed number on a device, as many as are needed on a host. Wakers and links have the
/// same number at any time.
pub trait Slots {
    /// What numbers them.
    type Index: Index;
    /// The waker of each slot, while its owner sleeps.
    fn wakers_mut(&mut self) -> &mut [Option<Waker>];
    /// The place of each slot.
    fn links(&self) -> &[Link<Self::Index>];
    /// The place of each slot.
    fn links_mut(&mut self) -> &mut [Link<Self::Index>];
    /// Adds one slot, if more can be had.
    ///
    /// # Errors
    /// There is no room for another.
    fn grow(&mut self) -> Result<(), TooManyWaiters>;
}

/// Room for `W` waiters, at most 255: on a 32-bit target, 10 bytes each.
#[derive(Debug)]
pub struct FixedSlots<const W: usize> {
    wakers: [Option<Waker>; W],
    links: [Link<u8>; W],
}

impl<const W: usize> FixedSlots<W> {
    /// No waiters yet; all zeros.
    pub const fn new() -> Self {
        const { assert!(W <= 255, "at most 255 waiters") };
        Self {
            wakers: [const { None }; W],
            links: [Link::NONE; W],
        }
    }
}

impl<const W: usize> Default for FixedSlots<W> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const W: usize> Slots for FixedSlots<W> {
    type Index = u8;

    #[inline]
    fn wakers_mut(&mut self) -> &mut [Option<Waker>] {
        &mut self.wakers
    }

    #[inline]
    fn links(&self) -> &[Link<u8>] {
        &self.links
    }

    #[inline]
    fn links_mut(&mut self) -> &mut [Link<u8>] {
        &mut self.links
    }

    #[inline]
    fn grow(&mut self) -> Result<(), TooManyWaiters> {
        Err(TooManyWaiters)
    }
}

/// A place among those who wait, and the wakers on their way in and out of the lock.
///
/// A future keeps one for as long as it lives. Before it takes the lock, it [`offer`](Self::offer)s a clone of its
/// task's waker; the machine takes it if it has to wait, and puts one that is no longer needed back. What is left is
/// dropped by [`settle`](Self::settle) after the lock was released. A ticket that is offered no waker never waits:
/// that makes a `try_` call of every `poll_` function.
///
/// A ticket belongs to one machine: with another, waits would end early or never. One that still waits has to be cancelled
/// (`Machine::cancel`) before it is dropped, or its place stays taken; a future that is forgotten (`mem::forget`) keeps
/// its place, and its turn, for ever.
#[derive(Debug)]
pub struct Ticket {
    /// The slot plus one; 0 for none.
    slot: usize,
    /// What the place is for, if there is one.
    kind: Kind,
    /// Whether the waker in `offered` is one: it may be what the offered one has replaced.
    is_offered: bool,
    offered: Option<Waker>,
    returned: Option<Waker>,
}

impl Ticket {
    /// A ticket with no place.
    pub const fn new() -> Self {
        Self {
            slot: 0,
            kind: Kind::Read,
            is_offered: false,
            offered: None,
            returned: None,
        }
    }

    /// Lends the machine a waker. Before the lock.
    #[inline]
    pub fn offer(&mut self, waker: &Waker) {
        self.offered = Some(waker.clone());
        self.is_offered = true;
    }

    /// Drops the wakers that are not needed. After the lock.
    #[inline]
    pub fn settle(&mut self) {
        self.is_offered = false;
        self.offered = None;
        self.returned = None;
    }

    /// Whether a waker was offered: whether the caller is ready to wait.
    #[inline]
    pub(crate) fn may_wait(&self) -> bool {
        self.is_offered
    }

    /// Whether it holds a place. If not, there is nothing to cancel.
    #[inline]
    pub const fn has_place(&self) -> bool {
        self.slot != 0
    }

    #[inline]
    fn slot(&self) -> usize {
        self.slot.wrapping_sub(1)
    }

    /// Whether it waits for something else.
    #[inline]
    pub(crate) fn waits_otherwise(&self, kind: Kind) -> bool {
        self.has_place() && self.kind != kind
    }
}

impl Default for Ticket {
    fn default() -> Self {
        Self::new()
    }
}

/// The lists. All zeros at the start.
#[derive(Debug)]
pub(crate) struct Waiters<S: Slots> {
    slots: S,
    /// The last of each list; the first comes after it.
    last: [S::Index; Kind::ALL.len()],
    free: S::Index,
    /// The newest slot that was ever given out.
    newest: S::Index,
}

impl<S: Slots> Waiters<S> {
    pub(crate) const fn new(slots: S) -> Self {
        Self {
            slots,
            last: [S::Index::NONE; Kind::ALL.len()],
            free: S::Index::NONE,
            newest: S::Index::NONE,
        }
    }

    #[inline]
    fn last(&self, kind: Kind) -> S::Index {
        self.last
            .get(kind.index())
            .copied()
            .unwrap_or(S::Index::NONE)
    }

    #[inline]
    fn set_last(&mut self, kind: Kind, last: S::Index) {
        if let Some(place) = self.last.get_mut(kind.index()) {
            *place = last;
        }
    }

    #[inline]
    fn link_mut(&mut self, index: S::Index) -> Option<&mut Link<S::Index>> {
        self.slots.links_mut().get_mut(index.slot())
    }

    #[inline]
    fn waker_mut(&mut self, slot: usize) -> Option<&mut Option<Waker>> {
        self.slots.wakers_mut().get_mut(slot)
    }

    /// Who comes after a slot; none after one that is in no list.
    #[inline]
    fn after(&self, slot: usize) -> S::Index {
        self.slots
            .links()
            .get(slot)
            .map_or(S::Index::NONE, |link| link.after)
    }

    #[inline]
    fn first(&self, kind: Kind) -> S::Index {
        self.after(self.last(kind).slot())
    }

    /// Whether nobody waits.
    #[inline]
    pub(crate) fn nobody(&self, kind: Kind) -> bool {
        self.last(kind) == S::Index::NONE
    }

    /// Whether this ticket's turn is next: it is the first, or nobody waits.
    #[inline]
    pub(crate) fn is_next(&self, kind: Kind, ticket: &Ticket) -> bool {
        self.nobody(kind) || (ticket.has_place() && self.first(kind).slot() == ticket.slot())
    }

    /// The waker of the first in the list, unless it was woken already. It stays the first until it leaves.
    #[inline]
    pub(crate) fn take_first_waker(&mut self, kind: Kind) -> Option<Waker> {
        let first = self.first(kind).slot();
        self.waker_mut(first)?.take()
    }

    /// Takes the first out of the list, for its wait is over; it keeps its slot until it leaves. Its waker, unless it was
    /// woken already; `None` if the list is empty.
    pub(crate) fn tell_first(&mut self, kind: Kind) -> Option<Option<Waker>> {
        let last = self.last(kind);
        let first = self.after(last.slot());
        let told = Link {
            // A mark: of those who are not in a list only who was flushed comes before itself.
            before: match kind {
                Kind::Flushed => first,
                _ => S::Index::NONE,
            },
            after: S::Index::NONE,
        };
        let second = mem::replace(self.link_mut(first)?, told).after;
        if first == last {
            self.set_last(kind, S::Index::NONE);
        } else {
            self.join(last, second);
        }
        Some(self.waker_mut(first.slot())?.take())
    }

    /// Moves all who flush to those who were flushed, at once: whatever is written from now on is none of theirs.
    #[inline]
    pub(crate) fn flushed(&mut self) {
        let flush = self.last(Kind::Flush);
        if flush == S::Index::NONE {
            return;
        }
        let flushed = self.last(Kind::Flushed);
        self.set_last(Kind::Flushed, flush);
        self.set_last(Kind::Flush, S::Index::NONE);
        if flushed != S::Index::NONE {
            // Behind those who were flushed before and not yet woken.
            let (first, first_of_all) = (self.after(flush.slot()), self.after(flushed.slot()));
            self.join(flushed, first);
            self.join(flush, first_of_all);
        }
    }

    /// Makes two slots neighbours.
    #[inline]
    fn join(&mut self, before: S::Index, after: S::Index) {
        if let Some(link) = self.link_mut(before) {
            link.after = after;
        }
        if let Some(link) = self.link_mut(after) {
            link.before = before;
        }
    }

    /// Whether the ticket stands in a list: it has a place, and was not told that its wait is over.
    #[inline]
    pub(crate) fn is_in_line(&self, ticket: &Ticket) -> bool {
        ticket.has_place() && self.after(ticket.slot()) != S::Index::NONE
    }

    /// Whether the ticket's wait was told to be over.
    #[inline]
    pub(crate) fn was_told(&self, ticket: &Ticket) -> bool {
        ticket.has_place() && !self.is_in_line(ticket)
    }

    /// Whether the ticket was told that what it has flushed is gone: so it stays, whatever comes after that.
    #[inline]
    pub(crate) fn was_flushed(&self, ticket: &Ticket) -> bool {
        let link = self.slots.links().get(ticket.slot());
        self.was_told(ticket) && link.is_some_and(|link| link.before.slot() == ticket.slot())
    }

    /// Puts a ticket that has no place at the end of a list. Says whether there was a place: if not, they have to
    /// [`grow`](Self::grow).
    ///
    /// Without a waker: whoever has a place and no waker is awake, and is about to look, or to leave and pass its turn on.
    #[inline]
    pub(crate) fn line_up(&mut self, kind: Kind, ticket: &mut Ticket) -> bool {
        let index = self.free;
        let Some(link) = self.link_mut(index) else {
            return false;
        };
        self.free = link.after;
        ticket.slot = index.slot().wrapping_add(1);
        ticket.kind = kind;
        self.link_last(kind, index);
        true
    }

    /// Makes a place where there is none, if there can be one more.
    #[cold]
    pub(crate) fn grow(&mut self) -> Result<(), TooManyWaiters> {
        if self.free != S::Index::NONE {
            // Somebody has given one up meanwhile.
            return Ok(());
        }
        let slot = self.newest.slot().wrapping_add(1);
        if slot >= self.slots.links().len() {
            self.slots.grow()?;
        }
        let index = S::Index::of(slot).ok_or(TooManyWaiters)?;
        self.newest = index;
        self.free = index;
        Ok(())
    }

    /// Begins a wait anew that was told to be over, and is not any more.
    #[cold]
    #[inline(never)]
    pub(crate) fn line_up_again(&mut self, ticket: &Ticket) {
        if let (Some(index), false) = (S::Index::of(ticket.slot()), self.is_in_line(ticket)) {
            self.link_last(ticket.kind, index);
        }
    }

    /// Takes the waker of a ticket that has a place. What was there before is dropped outside the lock.
    #[inline]
    pub(crate) fn sleep(&mut self, ticket: &mut Ticket) {
        if let Some(waker) = self.waker_mut(ticket.slot()) {
            mem::swap(waker, &mut ticket.offered);
            ticket.is_offered = false;
        }
    }

    /// Puts a slot at the end of a list.
    #[inline]
    fn link_last(&mut self, kind: Kind, index: S::Index) {
        let Some(place) = self.last.get_mut(kind.index()) else {
            return;
        };
        let last = mem::replace(place, index);
        let links = self.slots.links_mut();
        // Alone, it is its own neighbour.
        let (before, after) = match links.get_mut(last.slot()) {
            Some(link) => (last, mem::replace(&mut link.after, index)),
            None => (index, index),
        };
        if let Some(link) = links.get_mut(index.slot()) {
            *link = Link { before, after };
        }
        if let Some(first) = links.get_mut(after.slot()) {
            first.before = index;
        }
    }

    /// Takes the waker back of a ticket that is not to be woken any more, if it has one. It is dropped outside the lock.
    #[inline]
    pub(crate) fn awake(&mut self, ticket: &mut Ticket) {
        if let Some(waker) = self.waker_mut(ticket.slot())
            && waker.is_some()
        {
            mem::swap(waker, &mut ticket.returned);
        }
    }

    /// Takes the ticket out of its list, if it stands in one; it keeps its slot. Says what it waited for, and whether it was
    /// the first.
    #[inline]
    pub(crate) fn leave_line(&mut self, ticket: &Ticket) -> (Kind, bool) {
        let kind = ticket.kind;
        let slot = ticket.slot();
        let Some(link) = self.slots.links_mut().get_mut(slot) else {
            return (kind, false);
        };
        let Link { before, after } = mem::replace(link, Link::NONE);
        let Some(index) = S::Index::of(slot) else {
            return (kind, false);
        };
        if after == S::Index::NONE {
            return (kind, false);
        }
        // Alone, it comes before itself, and nobody is left.
        let new_last = if after == index {
            S::Index::NONE
        } else {
            self.join(before, after);
            before
        };
        let last = self.last(kind);
        if last == index {
            self.set_last(kind, new_last);
        } else if kind == Kind::Flush && self.last(Kind::Flushed) == index {
            // Those who were flushed say that they flush.
            self.set_last(Kind::Flushed, new_last);
        }
        // The last comes before the first.
        (kind, last == before)
    }

    /// Gives up the slot of a ticket that stands in no list; its waker goes back into the ticket.
    #[inline]
    pub(crate) fn give_back(&mut self, ticket: &mut Ticket) {
        self.awake(ticket);
        let slot = mem::take(&mut ticket.slot).wrapping_sub(1);
        if let Some(link) = self.slots.links_mut().get_mut(slot)
            && let Some(index) = S::Index::of(slot)
        {
            link.after = mem::replace(&mut self.free, index);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c3_a_place_that_is_given_up_while_another_is_made_is_not_lost() {
        let mut waiters = Waiters::new(FixedSlots::<2>::new());
        let [mut first, mut second, mut third] = [const { Ticket::new() }; 3];
        waiters.grow().unwrap();
        assert!(waiters.line_up(Kind::Read, &mut first));
        // The second finds no place, and before it makes one the first gives its own up.
        assert!(!waiters.line_up(Kind::Read, &mut second));
        assert_eq!(waiters.leave_line(&first), (Kind::Read, true));
        waiters.give_back(&mut first);
        waiters.grow().unwrap();
        assert!(waiters.line_up(Kind::Read, &mut second));
        waiters.grow().unwrap();
        assert!(waiters.line_up(Kind::Read, &mut third));
        assert!(waiters.grow().is_err());
    }
}
