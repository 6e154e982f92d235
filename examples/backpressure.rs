//! Both gates at work, as a plot: a fast writer, a reader that comes now and then, and libzmq's queues between them.
//!
//! ```sh
//! cargo run --example backpressure
//! ```
//!
//! A bar is what a buffer holds, a `#` for each message, a `|` for its low- and its high-water mark; behind it stands its gate.

use std::error::Error;
use std::thread;
use std::time::Duration;

use futures_lite::future::{block_on, poll_once};
use tidegate::{Multipart, SocketType, Stats, Watermarks, ZmqStream, options};

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

/// A character for each message that a buffer holds, and its gate.
fn gauge(bytes: usize, is_shut: bool) -> String {
    let place = |bytes: usize| bytes.div_ceil(MESSAGE_BYTES);
    let bar: String = (0..20)
        .map(|at| match at {
            at if at == place(LOW_BYTES) || at == place(HIGH_BYTES) => '|',
            at if at < place(bytes) => '#',
            _ => '.',
        })
        .collect();
    format!("{bar} {}", if is_shut { "shut" } else { "open" })
}

/// Both ends of the way, at one moment.
struct Tide {
    push: Stats,
    pull: Stats,
}

impl Tide {
    fn look(push: &ZmqStream, pull: &ZmqStream) -> Self {
        Self {
            push: push.stats(),
            pull: pull.stats(),
        }
    }

    fn write_is_shut(&self) -> bool {
        self.push.write_pauses > self.push.write_resumes
    }

    fn read_is_shut(&self) -> bool {
        self.pull.read_pauses > self.pull.read_resumes
    }

    fn draw(&self, what: &str) {
        let write = gauge(self.push.write_buffer_bytes, self.write_is_shut());
        let read = gauge(self.pull.read_buffer_bytes, self.read_is_shut());
        println!("write {write}   read {read}   {what}");
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

    let look = || Tide::look(&push, &pull);
    let (mut written, mut read) = (0, 0);
    while read < MESSAGES {
        // The writer: until nobody takes anything any more, and both gates are shut.
        while written < MESSAGES && !(look().write_is_shut() && look().read_is_shut()) {
            if poll_once(push.drain()).await.transpose()?.is_none() {
                thread::yield_now();
                continue;
            }
            push.write(message(written))?;
            written += 1;
            if written % 20 == 0 {
                look().draw(&format!("{written} written"));
            }
        }
        look().draw(&format!("{written} written"));

        // The reader: until the writer may go on, or there is nothing more to come.
        while read < written && (look().write_is_shut() || written == MESSAGES) {
            let message = pull.read().await?;
            assert_eq!(message[0][..8], read.to_le_bytes());
            read += 1;
            if read % 20 == 0 {
                look().draw(&format!("{read} read"));
            }
        }
        look().draw(&format!("{read} read"));
    }

    let end = look();
    println!(
        "{MESSAGES} messages in order; the write gate shut {} times, the read gate {}",
        end.push.write_pauses, end.pull.read_pauses
    );
    tidegate::shutdown(Duration::from_secs(5)).await?;
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    block_on(go())
}
