//! The only file that touches libzmq, and the only one with `unsafe`.
//!
//! `zmq::Socket` owns the socket; every call that can fail goes through `zmq-sys` and keeps the raw error number, for
//! the `zmq` crate panics on numbers that it does not know.
#![allow(
    unsafe_code,
    reason = "libzmq is a C library; each block says why it is sound"
)]

use std::ffi::{CStr, CString, c_int, c_short, c_void};
use std::mem::{self, ManuallyDrop};
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind};
#[cfg(unix)]
use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use std::{alloc, io, ptr, slice, thread};

use bytes::Bytes;
use polling::{Event, Poller};
#[cfg(unix)]
use smallvec::SmallVec;
use tidegate_core::EventMask;
use zmq::SocketType;
use zmq_sys::errno::{EAGAIN, EINTR, EINVAL, EMFILE, ENOENT, ENOTSOCK, ETERM};
#[cfg(all(feature = "tokio", unix))]
use {
    std::os::fd::{AsRawFd, RawFd},
    tokio::io::{Interest, unix::AsyncFd},
};

use crate::deferred;
use crate::error::{Errno, OpenError};
use crate::inproc;
use crate::kinds;
use crate::names::IoThreads;
use crate::security::CurveKey;

/// Payloads up to this length are copied into libzmq's message; longer ones are handed over.
const COPY_MOST: usize = 1024;

impl Errno {
    /// The number that the last failed call of this thread left.
    fn last() -> Self {
        // SAFETY: no preconditions; it reads a thread-local.
        Self::new(unsafe { zmq_sys::zmq_errno() })
    }

    /// Nothing is wrong, it only cannot go on now.
    pub(crate) fn is_again(self) -> bool {
        self.raw() == EAGAIN
    }

    /// The socket is gone: its context was terminated, or it is no socket.
    pub(crate) fn ends_socket(self) -> bool {
        matches!(self.raw(), ETERM | ENOTSOCK)
    }

    /// What libzmq says of a value that it does not take.
    pub(crate) const INVALID: Self = Self::new(EINVAL);

    /// There is nothing of that name.
    pub(crate) const NO_ENTRY: Self = Self::new(ENOENT);

    /// A request that was interrupted in the middle.
    pub(crate) const INTERRUPTED: Self = Self::new(EINTR);
}

/// How often this process was forked since it looked out for that, and those before it, as far as they did.
static FORKS: AtomicU32 = AtomicU32::new(0);

/// How often this process, and those that it was forked from, had been forked: another number in a child than in its parent.
pub(crate) fn forks() -> u32 {
    FORKS.load(Ordering::Relaxed)
}

/// Has [`forks`] count from now on.
pub(crate) fn watch_forks() {
    #[cfg(unix)]
    {
        extern "C" fn in_child() {
            FORKS.fetch_add(1, Ordering::Relaxed);
        }
        static ONCE: Once = Once::new();
        // SAFETY: the handler lives as long as the program, and does nothing that is not allowed between a fork and whatever comes
        // next. Without memory for it there is no count, and a child is not told.
        ONCE.call_once(|| unsafe {
            libc::pthread_atfork(None, None, Some(in_child));
        });
    }
}

/// libzmq's text for a number.
pub(crate) fn message_of(errno: Errno) -> &'static str {
    if errno == Errno::FORKED {
        return "the process was forked, and this is its parent's";
    }
    // SAFETY: for any number the call returns a pointer to a NUL-terminated string: libzmq's own are literals; the C
    // library's belong to it and are read before any other call could change them, and those of known numbers are
    // constant.
    let text = unsafe { CStr::from_ptr(zmq_sys::zmq_strerror(errno.raw())) };
    text.to_str().unwrap_or("unknown error")
}

/// Calls until it is not interrupted; the result is -1 for a failure.
fn retry(mut call: impl FnMut() -> c_int) -> Result<c_int, Errno> {
    loop {
        match call() {
            -1 => match Errno::last() {
                errno if errno == Errno::INTERRUPTED => {}
                errno => return Err(errno),
            },
            result => return Ok(result),
        }
    }
}

/// Whether the linked libzmq says that it has this.
pub(crate) fn has(what: &'static CStr) -> bool {
    // SAFETY: it compares a C string, which lives as long as the program, with constants.
    unsafe { zmq_sys::zmq_has(what.as_ptr()) != 0 }
}

/// Whether the linked libzmq can switch on tcp's keepalive. All builds of it look for that, but for the one of the `zmq`
/// crate, which defines what it needs by hand; on Windows libzmq has nothing to look for. Setting the option, or reading it
/// back, tells nothing. That build is the one that has WebSockets and has neither CURVE nor the draft API: others have CURVE
/// unless they are told not to, and are told to have WebSockets, or have them with the draft API.
pub(crate) fn has_keepalive() -> bool {
    cfg!(windows) || !has(c"WS") || has(c"curve") || has(c"draft")
}

/// Among the drafts of `zmq.h`, though no build of libzmq leaves it out.
pub(crate) const ZAP_ENFORCE_DOMAIN: u32 = 93;

/// The same, from libzmq 4.3.0 on.
const ZERO_COPY_RECV: u32 = 10;

/// The same, from libzmq 4.3.3 on.
pub(crate) const ONLY_FIRST_SUBSCRIBE: u32 = 108;

