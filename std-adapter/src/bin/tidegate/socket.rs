//! The socket of a command: its type, its endpoints, its options.

use std::time::Duration;

use clap::{Args, ValueEnum};
use tidegate::{Builder, SocketType, ZmqStream, options};

use crate::end::{End, note};
use crate::security::{Guard, Security};

#[derive(Args, Debug)]
pub struct Socket {
    #[command(flatten)]
    pub endpoints: Endpoints,
    /// The type of the socket [default: what the command is for]
    #[arg(short = 't', long = "type", value_enum, value_name = "TYPE")]
    kind: Option<Kind>,
    /// How many messages libzmq holds for each peer, in each direction; 0: no limit [default: 1000]
    ///
    /// Over ipc a receiver that holds as many loses what a sender had sent last, once that ends; over tcp it does not.
    #[arg(long, value_name = "MESSAGES", value_parser = clap::value_parser!(u32).range(..=i64::from(i32::MAX)))]
    hwm: Option<u32>,
    /// What a ROUTER calls this socket
    #[arg(long, value_name = "NAME", value_parser = identity)]
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
    /// Binds an endpoint, tcp://*:5555, tcp://[::1]:5555 or ipc:///run/name; may be repeated
    #[arg(short, long, value_name = "ENDPOINT")]
    pub bind: Vec<String>,
    /// Connects an endpoint, tcp://host:5555 or tcp://[::1]:5555; may be repeated
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
    /// A builder of a socket that can have these endpoints.
    pub fn builder(&self, kind: SocketType) -> Builder {
        let builder = ZmqStream::builder(kind);
        let mut endpoints = self.bind.iter().chain(&self.connect);
        match endpoints.any(|endpoint| endpoint.contains('[')) {
            true => builder.option(options::IPV6, true),
            false => builder,
        }
    }

    /// Binds and connects them, and says where they are bound if that is not as it was asked for, behind the name of the socket where
    /// there are several.
    pub fn open(&self, stream: &ZmqStream, name: &str) -> Result<(), End> {
        for endpoint in &self.bind {
            let bound = stream.bind(endpoint)?;
            if *endpoint != bound {
                note(format_args!("{name}bound to {bound}"));
            }
        }
        for endpoint in &self.connect {
            stream.connect(endpoint)?;
        }
        Ok(())
    }
}

impl Socket {
    /// A builder with everything but the endpoints, and who is let in as long as the command runs.
    pub fn builder(&self, default: SocketType) -> Result<(Builder, Guard), End> {
        let kind = self.kind.map_or(default, SocketType::from);
        let mut builder = self.endpoints.builder(kind);
        if let Some(hwm) = self.hwm {
            builder = builder
                .option(options::SEND_HWM, hwm)
                .option(options::RECEIVE_HWM, self.security.least_room(hwm));
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

    /// Opens the socket; its endpoints are opened next.
    pub fn open(&self, default: SocketType) -> Result<(ZmqStream, Guard), End> {
        let (builder, guard) = self.builder(default)?;
        Ok((builder.open()?, guard))
    }
}

/// What a socket may be called.
fn identity(text: &str) -> Result<String, String> {
    match text.len() {
        1..=255 => Ok(text.to_owned()),
        _ => Err("a name has 1 to 255 bytes".into()),
    }
}

/// A time on the command line, in seconds.
pub fn seconds(text: &str) -> Result<Duration, String> {
    const LONGEST: f64 = 1e9;
    let limits = || format!("a time is a number of seconds from 0.000001 to {LONGEST}");
    let seconds: f64 = text.parse().map_err(|_| limits())?;
    match (1e-6..=LONGEST).contains(&seconds) {
        true => Ok(Duration::from_secs_f64(seconds)),
        false => Err(limits()),
    }
}
