//! The tool's processes, and their peers.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tidegate::zmq::{Context, Socket, SocketType};

/// What hangs is ended after so long, so that a test can fail.
const PATIENCE: Duration = Duration::from_secs(120);

/// A running tool. Dropping it ends it.
pub struct Tool {
    pub child: Child,
    stdout: Option<BufReader<ChildStdout>>,
    stderr: BufReader<std::process::ChildStderr>,
    /// Ends the watch over it.
    _watched: mpsc::Sender<()>,
}

/// How a tool has ended.
pub struct Ended {
    pub code: i32,
    pub stdout: Vec<u8>,
    pub stderr: String,
}

/// Starts the tool. Its stdin is open until [`Tool::close_stdin`] or [`Tool::end`].
pub fn tool(arguments: &[&str]) -> Tool {
    start(arguments, Stdio::piped())
}

/// [`tool`], with this as its stdout.
pub fn start(arguments: &[&str], stdout: Stdio) -> Tool {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
    command.args(arguments).stdout(stdout);
    let mut child = command
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let id = pid(&child);
    let (watched, end) = mpsc::channel();
    thread::spawn(move || {
        if end.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
            let _ = kill_process(id, Signal::KILL);
        }
    });
    Tool {
        stdout: child.stdout.take().map(BufReader::new),
        stderr: BufReader::new(child.stderr.take().unwrap()),
        child,
        _watched: watched,
    }
}

fn pid(child: &Child) -> Pid {
    Pid::from_raw(child.id().try_into().unwrap()).unwrap()
}

impl Tool {
    /// The endpoint that it says it is bound to, next.
    pub fn bound(&mut self) -> String {
        let line = self.told();
        let at = line.find("bound to ").unwrap_or_else(|| panic!("{line}"));
        line[at + "bound to ".len()..].to_owned()
    }

    /// The next line of its stderr.
    pub fn told(&mut self) -> String {
        let mut line = String::new();
        self.stderr.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// The next line of its stdout.
    pub fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.as_mut().unwrap().read_line(&mut line).unwrap();
        line.trim_end_matches('\n').to_owned()
    }

    pub fn stdin(&mut self) -> &mut ChildStdin {
        self.child.stdin.as_mut().unwrap()
    }

    pub fn write(&mut self, lines: impl AsRef<[u8]>) {
        self.stdin().write_all(lines.as_ref()).unwrap();
    }

    pub fn close_stdin(&mut self) {
        self.child.stdin = None;
    }

    /// Nobody reads what it prints any more.
    pub fn close_stdout(&mut self) {
        self.stdout = None;
    }

    /// As Ctrl-C does.
    pub fn interrupt(&self) {
        kill_process(pid(&self.child), Signal::INT).unwrap();
    }

    /// Waits for its end, for there is no more to be sent.
    pub fn end(&mut self) -> Ended {
        self.close_stdin();
        self.ended()
    }

    /// Waits for its end. Its stdin stays open, and is not why it ends.
    pub fn ended(&mut self) -> Ended {
        let (mut stdout, mut stderr) = (Vec::new(), String::new());
        if let Some(from) = &mut self.stdout {
            from.read_to_end(&mut stdout).unwrap();
        }
        self.stderr.read_to_string(&mut stderr).unwrap();
        let status = self.child.wait().unwrap();
        let code = status
            .code()
            .unwrap_or_else(|| panic!("{status}: {stderr}"));
        Ended {
            code,
            stdout,
            stderr,
        }
    }
}

impl Drop for Tool {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Ended {
    /// What it printed, of one that has done what it was to do.
    #[track_caller]
    pub fn printed(self) -> String {
        assert_eq!(self.code, 0, "{}", self.stderr);
        String::from_utf8(self.stdout).unwrap()
    }
}

/// Runs the tool to its end.
pub fn run(arguments: &[&str]) -> Ended {
    tool(arguments).end()
}

/// A socket of libzmq's own.
pub fn peer(kind: SocketType) -> Socket {
    let socket = Context::new().socket(kind).unwrap();
    waits(&socket);
    socket
}

/// What does not come fails the test, in the end.
pub fn waits(socket: &Socket) {
    socket.set_rcvtimeo(60_000).unwrap();
}

/// One that is bound, and where.
pub fn bound(kind: SocketType) -> (Socket, String) {
    let socket = peer(kind);
    let endpoint = bind(&socket);
    (socket, endpoint)
}

pub fn bind(socket: &Socket) -> String {
    socket.bind("tcp://127.0.0.1:*").unwrap();
    socket.get_last_endpoint().unwrap().unwrap()
}

/// One that is connected.
pub fn connected(kind: SocketType, endpoint: &str) -> Socket {
    let socket = peer(kind);
    socket.connect(endpoint).unwrap();
    socket
}

/// Sends these to the tool from a context of their own. Once that has ended, everything is on the wire.
pub fn push_all(endpoint: &str, messages: impl Iterator<Item = String>) {
    let context = Context::new();
    let push = context.socket(SocketType::PUSH).unwrap();
    push.connect(endpoint).unwrap();
    for message in messages {
        push.send(&message, 0).unwrap();
    }
}

/// A message of one frame, as text.
pub fn text(socket: &Socket) -> String {
    socket.recv_string(0).unwrap().unwrap()
}

/// A row of the kernel's table of tcp sockets.
struct Row {
    is_accepted: bool,
    state: String,
    queues: String,
}

const ESTABLISHED: &str = "01";
const CLOSE_WAIT: &str = "08";
const LISTEN: &str = "0A";

/// Those that have to do with this port.
fn rows(endpoint: &str) -> Vec<Row> {
    let (_, port) = endpoint.rsplit_once(':').unwrap();
    let port = format!(":{:04X}", port.parse::<u16>().unwrap());
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let rows = table.lines().skip(1).filter_map(|line| {
        let fields: Vec<_> = line.split_whitespace().collect();
        let is_accepted = fields[1].ends_with(&port);
        (is_accepted || fields[2].ends_with(&port)).then(|| Row {
            is_accepted,
            state: fields[3].to_owned(),
            queues: fields[4].to_owned(),
        })
    });
    rows.collect()
}

/// Whether nothing that was sent to this port is on its way any more.
pub fn is_read(endpoint: &str) -> bool {
    let rows = rows(endpoint);
    rows.iter()
        .all(|row| row.state == LISTEN || row.queues == "00000000:00000000")
}

/// Whether who has bound this port has a connection there, though its peer may be gone.
pub fn has_connections(endpoint: &str) -> bool {
    let rows = rows(endpoint);
    rows.iter()
        .any(|row| row.is_accepted && [ESTABLISHED, CLOSE_WAIT].contains(&&*row.state))
}
