//! A look at what the process has open, its watchdog, and other processes.

use std::io::Write;
use std::ops::{Deref, DerefMut};
use std::process::{Child, Command, Stdio};
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

/// A process of a test. It is killed if the test ends before it.
pub struct Process(Child);

impl Process {
    /// Starts it. It reads its input from the test, and the test reads its output.
    pub fn start(command: &mut Command) -> Self {
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        Self(piped.spawn().expect("it is installed"))
    }
}

impl Deref for Process {
    type Target = Child;
    fn deref(&self) -> &Child {
        &self.0
    }
}

impl DerefMut for Process {
    fn deref_mut(&mut self) -> &mut Child {
        &mut self.0
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
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
                // Not by `eprintln!`: what a test prints is kept until it ends, and this one does not.
                let _ = writeln!(
                    std::io::stderr(),
                    "{test} stalled: it has not ended within {seconds} s"
                );
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
