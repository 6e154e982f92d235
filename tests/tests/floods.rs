//! Floods of strangers at a bound endpoint, an honest peer beside them (contract I2). `HOSTILE.md` has what each of them cost.

use std::os::fd::AsRawFd;
use std::time::Duration;

use rustix::net::{AddressFamily, SocketType as Socket, socket};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tidegate::{Builder, Context, EventKind, EventMask, Frame, SocketType, options};
use tidegate_tests::{
    MORE, Served, Stranger, Usage, Watchdog, aborts, alone, block_on, eventually, frame, shut_down,
    start_executor,
};

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;
/// What a stream reads ahead unless it is told otherwise.
const HIGH_READ: usize = 64 * KIB;
const EMFILE: i32 = 24;

#[test]
fn i2_connections_that_come_and_go_or_stay_silent_leave_no_descriptor_behind() {
    alone(|| {
        let _watchdog = Watchdog::new(120);
        start_executor();
        let context = Context::new().unwrap();
        // All that are not accepted yet have a place: one that has none is connected again by tcp, seconds later, or never.
        let with_places = |builder: Builder| builder.option(options::BACKLOG, 4_096);
        // Both are there until the end: what libzmq frees of a stream it frees some time after its end.
        let mut both = [SocketType::PULL, SocketType::XPUB].map(|kind| {
            let mut served = Served::open(&context, kind, with_places);
            served.exchange();
            (kind, served)
        });
        for (kind, served) in &mut both {
            let before = Usage::now();
            for round in 0..2_000 {
                drop(Stranger::connect(&served.endpoint()));
                if round % 100 == 0 {
                    served.exchange();
                }
            }
            before.wait_for_descriptors(0);
            assert!(before.tell(&format!("{kind:?}, 2,000 came and went")) < 8 * MIB);
            let endpoint = served.endpoint();
            let held: Vec<_> = (0..300).map(|_| Stranger::connect(&endpoint)).collect();
            served.exchange();
            // Two for each: the stranger's end is in this process, too.
            before.wait_for_descriptors(600);
            assert!(before.tell(&format!("{kind:?}, 300 stay, both ends")) < 16 * MIB);
            held.into_iter().for_each(Stranger::hang_up);
            before.wait_for_descriptors(0);
            before.tell(&format!("{kind:?}, and go"));
            served.exchange();
        }
        shut_down(&context);
    });
}

/// The number that the next descriptor will have. Those that were inherited may have higher ones.
fn next_descriptor() -> u64 {
    let next = std::fs::File::open("/dev/null").unwrap();
    u64::try_from(next.as_raw_fd()).unwrap()
}

#[test]
fn i2_without_descriptors_left_those_who_are_connected_are_served_and_others_once_there_are() {
    alone(|| {
        let _watchdog = Watchdog::new(120);
        start_executor();
        let context = Context::new().unwrap();
        let mut served = Served::open(&context, SocketType::PULL, |builder| builder);
        served.exchange();
        served
            .bound
            .enable_monitor(EventMask::ACCEPT_FAILED)
            .unwrap();
        let before = Usage::now();
        // They are there before the limit, which the connections then reach.
        let sockets: Vec<_> = (0..90)
            .map(|_| socket(AddressFamily::INET, Socket::STREAM, None).unwrap())
            .collect();
        let limit = getrlimit(Resource::Nofile);
        let room_for_30 = Rlimit {
            current: Some(next_descriptor() + 30),
            ..limit
        };
        setrlimit(Resource::Nofile, room_for_30).unwrap();
        let endpoint = served.endpoint();
        let strangers: Vec<_> = sockets
            .into_iter()
            .map(|socket| Stranger::of_socket(socket, &endpoint))
            .collect();
        let event = block_on(served.bound.read_event()).unwrap();
        assert_eq!(event.kind, EventKind::AcceptFailed { errno: EMFILE });
        for _ in 0..100 {
            served.exchange();
        }
        // libzmq tries without a pause, and tells each time; what nobody reads is discarded.
        eventually(|| served.bound.stats().discarded_events > 20_000);
        let resident = before.tell("60 more than there are descriptors for");
        // libzmq itself keeps those that the I/O thread has not come to yet: many, while others want the processors.
        assert!(resident < 64 * MIB);
        drop(strangers);
        before.wait_for_descriptors(0);
        served.change_peer(&context);
        for _ in 0..100 {
            served.exchange();
        }
        before.tell("they are gone");
        shut_down(&context);
    });
}

