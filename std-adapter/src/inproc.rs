//! Which `inproc` names the streams of a context have bound, which libzmq does not tell.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use zmq_sys::RawFd;

/// The names of a context, each with the descriptor of the socket that has bound it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names(Arc<Mutex<Vec<(RawFd, String)>>>);

impl Names {
    fn lock(&self) -> MutexGuard<'_, Vec<(RawFd, String)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn has(&self, endpoint: &str) -> bool {
        self.lock().iter().any(|(_, name)| name == endpoint)
    }

    /// A socket has bound an endpoint; other transports' are nobody's business.
    pub(crate) fn bound(&self, socket: RawFd, endpoint: &[u8]) {
        if let Ok(endpoint) = std::str::from_utf8(endpoint)
            && endpoint.starts_with("inproc:")
        {
            self.lock().push((socket, endpoint.to_owned()));
        }
    }

    pub(crate) fn unbound(&self, socket: RawFd, endpoint: &[u8]) {
        self.lock()
            .retain(|(of, name)| *of != socket || name.as_bytes() != endpoint);
    }

    /// A socket is about to be closed.
    pub(crate) fn closes(&self, socket: RawFd) {
        self.lock().retain(|(of, _)| *of != socket);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g1_a_name_is_known_in_its_context_until_it_is_unbound_or_its_socket_is_closed() {
        let names = Names::default();
        let of_others = names.clone();
        names.bound(1, b"inproc://a");
        names.bound(1, b"inproc://b");
        names.bound(1, b"tcp://127.0.0.1:5555");
        names.bound(2, b"inproc://c");
        let known = || ["inproc://a", "inproc://b", "inproc://c"].map(|name| of_others.has(name));
        assert_eq!(known(), [true; 3]);
        assert!(!of_others.has("tcp://127.0.0.1:5555"));
        assert!(!Names::default().has("inproc://a"));
        // It is not that one's.
        names.unbound(2, b"inproc://a");
        assert_eq!(known(), [true; 3]);
        names.unbound(1, b"inproc://a");
        assert_eq!(known(), [false, true, true]);
        names.closes(1);
        assert_eq!(known(), [false, false, true]);
    }
}
