//! What comes from a monitor, or from somebody who poses as one: any number of frames of any length, against a decoder that is
//! written as the manual tells it. What is valid comes through whole, and an event that nobody knows as its number.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use tidegate_core::{Endpoint, EventError, EventKind, EventMask, MessageBuffer, SocketEvent};

#[derive(Arbitrary, Debug)]
enum Input<'a> {
    /// Frames of somebody who knows nothing of monitors.
    Frames(Vec<&'a [u8]>),
    /// A header of this number and value, shortened or lengthened, an endpoint, and more frames.
    Nearly {
        event: Number,
        value: u32,
        header_bytes: u8,
        endpoint: &'a [u8],
        more: u8,
    },
    /// What a monitor sends.
    Valid {
        event: Number,
        value: u32,
        endpoint: &'a str,
    },
}

/// An event's number: one bit, or any.
#[derive(Arbitrary, Clone, Copy, Debug)]
enum Number {
    Bit(u8),
    Any(u16),
}

impl Number {
    fn get(self) -> u16 {
        match self {
            Self::Bit(bit) => 1 << (bit % 16),
            Self::Any(any) => any,
        }
    }
}

/// What an event carries, as the table of `zmq_socket_monitor(3)` says it.
#[derive(Debug, PartialEq, Eq)]
enum Carries {
    Descriptor(i32),
    Errno(i32),
    Milliseconds(u32),
    Code(u32),
    Status(u32),
    Nothing,
    NobodyKnows,
}

fn manual(event: u16, value: u32) -> Carries {
    let signed = i32::from_ne_bytes(value.to_ne_bytes());
    match event {
        1 | 8 | 32 | 128 | 512 => Carries::Descriptor(signed),
        2 | 16 | 64 | 256 | 2048 => Carries::Errno(signed),
        4 => Carries::Milliseconds(value),
        1024 | 4096 => Carries::Nothing,
        8192 => Carries::Code(value),
        16384 => Carries::Status(value),
        _ => Carries::NobodyKnows,
    }
}

/// The number that a kind of event has in `zmq.h`, and what it carries.
fn named(kind: EventKind) -> (u16, Carries) {
    match kind {
        EventKind::Connected { fd } => (0x0001, Carries::Descriptor(fd)),
        EventKind::ConnectDelayed { errno } => (0x0002, Carries::Errno(errno)),
        EventKind::ConnectRetried { interval_ms } => (0x0004, Carries::Milliseconds(interval_ms)),
        EventKind::Listening { fd } => (0x0008, Carries::Descriptor(fd)),
        EventKind::BindFailed { errno } => (0x0010, Carries::Errno(errno)),
        EventKind::Accepted { fd } => (0x0020, Carries::Descriptor(fd)),
        EventKind::AcceptFailed { errno } => (0x0040, Carries::Errno(errno)),
        EventKind::Closed { fd } => (0x0080, Carries::Descriptor(fd)),
        EventKind::CloseFailed { errno } => (0x0100, Carries::Errno(errno)),
        EventKind::Disconnected { fd } => (0x0200, Carries::Descriptor(fd)),
        EventKind::MonitorStopped => (0x0400, Carries::Nothing),
        EventKind::HandshakeFailedNoDetail { errno } => (0x0800, Carries::Errno(errno)),
        EventKind::HandshakeSucceeded => (0x1000, Carries::Nothing),
        EventKind::HandshakeFailedProtocol { code } => (0x2000, Carries::Code(code)),
        EventKind::HandshakeFailedAuth { status } => (0x4000, Carries::Status(status)),
        EventKind::Unknown { event, .. } => (event, Carries::NobodyKnows),
        other => panic!("{other:?} is new"),
    }
}

/// The characters of an endpoint that fit into so many bytes, one after the other.
fn kept(endpoint: &str, most: usize) -> String {
    let mut kept = String::new();
    for character in endpoint.chars() {
        if kept.len() + character.len_utf8() > most {
            break;
        }
        kept.push(character);
    }
    kept
}

fn check<const L: usize>(frames: &[&[u8]]) {
    let decoded = SocketEvent::<L>::decode(frames.iter().copied());
    let (header, endpoint) = match frames {
        [header, endpoint] => (*header, *endpoint),
        _ => {
            let (expected, found) = (2, frames.len());
            assert_eq!(decoded, Err(EventError::FrameCount { expected, found }));
            return;
        }
    };
    if header.len() != 6 {
        let (expected_bytes, found_bytes) = (6, header.len());
        let error = EventError::HeaderLength {
            expected_bytes,
            found_bytes,
        };
        assert_eq!(decoded, Err(error));
        return;
    }
    let Ok(text) = String::from_utf8(endpoint.to_vec()) else {
        let Err(EventError::EndpointNotUtf8 {
            valid_up_to_bytes: valid,
            found_bytes,
        }) = decoded
        else {
            panic!("{decoded:?}");
        };
        assert_eq!(found_bytes, endpoint.len());
        // Up to there it is UTF-8, and with the next character it is not.
        assert!(String::from_utf8(endpoint[..valid].to_vec()).is_ok());
        let longer = (valid + 1..=endpoint.len()).take(4);
        for end in longer {
            assert!(String::from_utf8(endpoint[..end].to_vec()).is_err());
        }
        return;
    };
    let event = u16::from_ne_bytes(header[..2].try_into().expect("two bytes"));
    let value = u32::from_ne_bytes(header[2..].try_into().expect("four bytes"));
    let decoded = decoded.expect("it is valid");
    assert_eq!(named(decoded.kind), (event, manual(event, value)));
    if let EventKind::Unknown { value: kept, .. } = decoded.kind {
        assert_eq!(kept, value);
    }
    assert_eq!(decoded.kind.mask(), EventMask::from_bits(event));
    assert_eq!(decoded.endpoint.as_str(), kept(&text, L));
    assert_eq!(decoded.endpoint.is_cut(), kept(&text, L) != text);
    let mark = if decoded.endpoint.is_cut() { "…" } else { "" };
    assert_eq!(decoded.endpoint.to_string(), kept(&text, L) + mark);
    assert!(format!("{decoded:?}").is_ascii());
    // The bytes behind a text are not told apart.
    assert_eq!(decoded.endpoint, Endpoint::new(&text));
}

fn check_all(frames: &[&[u8]]) {
    check::<0>(frames);
    check::<1>(frames);
    check::<5>(frames);
    check::<64>(frames);
    check::<300>(frames);
    // The same out of a ring, as on a device: a message there has a frame at least.
    let mut ring = MessageBuffer::<4096>::new();
    if ring.push(frames).is_ok() {
        let plain = SocketEvent::<64>::decode(frames.iter().copied());
        assert_eq!(
            ring.pop_with(|frames| SocketEvent::<64>::decode(frames)),
            Some(plain)
        );
    }
}

fuzz_target!(|input: Input<'_>| {
    match input {
        Input::Frames(frames) => check_all(&frames),
        Input::Nearly {
            event,
            value,
            header_bytes,
            endpoint,
            more,
        } => {
            let mut header = [&event.get().to_ne_bytes()[..], &value.to_ne_bytes()].concat();
            header.resize(usize::from(header_bytes % 14), 0);
            let mut frames = vec![&header[..], endpoint];
            frames.resize(usize::from(more % 5), endpoint);
            check_all(&frames);
        }
        Input::Valid {
            event,
            value,
            endpoint,
        } => {
            let header = [&event.get().to_ne_bytes()[..], &value.to_ne_bytes()].concat();
            check_all(&[&header, endpoint.as_bytes()]);
        }
    }
});
