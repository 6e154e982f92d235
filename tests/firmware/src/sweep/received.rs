//! What is received: the interrupt and main both are the transport, by messages and by grants; main reads.

use core::convert::Infallible;
use core::sync::atomic::{AtomicBool, Ordering};

use tidegate_core::{Peek, Stream, WriteGrant};

use super::Scenario;
use super::messages::{FRAMES, From, LONGEST, Message, Serials};
use super::waiting::Task;

type Read = Stream<256, 0, 2, Infallible>;
type Grant = WriteGrant<'static, 256, 0, 2, Infallible>;

static STREAM: Read = Stream::new();
static FED: Serials = Serials::new();
static SEEN: Serials = Serials::new();
static ALL_WELL: AtomicBool = AtomicBool::new(true);

/// The ways differ in how messages are put in, and how they are taken out.
pub struct Received;

fn check(is_well: bool) {
    if !is_well {
        ALL_WELL.store(false, Ordering::Relaxed);
    }
}

fn feed(from: From) {
    let message = FED.next(from);
    let mut body = [0; LONGEST];
    let body = &mut body[..message.len()];
    message.put(body);
    check(STREAM.port().feed(&[message.head(), body]).is_ok());
}

fn reserve() -> Option<Grant> {
    let grant = STREAM.port().reserve(LONGEST, FRAMES).ok();
    check(grant.is_some());
    grant
}

fn put(grant: &mut Grant, message: &Message) -> Option<()> {
    grant.frame(2)?.copy_from_slice(message.head());
    // As a device does that learns of the length when all has come: the longest, and then shortened.
    message.put(grant.frame(LONGEST - 2)?);
    grant.truncate(message.len());
    Some(())
}

fn commit(grant: Option<Grant>, message: &Message) {
    let committed = grant.and_then(|mut grant| {
        put(&mut grant, message)?;
        grant.commit().ok()
    });
    check(committed.is_some());
}

/// Two messages, the second of which is complete first.
fn feed_out_of_order(from: From) {
    let (first, second) = (reserve(), reserve());
    let messages = [FED.next(from), FED.next(from)];
    commit(second, &messages[1]);
    commit(first, &messages[0]);
}

/// One message, behind a grant that is given up; before it and after it.
fn feed_and_abandon(from: From) {
    let (first, second) = (reserve(), reserve());
    let third = reserve();
    drop(first);
    commit(second, &FED.next(from));
    drop(third);
}

/// The last grant of three is given up first, and then the others: nothing comes of them.
fn abandon_all(from: From) {
    let grants = [reserve(), reserve(), reserve()];
    let [first, second, third] = grants;
    drop(third);
    drop(second);
    feed(from);
    drop(first);
}

fn put_in(way: u32, from: From) {
    match way {
        0 => feed(from),
        1 => feed_out_of_order(from),
        2 => feed_and_abandon(from),
        _ => abandon_all(from),
    }
}

/// Takes messages for as long as the task is woken.
fn peek_all(task: &mut Task<Peek<'static, 256, 0, 2, Infallible>>, drops_first: bool) {
    let mut drops = drops_first;
    while let Some(message) = task.run() {
        *task = Task::new(STREAM.peek());
        let Ok(message) = message else {
            return check(false);
        };
        if drops {
            // It stays, and comes again.
            drop(message);
        } else {
            check(SEEN.see(message.frames()));
            message.release();
        }
        drops = drops_first && !drops;
    }
}

/// Takes messages but for one, so that the ring is never empty and does not restart at its beginning.
fn try_all_but_one() {
    let mut out = [0; 2 * LONGEST];
    while FED.more_than(&SEEN) > 1 {
        let Ok(message) = STREAM.try_peek() else {
            return;
        };
        check(SEEN.see(message.frames()));
        message.release();
        if FED.more_than(&SEEN) > 1
            && let Ok(frames) = STREAM.try_read(&mut out)
        {
            check(SEEN.see(frames));
        }
    }
}

impl Scenario for Received {
    const WAYS: u32 = 8;
    type Left = Option<Task<Peek<'static, 256, 0, 2, Infallible>>>;

    fn work(way: u32) -> Self::Left {
        if way.is_multiple_of(2) {
            put_in(way / 2, From::Main);
            try_all_but_one();
            return None;
        }
        let mut task = Task::new(STREAM.peek());
        peek_all(&mut task, false);
        put_in(way / 2, From::Main);
        peek_all(&mut task, way == 3);
        // Whoever waits may go, and another may come.
        let mut task = Task::new(STREAM.peek());
        peek_all(&mut task, false);
        Some(task)
    }

    fn interrupt(way: u32) {
        // Not as main does at the same time.
        put_in((way / 2 + way) % 4, From::Interrupt);
    }

    fn is_well(_way: u32, left: Self::Left) -> bool {
        match left {
            // It was woken, or else nothing is there.
            Some(mut task) => {
                peek_all(&mut task, false);
                check(SEEN.agree(&FED) && STREAM.read_buffer_bytes() == 0);
            }
            None => {
                try_all_but_one();
                check(FED.more_than(&SEEN) == 1);
            }
        }
        ALL_WELL.swap(true, Ordering::Relaxed)
    }
}
