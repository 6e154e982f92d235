//! Who watches a socket's descriptor while nobody uses the socket.
//!
//! There is one watcher of a descriptor at a time. For now that is the process's I/O thread.

mod thread;

pub(crate) use thread::{Watch, Watched, unwinding};
