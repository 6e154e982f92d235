//! Requests that are answered in time, too late, by another server, or not at all (contract I3).

use std::future::Future;
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};
use std::time::{Duration, Instant};

use futures_lite::future::{yield_now, zip};
use tidegate::{
    Context, Frame, Multipart, OpenError, ReadError, RequestError, Requester, SocketType,
    TryReadError, WriteError, ZmqStream, options,
};
use tidegate_tests::{
    Counter, Watchdog, block_on, builder, eventually, poll, resident_bytes, shut_down,
};

/// A time that is up in a moment.
const MOMENT: Duration = Duration::from_millis(20);

/// One that asks at these endpoints, and waits for ever.
fn requester(context: &Context, endpoints: &[&str]) -> Requester {
    let mut builder = builder(SocketType::REQ, context);
    for endpoint in endpoints {
        builder = builder.connect(*endpoint);
    }
    Requester::open(builder).unwrap().timeout(None)
}

/// A server of this type, and where it is.
fn server(context: &Context, kind: SocketType) -> (ZmqStream, String) {
    let server = server_at("tcp://127.0.0.1:*", context, kind);
    let endpoint = server.bindings()[0].clone();
    (server, endpoint)
}

/// A server of this type, once the endpoint is free.
fn server_at(endpoint: &str, context: &Context, kind: SocketType) -> ZmqStream {
    let mut opened = None;
    eventually(|| {
        opened = builder(kind, context).bind(endpoint).open().ok();
        opened.is_some()
    });
    opened.unwrap()
}

/// A server that answers what it is asked behind this, until its context ends.
fn answering(context: &Context, head: &'static str) -> String {
    let (rep, endpoint) = server(context, SocketType::REP);
    std::thread::spawn(move || answer(&rep, head));
    endpoint
}

fn answer(rep: &ZmqStream, head: &str) {
    block_on(async {
        while let Ok(request) = rep.read().await {
            if rep.write(answer_of(head, &request)).is_err() {
                return;
            }
        }
    });
}

fn answer_of(head: &str, request: &Multipart) -> Multipart {
    let head = Frame::from(head);
    [head].into_iter().chain(request.iter().cloned()).collect()
}

/// An endpoint where nobody is, or ever was: a port may be another test's by now.
fn nowhere(name: &str) -> String {
    let file = format!("tidegate-{}-{name}", std::process::id());
    format!("ipc://{}", std::env::temp_dir().join(file).display())
}

/// What a ROUTER answers to what it has received: the identity, the request's number and the empty frame behind it go before.
fn reply(request: &Multipart, reply: &str) -> Multipart {
    assert_eq!(request[1].len(), 4);
    assert_eq!(request[2], "");
    let envelope = request[..3].iter().cloned();
    envelope.chain([reply.into()]).collect()
}

fn timed_out(result: Result<Multipart, RequestError>) -> (Multipart, u32) {
    match result {
        Err(RequestError::TimedOut {
            request, attempts, ..
        }) => (*request, attempts),
        other => panic!("{other:?}"),
    }
}

#[test]
fn i3_each_request_gets_its_own_reply_with_all_its_frames() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let endpoint = answering(&context, "");
    let mut requester = requester(&context, &[&endpoint]);
    let mut messages: Vec<Multipart> =
        vec!["".into(), ("", "").into(), ("several", "", "frames").into()];
    messages.push(vec![7; 1_000_000].into());
    messages.push((0..100).map(|k| vec![k; 50]).collect());
    messages.extend((0..300).map(|k| k.to_string().into()));
    for message in messages {
        let reply = block_on(requester.request(message.clone())).unwrap();
        assert_eq!(reply, answer_of("", &message));
    }
    shut_down(&context);
}

#[test]
fn i3_a_reply_of_one_empty_frame_is_a_reply() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let (rep, endpoint) = server(&context, SocketType::REP);
    let mut requester = requester(&context, &[&endpoint]);
    let serve = async {
        assert_eq!(rep.read().await.unwrap(), "question");
        rep.write("").unwrap();
    };
    let (reply, ()) = block_on(zip(requester.request("question"), serve));
    assert_eq!(reply.unwrap(), "");
    shut_down(&context);
}

