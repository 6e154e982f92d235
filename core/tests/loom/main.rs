//! Models of the shared stream: the real code, in every order in which its critical sections can follow each other.
//!
//! `bash .ci/model` runs them and says how many orders there were. Nobody who ought to be woken sleeps, or loom finds a deadlock;
//! nobody touches a byte of a ring that another touches, or it finds a race (`src/sync.rs`).
#![cfg(tidegate_loom)]

mod driven;
mod ends;
mod grants;
mod readers;
mod support;
mod writers;

/// Rings of 16 bytes, and three who may wait. Two bytes in one frame take four.
type Stream = tidegate_core::Stream<16, 16, 3, u8, tidegate_core::EventRing<u8, 2>>;

/// One for each run of a model: its threads live no longer than that, but loom cannot know.
fn stream() -> &'static Stream {
    Box::leak(Box::new(Stream::new()))
}
