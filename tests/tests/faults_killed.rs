//! Peers that are killed by SIGKILL, in the middle of a message or between two, and come back. What libzmq has accepted for a peer may
//! vanish with it, and is counted; what the stream holds may not. `FAULTS.md` has the counts.

use std::net::TcpListener;
use std::time::Duration;

use futures_lite::future::{yield_now, zip};
use tidegate::{
    Context, EventKind, EventMask, Limit, Requester, SocketType, ZmqStream, options, zmq,
};
use tidegate_tests::{
    Peer, Usage, Watchdog, alone, block_on, builder, eventually, number_of, numbered, shut_down,
    start_executor,
};

const PEER: &str = env!("CARGO_BIN_EXE_peer");
/// A message is much longer than what the operating system holds of a connection.
const FRAMES: u32 = 8;
const BYTES: usize = 128 * 1024;
const BUFFER: Option<u32> = Some(64 * 1024);
const MESSAGES: u32 = 60;
/// What libzmq holds for a peer: two messages on either side, one that is on its way at each, and one that the peer has read and not
/// yet told of.
const HELD_BY_LIBZMQ: u32 = 2 + 2 + 2 + 1;

fn free_endpoint() -> String {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("tcp://{}", free.local_addr().unwrap())
}

/// A PUSH that has everything to send from the start, and tells when a peer is gone.
fn push(
    context: &Context,
    change: impl FnOnce(tidegate::Builder) -> tidegate::Builder,
) -> ZmqStream {
    let push = builder(SocketType::PUSH, context)
        .option(options::SEND_HWM, 2)
        .option(options::SEND_BUFFER_BYTES, BUFFER)
        .option(options::RECONNECT_INTERVAL, Some(Duration::from_millis(20)))
        .high_write(Limit::Unlimited);
    let push = change(push).open().unwrap();
    push.enable_monitor(EventMask::DISCONNECTED).unwrap();
    for k in 0..MESSAGES {
        push.write(numbered(k, FRAMES, BYTES)).unwrap();
    }
    push
}

fn wait_until_disconnected(stream: &ZmqStream) {
    let event = block_on(stream.read_event()).unwrap();
    assert!(matches!(event.kind, EventKind::Disconnected { .. }));
}

/// So many a peer reads before it is killed: one that went on would have read everything where nobody comes to kill it in time.
const READ: usize = 3;

/// A peer that reads no more than that.
fn peer_that_stands_still(endpoint: &str) -> Peer {
    Peer::start(PEER, &["pull", endpoint, &READ.to_string()])
}

/// What such a peer has told of when it is killed.
fn received_by(mut peer: Peer) -> Vec<u32> {
    let numbers = (0..READ).map(|_| peer.number().unwrap()).collect();
    assert!(peer.kill().is_empty());
    numbers
}

#[test]
fn d6_what_a_stream_holds_outlives_a_peer_that_is_killed_in_the_middle_of_a_message() {
    alone(|| {
        let _watchdog = Watchdog::new(60);
        start_executor();
        let before = Usage::now();
        let context = Context::new().unwrap();
        let push = push(&context, |push| push.bind("tcp://127.0.0.1:*"));
        let endpoint = push.bindings().swap_remove(0);
        let (mut accepted, mut received, mut lost) = (0, 0, 0);
        for round in 0..6 {
            let numbers = match round {
                0 => {
                    let mut peer = Peer::start(PEER, &["half-pull", &endpoint]);
                    peer.expect("half");
                    assert!(peer.kill().is_empty());
                    Vec::new()
                }
                5 => {
                    let mut last = Peer::start(PEER, &["pull", &endpoint]);
                    let all = std::iter::from_fn(|| last.number());
                    let mut numbers: Vec<_> = all.take_while(|&k| k < MESSAGES - 1).collect();
                    numbers.push(MESSAGES - 1);
                    assert!(last.kill().is_empty());
                    numbers
                }
                _ => received_by(peer_that_stands_still(&endpoint)),
            };
            wait_until_disconnected(&push);
            // All that was not accepted for the one before comes, whole and in order.
            let first = numbers.first().copied().unwrap_or(accepted);
            let next = first + u32::try_from(numbers.len()).unwrap();
            assert!(numbers.iter().copied().eq(first..next));
            // Where libzmq clears half a message away, it has room for one more, until it knows that the peer has gone.
            assert!([accepted, accepted + 1].contains(&first));
            lost += first - accepted;
            received += next - first;
            // It accepts nothing once it says so, for nobody takes anything from it.
            let takes = || push.with_socket(|socket| socket.get_events().unwrap());
            eventually(|| !takes().unwrap().contains(zmq::POLLOUT));
            accepted = u32::try_from(push.stats().sent_messages).unwrap();
            assert!(accepted - next <= HELD_BY_LIBZMQ);
            lost += accepted - next;
        }
        assert_eq!(received + lost, MESSAGES);
        assert_eq!(push.stats().sent_messages, u64::from(MESSAGES));
        println!("| bound: written {MESSAGES}, received {received}, gone with 5 peers {lost}");
        shut_down(&context);
        drop(push);
        before.wait_for_no_more();
    });
}

