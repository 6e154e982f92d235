//! Whose context and whose socket a stream has (contract A3, A6), and what becomes of it when the context goes (E3).

use std::task::Poll;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tidegate::{
    Context, Errno, EventMask, Limit, MonitorError, OpenError, ReadError, ReadEventError,
    ShutdownError, SocketType, TryReadError, WriteError, ZmqStream, options,
};
use tidegate_tests::{
    Counter, Watchdog, alone, block_on, builder, callers_context, eventually, io_thread_pipe,
    io_thread_spins, nobody, only_the_io_thread_runs, poll, resident_bytes, shut_down,
    start_executor, thread_count, threads,
};

const ETERM: i32 = 156_384_765;

/// The callers' side: a context, and a PULL of it that is bound.
fn bound_pull(endpoint: &str) -> (zmq::Context, zmq::Socket) {
    let context = zmq::Context::new();
    let socket = context.socket(zmq::PULL).unwrap();
    socket.bind(endpoint).unwrap();
    (context, socket)
}

#[test]
fn a3_a_socket_of_another_type_is_refused_with_both_names_and_comes_back() {
    let _watchdog = Watchdog::new(60);
    let (context, socket) = bound_pull("inproc://a3");
    let error = ZmqStream::builder(SocketType::SUB)
        .adopt(socket)
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "the socket to adopt is a PULL, not a SUB"
    );
    // It is as it was: bound, and usable.
    let push = context.socket(zmq::PUSH).unwrap();
    push.connect("inproc://a3").unwrap();
    push.send("x", 0).unwrap();
    assert_eq!(error.into_socket().recv_bytes(0).unwrap(), b"x");
}

#[test]
fn a3_a_socket_that_holds_messages_already_delivers_them_at_once() {
    let _watchdog = Watchdog::new(60);
    let (context, socket) = bound_pull("inproc://a3");
    let push = context.socket(zmq::PUSH).unwrap();
    push.connect("inproc://a3").unwrap();
    for k in 0..5u8 {
        push.send(vec![k], 0).unwrap();
    }
    // The news of them were taken in before the stream was there.
    assert_eq!(socket.get_events().unwrap(), zmq::POLLIN);
    let stream = ZmqStream::builder(SocketType::PULL).adopt(socket).unwrap();
    let counter = Counter::new();
    for k in 0..5u8 {
        let Poll::Ready(message) = poll(&mut stream.read(), &counter) else {
            panic!("message {k} is there");
        };
        assert_eq!(message.unwrap(), [[k]]);
    }
    stream.abort();
}

#[test]
fn a3_an_adopt_that_fails_undoes_what_it_did_and_returns_the_socket() {
    let _watchdog = Watchdog::new(60);
    let (context, mut socket) = bound_pull("inproc://a3");
    let shut = Context::new().unwrap();
    shut_down(&shut);
    let open = || ZmqStream::builder(SocketType::PULL);
    let failing: [(tidegate::Builder, &str); 4] = [
        (
            open().bind("inproc://new").bind("inproc://a3"),
            "cannot bind inproc://a3",
        ),
        (
            open().bind("inproc://new").connect("nonsense"),
            "cannot connect nonsense",
        ),
        (
            open().option(options::ROUTER_MANDATORY, true),
            "cannot set ZMQ_ROUTER_MANDATORY",
        ),
        (open().context(&shut), "the context was shut down"),
    ];
    for (builder, why) in failing {
        let error = builder.adopt(socket).unwrap_err();
        assert!(error.to_string().starts_with(why), "{error}");
        // libzmq's own error, if it has come to that.
        let source = std::error::Error::source(&error);
        assert_eq!(source.is_some(), why.starts_with("cannot"), "{error}");
        socket = error.into_socket();
        // What was bound for the stream is free.
        let other = context.socket(zmq::PULL).unwrap();
        other.bind("inproc://new").unwrap();
        other.unbind("inproc://new").unwrap();
    }
    let stream = open().adopt(socket).unwrap();
    let push = context.socket(zmq::PUSH).unwrap();
    push.connect("inproc://a3").unwrap();
    push.send("x", 0).unwrap();
    assert_eq!(block_on(stream.read()).unwrap(), "x");
    stream.abort();
}

