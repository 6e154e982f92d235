//! What a multipart message is on a device: frames, each preceded by a header, and what else may lie between messages.
//!
//! ```text
//! 01ll llll  llll llll                         the last frame, of 0 to 16,383 bytes
//! 10ll llll  llll llll                         a frame with more behind it, of 0 to 16,383 bytes
//! 11ml llll  llll llll  hhhh hhhh  hhhh hhhh   a frame of 16,384 bytes or more, or one that was cut from there,
//!                                              m: more behind it; its length is h * 8192 + l, at most 2^29 - 1
//! 0000 0000                                    a message that is still being written
//! 0000 0001                                    nothing more up to the end of the ring
//! 0000 0010                                    one unused byte, this one
//! 0010 llll  llll llll                         2 to 4,095 unused bytes, these two among them
//! 0011 llll  llll llll  llll llll  llll llll   4,096 unused bytes or more, these four among them
//! ```
//!
//! The first byte alone says which of them it is.

use core::fmt;
use core::sync::atomic::{Ordering, compiler_fence};

/// Bytes that a frame costs on top of its payload, and what a gate is charged for it.
pub(crate) const FRAME_CHARGE: usize = 2;
/// The first frame length that needs a header of four bytes.
pub(crate) const LONG: usize = 1 << 14;
/// The longest frame that a header can name.
const LONGEST: usize = (1 << 29) - 1;
const LONG_LOW_BITS: u32 = 13;
/// The first gap that needs a mark of four bytes.
const LONG_GAP: usize = 1 << 12;
/// The mark behind which nothing more comes up to the end of the ring.
pub(crate) const END: u8 = 1;
/// The mark of a gap of one byte.
pub(crate) const ONE: u8 = 2;
/// The longest ring whose gaps can be named.
pub(crate) const LARGEST_RING: usize = (1 << 28) - 1;

/// How many bytes a message takes in the ring, and what a gate is charged for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) packed: usize,
    pub(crate) charge: usize,
}

impl Size {
    /// A message of no frames yet.
    pub(crate) const ZERO: Self = Self {
        packed: 0,
        charge: 0,
    };

    /// With one more frame, or `None` if no header can name its length or the sum overflows.
    #[inline]
    pub(crate) fn and_frame(self, len: usize) -> Option<Self> {
        if len > LONGEST {
            return None;
        }
        let charge = self.charge.checked_add(len.wrapping_add(FRAME_CHARGE))?;
        let packed = self.packed.checked_add(len.wrapping_add(header_len(len)))?;
        Some(Self { packed, charge })
    }

    /// The sum over all frames; `None` as for [`and_frame`](Self::and_frame).
    #[inline(never)]
    pub(crate) fn of(frames: &[&[u8]]) -> Option<Self> {
        frames
            .iter()
            .try_fold(Self::ZERO, |size, frame| size.and_frame(frame.len()))
    }

    /// One short frame.
    #[inline]
    pub(crate) fn of_short(len: usize) -> Self {
        let sum = len.wrapping_add(FRAME_CHARGE);
        Self {
            packed: sum,
            charge: sum,
        }
    }
}

/// How many bytes a message takes in a packed buffer: its payload, and a header of 2 bytes for each frame (4 from 16,384
/// bytes on, and for one that was [cut](crate::WriteGrant::truncate) from there). `None` if a frame is longer than 2^29 - 1 bytes.
///
/// ```
/// let message: &[&[u8]] = &[b"peer", b"", b"hello"];
/// assert_eq!(tidegate_core::packed_bytes(message), Some(4 + 0 + 5 + 3 * 2));
/// ```
pub fn packed_bytes(message: &[&[u8]]) -> Option<usize> {
    Some(Size::of(message)?.packed)
}

/// How many bytes the header of a frame of this length has.
#[inline]
pub(crate) fn header_len(len: usize) -> usize {
    if len < LONG { 2 } else { 4 }
}

/// A frame's header; the last two bytes are used by a long one alone.
#[inline]
pub(crate) fn header(len: usize, more: bool) -> [u8; 4] {
    header_in(header_len(len), len, more)
}