#[test]
fn d6_a_stream_that_connects_goes_on_where_its_killed_peer_comes_back() {
    // Alone: a process that is being started beside has a copy of the listener, and with it the port, until it runs.
    alone(|| {
        let _watchdog = Watchdog::new(60);
        start_executor();
        let before = Usage::now();
        let context = Context::new().unwrap();
        let endpoint = free_endpoint();
        let bound = format!("bind:{endpoint}");
        let first = peer_that_stands_still(&bound);
        let push = push(&context, |push| push.connect(&endpoint));
        let mut numbers = received_by(first);
        let mut lost = 0;
        for round in 0..5 {
            wait_until_disconnected(&push);
            let accepted = push.stats().sent_messages;
            let received = if round < 4 {
                received_by(peer_that_stands_still(&bound))
            } else {
                let mut last = Peer::start(PEER, &["pull", &bound]);
                let mut received = vec![last.number().unwrap()];
                received.extend((received[0] + 1..MESSAGES).map(|_| last.number().unwrap()));
                assert_eq!(push.stats().sent_messages, u64::from(MESSAGES));
                shut_down(&context);
                assert!(last.kill().is_empty());
                received
            };
            let gap = received[0] - numbers.last().unwrap() - 1;
            assert!(gap <= HELD_BY_LIBZMQ);
            // Of what the stream held when the peer was gone all comes.
            assert!(u64::from(received[0]) <= accepted);
            lost += gap;
            numbers.extend(received);
        }
        // In order, none twice, and none is missing that is not counted.
        assert!(numbers.is_sorted_by(|a, b| a < b));
        assert_eq!(numbers.last(), Some(&(MESSAGES - 1)));
        let received = u32::try_from(numbers.len()).unwrap();
        assert_eq!(received + lost, MESSAGES);
        println!("| connected: written {MESSAGES}, received {received}, gone with 5 peers {lost}");
        drop(push);
        before.wait_for_no_more();
    });
}

#[test]
fn d6_half_a_message_of_a_peer_that_is_killed_never_comes_and_every_whole_one_does() {
    alone(|| {
        let _watchdog = Watchdog::new(60);
        start_executor();
        let before = Usage::now();
        let context = Context::new().unwrap();
        let pull = builder(SocketType::PULL, &context)
            .option(options::RECEIVE_HWM, 2)
            .bind("tcp://127.0.0.1:*");
        let pull = pull.open().unwrap();
        pull.enable_monitor(EventMask::DISCONNECTED).unwrap();
        let endpoint = pull.bindings().swap_remove(0);
        // By hand, so that the number of those that are whole is known.
        let mut half = Peer::start(PEER, &["half-push", &endpoint, "6"]);
        let read = |k| assert_eq!(number_of(&block_on(pull.read()).unwrap()), k);
        // One is left, so that libzmq takes in the half behind it, however little the operating system holds of a connection.
        (0..5).for_each(read);
        half.expect("half");
        assert!(half.kill().is_empty());
        read(5);
        wait_until_disconnected(&pull);
        // Each by another number of frames, for what is left of one may come beside what another sends.
        let (mut sent, mut received) = (6, vec![0; 9]);
        for frames in 2..=8 {
            let (shape, bytes) = (frames.to_string(), BYTES.to_string());
            let peer = Peer::start(PEER, &["push", &endpoint, &shape, &bytes]);
            while received[frames] < 8 {
                let message = block_on(pull.read()).unwrap();
                assert_eq!(number_of(&message), received[message.len()]);
                received[message.len()] += 1;
            }
            let told = peer.kill();
            sent += u32::try_from(told.len()).unwrap();
            // libzmq stands still at its mark: what has come is read.
            while pull.try_read_event().is_err() {
                let Ok(message) = pull.try_read() else {
                    continue;
                };
                assert_eq!(number_of(&message), received[message.len()]);
                received[message.len()] += 1;
            }
        }
        while let Ok(message) = pull.try_read() {
            assert_eq!(number_of(&message), received[message.len()]);
            received[message.len()] += 1;
        }
        let received = 6 + received.iter().sum::<u32>();
        // What the stream has taken was read, all of it.
        assert_eq!(pull.stats().received_messages, u64::from(received));
        // A peer that libzmq has told of a message may have died before it told of it in turn; what libzmq had accepted goes with it.
        assert!(received <= sent + 7);
        let gone = sent.saturating_sub(received);
        println!(
            "| 8 peers sent {sent} whole, received {received} whole and 0 torn, gone with the senders {gone}"
        );
        shut_down(&context);
        drop(pull);
        before.wait_for_no_more();
    });
}