#[test]
fn a3_a_stream_without_its_context_says_so_where_one_is_needed() {
    let _watchdog = Watchdog::new(60);
    let (context, socket) = bound_pull("inproc://a3");
    let stream = ZmqStream::builder(SocketType::PULL).adopt(socket).unwrap();
    assert!(matches!(
        stream.enable_monitor(EventMask::ALL),
        Err(MonitorError::NeedsContext)
    ));
    assert_eq!(
        block_on(stream.read_event()),
        Err(ReadEventError::NotMonitoring)
    );
    block_on(stream.shutdown(Duration::from_secs(20))).unwrap();

    // A socket that was watched already is given back, and watched anew, by the I/O thread that somebody else keeps.
    let beside = Context::new().unwrap();
    let _beside = io_thread_pipe(&beside, "inproc://beside");
    let socket = context.socket(zmq::PULL).unwrap();
    let tracked = ZmqStream::builder(SocketType::PULL).track_connections(true);
    let refused = tracked.adopt(socket).unwrap_err();
    assert!(matches!(refused.error, OpenError::NeedsContext));
    let adopted = ZmqStream::builder(SocketType::PULL).adopt(refused.into_socket());
    adopted.unwrap().abort();
    shut_down(&beside);

    // With it, it can be monitored.
    let known = Context::from(context.clone());
    let socket = context.socket(zmq::PULL).unwrap();
    let stream = builder(SocketType::PULL, &known).adopt(socket).unwrap();
    stream.enable_monitor(EventMask::LISTENING).unwrap();
    let endpoint = stream.bind("tcp://127.0.0.1:*").unwrap();
    assert_eq!(block_on(stream.read_event()).unwrap().endpoint, endpoint);
    shut_down(&known);

    // libzmq would wait for ever for somebody of another context.
    let other = Context::new().unwrap();
    let socket = zmq::Context::new().socket(zmq::PULL).unwrap();
    let stream = builder(SocketType::PULL, &other).adopt(socket).unwrap();
    assert!(matches!(
        stream.enable_monitor(EventMask::ALL),
        Err(MonitorError::NeedsContext)
    ));
    assert_eq!(stream.monitored_events(), None);
    stream.bind("tcp://127.0.0.1:*").unwrap();
    shut_down(&other);
}

/// There is no memory for the stack of a thread.
#[test]
fn e1_a_shutdown_for_which_there_is_no_thread_may_be_tried_again() {
    alone(|| {
        let context = Context::new().unwrap();
        let (pull, push) = only_the_io_thread_runs(&context);
        let before = getrlimit(Resource::As);
        let nothing_more = Rlimit {
            current: Some(0),
            ..before
        };
        setrlimit(Resource::As, nothing_more).unwrap();
        let shutdown = context.shutdown(Duration::from_secs(20));
        setrlimit(Resource::As, before).unwrap();
        assert!(matches!(block_on(shutdown), Err(ShutdownError::Thread(_))));
        // Nothing has changed.
        push.write("again").unwrap();
        assert_eq!(block_on(pull.read()).unwrap(), "again");
        shut_down(&context);
    });
}

/// Each would keep some 18 KB that were received with it.
#[test]
fn b6_of_messages_that_came_one_by_one_a_context_that_copies_holds_the_bytes_alone() {
    const MESSAGES: usize = 2_000;
    /// By so many bytes the process grows.
    fn grows_by(copies: bool) -> usize {
        let context = Context::builder().copy_received(copies).build().unwrap();
        let pull = builder(SocketType::PULL, &context).high_read(Limit::Unlimited);
        let pull = pull.bind("tcp://127.0.0.1:*").open().unwrap();
        let push = builder(SocketType::PUSH, &context).connect(&pull.bindings()[0]);
        let push = push.open().unwrap();
        let mut before = 0;
        for k in 1..=MESSAGES {
            push.write([7; 40].as_slice()).unwrap();
            eventually(|| pull.read_buffer_bytes() == k * (40 + 64));
            if k == MESSAGES / 10 {
                before = resident_bytes();
            }
        }
        let grown = resident_bytes().saturating_sub(before);
        shut_down(&context);
        grown
    }
    alone(|| {
        let _watchdog = Watchdog::new(60);
        let (copied, kept) = (grows_by(true), grows_by(false));
        assert!(
            copied < 2 << 20 && kept > 4 << 20,
            "{copied} and {kept} bytes"
        );
    });
}

