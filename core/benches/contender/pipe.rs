//! embassy-sync: a pipe of bytes, with each message's length in two bytes before it.

use core::mem::size_of_val;

use embassy_sync::pipe;

use super::{BYTES, Contender, Lock, SLOT_BYTES, Visit};

/// The pipe itself.
pub type Pipe = pipe::Pipe<Lock, BYTES>;

/// The pipe, and what a message is copied into to be shown in one piece.
pub struct Framed<'a> {
    pipe: &'a Pipe,
    out: [u8; SLOT_BYTES],
}

impl<'a> Framed<'a> {
    /// Around a pipe that holds nothing else.
    pub fn new(pipe: &'a Pipe) -> Self {
        Self {
            pipe,
            out: [0; SLOT_BYTES],
        }
    }
}

/// Writes all of it, which has room; a write stops at the ring's end.
fn write(pipe: &Pipe, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        let written = pipe.try_write(bytes).unwrap_or(0);
        bytes = bytes.get(written..).unwrap_or_default();
    }
}

/// Fills `out`; whether all of it was there.
fn read(pipe: &Pipe, mut out: &mut [u8]) -> bool {
    while !out.is_empty() {
        let Ok(count) = pipe.try_read(out) else {
            return false;
        };
        out = out.get_mut(count..).unwrap_or_default();
    }
    true
}

impl Contender for Framed<'_> {
    fn push(&mut self, message: &[u8]) -> bool {
        let Ok(len) = u16::try_from(message.len()) else {
            return false;
        };
        if self.pipe.free_capacity() < message.len() + 2 {
            return false;
        }
        write(self.pipe, &len.to_le_bytes());
        write(self.pipe, message);
        true
    }

    fn pop(&mut self, mut see: impl FnMut(&[u8])) -> bool {
        let mut len = [0; 2];
        if !read(self.pipe, &mut len) {
            return false;
        }
        let len = usize::from(u16::from_le_bytes(len));
        self.out.get_mut(..len).is_some_and(|out| {
            let is_whole = read(self.pipe, out);
            see(out);
            is_whole
        })
    }
}

/// Shows it to the visitor.
pub fn visit(visit: &mut impl Visit) {
    let pipe = Pipe::new();
    visit.queue(
        "embassy-sync Pipe",
        size_of_val(&pipe),
        &mut Framed::new(&pipe),
    );
}