#[test]
fn d5_a_router_that_must_reach_its_peer_reports_all_that_it_holds_for_one_that_is_killed() {
    alone(|| {
        let _watchdog = Watchdog::new(60);
        start_executor();
        let before = Usage::now();
        let context = Context::new().unwrap();
        let router = builder(SocketType::ROUTER, &context)
            .option(options::ROUTER_MANDATORY, true)
            .option(options::SEND_HWM, 2)
            .option(options::SEND_BUFFER_BYTES, BUFFER)
            .high_write(Limit::Unlimited)
            .bind("tcp://127.0.0.1:*");
        let router = router.open().unwrap();
        let endpoint = router.bindings().swap_remove(0);
        let mut peer = Peer::start(PEER, &["echo", "dealer", &endpoint]);
        assert_eq!(block_on(router.read()).unwrap(), ["peer", "here"]);
        peer.stop();
        let mut written = 0u64;
        for k in 0..MESSAGES {
            let mut message = tidegate::Multipart::from("peer");
            numbered(k, FRAMES, BYTES)
                .iter()
                .for_each(|frame| message.push(&**frame));
            router.write(message).unwrap();
            written += 1;
        }
        assert!(router.write_buffer_bytes() > 0);
        peer.kill();
        block_on(router.flush()).unwrap();
        let stats = router.stats();
        let reported: u64 = stats
            .failed_sends
            .iter()
            .map(|failed| failed.messages)
            .sum();
        assert_eq!(stats.failed_sends.len(), 1);
        assert_eq!(stats.failed_sends[0].peer.as_deref(), Some(&b"peer"[..]));
        assert_eq!(stats.sent_messages + reported, written);
        // Each comes back whole, in order.
        for k in stats.sent_messages..written {
            let failure = router.take_send_failure().unwrap();
            assert_eq!(failure.discarded, 0);
            assert_eq!(u64::from(number_of(&failure.message[1..])), k);
        }
        let accepted = stats.sent_messages;
        println!("| ROUTER: written {written}, gone with the peer {accepted}, reported {reported}");
        assert!(accepted <= HELD_BY_LIBZMQ.into());
        // One of that name is served as if there had been none before.
        peer = Peer::start(PEER, &["echo", "dealer", &endpoint]);
        assert_eq!(block_on(router.read()).unwrap(), ["peer", "here"]);
        router
            .write(("peer", numbered(7, 1, 20)[0].clone()))
            .unwrap();
        assert_eq!(number_of(&block_on(router.read()).unwrap()[1..]), 7);
        shut_down(&context);
        peer.expect(7);
        drop((router, peer));
        before.wait_for_no_more();
    });
}

#[test]
fn i3_a_server_that_is_killed_again_and_again_answers_every_request_where_it_comes_back() {
    // Alone: a process that is being started beside has a copy of the listener, and with it the port, until it runs.
    alone(|| {
        let _watchdog = Watchdog::new(60);
        start_executor();
        let before = Usage::now();
        let context = Context::new().unwrap();
        let endpoint = free_endpoint();
        let bound = format!("bind:{endpoint}");
        let servers = || Some(Peer::start(PEER, &["echo", "rep", &bound]));
        let req = builder(SocketType::REQ, &context)
            .option(options::RECONNECT_INTERVAL, Some(Duration::from_millis(20)))
            .connect(&endpoint);
        let requester = Requester::open(req).unwrap();
        let requester = requester.timeout(Duration::from_millis(200));
        let mut requester = requester.attempts(200);
        let mut server = servers();
        for k in 0..60 {
            let asked = requester.request(numbered(k, 2, 20));
            let changes = async {
                // Before it has read the request, which then is with it.
                if k % 10 == 7 {
                    server.as_ref().unwrap().stop();
                    yield_now().await;
                }
                if k % 10 == 7 || k % 10 == 3 {
                    server.take().unwrap().kill();
                    server = servers();
                }
            };
            let (answer, ()) = block_on(zip(asked, changes));
            assert_eq!(number_of(&answer.unwrap()), k);
        }
        println!("| REQ: asked 60, answered 60, 12 servers killed");
        shut_down(&context);
        drop((requester, server));
        before.wait_for_no_more();
    });
}
