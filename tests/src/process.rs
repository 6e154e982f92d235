//! A look at what the process has open, its watchdog, and other processes.

use std::fs::File;
use std::io::{self, Write};
use std::ops::{Deref, DerefMut};
use std::os::unix::fs::FileExt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What `/proc/net/tcp` calls a connection that stands, and the timers that it may have.
const ESTABLISHED: &str = "01";
const NO_TIMER: &str = "00";
const KEEPALIVE_TIMER: &str = "02";

/// How many descriptors the process has open, by what they are.
pub fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count)
}

/// How many threads the process has. libzmq gives its own a name in some builds only.
pub fn thread_count() -> usize {
    std::fs::read_dir("/proc/self/task").map_or(0, Iterator::count)
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

const THIS_THREAD: &str = "/proc/thread-self";
/// The I/O thread's name.
const IO_THREAD: &str = "tidegate-io";

/// What is told of the threads of this name, all together: of each, what is read from the folder that it has in `/proc`.
fn sum_of(name: &str, read: impl Fn(&Path) -> Option<u64>) -> u64 {
    let tasks = std::fs::read_dir("/proc/self/task").expect("Linux");
    let told = tasks.flatten().filter_map(|task| {
        let comm = std::fs::read_to_string(task.path().join("comm")).ok()?;
        (comm.trim() == name).then(|| read(&task.path())).flatten()
    });
    told.sum()
}

/// How long a thread has run, in nanoseconds.
fn run_nanos(task: &Path) -> Option<u64> {
    let stat = std::fs::read_to_string(task.join("schedstat")).ok()?;
    stat.split(' ').next()?.parse().ok()
}

/// How long this thread has run.
pub fn run_time() -> Duration {
    Duration::from_nanos(run_nanos(Path::new(THIS_THREAD)).expect("Linux"))
}

/// How often a thread has gone to sleep.
fn sleeps_of(task: &Path) -> Option<u64> {
    let status = std::fs::read_to_string(task.join("status")).ok()?;
    let mut lines = status.lines();
    let sleeps = lines.find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))?;
    sleeps.trim().parse().ok()
}

/// How often this thread has gone to sleep.
pub fn sleeps() -> u64 {
    sleeps_of(Path::new(THIS_THREAD)).expect("Linux")
}

/// How often the I/O thread has gone to sleep.
pub fn io_thread_sleeps() -> u64 {
    sum_of(IO_THREAD, sleeps_of)
}

/// Whether the I/O thread runs although nothing happens. Half the time would be a spin on the busiest machine; one that sleeps
/// takes none.
pub fn io_thread_spins() -> bool {
    let window = Duration::from_millis(200);
    let ran = || Duration::from_nanos(sum_of(IO_THREAD, run_nanos));
    let (began, before) = (Instant::now(), ran());
    std::thread::sleep(window);
    ran().saturating_sub(before) > began.elapsed() / 2
}

/// Whether the operating system asks a peer whether it is there: whether it has set a timer for that. The endpoint is one on
/// 127.0.0.1, and both ends of its one connection are there.
pub fn asks_peers(endpoint: &str) -> bool {
    let port = endpoint.rsplit_once(':').map(|(_, port)| port.parse());
    let port: u16 = port.and_then(Result::ok).expect("its port");
    let address = format!("0100007F:{port:04X}");
    loop {
        let connections = std::fs::read_to_string("/proc/self/net/tcp").expect("Linux");
        let timers: Vec<&str> = connections
            .lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>())
            .filter(|fields| fields[3] == ESTABLISHED && fields[1..3].contains(&&*address))
            .map(|fields| &fields[5][..2])
            .collect();
        // Any other timer hides this one for as long as something is on its way.
        let hidden = |timer: &&str| ![NO_TIMER, KEEPALIVE_TIMER].contains(timer);
        if !timers.iter().any(hidden) {
            assert_eq!(timers.len(), 2);
            return timers.contains(&KEEPALIVE_TIMER);
        }
        std::thread::yield_now();
    }
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

/// Names the test that a process was started for.
const ALONE: &str = "TIDEGATE_TEST_ALONE";
/// What `abort` ends a process by.
const SIGABRT: i32 = 6;

