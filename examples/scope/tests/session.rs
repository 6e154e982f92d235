//! The model without a window, with real peers at the other end.

use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use scope::session::{Command, Session};
use scope::snapshot::{Field, How, MESSAGES, Phase, Sample, Snapshot};
use tidegate::{Context, EventKind, SocketType, Watermarks, ZmqStream};

/// After so long what is waited for never comes.
const NEVER: Duration = Duration::from_secs(60);
/// A stream that is closed waits longer than this for a peer.
const LINGERS: Duration = Duration::from_secs(25);

/// A session, and its news.
struct Seen {
    session: Session,
    news: Receiver<()>,
}

impl Seen {
    fn open(kind: SocketType, how: How, endpoint: &str) -> Self {
        let (sender, news) = channel();
        let on_news = move || {
            // Whoever has gone wants no news.
            let _ = sender.send(());
        };
        let session = Session::open(kind, how, endpoint.to_owned(), on_news).unwrap();
        Self { session, news }
    }

    fn bound(kind: SocketType) -> (Self, String) {
        let seen = Self::open(kind, How::Bind, "tcp://127.0.0.1:*");
        let shown = seen.until(|shown| shown.phase == Phase::Open && !shown.endpoints.is_empty());
        let endpoint = shown.endpoints[0].1.clone();
        (seen, endpoint)
    }

    /// Waits for a snapshot of which this is true.
    fn until(&self, is_seen: impl Fn(&Snapshot) -> bool) -> Snapshot {
        let began = Instant::now();
        loop {
            let shown = self.session.look();
            if is_seen(&shown) {
                return shown;
            }
            let left = NEVER.saturating_sub(began.elapsed());
            let is_news = self.news.recv_timeout(left).is_ok();
            assert!(is_news && !left.is_zero(), "it is not seen: {shown:?}");
        }
    }

    /// Drops the session, and waits until its thread has ended: it lets go of its end of the news.
    fn drop_and_wait(self, at_most: Duration) {
        let began = Instant::now();
        let Self { session, news } = self;
        drop(session);
        let end = loop {
            match news.recv_timeout(at_most.saturating_sub(began.elapsed())) {
                Ok(()) => {}
                Err(end) => break end,
            }
        };
        assert_eq!(end, RecvTimeoutError::Disconnected);
    }
}

fn received(shown: &Snapshot) -> u64 {
    shown.samples.back().map_or(0, |last| last.received)
}

fn is_seen(shown: &Snapshot, is: fn(&EventKind) -> bool) -> bool {
    shown.events.iter().any(|(_, event)| is(&event.kind))
}

fn peer(kind: SocketType, endpoint: &str) -> ZmqStream {
    // Of a context of its own, as another process would have.
    let context = Context::new().unwrap();
    let builder = ZmqStream::builder(kind).context(&context);
    builder.connect(endpoint).open().unwrap()
}

#[test]
fn messages_are_shown_whole_and_counted() {
    let (seen, endpoint) = Seen::bound(SocketType::PULL);
    let push = peer(SocketType::PUSH, &endpoint);
    push.write(("topic", &[0_u8, 1, 255])).unwrap();
    push.write("").unwrap();
    let shown = seen.until(|shown| shown.messages.len() == 2);
    let first = &shown.messages[0];
    let frames: Vec<&[u8]> = first.frames.iter().map(|frame| &*frame.head).collect();
    assert_eq!(frames, [&b"topic"[..], &[0, 1, 255]]);
    assert_eq!((first.number, first.payload_bytes), (1, 8));
    assert_eq!(
        (shown.messages[1].number, shown.messages[1].all_frames),
        (2, 1)
    );
    assert_eq!(received(&shown), 2);
}

