//! bbqueue: its frames, with a critical section; as it is, and with a reader that can wait.

use core::future::Future;
use core::mem::size_of_val;
use core::pin::pin;
use core::task::{Context, Poll};

use ::bbqueue::BBQueue;
use ::bbqueue::prod_cons::framed::{FramedConsumer, FramedProducer};
use ::bbqueue::traits::coordination::cs::CsCoord;
use ::bbqueue::traits::notifier::maitake::MaiNotSpsc;
use ::bbqueue::traits::notifier::polling::Polling;
use ::bbqueue::traits::notifier::{AsyncNotifier, Notifier};
use ::bbqueue::traits::storage::Inline;

use super::waiting::{VisitWaiting, Waiting};
use super::{BYTES, Contender, Visit};

type Notified<W> = BBQueue<Inline<BYTES>, CsCoord, W>;
/// The queue itself.
pub type Queue = Notified<Polling>;
/// One whose reader can wait.
pub type WaitingQueue = Notified<MaiNotSpsc>;

/// Its two ends.
pub struct Ends<'a, W: Notifier> {
    producer: FramedProducer<&'a Notified<W>>,
    consumer: FramedConsumer<&'a Notified<W>>,
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

fn push<W: Notifier>(producer: &FramedProducer<&Notified<W>>, message: &[u8]) -> bool {
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

impl<W: AsyncNotifier> Waiting for Ends<'_, W> {
    fn wait(&mut self, message: &[u8], cx: &mut Context<'_>, mut see: impl FnMut(&[u8])) -> bool {
        let mut read = pin!(self.consumer.wait_read());
        let was_pending = read.as_mut().poll(cx).is_pending();
        if !push(&self.producer, message) {
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

/// Shows it to the visitor.
pub fn visit(visit: &mut impl Visit) {
    let queue = Queue::new();
    visit.queue("bbqueue", size_of_val(&queue), &mut Ends::new(&queue));
}

/// Shows the one with a reader that can wait.
pub fn visit_waiting(visit: &mut impl VisitWaiting) {
    let queue = WaitingQueue::new();
    visit.waiting("bbqueue", &mut Ends::new(&queue));
}
