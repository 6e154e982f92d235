//! Strangers at a bound endpoint, each with an honest peer beside it (contract I2): bytes, greetings, lengths, commands and names.
//! What floods is in `floods.rs`; `HOSTILE.md` has what each of them cost.

use std::time::Duration;

use tidegate::options;
use tidegate::{Context, EventKind, EventMask, SocketType};
use tidegate_tests::{
    COMMAND, MORE, Served, Stranger, Usage, Watchdog, alone, block_on, command, eventually, frame,
    greeting, header, ready, shut_down, start_executor,
};

const MIB: usize = 1024 * 1024;
/// The types that are bound where strangers come, each with the type that a peer says it has.
const KINDS: [(SocketType, &str); 5] = [
    (SocketType::PULL, "PUSH"),
    (SocketType::ROUTER, "DEALER"),
    (SocketType::REP, "REQ"),
    (SocketType::PUB, "SUB"),
    (SocketType::XPUB, "SUB"),
];

/// What no peer of ZMTP 3 says.
fn no_zmtp() -> Vec<Vec<u8>> {
    let mut said: Vec<Vec<u8>> = vec![
        b"GET / HTTP/1.1\r\nHost: example.org\r\nUser-Agent: a browser of somebody\r\nAccept: */*\r\n\r\n".to_vec(),
        // The beginning of a TLS ClientHello.
        [&[0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3][..], &[7; 500]].concat(),
        b"SSH-2.0-OpenSSH_9.2\r\n".to_vec(),
        // ZMTP 1.0, a greeting and a message; ZMTP 2.0 likewise.
        b"\x01\x00\x06\x00hello".to_vec(),
        b"\xff\0\0\0\0\0\0\0\x01\x7f\x01\x08\0\0\0\x05hello".to_vec(),
        b"\xff\0\0\0\0\0\0\0\x01\x7f\x00\x08".to_vec(),
        // A mechanism that there is not.
        [&greeting()[..12], b"NOTHING", &[0; 45][..]].concat(),
        vec![0; 300],
        vec![0xff; 300],
    ];
    let mut rng = fastrand::Rng::with_seed(7);
    for length in [1, 9, 10, 11, 64, 500, 5_000] {
        for signature in [&[][..], &[0xff], &greeting()[..10], &greeting()] {
            let mut random = signature.to_vec();
            random.extend(std::iter::repeat_with(|| rng.u8(..)).take(length));
            said.push(random);
        }
    }
    said
}

#[test]
fn i2_bytes_that_are_no_zmtp_are_survived_and_others_are_served_meanwhile() {
    alone(|| {
        let _watchdog = Watchdog::new(120);
        start_executor();
        let at_first = Usage::now();
        for (kind, _) in KINDS {
            let context = Context::new().unwrap();
            let mut served = Served::open(&context, kind, |builder| builder);
            served.exchange();
            let before = Usage::now();
            let mut strangers = Vec::new();
            for bytes in no_zmtp() {
                let mut stranger = Stranger::connect(&served.endpoint());
                stranger.say(bytes);
                strangers.push(stranger);
                served.exchange();
            }
            let after = format!("{kind:?}, {} strangers there", strangers.len());
            assert!(before.tell(&after) < 8 * MIB);
            strangers.into_iter().for_each(Stranger::hang_up);
            before.wait_for_descriptors(0);
            assert!(before.tell(&format!("{kind:?}, all of them gone")) < 8 * MIB);
            if kind == SocketType::REP {
                served.spend_an_answer(&context);
            }
            served.exchange();
            shut_down(&context);
            drop((served, context, before));
            // So that the next one's beginning is not counted with this one's end.
            at_first.wait_for_descriptors(0);
        }
    });
}

#[test]
fn i2_a_message_of_zmtp_1_or_2_is_taken_unless_there_is_a_zap_domain() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let of_old = [
        &b"\x01\x00\x06\x00hello"[..],
        b"\xff\0\0\0\0\0\0\0\x01\x7f\x01\x08\0\0\0\x05hello",
    ];
    let mut served = Served::open(&context, SocketType::PULL, |builder| builder);
    for bytes in of_old {
        let mut stranger = Stranger::connect(&served.endpoint());
        stranger.say(bytes);
        assert_eq!(block_on(served.bound.read()).unwrap(), "hello");
        served.exchange();
    }
    let mut served = Served::open(&context, SocketType::PULL, |builder| {
        builder.option(options::ZAP_DOMAIN, "nobody is asked".into())
    });
    for bytes in of_old {
        let mut stranger = Stranger::connect(&served.endpoint());
        stranger.say(bytes);
        stranger.wait_until_turned_away();
        assert_eq!(served.exchange(), 0);
    }
    shut_down(&context);
}

