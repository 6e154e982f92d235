//! Options that say who may connect, and keys.
//!
//! Whoever binds is the server, or whoever connects; both have to name the same mechanism. A server of PLAIN or CURVE asks the context's
//! [`Authenticator`](crate::Authenticator) about each client. Without one, PLAIN lets nobody in and CURVE everybody who knows the
//! server's key, unless it enforces its domain.

use std::fmt;
use std::str::FromStr;

use crate::builder::Builder;
use crate::error::OptionError;
use crate::options::SocketOption;
use crate::socket;

/// Whether this socket is a server of PLAIN, which asks for a name and a password that cross the wire as they are. Default: no.
#[doc(alias = "ZMQ_PLAIN_SERVER")]
pub const PLAIN_SERVER: SocketOption<bool> =
    SocketOption::new("ZMQ_PLAIN_SERVER", zmq_sys::ZMQ_PLAIN_SERVER);

/// The name that a client of PLAIN gives: 1 to 255 bytes. Default: none.
#[doc(alias = "ZMQ_PLAIN_USERNAME")]
pub const PLAIN_USERNAME: SocketOption<String> =
    SocketOption::new("ZMQ_PLAIN_USERNAME", zmq_sys::ZMQ_PLAIN_USERNAME);

/// The password that a client of PLAIN gives: 1 to 255 bytes. Default: none.
#[doc(alias = "ZMQ_PLAIN_PASSWORD")]
pub const PLAIN_PASSWORD: SocketOption<String> =
    SocketOption::new("ZMQ_PLAIN_PASSWORD", zmq_sys::ZMQ_PLAIN_PASSWORD);

/// Whether this socket is a server of CURVE, which encrypts. It needs a [`CURVE_SECRET_KEY`]. Default: no.
///
/// The libzmq that the `zmq` crate builds has no CURVE: all CURVE options are
/// [`OptionError::Unsupported`] with it. A libzmq of the system has it.
#[doc(alias = "ZMQ_CURVE_SERVER")]
pub const CURVE_SERVER: SocketOption<bool> =
    SocketOption::new("ZMQ_CURVE_SERVER", zmq_sys::ZMQ_CURVE_SERVER);

/// The public key of a client of CURVE. Default: none. See [`CURVE_SERVER`].
#[doc(alias = "ZMQ_CURVE_PUBLICKEY")]
pub const CURVE_PUBLIC_KEY: SocketOption<CurveKey> =
    SocketOption::new("ZMQ_CURVE_PUBLICKEY", zmq_sys::ZMQ_CURVE_PUBLICKEY);

/// The secret key of a client or a server of CURVE. Default: none. See [`CURVE_SERVER`].
#[doc(alias = "ZMQ_CURVE_SECRETKEY")]
pub const CURVE_SECRET_KEY: SocketOption<CurveKey> =
    SocketOption::new("ZMQ_CURVE_SECRETKEY", zmq_sys::ZMQ_CURVE_SECRETKEY);

/// The public key of the server that a client of CURVE talks to. Default: none. See [`CURVE_SERVER`].
#[doc(alias = "ZMQ_CURVE_SERVERKEY")]
pub const CURVE_SERVER_KEY: SocketOption<CurveKey> =
    SocketOption::new("ZMQ_CURVE_SERVERKEY", zmq_sys::ZMQ_CURVE_SERVERKEY);

/// The domain that the [`Authenticator`](crate::Authenticator) is told of: 1 to 255 bytes. Default: none; a socket without a mechanism
/// asks it only if there is one.
#[doc(alias = "ZMQ_ZAP_DOMAIN")]
pub const ZAP_DOMAIN: SocketOption<String> =
    SocketOption::new("ZMQ_ZAP_DOMAIN", zmq_sys::ZMQ_ZAP_DOMAIN);