#[test]
fn of_a_flood_all_is_counted_and_the_newest_are_kept() {
    const MANY: u64 = 200_000;
    let (seen, endpoint) = Seen::bound(SocketType::PULL);
    let push = peer(SocketType::PUSH, &endpoint);
    let sender = thread::spawn(move || {
        for number in 0..MANY {
            let message = number.to_be_bytes();
            push.blocking().send(&message, None).unwrap();
        }
        push
    });
    let shown = seen.until(|shown| {
        received(shown) == MANY
            && shown
                .messages
                .back()
                .is_some_and(|last| last.number == MANY)
    });
    assert_eq!(shown.messages.len(), MESSAGES);
    for (message, number) in shown.messages.iter().rev().zip((0..MANY).rev()) {
        assert_eq!(message.number, number + 1);
        assert_eq!(*message.frames[0].head, number.to_be_bytes());
    }
    sender.join().unwrap();
}

#[test]
fn a_pace_fills_the_buffer_to_its_mark_and_holds_the_peer_back() {
    const MANY: u64 = 30_000;
    let (seen, endpoint) = Seen::bound(SocketType::PULL);
    seen.session.ask(Command::Pace(Some(100)));
    seen.session
        .ask(Command::Marks(Watermarks::new(8_000, 1_000).unwrap()));
    seen.until(|shown| shown.high() == Some(8_000));
    let push = peer(SocketType::PUSH, &endpoint);
    // More than libzmq and the system hold themselves, so that the peer is held back too.
    for _ in 0..MANY {
        push.write(&[7; 1_000]).unwrap();
    }
    let shown = seen.until(|shown| shown.pauses > 0 && shown.messages.len() > 20);
    let highest = shown
        .samples
        .iter()
        .map(|sample| sample.highest)
        .max()
        .unwrap();
    // A message is charged its thousand bytes and one frame's 64. The level is seen once one was taken.
    assert!((6_937..=9_064).contains(&highest), "{highest}");
    assert!(shown.samples.iter().any(|sample| sample.is_held));
    // However late a tick is, none has more than its share.
    let last = shown.messages.back().unwrap();
    assert!(
        last.number as f64 <= last.at.as_secs_f64() * 100.0 + 5.0,
        "{last:?}"
    );
    assert!(push.write_buffer_bytes() > 0);
    seen.session.ask(Command::Pace(None));
    let shown = seen.until(|shown| received(shown) == MANY);
    assert!(shown.samples.iter().all(|sample| sample.highest <= 9_064));
    push.abort();
}

#[test]
fn each_sample_has_the_marks_of_its_time() {
    let (seen, _) = Seen::bound(SocketType::PULL);
    let marks = |sample: &Sample| sample.high.map(|high| (high, sample.low));
    for (high, low) in [(8_000, 1_000), (9_000, 500)] {
        let new = Watermarks::new(high, low).unwrap();
        seen.session.ask(Command::Marks(new));
        seen.until(|shown| shown.samples.back().and_then(marks) == Some((high, low)));
    }
    let shown = seen.session.look();
    let steps: Vec<_> = shown.steps(marks).map(|(.., marks)| marks).collect();
    assert!(
        steps.ends_with(&[(8_000, 1_000), (9_000, 500)]),
        "{steps:?}"
    );
}

#[test]
fn a_pace_is_kept_whatever_else_is_asked_for() {
    let (seen, endpoint) = Seen::bound(SocketType::PULL);
    seen.session.ask(Command::Pace(Some(100)));
    let marks = Watermarks::new(8_000, 1_000).unwrap();
    seen.session.ask(Command::Marks(marks));
    seen.until(|shown| shown.high() == Some(8_000));
    let push = peer(SocketType::PUSH, &endpoint);
    for _ in 0..30_000 {
        push.write("much").unwrap();
    }
    // Each of these may end a wait for what comes next.
    let shown = seen.until(|shown| {
        seen.session.ask(Command::Marks(marks));
        shown.messages.back().is_some_and(|last| last.number > 30)
    });
    let last = shown.messages.back().unwrap();
    assert!(
        last.number as f64 <= last.at.as_secs_f64() * 100.0 + 5.0,
        "{last:?}"
    );
    push.abort();
}

