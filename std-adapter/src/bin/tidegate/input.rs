//! Messages from the command line or from the lines of stdin.

use std::io::{self, BufRead, BufReader};
use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use async_channel::{Receiver, Sender};
use clap::Args;
use tidegate::Multipart;

use crate::end::End;
use crate::format::Codec;

/// So many lines, or bytes, go from one thread to the other at once. The next ones are read meanwhile, and no more.
const BATCH: usize = 256;
const BATCH_BYTES: usize = 64 * 1024;

#[derive(Args, Debug)]
pub struct Messages {
    #[command(flatten)]
    pub codec: Codec,
    /// Messages, each as a line of stdin would be; without any, the lines of stdin
    #[arg(value_name = "MESSAGE")]
    messages: Vec<String>,
}

type Batch = Result<Vec<Multipart>, String>;

/// Messages, in order, some at a time.
pub struct Input {
    batches: Receiver<Batch>,
    thread: Arc<State>,
}

/// What the thread that reads stdin and the one that sends tell each other.
#[derive(Default)]
struct State {
    /// What it has read is in the channel, and it waits for more.
    is_reading: AtomicBool,
    /// It is to read no more.
    is_stopped: AtomicBool,
}

impl Messages {
    pub fn open(self) -> Result<Input, End> {
        let (sender, batches) = async_channel::bounded(1);
        let thread = Arc::<State>::default();
        let input = Input {
            batches,
            thread: thread.clone(),
        };
        if self.messages.is_empty() {
            let name = thread::Builder::new().name("stdin".into());
            name.spawn(move || read_all(&self.codec, &sender, &thread))?;
            return Ok(input);
        }
        let messages = self.messages.iter();
        let messages = messages.map(|message| self.codec.decode(message.as_bytes()));
        let messages = messages.collect::<Batch>().map_err(End::Usage)?;
        sender.try_send(Ok(messages))?;
        Ok(input)
    }
}

impl Input {
    /// The next ones; `None` at the end.
    pub async fn next(&self) -> Option<Batch> {
        self.batches.recv().await.ok()
    }

    /// Those that were read until now; nothing more is read.
    pub async fn rest(&self) -> Option<Batch> {
        self.thread.is_stopped.store(true, Ordering::SeqCst);
        // Looked at first: what it had read by then is there.
        if self.thread.is_reading.load(Ordering::SeqCst) {
            return self.batches.try_recv().ok();
        }
        // It is about to put something there, or to see that it is to stop.
        self.next().await
    }
}

/// Reads lines until nobody wants them any more. What is not taken holds it back.
fn read_all(codec: &Codec, to: &Sender<Batch>, state: &State) {
    let mut stdin = BufReader::with_capacity(BATCH_BYTES, io::stdin());
    let (mut batch, mut bytes) = (Vec::new(), 0);
    let mut line = Vec::new();
    for number in 1_u64.. {
        let would_wait = !stdin.buffer().contains(&b'\n');
        if !batch.is_empty() && (would_wait || batch.len() >= BATCH || bytes >= BATCH_BYTES) {
            bytes = 0;
            if to.send_blocking(Ok(mem::take(&mut batch))).is_err() {
                return;
            }
        }
        state.is_reading.store(batch.is_empty(), Ordering::SeqCst);
        if state.is_stopped.load(Ordering::SeqCst) && batch.is_empty() {
            return;
        }
        line.clear();
        let read = stdin.read_until(b'\n', &mut line);
        state.is_reading.store(false, Ordering::SeqCst);
        let message = match read {
            Ok(0) => break,
            Ok(_) => {
                let line = line.strip_suffix(b"\n").unwrap_or(&line);
                let message = codec.decode(line);
                message.map_err(|error| format!("line {number}: {error}"))
            }
            Err(error) => Err(format!("cannot read stdin: {error}")),
        };
        match message {
            Ok(message) => {
                bytes += message.payload_bytes();
                batch.push(message);
            }
            Err(error) => {
                // Those before it are sent.
                if batch.is_empty() || to.send_blocking(Ok(mem::take(&mut batch))).is_ok() {
                    let _ = to.send_blocking(Err(error));
                }
                return;
            }
        }
    }
    if !batch.is_empty() {
        let _ = to.send_blocking(Ok(batch));
    }
}