/// The output of a process in which this test, the caller, is run and no other; `None` in that process, once the test is run.
fn run_alone<F: FnOnce()>(test: F) -> Option<Output> {
    // Of a closure in a function it is the path of both: the crate is no part of a test's name, the modules in between are.
    let path = std::any::type_name_of_val(&test);
    let name = path
        .strip_suffix("::{{closure}}")
        .and_then(|path| path.split_once("::"));
    let (_, name) = name.expect("a closure in a test");
    if std::env::var(ALONE).is_ok_and(|alone| alone == name) {
        // One that is aborted leaves no image of itself.
        let none = Rlimit {
            current: Some(0),
            ..getrlimit(Resource::Core)
        };
        setrlimit(Resource::Core, none).expect("less than before");
        test();
        println!("{name} has ended");
        return None;
    }
    let output = Command::new(std::env::current_exe().expect("Linux"))
        .args(["--exact", name, "--nocapture"])
        .env(ALONE, name)
        .output()
        .expect("this very program");
    let printed = String::from_utf8_lossy(&output.stdout);
    // What a test tells begins so, whatever the harness has left on the line.
    for told in printed.lines().filter_map(|line| line.split_once("| ")) {
        println!("| {}", told.1);
    }
    let has_ended = printed.contains(&format!("{name} has ended"));
    assert_eq!(output.status.success(), has_ended, "{name} is no test");
    Some(output)
}

/// Runs a test in a process of its own, for it looks at the whole process.
pub fn alone<F: FnOnce()>(test: F) {
    if let Some(output) = run_alone(test) {
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{told}");
    }
}

/// Runs a test in a process of its own, which libzmq is to abort with these words.
pub fn aborts<F: FnOnce()>(words: &str, test: F) {
    if let Some(output) = run_alone(test) {
        let told = String::from_utf8_lossy(&output.stderr);
        let was_aborted = output.status.signal() == Some(SIGABRT) && told.contains(words);
        assert!(was_aborted, "it ended otherwise, {}: {told}", output.status);
    }
}

/// What a process uses, to be compared with what it uses later.
pub struct Usage {
    /// Open, so that it can be read when nothing else can be opened.
    statm: File,
    resident_bytes: usize,
    descriptors: usize,
    threads: usize,
}

/// The second field of this file, in bytes.
fn resident(statm: &File) -> usize {
    let mut fields = [0; 256];
    let read = statm.read_at(&mut fields, 0).expect("Linux");
    let fields = String::from_utf8_lossy(&fields[..read]);
    let pages = fields.split(' ').nth(1).map(str::parse::<usize>);
    pages.and_then(Result::ok).expect("a number of pages") * 4096
}

impl Usage {
    pub fn now() -> Self {
        let statm = File::open("/proc/self/statm").expect("Linux");
        Self {
            resident_bytes: resident(&statm),
            descriptors: descriptors(),
            threads: thread_count(),
            statm,
        }
    }

    /// Tells how much more the process uses now. Returns how much more of memory, in bytes.
    pub fn tell(&self, after: &str) -> usize {
        let grown = resident(&self.statm).saturating_sub(self.resident_bytes);
        // A sanitizer uses more, and keeps what was freed: it says nothing of that.
        let grown = if is_sanitized() { 0 } else { grown };
        let opened = match descriptors() {
            0 => "all descriptors".into(),
            now => format!("{} descriptors", now.saturating_sub(self.descriptors)),
        };
        println!("| {after}: {} KiB, {opened}", grown / 1024);
        grown
    }

    /// Waits until so many more descriptors are open than there were.
    pub fn wait_for_descriptors(&self, more: usize) {
        eventually(|| descriptors() == self.descriptors + more);
    }

    /// Waits until the process has as many descriptors and threads as it had.
    pub fn wait_for_no_more(&self) {
        eventually(|| self.is_no_more());
    }

    /// Whether it has no more than that.
    pub fn is_no_more(&self) -> bool {
        (descriptors(), thread_count()) == (self.descriptors, self.threads)
    }
}

/// Whether a sanitizer watches.
fn is_sanitized() -> bool {
    ["ASAN_OPTIONS", "TSAN_OPTIONS"]
        .into_iter()
        .any(|options| std::env::var_os(options).is_some())
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
                // Past what captures a test's output, which nobody shows of a process that exits.
                let message = format!("{test} stalled: it has not ended within {seconds} s\n");
                let _: io::Result<()> = io::stderr().write_all(message.as_bytes());
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
    resident(&File::open("/proc/self/statm").expect("Linux"))
}
