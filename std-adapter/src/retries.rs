//! When a head is tried again that libzmq says it would send, and does not.
//!
//! Such a head waits for news (contract D7). But a receive that finds nothing takes in all of them, and those that come in the moment
//! before it are taken in unseen: they may have been of the head's peer, and nothing but another attempt would tell. So there is one
//! without news, before long, and then less and less often; a stream on which nothing waits in this way is never called for it.

use std::time::Duration;

use crate::sync::Instant;

/// How long a head waits before the first of these attempts, and at most before each that follows.
const FIRST_MILLIS: u32 = 10;
const LONGEST_MILLIS: u32 = 1_000;

/// When there is another attempt.
#[derive(Default)]
pub(crate) struct Retries {
    next: Option<Instant>,
    /// How long it was waited for, or is; 0 where no head waits.
    after_millis: u32,
}

impl Retries {
    /// The head waits. Whether there is a new time for its next attempt.
    pub(crate) fn wait(&mut self) -> bool {
        if self.next.is_some() {
            return false;
        }
        let twice = self.after_millis.saturating_mul(2);
        self.after_millis = twice.clamp(FIRST_MILLIS, LONGEST_MILLIS);
        let after = Duration::from_millis(self.after_millis.into());
        self.next = Instant::now().checked_add(after);
        true
    }

    /// When the next attempt is, if there is to be one.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.next
    }

    /// Whether it is time for the next attempt; each is told once.
    pub(crate) fn is_due(&mut self) -> bool {
        let now = Instant::now();
        self.next.take_if(|next| *next <= now).is_some()
    }

    /// The head is gone.
    #[inline]
    pub(crate) fn end(&mut self) {
        // Each message that goes comes by here.
        if self.after_millis != 0 {
            *self = Self::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::{Future, poll_fn};
    use std::pin::pin;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::task::{self, Poll, Wake, Waker};

    use futures_lite::future::block_on;

    use super::*;
    use crate::message::Frame;
    use crate::{Builder, Context, SocketType, ZmqStream, options};

    #[test]
    fn d7_a_head_that_waits_is_tried_less_and_less_often() {
        let mut retries = Retries::default();
        assert!(retries.next().is_none() && !retries.is_due());
        let mut waits = Vec::new();
        for _ in 0..10 {
            let before = Instant::now();
            assert!(retries.wait() && !retries.wait());
            waits.push(retries.after_millis);
            let next = retries.next().unwrap();
            let after = Duration::from_millis(retries.after_millis.into());
            assert!(next >= before + after);
            retries.next = Some(Instant::now() + Duration::from_secs(3_600));
            assert!(!retries.is_due());
            // The time has come.
            retries.next = Some(Instant::now());
            assert!(retries.is_due() && !retries.is_due());
        }
        assert_eq!(waits, [10, 20, 40, 80, 160, 320, 640, 1_000, 1_000, 1_000]);
        retries.end();
        assert!(retries.wait());
        assert_eq!(retries.after_millis, FIRST_MILLIS);
    }

    /// Whether a waker was woken; another is woken then.
    struct Woken(AtomicBool, Waker);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.store(true, Ordering::SeqCst);
            self.1.wake_by_ref();
        }
    }

    /// The peer of the head leaves, and something takes that in between the pump's last look and its last receive.
    async fn news_are_taken_in_unseen(build: impl Fn(Builder) -> Builder, lends: bool) {
        let context = Context::new().unwrap();
        let builder = |kind| build(ZmqStream::builder(kind).context(&context));
        let router = builder(SocketType::ROUTER)
            .option(options::ROUTER_MANDATORY, true)
            .option(options::SEND_HWM, 1);
        let router = router.bind("inproc://unseen").open().unwrap();
        let leaves = builder(SocketType::DEALER)
            .option(options::ROUTING_ID, "leaves".into())
            .option(options::RECEIVE_HWM, 1)
            .read_ahead(false);
        let leaves = leaves.connect("inproc://unseen").open().unwrap();
        leaves.write("hello").unwrap();
        router.read().await.unwrap();
        while router.write_buffer_bytes() == 0 {
            router.write(("leaves", "x")).unwrap();
        }
        let mut flush = pin!(router.flush());
        let woken = poll_fn(|cx| {
            let woken = Arc::new(Woken(AtomicBool::new(false), cx.waker().clone()));
            let waker = woken.clone().into();
            let polled = flush.as_mut().poll(&mut task::Context::from_waker(&waker));
            assert!(polled.is_pending());
            Poll::Ready(woken)
        });
        let woken = woken.await;
        if lends {
            // The time for the next attempt comes meanwhile.
            let slept = router.with_socket(|_| std::thread::sleep(Duration::from_millis(60)));
            slept.unwrap();
        }
        router.inner().with(|flow| {
            let watch = &mut flow.transport.as_mut().unwrap().watch;
            // As in the middle of a pump: nobody watches.
            watch.lend();
            watch.take_back();
            leaves.abort();
            let mut id = Frame::copied(b"leaves");
            while watch.socket().send(&mut id, true).unwrap_err().is_again() {
                watch.socket().events().unwrap();
                std::thread::yield_now();
            }
            while watch.socket().has_news() {
                watch.socket().events().unwrap();
            }
            watch.set();
        });
        // Nobody looks meanwhile.
        let is_woken = || woken.0.load(Ordering::SeqCst);
        poll_fn(|_| {
            if is_woken() {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
        flush.await.unwrap();
        assert!(router.take_send_failure().is_some());
        context.shutdown(Duration::from_secs(20)).await.unwrap();
    }

    /// Runs on a thread of its own; one that does not end fails.
    fn ends(run: impl FnOnce() + Send + 'static) {
        let (done, is_done) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            run();
            done.send(()).unwrap();
        });
        let ended = is_done.recv_timeout(Duration::from_secs(30));
        assert_eq!(ended, Ok(()), "the head waits in vain");
    }

    #[test]
    fn d7_a_head_is_tried_again_though_the_news_of_its_peer_were_taken_in_unseen() {
        ends(|| block_on(news_are_taken_in_unseen(|builder| builder, false)));
    }

    #[test]
    fn d7_a_head_is_tried_again_though_the_time_came_while_the_socket_was_lent() {
        ends(|| block_on(news_are_taken_in_unseen(|builder| builder, true)));
    }

    #[cfg(feature = "tokio")]
    #[test]
    fn d7_a_head_is_tried_again_on_a_runtime_too() {
        ends(|| {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_io()
                .build()
                .unwrap();
            let handle = runtime.handle().clone();
            let on_runtime = |builder: Builder| builder.tokio(&handle);
            runtime.block_on(news_are_taken_in_unseen(on_runtime, false));
        });
    }
}
