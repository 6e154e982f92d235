//! Options that say who may connect, and keys.
//!
//! Whoever binds is the server, or whoever connects; both have to name the same mechanism. A server of PLAIN asks the context's ZAP
//! handler, a REP that is bound to `inproc://zeromq.zap.01`, about each client ([RFC 27](https://rfc.zeromq.org/spec/27/)); one of
//! CURVE lets everybody in who knows its key unless there is such a handler.

use std::fmt;
use std::str::FromStr;

use crate::options::SocketOption;

/// Whether this socket is a server of PLAIN, which asks for a name and a password that cross the wire as they are. Default: no.
pub const PLAIN_SERVER: SocketOption<bool> =
    SocketOption::new("ZMQ_PLAIN_SERVER", zmq_sys::ZMQ_PLAIN_SERVER);

/// The name that a client of PLAIN gives: 1 to 255 bytes. Default: none.
pub const PLAIN_USERNAME: SocketOption<String> =
    SocketOption::new("ZMQ_PLAIN_USERNAME", zmq_sys::ZMQ_PLAIN_USERNAME);

/// The password that a client of PLAIN gives: 1 to 255 bytes. Default: none.
pub const PLAIN_PASSWORD: SocketOption<String> =
    SocketOption::new("ZMQ_PLAIN_PASSWORD", zmq_sys::ZMQ_PLAIN_PASSWORD);

/// Whether this socket is a server of CURVE, which encrypts. It needs a [`CURVE_SECRET_KEY`]. Default: no.
///
/// The libzmq that the `zmq` crate builds has no CURVE: all CURVE options are
/// [`OptionError::Unsupported`](crate::OptionError::Unsupported) with it. A libzmq of the system has it.
pub const CURVE_SERVER: SocketOption<bool> =
    SocketOption::new("ZMQ_CURVE_SERVER", zmq_sys::ZMQ_CURVE_SERVER);

/// The public key of a client of CURVE. Default: none. See [`CURVE_SERVER`].
pub const CURVE_PUBLIC_KEY: SocketOption<CurveKey> =
    SocketOption::new("ZMQ_CURVE_PUBLICKEY", zmq_sys::ZMQ_CURVE_PUBLICKEY);

/// The secret key of a client or a server of CURVE. Default: none. See [`CURVE_SERVER`].
pub const CURVE_SECRET_KEY: SocketOption<CurveKey> =
    SocketOption::new("ZMQ_CURVE_SECRETKEY", zmq_sys::ZMQ_CURVE_SECRETKEY);

/// The public key of the server that a client of CURVE talks to. Default: none. See [`CURVE_SERVER`].
pub const CURVE_SERVER_KEY: SocketOption<CurveKey> =
    SocketOption::new("ZMQ_CURVE_SERVERKEY", zmq_sys::ZMQ_CURVE_SERVERKEY);

/// The domain that the ZAP handler is told of. Default: none; a server without a mechanism asks it only if there is one.
pub const ZAP_DOMAIN: SocketOption<String> =
    SocketOption::new("ZMQ_ZAP_DOMAIN", zmq_sys::ZMQ_ZAP_DOMAIN);

/// A key of CURVE, public or secret: 32 bytes, 40 characters as text ([Z85](https://rfc.zeromq.org/spec/32/)).
///
/// ```
/// use tidegate::options::CurveKey;
///
/// let text = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7";
/// let key: CurveKey = text.parse()?;
/// assert_eq!(key.to_z85(), text);
/// assert_eq!(CurveKey::from(*key.as_bytes()), key);
/// // It may be secret.
/// assert_eq!(format!("{key:?}"), "CurveKey(..)");
///
/// assert!("too short".parse::<CurveKey>().is_err());
/// # Ok::<(), tidegate::options::CurveKeyError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct CurveKey([u8; CurveKey::BYTES]);

impl CurveKey {
    pub(crate) const BYTES: usize = 32;

    /// The key's bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The key as text.
    pub fn to_z85(&self) -> String {
        z85::encode(self.0)
    }
}

impl From<[u8; 32]> for CurveKey {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

/// What was to be a key is none: it has not 40 characters, or one that Z85 has not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a key has 40 characters of Z85")]
pub struct CurveKeyError;

impl FromStr for CurveKey {
    type Err = CurveKeyError;

    fn from_str(text: &str) -> Result<Self, CurveKeyError> {
        let bytes = z85::decode(text).map_err(|_| CurveKeyError)?;
        let bytes = bytes.try_into().map_err(|_| CurveKeyError)?;
        Ok(Self(bytes))
    }
}

impl fmt::Debug for CurveKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CurveKey(..)")
    }
}
