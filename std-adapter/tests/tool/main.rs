//! The tool `tidegate` as its users run it: real processes, with libzmq's own sockets at the far end.
//!
//! ```sh
//! cargo test -p tidegate --features cli --test tool
//! ```
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "that is how a test fails, in what tests share, too"
)]

mod commands;
mod ends;
mod formats;
mod interrupted;
mod pages;
mod proxy;
mod secured;
mod support;
