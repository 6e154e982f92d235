//! Who is there, by what the events of a socket tell.
//!
//! An event of a connection names its endpoint, which the connections of one listener share, and some its descriptor. How a handshake
//! has ended is told without a descriptor: where only one of an endpoint is under way it is that one's, and otherwise a guess, which is
//! put right as soon as the end of a connection shows that it was wrong.
//!
//! libzmq does not always name an endpoint as it was connected: a host by its address once it has looked that up, and `ws` by a path.

use std::collections::VecDeque;

use tidegate_core::EventKind;
use zmq::SocketType;

use crate::names;

/// So many endpoints that the stream has left are remembered: of those that it has left last something may still be told.
const LEFT: usize = 32;

/// The connections of a stream by one endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EndpointState {
    /// Where: what was connected, or the address of this side by which connections were accepted. Where several names with one port are
    /// connected, a connection that was made again is told by the address that libzmq has found.
    pub endpoint: String,
    /// How many connections have ended their handshake: messages can go.
    pub connected: usize,
    /// How many have not yet.
    pub handshaking: usize,
}

/// What the stream itself does with an endpoint, of which libzmq tells nothing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    Opened,
    Unbound,
    Disconnected,
}

/// The connections of a stream.
pub(crate) struct Presence {
    connections: Vec<Connection>,
    /// What the stream has left last.
    left: VecDeque<Left>,
    /// A STREAM's connections have none.
    has_handshake: bool,
}

struct Left {
    change: Change,
    endpoint: String,
    /// Whether any name with its port means it: libzmq may name it otherwise, and no other has the port.
    has_port: bool,
}

struct Connection {
    fd: i32,
    endpoint: String,
    is_accepted: bool,
    state: State,
    /// Whether another connection may be meant by what this state was told by.
    is_guess: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Handshaking,
    /// Of `ws` the end of a handshake is told twice.
    Half,
    Ready,
    /// Its handshake has failed, and it is about to end.
    Failed,
}

impl Presence {
    pub(crate) fn new(kind: SocketType) -> Self {
        Self {
            connections: Vec::new(),
            left: VecDeque::new(),
            has_handshake: kind != SocketType::STREAM,
        }
    }

    /// Takes an event in. Says whether more connections are ready than before.
    pub(crate) fn note(&mut self, kind: EventKind, endpoint: &str) -> bool {
        match kind {
            EventKind::Connected { fd } => self.opened(fd, endpoint, false),
            EventKind::Accepted { fd } => self.opened(fd, endpoint, true),
            EventKind::Disconnected { fd } => {
                self.lost(fd);
                false
            }
            EventKind::HandshakeSucceeded => self.succeeded(endpoint),
            EventKind::HandshakeFailedNoDetail { .. }
            | EventKind::HandshakeFailedProtocol { .. }
            | EventKind::HandshakeFailedAuth { .. } => {
                // Of a connection that was ready its end is told next.
                self.advance(endpoint, &[State::Half, State::Handshaking], State::Failed);
                false
            }
            _ => false,
        }
    }

    fn opened(&mut self, fd: i32, endpoint: &str, is_accepted: bool) -> bool {
        // Where the stream itself has ended the connection that had it, nothing was told.
        self.lost(fd);
        if self
            .left
            .iter()
            .any(|left| left.is_meant(endpoint, is_accepted))
        {
            return false;
        }
        self.connections.push(Connection {
            fd,
            endpoint: endpoint.to_owned(),
            is_accepted,
            state: if self.has_handshake {
                State::Handshaking
            } else {
                State::Ready
            },
            is_guess: false,
        });
        !self.has_handshake
    }

    fn succeeded(&mut self, endpoint: &str) -> bool {
        let is_told_twice = endpoint.starts_with("ws://") || endpoint.starts_with("wss://");
        if !is_told_twice {
            return self.advance(endpoint, &[State::Handshaking], State::Ready);
        }
        let is_second = self.advance(endpoint, &[State::Half], State::Ready);
        if !is_second {
            self.advance(endpoint, &[State::Handshaking], State::Half);
        }
        is_second
    }

    /// The handshake of one of an endpoint's connections, the first that is in one of these states, goes on to another. Says whether
    /// there was one.
    fn advance(&mut self, endpoint: &str, from: &[State], to: State) -> bool {
        let of_endpoint = self.connections.iter_mut();
        let mut may_be_meant = false;
        let mut first: Option<&mut Connection> = None;
        for connection in of_endpoint.filter(|open| open.endpoint == endpoint) {
            let is_candidate = from.contains(&connection.state);
            if is_candidate && first.is_none() {
                first = Some(connection);
            } else {
                // One whose own state is a guess may be that which the guess was about.
                may_be_meant |= is_candidate || connection.is_guess;
            }
        }
        let Some(first) = first else {
            return false;
        };
        first.state = to;
        first.is_guess |= may_be_meant;
        true
    }

