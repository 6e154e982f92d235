//! A tokio runtime that is shut down under live streams: the tasks that it drops are cancelled wherever they stand, and the streams go on
//! without it. `FAULTS.md` has the counts.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use futures_lite::future::block_on;
use tidegate::{Context, SocketType, TryReadError, ZmqStream};
use tidegate_tests::{
    Usage, Watchdog, alone, eventually, number_of, numbered, shut_down, start_executor,
    thread_count,
};
use tokio::runtime::{Builder, Runtime};

const PAIRS: usize = 20;

/// Two streams that the runtime watches, and how many messages went through each.
struct Pair {
    pull: ZmqStream,
    push: ZmqStream,
    written: AtomicU32,
    read: AtomicU32,
}

impl Pair {
    fn open(runtime: &Runtime, context: &Context, k: usize) -> Arc<Self> {
        let open = |kind| {
            let builder = ZmqStream::builder(kind).context(context);
            builder.tokio(runtime.handle())
        };
        let endpoint = match k % 2 {
            0 => "tcp://127.0.0.1:*".to_owned(),
            _ => format!("inproc://live-{k}"),
        };
        let pull = open(SocketType::PULL).bind(endpoint).open().unwrap();
        let push = open(SocketType::PUSH).connect(&pull.bindings()[0]);
        Arc::new(Self {
            pull,
            push: push.open().unwrap(),
            written: AtomicU32::new(0),
            read: AtomicU32::new(0),
        })
    }

    /// Writes for ever.
    async fn write_on(self: Arc<Self>) {
        loop {
            let k = self.written.load(Ordering::Relaxed);
            self.push.write(numbered(k, 1 + k % 3, 200)).unwrap();
            self.written.store(k + 1, Ordering::Relaxed);
            self.push.drain().await.unwrap();
            tokio::task::yield_now().await;
        }
    }

    /// The next message is the next one.
    async fn read_one(&self) {
        let message = self.pull.read().await.unwrap();
        assert_eq!(
            number_of(&message),
            self.read.fetch_add(1, Ordering::Relaxed)
        );
    }

    async fn read_on(self: Arc<Self>) {
        loop {
            self.read_one().await;
        }
    }
}

fn runtimes() -> [Runtime; 2] {
    let multi_thread = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_io()
        .build();
    let current_thread = Builder::new_current_thread().enable_io().build();
    [multi_thread.unwrap(), current_thread.unwrap()]
}

#[test]
fn c2_a_runtime_that_is_shut_down_under_live_streams_takes_nothing_of_them_with_it() {
    alone(|| {
        let _watchdog = Watchdog::new(60);
        start_executor();
        // The first one opens what tokio keeps for the process, for signals. A thread that was joined is still counted for a moment.
        let threads = thread_count();
        drop(runtimes());
        eventually(|| thread_count() == threads);
        for (flavour, in_background) in [(0, false), (0, true), (1, false), (1, true)] {
            let before = Usage::now();
            let runtime = runtimes().into_iter().nth(flavour).unwrap();
            let context = Context::new().unwrap();
            let pairs: Vec<_> = (0..PAIRS)
                .map(|k| Pair::open(&runtime, &context, k))
                .collect();
            for pair in &pairs {
                runtime.spawn(pair.clone().write_on());
                runtime.spawn(pair.clone().read_on());
            }
            // Until all of them are at it; on the runtime, which may have no other thread.
            runtime.block_on(async {
                while !pairs
                    .iter()
                    .all(|pair| pair.read.load(Ordering::Relaxed) > 100)
                {
                    tokio::task::yield_now().await;
                }
            });
            if in_background {
                runtime.shutdown_background();
            } else {
                drop(runtime);
            }
            // Its tasks are gone, and have let go of the streams.
            eventually(|| pairs.iter().all(|pair| Arc::strong_count(pair) == 1));
            let mut written = 0;
            let mut late = 0;
            for pair in &pairs {
                let all = pair.written.load(Ordering::Relaxed);
                // It works on without the runtime, and nothing of before is missing.
                let k = all;
                block_on(pair.push.send(numbered(k, 1, 20))).unwrap();
                while pair.read.load(Ordering::Relaxed) <= k {
                    block_on(pair.read_one());
                    late += 1;
                }
                assert_eq!(pair.push.stats().sent_messages, u64::from(k + 1));
                assert_eq!(pair.pull.try_read(), Err(TryReadError::Empty));
                written += k + 1;
            }
            println!(
                "| runtime {flavour}, {in_background}: written {written}, read {written}, {late} of them without it"
            );
            shut_down(&context);
            drop((pairs, context));
            before.wait_for_no_more();
        }
    });
}
