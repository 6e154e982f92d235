//! Endpoints that libzmq would take, and do harm or nothing with.

use std::net::Ipv6Addr;

use zmq::SocketType;

use crate::error::EndpointError;
use crate::names;
use crate::socket::Socket;

/// libzmq holds the request for a WebSocket in 8 KiB, with the host, the path and 200 bytes of its own.
const LONGEST_WS: usize = 4096;
/// Where libzmq looks for the ZAP handler ([RFC 27](https://rfc.zeromq.org/spec/27/)).
const OF_ZAP: &str = "inproc://zeromq.zap.01";

/// Refuses what is not to be bound.
pub(crate) fn check_bind(socket: &mut Socket, endpoint: &str) -> Result<(), EndpointError> {
    refuse(
        endpoint,
        of_bind(socket, endpoint).or_else(|| of_either(socket, endpoint)),
    )
}

/// Refuses what is not to be connected.
pub(crate) fn check_connect(socket: &mut Socket, endpoint: &str) -> Result<(), EndpointError> {
    refuse(
        endpoint,
        of_connect(socket, endpoint).or_else(|| of_either(socket, endpoint)),
    )
}

/// Refuses an endpoint that the stream has among these, which it has bound or connected.
pub(crate) fn check_other(others: &[String], endpoint: &str) -> Result<(), EndpointError> {
    let is_there = others.iter().any(|other| other == endpoint);
    refuse(
        endpoint,
        is_there.then_some(
            "the same stream has bound or connected it, and libzmq would end both at once",
        ),
    )
}

fn refuse(endpoint: &str, reason: Option<&'static str>) -> Result<(), EndpointError> {
    reason.map_or(Ok(()), |reason| {
        Err(EndpointError::Unsupported {
            endpoint: endpoint.to_owned(),
            reason,
        })
    })
}

fn of_bind(socket: &mut Socket, endpoint: &str) -> Option<&'static str> {
    if let Some(path) = endpoint.strip_prefix("ipc://") {
        let found = std::fs::symlink_metadata(path).ok()?;
        return (!is_socket(found.file_type()))
            .then_some("libzmq would delete the file of that name, which is no socket");
    }
    if endpoint == OF_ZAP && !matches!(socket.kind(), SocketType::REP | SocketType::ROUTER) {
        return Some(
            "libzmq ends the process when it finds a ZAP handler there that is no REP or ROUTER",
        );
    }
    // A stranger may ask for a connection without a handshake.
    if is_open_ws(socket, endpoint) && socket.has_domain() {
        return Some("libzmq asks no ZAP handler of who comes by WebSocket without PLAIN or CURVE");
    }
    None
}

fn of_connect(socket: &mut Socket, endpoint: &str) -> Option<&'static str> {
    match endpoint.split_once("://")? {
        // libzmq writes the end of a connection that waits, and the name of a peer, over what is held.
        ("inproc", _)
            if socket.conflates()
                && (socket.kind() == SocketType::DEALER
                    || !socket.is_bound_by_a_stream(endpoint)) =>
        {
            Some(
                "a socket that conflates connects by inproc only what a stream of the same `Context` has bound, and a DEALER nothing: libzmq would lose what it holds, or end the process",
            )
        }
        ("tcp", address) if names::has_no_port(address) => {
            Some("there is no port 0 to connect to, and libzmq would try for ever")
        }
        ("tcp", address)
            if is_ipv6(names::host(address))
                && socket.get_int(zmq_sys::ZMQ_IPV6) == Ok(0)
                && socket.proxy().is_none() =>
        {
            Some("the option IPV6 is off, and libzmq would try for ever")
        }
        _ => None,
    }
}

fn of_either(socket: &mut Socket, endpoint: &str) -> Option<&'static str> {
    let (transport, address) = endpoint.split_once("://")?;
    if socket.kind() == SocketType::STREAM && (is_ws(endpoint) || transport == "inproc") {
        return Some("a peer that does not come by tcp or ipc may end the process of a STREAM");
    }
    if !is_ws(endpoint) {
        return None;
    }
    if endpoint.len() > LONGEST_WS {
        return Some(
            "libzmq ends the process by a WebSocket's address and path of over some 8,000 bytes",
        );
    }
    let (_, path) = address.split_once('/').unwrap_or_default();
    if path.contains(':') {
        return Some(
            "libzmq would take what is before the last colon, that of the path, for the host",
        );
    }
    let beats = is_open_ws(socket, endpoint) && socket.get_int(zmq_sys::ZMQ_HEARTBEAT_IVL) != Ok(0);
    beats.then_some(
        "a heartbeat of a connection by WebSocket without PLAIN or CURVE may end the process",
    )
}

fn is_ws(endpoint: &str) -> bool {
    endpoint.starts_with("ws://") || endpoint.starts_with("wss://")
}

/// Whether this is a WebSocket without a mechanism.
fn is_open_ws(socket: &mut Socket, endpoint: &str) -> bool {
    is_ws(endpoint) && socket.has_mechanism(zmq_sys::ZMQ_NULL)
}

/// One that is an address of IPv4 in another form is that for the system, too.
fn is_ipv6(host: &str) -> bool {
    let ip = host.parse::<Ipv6Addr>();
    ip.is_ok_and(|ip| ip.to_ipv4_mapped().is_none())
}

#[cfg(unix)]
fn is_socket(found: std::fs::FileType) -> bool {
    std::os::unix::fs::FileTypeExt::is_socket(&found)
}

#[cfg(not(unix))]
fn is_socket(_: std::fs::FileType) -> bool {
    true
}