#[test]
fn a6_streams_of_a_callers_context_reach_the_callers_sockets() {
    let _watchdog = Watchdog::new(60);
    let (callers, socket) = bound_pull("inproc://a6");
    let context = Context::from(callers.clone());
    let push = builder(SocketType::PUSH, &context).connect("inproc://a6");
    let push = push.open().unwrap();
    push.write("to the caller").unwrap();
    assert_eq!(socket.recv_bytes(0).unwrap(), b"to the caller");
    // The caller's context lives on.
    shut_down(&context);
    assert!(matches!(
        builder(SocketType::PUSH, &context).open(),
        Err(OpenError::ContextShutDown)
    ));
    let push = callers.socket(zmq::PUSH).unwrap();
    push.connect("inproc://a6").unwrap();
    push.send("still there", 0).unwrap();
    assert_eq!(socket.recv_bytes(0).unwrap(), b"still there");
}

#[test]
fn a6_a_context_has_as_many_sockets_as_it_was_made_for() {
    let _watchdog = Watchdog::new(60);
    let few = Context::builder().max_sockets(2).build().unwrap();
    let open = |context: &Context| builder(SocketType::PULL, context).open();
    let _two = [open(&few).unwrap(), open(&few).unwrap()];
    let error = open(&few).unwrap_err();
    assert!(matches!(error, OpenError::Socket { kind: "PULL", .. }));
    shut_down(&few);
}

#[test]
fn a6_no_drop_waits_for_a_peer_that_never_comes() {
    alone(|| {
        let _watchdog = Watchdog::new(60);
        let endpoint = nobody();
        // libzmq holds a message for a peer that is not there. A drop of the last clone of its context waits that long.
        let lingers = Duration::from_secs(5);
        let unsent = |stream: ZmqStream| {
            stream.set_option(options::LINGER, Some(lingers)).unwrap();
            stream.connect(&endpoint).unwrap();
            stream.write("for nobody").unwrap();
            stream
        };
        let started = std::time::Instant::now();

        let own = Context::new().unwrap();
        let stream = unsent(builder(SocketType::PUSH, &own).open().unwrap());
        drop(own);
        drop(stream);

        let callers = zmq::Context::new();
        let context = Context::from(callers.clone());
        let stream = unsent(builder(SocketType::PUSH, &context).open().unwrap());
        drop(callers);
        drop(context);
        drop(stream);

        // The last clone is in the socket itself.
        let socket = zmq::Context::new().socket(zmq::PUSH).unwrap();
        let stream = unsent(ZmqStream::builder(SocketType::PUSH).adopt(socket).unwrap());
        drop(stream);

        // One that waited would have done so until its linger was over.
        assert!(started.elapsed() < lingers);
        // What waits for them does so on threads of its own.
        let waits = || threads().contains(&"tidegate-term".to_owned());
        eventually(|| waits() || started.elapsed() > lingers);
    });
}

/// A REP of the caller's that was asked, and the REQ that has asked it.
fn asked(context: &zmq::Context, endpoint: &str) -> (zmq::Socket, zmq::Socket) {
    let rep = context.socket(zmq::REP).unwrap();
    rep.bind(endpoint).unwrap();
    let req = context.socket(zmq::REQ).unwrap();
    req.connect(endpoint).unwrap();
    req.send("question", 0).unwrap();
    assert_eq!(rep.recv_bytes(0).unwrap(), b"question");
    (rep, req)
}