/// The same in so many bytes: in four also of a short frame.
#[inline]
pub(crate) fn header_in(bytes: usize, len: usize, more: bool) -> [u8; 4] {
    if bytes == 2 {
        let kind: usize = if more { 0b10 } else { 0b01 };
        let [low, high, ..] = (kind << 14 | len).to_le_bytes();
        [high, low, 0, 0]
    } else {
        let more = usize::from(more);
        let low = len & ((1 << LONG_LOW_BITS) - 1);
        let [b1, b0, ..] = (0b11 << 14 | more << 13 | low).to_le_bytes();
        let [b3, b2, ..] = (len >> LONG_LOW_BITS).to_le_bytes();
        [b0, b1, b2, b3]
    }
}

/// The mark of a gap of 2 to 4,095 bytes.
pub(crate) fn short_gap(len: usize) -> Option<[u8; 2]> {
    let [b0, b1, ..] = len.to_le_bytes();
    (2..LONG_GAP)
        .contains(&len)
        .then_some([0b0010 << 4 | b1, b0])
}

/// The mark of a gap of 4,096 bytes or more.
pub(crate) fn long_gap(len: usize) -> [u8; 4] {
    let [b0, b1, b2, b3, ..] = len.to_le_bytes();
    [0b0011 << 4 | b3, b2, b1, b0]
}

/// Whether a message that can be read begins with this byte.
#[inline]
pub(crate) fn is_message(first: u8) -> bool {
    first >= 1 << 6
}

/// The length of the gap whose first byte is `byte(0)`; 0 if it is none.
pub(crate) fn gap_len(byte: impl Fn(usize) -> u8) -> usize {
    let first = byte(0);
    if first >> 4 == 0b0010 {
        return usize::from(first & 0b1111) << 8 | usize::from(byte(1));
    }
    odd_gap_len(first, byte)
}

#[cold]
#[inline(never)]
fn odd_gap_len(first: u8, byte: impl Fn(usize) -> u8) -> usize {
    match first >> 4 {
        0b0011 => {
            usize::from(first & 0b1111) << 24
                | usize::from(byte(1)) << 16
                | usize::from(byte(2)) << 8
                | usize::from(byte(3))
        }
        0 => usize::from(first == ONE),
        _ => 0,
    }
}

/// A frame's length, whether more follow, and how many bytes its header has.
#[inline]
fn parse(byte: impl Fn(usize) -> u8) -> Option<(usize, bool, usize)> {
    let first = usize::from(byte(0));
    let word = first << 8 | usize::from(byte(1));
    match first >> 6 {
        0b01 => Some((word & (LONG - 1), false, 2)),
        0b10 => Some((word & (LONG - 1), true, 2)),
        0b11 => {
            let high = usize::from(byte(2)) << 8 | usize::from(byte(3));
            let low = word & ((1 << LONG_LOW_BITS) - 1);
            Some((high << LONG_LOW_BITS | low, word & (1 << 13) != 0, 4))
        }
        _ => None,
    }
}

/// The size of a message that begins so, if it is one short frame, as most messages are.
#[inline]
pub(crate) fn short_message([b0, b1]: [u8; 2]) -> Option<Size> {
    let word = usize::from(b0) << 8 | usize::from(b1);
    (word >> 14 == 0b01).then(|| Size::of_short(word & (LONG - 1)))
}

/// Walks over the message whose first byte is `byte(0)`, and says how large it is.
#[inline]
pub(crate) fn measure_frames(byte: impl Fn(usize) -> u8) -> Size {
    let mut size = Size::ZERO;
    loop {
        let parsed = parse(|at| byte(size.packed.wrapping_add(at)));
        let Some((len, more, header_len)) = parsed else {
            return size;
        };
        size.packed = size.packed.wrapping_add(header_len).wrapping_add(len);
        size.charge = size.charge.wrapping_add(FRAME_CHARGE).wrapping_add(len);
        if !more {
            return size;
        }
    }
}

/// The one frame of a message, if it is alone and short, as in most messages.
#[inline]
pub(crate) fn short_frame<'a>(message: &[&'a [u8]]) -> Option<&'a [u8]> {
    match message {
        [frame] if frame.len() < LONG => Some(frame),
        _ => None,
    }
}

