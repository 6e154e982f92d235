//! Who is there, by what the events of a socket tell.
//!
//! An event of a connection names its endpoint, which the connections of one listener share, and some its descriptor. That a handshake
//! has ended is told without a descriptor; so of each endpoint it is counted how many are ready, and not which. What counts wrong for a
//! moment, because the events of two connections came between each other, is right again when both have ended.

use tidegate_core::EventKind;

/// The connections of a stream by one endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EndpointState {
    /// Where: as libzmq tells it, names resolved; of connections that were accepted, the address of this side.
    pub endpoint: String,
    /// How many connections have ended their handshake: messages can go.
    pub connected: usize,
    /// How many have not yet.
    pub handshaking: usize,
}

/// The connections of a stream.
#[derive(Default)]
pub(crate) struct Presence {
    endpoints: Vec<Endpoint>,
}

struct Endpoint {
    name: String,
    /// The descriptors of all connections.
    open: Vec<i32>,
    ready: usize,
    /// Handshakes that have failed, and whose connection is about to end.
    failed: usize,
}

impl Endpoint {
    fn handshaking(&self) -> usize {
        let others = self.ready.saturating_add(self.failed);
        self.open.len().saturating_sub(others)
    }

    /// One of its connections has ended. If no handshake has failed it was one that was ready.
    fn has_lost(&mut self, fd: i32) {
        let Some(index) = self.open.iter().position(|&open| open == fd) else {
            return;
        };
        self.open.swap_remove(index);
        if self.failed > 0 {
            self.failed -= 1;
        } else {
            self.ready = self.ready.saturating_sub(1);
        }
        self.ready = self.ready.min(self.open.len());
    }
}

impl Presence {
    /// Takes an event in. Says whether more connections are ready than before.
    pub(crate) fn note(&mut self, kind: EventKind, endpoint: &str) -> bool {
        match kind {
            EventKind::Connected { fd } | EventKind::Accepted { fd } => self.opened(fd, endpoint),
            EventKind::Disconnected { fd } => self.lost(fd),
            EventKind::HandshakeSucceeded => {
                if let Some(endpoint) = self.find(endpoint)
                    && endpoint.handshaking() > 0
                {
                    endpoint.ready += 1;
                    return true;
                }
            }
            EventKind::HandshakeFailedNoDetail { .. }
            | EventKind::HandshakeFailedProtocol { .. }
            | EventKind::HandshakeFailedAuth { .. } => {
                // Of a connection that was ready its end is told next.
                if let Some(endpoint) = self.find(endpoint)
                    && endpoint.handshaking() > 0
                {
                    endpoint.failed += 1;
                }
            }
            _ => {}
        }
        false
    }

    fn find(&mut self, name: &str) -> Option<&mut Endpoint> {
        self.endpoints
            .iter_mut()
            .find(|endpoint| endpoint.name == name)
    }

    fn opened(&mut self, fd: i32, name: &str) {
        // Where the stream itself has ended a connection, nothing was told.
        self.lost(fd);
        match self.find(name) {
            Some(endpoint) => endpoint.open.push(fd),
            None => self.endpoints.push(Endpoint {
                name: name.to_owned(),
                open: vec![fd],
                ready: 0,
                failed: 0,
            }),
        }
    }

    fn lost(&mut self, fd: i32) {
        for endpoint in &mut self.endpoints {
            endpoint.has_lost(fd);
        }
        self.endpoints.retain(|endpoint| !endpoint.open.is_empty());
    }

    /// The stream has unbound or disconnected this endpoint, of which libzmq tells nothing.
    pub(crate) fn forget(&mut self, endpoint: &str) {
        let is_known = self.endpoints.iter().any(|known| known.name == endpoint);
        self.endpoints.retain(|known| match is_known {
            true => known.name != endpoint,
            // A wildcard or a host name, which events tell resolved.
            false => port(endpoint).is_none() || port(&known.name) != port(endpoint),
        });
    }

    /// How many connections are ready.
    pub(crate) fn connected(&self) -> usize {
        let ready = self.endpoints.iter().map(|endpoint| endpoint.ready);
        ready.fold(0, usize::saturating_add)
    }

    pub(crate) fn states(&self) -> Vec<EndpointState> {
        let states = self.endpoints.iter().map(|endpoint| EndpointState {
            endpoint: endpoint.name.clone(),
            connected: endpoint.ready,
            handshaking: endpoint.handshaking(),
        });
        states.collect()
    }
}

