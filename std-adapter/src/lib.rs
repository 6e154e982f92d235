//! ZeroMQ message streams with real flow control, in any async runtime or none.
//!
//! ```text
//! write() ─► write queue ─► driver ─► libzmq ─► wire
//!               │ level
//! drain() ◄─────┘ gate
//! read()  ◄─ read queue  ◄─ driver ◄─ libzmq ◄─ wire
//!               │ level ─► gate: pause receiving
//! ```
//!
//! ```
//! use std::time::Duration;
//! use tidegate::{SocketType, ZmqStream};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! tidegate::block_on(async { // or any other executor
//!     let pull = ZmqStream::builder(SocketType::PULL).bind("tcp://127.0.0.1:*").open()?;
//!     let push = ZmqStream::builder(SocketType::PUSH).connect(&pull.bindings()[0]).open()?;
//!
//!     push.write(("temperature", "21.5"))?; // never waits
//!     push.drain().await?;                  // waits while more than 64 KiB are queued
//!     assert_eq!(pull.read().await?, ["temperature", "21.5"]);
//!
//!     tidegate::shutdown(Duration::from_secs(5)).await?; // every program ends with it
//!     Ok(())
//! })
//! # }
//! ```
//!
//! A [`ZmqStream`] is the machine of [`tidegate-core`](tidegate_core) over a libzmq socket:
//!
//! - [`write`](ZmqStream::write) never waits, [`drain`](ZmqStream::drain) waits while too much is queued;
//! - [`read`](ZmqStream::read) gives whole multipart messages, in order, to those who wait in their order;
//! - reading stops at a high-water mark, libzmq's own marks then hold the peer back, and memory stays bounded;
//! - what is queued is sent in the background by one I/O thread for the whole process, which is there as long as there
//!   are streams; a future of a stream works on every executor, and may be dropped at any point;
//! - events of the socket, its connections and handshakes, are [read](ZmqStream::read_event) beside the messages;
//! - a stream is a `Stream` and a `Sink` of the futures crates; [`block_on`] and [`ZmqStream::blocking`] need no executor, and
//!   `Builder::tokio` (feature `tokio`) has a task of a tokio runtime watch the socket;
//! - a [`Requester`] asks, waits for so long, asks again, and takes no late reply for another;
//! - an [`Authenticator`] says who is let in, by address, PLAIN or CURVE; what else is there beside the streams is in [`AnyOf`],
//!   [`Envelope`], [`typed`], [`options`], and in [`wait_connected`](ZmqStream::wait_connected) and its like;
//! - every program ends with [`shutdown`]: libzmq loses what it accepted if the process ends before it was sent.
//!
//! The [`guide`] tells how it all belongs together: [where messages wait](guide::watermarks), [what an end loses](guide::closing),
//! [who comes and goes](guide::monitoring), [microcontrollers](guide::embedded), [wires of your own](guide::transports), and
//! [what aiozmq calls how](guide::from_aiozmq).
//!
//! # Features
//! - `tokio`: [`Builder::tokio`](Builder#method.tokio), a task on a tokio runtime in place of the I/O thread.
//! - `tracing`: streams tell a subscriber of their life; lengths, never payloads.
//! - `cli`: the tool `tidegate` for the terminal, and what it is built with. The library does without.
//!
//! # Inside
//! From the caller to the wire: handles and futures (`stream`, `futures`, `adapter`, `blocking`, `raw`) lock the flow; the pump
//! (`pump`, `life`), and nothing else, moves messages between the machine and the socket, over the core's seam (`port`, `transport`);
//! a watcher (`runtime`) watches the socket's descriptor and pumps when nobody else does; `socket` alone calls libzmq. Beside them:
//! opening (`builder`, `context`, `endpoints`, `options`, `security`, `subscriptions`), the monitor with a lock of its own (`monitor`,
//! `backlog`), and who is there by what it tells (`presence`, `arrivals`), what is counted and told (`ledger`, `notes`), and what a forked
//! child finds (`fork`). On top of the streams, with nothing of libzmq: `authenticator`, `requester`, `any_of`, `envelope`, `typed`.
#![deny(unsafe_code)]
#![cfg_attr(
    tidegate_loom,
    allow(dead_code, reason = "what a model has no use for")
)]

mod adapter;
mod any_of;
mod arrivals;
mod authenticator;
mod backlog;
mod blocking;
mod builder;
mod context;
mod deferred;
mod done;
mod endpoints;
mod envelope;
mod error;
mod events;
#[cfg_attr(tidegate_loom, path = "model/fork.rs")]
mod fork;
mod futures;
pub mod guide;
mod inproc;
mod kinds;
mod ledger;
mod life;
mod message;
mod metadata;
#[cfg(tidegate_loom)]
#[doc(hidden)]
pub mod model;
mod monitor;
mod names;
mod notes;
pub mod options;
mod port;
mod presence;
mod pump;
mod queue;
mod raw;
mod refusals;
mod requester;
mod retries;
mod runtime;
mod security;
#[cfg_attr(tidegate_loom, path = "model/socket.rs")]
mod socket;
mod spill;
mod stream;
mod subscriptions;
mod sync;
mod transport;
mod turns;
pub mod typed;
mod waiting;
mod yields;

pub use adapter::SinkError;
pub use any_of::{AnyOf, ReadAny};
pub use authenticator::{Authenticator, CurveClients};
pub use backlog::SocketEvent;
pub use blocking::{Blocking, BlockingError, block_on};
pub use builder::Builder;
pub use context::{Context, ContextBuilder, shutdown};
pub use done::Shutdown;
pub use envelope::Envelope;
pub use error::{
    AdoptError, AuthenticatorError, DrainError, EndpointError, Errno, MonitorError, OpenError,
    OptionError, ReadError, ReadEventError, RequestError, ShutdownError, Side, SocketError,
    SubscribeError, TryReadError, TryReadEventError, WaitError, WriteError,
};
pub use futures::{Closed, Drain, Flush, Read, SendMessage};
pub use ledger::{FailedSends, SendFailure, Stats};
pub use message::{Frame, Multipart};
pub use monitor::ReadEvent;
pub use presence::EndpointState;
pub use requester::Requester;
pub use stream::ZmqStream;
pub use subscriptions::MOST_PREFIX_BYTES;
pub use tidegate_core::{
    AlreadyDone, EventError, EventKind, EventMask, Limit, Lost, WatermarkError, Watermarks,
};
pub use zmq;
pub use zmq::SocketType;

/// The README's code, compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
