//! What runs a contestant's tasks.

use std::future::Future;
use std::thread;

use futures_lite::future::zip;
use tokio::runtime::Runtime as Tokio;

/// An executor.
pub enum Runtime {
    /// A thread for each task, and a `block_on` that knows nothing of sockets.
    Foreign,
    /// A thread for each task, and tidegate's `block_on`.
    Own,
    /// Tasks on a tokio runtime.
    Tokio { runtime: Tokio, is_one_thread: bool },
}

impl Runtime {
    pub fn tokio_current_thread() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        Self::Tokio {
            runtime: runtime.expect("descriptors"),
            is_one_thread: true,
        }
    }

    pub fn tokio_multi_thread() -> Self {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = builder.worker_threads(2).enable_all().build();
        Self::Tokio {
            runtime: runtime.expect("descriptors"),
            is_one_thread: false,
        }
    }

    /// Runs one task.
    pub fn one<T: Send + 'static>(&self, task: impl Future<Output = T> + Send + 'static) -> T {
        match self {
            Self::Foreign => futures_lite::future::block_on(task),
            Self::Own => tidegate::block_on(task),
            Self::Tokio { runtime, .. } => {
                let task = runtime.spawn(task);
                runtime.block_on(task).expect("no panic")
            }
        }
    }

    /// Runs two tasks beside each other, in as many threads as the runtime has for them.
    pub fn two<A: Send + 'static, B: Send + 'static>(
        &self,
        one: impl Future<Output = A> + Send + 'static,
        other: impl Future<Output = B> + Send + 'static,
    ) -> (A, B) {
        match self {
            Self::Foreign | Self::Own => thread::scope(|scope| {
                let one = scope.spawn(|| self.one(one));
                let other = self.one(other);
                (one.join().expect("no panic"), other)
            }),
            Self::Tokio { runtime, .. } => {
                let (one, other) = (runtime.spawn(one), runtime.spawn(other));
                let (one, other) = runtime.block_on(zip(one, other));
                (one.expect("no panic"), other.expect("no panic"))
            }
        }
    }

    /// Runs two tasks in one thread. `None` if the runtime has several.
    pub fn together<A: Send + 'static, B: Send + 'static>(
        &self,
        one: impl Future<Output = A> + Send + 'static,
        other: impl Future<Output = B> + Send + 'static,
    ) -> Option<(A, B)> {
        match self {
            Self::Foreign | Self::Own => Some(self.one(zip(one, other))),
            Self::Tokio {
                is_one_thread: true,
                ..
            } => Some(self.two(one, other)),
            Self::Tokio {
                is_one_thread: false,
                ..
            } => None,
        }
    }
}