/// New keys of CURVE, the public one and the secret one; `None` if libzmq has no CURVE.
pub(crate) fn curve_keys() -> Option<[CurveKey; 2]> {
    // 40 characters and a NUL.
    let mut texts = [[0u8; 41]; 2];
    let [public, secret] = &mut texts;
    // SAFETY: there is room for as much as libzmq writes (zmq_curve_keypair(3)).
    let made = unsafe {
        zmq_sys::zmq_curve_keypair(public.as_mut_ptr().cast(), secret.as_mut_ptr().cast())
    };
    let key = |text: &[u8; 41]| {
        let text = CStr::from_bytes_until_nul(text).ok()?;
        text.to_str().ok()?.parse().ok()
    };
    let [public, secret] = texts.each_ref().map(key);
    (made == 0).then_some([public?, secret?])
}

/// A number of `zmq.h` as its functions take it.
const fn raw(number: u32) -> c_int {
    number.cast_signed()
}

/// A libzmq context. It has to be [`terminate`](Self::terminate)d; dropping it leaks it.
#[derive(Debug)]
pub(crate) struct RawContext {
    context: ptr::NonNull<c_void>,
    io_threads: Option<IoThreads>,
}

// SAFETY: a libzmq context may be used from any thread at once (zmq_ctx_new(3)).
unsafe impl Send for RawContext {}
// SAFETY: the same.
unsafe impl Sync for RawContext {}

impl RawContext {
    pub(crate) fn new() -> Result<Self, Errno> {
        // SAFETY: no preconditions.
        let context = unsafe { zmq_sys::zmq_ctx_new() };
        let context = ptr::NonNull::new(context).ok_or_else(Errno::last)?;
        Ok(Self {
            context,
            io_threads: None,
        })
    }

    /// Has so many I/O threads, and so many beside them for names.
    pub(crate) fn set_io_threads(&mut self, threads: u32, names: u32) -> Result<(), Errno> {
        self.io_threads = IoThreads::beside(threads, names);
        let all = match self.io_threads {
            Some(_) => threads.saturating_add(names),
            None => threads,
        };
        self.set(zmq_sys::ZMQ_IO_THREADS, count(all)?)
    }

    /// Has each frame that is received copied into memory of its own.
    pub(crate) fn copy_received(&self) -> Result<(), Errno> {
        self.set(ZERO_COPY_RECV, 0)
    }

    pub(crate) fn set_max_sockets(&self, sockets: u32) -> Result<(), Errno> {
        self.set(zmq_sys::ZMQ_MAX_SOCKETS, count(sockets)?)
    }

    /// Sets an option of the context; those that are asked for here have no effect once it has had a socket.
    fn set(&self, option: u32, value: c_int) -> Result<(), Errno> {
        // SAFETY: the context lives: `terminate` takes it by value, and `self` is borrowed here.
        retry(|| unsafe { zmq_sys::zmq_ctx_set(self.context.as_ptr(), raw(option), value) })?;
        Ok(())
    }

    pub(crate) fn socket(&self, kind: SocketType) -> Result<Socket, Errno> {
        // SAFETY: the context lives: `terminate` takes it by value, and `self` is borrowed here.
        let socket = unsafe { zmq_sys::zmq_socket(self.context.as_ptr(), kinds::number(kind)) };
        if socket.is_null() {
            return Err(Errno::last());
        }
        // SAFETY: it is a socket that was just made, and nobody else owns it. What is asked of `from_raw`'s argument
        // beyond that, to come of `into_raw`, only means that no other `zmq::Socket` closes it.
        let inner = unsafe { zmq::Socket::from_raw(socket) };
        let mut socket = Socket::of(inner, kind, false).map_err(|(errno, _)| errno)?;
        socket.io_threads = self.io_threads.clone();
        if let Some(threads) = &self.io_threads {
            socket.set_affinity(threads.ordinary)?;
        }
        Ok(socket)
    }

    /// Waits until every socket of the context is closed and has sent what its linger allows, and frees the context.
    pub(crate) fn terminate(self) {
        // SAFETY: the context lives and is not used after this, for `self` goes. An interrupted call has freed
        // nothing and is to be repeated (zmq_ctx_term(3)); every other result means that there is nothing left to free.
        let _: Result<c_int, Errno> =
            retry(|| unsafe { zmq_sys::zmq_ctx_term(self.context.as_ptr()) });
    }
}

/// One frame of a message: bytes that libzmq owns, or that it borrows from a `Vec` until it has sent them.
///
/// Memory: 64 bytes, in which a short one lies, and the bytes of a longer one; of one that libzmq has received, see
/// [`copy_received`](crate::ContextBuilder::copy_received). A clone copies the bytes.
pub struct Frame {
    msg: zmq_sys::zmq_msg_t,
}

impl Frame {
    /// A frame with a copy of `bytes`.
    pub(crate) fn copied(bytes: &[u8]) -> Self {
        let mut frame = Self::room();
        frame.copy_from(bytes);
        frame
    }

    /// Makes a frame of what is [room](Self::room) for one, with a copy of `bytes`. What another frame holds is not freed.
    #[inline]
    pub(crate) fn copy_from(&mut self, bytes: &[u8]) {
        // SAFETY: `msg` is 64 writable bytes, which is all that `zmq_msg_init_size` asks for.
        let result = unsafe { zmq_sys::zmq_msg_init_size(&mut self.msg, bytes.len()) };
        if result != 0 {
            out_of_memory(bytes.len());
        }
        // SAFETY: the message is initialised and has just as many bytes, which nobody else knows of yet. They need not
        // be initialised to be written.
        unsafe {
            let data = zmq_sys::zmq_msg_data(&mut self.msg);
            ptr::copy_nonoverlapping(bytes.as_ptr(), data.cast(), bytes.len());
        }
    }