/// Whether a server with a [`ZAP_DOMAIN`] lets nobody in while the context has no [`Authenticator`](crate::Authenticator). A server of
/// PLAIN never does; one of CURVE, and one without a mechanism, let everybody in unless this is set. Default: no.
///
/// `zmq.h` counts it among the drafts, and every build of libzmq since 4.3 has it. A server of PLAIN that enforces a domain which it does
/// not have would end the process when the first client comes: opening it, and setting its options so, is an error.
#[doc(alias = "ZMQ_ZAP_ENFORCE_DOMAIN")]
pub const ZAP_ENFORCE_DOMAIN: SocketOption<bool> =
    SocketOption::new("ZMQ_ZAP_ENFORCE_DOMAIN", socket::ZAP_ENFORCE_DOMAIN);

/// Why CURVE cannot be had.
pub(crate) const NO_CURVE: &str = "the libzmq that is linked was built without CURVE; the system's libzmq has it, and the README says how to link that";

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
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
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

/// A public key of CURVE and the secret key that belongs to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CurveKeys {
    /// May be known to anybody; a client has to know its server's.
    pub public: CurveKey,
    /// Is to be known to its owner alone.
    pub secret: CurveKey,
}

impl CurveKeys {
    /// New keys, of libzmq's own random numbers ([zmq_curve_keypair(3)](https://libzmq.readthedocs.io/en/latest/zmq_curve_keypair.html)).
    ///
    /// # Errors
    /// [`Unsupported`](OptionError::Unsupported): the linked libzmq has no CURVE.
    pub fn generate() -> Result<Self, OptionError> {
        let unsupported = OptionError::Unsupported {
            option: "CURVE",
            reason: NO_CURVE,
        };
        let [public, secret] = socket::curve_keys().ok_or(unsupported)?;
        Ok(Self { public, secret })
    }
}

/// The mechanisms, each with all its options.
impl Builder {
    /// A socket without a mechanism, of whose clients the context's [`Authenticator`](crate::Authenticator) decides by their address. While
    /// there is none, nobody is let in.
    pub fn guarded(self, domain: impl Into<String>) -> Self {
        self.option(ZAP_DOMAIN, domain.into())
            .option(ZAP_ENFORCE_DOMAIN, true)
    }

    /// A server of PLAIN: clients give a name and a password, which cross the wire as they are, and the context's
    /// [`Authenticator`](crate::Authenticator) decides by the rules of this domain. Without one nobody is let in.
    pub fn plain_server(self, domain: impl Into<String>) -> Self {
        self.option(ZAP_DOMAIN, domain.into())
            .option(PLAIN_SERVER, true)
    }

    /// A client of PLAIN: name and password have 1 to 255 bytes.
    pub fn plain_client(self, name: impl Into<String>, password: impl Into<String>) -> Self {
        self.option(PLAIN_USERNAME, name.into())
            .option(PLAIN_PASSWORD, password.into())
    }

    /// A server of CURVE with this secret key: what is sent is encrypted, and clients have to know its public key. The context's
    /// [`Authenticator`](crate::Authenticator) decides by the rules of this domain; while there is none, nobody is let in.
    ///
    /// Opening it is an error with the libzmq that the `zmq` crate builds, which has no CURVE. (For a server that lets in everybody who
    /// knows its key, without an `Authenticator`, set [`CURVE_SERVER`] and [`CURVE_SECRET_KEY`] alone.)
    pub fn curve_server(self, domain: impl Into<String>, secret: CurveKey) -> Self {
        self.guarded(domain)
            .option(CURVE_SERVER, true)
            .option(CURVE_SECRET_KEY, secret)
    }

    /// A client of CURVE with these keys, of a server with this public key. See [`curve_server`](Self::curve_server).
    pub fn curve_client(self, keys: CurveKeys, server: CurveKey) -> Self {
        self.option(CURVE_SERVER_KEY, server)
            .option(CURVE_PUBLIC_KEY, keys.public)
            .option(CURVE_SECRET_KEY, keys.secret)
    }
}
