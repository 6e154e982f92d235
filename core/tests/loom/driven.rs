//! A driver that runs beside those who use its stream.

use std::task::{Context, Poll};

use loom::thread;
use tidegate_core::{BytePort, EventRing, Interest, Received, Sent, Shutdown, Transport};

use crate::stream;
use crate::support::{block_on, model};

/// Takes whatever there is to send, and receives so many messages.
#[derive(Default)]
struct Wire {
    to_receive: u8,
    sent: Vec<u8>,
    flushed: bool,
}

type Port<'s> = BytePort<'s, 16, 16, 3, u8, EventRing<u8, 2>>;

impl<'s> Transport<Port<'s>> for Wire {
    type Error = u8;
    type Refused = ();

    fn poll_ready(&mut self, _: &mut Context<'_>, want: Interest) -> Poll<Result<Interest, u8>> {
        let ready = want.and(Interest {
            receive: self.to_receive > 0,
            send: true,
        });
        if ready.is_some() {
            Poll::Ready(Ok(ready))
        } else {
            Poll::Pending
        }
    }

    fn try_recv(&mut self, port: &mut Port<'s>) -> Result<Received, u8> {
        if self.to_receive == 0 {
            return Ok(Received::Blocked);
        }
        if port.feed(&[&[self.to_receive; 6]]).is_err() {
            return Ok(Received::NoRoom);
        }
        self.to_receive -= 1;
        Ok(Received::Message)
    }

    fn try_send(&mut self, port: &mut Port<'s>) -> Result<Sent<()>, u8> {
        let Some(head) = port.head() else {
            return Ok(Sent::Blocked);
        };
        self.sent.push(head.frames().next().unwrap()[0]);
        head.release();
        Ok(Sent::Accepted)
    }

    fn try_flush(&mut self) -> Result<bool, u8> {
        Ok(true)
    }

    fn shutdown(&mut self, how: Shutdown) {
        self.flushed = how == Shutdown::Flushed;
    }
}

#[test]
fn d1_a_driver_sleeps_through_no_write_and_no_close() {
    model([Some(4), Some(2)], || {
        let stream = stream();
        let writer = thread::spawn(|| {
            stream.write(&[b"1"]).unwrap();
            stream.write(&[b"2"]).unwrap();
            stream.close();
        });
        let mut wire = Wire::default();
        block_on(stream.drive(&mut wire));
        assert_eq!(wire.sent, b"12");
        assert!(wire.flushed);
        writer.join().unwrap();
    });
}

#[test]
fn b6_a_driver_that_was_held_back_receives_again_when_there_is_room() {
    model([Some(4), Some(2)], || {
        let stream = stream();
        let reader = thread::spawn(|| {
            // The third finds no room before one was read.
            for _ in 0..3 {
                block_on(stream.peek()).unwrap().release();
            }
            stream.close();
        });
        let mut wire = Wire {
            to_receive: 3,
            ..Wire::default()
        };
        block_on(stream.drive(&mut wire));
        reader.join().unwrap();
    });
}

#[test]
fn e1_a_message_that_is_written_when_the_stream_closes_is_refused_or_sent() {
    model([Some(3), Some(2)], || {
        let stream = stream();
        let writer = thread::spawn(|| {
            let Ok(mut grant) = stream.reserve(1, 1) else {
                return false;
            };
            grant.frame(1).unwrap().fill(b'1');
            grant.commit().is_ok()
        });
        let closes = thread::spawn(|| {
            stream.close();
            block_on(stream.closed()).unwrap()
        });
        let mut wire = Wire::default();
        block_on(stream.drive(&mut wire));
        let was_committed = writer.join().unwrap();
        assert_eq!(wire.sent.len(), usize::from(was_committed));
        assert!(closes.join().unwrap().is_nothing());
    });
}

#[test]
fn d1_a_driver_sleeps_through_no_head_that_another_lets_go() {
    for is_sent in [false, true] {
        model([None, Some(2)], move || {
            let stream = stream();
            stream.write(&[b"1"]).unwrap();
            let head = stream.port().head().unwrap();
            stream.close();
            let other = thread::spawn(move || {
                if is_sent {
                    head.release();
                }
            });
            let mut wire = Wire::default();
            block_on(stream.drive(&mut wire));
            assert_eq!(wire.sent.len(), usize::from(!is_sent));
            assert!(wire.flushed);
            other.join().unwrap();
        });
    }
}