/// Waits until as much is read ahead as may be. A write may take in the news of what has come, and whoever asks the socket for something
/// looks for messages, too.
fn read_ahead(served: &Served) {
    eventually(|| {
        served.bound.option(options::LINGER).unwrap();
        served.bound.read_buffer_bytes() > HIGH_READ
    });
}

/// Subscribes to this, and waits until the publisher knows it, and thereby everything that was said before.
fn subscribe_last(served: &Served, stranger: &mut Stranger, topic: &str) {
    stranger.say(frame(0, format!("\x01{topic}")));
    eventually(|| {
        served.bound.write(topic).unwrap();
        stranger.hears_something()
    });
}

fn topics(of: impl Fn(u32) -> String) -> Vec<u8> {
    (0..100_000).flat_map(|k| frame(0, of(k))).collect()
}

#[test]
fn i2_a_hundred_thousand_subscriptions_pause_an_xpub_that_nobody_reads_at_its_high_water_mark() {
    alone(|| {
        let _watchdog = Watchdog::new(120);
        start_executor();
        let context = Context::new().unwrap();
        let mut served = Served::open(&context, SocketType::XPUB, |builder| builder);
        served.exchange();
        assert_eq!(block_on(served.bound.read()).unwrap(), "\x01honest");
        let before = Usage::now();
        let mut stranger = Stranger::greeted(&served.endpoint(), "SUB", &[]);
        stranger.say(topics(|k| format!("\x01topic-{k:06}")));
        subscribe_last(&served, &mut stranger, "last");
        served.exchange();
        // They are taken in by batches.
        read_ahead(&served);
        let read = served.bound.read_buffer_bytes();
        assert!(read <= HIGH_READ + size_of::<Frame>() + 33);
        let grown = before.tell("XPUB, 100,000 topics of 12 bytes, unread");
        assert!(grown < 64 * MIB);
        stranger.say(topics(|k| format!("\0absent-{k:06}")));
        subscribe_last(&served, &mut stranger, "very last");
        served.exchange();
        assert!(served.bound.read_buffer_bytes() <= read);
        before.tell("XPUB, and 100,000 unsubscribed that were not there");
        stranger.hang_up();
        before.wait_for_descriptors(0);
        served.exchange();
        // Nothing of it is lost to whoever reads in the end.
        let next = || block_on(served.bound.read()).unwrap();
        for k in 0..100_000 {
            assert_eq!(next(), format!("\x01topic-{k:06}").as_str());
        }
        assert_eq!(next(), "\x01last");
        for k in 0..100_000 {
            assert_eq!(next(), format!("\0absent-{k:06}").as_str());
        }
        assert_eq!(next(), "\x01very last");
        let gone = (0..100_002)
            .filter(|_| next()[0].starts_with(b"\0"))
            .count();
        assert_eq!(gone, 100_002);
        before.tell("XPUB, the peer gone, all read");
        served.exchange();
        shut_down(&context);
    });
}

#[test]
fn i2_subscriptions_at_a_pub_cost_what_libzmq_keeps_of_each_until_the_peer_goes() {
    alone(|| {
        let _watchdog = Watchdog::new(120);
        start_executor();
        let context = Context::new().unwrap();
        let mut served = Served::open(&context, SocketType::PUB, |builder| builder);
        served.exchange();
        let before = Usage::now();
        let mut grown = Vec::new();
        for round in 1..=4 {
            let mut stranger = Stranger::greeted(&served.endpoint(), "SUB", &[]);
            stranger.say(topics(|k| format!("\x01topic-{k:06}")));
            subscribe_last(&served, &mut stranger, "last");
            served.exchange();
            before.tell(&format!("PUB, 100,000 topics of 12 bytes, {round}"));
            stranger.say(topics(|k| format!("\0absent-{k:06}")));
            subscribe_last(&served, &mut stranger, "very last");
            served.exchange();
            grown.push(before.tell("PUB, and 100,000 unsubscribed that were not there"));
            stranger.hang_up();
            before.wait_for_descriptors(0);
            served.exchange();
        }
        before.tell("PUB, the fourth peer gone");
        // What one has left the next ones use; the allocator may have it once for each thread.
        assert!(grown[0] < 64 * MIB && grown[3] < 3 * grown[0]);
        shut_down(&context);
    });
}

