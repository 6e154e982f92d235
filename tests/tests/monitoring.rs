//! Section F of the contract over libzmq.

use std::task::Poll;
use std::time::Duration;

use tidegate::{
    Context, EventKind, EventMask, MonitorError, ReadEventError, SocketType, TryReadEventError,
    ZmqStream, options,
};
use tidegate_tests::{
    Counter, Watchdog, block_on, builder, eventually, io_thread_pipe, nobody, poll, poll_keeping,
    shut_down,
};

/// Opens a PULL that is monitored.
fn monitored(context: &Context, events: EventMask) -> ZmqStream {
    let stream = builder(SocketType::PULL, context).open().unwrap();
    stream.enable_monitor(events).unwrap();
    stream
}

/// Binds so many endpoints, each of which is an event.
fn bind(stream: &ZmqStream, count: usize) -> Vec<String> {
    (0..count)
        .map(|_| stream.bind("tcp://127.0.0.1:*").unwrap())
        .collect()
}

/// The endpoints of all events that have come, and how many were discarded before each.
fn endpoints(stream: &ZmqStream) -> (Vec<String>, usize) {
    let (mut endpoints, mut discarded) = (Vec::new(), 0);
    while let Ok(event) = stream.try_read_event() {
        endpoints.push(event.endpoint);
        discarded += event.discarded;
    }
    (endpoints, discarded)
}

#[test]
fn f1_both_ends_of_a_connection_see_it_come_and_go() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let server = monitored(&context, EventMask::ALL);
    let endpoint = server.bind("tcp://127.0.0.1:*").unwrap();
    let client = builder(SocketType::PUSH, &context).open().unwrap();
    client.enable_monitor(EventMask::ALL).unwrap();
    client.connect(&endpoint).unwrap();
    block_on(async {
        let event = server.read_event().await.unwrap();
        assert!(matches!(event.kind, EventKind::Listening { fd } if fd > 0));
        assert_eq!(event.endpoint, endpoint);
        let event = server.read_event().await.unwrap();
        assert!(matches!(event.kind, EventKind::Accepted { fd } if fd > 0));
        let event = server.read_event().await.unwrap();
        assert_eq!(event.kind, EventKind::HandshakeSucceeded);

        let event = client.read_event().await.unwrap();
        assert!(matches!(event.kind, EventKind::ConnectDelayed { errno } if errno > 0));
        let event = client.read_event().await.unwrap();
        assert!(matches!(event.kind, EventKind::Connected { fd } if fd > 0));
        assert_eq!((event.endpoint, event.discarded), (endpoint.clone(), 0));
        let event = client.read_event().await.unwrap();
        assert_eq!(event.kind, EventKind::HandshakeSucceeded);

        client.disconnect(&endpoint).unwrap();
        let event = server.read_event().await.unwrap();
        assert!(matches!(event.kind, EventKind::Disconnected { fd } if fd > 0));

        server.unbind(&endpoint).unwrap();
        let event = server.read_event().await.unwrap();
        assert!(matches!(event.kind, EventKind::Closed { fd } if fd > 0));
        assert_eq!(event.endpoint, endpoint);
    });
    shut_down(&context);
}

#[test]
fn f1_a_connect_that_fails_tells_when_it_is_tried_again() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let endpoint = nobody();
    let stream = monitored(&context, EventMask::CONNECT_RETRIED);
    stream.connect(&endpoint).unwrap();
    let event = block_on(stream.read_event()).unwrap();
    assert!(matches!(event.kind, EventKind::ConnectRetried { interval_ms } if interval_ms > 0));
    assert_eq!(event.endpoint, endpoint);
    stream.abort();
    shut_down(&context);
}

#[test]
fn f2_a_hundred_events_are_kept_and_the_number_of_older_ones_comes_with_the_next() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let stream = monitored(&context, EventMask::LISTENING);
    let bound = bind(&stream, 150);
    // Whatever has happened is there once there is no monitor any more.
    stream.disable_monitor().unwrap();
    let first = stream.try_read_event().unwrap();
    assert_eq!((&first.endpoint, first.discarded), (&bound[50], 50));
    assert_eq!(endpoints(&stream), (bound[51..].to_vec(), 0));
    shut_down(&context);
}

