//! Stands in for a current-thread runtime of tokio: tasks that are polled by whoever runs it, and descriptors of which it is told when
//! they become readable, and not that they are.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use super::pass;
use super::world::{Fd, World, sleep, with_world};
use crate::socket::Descriptor;

type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What a world knows of its one runtime.
#[derive(Default)]
pub(crate) struct Runtime {
    is_over: bool,
    spawned: Vec<Task>,
    woken: Vec<usize>,
    /// How many tasks have not ended.
    tasks: usize,
    registered: Vec<Registered>,
}

struct Registered {
    fd: Fd,
    /// Whether it has become readable since the runtime has looked, and since somebody has cleared that.
    is_news: bool,
    is_ready: bool,
    waker: Option<Waker>,
}

impl World {
    /// This one was quiet, and is readable.
    pub(super) fn became_readable(&mut self, fd: Fd) {
        for registered in &mut self.runtime.registered {
            registered.is_news |= registered.fd == fd;
        }
    }

    pub(super) fn is_registered(&self, fd: Fd) -> bool {
        let registered = &self.runtime.registered;
        registered.iter().any(|registered| registered.fd == fd)
    }

    fn registered(&mut self, fd: Fd) -> Option<&mut Registered> {
        let registered = &mut self.runtime.registered;
        registered.iter_mut().find(|registered| registered.fd == fd)
    }
}

/// A runtime, which there is one of in a model.
#[derive(Clone, Debug)]
pub struct Handle(());

/// A task that is to be polled.
struct Wakes(usize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        with_world(|world| {
            world.runtime.woken.push(self.0);
            world.has_grown = true;
        });
    }
}

impl Handle {
    #[expect(clippy::new_without_default, reason = "there is one")]
    pub fn new() -> Self {
        Self(())
    }

    pub(crate) fn enter(&self) {}

    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let refused = with_world(|world| {
            if world.runtime.is_over {
                return Some(Box::pin(task) as Task);
            }
            world.runtime.spawned.push(Box::pin(task));
            world.runtime.tasks += 1;
            world.has_grown = true;
            None
        });
        drop(refused);
    }

    /// Waits until every task has ended.
    pub fn join(&self) {
        sleep(None, |world| (world.runtime.tasks == 0).then_some(()));
    }

    /// Shuts down: whoever runs it drops its tasks.
    pub fn shut_down(&self) {
        with_world(|world| {
            world.runtime.is_over = true;
            world.has_grown = true;
        });
    }

    /// Polls the tasks until it is shut down.
    pub fn run(&self) {
        let mut tasks: Vec<Option<Task>> = Vec::new();
        let is_over = |world: &World| world.runtime.is_over;
        while !with_world(|world| is_over(world)) {
            for task in with_world(|world| std::mem::take(&mut world.runtime.spawned)) {
                with_world(|world| world.runtime.woken.push(tasks.len()));
                tasks.push(Some(task));
            }
            for woken in with_world(|world| std::mem::take(&mut world.runtime.woken)) {
                let waker = Arc::new(Wakes(woken)).into();
                if let Some(place) = tasks.get_mut(woken)
                    && let Some(task) = place
                    && task
                        .as_mut()
                        .poll(&mut Context::from_waker(&waker))
                        .is_ready()
                {
                    *place = None;
                    with_world(|world| {
                        world.runtime.tasks -= 1;
                        world.has_grown = true;
                    });
                }
            }
            let wakers = sleep(None, |world| {
                let Runtime {
                    is_over,
                    spawned,
                    woken,
                    registered,
                    ..
                } = &mut world.runtime;
                let news = registered
                    .iter_mut()
                    .filter(|registered| registered.is_news);
                let wakers: Vec<Waker> = news
                    .filter_map(|registered| {
                        registered.is_news = false;
                        registered.is_ready = true;
                        registered.waker.take()
                    })
                    .collect();
                let goes_on = *is_over || !(spawned.is_empty() && woken.is_empty());
                (goes_on || !wakers.is_empty()).then_some(wakers)
            });
            // To sleep and to be woken takes its time.
            pass(Duration::from_micros(100));
            wakers.into_iter().flatten().for_each(Waker::wake);
        }
        drop(tasks);
        drop(with_world(|world| {
            std::mem::take(&mut world.runtime.spawned)
        }));
    }
}

/// A descriptor that the runtime watches.
pub(crate) struct AsyncFd<T>(Fd, T);

pub(crate) struct Guard(Fd);

impl AsyncFd<Descriptor> {
    pub(crate) fn of(descriptor: Descriptor) -> Self {
        with_world(|world| {
            let registered = Registered {
                fd: descriptor.0,
                is_news: world.is_readable(descriptor.0),
                is_ready: false,
                waker: None,
            };
            world.runtime.registered.push(registered);
            world.has_grown = true;
        });
        Self(descriptor.0, descriptor)
    }

    pub(crate) fn get_ref(&self) -> &Descriptor {
        &self.1
    }

    pub(crate) fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<Guard>> {
        let waker = cx.waker().clone();
        with_world(|world| {
            if world.runtime.is_over {
                return Poll::Ready(Err(io::Error::other("the runtime shuts down")));
            }
            match world.registered(self.0) {
                Some(registered) if registered.is_ready => Poll::Ready(Ok(Guard(self.0))),
                Some(registered) => {
                    registered.waker = Some(waker);
                    Poll::Pending
                }
                None => Poll::Pending,
            }
        })
    }
}

impl Guard {
    pub(crate) fn clear_ready(&mut self) {
        with_world(|world| {
            if let Some(registered) = world.registered(self.0) {
                registered.is_ready = false;
            }
        });
    }
}

impl<T> Drop for AsyncFd<T> {
    fn drop(&mut self) {
        let waker = with_world(|world| {
            let registered = &mut world.runtime.registered;
            let place = registered.iter().position(|of| of.fd == self.0)?;
            registered.swap_remove(place).waker
        });
        drop(waker);
    }
}
