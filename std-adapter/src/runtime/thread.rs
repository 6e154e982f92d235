//! The default: one thread for all streams of the process, started by the first and gone after the last.
//!
//! It sleeps until a descriptor becomes readable, calls the stream that it belongs to, and watches that descriptor no
//! more until the stream sets its watch again. The descriptor is readable for as long as libzmq has news that nobody
//! has taken in; so a watch that is set after the last look at the socket misses nothing.

use std::collections::{BTreeSet, VecDeque};
use std::io;
use std::mem;
#[cfg(unix)]
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

use polling::{Events, Poller};
use slab::Slab;

#[cfg(unix)]
use super::caller;
#[cfg(unix)]
use super::ticks::Ticks;
use super::{Watched, unwinding};
use crate::fork::Forkable;
use crate::socket::Descriptor;

struct Reactor {
    poller: Poller,
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    watched: Slab<Arc<dyn Watched>>,
    scheduled: VecDeque<usize>,
    deadlines: BTreeSet<(Instant, usize)>,
    #[cfg(unix)]
    ticks: Ticks,
    ended: bool,
}

impl Table {
    /// Those whose deadline has come.
    fn take_due(&mut self) -> Vec<Arc<dyn Watched>> {
        let Some((first, _)) = self.deadlines.first() else {
            return Vec::new();
        };
        let now = Instant::now();
        if *first > now {
            return Vec::new();
        }
        let later = self.deadlines.split_off(&(now, usize::MAX));
        let due = mem::replace(&mut self.deadlines, later);
        let watched = |(_, key)| self.watched.get(key).cloned();
        due.into_iter().filter_map(watched).collect()
    }
}

/// Locked when a stream is opened or closed; the reactor's table then, and at each wake of the I/O thread. Neither is
/// held while a stream is locked by the one who locks it, but for the close of a stream.
static RUNNING: Forkable<Option<Arc<Reactor>>> = Forkable::of_program(None);

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How many places there were.
#[cfg(unix)]
static PLACES: AtomicU64 = AtomicU64::new(0);

/// A descriptor's place among those that the I/O thread watches.
pub(crate) struct Place {
    reactor: Arc<Reactor>,
    key: usize,
    /// Its number, which no other has: a key is another's once it is free.
    #[cfg(unix)]
    id: u64,
    descriptor: Descriptor,
    watcher: Watcher,
    /// The thread that has set the watch, if it was always the same, which waits.
    #[cfg(unix)]
    setter: Setter,
    #[cfg(unix)]
    putting_off: PuttingOff,
    closed: bool,
}

/// How a watch is put off until a thread sleeps.
#[cfg(unix)]
#[derive(Default)]
struct PuttingOff {
    /// Whether the I/O thread will look at it at the next tick.
    is_listed: bool,
    /// Whether it was put off anew since the last tick.
    is_new: bool,
}

/// Who has set a watch until now. The I/O thread does not count: it does so for others.
#[cfg(unix)]
#[derive(Clone, Copy, PartialEq, Eq)]
enum Setter {
    /// It is just being opened, by a thread that need not wait for it ever.
    Opener,
    Nobody,
    /// A thread that waits.
    Caller(caller::Id),
    Several,
}

/// Who watches the descriptor now.
enum Watcher {
    Nobody,
    IoThread,
    /// A thread that waits, once it sleeps; until then nobody.
    #[cfg(unix)]
    Deferred,
    /// A thread that sleeps.
    #[cfg(unix)]
    Borrower,
}

/// A place that was found, and is not taken yet: the process's threads wait for it.
pub(super) struct Vacancy {
    running: MutexGuard<'static, Option<Arc<Reactor>>>,
    place: Place,
}

impl Vacancy {
    /// Puts a descriptor under watch, which is not set yet. Starts the I/O thread if there is none.
    pub(super) fn find(descriptor: Descriptor) -> io::Result<Self> {
        let mut running = RUNNING.lock(|| None);
        let reactor = match &*running {
            Some(reactor) => reactor.clone(),
            None => running.insert(start()?).clone(),
        };
        let (key, unused) = {
            let table = lock(&reactor.table);
            (table.watched.vacant_key(), table.watched.is_empty())
        };
        if let Err(error) = descriptor.watch(&reactor.poller, key) {
            if unused {
                end(&mut running);
            }
            return Err(error);
        }
        let place = Place {
            reactor,
            key,
            #[cfg(unix)]
            id: PLACES.fetch_add(1, Ordering::Relaxed),
            descriptor,
            watcher: Watcher::Nobody,
            #[cfg(unix)]
            setter: Setter::Opener,
            #[cfg(unix)]
            putting_off: PuttingOff::default(),
            closed: false,
        };
        Ok(Self { running, place })
    }

