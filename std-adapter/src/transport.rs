//! The core's seam over a libzmq socket.
//!
//! libzmq's descriptor says that *something* has happened, once: whatever call next takes the news in (any send, a
//! receive that finds nothing and every 100th other, a look at `ZMQ_EVENTS`) makes the descriptor quiet again, and what
//! the news were about may be the other direction. So each call here notes which direction it leaves known to be
//! blocked, and takes back what it no longer knows of the other.

use std::mem;
use std::task::{Context, Poll};
use std::time::Duration;

use tidegate_core::{BATCH_MESSAGES, EventMask, Interest, Received, Sent, Shutdown, Transport};
use zmq::SocketType;

use crate::error::Errno;
use crate::message::{Frame, Multipart};
use crate::port::OwnedPort;
use crate::retries::Retries;
use crate::runtime::Watch;
use crate::socket::Socket;
use crate::sync::Instant;

/// What is known of one direction.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Known {
    /// Worth an attempt.
    Nothing,
    /// It was blocked; news taken in since, or not taken in yet, may have changed that.
    WasBlocked,
    /// It is blocked, for all the news that were taken in.
    Blocked,
}

/// How often a send is tried once more because libzmq says that it would send. Where it says so always (a STREAM, a
/// mandatory ROUTER, an XPUB that drops nothing) the head waits for news after that, or for a while, and nothing spins.
const FUTILE_SENDS: usize = 3;

/// How long a stream that closes goes on sending, if its socket lingers for ever: what it holds itself and what libzmq holds. A
/// peer that never comes does not keep it.
const LINGER: Duration = Duration::from_secs(30);

/// How long libzmq lingers at the least for what it holds itself: 4.3.4 aborts the process if it is not to linger at all and a connection
/// breaks just then of which it has sent half a message (<https://github.com/zeromq/libzmq/issues/3442>).
const LEAST_LINGER: Duration = Duration::from_millis(250);

/// A socket and the watch over its descriptor.
pub(crate) struct ZmqTransport {
    pub(crate) watch: Watch,
    receiving: Known,
    sending: Known,
    /// Sends that did not go although libzmq had just said that they would.
    futile_sends: usize,
    /// Whether news were taken in behind the last of them.
    news_since: bool,
    /// When there is one without news.
    retries: Retries,
    /// Whether the news were taken in since the last [`begin`](Self::begin).
    looked: bool,
    /// The frames of a message of which not all have come, if there is one: libzmq hands out whole messages.
    partial: Option<Box<Multipart>>,
    /// Whether it is a SUB that holds the last message alone.
    conflates: bool,
    /// Whether it is, or it is an XPUB, or there is a message ahead.
    is_special: bool,
    /// What a look has taken ahead, and the bytes of its payload: it is received next, wanted or not.
    ahead: Option<(Multipart, usize)>,
    /// When what is left is given up, once the stream closes.
    gives_up: Option<Instant>,
}

impl ZmqTransport {
    pub(crate) fn new(mut watch: Watch) -> Self {
        let socket = watch.socket();
        let conflates = socket.kind() == SocketType::SUB && socket.conflates();
        let is_xpub = socket.kind() == SocketType::XPUB;
        Self {
            watch,
            conflates,
            is_special: conflates || is_xpub,
            receiving: Known::Nothing,
            sending: Known::Nothing,
            futile_sends: 0,
            news_since: false,
            retries: Retries::default(),
            looked: false,
            partial: None,
            ahead: None,
            gives_up: None,
        }
    }

    /// Somebody begins to use the socket: what was known may no longer be so.
    pub(crate) fn begin(&mut self) {
        self.receiving = Known::Nothing;
        self.sending = Known::Nothing;
        self.futile_sends = 0;
        self.looked = false;
    }

    /// The watch has seen the descriptor readable, and watches no more.
    pub(crate) fn fired(&mut self) {
        self.watch.fired();
    }

