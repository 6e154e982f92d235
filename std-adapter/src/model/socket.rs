//! Stands in for `socket.rs`: sockets with one peer each, that are as careful with their news as libzmq's.
//!
//! What a peer has done to a pipe comes as a command, and makes the descriptor readable until the next call that takes commands in: a
//! look at the events, a receive that finds nothing, a bind or a connect, and a send if it looks. A message that is put into a pipe
//! whose reader has not found it empty since comes without a command; so does room, but for every second message that was read.

use std::collections::VecDeque;
use std::ffi::{CStr, CString, c_int};
use std::io;
use std::ops::Deref;
use std::time::Duration;

use bytes::Bytes;
use smallvec::SmallVec;
use tidegate_core::EventMask;
use zmq::SocketType;
use zmq_sys::errno::{EAGAIN, EINTR, EINVAL, ENOTSOCK, ETERM};

use crate::error::{Errno, OpenError};
use crate::model::{Fd, Poller, UnixStream, World, with_world};
use crate::names::IoThreads;
use crate::security::CurveKey;

impl Errno {
    pub(crate) fn is_again(self) -> bool {
        self.raw() == EAGAIN
    }

    pub(crate) fn ends_socket(self) -> bool {
        matches!(self.raw(), ETERM | ENOTSOCK)
    }

    pub(crate) const INVALID: Self = Self::new(EINVAL);
    pub(crate) const NO_ENTRY: Self = Self::new(zmq_sys::errno::ENOENT);
    pub(crate) const INTERRUPTED: Self = Self::new(EINTR);
}

pub(crate) const ZAP_ENFORCE_DOMAIN: u32 = 93;
pub(crate) const ONLY_FIRST_SUBSCRIBE: u32 = 108;

/// So many messages a pipe holds.
const MOST: usize = 2;

pub(crate) fn watch_forks() {}

pub(crate) fn message_of(_: Errno) -> &'static str {
    "an error"
}

pub(crate) fn has(_: &'static CStr) -> bool {
    false
}

pub(crate) fn has_keepalive() -> bool {
    true
}

pub(crate) fn curve_keys() -> Option<[CurveKey; 2]> {
    None
}

#[derive(Debug)]
pub(crate) struct RawContext;

impl RawContext {
    #[expect(clippy::unnecessary_wraps, reason = "as the one that it stands for")]
    pub(crate) fn new() -> Result<Self, Errno> {
        Ok(Self)
    }

    pub(crate) fn set_io_threads(&mut self, _: u32, _: u32) -> Result<(), Errno> {
        Ok(())
    }

    pub(crate) fn copy_received(&self) -> Result<(), Errno> {
        Ok(())
    }

    pub(crate) fn set_max_sockets(&self, _: u32) -> Result<(), Errno> {
        Ok(())
    }

    #[expect(
        clippy::unused_self,
        clippy::unnecessary_wraps,
        reason = "as the one that it stands for"
    )]
    pub(crate) fn socket(&self, kind: SocketType) -> Result<Socket, Errno> {
        let fd = with_world(|world| {
            let fd = world.open();
            world.sockets.insert(fd, Link::default());
            fd
        });
        Ok(Socket { fd, kind })
    }

    pub(crate) fn terminate(self) {}
}

pub(crate) fn socket_of(_: &zmq::Context, _: SocketType) -> Result<Socket, Errno> {
    Err(Errno::INVALID)
}

/// One frame of a message.
#[derive(Clone)]
pub struct Frame(Vec<u8>);

impl Frame {
    pub(crate) fn copied(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }

    pub(crate) fn owned(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    pub(crate) fn referring(bytes: Bytes) -> Self {
        let frame = Self(bytes.to_vec());
        crate::deferred::drop_owner(bytes);
        frame
    }

    pub(crate) fn room() -> Self {
        Self(Vec::new())
    }

    pub(crate) fn copy_from(&mut self, bytes: &[u8]) {
        self.0 = bytes.to_vec();
    }

    pub(crate) fn own(&mut self) {}

    pub(crate) fn share(&mut self) -> Self {
        self.clone()
    }

    /// How many bytes there are.
    #[expect(clippy::len_without_is_empty, reason = "a slice has it")]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn property(&self, _: &CStr) -> Option<&CStr> {
        None
    }
}

