//! Who watches a socket's descriptor while nobody uses the socket.
//!
//! There is one watcher of a descriptor at a time: the process's I/O thread, a task on a tokio runtime, or a thread that waits.

#[cfg(all(feature = "tokio", unix))]
mod awake;
#[cfg(unix)]
mod caller;
mod reactor;
#[cfg(unix)]
mod rest;
#[cfg(unix)]
mod spin;
mod thread;
#[cfg(unix)]
mod ticks;
mod timer;
#[cfg(all(feature = "tokio", unix))]
mod tokio;

#[cfg(all(feature = "tokio", unix))]
use std::future::Future as _;
use std::io;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, PoisonError};
use std::task;

#[cfg(unix)]
pub(crate) use caller::wait;
pub(crate) use timer::Timer;

use crate::socket::Socket;
#[cfg(all(feature = "tokio", unix))]
use crate::sync::Handle;
use crate::sync::{Instant, Mutex, MutexGuard, catch_unwind};

/// What is called when there is something to do.
pub(crate) trait Watched: Send + Sync {
    /// The descriptor was readable, and may be watched no more.
    fn on_ready(&self);
    /// Goes on where a batch has ended.
    fn on_schedule(&self);
    /// The deadline that was set has come.
    fn on_deadline(&self) {}
    /// A thread is about to sleep, and watches the descriptor meanwhile if this says something.
    #[cfg(unix)]
    fn lend(&self) -> Option<Lent> {
        None
    }
    /// That thread has woken.
    #[cfg(unix)]
    fn give_back(&self, _is_readable: bool) {}
    /// A thread that was to watch while it sleeps does not.
    #[cfg(unix)]
    fn undefer(&self) {}
    /// Something was put off until now.
    #[cfg(unix)]
    fn on_tick(&self) {}
    /// The runtime that has watched the descriptor is gone.
    #[cfg(all(feature = "tokio", unix))]
    fn on_runtime_gone(self: Arc<Self>) {}
}

/// What is known of a stream whose descriptor a thread watches while it sleeps.
#[cfg(unix)]
#[derive(Clone, Copy, Default)]
pub(crate) struct Lent {
    /// Whether something was written and somebody reads: what is waited for may be the answer, and come soon.
    pub(crate) awaits_reply: bool,
    /// How many messages have come since a thread has last slept over it.
    pub(crate) received_messages: u64,
}

#[cfg(unix)]
impl Lent {
    /// What is known of both.
    fn and(self, other: Self) -> Self {
        let received = self.received_messages;
        Self {
            awaits_reply: self.awaits_reply || other.awaits_reply,
            received_messages: received.saturating_add(other.received_messages),
        }
    }
}

/// Whether this is the I/O thread.
pub(crate) fn is_io_thread() -> bool {
    #[cfg(unix)]
    return caller::on_io_thread();
    #[cfg(not(unix))]
    return false;
}

/// Locks what nobody leaves in disorder: a panic of somebody who has held it changes nothing.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A waker that panics has its say on standard error, as any panic; a thread of ours goes on.
pub(crate) fn unwinding(f: impl FnOnce()) {
    let _: std::thread::Result<()> = catch_unwind(AssertUnwindSafe(f));
}

/// Has a task polled again once others have run. tokio would poll it many times before it asks what others wait for, if it were only
/// woken; its own `yield_now` knows better. Whoever else waits in a thread of tokio is woken as anywhere.
pub(crate) fn let_others_run(cx: &mut task::Context<'_>) {
    #[cfg(all(feature = "tokio", unix))]
    if tokio::is_task(cx.waker()) {
        let _: task::Poll<()> = std::pin::pin!(::tokio::task::yield_now()).poll(cx);
        return;
    }
    cx.waker().wake_by_ref();
}

/// Who is to watch.
#[derive(Clone, Debug, Default)]
pub(crate) enum Runtime {
    /// The process's I/O thread, and threads that wait.
    #[default]
    Thread,
    /// A task on this runtime.
    #[cfg(all(feature = "tokio", unix))]
    Tokio(Handle),
}

/// The watch over one socket. It owns the socket, and ends before the socket does: fields are dropped in their order.
pub(crate) struct Watch {
    place: Place,
    socket: Socket,
}

enum Place {
    Thread(thread::Place),
    #[cfg(all(feature = "tokio", unix))]
    Tokio(tokio::Place),
}