#[test]
fn a3_an_adopted_socket_is_in_the_turn_in_which_it_came() {
    let _watchdog = Watchdog::new(60);
    let context = zmq::Context::new();
    let adopt = |socket: zmq::Socket, kind| ZmqStream::builder(kind).adopt(socket).unwrap();

    // A REP that has been asked.
    let (rep, req) = asked(&context, "inproc://rep");
    let rep = adopt(rep, SocketType::REP);
    assert_eq!(block_on(rep.read()), Err(ReadError::OutOfTurn));
    rep.write("answer").unwrap();
    assert_eq!(req.recv_bytes(0).unwrap(), b"answer");
    rep.abort();

    // A REQ that has its answer, and one that still waits for it.
    for waits in [false, true] {
        let endpoint = if waits {
            "inproc://waits"
        } else {
            "inproc://has"
        };
        let (rep, req) = asked(&context, endpoint);
        if !waits {
            rep.send("answer", 0).unwrap();
        }
        let req = adopt(req, SocketType::REQ);
        if waits {
            let refused = req.write("too early").unwrap_err();
            assert!(matches!(refused, WriteError::Refused(_, Errno::STATE)));
            rep.send("answer", 0).unwrap();
        }
        assert_eq!(block_on(req.read()).unwrap(), "answer");
        assert_eq!(block_on(req.read()), Err(ReadError::OutOfTurn));
        req.write("another").unwrap();
        assert_eq!(rep.recv_bytes(0).unwrap(), b"another");
        req.abort();
    }
}

#[test]
fn a3_an_adopted_socket_that_conflates_gives_what_came_last() {
    let _watchdog = Watchdog::new(60);
    let context = zmq::Context::new();
    let socket = context.socket(zmq::PULL).unwrap();
    socket.set_conflate(true).unwrap();
    socket.bind("tcp://127.0.0.1:*").unwrap();
    let endpoint = socket.get_last_endpoint().unwrap().unwrap();
    let push = context.socket(zmq::PUSH).unwrap();
    push.connect(&endpoint).unwrap();
    let pull = ZmqStream::builder(SocketType::PULL).adopt(socket).unwrap();
    push.send("one", 0).unwrap();
    // It stays with libzmq, which holds whatever comes last.
    let has_come = || pull.with_socket(|socket| socket.get_events().unwrap());
    eventually(|| has_come().unwrap() == zmq::POLLIN);
    assert_eq!(pull.stats().received_messages, 0);
    // One that comes just while the one before is read waits in libzmq for the next.
    eventually(|| {
        push.send("two", 0).unwrap();
        pull.try_read().is_ok_and(|message| message == "two")
    });
    pull.abort();
}

#[test]
fn e3_a_context_that_is_terminated_from_elsewhere_ends_its_streams_with_that_error() {
    let _watchdog = Watchdog::new(60);
    let (mut callers, context) = callers_context();
    let stream = builder(SocketType::DEALER, &context).high_write(0);
    let stream = stream.open().unwrap();
    stream.enable_monitor(EventMask::LISTENING).unwrap();
    stream.write("for nobody").unwrap();
    let counters: Vec<_> = (0..5).map(|_| Counter::new()).collect();
    let (mut read, mut drain, mut flush) = (stream.read(), stream.drain(), stream.flush());
    let (mut read_event, mut closed) = (stream.read_event(), stream.closed());
    assert!(poll(&mut read, &counters[0]).is_pending());
    assert!(poll(&mut drain, &counters[1]).is_pending());
    assert!(poll(&mut flush, &counters[2]).is_pending());
    assert!(poll(&mut read_event, &counters[3]).is_pending());
    assert!(poll(&mut closed, &counters[4]).is_pending());

    // It waits until every socket is closed: the stream has let go of its own.
    callers.destroy().unwrap();
    // Before anything else waits in their place.
    for counter in &counters {
        eventually(|| counter.take() == 1);
    }

    let Err(ReadError::Failed(errno)) = block_on(read) else {
        panic!("it has failed");
    };
    assert_eq!(errno.raw(), ETERM);
    assert!(block_on(drain).is_err());
    assert!(block_on(flush).is_err());
    assert_eq!(block_on(read_event), Err(ReadEventError::Failed(errno)));
    assert_eq!(block_on(closed).messages, 1);
    assert_eq!(stream.exception(), Some(errno));
    let Err(WriteError::Failed(message, same)) = stream.write("late") else {
        panic!("it has failed");
    };
    assert_eq!((*message, same), ("late".into(), errno));
    assert!(counters.iter().all(|counter| counter.take() == 0));
}

