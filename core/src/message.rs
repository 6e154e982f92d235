//! What a multipart message is on a device: frames, each preceded by a header of two bytes.
//!
//! ```text
//! 01ll llll  llll llll                         the last frame, of 0 to 16,383 bytes
//! 10ll llll  llll llll                         a frame with more behind it, of 0 to 16,383 bytes
//! 11ml llll  llll llll  hhhh hhhh  hhhh hhhh   a frame of 16,384 bytes or more, m: more behind it;
//!                                              its length is h * 8192 + l, at most 2^29 - 1
//! 00.. ....  .... ....                         no frame
//! ```

use core::fmt;

/// Bytes that a frame costs on top of its payload, and what a gate is charged for it.
pub(crate) const FRAME_CHARGE: usize = 2;
/// The first frame length that needs a header of four bytes.
const LONG: usize = 1 << 14;
/// The longest frame that a header can name.
const LONGEST: usize = (1 << 29) - 1;
const LONG_LOW_BITS: u32 = 13;

/// How many bytes a frame of this length takes in the ring, or `None` if no header can name its length.
#[inline]
pub(crate) fn framed_len(len: usize) -> Option<usize> {
    if len < LONG {
        len.checked_add(FRAME_CHARGE)
    } else if len <= LONGEST {
        len.checked_add(4)
    } else {
        None
    }
}

/// A frame's header: its bytes and how many of them are used.
#[inline]
fn header(len: usize, more: bool) -> ([u8; 4], usize) {
    if len < LONG {
        let kind: usize = if more { 0b10 } else { 0b01 };
        let [low, high, ..] = (kind << 14 | len).to_le_bytes();
        ([low, high, 0, 0], 2)
    } else {
        let more = usize::from(more);
        let low = len & ((1 << LONG_LOW_BITS) - 1);
        let [b0, b1, ..] = (0b11 << 14 | more << 13 | low).to_le_bytes();
        let [b2, b3, ..] = (len >> LONG_LOW_BITS).to_le_bytes();
        ([b0, b1, b2, b3], 4)
    }
}

/// Writes one frame at the start of `out` and returns what is behind it. `out` has room; were it short, nothing is
/// written and nothing is left.
#[inline]
pub(crate) fn put_frame<'a>(out: &'a mut [u8], frame: &[u8], more: bool) -> &'a mut [u8] {
    let (header, header_len) = header(frame.len(), more);
    let Some((head, rest)) = out.split_at_mut_checked(header_len) else {
        return &mut [];
    };
    let Some((body, rest)) = rest.split_at_mut_checked(frame.len()) else {
        return &mut [];
    };
    head.iter_mut()
        .zip(header)
        .for_each(|(to, from)| *to = from);
    body.copy_from_slice(frame);
    rest
}

/// One frame, whether more follow, and the bytes behind it.
#[inline]
fn take_frame(bytes: &[u8]) -> Option<(&[u8], bool, &[u8])> {
    let (&[b0, b1], rest) = bytes.split_first_chunk::<2>()?;
    let word = usize::from(u16::from_le_bytes([b0, b1]));
    let (len, more, rest) = match word >> 14 {
        0b01 => (word & (LONG - 1), false, rest),
        0b10 => (word & (LONG - 1), true, rest),
        0b11 => {
            let (&[b2, b3], rest) = rest.split_first_chunk::<2>()?;
            let high = usize::from(u16::from_le_bytes([b2, b3]));
            let low = word & ((1 << LONG_LOW_BITS) - 1);
            (high << LONG_LOW_BITS | low, word & (1 << 13) != 0, rest)
        }
        _ => return None,
    };
    let (frame, rest) = rest.split_at_checked(len)?;
    Some((frame, more, rest))
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
    bytes: &'a [u8],
}

impl<'a> Frames<'a> {
    /// The message at the start of `bytes`, and how many bytes it takes there.
    #[inline]
    pub(crate) fn first(bytes: &'a [u8]) -> Option<(Self, usize)> {
        let mut rest = bytes;
        loop {
            let (_, more, behind) = take_frame(rest)?;
            rest = behind;
            if !more {
                break;
            }
        }
        let len = bytes.len().saturating_sub(rest.len());
        Some((
            Self {
                bytes: bytes.get(..len)?,
            },
            len,
        ))
    }

    /// How many frames there are.
    pub fn frame_count(&self) -> usize {
        (*self).fold(0, |count: usize, _| count.saturating_add(1))
    }

    /// The payload of all frames together, in bytes.
    pub fn payload_bytes(&self) -> usize {
        (*self).fold(0, |sum: usize, frame| sum.saturating_add(frame.len()))
    }

    /// What a gate is charged for the message: its payload and two bytes a frame.
    #[inline]
    pub(crate) fn charge_bytes(&self) -> usize {
        (*self).fold(0, |sum: usize, frame| {
            sum.saturating_add(frame.len()).saturating_add(FRAME_CHARGE)
        })
    }

    /// The frames as they lie in the ring, headers and all.
    pub(crate) fn as_packed(&self) -> &'a [u8] {
        self.bytes
    }
}

impl<'a> Iterator for Frames<'a> {
    type Item = &'a [u8];

    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        let (frame, _, rest) = take_frame(self.bytes)?;
        self.bytes = rest;
        Some(frame)
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
