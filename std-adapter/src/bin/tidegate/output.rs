//! What is printed.

use std::io::{self, BufWriter, StdoutLock, Write};

use crate::end::End;

/// Lines on stdout, which go out when [`flush`](Self::flush) says so, or there are many.
pub struct Output {
    stdout: BufWriter<StdoutLock<'static>>,
    line: Vec<u8>,
}

impl Output {
    pub fn new() -> Self {
        Self {
            stdout: BufWriter::with_capacity(64 * 1024, io::stdout().lock()),
            line: Vec::new(),
        }
    }

    /// Prints what this puts into the buffer.
    pub fn write(&mut self, put: impl FnOnce(&mut Vec<u8>)) -> Result<(), End> {
        self.line.clear();
        put(&mut self.line);
        self.stdout.write_all(&self.line).map_err(End::of_output)
    }

    pub fn flush(&mut self) -> Result<(), End> {
        self.stdout.flush().map_err(End::of_output)
    }
}