#[test]
fn e3_a_monitor_whose_context_is_terminated_while_its_socket_is_lent_spins_nowhere() {
    alone(|| {
        let _watchdog = Watchdog::new(60);
        let (mut callers, context) = callers_context();
        let stream = builder(SocketType::PULL, &context).open().unwrap();
        stream.enable_monitor(EventMask::ALL).unwrap();
        let ends = stream.with_socket(|socket| {
            let ends = std::thread::spawn(move || callers.destroy());
            eventually(|| socket.get_events() == Err(zmq::Error::ETERM));
            assert!(!io_thread_spins());
            ends
        });
        ends.unwrap().join().unwrap().unwrap();
        let error = block_on(stream.read()).unwrap_err();
        assert!(matches!(error, ReadError::Failed(errno) if errno.raw() == ETERM));
    });
}

#[test]
fn c5_what_was_received_before_a_failure_can_still_be_taken() {
    let _watchdog = Watchdog::new(60);
    let (mut callers, context) = callers_context();
    let pull = builder(SocketType::PULL, &context)
        .bind("inproc://c5")
        .open();
    let pull = pull.unwrap();
    let push = builder(SocketType::PUSH, &context)
        .connect("inproc://c5")
        .open();
    let push = push.unwrap();
    push.write("before").unwrap();
    push.write(("and", "another")).unwrap();
    eventually(|| pull.read_buffer_bytes() == 6 + 10 + 3 * 64);
    callers.destroy().unwrap();
    for _ in 0..2 {
        let Err(ReadError::Failed(errno)) = block_on(pull.read()) else {
            panic!("it has failed");
        };
        assert_eq!((errno.raw(), pull.exception()), (ETERM, Some(errno)));
    }
    assert!(!pull.at_closing());
    assert_eq!(pull.try_read().unwrap(), "before");
    assert_eq!(pull.try_read().unwrap(), ["and", "another"]);
    assert!(matches!(
        pull.try_read(),
        Err(TryReadError::Read(ReadError::Failed(_)))
    ));
}

#[test]
fn a3_an_adopted_req_whose_reply_has_come_unread_is_not_asked_before_it_was_read() {
    let _watchdog = Watchdog::new(60);
    let context = zmq::Context::new();
    let (rep, req) = asked(&context, "inproc://unread");
    let req = ZmqStream::builder(SocketType::REQ).adopt(req).unwrap();
    // Somebody waits for the reply, and gives up when it is there.
    let mut read = req.read();
    assert!(poll(&mut read, &Counter::new()).is_pending());
    rep.send("answer", 0).unwrap();
    eventually(|| req.read_buffer_bytes() > 0);
    drop(read);
    let refused = req.write("too early").unwrap_err();
    assert!(matches!(refused, WriteError::OutOfTurn(_)));
    assert_eq!(block_on(req.read()).unwrap(), "answer");
    req.write("another").unwrap();
    assert_eq!(rep.recv_bytes(0).unwrap(), b"another");
    req.abort();
}

#[test]
fn a3_an_adopted_req_that_has_not_asked_is_told_so() {
    let _watchdog = Watchdog::new(60);
    let context = zmq::Context::new();
    let rep = context.socket(zmq::REP).unwrap();
    rep.bind("inproc://unasked").unwrap();
    let req = context.socket(zmq::REQ).unwrap();
    req.connect("inproc://unasked").unwrap();
    let req = ZmqStream::builder(SocketType::REQ).adopt(req).unwrap();
    assert_eq!(req.try_read(), Err(ReadError::OutOfTurn.into()));
    req.abort();
}

#[test]
fn a3_an_adopted_req_that_does_not_wait_gets_its_reply_once_it_has_come() {
    let _watchdog = Watchdog::new(60);
    let context = zmq::Context::new();
    let (rep, req) = asked(&context, "inproc://try");
    let req = ZmqStream::builder(SocketType::REQ).adopt(req).unwrap();
    assert_eq!(req.try_read(), Err(TryReadError::Empty));
    rep.send("answer", 0).unwrap();
    assert_eq!(req.try_read().unwrap(), "answer");
    req.abort();
}

