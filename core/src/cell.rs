//! What several owners share: the lock, what is written once, and a ring's bytes. The only file with `unsafe`.
//!
//! The bytes lie beside the lock, and are handed out one region per token, by raw pointer. What that relies on:
//! - tokens are made by a [`Ring`](crate::ring::Ring) alone and are not `Clone`; a ring of the same `N` is kept beside
//!   each cell, and a token of one never meets the bytes of another;
//! - the regions of all tokens that are out do not overlap, because the ring gives out no byte for writing before it was
//!   released, and none for reading before it was committed;
//! - the first two bytes of a region that is being written are the ring's, which tells by them a message in flight from
//!   a committed one; they are reached through its [`Marks`] alone, of which there is one for whoever has the ring to itself;
//! - a [`Span`] was found to lie within the `N` bytes of its ring when it was made.
#![allow(unsafe_code, reason = "a lock, and disjoint regions of one array")]

use core::cell::UnsafeCell;
use core::slice;

use crate::ring::{HeadRegion, Marks, ReadRegion, WriteRegion};
use crate::span::{MARK, Span};

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

    #[inline(always)]
    pub(crate) fn with<R>(&self, f: impl FnOnce(&mut T) -> R) -> R {
        // SAFETY: nobody else is inside, and `f` does not come in again (see above); the reference ends with `f`.
        crate::sync::with(|| f(unsafe { &mut *self.0.get() }))
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
        crate::sync::with(|| match self.get() {
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
        crate::sync::with(|| match unsafe { &*self.0.get() } {
            Written::Not => None,
            Written::To(value) => Some(value),
        })
    }
}

/// `N` bytes that are all zero at the start.
pub(crate) struct ByteCell<const N: usize>(UnsafeCell<[u8; N]>);

// SAFETY: of tokens that are out at one time none covers what another writes (see above); a shared ring is behind a lock.
unsafe impl<const N: usize> Sync for ByteCell<N> {}

impl<const N: usize> ByteCell<N> {
    pub(crate) const fn new() -> Self {
        Self(UnsafeCell::new([0; N]))
    }

    fn at(&self, offset: usize, len: usize) -> *mut u8 {
        crate::sync::touched(self.0.get().cast::<u8>().wrapping_add(offset), len)
    }

    /// `len` bytes from `offset` on of a span, which was made for a cell of this length.
    fn of(&self, span: &Span, offset: usize, len: usize) -> *mut u8 {
        debug_assert!(Span::within::<N>(span.start(), span.len()).is_some());
        self.at(span.start().wrapping_add(offset), len)
    }

    /// The bytes of a region that is being written, but for its mark.
    pub(crate) fn body<'a>(&'a self, region: &'a mut WriteRegion) -> &'a mut [u8] {
        let len = region.len().saturating_sub(MARK);
        // SAFETY: within the array; the token is borrowed exclusively while the slice lives, and no other covers these bytes.
        unsafe { slice::from_raw_parts_mut(self.of(region.span(), MARK, len), len) }
    }

    /// The bytes of a message that is being read.
    pub(crate) fn message<'a>(&'a self, region: &'a ReadRegion) -> &'a [u8] {
        let len = region.span().len();
        // SAFETY: as in `body`; no write token covers committed bytes until they are released, and that takes the read
        // token by value.
        unsafe { slice::from_raw_parts(self.of(region.span(), 0, len), len) }
    }

    /// How the oldest message begins.
    pub(crate) fn head(&self, region: &HeadRegion) -> [u8; MARK] {
        // SAFETY: bytes of a message that was committed and not released: not written meanwhile.
        unsafe { self.of(region.span(), 0, MARK).cast::<[u8; MARK]>().read() }
    }

    /// One byte of the oldest message, of which it is not yet known how long it is. `None` beyond the end.
    pub(crate) fn head_byte(&self, region: &HeadRegion, offset: usize) -> Option<u8> {
        self.byte(region.span().start().wrapping_add(offset))
    }

    /// One byte of what the reader will come to next. `None` beyond the end.
    pub(crate) fn mark_byte(&self, _: &Marks<'_, N>, at: usize) -> Option<u8> {
        self.byte(at)
    }

    fn byte(&self, at: usize) -> Option<u8> {
        // SAFETY: within the array: a byte of a message that was committed and not released, or of a mark.
        (at < N).then(|| unsafe { self.at(at, 1).read() })
    }

    /// Marks a region: with one byte that it is being written, with two that it was. `Marks` is the right to these bytes.
    pub(crate) fn mark<const M: usize>(&self, _: Marks<'_, N>, at: &WriteRegion, mark: [u8; M]) {
        const { assert!(M <= MARK) };
        // SAFETY: the first bytes of a span, in no body and in no message that is read.
        unsafe { self.of(at.span(), 0, M).cast::<[u8; M]>().write(mark) };
    }

    /// Marks bytes that nobody uses.
    pub(crate) fn mark_gap<const M: usize>(&self, _: Marks<'_, N>, at: usize, mark: [u8; M]) {
        if at <= N && M <= N.wrapping_sub(at) {
            // SAFETY: within the array, in no region, or in what one gives back that is borrowed exclusively.
            unsafe { self.at(at, M).cast::<[u8; M]>().write(mark) };
        }
    }
}