    /// Has the I/O thread go on where a batch has ended.
    pub(crate) fn reschedule(&self) {
        self.watch.reschedule();
    }

    /// The stream closes, since then. What it holds is sent for as long as the socket lingers, or for this long.
    pub(crate) fn begin_to_close(&mut self, since: Instant, linger: Option<Duration>) {
        let linger = linger.unwrap_or_else(|| {
            // A failure means that the context is gone, and then there is nothing to linger for.
            let of_socket = self.watch.socket().linger();
            of_socket.map_or(Duration::ZERO, |linger| linger.unwrap_or(LINGER))
        });
        // A time beyond what the clock can name never comes.
        self.gives_up = since.checked_add(linger);
    }

    /// Has the stream called when its time to close is up, or the head is to be tried again.
    pub(crate) fn watch_deadline(&mut self) {
        let next = [self.gives_up, self.retries.next()];
        if let Some(next) = next.into_iter().flatten().min() {
            self.watch.set_deadline(next);
        }
    }

    /// Whether the head is to be tried again now.
    pub(crate) fn retries(&mut self) -> bool {
        self.retries.is_due()
    }

    /// Whether the time to close is up; it may have been prolonged meanwhile.
    pub(crate) fn is_over(&self) -> bool {
        self.gives_up
            .is_some_and(|gives_up| gives_up <= Instant::now())
    }

    /// Lets libzmq send what it holds for the time that is left.
    fn linger_for_the_rest(&mut self) {
        let left = match self.gives_up {
            Some(gives_up) => gives_up.saturating_duration_since(Instant::now()),
            None => return,
        };
        self.linger(left);
    }

    /// Has libzmq linger for this long, and no longer than it would.
    fn linger(&mut self, left: Duration) {
        let socket = self.watch.socket();
        // What a SUB sends to its publishers are subscriptions, of one frame each: none is torn.
        let least = match socket.kind() {
            SocketType::SUB => Duration::ZERO,
            _ => LEAST_LINGER,
        };
        let of_socket = socket.linger().ok().flatten();
        let linger = of_socket.map_or(left, |linger| linger.min(left));
        // It fails only if the context is gone.
        let _: Result<(), Errno> = socket.set_linger(linger.max(least));
    }

    /// Sends a whole message, or nothing of it. Adds its payload to `bytes` if it went.
    pub(crate) fn send(
        &mut self,
        message: &mut Multipart,
        bytes: &mut usize,
    ) -> Result<Sent<Errno>, Errno> {
        self.news_since = false;
        let mut sent_bytes = 0;
        let sent = send_frames(self.watch.socket(), message, false, &mut sent_bytes)?;
        // It may have taken in that there is something to receive, whatever became of it.
        self.receiving = Known::Nothing;
        if let Sent::Blocked = sent {
            // It need not have looked at the news: libzmq spares itself that within about a millisecond.
            self.futile_sends = self.futile_sends.saturating_add(usize::from(self.looked));
            if self.looked && self.futile_sends >= FUTILE_SENDS {
                // The last attempt: another is worth it behind news alone.
                self.sending = Known::Blocked;
                return Ok(sent);
            }
        }
        match sent {
            Sent::Blocked => self.sending = Known::WasBlocked,
            Sent::Accepted => {
                message.sent();
                *bytes = bytes.saturating_add(sent_bytes);
                self.sending = Known::Nothing;
                self.futile_sends = 0;
                self.retries.end();
            }
            Sent::Refused(_) => {
                self.sending = Known::Nothing;
                self.retries.end();
            }
        }
        Ok(sent)
    }

    /// Before news are taken in: a futile send is worth another attempt behind them, and only then.
    fn note_news(&mut self) {
        if self.futile_sends > 0 && self.watch.socket().has_news() {
            self.news_since = true;
        }
    }

