//! What libzmq's monitor reports, decoded (contract F1).

use std::fmt::Write as _;
use std::iter;

use tidegate_core::{EventError, EventKind, EventMask, SocketEvent};

const ENDPOINT: &[u8] = b"tcp://127.0.0.1:5555";

/// The first frame of a monitor's message.
fn header(event: u16, value: u32) -> Vec<u8> {
    [&event.to_ne_bytes()[..], &value.to_ne_bytes()].concat()
}

fn decode(frames: &[&[u8]]) -> Result<SocketEvent, EventError> {
    SocketEvent::decode(frames.iter().copied())
}

/// Every event of `zmq.h`, by its number there, with a value and what that means.
const EVENTS: [(u16, u32, EventKind, EventMask); 15] = [
    (
        0x0001,
        7,
        EventKind::Connected { fd: 7 },
        EventMask::CONNECTED,
    ),
    (
        0x0002,
        115,
        EventKind::ConnectDelayed { errno: 115 },
        EventMask::CONNECT_DELAYED,
    ),
    (
        0x0004,
        60_000,
        EventKind::ConnectRetried {
            interval_ms: 60_000,
        },
        EventMask::CONNECT_RETRIED,
    ),
    (
        0x0008,
        8,
        EventKind::Listening { fd: 8 },
        EventMask::LISTENING,
    ),
    (
        0x0010,
        98,
        EventKind::BindFailed { errno: 98 },
        EventMask::BIND_FAILED,
    ),
    (
        0x0020,
        9,
        EventKind::Accepted { fd: 9 },
        EventMask::ACCEPTED,
    ),
    (
        0x0040,
        24,
        EventKind::AcceptFailed { errno: 24 },
        EventMask::ACCEPT_FAILED,
    ),
    (0x0080, 10, EventKind::Closed { fd: 10 }, EventMask::CLOSED),
    (
        0x0100,
        5,
        EventKind::CloseFailed { errno: 5 },
        EventMask::CLOSE_FAILED,
    ),
    (
        0x0200,
        11,
        EventKind::Disconnected { fd: 11 },
        EventMask::DISCONNECTED,
    ),
    (
        0x0400,
        0,
        EventKind::MonitorStopped,
        EventMask::MONITOR_STOPPED,
    ),
    (
        0x0800,
        32,
        EventKind::HandshakeFailedNoDetail { errno: 32 },
        EventMask::HANDSHAKE_FAILED_NO_DETAIL,
    ),
    (
        0x1000,
        0,
        EventKind::HandshakeSucceeded,
        EventMask::HANDSHAKE_SUCCEEDED,
    ),
    (
        0x2000,
        0x2000_0004,
        EventKind::HandshakeFailedProtocol { code: 0x2000_0004 },
        EventMask::HANDSHAKE_FAILED_PROTOCOL,
    ),
    (
        0x4000,
        400,
        EventKind::HandshakeFailedAuth { status: 400 },
        EventMask::HANDSHAKE_FAILED_AUTH,
    ),
];

#[test]
fn f1_every_event_of_libzmq_has_its_kind_its_value_and_its_endpoint() {
    for (number, value, kind, mask) in EVENTS {
        let event = decode(&[&header(number, value), ENDPOINT]).unwrap();
        assert_eq!(event.kind, kind);
        assert_eq!(event.endpoint.as_str().as_bytes(), ENDPOINT);
        assert!(!event.endpoint.is_cut());
        assert_eq!((kind.mask(), mask.bits()), (mask, number));
    }
}

#[test]
fn f1_a_set_of_events_has_what_either_of_two_has_be_it_in_both() {
    let [ends, both] = [EventMask::CLOSED, EventMask::CLOSED | EventMask::CONNECTED];
    assert_eq!(both.bits(), 0x0081);
    assert_eq!(ends | both, both);
    assert_eq!(both | both, both);
    assert!(both.contains(ends) && !ends.contains(both));
}

#[test]
fn f1_values_keep_their_sign_or_their_whole_range() {
    for (number, kind) in [
        (0x0002, EventKind::ConnectDelayed { errno: -1 }),
        (
            0x0004,
            EventKind::ConnectRetried {
                interval_ms: u32::MAX,
            },
        ),
        (0x0200, EventKind::Disconnected { fd: -1 }),
        (
            0x2000,
            EventKind::HandshakeFailedProtocol { code: u32::MAX },
        ),
    ] {
        assert_eq!(
            decode(&[&header(number, u32::MAX), b""]).unwrap().kind,
            kind
        );
    }
}

#[test]
fn f1_an_unknown_event_is_kept_as_its_number_and_its_value() {
    let known: Vec<u16> = EVENTS.iter().map(|&(number, ..)| number).collect();
    for event in (0..=u16::MAX).filter(|number| !known.contains(number)) {
        let decoded = decode(&[&header(event, 0xdead_beef), ENDPOINT]).unwrap();
        let value = 0xdead_beef;
        assert_eq!(decoded.kind, EventKind::Unknown { event, value });
        assert_eq!(decoded.kind.mask().bits(), event);
        assert_eq!(decoded.endpoint.as_str().as_bytes(), ENDPOINT);
    }
}

