//! Who is to be woken, and why.

use core::task::Waker;

use super::{Events as _, Machine, State, Storage};
use crate::queue::Level as _;
use crate::waiters::Kind;

/// Whose wakers the machine wants woken. Take each out with [`Machine::take_waker`] before the machine is let go; until
/// then those of several calls may be gathered.
#[must_use = "somebody waits to be woken"]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Wakes(u8);

impl Wakes {
    /// Nobody.
    pub const NONE: Self = Self(0);
    pub(super) const DRIVER: Self = Self(1 << Kind::ALL.len());

    /// Both.
    #[inline]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether nobody is to be woken.
    #[inline]
    pub const fn is_none(self) -> bool {
        self.0 == 0
    }

    #[inline]
    fn of(kind: Kind) -> Self {
        Self(1 << kind.index())
    }

    /// One of the waits that are named.
    #[inline]
    fn first(self) -> Option<Kind> {
        let index = usize::try_from(self.0.trailing_zeros()).unwrap_or(usize::MAX);
        Kind::ALL.get(index).copied()
    }

    #[inline]
    fn has(self, one: Self) -> bool {
        self.0 & one.0 != 0
    }

    #[inline]
    fn remove(&mut self, one: Self) {
        self.0 &= !one.0;
    }
}

impl<S: Storage, E: Clone> Machine<S, E> {
    /// Takes one of the wakers out that `wakes` names, and forgets it there. Whoever has no reason to go on any more,
    /// for somebody was quicker, sleeps on. Once a wait is over for all who wait for one thing, they all are woken.
    #[inline(never)]
    pub fn take_waker(&mut self, wakes: &mut Wakes) -> Option<Waker> {
        while let Some(kind) = wakes.first() {
            if self.is_over(kind) {
                // One at most was woken before and is not counted.
                while let Some(waker) = self.waiters.tell_first(kind) {
                    if waker.is_some() {
                        return waker;
                    }
                }
            }
            wakes.remove(Wakes::of(kind));
            if self.is_served(kind)
                && let Some(waker) = self.waiters.take_first_waker(kind)
            {
                return Some(waker);
            }
        }
        if wakes.has(Wakes::DRIVER) {
            wakes.remove(Wakes::DRIVER);
            return self.driver.take();
        }
        None
    }

    /// Whether whoever waits for this has reason to go on.
    #[inline]
    fn is_served(&self, kind: Kind) -> bool {
        match kind {
            Kind::Read => {
                self.incoming.is_readable() || self.is_gap_next() || self.is_over(Kind::Read)
            }
            Kind::Event => !self.events.is_empty() || self.is_over(Kind::Event),
            Kind::Send => {
                !self.state.is_open()
                    || (!self.write_gate.is_paused()
                        && self.needed <= self.outgoing.largest_free_bytes())
            }
            Kind::Drain => !self.write_gate.is_paused() || !self.state.is_live(),
            Kind::Flush | Kind::Closed => !self.state.is_live(),
            Kind::Flushed => true,
        }
    }

    /// Whether the end has come for all who wait for this.
    #[inline]
    pub(super) fn is_over(&self, kind: Kind) -> bool {
        match kind {
            Kind::Read => match self.state {
                State::Open => false,
                State::Closing | State::Closed => self.incoming.is_empty() && self.discarded == 0,
                State::Failed(_) => true,
            },
            Kind::Event => (!self.monitoring || !self.state.is_open()) && self.events.is_empty(),
            Kind::Send => !self.state.is_open(),
            Kind::Drain | Kind::Flush | Kind::Closed => !self.state.is_live(),
            Kind::Flushed => true,
        }
    }

    /// Wakes the first in the list, if there is something for it and it sleeps, or all if it is there for all. When the
    /// first has been served or has left, the next one gets its turn.
    #[inline(never)]
    pub(super) fn wake_first(&self, kind: Kind) -> Wakes {
        if self.waiters.nobody(kind) {
            return Wakes::NONE;
        }
        let wakes = self.is_over(kind) || (self.is_served(kind) && self.waiters.first_sleeps(kind));
        if wakes { Wakes::of(kind) } else { Wakes::NONE }
    }

    pub(super) fn wake_waiters(&self) -> Wakes {
        Kind::ALL
            .into_iter()
            .fold(Wakes::NONE, |wakes, kind| wakes.and(self.wake_first(kind)))
    }
}
