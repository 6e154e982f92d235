//! The critical sections of what was received: each takes a constant time, and bytes are moved between them.

use core::task::{Poll, Waker};

use super::{Stream, measured};
use crate::error::{PushError, ReadError, TryReadError, WithFailure as _};
use crate::message::{Frames, Size, copy, put_message};
use crate::ring::{GapAhead, NoRegion, ReadRegion, WriteRegion};
use crate::stream::{FixedEvents, Step, Wakes};
use crate::waiters::{Kind, Ticket};

impl<const RX: usize, const TX: usize, const W: usize, E: Clone, V: FixedEvents>
    Stream<RX, TX, W, E, V>
{
    #[inline]
    pub(crate) fn feed_region(
        &self,
        mut region: WriteRegion,
        size: Size,
        first: &[u8],
        others: &[&[u8]],
    ) -> Result<(), ()> {
        let mark = put_message(self.incoming.body(&mut region), first, others);
        self.commit_incoming(region, mark, size)
    }

    #[inline]
    pub(crate) fn reserve_incoming(&self, packed: usize) -> Result<WriteRegion, PushError<()>> {
        self.machine.with(|machine| {
            if !machine.state().is_open() {
                return Err(PushError::Closed(()));
            }
            let region = machine.incoming.reserve(packed, &self.incoming);
            region.map_err(|error| match error {
                NoRegion::TooLarge => PushError::TooLarge(()),
                NoRegion::Full => {
                    machine.starve();
                    PushError::Full(())
                }
            })
        })
    }

    /// `Err` if the stream is no longer open; the region was given up then.
    #[inline]
    pub(crate) fn commit_incoming(
        &self,
        region: WriteRegion,
        mark: [u8; 2],
        size: Size,
    ) -> Result<(), ()> {
        let late = self.with(|machine| {
            if !machine.state().is_open() {
                return (Some(region), Wakes::NONE);
            }
            let shrinks = size.packed < region.len();
            machine.incoming.commit(region, mark, size, &self.incoming);
            let mut wakes = machine.fed();
            if shrinks {
                wakes = wakes.and(machine.room_grew());
            }
            (None, wakes)
        });
        match late {
            None => Ok(()),
            Some(region) => {
                self.abandon_incoming(region);
                Err(())
            }
        }
    }

    pub(crate) fn abandon_incoming(&self, region: WriteRegion) {
        let gap = self.with(|machine| {
            let gap = machine.incoming.abandon(region, &self.incoming);
            (gap, machine.room_grew())
        });
        self.pass_incoming_gaps(gap);
    }

    #[inline]
    pub(super) fn pass_incoming_gaps(&self, mut gap: GapAhead) {
        while gap == GapAhead(true) {
            gap = self.with(|machine| {
                let gap = machine.incoming.pass_gap(&self.incoming);
                (gap, machine.gap_passed())
            });
        }
    }

    #[inline]
    pub(crate) fn poll_peek(
        &self,
        ticket: &mut Ticket,
        waker: &Waker,
    ) -> Poll<Result<ReadRegion, ReadError<E>>> {
        let head = if ticket.has_place() {
            // It was woken, most often, and finds its message.
            self.machine.with(|machine| {
                let step = machine.read_again(ticket);
                step.map(|()| machine.incoming.take())
            })
        } else {
            ticket.offer(waker);
            self.machine.with(|machine| {
                let step = machine.read_first(ticket);
                step.map(|()| machine.incoming.take())
            })
        };
        match head {
            Step::Ready(Some(head)) => {
                if ticket.has_place() {
                    // In a section of its own; meanwhile nobody else gets a message, for this one is taken.
                    self.machine.with(|machine| machine.turn_taken(ticket));
                }
                Poll::Ready(Ok(measured(&self.incoming, head)))
            }
            Step::Pending => Poll::Pending,
            _ => self.poll_peek_slowly(ticket, waker),
        }
    }

    /// Nothing is there for one who was woken, or it is not simple.
    #[inline(never)]
    fn poll_peek_slowly(
        &self,
        ticket: &mut Ticket,
        waker: &Waker,
    ) -> Poll<Result<ReadRegion, ReadError<E>>> {
        let head = self.poll_steps(Kind::Read, ticket, waker, |machine, ticket| {
            machine
                .step_read(ticket)
                .map(|ready| ready.and_then(|()| machine.incoming.take().ok_or(ReadError::Closed)))
        });
        match head {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Ok(Ok(head))) => Poll::Ready(Ok(measured(&self.incoming, head))),
            Poll::Ready(Ok(Err(error))) => Poll::Ready(Err(error.with_failure(|| self.failure()))),
            Poll::Ready(Err(_)) => Poll::Ready(Err(ReadError::TooManyWaiters)),
        }
    }

    #[inline]
    pub(super) fn try_take_incoming(&self) -> Result<ReadRegion, TryReadError<E>> {
        let head = self.machine.with(|machine| {
            if machine.is_ready() {
                machine.incoming.take()
            } else {
                None
            }
        });
        match head {
            Some(head) => Ok(measured(&self.incoming, head)),
            None => self.try_take_slowly(),
        }
    }

    /// Nothing is there, or it is not simple.
    #[inline(never)]
    pub(super) fn try_take_slowly(&self) -> Result<ReadRegion, TryReadError<E>> {
        let head = self.with(|machine| match machine.try_readable() {
            (Ok(()), wakes) => (machine.incoming.take().ok_or(TryReadError::Empty), wakes),
            (Err(error), wakes) => (Err(error), wakes),
        });
        match head {
            Ok(head) => Ok(measured(&self.incoming, head)),
            Err(error) => Err(error.with_failure(|| self.failure())),
        }
    }

    /// Copies a message out, headers and all, and releases it; says how long it is. `Err` says how long `out` would have
    /// to be; the message stays then.
    #[inline]
    pub(crate) fn copy_out(&self, region: ReadRegion, out: &mut [u8]) -> Result<usize, usize> {
        let packed = self.incoming.message(&region);
        let len = packed.len();
        match out.get_mut(..len) {
            Some(out) => copy(out, packed),
            None => {
                self.put_back_incoming(region);
                return Err(len);
            }
        }
        self.release_incoming(region);
        Ok(len)
    }

    pub(crate) fn put_back_incoming(&self, region: ReadRegion) {
        self.with(|machine| {
            machine.incoming.put_back(region);
            ((), machine.put_back())
        });
    }

    #[inline]
    pub(crate) fn release_incoming(&self, region: ReadRegion) {
        let gap = self.with(|machine| {
            let gap = machine.incoming.release(region, &self.incoming);
            (gap, machine.message_read())
        });
        self.pass_incoming_gaps(gap);
    }

    #[inline]
    pub(crate) fn incoming_frames<'r>(&'r self, region: &'r ReadRegion) -> Frames<'r> {
        Frames::of(self.incoming.message(region))
    }

    #[inline]
    pub(crate) fn incoming_body<'r>(&'r self, region: &'r mut WriteRegion) -> &'r mut [u8] {
        self.incoming.body(region)
    }
}
