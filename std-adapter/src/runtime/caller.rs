//! The waiting thread itself: while it sleeps it watches the descriptors of the streams that it waits for, and no other thread has to
//! be woken.
//!
//! As long as the thread runs, the I/O thread watches, as it does for everybody: but for streams that this thread alone has waited for.
//! Their watches are left to it for a millisecond or two, in which it will have slept, most often (`ticks.rs`). Before it sleeps the thread
//! borrows the watches that were set by it, if they are few; when it wakes it gives them back, and calls the streams that have something.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::io::{self, Read, Write};
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Wake};
use std::time::Duration;

use smallvec::SmallVec;

use super::rest::{REST, Rest};
use super::spin::Spin;
use super::{Lent, Watched, unwinding};
use crate::fork::Forkable;
use crate::socket::{Descriptor, wait_readable, watch_forks};
use crate::sync::{AtomicBool, Instant, UnixStream, thread_local};

/// So many watches are borrowed at most: each costs two system calls for each sleep.
const MOST_BORROWED: usize = 8;

/// A thread that waits for streams.
pub(crate) struct Caller {
    /// Whether the future has reason to go on.
    woken: AtomicBool,
    /// Whether the thread sleeps, or is about to.
    asleep: AtomicBool,
    /// There, but in a forked child that has no descriptors left.
    alarm: Forkable<Option<Arc<Alarm>>>,
}

/// What wakes a thread that waits for descriptors.
struct Alarm {
    rings: UnixStream,
    is_rung: UnixStream,
}

/// How long a thread sleeps at most that cannot be woken.
const DEAF: Duration = Duration::from_millis(10);

/// A stream whose watch the thread has set.
struct Candidate {
    descriptor: Descriptor,
    place: u64,
    stream: Weak<dyn Watched>,
}

/// A thread that waits, told apart from others that wait at the same time.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Id(usize);

/// What a thread is that has set a watch.
pub(super) enum Noted {
    /// One that waits, and will borrow the watch.
    Waits(Id),
    /// One that will not.
    Nobody,
    /// The I/O thread.
    IoThread,
}

/// What is known of a thread that waits.
struct Waiting {
    caller: Arc<Caller>,
    candidates: Vec<Candidate>,
}

thread_local! {
    /// One that is not in use: a thread that waits again need not make another.
    static IDLE: Cell<Option<Waiting>> = const { Cell::new(None) };
    /// What waits on this thread now.
    static WAITING: RefCell<Option<Waiting>> = const { RefCell::new(None) };
    /// Whether this thread is to look before it sleeps.
    static SPIN: Cell<Spin> = const { Cell::new(Spin::NEW) };
    /// Whether this thread is to rest before it sleeps.
    static RESTS: Cell<Rest> = const { Cell::new(Rest::NEW) };
    static IS_IO_THREAD: Cell<bool> = const { Cell::new(false) };
}

/// This thread is the I/O thread.
pub(super) fn is_io_thread() {
    IS_IO_THREAD.set(true);
}

pub(super) fn on_io_thread() -> bool {
    IS_IO_THREAD.get()
}

/// A watch was set: if this thread waits for something, it will borrow it. `place` is a number that no other place has, or had; `stream`
/// is asked for if that is news.
pub(super) fn note(
    descriptor: Descriptor,
    place: u64,
    stream: impl FnOnce() -> Option<Arc<dyn Watched>>,
) -> Noted {
    if IS_IO_THREAD.get() {
        return Noted::IoThread;
    }
    // A thread that ends waits for nothing.
    let noted = WAITING.try_with(|waiting| {
        let Ok(mut waiting) = waiting.try_borrow_mut() else {
            return Noted::Nobody;
        };
        let Some(waiting) = waiting.as_mut() else {
            return Noted::Nobody;
        };
        let candidates = &mut waiting.candidates;
        let is_known = candidates.iter().any(|candidate| candidate.place == place);
        // One more than are borrowed says that there are too many.
        if !is_known
            && candidates.len() <= MOST_BORROWED
            && let Some(stream) = stream()
        {
            candidates.push(Candidate {
                descriptor,
                place,
                stream: Arc::downgrade(&stream),
            });
        }
        let is_kept = candidates.iter().any(|candidate| candidate.place == place);
        if candidates.len() > MOST_BORROWED || !is_kept {
            return Noted::Nobody;
        }
        Noted::Waits(Id(Arc::as_ptr(&waiting.caller).addr()))
    });
    noted.unwrap_or(Noted::Nobody)
}

impl Wake for Caller {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.woken.store(true, Ordering::SeqCst);
        if self.asleep.load(Ordering::SeqCst)
            && let Some(alarm) = self.alarm()
        {
            // If it has no room, then for bytes that wake it just as well.
            let _: io::Result<usize> = (&alarm.rings).write(&[0]);
        }
    }
}

impl Alarm {
    fn new() -> io::Result<Arc<Self>> {
        let (rings, is_rung) = UnixStream::pair()?;
        rings.set_nonblocking(true)?;
        is_rung.set_nonblocking(true)?;
        Ok(Arc::new(Self { rings, is_rung }))
    }
}

impl Caller {
    fn new() -> io::Result<Self> {
        watch_forks();
        let alarm = Alarm::new()?;
        Ok(Self {
            woken: AtomicBool::new(false),
            asleep: AtomicBool::new(false),
            alarm: Forkable::new(Some(alarm)),
        })
    }

    /// A forked child has one of its own: it would take the wakes of its parent.
    fn alarm(&self) -> Option<Arc<Alarm>> {
        self.alarm.lock(|| Alarm::new().ok()).clone()
    }

