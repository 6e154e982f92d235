//! What a stream has bound and connected.
//!
//! Of a tcp endpoint to bind libzmq takes an address or the name of a network interface, and no host name
//! ([zmq_tcp(7)](https://libzmq.readthedocs.io/en/latest/zmq_tcp.html)): nothing waits for a name server. For the host names of
//! those to connect, see `names.rs`.

use std::ffi::{CStr, CString};

use crate::error::{EndpointError, Errno, SocketError};
use crate::names;
use crate::notes::Note;
use crate::presence::Change;
use crate::pump::Flow;
use crate::refusals;
use crate::socket::{Socket, c_string};
use crate::stream::{Wakers, ZmqStream, wake_all};

/// What was done through the stream and not undone, in the order in which it was done.
#[derive(Debug, Default)]
pub(crate) struct Endpoints {
    bound: Vec<String>,
    connected: Vec<String>,
    /// Whether anything was ever bound or connected, by this stream or before it.
    has_had_peers: bool,
    /// Whether one of these may have been outside of this process.
    leaves_process: bool,
}

impl Endpoints {
    /// The socket was somebody else's, before or for a while, who may have bound or connected it.
    pub(crate) fn may_have_peers(&mut self) {
        self.has_had_peers = true;
        self.leaves_process = true;
    }

    /// Something was bound or connected here.
    fn has_peers(&mut self, endpoint: &str) {
        self.has_had_peers = true;
        self.leaves_process |= !endpoint.starts_with("inproc:");
    }

    /// Whether a peer may be outside of this process: then an answer comes by libzmq's I/O thread.
    pub(crate) fn leaves_process(&self) -> bool {
        self.leaves_process
    }

    /// Whether there may be peers, or were.
    pub(crate) fn has_had_peers(&self) -> bool {
        self.has_had_peers
    }

    /// Binds an endpoint; returns it with wildcards resolved.
    pub(crate) fn bind(
        &mut self,
        socket: &mut Socket,
        endpoint: &str,
    ) -> Result<String, EndpointError> {
        let c_endpoint = checked(endpoint)?;
        refusals::check_bind(socket, endpoint)?;
        refusals::check_other(&self.connected, endpoint)?;
        let bound = socket.bind(&c_endpoint).map(|()| {
            // A name that is too long to be told has no wildcards that could have been resolved.
            let resolved = socket.last_endpoint();
            resolved.unwrap_or_else(|_| endpoint.to_owned())
        });
        let bound = bound.map_err(|source| EndpointError::Bind {
            endpoint: endpoint.to_owned(),
            source,
        })?;
        self.has_peers(endpoint);
        self.bound.push(bound.clone());
        Ok(bound)
    }

    pub(crate) fn connect(
        &mut self,
        socket: &mut Socket,
        endpoint: &str,
    ) -> Result<(), EndpointError> {
        self.check_connect(endpoint)?;
        connect(socket, endpoint, &checked(endpoint)?)?;
        self.note_connected(endpoint);
        Ok(())
    }

    fn check_connect(&self, endpoint: &str) -> Result<(), EndpointError> {
        refusals::check_other(&self.bound, endpoint)
    }

    fn note_connected(&mut self, endpoint: &str) {
        self.has_peers(endpoint);
        self.connected.push(endpoint.to_owned());
    }

    fn unbind(&mut self, socket: &mut Socket, endpoint: &str) -> Result<(), EndpointError> {
        if !self.bound.iter().any(|bound| bound == endpoint) {
            return Err(EndpointError::NotBound {
                endpoint: endpoint.to_owned(),
            });
        }
        let unbound = socket.unbind(&checked(endpoint)?);
        unbound.map_err(|source| EndpointError::Unbind {
            endpoint: endpoint.to_owned(),
            source,
        })?;
        self.bound.retain(|bound| bound != endpoint);
        Ok(())
    }

