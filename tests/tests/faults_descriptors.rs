//! A process without descriptors: what cannot be opened says so, and what is open goes on. (Strangers who use them up are in `floods.rs`.)
//! `FAULTS.md` has the counts.

use std::fs::File;
use std::os::fd::AsRawFd;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tidegate::{BlockingError, Context, EventMask, OpenError, SocketType, options};
use tidegate_tests::{
    Served, Usage, Watchdog, alone, block_on, builder, nobody, shut_down, start_executor,
};

const EMFILE: i32 = 24;

/// Lets the process open so many more descriptors.
fn allow(more: u64) {
    let next = File::open("/dev/null").unwrap().as_raw_fd();
    let limit = Rlimit {
        current: Some(u64::try_from(next).unwrap() + more),
        ..getrlimit(Resource::Nofile)
    };
    setrlimit(Resource::Nofile, limit).unwrap();
}

/// Does this while the process can open no descriptor.
fn without<R>(f: impl FnOnce() -> R) -> R {
    let limit = getrlimit(Resource::Nofile);
    allow(0);
    assert!(File::open("/dev/null").is_err());
    let result = f();
    setrlimit(Resource::Nofile, limit).unwrap();
    result
}

/// An endpoint that nobody else has. At each bind to tcp the system's libzmq asks for the interfaces of the host, and aborts the process
/// where no descriptor is left for that.
fn endpoint(number: u32) -> String {
    if zmq::has("curve").unwrap() {
        format!("ipc://@tidegate-{}-{number}", std::process::id())
    } else {
        "tcp://127.0.0.1:*".to_owned()
    }
}

#[test]
fn a4_without_descriptors_an_open_is_an_error_that_leaves_nothing_and_what_is_open_goes_on() {
    alone(|| {
        let _watchdog = Watchdog::new(60);
        start_executor();
        let context = Context::new().unwrap();
        let mut served = Served::open(&context, SocketType::ROUTER, |builder| builder);
        served.exchange();
        let before = Usage::now();
        let limit = getrlimit(Resource::Nofile);
        let (mut opens, mut refused, mut exchanged) = (0, 0, 0);
        // With none left, with one, with two, ...: one step or another of an open is the first that finds none.
        for more in 0..40 {
            allow(more);
            let mut open = Vec::new();
            let error = loop {
                opens += 1;
                let stream = builder(SocketType::DEALER, &context).bind(endpoint(opens));
                match stream.open() {
                    Ok(stream) => {
                        let monitored = stream.enable_monitor(EventMask::ALL);
                        let connected = stream.connect(&stream.bindings()[0]);
                        open.push((stream, monitored, connected));
                    }
                    Err(error) => break error,
                }
            };
            assert!(open.len() <= 20);
            match error {
                OpenError::Socket { source, .. } => assert_eq!(source.raw(), EMFILE),
                OpenError::Endpoint(error) => assert!(error.to_string().contains("open files")),
                OpenError::Watch(error) => assert_eq!(error.raw_os_error(), Some(EMFILE)),
                error => panic!("{error}"),
            }
            refused += 1;
            for _ in 0..20 {
                served.exchange();
                exchanged += 1;
            }
            for (stream, _, _) in &open {
                stream.close();
                block_on(stream.closed());
            }
            drop(open);
            setrlimit(Resource::Nofile, limit).unwrap();
            before.wait_for_no_more();
            let stream = builder(SocketType::DEALER, &context).bind(endpoint(0));
            stream
                .open()
                .unwrap()
                .enable_monitor(EventMask::ALL)
                .unwrap();
            before.wait_for_no_more();
        }
        println!("| {refused} opens refused, {exchanged} exchanges meanwhile");
        assert!(before.tell("afterwards") < 8 * 1024 * 1024);
        served.exchange();
        shut_down(&context);
    });
}

/// What a thread would sleep in takes descriptors: without, the I/O thread watches for it.
#[test]
fn a5_a_thread_that_finds_no_descriptor_left_waits_all_the_same() {
    const QUESTIONS: u32 = 500;
    alone(|| {
        let _watchdog = Watchdog::new(60);
        start_executor();
        let context = Context::new().unwrap();
        let mut served = Served::open(&context, SocketType::ROUTER, |builder| builder);
        served.exchange();
        let (asks, answers) = (served.peer.clone(), served.bound.clone());
        let (waits, waited) = std::sync::mpsc::channel();
        let answer_all = || {
            // Woken before it sleeps, which its next poll is for.
            tidegate::block_on(futures_lite::future::yield_now());
            let nothing = answers.blocking().read(Duration::from_millis(1));
            assert!(matches!(nothing, Err(BlockingError::TimedOut(()))));
            waits.send(()).unwrap();
            for _ in 0..QUESTIONS {
                let question = answers.blocking().read(None).unwrap();
                answers.blocking().send(question, None).unwrap();
            }
        };
        without(|| {
            std::thread::scope(|scope| {
                let answerer = scope.spawn(answer_all);
                waited.recv().unwrap();
                for k in 0..QUESTIONS {
                    asks.write(k.to_string()).unwrap();
                    let answer = block_on(asks.read()).unwrap();
                    assert_eq!(answer, [k.to_string()]);
                }
                answerer.join().unwrap();
            });
        });
        println!("| {QUESTIONS} questions answered by a thread without descriptors");
        served.exchange();
        shut_down(&context);
    });
}

#[test]
fn e1_a_stream_on_a_runtime_that_closes_where_no_descriptor_is_left_ends_when_its_time_is_up() {
    alone(|| {
        let _watchdog = Watchdog::new(60);
        start_executor();
        let nobody = nobody();
        let before = Usage::now();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_io()
            .build()
            .unwrap();
        let context = Context::new().unwrap();
        // The I/O thread is not there yet, and cannot come.
        let push = tidegate::ZmqStream::builder(SocketType::PUSH)
            .context(&context)
            .tokio(runtime.handle())
            .option(options::LINGER, Some(Duration::from_millis(100)))
            .option(options::IMMEDIATE, true);
        let push = push.connect(nobody).open().unwrap();
        push.write("nobody comes").unwrap();
        let lost = without(|| {
            push.close();
            runtime.block_on(push.closed())
        });
        assert_eq!(lost.messages, 1);
        shut_down(&context);
        drop((push, context, runtime));
        before.wait_for_no_more();
    });
}