    /// A frame with these bytes: short ones are copied, longer ones are handed over as they are.
    pub(crate) fn owned(bytes: Vec<u8>) -> Self {
        if bytes.len() <= COPY_MOST {
            return Self::copied(&bytes);
        }
        let mut bytes = ManuallyDrop::new(bytes);
        let mut msg = zmq_sys::zmq_msg_t::default();
        // SAFETY: `msg` is writable. The pointer is to `len` initialised bytes of a `Vec` that is not dropped here; it
        // stays valid until libzmq calls `free_vec`, once, from whatever thread lets go of the last reference. The hint
        // is the capacity, which `free_vec` needs to free it.
        let result = unsafe {
            zmq_sys::zmq_msg_init_data(
                &mut msg,
                bytes.as_mut_ptr().cast(),
                bytes.len(),
                Some(free_vec),
                ptr::without_provenance_mut(bytes.capacity()),
            )
        };
        if result != 0 {
            out_of_memory(mem::size_of::<usize>());
        }
        Self { msg }
    }
}

impl Frame {
    /// A frame over these bytes: short ones are copied, longer ones are referred to until libzmq has sent them.
    pub(crate) fn referring(bytes: Bytes) -> Self {
        if bytes.len() <= COPY_MOST {
            return Self::copied(&bytes);
        }
        let (data, len) = (bytes.as_ptr(), bytes.len());
        let hint = Box::into_raw(Box::new(bytes));
        let mut msg = zmq_sys::zmq_msg_t::default();
        // SAFETY: `msg` is writable. The pointer is to `len` initialised bytes that stay where they are for as long as the `Bytes`
        // lives, and that is until libzmq calls `free_bytes` with it, once, from whatever thread lets go of the last reference.
        // libzmq takes a mutable pointer for the sake of owners who write; it never writes to the bytes of a message itself, and
        // neither does a `Frame`.
        let result = unsafe {
            let data = data.cast_mut().cast();
            zmq_sys::zmq_msg_init_data(&mut msg, data, len, Some(free_bytes), hint.cast())
        };
        if result != 0 {
            out_of_memory(mem::size_of::<usize>());
        }
        Self { msg }
    }
}

impl Frame {
    /// Room for a frame, of which nothing is to be asked before it was received into. Zeros are no message; to close them is an error
    /// that does nothing.
    pub(crate) fn room() -> Self {
        Self {
            msg: zmq_sys::zmq_msg_t::default(),
        }
    }

    /// How many bytes there are.
    #[expect(clippy::len_without_is_empty, reason = "a slice has it")]
    pub fn len(&self) -> usize {
        // SAFETY: `msg` is initialised.
        unsafe { zmq_sys::zmq_msg_size(&self.msg) }
    }
}

impl Frame {
    /// What libzmq knows of the connection that the frame came by, if it came by one.
    pub(crate) fn property(&self, name: &CStr) -> Option<&CStr> {
        // SAFETY: `msg` is initialised, or zeros, which have no properties; the name is a C string.
        let value = unsafe { zmq_sys::zmq_msg_gets(&self.msg, name.as_ptr()) };
        // SAFETY: it is a C string of the properties, which nobody changes, and which live for as long as the message refers to them:
        // until it is sent, received into or closed, and none of that can be done while it is borrowed here.
        (!value.is_null()).then(|| unsafe { CStr::from_ptr(value) })
    }
}

/// Lets go of the `Bytes` that `hint` points to.
unsafe extern "C" fn free_bytes(_data: *mut c_void, hint: *mut c_void) {
    // SAFETY: `hint` is the pointer that `Frame::referring` gave away; libzmq calls this once.
    let owner = unsafe { Box::from_raw(hint.cast::<Bytes>()) };
    deferred::drop_owner(*owner);
}

/// Frees a `Vec<u8>` whose capacity is `hint`.
unsafe extern "C" fn free_vec(data: *mut c_void, hint: *mut c_void) {
    // SAFETY: `data` and `hint` are the pointer and the capacity of a `Vec<u8>` that `Frame::owned` gave away; libzmq
    // calls this once. A length of 0 is right for any `Vec`, for bytes need no drop.
    drop(unsafe { Vec::<u8>::from_raw_parts(data.cast(), 0, hint.addr()) });
}

/// So many threads or sockets of a context. libzmq adds both up, and two more, and an overflow would end the process.
fn count(most: u32) -> Result<c_int, Errno> {
    let count = c_int::try_from(most).ok();
    let count = count.filter(|&count| count < c_int::MAX / 2);
    count.ok_or(Errno::INVALID)
}

fn out_of_memory(bytes: usize) -> ! {
    alloc::handle_alloc_error(
        alloc::Layout::array::<u8>(bytes).unwrap_or(alloc::Layout::new::<u8>()),
    )
}

impl Drop for Frame {
    fn drop(&mut self) {
        // SAFETY: `msg` was initialised and is not used any more. Closing a message that libzmq has sent is right, for
        // it left an empty one behind. The only failure is a message that was never initialised.
        unsafe { zmq_sys::zmq_msg_close(&mut self.msg) };
    }
}