    fn disconnect(&mut self, socket: &mut Socket, endpoint: &str) -> Result<(), EndpointError> {
        if !self.connected.iter().any(|connected| connected == endpoint) {
            return Err(EndpointError::NotConnected {
                endpoint: endpoint.to_owned(),
            });
        }
        let disconnected = match socket.disconnect(&checked(endpoint)?) {
            // libzmq has left it already: a connection was lost that is not to be made again.
            Err(Errno::NO_ENTRY) => Ok(()),
            disconnected => disconnected,
        };
        disconnected.map_err(|source| EndpointError::Disconnect {
            endpoint: endpoint.to_owned(),
            source,
        })?;
        // libzmq ends every connection to an endpoint of that name.
        self.connected.retain(|connected| connected != endpoint);
        Ok(())
    }

    /// Takes back what was bound and connected: closing the socket alone would do so some time later, and a socket that is given
    /// back is not closed.
    pub(crate) fn undo_all(&mut self, socket: &mut Socket) {
        for endpoint in self.bound.drain(..) {
            if let Some(c_endpoint) = c_string(&endpoint) {
                // What cannot be unbound is so when the socket closes.
                let _: Result<(), Errno> = socket.unbind(&c_endpoint);
            }
        }
        // One disconnect ends every connection to an endpoint, and for one that has none libzmq would look up its name.
        self.connected.sort();
        self.connected.dedup();
        for endpoint in self.connected.drain(..) {
            if let Some(c_endpoint) = c_string(&endpoint) {
                let _: Result<(), Errno> = socket.disconnect(&c_endpoint);
            }
        }
    }
}

/// An endpoint that libzmq can be asked for.
fn checked(endpoint: &str) -> Result<CString, EndpointError> {
    let c_endpoint = c_string(endpoint).ok_or_else(|| EndpointError::Nul {
        endpoint: endpoint.to_owned(),
    })?;
    if has_large_port(endpoint) {
        return Err(EndpointError::Port {
            endpoint: endpoint.to_owned(),
        });
    }
    Ok(c_endpoint)
}

/// Connects, unless that is refused.
fn connect(socket: &mut Socket, endpoint: &str, raw: &CStr) -> Result<(), EndpointError> {
    refusals::check_connect(socket, endpoint)?;
    names::connect(socket, endpoint, raw).map_err(|source| EndpointError::Connect {
        endpoint: endpoint.to_owned(),
        source,
    })
}

/// Whether an endpoint of a transport with ports names one that does not fit into 16 bits. Of what is behind a colon libzmq reads the
/// digits that it begins with.
fn has_large_port(endpoint: &str) -> bool {
    let Some((transport, address)) = endpoint.split_once("://") else {
        return false;
    };
    let address = match transport {
        "tcp" | "udp" | "pgm" | "epgm" | "norm" | "vmci" => address,
        // A path follows.
        "ws" | "wss" => address.split('/').next().unwrap_or_default(),
        _ => return false,
    };
    // A source may come before the destination.
    address.split(';').any(|address| {
        address.rsplit_once(':').is_some_and(|(_, port)| {
            let port = port.trim_start();
            // A sign is read, too.
            if let Some(negative) = port.strip_prefix('-') {
                return negative.starts_with(|digit: char| digit.is_ascii_digit());
            }
            let port = port.strip_prefix('+').unwrap_or(port);
            let end = port.find(|digit: char| !digit.is_ascii_digit());
            let digits = port.get(..end.unwrap_or(port.len())).unwrap_or_default();
            !digits.is_empty() && digits.parse::<u16>().is_err()
        })
    })
}

impl From<SocketError> for EndpointError {
    fn from(over: SocketError) -> Self {
        match over {
            SocketError::Closed => Self::Closed,
            SocketError::InUse => Self::InUse,
            SocketError::Failed(errno) => Self::Failed(errno),
        }
    }
}

