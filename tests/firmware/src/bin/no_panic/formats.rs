//! What the types print.

use core::fmt::{self, Display, Write};
use core::hint::black_box;

use tidegate_core::{
    DrainError, Lost, PushError, ReadError, TooManyWaiters, TryReadError, WatermarkError,
    WriteError,
};

use tidegate_firmware_tests::opaque::{number, opaque};

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

/// Prints them all.
pub fn call() {
    show(Lost {
        messages: number(),
        bytes: number(),
    });
    show(opaque(PushError::Full(())));
    show(opaque(WriteError::<(), u8>::Failed((), 1)));
    show(opaque(ReadError::<u8>::TooSmall {
        needed_bytes: number(),
    }));
    show(opaque(TryReadError::<u8>::Read(ReadError::Failed(1))));
    show(opaque(DrainError::<u8>::Dropped(Lost::default())));
    show(TooManyWaiters);
    show(WatermarkError {
        high_bytes: number(),
        low_bytes: number(),
    });
}
