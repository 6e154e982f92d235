//! Counts instructions with SysTick, under `qemu -icount shift=10`: an instruction is 1024 ns, a tick 80 ns.

use cortex_m::peripheral::SYST;
use cortex_m::peripheral::syst::SystClkSource;

const LAP: u32 = 1 << 24;
/// Five instructions take as long as 64 ticks.
const TICKS: u32 = 64;
const INSTRUCTIONS: u32 = 5;

/// SysTick, running freely; what a count costs by itself is known.
pub struct Counter {
    overhead: u32,
}

impl Counter {
    /// Starts it.
    pub fn start(mut syst: SYST) -> Self {
        syst.set_clock_source(SystClkSource::Core);
        syst.set_reload(LAP - 1);
        syst.clear_current();
        syst.enable_counter();
        let mut counter = Self { overhead: 0 };
        counter.overhead = counter.instructions(|| ());
        counter
    }

    /// How many instructions `f` takes: less than a lap, 1.3 million.
    #[inline(never)]
    pub fn instructions(&self, f: impl FnOnce()) -> u32 {
        let before = SYST::get_current();
        f();
        let after = SYST::get_current();
        instructions_between(before, after) - self.overhead
    }

    /// How many instructions `f` takes on average over so many rounds. It says whether it went well.
    pub fn average(&self, rounds: u32, mut f: impl FnMut() -> bool) -> u32 {
        let mut sum = 0;
        for _ in 0..rounds {
            let mut is_well = false;
            sum += self.instructions(|| is_well = f());
            assert!(is_well);
        }
        (sum + rounds / 2) / rounds
    }
}

/// How many instructions passed between two readings of the counter, which counts down.
pub fn instructions_between(before: u32, after: u32) -> u32 {
    let ticks = before.wrapping_sub(after) % LAP;
    (ticks * INSTRUCTIONS + TICKS / 2) / TICKS
}
