//! What the core's errors and values print, for a person who reads a log.

use tidegate_core::{
    AlreadyDone, CommitError, DrainError, Endpoint, EventError, EventRing, Gate, Lost,
    MessageBuffer, PushError, ReadError, ReadEventError, SendError, TooManyWaiters, TryReadError,
    TryReadEventError, WriteError,
};
use tidegate_tests::{Broken, Shared};

const NO_FRAMES: &str = "a message has at least one frame";
const FULL: &str = "the message does not fit now";
const TOO_LARGE: &str = "the message can never fit";
const CLOSED: &str = "the stream is closed";
const FAILED: &str = "the transport has failed: the link broke";
const MANY: &str = "every waiter slot is taken";

#[test]
fn e5_what_was_refused_comes_back_and_the_error_says_in_words_why() {
    for (error, words) in [
        (PushError::NoFrames('m'), NO_FRAMES),
        (PushError::Full('m'), FULL),
        (PushError::TooLarge('m'), TOO_LARGE),
        (PushError::Closed('m'), CLOSED),
    ] {
        assert_eq!(error.to_string(), words);
        assert_eq!(error.into_message(), 'm');
        let written = WriteError::<_, Broken>::from(error);
        assert_eq!(written.to_string(), words);
        assert_eq!(written.into_message(), 'm');
    }
    let written = WriteError::Failed('m', Broken);
    assert_eq!(written.to_string(), FAILED);
    assert_eq!(written.into_message(), 'm');
    for (error, words) in [
        (SendError::NoFrames('m'), NO_FRAMES),
        (SendError::TooLarge('m'), TOO_LARGE),
        (SendError::Closed('m'), CLOSED),
        (SendError::Failed('m', Broken), FAILED),
        (SendError::TooManyWaiters('m'), MANY),
    ] {
        assert_eq!(error.to_string(), words);
        assert_eq!(error.into_message(), 'm');
    }
    for (error, words) in [
        (CommitError::NoFrames, NO_FRAMES),
        (CommitError::Closed, CLOSED),
    ] {
        assert_eq!(error.to_string(), words);
    }
}

#[test]
fn e5_what_ends_a_wait_is_said_in_words() {
    for (error, words) in [
        (ReadError::Closed, CLOSED),
        (ReadError::Failed(Broken), FAILED),
        (
            ReadError::Discarded { messages: 3 },
            "3 messages that could never fit were thrown away",
        ),
        (ReadError::TooManyWaiters, MANY),
        (
            ReadError::TooSmall { needed_bytes: 7 },
            "the message needs a slice of 7 bytes",
        ),
    ] {
        assert_eq!(error.to_string(), words);
        assert_eq!(TryReadError::Read(error).to_string(), words);
    }
    let empty = TryReadError::<Broken>::Empty;
    assert_eq!(empty.to_string(), "there is no message now");
    for (error, words) in [
        (ReadEventError::NotMonitoring, "nobody has asked for events"),
        (ReadEventError::Closed, CLOSED),
        (ReadEventError::Failed(Broken), FAILED),
        (ReadEventError::TooManyWaiters, MANY),
    ] {
        assert_eq!(error.to_string(), words);
        assert_eq!(TryReadEventError::Read(error).to_string(), words);
    }
    let empty = TryReadEventError::<Broken>::Empty;
    assert_eq!(empty.to_string(), "there is no event now");
    let lost = Lost {
        messages: 2,
        bytes: 30,
    };
    for (error, words) in [
        (
            DrainError::Dropped(lost),
            "the stream was aborted with 2 messages (30 bytes) unsent",
        ),
        (DrainError::Failed(Broken), FAILED),
        (DrainError::TooManyWaiters, MANY),
    ] {
        assert_eq!(error.to_string(), words);
    }
    assert_eq!(TooManyWaiters.to_string(), MANY);
    assert_eq!(AlreadyDone.to_string(), "that was done already");
}

#[test]
fn f1_what_is_no_event_is_said_in_words() {
    for (error, words) in [
        (
            EventError::FrameCount {
                expected: 2,
                found: 3,
            },
            "a monitor's message has 2 frames, and this one has 3",
        ),
        (
            EventError::HeaderLength {
                expected_bytes: 6,
                found_bytes: 5,
            },
            "an event's header has 6 bytes, and this one has 5",
        ),
        (
            EventError::EndpointNotUtf8 {
                valid_up_to_bytes: 4,
                found_bytes: 9,
            },
            "an event's endpoint is UTF-8, and this one of 9 bytes is so for 4 only",
        ),
    ] {
        assert_eq!(error.to_string(), words);
    }
}

#[test]
fn what_a_programmer_prints_names_the_state_and_the_sizes() {
    let mut buffer = MessageBuffer::<64>::default();
    buffer.push(&[b"one", b""]).unwrap();
    assert_eq!(
        format!("{buffer:?}"),
        "MessageBuffer { capacity_bytes: 64, level_bytes: 7, len: 1 }"
    );
    buffer.pop_with(|frames| assert_eq!(format!("{frames:?}"), "[[111, 110, 101], []]"));
    let gate = Gate::<MessageBuffer<64>>::default();
    assert_eq!(
        format!("{gate:?}"),
        format!("Gate {{ limits: {:?}, paused: false }}", gate.limits())
    );
    let mut ring = EventRing::<u8, 2>::default();
    (0..3).for_each(|event| ring.push(event));
    assert_eq!(
        format!("{ring:?}"),
        "EventRing { backlog: 2, len: 2, discarded: 1 }"
    );
    assert_eq!(
        format!("{:?}", Endpoint::<3>::default()),
        "Endpoint { text: \"\", cut: false }"
    );
    let endpoint = Endpoint::<8>::new("ipc://\"é\"");
    assert_eq!(
        format!("{endpoint:?}"),
        "Endpoint { text: \"ipc://\\\"\", cut: true }"
    );

    let stream = Shared::<64>::new();
    let mut grant = stream.reserve(5, 2).unwrap();
    grant.frame(3).unwrap().fill(0);
    assert_eq!(
        format!("{grant:?}"),
        "WriteGrant { reserved_bytes: 9, used_bytes: 5 }"
    );
    assert_eq!(grant.used_bytes(), 5);
    drop(grant);
    stream.write(&[&[1], &[2]]).unwrap();
    let head = stream.port().head().unwrap();
    assert_eq!(format!("{head:?}"), "ReadGrant { frames: [[1], [2]] }");
    drop(head);
    for (printed, name) in [
        (format!("{:?}", stream.writer()), "Writer"),
        (format!("{:?}", stream.reader()), "Reader"),
        (format!("{:?}", stream.port()), "BytePort"),
    ] {
        assert_eq!(printed, format!("{name}({stream:?})"));
    }
}
