//! Something to look at: a PUSH that sends so many messages in each second, for so many seconds from its first peer on, as far as its peers
//! take them. What they do not take in time it does not make up for.
//!
//! ```sh
//! cargo run --release --example flood -- tcp://127.0.0.1:5555 100000 60
//! ```

use std::env;
use std::error::Error;
use std::thread;
use std::time::{Duration, Instant};

use tidegate::{BlockingError, SocketType, ZmqStream};

/// How often it sends: a few messages at a time. No more than these are made up for when it is late.
const TICK: Duration = Duration::from_millis(10);

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [endpoint, rate, seconds] = &arguments[..] else {
        return Err("usage: flood ENDPOINT MESSAGES_PER_SECOND SECONDS".into());
    };
    let (rate, seconds): (f64, u64) = (rate.parse()?, seconds.parse()?);
    let push = ZmqStream::builder(SocketType::PUSH).track_connections(true);
    let push = push.bind(endpoint).open()?;
    println!("bound {}", push.bindings().join(" "));
    tidegate::block_on(push.wait_connected(1, None))?;
    println!("connected");

    let began = Instant::now();
    let end = began + Duration::from_secs(seconds);
    let mut sent = 0_u64;
    let mut next_report = began + Duration::from_secs(1);
    let mut tick = began;
    let mut due = 0.0;
    while tick < end {
        due += rate * TICK.as_secs_f64();
        while due >= 1.0 {
            let reading = format!("{:.2}", 20.0 + (sent as f64 / 5_000.0).sin());
            let message = ("sensor/7", reading, sent.to_be_bytes().to_vec());
            let left = end.saturating_duration_since(Instant::now());
            match push.blocking().send(message, left) {
                Ok(()) => (sent, due) = (sent + 1, due - 1.0),
                Err(BlockingError::TimedOut(_)) => break,
                Err(error) => return Err(error.into()),
            }
            if Instant::now() >= next_report {
                println!("sent {sent}");
                next_report += Duration::from_secs(1);
            }
        }
        tick += TICK;
        let now = Instant::now();
        if now > tick + TICK {
            tick = now;
        }
        thread::sleep(tick.saturating_duration_since(now));
    }
    println!("sent {sent}");
    push.abort();
    tidegate::block_on(tidegate::shutdown(Duration::from_secs(1)))?;
    Ok(())
}
