//! What the types print.

use core::fmt::{self, Debug, Display, Write};
use core::hint::black_box;

use tidegate_core::{
    AlreadyDone, CommitError, DrainError, Endpoint, EventError, EventKind, EventMask, EventRing,
    Gate, Interest, Limit, Lost, MessageBuffer, NoEvents, PushError, ReadError, ReadEventError,
    SendError, State, Stream, TooManyWaiters, TryReadError, TryReadEventError, WatermarkError,
    Watermarks, WriteError,
};

use tidegate_firmware_tests::opaque::{message, number, opaque, text};

static STREAM: Stream<64, 64, 2, u8> = Stream::new();

struct Sink;

impl Write for Sink {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        opaque(text);
        if number() == 0 {
            Err(fmt::Error)
        } else {
            Ok(())
        }
    }
}

fn show(value: impl Display) {
    opaque(write!(Sink, "{}", black_box(value)).is_ok());
}

fn debug(value: impl Debug) {
    opaque(write!(Sink, "{:?}", black_box(value)).is_ok());
}

/// What has a state, or other types inside.
fn states() {
    let mut buffer = MessageBuffer::<64>::new();
    let buffer = black_box(&mut buffer);
    debug(&*buffer);
    buffer.peek_with(|frames| debug(frames));
    debug(EventRing::<u32, 4>::new());
    debug(Gate::<MessageBuffer<64>>::new());
    debug(NoEvents);
    let stream = black_box(&STREAM);
    debug(stream);
    debug((stream.writer(), stream.reader(), stream.port()));
    debug(stream.reserve(number(), number()).ok());
    debug(stream.try_peek().ok());
    let mut out = [0; 8];
    let message = message();
    debug((stream.peek(), stream.read(&mut out), stream.send(message)));
    debug((stream.drain(), stream.flush(), stream.closed()));
    debug((stream.read_event(), stream.wait_for_room(1, 1)));
    debug(opaque(Watermarks::UNLIMITED));
    debug(opaque(Limit::Unlimited));
    debug(opaque(State::Failed(1u8)));
    debug(opaque(Interest::NONE));
    debug(opaque(EventKind::MonitorStopped));
    debug(opaque(EventMask::ALL));
    debug(Endpoint::<8>::new(text()));
    debug(opaque(WriteError::<u8, u8>::Failed(1, 1)));
    debug(opaque(ReadError::<u8>::Failed(1)));
}

/// Prints them all.
pub fn call() {
    states();
    show(Lost {
        messages: number(),
        bytes: number(),
    });
    show(opaque(PushError::Full(())));
    show(opaque(WriteError::<(), u8>::Failed((), 1)));
    show(opaque(SendError::<(), u8>::Failed((), 1)));
    show(opaque(CommitError::Closed));
    show(opaque(ReadError::<u8>::TooSmall {
        needed_bytes: number(),
    }));
    show(opaque(TryReadError::<u8>::Read(ReadError::Failed(1))));
    show(opaque(ReadEventError::<u8>::Failed(1)));
    show(opaque(TryReadEventError::<u8>::Empty));
    show(opaque(DrainError::<u8>::Dropped(Lost::default())));
    show(opaque(EventError::FrameCount {
        expected: number(),
        found: number(),
    }));
    show(Endpoint::<8>::new(text()));
    show(TooManyWaiters);
    show(AlreadyDone);
    show(WatermarkError {
        high_bytes: number(),
        low_bytes: number(),
    });
}
