//! Names of hosts, which libzmq resolves in the I/O thread of a connection, at each attempt to connect, and waits there for
//! whatever answers. So that others need not wait meanwhile, a context has I/O threads more than it is made with, for connections to
//! names.

use std::ffi::CStr;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::error::Errno;
use crate::socket::Socket;

/// The I/O threads of a context of our own, as bits of ZMQ_AFFINITY.
#[derive(Clone, Debug)]
pub(crate) struct IoThreads {
    /// Those that never resolve a name.
    pub(crate) ordinary: u64,
    /// The number of the first that does, and how many there are.
    first: u32,
    count: u32,
    /// How many names were connected.
    connected: Arc<AtomicU32>,
}

impl IoThreads {
    /// So many more, for names, than these. `None` if there are none of either, or more than the option has bits for.
    pub(crate) fn beside(threads: u32, names: u32) -> Option<Self> {
        let all = threads.checked_add(names)?;
        if threads == 0 || names == 0 || all > u64::BITS {
            return None;
        }
        Some(Self {
            ordinary: 1u64.checked_shl(threads)?.checked_sub(1)?,
            first: threads,
            count: names,
            connected: Arc::default(),
        })
    }

    /// The thread for the next name: one after the other.
    fn next(&self) -> u64 {
        let connected = self.connected.fetch_add(1, Ordering::Relaxed);
        let number = connected.checked_rem(self.count).unwrap_or(0);
        1u64.checked_shl(self.first.saturating_add(number))
            .unwrap_or(self.ordinary)
    }
}

/// Connects; if that takes resolving a name, in a thread that is there for it. A socket whose threads its user has chosen keeps
/// them.
pub(crate) fn connect(socket: &mut Socket, endpoint: &str, raw: &CStr) -> Result<(), Errno> {
    let threads = socket.io_threads().cloned();
    let threads = threads.filter(|threads| {
        let resolves = socket
            .proxy()
            .map_or_else(|| has_name(endpoint), |proxy| is_name(&proxy));
        resolves && socket.affinity() == Ok(threads.ordinary)
    });
    let Some(threads) = threads else {
        return socket.connect(raw);
    };
    socket.set_affinity(threads.next())?;
    let connected = socket.connect(raw);
    // What refuses this has ended the socket.
    let _: Result<(), Errno> = socket.set_affinity(threads.ordinary);
    connected
}

/// The socket was somebody's who may have set its threads: any thread means any that resolves no names.
pub(crate) fn keep_apart(socket: &mut Socket) {
    let ordinary = socket.io_threads().map(|threads| threads.ordinary);
    if let Some(ordinary) = ordinary
        && socket.affinity() == Ok(0)
    {
        let _: Result<(), Errno> = socket.set_affinity(ordinary);
    }
}

/// Whether libzmq resolves a name before a connect returns.
pub(crate) fn resolves_at_once(endpoint: &str) -> bool {
    endpoint.starts_with("ws") && has_name(endpoint)
}

/// Whether an endpoint to connect has a host name that somebody else may be asked for.
fn has_name(endpoint: &str) -> bool {
    match endpoint.split_once("://") {
        Some(("tcp", address)) => is_name(address),
        // A path follows; in the end libzmq looks for a source in it, too.
        Some(("ws" | "wss", address)) => {
            address.contains(';') || is_name(address.split('/').next().unwrap_or_default())
        }
        _ => false,
    }
}

/// Whether the host of this address has to be looked up. `localhost` is known on the host itself
/// ([RFC 6761, section 6.3](https://www.rfc-editor.org/rfc/rfc6761#section-6.3)), as a rule in its file of hosts.
fn is_name(address: &str) -> bool {
    let host = host(address);
    host.parse::<IpAddr>().is_err() && !host.eq_ignore_ascii_case("localhost")
}

/// A source may come before the destination; it is an address, or the name of a network interface.
fn destination(address: &str) -> &str {
    address.rsplit(';').next().unwrap_or_default()
}

/// Whether the port of this address is 0, or to be chosen.
pub(crate) fn has_no_port(address: &str) -> bool {
    let port = destination(address).rsplit_once(':').map(|(_, port)| port);
    port.is_some_and(|port| port == "*" || port.parse() == Ok(0u16))
}

/// The host of an address, without the zone of an IPv6 address, which is one of this host's.
pub(crate) fn host(address: &str) -> &str {
    let destination = destination(address);
    let host = match destination.rsplit_once(':') {
        Some((host, _port)) => host,
        None => destination,
    };
    let inside = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    let host = inside.unwrap_or(host);
    host.rsplit_once('%').map_or(host, |(host, _zone)| host)
}

/// Whether the events of an endpoint that was connected may name it otherwise: a host by its address, an address as libzmq writes it, and
/// `ws` by a path.
pub(crate) fn is_told_otherwise(endpoint: &str) -> bool {
    match endpoint.split_once("://") {
        Some(("tcp", address)) => {
            let host = host(address);
            let is_as_written = |ip: IpAddr| ip.to_string() == host;
            address.contains(';') || !host.parse::<IpAddr>().is_ok_and(is_as_written)
        }
        Some((transport, _)) => matches!(transport, "ws" | "wss"),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::{IoThreads, has_name, resolves_at_once};

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
            "ws://127.0.0.1:80/a;example.org:80",
            "tcp://[127.0.0.1:80",
        ] {
            assert!(has_name(endpoint), "{endpoint}");
        }
    }

    /// Meanwhile whoever sets an option is told that the socket is in use.
    #[test]
    fn g1_a_connect_lends_the_socket_only_where_libzmq_asks_for_the_name_at_once() {
        for endpoint in ["ws://example.org:80", "wss://example.org/a.path"] {
            assert!(resolves_at_once(endpoint), "{endpoint}");
        }
        for endpoint in [
            "inproc://a.name",
            "ipc:///tmp/a.socket",
            "tcp://127.0.0.1:5555",
            "tcp://example.org:5555",
            "ws://127.0.0.1:80",
        ] {
            assert!(!resolves_at_once(endpoint), "{endpoint}");
        }
    }

    #[test]
    fn g1_the_threads_for_names_come_after_all_others_and_take_turns() {
        let threads = IoThreads::beside(2, 2).unwrap();
        assert_eq!(threads.ordinary, 0b0011);
        assert_eq!(
            [threads.next(), threads.next(), threads.next()],
            [0b0100, 0b1000, 0b0100]
        );
        let last = IoThreads::beside(63, 1).unwrap();
        assert_eq!((last.ordinary, last.next()), (u64::MAX >> 1, 1 << 63));
        // There are none where there are no others, and none without a bit of their own.
        assert!(IoThreads::beside(0, 1).is_none());
        assert!(IoThreads::beside(1, 0).is_none());
        assert!(IoThreads::beside(64, 1).is_none());
        assert!(IoThreads::beside(u32::MAX, 1).is_none());
    }
}
