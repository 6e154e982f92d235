//! Both gates at work, as a plot: a fast writer, a reader that sleeps and then reads all, and libzmq's queues between them.
//!
//! ```sh
//! cargo run --example backpressure
//! ```
//!
//! Each line is a step. A bar is what a buffer holds, `|` its low- and high-water mark, and `shut` or `open` says that the gate has
//! just changed.

use std::error::Error;
use std::time::Duration;

use futures_lite::future::{block_on, poll_once};
use tidegate::{Multipart, SocketType, Watermarks, ZmqStream, options};

/// Payload, and the 64 bytes that a frame is charged.
const MESSAGE_BYTES: usize = 1024;
const HIGH_BYTES: usize = 16 * MESSAGE_BYTES;
const LOW_BYTES: usize = 4 * MESSAGE_BYTES;
const MESSAGES: u64 = 400;

fn message(number: u64) -> Multipart {
    let mut payload = vec![0; MESSAGE_BYTES - 64];
    payload[..8].copy_from_slice(&number.to_le_bytes());
    [payload].into()
}

/// One buffer of one stream, and what its gate did when it was last looked at.
struct Gauge {
    name: &'static str,
    pauses: u64,
    resumes: u64,
}

impl Gauge {
    /// A character for each message, and what the gate has done since the last look.
    fn show(&mut self, bytes: usize, [pauses, resumes]: [u64; 2]) -> String {
        let place = |bytes: usize| bytes.div_ceil(MESSAGE_BYTES);
        let bar: String = (0..20)
            .map(|at| match at {
                at if at == place(LOW_BYTES) || at == place(HIGH_BYTES) => '|',
                at if at < place(bytes) => '#',
                _ => '.',
            })
            .collect();
        let news = match (pauses > self.pauses, resumes > self.resumes) {
            (true, true) => "shut, open",
            (true, false) => "shut",
            (false, true) => "open",
            (false, false) => "",
        };
        (self.pauses, self.resumes) = (pauses, resumes);
        format!("{} {bar} {news:<10}", self.name)
    }
}

struct Plot {
    write: Gauge,
    read: Gauge,
}

impl Plot {
    fn new() -> Self {
        let gauge = |name| Gauge {
            name,
            pauses: 0,
            resumes: 0,
        };
        Self {
            write: gauge("write"),
            read: gauge("read"),
        }
    }

    fn line(&mut self, what: &str, push: &ZmqStream, pull: &ZmqStream) {
        let (sent, got) = (push.stats(), pull.stats());
        let write_moves = [sent.write_pauses, sent.write_resumes];
        let write = self.write.show(sent.write_buffer_bytes, write_moves);
        let read_moves = [got.read_pauses, got.read_resumes];
        let read = self.read.show(got.read_buffer_bytes, read_moves);
        let line = format!("{write} {read} {what}");
        println!("{}", line.trim_end());
    }
}

async fn go() -> Result<(), Box<dyn Error>> {
    let limits = Watermarks::new(HIGH_BYTES, LOW_BYTES)?;
    // Small queues in libzmq, too, and inproc has no kernel's: so what is seen is the stream's.
    let open = |kind| {
        ZmqStream::builder(kind)
            .option(options::SEND_HWM, 20)
            .option(options::RECEIVE_HWM, 20)
    };
    let pull = open(SocketType::PULL).bind("inproc://tide").open()?;
    let push = open(SocketType::PUSH).connect("inproc://tide").open()?;
    pull.set_read_limits(limits);
    push.set_write_limits(limits);

    let mut plot = Plot::new();
    let (mut written, mut read) = (0, 0);
    while read < MESSAGES {
        // The writer: as long as nobody holds it back.
        while written < MESSAGES && poll_once(push.drain()).await.transpose()?.is_some() {
            push.write(message(written))?;
            written += 1;
        }
        plot.line(&format!("{written} written"), &push, &pull);

        // The reader: comes back, and reads a third of all that was written and not yet read.
        for _ in 0..(written - read).div_ceil(3) {
            let message = pull.read().await?;
            assert_eq!(message[0][..8], read.to_le_bytes());
            read += 1;
        }
        plot.line(&format!("{read} read"), &push, &pull);
    }

    let (sent, got) = (push.stats(), pull.stats());
    println!(
        "{MESSAGES} messages in order; the write gate shut {} times, the read gate {}",
        sent.write_pauses, got.read_pauses
    );
    tidegate::shutdown(Duration::from_secs(5)).await?;
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    block_on(go())
}
