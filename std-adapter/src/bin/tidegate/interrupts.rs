//! Ctrl-C and its like, and waits that they end.

use std::future::Future;
use std::time::{Duration, Instant};
use std::{io, process, thread};

use async_channel::{Receiver, Sender};
use async_io::Timer;
use async_signal::{Signal, Signals};
use futures_lite::StreamExt;
use futures_lite::future::or;

/// What interrupts. A hangup does not: whoever wants to outlive his terminal has `nohup`.
const SIGNALS: &[Signal] = if cfg!(unix) {
    &[Signal::Int, Signal::Term]
} else {
    &[Signal::Int]
};

/// Whether the command was interrupted.
pub struct Interrupts {
    /// Nothing is ever sent: it is closed.
    closed: Receiver<()>,
}

/// What an interrupted command still takes in, of what had come by then: so many messages at the least, and for so long. Not all of
/// a flood, and nobody can tell where it began.
pub struct Rest {
    messages: usize,
    ends: Instant,
}

impl Rest {
    const TIME: Duration = Duration::from_secs(1);
    /// Nothing has come for so long: that was all.
    pub const PAUSE: Duration = Duration::from_millis(250);

    pub fn begin(messages: usize) -> Self {
        Self {
            messages,
            ends: Instant::now() + Self::TIME,
        }
    }

    /// Whether one more is taken in.
    pub fn goes_on(&mut self) -> bool {
        let is_one_of_the_least = self.messages > 0;
        self.messages = self.messages.saturating_sub(1);
        is_one_of_the_least || Instant::now() < self.ends
    }
}

/// Why a wait has ended without what it waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    TimedOut,
    Interrupted,
}

impl Interrupts {
    pub const EXIT_CODE: u8 = 130;

    /// Takes Ctrl-C and, where there is one, SIGTERM. The second one ends the process.
    pub fn listen() -> io::Result<Self> {
        let mut signals = Signals::new(SIGNALS)?;
        let (sender, closed): (Sender<()>, _) = async_channel::bounded(1);
        let wait = async move {
            while signals.next().await.is_some() {
                if !sender.close() {
                    crate::end::note(format_args!(
                        "interrupted again: what was not sent or printed yet is lost"
                    ));
                    process::exit(Self::EXIT_CODE.into());
                }
            }
        };
        let thread = thread::Builder::new().name("signals".into());
        thread.spawn(|| async_io::block_on(wait))?;
        Ok(Self { closed })
    }

    pub fn have_come(&self) -> bool {
        self.closed.is_closed()
    }

    /// Waits for this, unless the time is up or somebody interrupts.
    pub async fn wait<T>(
        &self,
        timeout: Option<Duration>,
        future: impl Future<Output = T>,
    ) -> Result<T, Why> {
        if self.have_come() {
            // However much there is: whoever interrupts a flood wants an end.
            return Err(Why::Interrupted);
        }
        let interrupted = async {
            let _ = self.closed.recv().await;
            Err(Why::Interrupted)
        };
        let done = async {
            match timeout {
                None => Ok(future.await),
                Some(time) => Self::within(time, future).await.ok_or(Why::TimedOut),
            }
        };
        or(done, interrupted).await
    }

    /// Waits for this for so long.
    pub async fn within<T>(time: Duration, future: impl Future<Output = T>) -> Option<T> {
        let done = async { Some(future.await) };
        let over = async {
            Timer::after(time).await;
            None
        };
        or(done, over).await
    }
}
