//! What a socket's type allows, and when (contract C7).

use std::task::Poll;

use futures_lite::future::zip;
use tidegate::{Context, Errno, ReadError, SocketType, TryReadError, WriteError, ZmqStream};
use tidegate_tests::{Counter, Watchdog, block_on, builder, eventually, poll, shut_down};

/// A REP, and a REQ that is connected to it.
fn rep_and_req(context: &Context) -> (ZmqStream, ZmqStream) {
    let rep = builder(SocketType::REP, context).bind("tcp://127.0.0.1:*");
    let rep = rep.open().unwrap();
    let req = builder(SocketType::REQ, context).connect(&rep.bindings()[0]);
    (rep, req.open().unwrap())
}

fn is_out_of_turn(result: Result<(), WriteError>, sent: &str) -> bool {
    matches!(result, Err(WriteError::OutOfTurn(message)) if *message == sent)
}

#[test]
fn c7_a_type_that_only_receives_refuses_a_message_at_once_and_hands_it_back() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    for kind in [SocketType::PULL, SocketType::SUB] {
        let stream = builder(kind, &context).bind("tcp://127.0.0.1:*").open();
        let stream = stream.unwrap();
        let sent = block_on(stream.send("sent"));
        for result in [stream.write("sent"), sent] {
            let error = result.unwrap_err();
            assert!(matches!(error, WriteError::ReceivesOnly(_)));
            assert_eq!(error.to_string(), "a socket of this type only receives");
            assert_eq!(error.into_message(), "sent");
        }
        assert_eq!(block_on(stream.drain()), Ok(()));
        assert_eq!(block_on(stream.flush()), Ok(()));
        assert_eq!(stream.write_buffer_bytes(), 0);
    }
    shut_down(&context);
}

#[test]
fn c7_a_type_that_only_sends_refuses_a_read_at_once() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    for kind in [SocketType::PUSH, SocketType::PUB] {
        let stream = builder(kind, &context).bind("tcp://127.0.0.1:*").open();
        let stream = stream.unwrap();
        for _ in 0..2 {
            assert_eq!(block_on(stream.read()), Err(ReadError::SendsOnly));
            let sends_only = TryReadError::Read(ReadError::SendsOnly);
            assert_eq!(stream.try_read(), Err(sends_only));
            stream.close();
        }
    }
    shut_down(&context);
}

#[test]
fn c7_a_req_asks_and_reads_its_reply_before_it_asks_again() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    // Before it has a peer, too.
    let unconnected = builder(SocketType::REQ, &context).open().unwrap();
    assert_eq!(unconnected.try_read(), Err(ReadError::OutOfTurn.into()));
    drop(unconnected);
    let (rep, req) = rep_and_req(&context);
    for k in 0..50 {
        assert_eq!(block_on(req.read()), Err(ReadError::OutOfTurn));
        assert_eq!(req.try_read(), Err(ReadError::OutOfTurn.into()));
        req.write(format!("question {k}")).unwrap();
        assert!(is_out_of_turn(req.write("too early"), "too early"));
        assert!(is_out_of_turn(block_on(req.send("too early")), "too early"));
        assert_eq!(block_on(rep.read()).unwrap(), *format!("question {k}"));
        rep.write(format!("answer {k}")).unwrap();
        // The reply has to be read, whether or not it is there.
        assert!(is_out_of_turn(req.write("too early"), "too early"));
        assert_eq!(block_on(req.read()).unwrap(), *format!("answer {k}"));
    }
    assert_eq!(req.stats().sent_messages, 50);
    shut_down(&context);
}

#[test]
fn c7_a_req_that_does_not_wait_gets_its_reply_once_it_has_come() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let (rep, req) = rep_and_req(&context);
    for k in 0..50 {
        req.write(format!("question {k}")).unwrap();
        assert_eq!(req.try_read(), Err(TryReadError::Empty));
        assert_eq!(block_on(rep.read()).unwrap(), *format!("question {k}"));
        rep.write(format!("answer {k}")).unwrap();
        let mut reply = Err(TryReadError::Empty);
        eventually(|| {
            reply = req.try_read();
            reply != Err(TryReadError::Empty)
        });
        assert_eq!(reply.unwrap(), *format!("answer {k}"));
        assert_eq!(req.try_read(), Err(ReadError::OutOfTurn.into()));
    }
    shut_down(&context);
}

#[test]
fn c7_a_rep_reads_a_request_before_it_answers_and_answers_before_it_reads() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let (rep, req) = rep_and_req(&context);
    for k in 0..50 {
        assert!(is_out_of_turn(rep.write("unasked"), "unasked"));
        req.write(format!("question {k}")).unwrap();
        assert_eq!(block_on(rep.read()).unwrap(), *format!("question {k}"));
        assert_eq!(block_on(rep.read()), Err(ReadError::OutOfTurn));
        assert_eq!(rep.try_read(), Err(ReadError::OutOfTurn.into()));
        rep.write("answer").unwrap();
        assert!(is_out_of_turn(rep.write("twice"), "twice"));
        assert_eq!(block_on(req.read()).unwrap(), "answer");
    }
    shut_down(&context);
}

