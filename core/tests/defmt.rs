//! What is printed of a message by `defmt`: H5. The logger keeps every byte that goes to whoever listens.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tidegate_core::{MessageBuffer, PushError, SendError, WriteError};

/// A logger that keeps what is written.
#[defmt::global_logger]
struct Kept;

static KEPT: Mutex<Vec<u8>> = Mutex::new(Vec::new());

fn kept() -> MutexGuard<'static, Vec<u8>> {
    KEPT.lock().unwrap_or_else(PoisonError::into_inner)
}

// SAFETY: there is one test, which writes its lines one after the other.
unsafe impl defmt::Logger for Kept {
    fn acquire() {}
    unsafe fn flush() {}
    unsafe fn release() {}
    unsafe fn write(bytes: &[u8]) {
        kept().extend(bytes);
    }
}

defmt::timestamp!("");

#[defmt::panic_handler]
fn panic() -> ! {
    std::process::abort()
}

/// What is printed of a value.
fn printed(value: impl defmt::Format) -> Vec<u8> {
    defmt::error!("{}", value);
    std::mem::take(&mut *kept())
}

#[test]
fn h5_of_a_message_that_was_refused_no_byte_is_printed_and_why_it_was_refused_is() {
    const SECRET: &[&[u8]] = &[b"secret", b"secret"];
    let has_secret = |bytes: &[u8]| bytes.windows(6).any(|window| window == SECRET[0]);
    assert!(has_secret(&printed(SECRET)), "the logger sees nothing");

    let pushed = [
        PushError::NoFrames(SECRET),
        PushError::Full(SECRET),
        PushError::TooLarge(SECRET),
        PushError::Closed(SECRET),
    ];
    let written = pushed.map(WriteError::<_, u8>::from);
    let sent = [
        SendError::NoFrames(SECRET),
        SendError::TooLarge(SECRET),
        SendError::Closed(SECRET),
        SendError::TooManyWaiters(SECRET),
        SendError::Failed(SECRET, 7u8),
        SendError::Failed(SECRET, 8u8),
    ];
    let failed = [7, 8].map(|error| WriteError::<_, u8>::Failed(SECRET, error));
    for lines in [
        Vec::from(pushed.map(printed)),
        [written.map(printed).as_slice(), &failed.map(printed)].concat(),
        Vec::from(sent.map(printed)),
    ] {
        assert!(lines.iter().all(|line| !has_secret(line)), "{lines:?}");
        for (at, line) in lines.iter().enumerate() {
            assert!(!lines[..at].contains(line), "two are printed alike");
        }
    }

    let mut buffer = MessageBuffer::<32>::new();
    buffer.push(SECRET).unwrap();
    let frames = buffer.peek_with(|frames| printed(frames)).unwrap();
    assert!(!frames.is_empty() && !has_secret(&frames));
}
