//! What the servers say that a command has connected to: that it is let in, or that it is not.
//!
//! libzmq tries one that has refused no more, and drops what was for it. Nothing but the socket's events tells.

use std::future::Future;
use std::ops::BitOr;
use std::time::Duration;

use futures_lite::future::or;
use tidegate::{EventKind, EventMask, ReadEventError, SocketType, ZmqStream};

use crate::end::{End, note};
use crate::interrupts::{Interrupts, Why};
use crate::socket::Endpoints;

/// How a server says yes or no, or hangs up. Where the types of the sockets do not go together, the connection ends without an answer.
const ANSWERS: [EventMask; 6] = [
    EventMask::CONNECTED,
    EventMask::DISCONNECTED,
    EventMask::HANDSHAKE_SUCCEEDED,
    EventMask::HANDSHAKE_FAILED_AUTH,
    EventMask::HANDSHAKE_FAILED_PROTOCOL,
    EventMask::HANDSHAKE_FAILED_NO_DETAIL,
];

pub struct Servers<'a> {
    stream: &'a ZmqStream,
    endpoints: &'a Endpoints,
    /// Those that are connected, and have said nothing yet.
    silent: Vec<String>,
    refused: Vec<String>,
    hung_up: Vec<String>,
    is_let_in: bool,
}

impl<'a> Servers<'a> {
    /// Binds and connects these endpoints of a stream that has none yet, so that no answer is missed.
    pub fn open(stream: &'a ZmqStream, endpoints: &'a Endpoints, name: &str) -> Result<Self, End> {
        // A STREAM has no handshakes.
        if !endpoints.connect.is_empty() && stream.socket_type() != SocketType::STREAM {
            let answers = ANSWERS.into_iter().fold(EventMask::NONE, BitOr::bitor);
            stream.enable_monitor(answers)?;
        }
        endpoints.open(stream, name)?;
        Ok(Self {
            stream,
            endpoints,
            silent: Vec::new(),
            refused: Vec::new(),
            hung_up: Vec::new(),
            is_let_in: false,
        })
    }

    /// Does this, unless nobody is left for whom it could be done. Says who has refused.
    pub async fn serve<T>(&mut self, work: impl Future<Output = Result<T, End>>) -> Result<T, End> {
        let all_have_refused = async {
            loop {
                self.listen().await?.map_or(Ok(()), |last| self.end(last))?;
            }
        };
        or(work, all_have_refused).await
    }

    /// Does this, whoever refuses. Says who does.
    pub async fn watch<T>(&mut self, work: impl Future<Output = T>) -> T {
        let refusals = async {
            while let Ok(last) = self.listen().await {
                if let Some(last) = last {
                    note(format_args!("{last}"));
                }
            }
            // Of a failure the work tells.
            std::future::pending().await
        };
        or(work, refusals).await
    }

    /// Nobody would take what waits to be sent.
    fn end(&self, last: String) -> Result<(), End> {
        self.stream.abort();
        Err(last.into())
    }

    /// Waits until one has let this client in, which has sent something, and those that are connected have answered: what was for one
    /// that refuses is lost.
    pub async fn accept(
        mut self,
        timeout: Option<Duration>,
        interrupts: &Interrupts,
    ) -> Result<(), End> {
        // Where it is bound, too, others may have taken it.
        if self.stream.monitored_events().is_some() && self.endpoints.bind.is_empty() {
            let let_in = async {
                while !self.is_let_in || !self.silent.is_empty() {
                    self.listen().await?.map_or(Ok(()), |last| self.end(last))?;
                }
                Ok::<_, End>(())
            };
            match interrupts.wait(timeout, let_in).await {
                Ok(let_in) => let_in?,
                Err(Why::TimedOut) => return Err(End::TimedOut(self.unanswered())),
                Err(Why::Interrupted) => {
                    self.stream.abort();
                    return Err(End::Interrupted(self.unanswered()));
                }
            }
        }
        match self.refused.as_slice() {
            [] => Ok(()),
            some => Err(format!("what was for {} is lost", some.join(", ")).into()),
        }
    }

    /// Who has not let this client in.
    fn unanswered(&self) -> String {
        match self.is_let_in {
            true => format!("{} said nothing", self.silent.join(", ")),
            false => "nobody was there".into(),
        }
    }

    /// Takes the next answer. Returns what the last has said, once all have refused.
    async fn listen(&mut self) -> Result<Option<String>, End> {
        let event = match self.stream.read_event().await {
            Ok(event) => event,
            Err(ReadEventError::NotMonitoring) => return std::future::pending().await,
            Err(ReadEventError::Malformed { .. }) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let Endpoints { bind, connect } = self.endpoints;
        // Where it is bound, too, it may be this one that refuses somebody.
        if !bind.is_empty() && !connect.contains(&event.endpoint) {
            return Ok(None);
        }
        let endpoint = event.endpoint;
        let was_silent = self.silent.contains(&endpoint);
        self.silent.retain(|silent| *silent != endpoint);
        let why = match event.kind {
            EventKind::Connected { .. } => {
                self.silent.push(endpoint);
                return Ok(None);
            }
            EventKind::HandshakeSucceeded => {
                self.is_let_in = true;
                return Ok(None);
            }
            EventKind::HandshakeFailedNoDetail { .. } => {
                self.hung_up(endpoint);
                return Ok(None);
            }
            EventKind::HandshakeFailedAuth { status: 400 } => {
                "its user, password, key or address is none that is let in (status 400)".to_owned()
            }
            EventKind::HandshakeFailedAuth { status } => format!("status {status}"),
            EventKind::HandshakeFailedProtocol { code } => {
                format!("it asks for another security, or speaks otherwise (code {code:#x})")
            }
            EventKind::Disconnected { .. } if was_silent => {
                "its socket is of a type that does not go with this one's, or speaks otherwise"
                    .to_owned()
            }
            _ => return Ok(None),
        };
        Ok(self.refused(endpoint, &why))
    }

    /// It may have refused, or have had to go.
    fn hung_up(&mut self, endpoint: String) {
        if !self.hung_up.contains(&endpoint) {
            note(format_args!(
                "{endpoint} has hung up before it let this client in, and is tried again: \
                 its security, its key or the type of its socket may be another"
            ));
            self.hung_up.push(endpoint);
        }
    }

    /// Says so, but for the last one.
    fn refused(&mut self, endpoint: String, why: &str) -> Option<String> {
        if self.refused.contains(&endpoint) {
            return None;
        }
        let refused = format!("{endpoint} has refused this client: {why}");
        self.refused.push(endpoint);
        let Endpoints { bind, connect } = self.endpoints;
        let mut connected: Vec<_> = connect.iter().collect();
        connected.sort();
        connected.dedup();
        if bind.is_empty() && self.refused.len() >= connected.len() {
            return Some(refused);
        }
        note(format_args!("{refused}"));
        None
    }
}
