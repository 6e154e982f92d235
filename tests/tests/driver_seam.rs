//! The driver and whoever is the transport beside it: heads that are lent, ends that are told by others, busy wires.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll};

use tidegate_core::{
    BATCH_MESSAGES, BytePort, Drive, EventRing, Interest, NoEvents, Phase, ReadGrant, Received,
    Sent, Shutdown, Stream, Transport, drive,
};
use tidegate_tests::{Broken, Counter, poll};

type S<const N: usize> = Stream<N, N, 4, Broken>;

#[test]
fn d1_a_lent_head_that_is_released_wakes_the_driver_for_the_next() {
    let s = S::<64>::new();
    let port = s.port();
    let c = Counter::new();
    s.write(&[b"one"]).unwrap();
    let head = port.head().unwrap(); // e.g. handed to DMA
    s.write(&[b"two"]).unwrap();
    port.register(&c.waker()); // store, then look
    assert!(!port.interest().send);
    head.release(); // DMA-done interrupt
    assert!(port.interest().send, "interest has grown");
    assert_eq!(c.take(), 1, "woken once interest has grown");
}

#[test]
fn d1_a_lent_head_that_is_put_back_wakes_the_driver_for_it() {
    let s = S::<64>::new();
    let port = s.port();
    let c = Counter::new();
    s.write(&[b"one"]).unwrap();
    let head = port.head().unwrap();
    port.register(&c.waker());
    assert!(!port.interest().send);
    drop(head);
    assert!(port.interest().send, "interest has grown");
    assert_eq!(c.take(), 1);
}

#[test]
fn e1_the_last_lent_head_of_a_stream_that_closes_wakes_the_driver_to_flush() {
    let s = S::<64>::new();
    let port = s.port();
    let c = Counter::new();
    s.write(&[b"one"]).unwrap();
    let head = port.head().unwrap();
    s.close();
    port.register(&c.waker());
    assert_eq!(port.phase(), Phase::Run);
    head.release();
    assert_eq!(port.phase(), Phase::Flush);
    assert_eq!(c.take(), 1);
}

/// A link with nothing to do.
struct Quiet {
    down: usize,
}
impl<P> Transport<P> for Quiet {
    type Error = Broken;
    type Refused = ();
    fn poll_ready(&mut self, _: &mut Context<'_>, _: Interest) -> Poll<Result<Interest, Broken>> {
        Poll::Pending
    }
    fn try_recv(&mut self, _: &mut P) -> Result<Received, Broken> {
        Ok(Received::Blocked)
    }
    fn try_send(&mut self, _: &mut P) -> Result<Sent<()>, Broken> {
        Ok(Sent::Blocked)
    }
    fn try_flush(&mut self) -> Result<bool, Broken> {
        Ok(false)
    }
    fn shutdown(&mut self, _: Shutdown) {
        self.down += 1;
    }
}

#[test]
fn e3_a_failure_told_by_an_interrupt_ends_the_driver_that_sleeps() {
    let s = S::<64>::new();
    let c = Counter::new();
    let mut t = Quiet { down: 0 };
    let mut d = s.drive(&mut t);
    assert!(poll(&mut d, &c).is_pending());
    s.port().fail(Broken);
    assert_eq!(c.take(), 1, "the driver's future must complete: E3");
}

#[test]
fn e3_an_end_told_by_an_interrupt_ends_the_driver_that_sleeps() {
    let s = S::<64>::new();
    let c = Counter::new();
    let mut t = Quiet { down: 0 };
    let mut d = s.drive(&mut t);
    s.close();
    assert!(poll(&mut d, &c).is_pending());
    s.port().finish();
    assert_eq!(c.take(), 1);
}

