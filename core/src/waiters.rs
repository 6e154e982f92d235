//! Who waits for what, in the order in which they came.
//!
//! One FIFO list per kind of wait, linked through the slots by index. A future holds a [`Ticket`]: its slot, and the
//! slot's generation, so that a ticket that was served or cancelled means nothing any more. Nobody is ever evicted.

use core::task::Waker;
use core::{fmt, mem};

use crate::error::TooManyWaiters;

/// What one waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A message to read.
    Read,
    /// The write side to be resumed.
    Drain,
    /// The end.
    Closed,
}

impl Kind {
    const COUNT: usize = 3;

    #[inline]
    fn index(self) -> usize {
        match self {
            Self::Read => 0,
            Self::Drain => 1,
            Self::Closed => 2,
        }
    }
}

/// A slot's number, or none. `u8` on a device, `u32` on a host; zero is none, so that an empty list is all zeros.
pub trait Index: Copy + PartialEq + fmt::Debug {
    /// No slot; zero.
    const NONE: Self;
    /// The number as an index, or `None` if it does not fit.
    fn of(slot: usize) -> Option<Self>;
    /// The slot, or `None` for none.
    fn slot(self) -> Option<usize>;
}

macro_rules! index {
    ($($int:ty),*) => {$(
        impl Index for $int {
            const NONE: Self = 0;
            fn of(slot: usize) -> Option<Self> {
                slot.checked_add(1)?.try_into().ok()
            }
            fn slot(self) -> Option<usize> {
                usize::try_from(self).ok()?.checked_sub(1)
            }
        }
    )*};
}
index!(u8, u32);

/// A place for one waiter.
#[derive(Debug)]
pub struct Slot<I> {
    /// `None` once it was taken to be woken, and in a free slot.
    waker: Option<Waker>,
    /// The one who came before; none for the first.
    before: I,
    /// The one who came after; in a free slot the next free one.
    after: I,
    /// Counts how often the slot was given out.
    generation: u32,
    /// The index of the kind plus one; 0 for a free slot.
    kind: u8,
}

/// Where the slots are kept: a fixed number on a device, as many as are needed on a host.
pub trait Slots {
    /// What numbers them.
    type Index: Index;
    /// All slots there are.
    fn get(&self) -> &[Slot<Self::Index>];
    /// All slots there are.
    fn get_mut(&mut self) -> &mut [Slot<Self::Index>];
    /// Adds one slot.
    ///
    /// # Errors
    /// There is no room for another.
    fn add(&mut self, slot: Slot<Self::Index>) -> Result<(), TooManyWaiters>;
}

/// Room for `W` waiters, at most 255.
#[derive(Debug, Default)]
pub struct FixedSlots<const W: usize>(heapless::Vec<Slot<u8>, W>);

impl<const W: usize> FixedSlots<W> {
    /// No waiters yet; all zeros.
    pub const fn new() -> Self {
        const { assert!(W <= 255, "at most 255 waiters") };
        Self(heapless::Vec::new())
    }
}

impl<const W: usize> Slots for FixedSlots<W> {
    type Index = u8;
    fn get(&self) -> &[Slot<u8>] {
        &self.0
    }
    fn get_mut(&mut self) -> &mut [Slot<u8>] {
        &mut self.0
    }
    fn add(&mut self, slot: Slot<u8>) -> Result<(), TooManyWaiters> {
        self.0.push(slot).map_err(|_| TooManyWaiters)
    }
}

/// A place among those who wait, and the wakers on their way in and out of the lock.
///
/// A future keeps one for as long as it lives. Before it takes the lock, it [`offer`](Self::offer)s a clone of its
/// task's waker; the machine takes it if it has to wait, and puts one that is no longer needed back. What is left is
/// dropped by [`settle`](Self::settle) after the lock was released. A ticket that is offered no waker never waits:
/// that makes a `try_` call of every `poll_` function.
///
/// A ticket that still waits has to be cancelled (`Machine::cancel`) before it is dropped, or its place stays taken.
#[derive(Debug, Default)]
pub struct Ticket {
    /// The slot plus one; 0 for none.
    slot: usize,
    generation: u32,
    offered: Option<Waker>,
    returned: Option<Waker>,
}

