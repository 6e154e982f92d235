//! Input of which the compiler knows nothing.

use core::hint::black_box;
use core::task::Waker;

/// The same value, but nothing is known of it any more.
#[inline]
pub fn opaque<T>(value: T) -> T {
    black_box(value)
}

/// Any number.
#[inline]
pub fn number() -> usize {
    black_box(0)
}

/// Either.
#[inline]
pub fn coin() -> bool {
    black_box(false)
}

/// Any message: any number of frames, each of any length.
#[inline]
pub fn message() -> &'static [&'static [u8]] {
    static FRAMES: [&[u8]; 2] = [&[1; 16], &[]];
    black_box(black_box(&FRAMES).get(..number()).unwrap_or_default())
}

/// Any text.
#[inline]
pub fn text() -> &'static str {
    black_box("")
}

/// A waker whose functions are not known.
pub fn waker() -> Waker {
    black_box(crate::waker::counting())
}