/// Peers whose handshake never ends.
fn silent_ones() -> [Vec<u8>; 7] {
    [
        Vec::new(),
        greeting()[..1].to_vec(),
        greeting()[..40].to_vec(),
        greeting().to_vec(),
        [&greeting()[..], &ready("PUSH", &[])[..9]].concat(),
        // libzmq waits for what comes behind an error.
        [&greeting()[..], &command("ERROR", b"\x03400")].concat(),
        // libzmq never stops the clock of a peer of ZMTP 2.0.
        b"\xff\0\0\0\0\0\0\0\x01\x7f\x01\x08\0\0".to_vec(),
    ]
}

#[test]
fn i2_half_a_greeting_and_silence_ends_with_the_handshake_interval() {
    alone(|| {
        let _watchdog = Watchdog::new(120);
        start_executor();
        let context = Context::new().unwrap();
        let mut served = Served::open(&context, SocketType::PULL, |builder| {
            builder.option(options::HANDSHAKE_INTERVAL, Duration::from_millis(500))
        });
        served.exchange();
        served
            .bound
            .enable_monitor(EventMask::HANDSHAKE_FAILED_NO_DETAIL)
            .unwrap();
        let before = Usage::now();
        let strangers = silent_ones().map(|bytes| {
            let mut stranger = Stranger::connect(&served.endpoint());
            stranger.say(bytes);
            stranger
        });
        served.exchange();
        before.tell("seven silent ones");
        strangers
            .into_iter()
            .for_each(Stranger::wait_until_turned_away);
        // libzmq tells nothing of the one that said that there is an error.
        for _ in 0..6 {
            let event = block_on(served.bound.read_event()).unwrap();
            assert!(matches!(
                event.kind,
                EventKind::HandshakeFailedNoDetail { .. }
            ));
        }
        before.wait_for_descriptors(0);
        served.exchange();
        shut_down(&context);
    });
}

#[test]
fn i2_the_defaults_that_bound_a_stranger_are_what_the_docs_say() {
    let context = Context::new().unwrap();
    let stream = tidegate_tests::builder(SocketType::ROUTER, &context).open();
    let stream = stream.unwrap();
    let default = stream.option(options::HANDSHAKE_INTERVAL).unwrap();
    assert_eq!(default, Duration::from_secs(30));
    let default = stream.option(options::HEARTBEAT_INTERVAL).unwrap();
    assert_eq!(default, Duration::ZERO);
    assert_eq!(stream.option(options::MAX_MESSAGE_BYTES).unwrap(), None);
    assert_eq!(stream.option(options::RECEIVE_HWM).unwrap(), 1_000);
    assert_eq!(stream.option(options::SEND_HWM).unwrap(), 1_000);
    assert_eq!(stream.option(options::BACKLOG).unwrap(), 100);
    shut_down(&context);
}

#[test]
fn i2_a_frame_that_claims_more_than_the_longest_is_turned_away_and_nothing_is_allocated() {
    alone(|| {
        let _watchdog = Watchdog::new(120);
        start_executor();
        let at_first = Usage::now();
        for (kind, peer) in KINDS {
            // One for each: its end closes all that was opened in it.
            let context = Context::new().unwrap();
            let mut served = Served::open(&context, kind, |builder| {
                builder.option(options::MAX_MESSAGE_BYTES, Some(1_000))
            });
            served.exchange();
            let before = Usage::now();
            for bytes in [1_001, 1 << 30, (1 << 63) - 1, 1 << 63, u64::MAX] {
                for flags in [0, MORE, COMMAND] {
                    let mut stranger = Stranger::greeted(&served.endpoint(), peer, &[]);
                    stranger.say(header(flags, bytes));
                    stranger.wait_until_turned_away();
                    served.exchange();
                }
                // In the place of the command that ends the handshake.
                let mut stranger = Stranger::connect(&served.endpoint());
                stranger.say(greeting());
                stranger.say(header(COMMAND, bytes));
                stranger.wait_until_turned_away();
                served.exchange();
            }
            before.wait_for_descriptors(0);
            assert!(before.tell(&format!("{kind:?}, 20 lengths")) < 4 * MIB);
            shut_down(&context);
            drop((served, context, before));
            at_first.wait_for_descriptors(0);
        }
    });
}

/// The address space that the process has taken, in bytes.
fn virtual_bytes() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').next().unwrap().parse::<usize>().unwrap() * 4096
}

