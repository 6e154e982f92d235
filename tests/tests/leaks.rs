//! Descriptors and threads go back to where they were (contract A4, E4).

use std::time::Duration;

use futures_lite::future::{poll_once, zip};
use tidegate::{Context, EventMask, Requester, SocketType, ZmqStream, options};
use tidegate_tests::{
    Watchdog, alone, block_on, builder, descriptors, eventually, shut_down, start_executor,
    thread_count, threads,
};

#[test]
fn e4_after_the_end_descriptors_and_threads_are_back_to_where_they_were() {
    alone(|| {
        let _watchdog = Watchdog::new(120);
        start_executor();
        let before = descriptors();
        // Of a thread that was joined the system may know for a moment more; and not every build of libzmq names its own.
        let base = thread_count();
        for round in 0..20 {
            let context = Context::new().unwrap();
            let builder = |kind| builder(kind, &context);
            let pull = builder(SocketType::PULL)
                .bind("tcp://127.0.0.1:*")
                .open()
                .unwrap();
            let taken = &pull.bindings()[0];
            let push = builder(SocketType::PUSH).connect(taken).open().unwrap();
            // A4: an open that fails at the last step leaves nothing either.
            for endpoint in [taken, "nonsense", "tcp://127.0.0.1:99999"] {
                let failed = builder(SocketType::PULL)
                    .bind("tcp://127.0.0.1:*")
                    .bind(endpoint);
                assert!(failed.open().is_err());
            }
            let failed = builder(SocketType::PULL)
                .option(options::SEND_HWM, 1)
                .option(options::ROUTER_MANDATORY, true)
                .bind("tcp://127.0.0.1:*");
            assert!(failed.open().is_err());
            push.write("x").unwrap();
            block_on(pull.read()).unwrap();
            pull.enable_monitor(EventMask::ALL).unwrap();
            push.enable_monitor(EventMask::ALL).unwrap();
            push.disable_monitor().unwrap();
            assert!(descriptors() > before);
            match round % 3 {
                0 => drop((pull, push)),
                1 => {
                    pull.close();
                    push.close();
                    block_on(pull.closed());
                }
                // Open still.
                _ => {}
            }
            shut_down(&context);
            // The threads end right afterwards, and the I/O thread's descriptors with it.
            eventually(|| thread_count() == base && descriptors() == before);
            assert_eq!(threads(), [""; 0]);
        }

        // The shared context, its streams never closed by name.
        let pull = ZmqStream::builder(SocketType::PULL)
            .bind("tcp://127.0.0.1:*")
            .open()
            .unwrap();
        block_on(tidegate::shutdown(Duration::from_secs(20))).unwrap();
        drop(pull);
        eventually(|| thread_count() == base && descriptors() == before);

        // A6: as many of libzmq's I/O threads as a context was made for. Not every build of it names them.
        let tasks = |io_threads| {
            let context = Context::builder().io_threads(io_threads);
            let context = context.build().unwrap();
            let pull = ZmqStream::builder(SocketType::PULL).context(&context);
            let pull = pull.open().unwrap();
            let tasks = thread_count();
            drop(pull);
            shut_down(&context);
            eventually(|| thread_count() == base && descriptors() == before);
            tasks
        };
        assert_eq!(tasks(3), tasks(1) + 2);

        // What was closed takes nothing more, though its handles are there, and its context.
        let context = Context::new().unwrap();
        let stays = builder(SocketType::PULL, &context).open().unwrap();
        let standing = descriptors();
        let closed: Vec<_> = (0..20)
            .map(|_| {
                let pull = builder(SocketType::PULL, &context).open().unwrap();
                pull.enable_monitor(EventMask::ALL).unwrap();
                pull.close();
                pull
            })
            .collect();
        eventually(|| descriptors() == standing);
        drop(stays);
        shut_down(&context);
        drop(closed);
        eventually(|| thread_count() == base && descriptors() == before);

        // I3: a request that waits, one that has timed out and one that was dropped keep the time in the I/O thread.
        let context = Context::new().unwrap();
        let requester = || Requester::open(builder(SocketType::REQ, &context)).unwrap();
        let [waits, times_out, is_dropped] = [(); 3].map(|()| requester());
        let mut times_out = times_out.timeout(Duration::from_millis(1)).attempts(2);
        assert!(block_on(times_out.request("?")).is_err());
        let mut is_dropped = is_dropped.timeout(Duration::from_secs(3_600));
        assert!(block_on(poll_once(is_dropped.request("?"))).is_none());
        let mut waits = waits.timeout(Duration::from_secs(3_600));
        let mut waiting = Box::pin(waits.request("?"));
        assert!(block_on(poll_once(waiting.as_mut())).is_none());
        assert!(threads().iter().any(|name| name == "tidegate-io"));
        let shutdown = context.shutdown(Duration::from_secs(20));
        let (asked, ended) = block_on(zip(waiting, shutdown));
        assert!(asked.is_err() && ended.is_ok());
        drop((waits, times_out, is_dropped));
        eventually(|| thread_count() == base && descriptors() == before);

        // A context that nobody shuts down ends with its last handle, in the background.
        let context = Context::new().unwrap();
        let pull = ZmqStream::builder(SocketType::PULL)
            .context(&context)
            .open()
            .unwrap();
        drop(context);
        drop(pull);
        eventually(|| thread_count() == base && descriptors() == before);
    });
}
