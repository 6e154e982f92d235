//! The handle of a stream that lives in a thread of its own.

use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use tidegate::{SocketType, Watermarks};

use crate::snapshot::{How, Snapshot};
use crate::worker::Worker;

/// What a session is to do. What comes of it is in the next snapshot: an error as the fault of the part of the window that it belongs
/// to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Binds or connects an endpoint.
    Attach(How, String),
    /// Undoes it.
    Detach(How, String),
    /// Subscribes to a prefix.
    Subscribe(Vec<u8>),
    /// Undoes it.
    Unsubscribe(Vec<u8>),
    /// Sends a message of these frames.
    Send(Vec<Vec<u8>>),
    /// Stops or goes on receiving.
    Pause(bool),
    /// Reads no more than this many messages in a second.
    Pace(Option<u32>),
    /// Changes the marks of the read side.
    Marks(Watermarks),
    /// Closes the stream, once what was sent is gone. Twice is no harm.
    Close,
    /// Closes it at once, and drops what was not sent.
    CloseAtOnce,
}

/// How long what was asked for last may take once nobody asks any more. The thread needs no more than a tick.
const END: Duration = Duration::from_secs(1);

/// A stream, and the thread that reads it. Dropping it closes the stream, once all is done that was asked for, and waits for no peer: what
/// was sent goes on leaving until the end of the program. No call waits for the stream.
pub struct Session {
    // Dropped before `_ended`: when nobody asks any more the thread ends.
    commands: Sender<Command>,
    shared: Shared,
    _ended: Ended,
}

/// Says nothing, and is cut when the thread ends. Its drop waits for that.
struct Ended(Receiver<()>);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.recv_timeout(END);
    }
}

/// The snapshot that the thread writes and the window reads.
#[derive(Clone)]
pub(crate) struct Shared(Arc<Mutex<Snapshot>>);

impl Shared {
    /// Nobody does more under the lock than to copy what is bounded.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Snapshot> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Session {
    /// Opens a stream of this type, in the background, with this endpoint. `on_news` is called whenever there is a new snapshot, from
    /// another thread.
    ///
    /// # Errors
    /// No thread can be had.
    pub fn open(
        kind: SocketType,
        how: How,
        endpoint: String,
        on_news: impl Fn() + Send + 'static,
    ) -> io::Result<Self> {
        let (commands, receiver) = channel();
        let shared = Shared(Arc::new(Mutex::new(Snapshot::new(kind))));
        let worker = Worker::new(receiver, shared.clone(), Box::new(on_news));
        let (alive, ended) = channel();
        thread::Builder::new()
            .name("scope-session".into())
            .spawn(move || {
                worker.run(kind, how, &endpoint);
                drop(alive);
            })?;
        Ok(Self {
            commands,
            shared,
            _ended: Ended(ended),
        })
    }

    /// Has the session do something. After its end it does nothing.
    pub fn ask(&self, command: Command) {
        let _ = self.commands.send(command);
    }

    /// What there is to see now.
    pub fn look(&self) -> Snapshot {
        self.shared.lock().clone()
    }
}