impl Flow {
    /// The stream is open, and so are its endpoints.
    pub(crate) fn note_opened(&mut self) {
        let notes = &mut self.ledger.notes;
        notes.push(|| Note::Opened);
        for endpoint in &self.endpoints.bound {
            notes.push(|| Note::Bound(endpoint.clone()));
        }
        for endpoint in &self.endpoints.connected {
            notes.push(|| Note::Connected(endpoint.clone()));
        }
    }

    fn with_endpoints<R>(
        &mut self,
        f: impl FnOnce(&mut Endpoints, &mut Socket) -> Result<R, EndpointError>,
    ) -> Result<R, EndpointError> {
        let mut endpoints = std::mem::take(&mut self.endpoints);
        let result = self.touch(|socket| f(&mut endpoints, socket));
        self.endpoints = endpoints;
        result.unwrap_or_else(|over| Err(over.into()))
    }
}

impl ZmqStream {
    /// Binds an endpoint, and returns it with wildcards resolved: `tcp://127.0.0.1:*` gets a port.
    ///
    /// Of a tcp endpoint to bind the host is an address or the name of a network interface, and no host name
    /// ([zmq_tcp(7)](https://libzmq.readthedocs.io/en/latest/zmq_tcp.html)), so that this waits for nobody.
    ///
    /// Over `ipc` libzmq takes the name of a socket that is there, even if another process listens on it, which is not told.
    ///
    /// # Errors
    /// See [`EndpointError`]: it names the endpoint, and nothing was bound.
    ///
    /// ```
    /// use tidegate::{EndpointError, SocketType, ZmqStream};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let stream = ZmqStream::builder(SocketType::PULL).open()?;
    /// let endpoint = stream.bind("tcp://127.0.0.1:*")?;
    /// assert_eq!(stream.bindings(), [endpoint.as_str()]);
    ///
    /// stream.unbind(&endpoint)?;
    /// assert!(stream.bindings().is_empty());
    /// assert!(matches!(stream.unbind(&endpoint), Err(EndpointError::NotBound { .. })));
    /// # Ok(())
    /// # }
    /// ```
    pub fn bind(&self, endpoint: &str) -> Result<String, EndpointError> {
        let inner = self.inner();
        let mut wakers = Wakers::new();
        let bound = inner.with(|flow| {
            // Whoever comes by it is told of from then on.
            wakers.extend(inner.monitor.note(Change::Opened, endpoint, &[]));
            let bound =
                flow.with_endpoints(|endpoints, socket| endpoints.bind(socket, endpoint))?;
            wakers.extend(inner.monitor.note(Change::Opened, &bound, &[]));
            flow.ledger.notes.push(|| Note::Bound(bound.clone()));
            Ok(bound)
        });
        wake_all(wakers);
        bound
    }

    /// Connects an endpoint, and returns it. The connection is made in the background, and made again when it is lost.
    ///
    /// libzmq gives an endpoint up without a word, but for a [monitor](Self::enable_monitor)'s, when the peer breaks the protocol, sends a frame over
    /// [`MAX_MESSAGE_BYTES`](crate::options::MAX_MESSAGE_BYTES) or refuses this one, and a REQ's when a reply is none; and an `inproc` one when the
    /// peer has closed. It stays among the [`connections`](Self::connections). [`disconnect`](Self::disconnect) it before it is connected
    /// anew: of a DEALER, PUB, REQ or SUB libzmq ignores a second connect to the same endpoint.
    ///
    /// libzmq resolves the host name of an endpoint itself, anew at each attempt to connect, and whatever the thread that does so
    /// serves stands still until it is answered. So a connection to a name has one of the context's
    /// [threads for names](crate::ContextBuilder::name_threads), which serve nothing else: while a name server does not answer,
    /// connections to names that have the same of these threads wait for each other, and nobody else does. (A
    /// [`shutdown`](crate::Context::shutdown) waits for them, too.) `localhost` counts as an address: a host knows it itself. In a
    /// caller's context, or that of an adopted socket, libzmq chooses among all its I/O threads.
    ///
    /// A name in a `ws` or `wss` endpoint is resolved before this returns, too: the calling thread waits, and until then the stream
    /// stands still, as in [`with_socket`](Self::with_socket). No other stream does. Of its path libzmq asks for what is behind the last
    /// slash alone.
    ///
    /// # Errors
    /// See [`EndpointError`]: it names the endpoint, and nothing was connected. That nobody is there is no error.
    pub fn connect(&self, endpoint: &str) -> Result<String, EndpointError> {
        let inner = self.inner();
        let at_once = names::resolves_at_once(endpoint);
        if at_once {
            wake_all(inner.monitor.note(Change::Opened, endpoint, &[]));
            // Nobody else is to wait for the lock meanwhile.
            let raw = checked(endpoint)?;
            inner.with(|flow| flow.endpoints.check_connect(endpoint))?;
            self.with_lent(|socket| connect(socket, endpoint, &raw))??;
        }
        let mut wakers = Wakers::new();
        let connected = inner.with(|flow| {
            if at_once {
                flow.endpoints.note_connected(endpoint);
            } else {
                wakers.extend(inner.monitor.note(Change::Opened, endpoint, &[]));
                flow.with_endpoints(|endpoints, socket| endpoints.connect(socket, endpoint))?;
            }
            flow.ledger
                .notes
                .push(|| Note::Connected(endpoint.to_owned()));
            Ok(endpoint.to_owned())
        });
        wake_all(wakers);
        connected
    }

