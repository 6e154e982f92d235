//! Mixed traffic on fifty streams for as long as one likes: every main type, over tcp, ipc and inproc, small messages and those of 1 MiB,
//! slow readers, cancelled reads, streams that are opened and closed, monitors, several executors.
//!
//! ```sh
//! cargo run --release -p tidegate-tests --bin soak -- --minutes 60
//! ```
//!
//! It prints a line a minute, and ends with an error if a message was lost, doubled, torn or out of order, if memory, descriptors or
//! threads have grown (looked at in runs of five minutes and more), or if anything is left at the end.

mod executor;
mod traffic;

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tidegate_tests::{Watchdog, descriptors, eventually, resident_bytes, thread_count};

use crate::executor::Executors;
use crate::traffic::{Line, Soak};

const MIB: usize = 1024 * 1024;
/// Memory may be so much more at the end than when everything was warm.
const MAY_GROW: usize = 24 * MIB;
/// So many more may be open where streams come and go, tens of thousands in an hour.
const MAY_BE_OPEN: usize = 16;
const MAY_RUN: usize = 4;
/// A look at the process every so often; what counts of a minute is the least, for streams come and go.
const LOOK: Duration = Duration::from_millis(100);
/// From here on it is warm.
const WARM: usize = 2;

/// What the process used at the least.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Use {
    resident: usize,
    descriptors: usize,
    threads: usize,
}

impl Use {
    fn now() -> Self {
        Self {
            resident: resident_bytes(),
            descriptors: descriptors(),
            threads: thread_count(),
        }
    }

    /// The least of a while.
    fn least_within(time: Duration) -> Self {
        let begun = Instant::now();
        let mut least = Self::now();
        while begun.elapsed() < time {
            thread::sleep(LOOK);
            let now = Self::now();
            least.resident = least.resident.min(now.resident);
            least.descriptors = least.descriptors.min(now.descriptors);
            least.threads = least.threads.min(now.threads);
        }
        least
    }
}

impl std::fmt::Display for Use {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (resident, descriptors) = (self.resident / MIB, self.descriptors);
        let threads = self.threads;
        write!(
            f,
            "{resident} MiB, {descriptors} descriptors, {threads} threads"
        )
    }
}

fn minutes() -> Option<f64> {
    let mut arguments = std::env::args().skip(1);
    let minutes = match (arguments.next().as_deref(), arguments.next()) {
        (Some("--minutes"), Some(minutes)) => minutes.parse().ok()?,
        _ => return None,
    };
    arguments.next().is_none().then_some(minutes)
}

fn received(lines: &[Arc<Line>]) -> String {
    let of = |line: &Arc<Line>| {
        let received = line.received.load(Ordering::Relaxed);
        format!("{} {received}", line.kind)
    };
    lines.iter().map(of).collect::<Vec<_>>().join(", ")
}

fn main() -> ExitCode {
    let Some(minutes) = minutes() else {
        eprintln!("soak --minutes NUMBER");
        return ExitCode::FAILURE;
    };
    let time = Duration::from_secs_f64(minutes * 60.0);
    let interval = time.div_f64(minutes.max(5.0).ceil());
    // A stall has to be a failure, whoever waits for whom.
    let _watchdog = Watchdog::new(time.as_secs() + 120);
    // These keep a thread or two for good once they were used.
    Executors::warm_up();
    let before = Use::now();
    println!("before: {before}");

    let executors = Executors::new();
    let soak = Soak::start(&executors);
    println!("{} streams stand, and more come and go", soak.standing());
    let begun = Instant::now();
    let mut looks = Vec::new();
    while begun.elapsed() < time {
        let look = Use::least_within(interval);
        println!(
            "after {:.1} minutes: {look}; received: {}",
            begun.elapsed().as_secs_f64() / 60.0,
            received(soak.lines())
        );
        looks.push(look);
    }
    let lines = soak.stop();
    drop(executors);

    let mut failures = Vec::new();
    let mut total = 0;
    for line in lines {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let (sent, received) = (load(&line.sent), load(&line.received));
        println!("{}: sent {sent}, received {received}", line.kind);
        total += received;
        if sent != received || received == 0 {
            failures.push(format!("{}: {received} of {sent} came", line.kind));
        }
    }
    if minutes >= 5.0 {
        let (warm, last) = (looks[WARM - 1], looks[looks.len() - 1]);
        println!("warm: {warm}; at the end: {last}");
        if last.resident > warm.resident + MAY_GROW {
            failures.push("memory has grown".to_owned());
        }
        if last.descriptors > warm.descriptors + MAY_BE_OPEN
            || last.threads > warm.threads + MAY_RUN
        {
            failures.push("descriptors or threads have grown".to_owned());
        }
    }
    // The watchdog ends a wait for what never goes.
    eventually(|| descriptors() == before.descriptors && thread_count() == before.threads);
    println!("afterwards: {}", Use::now());
    for failure in &failures {
        println!("FAILED: {failure}");
    }
    println!("{total} messages, {} failures", failures.len());
    if failures.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
