//! The guide: pages to be read once, each about one thing, each with code that runs.
//!
//! | page | it answers |
//! | --- | --- |
//! | [`watermarks`] | Where do messages wait, what pauses whom, and what is each byte charged for? |
//! | [`closing`] | What is still sent when a stream, a context or a process ends, and what is lost? |
//! | [`monitoring`] | How do I see peers connect, fail and leave? |
//! | [`embedded`] | How do I use the machine on a microcontroller, and how large do I make it? |
//! | [`transports`] | How do I put the machine over a wire of my own? |
//! | [`from_aiozmq`] | I know aiozmq's streams. What is called how here, and what is different? |
//!
//! What each call does exactly, and its errors, is said at the call.

#[doc = include_str!("guide/watermarks.md")]
pub mod watermarks {}

#[doc = include_str!("guide/closing.md")]
pub mod closing {}

#[doc = include_str!("guide/monitoring.md")]
pub mod monitoring {}

#[doc = include_str!("guide/embedded.md")]
pub mod embedded {}

#[doc = include_str!("guide/transports.md")]
pub mod transports {}

#[doc = include_str!("guide/from_aiozmq.md")]
pub mod from_aiozmq {}
