//! tidegate's calls.

use core::convert::Infallible;
use core::future::Future;
use core::hint::black_box;
use core::pin::Pin;
use core::task::Context;

use tidegate_core::{EventRing, MessageBuffer, Stream, Watermarks};
use tidegate_firmware_tests::contender::SLOT_BYTES;
use tidegate_firmware_tests::contender::events::Ring;
use tidegate_firmware_tests::contender::tidegate_stream::{Port, Shared, with_port};
use tidegate_firmware_tests::messages::{bytes, see};
use tidegate_firmware_tests::waker;

use crate::Deepest;

type Small = Stream<512, 512, 4, Infallible>;

static STREAM: Small = Stream::new();
static READ_SIDE: Shared = Stream::new();

fn poll<F: Future + Unpin>(deepest: &mut Deepest, name: &str, future: &mut F, is_ready: bool) {
    let waker = waker::counting();
    let mut cx = Context::from_waker(&waker);
    deepest.call(name, || {
        let poll = Pin::new(black_box(&mut *future)).poll(&mut cx);
        assert_eq!(poll.is_ready(), is_ready);
    });
}

fn buffer(deepest: &mut Deepest) {
    let mut buffer = MessageBuffer::<512>::new();
    let buffer = black_box(&mut buffer);
    let frames = [20, 0, 5].map(bytes);
    deepest.call("MessageBuffer::push", || {
        assert!(buffer.push(black_box(&frames)).is_ok());
    });
    deepest.call("MessageBuffer::pop_with", || {
        assert!(buffer.pop_with(|frames| frames.for_each(see)).is_some());
    });
    let mut events = EventRing::new();
    let events: &mut Ring = black_box(&mut events);
    deepest.call("EventRing::push", || events.push(black_box([1; 4])));
    deepest.call("EventRing::pop", || {
        black_box(events.pop());
    });
}

fn read_side(deepest: &mut Deepest, port: &mut Port<'_>) {
    let stream = black_box(&READ_SIDE);
    let port = black_box(port);
    let mut out = [0; SLOT_BYTES];
    let frames = [20, 0, 5].map(bytes);
    deepest.call("BytePort::feed", || {
        assert!(port.feed(black_box(&frames)).is_ok());
    });
    deepest.call("Stream::try_read", || {
        assert!(stream.try_read(black_box(&mut out)).is_ok());
    });
    let mut read = stream.read(&mut out);
    poll(deepest, "Read::poll, pending", &mut read, false);
    deepest.call("BytePort::feed, wakes", || {
        assert!(port.feed(black_box(&frames)).is_ok());
    });
    poll(deepest, "Read::poll, ready", &mut read, true);
    drop(read);
    let mut read = Some(stream.read(&mut out));
    poll(
        deepest,
        "Read::poll, pending",
        read.as_mut().unwrap(),
        false,
    );
    deepest.call("Read::drop", || read = None);
}

fn write_side(deepest: &mut Deepest) {
    let stream = black_box(&STREAM);
    let frames = [20, 0, 5].map(bytes);
    stream.set_write_limits(Watermarks::from_high(20));
    deepest.call("Stream::write", || {
        assert!(stream.write(black_box(&frames)).is_ok());
    });
    let mut drain = stream.drain();
    poll(deepest, "Drain::poll, pending", &mut drain, false);
    deepest.call("Stream::set_write_limits, wakes", || {
        stream.set_write_limits(black_box(Watermarks::UNLIMITED));
    });
    poll(deepest, "Drain::poll, ready", &mut drain, true);
    let mut closed = stream.closed();
    poll(deepest, "Closed::poll, pending", &mut closed, false);
    deepest.call("Stream::close", || stream.close());
    deepest.call("Stream::abort", || stream.abort());
    poll(deepest, "Closed::poll, ready", &mut closed, true);
}

/// Measures them all.
pub fn calls(deepest: &mut Deepest) {
    buffer(deepest);
    write_side(deepest);
    with_port(&READ_SIDE, |port| read_side(deepest, port));
}