#[test]
fn f2_a_backlog_may_have_any_size_or_none() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    for (backlog, kept) in [(None, 150), (Some(7), 7), (Some(150), 150)] {
        let stream = builder(SocketType::PULL, &context).events_backlog(backlog);
        let stream = stream.open().unwrap();
        stream.enable_monitor(EventMask::LISTENING).unwrap();
        let bound = bind(&stream, 150);
        stream.disable_monitor().unwrap();
        assert_eq!(
            endpoints(&stream),
            (bound[150 - kept..].to_vec(), 150 - kept)
        );
    }
    shut_down(&context);
}

#[test]
fn f2_a_backlog_of_0_only_counts_until_it_is_changed() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let stream = builder(SocketType::PULL, &context).events_backlog(0);
    let stream = stream.open().unwrap();
    stream.enable_monitor(EventMask::LISTENING).unwrap();
    bind(&stream, 5);
    stream
        .enable_monitor(EventMask::LISTENING | EventMask::CLOSED)
        .unwrap();
    assert_eq!(stream.try_read_event(), Err(TryReadEventError::Empty));
    stream.set_events_backlog(1);
    let bound = bind(&stream, 1);
    let event = block_on(stream.read_event()).unwrap();
    assert_eq!((&event.endpoint, event.discarded), (&bound[0], 5));
    shut_down(&context);
}

#[test]
fn f3_enabling_and_disabling_twice_are_no_errors_and_enabling_again_works() {
    let _watchdog = Watchdog::new(60);
    for context in [Context::new().unwrap(), Context::shared().unwrap()] {
        let stream = builder(SocketType::PULL, &context).open().unwrap();
        assert_eq!(stream.monitored_events(), None);
        assert_eq!(
            block_on(stream.read_event()),
            Err(ReadEventError::NotMonitoring)
        );
        stream.disable_monitor().unwrap();
        for _ in 0..3 {
            stream.enable_monitor(EventMask::LISTENING).unwrap();
            stream.enable_monitor(EventMask::LISTENING).unwrap();
            assert_eq!(stream.monitored_events(), Some(EventMask::LISTENING));
            let bound = bind(&stream, 1);
            let event = block_on(stream.read_event()).unwrap();
            assert_eq!(event.endpoint, bound[0]);
            stream.disable_monitor().unwrap();
            stream.disable_monitor().unwrap();
            assert_eq!(stream.monitored_events(), None);
            bind(&stream, 1);
            assert_eq!(
                stream.try_read_event(),
                Err(ReadEventError::NotMonitoring.into())
            );
        }
        shut_down(&context);
    }
}

#[test]
fn f3_a_changed_mask_loses_nothing_of_what_has_come() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let stream = builder(SocketType::PULL, &context).events_backlog(None);
    let stream = stream.open().unwrap();
    let with_stop = EventMask::LISTENING | EventMask::MONITOR_STOPPED;
    let mut bound = Vec::new();
    for round in 0..40 {
        let mask = [EventMask::LISTENING, with_stop][round % 2];
        stream.enable_monitor(mask).unwrap();
        assert_eq!(stream.monitored_events(), Some(mask));
        bound.extend(bind(&stream, 3));
    }
    stream.enable_monitor(EventMask::CONNECTED).unwrap();
    bind(&stream, 3);
    assert_eq!(endpoints(&stream), (bound, 0));
    shut_down(&context);
}

#[test]
fn f3_a_mask_that_cannot_be_changed_for_want_of_a_socket_leaves_the_one_before() {
    let _watchdog = Watchdog::new(60);
    // Room for the stream and its monitor, and for no other.
    let context = Context::builder().max_sockets(3).build().unwrap();
    let stream = builder(SocketType::PULL, &context).open().unwrap();
    stream.enable_monitor(EventMask::LISTENING).unwrap();
    let refused = stream.enable_monitor(EventMask::ALL);
    assert!(matches!(refused, Err(MonitorError::Refused(_))));
    assert_eq!(stream.monitored_events(), Some(EventMask::LISTENING));
    let bound = bind(&stream, 1);
    let event = block_on(stream.read_event()).unwrap();
    assert_eq!(event.endpoint, bound[0]);
    shut_down(&context);
}

