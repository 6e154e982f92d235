//! The socket of a command: its type, its endpoints, its options.

use std::ops::BitOr;
use std::time::Duration;

use clap::{Args, ValueEnum};
use tidegate::{Builder, EventKind, EventMask, SocketType, ZmqStream, options};

use crate::end::{End, note};
use crate::interrupts::{Interrupts, Why};
use crate::security::{Guard, Security};

/// How a server says yes or no.
const ANSWERS: [EventMask; 3] = [
    EventMask::HANDSHAKE_SUCCEEDED,
    EventMask::HANDSHAKE_FAILED_AUTH,
    EventMask::HANDSHAKE_FAILED_PROTOCOL,
];

#[derive(Args, Debug)]
pub struct Socket {
    #[command(flatten)]
    pub endpoints: Endpoints,
    /// The type of the socket [default: what the command is for]
    #[arg(short = 't', long = "type", value_enum, value_name = "TYPE")]
    kind: Option<Kind>,
    /// How many messages libzmq holds for each peer, in each direction; 0: no limit [default: 1000]
    #[arg(long, value_name = "MESSAGES")]
    hwm: Option<u32>,
    /// What a ROUTER calls this socket
    #[arg(long, value_name = "NAME")]
    identity: Option<String>,
    /// Subscribes a SUB to messages that begin so; may be repeated [default: to all]
    #[arg(short, long, value_name = "PREFIX")]
    subscribe: Vec<String>,
    #[command(flatten)]
    security: Security,
}

#[derive(Args, Debug)]
#[group(required = true, multiple = true)]
pub struct Endpoints {
    /// Binds an endpoint, tcp://*:5555 or ipc:///run/name; may be repeated
    #[arg(short, long, value_name = "ENDPOINT")]
    pub bind: Vec<String>,
    /// Connects an endpoint, tcp://host:5555; may be repeated
    #[arg(short, long, value_name = "ENDPOINT")]
    pub connect: Vec<String>,
}

/// A socket's type.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    Pair,
    Pub,
    Sub,
    Req,
    Rep,
    Dealer,
    Router,
    Pull,
    Push,
    Xpub,
    Xsub,
    Stream,
}

impl From<Kind> for SocketType {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Pair => Self::PAIR,
            Kind::Pub => Self::PUB,
            Kind::Sub => Self::SUB,
            Kind::Req => Self::REQ,
            Kind::Rep => Self::REP,
            Kind::Dealer => Self::DEALER,
            Kind::Router => Self::ROUTER,
            Kind::Pull => Self::PULL,
            Kind::Push => Self::PUSH,
            Kind::Xpub => Self::XPUB,
            Kind::Xsub => Self::XSUB,
            Kind::Stream => Self::STREAM,
        }
    }
}

impl Endpoints {
    /// Has the builder bind and connect them.
    pub fn of(&self, builder: Builder) -> Builder {
        let builder = self.bind.iter().fold(builder, Builder::bind);
        self.connect.iter().fold(builder, Builder::connect)
    }

    /// Binds and connects them, of a stream that is open, and says where it is bound if that is not as it was asked for.
    pub fn open(&self, stream: &ZmqStream) -> Result<(), End> {
        for endpoint in &self.bind {
            let bound = stream.bind(endpoint)?;
            tell_bound("", endpoint, &bound);
        }
        for endpoint in &self.connect {
            stream.connect(endpoint)?;
        }
        Ok(())
    }

    /// Says where a builder has bound them if that is not as it was asked for, behind the name of the socket where there are several.
    pub fn tell(&self, stream: &ZmqStream, name: &str) {
        for (endpoint, bound) in self.bind.iter().zip(stream.bindings()) {
            tell_bound(name, endpoint, &bound);
        }
    }
}

fn tell_bound(name: &str, endpoint: &str, bound: &str) {
    if endpoint != bound {
        note(format_args!("{name}bound to {bound}"));
    }
}

impl Socket {
    /// A builder with everything but the endpoints, and who is let in as long as the command runs.
    pub fn builder(&self, default: SocketType) -> Result<(Builder, Guard), End> {
        let kind = self.kind.map_or(default, SocketType::from);
        let mut builder = ZmqStream::builder(kind);
        if let Some(hwm) = self.hwm {
            builder = builder
                .option(options::SEND_HWM, hwm)
                .option(options::RECEIVE_HWM, hwm);
        }
        if let Some(name) = &self.identity {
            builder = builder.option(options::ROUTING_ID, name.clone().into_bytes());
        }
        if self.subscribe.is_empty() && matches!(kind, SocketType::SUB | SocketType::XSUB) {
            builder = builder.subscribe("");
        }
        builder = self.subscribe.iter().fold(builder, Builder::subscribe);
        self.security.apply(builder)
    }

    /// Opens the socket, and binds and connects it.
    pub fn open(&self, default: SocketType) -> Result<(ZmqStream, Guard), End> {
        let (builder, guard) = self.builder(default)?;
        let stream = builder.open()?;
        // Where it is bound, too, the answers would be those of strangers; a STREAM has no handshakes.
        if self.endpoints.bind.is_empty() && stream.socket_type() != SocketType::STREAM {
            let answers = ANSWERS.into_iter().fold(EventMask::NONE, BitOr::bitor);
            stream.enable_monitor(answers)?;
        }
        self.endpoints.open(&stream)?;
        Ok((stream, guard))
    }

    /// Waits until a server has let this client in: one that refuses it has libzmq drop what was for it, and nobody would know.
    pub async fn accepted(
        &self,
        stream: &ZmqStream,
        timeout: Option<Duration>,
        interrupts: &Interrupts,
    ) -> Result<(), End> {
        if stream.monitored_events().is_none() {
            return Ok(());
        }
        loop {
            let kind = match interrupts.wait(timeout, stream.read_event()).await {
                Ok(event) => event?.kind,
                Err(Why::TimedOut) => return Err(End::TimedOut("nobody was there".into())),
                Err(Why::Interrupted) => return Err(End::Interrupted("nobody was there".into())),
            };
            match kind {
                EventKind::HandshakeSucceeded => return Ok(()),
                EventKind::HandshakeFailedAuth { status } => {
                    return Err(format!("the connection was refused: status {status}").into());
                }
                EventKind::HandshakeFailedProtocol { code } => {
                    let why = "the peer asks for another security, or speaks otherwise";
                    return Err(
                        format!("the connection was refused: {why} (code {code:#x})").into(),
                    );
                }
                _ => {}
            }
        }
    }
}

/// A time on the command line, in seconds.
pub fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number of seconds")?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}
