//! What a session has seen, as far as it is kept: the newest messages and events, and the last thirty seconds of figures.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tidegate::{Limit, Multipart, SocketEvent, SocketType, Watermarks};

/// So many messages are kept for view: the newest.
pub const MESSAGES: usize = 200;
/// So many frames of each.
pub const FRAMES: usize = 16;
/// So many bytes of each frame. With these three at most 800 KiB of messages are kept.
pub const FRAME_BYTES: usize = 256;
/// So many events are kept for view: the newest.
pub const EVENTS: usize = 200;
/// How often the figures are taken.
pub const TICK: Duration = Duration::from_millis(20);
/// How long they are shown.
pub const HISTORY: Duration = Duration::from_secs(30);
const A_SECOND: usize = (1000 / TICK.as_millis()) as usize;
/// The oldest are those that the oldest rate is reckoned from.
const SAMPLES: usize = (HISTORY.as_millis() / TICK.as_millis()) as usize + A_SECOND;

/// What became of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Its first endpoint is being bound or connected.
    Opening,
    /// The stream is open.
    Open,
    /// The stream is being closed: what was sent is still leaving.
    Closing,
    /// The stream is closed.
    Closed,
    /// It could not be opened, or its socket has failed: for this reason.
    Failed(String),
}

/// Whether an endpoint is bound or connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// Others connect.
    Bind,
    /// Somebody else has bound it.
    Connect,
}

/// The part of the window that an error belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// Where to bind or connect.
    Endpoint,
    /// What to subscribe.
    Subscription,
    /// The marks of the read side.
    Marks,
    /// The message to send.
    Message,
    /// The monitor's events.
    Events,
}

/// A message that was received, as far as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The first one has number 1.
    pub number: u64,
    /// When it was read, from the beginning of the session on.
    pub at: Duration,
    /// Its first frames.
    pub frames: Vec<KeptFrame>,
    /// How many it had.
    pub all_frames: usize,
    /// Its payload.
    pub payload_bytes: usize,
}

/// A frame, as far as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptFrame {
    /// Its first bytes.
    pub head: Box<[u8]>,
    /// How many it had.
    pub all_bytes: usize,
}

impl Kept {
    pub(crate) fn new(number: u64, at: Duration, message: &Multipart) -> Self {
        let frames = message.iter().take(FRAMES);
        Self {
            number,
            at,
            frames: frames
                .map(|frame| KeptFrame {
                    head: frame.iter().copied().take(FRAME_BYTES).collect(),
                    all_bytes: frame.len(),
                })
                .collect(),
            all_frames: message.len(),
            payload_bytes: message.payload_bytes(),
        }
    }
}

/// The figures of one tick.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sample {
    /// When it ended, in seconds from the beginning of the session on.
    pub at: f64,
    /// The lowest level of the read buffer that was seen in it, in bytes as it is charged.
    pub lowest: usize,
    /// The highest one.
    pub highest: usize,
    /// How many messages had been received at its end.
    pub received: u64,
    /// Their payload, in bytes.
    pub received_bytes: u64,
    /// The high-water mark at its end, in bytes, if there was one.
    pub high: Option<usize>,
    /// The low-water mark.
    pub low: usize,
    /// Whether the high-water mark kept the stream from receiving, at any time in it.
    pub is_held: bool,
    /// Whether reading was paused by the user at its end.
    pub is_paused: bool,
}

/// What a session has seen and is doing.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The type of the socket.
    pub kind: SocketType,
    /// What became of it.
    pub phase: Phase,
    /// What is bound and connected.
    pub endpoints: Vec<(How, String)>,
    /// What is subscribed.
    pub subscriptions: Vec<Vec<u8>>,
    /// The marks of the read side.
    pub limits: Watermarks,
    /// Whether reading is paused by the user.
    pub is_paused: bool,
    /// The last command for each part of the window, if it has failed.
    faults: Vec<(Field, String)>,
    /// The newest messages, the newest last.
    pub messages: VecDeque<Arc<Kept>>,
    /// The newest events, the newest last, each with its time.
    pub events: VecDeque<(Duration, Arc<SocketEvent>)>,
    /// How many events the stream has discarded, because they were too many to be read in time.
    pub discarded_events: u64,
    /// How many messages libzmq has accepted.
    pub sent: u64,
    /// How many messages wait to be sent, in bytes as they are charged.
    pub unsent_bytes: usize,
    /// How often the high-water mark has stopped receiving.
    pub pauses: u64,
    /// The figures of the last [`HISTORY`] and a second, the newest last.
    pub samples: VecDeque<Sample>,
}