#[test]
fn i3_a_thread_without_async_asks_and_is_told_that_the_time_is_up() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let endpoint = answering(&context, "re");
    let mut asks = requester(&context, &[&endpoint]);
    assert_eq!(asks.request_blocking("one").unwrap(), ["re", "one"]);
    let mut nobody = requester(&context, &[]).timeout(MOMENT).attempts(2);
    assert_eq!(timed_out(nobody.request_blocking("two")), ("two".into(), 2));
    shut_down(&context);
}

/// The old reply comes before the new one, in one connection.
#[test]
fn i3_a_late_reply_is_never_taken_for_the_next_one() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let (router, endpoint) = server(&context, SocketType::ROUTER);
    let mut asks = requester(&context, &[&endpoint])
        .timeout(MOMENT)
        .attempts(1);
    let mut late = Vec::new();
    for round in 0..10 {
        // It has to have been sent once, and not answered, however long that takes.
        let old = loop {
            assert_eq!(timed_out(block_on(asks.request("old"))).0, "old");
            if let Ok(old) = router.try_read() {
                break old;
            }
        };
        late.push(old);
        asks = asks.timeout(None);
        let serve = async {
            let new = loop {
                let request = router.read().await.unwrap();
                if request[3] == "new" {
                    break request;
                }
                late.push(request);
            };
            for old in &late {
                router.write(reply(old, "too late")).unwrap();
            }
            router.write(reply(&new, "in time")).unwrap();
        };
        let (answer, ()) = block_on(zip(asks.request("new"), serve));
        assert_eq!(answer.unwrap(), "in time", "round {round}");
        asks = asks.timeout(MOMENT);
    }
    shut_down(&context);
}

/// The same, and the old reply has been received by libzmq before the new request goes.
#[test]
fn i3_a_late_reply_that_libzmq_holds_is_thrown_away() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let (router, endpoint) = server(&context, SocketType::ROUTER);
    let mut asks = requester(&context, &[&endpoint]);
    let counter = Counter::new();
    for _ in 0..10 {
        let mut given_up = Box::pin(asks.request("old"));
        assert!(poll(&mut given_up, &counter).is_pending());
        let old = block_on(async { router.read().await.unwrap() });
        drop(given_up);
        router.write(reply(&old, "too late")).unwrap();
        let handle = asks.stream().clone();
        eventually(|| {
            let events = handle.with_socket(|socket| socket.get_events().unwrap());
            events.is_ok_and(|events| events.contains(zmq_events()))
        });
        let serve = async {
            let new = router.read().await.unwrap();
            assert_eq!(new[3], "new");
            router.write(reply(&new, "in time")).unwrap();
        };
        let (answer, ()) = block_on(zip(asks.request("new"), serve));
        assert_eq!(answer.unwrap(), "in time");
    }
    shut_down(&context);
}

fn zmq_events() -> tidegate::zmq::PollEvents {
    tidegate::zmq::POLLIN
}

/// The same, and the old reply lies in the stream already, for whoever asked and has gone.
#[test]
fn i3_a_reply_that_was_received_for_a_request_that_was_dropped_is_nobodys() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let (router, endpoint) = server(&context, SocketType::ROUTER);
    let mut asks = requester(&context, &[&endpoint]);
    let handle = asks.stream().clone();
    for _ in 0..50 {
        let counter = Counter::new();
        let mut given_up = Box::pin(asks.request("old"));
        assert!(poll(&mut given_up, &counter).is_pending());
        let old = block_on(router.read()).unwrap();
        router.write(reply(&old, "too late")).unwrap();
        eventually(|| counter.take() > 0);
        assert!(handle.read_buffer_bytes() > 0);
        drop(given_up);
        assert_eq!(handle.read_buffer_bytes(), 0);
        let serve = async {
            let new = router.read().await.unwrap();
            router.write(reply(&new, "in time")).unwrap();
        };
        let (answer, ()) = block_on(zip(asks.request("new"), serve));
        assert_eq!(answer.unwrap(), "in time");
    }
    shut_down(&context);
}

