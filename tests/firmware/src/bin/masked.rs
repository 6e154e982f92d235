//! Finds how long each contender keeps interrupts off: the longest critical section, in instructions. Then the same for
//! each kind of call of tidegate's stream.
#![no_std]
#![no_main]

use core::hint::black_box;
use core::panic::PanicInfo;

use cortex_m_rt::entry;
use tidegate_firmware_tests::calls::{self, Calls, Most};
use tidegate_firmware_tests::contender::waiting::{self, VisitWaiting, Waiting};
use tidegate_firmware_tests::contender::{self, Contender, FramedContender, Visit};
use tidegate_firmware_tests::counter::Counter;
use tidegate_firmware_tests::messages::{bytes, see};
use tidegate_firmware_tests::{report, timed_lock, waker};

critical_section::set_impl!(timed_lock::Lock);

const ROUNDS: u32 = 256;

struct Longest;

impl Visit for Longest {
    fn queue(&mut self, name: &str, _ram_bytes: usize, queue: &mut impl Contender) {
        for (what, len) in [("masked 20 B", 20), ("masked 200 B", 200)] {
            let message = bytes(len);
            timed_lock::reset();
            assert!(queue.push(message));
            for _ in 0..ROUNDS {
                assert!(black_box(&mut *queue).push(message));
                assert!(black_box(&mut *queue).pop(see));
            }
            assert!(queue.pop(see));
            if let Some(instructions) = timed_lock::longest() {
                report::value(name, what, instructions);
            }
        }
    }

    fn framed(&mut self, name: &str, ram_bytes: usize, queue: &mut impl FramedContender) {
        self.queue(name, ram_bytes, queue);
    }
}

impl VisitWaiting for Longest {
    fn waiting(&mut self, name: &str, queue: &mut impl Waiting) {
        let waker = waker::counting();
        timed_lock::reset();
        for _ in 0..ROUNDS {
            let mut cx = core::task::Context::from_waker(black_box(&waker));
            assert!(black_box(&mut *queue).wait(bytes(20), &mut cx, see));
        }
        if let Some(instructions) = timed_lock::longest() {
            report::value(name, "masked waiting", instructions);
        }
    }
}

/// The longest section of each kind of call.
#[derive(Default)]
struct Sections {
    longest: Most,
}

impl Calls for Sections {
    fn call<R>(&mut self, kind: &'static str, call: impl FnOnce() -> R) -> R {
        timed_lock::reset();
        let result = call();
        let Some(longest) = timed_lock::longest() else {
            panic!("{kind} has no critical section");
        };
        self.longest.add(kind, longest);
        result
    }
}

#[entry]
fn main() -> ! {
    let Some(peripherals) = cortex_m::Peripherals::take() else {
        report::exit(false);
    };
    Counter::start(peripherals.SYST);
    timed_lock::calibrate();
    contender::each(&mut Longest);
    waiting::each(&mut Longest);
    let mut sections = Sections::default();
    calls::each(&mut sections);
    sections.longest.report("masked call", "masked any call");
    report::exit(true);
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    report::panicked(info)
}
