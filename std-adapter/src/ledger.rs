//! What a stream has done: counters, and the messages that libzmq refused.

use std::collections::VecDeque;
use std::mem;

use tidegate_core::Level;
use zmq::SocketType;

use crate::arrivals::Subscribers;
use crate::error::Errno;
use crate::message::{Frame, Multipart};
use crate::notes::{Note, Notes};
use crate::port::ZmqMachine;

/// So many refused messages are kept until somebody asks for them.
const FAILURES: usize = 64;
/// So many kinds of failures are counted apart from each other; the others are counted together, by no peer.
const KINDS: usize = 256;
/// No routing id is longer, in bytes (zmq_setsockopt(3), ZMQ_ROUTING_ID).
const ROUTING_ID_MOST: usize = 255;

/// A message that was queued, and that libzmq refused when its turn came. The stream went on with the next one. Worst case: 64 of the
/// longest messages, until they are taken or the stream is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SendFailure {
    /// The message, whole.
    pub message: Multipart,
    /// Why.
    pub reason: Errno,
    /// How many refused messages were discarded before this one, since the one that was taken last: 64 are kept.
    pub discarded: usize,
}

/// How many messages were refused for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedSends {
    /// Why.
    pub reason: Errno,
    /// For whom: the first frame of a message of a ROUTER or a STREAM; `None` of any other, and of a frame of more than 255 bytes, which
    /// is nobody's routing id. Beyond 256 entries
    /// of [`Stats::failed_sends`] messages are counted by their reason alone.
    pub peer: Option<Vec<u8>>,
    /// How many.
    pub messages: u64,
}

/// What a stream has done since it was opened, and what it holds. Made by [`ZmqStream::stats`](crate::ZmqStream::stats).
///
/// Bytes are those of payloads, but for the two sizes, which are what the marks are compared with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Messages that libzmq has accepted.
    pub sent_messages: u64,
    /// Their payload, in bytes.
    pub sent_bytes: u64,
    /// Messages that were taken from libzmq.
    pub received_messages: u64,
    /// Their payload, in bytes.
    pub received_bytes: u64,
    /// How often receiving stopped at `high_read`.
    pub read_pauses: u64,
    /// How often it went on at `low_read`.
    pub read_resumes: u64,
    /// How often the write side was paused at `high_write`.
    pub write_pauses: u64,
    /// How often it was resumed at `low_write`.
    pub write_resumes: u64,
    /// Events that the backlog discarded.
    pub discarded_events: u64,
    /// Messages that libzmq has refused, by reason and peer: those of a direct write, too.
    pub failed_sends: Vec<FailedSends>,
    /// What waits to be read, in bytes as it is charged.
    pub read_buffer_bytes: usize,
    /// What waits to be sent, in bytes as it is charged.
    pub write_buffer_bytes: usize,
}

/// The books of one stream, under its lock.
pub(crate) struct Ledger {
    kind: SocketType,
    pub(crate) stats: Stats,
    failures: VecDeque<SendFailure>,
    discarded: usize,
    read_gate: bool,
    write_gate: bool,
    pub(crate) notes: Notes,
    pub(crate) subscribers: Subscribers,
}

fn count(counter: &mut u64, by: usize) {
    *counter = counter.wrapping_add(by as u64);
}

impl Ledger {
    pub(crate) fn new(kind: SocketType) -> Self {
        Self {
            kind,
            stats: Stats::default(),
            failures: VecDeque::new(),
            discarded: 0,
            read_gate: false,
            write_gate: false,
            notes: Notes::default(),
            subscribers: Subscribers::default(),
        }
    }

    pub(crate) fn kind(&self) -> SocketType {
        self.kind
    }

    pub(crate) fn sent(&mut self, messages: usize, payload_bytes: usize) {
        count(&mut self.stats.sent_messages, messages);
        count(&mut self.stats.sent_bytes, payload_bytes);
    }

    /// A message has come; it is counted by [`received`](Self::received).
    #[inline]
    pub(crate) fn look_at(&mut self, message: &Multipart) {
        if self.kind == SocketType::XPUB {
            self.subscribers.note(message.first().map(|frame| &**frame));
        }
    }

    pub(crate) fn received(&mut self, payload_bytes: usize) {
        count(&mut self.stats.received_messages, 1);
        count(&mut self.stats.received_bytes, payload_bytes);
    }

    /// One call has changed the machine: each gate has turned once at most.
    pub(crate) fn note_gates(&mut self, machine: &ZmqMachine) {
        let stats = &mut self.stats;
        let is_read_paused = machine.is_read_gate_paused();
        if mem::replace(&mut self.read_gate, is_read_paused) != is_read_paused {
            let bytes = machine.incoming().level_bytes();
            if is_read_paused {
                count(&mut stats.read_pauses, 1);
                self.notes.push(|| Note::ReadPaused { bytes });
            } else {
                count(&mut stats.read_resumes, 1);
                self.notes.push(|| Note::ReadResumed { bytes });
            }
        }
        let is_write_paused = machine.is_write_gate_paused();
        if mem::replace(&mut self.write_gate, is_write_paused) != is_write_paused {
            let bytes = machine.outgoing().level_bytes();
            if is_write_paused {
                count(&mut stats.write_pauses, 1);
                self.notes.push(|| Note::WritePaused { bytes });
            } else {
                count(&mut stats.write_resumes, 1);
                self.notes.push(|| Note::WriteResumed { bytes });
            }
        }
    }

    /// libzmq has refused this message.
    pub(crate) fn refused(&mut self, message: &Multipart, reason: Errno) {
        let bytes = message.payload_bytes();
        self.notes.push(|| Note::Refused { reason, bytes });
        let has_peer = matches!(self.kind, SocketType::ROUTER | SocketType::STREAM);
        // What is longer names no peer.
        let peer = message.first();
        let peer = peer.filter(|peer| has_peer && peer.len() <= ROUTING_ID_MOST);
        let failed = &mut self.stats.failed_sends;
        let same = |entry: &&mut FailedSends, peer: Option<&Frame>| {
            entry.reason == reason && entry.peer.as_deref() == peer.map(|frame| &**frame)
        };
        if let Some(entry) = failed.iter_mut().find(|entry| same(entry, peer)) {
            return count(&mut entry.messages, 1);
        }
        let peer = peer.filter(|_| failed.len() < KINDS);
        if let Some(entry) = failed.iter_mut().find(|entry| same(entry, peer)) {
            return count(&mut entry.messages, 1);
        }
        failed.push(FailedSends {
            reason,
            peer: peer.map(|frame| frame.to_vec()),
            messages: 1,
        });
    }

    /// libzmq has refused this message, and nobody is there to be told.
    pub(crate) fn keep(&mut self, message: Multipart, reason: Errno) {
        self.refused(&message, reason);
        if self.failures.len() >= FAILURES {
            self.failures.pop_front();
            self.discarded = self.discarded.saturating_add(1);
        }
        self.failures.push_back(SendFailure {
            message,
            reason,
            discarded: 0,
        });
    }

    pub(crate) fn take_failure(&mut self) -> Option<SendFailure> {
        let failure = self.failures.pop_front()?;
        let discarded = mem::take(&mut self.discarded);
        Some(SendFailure {
            discarded,
            ..failure
        })
    }
}
