//! The executor that the tests of streams over libzmq run on, and who watches their sockets: `TIDEGATE_TEST_RUNTIME` names it.

use std::future::{Future, pending};
use std::sync::LazyLock;
use std::time::Duration;

use tidegate::Builder;
use tokio::runtime::{self, Runtime};

enum Mode {
    /// A bare `block_on`; the process's I/O thread watches.
    None,
    /// tidegate's own; a thread that waits watches.
    Own,
    /// smol's; the process's I/O thread watches.
    Smol,
    /// tokio's; a task on it watches.
    Tokio(Runtime),
}

static MODE: LazyLock<Mode> = LazyLock::new(|| match std::env::var("TIDEGATE_TEST_RUNTIME") {
    Err(_) => Mode::None,
    Ok(name) => match name.as_str() {
        "none" => Mode::None,
        "own" => Mode::Own,
        "smol" => Mode::Smol,
        "tokio-current-thread" => {
            let runtime = runtime::Builder::new_current_thread().enable_io().build();
            // Its tasks are to run while a test polls by hand.
            std::thread::spawn(|| {
                if let Mode::Tokio(runtime) = &*MODE {
                    runtime.block_on(pending::<()>());
                }
            });
            Mode::Tokio(runtime.expect("descriptors"))
        }
        "tokio-multi-thread" => {
            let mut runtime = runtime::Builder::new_multi_thread();
            let runtime = runtime.worker_threads(2).enable_io().build();
            Mode::Tokio(runtime.expect("descriptors"))
        }
        name => panic!("there is no runtime {name}"),
    },
});

/// Runs a future on that executor.
pub fn block_on<F: Future>(future: F) -> F::Output {
    match &*MODE {
        Mode::None => futures_lite::future::block_on(future),
        Mode::Own => tidegate::block_on(future),
        Mode::Smol => smol::block_on(future),
        Mode::Tokio(runtime) => runtime.block_on(future),
    }
}

/// Has the executor take the threads and descriptors that it keeps.
pub fn start_executor() {
    match &*MODE {
        Mode::None | Mode::Own | Mode::Tokio(_) => block_on(async {}),
        // It starts a thread once somebody sleeps.
        Mode::Smol => {
            smol::block_on(smol::Timer::after(Duration::from_millis(1)));
        }
    }
}

/// Has that executor watch the socket, if it can.
pub(crate) fn watched(builder: Builder) -> Builder {
    match &*MODE {
        Mode::Tokio(runtime) => builder.tokio(runtime.handle()),
        Mode::None | Mode::Own | Mode::Smol => builder,
    }
}
