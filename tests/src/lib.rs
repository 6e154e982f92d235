//! What the tests share.

mod corpus;
mod far_end;
mod libzmq;
mod machine;
mod message;
mod numbered;
mod pages;
mod peer;
mod process;
mod runtime;
mod served;
mod sides;
mod sim;
mod stranger;
mod wakers;

pub use corpus::{answer, behind, chunk, large, messages};
pub use far_end::{FarEnd, with_each};
pub use libzmq::{
    builder, callers_context, dealer, fill_up, io_thread_pipe, mandatory_router, nobody,
    only_the_io_thread_runs, pipe, raw_peer, shut_down,
};
pub use machine::{
    Small, Waiter, call, close, feed, sent, small, small_with_events, try_read, wake, woken, write,
};
pub use message::{Message, random_message, with_frames};
pub use numbered::{number_of, numbered};
pub use pages::pages;
pub use peer::Peer;
pub use process::{
    Process, Usage, Watchdog, aborts, alone, asks_peers, descriptors, eventually, io_thread_sleeps,
    io_thread_spins, resident_bytes, run_time, sleeps, thread_count, threads,
};
pub use runtime::{block_on, start_executor};
pub use served::Served;
pub use sides::{Incoming, Lent, Outgoing, Room, Shared, Side, fill};
pub use sim::{Broken, SimLink, SimWire};
pub use stranger::{COMMAND, MORE, Stranger, command, frame, greeting, header, ready};
pub use wakers::{Counter, poll, poll_keeping, woken_after, woken_by_another_thread};