#[test]
fn a_pause_lets_nothing_in_until_it_is_over() {
    let (seen, endpoint) = Seen::bound(SocketType::PAIR);
    seen.session.ask(Command::Pause(true));
    seen.until(|shown| shown.is_paused);
    let peer = peer(SocketType::PAIR, &endpoint);
    peer.write("held").unwrap();
    // What is sent while reading is paused still goes, and when it is here the other has long been sent.
    seen.session.ask(Command::Send(vec![b"out".to_vec()]));
    assert_eq!(peer.blocking().read(NEVER).unwrap(), "out");
    let ticks = seen.session.look().samples.len();
    let shown = seen.until(|shown| shown.samples.len() > ticks + 5);
    assert_eq!(received(&shown), 0);
    assert!(shown.samples.back().unwrap().is_paused);
    seen.session.ask(Command::Pause(false));
    let shown = seen.until(|shown| received(shown) == 1);
    assert!(!shown.is_paused);
}

#[test]
fn a_message_is_sent_and_its_answer_seen_by_a_req() {
    let (seen, endpoint) = Seen::bound(SocketType::REQ);
    let rep = peer(SocketType::REP, &endpoint);
    seen.session
        .ask(Command::Send(vec![b"how".to_vec(), b"warm".to_vec()]));
    assert_eq!(rep.blocking().read(NEVER).unwrap(), ["how", "warm"]);
    seen.session.ask(Command::Send(vec![b"again".to_vec()]));
    let shown = seen.until(|shown| shown.fault(Field::Message).is_some());
    let fault = shown.fault(Field::Message).unwrap();
    assert!(fault.contains("out of turn"), "{fault}");
    rep.write("21.5").unwrap();
    let shown = seen.until(|shown| received(shown) == 1);
    assert_eq!(*shown.messages[0].frames[0].head, *b"21.5");
    // What works takes the fault away.
    seen.session.ask(Command::Send(vec![b"again".to_vec()]));
    seen.until(|shown| shown.fault(Field::Message).is_none() && shown.sent == 2);
}

#[test]
fn subscriptions_let_in_what_begins_like_them() {
    let (seen, endpoint) = Seen::bound(SocketType::SUB);
    seen.session.ask(Command::Subscribe(b"a".to_vec()));
    seen.until(|shown| shown.subscriptions == [b"a"]);
    let xpub = peer(SocketType::XPUB, &endpoint);
    assert_eq!(xpub.blocking().read(NEVER).unwrap(), [b"\x01a"]);
    xpub.write("b1").unwrap();
    xpub.write("a1").unwrap();
    let shown = seen.until(|shown| received(shown) == 1);
    assert_eq!(*shown.messages[0].frames[0].head, *b"a1");
    seen.session.ask(Command::Unsubscribe(b"a".to_vec()));
    seen.until(|shown| shown.subscriptions.is_empty());
    seen.session.ask(Command::Unsubscribe(b"a".to_vec()));
    seen.until(|shown| shown.fault(Field::Subscription).is_some());
}

#[test]
fn events_are_seen_from_the_first_endpoint_on() {
    let (seen, endpoint) = Seen::bound(SocketType::PULL);
    let push = peer(SocketType::PUSH, &endpoint);
    seen.until(|shown| is_seen(shown, |kind| matches!(kind, EventKind::HandshakeSucceeded)));
    let shown = seen.session.look();
    assert!(matches!(
        shown.events[0].1.kind,
        EventKind::Listening { .. }
    ));
    assert_eq!(shown.events[0].1.endpoint, endpoint);
    push.abort();
    seen.until(|shown| is_seen(shown, |kind| matches!(kind, EventKind::Disconnected { .. })));
}

#[test]
fn an_endpoint_that_cannot_be_had_is_said_and_leaves_nothing_open() {
    let (first, endpoint) = Seen::bound(SocketType::PULL);
    let second = Seen::open(SocketType::PULL, How::Bind, &endpoint);
    let shown = second.until(Snapshot::is_over);
    assert!(shown.fault(Field::Endpoint).unwrap().contains(&endpoint));
    // Of a stream that is open it is said as well, and the stream goes on.
    first
        .session
        .ask(Command::Attach(How::Connect, "nonsense".to_owned()));
    let shown = first.until(|shown| shown.fault(Field::Endpoint).is_some());
    assert_eq!((&shown.phase, shown.endpoints.len()), (&Phase::Open, 1));
    first.session.ask(Command::Detach(How::Bind, endpoint));
    let shown = first.until(|shown| shown.endpoints.is_empty());
    assert_eq!(shown.fault(Field::Endpoint), None);
}

