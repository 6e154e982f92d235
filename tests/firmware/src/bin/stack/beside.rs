//! What there is beside the stream: the buffer, the ring of events, the events of sockets, and the driver.

use core::convert::Infallible;
use core::future::Future;
use core::hint::black_box;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};

use tidegate_core::{
    BytePort, Interest, MessageBuffer, Received, Sent, Shutdown, SocketEvent, Stream, Transport,
};
use tidegate_firmware_tests::calls::Calls;
use tidegate_firmware_tests::contender::events::Ring;
use tidegate_firmware_tests::messages::{bytes, see};

type Small = Stream<256, 256, 2, Infallible>;
type Port<'s> = BytePort<'s, 256, 256, 2, Infallible>;

fn buffer(calls: &mut impl Calls) {
    let mut buffer = MessageBuffer::<512>::new();
    let buffer = black_box(&mut buffer);
    let frames = [20, 0, 5].map(bytes);
    assert!(
        calls
            .call("MessageBuffer::push", || buffer.push(black_box(&frames)))
            .is_ok()
    );
    let popped = calls.call("MessageBuffer::pop_with", || {
        buffer.pop_with(|frames| frames.for_each(see))
    });
    assert!(popped.is_some());
}

fn events(calls: &mut impl Calls) {
    let mut ring = Ring::new();
    let ring = black_box(&mut ring);
    calls.call("EventRing::push", || ring.push(black_box([1; 4])));
    assert!(calls.call("EventRing::pop", || ring.pop()).is_some());
    let header = black_box([1, 0, 1, 0, 0, 0]);
    let endpoint = black_box(*b"tcp://127.0.0.1:5555");
    // Of its frame, 80 bytes are the event that it returns.
    let event = calls.call("SocketEvent::decode", || {
        SocketEvent::<64>::decode([&header[..], &endpoint])
    });
    assert!(event.is_ok_and(|event| !event.endpoint.is_cut()));
}

/// Receives a message, sends one back, and has nothing more to do.
struct Echo {
    fed: bool,
}

impl<'s> Transport<Port<'s>> for Echo {
    type Error = Infallible;
    type Refused = ();

    fn poll_ready(
        &mut self,
        _cx: &mut Context<'_>,
        _want: Interest,
    ) -> Poll<Result<Interest, Infallible>> {
        Poll::Pending
    }

    fn try_recv(&mut self, port: &mut Port<'s>) -> Result<Received, Infallible> {
        if self.fed || port.feed(&[20, 0, 5].map(bytes)).is_err() {
            return Ok(Received::Blocked);
        }
        self.fed = true;
        Ok(Received::Message)
    }

    fn try_send(&mut self, port: &mut Port<'s>) -> Result<Sent<()>, Infallible> {
        port.sent();
        Ok(Sent::Accepted)
    }

    fn try_flush(&mut self) -> Result<bool, Infallible> {
        Ok(true)
    }

    fn shutdown(&mut self, how: Shutdown) {
        black_box(how);
    }
}

/// The whole of it, its transport's calls included.
fn driver(calls: &mut impl Calls) {
    let stream: Small = black_box(Stream::new());
    assert!(stream.write(&[bytes(20)]).is_ok());
    let mut echo = black_box(Echo { fed: false });
    let mut driver = stream.drive(&mut echo);
    let mut cx = Context::from_waker(Waker::noop());
    let poll = calls.call("Driver::poll", || Pin::new(&mut driver).poll(&mut cx));
    assert!(poll.is_pending() && stream.try_peek().is_ok());
    assert_eq!(stream.write_buffer_bytes(), 0);
}

/// Makes them all.
pub fn each(calls: &mut impl Calls) {
    buffer(calls);
    events(calls);
    driver(calls);
}
