//! Messages of owned frames: what they are made of, what they are made into, and what they take from the allocator.

use std::alloc::System;

use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use tidegate::{Context, Frame, Multipart, ZmqStream};
use tidegate_tests::{Watchdog, alone, block_on, pipe, shut_down};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

#[test]
fn c1_a_message_is_made_of_whatever_can_be_frames_and_gives_them_out_as_they_are() {
    let frames: &[&[u8]] = &[b"one", b"", b"three"];
    let message = Multipart::from(frames);
    assert_eq!(message, frames);
    assert_ne!(message, [b"one", b"two"].as_slice());
    assert_eq!(message, Multipart::from(vec!["one", "", "three"]));
    assert_eq!(message, ["one", "", "three"]);
    assert_ne!(message, ["one", "", "two"]);
    assert_ne!(message, ["one"]);
    assert_ne!(message, "one");
    assert_ne!(Multipart::from("one"), "two");
    assert_eq!((&message).into_iter().count(), 3);
    assert_eq!((&message).into_iter().last().unwrap(), "three");
    assert_eq!(Vec::from(&message[2]), b"three");
    assert_eq!(Frame::from(b"fixed"), "fixed");
    assert!(Frame::default().is_empty());
    let (text, bytes) = (String::from("three"), b"three".to_vec());
    assert_eq!(Multipart::from((&text, &bytes)), ["three", "three"]);
    assert_eq!(Multipart::from(&text), "three");
    assert_eq!(Multipart::from(&bytes), "three");
    // What the `zmq` crate receives.
    assert_eq!(Multipart::from(zmq::Message::from("three")), "three");
    let parts = vec![zmq::Message::from("one"), zmq::Message::from("two")];
    assert_eq!(Multipart::from(parts), ["one", "two"]);
    let frames: Vec<Frame> = message.into_iter().collect();
    assert_eq!(frames, ["one", "", "three"]);
}

/// Sends and receives so many messages of three frames, the last of which is long; returns how often Rust's allocator was called.
fn allocations(sender: &ZmqStream, receiver: &ZmqStream, messages: usize) -> usize {
    let before = INSTRUMENTED_SYSTEM.stats();
    for _ in 0..messages {
        let frames: &[&[u8]] = &[b"envelope", b"", &[7; 200]];
        block_on(sender.send(frames)).unwrap();
        let message = block_on(receiver.read()).unwrap();
        assert_eq!(message, frames);
    }
    let after = INSTRUMENTED_SYSTEM.stats();
    after.allocations + after.reallocations - before.allocations - before.reallocations
}

#[test]
fn d1_a_message_of_several_frames_takes_nothing_from_the_allocator_once_others_have_gone_that_way()
{
    alone(|| {
        let _watchdog = Watchdog::new(60);
        let context = Context::new().unwrap();
        // Here the I/O thread receives, there whoever reads.
        let (receiver, sender) = pipe(&context, |builder| builder);
        allocations(&sender, &receiver, 3_000);
        let allocations = allocations(&sender, &receiver, 3_000);
        // Two threads that come for buffers at the same moment may make one each.
        assert!(allocations < 30, "{allocations} for 3,000 messages");
        shut_down(&context);
    });
}
