//! A look at what the process has open, and its watchdog.

use std::sync::mpsc;
use std::time::Duration;

/// How many descriptors the process has open, by what they are.
pub fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count)
}

/// The names of the process's threads that are tidegate's or libzmq's.
pub fn threads() -> Vec<String> {
    let tasks = std::fs::read_dir("/proc/self/task")
        .into_iter()
        .flatten()
        .flatten();
    tasks
        .filter_map(|task| std::fs::read_to_string(task.path().join("comm")).ok())
        .map(|name| name.trim().to_owned())
        .filter(|name| name.starts_with("tidegate") || name.starts_with("ZMQ"))
        .collect()
}

/// How long the threads of this name have run, all together.
pub fn run_time(name: &str) -> Duration {
    let tasks = std::fs::read_dir("/proc/self/task").expect("Linux");
    let nanos = tasks.flatten().filter_map(|task| {
        let comm = std::fs::read_to_string(task.path().join("comm")).ok()?;
        let stat = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
        let nanos = stat.split(' ').next()?.parse::<u64>().ok()?;
        (comm.trim() == name).then_some(nanos)
    });
    Duration::from_nanos(nanos.sum())
}

/// Waits until this is so; a [`Watchdog`] ends the wait.
pub fn eventually(mut is_so: impl FnMut() -> bool) {
    while !is_so() {
        std::thread::yield_now();
    }
}

/// Ends the process if a test takes longer than it may: a stall has to be a failure, not a wait without end.
pub struct Watchdog {
    _ends_with_the_test: mpsc::Sender<()>,
}

impl Watchdog {
    pub fn new(seconds: u64) -> Self {
        let (sender, receiver) = mpsc::channel();
        let test = std::thread::current().name().unwrap_or("a test").to_owned();
        std::thread::spawn(move || {
            let limit = Duration::from_secs(seconds);
            if receiver.recv_timeout(limit) == Err(mpsc::RecvTimeoutError::Timeout) {
                eprintln!("{test} stalled: it has not ended within {seconds} s");
                std::process::exit(101);
            }
        });
        Self {
            _ends_with_the_test: sender,
        }
    }
}

/// The process's resident memory, in bytes.
pub fn resident_bytes() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("Linux");
    let pages = statm
        .split(' ')
        .nth(1)
        .and_then(|pages| pages.parse::<usize>().ok());
    pages.expect("the second field is the number of resident pages") * 4096
}
