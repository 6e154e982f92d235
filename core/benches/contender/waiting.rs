//! A reader that waits: a pending poll, a push that wakes it, a ready poll.

use core::future::Future;
use core::pin::pin;
use core::task::{Context, Poll};

use ::bbqueue::traits::notifier::AsyncNotifier;
use ::bbqueue::traits::notifier::maitake::MaiNotSpsc;

use super::channel::Channel;
use super::{Contender, SLOTS, Slot, bbqueue, tidegate_stream, zerocopy};

/// A queue whose reader can wait.
pub trait Waiting {
    /// Waits for a message that is pushed meanwhile and shows it; says whether all of that went as it should.
    fn wait(&mut self, message: &[u8], cx: &mut Context<'_>, see: impl FnMut(&[u8])) -> bool;
}

/// What is done with each such queue in turn.
pub trait VisitWaiting {
    /// One queue.
    fn waiting(&mut self, name: &str, queue: &mut impl Waiting);
}

/// bbqueue with a notifier.
pub type WaitingQueue = bbqueue::Notified<MaiNotSpsc>;

impl<Q: Waiting> Waiting for &mut Q {
    fn wait(&mut self, message: &[u8], cx: &mut Context<'_>, see: impl FnMut(&[u8])) -> bool {
        (**self).wait(message, cx, see)
    }
}

impl Waiting for &Channel {
    fn wait(&mut self, message: &[u8], cx: &mut Context<'_>, mut see: impl FnMut(&[u8])) -> bool {
        let was_pending = self.poll_receive(cx).is_pending();
        if !self.push(message) {
            return false;
        }
        let Poll::Ready(slot) = self.poll_receive(cx) else {
            return false;
        };
        see(&slot);
        was_pending
    }
}

impl Waiting for zerocopy::Ends<'_> {
    fn wait(&mut self, message: &[u8], cx: &mut Context<'_>, mut see: impl FnMut(&[u8])) -> bool {
        let was_pending = self.receiver.poll_receive(cx).is_pending();
        if !self.push(message) {
            return false;
        }
        let Poll::Ready(slot) = self.receiver.poll_receive(cx) else {
            return false;
        };
        see(slot);
        self.receiver.receive_done();
        was_pending
    }
}

impl<W: AsyncNotifier> Waiting for bbqueue::Ends<'_, W> {
    fn wait(&mut self, message: &[u8], cx: &mut Context<'_>, mut see: impl FnMut(&[u8])) -> bool {
        let mut read = pin!(self.consumer.wait_read());
        let was_pending = read.as_mut().poll(cx).is_pending();
        if !bbqueue::push(&self.producer, message) {
            return false;
        }
        let Poll::Ready(grant) = read.as_mut().poll(cx) else {
            return false;
        };
        see(&grant);
        grant.release();
        was_pending
    }
}

/// Shows every queue to the visitor.
pub fn each(visit: &mut impl VisitWaiting) {
    let channel = Channel::new();
    visit.waiting("embassy-sync Channel", &mut &channel);

    let mut slots = [const { Slot::new() }; SLOTS];
    let mut channel = zerocopy::Channel::new(&mut slots);
    let (sender, receiver) = channel.split();
    let mut ends = zerocopy::Ends { sender, receiver };
    visit.waiting("embassy-sync zerocopy_channel", &mut ends);

    let queue = WaitingQueue::new();
    visit.waiting("bbqueue", &mut bbqueue::Ends::new(&queue));

    tidegate_stream::visit_waiting(visit);
}
