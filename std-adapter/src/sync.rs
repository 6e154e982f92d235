//! Locks, threads, time and what one sleeps on. Where models are run, loom's stand in for them: `model`.

#[cfg(not(tidegate_loom))]
mod real {
    pub(crate) use std::panic::catch_unwind;
    pub(crate) use std::sync::{Condvar, Mutex, MutexGuard};
    pub(crate) use std::time::Instant;
    pub(crate) use std::{thread, thread_local};

    #[cfg(unix)]
    pub(crate) use {std::os::unix::net::UnixStream, std::sync::atomic::AtomicBool};

    pub(crate) use polling::{Events, Poller};

    /// Something that there is once for the process.
    macro_rules! global {
        ($(#[$attribute:meta])* static $name:ident: $type:ty = $value:expr;) => {
            $(#[$attribute])*
            static $name: $type = $value;
        };
    }
    pub(crate) use global;
}

#[cfg(tidegate_loom)]
pub(crate) use crate::model::{
    AtomicBool, Condvar, Events, Instant, Mutex, MutexGuard, Poller, UnixStream, catch_unwind,
    global, thread, thread_local,
};
#[cfg(not(tidegate_loom))]
pub(crate) use real::*;
