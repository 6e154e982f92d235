//! Lets an interrupt push into a queue at every point of what the main program does with it, one tick of SysTick later
//! each time, under `qemu -icount shift=7`: an instruction takes longer than a tick, so none of them is left out.

use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use cortex_m::peripheral::SYST;
use cortex_m::peripheral::syst::SystClkSource;

use crate::report;

/// The delays, in ticks, from the first to the one behind the last.
const DELAYS: core::ops::Range<u32> = 2..8002;
/// What main pushes before it pops.
const FROM_MAIN: u8 = 2;
const LEN: usize = 21;

static FIRED: AtomicBool = AtomicBool::new(false);
static BROKEN_INTO: AtomicU32 = AtomicU32::new(0);
static REFUSED: AtomicU32 = AtomicU32::new(0);

/// A queue that the interrupt and the main program share.
pub trait Shared {
    /// Pushes from anywhere; says whether there was room.
    fn push(message: &[u8]) -> bool;
    /// Whether an interrupt that looks has come in the middle of what must not be disturbed.
    fn is_open() -> bool;
}

fn message(from: u8, serial: u8) -> [u8; LEN] {
    let mut message = [from ^ serial; LEN];
    message[0] = from;
    message[1] = serial;
    message
}

const MAIN: u8 = 0x35;
const INTERRUPT: u8 = 0xCA;

/// What the SysTick handler does, once each delay.
pub fn interrupt<Q: Shared>() {
    // SAFETY: it stops the counter, which main starts again only after it has seen that this happened.
    unsafe { (*SYST::PTR).csr.write(0) };
    if FIRED.swap(true, Ordering::Relaxed) {
        return;
    }
    if Q::is_open() {
        add(&BROKEN_INTO);
    } else if !Q::push(&message(INTERRUPT, 0)) {
        add(&REFUSED);
    }
}

fn add(count: &AtomicU32) {
    count.store(count.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
}

/// What main has seen of one delay's messages.
#[derive(Default)]
struct Seen {
    main: u8,
    interrupt: u8,
    faults: u32,
}

impl Seen {
    fn see(&mut self, bytes: &[u8]) {
        if bytes == message(MAIN, self.main) {
            self.main += 1;
        } else if bytes == message(INTERRUPT, self.interrupt) {
            self.interrupt += 1;
        } else {
            self.faults += 1;
        }
    }

    /// Everything came, whole, once and in order.
    fn is_well(&self) -> bool {
        self.main == FROM_MAIN && self.interrupt == 1 && self.faults == 0
    }
}

/// Sweeps over all delays; `pop` shows one message, if there is one. Reports, and says whether there was no fault.
pub fn run<Q: Shared>(mut syst: SYST, mut pop: impl FnMut(&mut dyn FnMut(&[u8])) -> bool) -> bool {
    syst.set_clock_source(SystClkSource::Core);
    let mut delays = 0;
    let mut late = 0;
    let mut faults = 0;
    for delay in DELAYS {
        FIRED.store(false, Ordering::Relaxed);
        let broken_before = BROKEN_INTO.load(Ordering::Relaxed);
        let mut seen = Seen::default();
        syst.set_reload(delay);
        syst.clear_current();
        syst.enable_interrupt();
        syst.enable_counter();
        for serial in 0..FROM_MAIN {
            if !Q::push(&message(MAIN, serial)) {
                add(&REFUSED);
            }
        }
        let mut is_late = false;
        while !FIRED.load(Ordering::Relaxed) {
            is_late = !pop(&mut |bytes| seen.see(bytes));
        }
        while pop(&mut |bytes| seen.see(bytes)) {}
        let was_broken_into = BROKEN_INTO.load(Ordering::Relaxed) != broken_before;
        delays += 1;
        late += u32::from(is_late);
        if was_broken_into || !seen.is_well() {
            faults += 1;
        }
    }
    let refused = REFUSED.load(Ordering::Relaxed);
    report::value("sweep", "delays", delays);
    // Those after main had nothing left to do: the sweep reached the end of its work.
    report::value("sweep", "late", late);
    report::value("sweep", "faults", faults);
    report::value("sweep", "refused", refused);
    faults == 0 && refused == 0
}
