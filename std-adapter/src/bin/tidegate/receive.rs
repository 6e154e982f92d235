//! `tidegate recv` and `tidegate sub`

use std::io::{self, IsTerminal};
use std::time::Duration;

use clap::Args;
use tidegate::{SocketType, TryReadError, ZmqStream, block_on, options};

use crate::end::{End, hang_up};
use crate::format::Codec;
use crate::interrupts::{Interrupts, Rest, Why};
use crate::output::Output;
use crate::progress::Progress;
use crate::servers::Servers;
use crate::socket::{Socket, seconds};

/// More messages than the stream's own read buffer has room for.
const READ_AHEAD: usize = 1_024;

#[derive(Args, Debug)]
pub struct Arguments {
    #[command(flatten)]
    socket: Socket,
    #[command(flatten)]
    codec: Codec,
    /// Ends after so many messages. Others that had come by then are lost: --hwm 1 keeps them few
    #[arg(short = 'n', long, value_name = "MESSAGES")]
    count: Option<u64>,
    /// Ends with exit code 3 if no message comes for so long
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    timeout: Option<Duration>,
    /// Shows no rates
    #[arg(short, long)]
    quiet: bool,
}

impl Arguments {
    pub fn run(self, kind: SocketType, interrupts: &Interrupts) -> Result<(), End> {
        self.codec.check()?;
        let (stream, _guard) = self.socket.open(kind)?;
        let mut servers = Servers::open(&stream, &self.socket.endpoints, "")?;
        block_on(async {
            let received = servers.serve(self.receive(&stream, interrupts));
            hang_up(received.await, &stream).await
        })
    }

    async fn receive(&self, stream: &ZmqStream, interrupts: &Interrupts) -> Result<(), End> {
        let mut output = Output::new();
        let progress = Progress::start(self.quiet, io::stdout().is_terminal());
        // What one peer may have sent by the time at which the command is interrupted.
        let hwm = stream.option(options::RECEIVE_HWM).ok();
        let least = hwm
            .and_then(|hwm| usize::try_from(hwm).ok())
            .filter(|hwm| *hwm > 0)
            .map_or(usize::MAX, |hwm| hwm.saturating_add(READ_AHEAD));
        let (mut rest, mut has_more) = (None, false);
        while self.count.is_none_or(|count| progress.messages() < count) {
            let is_interrupted = interrupts.have_come();
            if is_interrupted && !rest.get_or_insert_with(|| Rest::begin(least)).goes_on() {
                has_more = true;
                break;
            }
            let message = match stream.try_read() {
                Ok(message) => message,
                Err(TryReadError::Empty) if is_interrupted => {
                    // libzmq may be about to hand over more.
                    match Interrupts::within(Rest::PAUSE, stream.read()).await {
                        Some(message) => message?,
                        None => break,
                    }
                }
                Err(TryReadError::Empty) => {
                    output.flush()?;
                    match interrupts.wait(self.timeout, stream.read()).await {
                        Ok(message) => message?,
                        // What came just now is printed, too.
                        Err(Why::Interrupted) => continue,
                        Err(Why::TimedOut) => {
                            let came = progress.messages();
                            let plural = if came == 1 { "" } else { "s" };
                            return Err(End::TimedOut(format!("{came} message{plural} came")));
                        }
                    }
                }
                Err(error) => return Err(error.into()),
            };
            output.write(|line| self.codec.encode(&message, line))?;
            progress.count(&message);
        }
        output.flush()?;
        match interrupts.have_come() && self.count.is_none_or(|count| progress.messages() < count) {
            true => {
                let received = progress.messages();
                Err(End::interrupted_behind(received, "received", has_more))
            }
            false => Ok(()),
        }
    }
}
