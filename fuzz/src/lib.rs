//! What the fuzz targets share: wakers that count, messages, and a critical section that is interrupted.

pub mod line;
pub mod link;
pub mod meddle;
pub mod model;
pub mod ops;
pub mod rig;
pub mod shared;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Wake, Waker};

/// A message as the models keep it.
pub type Message = Vec<Vec<u8>>;

/// A waker that counts how often it was woken.
#[derive(Default)]
pub struct Counter(AtomicUsize);

impl Wake for Counter {
    fn wake(self: Arc<Self>) {
        assert!(
            !meddle::is_inside(),
            "somebody is woken inside a critical section"
        );
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Counter {
    /// How often it was woken since the last look.
    pub fn take(&self) -> usize {
        self.0.swap(0, Ordering::Relaxed)
    }

    /// How often it was woken since it was taken last.
    pub fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    pub fn waker(self: &Arc<Self>) -> Waker {
        self.clone().into()
    }
}

/// Messages whose bytes are counted up, so that no two are alike.
#[derive(Default)]
pub struct Bytes(u8);

impl Bytes {
    pub fn frame(&mut self, len: usize) -> Vec<u8> {
        (0..len)
            .map(|_| {
                self.0 = self.0.wrapping_add(1);
                self.0
            })
            .collect()
    }

    pub fn message(&mut self, lengths: &[u8]) -> Message {
        lengths
            .iter()
            .map(|&len| self.frame(usize::from(len)))
            .collect()
    }
}

/// The frames as the core takes them.
pub fn slices(message: &Message) -> Vec<&[u8]> {
    message.iter().map(Vec::as_slice).collect()
}

/// What a gate is charged for a message.
pub fn charge(message: &Message) -> usize {
    message.iter().map(|frame| frame.len() + 2).sum()
}

/// How many bytes a message takes in a packed ring.
pub fn packed(message: &Message) -> usize {
    tidegate_core::packed_bytes(&slices(message)).expect("no frame is that long")
}
