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
use crate::message::{
    END, Frames, LARGEST_RING, ONE, Size, gap_len, is_message, long_gap, measure_frames, short_gap,
    short_message,
};
use crate::span::{MARK, Span};

/// Bytes that one writer owns until it commits or abandons them. Made by [`Ring::reserve`] alone; not `Clone`.
#[derive(Debug)]
pub(crate) struct WriteRegion(Span);

impl WriteRegion {
    #[inline]
    pub(crate) fn span(&self) -> &Span {
        &self.0
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Moves the token out of a place that is not used again.
    #[inline]
    pub(crate) fn take(&mut self) -> Self {
        Self(self.0.take())
    }
}

/// Where the oldest message starts. Made by [`Ring::head`] and [`Ring::take`] alone; not `Clone`.
#[derive(Debug)]
pub(crate) struct HeadRegion(Span);

impl HeadRegion {
    #[inline]
    pub(crate) fn span(&self) -> &Span {
        &self.0
    }

    /// Walks over the whole message, to know its size.
    #[inline]
    pub(crate) fn measured<const N: usize>(self, bytes: &ByteCell<N>) -> ReadRegion {
        let (size, shape) = match short_message(bytes.head(&self)) {
            Some(size) => (size, Shape::Short),
            None => (self.measure_frames(bytes), Shape::Frames),
        };
        self.of_size::<N>(size, shape)
    }

    /// The whole message, if it is one short frame, as most are.
    #[inline]
    pub(crate) fn short<const N: usize>(self, bytes: &ByteCell<N>) -> Result<ReadRegion, Self> {
        match short_message(bytes.head(&self)) {
            Some(size) => Ok(self.of_size::<N>(size, Shape::Short)),
            None => Err(self),
        }
    }

    #[inline(never)]
    fn measure_frames<const N: usize>(&self, bytes: &ByteCell<N>) -> Size {
        measure_frames(|at| bytes.head_byte(self, at).unwrap_or(0))
    }

    #[inline]
    fn of_size<const N: usize>(self, size: Size, shape: Shape) -> ReadRegion {
        ReadRegion {
            // What was committed lies within the ring.
            span: Span::within::<N>(self.0.start(), size.packed).unwrap_or(self.0),
            charge: size.charge,
            shape,
        }
    }
}

/// The oldest message, which one reader may look at until it releases it. Not `Clone`.
#[derive(Debug)]
pub(crate) struct ReadRegion {
    span: Span,
    charge: usize,
    shape: Shape,
}

/// What a message is, in a whole word, for that is quicker to move.
#[repr(usize)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    /// One short frame, as most are.
    Short,
    Frames,
}

/// A message that was read, to be given back.
#[derive(Debug)]
pub(crate) struct Done {
    len: usize,
    charge: usize,
}

impl ReadRegion {
    #[inline]
    pub(crate) fn done(self) -> Done {
        Done {
            len: self.span.len(),
            charge: self.charge,
        }
    }

    #[inline]
    pub(crate) fn span(&self) -> &Span {
        &self.span
    }

    /// The frames.
    #[inline]
    pub(crate) fn frames<'a, const N: usize>(&'a self, bytes: &'a ByteCell<N>) -> Frames<'a> {
        let message = bytes.message(self);
        match self.shape {
            Shape::Short => Frames::of_short(message),
            Shape::Frames => Frames::of(message),
        }
    }