#[test]
fn a3_an_adopt_that_fails_leaves_the_monitor_of_the_sockets_owner() {
    let _watchdog = Watchdog::new(60);
    let context = zmq::Context::new();
    let socket = context.socket(zmq::PULL).unwrap();
    socket
        .monitor("inproc://owners", zmq::SocketEvent::ALL.to_raw().into())
        .unwrap();
    let events = context.socket(zmq::PAIR).unwrap();
    events.connect("inproc://owners").unwrap();
    // Without its context there is no monitor of ours.
    let failing = ZmqStream::builder(SocketType::PULL).track_connections(true);
    let socket = failing.adopt(socket).unwrap_err().into_socket();
    socket.bind("tcp://127.0.0.1:*").unwrap();
    let is_listening = || {
        let event = events.recv_multipart(0).unwrap();
        event[0][..2] == zmq::SocketEvent::LISTENING.to_raw().to_ne_bytes()
    };
    assert!(is_listening());
    // Nor does a stream end it that has none of its own.
    let stream = ZmqStream::builder(SocketType::PULL).adopt(socket).unwrap();
    stream.disable_monitor().unwrap();
    stream.bind("tcp://127.0.0.1:*").unwrap();
    assert!(is_listening());
    stream.abort();
}

#[test]
fn a6_streams_without_a_context_share_one_until_that_is_shut_down() {
    alone(|| {
        let _watchdog = Watchdog::new(60);
        for _ in 0..2 {
            let open = ZmqStream::builder;
            let pull = open(SocketType::PULL).bind("inproc://shared").open();
            let pull = pull.unwrap();
            let push = open(SocketType::PUSH).connect("inproc://shared").open();
            push.unwrap().write("by name").unwrap();
            assert_eq!(block_on(pull.read()).unwrap(), "by name");
            block_on(tidegate::shutdown(Duration::from_secs(20))).unwrap();
        }
    });
}

#[test]
fn a6_a_context_has_as_many_io_threads_as_were_asked_for() {
    alone(|| {
        let _watchdog = Watchdog::new(60);
        start_executor();
        let threads_of = |context: Context| {
            let before = thread_count();
            // Its threads begin with its first socket.
            let stream = builder(SocketType::PULL, &context).open().unwrap();
            let more = thread_count() - before;
            drop(stream);
            shut_down(&context);
            eventually(|| thread_count() <= before);
            more
        };
        // The process's I/O thread is there, then.
        let keeps = Context::new().unwrap();
        let _stream = builder(SocketType::PULL, &keeps).open().unwrap();
        let default = threads_of(Context::new().unwrap());
        let build = |io, names| {
            let builder = Context::builder().io_threads(io).name_threads(names);
            builder.build().unwrap()
        };
        assert_eq!(threads_of(build(1, 1)), default);
        assert_eq!(threads_of(build(4, 1)), default + 3);
        assert_eq!(threads_of(build(1, 3)), default + 2);
        shut_down(&keeps);
    });
}

#[test]
fn a3_a_socket_of_which_half_a_message_was_received_is_not_adopted() {
    let _watchdog = Watchdog::new(60);
    let (context, pull) = bound_pull("inproc://half");
    let push = context.socket(zmq::PUSH).unwrap();
    push.connect("inproc://half").unwrap();
    push.send_multipart(["first", "second"], 0).unwrap();
    push.send("next", 0).unwrap();
    assert_eq!(pull.recv_bytes(0).unwrap(), b"first");
    let adopt = |socket| ZmqStream::builder(SocketType::PULL).adopt(socket);
    let refused = adopt(pull).unwrap_err();
    assert!(matches!(refused.error, OpenError::HalfReceived));
    let socket = refused.into_socket();
    assert_eq!(socket.recv_bytes(0).unwrap(), b"second");
    let stream = adopt(socket).unwrap();
    assert_eq!(block_on(stream.read()).unwrap(), "next");
    stream.abort();
}

#[test]
fn a3_an_adopted_req_that_is_relaxed_reads_the_reply_that_its_owner_waits_for() {
    let _watchdog = Watchdog::new(60);
    let context = zmq::Context::new();
    let (rep, req) = asked(&context, "inproc://relaxed");
    req.set_req_relaxed(true).unwrap();
    let builder = ZmqStream::builder(SocketType::REQ).option(options::REQ_RELAXED, true);
    let stream = builder.adopt(req).unwrap();
    rep.send("answer", 0).unwrap();
    assert_eq!(block_on(stream.read()).unwrap(), "answer");
    stream.write("again").unwrap();
    assert_eq!(rep.recv_bytes(0).unwrap(), b"again");
    stream.abort();
}
