//! `tidegate bench`
//!
//! Between two machines: one serves, a ROUTER, the other asks, a DEALER. The first frame says what a message is: `ping` comes back as it is,
//! `data` is counted, `done` is answered with how many were counted and how many microseconds lay between the first and the last.

use std::collections::HashMap;
use std::io::Write;
use std::time::{Duration, Instant};

use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;
use tidegate::{Multipart, SocketType, ZmqStream, block_on};

use crate::end::{End, hang_up, messages_were};
use crate::interrupts::{Interrupts, Why};
use crate::output::Output;
use crate::progress::{rate, size};
use crate::servers::Servers;
use crate::socket::{Socket, seconds};

/// So many who ask are told apart; another one has the oldest forgotten.
const CLIENTS: usize = 1_000;

#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = false)]
pub struct Arguments {
    #[command(subcommand)]
    side: Side,
}

#[derive(Debug, Subcommand)]
enum Side {
    /// Serves those who measure, until it is interrupted
    Serve {
        #[command(flatten)]
        socket: Socket,
    },
    /// Measures, against one who serves
    Run(Run),
}

#[derive(Args, Debug)]
struct Run {
    #[command(flatten)]
    socket: Socket,
    /// How many bytes a message has
    #[arg(long, value_name = "BYTES", default_value_t = 200, value_parser = clap::value_parser!(u32).range(..=1 << 30))]
    size: u32,
    /// How many messages go one way for the throughput
    #[arg(short = 'n', long, value_name = "MESSAGES", default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(2..))]
    count: u64,
    /// How many go there and back for the latency
    #[arg(long, value_name = "MESSAGES", default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..))]
    round_trips: u64,
    /// Ends with exit code 3 if nobody answers for so long
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "10")]
    timeout: Duration,
    /// How the figures are printed
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// Lines for people
    Text,
    /// An object
    Json,
}

impl Arguments {
    pub fn run(self, interrupts: &Interrupts) -> Result<(), End> {
        match self.side {
            Side::Serve { socket } => {
                let (stream, _guard) = socket.open(SocketType::ROUTER)?;
                let mut servers = Servers::open(&stream, &socket.endpoints, "")?;
                block_on(async {
                    let served = servers.serve(serve(&stream, interrupts));
                    hang_up(served.await, &stream).await
                })
            }
            Side::Run(run) => {
                let (stream, _guard) = run.socket.open(SocketType::DEALER)?;
                let mut servers = Servers::open(&stream, &run.socket.endpoints, "")?;
                block_on(async {
                    let measured = servers.serve(run.measure(&stream, interrupts));
                    hang_up(measured.await, &stream).await
                })
            }
        }
    }
}

/// What one who asks has sent.
struct Counted {
    messages: u64,
    first: Instant,
    last: Instant,
}

async fn serve(stream: &ZmqStream, interrupts: &Interrupts) -> Result<(), End> {
    let mut clients = HashMap::<Vec<u8>, Counted>::new();
    while let Ok(message) = interrupts.wait(None, stream.read()).await {
        let message = message?;
        let (Some(client), Some(what)) = (message.first(), message.get(1)) else {
            continue;
        };
        match &**what {
            b"data" => match clients.get_mut(&**client) {
                Some(counted) => {
                    counted.messages += 1;
                    counted.last = Instant::now();
                }
                None => {
                    forget_oldest(&mut clients);
                    let now = Instant::now();
                    let counted = Counted {
                        messages: 1,
                        first: now,
                        last: now,
                    };
                    clients.insert(client.to_vec(), counted);
                }
            },
            b"done" => {
                let counted = clients.remove(&**client);
                let (messages, time) = counted.map_or((0, Duration::ZERO), |counted| {
                    (counted.messages, counted.last - counted.first)
                });
                let (messages, time) = (messages.to_string(), time.as_micros().to_string());
                let answer = Multipart::from((&**client, "done", messages, time));
                stream.send(answer).await?;
            }
            b"ping" => stream.send(message).await?,
            _ => {}
        }
    }
    Err(End::Interrupted("nobody is served any more".into()))
}

