//! Bytes that are known to lie within a ring, so that nobody has to look again.

use core::mem;

/// Bytes at the start of a region that belong to the ring until the region is committed: as many as the shortest header has.
pub(crate) const MARK: usize = 2;

/// `len` bytes from `start` on, and at least [`MARK`] from there on, within the `N` bytes for which it was made. Nothing here
/// moves `start` or makes `len` longer: what copies bytes relies on that.
#[derive(Debug)]
pub(crate) struct Span {
    start: usize,
    len: usize,
}

impl Span {
    /// A span of `N` bytes, if it is one.
    #[inline]
    pub(crate) fn within<const N: usize>(start: usize, len: usize) -> Option<Self> {
        let inside = start <= N && len.max(MARK) <= N.wrapping_sub(start);
        inside.then_some(Self { start, len })
    }

    #[inline]
    pub(crate) fn start(&self) -> usize {
        self.start
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Leaves the first `len` bytes of it.
    pub(crate) fn cut(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    /// Moves it out of a place that is not used again.
    #[inline]
    pub(crate) fn take(&mut self) -> Self {
        let (start, len) = (self.start, mem::take(&mut self.len));
        Self { start, len }
    }
}
