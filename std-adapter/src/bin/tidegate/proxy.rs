//! `tidegate proxy`

use clap::{Args, ValueEnum};
use futures_lite::future::try_zip;
use tidegate::{Multipart, SocketType, WriteError, ZmqStream, block_on, options};

use crate::end::{End, finish, hang_up, note};
use crate::interrupts::{Interrupts, Rest};
use crate::progress::Progress;
use crate::servers::Servers;
use crate::socket::Endpoints;

/// What an interrupted proxy still passes on in each direction at the least: more than the stream's own read buffer and libzmq's for one peer hold.
const BEHIND: usize = 2_048;

/// So many subscriptions, and ends of them, a forwarder holds at most for a publisher that does not read them.
const MOST_SUBSCRIPTIONS: u32 = 100_000;

#[derive(Args, Debug)]
pub struct Arguments {
    /// What stands on the two sides
    #[arg(value_enum)]
    kind: Kind,
    #[command(flatten)]
    front: Front,
    #[command(flatten)]
    back: Back,
    /// Binds a PUB that gets a copy of every message, in both directions; may be repeated
    #[arg(long, value_name = "ENDPOINT")]
    capture_bind: Vec<String>,
    /// Connects it; may be repeated
    #[arg(long, value_name = "ENDPOINT")]
    capture_connect: Vec<String>,
    /// Shows no rates
    #[arg(short, long)]
    quiet: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    /// Requests and replies: a ROUTER in front, a DEALER behind it
    Queue,
    /// What is published: an XSUB in front, where publishers are, an XPUB behind it
    Forwarder,
    /// Tasks: a PULL in front, a PUSH behind it
    Streamer,
}

#[derive(Args, Debug)]
#[group(required = true, multiple = true)]
struct Front {
    /// Binds the front; may be repeated
    #[arg(short = 'f', long, value_name = "ENDPOINT")]
    frontend_bind: Vec<String>,
    /// Connects the front; may be repeated
    #[arg(short = 'F', long, value_name = "ENDPOINT")]
    frontend_connect: Vec<String>,
}

#[derive(Args, Debug)]
#[group(required = true, multiple = true)]
struct Back {
    /// Binds the back; may be repeated
    #[arg(short, long, value_name = "ENDPOINT")]
    backend_bind: Vec<String>,
    /// Connects the back; may be repeated
    #[arg(short = 'B', long, value_name = "ENDPOINT")]
    backend_connect: Vec<String>,
}

impl Arguments {
    pub fn run(self, interrupts: &Interrupts) -> Result<(), End> {
        let (front, back) = match self.kind {
            Kind::Queue => (SocketType::ROUTER, SocketType::DEALER),
            Kind::Forwarder => (SocketType::XSUB, SocketType::XPUB),
            Kind::Streamer => (SocketType::PULL, SocketType::PUSH),
        };
        let endpoints = |bind, connect| Endpoints { bind, connect };
        let at_front = endpoints(self.front.frontend_bind, self.front.frontend_connect);
        let at_back = endpoints(self.back.backend_bind, self.back.backend_connect);
        let at_capture = endpoints(self.capture_bind, self.capture_connect);
        let has_capture = !at_capture.bind.is_empty() || !at_capture.connect.is_empty();
        let mut of_socket = at_front.builder(front);
        if front == SocketType::XSUB {
            // For a publisher that does not read; by default there is no limit.
            of_socket = of_socket.option(options::SEND_HWM, MOST_SUBSCRIPTIONS);
        }
        let front = of_socket.open()?;
        let back = at_back.builder(back).open()?;
        let capture = at_capture.builder(SocketType::PUB).open()?;
        let mut of_front = Servers::open(&front, &at_front, "frontend ")?;
        let mut of_back = Servers::open(&back, &at_back, "backend ")?;
        let mut of_capture = Servers::open(&capture, &at_capture, "capture ")?;
        // Nothing else is printed.
        let progress = Progress::start(self.quiet, false);
        block_on(async {
            let ended = pass_on(
                self.kind,
                &front,
                &back,
                has_capture.then_some(&capture),
                &progress,
                interrupts,
            );
            // One side has nothing to fear from the other.
            let ended = of_back.watch(of_capture.watch(ended));
            let ended = of_front.watch(ended).await;
            if progress.messages() == 0 {
                back.abort();
                return hang_up(ended, &front).await;
            }
            finish(ended, None, interrupts).await
        })
    }
}

/// Passes on in both directions until somebody interrupts; neither waits for the other.
async fn pass_on(
    kind: Kind,
    front: &ZmqStream,
    back: &ZmqStream,
    capture: Option<&ZmqStream>,
    progress: &Progress,
    interrupts: &Interrupts,
) -> Result<(), End> {
    let passing = |from, to, name| Passing {
        from,
        to,
        name,
        capture,
        progress,
    };
    let forth = passing(front, back, "from front to back").run(interrupts);
    let has_more = if let Kind::Streamer = kind {
        forth.await?
    } else {
        let and_back = passing(back, front, "from back to front").run(interrupts);
        let (forth, and_back) = try_zip(forth, and_back).await?;
        forth || and_back
    };
    let passed = progress.messages();
    Err(End::interrupted_behind(passed, "passed on", has_more))
}

/// One direction.
struct Passing<'a> {
    from: &'a ZmqStream,
    to: &'a ZmqStream,
    name: &'static str,
    capture: Option<&'a ZmqStream>,
    progress: &'a Progress,
}

impl Passing<'_> {
    /// Ends when somebody interrupts, or when a socket cannot go on. Returns whether more had come than was passed on.
    async fn run(self, interrupts: &Interrupts) -> Result<bool, End> {
        while let Ok(message) = interrupts.wait(None, self.from.read()).await {
            self.pass(message?)?;
            // No more is taken in than goes out. The message itself waits in the stream, and is not lost if this is interrupted.
            if let Ok(drained) = interrupts.wait(None, self.to.drain()).await {
                drained?;
            }
        }
        // What had come by then goes out, too.
        let mut rest = Rest::begin(BEHIND);
        while rest.goes_on() {
            match Interrupts::within(Rest::PAUSE, self.from.read()).await {
                Some(Ok(message)) => self.pass(message)?,
                _ => return Ok(false),
            }
        }
        Ok(true)
    }

    fn pass(&self, message: Multipart) -> Result<(), End> {
        self.progress.count(&message);
        if let Some(capture) = self.capture {
            // A PUB never waits; what it cannot do concerns nobody else.
            let _ = capture.write(message.clone());
        }
        match self.to.write(message) {
            Ok(()) => Ok(()),
            Err(WriteError::Failed(_, errno)) => {
                Err(format!("{}: the socket has failed: {errno}", self.name).into())
            }
            // It concerns this message alone.
            Err(error) => {
                note(format_args!("{}: {error}", self.name));
                Ok(())
            }
        }
    }
}
