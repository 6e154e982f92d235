//! The packed ring: which bytes a message gets, and in which order they come back.
//!
//! Every message lies in one region that does not wrap. `read` is where the oldest region starts, `write` where the next
//! one may start. Bytes that nobody uses are marked as a gap: those at the end of the ring that a message did not fit
//! into, and those that a writer reserved and gave up.
//!
//! ```text
//! empty       read = write = 0                straight    read < write
//! ┌──────────────────────────────┐             ┌─────┬───────────┬────────────┐
//! │             free             │  reserve ─► │free │   used    │    free    │
//! └──────────────────────────────┘  ◄─ release └─────┴───────────┴────────────┘
//! 0                              N             0   read        write          N
//!                                                  │              ▲
//!          the upper part has no room, the lower   │              │ the reader reaches the end
//!          part has: reserve                       ▼              │
//!                                              wrapped     write < read
//!                                              ┌─────┬──────┬───────────┬─────┐
//!                                              │used │ free │   used    │ gap │
//!                                              └─────┴──────┴───────────┴─────┘
//!                                              0   write  read                N
//! ```
//!
//! An empty ring restarts at 0: whatever has at most `N` bytes fits an empty ring. `write == read` means empty, so in the
//! wrapped state one byte stays free.
//!
//! Any number of regions may be reserved and not yet committed. A region's first byte is 0 for as long, and the reader
//! stops there: the order is that of the reservations. Each call here takes a constant time, whatever the message.

use crate::cell::ByteCell;
use crate::message::{LARGEST_RING, Record, Size, gap, record};

/// Bytes at the start of a region that belong to the ring until the region is committed.
pub(crate) const MARK: usize = 2;

/// Bytes that one writer owns until it commits or abandons them. Made by [`Ring::reserve`] alone; not `Clone`.
#[derive(Debug)]
pub(crate) struct WriteRegion {
    start: usize,
    len: usize,
}

impl WriteRegion {
    #[inline]
    pub(crate) fn start(&self) -> usize {
        self.start
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.len
    }
}

/// Where the oldest message starts. Made by [`Ring::head`] and [`Ring::take`] alone; not `Clone`.
#[derive(Debug)]
pub(crate) struct HeadRegion {
    start: usize,
}

impl HeadRegion {
    #[inline]
    pub(crate) fn start(&self) -> usize {
        self.start
    }

    /// The whole message, now that its size is known.
    #[inline]
    pub(crate) fn of_size(self, size: Size) -> ReadRegion {
        ReadRegion {
            start: self.start,
            size,
        }
    }
}

/// The oldest message, which one reader may look at until it releases it. Not `Clone`.
#[derive(Debug)]
pub(crate) struct ReadRegion {
    start: usize,
    size: Size,
}

impl ReadRegion {
    #[inline]
    pub(crate) fn start(&self) -> usize {
        self.start
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.size.packed
    }
}

/// The right to write and read marks: there is one for whoever has the ring to itself.
pub(crate) struct Marks<'a, const N: usize>(
    #[expect(dead_code, reason = "a proof")] &'a mut Ring<N>,
);

/// Why a region could not be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoRegion {
    /// Not now: it fits once enough has been released, at the latest when the ring is empty.
    Full,
    /// Never: it is longer than the ring.
    TooLarge,
}

/// What the reader comes to next.
#[repr(u8)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Head {
    /// Nothing, or a message that is still being written.
    None = 0,
    /// A message.
    Readable,
    /// A message that somebody is reading.
    Taken,
    /// Nothing ever again.
    Retired,
}

/// Whether there is a gap at the head that is to be passed: call [`Ring::pass_gap`] until there is none. Each call is a
/// lock of its own where the ring is shared, for there may be many.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct GapAhead(pub(crate) bool);

/// The bookkeeping of a ring of `N` bytes. All zeros at the start.
#[derive(Debug)]
pub(crate) struct Ring<const N: usize> {
    read: usize,
    write: usize,
    /// What the committed messages are charged.
    level: usize,
    /// How many they are.
    len: usize,
    head: Head,
}

impl<const N: usize> Ring<N> {
    pub(crate) const fn new() -> Self {
        const { assert!(N <= LARGEST_RING, "a ring has at most 2^28 - 1 bytes") };
        Self {
            read: 0,
            write: 0,
            level: 0,
            len: 0,
            head: Head::None,
        }
    }

    #[inline]
    pub(crate) const fn level_bytes(&self) -> usize {
        self.level
    }

    #[inline]
    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    /// Whether the oldest message can be read now.
    #[inline]
    pub(crate) const fn is_readable(&self) -> bool {
        matches!(self.head, Head::Readable)
    }

    /// The longest region that [`reserve`](Self::reserve) gives now.
    #[inline]
    pub(crate) const fn largest_free(&self) -> usize {
        // Below the reader one byte stays free, or a full ring would look empty.
        if self.write < self.read {
            self.read.wrapping_sub(self.write).wrapping_sub(1)
        } else {
            let upper = N.wrapping_sub(self.write);
            let lower = self.read.saturating_sub(1);
            if upper >= lower { upper } else { lower }
        }
    }

