//! What loom runs the streams over, in place of the process: its locks and threads, a clock that only a short sleep moves, and
//! descriptors (`world.rs`) that sockets which are like libzmq's (`socket.rs`) make readable.
//!
//! Everything else is the real code. `tests/loom` has the models, and `.ci/model` runs them.

mod world;

use std::cell::{Cell, RefCell};
use std::panic::UnwindSafe;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

pub(crate) use loom::sync::{Condvar, Mutex, MutexGuard};

pub(crate) use world::{Events, Fd, Poller, UnixStream, World, wait_readable, with_world};

static NOW: AtomicU64 = AtomicU64::new(0);

/// Begins a run of a model. `sends_look` is whether a send takes in the news: libzmq spares itself that most often.
pub fn begin(sends_look: bool) {
    NOW.store(0, Ordering::Relaxed);
    with_world(|world| world.sends_look = sends_look);
}

/// Ends a run of a model: waits until every thread that the streams have started is gone.
pub fn end() {
    while let Some(thread) = with_world(|world| world.threads.pop()) {
        let _: std::thread::Result<()> = thread.join();
    }
}

/// Threads, each of which is waited for at the end.
pub(crate) mod thread {
    use std::io;

    pub(crate) struct Builder(loom::thread::Builder);

    impl Builder {
        pub(crate) fn new() -> Self {
            Self(loom::thread::Builder::new())
        }

        pub(crate) fn name(self, name: String) -> Self {
            Self(self.0.name(name))
        }

        pub(crate) fn spawn(self, f: impl FnOnce() + Send + 'static) -> io::Result<()> {
            let thread = self.0.spawn(f)?;
            super::with_world(|world| world.threads.push(thread));
            Ok(())
        }
    }
}

/// A panic is the end of a model, and loom's own are panics.
#[expect(clippy::unnecessary_wraps, reason = "as the one that it stands for")]
pub(crate) fn catch_unwind<R>(f: impl FnOnce() -> R + UnwindSafe) -> std::thread::Result<R> {
    Ok(f())
}

/// loom takes sequential consistency for less than it is. What is read by a change is always the newest.
pub(crate) struct AtomicBool(loom::sync::atomic::AtomicBool);

impl AtomicBool {
    pub(crate) fn new(value: bool) -> Self {
        Self(loom::sync::atomic::AtomicBool::new(value))
    }

    pub(crate) fn load(&self, ordering: Ordering) -> bool {
        match ordering {
            Ordering::SeqCst => self.0.fetch_or(false, Ordering::SeqCst),
            weaker => self.0.load(weaker),
        }
    }

    pub(crate) fn store(&self, value: bool, ordering: Ordering) {
        match ordering {
            Ordering::SeqCst => {
                self.0.swap(value, Ordering::SeqCst);
            }
            weaker => self.0.store(value, weaker),
        }
    }
}

/// A time of a clock that stands still while somebody computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Instant(Duration);

impl Instant {
    pub(crate) fn now() -> Self {
        Self(Duration::from_nanos(NOW.load(Ordering::Relaxed)))
    }

    pub(crate) fn checked_add(self, duration: Duration) -> Option<Self> {
        self.0.checked_add(duration).map(Self)
    }

    pub(crate) fn saturating_duration_since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }

    pub(crate) fn elapsed(self) -> Duration {
        Self::now().saturating_duration_since(self)
    }
}

/// A thread has slept for so long, or has looked.
pub(crate) fn pass(time: Duration) {
    let nanos = u64::try_from(time.as_nanos()).unwrap_or(0);
    NOW.fetch_add(nanos, Ordering::Relaxed);
}

/// What each thread of a model has of its own.
pub(crate) struct Local<T: 'static>(pub(crate) loom::thread::LocalKey<T>);

impl<T: 'static> Local<T> {
    pub(crate) fn try_with<R>(&'static self, f: impl FnOnce(&T) -> R) -> Result<R, ()> {
        self.0.try_with(f).map_err(|_| ())
    }
}

impl<T: 'static> Local<Cell<T>> {
    pub(crate) fn set(&'static self, value: T) {
        self.0.with(|cell| cell.set(value));
    }

    pub(crate) fn get(&'static self) -> T
    where
        T: Copy,
    {
        self.0.with(Cell::get)
    }

    pub(crate) fn take(&'static self) -> T
    where
        T: Default,
    {
        self.0.with(Cell::take)
    }
}

impl<T: 'static> Local<RefCell<T>> {
    pub(crate) fn with_borrow_mut<R>(&'static self, f: impl FnOnce(&mut T) -> R) -> R {
        self.0.with(|cell| f(&mut cell.borrow_mut()))
    }

    pub(crate) fn replace(&'static self, value: T) -> T {
        self.0.with(|cell| cell.replace(value))
    }
}

macro_rules! locals {
    ($($(#[$attribute:meta])* static $name:ident: $type:ty = const $init:block);* $(;)?) => {$(
        $(#[$attribute])*
        static $name: $crate::model::Local<$type> = $crate::model::Local(loom::thread::LocalKey {
            init: || $init,
            _p: std::marker::PhantomData,
        });
    )*};
}

macro_rules! global {
    ($(#[$attribute:meta])* static $name:ident: $type:ty = $value:expr;) => {
        loom::lazy_static! {
            $(#[$attribute])*
            static ref $name: $type = $value;
        }
    };
}

pub(crate) use {global, locals as thread_local};