impl Deref for Frame {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

/// What is known at one end of a connection.
#[derive(Default)]
pub(crate) struct Link {
    peer: Option<Fd>,
    /// Whether the peer has gone.
    is_left: bool,
    commands: Vec<Command>,
    /// What has come: whole messages.
    inbox: VecDeque<VecDeque<Frame>>,
    /// The rest of the message that is being received, and what there is of the one that is being sent.
    receiving: VecDeque<Frame>,
    sending: VecDeque<Frame>,
    /// Whether the pipe may have something, for all the commands that were taken in.
    is_readable: bool,
    /// Whether it was found empty, so that the next message comes with a command.
    was_empty: bool,
    read: usize,
    written: usize,
    /// How many messages the peer has read, for all the commands that were taken in.
    read_by_peer: usize,
}

#[derive(Clone, Copy)]
enum Command {
    /// Somebody has connected.
    Attach(Fd),
    HasMessages,
    HasRead(usize),
    Leave,
}

impl World {
    fn link(&mut self, fd: Fd) -> &mut Link {
        self.sockets.entry(fd).or_default()
    }

    fn tell(&mut self, fd: Option<Fd>, command: Command) {
        if let Some(fd) = fd
            && let Some(link) = self.sockets.get_mut(&fd)
        {
            link.commands.push(command);
            self.add(fd, 1);
        }
    }

    /// Takes in what has happened.
    fn take_in(&mut self, fd: Fd) {
        self.take(fd, usize::MAX);
        let link = self.link(fd);
        for command in std::mem::take(&mut link.commands) {
            match command {
                Command::Attach(peer) => {
                    link.peer = Some(peer);
                    link.is_readable = true;
                }
                Command::HasMessages => link.is_readable = true,
                Command::HasRead(read) => link.read_by_peer = read,
                Command::Leave => link.is_left = true,
            }
        }
    }

    /// Whether there is a message.
    fn may_receive(&mut self, fd: Fd) -> bool {
        let link = self.link(fd);
        if link.is_readable && link.inbox.is_empty() {
            link.is_readable = false;
            link.was_empty = true;
        }
        link.is_readable
    }

    fn may_send(&mut self, fd: Fd) -> bool {
        let link = self.link(fd);
        let room = link.written - link.read_by_peer < MOST;
        link.peer.is_some() && !link.is_left && room
    }

    fn try_receive(&mut self, fd: Fd) -> Option<(Frame, bool)> {
        if self.link(fd).receiving.is_empty() {
            if !self.may_receive(fd) {
                return None;
            }
            let link = self.link(fd);
            link.receiving = link.inbox.pop_front()?;
            link.read += 1;
            let (peer, read) = (link.peer, link.read);
            if read % MOST.div_ceil(2) == 0 {
                self.tell(peer, Command::HasRead(read));
            }
        }
        let link = self.link(fd);
        let frame = link.receiving.pop_front()?;
        Some((frame, !link.receiving.is_empty()))
    }
}

/// A socket of a model.
pub(crate) struct Socket {
    fd: Fd,
    kind: SocketType,
}

impl Drop for Socket {
    fn drop(&mut self) {
        with_world(|world| {
            assert!(
                !world.is_watched(self.fd),
                "it is watched while it is closed"
            );
            let peer = world.link(self.fd).peer;
            world.tell(peer, Command::Leave);
        });
    }
}

#[expect(
    clippy::unused_self,
    clippy::unnecessary_wraps,
    clippy::needless_pass_by_ref_mut,
    reason = "as the one that it stands for"
)]
impl Socket {
    pub(crate) fn adopt(
        inner: zmq::Socket,
        _: SocketType,
    ) -> Result<Self, (OpenError, zmq::Socket)> {
        let source = Errno::INVALID;
        Err((OpenError::Adopt { source }, inner))
    }