    /// A connection has ended.
    fn lost(&mut self, fd: i32) {
        let index = self.connections.iter().position(|open| open.fd == fd);
        let Some(lost) = index.map(|index| self.connections.remove(index)) else {
            return;
        };
        // No handshake ends without a word: this one's failure was taken for another's.
        if lost.state != State::Failed && (lost.is_guess || lost.state != State::Ready) {
            let is_mistaken = |other: &&mut Connection| {
                other.endpoint == lost.endpoint && other.is_guess && other.state == State::Failed
            };
            if let Some(other) = self.connections.iter_mut().find(is_mistaken) {
                other.state = lost.state;
            }
        }
    }

    /// The stream has done this, and is connected to these now.
    pub(crate) fn change(&mut self, change: Change, endpoint: &str, connected: &[String]) {
        if change == Change::Opened {
            self.left.retain(|left| {
                let may_be_meant = left.change == Change::Unbound || left.has_port;
                left.endpoint != endpoint
                    && !(may_be_meant && port(&left.endpoint) == port(endpoint))
            });
            return;
        }
        let is_renamed = change == Change::Disconnected && names::is_told_otherwise(endpoint);
        let has_port = |name: &str| port(name) == port(endpoint);
        let left = Left {
            change,
            endpoint: endpoint.to_owned(),
            has_port: is_renamed && !connected.iter().any(|other| has_port(other)),
        };
        self.connections.retain(|open| {
            let name = &*open.endpoint;
            let is_this = is_renamed
                && !open.is_accepted
                && has_port(name)
                && !connected.iter().any(|other| may_be(other, name));
            !is_this && !left.is_meant(name, open.is_accepted)
        });
        if self.left.len() >= LEFT {
            self.left.pop_front();
        }
        self.left.push_back(left);
    }

    /// The stream is closing.
    pub(crate) fn leave_all(&mut self) {
        self.connections.clear();
    }

    /// How many connections are ready.
    pub(crate) fn connected(&self) -> usize {
        let connections = self.connections.iter();
        connections
            .filter(|connection| connection.state == State::Ready)
            .count()
    }

    /// By endpoint, each named as it is among those that are connected, if it is there.
    pub(crate) fn states(&self, connected: &[String]) -> Vec<EndpointState> {
        let mut states: Vec<EndpointState> = Vec::new();
        for connection in &self.connections {
            let told = &*connection.endpoint;
            let name = match connection.is_accepted {
                true => told,
                false => given(told, connected).unwrap_or(told),
            };
            let is_ready = usize::from(connection.state == State::Ready);
            let is_under_way = matches!(connection.state, State::Handshaking | State::Half);
            let is_under_way = usize::from(is_under_way);
            match states.iter_mut().find(|state| state.endpoint == name) {
                Some(state) => {
                    state.connected += is_ready;
                    state.handshaking += is_under_way;
                }
                None => states.push(EndpointState {
                    endpoint: name.to_owned(),
                    connected: is_ready,
                    handshaking: is_under_way,
                }),
            }
        }
        states
    }
}

impl Left {
    /// Whether a connection by `name` was one by this endpoint.
    fn is_meant(&self, name: &str, is_accepted: bool) -> bool {
        let left = &*self.endpoint;
        let has_its_port = || port(left) == port(name);
        match self.change {
            Change::Opened => false,
            Change::Disconnected => {
                !is_accepted && (left == name || (self.has_port && has_its_port()))
            }
            // What a wildcard has accepted is told by the address of this side.
            Change::Unbound => {
                is_accepted && (left == name || (is_wildcard(left) && has_its_port()))
            }
        }
    }
}

/// Whether libzmq may mean this endpoint, which was connected, by the name of a connection.
fn may_be(endpoint: &str, name: &str) -> bool {
    endpoint == name || (names::is_told_otherwise(endpoint) && port(endpoint) == port(name))
}

/// Which of the connected endpoints libzmq means by this name, as far as that can be told.
fn given<'a>(name: &str, connected: &'a [String]) -> Option<&'a str> {
    if let Some(same) = connected.iter().find(|endpoint| *endpoint == name) {
        return Some(same);
    }
    let mut candidates = connected.iter().filter(|endpoint| may_be(endpoint, name));
    let first = candidates.next()?;
    candidates.all(|other| other == first).then_some(first)
}