    /// Sleeps until it is woken, a descriptor is readable, or the time is up; calls the streams that have something.
    fn sleep(&self, timeout: Option<Duration>) {
        let (borrowed, lent) = borrow();
        let mut spin = SPIN.get();
        let mut rest = RESTS.get();
        let descriptors: SmallVec<[_; 9]> =
            borrowed.iter().map(|(descriptor, _)| *descriptor).collect();
        let look = || {
            let ready = wait_readable(&descriptors, Some(Duration::ZERO));
            (!ready.is_empty() || self.woken.load(Ordering::SeqCst)).then_some(ready)
        };
        // Whoever only receives is better off with all that has come while it slept, or did not even watch.
        let ready = if lent.awaits_reply {
            spin.look(look)
        } else {
            let is_woken = self.woken.load(Ordering::SeqCst);
            if !is_woken && rest.is_due(lent.received_messages, Instant::now()) {
                std::thread::sleep(REST);
            }
            None
        };
        let ready = ready.unwrap_or_else(|| {
            let began = Instant::now();
            let ready = self.wait_readable(descriptors, timeout);
            let slept = began.elapsed();
            spin.slept(slept);
            rest.slept(slept);
            ready
        });
        SPIN.set(spin);
        RESTS.set(rest);
        let ready = ready.into_iter().chain(std::iter::repeat(false));
        for ((_, stream), is_readable) in borrowed.into_iter().zip(ready) {
            unwinding(|| stream.give_back(is_readable));
        }
    }

    /// Sleeps until it is woken, one of these is readable, or the time is up. Says which are.
    fn wait_readable(
        &self,
        mut descriptors: SmallVec<[Descriptor; 9]>,
        timeout: Option<Duration>,
    ) -> SmallVec<[bool; 9]> {
        let alarm = self.alarm();
        let timeout = match &alarm {
            Some(alarm) => {
                descriptors.push(Descriptor::of(&alarm.is_rung));
                timeout
            }
            None => Some(timeout.map_or(DEAF, |timeout| timeout.min(DEAF))),
        };
        self.asleep.store(true, Ordering::SeqCst);
        // Whoever wakes it from here on sees that it sleeps.
        let ready = if self.woken.load(Ordering::SeqCst) {
            SmallVec::new()
        } else {
            wait_readable(&descriptors, timeout)
        };
        self.asleep.store(false, Ordering::SeqCst);
        if let Some(alarm) = alarm
            && ready.last() == Some(&true)
        {
            let _: io::Result<usize> = (&alarm.is_rung).read(&mut [0; 64]);
        }
        ready
    }
}

/// What a thread watches while it sleeps.
type Borrowed = SmallVec<[(Descriptor, Arc<dyn Watched>); 9]>;

/// Borrows the watches that this thread has set, if they are few. Says what is known of their streams.
fn borrow() -> (Borrowed, Lent) {
    let mut candidates = Borrowed::new();
    WAITING.with_borrow_mut(|waiting| {
        if let Some(waiting) = waiting {
            waiting
                .candidates
                .retain(|candidate| candidate.stream.strong_count() > 0);
            candidates.extend(waiting.candidates.iter().filter_map(Candidate::upgrade));
        }
    });
    if candidates.len() > MOST_BORROWED {
        candidates
            .drain(..)
            .for_each(|(_, stream)| stream.undefer());
    }
    let mut of_all = Lent::default();
    // A stream is locked for that, and one that was closed lends nothing.
    candidates.retain(|(_, stream)| {
        let lent = stream.lend();
        of_all = of_all.and(lent.unwrap_or_default());
        lent.is_some()
    });
    (candidates, of_all)
}

impl Candidate {
    fn upgrade(&self) -> Option<(Descriptor, Arc<dyn Watched>)> {
        Some((self.descriptor, self.stream.upgrade()?))
    }
}

fn ending() -> io::Error {
    io::Error::other("the thread is ending")
}

/// For as long as it lives, the thread notes whose watches it sets.
struct Active {
    caller: Arc<Caller>,
    outer: Option<Waiting>,
}

impl Active {
    fn enter() -> io::Result<Self> {
        let waiting = match IDLE.try_with(Cell::take).map_err(|_| ending())? {
            Some(waiting) => waiting,
            None => Waiting {
                caller: Arc::new(Caller::new()?),
                candidates: Vec::new(),
            },
        };
        let caller = waiting.caller.clone();
        let outer = WAITING.try_with(|place| place.replace(Some(waiting)));
        let outer = outer.map_err(|_| ending())?;
        Ok(Self { caller, outer })
    }
}

impl Drop for Active {
    fn drop(&mut self) {
        let waiting = WAITING.try_with(|place| place.replace(self.outer.take()));
        let Ok(Some(mut waiting)) = waiting else {
            return;
        };
        for candidate in waiting.candidates.drain(..) {
            if let Some((_, stream)) = candidate.upgrade() {
                unwinding(|| stream.undefer());
            }
        }
        let _ = IDLE.try_with(|idle| idle.set(Some(waiting)));
    }
}

/// Polls a future on this thread until it is ready, or the deadline has come: then `None`.
///
/// # Errors
/// There are no descriptors left for the thread to be woken by, or the thread is ending.
pub(crate) fn wait<F: Future>(
    mut future: Pin<&mut F>,
    deadline: Option<Instant>,
) -> io::Result<Option<F::Output>> {
    let active = Active::enter()?;
    let caller = &active.caller;
    let waker = caller.clone().into();
    let mut cx = Context::from_waker(&waker);
    loop {
        caller.woken.store(false, Ordering::SeqCst);
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return Ok(Some(output));
        }
        while !caller.woken.load(Ordering::SeqCst) {
            let left = deadline.map(|end| end.saturating_duration_since(Instant::now()));
            if left == Some(Duration::ZERO) {
                return Ok(None);
            }
            caller.sleep(left);
        }
    }
}