    /// Leaves an endpoint. Who is there is told of it before anybody can come to it again.
    fn leave_endpoint(
        &self,
        change: Change,
        endpoint: &str,
        end: impl FnOnce(&mut Endpoints, &mut Socket) -> Result<(), EndpointError>,
        note: impl FnOnce(String) -> Note,
    ) -> Result<(), EndpointError> {
        let inner = self.inner();
        let left = inner.with(|flow| {
            flow.with_endpoints(end)?;
            flow.ledger.notes.push(|| note(endpoint.to_owned()));
            let connected = &flow.endpoints.connected;
            Ok(inner.monitor.note(change, endpoint, connected))
        });
        left.map(wake_all)
    }

    /// Takes back a [`bind`](Self::bind): takes what that returned, or what [`bindings`](Self::bindings) lists.
    ///
    /// libzmq closes the listening socket in the background, so that the port is free some moments later. An inproc peer that is
    /// connected stays so.
    ///
    /// # Errors
    /// See [`EndpointError`]: it names the endpoint, and nothing has changed.
    pub fn unbind(&self, endpoint: &str) -> Result<(), EndpointError> {
        let end =
            |endpoints: &mut Endpoints, socket: &mut Socket| endpoints.unbind(socket, endpoint);
        self.leave_endpoint(Change::Unbound, endpoint, end, Note::Unbound)
    }

    /// Takes back every [`connect`](Self::connect) to this endpoint. Nothing more is received from there, but for a message at most that a
    /// SUB, an XSUB or a ROUTER has looked at; what libzmq holds for
    /// it is still sent for as long as [`LINGER`](crate::options::LINGER) says
    /// ([zmq_disconnect(3)](https://libzmq.readthedocs.io/en/latest/zmq_disconnect.html)).
    ///
    /// # Errors
    /// See [`EndpointError`]: it names the endpoint, and nothing has changed.
    pub fn disconnect(&self, endpoint: &str) -> Result<(), EndpointError> {
        let end =
            |endpoints: &mut Endpoints, socket: &mut Socket| endpoints.disconnect(socket, endpoint);
        self.leave_endpoint(Change::Disconnected, endpoint, end, Note::Disconnected)
    }

    /// The endpoints that this stream has bound and not unbound, with wildcards resolved, in the order in which it did.
    pub fn bindings(&self) -> Vec<String> {
        self.inner().with(|flow| flow.endpoints.bound.clone())
    }

    /// The endpoints that this stream has connected and not disconnected, as they were given, in the order in which it did.
    pub fn connections(&self) -> Vec<String> {
        self.inner().with(|flow| flow.endpoints.connected.clone())
    }
}