#[test]
fn f1_a_message_of_any_number_of_frames_but_two_is_an_error_that_says_how_many() {
    let header = header(0x0001, 7);
    for found in (0..7).filter(|&found| found != 2) {
        let frames = iter::repeat_n(&header[..], found);
        let error = <SocketEvent>::decode(frames).unwrap_err();
        assert_eq!(error, EventError::FrameCount { expected: 2, found });
        assert_eq!(
            error.to_string(),
            format!("a monitor's message has 2 frames, and this one has {found}")
        );
    }
}

#[test]
fn f1_a_header_of_any_length_but_six_is_an_error_that_says_how_long() {
    for found_bytes in (0..20).filter(|&found| found != 6) {
        let error = decode(&[&vec![1; found_bytes], ENDPOINT]).unwrap_err();
        let expected_bytes = 6;
        assert_eq!(
            error,
            EventError::HeaderLength {
                expected_bytes,
                found_bytes
            }
        );
        assert_eq!(
            error.to_string(),
            format!("an event's header has 6 bytes, and this one has {found_bytes}")
        );
    }
}

#[test]
fn f1_an_endpoint_that_is_not_utf8_is_an_error_that_says_from_where() {
    let header = header(0x0001, 7);
    let long = [&[b'a'; 100][..], b"\xff"].concat();
    let ends_inside_a_character = "ipc:///tmp/ü".as_bytes();
    let ends_inside_a_character = &ends_inside_a_character[..ends_inside_a_character.len() - 1];
    for (endpoint, valid_up_to_bytes) in [
        (&b"\xff"[..], 0),
        (b"ipc:///tmp/\xfe\xff", 11),
        (ends_inside_a_character, 11),
        // Behind what would be kept.
        (&long, 100),
    ] {
        let found_bytes = endpoint.len();
        let error = decode(&[&header, endpoint]).unwrap_err();
        assert_eq!(
            error,
            EventError::EndpointNotUtf8 {
                valid_up_to_bytes,
                found_bytes
            }
        );
        assert_eq!(
            error.to_string(),
            format!(
                "an event's endpoint is UTF-8, and this one of {found_bytes} bytes is so for {valid_up_to_bytes} only"
            )
        );
    }
}

#[test]
fn f1_random_frames_are_decoded_or_refused_and_never_panic() {
    let mut rng = fastrand::Rng::with_seed(1);
    for _ in 0..50_000 {
        let mut frames = vec![Vec::new(); rng.usize(0..4)];
        for frame in &mut frames {
            frame.resize(rng.usize(0..9), 0);
            rng.fill(frame);
        }
        let decoded = SocketEvent::<3>::decode(frames.iter().map(Vec::as_slice));
        let well_formed = matches!(&frames[..], [header, endpoint]
            if header.len() == 6 && std::str::from_utf8(endpoint).is_ok());
        assert_eq!(decoded.is_ok(), well_formed, "{frames:?}");
    }
}

#[test]
fn f1_an_endpoint_that_is_too_long_is_cut_between_characters_and_marked() {
    fn kept<const L: usize>(endpoint: &str) -> (String, bool, String) {
        let frames = [&header(0x0080, 3)[..], endpoint.as_bytes()];
        let event = SocketEvent::<L>::decode(frames).unwrap();
        let mut shown = String::new();
        write!(shown, "{}", event.endpoint).unwrap();
        (
            event.endpoint.as_str().to_owned(),
            event.endpoint.is_cut(),
            shown,
        )
    }
    let of = |text: &str, cut, shown: &str| (text.to_owned(), cut, shown.to_owned());
    assert_eq!(kept::<8>("12345678"), of("12345678", false, "12345678"));
    assert_eq!(kept::<7>("12345678"), of("1234567", true, "1234567…"));
    assert_eq!(kept::<0>("12345678"), of("", true, "…"));
    assert_eq!(kept::<0>(""), of("", false, ""));
    // ü has two bytes, € three and 𝄞 four: whatever does not fit whole is left out.
    assert_eq!(kept::<6>("abcdeü"), of("abcde", true, "abcde…"));
    assert_eq!(kept::<7>("abcdeü"), of("abcdeü", false, "abcdeü"));
    assert_eq!(kept::<5>("abc€"), of("abc", true, "abc…"));
    assert_eq!(kept::<6>("abc𝄞"), of("abc", true, "abc…"));
    assert_eq!(kept::<3>("𝄞"), of("", true, "…"));
}

#[test]
fn f1_a_mask_is_put_together_of_events_and_all_holds_every_one() {
    let mut mask = EventMask::NONE;
    for (.., event) in EVENTS {
        assert!(!mask.contains(event) && EventMask::ALL.contains(event));
        mask |= event;
        assert!(mask.contains(event));
    }
    assert_eq!(mask.bits(), 0x7fff);
    assert_eq!(EventMask::ALL.bits(), 0xffff);
    let both = EventMask::from_bits(0x0001) | EventMask::ACCEPTED;
    assert!(both.contains(EventMask::CONNECTED) && both.contains(EventMask::NONE));
    assert!(!EventMask::CONNECTED.contains(both));
}
