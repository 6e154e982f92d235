//! The far end of a stream: `tests/interop/peer.py`, a process of Python and a library that we did not write.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt;
use std::future::{Future, poll_fn};
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};

use futures_lite::future::{block_on, or};
use tidegate::{Builder, Context, Multipart, ZmqStream};

use crate::corpus::short;
use crate::libzmq::shut_down;
use crate::process::{Process, Watchdog};

/// Which of the two binds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Binds {
    Here,
    There,
}

/// What was heard of the process so far.
#[derive(Default)]
struct Heard {
    lines: VecDeque<String>,
    is_over: bool,
    wakers: Vec<Waker>,
}

impl Heard {
    fn changes(heard: &Mutex<Self>, change: impl FnOnce(&mut Self)) {
        let mut heard = heard.lock().expect("nobody panics with it");
        change(&mut heard);
        let wakers = std::mem::take(&mut heard.wakers);
        drop(heard);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Takes what there is to take, or has this waker woken when more was heard.
    fn poll<T>(
        heard: &Mutex<Self>,
        waker: &Waker,
        take: impl FnOnce(&mut Self) -> Option<T>,
    ) -> Poll<T> {
        let mut heard = heard.lock().expect("nobody panics with it");
        if let Some(taken) = take(&mut heard) {
            return Poll::Ready(taken);
        }
        if !heard.wakers.iter().any(|other| other.will_wake(waker)) {
            heard.wakers.push(waker.clone());
        }
        Poll::Pending
    }
}

/// The process, and the scene that it plays.
pub struct FarEnd {
    process: RefCell<Process>,
    heard: Arc<Mutex<Heard>>,
    library: String,
    scene: String,
}

impl FarEnd {
    pub fn start(library: &str) -> Self {
        let mut process = Process::start(
            Command::new("python3")
                .args(["interop/peer.py", library])
                .current_dir(env!("CARGO_MANIFEST_DIR"))
                .stderr(Stdio::piped()),
        );
        let heard = Arc::<Mutex<Heard>>::default();
        let output = process.stdout.take().expect("it was piped");
        std::thread::spawn({
            let heard = heard.clone();
            move || listen(output, &heard)
        });
        Self {
            process: RefCell::new(process),
            heard,
            library: library.to_owned(),
            scene: "nothing yet".to_owned(),
        }
    }

    /// Opens a stream that is connected with this role.
    pub fn begin(&mut self, role: &str, binds: Binds, stream: Builder) -> ZmqStream {
        let any_port = "tcp://127.0.0.1:*";
        match binds {
            Binds::Here => {
                self.scene = format!("{role} that connects");
                let stream = stream.bind(any_port).open().expect("a free port");
                self.tell(&format!("{role} connect {}", stream.bindings()[0]));
                stream
            }
            Binds::There => {
                self.scene = format!("{role} that binds");
                self.tell(&format!("{role} bind {any_port}"));
                let endpoint = block_on(self.line());
                stream.connect(endpoint).open().expect("an endpoint")
            }
        }
    }

    /// Writes it a line. One that has failed says so when it is listened to.
    pub fn tell(&self, line: &str) {
        if let Some(input) = &mut self.process.borrow_mut().stdin {
            let _ = writeln!(input, "{line}");
        }
    }

    /// The next line that it prints.
    pub async fn line(&self) -> String {
        poll_fn(|cx| {
            Heard::poll(&self.heard, cx.waker(), |heard| {
                let line = heard.lines.pop_front().map(Some);
                line.or(heard.is_over.then_some(None))
            })
        })
        .await
        .unwrap_or_else(|| self.has_failed())
    }

    /// Plays a scene; a far end that fails ends it.
    pub fn play(&self, scene: impl Future<Output = ()>) {
        block_on(or(scene, async {
            poll_fn(|cx| Heard::poll(&self.heard, cx.waker(), |heard| heard.is_over.then_some(())))
                .await;
            self.has_failed()
        }));
    }

    fn has_failed(&self) -> ! {
        let mut process = self.process.borrow_mut();
        let mut error = String::new();
        if let Some(stderr) = &mut process.stderr {
            let _ = stderr.read_to_string(&mut error);
        }
        panic!("{self} has ended: {:?}\n{error}", process.wait());
    }

    /// Reads a message, which has to be this one.
    pub async fn expect(&self, stream: &ZmqStream, expected: impl Into<Multipart>) {
        self.check(&self.read(stream).await, expected);
    }

    pub fn check(&self, got: &Multipart, expected: impl Into<Multipart>) {
        let expected = expected.into();
        assert!(
            *got == expected,
            "{self}: {} came for {}",
            short(got),
            short(&expected)
        );
    }

    pub async fn read(&self, stream: &ZmqStream) -> Multipart {
        let read = stream.read().await;
        read.unwrap_or_else(|error| panic!("{self}: {error}"))
    }

    /// Reads on past every message like this one.
    pub async fn read_past(&self, stream: &ZmqStream, past: &[&str]) -> Multipart {
        loop {
            let message = self.read(stream).await;
            if message != past {
                return message;
            }
        }
    }

    pub fn write(&self, stream: &ZmqStream, message: impl Into<Multipart>) {
        let written = stream.write(message);
        written.unwrap_or_else(|error| panic!("{self}: {error}"));
    }

    /// Publishes these until the far end says that it has heard this.
    pub async fn publish_until(&self, heard: &str, stream: &ZmqStream, messages: &[&[&str]]) {
        let publish = async {
            loop {
                for message in messages {
                    self.write(stream, message.to_vec());
                }
                std::thread::yield_now();
                futures_lite::future::yield_now().await;
            }
        };
        assert_eq!(or(self.line(), publish).await, heard, "{self}");
    }

    /// Waits until the role is at its end, and has received so much.
    pub async fn has_received(&self, count: impl fmt::Display) {
        assert_eq!(self.line().await, format!("received {count}"), "{self}");
    }

    /// Waits for the end of the process.
    pub fn end(self) {
        // It first closes its input, with which the process ends.
        let status = self.process.borrow_mut().wait();
        assert!(status.expect("it was started").success(), "{self}");
    }
}

impl fmt::Display for FarEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} as {}", self.library, self.scene)
    }
}

fn listen(output: ChildStdout, heard: &Mutex<Heard>) {
    for line in BufReader::new(output).lines().map_while(Result::ok) {
        Heard::changes(heard, |heard| heard.lines.push_back(line));
    }
    Heard::changes(heard, |heard| heard.is_over = true);
}

/// Plays a scene with this role of each library, bound here and bound there.
pub fn with_each(
    role: &str,
    open: impl Fn(&Context) -> Builder,
    scene: impl AsyncFn(&ZmqStream, &FarEnd),
) {
    let _watchdog = Watchdog::new(240);
    let sockets = (role == "stream").then_some("sockets");
    for library in ["aiozmq", "pyzmq-asyncio", "pyzmq"]
        .into_iter()
        .chain(sockets)
    {
        let mut far = FarEnd::start(library);
        for binds in [Binds::Here, Binds::There] {
            let context = Context::new().expect("a context");
            let stream = far.begin(role, binds, open(&context));
            far.play(scene(&stream, &far));
            shut_down(&context);
        }
        far.end();
    }
}
