//! The core's driver over a port that counts bytes: what ends a batch, and what the driver takes for ready.

use std::task::{Context, Poll};

use tidegate_core::{
    BATCH_BYTES, Drive, Interest, Phase, Port, Received, Sent, Shutdown, Transport, drive,
};
use tidegate_tests::{Broken, Counter};

/// More than the half of a batch, and less than the whole.
const MESSAGE_BYTES: usize = BATCH_BYTES / 8 * 5;

/// Wants both, always, and counts what was moved.
#[derive(Default)]
struct Counting {
    moved_bytes: usize,
}

impl Port for Counting {
    type Error = Broken;
    type Refused = ();
    fn interest(&mut self) -> Interest {
        Interest {
            receive: true,
            send: true,
        }
    }
    fn phase(&mut self) -> Phase {
        Phase::Run
    }
    fn moved_bytes(&self) -> usize {
        self.moved_bytes
    }
    fn discarded(&mut self) {}
    fn refused(&mut self, (): ()) {}
    fn finish(&mut self) {}
    fn fail(&mut self, _: Broken) {}
}

/// Takes and has messages without end, and events, or nothing at all.
#[derive(Default)]
struct Endless {
    is_blocked: bool,
    sent: usize,
    received: usize,
    events: usize,
    looks: usize,
}

impl Transport<Counting> for Endless {
    type Error = Broken;
    type Refused = ();
    /// Says that it is ready, for nothing that is wanted; for the first few times only, that no test hangs.
    fn poll_ready(&mut self, _: &mut Context<'_>, _: Interest) -> Poll<Result<Interest, Broken>> {
        self.looks += 1;
        if self.looks > 3 {
            return Poll::Pending;
        }
        Poll::Ready(Ok(Interest::NONE))
    }
    fn try_recv(&mut self, port: &mut Counting) -> Result<Received, Broken> {
        if self.is_blocked {
            return Ok(Received::Blocked);
        }
        self.received += 1;
        port.moved_bytes += MESSAGE_BYTES;
        Ok(Received::Message)
    }
    fn try_send(&mut self, port: &mut Counting) -> Result<Sent<()>, Broken> {
        if self.is_blocked {
            return Ok(Sent::Blocked);
        }
        self.sent += 1;
        port.moved_bytes += MESSAGE_BYTES;
        Ok(Sent::Accepted)
    }
    fn try_event(&mut self, _: &mut Counting) -> Result<bool, Broken> {
        self.events += usize::from(!self.is_blocked);
        Ok(!self.is_blocked)
    }
    fn try_flush(&mut self) -> Result<bool, Broken> {
        Ok(true)
    }
    fn shutdown(&mut self, _: Shutdown) {}
}

#[test]
fn f5_a_batch_ends_with_its_bytes_and_what_comes_behind_them_has_a_turn_in_it() {
    let waker = Counter::new().waker();
    let mut cx = Context::from_waker(&waker);
    let (mut port, mut link) = (Counting::default(), Endless::default());
    for batch in 1..=3 {
        assert_eq!(drive(&mut port, &mut link, &mut cx), Drive::Again);
        // The second message is over the bytes; one that is received and one event are let through behind it.
        assert_eq!((link.sent, link.received), (2 * batch, batch));
        assert_eq!(link.events, 2 * batch);
    }
    assert_eq!(link.looks, 0);
}

#[test]
fn d1_a_link_that_is_ready_for_nothing_that_is_wanted_is_not_tried_again() {
    let waker = Counter::new().waker();
    let mut cx = Context::from_waker(&waker);
    let mut link = Endless {
        is_blocked: true,
        ..Endless::default()
    };
    assert_eq!(
        drive(&mut Counting::default(), &mut link, &mut cx),
        Drive::Idle
    );
    assert_eq!(link.looks, 1);
}