impl Frame {
    /// A second frame over the same bytes; only a count of references changes hands.
    pub(crate) fn share(&mut self) -> Self {
        let mut msg = zmq_sys::zmq_msg_t::default();
        // SAFETY: `msg` is initialised by the first call before the second looks at it. `self.msg` is initialised, and
        // borrowed exclusively while libzmq may mark it as shared.
        let result = unsafe {
            zmq_sys::zmq_msg_init(&mut msg);
            zmq_sys::zmq_msg_copy(&mut msg, &mut self.msg)
        };
        debug_assert_eq!(result, 0, "it fails for an uninitialised message only");
        Self { msg }
    }
}

impl Frame {
    /// Has bytes of its own, on an XPUB. What an XSUB sends by inproc whose bytes are shared says so on the XPUB, too, where libzmq 4.3.4 has
    /// copied them and counts nobody who has them: they would never be freed, or be freed while somebody still reads them.
    pub(crate) fn own(&mut self) {
        // SAFETY: `msg` is initialised.
        if unsafe { zmq_sys::zmq_msg_get(&self.msg, raw(zmq_sys::ZMQ_SHARED)) } != 1 {
            return;
        }
        let own = Self::copied(self);
        // That is not dropped but by the one that has been counted.
        let mut counts_nobody = ManuallyDrop::new(mem::replace(self, own));
        drop(counts_nobody.share());
    }
}

impl Clone for Frame {
    fn clone(&self) -> Self {
        Self::copied(self)
    }
}

impl Deref for Frame {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        let msg = ptr::from_ref(&self.msg);
        // SAFETY: `msg` is initialised. Neither call writes to it: the first takes a mutable pointer because the bytes
        // that it returns a pointer to may be written. Those bytes live as long as the message, of which the slice
        // holds a borrow, and nobody writes to them meanwhile: that takes `&mut self`. The pointer is not null, even
        // for an empty message.
        unsafe {
            let data = zmq_sys::zmq_msg_data(msg.cast_mut());
            slice::from_raw_parts(data.cast(), zmq_sys::zmq_msg_size(msg))
        }
    }
}

/// A socket of a caller's context, which the caller keeps alive for longer.
pub(crate) fn socket_of(context: &zmq::Context, kind: SocketType) -> Result<Socket, Errno> {
    // It knows no number for that a system has no descriptors left, where a process has, and panics.
    let socket = catch_unwind(AssertUnwindSafe(|| context.socket(kind)));
    let socket = socket.map_err(|_| Errno::new(EMFILE))?;
    let socket = socket.map_err(|error| Errno::new(error.to_raw()))?;
    // SAFETY: it comes of `into_raw`, and nobody else owns it. That lets go of the clone of the context that the socket had: a
    // drop of the last clone waits for all sockets.
    let inner = unsafe { zmq::Socket::from_raw(socket.into_raw()) };
    Socket::of(inner, kind, false).map_err(|(errno, _)| errno)
}

/// A socket, and what is asked of it without waiting. It closes when it is dropped; that waits for nothing.
pub(crate) struct Socket {
    /// Taken in `drop` and `into_inner` only.
    inner: ManuallyDrop<zmq::Socket>,
    kind: SocketType,
    fd: zmq_sys::RawFd,
    /// Whether it may hold the last clone of its context.
    is_adopted: bool,
    /// The I/O threads of its context, if that is our own.
    io_threads: Option<IoThreads>,
    /// The `inproc` names that streams of its context have bound, if that is known.
    inproc: Option<inproc::Names>,
}

impl Drop for Socket {
    fn drop(&mut self) {
        if let Some(names) = &self.inproc {
            names.closes(self.fd);
        }
        // SAFETY: it is not used any more: `self` is being dropped, and `into_inner` forgets `self`.
        let inner = unsafe { ManuallyDrop::take(&mut self.inner) };
        if !self.is_adopted {
            return drop(inner);
        }
        // The drop of a context's last clone waits until all its sockets are closed.
        let inner = Arc::new(Mutex::new(Some(inner)));
        let of_thread = inner.clone();
        let thread = thread::Builder::new().name("tidegate-term".into());
        let spawned = thread.spawn(move || drop(of_thread.lock().map(|mut inner| inner.take())));
        if spawned.is_err() {
            // Without a thread it is left as it is: nothing uses it any more.
            mem::forget(inner);
        }
    }
}

impl Socket {
    fn of(
        inner: zmq::Socket,
        kind: SocketType,
        is_adopted: bool,
    ) -> Result<Self, (Errno, zmq::Socket)> {
        let mut socket = Self {
            inner: ManuallyDrop::new(inner),
            kind,
            fd: 0,
            is_adopted,
            io_threads: None,
            inproc: None,
        };
        match socket.get(zmq_sys::ZMQ_FD, 0) {
            Ok(fd) => socket.fd = fd,
            Err(errno) => return Err((errno, socket.into_inner())),
        }
        Ok(socket)
    }