/// Writes a short frame that is alone, but for its header, which it returns.
#[inline]
pub(crate) fn put_short(out: &mut [u8], frame: &[u8]) -> [u8; 2] {
    copy(out, frame);
    let [low, high, ..] = (0b01 << 14 | frame.len()).to_le_bytes();
    [high, low]
}

/// Writes a message but for the first two bytes of its first header, which `out` does not have; returns those. `out` is
/// as long as the message needs; were it short, it would be left incomplete.
#[inline(never)]
pub(crate) fn put_frames(out: &mut [u8], first: &[u8], others: &[&[u8]]) -> [u8; 2] {
    let [b0, b1, b2, b3] = header(first.len(), !others.is_empty());
    let mut rest = out;
    if header_len(first.len()) == 4 {
        rest = put(rest, &[b2, b3]);
    }
    rest = put(rest, first);
    let mut others = others.iter();
    while let Some(frame) = others.next() {
        let header = header(frame.len(), !others.as_slice().is_empty());
        rest = put(rest, header.get(..header_len(frame.len())).unwrap_or(&[]));
        rest = put(rest, frame);
    }
    [b0, b1]
}

/// Copies `bytes` to the start of `out`, and returns what is behind them.
fn put<'a>(out: &'a mut [u8], bytes: &[u8]) -> &'a mut [u8] {
    match out.split_at_mut_checked(bytes.len()) {
        Some((to, rest)) => {
            copy(to, bytes);
            rest
        }
        None => &mut [],
    }
}

/// Copies between slices of one length; of unequal ones, nothing or what both have.
///
/// Up to 32 bytes by two pieces that overlap, so that no call is needed. On a Cortex-M3 the longer ones piece by piece: there
/// `memcpy` takes up to four instructions a byte where the two are not aligned alike, and this less than one.
pub(crate) fn copy(to: &mut [u8], from: &[u8]) {
    let Some(to) = to.get_mut(..from.len()) else {
        return;
    };
    if from.len() > 32 {
        copy_long(to, from);
    } else if from.len() >= 16 {
        copy_ends::<16>(to, from);
    } else if from.len() >= 8 {
        copy_ends::<8>(to, from);
    } else if from.len() >= 4 {
        copy_ends::<4>(to, from);
    } else {
        for (to, from) in to.iter_mut().zip(from) {
            *to = *from;
        }
    }
}

/// Over 32 bytes.
fn copy_long(to: &mut [u8], from: &[u8]) {
    if cfg!(target_arch = "arm") {
        copy_pieces(to, from);
    } else {
        to.copy_from_slice(from);
    }
}

/// Any number of bytes, the last of them in ever smaller pieces.
#[inline(always)]
fn copy_pieces(to: &mut [u8], from: &[u8]) {
    let (to, from) = copy_chunks::<16>(to, from);
    let (to, from) = copy_chunk::<8>(to, from);
    let (to, from) = copy_chunk::<4>(to, from);
    let (to, from) = copy_chunk::<2>(to, from);
    copy_chunk::<1>(to, from);
}

/// Copies as many times `C` bytes as there are, and returns the rest.
#[inline(always)]
fn copy_chunks<'t, 'f, const C: usize>(
    to: &'t mut [u8],
    from: &'f [u8],
) -> (&'t mut [u8], &'f [u8]) {
    let mut to = to.chunks_exact_mut(C);
    let mut from = from.chunks_exact(C);
    for (to, from) in to.by_ref().zip(from.by_ref()) {
        to.copy_from_slice(from);
        // No instruction, but the compiler sees no `memcpy` in the loop.
        compiler_fence(Ordering::AcqRel);
    }
    (to.into_remainder(), from.remainder())
}

/// Copies `C` bytes, if there are so many, and returns the rest.
#[inline(always)]
fn copy_chunk<'t, 'f, const C: usize>(
    to: &'t mut [u8],
    from: &'f [u8],
) -> (&'t mut [u8], &'f [u8]) {
    if from.len() < C || to.len() < C {
        return (to, from);
    }
    let (to, to_rest) = to.split_at_mut(C);
    let (from, from_rest) = from.split_at(C);
    to.copy_from_slice(from);
    (to_rest, from_rest)
}

