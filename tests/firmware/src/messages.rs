//! What the images send, and how a reader is shown it.

use core::hint::black_box;

static BYTES: [u8; 256] = [0xA5; 256];

/// A message of so many bytes, at most 256, none of which the compiler knows.
pub fn bytes(len: usize) -> &'static [u8] {
    black_box(BYTES.get(..len).unwrap_or_default())
}

/// The reader: it gets the slice and does nothing with it.
pub fn see(bytes: &[u8]) {
    black_box(bytes);
}
