//! The I/O thread, and its table of those whom it calls: a stream when its descriptor is readable, and whoever has set a deadline
//! when that has come.
//!
//! It is started by the first who takes a seat, and ends with the last.

use std::collections::{BTreeSet, VecDeque};
use std::io;
use std::mem;
use std::sync::Arc;

use slab::Slab;

#[cfg(unix)]
use super::caller;
#[cfg(unix)]
use super::ticks::Ticks;
use super::{Watched, lock, unwinding};
use crate::fork::Forkable;
use crate::sync::{Events, Instant, Mutex, MutexGuard, Poller, global, thread};

struct Reactor {
    poller: Poller,
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    watched: Slab<Arc<dyn Watched>>,
    scheduled: VecDeque<usize>,
    deadlines: BTreeSet<(Instant, usize)>,
    /// Until when the thread sleeps at most; `None`: for ever.
    sleeps_until: Option<Instant>,
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

global! {
    /// Locked when a seat is taken or closed; the reactor's table then, and at each wake of the I/O thread. Neither is
    /// held while a stream is locked by the one who locks it, but for the close of a stream.
    static RUNNING: Forkable<Option<Arc<Reactor>>> = Forkable::of_program(None);
}

/// A seat in the table of the I/O thread: whoever has one is called.
pub(super) struct Seat {
    reactor: Arc<Reactor>,
    key: usize,
    deadline: Option<Instant>,
    closed: bool,
}

/// A seat that was found, and is not taken yet: the process's threads wait for it.
pub(super) struct Vacant {
    running: MutexGuard<'static, Option<Arc<Reactor>>>,
    reactor: Arc<Reactor>,
    key: usize,
}

impl Vacant {
    /// Starts the I/O thread if there is none.
    pub(super) fn find() -> io::Result<Self> {
        let mut running = RUNNING.lock(|| None);
        let reactor = match &*running {
            Some(reactor) => reactor.clone(),
            None => running.insert(start()?).clone(),
        };
        let key = lock(&reactor.table).watched.vacant_key();
        Ok(Self {
            running,
            reactor,
            key,
        })
    }

    /// What the I/O thread waits with.
    pub(super) fn poller(&self) -> &Poller {
        &self.reactor.poller
    }

    /// The seat's number, for as long as it is somebody's.
    pub(super) fn key(&self) -> usize {
        self.key
    }

    /// Nobody takes it.
    pub(super) fn leave(mut self) {
        let unused = lock(&self.reactor.table).watched.is_empty();
        if unused {
            end(&mut self.running);
        }
    }

    /// Takes the seat for what `make` makes of it, which is kept until the seat is closed.
    pub(super) fn take<R>(self, make: impl FnOnce(Seat) -> (R, Arc<dyn Watched>)) -> R {
        let Self {
            running,
            reactor,
            key,
        } = self;
        let (result, watched) = make(Seat {
            reactor: reactor.clone(),
            key,
            deadline: None,
            closed: false,
        });
        // Nobody else has taken the key: that is done under `running`.
        lock(&reactor.table).watched.insert(watched);
        drop(running);
        result
    }
}

impl Seat {
    /// A seat without a descriptor, for one who is called when a deadline has come. Starts the I/O thread if there is none.
    pub(super) fn take(watched: Arc<dyn Watched>) -> io::Result<Self> {
        Ok(Vacant::find()?.take(|seat| (seat, watched)))
    }

    /// What the I/O thread waits with.
    pub(super) fn poller(&self) -> &Poller {
        &self.reactor.poller
    }

    /// Its number, for as long as it is not closed.
    pub(super) fn key(&self) -> usize {
        self.key
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }

    /// Whoever is called.
    #[cfg(unix)]
    pub(super) fn owner(&self) -> Option<Arc<dyn Watched>> {
        lock(&self.reactor.table).watched.get(self.key).cloned()
    }

    /// Has the I/O thread call its owner at the next tick.
    #[cfg(unix)]
    pub(super) fn put_off(&self) {
        let is_asleep = lock(&self.reactor.table).ticks.put_off(self.key);
        if is_asleep {
            let _: io::Result<()> = self.reactor.poller.notify();
        }
    }

    /// Has the I/O thread call its owner soon.
    pub(super) fn reschedule(&self) {
        let mut table = lock(&self.reactor.table);
        if !table.scheduled.contains(&self.key) {
            table.scheduled.push_back(self.key);
        }
        drop(table);
        // It fails only if the poller is gone, and the reactor holds it.
        let _: io::Result<()> = self.reactor.poller.notify();
    }

    /// The deadline that was set last.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Has the I/O thread call its owner at this time, unless the seat is closed before; `None`: never. A later call replaces it.
    pub(super) fn set_deadline(&mut self, deadline: Option<Instant>) {
        if self.closed {
            return;
        }
        let mut table = lock(&self.reactor.table);
        if let Some(old) = mem::replace(&mut self.deadline, deadline) {
            table.deadlines.remove(&(old, self.key));
        }
        let Some(deadline) = deadline else {
            return;
        };
        table.deadlines.insert((deadline, self.key));
        let oversleeps = table.sleeps_until.is_none_or(|until| deadline < until);
        drop(table);
        if oversleeps {
            let _: io::Result<()> = self.reactor.poller.notify();
        }
    }

    /// Ends it. The thread ends with the last one.
    pub(super) fn close(&mut self) {
        if mem::replace(&mut self.closed, true) {
            return;
        }
        let mut running = RUNNING.lock(|| None);
        let mut table = lock(&self.reactor.table);
        let watched = table.watched.try_remove(self.key);
        table.scheduled.retain(|&key| key != self.key);
        if let Some(deadline) = self.deadline {
            table.deadlines.remove(&(deadline, self.key));
        }
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

impl Drop for Seat {
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

/// Tells the thread to end, and lets whoever comes next start another.
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
                table.ticks.take_due(Instant::now(), &mut overdue);
                let watched = |key| table.watched.get(key).cloned();
                ticked.extend(overdue.drain(..).filter_map(watched));
                next = next.into_iter().chain(table.ticks.next()).min();
            }
            table.sleeps_until = next;
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

#[cfg(all(test, not(tidegate_loom)))]
mod tests {
    use std::sync::mpsc::{SendError, Sender, channel};
    use std::time::Duration;

    use super::*;

    struct Told(Sender<()>);

    impl Watched for Told {
        fn on_ready(&self) {}

        fn on_schedule(&self) {
            let _: Result<(), SendError<()>> = self.0.send(());
        }
    }

    #[test]
    fn a_seat_that_is_closed_keeps_no_other_from_being_called() {
        let (tell, told) = channel();
        let kept = Seat::take(Arc::new(Told(tell))).unwrap();
        for _ in 0..1_000 {
            let mut other = Seat::take(Arc::new(Told(channel().0))).unwrap();
            kept.reschedule();
            other.close();
            told.recv_timeout(Duration::from_secs(30)).unwrap();
        }
    }
}
