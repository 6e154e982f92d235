//! How deep a call reaches into the stack: it is painted below the stack pointer, and then looked at.

use cortex_m::register::msp;

const PAINT: u32 = 0xC0DE_FEED;
const WORDS: usize = 2048;

/// The word that lies so many words below `top`.
fn below(top: u32, words: usize) -> *mut u32 {
    (top as usize - words * size_of::<u32>()) as *mut u32
}

/// The bytes that `f` uses, its own frame included. No interrupt may come meanwhile.
#[inline(never)]
pub fn used(f: &mut dyn FnMut()) -> u32 {
    let top = msp::read();
    for words in 1..=WORDS {
        // SAFETY: what lies below the stack pointer is nobody's, and there are more than 8 KiB of it.
        unsafe { below(top, words).write_volatile(PAINT) };
    }
    f();
    let deepest = (1..=WORDS).rev().find(|&words| {
        // SAFETY: as above.
        unsafe { below(top, words).read_volatile() != PAINT }
    });
    (deepest.unwrap_or(0) * size_of::<u32>()) as u32
}
