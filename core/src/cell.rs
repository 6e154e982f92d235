//! What several owners share: the lock, what is written once, and a ring's bytes. The only file with `unsafe`.
//!
//! The bytes lie beside the lock, and are handed out one region per token, by raw pointer. What that relies on:
//! - tokens are made by a [`Ring`](crate::ring::Ring) alone and are not `Clone`; a ring of the same `N` is kept beside
//!   each cell, and a token of one never meets the bytes of another;
//! - the regions of all tokens that are out do not overlap, because the ring gives out no byte for writing before it was
//!   released, and none for reading before it was committed;
//! - the first two bytes of a region that is being written are not its writer's but the ring's, which tells by them a
//!   message in flight from a committed one; they are reached through its [`Marks`] alone, of which there is one for as
//!   long as somebody has the ring to itself.
#![allow(unsafe_code, reason = "a lock, and disjoint regions of one array")]

use core::cell::UnsafeCell;
use core::slice;

use crate::ring::{HeadRegion, MARK, Marks, ReadRegion, WriteRegion};

/// A value that is reached only inside a critical section. No flag, no poison, no panic.
///
/// Nobody comes in twice, because nothing foreign runs inside: no waker's clone, wake or drop, no closure of a user's, no
/// `Clone` or `Drop` of a type of theirs: events are `Copy`, errors lie in a [`Once`].
pub(crate) struct Lock<T>(UnsafeCell<T>);

// SAFETY: the value is reached only inside a critical section, which excludes every other thread and interrupt.
unsafe impl<T: Send> Sync for Lock<T> {}

impl<T> Lock<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(UnsafeCell::new(value))
    }

    #[inline]
    pub(crate) fn with<R>(&self, f: impl FnOnce(&mut T) -> R) -> R {
        // SAFETY: nobody else is inside, and `f` does not come in again (see above); the reference ends with `f`.
        critical_section::with(|_| f(unsafe { &mut *self.0.get() }))
    }
}

/// What is written once, inside a critical section, and can be looked at from then on without one.
pub(crate) struct Once<E>(UnsafeCell<Written<E>>);

#[repr(u8)]
enum Written<E> {
    Not = 0,
    To(E),
}

// SAFETY: it is written once, inside a critical section, when there is nothing in it to have a reference to.
unsafe impl<E: Send + Sync> Sync for Once<E> {}

impl<E> Once<E> {
    pub(crate) const fn new() -> Self {
        Self(UnsafeCell::new(Written::Not))
    }

    /// Writes it, if it was not written before; else the value comes back.
    pub(crate) fn set(&self, value: E) -> Option<E> {
        critical_section::with(|_| match self.get() {
            Some(_) => Some(value),
            None => {
                // SAFETY: nobody else is inside, and there is nothing in it to have a reference to.
                unsafe { *self.0.get() = Written::To(value) };
                None
            }
        })
    }

    pub(crate) fn get(&self) -> Option<&E> {
        // SAFETY: nobody writes inside; what was written is never written again, so the reference may leave.
        critical_section::with(|_| match unsafe { &*self.0.get() } {
            Written::Not => None,
            Written::To(value) => Some(value),
        })
    }
}

/// `N` bytes that are all zero at the start.
pub(crate) struct ByteCell<const N: usize>(UnsafeCell<[u8; N]>);

// SAFETY: no two tokens that are out at one time cover the same byte, one of them for writing (see above). The ring that
// makes the tokens is itself behind a lock when it is shared.
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
            // SAFETY: `len` bytes within the array, at least the mark; the token is borrowed exclusively for as long as
            // the slice lives, and no other token covers these bytes.
            Some(start) if len >= MARK => unsafe {
                slice::from_raw_parts_mut(start.add(MARK), len.wrapping_sub(MARK))
            },
            _ => &mut [],
        }
    }

    /// The bytes of a message that is being read.
    #[inline]
    pub(crate) fn message<'a>(&'a self, region: &'a ReadRegion) -> &'a [u8] {
        match self.at(region.start(), region.len()) {
            // SAFETY: as in `body`; no write token covers committed bytes until they are released, and that takes the
            // read token by value.
            Some(start) => unsafe { slice::from_raw_parts(start, region.len()) },
            None => &[],
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
            // SAFETY: `M` bytes within the array, in no body and in no message that is read; `Marks` is the right to it.
            unsafe { to.cast::<[u8; M]>().write(mark) };
        }
    }

    #[inline]
    fn byte(&self, at: usize) -> u8 {
        // SAFETY: a byte of a message that was committed and not released, or of a mark: not written meanwhile.
        self.at(at, 1).map_or(0, |byte| unsafe { byte.read() })
    }

    /// A pointer to the byte at `start`, if `len` bytes from there on lie within the array.
    #[inline]
    fn at(&self, start: usize, len: usize) -> Option<*mut u8> {
        let inside = start <= N && len <= N.wrapping_sub(start);
        // SAFETY: `start` is at most `N`, so the pointer stays within the array or just behind it.
        inside.then(|| unsafe { self.0.get().cast::<u8>().add(start) })
    }
}