    /// Takes the place for what `make` makes of it, which is kept until the place is closed.
    pub(super) fn take<R>(self, make: impl FnOnce(Place) -> (R, Arc<dyn Watched>)) -> R {
        let Self { running, place } = self;
        let reactor = place.reactor.clone();
        let (result, watched) = make(place);
        // Nobody else has taken the key: that is done under `running`.
        lock(&reactor.table).watched.insert(watched);
        drop(running);
        result
    }
}

impl Place {
    /// From now on the stream is called when the descriptor is readable, or if it is so already; once.
    pub(super) fn set(&mut self) {
        if self.closed {
            return;
        }
        #[cfg(unix)]
        if self.defer() {
            return;
        }
        self.watch();
    }

    /// Leaves the watch to this thread, if it waits and will sleep. `false` if the I/O thread is to watch.
    #[cfg(unix)]
    fn defer(&mut self) -> bool {
        if self.setter == Setter::Opener {
            return false;
        }
        let caller = caller::note(self.descriptor, self.id, || {
            lock(&self.reactor.table).watched.get(self.key).cloned()
        });
        let setter = match caller {
            caller::Noted::IoThread => return false,
            caller::Noted::Waits(id) => Setter::Caller(id),
            caller::Noted::Nobody => Setter::Several,
        };
        if self.setter == Setter::Nobody {
            self.setter = setter;
        } else if self.setter != setter {
            self.setter = Setter::Several;
        }
        let is_borrowed = matches!(self.watcher, Watcher::Borrower);
        let defers = !is_borrowed && self.setter != Setter::Several;
        if defers {
            self.relieve_io_thread();
            self.watcher = Watcher::Deferred;
            self.put_off();
        }
        defers
    }

    /// Has the I/O thread watch in two ticks at most, unless a thread does before that.
    #[cfg(unix)]
    fn put_off(&mut self) {
        self.putting_off.is_new = true;
        if mem::replace(&mut self.putting_off.is_listed, true) {
            return;
        }
        let is_asleep = lock(&self.reactor.table).ticks.put_off(self.key);
        if is_asleep {
            let _: io::Result<()> = self.reactor.poller.notify();
        }
    }

    /// Whoever sets it from now on waits for it.
    #[cfg(unix)]
    pub(super) fn nobody_has_set(&mut self) {
        self.setter = Setter::Nobody;
    }

    /// The socket was somebody else's for a while: whoever waits since could not ask, and no tick was seen.
    #[cfg(unix)]
    pub(super) fn was_away(&mut self) {
        self.setter = Setter::Several;
        self.putting_off = PuttingOff::default();
    }

    /// A tick has come for a watch that was put off.
    #[cfg(unix)]
    pub(super) fn tick(&mut self) {
        self.putting_off.is_listed = false;
        if !matches!(self.watcher, Watcher::Deferred) {
            return;
        }
        if mem::take(&mut self.putting_off.is_new) {
            self.put_off();
            self.putting_off.is_new = false;
        } else {
            self.watch();
        }
    }

    /// The thread that was to watch while it sleeps does not.
    #[cfg(unix)]
    pub(super) fn undefer(&mut self) {
        if matches!(self.watcher, Watcher::Deferred) {
            self.watch();
        }
    }

    /// Has the I/O thread watch, if nobody does.
    pub(super) fn watch(&mut self) {
        let is_watched = match self.watcher {
            Watcher::Nobody => false,
            Watcher::IoThread => true,
            #[cfg(unix)]
            Watcher::Deferred => false,
            #[cfg(unix)]
            Watcher::Borrower => true,
        };
        if !self.closed && !is_watched {
            let poller = &self.reactor.poller;
            // It fails only if the descriptor is not watched at all; it is, until `close`.
            if self.descriptor.rewatch(poller, self.key).is_ok() {
                self.watcher = Watcher::IoThread;
            }
        }
    }

    /// The stream was called. A thread that has borrowed the watch keeps it: the I/O thread had seen something before.
    pub(super) fn fired(&mut self) {
        if matches!(self.watcher, Watcher::IoThread) {
            self.watcher = Watcher::Nobody;
        }
    }

    /// A thread that is about to sleep watches, if the I/O thread did.
    #[cfg(unix)]
    pub(super) fn lend(&mut self) -> bool {
        let is_set = matches!(self.watcher, Watcher::IoThread | Watcher::Deferred);
        let lends = is_set && !self.closed;
        if lends {
            self.relieve_io_thread();
            self.watcher = Watcher::Borrower;
        }
        lends
    }

