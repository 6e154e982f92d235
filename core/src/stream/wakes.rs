//! Who is to be woken, and why.

use core::task::Waker;

use super::{Events as _, Flags, Machine, State, Storage};
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
    /// All but the driver: each wait is looked at when its waker is taken.
    pub(super) const EVERYBODY: Self = Self(Self::DRIVER.0 - 1);

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

    /// Forgets one of those that are named, and says which. `None` is the driver.
    #[inline]
    pub(crate) fn take_first(&mut self) -> Option<Kind> {
        let first = self.0.trailing_zeros();
        self.0 &= self.0.wrapping_sub(1);
        let index = usize::try_from(first).unwrap_or(usize::MAX);
        Kind::ALL.get(index).copied()
    }

    /// Names one once more.
    #[inline]
    pub(crate) fn add(&mut self, kind: Kind) {
        *self = self.and(Self::of(kind));
    }
}

/// Who is to be woken of those who wait for one thing.
#[derive(Clone, Copy)]
enum Reason {
    None,
    First,
    All,
}

impl<S: Storage, E: Clone> Machine<S, E> {
    /// Takes one of the wakers out that `wakes` names, and forgets it there. Whoever has no reason to go on any more,
    /// for somebody was quicker, sleeps on. Once a wait is over for all who wait for one thing, they all are woken.
    pub fn take_waker(&mut self, wakes: &mut Wakes) -> Option<Waker> {
        while !wakes.is_none() {
            let kind = wakes.take_first();
            let mut again = false;
            let waker = self.take_one(kind, &mut again);
            if let (Some(kind), true) = (kind, again) {
                wakes.add(kind);
            }
            if waker.is_some() {
                return waker;
            }
        }
        None
    }

    /// Looks at one of those that [`Wakes`] named, and says whether there may be more to take: a short section of its own where
    /// the machine is shared.
    #[inline]
    pub(crate) fn take_one(&mut self, kind: Option<Kind>, again: &mut bool) -> Option<Waker> {
        match kind {
            // One reader and a message, as it is most often.
            Some(Kind::Read) if self.state.is_open() && self.incoming.is_readable() => {
                self.waiters.take_first_waker(Kind::Read)
            }
            Some(kind) => self.take_one_slowly(kind, again),
            None => self.driver.take(),
        }
    }

    #[inline(never)]
    fn take_one_slowly(&mut self, kind: Kind, again: &mut bool) -> Option<Waker> {
        match self.reason(kind) {
            Reason::None => None,
            Reason::First => self.waiters.take_first_waker(kind),
            Reason::All => {
                let told = self.waiters.tell_first(kind)?;
                *again = true;
                told
            }
        }
    }

    /// Who has reason to go on, of those who wait for this.
    #[inline]
    fn reason(&self, kind: Kind) -> Reason {
        let served = match kind {
            Kind::Read if self.is_reading_over() => return Reason::All,
            Kind::Read => self.incoming.is_readable() || self.is_gap_next(),
            Kind::Event if !self.events.is_empty() => true,
            Kind::Event if self.is_monitoring() && self.state.is_open() => false,
            Kind::Event => return Reason::All,
            Kind::Send if !self.state.is_open() => return Reason::All,
            Kind::Send => self.may_send(),
            Kind::Flushed => return Reason::All,
            Kind::Drain | Kind::Flush | Kind::Closed if !self.state.is_live() => {
                return Reason::All;
            }
            Kind::Drain => !self.is_write_gate_paused(),
            Kind::Flush | Kind::Closed => false,
        };
        if served { Reason::First } else { Reason::None }
    }

    /// Whether the gate is open, and the first who waits to send has the room that it lacks.
    fn may_send(&self) -> bool {
        !self.is_write_gate_paused() && self.needed <= self.outgoing.largest_free_bytes()
    }

    /// Whether the end has come for all who wait for a message.
    #[inline]
    pub(super) fn is_reading_over(&self) -> bool {
        match self.state {
            State::Open => false,
            State::Closing | State::Closed => {
                self.incoming.is_empty() && !self.flags.has(Flags::DISCARDED)
            }
            State::Failed(_) => true,
        }
    }

    /// Something has happened for those who wait for this: wakes the first, if there is something for it and it sleeps, or
    /// all if it is there for all. That is found out when the waker is taken. When the first has been served or has left, the
    /// next one gets its turn.
    #[inline]
    pub(super) fn wake_first(&self, kind: Kind) -> Wakes {
        if self.waiters.nobody(kind) {
            Wakes::NONE
        } else {
            Wakes::of(kind)
        }
    }
}