impl Snapshot {
    pub(crate) fn new(kind: SocketType) -> Self {
        Self {
            kind,
            phase: Phase::Opening,
            endpoints: Vec::new(),
            subscriptions: Vec::new(),
            limits: Watermarks::UNLIMITED,
            is_paused: false,
            faults: Vec::new(),
            messages: VecDeque::new(),
            events: VecDeque::new(),
            discarded_events: 0,
            sent: 0,
            unsent_bytes: 0,
            pauses: 0,
            samples: VecDeque::new(),
        }
    }

    /// Whether there is no stream any more.
    pub fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Closed | Phase::Failed(_))
    }

    /// Why the last command of this part of the window has failed, if it has.
    pub fn fault(&self, field: Field) -> Option<&str> {
        let mut of_field = self.faults.iter().filter(|(at, _)| *at == field);
        of_field.next().map(|(_, why)| &**why)
    }

    pub(crate) fn set_fault(&mut self, field: Field, fault: Option<String>) {
        self.faults.retain(|(at, _)| *at != field);
        self.faults.extend(fault.map(|why| (field, why)));
    }

    /// There is no stream any more, for this reason: nothing comes, nothing waits to be read, nobody is held back. What was
    /// counted stays.
    pub(crate) fn end(&mut self, phase: Phase) {
        if let Phase::Failed(why) = &phase {
            self.set_fault(Field::Endpoint, Some(why.clone()));
        }
        self.phase = phase;
        self.endpoints.clear();
        self.subscriptions.clear();
        self.is_paused = false;
        if let Some(last) = self.samples.back() {
            self.add_sample(Sample {
                lowest: 0,
                highest: 0,
                is_held: false,
                is_paused: false,
                ..*last
            });
        }
    }

    pub(crate) fn add_sample(&mut self, sample: Sample) {
        push_bounded(&mut self.samples, sample, SAMPLES);
    }

    /// Messages and payload bytes received in each second, by the samples of the last one. None once there is no stream any more.
    pub fn rate(&self) -> (f64, f64) {
        let last = self.samples.back().filter(|_| !self.is_over());
        last.map_or((0.0, 0.0), |last| {
            self.rate_until(self.samples.len() - 1, last)
        })
    }

    /// The same for each sample, with its time; but for those that the second before is not kept of.
    pub fn rates(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        let is_whole = self.samples.len() < SAMPLES;
        let first = if is_whole { 0 } else { A_SECOND };
        let samples = self.samples.iter().enumerate().skip(first);
        samples.map(|(index, sample)| (sample.at, self.rate_until(index, sample).0))
    }

    fn rate_until(&self, index: usize, last: &Sample) -> (f64, f64) {
        // In the first second: since the beginning, when there was nothing.
        let before = index.checked_sub(A_SECOND);
        let first = before.and_then(|before| self.samples.get(before));
        let first = first.copied().unwrap_or_default();
        let seconds = (last.at - first.at).max(1.0);
        let per_second = |now: u64, then: u64| now.saturating_sub(then) as f64 / seconds;
        (
            per_second(last.received, first.received),
            per_second(last.received_bytes, first.received_bytes),
        )
    }

    /// The stretches of time in which every sample is of this kind.
    pub fn stretches(&self, is_of_kind: impl Fn(&Sample) -> bool) -> Vec<(f64, f64)> {
        let of_kind = self.steps(|sample| is_of_kind(sample).then_some(()));
        of_kind.map(|(start, end, ())| (start, end)).collect()
    }

    /// The stretches of time in which a figure of every sample is the same, and what it is. None for those without.
    pub fn steps<T: PartialEq>(
        &self,
        figure: impl Fn(&Sample) -> Option<T>,
    ) -> impl Iterator<Item = (f64, f64, T)> {
        let mut steps: Vec<(f64, f64, T)> = Vec::new();
        let mut before = None::<&Sample>;
        for sample in &self.samples {
            let start = before.map_or(sample.at, |before| before.at);
            before = Some(sample);
            let Some(figure) = figure(sample) else {
                continue;
            };
            match steps.last_mut() {
                Some((_, end, same)) if *end == start && *same == figure => *end = sample.at,
                _ => steps.push((start, sample.at, figure)),
            }
        }
        steps.into_iter()
    }

    /// The high-water mark of the read side in bytes, if it has one.
    pub fn high(&self) -> Option<usize> {
        high_of(self.limits)
    }
}

