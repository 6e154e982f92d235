//! The executors that the tasks of a soak run on.

use std::future::Future;
use std::thread::JoinHandle;
use std::time::Duration;

use tidegate::{Builder, Context, SocketType, ZmqStream};
use tokio::runtime::{self, Handle, Runtime};

/// One of them.
#[derive(Clone)]
pub(crate) enum Executor {
    /// A bare `block_on`; the process's I/O thread watches.
    Bare,
    /// tidegate's own; the thread that waits watches.
    Own,
    /// smol's.
    Smol,
    /// tokio's; a task on it watches.
    Tokio(Handle),
}

impl Executor {
    pub(crate) fn builder(&self, kind: SocketType, context: &Context) -> Builder {
        let builder = ZmqStream::builder(kind).context(context);
        match self {
            Self::Tokio(handle) => builder.tokio(handle),
            Self::Bare | Self::Own | Self::Smol => builder,
        }
    }

    /// Runs a task, with a thread that waits for it.
    pub(crate) fn run(&self, task: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
        let executor = self.clone();
        std::thread::spawn(move || match executor {
            Self::Bare => futures_lite::future::block_on(task),
            Self::Own => tidegate::block_on(task),
            Self::Smol => smol::block_on(task),
            Self::Tokio(handle) => handle.block_on(handle.spawn(task)).expect("no panic"),
        })
    }
}

/// All of them, in turn.
pub(crate) struct Executors {
    tokio: Runtime,
}

impl Executors {
    /// Has those that keep threads for good start them.
    pub(crate) fn warm_up() {
        smol::block_on(smol::Timer::after(Duration::from_millis(1)));
    }

    pub(crate) fn new() -> Self {
        let mut tokio = runtime::Builder::new_multi_thread();
        let tokio = tokio.worker_threads(2).enable_io().build();
        Self {
            tokio: tokio.expect("descriptors"),
        }
    }

    pub(crate) fn nth(&self, n: usize) -> Executor {
        match n % 4 {
            0 => Executor::Bare,
            1 => Executor::Own,
            2 => Executor::Smol,
            _ => Executor::Tokio(self.tokio.handle().clone()),
        }
    }
}
