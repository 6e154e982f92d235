//! Messages as tests make and compare them.

/// A message as tests compare it.
pub type Message = Vec<Vec<u8>>;

/// Hands `f` the frames as the core takes them.
pub fn with_frames<R>(message: &[Vec<u8>], f: impl FnOnce(&[&[u8]]) -> R) -> R {
    let frames: Vec<&[u8]> = message.iter().map(Vec::as_slice).collect();
    f(&frames)
}

/// A random message: up to `frames` frames of up to `bytes` bytes each.
pub fn random_message(rng: &mut fastrand::Rng, frames: usize, bytes: usize) -> Message {
    (0..rng.usize(1..=frames))
        .map(|_| {
            let len = rng.usize(0..=bytes);
            std::iter::repeat_with(|| rng.u8(..)).take(len).collect()
        })
        .collect()
}