    /// Takes in the news.
    fn look(&mut self) -> Result<(), Errno> {
        self.note_news();
        let worth_it = self.news_since || self.futile_sends < FUTILE_SENDS;
        if !worth_it && self.looked && self.receiving == Known::Blocked {
            // There are none. Those that come from here on are left to the watch: taken in here, nobody would know of them, and the
            // head, which may be sent or refused now, would wait for others.
            self.sending = Known::Blocked;
            return Ok(());
        }
        let (receives, sends) = self.watch.socket().events()?;
        self.looked = true;
        if receives {
            self.take_ahead()?;
        }
        self.receiving = if receives || self.ahead.is_some() {
            Known::Nothing
        } else {
            Known::Blocked
        };
        // A mandatory ROUTER whose last peer has left would send to nobody, and it is worth knowing that it refuses the head.
        let sends = sends || self.watch.socket().kind() == SocketType::ROUTER;
        self.sending = if sends && worth_it {
            Known::Nothing
        } else {
            Known::Blocked
        };
        Ok(())
    }

    /// A SUB, an XSUB and a ROUTER say that they would receive once they have taken the first frame of a message from its connection. If
    /// that ends before the next is taken, libzmq goes on with another's, or ends the process
    /// (<https://github.com/zeromq/libzmq/issues/2163>): so all of the message is taken at once.
    fn take_ahead(&mut self) -> Result<(), Errno> {
        let takes_frames = matches!(
            self.watch.socket().kind(),
            SocketType::SUB | SocketType::XSUB | SocketType::ROUTER
        );
        // One that conflates has messages of one frame.
        if takes_frames && !self.conflates && self.ahead.is_none() {
            let mut message = Multipart::new();
            let payload_bytes = self.recv_whole(&mut message)?;
            self.ahead = payload_bytes.map(|payload_bytes| (message, payload_bytes));
            self.is_special = self.ahead.is_some();
        }
        Ok(())
    }

    /// What of this is worth an attempt.
    fn worth(&self, want: Interest) -> Interest {
        want.and(Interest {
            receive: self.receiving == Known::Nothing,
            send: self.sending == Known::Nothing,
        })
    }

    /// A receive found nothing. It has taken in the news, and what they mean for sending is not known.
    fn found_nothing(&mut self) {
        self.receiving = Known::Blocked;
        if self.sending == Known::Blocked {
            self.sending = Known::WasBlocked;
        }
        self.looked = true;
    }

    /// What has come of a message is of no use any more; libzmq forgets its rest.
    pub(crate) fn forget_partial(&mut self) {
        self.partial = None;
    }

    /// Receives a message into `message`, which is new. Returns the bytes of its payload, or nothing if not all of one has come.
    #[inline(always)]
    fn recv_whole(&mut self, message: &mut Multipart) -> Result<Option<usize>, Errno> {
        if self.partial.is_some() {
            return self.recv_partial(message);
        }
        // Most have one frame.
        match message.receive_first(self.watch.socket()) {
            Ok((payload_bytes, false)) => Ok(Some(payload_bytes)),
            first => self.recv_rest(message, first),
        }
    }

    /// Receives what is left of a message of which not all had come.
    #[cold]
    fn recv_partial(&mut self, message: &mut Multipart) -> Result<Option<usize>, Errno> {
        if let Some(partial) = self.partial.take() {
            *message = *partial;
        }
        let payload_bytes = message.payload_bytes();
        self.recv_rest(message, Ok((payload_bytes, true)))
    }