impl Ticket {
    /// A ticket with no place.
    pub const fn new() -> Self {
        Self {
            slot: 0,
            generation: 0,
            offered: None,
            returned: None,
        }
    }

    /// Lends the machine a waker. Before the lock.
    pub fn offer(&mut self, waker: &Waker) {
        self.offered = Some(waker.clone());
    }

    /// Drops the wakers that are not needed. After the lock.
    pub fn settle(&mut self) {
        self.offered = None;
        self.returned = None;
    }

    /// Whether a waker was offered: whether the caller is ready to wait.
    pub(crate) fn may_wait(&self) -> bool {
        self.offered.is_some()
    }

    /// Whether it may hold a place. Once this is false, there is nothing to cancel.
    pub const fn has_place(&self) -> bool {
        self.slot != 0
    }
}

#[derive(Debug, Clone, Copy)]
struct Ends<I> {
    first: I,
    last: I,
}

impl<I: Index> Ends<I> {
    const EMPTY: Self = Self {
        first: I::NONE,
        last: I::NONE,
    };
}

/// The lists. All zeros at the start.
#[derive(Debug)]
pub(crate) struct Waiters<S: Slots> {
    slots: S,
    lists: [Ends<S::Index>; Kind::COUNT],
    free: S::Index,
}

impl<S: Slots> Waiters<S> {
    pub(crate) const fn new(slots: S) -> Self {
        Self {
            slots,
            lists: [const { Ends::<S::Index>::EMPTY }; Kind::COUNT],
            free: S::Index::NONE,
        }
    }

    fn slot(&self, index: S::Index) -> Option<&Slot<S::Index>> {
        self.slots.get().get(index.slot()?)
    }

    fn slot_mut(&mut self, index: S::Index) -> Option<&mut Slot<S::Index>> {
        self.slots.get_mut().get_mut(index.slot()?)
    }

    fn list(&self, kind: Kind) -> Ends<S::Index> {
        self.lists.get(kind.index()).copied().unwrap_or(Ends::EMPTY)
    }

    /// Whether nobody waits.
    #[inline]
    pub(crate) fn nobody(&self, kind: Kind) -> bool {
        self.list(kind).first.slot().is_none()
    }

    /// Whether this ticket's turn is next.
    #[inline]
    pub(crate) fn is_first(&self, kind: Kind, ticket: &Ticket) -> bool {
        match self.list(kind).first.slot() {
            None => false,
            Some(first) => self.place(ticket) == S::Index::of(first),
        }
    }

    /// Whether the first in the list waits and was not woken yet.
    #[inline]
    pub(crate) fn first_sleeps(&self, kind: Kind) -> bool {
        self.slot(self.list(kind).first)
            .is_some_and(|slot| slot.waker.is_some())
    }

    /// The waker of the first in the list, unless it was woken already.
    pub(crate) fn take_first_waker(&mut self, kind: Kind) -> Option<Waker> {
        let first = self.list(kind).first;
        self.slot_mut(first)?.waker.take()
    }

    /// Where a ticket stands, if it does.
    fn place(&self, ticket: &Ticket) -> Option<S::Index> {
        let index = S::Index::of(ticket.slot.checked_sub(1)?)?;
        let slot = self.slot(index)?;
        (slot.kind != 0 && slot.generation == ticket.generation).then_some(index)
    }

    /// Takes the ticket's waker, and gives it a place at the end if it has none.
    pub(crate) fn wait(&mut self, kind: Kind, ticket: &mut Ticket) -> Result<(), TooManyWaiters> {
        let index = match self.place(ticket) {
            Some(index) => index,
            None => self.join(kind, ticket)?,
        };
        if let Some(slot) = self.slot_mut(index) {
            let old = mem::replace(&mut slot.waker, ticket.offered.take());
            if old.is_some() {
                ticket.returned = old;
            }
        }
        Ok(())
    }