#[test]
fn f3_disabling_completes_a_read_behind_the_events_that_have_come() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let stream = monitored(&context, EventMask::ALL);
    let counters: Vec<_> = (0..3).map(|_| Counter::new()).collect();
    let mut reads: Vec<_> = (0..3).map(|_| stream.read_event()).collect();
    for (read, counter) in reads.iter_mut().zip(&counters) {
        assert!(poll(read, counter).is_pending());
    }
    stream.disable_monitor().unwrap();
    let Poll::Ready(Ok(event)) = poll(&mut reads[0], &counters[0]) else {
        panic!("the first has an event, that of the end");
    };
    assert_eq!(event.kind, EventKind::MonitorStopped);
    for (read, counter) in reads[1..].iter_mut().zip(&counters[1..]) {
        assert_eq!(counter.take(), 1);
        let no_monitor = Err(ReadEventError::NotMonitoring);
        assert_eq!(poll(read, counter), Poll::Ready(no_monitor));
    }
    drop(reads);
    shut_down(&context);
}

#[test]
fn e3_a_read_of_events_ends_when_the_stream_closes_is_aborted_or_shut_down() {
    let _watchdog = Watchdog::new(60);
    type End = fn(&ZmqStream, &Context);
    let ends: [End; 3] = [
        |stream, _| stream.close(),
        |stream, _| stream.abort(),
        |_, context| shut_down(context),
    ];
    for end in ends {
        let context = Context::new().unwrap();
        let stream = builder(SocketType::DEALER, &context).open().unwrap();
        stream.enable_monitor(EventMask::LISTENING).unwrap();
        let counters = [Counter::new(), Counter::new()];
        let mut reads = [stream.read_event(), stream.read_event()];
        for (read, counter) in reads.iter_mut().zip(&counters) {
            assert!(poll(read, counter).is_pending());
        }
        end(&stream, &context);
        for (read, counter) in reads.iter_mut().zip(&counters) {
            assert_eq!(counter.take(), 1);
            let closed = Err(ReadEventError::Closed);
            assert_eq!(poll(read, counter), Poll::Ready(closed));
        }
        assert_eq!(stream.monitored_events(), None);
        assert!(matches!(
            stream.enable_monitor(EventMask::ALL),
            Err(MonitorError::Closed)
        ));
        stream.disable_monitor().unwrap();
        shut_down(&context);
    }
}

#[test]
fn f3_after_a_close_the_events_that_have_come_are_read_first() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let stream = monitored(&context, EventMask::LISTENING | EventMask::MONITOR_STOPPED);
    let mut bound = bind(&stream, 5);
    stream.close();
    // The monitor is stopped before the socket is closed.
    bound.push(String::new());
    assert_eq!(endpoints(&stream), (bound, 0));
    assert_eq!(block_on(stream.read_event()), Err(ReadEventError::Closed));
    shut_down(&context);
}

#[test]
fn f3_a_stream_that_is_about_to_close_has_its_last_events_and_is_monitored_no_more() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let push = builder(SocketType::PUSH, &context)
        .option(options::LINGER, Some(Duration::from_millis(100)))
        .open()
        .unwrap();
    push.enable_monitor(EventMask::LISTENING).unwrap();
    let bound = bind(&push, 1);
    // Nobody takes it, and it keeps the stream from its end for as long as it lingers.
    push.write("queued").unwrap();
    push.close();
    assert_eq!(push.monitored_events(), None);
    let again = push.enable_monitor(EventMask::ALL);
    assert!(matches!(again, Err(MonitorError::Closed)));
    assert_eq!(endpoints(&push), (bound, 0));
    assert_eq!(push.try_read_event(), Err(ReadEventError::Closed.into()));
    assert_eq!(block_on(push.closed()).messages, 1);
    shut_down(&context);
}

