//! Multipart messages of owned frames.

use std::ops::{Deref, DerefMut};
use std::{fmt, mem};

use bytes::Bytes;
use smallvec::SmallVec;

use crate::error::Errno;
use crate::socket::Socket;
use crate::spill;

pub use crate::socket::Frame;

/// How many frames lie in the message itself. Most messages have one, and what is small moves fast.
const INLINE: usize = 1;

/// A message: one frame or several, each owned and cheap to move.
///
/// One frame lies in the message itself; those of a message with more lie in a buffer, which the thread that drops the message keeps and
/// uses again. A frame of up to 33 bytes lies in the frame itself; a longer one is moved into a message, through the stream and out
/// again without being copied.
///
/// It is made of whatever can be a [`Frame`], or of an array, a tuple or an iterator of these:
///
/// ```
/// use tidegate::Multipart;
///
/// let message = Multipart::from(("data", b"ask", 7.to_string()));
/// assert_eq!(message.len(), 3);
/// assert_eq!(message, ["data", "ask", "7"]);
///
/// let shared = bytes::Bytes::from(vec![7; 100_000]);
/// let message = Multipart::from(("not copied", shared.clone()));
/// assert_eq!(message[1].as_ptr(), shared.as_ptr());
///
/// let message: Multipart = (0..5).map(|i| vec![i; 100]).collect();
/// assert_eq!(message.payload_bytes(), 500);
///
/// // A message may be empty while it is put together; a stream does not take it like that.
/// let mut message = Multipart::new();
/// message.push("first");
/// assert_eq!(message, "first");
/// ```
#[derive(Default, PartialEq, Eq)]
pub struct Multipart {
    frames: SmallVec<[Frame; INLINE]>,
}

impl Multipart {
    /// A message without frames.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a frame at the end.
    #[inline]
    pub fn push(&mut self, frame: impl Into<Frame>) {
        self.push_frame(frame.into());
    }

    #[inline]
    fn push_frame(&mut self, frame: Frame) {
        if self.frames.len() == INLINE && !self.frames.spilled() {
            self.spill();
        }
        self.frames.push(frame);
    }

    /// Adds a frame with a copy of these bytes, made where it stays.
    #[inline]
    fn push_copied(&mut self, bytes: &[u8]) {
        self.push_frame(Frame::room());
        if let Some(frame) = self.frames.last_mut() {
            frame.copy_from(bytes);
        }
    }

    /// Makes room for more frames than lie in the message itself.
    #[inline(never)]
    fn spill(&mut self) {
        let mut buffer = spill::take();
        if let Some(first) = self.frames.pop() {
            buffer.push(first);
        }
        // What it replaces has nothing left to drop.
        mem::forget(mem::replace(&mut self.frames, SmallVec::from_vec(buffer)));
    }

    /// libzmq has taken all frames over. The last one, of which nothing was kept, it has left empty: that one need not be closed
    /// (zmq_msg_send(3)).
    #[inline]
    pub(crate) fn sent(&mut self) {
        if !self.frames.spilled() {
            return mem::forget(mem::take(&mut self.frames));
        }
        if let Some(last) = self.frames.pop() {
            mem::forget(last);
        }
        self.frames.clear();
    }

    /// Receives a frame at the end. Returns how many bytes it has, and whether more belong to the message; a failure adds none.
    #[inline]
    pub(crate) fn receive(&mut self, socket: &mut Socket) -> Result<(usize, bool), Errno> {
        // In its place: to move what libzmq has just written costs more than all else.
        self.push_frame(Frame::room());
        let received = match self.frames.last_mut() {
            Some(frame) => socket.recv(frame),
            None => Err(Errno::INVALID),
        };
        if received.is_err() {
            self.frames.pop();
        }
        received
    }

