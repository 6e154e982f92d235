//! What the images share.
#![no_std]

pub mod calls;
#[path = "../../../core/benches/contender/mod.rs"]
pub mod contender;
pub mod counter;
pub mod flash;
mod lend;
pub mod messages;
pub mod no_panic;
pub mod opaque;
pub mod report;
pub mod stack;
#[cfg(feature = "own-lock")]
pub mod sweep;
#[cfg(feature = "own-lock")]
pub mod timed_lock;
#[cfg(feature = "own-lock")]
pub mod tracked_lock;
pub mod waker;

pub use lend::lend;
