//! Message streams with real flow control in fixed memory: no allocator, no panic, no surprise.
//!
//! A *tide gate* lets water through until it stands too high, and opens again when it has fallen. So does a stream:
//!
//! ```text
//! write() ─► write queue ─► driver ─► transport ─► wire
//!               │ level
//! drain() ◄─────┘ gate
//! read()  ◄─ read queue  ◄─ driver ◄─ transport ◄─ wire
//!               │ level ─► gate: pause the transport
//! read_event() ◄─ event ring (drops the oldest, counts) ◄─ transport
//! ```
//!
//! A message moves forward only. Nothing flows back but two signals: a gate's pause or resume, and a wake.
//!
//! From the inside out:
//!
//! - [`Watermarks`] and [`Gate`]: a level in, at most one transition out;
//! - [`MessageBuffer`]: multipart messages packed into one ring of bytes, behind the small trait [`Queue`];
//! - [`EventRing`] and [`SocketEvent`]: the newest events, and what libzmq's monitor tells;
//! - [`Machine`]: the whole stream, by `&mut self`: no lock, no clock, no socket. Whatever shares it only locks it;
//! - [`Stream`]: the machine in a critical section and its bytes beside it, for a `static` between interrupts and tasks:
//!   handles ([`Writer`], [`Reader`], [`BytePort`]), messages written and looked at in place ([`WriteGrant`],
//!   [`ReadGrant`]), and futures that may be dropped at any point;
//! - [`Transport`]: the seam below, and [`Driver`], the loop between the two.
//!
//! ```
//! use core::convert::Infallible;
//! use tidegate_core::Stream;
//!
//! static STREAM: Stream<512, 512, 4, Infallible> = Stream::new();
//!
//! STREAM.write(&[b"peer", b"", b"hello"]).unwrap();
//! assert_eq!(STREAM.write_buffer_bytes(), 4 + 0 + 5 + 3 * 2);
//!
//! // The transport's side: a driver, an interrupt, or a test.
//! let head = STREAM.port().head().unwrap();
//! assert!(head.frames().eq([&b"peer"[..], b"", b"hello"]));
//! head.release();
//! ```
//!
//! The guide is a module of `tidegate`, which puts the same machine over libzmq: `tidegate::guide::embedded` for a device and its sizes,
//! `tidegate::guide::transports` for a wire of your own, as one that runs.
//!
//! # What a call costs
//!
//! Every call is bounded by the message that it touches, and the time with interrupts off is constant: bytes are copied,
//! frames walked and wakers woken outside the critical section; each waker is taken out in one of its own. A call that
//! wakes `n` waiters, or passes `n` gaps that abandoned messages left, takes `n` short sections. The README has the counts
//! of a Cortex-M3, and the command that prints them.
//!
//! # Features
//! - `defmt`: `defmt::Format` on the public types and a log line at each transition; lengths, never payload.
//! - `alloc`: [`OwnedQueue`], the storage of a host. Without it nothing here can allocate.
#![no_std]
#![deny(unsafe_code)]

#[cfg(feature = "alloc")]
extern crate alloc;

#[cfg(not(any(target_pointer_width = "32", target_pointer_width = "64")))]
compile_error!("tidegate-core needs a usize of 32 or 64 bits");

mod cell;
mod driver;
mod error;
mod event;
mod event_ring;
#[cfg(feature = "defmt")]
mod format;
mod futures;
mod grant;
mod handles;
mod log;
mod message;
#[cfg(feature = "alloc")]
mod owned;
mod queue;
mod ring;
mod shared;
mod span;
mod stream;
mod sync;
mod transport;
mod waiters;
mod watermark;

pub use driver::{BATCH_BYTES, BATCH_MESSAGES, Drive, Driver, drive};
pub use error::{
    AlreadyDone, DrainError, EventError, Lost, PushError, ReadError, ReadEventError, SendError,
    TooManyWaiters, TryReadError, TryReadEventError, WriteError,
};
pub use event::{Endpoint, EventKind, EventMask, SocketEvent};
pub use event_ring::EventRing;
pub use futures::{Closed, Drain, Flush, Peek, Read, ReadEvent, SendMessage, WaitForRoom};
pub use grant::{CommitError, ReadGrant, WriteGrant};
pub use handles::{BytePort, Reader, Writer};
pub use message::{Frames, packed_bytes};
#[cfg(feature = "alloc")]
pub use owned::{OwnedMessage, OwnedQueue};
pub use queue::{Level, MessageBuffer, Queue};
pub use shared::Stream;
pub use stream::{
    Events, Fixed, FixedEvents, Interest, Machine, NoEvents, Phase, Polled, State, Storage, Wakes,
};
pub use transport::{Port, Received, Sent, Shutdown, Transport};
pub use waiters::{FixedSlots, Index, Link, Slots, Ticket};
pub use watermark::{Gate, Limit, Transition, WatermarkError, Watermarks};
