//! The stream between the interrupt and the tasks.

use core::cell::RefCell;
use core::convert::Infallible;
use core::future::poll_fn;
use core::task::Poll;

use critical_section::Mutex;
use embassy_sync::waitqueue::AtomicWaker;
use tidegate_core::{EventRing, Fixed, FixedSlots, Machine, MessageBuffer, Ticket, TryReadError};

use crate::telemetry::Telemetry;

/// What the producer reports.
#[derive(Clone, Copy)]
pub enum Event {
    /// The read side has paused.
    Paused {
        /// Messages that were sent before.
        sent: u32,
    },
    /// The read side goes on.
    Resumed {
        /// Ticks without a message meanwhile.
        held_back: u32,
    },
}

struct Inner {
    machine: Machine<Fixed<512, 0, 4>, Infallible>,
    events: EventRing<Event, 8>,
    closed: bool,
}

static INNER: Mutex<RefCell<Inner>> = Mutex::new(RefCell::new(Inner {
    machine: Machine::new(
        MessageBuffer::new(),
        MessageBuffer::new(),
        FixedSlots::new(),
    ),
    events: EventRing::new(),
    closed: false,
}));
static READER: AtomicWaker = AtomicWaker::new();
static WATCHER: AtomicWaker = AtomicWaker::new();

fn with<R>(f: impl FnOnce(&mut Inner) -> R) -> R {
    critical_section::with(|cs| f(&mut INNER.borrow_ref_mut(cs)))
}

pub fn feed(telemetry: Telemetry) -> bool {
    let [a, b] = telemetry.encode();
    let fed =
        with(|inner| inner.machine.interest().receive && inner.machine.feed(&[&a, &b]).is_ok());
    READER.wake();
    fed
}

pub fn feed_event(event: Event) {
    with(|inner| inner.events.push(event));
    WATCHER.wake();
}

pub fn close() {
    with(|inner| {
        let _ = inner.machine.close();
        inner.closed = true;
    });
    READER.wake();
    WATCHER.wake();
}

/// The next message; `None` once the stream is closed and empty.
pub async fn read() -> Option<Option<Telemetry>> {
    poll_fn(|cx| {
        READER.register(cx.waker());
        with(|inner| match inner.machine.try_readable().0 {
            Ok(()) => {
                let (message, _) = inner
                    .machine
                    .take(&mut Ticket::new(), |frames| Telemetry::decode(frames));
                Poll::Ready(message)
            }
            Err(TryReadError::Empty) => Poll::Pending,
            Err(TryReadError::Read(_)) => Poll::Ready(None),
        })
    })
    .await
}

/// The next event, and how many were discarded before it; `None` once the stream is closed and every event was read.
pub async fn read_event() -> Option<(Event, usize)> {
    poll_fn(|cx| {
        WATCHER.register(cx.waker());
        with(|inner| match inner.events.pop() {
            None if !inner.closed => Poll::Pending,
            event => Poll::Ready(event),
        })
    })
    .await
}
