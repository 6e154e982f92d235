//! The task that reads the telemetry, and is busy with something else now and then.

use crate::clock;
use crate::stream::STREAM;
use crate::telemetry::Telemetry;

/// After so many messages the reader is busy for a while.
const BURST: u32 = 100;
/// For how long it is busy then, in ticks.
const BUSY_TICKS: u32 = 60;

/// What came.
#[derive(Clone, Copy, Default)]
pub struct Received {
    /// All messages.
    pub messages: u32,
    /// Those that were not the next one of the sequence, or not as they were sent.
    pub wrong: u32,
}

/// Reads until the stream is closed and everything was read.
pub async fn run() -> Received {
    let mut received = Received::default();
    while let Ok(message) = STREAM.peek().await {
        let telemetry = Telemetry::decode(message.frames());
        message.release();
        if telemetry != Some(Telemetry::measure(received.messages)) {
            received.wrong += 1;
        }
        received.messages += 1;
        if received.messages.is_multiple_of(BURST) {
            defmt::info!(
                "{} messages read, busy until tick {}",
                received.messages,
                clock::now() + BUSY_TICKS
            );
            clock::sleep(BUSY_TICKS).await;
        }
    }
    received
}