/// Takes everything, always has a message, and an event.
#[derive(Default)]
struct Busy {
    sends: usize,
    recvs: usize,
    events: usize,
}
impl<'a, const N: usize, const M: usize> Transport<BytePort<'a, N, M, 4, Broken, EventRing<u8, 4>>>
    for Busy
{
    type Error = Broken;
    type Refused = ();
    fn poll_ready(
        &mut self,
        _: &mut Context<'_>,
        want: Interest,
    ) -> Poll<Result<Interest, Broken>> {
        Poll::Ready(Ok(want))
    }
    fn try_recv(
        &mut self,
        p: &mut BytePort<'a, N, M, 4, Broken, EventRing<u8, 4>>,
    ) -> Result<Received, Broken> {
        self.recvs += 1;
        Ok(if p.feed(&[b"m"]).is_ok() {
            Received::Message
        } else {
            Received::NoRoom
        })
    }
    fn try_send(
        &mut self,
        p: &mut BytePort<'a, N, M, 4, Broken, EventRing<u8, 4>>,
    ) -> Result<Sent<()>, Broken> {
        self.sends += 1;
        p.sent();
        Ok(Sent::Accepted)
    }
    fn try_event(
        &mut self,
        p: &mut BytePort<'a, N, M, 4, Broken, EventRing<u8, 4>>,
    ) -> Result<bool, Broken> {
        self.events += 1;
        p.feed_event(1);
        Ok(false)
    }
    fn try_flush(&mut self) -> Result<bool, Broken> {
        Ok(true)
    }
    fn shutdown(&mut self, _: Shutdown) {}
}

#[test]
fn f5_a_busy_writer_does_not_starve_reading_and_events() {
    let s = Box::new(Stream::<512, 2048, 4, Broken, EventRing<u8, 4>>::new());
    let c = Counter::new();
    let mut t = Busy::default();
    {
        let mut d = s.drive(&mut t);
        for _ in 0..1000 {
            while s.write_buffer_bytes() < 1000 {
                s.write(&[b"x"]).unwrap();
            }
            let _ = poll(&mut d, &c);
        }
    }
    assert!(
        t.recvs > 0,
        "sends {} recvs {} events {}",
        t.sends,
        t.recvs,
        t.events
    );
}

#[test]
fn f5_a_busy_wire_does_not_starve_events() {
    let s = Box::new(Stream::<512, 64, 4, Broken, EventRing<u8, 4>>::new());
    s.set_monitoring(true);
    let c = Counter::new();
    let mut t = Busy::default();
    {
        let mut d = s.drive(&mut t);
        for _ in 0..1000 {
            let _ = poll(&mut d, &c);
            while let Ok(m) = s.try_peek() {
                m.release();
            }
        }
    }
    assert!(t.events > 0, "recvs {} events {}", t.recvs, t.events);
}

#[test]
fn c2_a_dropped_driver_wakes_nobody() {
    let s = S::<64>::new();
    let c = Counter::new();
    let mut t = Quiet { down: 0 };
    let mut d = s.drive(&mut t);
    assert!(poll(&mut d, &c).is_pending());
    drop(d);
    s.write(&[b"x"]).unwrap();
    assert_eq!(c.take(), 0);
}

/// A transport that keeps the head while it is on its way, as a DMA would, and learns of the end in `poll_ready`.
struct Dma<'a> {
    head: Option<ReadGrant<'a, 64, 64, 4, Broken, NoEvents, false>>,
    sent: usize,
    done: bool,
}
impl<'a> Transport<BytePort<'a, 64, 64, 4, Broken>> for Dma<'a> {
    type Error = Broken;
    type Refused = ();
    fn poll_ready(
        &mut self,
        _: &mut Context<'_>,
        _want: Interest,
    ) -> Poll<Result<Interest, Broken>> {
        if self.done
            && let Some(h) = self.head.take()
        {
            h.release();
            self.sent += 1;
            self.done = false;
            return Poll::Ready(Ok(Interest {
                receive: false,
                send: true,
            }));
        }
        if self.head.is_none() {
            return Poll::Ready(Ok(Interest {
                receive: false,
                send: true,
            }));
        }
        Poll::Pending
    }
    fn try_recv(&mut self, _: &mut BytePort<'a, 64, 64, 4, Broken>) -> Result<Received, Broken> {
        Ok(Received::Blocked)
    }
    fn try_send(&mut self, p: &mut BytePort<'a, 64, 64, 4, Broken>) -> Result<Sent<()>, Broken> {
        self.head = p.head();
        Ok(Sent::Blocked)
    }
    fn try_flush(&mut self) -> Result<bool, Broken> {
        Ok(self.head.is_none())
    }
    fn shutdown(&mut self, _: Shutdown) {}
}

