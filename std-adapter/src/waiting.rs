//! Those who wait for something that everybody who waits is told of at once, and that takes nothing from anybody.

use std::mem;
use std::task::{Poll, Waker};

/// Who waits.
#[derive(Default)]
pub(crate) struct Waiting {
    wakers: Vec<(u64, Waker)>,
    /// How many places there were.
    places: u64,
}

/// The place of one who waits, or may.
#[derive(Default)]
pub(crate) struct Place(Option<u64>);

impl Waiting {
    /// Waits, in this place, to be woken by this waker. One that is not needed is left there, to be dropped where nothing is locked.
    pub(crate) fn wait<T>(&mut self, place: &mut Place, waker: &mut Option<Waker>) -> Poll<T> {
        let places = &mut self.places;
        let number = *place.0.get_or_insert_with(|| {
            *places += 1;
            *places
        });
        match self.wakers.iter_mut().find(|(of, _)| *of == number) {
            Some((_, old)) => {
                if let Some(new) = waker {
                    mem::swap(old, new);
                }
            }
            None => self
                .wakers
                .extend(waker.take().map(|waker| (number, waker))),
        }
        Poll::Pending
    }

    /// Whether somebody waits.
    pub(crate) fn has_places(&self) -> bool {
        !self.wakers.is_empty()
    }

    /// Everybody, to be woken. Who then has not got what it waits for waits again.
    pub(crate) fn take(&mut self) -> impl Iterator<Item = Waker> + use<> {
        let wakers = mem::take(&mut self.wakers);
        wakers.into_iter().map(|(_, waker)| waker)
    }

    /// Gives a place up. The waker is to be dropped where nothing is locked.
    pub(crate) fn leave(&mut self, place: &mut Place) -> Option<Waker> {
        let number = place.0.take()?;
        let index = self.wakers.iter().position(|(of, _)| *of == number)?;
        Some(self.wakers.swap_remove(index).1)
    }
}