    /// Moves the token out of a place that is not used again.
    #[inline]
    pub(crate) fn take(&mut self) -> Self {
        Self {
            span: self.span.take(),
            charge: self.charge,
            shape: self.shape,
        }
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

/// What the reader comes to next: the lowest two bits of a ring's `count`.
mod head {
    /// Nothing, or a message that is still being written.
    pub(super) const NONE: usize = 0;
    /// A message.
    pub(super) const READABLE: usize = 1;
    /// A message that somebody is reading.
    pub(super) const TAKEN: usize = 2;
    /// Nothing ever again.
    pub(super) const RETIRED: usize = 3;
    pub(super) const MASK: usize = 3;
    /// One message in the rest of `count`.
    pub(super) const MESSAGE: usize = 4;
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
    /// How many they are, times four, and what is at the head.
    count: usize,
}

impl<const N: usize> Ring<N> {
    pub(crate) const fn new() -> Self {
        const { assert!(N <= LARGEST_RING, "a ring has at most 2^28 - 1 bytes") };
        Self {
            read: 0,
            write: 0,
            level: 0,
            count: 0,
        }
    }

    #[inline]
    const fn head_state(&self) -> usize {
        self.count & head::MASK
    }

    #[inline]
    pub(crate) const fn level_bytes(&self) -> usize {
        self.level
    }

    #[inline]
    pub(crate) const fn len(&self) -> usize {
        self.count / head::MESSAGE
    }

    /// Whether the oldest message can be read now.
    #[inline]
    pub(crate) const fn is_readable(&self) -> bool {
        self.head_state() == head::READABLE
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
        if let Some(span) = Span::within::<N>(write, len) {
            // Before the reader one byte stays free, or a full ring would look empty.
            if write < self.read && len >= self.read.wrapping_sub(write) {
                return Err(Self::refusal(len));
            }
            return Ok(self.begin(span, bytes));
        }
        if write >= self.read
            && len < self.read
            && let Some(span) = Span::within::<N>(0, len)
        {
            bytes.mark_gap(Marks(self), write, [END]);
            return Ok(self.begin(span, bytes));
        }
        Err(Self::refusal(len))
    }

    /// Bytes that are free become a region.
    #[inline]
    fn begin(&mut self, span: Span, bytes: &ByteCell<N>) -> WriteRegion {
        self.write = span.start().wrapping_add(span.len());
        let region = WriteRegion(span);
        bytes.mark(Marks(self), &region, [0]);
        region
    }

    #[inline]
    fn refusal(len: usize) -> NoRegion {
        if len > N {
            NoRegion::TooLarge
        } else {
            NoRegion::Full
        }
    }

    #[inline]
    fn mark_gap(&mut self, at: usize, len: usize, bytes: &ByteCell<N>) {
        match short_gap(len) {
            Some(mark) => bytes.mark_gap(Marks(self), at, mark),
            None => self.mark_odd_gap(at, len, bytes),
        }
    }

    /// One byte, or very many: there is never none.
    #[cold]
    #[inline(never)]
    fn mark_odd_gap(&mut self, at: usize, len: usize, bytes: &ByteCell<N>) {
        match len {
            1 => bytes.mark_gap(Marks(self), at, [ONE]),
            _ => bytes.mark_gap(Marks(self), at, long_gap(len)),
        }
    }

    /// The message in a region is complete and fills it, in a ring that was not retired: the first two bytes of its first
    /// header, and what it is charged.
    #[inline]
    pub(crate) fn commit(
        &mut self,
        region: WriteRegion,
        mark: [u8; 2],
        charge: usize,
        bytes: &ByteCell<N>,
    ) {
        bytes.mark(Marks(self), &region, mark);
        self.level = self.level.wrapping_add(charge);
        // There is nothing to read before the head of all was committed.
        let head = if region.0.start() == self.read {
            head::READABLE
        } else {
            0
        };
        self.count = self.count.wrapping_add(head::MESSAGE).wrapping_add(head);
    }

    /// A message will take only the first `used` bytes of its region: the others are free again.
    pub(crate) fn cut(&mut self, region: &mut WriteRegion, used: usize, bytes: &ByteCell<N>) {
        if self.head_state() != head::RETIRED {
            self.give_back(region, used, bytes);
        }
        region.0.cut(used);
    }

    /// A region is given up.
    pub(crate) fn abandon(&mut self, region: WriteRegion, bytes: &ByteCell<N>) -> GapAhead {
        if self.head_state() == head::RETIRED {
            return GapAhead(false);
        }
        self.give_back(&region, 0, bytes);
        if self.read == self.write {
            return self.is_empty_now();
        }
        GapAhead(region.0.start() == self.read)
    }

    /// What a region has behind its first `used` bytes is free again, at once if it is the newest.
    #[inline(never)]
    fn give_back(&mut self, region: &WriteRegion, used: usize, bytes: &ByteCell<N>) {
        let start = region.0.start().wrapping_add(used);
        let len = region.len().wrapping_sub(used);
        if start.wrapping_add(len) == self.write {
            self.write = start;
        } else {
            self.mark_gap(start, len, bytes);
        }
    }

    /// The oldest message, to look at.
    #[inline]
    pub(crate) fn head(&self) -> Option<HeadRegion> {
        if !self.is_readable() {
            return None;
        }
        // A message that can be read lies within the ring.
        Span::within::<N>(self.read, MARK).map(HeadRegion)
    }

    /// The oldest message, for one reader alone.
    #[inline]
    pub(crate) fn take(&mut self) -> Option<HeadRegion> {
        let region = self.head()?;
        self.count ^= head::READABLE ^ head::TAKEN;
        Some(region)
    }

    /// The reader has not read it after all.
    pub(crate) fn put_back(&mut self, region: ReadRegion) {
        if self.head_state() == head::TAKEN && region.span.start() == self.read {
            self.count ^= head::READABLE ^ head::TAKEN;
        }
    }

    /// The oldest message, which was [taken](Self::take), has been read: its bytes are free.
    #[inline]
    pub(crate) fn release(&mut self, message: Done, bytes: &ByteCell<N>) -> GapAhead {
        if self.head_state() != head::TAKEN {
            return GapAhead(false);
        }
        self.pop(message, head::TAKEN, bytes)
    }

    /// The oldest message, which was merely [looked at](Self::head), has been read: its bytes are free.
    #[inline]
    pub(crate) fn release_head(&mut self, message: Done, bytes: &ByteCell<N>) -> GapAhead {
        self.pop(message, head::READABLE, bytes)
    }

    #[inline]
    fn pop(&mut self, message: Done, state: usize, bytes: &ByteCell<N>) -> GapAhead {
        self.level = self.level.wrapping_sub(message.charge);
        self.count = self.count.wrapping_sub(head::MESSAGE.wrapping_add(state));
        self.advance(message.len, bytes)
    }

    /// Passes one gap at the head, if there is one.
    #[inline]
    pub(crate) fn pass_gap(&mut self, bytes: &ByteCell<N>) -> GapAhead {
        if self.head_state() != head::NONE || self.read == self.write {
            return GapAhead(false);
        }
        let read = self.read;
        let marks = Marks(self);
        let len = gap_len(|at| bytes.mark_byte(&marks, read.wrapping_add(at)).unwrap_or(0));
        match len {
            0 => GapAhead(false),
            len => self.advance(len, bytes),
        }
    }

    /// Goes on by `len` bytes, and looks at what is there.
    #[inline]
    fn advance(&mut self, len: usize, bytes: &ByteCell<N>) -> GapAhead {
        let mut read = self.read.wrapping_add(len);
        if read == self.write {
            return self.is_empty_now();
        }
        let mut first = bytes.mark_byte(&Marks(self), read).unwrap_or(END);
        if first == END {
            // Where everything below was given up, the mark of the region that was there still says so.
            read = 0;
            first = bytes.mark_byte(&Marks(self), read).unwrap_or(0);
        }
        self.read = read;
        if is_message(first) {
            self.count |= head::READABLE;
            return GapAhead(false);
        }
        // Else a message is still being written there.
        GapAhead(first != 0)
    }

    #[inline]
    fn is_empty_now(&mut self) -> GapAhead {
        self.read = 0;
        self.write = 0;
        GapAhead(false)
    }

    /// Forgets every message, while regions may be out: no more will be reserved, and nothing can be read.
    pub(crate) fn retire(&mut self) {
        self.level = 0;
        self.count = head::RETIRED;
        // Neither part has room.
        self.read = 0;
        self.write = N;
    }
}
