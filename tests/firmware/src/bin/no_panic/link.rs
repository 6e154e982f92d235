//! The driver over a transport that does whatever it likes with the port that it is lent.

use core::future::Future;
use core::hint::black_box;
use core::pin::pin;
use core::task::{Context, Poll};

use tidegate_core::{
    BytePort, Drive, EventRing, Interest, Received, Sent, Shutdown, Stream, Transport, drive,
};

use tidegate_firmware_tests::opaque::{coin, message, number, opaque, waker};

type Events = EventRing<[u32; 4], 4>;
type Small = Stream<64, 64, 2, u8, Events>;
type Port<'a> = BytePort<'a, 64, 64, 2, u8, Events>;

static STREAM: Small = Stream::new();

struct Link {
    out: [u8; 64],
}

impl<'a> Transport<Port<'a>> for Link {
    type Error = u8;
    type Refused = ();

    fn poll_ready(&mut self, cx: &mut Context<'_>, want: Interest) -> Poll<Result<Interest, u8>> {
        opaque(cx.waker());
        match number() {
            0 => Poll::Pending,
            1 => Poll::Ready(Err(1)),
            _ => Poll::Ready(Ok(opaque(want))),
        }
    }

    fn try_recv(&mut self, port: &mut Port<'a>) -> Result<Received, u8> {
        opaque(port.feed(message()).is_ok());
        match number() {
            0 => Err(1),
            1 => Ok(Received::Message),
            2 => Ok(Received::NoRoom),
            3 => Ok(Received::Skipped),
            _ => Ok(Received::Blocked),
        }
    }

    fn try_send(&mut self, port: &mut Port<'a>) -> Result<Sent<()>, u8> {
        let out = black_box(&mut self.out[..]);
        opaque(port.copy_head(out).is_ok());
        match number() {
            0 => Err(1),
            1 => {
                port.sent();
                Ok(Sent::Accepted)
            }
            2 => Ok(Sent::Refused(())),
            3 => {
                // A second driver, by hand, inside the first one.
                let waker = waker();
                let mut cx = Context::from_waker(&waker);
                let _: Drive = opaque(drive(port, black_box(self), &mut cx));
                Ok(Sent::Blocked)
            }
            _ => Ok(Sent::Blocked),
        }
    }

    fn try_event(&mut self, port: &mut Port<'a>) -> Result<bool, u8> {
        port.feed_event(opaque([1; 4]));
        if coin() { Err(1) } else { Ok(coin()) }
    }

    fn try_flush(&mut self) -> Result<bool, u8> {
        if coin() { Err(1) } else { Ok(coin()) }
    }

    fn shutdown(&mut self, how: Shutdown) {
        opaque(how);
    }
}

/// Drives it for as long as it likes.
pub fn call() {
    let mut link = opaque(Link { out: [0; 64] });
    let waker = waker();
    let mut cx = Context::from_waker(&waker);
    let mut driver = pin!(black_box(&STREAM).drive(black_box(&mut link)));
    while number() != 0 {
        opaque(driver.as_mut().poll(&mut cx).is_ready());
    }
}
