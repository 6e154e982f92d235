//! How deep a call reaches into the stack: it is painted below the stack pointer, and then looked at.

use cortex_m::register::msp;

const PAINT: u32 = 0xC0DE_FEED;
const WORDS: usize = 2048;

/// The word that lies so many words below `top`.
fn below(top: u32, words: usize) -> *mut u32 {
    (top as usize - words * size_of::<u32>()) as *mut u32
}

/// What `f` returns, and the bytes of stack that it uses, its own frame included. No interrupt may come meanwhile.
#[inline(never)]
pub fn used<R>(f: impl FnOnce() -> R) -> (R, u32) {
    let top = msp::read();
    for words in 1..=WORDS {
        // SAFETY: what lies below the stack pointer is nobody's, and there are more than 8 KiB of it.
        unsafe { below(top, words).write_volatile(PAINT) };
    }
    let result = in_a_frame(f);
    let deepest = (1..=WORDS).rev().find(|&words| {
        // SAFETY: as above.
        unsafe { below(top, words).read_volatile() != PAINT }
    });
    (result, (deepest.unwrap_or(0) * size_of::<u32>()) as u32)
}

#[inline(never)]
fn in_a_frame<R>(f: impl FnOnce() -> R) -> R {
    f()
}
