//! Descriptors, and whoever sleeps until they are readable. Each call is one step: what the system does, it does at once.
//!
//! A sleep of up to [`SHORT`] may end at once, for the others may be as slow as they like; a longer one never ends by its time.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::mem;
use std::time::Duration;

use loom::sync::{Condvar, Mutex, MutexGuard};
use loom::thread::JoinHandle;
use smallvec::SmallVec;

use super::pass;
use crate::socket::{Descriptor, Link};

const SHORT: Duration = Duration::from_millis(10);

/// A descriptor's number.
pub(crate) type Fd = usize;

/// All that is outside of the process.
pub(crate) struct World {
    pub(crate) sends_look: bool,
    /// How much there is to be read, or taken in, of each descriptor that there ever was.
    pending: Vec<usize>,
    /// Whether there is more of it than before.
    has_grown: bool,
    pub(crate) sockets: BTreeMap<Fd, Link>,
    pub(crate) names: BTreeMap<Vec<u8>, Fd>,
    pub(crate) threads: Vec<JoinHandle<()>>,
    pollers: Vec<Watched>,
}

/// What a poller watches.
#[derive(Default)]
struct Watched {
    notified: bool,
    /// The key of each descriptor, and whether it is watched.
    fds: BTreeMap<Fd, (usize, bool)>,
}

impl World {
    pub(crate) fn open(&mut self) -> Fd {
        self.pending.push(0);
        self.pending.len() - 1
    }

    /// There is so much more.
    pub(crate) fn add(&mut self, fd: Fd, more: usize) {
        if let Some(pending) = self.pending.get_mut(fd) {
            *pending += more;
            self.has_grown = true;
        }
    }

    /// Takes so much of it, or as much as there is.
    pub(crate) fn take(&mut self, fd: Fd, most: usize) -> usize {
        let Some(pending) = self.pending.get_mut(fd) else {
            return 0;
        };
        let taken = most.min(*pending);
        *pending -= taken;
        taken
    }

    pub(crate) fn is_readable(&self, fd: Fd) -> bool {
        self.pending.get(fd).is_some_and(|&pending| pending > 0)
    }

    pub(crate) fn is_watched(&self, fd: Fd) -> bool {
        self.pollers
            .iter()
            .any(|poller| poller.fds.contains_key(&fd))
    }
}

struct Shared {
    world: Mutex<World>,
    changed: Condvar,
}

loom::lazy_static! {
    static ref SHARED: Shared = Shared {
        world: Mutex::new(World {
            sends_look: false,
            pending: Vec::new(),
            has_grown: false,
            sockets: BTreeMap::new(),
            names: BTreeMap::new(),
            threads: Vec::new(),
            pollers: Vec::new(),
        }),
        changed: Condvar::new(),
    };
}

fn locked() -> MutexGuard<'static, World> {
    match SHARED.world.lock() {
        Ok(world) => world,
        Err(poisoned) => poisoned.into_inner(),
    }
}

/// Does something to the world, and wakes those who sleep if more is readable than before.
pub(crate) fn with_world<R>(f: impl FnOnce(&mut World) -> R) -> R {
    let mut world = locked();
    let result = f(&mut world);
    let has_grown = mem::take(&mut world.has_grown);
    drop(world);
    if has_grown {
        SHARED.changed.notify_all();
    }
    result
}

/// Sleeps until there is something, or the time is up.
fn sleep<R>(timeout: Option<Duration>, mut look: impl FnMut(&mut World) -> Option<R>) -> Option<R> {
    let mut world = locked();
    loop {
        let found = look(&mut world);
        if found.is_some() {
            return found;
        }
        if let Some(timeout) = timeout.filter(|&timeout| timeout <= SHORT) {
            // Whoever only looks has taken his time, too.
            pass(timeout.max(Duration::from_micros(100)));
            return None;
        }
        world = match SHARED.changed.wait(world) {
            Ok(world) => world,
            Err(poisoned) => poisoned.into_inner(),
        };
    }
}