#[test]
fn i2_a_topic_is_no_longer_than_the_longest_frame_and_costs_many_times_its_length() {
    alone(|| {
        let _watchdog = Watchdog::new(120);
        start_executor();
        let context = Context::new().unwrap();
        let mut served = Served::open(&context, SocketType::PUB, |builder| {
            builder.option(options::MAX_MESSAGE_BYTES, Some(MIB as u64))
        });
        served.exchange();
        let before = Usage::now();
        let mut stranger = Stranger::greeted(&served.endpoint(), "SUB", &[]);
        let mut topic = vec![7; MIB];
        topic[0] = 1;
        stranger.say(frame(0, &topic));
        subscribe_last(&served, &mut stranger, "last");
        served.exchange();
        assert!(before.tell("PUB, one topic of 1 MiB") < 64 * MIB);
        // And one of a byte more than may come.
        topic.push(7);
        stranger.say(frame(0, &topic));
        stranger.wait_until_turned_away();
        served.exchange();
        shut_down(&context);
    });
}

#[test]
fn i2_a_flood_of_empty_messages_is_held_back_while_nobody_reads_and_others_are_served_between() {
    alone(|| {
        let _watchdog = Watchdog::new(120);
        start_executor();
        let context = Context::new().unwrap();
        for kind in [SocketType::PULL, SocketType::ROUTER] {
            let peer = if kind == SocketType::PULL {
                "PUSH"
            } else {
                "DEALER"
            };
            let mut served = Served::open(&context, kind, |builder| {
                builder.option(options::RECEIVE_BUFFER_BYTES, Some(64 * KIB as u32))
            });
            served.exchange();
            let before = Usage::now();
            let mut stranger = Stranger::greeted(&served.endpoint(), peer, &[]);
            // 32 MiB of them, of two bytes each.
            let many = frame(0, "").repeat(32 * KIB);
            let sent = stranger.say_until_held_back(&many, 512);
            assert!(sent < 512 * many.len());
            read_ahead(&served);
            let frames = if kind == SocketType::PULL { 1 } else { 2 };
            let most = HIGH_READ + frames * size_of::<Frame>() + 5;
            assert!(served.bound.read_buffer_bytes() <= most);
            let grown = before.tell(&format!("{kind:?}, {sent} bytes of empty messages went"));
            assert!(grown < 4 * MIB);
            // The honest one's is behind no more than was taken of the other's.
            for _ in 0..10 {
                let others = served.exchange();
                assert!(others < 4 * 1_024 + 2_000, "{others}");
            }
            drop(stranger);
        }
        shut_down(&context);
    });
}

#[test]
fn i2_no_option_bounds_the_frames_of_one_message_and_others_are_served_meanwhile() {
    alone(|| {
        let _watchdog = Watchdog::new(120);
        start_executor();
        let context = Context::new().unwrap();
        let mut served = Served::open(&context, SocketType::PULL, |builder| {
            builder
                .option(options::MAX_MESSAGE_BYTES, Some(100))
                .option(options::RECEIVE_HWM, 1)
                .high_read(0)
        });
        served.exchange();
        let before = Usage::now();
        let mut stranger = Stranger::greeted(&served.endpoint(), "PUSH", &[]);
        let frames = frame(MORE, "").repeat(100_000);
        stranger.say(&frames);
        stranger.wait_until_heard();
        assert_eq!(served.exchange(), 0);
        before.tell("100,000 empty frames, and more to come");
        stranger.say(frame(0, ""));
        let message = block_on(served.bound.read()).unwrap();
        assert_eq!(message.len(), 100_001);
        before.tell("the message read, and there still");
        drop(message);
        before.tell("and dropped");
        for _ in 0..10 {
            stranger.say(&frames);
        }
        stranger.wait_until_heard();
        assert_eq!(served.exchange(), 0);
        let grown = before.tell("1,000,000 empty frames, and more to come");
        // Were this bounded one day, the docs would have to say so.
        assert!(grown > 32 * MIB);
        stranger.hang_up();
        before.wait_for_descriptors(0);
        assert_eq!(served.exchange(), 0);
        before.tell("it has hung up");
        shut_down(&context);
    });
}

/// Has a publisher, or a ROUTER, send 50 MiB that the stranger never reads and its honest peer does.
fn send_much(served: &Served, to_stranger: &[u8], to_peer: &[u8]) {
    block_on(async {
        for _ in 0..500 {
            for _ in 0..100 {
                let payload = vec![7; KIB];
                served.bound.write((to_stranger, payload.clone())).unwrap();
                served.bound.write((to_peer, payload)).unwrap();
            }
            for _ in 0..100 {
                let read = served.peer.read().await.unwrap();
                assert_eq!(read.last().unwrap().len(), KIB);
            }
        }
    });
}