#[test]
fn c7_a_request_that_is_queued_counts_as_asked() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let req = builder(SocketType::REQ, &context).high_write(0);
    let req = req.open().unwrap();
    // Nobody is there.
    req.write("question").unwrap();
    assert!(req.write_buffer_bytes() > 0);
    assert!(is_out_of_turn(req.write("another"), "another"));
    // Even one that would wait: the error comes at once.
    assert!(is_out_of_turn(block_on(req.send("another")), "another"));
    let counter = Counter::new();
    let mut read = req.read();
    assert!(poll(&mut read, &counter).is_pending());
    let rep = builder(SocketType::REP, &context).bind("tcp://127.0.0.1:*");
    let rep = rep.open().unwrap();
    req.connect(&rep.bindings()[0]).unwrap();
    assert_eq!(block_on(rep.read()).unwrap(), "question");
    rep.write("answer").unwrap();
    assert_eq!(block_on(read).unwrap(), "answer");
    shut_down(&context);
}

#[test]
fn c7_a_read_of_a_rep_that_waits_gets_the_next_request_behind_the_reply_of_another() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let (rep, req) = rep_and_req(&context);
    let counters = [Counter::new(), Counter::new()];
    let mut reads = [rep.read(), rep.read()];
    for (read, counter) in reads.iter_mut().zip(&counters) {
        assert!(poll(read, counter).is_pending());
    }
    req.write("first").unwrap();
    eventually(|| counters[0].take() == 1);
    let Poll::Ready(first) = poll(&mut reads[0], &counters[0]) else {
        panic!("it was woken");
    };
    assert_eq!(first.unwrap(), "first");
    // It is looked at between the request and the reply: it came in turn, and keeps its place.
    assert!(poll(&mut reads[1], &counters[1]).is_pending());
    rep.write("answer").unwrap();
    assert_eq!(block_on(req.read()).unwrap(), "answer");
    req.write("second").unwrap();
    let [_, second] = reads;
    assert_eq!(block_on(second).unwrap(), "second");
    shut_down(&context);
}

#[test]
fn c7_after_a_close_there_are_no_turns_any_more() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let (rep, req) = rep_and_req(&context);
    for stream in [&rep, &req] {
        stream.close();
        assert_eq!(block_on(stream.read()), Err(ReadError::Closed));
        assert!(matches!(stream.write("late"), Err(WriteError::Closed(_))));
    }
    shut_down(&context);
}

#[test]
fn c7_many_questions_are_answered_in_turn() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let (rep, req) = rep_and_req(&context);
    let asks = async {
        for k in 0..2_000u32 {
            req.send(k.to_le_bytes().as_slice()).await.unwrap();
            assert_eq!(req.read().await.unwrap(), [(k + 1).to_le_bytes()]);
        }
    };
    let answers = async {
        for k in 0..2_000u32 {
            assert_eq!(rep.read().await.unwrap(), [k.to_le_bytes()]);
            rep.send((k + 1).to_le_bytes().as_slice()).await.unwrap();
        }
    };
    block_on(zip(asks, answers));
    shut_down(&context);
}

/// A REP, and a REQ whose request is queued.
fn queued_request(context: &Context) -> (ZmqStream, ZmqStream) {
    let rep = builder(SocketType::REP, context).bind("inproc://no-reply");
    let req = builder(SocketType::REQ, context).open().unwrap();
    req.write("queued").unwrap();
    (rep.open().unwrap(), req)
}

/// Another request goes before it, behind the stream's back, so that libzmq refuses the queued one.
fn refuse(req: &ZmqStream) {
    let lent = req.with_socket(|socket| {
        socket.connect("inproc://no-reply").unwrap();
        socket.send("direct", 0).unwrap();
    });
    lent.unwrap();
}

#[test]
fn c7_whoever_waits_for_the_reply_to_a_request_that_is_refused_learns_of_it() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let (_rep, req) = queued_request(&context);
    let counter = Counter::new();
    let mut read = req.read();
    assert!(poll(&mut read, &counter).is_pending());
    refuse(&req);
    eventually(|| counter.take() == 1);
    let no_reply = Poll::Ready(Err(ReadError::NoReply));
    assert_eq!(poll(&mut read, &counter), no_reply);
    let failure = req.take_send_failure().unwrap();
    assert_eq!(
        (failure.message, failure.reason),
        ("queued".into(), Errno::STATE)
    );
    assert_eq!(block_on(req.read()), Err(ReadError::OutOfTurn));
    req.abort();
    shut_down(&context);
}

#[test]
fn c7_a_request_that_is_refused_costs_the_next_one_nothing() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let (rep, req) = queued_request(&context);
    let counter = Counter::new();
    let mut read = req.read();
    assert!(poll(&mut read, &counter).is_pending());
    refuse(&req);
    // It gives up before it learns of it.
    drop(read);
    assert_eq!(block_on(rep.read()).unwrap(), "direct");
    rep.write("answer").unwrap();
    let direct = req.with_socket(|socket| socket.recv_bytes(0).unwrap());
    assert_eq!(direct.unwrap(), b"answer");
    req.write("next").unwrap();
    assert_eq!(block_on(rep.read()).unwrap(), "next");
    rep.write("answer to it").unwrap();
    assert_eq!(block_on(req.read()).unwrap(), "answer to it");
    shut_down(&context);
}
