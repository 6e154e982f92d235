//! bbqueue: its frames; with a critical section on a device, without a lock on a host.

use core::mem::size_of_val;

use ::bbqueue::BBQueue;
use ::bbqueue::prod_cons::framed::{FramedConsumer, FramedProducer};
#[cfg(not(target_os = "none"))]
use ::bbqueue::traits::coordination::cas::AtomicCoord as Coordination;
#[cfg(target_os = "none")]
use ::bbqueue::traits::coordination::cs::CsCoord as Coordination;
use ::bbqueue::traits::notifier::Notifier;
use ::bbqueue::traits::notifier::polling::Polling;
use ::bbqueue::traits::storage::Inline;

use super::{BYTES, Contender, Visit};

/// The queue with a notifier of its own.
pub type Notified<W> = BBQueue<Inline<BYTES>, Coordination, W>;
/// The queue itself.
pub type Queue = Notified<Polling>;

/// Its two ends.
pub struct Ends<'a, W: Notifier> {
    pub(super) producer: FramedProducer<&'a Notified<W>>,
    pub(super) consumer: FramedConsumer<&'a Notified<W>>,
}

impl<'a, W: Notifier> Ends<'a, W> {
    /// The ends of an empty queue.
    pub fn new(queue: &'a Notified<W>) -> Self {
        Self {
            producer: queue.framed_producer(),
            consumer: queue.framed_consumer(),
        }
    }
}

pub(super) fn push<W: Notifier>(producer: &FramedProducer<&Notified<W>>, message: &[u8]) -> bool {
    let Ok(len) = u16::try_from(message.len()) else {
        return false;
    };
    let Ok(mut grant) = producer.grant(len) else {
        return false;
    };
    grant.copy_from_slice(message);
    grant.commit(len);
    true
}

impl<W: Notifier> Contender for Ends<'_, W> {
    fn push(&mut self, message: &[u8]) -> bool {
        push(&self.producer, message)
    }

    fn pop(&mut self, mut see: impl FnMut(&[u8])) -> bool {
        let Ok(grant) = self.consumer.read() else {
            return false;
        };
        see(&grant);
        grant.release();
        true
    }
}

/// Shows it to the visitor.
pub fn visit(visit: &mut impl Visit) {
    let queue = Queue::new();
    visit.queue("bbqueue", size_of_val(&queue), &mut Ends::new(&queue));
}
