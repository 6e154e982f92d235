//! Messages that say their number, and whether anything of them is missing.

use tidegate::Multipart;

/// What a frame begins with: the number of its message, its own, and how many there are.
const HEADER: usize = 12;

/// Message number `k`: so many frames of so many bytes, of which each has 12 for its numbers.
pub fn numbered(k: u32, frames: u32, bytes: usize) -> Multipart {
    let frame = |i: u32| {
        let mut frame = vec![k.to_le_bytes()[0]; bytes.max(HEADER)];
        for (place, number) in frame.chunks_exact_mut(4).zip([k, i, frames]) {
            place.copy_from_slice(&number.to_le_bytes());
        }
        frame
    };
    (0..frames).map(frame).collect()
}

/// The number of a message that is whole. One that is torn, or put together of two, ends the test.
pub fn number_of(message: &[impl AsRef<[u8]>]) -> u32 {
    let number = |frame: &[u8], i: usize| {
        let bytes = frame.get(4 * i..4 * i + 4).expect("a header");
        u32::from_le_bytes(bytes.try_into().expect("four bytes"))
    };
    let first = message.first().expect("a frame").as_ref();
    let k = number(first, 0);
    for (i, frame) in (0..).zip(message) {
        let frame = frame.as_ref();
        let numbers = [0, 1, 2].map(|place| number(frame, place));
        assert_eq!(numbers, [k, i, u32::try_from(message.len()).expect("few")]);
        assert_eq!(frame.len(), first.len());
        // Each byte is like the one before it, and the first is the message's.
        let filler = &frame[HEADER..];
        assert!(
            filler
                .first()
                .is_none_or(|&byte| byte == k.to_le_bytes()[0])
        );
        assert!(filler.is_empty() || filler[1..] == filler[..filler.len() - 1]);
    }
    k
}
