//! `tidegate send`, and what `tidegate pub` has in common with it

use std::io::{self, IsTerminal};
use std::time::Duration;

use clap::Args;
use tidegate::{Multipart, SocketType, ZmqStream, block_on};

use crate::end::{End, finish, messages_were};
use crate::input::{self, Input};
use crate::interrupts::{Interrupts, Why};
use crate::progress::Progress;
use crate::servers::Servers;
use crate::socket::{Socket, seconds};

#[derive(Args, Debug)]
pub struct Arguments {
    #[command(flatten)]
    socket: Socket,
    #[command(flatten)]
    sending: Sending,
}

#[derive(Args, Debug)]
pub struct Sending {
    #[command(flatten)]
    pub input: input::Messages,
    /// Ends after so many messages
    #[arg(short = 'n', long, value_name = "MESSAGES")]
    count: Option<u64>,
    /// Ends with exit code 3 if nothing can be sent for so long, or if libzmq still holds messages so long after the last one:
    /// they are lost [default: waits for ever]
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub timeout: Option<Duration>,
    /// Shows no rates
    #[arg(short, long)]
    quiet: bool,
}

impl Arguments {
    pub fn run(self, interrupts: &Interrupts) -> Result<(), End> {
        self.sending.input.codec.check()?;
        let (stream, _guard) = self.socket.open(SocketType::PUSH)?;
        let servers = Servers::open(&stream, &self.socket.endpoints, "")?;
        let timeout = self.sending.timeout;
        block_on(async {
            let sent = self.sending.send(&stream, interrupts, |message| message);
            let delivered = deliver(sent, &stream, servers, timeout, interrupts);
            finish(delivered.await, timeout, interrupts).await
        })
    }
}

impl Sending {
    /// Sends what is to be sent, as `with` makes it, and takes no more of it than goes out. Returns how many messages that were.
    pub async fn send(
        self,
        stream: &ZmqStream,
        interrupts: &Interrupts,
        with: impl Fn(Multipart) -> Multipart,
    ) -> Result<u64, End> {
        let progress = Progress::start(self.quiet, io::stdin().is_terminal());
        let input = self.input.open()?;
        let mut left = self.count.unwrap_or(u64::MAX);
        while left > 0
            && let Some(batch) = next(&input, interrupts).await
        {
            for message in batch? {
                let message = with(message);
                progress.count(&message);
                stream.write(message)?;
                left -= 1;
                // An XPUB is told of subscriptions, which nobody here wants to read.
                if stream.socket_type() == SocketType::XPUB {
                    while stream.try_read().is_ok() {}
                }
                if left == 0 {
                    break;
                }
                // Once it is interrupted, what was read goes out, and that is not much.
                if interrupts.have_come() {
                    continue;
                }
                let drain = || stream.drain();
                match while_it_moves(stream, self.timeout, interrupts, drain).await {
                    Ok(drained) => drained?,
                    Err(Why::Interrupted) => {}
                    Err(Why::TimedOut) => return Err(timed_out(&progress, stream)),
                }
            }
        }
        match interrupts.have_come() && left > 0 {
            true => {
                if progress.messages() == 0 {
                    stream.abort();
                }
                Err(End::interrupted_behind(progress.messages(), "taken", false))
            }
            false => Ok(progress.messages()),
        }
    }
}

/// Waits for as long as something goes out in each such time.
async fn while_it_moves<F: Future>(
    stream: &ZmqStream,
    timeout: Option<Duration>,
    interrupts: &Interrupts,
    wait: impl Fn() -> F,
) -> Result<F::Output, Why> {
    loop {
        let before = stream.write_buffer_bytes();
        let waited = interrupts.wait(timeout, wait()).await;
        if !matches!(waited, Err(Why::TimedOut)) || stream.write_buffer_bytes() >= before {
            return waited;
        }
    }
}

/// Does this, which returns how many messages it has sent, and waits until they are taken by somebody, and by libzmq. Where there are
/// none, nobody is waited for.
pub async fn deliver(
    send: impl Future<Output = Result<u64, End>>,
    stream: &ZmqStream,
    mut servers: Servers<'_>,
    timeout: Option<Duration>,
    interrupts: &Interrupts,
) -> Result<(), End> {
    if servers.serve(send).await? == 0 {
        stream.abort();
        return Ok(());
    }
    servers.accept(timeout, interrupts).await?;
    flush(stream, timeout, interrupts).await
}

/// Waits until libzmq has taken all.
async fn flush(
    stream: &ZmqStream,
    timeout: Option<Duration>,
    interrupts: &Interrupts,
) -> Result<(), End> {
    match while_it_moves(stream, timeout, interrupts, || stream.flush()).await {
        Ok(flushed) => Ok(flushed?),
        // It is told at the end.
        Err(Why::Interrupted) => Ok(()),
        Err(Why::TimedOut) => {
            let bytes = stream.write_buffer_bytes();
            Err(End::TimedOut(format!(
                "{bytes} bytes of the last messages were not sent"
            )))
        }
    }
}

fn timed_out(progress: &Progress, stream: &ZmqStream) -> End {
    let bytes = stream.write_buffer_bytes();
    End::TimedOut(format!(
        "{} taken, and of the last ones {bytes} bytes wait to be sent",
        messages_were(progress.messages())
    ))
}

/// What comes next; once the command is interrupted, what was read until then.
async fn next(input: &Input, interrupts: &Interrupts) -> Option<Result<Vec<Multipart>, String>> {
    if !interrupts.have_come()
        && let Ok(batch) = interrupts.wait(None, input.next()).await
    {
        return batch;
    }
    input.rest().await
}