    /// Goes on where so many bytes have come, or what came instead of them.
    #[inline(never)]
    fn recv_rest(
        &mut self,
        message: &mut Multipart,
        mut received: Result<(usize, bool), Errno>,
    ) -> Result<Option<usize>, Errno> {
        let mut payload_bytes = 0usize;
        loop {
            match received {
                Ok((bytes, more)) => {
                    payload_bytes = payload_bytes.saturating_add(bytes);
                    if !more {
                        return Ok(Some(payload_bytes));
                    }
                }
                Err(errno) => {
                    if self.watch.socket().kind() == SocketType::XPUB {
                        // The rest was a subscription of which there is no news, and nothing more of this message comes.
                        message.own();
                        drop(mem::take(message));
                    } else if !message.is_empty() {
                        self.partial = Some(Box::new(mem::take(message)));
                    }
                    return if errno.is_again() {
                        Ok(None)
                    } else {
                        Err(errno)
                    };
                }
            }
            received = message.receive(self.watch.socket());
        }
    }

    /// [`recv`](Self::recv) where a look has taken a message ahead, or the socket conflates or is an XPUB.
    #[cold]
    fn recv_special(&mut self, message: &mut Multipart) -> Result<Option<usize>, Errno> {
        if let Some((ahead, payload_bytes)) = self.ahead.take() {
            self.is_special = self.conflates;
            *message = ahead;
            return Ok(Some(payload_bytes));
        }
        let received = self.recv_next(message)?;
        if !self.conflates {
            message.own();
        } else if received.is_some() {
            // libzmq has taken that ahead when it was asked whether there is one, and another may have come since.
            let mut newer = Multipart::new();
            if let Some(payload_bytes) = self.recv_whole(&mut newer)? {
                *message = newer;
                return Ok(Some(payload_bytes));
            }
        }
        Ok(received)
    }

    /// Receives a message into `message`, which is new, if one is there. Returns the bytes of its payload.
    #[inline]
    pub(crate) fn recv(&mut self, message: &mut Multipart) -> Result<Option<usize>, Errno> {
        if self.is_special {
            return self.recv_special(message);
        }
        self.recv_next(message)
    }

    #[inline(always)]
    fn recv_next(&mut self, message: &mut Multipart) -> Result<Option<usize>, Errno> {
        if self.receiving != Known::Nothing {
            return Ok(None);
        }
        self.note_news();
        match self.recv_whole(message) {
            Ok(Some(payload_bytes)) => {
                // It takes in the news now and then.
                if self.sending == Known::Blocked {
                    self.sending = Known::WasBlocked;
                }
                Ok(Some(payload_bytes))
            }
            Ok(None) => {
                self.found_nothing();
                Ok(None)
            }
            Err(errno) if errno.ends_socket() => Err(errno),
            // Out of turn, as a REQ that has not asked, or a type that never receives. The news were not taken in.
            Err(_) => {
                self.receiving = Known::WasBlocked;
                Ok(None)
            }
        }
    }
}

impl Transport<OwnedPort<'_>> for ZmqTransport {
    type Error = Errno;
    type Refused = Errno;

    /// What `cx` would wake is the stream itself, which the watch knows: when this is pending, the watch is set.
    fn poll_ready(
        &mut self,
        _cx: &mut Context<'_>,
        want: Interest,
    ) -> Poll<Result<Interest, Errno>> {
        let is_known = (!want.receive || self.receiving == Known::Blocked)
            && (!want.send || self.sending == Known::Blocked)
            && (want.is_some() || self.looked);
        if !is_known {
            if let Err(errno) = self.look() {
                return Poll::Ready(Err(errno));
            }
            let worth = self.worth(want);
            if worth.is_some() {
                return Poll::Ready(Ok(worth));
            }
        }
        // A head that has had its last attempt: what news there were since, nobody need have seen.
        let is_in_doubt = want.send && self.futile_sends >= FUTILE_SENDS;
        if is_in_doubt && self.retries.wait() {
            self.watch_deadline();
        }
        self.watch.set();
        Poll::Pending
    }

    fn try_recv(&mut self, port: &mut OwnedPort<'_>) -> Result<Received, Errno> {
        let mut message = Multipart::new();
        if self.recv(&mut message)?.is_some() {
            port.feed(message);
            return Ok(Received::Message);
        }
        Ok(Received::Blocked)
    }

    /// A whole batch at once, and the last one's end.
    fn try_send(&mut self, port: &mut OwnedPort<'_>) -> Result<Sent<Errno>, Errno> {
        if self.sending != Known::Nothing {
            return Ok(Sent::Blocked);
        }
        let mut last = Ok(Sent::Blocked);
        port.send_while(BATCH_MESSAGES, |message, bytes| {
            last = self.send(message, bytes);
            last == Ok(Sent::Accepted)
        });
        last
    }

    /// What libzmq has accepted it sends by itself, for as long as the socket lingers.
    fn try_flush(&mut self) -> Result<bool, Errno> {
        Ok(true)
    }

    fn shutdown(&mut self, how: Shutdown) {
        // Whatever it has told until now is there once it has stopped. It fails only if the context is gone.
        let _: Result<(), Errno> = self.watch.socket().monitor(None, EventMask::NONE);
        match how {
            Shutdown::Flushed => self.linger_for_the_rest(),
            Shutdown::Abort => self.linger(Duration::ZERO),
        }
        self.watch.close();
    }
}