/// Every attempt is a request of its own: a reply to the first is too late for the second.
#[test]
fn i3_a_request_is_sent_again_and_the_reply_is_that_of_the_last_attempt() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let (router, endpoint) = server(&context, SocketType::ROUTER);
    let mut asks = requester(&context, &[&endpoint])
        .timeout(Duration::from_millis(200))
        .attempts(u32::MAX);
    let asked = async { asks.request(("question", "of two")).await.unwrap() };
    let serve = async {
        let first = router.read().await.unwrap();
        loop {
            let again = router.read().await.unwrap();
            assert_eq!(again[3..], ["question", "of two"]);
            assert_ne!(again[1], first[1]);
            router.write(reply(&first, "to the first")).unwrap();
            router.write(reply(&again, "to the last")).unwrap();
            yield_now().await;
        }
    };
    let answer = block_on(futures_lite::future::or(asked, serve));
    assert_eq!(answer, "to the last");
    shut_down(&context);
}

#[test]
fn i3_a_server_that_dies_is_passed_over_and_another_answers() {
    let _watchdog = Watchdog::new(120);
    let context = Context::new().unwrap();
    let dies = Context::new().unwrap();
    let [first, second] =
        [(&dies, "first"), (&context, "second")].map(|(context, name)| answering(context, name));
    let mut asks = requester(&context, &[&first, &second])
        .timeout(Duration::from_millis(200))
        .attempts(u32::MAX);
    let mut ask = |question: &str| {
        let reply = block_on(asks.request(question.to_owned())).unwrap();
        assert_eq!(reply[1], question);
        reply[0].to_vec()
    };
    // They take turns once both are connected.
    let mut last = ask("who?");
    eventually(|| std::mem::replace(&mut last, ask("who?")) != last);
    shut_down(&dies);
    for k in 0..50 {
        // The first of these may have gone to the one that has just died.
        assert_eq!(ask(&k.to_string()), b"second");
    }
    shut_down(&context);
}

#[test]
fn i3_a_server_that_comes_back_at_its_endpoint_answers_what_was_asked_meanwhile() {
    let _watchdog = Watchdog::new(120);
    let context = Context::new().unwrap();
    let dies = Context::new().unwrap();
    let endpoint = nowhere("comes-back");
    let before = server_at(&endpoint, &dies, SocketType::REP);
    std::thread::spawn(move || answer(&before, "before"));
    let mut asks = requester(&context, &[&endpoint])
        .timeout(Duration::from_millis(200))
        .attempts(u32::MAX);
    assert_eq!(block_on(asks.request("one")).unwrap(), ["before", "one"]);
    shut_down(&dies);
    let counter = Counter::new();
    let mut asked = Box::pin(asks.request("two"));
    assert!(poll(&mut asked, &counter).is_pending());
    let after = server_at(&endpoint, &context, SocketType::REP);
    std::thread::spawn(move || answer(&after, "after"));
    assert_eq!(block_on(asked).unwrap(), ["after", "two"]);
    shut_down(&context);
}

#[test]
fn i3_without_a_server_the_request_comes_back_and_the_error_says_how_long_and_how_often() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let nowhere = nowhere("comes-back-to-the-caller");
    for endpoints in [&[][..], &[&*nowhere]] {
        let mut asks = requester(&context, endpoints).timeout(MOMENT).attempts(3);
        let began = Instant::now();
        let error = block_on(asks.request(("any", "body?"))).unwrap_err();
        assert!(began.elapsed() >= 3 * MOMENT);
        assert_eq!(
            error.to_string(),
            "no reply within 20ms to any of 3 attempts"
        );
        assert!(matches!(
            error,
            RequestError::TimedOut { attempts: 3, timeout, .. } if timeout == MOMENT
        ));
        assert_eq!(error.into_request(), ["any", "body?"]);
        assert_eq!(asks.stream().write_buffer_bytes(), 0);
        // 0 is no number of attempts.
        asks = asks.attempts(0);
        assert_eq!(timed_out(block_on(asks.request("?"))), ("?".into(), 1));
    }
    shut_down(&context);
}