fn forget_oldest(clients: &mut HashMap<Vec<u8>, Counted>) {
    if clients.len() < CLIENTS {
        return;
    }
    let oldest = clients.iter().min_by_key(|(_, counted)| counted.last);
    if let Some(oldest) = oldest.map(|(client, _)| client.clone()) {
        clients.remove(&oldest);
    }
}

impl Run {
    async fn measure(&self, stream: &ZmqStream, interrupts: &Interrupts) -> Result<(), End> {
        let payload = vec![b'x'; usize::try_from(self.size)?];
        // The first one waits for the connection, and is not counted.
        self.ask(stream, interrupts, ("ping", payload.clone()))
            .await?;
        let mut times = Vec::new();
        for _ in 0..self.round_trips {
            let start = Instant::now();
            self.ask(stream, interrupts, ("ping", payload.clone()))
                .await?;
            times.push(start.elapsed());
        }
        times.sort_unstable();

        for _ in 0..self.count {
            let sent = stream.send(("data", payload.clone()));
            let sent = interrupts.wait(Some(self.timeout), sent).await;
            sent.map_err(|why| self.end(why))??;
        }
        let answer = self.ask(stream, interrupts, "done").await?;
        let number = |place: usize| {
            let text = answer.get(place).map(|frame| std::str::from_utf8(frame));
            text.and_then(Result::ok)?.parse::<u64>().ok()
        };
        let (Some(counted), Some(micros)) = (number(1), number(2)) else {
            return Err("the answer is not that of `tidegate bench serve`".into());
        };
        if counted != self.count {
            let sent = messages_were(self.count);
            return Err(format!("{sent} sent, and {counted} came").into());
        }
        self.print(&times, Duration::from_micros(micros))
    }

    /// Sends this, and waits for what comes back.
    async fn ask(
        &self,
        stream: &ZmqStream,
        interrupts: &Interrupts,
        message: impl Into<Multipart>,
    ) -> Result<Multipart, End> {
        stream.write(message)?;
        let answer = interrupts.wait(Some(self.timeout), stream.read()).await;
        Ok(answer.map_err(|why| self.end(why))??)
    }

    fn end(&self, why: Why) -> End {
        match why {
            Why::TimedOut => End::TimedOut(format!("no answer within {:?}", self.timeout)),
            Why::Interrupted => End::Interrupted("nothing was measured".into()),
        }
    }

    fn print(&self, times: &[Duration], took: Duration) -> Result<(), End> {
        let at = |per_mille: usize| {
            let place = times.len().saturating_sub(1) * per_mille / 1_000;
            times.get(place).copied().unwrap_or_default()
        };
        let (median, most, worst) = (at(500), at(990), at(1_000));
        // The first one began the time.
        let messages = rate(self.count - 1, took);
        let in_bytes = u64::from(self.size);
        let bytes = rate((self.count - 1).saturating_mul(in_bytes), took);
        let mut output = Output::new();
        output.write(|line| {
            let _ = match self.format {
                Format::Text => {
                    #[expect(
                        clippy::cast_possible_truncation,
                        clippy::cast_sign_loss,
                        reason = "a rate is positive, and shown with four digits"
                    )]
                    let bytes = size(bytes as u64);
                    writeln!(
                        line,
                        "round trip: median {median:?}, 99 % within {most:?}, longest {worst:?} ({} of {} B)\n\
                         one way: {messages:.0} messages/s, {bytes}/s ({} of {} B)",
                        self.round_trips, self.size, self.count, self.size,
                    )
                }
                Format::Json => {
                    let micros = |time: Duration| time.as_secs_f64() * 1e6;
                    let figures = json!({
                        "message_bytes": self.size,
                        "round_trips": self.round_trips,
                        "round_trip_us": {
                            "median": micros(median),
                            "99_percent": micros(most),
                            "longest": micros(worst),
                        },
                        "messages": self.count,
                        "messages_per_second": messages.round(),
                        "bytes_per_second": bytes.round(),
                    });
                    writeln!(line, "{figures}")
                }
            };
        })?;
        output.flush()
    }
}
