//! The types of sockets, as `zmq.h` numbers and calls them.

use std::ffi::c_int;

use zmq::SocketType;

const KINDS: [(SocketType, u32, &str); 12] = [
    (SocketType::PAIR, zmq_sys::ZMQ_PAIR, "PAIR"),
    (SocketType::PUB, zmq_sys::ZMQ_PUB, "PUB"),
    (SocketType::SUB, zmq_sys::ZMQ_SUB, "SUB"),
    (SocketType::REQ, zmq_sys::ZMQ_REQ, "REQ"),
    (SocketType::REP, zmq_sys::ZMQ_REP, "REP"),
    (SocketType::DEALER, zmq_sys::ZMQ_DEALER, "DEALER"),
    (SocketType::ROUTER, zmq_sys::ZMQ_ROUTER, "ROUTER"),
    (SocketType::PULL, zmq_sys::ZMQ_PULL, "PULL"),
    (SocketType::PUSH, zmq_sys::ZMQ_PUSH, "PUSH"),
    (SocketType::XPUB, zmq_sys::ZMQ_XPUB, "XPUB"),
    (SocketType::XSUB, zmq_sys::ZMQ_XSUB, "XSUB"),
    (SocketType::STREAM, zmq_sys::ZMQ_STREAM, "STREAM"),
];

/// A type's number.
pub(crate) fn number(kind: SocketType) -> c_int {
    let found = KINDS.iter().find(|(of, ..)| *of == kind);
    found.map_or(-1, |(_, number, _)| number.cast_signed())
}

/// A type's name.
pub(crate) fn name(kind: SocketType) -> &'static str {
    let found = KINDS.iter().find(|(of, ..)| *of == kind);
    found.map_or("draft", |(.., name)| name)
}

/// The name of the type of this number.
pub(crate) fn name_of(number: c_int) -> &'static str {
    let found = KINDS.iter().find(|(_, of, _)| of.cast_signed() == number);
    found.map_or("draft", |(.., name)| name)
}

/// Whether a socket of this type can hold the last message alone.
pub(crate) fn can_conflate(kind: SocketType) -> bool {
    matches!(
        kind,
        SocketType::DEALER
            | SocketType::PULL
            | SocketType::PUSH
            | SocketType::PUB
            | SocketType::SUB
    )
}