/// As `poll` does: says of each whether it is readable, if any is.
pub(crate) fn wait_readable(fds: &[Fd], timeout: Option<Duration>) -> SmallVec<[bool; 9]> {
    let ready = sleep(timeout, |world| {
        let ready: SmallVec<[bool; 9]> = fds.iter().map(|&fd| world.is_readable(fd)).collect();
        ready.contains(&true).then_some(ready)
    });
    ready.unwrap_or_default()
}

/// Tells of each descriptor once, and watches it no more until it is told to.
pub(crate) struct Poller(usize);

/// What a poller has told.
#[derive(Default)]
pub(crate) struct Events(Vec<Event>);

#[derive(Clone, Copy)]
pub(crate) struct Event {
    pub(crate) key: usize,
}

impl Events {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = Event> + '_ {
        self.0.iter().copied()
    }
}

impl Poller {
    #[expect(clippy::unnecessary_wraps, reason = "as the one that it stands for")]
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self(with_world(|world| {
            world.pollers.push(Watched::default());
            world.pollers.len() - 1
        })))
    }

    pub(crate) fn notify(&self) -> io::Result<()> {
        self.with(|poller| poller.notified = true);
        SHARED.changed.notify_all();
        Ok(())
    }

    /// Watches a descriptor from now on, or not.
    pub(crate) fn set(&self, fd: Fd, key: usize, is_watched: bool) -> io::Result<()> {
        self.with(|poller| poller.fds.insert(fd, (key, is_watched)));
        if is_watched {
            SHARED.changed.notify_all();
        }
        Ok(())
    }

    pub(crate) fn delete(&self, fd: Fd) -> io::Result<()> {
        self.with(|poller| poller.fds.remove(&fd));
        Ok(())
    }

    fn with<R>(&self, f: impl FnOnce(&mut Watched) -> R) -> R {
        #[expect(clippy::indexing_slicing, reason = "pollers are never taken out")]
        with_world(|world| f(&mut world.pollers[self.0]))
    }

    pub(crate) fn wait(&self, events: &mut Events, timeout: Option<Duration>) -> io::Result<usize> {
        sleep(timeout, |world| {
            let World {
                pending, pollers, ..
            } = world;
            let poller = pollers.get_mut(self.0)?;
            let is_notified = mem::take(&mut poller.notified);
            for (fd, (key, is_watched)) in &mut poller.fds {
                if *is_watched && pending.get(*fd).is_some_and(|&pending| pending > 0) {
                    *is_watched = false;
                    events.0.push(Event { key: *key });
                }
            }
            (is_notified || !events.0.is_empty()).then_some(())
        });
        Ok(events.0.len())
    }
}

/// One end of a pair: what is written to one can be read from the other.
pub(crate) struct UnixStream {
    own: Fd,
    other: Fd,
}

impl UnixStream {
    #[expect(clippy::unnecessary_wraps, reason = "as the one that it stands for")]
    pub(crate) fn pair() -> io::Result<(Self, Self)> {
        let (own, other) = with_world(|world| (world.open(), world.open()));
        let reversed = Self {
            own: other,
            other: own,
        };
        Ok((Self { own, other }, reversed))
    }

    #[expect(
        clippy::unused_self,
        clippy::unnecessary_wraps,
        reason = "as the one that it stands for"
    )]
    pub(crate) fn set_nonblocking(&self, _: bool) -> io::Result<()> {
        Ok(())
    }

    pub(crate) fn descriptor(&self) -> Descriptor {
        Descriptor(self.own)
    }
}

impl Write for &UnixStream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        with_world(|world| world.add(self.other, bytes.len()));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for &UnixStream {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        match with_world(|world| world.take(self.own, room.len())) {
            0 => Err(io::ErrorKind::WouldBlock.into()),
            read => Ok(read),
        }
    }
}
