//! `tidegate monitor`

use std::time::Duration;

use clap::{Args, ValueEnum};
use serde_json::json;
use tidegate::{
    EventKind, EventMask, ReadEventError, SocketEvent, SocketType, ZmqStream, block_on,
};

use crate::end::{End, hang_up};
use crate::interrupts::{Interrupts, Why};
use crate::output::Output;
use crate::socket::{Socket, seconds};

#[derive(Args, Debug)]
pub struct Arguments {
    #[command(flatten)]
    socket: Socket,
    /// How an event is written in a line
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Ends after so many events
    #[arg(short = 'n', long, value_name = "EVENTS")]
    count: Option<u64>,
    /// Ends with exit code 3 if nothing happens for so long
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    timeout: Option<Duration>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// Its name, its endpoint, and what else there is to say
    Text,
    /// An object
    Json,
}

impl Arguments {
    pub fn run(self, interrupts: &Interrupts) -> Result<(), End> {
        let (builder, _guard) = self.socket.builder(SocketType::DEALER)?;
        // Nothing is read: it takes no more of what others send than libzmq does.
        let stream = builder.read_ahead(false).open()?;
        // Before anything can happen.
        stream.enable_monitor(EventMask::ALL)?;
        self.socket.endpoints.open(&stream, "")?;
        block_on(async {
            let watched = self.watch(&stream, interrupts).await;
            hang_up(watched, &stream).await
        })
    }

    async fn watch(&self, stream: &ZmqStream, interrupts: &Interrupts) -> Result<(), End> {
        let mut output = Output::new();
        let mut left = self.count.unwrap_or(u64::MAX);
        while left > 0 {
            let event = match interrupts.wait(self.timeout, stream.read_event()).await {
                Ok(Ok(event)) => event,
                Ok(Err(error @ ReadEventError::Malformed { .. })) => {
                    crate::end::note(format_args!("{error}"));
                    continue;
                }
                Ok(Err(error)) => return Err(error.into()),
                Err(Why::TimedOut) => return Err(End::TimedOut("nothing more happened".into())),
                Err(Why::Interrupted) => return Err(End::Interrupted("no more is watched".into())),
            };
            output.write(|line| line.extend(self.line(&event).bytes()))?;
            output.flush()?;
            left -= 1;
        }
        Ok(())
    }

    fn line(&self, event: &SocketEvent) -> String {
        let (name, value) = parts(event.kind);
        let SocketEvent {
            endpoint,
            discarded,
            ..
        } = event;
        match self.format {
            Format::Json => {
                let mut object = json!({ "event": name, "endpoint": endpoint });
                if let (Some((what, number)), Some(members)) = (value, object.as_object_mut()) {
                    members.insert(what.into(), number.into());
                }
                if *discarded > 0
                    && let Some(members) = object.as_object_mut()
                {
                    members.insert("discarded".into(), (*discarded).into());
                }
                format!("{object}\n")
            }
            Format::Text => {
                let value = match value {
                    Some(("errno", number)) => format!(" errno {number}"),
                    Some((what, number)) => format!(" {what} {number}"),
                    None => String::new(),
                };
                let gap = match discarded {
                    0 => String::new(),
                    some => format!("({some} events were discarded)\n"),
                };
                format!("{gap}{name} {endpoint}{value}\n")
            }
        }
    }
}

/// An event's name, and what its value is.
fn parts(kind: EventKind) -> (&'static str, Option<(&'static str, i64)>) {
    let fd = |fd: i32| Some(("fd", fd.into()));
    let errno = |errno: i32| Some(("errno", errno.into()));
    match kind {
        EventKind::Connected { fd: of } => ("connected", fd(of)),
        EventKind::ConnectDelayed { errno: of } => ("connect-delayed", errno(of)),
        EventKind::ConnectRetried { interval_ms } => {
            ("connect-retried", Some(("interval_ms", interval_ms.into())))
        }
        EventKind::Listening { fd: of } => ("listening", fd(of)),
        EventKind::BindFailed { errno: of } => ("bind-failed", errno(of)),
        EventKind::Accepted { fd: of } => ("accepted", fd(of)),
        EventKind::AcceptFailed { errno: of } => ("accept-failed", errno(of)),
        EventKind::Closed { fd: of } => ("closed", fd(of)),
        EventKind::CloseFailed { errno: of } => ("close-failed", errno(of)),
        EventKind::Disconnected { fd: of } => ("disconnected", fd(of)),
        EventKind::MonitorStopped => ("monitor-stopped", None),
        EventKind::HandshakeFailedNoDetail { errno: of } => ("handshake-failed", errno(of)),
        EventKind::HandshakeSucceeded => ("handshake-succeeded", None),
        EventKind::HandshakeFailedProtocol { code } => {
            ("handshake-failed-protocol", Some(("code", code.into())))
        }
        EventKind::HandshakeFailedAuth { status } => {
            ("handshake-failed-auth", Some(("status", status.into())))
        }
        EventKind::Unknown { event, .. } => ("unknown", Some(("number", event.into()))),
        _ => ("unknown", None),
    }
}