    /// [`receive`](Self::receive), where there are no frames yet, and no buffer for them.
    #[inline]
    pub(crate) fn receive_first(&mut self, socket: &mut Socket) -> Result<(usize, bool), Errno> {
        debug_assert!(self.frames.is_empty() && !self.frames.spilled());
        // In its place, too. What it replaces has nothing to drop.
        let room = SmallVec::from_buf([Frame::room()]);
        mem::forget(mem::replace(&mut self.frames, room));
        let received = match self.frames.first_mut() {
            Some(frame) => socket.recv(frame),
            None => Err(Errno::INVALID),
        };
        if received.is_err() {
            self.frames.pop();
        }
        received
    }

    /// Has bytes of its own; see there.
    pub(crate) fn own(&mut self) {
        self.frames.iter_mut().for_each(Frame::own);
    }

    /// A second message over the same bytes.
    pub(crate) fn share(&mut self) -> Self {
        self.frames.iter_mut().map(Frame::share).collect()
    }

    /// The payload of all frames together, in bytes.
    pub fn payload_bytes(&self) -> usize {
        self.frames
            .iter()
            .fold(0, |sum, frame| sum.saturating_add(frame.len()))
    }
}

impl Clone for Multipart {
    fn clone(&self) -> Self {
        self.iter().cloned().collect()
    }
}

impl Drop for Multipart {
    #[inline]
    fn drop(&mut self) {
        if self.frames.spilled() {
            spill::give_back(mem::take(&mut self.frames).into_vec());
        }
    }
}

impl Deref for Multipart {
    type Target = [Frame];
    fn deref(&self) -> &[Frame] {
        &self.frames
    }
}

impl DerefMut for Multipart {
    fn deref_mut(&mut self) -> &mut [Frame] {
        &mut self.frames
    }
}

impl fmt::Debug for Multipart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl IntoIterator for Multipart {
    type Item = Frame;
    type IntoIter = smallvec::IntoIter<[Frame; INLINE]>;
    fn into_iter(mut self) -> Self::IntoIter {
        mem::take(&mut self.frames).into_iter()
    }
}

impl<'a> IntoIterator for &'a Multipart {
    type Item = &'a Frame;
    type IntoIter = std::slice::Iter<'a, Frame>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<F: Into<Frame>> FromIterator<F> for Multipart {
    fn from_iter<I: IntoIterator<Item = F>>(iter: I) -> Self {
        let mut message = Self::new();
        message.extend(iter);
        message
    }
}

impl<F: Into<Frame>> Extend<F> for Multipart {
    fn extend<I: IntoIterator<Item = F>>(&mut self, iter: I) {
        for frame in iter {
            self.push(frame);
        }
    }
}

impl<F: Into<Frame>, const N: usize> From<[F; N]> for Multipart {
    fn from(frames: [F; N]) -> Self {
        frames.into_iter().collect()
    }
}

macro_rules! frames {
    ($($frames:ty),* $(,)?) => {$(
        impl From<$frames> for Multipart {
            fn from(frames: $frames) -> Self {
                frames.into_iter().collect()
            }
        }
    )*};
}
frames!(
    Vec<Frame>,
    Vec<Bytes>,
    Vec<Vec<u8>>,
    Vec<String>,
    Vec<&[u8]>,
    Vec<&str>,
    Vec<zmq::Message>
);

impl From<&[&[u8]]> for Multipart {
    #[inline]
    fn from(frames: &[&[u8]]) -> Self {
        let mut message = Self::new();
        for frame in frames {
            message.push_copied(frame);
        }
        message
    }
}

/// A message of one frame, which is a copy.
macro_rules! one_copied {
    ($([$($generics:tt)*] $from:ty),* $(,)?) => {$(
        impl<$($generics)*> From<$from> for Multipart {
            #[inline]
            fn from(frame: $from) -> Self {
                let mut message = Self::new();
                message.push_copied(frame.as_ref());
                message
            }
        }
    )*};
}
one_copied!([] &[u8], [const N: usize] &[u8; N], [] &str, [] &String, [] &Vec<u8>);