#[test]
fn i2_a_peer_that_reads_nothing_is_held_no_more_than_the_send_mark_and_others_get_all() {
    alone(|| {
        let _watchdog = Watchdog::new(120);
        start_executor();
        let context = Context::new().unwrap();
        let small = |builder: tidegate::Builder| {
            builder.option(options::SEND_BUFFER_BYTES, Some(64 * KIB as u32))
        };
        let mut served = Served::open(&context, SocketType::PUB, small);
        served.exchange();
        let before = Usage::now();
        let mut stranger = Stranger::greeted(&served.endpoint(), "SUB", &[]);
        subscribe_last(&served, &mut stranger, "stranger");
        send_much(&served, b"stranger", b"honest");
        assert!(before.tell("PUB, 50 MiB to one that reads nothing") < 16 * MIB);
        served.exchange();
        drop(stranger);

        let served = Served::open(&context, SocketType::ROUTER, small);
        served.peer.write("honest").unwrap();
        let honest = block_on(served.bound.read()).unwrap()[0].to_vec();
        let before = Usage::now();
        let name: [(&str, &[u8]); 1] = [("Identity", b"stranger")];
        let mut stranger = Stranger::greeted(&served.endpoint(), "DEALER", &name);
        stranger.say(frame(0, "hello"));
        block_on(served.bound.read()).unwrap();
        send_much(&served, b"stranger", &honest);
        assert!(before.tell("ROUTER, 50 MiB to one that reads nothing") < 16 * MIB);
        drop(stranger);
        shut_down(&context);
    });
}

#[test]
fn i2_a_peer_that_reads_nothing_is_dropped_where_tcp_has_a_timeout() {
    let _watchdog = Watchdog::new(120);
    let context = Context::new().unwrap();
    let mut served = Served::open(&context, SocketType::PUB, |builder| {
        builder.option(options::TCP_MAX_RETRANSMIT, Duration::from_millis(500))
    });
    let mut stranger = Stranger::greeted(&served.endpoint(), "SUB", &[]);
    subscribe_last(&served, &mut stranger, "stranger");
    served
        .bound
        .enable_monitor(EventMask::DISCONNECTED)
        .unwrap();
    // More than the two ends of a connection hold.
    for _ in 0..32 {
        served.bound.write(("stranger", vec![7; MIB])).unwrap();
    }
    let event = block_on(served.bound.read_event()).unwrap();
    assert!(matches!(event.kind, EventKind::Disconnected { .. }));
    served.exchange();
    drop(stranger);
    shut_down(&context);
}

/// A bug of libzmq 4.3.4: [issue 4364](https://github.com/zeromq/libzmq/issues/4364).
#[test]
fn i2_who_floods_a_stream_that_is_not_read_and_resets_the_connection_has_a_heartbeat_abort() {
    aborts("Assertion failed: !_io_error", || {
        let _watchdog = Watchdog::new(60);
        let context = Context::new().unwrap();
        let served = Served::open(&context, SocketType::PULL, |builder| {
            builder
                .option(options::HEARTBEAT_INTERVAL, Duration::from_millis(500))
                .option(options::HEARTBEAT_TIMEOUT, Duration::from_secs(30))
        });
        let mut stranger = Stranger::greeted(&served.endpoint(), "PUSH", &[]);
        let many = frame(0, "").repeat(32 * KIB);
        stranger.say_until_held_back(&many, 512);
        // What it was asked it has not read: that resets the connection.
        eventually(|| stranger.hears_something());
        drop(stranger);
        block_on(served.peer.closed());
    });
}

/// A bug of libzmq 4.3.4: [issue 3937](https://github.com/zeromq/libzmq/issues/3937).
#[test]
fn i2_a_stream_that_connects_and_is_read_late_aborts_once_its_heartbeat_has_reconnected_it() {
    aborts("Assertion failed: _input_stopped", || {
        let _watchdog = Watchdog::new(60);
        let context = Context::new().unwrap();
        let push = tidegate_tests::builder(SocketType::PUSH, &context).bind("tcp://127.0.0.1:*");
        let push = push.open().unwrap();
        let pull = tidegate_tests::builder(SocketType::PULL, &context)
            .option(options::RECEIVE_HWM, 1)
            .option(options::HEARTBEAT_INTERVAL, Duration::from_millis(200))
            .high_read(0)
            .open()
            .unwrap();
        pull.enable_monitor(EventMask::DISCONNECTED | EventMask::HANDSHAKE_SUCCEEDED)
            .unwrap();
        pull.connect(&push.bindings()[0]).unwrap();
        // More than it takes, and so few that all of them go over the first connection.
        for _ in 0..10 {
            push.write("flood").unwrap();
        }
        block_on(async {
            push.flush().await.unwrap();
            // It connects, is dropped by its own heartbeat, and connects again.
            for _ in 0..3 {
                pull.read_event().await.unwrap();
            }
            loop {
                pull.read().await.unwrap();
            }
        });
    });
}
