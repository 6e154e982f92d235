//! What the images share.
#![no_std]

#[path = "../../../core/benches/contender/mod.rs"]
pub mod contender;
pub mod counter;
pub mod flash;
pub mod messages;
pub mod report;
#[cfg(feature = "own-lock")]
pub mod timed_lock;
pub mod waker;