impl Watch {
    /// Puts a socket under watch. `watched` is made once the watch is there and is kept until it is closed. The socket comes
    /// back if there can be no watch.
    pub(crate) fn open<W: Watched + 'static>(
        runtime: &Runtime,
        socket: Socket,
        make: impl FnOnce(Self) -> Arc<W>,
    ) -> Result<Arc<W>, (io::Error, Socket)> {
        match runtime {
            Runtime::Thread => match thread::Vacancy::find(socket.descriptor()) {
                Ok(vacancy) => Ok(vacancy.take(|place| {
                    let place = Place::Thread(place);
                    let watched = make(Self { place, socket });
                    (watched.clone(), watched)
                })),
                Err(error) => Err((error, socket)),
            },
            #[cfg(all(feature = "tokio", unix))]
            Runtime::Tokio(handle) => match tokio::Vacancy::find(handle, socket.descriptor()) {
                Ok(vacancy) => Ok(vacancy.take(|place| {
                    let place = Place::Tokio(place);
                    make(Self { place, socket })
                })),
                Err(error) => Err((error, socket)),
            },
        }
    }

    pub(crate) fn socket(&mut self) -> &mut Socket {
        &mut self.socket
    }

    /// For the I/O thread's places alone: a task on a runtime always watches.
    fn on_thread(&mut self, f: impl FnOnce(&mut thread::Place)) {
        match &mut self.place {
            Place::Thread(place) => f(place),
            #[cfg(all(feature = "tokio", unix))]
            Place::Tokio(_) => {}
        }
    }

    /// From now on the stream is called when the descriptor is readable, or if it is so already; at least once. A thread that waits, and
    /// that alone has ever asked, leaves it until it sleeps, for a millisecond or two.
    pub(crate) fn set(&mut self) {
        self.on_thread(thread::Place::set);
    }

    /// [`set`](Self::set), and nobody leaves it to anybody.
    pub(crate) fn set_now(&mut self) {
        self.on_thread(thread::Place::watch);
    }

    /// The stream was called.
    pub(crate) fn fired(&mut self) {
        self.on_thread(thread::Place::fired);
    }

    /// Somebody is about to wait for the answer to what was written. Says whether that is known now; where threads wait by themselves, it
    /// is asked when one lends the watch.
    pub(crate) fn await_reply(&self) -> bool {
        match &self.place {
            Place::Thread(_) => false,
            #[cfg(all(feature = "tokio", unix))]
            Place::Tokio(place) => {
                place.await_reply();
                true
            }
        }
    }

    /// Leaves the watch to a thread that is about to sleep, if it is set.
    #[cfg(unix)]
    pub(crate) fn lend(&mut self) -> bool {
        match &mut self.place {
            Place::Thread(place) => place.lend(),
            #[cfg(feature = "tokio")]
            Place::Tokio(_) => false,
        }
    }

    /// Nobody watches who was to watch while it sleeps.
    #[cfg(unix)]
    pub(crate) fn undefer(&mut self) {
        self.on_thread(thread::Place::undefer);
    }

    /// The stream is open: whoever sets the watch from now on waits for it.
    #[cfg(unix)]
    pub(crate) fn nobody_has_set(&mut self) {
        self.on_thread(thread::Place::nobody_has_set);
    }

    /// The socket was lent, and comes back.
    #[cfg(unix)]
    pub(crate) fn was_away(&mut self) {
        self.on_thread(thread::Place::was_away);
    }

    /// Has the stream look at its socket at the next tick. `false` if there are none.
    #[inline]
    pub(crate) fn look_later(&mut self) -> bool {
        match &mut self.place {
            #[cfg(unix)]
            Place::Thread(place) => place.look_later(),
            #[cfg(not(unix))]
            Place::Thread(_) => false,
            #[cfg(all(feature = "tokio", unix))]
            Place::Tokio(_) => false,
        }
    }

    /// A tick has come for what was put off. Says whether the stream is to look at its socket.
    #[cfg(unix)]
    pub(crate) fn tick(&mut self) -> bool {
        match &mut self.place {
            Place::Thread(place) => place.tick(),
            #[cfg(feature = "tokio")]
            Place::Tokio(_) => false,
        }
    }

    /// Takes the watch back; it is to be set anew.
    #[cfg(unix)]
    pub(crate) fn take_back(&mut self) {
        self.on_thread(thread::Place::take_back);
    }

    /// Has the stream called soon.
    pub(crate) fn reschedule(&self) {
        match &self.place {
            Place::Thread(place) => place.reschedule(),
            #[cfg(all(feature = "tokio", unix))]
            Place::Tokio(place) => place.reschedule(),
        }
    }

    /// Has the I/O thread watch from now on: a stream that closes outlives the runtime of those who used it. Without descriptors the
    /// watch stays where it is.
    pub(crate) fn outlive_runtime(&mut self) {
        #[cfg(all(feature = "tokio", unix))]
        let _: io::Result<()> = self.move_to_thread();
    }

    /// Has the stream called at this time, by the I/O thread, unless the watch is closed before. A later call replaces it. Where the I/O
    /// thread cannot be had, for want of descriptors, a thread does it that waits for nothing else.
    pub(crate) fn set_deadline(&mut self, deadline: Instant) {
        match &mut self.place {
            Place::Thread(place) => place.set_deadline(deadline),
            #[cfg(all(feature = "tokio", unix))]
            Place::Tokio(place) => place.set_deadline(deadline),
        }
    }

    /// Ends the watch.
    pub(crate) fn close(&mut self) {
        match &mut self.place {
            Place::Thread(place) => place.close(),
            #[cfg(all(feature = "tokio", unix))]
            Place::Tokio(place) => place.close(),
        }
    }

    /// Has the I/O thread watch from now on. The watch is to be set anew.
    #[cfg(all(feature = "tokio", unix))]
    pub(crate) fn move_to_thread(&mut self) -> io::Result<()> {
        if let Place::Tokio(place) = &self.place
            && let Some(stream) = place.stream()
        {
            let vacancy = thread::Vacancy::find(self.socket.descriptor())?;
            self.place = Place::Thread(vacancy.take(|place| (place, stream)));
            self.nobody_has_set();
            self.set_now();
        }
        Ok(())
    }

    /// Ends the watch, and gives the socket back.
    pub(crate) fn into_socket(self) -> Socket {
        self.socket
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_watches_two_awaits_a_reply_of_either_and_what_both_receive() {
        let lent = |awaits_reply, received_messages| Lent {
            awaits_reply,
            received_messages,
        };
        for (one, other, both) in [
            (lent(true, 3), lent(false, 4), lent(true, 7)),
            (lent(false, 3), lent(true, 0), lent(true, 3)),
            (lent(false, 0), lent(false, u64::MAX), lent(false, u64::MAX)),
        ] {
            let and = one.and(other);
            assert_eq!(and.awaits_reply, both.awaits_reply);
            assert_eq!(and.received_messages, both.received_messages);
        }
    }
}
