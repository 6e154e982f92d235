//! Lets an interrupt come at every point of what the main program does, one tick of SysTick later each time, under
//! `qemu -icount shift=7`: an instruction takes longer than a tick, so none of them is left out.

mod messages;
pub mod received;
pub mod sent;
mod waiting;

use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use cortex_m::peripheral::SYST;
use cortex_m::peripheral::syst::SystClkSource;

use crate::{report, tracked_lock};

/// The shortest delay, in ticks.
const FIRST: u32 = 2;
/// A way is swept once so many interrupts in a row came after main had nothing left to do.
const LATE: u32 = 64;
/// If that does not happen within so many ticks, the sweep is not whole.
const TICKS: u32 = 50_000;
/// How often everything is swept, each time from other places in the rings.
const PASSES: u32 = 3;
/// After so many faults the rest is not looked at: what is broken stays broken.
const FAULTS: u32 = 100;

static FIRED: AtomicBool = AtomicBool::new(false);
static BROKEN_INTO: AtomicBool = AtomicBool::new(false);
static WAY: AtomicU32 = AtomicU32::new(0);

/// What an interrupt and main do with one stream, in several ways, each of which is swept by itself.
pub trait Scenario {
    /// How many ways there are.
    const WAYS: u32;
    /// What main still waits for when its work is done.
    type Left;
    /// Main's work; the interrupt may come at any point of it.
    fn work(way: u32) -> Self::Left;
    /// What the interrupt does, once.
    fn interrupt(way: u32);
    /// After both. Says whether every message came, whole, once and in order, and every wake that was owed.
    fn is_well(way: u32, left: Self::Left) -> bool;
}

/// What the SysTick handler does, once each delay.
pub fn interrupt<S: Scenario>() {
    // SAFETY: it stops the counter, which main starts again only after it has seen that this happened.
    unsafe { (*SYST::PTR).csr.write(0) };
    if FIRED.load(Ordering::Relaxed) {
        return;
    }
    if tracked_lock::is_open() {
        // It must not have come. What it would break is not touched: this is seen, whether or not it would show.
        BROKEN_INTO.store(true, Ordering::Relaxed);
    } else {
        S::interrupt(WAY.load(Ordering::Relaxed));
    }
    FIRED.store(true, Ordering::Relaxed);
}

#[derive(Default)]
struct Found {
    delays: u32,
    late: u32,
    faults: u32,
    unfinished: u32,
}

impl Found {
    /// One delay. Says whether the interrupt came after main's work.
    fn delay<S: Scenario>(&mut self, syst: &mut SYST, way: u32, delay: u32) -> bool {
        FIRED.store(false, Ordering::Relaxed);
        BROKEN_INTO.store(false, Ordering::Relaxed);
        WAY.store(way, Ordering::Relaxed);
        syst.set_reload(delay);
        syst.clear_current();
        syst.enable_interrupt();
        syst.enable_counter();
        let left = S::work(way);
        let is_late = !FIRED.load(Ordering::Relaxed);
        while !FIRED.load(Ordering::Relaxed) {
            core::hint::spin_loop();
        }
        let is_well = S::is_well(way, left);
        self.delays += 1;
        self.late += u32::from(is_late);
        if BROKEN_INTO.load(Ordering::Relaxed) || !is_well {
            self.faults += 1;
        }
        is_late
    }

    fn way<S: Scenario>(&mut self, syst: &mut SYST, way: u32) {
        let mut late = 0;
        for delay in FIRST..TICKS {
            late = if self.delay::<S>(syst, way, delay) {
                late + 1
            } else {
                0
            };
            if late == LATE || self.faults == FAULTS {
                return;
            }
        }
        self.unfinished += 1;
    }
}

/// Sweeps over all ways and delays. Reports, and says whether there was no fault.
pub fn run<S: Scenario>(mut syst: SYST) -> bool {
    syst.set_clock_source(SystClkSource::Core);
    let mut found = Found::default();
    for pass_and_way in 0..PASSES * S::WAYS {
        found.way::<S>(&mut syst, pass_and_way % S::WAYS);
        if found.faults == FAULTS {
            break;
        }
    }
    report::value("sweep", "delays", found.delays);
    // Those after main had nothing left to do: the sweep reached the end of its work.
    report::value("sweep", "late", found.late);
    report::value("sweep", "faults", found.faults);
    report::value("sweep", "unfinished", found.unfinished);
    found.faults == 0 && found.unfinished == 0
}

/// An image that sweeps: the critical section, and what is swept.
#[macro_export]
macro_rules! sweep_image {
    ($lock:ty, $scenario:ty) => {
        critical_section::set_impl!($lock);

        #[cortex_m_rt::entry]
        fn main() -> ! {
            let Some(peripherals) = cortex_m::Peripherals::take() else {
                $crate::report::exit(false);
            };
            $crate::report::exit($crate::sweep::run::<$scenario>(peripherals.SYST));
        }

        #[cortex_m_rt::exception]
        fn SysTick() {
            $crate::sweep::interrupt::<$scenario>();
        }

        #[panic_handler]
        fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
            $crate::report::panicked(info)
        }
    };
}