    /// Gives up a place that the ticket has for another kind of wait, and says what [`leave`](Self::leave) says.
    pub(crate) fn leave_other(&mut self, kind: Kind, ticket: &mut Ticket) -> Option<(Kind, bool)> {
        let place = self.place(ticket)?;
        if self.kind_at(place) == Some(kind) {
            return None;
        }
        self.leave(ticket)
    }

    fn join(&mut self, kind: Kind, ticket: &mut Ticket) -> Result<S::Index, TooManyWaiters> {
        let index = self.free_slot()?;
        let last = self.list(kind).last;
        let slot = self.slot_mut(index).ok_or(TooManyWaiters)?;
        slot.before = last;
        slot.after = S::Index::NONE;
        slot.generation = slot.generation.wrapping_add(1);
        slot.kind = u8::try_from(kind.index()).unwrap_or(0).saturating_add(1);
        ticket.generation = slot.generation;
        ticket.slot = index.slot().map_or(0, |slot| slot.saturating_add(1));
        match self.slot_mut(last) {
            Some(last) => last.after = index,
            None => self.set_first(kind, index),
        }
        self.set_last(kind, index);
        Ok(index)
    }

    /// A slot that nobody has, off the free list.
    fn free_slot(&mut self) -> Result<S::Index, TooManyWaiters> {
        let free = self.free;
        if let Some(slot) = self.slot(free) {
            self.free = slot.after;
            return Ok(free);
        }
        let index = S::Index::of(self.slots.get().len()).ok_or(TooManyWaiters)?;
        self.slots.add(Slot {
            waker: None,
            before: S::Index::NONE,
            after: S::Index::NONE,
            generation: 0,
            kind: 0,
        })?;
        Ok(index)
    }

    /// Gives up the ticket's place, if it has one; its waker goes back into the ticket. Says whether it was the first.
    pub(crate) fn leave(&mut self, ticket: &mut Ticket) -> Option<(Kind, bool)> {
        let index = self.place(ticket);
        ticket.slot = 0;
        let index = index?;
        // Neither place may be overwritten: a waker is dropped outside the lock only.
        let waker = self.slot_mut(index)?.waker.take();
        if ticket.returned.is_none() {
            ticket.returned = waker;
        } else {
            ticket.offered = waker;
        }
        let kind = self.kind_at(index)?;
        let was_first = self.list(kind).first == index;
        self.unlink(kind, index);
        Some((kind, was_first))
    }

    /// Gives up the place of the first in the list, whose ticket means nothing from then on; returns its waker, unless
    /// it was woken already. `None` if the list is empty.
    pub(crate) fn release_first(&mut self, kind: Kind) -> Option<Option<Waker>> {
        let first = self.list(kind).first;
        let waker = self.slot_mut(first)?.waker.take();
        self.unlink(kind, first);
        Some(waker)
    }

    fn kind_at(&self, index: S::Index) -> Option<Kind> {
        match self.slot(index)?.kind {
            1 => Some(Kind::Read),
            2 => Some(Kind::Drain),
            3 => Some(Kind::Closed),
            _ => None,
        }
    }

    /// Takes a slot out of its list and puts it on the free one.
    fn unlink(&mut self, kind: Kind, index: S::Index) {
        let free = self.free;
        let Some(slot) = self.slot_mut(index) else {
            return;
        };
        let (before, after) = (slot.before, slot.after);
        slot.kind = 0;
        slot.after = free;
        self.free = index;
        match self.slot_mut(before) {
            Some(before) => before.after = after,
            None => self.set_first(kind, after),
        }
        match self.slot_mut(after) {
            Some(after) => after.before = before,
            None => self.set_last(kind, before),
        }
    }

    fn set_first(&mut self, kind: Kind, index: S::Index) {
        if let Some(list) = self.lists.get_mut(kind.index()) {
            list.first = index;
        }
    }

    fn set_last(&mut self, kind: Kind, index: S::Index) {
        if let Some(list) = self.lists.get_mut(kind.index()) {
            list.last = index;
        }
    }
}