    /// Takes a socket of somebody else over, which has to be of this type.
    pub(crate) fn adopt(
        mut inner: zmq::Socket,
        kind: SocketType,
    ) -> Result<Self, (OpenError, zmq::Socket)> {
        let socket = inner.as_mut_ptr();
        let mut found: c_int = 0;
        let mut len = mem::size_of::<c_int>();
        // SAFETY: the socket lives as long as `inner`, which is ours; `found` has room for the `len` bytes of an `int`.
        let asked = retry(|| unsafe {
            let found = ptr::from_mut(&mut found).cast();
            zmq_sys::zmq_getsockopt(socket, raw(zmq_sys::ZMQ_TYPE), found, &mut len)
        });
        let asked_for = kinds::name(kind);
        if let Err(source) = asked {
            return Err((OpenError::Adopt { source }, inner));
        }
        if found != kinds::number(kind) {
            let found = kinds::name_of(found);
            return Err((OpenError::WrongType { asked_for, found }, inner));
        }
        let mut socket = Self::of(inner, kind, true)
            .map_err(|(source, inner)| (OpenError::Adopt { source }, inner))?;
        if socket.get_int(zmq_sys::ZMQ_RCVMORE) == Ok(1) {
            return Err((OpenError::HalfReceived, socket.into_inner()));
        }
        Ok(socket)
    }

    /// Gives the socket back.
    pub(crate) fn into_inner(self) -> zmq::Socket {
        let mut this = ManuallyDrop::new(self);
        // SAFETY: it is not used any more: `this` is never dropped.
        unsafe { ManuallyDrop::take(&mut this.inner) }
    }

    pub(crate) fn descriptor(&self) -> Descriptor {
        Descriptor(self.fd)
    }

    /// The socket as its owner has it.
    pub(crate) fn zmq(&self) -> &zmq::Socket {
        &self.inner
    }

    /// Whether it was somebody else's before.
    pub(crate) fn is_adopted(&self) -> bool {
        self.is_adopted
    }

    pub(crate) fn kind(&self) -> SocketType {
        self.kind
    }

    /// What is bound by `inproc` goes into these names from now on.
    pub(crate) fn set_names(&mut self, names: inproc::Names) {
        self.inproc = Some(names);
    }

    /// Whether a stream of its context has bound this `inproc` name, as far as is known.
    pub(crate) fn is_bound_by_a_stream(&self, endpoint: &str) -> bool {
        self.inproc
            .as_ref()
            .is_some_and(|names| names.has(endpoint))
    }

    pub(crate) fn io_threads(&self) -> Option<&IoThreads> {
        self.io_threads.as_ref()
    }

    /// The address of a SOCKS5 proxy, if it connects by one. Then the proxy resolves the names of endpoints.
    pub(crate) fn proxy(&mut self) -> Option<String> {
        let mut address = self.get_bytes(zmq_sys::ZMQ_SOCKS_PROXY).ok()?;
        // Behind its end is a NUL.
        while address.last() == Some(&0) {
            address.pop();
        }
        let address = String::from_utf8_lossy(&address).into_owned();
        (!address.is_empty()).then_some(address)
    }

    fn raw(&mut self) -> *mut c_void {
        self.inner.as_mut_ptr()
    }

    pub(crate) fn bind(&mut self, endpoint: &CStr) -> Result<(), Errno> {
        let socket = self.raw();
        // SAFETY: the socket lives as long as `self`, which is borrowed exclusively: a socket is used by one thread at
        // a time. The endpoint is a C string.
        retry(|| unsafe { zmq_sys::zmq_bind(socket, endpoint.as_ptr()) })?;
        if let Some(names) = &self.inproc {
            names.bound(self.fd, endpoint.to_bytes());
        }
        Ok(())
    }

    pub(crate) fn unbind(&mut self, endpoint: &CStr) -> Result<(), Errno> {
        let socket = self.raw();
        // SAFETY: as in `bind`.
        retry(|| unsafe { zmq_sys::zmq_unbind(socket, endpoint.as_ptr()) })?;
        if let Some(names) = &self.inproc {
            names.unbound(self.fd, endpoint.to_bytes());
        }
        Ok(())
    }

    pub(crate) fn connect(&mut self, endpoint: &CStr) -> Result<(), Errno> {
        let socket = self.raw();
        // SAFETY: as in `bind`.
        retry(|| unsafe { zmq_sys::zmq_connect(socket, endpoint.as_ptr()) })?;
        Ok(())
    }

    pub(crate) fn disconnect(&mut self, endpoint: &CStr) -> Result<(), Errno> {
        let socket = self.raw();
        // SAFETY: as in `bind`.
        retry(|| unsafe { zmq_sys::zmq_disconnect(socket, endpoint.as_ptr()) })?;
        Ok(())
    }

    /// The endpoint that was bound last, with its wildcards resolved.
    pub(crate) fn last_endpoint(&mut self) -> Result<String, Errno> {
        let mut text = [0u8; 1024];
        let mut len = text.len();
        let socket = self.raw();
        // SAFETY: the socket is as in `bind`; `text` has room for `len` bytes, and libzmq writes no more than that.
        retry(|| unsafe {
            let option = raw(zmq_sys::ZMQ_LAST_ENDPOINT);
            zmq_sys::zmq_getsockopt(socket, option, text.as_mut_ptr().cast(), &mut len)
        })?;
        let text = CStr::from_bytes_until_nul(&text).map_err(|_| Errno::new(EINVAL))?;
        Ok(text.to_string_lossy().into_owned())
    }