    pub(crate) fn into_inner(self) -> zmq::Socket {
        unreachable!("none was adopted")
    }

    pub(crate) fn zmq(&self) -> &zmq::Socket {
        unreachable!("no model lends one")
    }

    pub(crate) fn descriptor(&self) -> Descriptor {
        Descriptor(self.fd)
    }

    pub(crate) fn is_adopted(&self) -> bool {
        false
    }

    pub(crate) fn kind(&self) -> SocketType {
        self.kind
    }

    pub(crate) fn set_names(&mut self, _: crate::inproc::Names) {}

    pub(crate) fn is_bound_by_a_stream(&self, _: &str) -> bool {
        true
    }

    pub(crate) fn io_threads(&self) -> Option<&IoThreads> {
        None
    }

    pub(crate) fn proxy(&mut self) -> Option<String> {
        None
    }

    pub(crate) fn bind(&mut self, endpoint: &CStr) -> Result<(), Errno> {
        with_world(|world| {
            world.take_in(self.fd);
            world.names.insert(endpoint.to_bytes().to_vec(), self.fd);
        });
        Ok(())
    }

    pub(crate) fn unbind(&mut self, _: &CStr) -> Result<(), Errno> {
        with_world(|world| world.take_in(self.fd));
        Ok(())
    }

    /// To somebody who has bound before.
    pub(crate) fn connect(&mut self, endpoint: &CStr) -> Result<(), Errno> {
        with_world(|world| {
            world.take_in(self.fd);
            let peer = world.names.get(endpoint.to_bytes()).copied();
            let link = world.link(self.fd);
            link.peer = peer;
            link.is_readable = true;
            world.tell(peer, Command::Attach(self.fd));
        });
        Ok(())
    }

    pub(crate) fn disconnect(&mut self, _: &CStr) -> Result<(), Errno> {
        with_world(|world| world.take_in(self.fd));
        Ok(())
    }

    pub(crate) fn last_endpoint(&mut self) -> Result<String, Errno> {
        let of = |world: &mut World| {
            let bound = world.names.iter().find(|(_, fd)| **fd == self.fd);
            bound.map(|(name, _)| String::from_utf8_lossy(name).into_owned())
        };
        with_world(of).ok_or(Errno::INVALID)
    }

    pub(crate) fn linger(&mut self) -> Result<Option<Duration>, Errno> {
        Ok(None)
    }

    pub(crate) fn set_linger(&mut self, _: Duration) -> Result<(), Errno> {
        Ok(())
    }

    pub(crate) fn conflates(&mut self) -> bool {
        false
    }

    pub(crate) fn affinity(&mut self) -> Result<u64, Errno> {
        Ok(0)
    }

    pub(crate) fn set_affinity(&mut self, _: u64) -> Result<(), Errno> {
        Ok(())
    }

    pub(crate) fn is_guarded(&mut self) -> bool {
        false
    }

    pub(crate) fn has_secret_key(&mut self) -> bool {
        false
    }

    pub(crate) fn has_mechanism(&mut self, _: u32) -> bool {
        false
    }

    pub(crate) fn enforces_domain(&mut self) -> bool {
        false
    }

    pub(crate) fn has_domain(&mut self) -> bool {
        false
    }

    pub(crate) fn get_int(&mut self, _: u32) -> Result<c_int, Errno> {
        Ok(0)
    }

    pub(crate) fn get_long(&mut self, _: u32) -> Result<i64, Errno> {
        Ok(0)
    }

    pub(crate) fn get_bytes(&mut self, _: u32) -> Result<Vec<u8>, Errno> {
        Ok(Vec::new())
    }