#[test]
fn i3_a_thousand_requests_that_nobody_takes_leave_nothing_and_are_not_sent_later() {
    const BYTES: usize = 100_000;
    let _watchdog = Watchdog::new(120);
    let context = Context::new().unwrap();
    let endpoint = nowhere("a-thousand");
    let mut asks = requester(&context, &[&endpoint])
        .timeout(Duration::from_millis(1))
        .attempts(1);
    let mut ask = |k: usize| {
        let request = vec![u8::try_from(k % 256).unwrap(); BYTES];
        let (request, _) = timed_out(block_on(asks.request(request)));
        assert_eq!(request.payload_bytes(), BYTES);
    };
    (0..10).for_each(&mut ask);
    let before = resident_bytes();
    (0..1_000).for_each(&mut ask);
    let grown = resident_bytes().saturating_sub(before);
    assert!(grown < 200 * BYTES, "{grown} bytes more");
    assert_eq!(asks.stream().write_buffer_bytes(), 0);
    assert_eq!(asks.stream().stats().sent_messages, 0);
    let rep = server_at(&endpoint, &context, SocketType::REP);
    let serve = async {
        assert_eq!(rep.read().await.unwrap(), "the only one");
        rep.write("yes").unwrap();
    };
    let mut asks = asks.timeout(None);
    let (reply, ()) = block_on(zip(asks.request("the only one"), serve));
    assert_eq!(reply.unwrap(), "yes");
    shut_down(&context);
}

#[test]
fn i3_a_dropped_request_leaves_nothing_queued() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let mut asks = requester(&context, &[]);
    let handle = asks.stream().clone();
    let counter = Counter::new();
    for _ in 0..10 {
        // Not polled, not sent.
        drop(asks.request("never"));
        let mut dropped = Box::pin(asks.request("dropped"));
        assert!(poll(&mut dropped, &counter).is_pending());
        assert!(handle.write_buffer_bytes() > 0);
        drop(dropped);
        assert_eq!(handle.write_buffer_bytes(), 0);
        assert_eq!(handle.try_read(), Err(ReadError::OutOfTurn.into()));
    }
    let (rep, endpoint) = server(&context, SocketType::REP);
    handle.connect(&endpoint).unwrap();
    let serve = async {
        assert_eq!(rep.read().await.unwrap(), "asked");
        rep.write("answered").unwrap();
    };
    let (reply, ()) = block_on(zip(asks.request("asked"), serve));
    assert_eq!(reply.unwrap(), "answered");
    shut_down(&context);
}

/// Polls so many times, with others running in between, and gives up.
async fn poll_times<F: Future + Unpin>(mut future: F, times: usize) {
    for _ in 0..times {
        let polled = std::future::poll_fn(|cx: &mut TaskContext<'_>| {
            Poll::Ready(Pin::new(&mut future).poll(cx).is_ready())
        });
        if polled.await {
            return;
        }
        std::thread::yield_now();
        yield_now().await;
    }
}

#[test]
fn i3_a_request_may_be_dropped_at_any_point_and_the_next_one_gets_its_own_reply() {
    let _watchdog = Watchdog::new(120);
    let context = Context::new().unwrap();
    let servers = [(); 2].map(|()| answering(&context, "re"));
    let endpoints = servers.each_ref().map(|endpoint| &**endpoint);
    let mut asks = requester(&context, &endpoints);
    block_on(async {
        for k in 0..600 {
            // Some are sent twice or more before they are dropped.
            asks = asks.timeout(Duration::from_micros(50)).attempts(u32::MAX);
            poll_times(Box::pin(asks.request(format!("dropped {k}"))), k % 30).await;
            asks = asks.timeout(None);
            let question = format!("asked {k}");
            let reply = asks.request(question.clone()).await.unwrap();
            assert_eq!(reply, ["re", &question]);
            assert_eq!(asks.stream().write_buffer_bytes(), 0);
            assert_eq!(asks.stream().read_buffer_bytes(), 0);
        }
    });
    shut_down(&context);
}

