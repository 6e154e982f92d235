//! What happened, and whether it was all right.

use crate::clock;
use crate::producer::Producer;
use crate::reader::Received;
use crate::telemetry::MESSAGES;
use crate::watcher::Seen;

/// Prints it. True if every message came in order and nothing is unaccounted for.
pub fn print(sent: Producer, received: Received, seen: Seen) -> bool {
    defmt::info!(
        "{} messages sent, {} read, {} of them wrong; {} held back; {} ticks",
        sent.sent,
        received.messages,
        received.wrong,
        sent.held_back,
        clock::now()
    );
    defmt::info!(
        "{} events reported, {} read, {} discarded",
        sent.events,
        seen.events,
        seen.discarded
    );
    let complete = sent.sent == MESSAGES && received.messages == MESSAGES && received.wrong == 0;
    let accounted = seen.events + seen.discarded == sent.events
        && (seen.discarded > 0 || seen.held_back == sent.held_back);
    if complete && accounted {
        defmt::info!("nothing was lost");
    } else {
        defmt::error!("something was lost");
    }
    complete && accounted
}
