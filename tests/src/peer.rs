//! A peer in a process of its own, which can be stopped and killed: the program `peer` of this package.

use std::fmt::Display;
use std::io::{BufRead, BufReader, Lines};
use std::process::{ChildStdout, Command};

use rustix::process::{Pid, Signal, kill_process};

use crate::process::Process;

/// The process, and what it prints. It is killed if the test ends before it.
pub struct Peer {
    process: Process,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Peer {
    /// Starts it: what it is, and to what it connects or binds.
    pub fn start(program: &str, arguments: &[&str]) -> Self {
        Self::of(Command::new(program).args(arguments))
    }

    pub fn of(command: &mut Command) -> Self {
        let mut process = Process::start(command);
        let output = process.stdout.take().expect("it was piped");
        let lines = BufReader::new(output).lines();
        Self { process, lines }
    }

    /// The next line that it prints; `None` once it has ended.
    pub fn line(&mut self) -> Option<String> {
        self.lines.next().map(|line| line.expect("text"))
    }

    /// The next number that it prints.
    pub fn number(&mut self) -> Option<u32> {
        self.line().map(|line| line.parse().expect("a number"))
    }

    /// Waits until it says this.
    pub fn expect(&mut self, line: impl Display) {
        assert_eq!(self.line().as_deref(), Some(&*line.to_string()));
    }

    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.process.id())
            .ok()
            .and_then(Pid::from_raw);
        kill_process(pid.expect("a process"), signal).expect("it has not ended");
    }

    /// Stops it where it stands: it does nothing any more, and its connections stay.
    pub fn stop(&self) {
        self.signal(Signal::STOP);
    }

    pub fn go_on(&self) {
        self.signal(Signal::CONT);
    }

    /// Kills it, with SIGKILL, and returns what it had printed by then and nobody has read.
    pub fn kill(mut self) -> Vec<String> {
        self.signal(Signal::KILL);
        std::iter::from_fn(|| self.line()).collect()
    }

    /// Waits for its end, and returns whether it was a good one, and what else it has printed.
    pub fn end(mut self) -> (bool, Vec<String>) {
        drop(self.process.stdin.take());
        let lines = std::iter::from_fn(|| self.line()).collect();
        let status = self.process.wait().expect("a child of this process");
        (status.success(), lines)
    }
}
