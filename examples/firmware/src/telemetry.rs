//! The message: two frames, the sequence number and the reading, four bytes each with the lowest first.

use crate::sensor;

/// How many messages are sent in all.
pub const MESSAGES: u32 = 1000;

/// One measurement.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Telemetry {
    /// Counts from 0, without a gap.
    pub sequence: u32,
    /// In thousandths of a degree.
    pub reading: i32,
}

impl Telemetry {
    /// Payload of a message, in bytes.
    pub const BYTES: usize = 8;
    /// Frames of a message.
    pub const FRAMES: usize = 2;

    /// What is measured now.
    pub fn measure(sequence: u32) -> Self {
        Self {
            sequence,
            reading: sensor::reading(sequence),
        }
    }

    /// What the frames of a message say, if they are as they must be.
    pub fn decode<'a>(mut frames: impl Iterator<Item = &'a [u8]>) -> Option<Self> {
        let sequence = frames.next()?.try_into().ok()?;
        let reading = frames.next()?.try_into().ok()?;
        frames.next().is_none().then_some(Self {
            sequence: u32::from_le_bytes(sequence),
            reading: i32::from_le_bytes(reading),
        })
    }
}
