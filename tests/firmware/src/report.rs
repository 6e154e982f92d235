//! Prints results for the script, one a line: who, what, how much.

use cortex_m_semihosting::debug::{self, ExitStatus};
use cortex_m_semihosting::hprintln;

/// Prints one result.
pub fn value(name: &str, what: &str, value: u32) {
    hprintln!("{}\t{}\t{}", name, what, value);
}

/// Ends the image; the emulator's exit status says whether all is well.
pub fn exit(is_well: bool) -> ! {
    debug::exit(if is_well { Ok(()) } else { Err(()) } as ExitStatus);
    loop {
        cortex_m::asm::wfi();
    }
}

/// Says where it panicked and ends the image as failed.
pub fn panicked(info: &core::panic::PanicInfo<'_>) -> ! {
    hprintln!("{}", info);
    exit(false)
}
