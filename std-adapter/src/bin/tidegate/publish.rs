//! `tidegate pub`

use std::time::Duration;

use clap::Args;
use tidegate::{Multipart, SocketType, WaitError, ZmqStream, block_on};

use crate::end::{End, finish};
use crate::interrupts::Interrupts;
use crate::send::{Sending, deliver};
use crate::servers::Servers;
use crate::socket::Socket;

#[derive(Args, Debug)]
pub struct Arguments {
    #[command(flatten)]
    socket: Socket,
    /// A frame in front of every message, for subscriptions
    #[arg(long, value_name = "TEXT")]
    topic: Option<String>,
    /// Begins when somebody has subscribed: what is published before is lost
    #[arg(short, long)]
    wait: bool,
    #[command(flatten)]
    sending: Sending,
}

impl Arguments {
    pub fn run(self, interrupts: &Interrupts) -> Result<(), End> {
        // An XPUB sends as a PUB does, and is told who has subscribed.
        let kind = if self.wait {
            SocketType::XPUB
        } else {
            SocketType::PUB
        };
        self.sending.input.codec.check()?;
        let (stream, _guard) = self.socket.open(kind)?;
        let servers = Servers::open(&stream, &self.socket.endpoints, "")?;
        let timeout = self.sending.timeout;
        block_on(async {
            let published = async {
                let with_topic = |message: Multipart| match &self.topic {
                    None => message,
                    Some(topic) => {
                        let mut with_topic = Multipart::from(topic.as_str());
                        with_topic.extend(message);
                        with_topic
                    }
                };
                let sent = async {
                    if self.wait {
                        await_subscriber(&stream, timeout, interrupts).await?;
                    }
                    self.sending.send(&stream, interrupts, with_topic).await
                };
                deliver(sent, &stream, servers, timeout, interrupts).await
            };
            finish(published.await, timeout, interrupts).await
        })
    }
}

async fn await_subscriber(
    stream: &ZmqStream,
    timeout: Option<Duration>,
    interrupts: &Interrupts,
) -> Result<(), End> {
    let subscriber = stream.wait_subscriber(timeout);
    match interrupts.wait(None, subscriber).await {
        Ok(Err(error @ WaitError::TimedOut(_))) => Err(End::TimedOut(error.to_string())),
        Ok(subscribed) => Ok(subscribed?),
        Err(_) => {
            stream.abort();
            Err(End::Interrupted("nobody has subscribed".into()))
        }
    }
}