/// Sends all frames of a message, or none.
///
/// A PUSH, a DEALER or a REQ whose peer goes away in the middle of a message takes back what it has of it, says `EAGAIN`,
/// and then swallows what follows up to the last frame; a PAIR only says `EAGAIN`. So the frames are kept until the
/// last one was taken, and the message begins anew when there is another peer. (Where a peer goes away and libzmq
/// reports success, the message is gone, and nothing here can know.)
///
/// `begun` says whether earlier frames of the message have gone.
fn send_frames(
    socket: &mut Socket,
    frames: &mut [Frame],
    mut begun: bool,
    bytes: &mut usize,
) -> Result<Sent<Errno>, Errno> {
    let Some((last, before)) = frames.split_last_mut() else {
        return Ok(Sent::Accepted);
    };
    if socket.kind() == SocketType::REQ && !begun {
        // It writes the frames of its envelope before it learns that the peer has left, and would not write them again: the request
        // would go without them. So it learns of it first; a peer that leaves within these microseconds is libzmq's to mend.
        socket.events()?;
    }
    if !before.is_empty() {
        match send_before(socket, before, begun, bytes)? {
            Sent::Accepted => begun = true,
            not_sent => return Ok(not_sent),
        }
    }
    match socket.send(last, false) {
        Ok(sent) => {
            *bytes = bytes.saturating_add(sent);
            Ok(Sent::Accepted)
        }
        Err(errno) => not_sent(socket, errno, begun, false),
    }
}

/// Sends the frames before the last.
#[inline(never)]
fn send_before(
    socket: &mut Socket,
    frames: &mut [Frame],
    mut begun: bool,
    bytes: &mut usize,
) -> Result<Sent<Errno>, Errno> {
    for frame in frames {
        match socket.send_shared(frame, true) {
            Ok(sent) => {
                *bytes = bytes.saturating_add(sent);
                begun = true;
            }
            Err(errno) => return not_sent(socket, errno, begun, true),
        }
    }
    Ok(Sent::Accepted)
}

