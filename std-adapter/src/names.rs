//! Names of hosts, which libzmq resolves in the I/O thread of a connection, at each attempt to connect, and waits there for
//! whatever answers. So that nobody else waits meanwhile, a context has one I/O thread more than it is made with, for connections
//! to names.

use std::ffi::CStr;
use std::net::IpAddr;

use crate::error::Errno;
use crate::socket::Socket;

/// The I/O threads of a context of our own, as bits of ZMQ_AFFINITY.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IoThreads {
    /// Those that never resolve a name.
    pub(crate) ordinary: u64,
    /// The one that does.
    names: u64,
}

impl IoThreads {
    /// One more than these. `None` if there are none, or more than the option has bits for.
    pub(crate) fn beside(threads: u32) -> Option<Self> {
        let names = 1u64.checked_shl(threads).filter(|_| threads > 0)?;
        let ordinary = names.checked_sub(1)?;
        Some(Self { ordinary, names })
    }
}

/// Connects; if that takes resolving a name, in the thread that is there for it. A socket whose threads its user has chosen keeps
/// them.
pub(crate) fn connect(socket: &mut Socket, endpoint: &str, raw: &CStr) -> Result<(), Errno> {
    let threads = socket.io_threads().filter(|_| has_name(endpoint));
    match threads.filter(|threads| socket.affinity() == Ok(threads.ordinary)) {
        None => socket.connect(raw),
        Some(threads) => {
            socket.set_affinity(threads.names)?;
            let connected = socket.connect(raw);
            // What refuses this has ended the socket.
            let _: Result<(), Errno> = socket.set_affinity(threads.ordinary);
            connected
        }
    }
}

/// Whether an endpoint to connect has a host name that somebody else may be asked for. `localhost` is known on the host itself
/// ([RFC 6761, section 6.3](https://www.rfc-editor.org/rfc/rfc6761#section-6.3)).
fn has_name(endpoint: &str) -> bool {
    let address = match endpoint.split_once("://") {
        Some(("tcp", address)) => address,
        // A path follows.
        Some(("ws" | "wss", address)) => address.split('/').next().unwrap_or_default(),
        _ => return false,
    };
    // A source may come before the destination; it is an address, or the name of a network interface.
    let destination = address.rsplit(';').next().unwrap_or_default();
    let host = match destination.rsplit_once(':') {
        Some((host, _port)) => host,
        None => destination,
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    // The zone of an IPv6 address is one of this host's.
    let host = host.split('%').next().unwrap_or_default();
    host.parse::<IpAddr>().is_err() && !host.eq_ignore_ascii_case("localhost")
}

#[cfg(test)]
mod tests {
    use super::{IoThreads, has_name};

    #[test]
    fn g1_an_address_is_no_name_and_neither_is_this_host() {
        for endpoint in [
            "tcp://127.0.0.1:5555",
            "tcp://[::1]:5555",
            "tcp://::1:5555",
            "tcp://[fe80::1%eth0]:5555",
            "tcp://eth0:0;10.0.0.1:5555",
            "tcp://localhost:5555",
            "tcp://LocalHost:5555",
            "ws://127.0.0.1:80/a.path",
            "ipc:///tmp/a.socket",
            "inproc://a.name",
        ] {
            assert!(!has_name(endpoint), "{endpoint}");
        }
        for endpoint in [
            "tcp://example.org:5555",
            "tcp://example:5555",
            "tcp://10.0.0.2:0;example.org:5555",
            "tcp://127.0.0.1.example.org:5555",
            "ws://example.org:80/127.0.0.1",
            "wss://example.org",
        ] {
            assert!(has_name(endpoint), "{endpoint}");
        }
    }

    #[test]
    fn g1_the_thread_for_names_comes_after_all_others() {
        let threads = IoThreads::beside(2).unwrap();
        assert_eq!((threads.ordinary, threads.names), (0b011, 0b100));
        assert!(IoThreads::beside(63).is_some());
        // There is none where there are no others, and none without a bit of its own.
        assert!(IoThreads::beside(0).is_none());
        assert!(IoThreads::beside(64).is_none());
    }
}
