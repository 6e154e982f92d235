//! The critical sections of what was received: each takes a constant time, and bytes are moved between them.

use core::task::{Poll, Waker};

use super::Stream;
use crate::error::{PushError, ReadError, TryReadError, WithFailure as _};
use crate::message::{Frames, Size, copy, put_frames, put_short};
use crate::ring::{Done, GapAhead, NoRegion, ReadRegion, WriteRegion};
use crate::stream::{FixedEvents, Step, Wakes};
use crate::waiters::{Kind, Ticket};

impl<const RX: usize, const TX: usize, const W: usize, E: Clone, V: FixedEvents>
    Stream<RX, TX, W, E, V>
{
    pub(crate) fn feed_short(&self, frame: &[u8]) -> Result<(), PushError<()>> {
        let size = Size::of_short(frame.len());
        let mut region = self.reserve_incoming(size.packed)?;
        let mark = put_short(self.incoming.body(&mut region), frame);
        let committed = self.commit_whole_incoming(region, mark, size.charge);
        committed.map_err(|()| PushError::Closed(()))
    }

    #[inline(never)]
    pub(crate) fn feed_frames(&self, message: &[&[u8]]) -> Result<(), PushError<()>> {
        let (first, others) = message.split_first().ok_or(PushError::NoFrames(()))?;
        let size = Size::of(message).ok_or(PushError::TooLarge(()))?;
        let mut region = self.reserve_incoming(size.packed)?;
        let mark = put_frames(self.incoming.body(&mut region), first, others);
        let committed = self.commit_whole_incoming(region, mark, size.charge);
        committed.map_err(|()| PushError::Closed(()))
    }

    pub(crate) fn reserve_incoming(&self, packed: usize) -> Result<WriteRegion, PushError<()>> {
        self.machine.with(|machine| {
            if !machine.state().is_open() {
                return Err(PushError::Closed(()));
            }
            let region = machine.incoming.reserve(packed, &self.incoming);
            region.map_err(|error| {
                if error == NoRegion::Full {
                    machine.starve();
                }
                PushError::from(error)
            })
        })
    }

    /// The stream is no longer open: the region is given up.
    fn late_incoming(&self, late: Option<WriteRegion>) -> Result<(), ()> {
        match late {
            None => Ok(()),
            Some(region) => {
                self.abandon_incoming(region);
                Err(())
            }
        }
    }

    /// A message will take only the first `used` bytes of its region: the others are free again.
    #[inline(never)]
    fn cut_incoming(&self, mut region: WriteRegion, used: usize) -> WriteRegion {
        self.with(|machine| {
            machine.incoming.cut(&mut region, used, &self.incoming);
            (region, machine.room_grew())
        })
    }

    /// A message may have become shorter than what was reserved for it. `Err` if the stream is no longer open; the region was
    /// given up then.
    pub(crate) fn commit_incoming(
        &self,
        mut region: WriteRegion,
        mark: [u8; 2],
        size: Size,
    ) -> Result<(), ()> {
        if size.packed < region.len() {
            region = self.cut_incoming(region, size.packed);
        }
        self.commit_whole_incoming(region, mark, size.charge)
    }

    /// The same for a message that fills its region.
    #[inline]
    fn commit_whole_incoming(
        &self,
        region: WriteRegion,
        mark: [u8; 2],
        charge: usize,
    ) -> Result<(), ()> {
        let late = self.with(|machine| {
            if !machine.state().is_open() {
                return (Some(region), Wakes::NONE);
            }
            machine
                .incoming
                .commit(region, mark, charge, &self.incoming);
            (None, machine.fed())
        });
        self.late_incoming(late)
    }

    pub(crate) fn abandon_incoming(&self, region: WriteRegion) {
        let gap = self.with(|machine| {
            let gap = machine.incoming.abandon(region, &self.incoming);
            (gap, machine.room_grew())
        });
        self.pass_incoming_gaps(gap);
    }

    pub(super) fn pass_incoming_gaps(&self, mut gap: GapAhead) {
        while gap == GapAhead(true) {
            gap = self.with(|machine| {
                let gap = machine.incoming.pass_gap(&self.incoming);
                (gap, machine.gap_passed())
            });
        }
    }

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
                Poll::Ready(Ok(head.measured(&self.incoming)))
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
            Poll::Ready(Ok(Ok(head))) => Poll::Ready(Ok(head.measured(&self.incoming))),
            Poll::Ready(Ok(Err(error))) => Poll::Ready(Err(error.with_failure(|| self.failure()))),
            Poll::Ready(Err(_)) => Poll::Ready(Err(ReadError::TooManyWaiters)),
        }
    }

    pub(super) fn try_take_incoming(&self) -> Result<ReadRegion, TryReadError<E>> {
        let head = self.machine.with(|machine| {
            if machine.is_ready() {
                machine.incoming.take()
            } else {
                None
            }
        });
        match head {
            Some(head) => Ok(head.measured(&self.incoming)),
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
            Ok(head) => Ok(head.measured(&self.incoming)),
            Err(error) => Err(error.with_failure(|| self.failure())),
        }
    }

    /// Copies a message out, headers and all, and releases it; says how long it is. `Err` says how long `out` would have
    /// to be; the message stays then.
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

    /// The message is handed over in registers.
    #[inline(always)]
    pub(crate) fn release_incoming(&self, region: ReadRegion) {
        self.incoming_done(region.done());
    }

    fn incoming_done(&self, message: Done) {
        let (gap, more) = self.with(|machine| {
            let gap = machine.incoming.release(message, &self.incoming);
            ((gap, machine.message_read()), Wakes::NONE)
        });
        if more {
            self.with(|machine| ((), machine.after_read()));
        }
        self.pass_incoming_gaps(gap);
    }

    #[inline]
    pub(crate) fn incoming_frames<'r>(&'r self, region: &'r ReadRegion) -> Frames<'r> {
        region.frames(&self.incoming)
    }

    #[inline]
    pub(crate) fn incoming_body<'r>(&'r self, region: &'r mut WriteRegion) -> &'r mut [u8] {
        self.incoming.body(region)
    }
}