#[test]
fn d1_a_transport_that_holds_the_head_over_polls_goes_on() {
    let s = S::<64>::new();
    let c = Counter::new();
    s.write(&[b"one"]).unwrap();
    s.write(&[b"two"]).unwrap();
    let mut t = Dma {
        head: None,
        sent: 0,
        done: false,
    };
    let mut port = s.port();
    let waker = c.waker();
    let mut cx = Context::from_waker(&waker);
    assert_eq!(drive(&mut port, &mut t, &mut cx), Drive::Idle);
    assert!(t.head.is_some());
    t.done = true; // the DMA's interrupt, which wakes the driver's task
    port.register(&waker);
    assert_eq!(drive(&mut port, &mut t, &mut cx), Drive::Idle);
    assert_eq!(t.sent, 1);
    assert!(
        t.head.is_some() || c.take() > 0,
        "`two` waits ({:?}), and nobody was woken for it",
        port.interest()
    );
}

#[test]
fn e4_a_driver_that_has_ended_leaves_no_waker_behind() {
    for end in [S::<64>::abort, S::<64>::close] {
        let s = S::<64>::new();
        let c = Counter::new();
        let mut t = Dma {
            head: None,
            sent: 0,
            done: false,
        };
        end(&s);
        assert!(poll(&mut s.drive(&mut t), &c).is_ready());
        assert_eq!(std::sync::Arc::strong_count(&c), 1);
    }
}

/// A wire that has no room, and looks at the head before it says so.
#[derive(Default)]
struct Looks {
    looks: usize,
}

impl Transport<BytePort<'_, 64, 64, 4, Broken>> for Looks {
    type Error = Broken;
    type Refused = ();
    fn poll_ready(
        &mut self,
        _: &mut Context<'_>,
        _want: Interest,
    ) -> Poll<Result<Interest, Broken>> {
        Poll::Pending
    }
    fn try_recv(&mut self, _: &mut BytePort<'_, 64, 64, 4, Broken>) -> Result<Received, Broken> {
        Ok(Received::Blocked)
    }
    fn try_send(&mut self, port: &mut BytePort<'_, 64, 64, 4, Broken>) -> Result<Sent<()>, Broken> {
        self.looks += usize::from(port.head().is_some());
        Ok(Sent::Blocked)
    }
    fn try_flush(&mut self) -> Result<bool, Broken> {
        Ok(true)
    }
    fn shutdown(&mut self, _: Shutdown) {}
}

#[test]
fn d7_a_transport_that_looks_at_the_head_and_drops_it_because_it_cannot_go_spins_nowhere() {
    let s = S::<64>::new();
    let c = Counter::new();
    let mut t = Looks::default();
    s.write(&[b"one"]).unwrap();
    s.write(&[b"two"]).unwrap();
    {
        let mut d = s.drive(&mut t);
        assert!(poll(&mut d, &c).is_pending());
        assert_eq!(c.take(), 0, "woken by its own look");
        // Whoever has the head by another way lets the driver know of it.
        let head = s.port().head().unwrap();
        drop(head);
        assert_eq!(c.take(), 1);
        assert!(poll(&mut d, &c).is_pending());
    }
    assert_eq!(t.looks, 2);
    // One that is gone is told of nothing, and its place is not kept.
    let p = s.port();
    p.register(&c.waker());
    drop(p.head());
    assert_eq!(c.take(), 1);
}

/// A link that says how it is once for each of these, and then sleeps.
#[derive(Default)]
struct Says {
    ready: VecDeque<Result<(), Broken>>,
    events: usize,
    recvs: usize,
    down: Option<Shutdown>,
}

impl<P> Transport<P> for Says {
    type Error = Broken;
    type Refused = ();
    fn poll_ready(
        &mut self,
        _: &mut Context<'_>,
        want: Interest,
    ) -> Poll<Result<Interest, Broken>> {
        match self.ready.pop_front() {
            Some(ready) => Poll::Ready(ready.map(|()| want)),
            None => Poll::Pending,
        }
    }
    fn try_recv(&mut self, _: &mut P) -> Result<Received, Broken> {
        self.recvs += 1;
        Ok(Received::Blocked)
    }
    fn try_send(&mut self, _: &mut P) -> Result<Sent<()>, Broken> {
        Ok(Sent::Blocked)
    }
    fn try_event(&mut self, _: &mut P) -> Result<bool, Broken> {
        let is_there = self.events > 0;
        self.events = self.events.saturating_sub(1);
        Ok(is_there)
    }
    fn try_flush(&mut self) -> Result<bool, Broken> {
        Ok(true)
    }
    fn shutdown(&mut self, how: Shutdown) {
        self.down = Some(how);
    }
}