    /// If the I/O thread watches, it does so no more. Where it has been told already, it only looks in vain.
    #[cfg(unix)]
    fn relieve_io_thread(&self) {
        if matches!(self.watcher, Watcher::IoThread) {
            let _: io::Result<()> = self.descriptor.rest(&self.reactor.poller, self.key);
        }
    }

    /// That thread has woken.
    #[cfg(unix)]
    pub(super) fn take_back(&mut self) {
        self.watcher = Watcher::Nobody;
    }

    /// Has the I/O thread call the stream soon.
    pub(super) fn reschedule(&self) {
        let mut table = lock(&self.reactor.table);
        if !table.scheduled.contains(&self.key) {
            table.scheduled.push_back(self.key);
        }
        drop(table);
        // It fails only if the poller is gone, and the reactor holds it.
        let _: io::Result<()> = self.reactor.poller.notify();
    }

    /// Has the I/O thread call the stream at this time, unless the watch is closed before. A later call replaces it.
    pub(super) fn set_deadline(&self, deadline: Instant) {
        let mut table = lock(&self.reactor.table);
        table.deadlines.retain(|(_, key)| *key != self.key);
        table.deadlines.insert((deadline, self.key));
        drop(table);
        let _: io::Result<()> = self.reactor.poller.notify();
    }

    /// Ends the watch. The thread ends with the last one.
    pub(super) fn close(&mut self) {
        if mem::replace(&mut self.closed, true) {
            return;
        }
        let _: io::Result<()> = self.descriptor.unwatch(&self.reactor.poller);
        let mut running = RUNNING.lock(|| None);
        let mut table = lock(&self.reactor.table);
        let watched = table.watched.try_remove(self.key);
        table.scheduled.retain(|&key| key != self.key);
        table.deadlines.retain(|(_, key)| *key != self.key);
        #[cfg(unix)]
        table.ticks.forget(self.key);
        let unused = table.watched.is_empty();
        drop(table);
        if unused {
            end(&mut running);
        }
        drop(running);
        // Its last reference may be this one, and its drop may come back here.
        drop(watched);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.close();
    }
}

fn start() -> io::Result<Arc<Reactor>> {
    let reactor = Arc::new(Reactor {
        poller: Poller::new()?,
        table: Mutex::default(),
    });
    thread::Builder::new().name("tidegate-io".into()).spawn({
        let reactor = reactor.clone();
        move || run(&reactor)
    })?;
    Ok(reactor)
}

/// Tells the thread to end, and lets the next stream start another.
fn end(running: &mut Option<Arc<Reactor>>) {
    if let Some(reactor) = running.take() {
        lock(&reactor.table).ended = true;
        let _: io::Result<()> = reactor.poller.notify();
    }
}

fn run(reactor: &Reactor) {
    #[cfg(unix)]
    caller::is_io_thread();
    let mut events = Events::new();
    let mut ready = Vec::new();
    let mut scheduled = Vec::new();
    let mut due = Vec::new();
    #[cfg(unix)]
    let (mut overdue, mut ticked) = (Vec::new(), Vec::new());
    let mut next = None;
    loop {
        events.clear();
        let left = next.map(|next: Instant| next.saturating_duration_since(Instant::now()));
        // It is interrupted by signals only, and then there are no events.
        let _: io::Result<usize> = reactor.poller.wait(&mut events, left);
        {
            let mut table = lock(&reactor.table);
            if table.ended {
                return;
            }
            let watched = |key| table.watched.get(key).cloned();
            ready.extend(events.iter().filter_map(|event| watched(event.key)));
            let keys = mem::take(&mut table.scheduled);
            let watched = |key| table.watched.get(key).cloned();
            scheduled.extend(keys.into_iter().filter_map(watched));
            due.extend(table.take_due());
            next = table.deadlines.first().map(|(deadline, _)| *deadline);
            #[cfg(unix)]
            {
                table.ticks.take_due(&mut overdue);
                let watched = |key| table.watched.get(key).cloned();
                ticked.extend(overdue.drain(..).filter_map(watched));
                next = next.into_iter().chain(table.ticks.next()).min();
            }
        }
        for stream in ready.drain(..) {
            unwinding(|| stream.on_ready());
        }
        for stream in scheduled.drain(..) {
            unwinding(|| stream.on_schedule());
        }
        for stream in due.drain(..) {
            unwinding(|| stream.on_deadline());
        }
        #[cfg(unix)]
        for stream in ticked.drain(..) {
            unwinding(|| stream.on_tick());
        }
    }
}
