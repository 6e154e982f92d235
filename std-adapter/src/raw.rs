//! The socket itself, for what has no call of its own.

use crate::error::SocketError;
use crate::pump::Flow;
use crate::socket::Socket;
use crate::stream::{Inner, ZmqStream};
use crate::transport::ZmqTransport;

/// A stream's socket, while it is lent to a closure. It goes back even if that panics.
struct Lent<'a> {
    inner: &'a Inner,
    transport: Option<ZmqTransport>,
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        if let Some(transport) = self.transport.take() {
            self.inner.with(|flow| flow.put_back(transport));
        }
    }
}

impl Flow {
    fn lend(&mut self) -> Result<ZmqTransport, SocketError> {
        self.check_open()?;
        let transport = self.transport.take().ok_or(SocketError::InUse)?;
        self.is_lent = true;
        Ok(transport)
    }
}

impl ZmqStream {
    /// Calls `f` with the socket, for what has no call of its own here. Afterwards the stream looks at the socket anew, so that nothing
    /// that `f` does to it keeps anybody waiting.
    ///
    /// Meanwhile the stream stands still: what is written is queued, a read gets what is buffered, and calls that need the socket say
    /// [`InUse`](SocketError::InUse). `f` may call the stream. What `f` sends or receives by itself is neither counted nor in turn
    /// with what is queued, and the first message of a SUB, an XSUB or a ROUTER may have been taken ahead; a message that it begins it has to end. It is not to wait. If `f` has the
    /// socket monitored, this stream is told no more events; and of a `ZMQ_CONFLATE` that `f` sets it does not know: the
    /// [builder](crate::Builder::conflate) sets it. libzmq's own rules hold: it may crash where a
    /// high-water mark of it is set while a peer is just leaving. A host name that `f` connects is resolved in whatever I/O thread the
    /// socket's affinity allows; what [`connect`](Self::connect) does about names, it does as long as `f` leaves the affinity alone, or
    /// sets it to 0, which means any thread that resolves none.
    ///
    /// # Errors
    /// See [`SocketError`]; `f` was not called.
    ///
    /// ```
    /// use tidegate::{SocketType, ZmqStream};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let stream = ZmqStream::builder(SocketType::PULL).open()?;
    /// let affinity = stream.with_socket(|socket| {
    ///     socket.set_affinity(1)?;
    ///     socket.get_affinity()
    /// })??;
    /// assert_eq!(affinity, 1);
    ///
    /// stream.close();
    /// assert!(stream.with_socket(|_| ()).is_err());
    /// # Ok(())
    /// # }
    /// ```
    pub fn with_socket<R>(&self, f: impl FnOnce(&zmq::Socket) -> R) -> Result<R, SocketError> {
        self.with_lent(|socket| f(socket.zmq()))
    }

    /// [`with_socket`](Self::with_socket), of our own.
    pub(crate) fn with_lent<R>(&self, f: impl FnOnce(&mut Socket) -> R) -> Result<R, SocketError> {
        let inner = self.inner();
        let transport = inner.with(Flow::lend)?;
        let mut lent = Lent {
            inner,
            transport: Some(transport),
        };
        match &mut lent.transport {
            Some(transport) => Ok(f(transport.watch.socket())),
            None => Err(SocketError::InUse),
        }
    }
}
