//! How fast it goes, on stderr, where somebody looks.

use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tidegate::Multipart;

const INTERVAL: Duration = Duration::from_secs(1);

#[derive(Default)]
struct Counts {
    messages: AtomicU64,
    bytes: AtomicU64,
}

/// Messages that are counted; if stderr is a terminal, once a second. Dropping it writes the last figures.
pub struct Progress {
    counts: Arc<Counts>,
    shown: Option<(mpsc::Sender<()>, JoinHandle<()>)>,
}

impl Progress {
    /// Counts, and shows unless what else is in the terminal would be mixed with it.
    pub fn start(is_quiet: bool, terminal_is_used: bool) -> Self {
        let counts = Arc::<Counts>::default();
        let shows = !is_quiet && io::stderr().is_terminal() && !terminal_is_used;
        let shown = shows.then(|| {
            let (end, ended) = mpsc::channel();
            let counts = counts.clone();
            // Here, for the thread may start when all is done.
            let start = Instant::now();
            (end, thread::spawn(move || show(&counts, start, &ended)))
        });
        Self { counts, shown }
    }

    pub fn count(&self, message: &Multipart) {
        let bytes = u64::try_from(message.payload_bytes()).unwrap_or(u64::MAX);
        self.counts.messages.fetch_add(1, Ordering::Relaxed);
        self.counts.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub fn messages(&self) -> u64 {
        self.counts.messages.load(Ordering::Relaxed)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some((end, thread)) = self.shown.take() {
            drop(end);
            let _ = thread.join();
        }
    }
}

fn show(counts: &Counts, start: Instant, ended: &mpsc::Receiver<()>) {
    let (mut before, mut then) = (0, start);
    loop {
        let is_over = ended.recv_timeout(INTERVAL) != Err(RecvTimeoutError::Timeout);
        let now = Instant::now();
        let messages = counts.messages.load(Ordering::Relaxed);
        let (some, time) = if is_over {
            (messages, now - start)
        } else {
            (messages - before, now - then)
        };
        let rate = rate(some, time);
        let bytes = size(counts.bytes.load(Ordering::Relaxed));
        let end = if is_over { "\n" } else { "" };
        let mut stderr = io::stderr();
        let _ = write!(
            stderr,
            "\r{messages} messages, {bytes}, {rate:.0} messages/s\x1b[K{end}"
        );
        if is_over {
            return;
        }
        (before, then) = (messages, now);
    }
}

/// How many a second.
#[expect(clippy::cast_precision_loss, reason = "it is shown with a few digits")]
pub fn rate(number: u64, time: Duration) -> f64 {
    number as f64 / time.as_secs_f64().max(1e-9)
}

/// Bytes as people say them.
#[expect(clippy::cast_precision_loss, reason = "it is shown with one digit")]
pub fn size(bytes: u64) -> String {
    let (mut size, mut unit) = (bytes as f64, "B");
    for larger in ["kB", "MB", "GB", "TB"] {
        if size < 1e3 {
            break;
        }
        (size, unit) = (size / 1e3, larger);
    }
    let digits = usize::from(unit != "B");
    format!("{size:.digits$} {unit}")
}