/// The transport of an endpoint and its port.
fn port(endpoint: &str) -> Option<(&str, &str)> {
    let (transport, address) = endpoint.split_once("://")?;
    let (_, port) = address.rsplit_once(':')?;
    Some((transport, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: &str = "tcp://127.0.0.1:5555";
    const FAILED: EventKind = EventKind::HandshakeFailedAuth { status: 400 };

    fn accepted(presence: &mut Presence, fds: &[i32]) {
        for &fd in fds {
            presence.note(EventKind::Accepted { fd }, HERE);
        }
    }

    fn lost(presence: &mut Presence, fd: i32) {
        presence.note(EventKind::Disconnected { fd }, HERE);
    }

    fn counts(presence: &Presence) -> (usize, usize) {
        let states = presence.states();
        assert!(states.len() <= 1);
        states
            .first()
            .map_or((0, 0), |state| (state.connected, state.handshaking))
    }

    #[test]
    fn i4_a_connection_counts_from_the_end_of_its_handshake_until_it_breaks() {
        let mut presence = Presence::default();
        accepted(&mut presence, &[7]);
        assert_eq!(counts(&presence), (0, 1));
        assert!(presence.note(EventKind::HandshakeSucceeded, HERE));
        assert_eq!(counts(&presence), (1, 0));
        lost(&mut presence, 7);
        assert_eq!(presence.states(), []);
    }

    #[test]
    fn i4_a_handshake_that_fails_takes_nobody_away_who_is_there() {
        let mut presence = Presence::default();
        accepted(&mut presence, &[7, 8]);
        presence.note(EventKind::HandshakeSucceeded, HERE);
        presence.note(FAILED, HERE);
        assert_eq!(counts(&presence), (1, 0));
        lost(&mut presence, 8);
        assert_eq!(counts(&presence), (1, 0));
        lost(&mut presence, 7);
        assert_eq!(counts(&presence), (0, 0));
    }

    #[test]
    fn i4_a_peer_that_breaks_the_protocol_later_is_gone_like_any_other() {
        let mut presence = Presence::default();
        accepted(&mut presence, &[7]);
        presence.note(EventKind::HandshakeSucceeded, HERE);
        presence.note(FAILED, HERE);
        lost(&mut presence, 7);
        assert_eq!(counts(&presence), (0, 0));
        // Beside one that is just coming the count is right once that one has come.
        accepted(&mut presence, &[7]);
        presence.note(EventKind::HandshakeSucceeded, HERE);
        accepted(&mut presence, &[8]);
        presence.note(FAILED, HERE);
        lost(&mut presence, 7);
        presence.note(EventKind::HandshakeSucceeded, HERE);
        assert_eq!(counts(&presence), (1, 0));
        lost(&mut presence, 8);
        assert_eq!(counts(&presence), (0, 0));
    }

    #[test]
    fn i4_a_descriptor_that_is_used_again_belongs_to_the_new_connection() {
        let mut presence = Presence::default();
        accepted(&mut presence, &[7]);
        presence.note(EventKind::HandshakeSucceeded, HERE);
        presence.note(EventKind::Connected { fd: 7 }, "tcp://127.0.0.1:6666");
        let states = presence.states();
        assert_eq!(states.len(), 1);
        assert_eq!(states[0].endpoint, "tcp://127.0.0.1:6666");
        assert_eq!((states[0].connected, states[0].handshaking), (0, 1));
    }

    #[test]
    fn i4_what_the_stream_has_left_is_gone_by_its_name_or_by_its_port() {
        let mut presence = Presence::default();
        accepted(&mut presence, &[7]);
        presence.note(EventKind::Connected { fd: 8 }, "tcp://127.0.0.1:6666");
        presence.forget("tcp://0.0.0.0:5555");
        assert_eq!(presence.states()[0].endpoint, "tcp://127.0.0.1:6666");
        presence.note(EventKind::Connected { fd: 9 }, "ipc://there");
        presence.forget("ipc://elsewhere");
        assert_eq!(presence.states().len(), 2);
        presence.forget("ipc://there");
        presence.forget("tcp://127.0.0.1:6666");
        assert_eq!(presence.states(), []);
    }

    #[test]
    fn i4_an_event_of_what_was_never_seen_counts_for_nothing() {
        let mut presence = Presence::default();
        assert!(!presence.note(EventKind::HandshakeSucceeded, HERE));
        presence.note(FAILED, HERE);
        lost(&mut presence, 7);
        assert_eq!(presence.connected(), 0);
    }
}