#[test]
fn i3_a_shutdown_ends_a_request_that_waits_and_the_request_comes_back() {
    let _watchdog = Watchdog::new(60);
    for has_server in [false, true] {
        let context = Context::new().unwrap();
        let (silent, endpoint) = server(&context, SocketType::ROUTER);
        let endpoints = if has_server { vec![&*endpoint] } else { vec![] };
        let mut asks = requester(&context, &endpoints).timeout(Duration::from_secs(3_600));
        let counter = Counter::new();
        let mut asked = Box::pin(asks.request("anybody?"));
        assert!(poll(&mut asked, &counter).is_pending());
        if has_server {
            assert_eq!(block_on(silent.read()).unwrap()[3], "anybody?");
        }
        // What is queued would be waited for, if it were not given up.
        let shutdown = context.shutdown(Duration::from_secs(20));
        eventually(|| counter.take() > 0);
        let Poll::Ready(Err(error)) = poll(&mut asked, &counter) else {
            panic!("the stream has ended");
        };
        assert_eq!(error.to_string(), "no reply: the stream is closed");
        assert!(matches!(
            error,
            RequestError::Read {
                source: ReadError::Closed,
                ..
            }
        ));
        assert_eq!(error.into_request(), "anybody?");
        block_on(shutdown).unwrap();
        drop(asked);
        let late = block_on(asks.request("late")).unwrap_err();
        assert!(matches!(late, RequestError::Write(WriteError::Closed(_))));
        assert_eq!(
            late.to_string(),
            "the request was not sent: the stream is closed"
        );
        assert_eq!(late.into_request(), "late");
    }
}

#[test]
fn i3_a_closed_requester_says_so_and_a_message_without_frames_is_none() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let mut asks = requester(&context, &[]);
    let error = block_on(asks.request(Multipart::new())).unwrap_err();
    assert!(matches!(
        error,
        RequestError::Write(WriteError::NoFrames(_))
    ));
    asks.close();
    let error = block_on(asks.request("late")).unwrap_err();
    assert!(matches!(error, RequestError::Write(WriteError::Closed(_))));
    shut_down(&context);
}

#[test]
fn i3_a_requester_is_a_req_and_the_error_names_any_other_type() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    for kind in [SocketType::DEALER, SocketType::REP] {
        let Err(error) = Requester::open(builder(kind, &context)) else {
            panic!("it is no REQ");
        };
        assert!(matches!(error, OpenError::NotAReq { .. }));
        assert_eq!(
            error.to_string(),
            format!("a requester is a REQ, not a {kind:?}")
        );
    }
    shut_down(&context);
}

#[test]
fn i3_what_the_builder_sets_goes_before_what_a_requester_would() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let asks = requester(&context, &[]);
    assert_eq!(asks.stream().option(options::SEND_HWM), Ok(1));
    assert_eq!(asks.stream().option(options::IMMEDIATE), Ok(true));
    let builder = builder(SocketType::REQ, &context)
        .option(options::SEND_HWM, 7)
        .option(options::IMMEDIATE, false);
    let asks = Requester::open(builder).unwrap();
    assert_eq!(asks.stream().option(options::SEND_HWM), Ok(7));
    assert_eq!(asks.stream().option(options::IMMEDIATE), Ok(false));
    shut_down(&context);
}

#[test]
fn i3_a_request_may_go_to_another_thread() {
    fn is_send(_: &impl Send) {}
    let context = Context::new().unwrap();
    let mut asks = requester(&context, &[]);
    is_send(&asks.request("question"));
    is_send(&asks);
    shut_down(&context);
}

