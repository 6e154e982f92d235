//! The sweep's stream: `write` from the interrupt and from main, which also is its driver.

use core::convert::Infallible;
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};

use cortex_m::peripheral::SYST;
use tidegate_core::{BytePort, Interest, Received, Sent, Shutdown, Stream, Transport};

use crate::{sweep, tracked_lock};

type Written = Stream<0, 256, 2, Infallible>;
type Port<'a> = BytePort<'a, 0, 256, 2, Infallible>;

static STREAM: Written = Stream::new();

/// The stream, as the interrupt sees it.
pub struct Shared;

impl sweep::Shared for Shared {
    fn push(message: &[u8]) -> bool {
        STREAM.write(&[message]).is_ok()
    }

    fn is_open() -> bool {
        tracked_lock::is_open()
    }
}

/// A transport within which the whole sweep takes place: there it has the port.
struct Sweep {
    syst: Option<SYST>,
    is_well: bool,
}

impl<'a> Transport<Port<'a>> for Sweep {
    type Error = Infallible;
    type Refused = ();

    fn poll_ready(
        &mut self,
        _cx: &mut Context<'_>,
        _want: Interest,
    ) -> Poll<Result<Interest, Infallible>> {
        Poll::Pending
    }

    fn try_recv(&mut self, _port: &mut Port<'a>) -> Result<Received, Infallible> {
        Ok(Received::Blocked)
    }

    fn try_send(&mut self, port: &mut Port<'a>) -> Result<Sent<()>, Infallible> {
        // The message that brought the driver here.
        port.sent();
        if let Some(syst) = self.syst.take() {
            let mut out = [0; 64];
            self.is_well = sweep::run::<Shared>(syst, |see| match port.copy_head(&mut out) {
                Ok(Some(frames)) => {
                    frames.for_each(see);
                    port.sent();
                    true
                }
                Ok(None) | Err(_) => false,
            });
        }
        Ok(Sent::Blocked)
    }

    fn try_flush(&mut self) -> Result<bool, Infallible> {
        Ok(true)
    }

    fn shutdown(&mut self, _how: Shutdown) {}
}

/// The sweep; says whether there was no fault.
pub fn run(syst: SYST) -> bool {
    let mut sweep = Sweep {
        syst: Some(syst),
        is_well: false,
    };
    if STREAM.write(&[b"now"]).is_err() {
        return false;
    }
    let mut driver = STREAM.drive(&mut sweep);
    let mut cx = Context::from_waker(Waker::noop());
    // It never ends by itself: the transport is never ready.
    let _: Poll<()> = Pin::new(&mut driver).poll(&mut cx);
    sweep.is_well
}
