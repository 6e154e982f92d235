//! Requests that are answered, or come back.

use std::time::Duration;

use crate::builder::Builder;
use crate::error::{OpenError, RequestError};
use crate::kinds;
use crate::message::Multipart;
use crate::options;
use crate::pump::Flow;
use crate::runtime::Timer;
use crate::stream::ZmqStream;

#[cfg(doc)]
use crate::options::{IMMEDIATE, REQ_CORRELATE, REQ_RELAXED, SEND_HWM};
#[cfg(doc)]
use zmq::SocketType;

/// What the "Lazy Pirate" of the [ZeroMQ guide](https://zguide.zeromq.org/docs/chapter4/) does.
const TIMEOUT: Duration = Duration::from_millis(2_500);
const ATTEMPTS: u32 = 3;

/// Asks, and waits for the reply; asks again if there is none in time, and gives up after so many attempts.
///
/// It is a REQ that puts a number before each request ([`REQ_CORRELATE`]) and may ask again ([`REQ_RELAXED`]): a late reply is never taken
/// for the next one. Each attempt goes to the next of its servers in turn, among those whose connection stands ([`IMMEDIATE`]): one that
/// died is passed over.
///
/// A server that goes away takes with it what it had answered and was not read yet, for libzmq drops that with the connection where
/// [`IMMEDIATE`] is set; the request is then asked again. Without that option it is read, and requests may wait for servers that are gone.
/// A request of several frames whose server goes away between two of them ends the stream with `EINTR`, as that of every REQ does: open the
/// requester anew then. Whoever sets [`REQ_CORRELATE`] or [`REQ_RELAXED`] otherwise on its [`stream`](Self::stream) has no requester any more.
///
/// A server that hangs up in the very microseconds in which it is asked again may have libzmq send that request without its envelope, which
/// nobody answers: it is asked again when the time is up, so that a timeout of `None` is for servers that stay.
///
/// It keeps a place on the process's I/O thread for its timeouts, and with it the thread, until it is dropped.
///
/// **A server may see a request more than once**, at most as often as there are [`attempts`](Self::attempts), and also after it was given up:
/// a slow one has it still. What must not happen twice has to carry a name of its own that the server knows again.
///
/// An attempt that is over leaves nothing behind in the stream: what was not sent by then is not sent later. libzmq holds one request for
/// each server that is connected and takes none ([`SEND_HWM`]), beyond those on the wire; over `inproc`, where a server need not be there yet
/// and both ends hold, as many as the server's own mark says, too. Memory: the request, its reply, and what libzmq holds.
///
/// ```
/// use std::time::Duration;
/// use futures_lite::future::{block_on, zip};
/// use tidegate::{RequestError, Requester, SocketType, ZmqStream};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let server = ZmqStream::builder(SocketType::REP).bind("tcp://127.0.0.1:*").open()?;
/// let builder = ZmqStream::builder(SocketType::REQ).connect(&server.bindings()[0]);
/// let mut requester = Requester::open(builder)?.timeout(Duration::from_millis(20)).attempts(2);
///
/// // Nobody answers.
/// let Err(error) = block_on(requester.request("are you there?")) else { panic!() };
/// assert_eq!(error.to_string(), "no reply within 20ms to any of 2 attempts");
/// assert_eq!(error.into_request(), "are you there?");
///
/// let mut requester = requester.timeout(None);
/// let serve = async {
///     while server.read().await? != "and now?" {
///         server.write("too late")?;
///     }
///     server.write("yes")?;
///     Ok::<_, Box<dyn std::error::Error>>(())
/// };
/// let (reply, served) = block_on(zip(requester.request("and now?"), serve));
/// served?;
/// assert_eq!(reply?, "yes");
/// # block_on(tidegate::shutdown(Duration::from_secs(5)))?;
/// # Ok(())
/// # }
/// ```
pub struct Requester {
    stream: ZmqStream,
    timer: Timer,
    timeout: Option<Duration>,
    attempts: u32,
}

