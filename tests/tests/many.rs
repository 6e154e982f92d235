//! A thousand streams at once, and more (contract A6).

use std::future::Future;
use std::sync::Arc;
use std::task::Poll;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tidegate::{Context, SocketType, ZmqStream};
use tidegate_tests::{
    Counter, Watchdog, alone, block_on, builder, descriptors, eventually, poll, shut_down,
    start_executor, threads,
};

/// What the `zmq` crate's libzmq opens at most for a thousand streams: two for each, two for each connection, and some.
const DESCRIPTORS: u64 = 4_200;

/// Has the process open as many files as the test needs, if the system lets it.
fn raise_the_limit_of_open_files() {
    let limit = getrlimit(Resource::Nofile);
    let enough = |limit: Option<u64>| limit.is_none_or(|limit| limit >= DESCRIPTORS);
    if !enough(limit.current) {
        assert!(enough(limit.maximum), "`ulimit -Hn` is under {DESCRIPTORS}");
        let raised = Rlimit {
            current: Some(DESCRIPTORS),
            ..limit
        };
        setrlimit(Resource::Nofile, raised).unwrap();
    }
}

/// Futures that wait at the same time, on one thread. Each is polled once, and then when it was woken.
struct Waiting<F>(Vec<(F, Arc<Counter>)>);

impl<F: Future + Unpin> Waiting<F> {
    fn on(futures: impl Iterator<Item = F>) -> Self {
        let mut waiting: Vec<_> = futures.map(|future| (future, Counter::new())).collect();
        for (future, counter) in &mut waiting {
            assert!(poll(future, counter).is_pending());
        }
        Self(waiting)
    }

    /// Waits for all of them, and hands over what each comes to with its place among them.
    fn each_comes_to(mut self, mut see: impl FnMut(usize, F::Output)) {
        let mut left: Vec<usize> = (0..self.0.len()).collect();
        eventually(|| {
            left.retain(|&k| {
                let (future, counter) = &mut self.0[k];
                if counter.take() == 0 {
                    return true;
                }
                match poll(future, counter) {
                    Poll::Pending => true,
                    Poll::Ready(output) => {
                        see(k, output);
                        false
                    }
                }
            });
            left.is_empty()
        });
    }
}

/// 500 PULLs that are bound, each with a PUSH of its own.
fn pairs(bind: fn(usize) -> String) {
    let context = Context::new().unwrap();
    let open = |kind| builder(kind, &context);
    let pulls: Vec<ZmqStream> = (0..500)
        .map(|k| open(SocketType::PULL).bind(bind(k)).open().unwrap())
        .collect();
    let pushes: Vec<ZmqStream> = pulls
        .iter()
        .map(|pull| open(SocketType::PUSH).connect(&pull.bindings()[0]).open())
        .map(Result::unwrap)
        .collect();
    assert!(format!("{context:?}").contains("streams: 1000"));
    let reads = Waiting::on(pulls.iter().map(ZmqStream::read));
    for (k, push) in pushes.iter().enumerate() {
        push.write(k.to_string()).unwrap();
    }
    reads.each_comes_to(|k, message| assert_eq!(message.unwrap(), [k.to_string()]));
    shut_down(&context);
}

/// A ROUTER that is bound, and DEALERs that ask it: beyond libzmq's default of 1,023 sockets too, for the context is made for them.
fn star(bind: &str, count: usize) {
    let sockets = u32::try_from(count + 1).unwrap();
    let context = Context::builder().max_sockets(sockets).build().unwrap();
    let router = builder(SocketType::ROUTER, &context).bind(bind);
    let router = router.open().unwrap();
    let dealers: Vec<ZmqStream> = (0..count)
        .map(|_| builder(SocketType::DEALER, &context).connect(&router.bindings()[0]))
        .map(|dealer| dealer.open().unwrap())
        .collect();
    assert!(format!("{context:?}").contains(&format!("streams: {sockets}")));
    let answers = Waiting::on(dealers.iter().map(ZmqStream::read));
    for (k, dealer) in dealers.iter().enumerate() {
        dealer.write(k.to_string()).unwrap();
    }
    for _ in &dealers {
        let question = block_on(router.read()).unwrap();
        router.write(question).unwrap();
    }
    answers.each_comes_to(|k, answer| assert_eq!(answer.unwrap(), [k.to_string()]));
    shut_down(&context);
}

#[test]
fn a6_a_thousand_streams_are_open_at_once_and_all_work() {
    alone(|| {
        let _watchdog = Watchdog::new(120);
        raise_the_limit_of_open_files();
        start_executor();
        let before = descriptors();
        pairs(|_| "tcp://127.0.0.1:*".to_owned());
        pairs(|k| format!("inproc://pair-{k}"));
        star("tcp://127.0.0.1:*", 999);
        star("inproc://star", 1_500);
        eventually(|| threads().is_empty() && descriptors() == before);
    });
}