/// Anything that makes a frame makes a message of one frame.
macro_rules! one_frame {
    ($([$($generics:tt)*] $from:ty),* $(,)?) => {$(
        impl<$($generics)*> From<$from> for Multipart {
            fn from(frame: $from) -> Self {
                [frame].into()
            }
        }
    )*};
}
one_frame!([] Frame, [] Bytes, [] Vec<u8>, [] String, [] zmq::Message);

macro_rules! tuple {
    ($($frame:ident)+) => {
        impl<$($frame: Into<Frame>),+> From<($($frame,)+)> for Multipart {
            #[allow(non_snake_case, reason = "each frame is named as its type")]
            fn from(($($frame,)+): ($($frame,)+)) -> Self {
                [$($frame.into()),+].into_iter().collect::<Self>()
            }
        }
    };
}
tuple!(A);
tuple!(A B);
tuple!(A B C);
tuple!(A B C D);
tuple!(A B C D E);
tuple!(A B C D E F);

impl From<&[u8]> for Frame {
    fn from(bytes: &[u8]) -> Self {
        Self::copied(bytes)
    }
}

impl<const N: usize> From<&[u8; N]> for Frame {
    fn from(bytes: &[u8; N]) -> Self {
        Self::copied(bytes)
    }
}

impl From<&str> for Frame {
    fn from(text: &str) -> Self {
        Self::copied(text.as_bytes())
    }
}

impl From<Vec<u8>> for Frame {
    fn from(bytes: Vec<u8>) -> Self {
        Self::owned(bytes)
    }
}

impl From<String> for Frame {
    fn from(text: String) -> Self {
        Self::owned(text.into_bytes())
    }
}

/// The bytes are copied.
impl From<&String> for Frame {
    fn from(text: &String) -> Self {
        Self::copied(text.as_bytes())
    }
}

/// The bytes are copied.
impl From<&Vec<u8>> for Frame {
    fn from(bytes: &Vec<u8>) -> Self {
        Self::copied(bytes)
    }
}

/// A message of the `zmq` crate, which is one frame. The bytes are copied.
impl From<zmq::Message> for Frame {
    fn from(message: zmq::Message) -> Self {
        Self::copied(&message)
    }
}

/// Over 1 KiB the bytes are not copied: libzmq refers to them until it has sent them. A peer over `inproc` gets the very same bytes,
/// and is not to write to them. The owner of the bytes is dropped in whatever thread lets go of them last, libzmq's included, and not
/// while a stream is locked.
impl From<Bytes> for Frame {
    fn from(bytes: Bytes) -> Self {
        Self::referring(bytes)
    }
}

/// Nothing is copied: the bytes stay where libzmq has put them, which may be among [many more](crate::ContextBuilder::copy_received).
impl From<Frame> for Bytes {
    fn from(frame: Frame) -> Self {
        Self::from_owner(frame)
    }
}

impl From<&Frame> for Vec<u8> {
    fn from(frame: &Frame) -> Self {
        frame.to_vec()
    }
}

impl AsRef<[u8]> for Frame {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl Default for Frame {
    fn default() -> Self {
        Self::copied(&[])
    }
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.escape_ascii())
    }
}

impl Eq for Frame {}

impl<B: AsRef<[u8]> + ?Sized> PartialEq<B> for Frame {
    fn eq(&self, other: &B) -> bool {
        **self == *other.as_ref()
    }
}

impl<F, const N: usize> PartialEq<[F; N]> for Multipart
where
    Frame: PartialEq<F>,
{
    fn eq(&self, other: &[F; N]) -> bool {
        *self.frames == *other
    }
}

impl<F> PartialEq<&[F]> for Multipart
where
    Frame: PartialEq<F>,
{
    fn eq(&self, other: &&[F]) -> bool {
        *self.frames == **other
    }
}

impl PartialEq<str> for Multipart {
    fn eq(&self, other: &str) -> bool {
        matches!(&*self.frames, [frame] if frame == other)
    }
}

impl PartialEq<&str> for Multipart {
    fn eq(&self, other: &&str) -> bool {
        *self == **other
    }
}
