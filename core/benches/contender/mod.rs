//! Queues of messages in about 2048 bytes that do the same work, on the host and on a device.
//!
//! On the host nothing is locked, for a lock of the host's says nothing of a device: what cannot do without, the stream
//! and readers that wait, is for devices alone.

pub mod bbqueue;
pub mod channel;
pub mod copy;
pub mod deque;
pub mod events;
pub mod pipe;
pub mod tidegate;
#[cfg(target_os = "none")]
pub mod tidegate_stream;
#[cfg(target_os = "none")]
pub mod waiting;
pub mod zerocopy;

#[cfg(target_os = "none")]
pub use embassy_sync::blocking_mutex::raw::CriticalSectionRawMutex as Lock;
#[cfg(not(target_os = "none"))]
pub use embassy_sync::blocking_mutex::raw::NoopRawMutex as Lock;

/// The bytes that a ring has.
pub const BYTES: usize = 2048;
/// The longest message of a queue whose slots are all of one size.
pub const SLOT_BYTES: usize = 256;
/// How many such slots make [`BYTES`].
pub const SLOTS: usize = BYTES / SLOT_BYTES;

/// A message in a slot.
pub type Slot = heapless::Vec<u8, SLOT_BYTES>;

/// A queue of messages of one frame.
pub trait Contender {
    /// Copies a message in; says whether there was room.
    fn push(&mut self, message: &[u8]) -> bool;
    /// Shows the oldest message and drops it; says whether there was one.
    fn pop(&mut self, see: impl FnMut(&[u8])) -> bool;
}

impl<Q: Contender> Contender for &mut Q {
    fn push(&mut self, message: &[u8]) -> bool {
        (**self).push(message)
    }

    fn pop(&mut self, see: impl FnMut(&[u8])) -> bool {
        (**self).pop(see)
    }
}

/// A queue whose messages may have several frames.
pub trait FramedContender: Contender {
    /// Copies a message in; says whether there was room.
    fn push_frames(&mut self, frames: &[&[u8]]) -> bool;
    /// Shows the frames of the oldest message and drops it; says whether there was one.
    fn pop_frames(&mut self, see: impl FnMut(&[u8])) -> bool;
}

/// What is done with each contender in turn.
pub trait Visit {
    /// A contender and the memory that it takes, payload included.
    fn queue(&mut self, name: &str, ram_bytes: usize, queue: &mut impl Contender);
    /// The same for one with frames.
    fn framed(&mut self, name: &str, ram_bytes: usize, queue: &mut impl FramedContender);
}

/// Shows every contender to the visitor.
pub fn each(visit: &mut impl Visit) {
    copy::visit(visit);
    deque::visit(visit);
    channel::visit(visit);
    zerocopy::visit(visit);
    pipe::visit(visit);
    bbqueue::visit(visit);
    tidegate::visit(visit);
    #[cfg(target_os = "none")]
    tidegate_stream::visit(visit);
}