fn is_wildcard(endpoint: &str) -> bool {
    ["0.0.0.0:", "[::]:", "*:"].iter().any(|host| {
        endpoint
            .split_once("://")
            .is_some_and(|(_, rest)| rest.starts_with(host))
    })
}

/// The transport of an endpoint and its port.
fn port(endpoint: &str) -> Option<(&str, &str)> {
    let (transport, address) = endpoint.split_once("://")?;
    let address = match transport {
        "ws" | "wss" => address.split('/').next()?,
        _ => address,
    };
    let (_, port) = address.rsplit_once(':')?;
    Some((transport, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: &str = "tcp://127.0.0.1:5555";
    const FAILED: EventKind = EventKind::HandshakeFailedAuth { status: 400 };
    const SUCCEEDED: EventKind = EventKind::HandshakeSucceeded;

    fn presence() -> Presence {
        Presence::new(SocketType::ROUTER)
    }

    fn accepted(presence: &mut Presence, fd: i32) {
        assert!(!presence.note(EventKind::Accepted { fd }, HERE));
    }

    fn connected(presence: &mut Presence, fd: i32, endpoint: &str) {
        presence.note(EventKind::Connected { fd }, endpoint);
    }

    fn ready(presence: &mut Presence, fd: i32) {
        accepted(presence, fd);
        assert!(presence.note(SUCCEEDED, HERE));
    }

    fn failed(presence: &mut Presence) {
        assert!(!presence.note(FAILED, HERE));
    }

    fn lost(presence: &mut Presence, fd: i32) {
        presence.note(EventKind::Disconnected { fd }, HERE);
    }

    fn counts(presence: &Presence) -> (usize, usize) {
        let states = presence.states(&[]);
        assert!(states.len() <= 1);
        states
            .first()
            .map_or((0, 0), |state| (state.connected, state.handshaking))
    }

    fn names(presence: &Presence) -> Vec<String> {
        let states = presence.states(&[]).into_iter();
        states.map(|state| state.endpoint).collect()
    }

    #[test]
    fn i4_a_connection_counts_from_the_end_of_its_handshake_until_it_breaks() {
        let mut presence = presence();
        accepted(&mut presence, 7);
        assert_eq!(counts(&presence), (0, 1));
        assert!(presence.note(SUCCEEDED, HERE));
        assert_eq!((counts(&presence), presence.connected()), ((1, 0), 1));
        lost(&mut presence, 7);
        assert_eq!(presence.states(&[]), []);
    }

    #[test]
    fn i4_one_that_was_refused_and_stays_counts_for_nothing_whoever_leaves() {
        let mut presence = presence();
        ready(&mut presence, 7);
        accepted(&mut presence, 8);
        failed(&mut presence);
        assert_eq!(counts(&presence), (1, 0));
        lost(&mut presence, 7);
        assert_eq!(counts(&presence), (0, 0));
        ready(&mut presence, 9);
        assert_eq!(counts(&presence), (1, 0));
        lost(&mut presence, 8);
        assert_eq!(counts(&presence), (1, 0));
    }

    #[test]
    fn i4_a_guess_between_two_handshakes_is_put_right_by_the_end_of_one() {
        // The first that came is taken for the one that is ready, and it was the other.
        let mut two = presence();
        accepted(&mut two, 7);
        accepted(&mut two, 8);
        two.note(SUCCEEDED, HERE);
        failed(&mut two);
        assert_eq!(counts(&two), (1, 0));
        lost(&mut two, 7);
        assert_eq!(counts(&two), (1, 0));
        lost(&mut two, 8);
        assert_eq!(counts(&two), (0, 0));
        // The failure of the second is taken for the first one's, which is still under way.
        let mut two = presence();
        accepted(&mut two, 7);
        accepted(&mut two, 8);
        failed(&mut two);
        lost(&mut two, 8);
        assert_eq!(counts(&two), (0, 1));
        two.note(SUCCEEDED, HERE);
        assert_eq!(counts(&two), (1, 0));
    }

    #[test]
    fn i4_the_end_of_a_connection_says_nothing_of_one_that_no_guess_was_about() {
        // It was ready without a guess: the failure was not its own.
        let mut three = presence();
        ready(&mut three, 7);
        accepted(&mut three, 8);
        accepted(&mut three, 9);
        failed(&mut three);
        lost(&mut three, 7);
        assert_eq!(counts(&three), (0, 1));
        // Whoever is ready stays so though another gives up.
        let mut two = presence();
        ready(&mut two, 7);
        accepted(&mut two, 8);
        lost(&mut two, 8);
        assert_eq!(counts(&two), (1, 0));
    }

    #[test]
    fn i4_a_handshake_that_failed_alone_stays_failed_when_the_next_one_is_given_up() {
        let mut presence = presence();
        accepted(&mut presence, 7);
        failed(&mut presence);
        accepted(&mut presence, 8);
        lost(&mut presence, 8);
        assert_eq!(counts(&presence), (0, 0));
    }

    #[test]
    fn i4_a_peer_that_breaks_the_protocol_later_is_gone_like_any_other() {
        let mut presence = presence();
        ready(&mut presence, 7);
        failed(&mut presence);
        assert_eq!(counts(&presence), (1, 0));
        lost(&mut presence, 7);
        assert_eq!(counts(&presence), (0, 0));
    }

    #[test]
    fn i4_a_descriptor_that_is_used_again_belongs_to_the_new_connection() {
        let mut presence = presence();
        ready(&mut presence, 7);
        connected(&mut presence, 7, "tcp://127.0.0.1:6666");
        let states = presence.states(&[]);
        assert_eq!(states.len(), 1);
        assert_eq!(states[0].endpoint, "tcp://127.0.0.1:6666");
        assert_eq!((states[0].connected, states[0].handshaking), (0, 1));
    }

    #[test]
    fn i4_the_handshake_of_a_websocket_is_told_twice() {
        let mut presence = presence();
        connected(&mut presence, 7, "ws://127.0.0.1:5555");
        assert!(!presence.note(SUCCEEDED, "ws://127.0.0.1:5555"));
        assert_eq!(counts(&presence), (0, 1));
        assert!(presence.note(SUCCEEDED, "ws://127.0.0.1:5555"));
        assert_eq!(counts(&presence), (1, 0));
    }

    #[test]
    fn i4_a_connection_of_a_stream_socket_has_no_handshake() {
        let mut raw = Presence::new(SocketType::STREAM);
        assert!(raw.note(EventKind::Accepted { fd: 7 }, HERE));
        assert_eq!(counts(&raw), (1, 0));
    }

    #[test]
    fn i4_what_the_stream_has_left_is_gone_and_comes_back_by_no_late_event() {
        let elsewhere = ["tcp://127.0.0.2:5555", "tcp://127.0.0.3:5555"];
        let mut presence = presence();
        ready(&mut presence, 7);
        connected(&mut presence, 8, elsewhere[0]);
        connected(&mut presence, 9, elsewhere[1]);
        // Only what has just this name.
        presence.change(Change::Disconnected, elsewhere[1], &[]);
        assert_eq!(names(&presence), [HERE, elsewhere[0]]);
        connected(&mut presence, 9, elsewhere[1]);
        assert_eq!(names(&presence), [HERE, elsewhere[0]]);
        // Another address, and another port of all addresses, are others.
        presence.change(Change::Unbound, "tcp://127.0.0.9:5555", &[]);
        presence.change(Change::Unbound, "tcp://0.0.0.0:6666", &[]);
        assert_eq!(names(&presence), [HERE, elsewhere[0]]);
        // A wildcard by its port, of what was accepted.
        presence.change(Change::Unbound, "tcp://0.0.0.0:5555", &[]);
        assert_eq!(names(&presence), [elsewhere[0]]);
        presence.change(Change::Opened, elsewhere[1], &[]);
        connected(&mut presence, 9, elsewhere[1]);
        assert_eq!(names(&presence), elsewhere);
        presence.leave_all();
        assert_eq!(presence.states(&[]), []);
    }

    #[test]
    fn i4_what_is_opened_again_brings_back_what_was_left_by_that_name_or_wildcard_and_no_more() {
        let is_back = |left: Change, name: &str, opened: &str, event: EventKind| {
            let mut presence = presence();
            presence.change(left, name, &[]);
            presence.change(Change::Opened, opened, &[]);
            presence.note(event, HERE);
            counts(&presence) == (0, 1)
        };
        let (accepted, connected) = (
            EventKind::Accepted { fd: 7 },
            EventKind::Connected { fd: 7 },
        );
        assert!(is_back(Change::Unbound, HERE, HERE, accepted));
        assert!(is_back(Change::Disconnected, HERE, HERE, connected));
        // What was bound to all addresses of a port may be bound to one.
        let wildcard = "tcp://0.0.0.0:5555";
        assert!(is_back(Change::Unbound, wildcard, HERE, accepted));
        let other_port = "tcp://127.0.0.1:6666";
        assert!(!is_back(Change::Unbound, wildcard, other_port, accepted));
        assert!(!is_back(Change::Unbound, HERE, other_port, accepted));
        // Whoever is connected elsewhere by the same port is another.
        let other_host = "tcp://127.0.0.2:5555";
        assert!(!is_back(Change::Disconnected, HERE, other_host, connected));
    }

    #[test]
    fn i4_the_last_thirty_two_endpoints_that_were_left_are_remembered() {
        let of = |k: usize| format!("tcp://127.0.0.1:{}", 1_000 + k);
        let mut presence = presence();
        (0..=LEFT).for_each(|k| presence.change(Change::Disconnected, &of(k), &[]));
        for k in 0..=LEFT {
            connected(&mut presence, i32::try_from(k).unwrap(), &of(k));
        }
        assert_eq!(names(&presence), [of(0)]);
    }

    #[test]
    fn i4_an_event_of_what_was_never_seen_counts_for_nothing() {
        let mut presence = presence();
        assert!(!presence.note(SUCCEEDED, HERE));
        failed(&mut presence);
        lost(&mut presence, 7);
        assert_eq!(presence.connected(), 0);
    }

    #[test]
    fn i4_what_libzmq_names_otherwise_is_what_was_connected() {
        let all = |names: &[&str]| {
            names
                .iter()
                .map(|&name| name.to_owned())
                .collect::<Vec<_>>()
        };
        for (was, is_told) in [
            ("tcp://localhost:5555", "tcp://127.0.0.1:5555"),
            ("tcp://127.0.0.1:0;host:5555", "tcp://10.0.0.7:5555"),
            ("tcp://[0:0::1]:5555", "tcp://[::1]:5555"),
            ("ws://127.0.0.1:5555", "ws://127.0.0.1:5555/"),
            ("ws://127.0.0.1:5555/a/b", "ws://127.0.0.1:5555/b"),
        ] {
            let beside = "tcp://10.0.0.1:5555";
            let connections = all(&[beside, was, was]);
            let mut presence = presence();
            connected(&mut presence, 7, is_told);
            connected(&mut presence, 8, beside);
            let states = presence.states(&connections);
            assert_eq!((&*states[0].endpoint, &*states[1].endpoint), (was, beside));
            presence.change(Change::Disconnected, was, &connections[..1]);
            assert_eq!(names(&presence), [beside]);
            // Too late.
            presence.change(Change::Disconnected, beside, &[]);
            presence.change(Change::Disconnected, was, &[]);
            connected(&mut presence, 7, is_told);
            assert_eq!(names(&presence), [""; 0]);
            presence.change(Change::Opened, was, &[]);
            connected(&mut presence, 7, is_told);
            assert_eq!(names(&presence), [is_told]);
        }
        // Of several with one port nobody knows which is meant; and what is an address is told as it is.
        let connections = all(&["tcp://one:5555", "tcp://two:5555", "tcp://10.0.0.1:6666"]);
        let mut presence = presence();
        connected(&mut presence, 7, HERE);
        connected(&mut presence, 8, "tcp://127.0.0.1:6666");
        let states = presence.states(&connections);
        assert_eq!(states[0].endpoint, HERE);
        assert_eq!(states[1].endpoint, "tcp://127.0.0.1:6666");
        // Those who stay may be meant, all of them.
        presence.change(Change::Disconnected, "tcp://one:5555", &connections[1..]);
        assert_eq!(names(&presence).len(), 2);
        presence.change(Change::Disconnected, "tcp://two:5555", &connections[2..]);
        assert_eq!(names(&presence), ["tcp://127.0.0.1:6666"]);
        // An accepted one is never meant.
        let mut presence = self::presence();
        accepted(&mut presence, 9);
        assert_eq!(
            presence.states(&all(&["tcp://localhost:5555"]))[0].endpoint,
            HERE
        );
        presence.change(Change::Disconnected, "tcp://localhost:5555", &[]);
        assert_eq!(counts(&presence), (0, 1));
        // By either name it is one endpoint.
        let mut presence = self::presence();
        connected(&mut presence, 7, "tcp://localhost:5555");
        connected(&mut presence, 8, HERE);
        let states = presence.states(&all(&["tcp://localhost:5555"]));
        assert_eq!((states.len(), states[0].handshaking), (1, 2));
    }
}