impl Requester {
    /// Opens the stream, a [`REQ`](SocketType::REQ), with everything else that the builder says. [`REQ_CORRELATE`] and
    /// [`REQ_RELAXED`] are set in any case; [`IMMEDIATE`] is set, and [`SEND_HWM`] is 1, unless the builder sets them otherwise.
    ///
    /// # Errors
    /// See [`OpenError`]; a builder of another type is [`OpenError::NotAReq`].
    pub fn open(builder: Builder) -> Result<Self, OpenError> {
        let kind = builder.kind();
        if kind != zmq::SocketType::REQ {
            let found = kinds::name(kind);
            return Err(OpenError::NotAReq { found });
        }
        let stream = builder
            .default_option(options::IMMEDIATE, true)
            .default_option(options::SEND_HWM, 1)
            .option(options::REQ_CORRELATE, true)
            .option(options::REQ_RELAXED, true)
            .open()?;
        Ok(Self {
            stream,
            timer: Timer::new(),
            timeout: Some(TIMEOUT),
            attempts: ATTEMPTS,
        })
    }

    /// How long each attempt waits for the reply, and for somebody to send the request to; `None`, or more than the clock can
    /// name: for ever, and there is no other attempt. Default: 2.5 s.
    pub fn timeout(self, timeout: impl Into<Option<Duration>>) -> Self {
        Self {
            timeout: timeout.into(),
            ..self
        }
    }

    /// How often a request is sent at most; 0 counts as 1. Default: 3. A request takes no longer than all its attempts together,
    /// 7.5 s by default.
    pub fn attempts(self, attempts: u32) -> Self {
        Self {
            attempts: attempts.max(1),
            ..self
        }
    }

    /// Sends a request, and waits for its reply. One at a time: open another requester to ask for something else meanwhile.
    ///
    /// # Errors
    /// See [`RequestError`]. The request is in the error.
    ///
    /// # Cancel safety
    /// A future that is dropped gives its request up: it is not sent any more if it was not yet, and its reply is thrown away whenever it
    /// comes. A server may have it by then. The next request gets its own reply.
    pub async fn request(
        &mut self,
        message: impl Into<Multipart>,
    ) -> Result<Multipart, RequestError> {
        self.ask(message.into()).await
    }

    /// [`request`](Self::request), for programs without async: blocks the thread for as long as all attempts take.
    ///
    /// # Errors
    /// See [`RequestError`]. The request is in the error.
    pub fn request_blocking(
        &mut self,
        message: impl Into<Multipart>,
    ) -> Result<Multipart, RequestError> {
        crate::block_on(self.ask(message.into()))
    }

    async fn ask(&mut self, mut request: Multipart) -> Result<Multipart, RequestError> {
        let Self {
            stream,
            timer,
            timeout,
            attempts,
        } = self;
        let asking = Asking(stream);
        for _ in 0..*attempts {
            if let Err(error) = asking.0.write(request.share()) {
                return Err(RequestError::Write(error));
            }
            match timer.within(*timeout, asking.0.read()).await {
                Ok(Some(Ok(reply))) => return Ok(reply),
                Ok(Some(Err(source))) => {
                    let request = request.into();
                    return Err(RequestError::Read { request, source });
                }
                Ok(None) => {}
                Err(source) => {
                    let request = request.into();
                    return Err(RequestError::Timer { request, source });
                }
            }
        }
        Err(RequestError::TimedOut {
            request: request.into(),
            attempts: *attempts,
            timeout: timeout.unwrap_or(Duration::MAX),
        })
    }

    /// The stream beneath: for its events, its endpoints, its counters, its end. Whoever reads or writes there himself does it in the
    /// place of the requester, and a message that he takes was its reply.
    pub fn stream(&self) -> &ZmqStream {
        &self.stream
    }

    /// Closes the stream; see [`ZmqStream::close`]. Dropping the requester does the same, unless there is another handle of its stream.
    pub fn close(&self) {
        self.stream.close();
    }
}

/// Says what it is told to do, and how its stream is.
impl std::fmt::Debug for Requester {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Requester")
            .field("timeout", &self.timeout)
            .field("attempts", &self.attempts)
            .field("stream", &self.stream)
            .finish()
    }
}

/// Gives the request up, unless it was answered.
struct Asking<'a>(&'a ZmqStream);

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        self.0.inner().with(Flow::abandon_request);
    }
}