    /// Reads an option of the C type that `T` stands for.
    fn get<T: Copy>(&mut self, option: u32, mut value: T) -> Result<T, Errno> {
        let mut len = mem::size_of::<T>();
        let socket = self.raw();
        // SAFETY: the socket is as in `bind`; `value` has room for `len` bytes. `T` is an integer (this function is
        // private; see its callers), of which all bytes are valid.
        retry(|| unsafe {
            let value = ptr::from_mut(&mut value).cast();
            zmq_sys::zmq_getsockopt(socket, raw(option), value, &mut len)
        })?;
        Ok(value)
    }

    /// How long what was accepted is still sent after the socket was closed: `None` for ever.
    pub(crate) fn linger(&mut self) -> Result<Option<Duration>, Errno> {
        let millis: c_int = self.get(zmq_sys::ZMQ_LINGER, 0)?;
        Ok(u64::try_from(millis).ok().map(Duration::from_millis))
    }

    pub(crate) fn set_linger(&mut self, linger: Duration) -> Result<(), Errno> {
        let millis = c_int::try_from(linger.as_millis()).unwrap_or(c_int::MAX);
        self.set(zmq_sys::ZMQ_LINGER, millis)
    }

    /// Whether it holds the last message alone.
    pub(crate) fn conflates(&mut self) -> bool {
        kinds::can_conflate(self.kind)
            && self.get_int(zmq_sys::ZMQ_CONFLATE).is_ok_and(|on| on != 0)
    }

    /// The I/O threads that may serve what is bound and connected from now on, as bits.
    pub(crate) fn affinity(&mut self) -> Result<u64, Errno> {
        self.get(zmq_sys::ZMQ_AFFINITY, 0)
    }

    pub(crate) fn set_affinity(&mut self, threads: u64) -> Result<(), Errno> {
        self.set(zmq_sys::ZMQ_AFFINITY, threads)
    }

    /// Whether it has this mechanism: `ZMQ_NULL`, which is none, `ZMQ_PLAIN` or `ZMQ_CURVE`.
    pub(crate) fn has_mechanism(&mut self, mechanism: u32) -> bool {
        self.get_int(zmq_sys::ZMQ_MECHANISM) == Ok(raw(mechanism))
    }

    /// Whether it lets nobody in while the context has no ZAP handler.
    pub(crate) fn enforces_domain(&mut self) -> bool {
        self.get_int(ZAP_ENFORCE_DOMAIN).is_ok_and(|on| on != 0)
    }

    /// Whether it has a domain that the ZAP handler is told of.
    pub(crate) fn has_domain(&mut self) -> bool {
        let domain = self.get_bytes(zmq_sys::ZMQ_ZAP_DOMAIN);
        domain.is_ok_and(|domain| domain.first().is_some_and(|&first| first != 0))
    }

    /// Whether it may ask a ZAP handler of who comes.
    pub(crate) fn is_guarded(&mut self) -> bool {
        let servers = [zmq_sys::ZMQ_PLAIN_SERVER, zmq_sys::ZMQ_CURVE_SERVER];
        servers.iter().any(|&server| self.get_int(server) == Ok(1)) || self.has_domain()
    }

    /// Whether a secret key of CURVE was set: libzmq begins with zeros.
    pub(crate) fn has_secret_key(&mut self) -> bool {
        let mut key = [0; CurveKey::BYTES];
        let read = self.get_into(zmq_sys::ZMQ_CURVE_SECRETKEY, &mut key);
        read.is_ok() && key.iter().any(|&byte| byte != 0)
    }

    pub(crate) fn get_int(&mut self, option: u32) -> Result<c_int, Errno> {
        self.get(option, 0)
    }

    pub(crate) fn get_long(&mut self, option: u32) -> Result<i64, Errno> {
        self.get(option, 0)
    }

    /// Reads an option of up to 255 bytes, and a NUL.
    pub(crate) fn get_bytes(&mut self, option: u32) -> Result<Vec<u8>, Errno> {
        let mut bytes = vec![0u8; 256];
        let len = self.get_into(option, &mut bytes)?;
        bytes.truncate(len);
        Ok(bytes)
    }

    /// Reads an option into `bytes`; returns how many there are.
    pub(crate) fn get_into(&mut self, option: u32, bytes: &mut [u8]) -> Result<usize, Errno> {
        let mut len = bytes.len();
        let socket = self.raw();
        // SAFETY: the socket is as in `bind`; `bytes` has room for `len` bytes, and libzmq writes no more than that.
        retry(|| unsafe {
            zmq_sys::zmq_getsockopt(socket, raw(option), bytes.as_mut_ptr().cast(), &mut len)
        })?;
        Ok(len)
    }

    /// Sets an option of the C type that `T` stands for.
    fn set<T: Copy>(&mut self, option: u32, value: T) -> Result<(), Errno> {
        let socket = self.raw();
        // SAFETY: the socket is as in `bind`; `value` has the size that is said, and the alignment of its type. libzmq
        // checks the size for the option. `T` is an integer (this function is private), of which all bytes are initialised.
        retry(|| unsafe {
            let value = ptr::from_ref(&value).cast();
            zmq_sys::zmq_setsockopt(socket, raw(option), value, mem::size_of::<T>())
        })?;
        Ok(())
    }

    pub(crate) fn set_int(&mut self, option: u32, value: c_int) -> Result<(), Errno> {
        self.set(option, value)
    }

    pub(crate) fn set_long(&mut self, option: u32, value: i64) -> Result<(), Errno> {
        self.set(option, value)
    }