#[test]
fn i2_without_a_longest_frame_its_length_is_reserved_at_once_and_memory_grows_with_what_has_come() {
    alone(|| {
        let _watchdog = Watchdog::new(120);
        start_executor();
        let context = Context::new().unwrap();
        let mut served = Served::open(&context, SocketType::PULL, |builder| builder);
        served.exchange();
        let (before, virtual_before) = (Usage::now(), virtual_bytes());
        let mut stranger = Stranger::greeted(&served.endpoint(), "PUSH", &[]);
        stranger.say(header(0, 1 << 30));
        eventually(|| virtual_bytes() >= virtual_before + (1 << 30));
        served.exchange();
        assert!(before.tell("1 GiB claimed") < 4 * MIB);
        stranger.say(vec![7; 16 * MIB]);
        for byte in 0..2_000u32 {
            stranger.say([byte.to_le_bytes()[0]]);
        }
        served.exchange();
        assert!(before.tell("1 GiB claimed, 16 MiB sent") < 32 * MIB);
        stranger.hang_up();
        before.wait_for_descriptors(0);
        eventually(|| virtual_bytes() < virtual_before + (1 << 30));
        assert!(before.tell("it has hung up") < 4 * MIB);
        // What there is no memory for ends the connection, and no more.
        for bytes in [(1 << 63) - 1, 1 << 63, u64::MAX] {
            let mut stranger = Stranger::greeted(&served.endpoint(), "PUSH", &[]);
            stranger.say(header(0, bytes));
            stranger.wait_until_turned_away();
            assert_eq!(served.exchange(), 0);
        }
        shut_down(&context);
    });
}

#[test]
fn i2_a_handshake_that_breaks_its_rules_is_turned_away() {
    let _watchdog = Watchdog::new(120);
    let context = Context::new().unwrap();
    let ended_handshakes = [
        frame(COMMAND, ""),
        frame(COMMAND, "\x05READ"),
        frame(COMMAND, "\x50READY"),
        command("HELLO", b"\x03ann\x06secret"),
        command("READY", &[3]),
        command("READY", b"\xffX"),
        command("READY", b"\x01X\xff\xff\xff\xffshort"),
        command("ERROR", b"\xffshort"),
        frame(COMMAND, [&b"\x04MORE"[..], &[0; 10_000]].concat()),
        ready("PUSHES", &[]),
        // A peer of the very same type, which is no peer of any of these.
        ready("STREAM", &[]),
    ];
    for (kind, peer) in KINDS {
        let mut served = Served::open(&context, kind, |builder| builder);
        let twice = [ready(peer, &[]), command("READY", b"")].concat();
        for command in ended_handshakes.iter() {
            let mut stranger = Stranger::connect(&served.endpoint());
            stranger.say(greeting());
            stranger.say(command);
            stranger.wait_until_turned_away();
            assert_eq!(served.exchange(), 0);
        }
        // After the handshake it is a command like any other that nobody knows.
        let mut stranger = Stranger::connect(&served.endpoint());
        stranger.say(greeting());
        stranger.say(twice);
        served.exchange();
    }
    shut_down(&context);
}

#[test]
fn i2_commands_that_nobody_knows_or_that_are_cut_short_are_ignored() {
    let _watchdog = Watchdog::new(120);
    let context = Context::new().unwrap();
    for (kind, peer) in KINDS {
        let mut served = Served::open(&context, kind, |builder| builder);
        let mut stranger = Stranger::greeted(&served.endpoint(), peer, &[]);
        for command in [
            frame(COMMAND, ""),
            frame(COMMAND, "\x50PING"),
            frame(COMMAND, "\x04"),
            frame(COMMAND | MORE, "\x04MORE"),
            command("", b""),
            command("DANCE", &[7; 5_000]),
            command("PONG", b""),
            command("PONG", &[7; 5_000]),
            command("PING", b""),
            command("PING", b"\0"),
            command("PING", &[0; 5_000]),
            command("READY", b""),
            command("ERROR", b"\x03400"),
        ] {
            stranger.say(command);
            served.exchange();
        }
        // It is there still, and heard.
        stranger.wait_until_heard();
        stranger.hang_up();
        served.exchange();
    }
    shut_down(&context);
}

#[test]
fn i2_a_peer_that_falls_silent_is_dropped_by_the_heartbeat_and_one_that_answers_is_not() {
    alone(|| {
        let _watchdog = Watchdog::new(120);
        start_executor();
        let context = Context::new().unwrap();
        let mut served = Served::open(&context, SocketType::PULL, |builder| {
            builder
                .option(options::HEARTBEAT_INTERVAL, Duration::from_millis(200))
                .option(options::HEARTBEAT_TIMEOUT, Duration::from_secs(5))
        });
        served.exchange();
        let before = Usage::now();
        served
            .bound
            .enable_monitor(EventMask::DISCONNECTED)
            .unwrap();
        let silent = [(); 3].map(|()| Stranger::greeted(&served.endpoint(), "PUSH", &[]));
        silent
            .into_iter()
            .for_each(Stranger::wait_until_turned_away);
        for _ in 0..3 {
            let event = block_on(served.bound.read_event()).unwrap();
            assert!(matches!(event.kind, EventKind::Disconnected { .. }));
        }
        served.exchange();
        // The honest one has answered all the time.
        assert!(served.bound.try_read_event().is_err());
        served.bound.disable_monitor().unwrap();
        before.wait_for_descriptors(0);
        shut_down(&context);
    });
}

