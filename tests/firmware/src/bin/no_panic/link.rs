//! The driver over a transport that does whatever it likes, and the port that it is lent.

use core::future::Future;
use core::hint::black_box;
use core::pin::pin;
use core::task::{Context, Poll};

use tidegate_core::{
    BytePort, Drive, Interest, Port as _, Received, Sent, Shutdown, Stream, Transport, drive,
};

use tidegate_firmware_tests::opaque::{message, number, opaque, waker};

type Small = Stream<64, 64, 2, u8>;
type Port<'a> = BytePort<'a, 64, 64, 2, u8>;

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
                port_calls(port);
                Ok(Sent::Blocked)
            }
            4 => {
                // A second driver, by hand, inside the first one.
                let waker = waker();
                let mut cx = Context::from_waker(&waker);
                let _: Drive = opaque(drive(port, black_box(self), &mut cx));
                Ok(Sent::Blocked)
            }
            _ => Ok(Sent::Blocked),
        }
    }

    fn try_flush(&mut self) -> Result<bool, u8> {
        match number() {
            0 => Err(1),
            1 => Ok(true),
            _ => Ok(false),
        }
    }

    fn shutdown(&mut self, how: Shutdown) {
        opaque(how);
    }
}

fn port_calls(port: &mut Port<'_>) {
    let port = black_box(port);
    opaque((port.interest(), port.phase(), port.moved_bytes()));
    match number() {
        0 => port.starved(),
        1 => port.refused(()),
        2 => port.finish(),
        _ => port.fail(1),
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