    /// Sets an option that is bytes, which libzmq copies.
    pub(crate) fn set_bytes(&mut self, option: u32, bytes: &[u8]) -> Result<(), Errno> {
        let socket = self.raw();
        // SAFETY: the socket is as in `bind`; the pointer is to as many bytes as is said, of which libzmq keeps none. Of an
        // option that is a number it checks the length before it looks (callers give none).
        retry(|| unsafe {
            zmq_sys::zmq_setsockopt(socket, raw(option), bytes.as_ptr().cast(), bytes.len())
        })?;
        Ok(())
    }

    /// Has libzmq send these events to this inproc endpoint, and to no other any more; without an endpoint, to none. It calls an
    /// end of the events an event, too.
    pub(crate) fn monitor(
        &mut self,
        endpoint: Option<&CStr>,
        events: EventMask,
    ) -> Result<(), Errno> {
        let socket = self.raw();
        let endpoint = endpoint.map_or(ptr::null(), CStr::as_ptr);
        // SAFETY: the socket is as in `bind`. The endpoint is a C string, or null, which stops the monitor.
        retry(|| unsafe { zmq_sys::zmq_socket_monitor(socket, endpoint, events.bits().into()) })?;
        Ok(())
    }

    /// Lets libzmq take in what happened, and asks whether it would receive and send.
    pub(crate) fn events(&mut self) -> Result<(bool, bool), Errno> {
        let events: c_int = self.get(zmq_sys::ZMQ_EVENTS, 0)?;
        let has = |flag| events & raw(flag) != 0;
        Ok((has(zmq_sys::ZMQ_POLLIN), has(zmq_sys::ZMQ_POLLOUT)))
    }

    /// Whether something has happened that was not taken in; takes in nothing.
    pub(crate) fn has_news(&mut self) -> bool {
        let mut item = PollItem::readable(self.descriptor());
        // SAFETY: one item, as is said. Without a socket it names a descriptor, which is open as long as the socket.
        let ready = retry(|| unsafe { zmq_sys::zmq_poll(ptr::from_mut(&mut item).cast(), 1, 0) });
        ready.is_ok_and(|ready| ready > 0)
    }

    /// Sends one frame without waiting; returns how many bytes it had. If it was refused, it is as it was.
    pub(crate) fn send(&mut self, frame: &mut Frame, more: bool) -> Result<usize, Errno> {
        let flags = raw(zmq_sys::ZMQ_DONTWAIT) | if more { raw(zmq_sys::ZMQ_SNDMORE) } else { 0 };
        let socket = self.raw();
        // SAFETY: the socket is as in `bind`. The message is initialised; libzmq leaves an empty one there once it has
        // taken the bytes over.
        let sent = retry(|| unsafe { zmq_sys::zmq_msg_send(&mut frame.msg, socket, flags) })?;
        Ok(usize::try_from(sent).unwrap_or(0))
    }

    /// Sends a second reference to the bytes, so that the frame is there still if the message has to be begun anew.
    pub(crate) fn send_shared(&mut self, frame: &mut Frame, more: bool) -> Result<usize, Errno> {
        let mut shared = ManuallyDrop::new(frame.share());
        // What was sent is empty, and need not be closed (zmq_msg_send(3)).
        self.send(&mut shared, more)
            .inspect_err(|_| drop(ManuallyDrop::into_inner(shared)))
    }

    /// Receives one frame into room for it, without waiting. Returns how many bytes it has, and whether more frames belong to its
    /// message.
    pub(crate) fn recv(&mut self, room: &mut Frame) -> Result<(usize, bool), Errno> {
        // SAFETY: `msg` is 64 writable bytes, which is all that the call asks for, and no message that would be lost.
        unsafe { zmq_sys::zmq_msg_init(&mut room.msg) };
        let socket = self.raw();
        // SAFETY: the message was just initialised. The socket is as in `bind`.
        let received = retry(|| unsafe {
            zmq_sys::zmq_msg_recv(&mut room.msg, socket, raw(zmq_sys::ZMQ_DONTWAIT))
        })?;
        // SAFETY: the message is initialised.
        let more = unsafe { zmq_sys::zmq_msg_more(&room.msg) } != 0;
        Ok((usize::try_from(received).unwrap_or(0), more))
    }
}

/// A socket's descriptor. Whoever holds one (`runtime::thread::Place`) lets go of it before the socket is dropped.
#[derive(Clone, Copy)]
pub(crate) struct Descriptor(zmq_sys::RawFd);

impl Descriptor {
    /// Has the tokio runtime that is entered watch it. It panics where that one's I/O driver is not enabled.
    #[cfg(all(feature = "tokio", unix))]
    pub(crate) fn on_tokio(self) -> io::Result<AsyncFd<Self>> {
        // SAFETY: it stays open as long as the socket, names the same all the while, and whoever holds the `AsyncFd`
        // (`runtime::tokio::Place`) drops it before the socket is.
        unsafe { AsyncFd::register_with_interest(self, Interest::READABLE) }
            .map_err(io::Error::from)
    }

    /// Has the descriptor watched, for nothing yet.
    pub(crate) fn watch(self, poller: &Poller, key: usize) -> io::Result<()> {
        // SAFETY: the descriptor stays open as long as the socket, and its holder ends the watch before that is dropped.
        unsafe { poller.add(self.0, Event::none(key)) }
    }

    /// Has the descriptor watched, once: libzmq makes it readable when something has happened that it has not taken in.
    pub(crate) fn rewatch(self, poller: &Poller, key: usize) -> io::Result<()> {
        poller.modify(self.borrow(), Event::readable(key))
    }

