//! A process that forks, and starts other programs, while its streams are busy: E6. One test, for it forks the whole process.
//! `FAULTS.md` has the counts.

use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use fork::Fork;
use futures_lite::future::block_on;
use tidegate::{Context, ReadError, SocketType, WriteError, ZmqStream};
use tidegate_tests::{Usage, Watchdog, eventually, number_of, numbered, shut_down};

const PAIRS: usize = 10;
const FORKS: u32 = 40;

fn pair(context: &Context, k: usize) -> (ZmqStream, ZmqStream) {
    let open = |kind| ZmqStream::builder(kind).context(context);
    let endpoint = match k % 2 {
        0 => "tcp://127.0.0.1:*".to_owned(),
        _ => format!("inproc://busy-{k}"),
    };
    let pull = open(SocketType::PULL).bind(endpoint).open().unwrap();
    let push = open(SocketType::PUSH).connect(&pull.bindings()[0]);
    (pull, push.open().unwrap())
}

/// What a child does with the streams of its parent. It says nothing: the standard output may be locked for good.
fn is_told_that_it_is_forked(pairs: &[(ZmqStream, ZmqStream)]) -> bool {
    pairs.iter().all(|(pull, push)| {
        let read = matches!(block_on(pull.read()), Err(ReadError::Failed(_)));
        let written = matches!(push.write("from a child"), Err(WriteError::Failed(..)));
        drop((pull.clone(), push.clone()));
        pull.close();
        push.abort();
        read && written
    })
}

#[test]
fn e6_a_process_that_forks_forty_times_under_busy_streams_loses_nothing() {
    let _watchdog = Watchdog::new(60);
    let before = Usage::now();
    let context = Context::new().unwrap();
    let pairs: Vec<_> = (0..PAIRS).map(|k| pair(&context, k)).collect();
    let (done, read) = (AtomicU32::new(0), AtomicU32::new(0));
    let mut total = 0;
    std::thread::scope(|scope| {
        let ends: Vec<_> = pairs
            .iter()
            .map(|(pull, push)| {
                let writer = scope.spawn(|| {
                    let mut sent = 0;
                    while done.load(Ordering::Relaxed) < FORKS {
                        block_on(push.send(numbered(sent, 1 + sent % 3, 100))).unwrap();
                        sent += 1;
                    }
                    // The last one says so.
                    block_on(push.send("end")).unwrap();
                    sent
                });
                let reader = scope.spawn(|| {
                    let mut next = 0;
                    loop {
                        let message = block_on(pull.read()).unwrap();
                        if message == "end" {
                            return next;
                        }
                        assert_eq!(number_of(&message), next);
                        next += 1;
                        read.fetch_add(1, Ordering::Relaxed);
                    }
                });
                (writer, reader)
            })
            .collect();
        for forks in 1..=FORKS {
            // Messages go between any two forks.
            let seen = read.load(Ordering::Relaxed);
            eventually(|| read.load(Ordering::Relaxed) > seen + 100);
            if forks % 4 == 0 {
                let program = Command::new("true").status().unwrap();
                assert!(program.success());
            } else {
                match fork::fork().expect("memory") {
                    Fork::Child => {
                        let _watchdog = Watchdog::new(30);
                        let is_told = is_told_that_it_is_forked(&pairs);
                        std::process::exit(i32::from(!is_told));
                    }
                    Fork::Parent(child) => assert_eq!(fork::waitpid(child).unwrap(), 0),
                }
            }
            done.store(forks, Ordering::Relaxed);
        }
        for (writer, reader) in ends {
            let sent: u32 = writer.join().unwrap();
            assert_eq!(reader.join().unwrap(), sent);
            total += sent;
        }
    });
    println!("| {FORKS} forks: sent {total}, received {total}, lost 0");
    shut_down(&context);
    drop((pairs, context));
    before.wait_for_no_more();
}
