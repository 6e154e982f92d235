//! The ring's bytes, beside the lock: handed out one region per token, by raw pointer, never as a reference to the whole.
//!
//! This is the only file with `unsafe`. What it relies on:
//! - tokens are made by the [`Cursor`](crate::cursor::Cursor) alone and are not `Clone`; a cursor of the same `N` is
//!   kept beside each cell, and a token of one never meets the bytes of another;
//! - a region lies within `N` bytes (checked here all the same: one compare, no panic);
//! - the regions of all write tokens that are out, and those of read tokens, do not overlap, because the cursor gives out
//!   no byte for writing before it was released.
#![allow(
    unsafe_code,
    reason = "disjoint regions of one array for several owners"
)]

use core::cell::UnsafeCell;
use core::slice;

use crate::cursor::{ReadRegion, WriteRegion};

/// `N` bytes that are all zero at the start.
pub(crate) struct ByteCell<const N: usize>(UnsafeCell<[u8; N]>);

// SAFETY: the bytes are reached only through tokens (see above), and no two tokens that are out at one time cover the
// same byte, one of them for writing. The cursor that makes the tokens is itself behind a lock when it is shared.
unsafe impl<const N: usize> Sync for ByteCell<N> {}

impl<const N: usize> ByteCell<N> {
    pub(crate) const fn new() -> Self {
        Self(UnsafeCell::new([0; N]))
    }

    /// The bytes of a region that is being written.
    #[inline]
    pub(crate) fn write<'a>(&'a self, region: &'a mut WriteRegion) -> &'a mut [u8] {
        match self.at(region.start(), region.len()) {
            // SAFETY: `at` gave a pointer to `len` bytes within the array; the token is borrowed exclusively for as
            // long as the slice lives, and no other token covers these bytes. Bytes have no invalid values.
            Some(start) => unsafe { slice::from_raw_parts_mut(start, region.len()) },
            None => &mut [],
        }
    }

    /// The bytes of a region that is being read.
    #[inline]
    pub(crate) fn read<'a>(&'a self, region: &'a ReadRegion) -> &'a [u8] {
        match self.at(region.start(), region.len()) {
            // SAFETY: as in `write`; a read token covers bytes that were committed, which no write token covers until
            // they are released, and that takes the token by value.
            Some(start) => unsafe { slice::from_raw_parts(start, region.len()) },
            None => &[],
        }
    }

    /// A pointer to the byte at `start`, if `len` bytes from there on lie within the array.
    #[inline]
    fn at(&self, start: usize, len: usize) -> Option<*mut u8> {
        let inside = start <= N && len <= N.wrapping_sub(start);
        debug_assert!(inside);
        // SAFETY: `start` is at most `N`, so the pointer stays within the array or just behind it.
        inside.then(|| unsafe { self.0.get().cast::<u8>().add(start) })
    }
}
