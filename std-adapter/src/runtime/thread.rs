//! The default: one thread for all streams of the process, started by the first and gone after the last.
//!
//! It sleeps until a descriptor becomes readable, calls the stream that it belongs to, and watches that descriptor no
//! more until the stream sets its watch again. The descriptor is readable for as long as libzmq has news that nobody
//! has taken in; so a watch that is set after the last look at the socket misses nothing.

use std::io;
#[cfg(unix)]
use std::mem;
use std::sync::Arc;
#[cfg(unix)]
use std::sync::atomic::{AtomicU64, Ordering};

use super::Watched;
#[cfg(unix)]
use super::caller;
use super::reactor::{Seat, Vacant};
use crate::socket::Descriptor;
use crate::sync::Instant;

/// How many places there were.
#[cfg(unix)]
static PLACES: AtomicU64 = AtomicU64::new(0);

/// A descriptor's place among those that the I/O thread watches.
pub(crate) struct Place {
    seat: Seat,
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
}

/// What is put off until the next tick.
#[cfg(unix)]
#[derive(Default)]
struct PuttingOff {
    /// Whether the I/O thread will come at the next tick.
    is_listed: bool,
    /// Whether a watch was put off anew since the last tick.
    is_new: bool,
    /// Whether the stream is to look at its socket then.
    looks: bool,
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
    vacant: Vacant,
    descriptor: Descriptor,
}

impl Vacancy {
    /// Puts a descriptor under watch, which is not set yet. Starts the I/O thread if there is none.
    pub(super) fn find(descriptor: Descriptor) -> io::Result<Self> {
        let vacant = Vacant::find()?;
        match descriptor.watch(vacant.poller(), vacant.key()) {
            Ok(()) => Ok(Self { vacant, descriptor }),
            Err(error) => {
                vacant.leave();
                Err(error)
            }
        }
    }

    /// Takes the place for what `make` makes of it, which is kept until the place is closed.
    pub(super) fn take<R>(self, make: impl FnOnce(Place) -> (R, Arc<dyn Watched>)) -> R {
        let Self { vacant, descriptor } = self;
        vacant.take(|seat| {
            make(Place {
                seat,
                #[cfg(unix)]
                id: PLACES.fetch_add(1, Ordering::Relaxed),
                descriptor,
                watcher: Watcher::Nobody,
                #[cfg(unix)]
                setter: Setter::Opener,
                #[cfg(unix)]
                putting_off: PuttingOff::default(),
            })
        })
    }
}

impl Place {
    /// From now on the stream is called when the descriptor is readable, or if it is so already; once.
    pub(super) fn set(&mut self) {
        if self.seat.is_closed() {
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
        let caller = caller::note(self.descriptor, self.id, || self.seat.owner());
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
        self.list();
    }

    /// Has the stream look at its socket at the next tick. `false` if that does not come.
    #[cfg(unix)]
    #[inline]
    pub(super) fn look_later(&mut self) -> bool {
        if !self.putting_off.looks && !self.seat.is_closed() {
            self.putting_off.looks = true;
            self.list();
        }
        self.putting_off.looks
    }

    #[cfg(unix)]
    fn list(&mut self) {
        if !mem::replace(&mut self.putting_off.is_listed, true) {
            self.seat.put_off();
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

    /// A tick has come for what was put off. Says whether the stream is to look at its socket.
    #[cfg(unix)]
    pub(super) fn tick(&mut self) -> bool {
        self.putting_off.is_listed = false;
        if matches!(self.watcher, Watcher::Deferred) {
            if mem::take(&mut self.putting_off.is_new) {
                self.put_off();
                self.putting_off.is_new = false;
            } else {
                self.watch();
            }
        }
        mem::take(&mut self.putting_off.looks)
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
        if !self.seat.is_closed() && !is_watched {
            let poller = self.seat.poller();
            // It fails only if the descriptor is not watched at all; it is, until `close`.
            if self.descriptor.rewatch(poller, self.seat.key()).is_ok() {
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
        let lends = is_set && !self.seat.is_closed();
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
            let _: io::Result<()> = self.descriptor.rest(self.seat.poller(), self.seat.key());
        }
    }

    /// That thread has woken.
    #[cfg(unix)]
    pub(super) fn take_back(&mut self) {
        self.watcher = Watcher::Nobody;
    }

    /// Has the I/O thread call the stream soon.
    pub(super) fn reschedule(&self) {
        self.seat.reschedule();
    }

    /// Has the I/O thread call the stream at this time, unless the watch is closed before. A later call replaces it.
    pub(super) fn set_deadline(&mut self, deadline: Instant) {
        self.seat.set_deadline(Some(deadline));
    }

    /// Ends the watch. The thread ends with the last one.
    pub(super) fn close(&mut self) {
        if !self.seat.is_closed() {
            let _: io::Result<()> = self.descriptor.unwatch(self.seat.poller());
            self.seat.close();
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.close();
    }
}
