//! Something to look at: a PUSH that sends so many messages in a second, for so many seconds, as far as its peers take them.
//!
//! ```sh
//! cargo run --release --example flood -- tcp://127.0.0.1:5555 100000 60
//! ```

use std::env;
use std::error::Error;
use std::thread;
use std::time::{Duration, Instant};

use tidegate::{BlockingError, SocketType, ZmqStream};

/// How often it sends: a few messages at a time.
const TICK: Duration = Duration::from_millis(1);

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [endpoint, rate, seconds] = &arguments[..] else {
        return Err("usage: flood ENDPOINT MESSAGES_PER_SECOND SECONDS".into());
    };
    let (rate, seconds): (f64, u64) = (rate.parse()?, seconds.parse()?);
    let push = ZmqStream::builder(SocketType::PUSH).bind(endpoint).open()?;
    println!("bound {}", push.bindings().join(" "));

    let began = Instant::now();
    let end = began + Duration::from_secs(seconds);
    let mut sent = 0_u64;
    let mut next_report = began + Duration::from_secs(1);
    while Instant::now() < end {
        let due = (began.elapsed().as_secs_f64() * rate) as u64;
        while sent < due {
            let reading = format!("{:.2}", 20.0 + (sent as f64 / 5_000.0).sin());
            let message = ("sensor/7", reading, sent.to_be_bytes().to_vec());
            let left = end.saturating_duration_since(Instant::now());
            match push.blocking().send(message, left) {
                Ok(()) => sent += 1,
                Err(BlockingError::TimedOut(_)) => break,
                Err(error) => return Err(error.into()),
            }
            if Instant::now() >= next_report {
                println!("sent {sent}");
                next_report += Duration::from_secs(1);
            }
        }
        thread::sleep(TICK);
    }
    println!("sent {sent}");
    push.abort();
    tidegate::block_on(tidegate::shutdown(Duration::from_secs(1)))?;
    Ok(())
}