/// The high mark of these in bytes, if there is one.
pub(crate) fn high_of(limits: Watermarks) -> Option<usize> {
    match limits.high() {
        Limit::Bytes(high) => Some(high),
        Limit::Unlimited => None,
    }
}

/// Adds to the newest of something, of which so many are kept.
pub(crate) fn push_bounded<T>(newest: &mut VecDeque<T>, one: T, most: usize) {
    if newest.len() >= most {
        newest.pop_front();
    }
    newest.push_back(one);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(tick: u32, is_held: bool) -> Sample {
        Sample {
            at: (TICK * tick).as_secs_f64(),
            received: u64::from(tick) * 2_000,
            received_bytes: u64::from(tick) * 20_000,
            is_held,
            ..Sample::default()
        }
    }

    #[test]
    fn figures_are_kept_for_as_long_as_they_are_shown_and_no_longer() {
        let mut snapshot = Snapshot::new(SocketType::PULL);
        for tick in 0..5_000 {
            snapshot.add_sample(sample(tick, false));
        }
        assert_eq!(snapshot.samples.len(), SAMPLES);
        assert_eq!(snapshot.samples.back(), Some(&sample(4_999, false)));
    }

    #[test]
    fn the_rate_is_that_of_the_last_second() {
        let mut snapshot = Snapshot::new(SocketType::PULL);
        assert_eq!(snapshot.rate(), (0.0, 0.0));
        for tick in 0..200 {
            // Nothing comes in the first two seconds.
            let received = u64::from(tick) * 2_000 * u64::from(tick >= 100);
            snapshot.add_sample(Sample {
                received,
                ..sample(tick, false)
            });
        }
        let (messages, bytes) = snapshot.rate();
        assert!((messages - 100_000.0).abs() < 1.0, "{messages}");
        assert!((bytes - 1_000_000.0).abs() < 1.0, "{bytes}");
        assert!(snapshot.rates().take(100).all(|(_, rate)| rate == 0.0));
    }

    #[test]
    fn the_rate_of_the_first_second_and_of_the_oldest_that_is_shown_is_no_guess() {
        let mut snapshot = Snapshot::new(SocketType::PULL);
        // All that has waited comes at once.
        snapshot.add_sample(sample(1, false));
        assert_eq!(snapshot.rate().0, 2_000.0);
        for tick in 2..5_000 {
            snapshot.add_sample(sample(tick, false));
        }
        let rates: Vec<_> = snapshot.rates().collect();
        let whole = rates.last().unwrap().0 - rates[0].0;
        assert!((whole - HISTORY.as_secs_f64()).abs() < 0.03, "{whole}");
        let is_so = |rate: f64| (rate - 100_000.0).abs() < 1.0;
        assert!(rates.iter().all(|(_, rate)| is_so(*rate)), "{rates:?}");
    }

    #[test]
    fn what_is_held_without_a_break_is_one_stretch() {
        let mut snapshot = Snapshot::new(SocketType::PULL);
        for (tick, is_held) in (0..).zip([true, false, true, true, false, true]) {
            snapshot.add_sample(sample(tick, is_held));
        }
        let held = snapshot.stretches(|sample| sample.is_held);
        let at = |tick: u32| (TICK * tick).as_secs_f64();
        assert_eq!(held, [(at(0), at(0)), (at(1), at(3)), (at(4), at(5))]);
    }

    #[test]
    fn marks_that_were_changed_are_those_of_their_time() {
        let mut snapshot = Snapshot::new(SocketType::PULL);
        for (tick, high) in (0..).zip([None, Some(80), Some(80), Some(90), None, Some(90)]) {
            snapshot.add_sample(Sample {
                high,
                ..sample(tick, false)
            });
        }
        let highs: Vec<_> = snapshot.steps(|sample| sample.high).collect();
        let at = |tick: u32| (TICK * tick).as_secs_f64();
        assert_eq!(
            highs,
            [(at(0), at(2), 80), (at(2), at(3), 90), (at(4), at(5), 90)]
        );
    }

    #[test]
    fn a_message_is_kept_in_part_if_it_is_large() {
        let frames = (0..100).map(|_| vec![7_u8; 10_000]);
        let message: Multipart = frames.collect();
        let kept = Kept::new(1, Duration::ZERO, &message);
        assert_eq!((kept.frames.len(), kept.all_frames), (FRAMES, 100));
        assert_eq!(kept.frames[0].head.len(), FRAME_BYTES);
        assert_eq!(kept.frames[0].all_bytes, 10_000);
        assert_eq!(kept.payload_bytes, 1_000_000);
    }
}
