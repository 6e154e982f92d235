//! The critical sections of what is to be sent: each takes a constant time, and bytes are moved between them.

use core::task::{Poll, Waker};

use super::Stream;
use crate::error::{PushError, SendError, WithFailure as _, WriteError};
use crate::message::{Frames, Size, put_frames, put_short};
use crate::ring::{Done, GapAhead, ReadRegion, WriteRegion};
use crate::stream::{FixedEvents, Wakes};
use crate::waiters::{Kind, Ticket};

/// What became of a message that was sent.
type SendResult<'m, E> = Result<(), SendError<&'m [&'m [u8]], E>>;

impl<const RX: usize, const TX: usize, const W: usize, E: Clone, V: FixedEvents>
    Stream<RX, TX, W, E, V>
{
    pub(super) fn write_short(&self, frame: &[u8]) -> Result<(), WriteError<(), ()>> {
        let size = Size::of_short(frame.len());
        let mut region = self.reserve_outgoing(size.packed)?;
        let mark = put_short(self.outgoing.body(&mut region), frame);
        let committed = self.commit_whole_outgoing(region, mark, size.charge);
        committed.map_err(|()| WriteError::Closed(()))
    }

    #[inline(never)]
    pub(super) fn write_frames(&self, message: &[&[u8]]) -> Result<(), WriteError<(), ()>> {
        let (first, others) = message.split_first().ok_or(WriteError::NoFrames(()))?;
        let size = Size::of(message).ok_or(WriteError::TooLarge(()))?;
        let region = self.reserve_outgoing(size.packed)?;
        let written = self.write_region(region, size, first, others);
        written.map_err(|()| WriteError::Closed(()))
    }

    fn write_region(
        &self,
        mut region: WriteRegion,
        size: Size,
        first: &[u8],
        others: &[&[u8]],
    ) -> Result<(), ()> {
        let mark = put_frames(self.outgoing.body(&mut region), first, others);
        self.commit_whole_outgoing(region, mark, size.charge)
    }

    pub(super) fn reserve_outgoing(
        &self,
        packed: usize,
    ) -> Result<WriteRegion, WriteError<(), ()>> {
        self.machine.with(|machine| {
            machine.may_write()?;
            let region = machine.outgoing.reserve(packed, &self.outgoing);
            region.map_err(|error| PushError::from(error).into())
        })
    }

    /// The stream is no longer open: the region is given up.
    fn late_outgoing(&self, late: Option<WriteRegion>) -> Result<(), ()> {
        match late {
            None => Ok(()),
            Some(region) => {
                self.abandon_outgoing(region);
                Err(())
            }
        }
    }

    /// A message will take only the first `used` bytes of its region: the others are free again.
    #[inline(never)]
    fn cut_outgoing(&self, mut region: WriteRegion, used: usize) -> WriteRegion {
        self.with(|machine| {
            machine.outgoing.cut(&mut region, used, &self.outgoing);
            (region, machine.send_room_grew())
        })
    }

    /// A message may have become shorter than what was reserved for it. `Err` if the stream is no longer open; the region was
    /// given up then.
    pub(crate) fn commit_outgoing(
        &self,
        mut region: WriteRegion,
        mark: [u8; 2],
        size: Size,
    ) -> Result<(), ()> {
        if size.packed < region.len() {
            region = self.cut_outgoing(region, size.packed);
        }
        self.commit_whole_outgoing(region, mark, size.charge)
    }

    /// The same for a message that fills its region.
    #[inline]
    fn commit_whole_outgoing(
        &self,
        region: WriteRegion,
        mark: [u8; 2],
        charge: usize,
    ) -> Result<(), ()> {
        let late = self.with(|machine| {
            if !machine.state().is_open() {
                return (Some(region), Wakes::NONE);
            }
            let was_readable = machine.outgoing.is_readable();
            machine
                .outgoing
                .commit(region, mark, charge, &self.outgoing);
            (None, machine.written(was_readable))
        });
        self.late_outgoing(late)
    }

    pub(crate) fn abandon_outgoing(&self, region: WriteRegion) {
        let gap = self.with(|machine| {
            let gap = machine.outgoing.abandon(region, &self.outgoing);
            (gap, machine.send_room_grew())
        });
        self.pass_outgoing_gaps(gap);
    }

    pub(super) fn pass_outgoing_gaps(&self, mut gap: GapAhead) {
        while gap == GapAhead(true) {
            gap = self.with(|machine| {
                let gap = machine.outgoing.pass_gap(&self.outgoing);
                (gap, machine.send_gap_passed())
            });
        }
    }

    /// The head of what is to be sent, for one transport alone.
    pub(crate) fn take_outgoing(&self) -> Option<ReadRegion> {
        let head = self.machine.with(|machine| {
            if machine.state().is_live() {
                machine.outgoing.take()
            } else {
                None
            }
        })?;
        Some(head.measured(&self.outgoing))
    }

    #[inline]
    pub(crate) fn put_back_outgoing(&self, region: ReadRegion) {
        // Nobody is to be woken: this is the transport's own side.
        self.machine
            .with(|machine| machine.outgoing.put_back(region));
    }

    /// A head that was lent is released or was put back: whoever drives the transport may not know of it.
    pub(crate) fn wake_transport(&self) {
        self.with(|machine| ((), machine.head_came_back()));
    }

    /// The message is handed over in registers.
    #[inline(always)]
    pub(crate) fn release_outgoing(&self, region: ReadRegion, refused: bool) {
        self.outgoing_done(region.done(), refused);
    }

    fn outgoing_done(&self, message: Done, refused: bool) {
        let (gap, more) = self.with(|machine| {
            let gap = machine.outgoing.release(message, &self.outgoing);
            if refused && machine.state().is_live() {
                machine.count_refused();
            }
            ((gap, machine.message_sent()), Wakes::NONE)
        });
        if more {
            self.with(|machine| ((), machine.after_sent()));
        }
        self.pass_outgoing_gaps(gap);
    }

    pub(crate) fn poll_send<'m>(
        &self,
        ticket: &mut Ticket,
        waker: &Waker,
        message: &'m [&'m [u8]],
    ) -> Poll<SendResult<'m, E>> {
        let Some((first, others)) = message.split_first() else {
            return Poll::Ready(Err(SendError::NoFrames(message)));
        };
        let Some(size) = Size::of(message) else {
            return Poll::Ready(Err(SendError::TooLarge(message)));
        };
        match self.poll_room(ticket, waker, size.packed) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Err(error)) => Poll::Ready(Err(error.map_message(|()| message))),
            Poll::Ready(Ok(region)) => Poll::Ready(
                self.write_region(region, size, first, others)
                    .map_err(|()| match self.exception() {
                        Some(error) => SendError::Failed(message, error),
                        None => SendError::Closed(message),
                    }),
            ),
        }
    }

    /// Waits for one's turn, the gate, and room for so many packed bytes. Inlined, and its look has all that it needs by value, for
    /// interrupts are off meanwhile.
    #[inline(always)]
    pub(crate) fn poll_room(
        &self,
        ticket: &mut Ticket,
        waker: &Waker,
        packed: usize,
    ) -> Poll<Result<WriteRegion, SendError<(), E>>> {
        let (mut region, bytes) = (None, &self.outgoing);
        let place = &mut region;
        let reserved = self.poll_steps(Kind::Send, ticket, waker, move |machine, ticket| {
            machine.step_send(ticket, packed, |ring| {
                *place = ring.reserve(packed, bytes).ok();
                place.is_some()
            })
        });
        match (reserved, region) {
            (Poll::Ready(Err(_)), _) => Poll::Ready(Err(SendError::TooManyWaiters(()))),
            (Poll::Ready(Ok(Err(error))), _) => {
                Poll::Ready(Err(error.with_failure(|| self.failure())))
            }
            (Poll::Pending, _) | (Poll::Ready(Ok(Ok(()))), None) => Poll::Pending,
            (Poll::Ready(Ok(Ok(()))), Some(region)) => Poll::Ready(Ok(region)),
        }
    }

    #[inline]
    pub(crate) fn outgoing_frames<'r>(&'r self, region: &'r ReadRegion) -> Frames<'r> {
        region.frames(&self.outgoing)
    }

    /// The message as it lies there, headers and all.
    pub(crate) fn outgoing_packed<'r>(&'r self, region: &'r ReadRegion) -> &'r [u8] {
        self.outgoing.message(region)
    }

    #[inline]
    pub(crate) fn outgoing_body<'r>(&'r self, region: &'r mut WriteRegion) -> &'r mut [u8] {
        self.outgoing.body(region)
    }
}
