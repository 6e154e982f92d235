//! An oscilloscope for ZeroMQ traffic.
//!
//! The model, without a window: a [`Session`](session::Session) has a thread of its own with the stream (`worker`), takes
//! [commands](session::Command), and shows what it has seen as a [`Snapshot`](snapshot::Snapshot), whose size is bounded whatever comes in.
//! The window (`view` and what is below it) draws the newest snapshot, and never waits for a stream.
#![deny(unsafe_code)]

pub mod frames;
pub mod session;
pub mod snapshot;
mod ticks;
pub mod view;
mod worker;
