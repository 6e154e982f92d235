//! What libzmq knows of where a message came from.

use std::ffi::CString;

use crate::message::{Frame, Multipart};

impl Frame {
    /// A property of the connection that the frame came by: `Peer-Address`, `Socket-Type`, `Routing-Id`, `User-Id`, and whatever else
    /// the peer or the [`Authenticator`](crate::Authenticator) has told
    /// ([zmq_msg_gets(3)](https://libzmq.readthedocs.io/en/latest/zmq_msg_gets.html)). What a peer says of itself may be a lie,
    /// and it may say anything: see [`Multipart::user_id`]. Over tcp the address is the system's.
    ///
    /// `None` of a frame that came by no connection, as one over `inproc` or one of one's own, and of what is not UTF-8.
    pub fn metadata(&self, property: &str) -> Option<&str> {
        let name = CString::new(property).ok()?;
        self.property(&name)?.to_str().ok()
    }
}

impl Multipart {
    /// A [property](Frame::metadata) of the connection that the message came by.
    pub fn metadata(&self, property: &str) -> Option<&str> {
        self.iter().find_map(|frame| frame.metadata(property))
    }

    /// The address of the peer that the message came from: an IP address without the port over tcp; over ipc, where the system tells it, the
    /// user, group and process of the peer.
    pub fn peer_address(&self) -> Option<&str> {
        self.metadata("Peer-Address")
    }

    /// Who sent the message, as the [`Authenticator`](crate::Authenticator) calls the peer, **where it was asked**: on a
    /// [`plain_server`](crate::Builder::plain_server), a [`curve_server`](crate::Builder::curve_server), or a stream that is
    /// [`guarded`](crate::Builder::guarded). Anywhere else libzmq hands on what the peer calls itself, which may be any name.
    pub fn user_id(&self) -> Option<&str> {
        self.metadata("User-Id")
    }
}