    /// Has the descriptor watched for nothing.
    #[cfg(unix)]
    pub(crate) fn rest(self, poller: &Poller, key: usize) -> io::Result<()> {
        poller.modify(self.borrow(), Event::none(key))
    }

    #[cfg(unix)]
    pub(crate) fn of(descriptor: &impl std::os::fd::AsRawFd) -> Self {
        Self(descriptor.as_raw_fd())
    }

    pub(crate) fn unwatch(self, poller: &Poller) -> io::Result<()> {
        poller.delete(self.borrow())
    }

    #[cfg(unix)]
    fn borrow<'a>(self) -> std::os::fd::BorrowedFd<'a> {
        // SAFETY: libzmq keeps the descriptor open for as long as the socket lives, and that is longer than its holder.
        unsafe { std::os::fd::BorrowedFd::borrow_raw(self.0) }
    }

    #[cfg(windows)]
    fn borrow<'a>(self) -> std::os::windows::io::BorrowedSocket<'a> {
        // SAFETY: as on unix.
        unsafe { std::os::windows::io::BorrowedSocket::borrow_raw(self.0) }
    }
}

#[cfg(all(feature = "tokio", unix))]
impl AsRawFd for Descriptor {
    fn as_raw_fd(&self) -> RawFd {
        self.0
    }
}

/// `zmq_pollitem_t` as `zmq.h` has it; that of `zmq-sys` has a descriptor of another size on Windows.
#[repr(C)]
struct PollItem {
    socket: *mut c_void,
    fd: zmq_sys::RawFd,
    events: c_short,
    revents: c_short,
}

impl PollItem {
    /// Asks whether this is readable.
    fn readable(descriptor: Descriptor) -> Self {
        Self {
            socket: ptr::null_mut(),
            fd: descriptor.0,
            events: c_short::try_from(zmq_sys::ZMQ_POLLIN).unwrap_or(1),
            revents: 0,
        }
    }
}

/// Waits until one of these is readable, or the time is up, and says which are; nothing if none is. A descriptor that was closed
/// meanwhile may count as readable.
#[cfg(unix)]
pub(crate) fn wait_readable(
    descriptors: &[Descriptor],
    timeout: Option<Duration>,
) -> SmallVec<[bool; 9]> {
    let items = descriptors.iter().map(|descriptor| libc::pollfd {
        fd: descriptor.0,
        events: libc::POLLIN,
        revents: 0,
    });
    let mut items: SmallVec<[_; 9]> = items.collect();
    // Rounded up, so that it is never over too early.
    let millis = timeout.map_or(-1, |timeout| {
        c_int::try_from(timeout.as_nanos().div_ceil(1_000_000)).unwrap_or(c_int::MAX)
    });
    let count = libc::nfds_t::try_from(items.len()).unwrap_or(libc::nfds_t::MAX);
    // SAFETY: there are at least so many items. A descriptor is a number, and that of something which was closed is reported or names
    // something else, which the caller allows for.
    let polled = unsafe { libc::poll(items.as_mut_ptr(), count, millis) };
    if polled <= 0 {
        // Nothing, or a signal.
        return SmallVec::new();
    }
    items.iter().map(|item| item.revents != 0).collect()
}

/// An endpoint as libzmq takes it.
pub(crate) fn c_string(endpoint: &str) -> Option<CString> {
    CString::new(endpoint).ok()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    /// A wait that has no end does not look now and then.
    #[test]
    fn a5_whoever_waits_without_end_waits_until_there_is_something() {
        let (ours, mut theirs) = std::os::unix::net::UnixStream::pair().unwrap();
        let other = std::thread::spawn(move || {
            // It may be later: that would only show less.
            thread::sleep(Duration::from_millis(30));
            io::Write::write_all(&mut theirs, b"x").unwrap();
            theirs
        });
        assert_eq!(*wait_readable(&[Descriptor::of(&ours)], None), [true]);
        let none = Some(Duration::from_micros(10));
        let (quiet, _theirs) = std::os::unix::net::UnixStream::pair().unwrap();
        assert_eq!(*wait_readable(&[Descriptor::of(&quiet)], none), []);
        other.join().unwrap();
    }

    /// Its name is resolved here then, and not the endpoint's.
    #[test]
    fn g1_a_proxy_is_told_as_it_was_set() {
        let context = RawContext::new().unwrap();
        let mut socket = context.socket(SocketType::DEALER).unwrap();
        assert_eq!(socket.proxy(), None);
        let proxy = "proxy.example:1080";
        let set = socket.set_bytes(zmq_sys::ZMQ_SOCKS_PROXY, proxy.as_bytes());
        set.unwrap();
        assert_eq!(socket.proxy().as_deref(), Some(proxy));
    }

    /// A signal comes when it likes. What is interrupted has done nothing.
    #[test]
    fn a4_a_call_that_a_signal_interrupts_is_made_again() {
        let mut errors = vec![ENOENT, EINTR, EINTR];
        let mut call = || {
            let Some(error) = errors.pop() else {
                return 7;
            };
            // SAFETY: it is the number of this thread, which nobody else writes.
            unsafe { *libc::__errno_location() = error };
            -1
        };
        assert_eq!(retry(&mut call), Err(Errno::new(ENOENT)));
        assert_eq!(retry(call), Ok(7));
    }
}