/// Copies the first `C` bytes and the last `C`: all that there are of `C` to `2 * C`.
#[inline(always)]
fn copy_ends<const C: usize>(to: &mut [u8], from: &[u8]) {
    if let (Some(to), Some(from)) = (to.first_chunk_mut::<C>(), from.first_chunk::<C>()) {
        *to = *from;
    }
    if let (Some(to), Some(from)) = (to.last_chunk_mut::<C>(), from.last_chunk::<C>()) {
        *to = *from;
    }
}

/// One frame, and the bytes behind it.
fn take_frame(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&[b0, b1], rest) = bytes.split_first_chunk::<2>()?;
    let word = usize::from(b0) << 8 | usize::from(b1);
    match word >> 14 {
        0b01 | 0b10 => rest.split_at_checked(word & (LONG - 1)),
        _ => {
            let (len, _, header_len) = parse(|at| bytes.get(at).copied().unwrap_or(0))?;
            bytes.get(header_len..)?.split_at_checked(len)
        }
    }
}

/// The frames of one message, borrowed from where it lies. Each frame is one slice; none is copied.
///
/// An iterator, cheap to clone, over at least one frame.
///
/// ```
/// use tidegate_core::MessageBuffer;
///
/// let mut buffer = MessageBuffer::<64>::new();
/// buffer.push(&[b"peer", b"", b"hello"]).unwrap();
/// buffer.pop_with(|frames| {
///     assert_eq!(frames.frame_count(), 3);
///     assert!(frames.eq([&b"peer"[..], b"", b"hello"]));
/// });
/// ```
#[derive(Clone, Copy)]
pub struct Frames<'a> {
    next: Option<&'a [u8]>,
    /// What is packed behind it.
    rest: &'a [u8],
}

impl<'a> Frames<'a> {
    /// The message that `bytes` begins with, and that was measured to fill them.
    #[inline]
    pub(crate) fn of(bytes: &'a [u8]) -> Self {
        match take_frame(bytes) {
            Some((next, rest)) => Self {
                next: Some(next),
                rest,
            },
            None => Self {
                next: None,
                rest: &[],
            },
        }
    }

    /// The message in `bytes`, which is one short frame.
    #[inline]
    pub(crate) fn of_short(bytes: &'a [u8]) -> Self {
        Self {
            next: bytes.get(2..),
            rest: &[],
        }
    }

    /// How many frames there are.
    pub fn frame_count(&self) -> usize {
        (*self).fold(0, |count: usize, _| count.saturating_add(1))
    }

    /// The payload of all frames together, in bytes.
    pub fn payload_bytes(&self) -> usize {
        (*self).fold(0, |sum: usize, frame| sum.saturating_add(frame.len()))
    }
}

impl<'a> Iterator for Frames<'a> {
    type Item = &'a [u8];

    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        let next = self.next?;
        *self = Self::of(self.rest);
        Some(next)
    }

    #[inline]
    fn fold<B, F: FnMut(B, &'a [u8]) -> B>(self, init: B, mut f: F) -> B {
        let Some(first) = self.next else {
            return init;
        };
        let mut result = f(init, first);
        let mut rest = self.rest;
        while let Some((frame, behind)) = take_frame(rest) {
            result = f(result, frame);
            rest = behind;
        }
        result
    }
}

impl fmt::Debug for Frames<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(*self).finish()
    }
}

/// Lengths, never payload.
#[cfg(feature = "defmt")]
impl defmt::Format for Frames<'_> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(
            f,
            "Frames {{ count: {=usize}, payload_bytes: {=usize} }}",
            self.frame_count(),
            self.payload_bytes()
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c1_every_byte_of_a_frame_is_copied_whatever_its_length() {
        let mut bytes = [0; 100];
        (1..).zip(&mut bytes).for_each(|(k, byte)| *byte = k);
        for from in (0..=bytes.len()).map(|len| &bytes[..len]) {
            for copy in [copy, copy_pieces] {
                let mut to = [0; 100];
                copy(&mut to[..from.len()], from);
                assert_eq!(&to[..from.len()], from);
            }
        }
    }
}
