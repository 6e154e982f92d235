//! The packed ring's index arithmetic: which bytes a message gets, and in which order they come back. No bytes here.
//!
//! Every message lies in one region that does not wrap. `read` is where the oldest region starts, `write` where the
//! next one may start, and `wrap` (0: none) the end of the bytes used in the upper part once `write` is below `read`.
//! The pad between `wrap` and the end is lost until the reader has passed it.
//!
//! ```text
//! empty       read = write = wrap = 0          straight    wrap = 0
//! ┌──────────────────────────────┐             ┌─────┬───────────┬────────────┐
//! │             free             │  reserve ─► │free │   used    │    free    │
//! └──────────────────────────────┘  ◄─ release └─────┴───────────┴────────────┘
//! 0                              N             0   read        write          N
//!                                                  │              ▲
//!          the upper part has no room, the lower   │              │ the reader reaches `wrap`
//!          part has: reserve                       ▼              │
//!                                              wrapped     wrap > 0
//!                                              ┌─────┬──────┬───────────┬─────┐
//!                                              │used │ free │   used    │ pad │
//!                                              └─────┴──────┴───────────┴─────┘
//!                                              0   write  read        wrap    N
//! ```
//!
//! An empty ring restarts at 0: whatever has at most `N` bytes fits an empty ring. In the wrapped state `write == read`
//! means full; in the straight state it means empty.

/// Bytes that one writer owns until it commits or abandons them. Made by [`Cursor::reserve`] alone; not `Clone`.
#[derive(Debug)]
pub(crate) struct WriteRegion {
    start: usize,
    len: usize,
}

impl WriteRegion {
    pub(crate) fn start(&self) -> usize {
        self.start
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }
}

/// Bytes that one reader may look at until it releases them. Made by [`Cursor::peek`] alone; not `Clone`. It reaches
/// to the end of what lies in order behind the oldest message.
#[derive(Debug)]
pub(crate) struct ReadRegion {
    start: usize,
    len: usize,
}

impl ReadRegion {
    pub(crate) fn start(&self) -> usize {
        self.start
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }
}

/// Why a region could not be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoRegion {
    /// Not now: it fits once enough has been released, at the latest when the ring is empty.
    Full,
    /// Never: it is longer than the ring.
    TooLarge,
}

/// The indices of a ring of `N` bytes. All zeros at the start.
#[derive(Debug)]
pub(crate) struct Cursor<const N: usize> {
    read: usize,
    write: usize,
    wrap: usize,
}

impl<const N: usize> Cursor<N> {
    pub(crate) const fn new() -> Self {
        Self {
            read: 0,
            write: 0,
            wrap: 0,
        }
    }

    #[inline]
    pub(crate) const fn is_empty(&self) -> bool {
        self.wrap == 0 && self.read == self.write
    }

    /// The longest region that [`reserve`](Self::reserve) gives now.
    pub(crate) const fn largest_free(&self) -> usize {
        if self.wrap != 0 {
            self.read.saturating_sub(self.write)
        } else {
            let upper = N.saturating_sub(self.write);
            if upper >= self.read { upper } else { self.read }
        }
    }

    /// A region of `len` bytes, behind all that were reserved before it.
    #[inline]
    pub(crate) fn reserve(&mut self, len: usize) -> Result<WriteRegion, NoRegion> {
        let start = if self.wrap != 0 {
            if len > self.read.saturating_sub(self.write) {
                return Err(self.refusal(len));
            }
            self.write
        } else if len <= N.saturating_sub(self.write) {
            self.write
        } else if len <= self.read {
            self.wrap = self.write;
            0
        } else {
            return Err(self.refusal(len));
        };
        self.write = start.saturating_add(len);
        Ok(WriteRegion { start, len })
    }

    fn refusal(&self, len: usize) -> NoRegion {
        if len > N {
            NoRegion::TooLarge
        } else {
            NoRegion::Full
        }
    }

    /// The bytes from the oldest message on.
    #[inline]
    pub(crate) fn peek(&self) -> Option<ReadRegion> {
        if self.is_empty() {
            return None;
        }
        let end = if self.wrap != 0 {
            self.wrap
        } else {
            self.write
        };
        Some(ReadRegion {
            start: self.read,
            len: end.saturating_sub(self.read),
        })
    }

    /// Gives back the first `len` bytes of a region: the oldest message has been read.
    #[inline]
    pub(crate) fn release(&mut self, region: ReadRegion, len: usize) {
        debug_assert!(region.start == self.read && len <= region.len);
        self.read = self.read.saturating_add(len);
        if self.wrap != 0 && self.read >= self.wrap {
            self.read = 0;
            self.wrap = 0;
        }
        if self.is_empty() {
            self.clear();
        }
    }

    /// Forgets everything. No region may be out.
    pub(crate) fn clear(&mut self) {
        *self = Self::new();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the states have in common, checked after every step.
    fn check<const N: usize>(cursor: &Cursor<N>) {
        assert!(cursor.read <= N && cursor.write <= N && cursor.wrap <= N);
        if cursor.wrap == 0 {
            assert!(cursor.read <= cursor.write);
            assert!(cursor.read < cursor.write || cursor.read == 0);
        } else {
            assert!(cursor.write <= cursor.read && cursor.read < cursor.wrap);
        }
    }

    fn reserve<const N: usize>(cursor: &mut Cursor<N>, len: usize) -> Option<usize> {
        let free = cursor.largest_free();
        let region = cursor.reserve(len).ok();
        check(cursor);
        assert_eq!(region.is_some(), len <= free);
        region.map(|region| region.start)
    }

    fn release<const N: usize>(cursor: &mut Cursor<N>, len: usize) {
        let region = cursor.peek().unwrap();
        cursor.release(region, len);
        check(cursor);
    }

    #[test]
    fn a_region_that_does_not_fit_above_goes_below_the_reader() {
        let mut cursor = Cursor::<10>::new();
        assert_eq!(reserve(&mut cursor, 4), Some(0));
        assert_eq!(reserve(&mut cursor, 4), Some(4));
        assert_eq!(reserve(&mut cursor, 4), None);
        release(&mut cursor, 4);
        assert_eq!(reserve(&mut cursor, 4), Some(0));
        // Full: the two bytes above are the pad.
        assert_eq!(reserve(&mut cursor, 1), None);
        assert_eq!(cursor.peek().unwrap().len, 4);
        release(&mut cursor, 4);
        assert_eq!(cursor.peek().unwrap().start, 0);
    }

    #[test]
    fn an_empty_ring_restarts_at_zero() {
        let mut cursor = Cursor::<8>::new();
        reserve(&mut cursor, 5);
        release(&mut cursor, 5);
        assert_eq!(reserve(&mut cursor, 8), Some(0));
    }

    #[test]
    fn longer_than_the_ring_is_too_large_and_changes_nothing() {
        let mut cursor = Cursor::<8>::new();
        reserve(&mut cursor, 3);
        assert_eq!(cursor.reserve(9).unwrap_err(), NoRegion::TooLarge);
        assert_eq!(cursor.reserve(8).unwrap_err(), NoRegion::Full);
        assert_eq!(reserve(&mut cursor, 5), Some(3));
    }

    #[test]
    fn a_ring_of_no_bytes_refuses_everything_as_too_large() {
        let mut cursor = Cursor::<0>::new();
        assert_eq!(cursor.reserve(1).unwrap_err(), NoRegion::TooLarge);
        assert!(cursor.peek().is_none());
    }
}