#[test]
fn what_a_stream_that_is_closed_could_not_send_is_said() {
    let (seen, _) = Seen::bound(SocketType::PUSH);
    seen.session.ask(Command::Send(vec![b"to nobody".to_vec()]));
    seen.until(|shown| shown.unsent_bytes > 0);
    // It would have waited for a peer.
    seen.session.ask(Command::Close);
    seen.session.ask(Command::CloseAtOnce);
    let shown = seen.until(Snapshot::is_over);
    assert!(shown.samples.back().unwrap().at < LINGERS.as_secs_f64());
    let fault = shown.fault(Field::Message).unwrap_or_default();
    assert!(
        fault.contains("lost") && fault.contains("1 message (73 bytes)"),
        "{fault:?}"
    );
    assert_eq!((shown.phase, shown.unsent_bytes), (Phase::Closed, 0));
}

#[test]
fn a_stream_that_is_asked_twice_to_close_drops_nothing_and_one_that_is_to_close_at_once_does() {
    let (seen, _) = Seen::bound(SocketType::PUSH);
    seen.session.ask(Command::Send(vec![b"to nobody".to_vec()]));
    seen.session.ask(Command::Close);
    seen.session.ask(Command::Close);
    // What is asked for in vain tells that the others have been done.
    let nothing = Command::Detach(How::Bind, "nothing".to_owned());
    seen.session.ask(nothing);
    let shown = seen.until(|shown| shown.fault(Field::Endpoint).is_some());
    assert_eq!((shown.phase, shown.unsent_bytes), (Phase::Closing, 73));
    seen.session.ask(Command::CloseAtOnce);
    let shown = seen.until(Snapshot::is_over);
    assert!(shown.fault(Field::Message).unwrap().contains("lost"));

    let (seen, _) = Seen::bound(SocketType::PUSH);
    seen.session.ask(Command::Send(vec![b"to nobody".to_vec()]));
    seen.session.ask(Command::CloseAtOnce);
    let shown = seen.until(Snapshot::is_over);
    assert!(shown.samples.back().unwrap().at < LINGERS.as_secs_f64());
    assert!(shown.fault(Field::Message).unwrap().contains("lost"));
}

#[test]
fn a_session_that_is_dropped_does_not_wait_for_what_its_stream_still_sends() {
    let (seen, _) = Seen::bound(SocketType::PUSH);
    seen.session.ask(Command::Send(vec![b"to nobody".to_vec()]));
    seen.session.ask(Command::Close);
    seen.until(|shown| shown.phase == Phase::Closing && shown.unsent_bytes > 0);
    seen.drop_and_wait(LINGERS);
}

#[test]
fn a_stream_that_is_closed_has_sent_what_could_be_sent() {
    let (seen, endpoint) = Seen::bound(SocketType::PUSH);
    let pull = peer(SocketType::PULL, &endpoint);
    seen.until(|shown| is_seen(shown, |kind| matches!(kind, EventKind::HandshakeSucceeded)));
    seen.session.ask(Command::Send(vec![b"last".to_vec()]));
    seen.session.ask(Command::Close);
    assert_eq!(pull.blocking().read(NEVER).unwrap(), "last");
    let shown = seen.until(Snapshot::is_over);
    assert_eq!((shown.fault(Field::Message), shown.sent), (None, 1));
}

#[test]
fn a_stream_that_is_closed_receives_nothing_and_is_not_held_back() {
    let (seen, endpoint) = Seen::bound(SocketType::PULL);
    seen.session.ask(Command::Pace(Some(100)));
    seen.session
        .ask(Command::Marks(Watermarks::new(800, 100).unwrap()));
    seen.until(|shown| shown.high() == Some(800));
    let push = peer(SocketType::PUSH, &endpoint);
    for _ in 0..1_000 {
        push.write("much").unwrap();
    }
    let shown = seen.until(|shown| shown.pauses > 0 && shown.rate().0 > 0.0);
    assert!(shown.samples.iter().any(|sample| sample.is_held));
    seen.session.ask(Command::Close);
    let shown = seen.until(Snapshot::is_over);
    assert_eq!(shown.rate(), (0.0, 0.0));
    let last = shown.samples.back().unwrap();
    assert_eq!((last.highest, last.is_held), (0, false));
    // What has come has come, and what was held back was.
    assert!(last.received > 0 && shown.pauses > 0);
    assert_eq!(shown.messages.back().unwrap().number, last.received);
    push.abort();
}