/// What the error of one frame comes to for its message.
#[cold]
fn not_sent(
    socket: &mut Socket,
    errno: Errno,
    begun: bool,
    more: bool,
) -> Result<Sent<Errno>, Errno> {
    if errno.ends_socket() {
        return Err(errno);
    }
    if !errno.is_again() {
        return Ok(Sent::Refused(errno));
    }
    if begun && more && socket.kind() != SocketType::PAIR {
        // Ends the message that libzmq swallows; it takes this for its last frame.
        match socket.send(&mut Frame::default(), false) {
            Err(errno) if errno.ends_socket() => return Err(errno),
            Ok(_) | Err(_) => {}
        }
    }
    if begun && socket.kind() == SocketType::REQ {
        // It waits for a reply to a request that nobody has, or has begun one that cannot be begun anew.
        return Err(Errno::INTERRUPTED);
    }
    Ok(Sent::Blocked)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::{Runtime, Watched};
    use crate::socket::RawContext;

    fn recv_message(socket: &mut Socket) -> Multipart {
        let mut message = Multipart::new();
        loop {
            match message.receive(socket) {
                Ok((_, true)) => {}
                Ok((_, false)) => return message,
                Err(errno) => assert!(errno.is_again(), "{errno}"),
            }
            std::thread::yield_now();
        }
    }

    /// The peer goes away behind the first frame of so many, after so many looks at the news. If libzmq refuses the
    /// next frame then, the message begins anew and arrives whole, and so does the one behind it.
    fn is_interrupted(count: usize, kinds: [SocketType; 2], looks: usize) -> bool {
        let context = RawContext::new().unwrap();
        let interrupted = {
            let mut sender = context.socket(kinds[0]).unwrap();
            sender.set_linger(Duration::ZERO).unwrap();
            sender.bind(c"inproc://d6").unwrap();
            let connect = || {
                let mut peer = context.socket(kinds[1]).unwrap();
                peer.connect(c"inproc://d6").unwrap();
                peer
            };
            let peer = connect();
            let mut message: Multipart = (0..count).map(|k| vec![b'm'; 40 + k]).collect();
            let whole = message.clone();
            while !sender.events().unwrap().1 {}
            sender.send_shared(&mut message[0], true).unwrap();
            drop(peer);
            // libzmq learns of it in two steps; only between the two it refuses the next frame.
            for _ in 0..looks {
                sender.events().unwrap();
            }
            match send_frames(&mut sender, &mut message[1..], true, &mut 0).unwrap() {
                Sent::Blocked => {
                    assert_eq!(message, whole);
                    let mut peer = connect();
                    for mut next in [message, "next".into()] {
                        let mut blocked = 0;
                        while send_frames(&mut sender, &mut next, false, &mut 0).unwrap()
                            != Sent::Accepted
                        {
                            sender.events().unwrap();
                            blocked += 1;
                            if blocked % 1_000 == 0 {
                                // A PAIR turned the new peer away while it was not done with the old one.
                                peer = connect();
                            }
                            std::thread::yield_now();
                        }
                    }
                    assert_eq!(recv_message(&mut peer), whole);
                    assert_eq!(recv_message(&mut peer), "next");
                    true
                }
                // It swallows the rest and says that it was sent: what it has lost then, nobody can know.
                Sent::Accepted => false,
                Sent::Refused(errno) => panic!("{errno}"),
            }
        };
        context.terminate();
        interrupted
    }

    /// The moment is a matter of microseconds: it is looked for until it was met.
    fn interrupted_behind_the_first_of(count: usize, kinds: [SocketType; 2]) {
        let started = Instant::now();
        let mut attempts = 0..;
        while !attempts
            .next()
            .is_some_and(|attempt| is_interrupted(count, kinds, attempt % 64))
        {
            let limit = Duration::from_secs(120);
            assert!(started.elapsed() < limit, "the peer was never seen going");
        }
    }

    /// Nobody is told.
    struct Unwatched(std::sync::Mutex<Option<ZmqTransport>>);

    impl Watched for Unwatched {
        fn on_ready(&self) {}
        fn on_schedule(&self) {}
    }

    /// A transport over this socket, which nobody but the test uses.
    fn unwatched(socket: Socket) -> ZmqTransport {
        let opened = Watch::open(&Runtime::Thread, socket, |watch| {
            Unwatched(Some(ZmqTransport::new(watch)).into()).into()
        });
        let transport = opened.ok().unwrap().0.lock().unwrap().take();
        transport.unwrap()
    }

    #[test]
    fn g3_behind_a_send_that_was_in_vain_it_is_not_known_that_nothing_has_come() {
        let context = RawContext::new().unwrap();
        let socket = context.socket(SocketType::DEALER).unwrap();
        let mut transport = unwatched(socket);
        // The last attempt, too, may have taken in the news of a message.
        for _ in 0..=FUTILE_SENDS {
            transport.look().unwrap();
            assert!(transport.receiving == Known::Blocked);
            let sent = transport.send(&mut "x".into(), &mut 0).unwrap();
            assert_eq!(sent, Sent::Blocked);
            assert!(transport.receiving == Known::Nothing);
        }
        assert!(transport.sending == Known::Blocked);
        drop(transport);
        context.terminate();
    }

    /// libzmq has taken the first frame, for it was asked whether there is a message, and the rest goes with the connection.
    #[test]
    fn c1_a_message_that_was_looked_at_is_whole_though_its_connection_ends() {
        for kinds in [
            [SocketType::SUB, SocketType::PUB],
            [SocketType::XSUB, SocketType::PUB],
            [SocketType::ROUTER, SocketType::DEALER],
        ] {
            let context = RawContext::new().unwrap();
            let endpoints = [c"inproc://stays", c"inproc://leaves"];
            let mut peers = endpoints.map(|endpoint| {
                let mut peer = context.socket(kinds[1]).unwrap();
                peer.bind(endpoint).unwrap();
                peer
            });
            let mut socket = context.socket(kinds[0]).unwrap();
            for endpoint in endpoints {
                socket.connect(endpoint).unwrap();
            }
            match kinds[0] {
                SocketType::SUB => socket.set_bytes(zmq_sys::ZMQ_SUBSCRIBE, b"").unwrap(),
                SocketType::XSUB => {
                    let sent = socket.send(&mut Frame::copied(&[1]), false);
                    assert_eq!(sent, Ok(1));
                }
                _ => {}
            }
            let mut transport = unwatched(socket);
            let mut send = |of: usize| {
                for part in [0, 1] {
                    let mut frame = Frame::copied(&[u8::try_from(of).unwrap(), part]);
                    let _: Result<usize, Errno> = peers[of].send(&mut frame, part == 0);
                }
                peers[of].events().unwrap();
            };
            let is_of = |message: &Multipart, of: u8| {
                message.ends_with(&[Frame::copied(&[of, 0]), Frame::copied(&[of, 1])])
                    && message.len() == 2 + usize::from(kinds[0] == SocketType::ROUTER)
            };
            while {
                send(1);
                transport.look().unwrap();
                transport.receiving == Known::Blocked
            } {}
            transport.watch.socket().disconnect(endpoints[1]).unwrap();
            let of_both = std::iter::repeat_with(|| {
                let mut message = Multipart::new();
                loop {
                    send(0);
                    transport.receiving = Known::Nothing;
                    if transport.recv(&mut message).unwrap().is_some() {
                        return message;
                    }
                }
            });
            for message in of_both {
                if is_of(&message, 0) {
                    break;
                }
                assert!(is_of(&message, 1), "{message:?}");
            }
            drop((transport, peers));
            context.terminate();
        }
    }

    /// A receive takes in the news now and then, and nobody is told when.
    #[test]
    fn g3_behind_a_message_that_was_received_it_is_not_known_that_there_is_no_room() {
        let context = RawContext::new().unwrap();
        let mut peer = context.socket(SocketType::DEALER).unwrap();
        peer.bind(c"inproc://room").unwrap();
        let mut socket = context.socket(SocketType::DEALER).unwrap();
        socket.set_int(zmq_sys::ZMQ_SNDHWM, 1).unwrap();
        peer.set_int(zmq_sys::ZMQ_RCVHWM, 1).unwrap();
        socket.connect(c"inproc://room").unwrap();
        let mut transport = unwatched(socket);
        while transport.send(&mut "x".into(), &mut 0).unwrap() == Sent::Accepted {}
        while peer.send(&mut Frame::copied(b"y"), false).is_err() {
            peer.events().unwrap();
        }
        transport.look().unwrap();
        assert!(transport.sending == Known::Blocked);
        let received = transport.recv(&mut Multipart::new()).unwrap();
        assert_eq!(received, Some(1));
        assert!(transport.sending == Known::WasBlocked);
        drop((transport, peer));
        context.terminate();
    }

    /// What would end a message that has begun would be one.
    #[test]
    fn d6_behind_a_message_that_has_not_begun_nothing_is_sent() {
        let context = RawContext::new().unwrap();
        let mut peer = context.socket(SocketType::PULL).unwrap();
        peer.bind(c"inproc://begun").unwrap();
        let mut socket = context.socket(SocketType::PUSH).unwrap();
        socket.connect(c"inproc://begun").unwrap();
        while !socket.events().unwrap().1 {}
        for more in [false, true] {
            let sent = not_sent(&mut socket, Errno::new(zmq_sys::errno::EAGAIN), false, more);
            assert_eq!(sent, Ok(Sent::Blocked));
        }
        assert_eq!(socket.send(&mut Frame::copied(b"first"), false), Ok(5));
        assert_eq!(recv_message(&mut peer), "first");
        drop((socket, peer));
        context.terminate();
    }

    #[test]
    fn d6_a_message_interrupted_at_a_frame_in_its_middle_is_sent_again_whole() {
        interrupted_behind_the_first_of(3, [SocketType::PUSH, SocketType::PULL]);
        interrupted_behind_the_first_of(3, [SocketType::DEALER, SocketType::DEALER]);
        interrupted_behind_the_first_of(3, [SocketType::PAIR, SocketType::PAIR]);
    }

    #[test]
    fn d6_a_message_interrupted_at_its_last_frame_is_sent_again_whole() {
        interrupted_behind_the_first_of(2, [SocketType::PUSH, SocketType::PULL]);
        interrupted_behind_the_first_of(2, [SocketType::DEALER, SocketType::DEALER]);
        interrupted_behind_the_first_of(2, [SocketType::PAIR, SocketType::PAIR]);
    }

    /// The peer goes away behind the first frame of a request, after so many looks at the news. If libzmq refuses the next frame
    /// then, the request is over, and the error says so.
    fn request_is_interrupted(looks: usize) -> bool {
        let context = RawContext::new().unwrap();
        let interrupted = {
            let mut req = context.socket(SocketType::REQ).unwrap();
            req.set_linger(Duration::ZERO).unwrap();
            req.bind(c"inproc://d6-req").unwrap();
            let mut peer = context.socket(SocketType::REP).unwrap();
            peer.connect(c"inproc://d6-req").unwrap();
            let mut request: Multipart = (0..3).map(|k| vec![b'm'; 40 + k]).collect();
            while !req.events().unwrap().1 {}
            req.send_shared(&mut request[0], true).unwrap();
            drop(peer);
            for _ in 0..looks {
                req.events().unwrap();
            }
            match send_frames(&mut req, &mut request[1..], true, &mut 0) {
                Err(errno) => {
                    assert_eq!(errno, Errno::INTERRUPTED);
                    true
                }
                // It swallows the rest and says that it was sent: what it has lost then, nobody can know.
                Ok(Sent::Accepted) => false,
                Ok(sent) => panic!("{sent:?}"),
            }
        };
        context.terminate();
        interrupted
    }

    #[test]
    fn d6_a_request_that_is_interrupted_is_neither_torn_nor_sent_twice_but_fails() {
        let started = Instant::now();
        let mut attempts = 0..;
        while !attempts
            .next()
            .is_some_and(|attempt| request_is_interrupted(attempt % 64))
        {
            let limit = Duration::from_secs(120);
            assert!(started.elapsed() < limit, "the peer was never seen going");
        }
    }
}
