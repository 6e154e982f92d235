//! What a stream and its far end send each other: `tests/interop/peer.py` has it too.

use tidegate::{Frame, Multipart};

use crate::message::Message;

/// Messages of every shape, and so many with a number.
pub fn messages(numbered: usize) -> Vec<Message> {
    let text = |frames: &[&str]| {
        frames
            .iter()
            .map(|frame| frame.as_bytes().to_vec())
            .collect()
    };
    let byte = |k: usize| u8::try_from(k).expect("it is one");
    let mut messages: Vec<Message> = vec![
        text(&["several", "frames", "of text"]),
        text(&["", "between empty frames", ""]),
        text(&[""]),
        text(&["", "", ""]),
        vec![(0..=255).collect(), vec![0xff, 0xfe, 0, 0x80]],
        vec![large(), b"large".to_vec()],
        (0..100).map(|i| i.to_string().into_bytes()).collect(),
    ];
    messages.extend((0..numbered).map(|k| {
        let number = k.to_string().into_bytes();
        vec![number, Vec::new(), vec![byte(k % 256); k % 40]]
    }));
    messages
}

/// 100,000 bytes.
pub fn chunk() -> Vec<u8> {
    (0..=250).cycle().take(100_000).collect()
}

/// Ten chunks.
pub fn large() -> Vec<u8> {
    chunk().repeat(10)
}

/// What the far end answers to a message: its frames from the last to the first, each from its end.
pub fn answer(message: &Message) -> Message {
    let mut answer = message.clone();
    answer.reverse();
    answer.iter_mut().for_each(|frame| frame.reverse());
    answer
}

/// A message behind these frames.
pub fn behind(head: &[&[u8]], message: &Message) -> Message {
    let head = head.iter().map(|frame| frame.to_vec());
    head.chain(message.iter().cloned()).collect()
}

/// A message as a failed test shows it.
pub(crate) fn short(message: &Multipart) -> String {
    let shown = |frame: &Frame| match frame.get(..40) {
        Some(begin) => format!("\"{}... of {}\"", begin.escape_ascii(), frame.len()),
        None => format!("{frame:?}"),
    };
    let frames: Vec<_> = message.iter().map(shown).collect();
    format!("[{}]", frames.join(", "))
}