#[test]
fn f4_events_that_nobody_reads_hold_nothing_up() {
    let _watchdog = Watchdog::new(120);
    let context = Context::new().unwrap();
    let stream = monitored(&context, EventMask::ALL);
    // libzmq would stand still at the 1,004th that nobody takes.
    for _ in 0..1_500 {
        let endpoint = stream.bind("tcp://127.0.0.1:*").unwrap();
        stream.unbind(&endpoint).unwrap();
    }
    stream.disable_monitor().unwrap();
    let (last, discarded) = endpoints(&stream);
    assert_eq!(last.len(), 100);
    assert!(discarded >= 1_400, "{discarded}");
    assert_eq!(
        u64::try_from(discarded),
        Ok(stream.stats().discarded_events)
    );
    shut_down(&context);
}

#[test]
fn f4_more_events_than_a_batch_have_come_at_once_and_are_all_taken_though_no_other_follows() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let (pull, push) = io_thread_pipe(&context, "inproc://keeps");
    let mut read = pull.read();
    let kept = poll_keeping(&mut read);
    push.write("x").unwrap();
    kept.begins();

    let stream = monitored(&context, EventMask::LISTENING);
    stream.set_events_backlog(None);
    let bound = bind(&stream, 200);
    drop(kept);
    for endpoint in bound {
        assert_eq!(block_on(stream.read_event()).unwrap().endpoint, endpoint);
    }
    drop(read);
    shut_down(&context);
}

#[test]
fn f5_messages_that_nobody_reads_do_not_hold_up_events_nor_events_messages() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let pull = builder(SocketType::PULL, &context).high_read(0);
    let pull = pull.bind("tcp://127.0.0.1:*").open().unwrap();
    pull.enable_monitor(EventMask::ACCEPTED).unwrap();
    let push = builder(SocketType::PUSH, &context).connect(&pull.bindings()[0]);
    let push = push.open().unwrap();
    push.write("not read yet").unwrap();
    eventually(|| pull.read_buffer_bytes() > 0);
    let event = block_on(pull.read_event()).unwrap();
    assert!(matches!(event.kind, EventKind::Accepted { .. }));

    let other = builder(SocketType::PUSH, &context).connect(&pull.bindings()[0]);
    let other = other.open().unwrap();
    other.write("second").unwrap();
    assert_eq!(block_on(pull.read()).unwrap(), "not read yet");
    assert_eq!(block_on(pull.read()).unwrap(), "second");
    assert!(block_on(pull.read_event()).is_ok());
    shut_down(&context);
}

#[test]
fn f5_events_are_served_to_those_who_wait_in_their_order_and_none_is_lost_by_a_dropped_read() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let stream = monitored(&context, EventMask::LISTENING);
    let counters: Vec<_> = (0..3).map(|_| Counter::new()).collect();
    let mut reads: Vec<_> = (0..3).map(|_| stream.read_event()).collect();
    for (read, counter) in reads.iter_mut().zip(&counters) {
        assert!(poll(read, counter).is_pending());
    }
    let bound = bind(&stream, 1);
    eventually(|| counters[0].take() == 1);
    assert_eq!(counters[1].take(), 0);
    // The first was woken and goes: the second gets its turn.
    drop(reads.remove(0));
    assert_eq!(counters[1].take(), 1);
    let Poll::Ready(Ok(event)) = poll(&mut reads[0], &counters[1]) else {
        panic!("it was woken for an event");
    };
    assert_eq!(event.endpoint, bound[0]);
    assert!(poll(&mut reads[1], &counters[2]).is_pending());
    assert_eq!(counters[2].take(), 0);
    drop(reads);
    shut_down(&context);
}

#[test]
fn e4_a_monitor_that_cannot_be_had_leaves_no_socket_behind() {
    let _watchdog = Watchdog::new(60);
    // Room for the stream, and for one of the two sockets that a monitor takes.
    let context = Context::builder().max_sockets(2).build().unwrap();
    let stream = builder(SocketType::PULL, &context).open().unwrap();
    for _ in 0..3 {
        let refused = stream.enable_monitor(EventMask::ALL);
        assert!(matches!(refused, Err(MonitorError::Refused(_))));
        // libzmq lets go of a socket in the background.
        eventually(|| builder(SocketType::PUSH, &context).open().is_ok());
        eventually(|| builder(SocketType::PUSH, &context).open().is_ok());
    }
    shut_down(&context);
}