#[test]
fn what_was_received_and_not_yet_read_is_shown_though_its_stream_is_closed_at_once() {
    // More than is read in one tick, or kept.
    const MANY: u64 = 50_000;
    let (seen, endpoint) = Seen::bound(SocketType::PULL);
    seen.session.ask(Command::Pace(Some(1)));
    let marks = Watermarks::new(100_000_000, 0).unwrap();
    seen.session.ask(Command::Marks(marks));
    seen.until(|shown| shown.high() == Some(100_000_000));
    let push = peer(SocketType::PUSH, &endpoint);
    for number in 1..=MANY {
        push.write(&number.to_be_bytes()).unwrap();
    }
    let shown = seen.until(|shown| received(shown) == MANY);
    let read = |shown: &Snapshot| shown.messages.back().map_or(0, |last| last.number);
    assert!(read(&shown) < MANY);
    seen.session.ask(Command::CloseAtOnce);
    let shown = seen.until(Snapshot::is_over);
    assert_eq!((read(&shown), received(&shown)), (MANY, MANY));
    assert_eq!(shown.messages.len(), MESSAGES);
    let last = shown.messages.back().unwrap();
    assert_eq!(*last.frames[0].head, MANY.to_be_bytes());
    push.abort();
}

#[test]
fn a_stream_that_is_still_sending_after_it_was_closed_is_not_held_back() {
    let (seen, endpoint) = Seen::bound(SocketType::PAIR);
    seen.session.ask(Command::Pace(Some(1)));
    seen.session
        .ask(Command::Marks(Watermarks::new(800, 100).unwrap()));
    seen.until(|shown| shown.high() == Some(800));
    let peer = peer(SocketType::PAIR, &endpoint);
    for _ in 0..1_000 {
        peer.write("much").unwrap();
    }
    let is_held = |shown: &Snapshot| shown.samples.back().is_some_and(|last| last.is_held);
    seen.until(|shown| shown.pauses > 0 && is_held(shown));
    // The peer reads nothing, and this is more than libzmq and the system hold.
    seen.until(|shown| {
        for _ in 0..100 {
            seen.session.ask(Command::Send(vec![vec![7; 10_000]]));
        }
        shown.unsent_bytes > 0
    });
    seen.session.ask(Command::Close);
    let shown = seen.until(|shown| shown.phase == Phase::Closing && !is_held(shown));
    assert!(shown.unsent_bytes > 0);
    seen.session.ask(Command::CloseAtOnce);
    let shown = seen.until(Snapshot::is_over);
    assert!(shown.fault(Field::Message).unwrap().contains("lost"));
    peer.abort();
}

#[test]
fn a_session_that_is_dropped_has_done_what_it_was_asked_for_before() {
    let (seen, endpoint) = Seen::bound(SocketType::PAIR);
    let peer = peer(SocketType::PAIR, &endpoint);
    peer.write("first").unwrap();
    seen.until(|shown| received(shown) == 1);
    seen.session.ask(Command::Send(vec![b"last".to_vec()]));
    seen.drop_and_wait(NEVER);
    assert_eq!(peer.blocking().read(NEVER).unwrap(), "last");
}

#[test]
fn a_session_that_is_dropped_closes_its_stream_though_its_peer_floods_it() {
    let (seen, endpoint) = Seen::bound(SocketType::PULL);
    let push = peer(SocketType::PUSH, &endpoint);
    let gone = push.clone();
    let sender = thread::spawn(move || while gone.blocking().send("flood", None).is_ok() {});
    seen.until(|shown| received(shown) > 1_000);
    seen.drop_and_wait(NEVER);
    push.abort();
    sender.join().unwrap();
}