#[test]
fn c7_a_relaxed_req_asks_again_before_it_has_its_reply() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let req = builder(SocketType::REQ, &context)
        .option(options::REQ_CORRELATE, true)
        .option(options::REQ_RELAXED, true);
    let req = req.open().unwrap();
    // What is queued and given up is not sent.
    req.write("given up").unwrap();
    let queued = req.write_buffer_bytes();
    req.write("given up").unwrap();
    assert_eq!(req.write_buffer_bytes(), queued);
    block_on(req.send("first")).unwrap();
    let (router, endpoint) = server(&context, SocketType::ROUTER);
    req.connect(&endpoint).unwrap();
    let first = block_on(router.read()).unwrap();
    assert_eq!(first[3], "first");
    // Whoever waits already gets the reply to the last.
    let counter = Counter::new();
    let mut read = req.read();
    assert!(poll(&mut read, &counter).is_pending());
    req.write("second").unwrap();
    let second = block_on(router.read()).unwrap();
    assert_eq!(second[3], "second");
    router.write(reply(&first, "to the first")).unwrap();
    router.write(reply(&second, "to the second")).unwrap();
    assert_eq!(block_on(read).unwrap(), "to the second");
    assert_eq!(block_on(req.read()), Err(ReadError::OutOfTurn));
    shut_down(&context);
}

#[test]
fn c7_a_req_may_be_relaxed_while_it_runs_and_takes_turns_again_after_it() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let (router, endpoint) = server(&context, SocketType::ROUTER);
    let req = builder(SocketType::REQ, &context).connect(&endpoint);
    let req = req.open().unwrap();
    let is_out_of_turn =
        |written| matches!(written, Err(WriteError::OutOfTurn(message)) if *message == "again");
    req.write("once").unwrap();
    assert!(is_out_of_turn(req.write("again")));
    req.set_option(options::REQ_RELAXED, true).unwrap();
    req.write("again").unwrap();
    req.set_option(options::REQ_RELAXED, false).unwrap();
    assert!(is_out_of_turn(req.write("again")));
    assert!(is_out_of_turn(block_on(req.send("again"))));
    for expected in ["once", "again"] {
        assert_eq!(block_on(router.read()).unwrap()[2], expected);
    }
    let error = router.set_option(options::REQ_RELAXED, true).unwrap_err();
    assert!(error.to_string().contains("ZMQ_REQ_RELAXED"));
    shut_down(&context);
}

#[test]
fn i3_the_reply_to_a_request_that_was_dropped_is_nobodys_whoever_else_waits() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let router = builder(SocketType::ROUTER, &context).bind("inproc://nobodys");
    let router = router.open().unwrap();
    let req = builder(SocketType::REQ, &context).connect("inproc://nobodys");
    let mut requester = Requester::open(req).unwrap().timeout(None);
    let other = requester.stream().clone();
    let counter = Counter::new();
    let mut asking = Box::pin(requester.request("the first"));
    assert!(poll(&mut asking, &counter).is_pending());
    let first = block_on(router.read()).unwrap();
    let mut reading = Box::pin(other.read());
    assert!(poll(&mut reading, &counter).is_pending());
    drop(asking);
    let reply = |to: Multipart, with: &str| {
        let frames = to.into_iter().take(3).chain([with.into()]);
        router.write(frames.collect::<Multipart>()).unwrap();
    };
    // Over inproc it is there at once.
    reply(first, "too late");
    assert!(poll(&mut reading, &counter).is_pending());
    let mut asking = Box::pin(requester.request("the second"));
    assert!(poll(&mut asking, &counter).is_pending());
    drop(reading);
    let second = block_on(router.read()).unwrap();
    reply(second, "in time");
    assert_eq!(block_on(asking).unwrap(), "in time");
    shut_down(&context);
}

#[test]
fn c6_a_req_whose_reading_is_paused_leaves_the_reply_in_libzmq() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let endpoint = answering(&context, "answer");
    let req = builder(SocketType::REQ, &context).connect(endpoint);
    let req = req.open().unwrap();
    req.pause_reading().unwrap();
    req.write("question").unwrap();
    let has_come = |socket: &zmq::Socket| socket.get_events().unwrap().contains(zmq::POLLIN);
    eventually(|| req.with_socket(|socket| has_come(socket)).unwrap());
    assert_eq!(req.try_read(), Err(TryReadError::Empty));
    assert_eq!(req.read_buffer_bytes(), 0);
    req.resume_reading().unwrap();
    let reply = block_on(req.read()).unwrap();
    assert_eq!(reply, ["answer", "question"]);
    shut_down(&context);
}
