//! What is sent: main writes, by messages and by grants, and waits; the interrupt is the transport.

use core::convert::Infallible;
use core::future::Future;
use core::pin::Pin;
use core::sync::atomic::{AtomicBool, Ordering};
use core::task::{Context, Poll};

use tidegate_core::{Drain, Flush, Frames, NoEvents, SendMessage, Stream, Watermarks, WriteGrant};

use super::Scenario;
use super::messages::{FRAMES, From, LONGEST, Message, Serials};
use super::waiting::Task;

type Write = Stream<0, 256, 2, Infallible>;
type Grant = WriteGrant<'static, 0, 256, 2, Infallible, NoEvents, false>;

static STREAM: Write = Stream::new();
static WRITTEN: Serials = Serials::new();
static SEEN: Serials = Serials::new();
static ALL_WELL: AtomicBool = AtomicBool::new(true);
/// The message that is sent when there is room: its frames outlive the call.
static SENT: [&[u8]; 1] = [b"sent in turn"];
/// What stays in the ring, so that it is never empty and does not restart at its beginning; and what that is charged.
static KEPT: [&[u8]; 1] = [b""];
const KEPT_BYTES: usize = 2;

/// The ways differ in how messages are put in, what main waits for, and how the interrupt takes them.
pub struct Sent;

fn check(is_well: bool) {
    if !is_well {
        ALL_WELL.store(false, Ordering::Relaxed);
    }
}

fn write() {
    let message = WRITTEN.next(From::Main);
    let mut body = [0; LONGEST];
    let body = &mut body[..message.len()];
    message.put(body);
    check(STREAM.write(&[message.head(), body]).is_ok());
}

fn reserve() -> Option<Grant> {
    let grant = STREAM.reserve(LONGEST, FRAMES).ok();
    check(grant.is_some());
    grant
}

fn put(grant: &mut Grant, message: &Message) -> Option<()> {
    grant.frame(2)?.copy_from_slice(message.head());
    message.put(grant.frame(message.len())?);
    Some(())
}

fn commit(grant: Option<Grant>, message: &Message) {
    let committed = grant.and_then(|mut grant| {
        put(&mut grant, message)?;
        grant.commit().ok()
    });
    check(committed.is_some());
}

fn write_out_of_order() {
    let (first, second) = (reserve(), reserve());
    let messages = [WRITTEN.next(From::Main), WRITTEN.next(From::Main)];
    commit(second, &messages[1]);
    commit(first, &messages[0]);
}

fn write_and_abandon() {
    let (first, second, third) = (reserve(), reserve(), reserve());
    drop(first);
    commit(second, &WRITTEN.next(From::Main));
    drop(third);
}

fn see(frames: Frames<'_>) {
    if !frames.eq(SENT) && !frames.eq(KEPT) {
        check(SEEN.see(frames));
    }
}

/// Whether something is to be left in the ring: not where main waits until nothing is.
fn keeps_one(way: u32) -> bool {
    way % 3 != 1
}

/// Takes what is there: at most a few, for something may be broken.
fn take_all(way: u32) {
    let port = STREAM.port();
    let mut out = [0; 2 * LONGEST];
    for _ in 0..8 {
        if keeps_one(way) && STREAM.write_buffer_bytes() == KEPT_BYTES {
            return;
        }
        if way % 2 == 1 {
            // It stays: it was only looked at.
            drop(port.head());
            let Ok(Some(frames)) = port.copy_head(&mut out) else {
                return;
            };
            see(frames);
            port.sent();
        } else {
            let Some(message) = port.head() else {
                return;
            };
            see(message.frames());
            message.release();
        }
    }
}

type Waits<'s> = (
    Drain<'s, 0, 256, 2, Infallible>,
    Flush<'s, 0, 256, 2, Infallible>,
    SendMessage<'s, 's, 0, 256, 2, Infallible>,
);

/// What main waits for: one of them, which it polls.
pub struct Wait {
    way: u32,
    waits: Waits<'static>,
}

impl Future for Wait {
    type Output = bool;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<bool> {
        let this = self.get_mut();
        let (drain, flush, send) = &mut this.waits;
        match this.way {
            0 => Pin::new(drain).poll(cx).map(|done| done.is_ok()),
            1 => Pin::new(flush).poll(cx).map(|done| done.is_ok()),
            _ => Pin::new(send).poll(cx).map(|done| done.is_ok()),
        }
    }
}

impl Scenario for Sent {
    const WAYS: u32 = 6;
    type Left = Task<Wait>;

    fn work(way: u32) -> Self::Left {
        // Over the mark with the second message.
        STREAM.set_write_limits(Watermarks::from_high(LONGEST));
        match way / 2 {
            0 => write_out_of_order(),
            1 => write_and_abandon(),
            _ => write(),
        }
        write();
        let mut task = Task::new(Wait {
            way: way % 3,
            waits: (STREAM.drain(), STREAM.flush(), STREAM.send(&SENT)),
        });
        match task.run() {
            // The interrupt was quicker; then there is nothing to wait for, and the wait is begun anew later.
            Some(is_well) => check(is_well),
            None => return task,
        }
        Task::new(Wait {
            way: 0,
            waits: (STREAM.drain(), STREAM.flush(), STREAM.send(&SENT)),
        })
    }

    fn interrupt(way: u32) {
        take_all(way);
    }

    fn is_well(way: u32, mut left: Self::Left) -> bool {
        if keeps_one(way) {
            check(STREAM.write(&KEPT).is_ok());
        }
        take_all(way);
        // It is ready, or was woken to become so.
        check(left.run() == Some(true));
        // What the wait itself has sent.
        if STREAM.write_buffer_bytes() > KEPT_BYTES {
            check(STREAM.write(&KEPT).is_ok());
            take_all(way);
        }
        let left = if keeps_one(way) { KEPT_BYTES } else { 0 };
        check(STREAM.write_buffer_bytes() == left);
        ALL_WELL.swap(true, Ordering::Relaxed) && SEEN.agree(&WRITTEN)
    }
}