    pub(crate) fn get_into(&mut self, _: u32, _: &mut [u8]) -> Result<usize, Errno> {
        Ok(0)
    }

    pub(crate) fn set_int(&mut self, _: u32, _: c_int) -> Result<(), Errno> {
        Ok(())
    }

    pub(crate) fn set_long(&mut self, _: u32, _: i64) -> Result<(), Errno> {
        Ok(())
    }

    pub(crate) fn set_bytes(&mut self, _: u32, _: &[u8]) -> Result<(), Errno> {
        Ok(())
    }

    pub(crate) fn monitor(&mut self, _: Option<&CStr>, _: EventMask) -> Result<(), Errno> {
        Ok(())
    }

    pub(crate) fn events(&mut self) -> Result<(bool, bool), Errno> {
        Ok(with_world(|world| {
            world.take_in(self.fd);
            (world.may_receive(self.fd), world.may_send(self.fd))
        }))
    }

    pub(crate) fn has_news(&mut self) -> bool {
        with_world(|world| world.is_readable(self.fd))
    }

    pub(crate) fn send(&mut self, frame: &mut Frame, more: bool) -> Result<usize, Errno> {
        with_world(|world| {
            if world.sends_look {
                world.take_in(self.fd);
            }
            if !world.may_send(self.fd) {
                return Err(Errno::new(EAGAIN));
            }
            let bytes = frame.len();
            let link = world.link(self.fd);
            link.sending.push_back(std::mem::take(frame));
            if !more {
                let message = std::mem::take(&mut link.sending);
                link.written += 1;
                let peer = link.peer;
                let of_peer = world.link(peer.unwrap_or(self.fd));
                of_peer.inbox.push_back(message);
                if std::mem::take(&mut of_peer.was_empty) {
                    world.tell(peer, Command::HasMessages);
                }
            }
            Ok(bytes)
        })
    }

    pub(crate) fn send_shared(&mut self, frame: &mut Frame, more: bool) -> Result<usize, Errno> {
        self.send(&mut frame.clone(), more)
    }

    pub(crate) fn recv(&mut self, room: &mut Frame) -> Result<(usize, bool), Errno> {
        let received = with_world(|world| {
            world.try_receive(self.fd).or_else(|| {
                world.take_in(self.fd);
                world.try_receive(self.fd)
            })
        });
        let (frame, more) = received.ok_or(Errno::new(EAGAIN))?;
        *room = frame;
        Ok((room.len(), more))
    }
}

/// A descriptor of a model.
#[derive(Clone, Copy)]
pub(crate) struct Descriptor(pub(crate) Fd);

impl Descriptor {
    #[cfg(feature = "tokio")]
    pub(crate) fn on_tokio(self) -> io::Result<crate::sync::AsyncFd<Self>> {
        Ok(crate::sync::AsyncFd::of(self))
    }

    pub(crate) fn watch(self, poller: &Poller, key: usize) -> io::Result<()> {
        poller.set(self.0, key, false)
    }

    pub(crate) fn rewatch(self, poller: &Poller, key: usize) -> io::Result<()> {
        poller.set(self.0, key, true)
    }

    pub(crate) fn rest(self, poller: &Poller, key: usize) -> io::Result<()> {
        poller.set(self.0, key, false)
    }

    pub(crate) fn of(stream: &UnixStream) -> Self {
        stream.descriptor()
    }

    pub(crate) fn unwatch(self, poller: &Poller) -> io::Result<()> {
        poller.delete(self.0)
    }
}

pub(crate) fn wait_readable(
    descriptors: &[Descriptor],
    timeout: Option<Duration>,
) -> SmallVec<[bool; 9]> {
    let fds: SmallVec<[Fd; 9]> = descriptors.iter().map(|descriptor| descriptor.0).collect();
    crate::model::wait_readable(&fds, timeout)
}

pub(crate) fn c_string(endpoint: &str) -> Option<CString> {
    CString::new(endpoint).ok()
}
