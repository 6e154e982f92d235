//! What several owners share: the lock, what is written once, and a ring's bytes. The only file with `unsafe`.
//!
//! The bytes lie beside the lock, and are handed out one region per token, by raw pointer, never as a reference to the
//! whole. What that relies on:
//! - tokens are made by a [`Ring`](crate::ring::Ring) alone and are not `Clone`; a ring of the same `N` is kept beside
//!   each cell, and a token of one never meets the bytes of another;
//! - a region lies within `N` bytes (checked here all the same: a compare, no panic);
//! - the regions of all tokens that are out do not overlap, because the ring gives out no byte for writing before it was
//!   released, and none for reading before it was committed;
//! - the first two bytes of a region that is being written are not its writer's: they are the mark by which the ring
//!   tells a message in flight from one that was committed, and are reached through the ring's [`Marks`] alone, of which
//!   there is one for as long as somebody has the ring to itself.
#![allow(
    unsafe_code,
    reason = "one value behind the critical section, and disjoint regions of one array for several owners"
)]

use core::cell::UnsafeCell;
use core::slice;

use crate::ring::{HeadRegion, MARK, Marks, ReadRegion, WriteRegion};

/// A value that is reached only inside a critical section, shared by interrupts and tasks. No flag, no poison, no panic.
///
/// Nobody comes in twice, because nothing foreign runs inside: no waker's clone, wake or drop, no closure of a user's, and
/// no `Clone` or `Drop` of a type of theirs, for what a locked machine holds of those is `Copy` (events) or nothing
/// (errors: see [`Once`]).
#[derive(Debug)]
pub(crate) struct Lock<T>(UnsafeCell<T>);

// SAFETY: the value is reached only inside a critical section, which excludes every other thread and interrupt.
unsafe impl<T: Send> Sync for Lock<T> {}

impl<T> Lock<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(UnsafeCell::new(value))
    }

    #[inline]
    pub(crate) fn with<R>(&self, f: impl FnOnce(&mut T) -> R) -> R {
        // SAFETY: inside the critical section nobody else is, and `f` does not come in again (see above); the reference
        // ends with `f`.
        critical_section::with(|_| f(unsafe { &mut *self.0.get() }))
    }
}

/// What is written once, while the [`Lock`] beside it is held, and can be looked at from then on without it.
#[derive(Debug)]
pub(crate) struct Once<E>(UnsafeCell<Written<E>>);

#[repr(u8)]
#[derive(Debug)]
enum Written<E> {
    Not = 0,
    To(E),
}

// SAFETY: it is written inside a critical section, at a time when nobody has a reference to what is in it, for there is
// nothing in it; from then on it is shared and never written again.
unsafe impl<E: Send + Sync> Sync for Once<E> {}

impl<E> Once<E> {
    pub(crate) const fn new() -> Self {
        Self(UnsafeCell::new(Written::Not))
    }

    /// Writes it, if it was not written before; else the value comes back.
    pub(crate) fn set(&self, value: E) -> Option<E> {
        critical_section::with(|_| {
            if self.get().is_some() {
                return Some(value);
            }
            // SAFETY: inside the critical section, and nobody has a reference to the inside, for there is none to have.
            unsafe { *self.0.get() = Written::To(value) };
            None
        })
    }

    /// What was written.
    pub(crate) fn get(&self) -> Option<&E> {
        // SAFETY: inside the critical section nobody writes; what was written is never written again while `self` is
        // borrowed, so the reference may leave.
        critical_section::with(|_| match unsafe { &*self.0.get() } {
            Written::Not => None,
            Written::To(value) => Some(value),
        })
    }
}

/// `N` bytes that are all zero at the start.
pub(crate) struct ByteCell<const N: usize>(UnsafeCell<[u8; N]>);

// SAFETY: the bytes are reached only through tokens (see above), and no two tokens that are out at one time cover the
// same byte, one of them for writing. The ring that makes the tokens is itself behind a lock when it is shared.
unsafe impl<const N: usize> Sync for ByteCell<N> {}

impl<const N: usize> ByteCell<N> {
    pub(crate) const fn new() -> Self {
        Self(UnsafeCell::new([0; N]))
    }

    /// The bytes of a region that is being written, but for its mark.
    #[inline]
    pub(crate) fn body<'a>(&'a self, region: &'a mut WriteRegion) -> &'a mut [u8] {
        let len = region.len();
        match self.at(region.start(), len) {
            // SAFETY: `at` gave a pointer to `len` bytes within the array, at least the mark; the token is borrowed
            // exclusively for as long as the slice lives, and no other token covers these bytes. Any byte is valid.
            Some(start) if len >= MARK => unsafe {
                slice::from_raw_parts_mut(start.add(MARK), len.wrapping_sub(MARK))
            },
            _ => nothing_mut(),
        }
    }

    /// The bytes of a message that is being read.
    #[inline]
    pub(crate) fn message<'a>(&'a self, region: &'a ReadRegion) -> &'a [u8] {
        match self.at(region.start(), region.len()) {
            // SAFETY: as in `body`; a read token covers bytes that were committed, which no write token covers until
            // they are released, and that takes the token by value.
            Some(start) => unsafe { slice::from_raw_parts(start, region.len()) },
            None => nothing_mut(),
        }
    }

    /// One byte of the oldest message, of which it is not yet known how long it is. 0 beyond the end.
    #[inline]
    pub(crate) fn head_byte(&self, region: &HeadRegion, offset: usize) -> u8 {
        self.byte(region.start().wrapping_add(offset))
    }

    /// One byte of what the reader will come to next. 0 beyond the end.
    #[inline]
    pub(crate) fn mark_byte(&self, _: &Marks<'_, N>, at: usize) -> u8 {
        self.byte(at)
    }

    /// Writes up to four bytes of a mark.
    #[inline]
    pub(crate) fn set_mark<const M: usize>(&self, _: &mut Marks<'_, N>, at: usize, mark: [u8; M]) {
        if let Some(to) = self.at(at, M) {
            // SAFETY: `at` gave a pointer to `M` bytes within the array. Marks are written and read by whoever has the
            // ring to itself, and lie in no body and in no message that is being read.
            unsafe { to.cast::<[u8; M]>().write(mark) };
        }
    }

    #[inline]
    fn byte(&self, at: usize) -> u8 {
        match self.at(at, 1) {
            // SAFETY: `at` gave a pointer to one byte within the array: of a message that was committed and not
            // released, or of a mark, and neither is written meanwhile (see above).
            Some(byte) => unsafe { byte.read() },
            None => 0,
        }
    }

    /// A pointer to the byte at `start`, if `len` bytes from there on lie within the array.
    #[inline]
    fn at(&self, start: usize, len: usize) -> Option<*mut u8> {
        let inside = start <= N && len <= N.wrapping_sub(start);
        // SAFETY: `start` is at most `N`, so the pointer stays within the array or just behind it.
        inside.then(|| unsafe { self.0.get().cast::<u8>().add(start) })
    }
}

/// What a token outside the array would give: there is none.
#[cold]
fn nothing_mut<'a>() -> &'a mut [u8] {
    &mut []
}
