//! `tidegate request`

use std::time::Duration;

use clap::Args;
use tidegate::{RequestError, Requester, SocketType, block_on};

use crate::end::{End, hang_up};
use crate::input;
use crate::interrupts::Interrupts;
use crate::output::Output;
use crate::servers::Servers;
use crate::socket::{Socket, seconds};

#[derive(Args, Debug)]
pub struct Arguments {
    #[command(flatten)]
    socket: Socket,
    #[command(flatten)]
    input: input::Messages,
    /// How long each attempt waits for the reply
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "2.5")]
    timeout: Duration,
    /// How often a request is sent at most: servers may see one more than once
    #[arg(long, value_name = "TIMES", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    attempts: u32,
}

impl Arguments {
    pub fn run(self, interrupts: &Interrupts) -> Result<(), End> {
        self.input.codec.check()?;
        let (builder, _guard) = self.socket.builder(SocketType::REQ)?;
        let requester = Requester::open(builder)?
            .timeout(self.timeout)
            .attempts(self.attempts);
        let stream = requester.stream().clone();
        let mut servers = Servers::open(&stream, &self.socket.endpoints, "")?;
        block_on(async {
            let asked = ask(self.input, requester, interrupts);
            hang_up(servers.serve(asked).await, &stream).await
        })
    }
}

/// One request after the other.
async fn ask(
    messages: input::Messages,
    mut requester: Requester,
    interrupts: &Interrupts,
) -> Result<(), End> {
    let codec = messages.codec.clone();
    let input = messages.open()?;
    let mut output = Output::new();
    let interrupted = |_| End::Interrupted("not every request was answered".into());
    let next = || interrupts.wait(None, input.next());
    while let Some(batch) = next().await.map_err(interrupted)? {
        for request in batch? {
            let reply = interrupts.wait(None, requester.request(request)).await;
            let reply = match reply.map_err(interrupted)? {
                Ok(reply) => reply,
                Err(error @ RequestError::TimedOut { .. }) => {
                    return Err(End::TimedOut(error.to_string()));
                }
                Err(error) => return Err(error.into()),
            };
            output.write(|line| codec.encode(&reply, line))?;
            output.flush()?;
        }
    }
    Ok(())
}