#[test]
fn i2_who_claims_a_routers_peers_name_gets_nothing_in_and_nothing_of_its_peer() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let mut served = Served::open(&context, SocketType::ROUTER, |builder| builder);
    let name: [(&str, &[u8]); 1] = [("Identity", b"ann")];
    let mut ann = Stranger::greeted(&served.endpoint(), "DEALER", &name);
    ann.say(frame(0, "first"));
    assert_eq!(block_on(served.bound.read()).unwrap(), ["ann", "first"]);
    let mut other = Stranger::greeted(&served.endpoint(), "DEALER", &name);
    other.say(frame(0, "from the other").repeat(5_000));
    assert_eq!(served.exchange(), 0);
    ann.say(frame(0, "second"));
    assert_eq!(block_on(served.bound.read()).unwrap(), ["ann", "second"]);
    served.bound.write(("ann", "to ann")).unwrap();
    assert_eq!(ann.next_frame(), (0, b"to ann".to_vec()));
    // The other stays connected, unheard.
    assert!(!other.hears_something());
    assert_eq!(served.exchange(), 0);
    shut_down(&context);
}

#[test]
fn i2_with_handover_who_claims_a_name_takes_it_and_the_other_is_heard_no_more() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let mut served = Served::open(&context, SocketType::ROUTER, |builder| {
        builder.option(options::ROUTER_HANDOVER, true)
    });
    let name: [(&str, &[u8]); 1] = [("Identity", b"ann")];
    let mut ann = Stranger::greeted(&served.endpoint(), "DEALER", &name);
    ann.say(frame(0, "first"));
    assert_eq!(block_on(served.bound.read()).unwrap(), ["ann", "first"]);
    let mut other = Stranger::greeted(&served.endpoint(), "DEALER", &name);
    other.say(frame(0, "from the other"));
    let read = block_on(served.bound.read()).unwrap();
    assert_eq!(read, ["ann", "from the other"]);
    // Its connection stands, and nothing comes of it.
    ann.say(frame(0, "second").repeat(5_000));
    served.bound.write(("ann", "to whom?")).unwrap();
    assert_eq!(other.next_frame(), (0, b"to whom?".to_vec()));
    assert_eq!(served.exchange(), 0);
    assert!(!ann.hears_something());
    served.exchange();
    shut_down(&context);
}

#[test]
fn i2_a_request_without_a_delimiter_never_reaches_a_rep() {
    let _watchdog = Watchdog::new(60);
    let context = Context::new().unwrap();
    let mut served = Served::open(&context, SocketType::REP, |builder| builder);
    let mut stranger = Stranger::greeted(&served.endpoint(), "REQ", &[]);
    for malformed in [
        frame(0, "no delimiter"),
        [
            frame(MORE, "no"),
            frame(MORE, "delimiter"),
            frame(0, "here"),
        ]
        .concat(),
        // The delimiter, and no request.
        frame(0, ""),
        frame(MORE, "an envelope").repeat(300),
    ] {
        stranger.say(malformed);
        assert_eq!(served.exchange(), 0);
    }
    stranger.say([frame(0, "end"), frame(MORE, ""), frame(0, "asked")].concat());
    assert_eq!(block_on(served.bound.read()).unwrap(), "asked");
    served.bound.write("answered").unwrap();
    assert_eq!(stranger.next_frame(), (MORE, Vec::new()));
    assert_eq!(stranger.next_frame(), (0, b"answered".to_vec()));
    served.exchange();
    shut_down(&context);
}

#[test]
fn i2_a_request_without_a_delimiter_whose_sender_has_left_costs_a_rep_one_answer_at_most() {
    alone(|| {
        let _watchdog = Watchdog::new(60);
        start_executor();
        let context = Context::new().unwrap();
        let mut served = Served::open(&context, SocketType::REP, |builder| builder);
        served.exchange();
        let before = Usage::now();
        for _ in 0..10 {
            let mut stranger = Stranger::greeted(&served.endpoint(), "REQ", &[]);
            stranger.say(frame(0, "no delimiter"));
            stranger.wait_until_heard();
            stranger.hang_up();
            before.wait_for_descriptors(0);
            served.spend_an_answer(&context);
            assert_eq!(served.exchange(), 0);
        }
        shut_down(&context);
    });
}
