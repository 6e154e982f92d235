//! A reader that waits: a pending poll, a push that wakes it, a ready poll.

use core::task::Context;

use super::{bbqueue, channel, tidegate, zerocopy};

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

/// Shows every queue to the visitor.
pub fn each(visit: &mut impl VisitWaiting) {
    channel::visit_waiting(visit);
    zerocopy::visit_waiting(visit);
    bbqueue::visit_waiting(visit);
    tidegate::visit_waiting(visit);
}

impl<Q: Waiting> Waiting for &mut Q {
    fn wait(&mut self, message: &[u8], cx: &mut Context<'_>, see: impl FnMut(&[u8])) -> bool {
        (**self).wait(message, cx, see)
    }
}
