//! Messages that say who sent them, which of theirs they are, and whether they are whole.

use core::sync::atomic::{AtomicU32, Ordering};

use tidegate_core::Frames;

/// The payload of the second frame, in bytes, is the first number and up to so many more.
const LENGTHS: (usize, usize) = (5, 16);

/// Who sends.
#[derive(Clone, Copy)]
pub enum From {
    /// The main program.
    Main = 0,
    /// The interrupt.
    Interrupt = 1,
}

/// The longest payload of a message.
pub const LONGEST: usize = 2 + LENGTHS.0 + LENGTHS.1;
/// A message has a frame with its sender and number, and one that follows from those.
pub const FRAMES: usize = 2;

/// One message.
#[derive(Clone, Copy)]
pub struct Message {
    head: [u8; 2],
    len: usize,
}

impl Message {
    /// The sender's message of this number.
    pub fn new(from: From, serial: u32) -> Self {
        let [serial, ..] = serial.to_le_bytes();
        let from = from as u8;
        Self {
            head: [from, serial],
            len: LENGTHS.0 + usize::from(serial.wrapping_mul(7)) % LENGTHS.1,
        }
    }

    /// The first frame.
    pub fn head(&self) -> &[u8] {
        &self.head
    }

    /// How long the second frame is.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Every byte of the second frame.
    fn body(&self) -> impl Iterator<Item = u8> + use<> {
        let [from, serial] = self.head;
        (0..self.len).map(move |at| serial ^ (from << 7) ^ (at as u8).wrapping_mul(29))
    }

    /// Writes the second frame.
    pub fn put(&self, out: &mut [u8]) {
        out.iter_mut()
            .zip(self.body())
            .for_each(|(to, from)| *to = from);
    }

    fn is(&self, mut frames: Frames<'_>) -> bool {
        frames.next() == Some(self.head())
            && frames
                .next()
                .is_some_and(|frame| frame.iter().copied().eq(self.body()))
            && frames.next().is_none()
    }
}

/// How many messages each sender has sent, or how many of each were seen.
#[derive(Debug)]
pub struct Serials([AtomicU32; 2]);

impl Serials {
    /// None yet.
    pub const fn new() -> Self {
        Self([const { AtomicU32::new(0) }; 2])
    }

    /// Those of one sender.
    pub fn get(&self, from: From) -> u32 {
        self.0[from as usize].load(Ordering::Relaxed)
    }

    /// One more.
    pub fn count(&self, from: From) {
        self.0[from as usize].store(self.get(from).wrapping_add(1), Ordering::Relaxed);
    }

    /// The sender's next message.
    pub fn next(&self, from: From) -> Message {
        let message = Message::new(from, self.get(from));
        self.count(from);
        message
    }

    /// A message came: it has to be the next one of its sender, and whole. Says whether it is.
    pub fn see(&self, frames: Frames<'_>) -> bool {
        let Some(&[from, _]) = frames.clone().next() else {
            return false;
        };
        let from = if from == 0 {
            From::Main
        } else {
            From::Interrupt
        };
        let is_well = Message::new(from, self.get(from)).is(frames);
        self.count(from);
        is_well
    }

    /// How many of these the other one does not have.
    pub fn more_than(&self, other: &Self) -> u32 {
        [From::Main, From::Interrupt]
            .into_iter()
            .fold(0, |sum, from| {
                sum.wrapping_add(self.get(from).wrapping_sub(other.get(from)))
            })
    }

    /// Whether both count the same.
    pub fn agree(&self, other: &Self) -> bool {
        [From::Main, From::Interrupt]
            .into_iter()
            .all(|from| self.get(from) == other.get(from))
    }
}