#[test]
fn d1_an_owner_drives_on_for_as_long_as_the_link_is_ready_and_then_to_the_end() {
    let s = S::<64>::new();
    let waker = Counter::new().waker();
    let mut cx = Context::from_waker(&waker);
    let mut link = Says {
        ready: [Ok(()), Ok(())].into(),
        ..Says::default()
    };
    assert_eq!(drive(&mut s.port(), &mut link, &mut cx), Drive::Idle);
    assert_eq!((link.recvs, link.down), (3, None));
    s.close();
    assert_eq!(drive(&mut s.port(), &mut link, &mut cx), Drive::Ended);
    assert_eq!((link.recvs, link.down), (3, Some(Shutdown::Flushed)));
}

#[test]
fn e3_a_link_that_breaks_when_it_is_asked_whether_it_is_ready_ends_the_stream() {
    let counter = Counter::new();
    let broken = || Says {
        ready: [Err(Broken)].into(),
        ..Says::default()
    };
    let (s, mut link) = (S::<64>::new(), broken());
    let waker = counter.waker();
    let mut cx = Context::from_waker(&waker);
    assert_eq!(drive(&mut s.port(), &mut link, &mut cx), Drive::Ended);
    assert_eq!(
        (s.exception(), link.down),
        (Some(Broken), Some(Shutdown::Abort))
    );

    let (s, mut link) = (S::<64>::new(), broken());
    {
        let mut driver = s.drive(&mut link);
        assert!(poll(&mut driver, &counter).is_ready());
        assert!(poll(&mut driver, &counter).is_ready());
    }
    assert_eq!(
        (s.exception(), link.down),
        (Some(Broken), Some(Shutdown::Abort))
    );
    // The stream keeps no task that there is nothing to drive for.
    assert_eq!(Arc::strong_count(&counter), 2);
}

#[test]
fn f5_events_without_end_let_others_run_after_a_batch() {
    let s = S::<64>::new();
    let counter = Counter::new();
    let waker = counter.waker();
    let mut cx = Context::from_waker(&waker);
    let mut link = Says {
        events: 3 * BATCH_MESSAGES,
        ..Says::default()
    };
    assert_eq!(drive(&mut s.port(), &mut link, &mut cx), Drive::Again);
    assert!((1..3 * BATCH_MESSAGES).contains(&link.events));
    assert_eq!(counter.take(), 0);
    assert!(poll(&mut s.drive(&mut link), &counter).is_pending());
    assert_eq!((counter.take(), link.down), (1, None));
}

/// Says something of its own for each message that it hears.
struct Answers<'s> {
    stream: &'s S<64>,
    heard: usize,
    sent: usize,
}

impl<'s> Transport<BytePort<'s, 64, 64, 4, Broken>> for Answers<'s> {
    type Error = Broken;
    type Refused = ();
    fn poll_ready(&mut self, _: &mut Context<'_>, _: Interest) -> Poll<Result<Interest, Broken>> {
        Poll::Pending
    }
    fn try_recv(&mut self, port: &mut BytePort<'s, 64, 64, 4, Broken>) -> Result<Received, Broken> {
        if self.heard == 3 {
            return Ok(Received::Blocked);
        }
        self.heard += 1;
        self.stream.write(&[b"answer"]).unwrap();
        port.feed(&[b"heard"]).unwrap();
        Ok(Received::Message)
    }
    fn try_send(&mut self, port: &mut BytePort<'s, 64, 64, 4, Broken>) -> Result<Sent<()>, Broken> {
        port.sent();
        self.sent += 1;
        Ok(Sent::Accepted)
    }
    fn try_flush(&mut self) -> Result<bool, Broken> {
        Ok(true)
    }
    fn shutdown(&mut self, _: Shutdown) {}
}

#[test]
fn d1_what_is_written_while_the_driver_runs_goes_out_in_the_same_poll() {
    let stream = S::<64>::new();
    let mut link = Answers {
        stream: &stream,
        heard: 0,
        sent: 0,
    };
    assert!(poll(&mut stream.drive(&mut link), &Counter::new()).is_pending());
    assert_eq!((link.heard, link.sent), (3, 3));
}
