//! The critical sections of what is to be sent: each takes a constant time, and bytes are moved between them.

use core::task::{Poll, Waker};

use super::{Stream, measured};
use crate::error::{SendError, WithFailure as _, WriteError};
use crate::message::{Frames, Size, put_message};
use crate::ring::{GapAhead, NoRegion, ReadRegion, WriteRegion};
use crate::stream::{FixedEvents, Wakes};
use crate::waiters::{Kind, Ticket};

/// What became of a message that was sent.
type SendResult<'m, E> = Result<(), SendError<&'m [&'m [u8]], E>>;

impl<const RX: usize, const TX: usize, const W: usize, E: Clone, V: FixedEvents>
    Stream<RX, TX, W, E, V>
{
    #[inline]
    pub(crate) fn write_region(
        &self,
        mut region: WriteRegion,
        size: Size,
        first: &[u8],
        others: &[&[u8]],
    ) -> Result<(), ()> {
        let mark = put_message(self.outgoing.body(&mut region), first, others);
        self.commit_outgoing(region, mark, size)
    }

    #[inline]
    pub(super) fn reserve_outgoing(
        &self,
        packed: usize,
    ) -> Result<WriteRegion, WriteError<(), ()>> {
        self.machine.with(|machine| {
            machine.may_write()?;
            let region = machine.outgoing.reserve(packed, &self.outgoing);
            region.map_err(no_region)
        })
    }

    /// `Err` if the stream is no longer open; the region was given up then.
    #[inline]
    pub(crate) fn commit_outgoing(
        &self,
        region: WriteRegion,
        mark: [u8; 2],
        size: Size,
    ) -> Result<(), ()> {
        let late = self.with(|machine| {
            if !machine.state().is_open() {
                return (Some(region), Wakes::NONE);
            }
            let was_readable = machine.outgoing.is_readable();
            let shrinks = size.packed < region.len();
            machine.outgoing.commit(region, mark, size, &self.outgoing);
            let mut wakes = machine.written(was_readable);
            if shrinks {
                wakes = wakes.and(machine.send_room_grew());
            }
            (None, wakes)
        });
        match late {
            None => Ok(()),
            Some(region) => {
                self.abandon_outgoing(region);
                Err(())
            }
        }
    }

    pub(crate) fn abandon_outgoing(&self, region: WriteRegion) {
        let gap = self.with(|machine| {
            let gap = machine.outgoing.abandon(region, &self.outgoing);
            (gap, machine.send_room_grew())
        });
        self.pass_outgoing_gaps(gap);
    }

    #[inline]
    pub(super) fn pass_outgoing_gaps(&self, mut gap: GapAhead) {
        while gap == GapAhead(true) {
            gap = self.with(|machine| {
                let gap = machine.outgoing.pass_gap(&self.outgoing);
                (gap, machine.send_gap_passed())
            });
        }
    }

    /// The head of what is to be sent, for one transport alone.
    #[inline]
    pub(crate) fn take_outgoing(&self) -> Option<ReadRegion> {
        let head = self.machine.with(|machine| {
            if machine.state().is_live() {
                machine.outgoing.take()
            } else {
                None
            }
        })?;
        Some(measured(&self.outgoing, head))
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

    #[inline]
    pub(crate) fn release_outgoing(&self, region: ReadRegion, refused: bool) {
        let gap = self.with(|machine| {
            let gap = machine.outgoing.release(region, &self.outgoing);
            if refused && machine.state().is_live() {
                machine.count_refused();
            }
            (gap, machine.message_sent())
        });
        self.pass_outgoing_gaps(gap);
    }

    #[inline]
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
        let reserved = self.poll_steps(Kind::Send, ticket, waker, |machine, ticket| {
            machine.step_send(ticket, size.packed, |ring| {
                ring.reserve(size.packed, &self.outgoing).ok()
            })
        });
        match reserved {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Err(_)) => Poll::Ready(Err(SendError::TooManyWaiters(message))),
            Poll::Ready(Ok(Err(error))) => {
                let error = error.map_message(|()| message);
                Poll::Ready(Err(error.with_failure(|| self.failure())))
            }
            Poll::Ready(Ok(Ok(region))) => Poll::Ready(
                self.write_region(region, size, first, others)
                    .map_err(|()| match self.exception() {
                        Some(error) => SendError::Failed(message, error),
                        None => SendError::Closed(message),
                    }),
            ),
        }
    }

    #[inline]
    pub(crate) fn outgoing_frames<'r>(&'r self, region: &'r ReadRegion) -> Frames<'r> {
        Frames::of(self.outgoing.message(region))
    }

    #[inline]
    pub(crate) fn outgoing_body<'r>(&'r self, region: &'r mut WriteRegion) -> &'r mut [u8] {
        self.outgoing.body(region)
    }
}

fn no_region(error: NoRegion) -> WriteError<(), ()> {
    match error {
        NoRegion::Full => WriteError::Full(()),
        NoRegion::TooLarge => WriteError::TooLarge(()),
    }
}
