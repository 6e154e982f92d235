//! `tidegate pub`

use clap::Args;
use tidegate::{Multipart, SocketType, WaitError, block_on};

use crate::end::{End, finish};
use crate::interrupts::Interrupts;
use crate::send::Sending;
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
        let (stream, _guard) = self.socket.open(kind)?;
        let timeout = self.sending.timeout;
        block_on(async {
            let published = async {
                if self.wait {
                    let subscriber = stream.wait_subscriber(timeout);
                    match interrupts.wait(None, subscriber).await {
                        Ok(Err(error @ WaitError::TimedOut(_))) => {
                            return Err(End::TimedOut(error.to_string()));
                        }
                        Ok(subscribed) => subscribed?,
                        Err(_) => return Err(End::Interrupted("nobody has subscribed".into())),
                    }
                }
                let with_topic = |message: Multipart| match &self.topic {
                    None => message,
                    Some(topic) => {
                        let mut with_topic = Multipart::from(topic.as_str());
                        with_topic.extend(message);
                        with_topic
                    }
                };
                let sent = self.sending.send(&stream, interrupts, with_topic);
                if sent.await? > 0 {
                    self.socket.accepted(&stream, timeout, interrupts).await?;
                }
                Ok(())
            };
            finish(published.await, timeout, interrupts).await
        })
    }
}