    /// A region of `len` bytes, at least [`MARK`], behind all that were reserved before it.
    #[inline]
    pub(crate) fn reserve(
        &mut self,
        len: usize,
        bytes: &ByteCell<N>,
    ) -> Result<WriteRegion, NoRegion> {
        let write = self.write;
        let start = if write < self.read {
            if len >= self.read.wrapping_sub(write) {
                return Err(Self::refusal(len));
            }
            write
        } else if len <= N.wrapping_sub(write) {
            write
        } else if len < self.read {
            if write < N {
                self.mark_gap(write, N.wrapping_sub(write), bytes);
            }
            0
        } else {
            return Err(Self::refusal(len));
        };
        self.write = start.wrapping_add(len);
        bytes.set_mark(&mut Marks(self), start, [0]);
        Ok(WriteRegion { start, len })
    }

    #[inline]
    fn refusal(len: usize) -> NoRegion {
        if len > N {
            NoRegion::TooLarge
        } else {
            NoRegion::Full
        }
    }

    fn mark_gap(&mut self, at: usize, len: usize, bytes: &ByteCell<N>) {
        let ([b0, b1, b2, b3], mark_len) = gap(len);
        let marks = &mut Marks(self);
        match mark_len {
            1 => bytes.set_mark(marks, at, [b0]),
            2 => bytes.set_mark(marks, at, [b0, b1]),
            _ => bytes.set_mark(marks, at, [b0, b1, b2, b3]),
        }
    }

    /// The message in a region is complete: the first two bytes of its first header, and its size, which may be less
    /// than what was reserved.
    #[inline]
    pub(crate) fn commit(
        &mut self,
        region: WriteRegion,
        mark: [u8; 2],
        size: Size,
        bytes: &ByteCell<N>,
    ) {
        if self.head == Head::Retired {
            return;
        }
        bytes.set_mark(&mut Marks(self), region.start, mark);
        if size.packed < region.len {
            self.give_back(&region, size.packed, bytes);
        }
        self.level = self.level.wrapping_add(size.charge);
        self.len = self.len.wrapping_add(1);
        if region.start == self.read {
            self.head = Head::Readable;
        }
    }

    /// A region is given up.
    pub(crate) fn abandon(&mut self, region: WriteRegion, bytes: &ByteCell<N>) -> GapAhead {
        if self.head == Head::Retired {
            return GapAhead(false);
        }
        self.give_back(&region, 0, bytes);
        if self.read == self.write {
            self.read = 0;
            self.write = 0;
        }
        GapAhead(region.start == self.read && self.write != self.read)
    }

    /// What a region has behind its first `used` bytes is free again, at once if it is the newest.
    fn give_back(&mut self, region: &WriteRegion, used: usize, bytes: &ByteCell<N>) {
        let start = region.start.wrapping_add(used);
        let len = region.len.wrapping_sub(used);
        if region.start.wrapping_add(region.len) == self.write {
            self.write = start;
        } else {
            self.mark_gap(start, len, bytes);
        }
    }

    /// The oldest message, to look at.
    #[inline]
    pub(crate) fn head(&self) -> Option<HeadRegion> {
        self.is_readable()
            .then_some(HeadRegion { start: self.read })
    }

    /// The oldest message, for one reader alone.
    #[inline]
    pub(crate) fn take(&mut self) -> Option<HeadRegion> {
        let region = self.head()?;
        self.head = Head::Taken;
        Some(region)
    }

    /// The reader has not read it after all.
    pub(crate) fn put_back(&mut self, region: ReadRegion) {
        if self.head == Head::Taken && region.start == self.read {
            self.head = Head::Readable;
        }
    }

    /// The oldest message has been read: its bytes are free.
    #[inline]
    pub(crate) fn release(&mut self, region: ReadRegion, bytes: &ByteCell<N>) -> GapAhead {
        if self.head == Head::Retired {
            return GapAhead(false);
        }
        self.level = self.level.wrapping_sub(region.size.charge);
        self.len = self.len.wrapping_sub(1);
        self.advance(region.size.packed, bytes)
    }

    /// Passes one gap at the head, if there is one.
    pub(crate) fn pass_gap(&mut self, bytes: &ByteCell<N>) -> GapAhead {
        if self.head != Head::None || self.read == self.write {
            return GapAhead(false);
        }
        match self.record(bytes) {
            Record::Gap(len) => self.advance(len, bytes),
            Record::Message | Record::InFlight => GapAhead(false),
        }
    }

    #[inline]
    fn record(&mut self, bytes: &ByteCell<N>) -> Record {
        let read = self.read;
        let marks = Marks(self);
        record(|at| bytes.mark_byte(&marks, read.wrapping_add(at)))
    }

    #[inline]
    fn advance(&mut self, len: usize, bytes: &ByteCell<N>) -> GapAhead {
        self.head = Head::None;
        let mut read = self.read.wrapping_add(len);
        if read == N && self.write != N {
            read = 0;
        }
        self.read = read;
        if read == self.write {
            self.read = 0;
            self.write = 0;
            return GapAhead(false);
        }
        match self.record(bytes) {
            Record::Message => self.head = Head::Readable,
            Record::InFlight => {}
            Record::Gap(_) => return GapAhead(true),
        }
        GapAhead(false)
    }

    /// Forgets every message, while regions may be out: no more will be reserved, and nothing can be read.
    pub(crate) fn retire(&mut self) {
        self.level = 0;
        self.len = 0;
        self.head = Head::Retired;
        // Neither part has room.
        self.read = 0;
        self.write = N;
    }
}
