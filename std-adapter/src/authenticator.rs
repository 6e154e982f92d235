//! Who is let in: the context's ZAP handler ([RFC 27](https://rfc.zeromq.org/spec/27/)).
//!
//! libzmq asks it about each connection to a socket of the context, before a message of that connection is taken: a REP at a known
//! `inproc` endpoint, here one with a thread of its own, which answers by rules that may change while it runs.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::thread;

use zmq::SocketType;

use crate::blocking::block_on;
use crate::context::Context;
use crate::error::{AuthenticatorError, EndpointError, Errno, OpenError};
use crate::fork::Forkable;
use crate::message::{Frame, Multipart};
use crate::security::CurveKey;
use crate::stream::ZmqStream;
use crate::sync::MutexGuard;

/// Where libzmq asks.
const ENDPOINT: &str = "inproc://zeromq.zap.01";
const VERSION: &str = "1.0";
/// Rules of this domain hold for every domain that has none of its own.
const ANY_DOMAIN: &str = "*";
/// What is told of a client of NULL, which has no name.
const ANONYMOUS: &str = "anonymous";

/// Decides who may connect to the sockets of a context: by address, by name and password, by key.
///
/// libzmq asks it about a server of PLAIN or CURVE, always, and about a socket without a mechanism only if that has a
/// [`ZAP_DOMAIN`](crate::options::ZAP_DOMAIN): open it with [`guarded`](crate::Builder::guarded). A client is let in if its address is, and then by its mechanism:
///
/// - without one (NULL): yes;
/// - PLAIN: if [`set_plain`](Self::set_plain) has its name and password for the socket's domain;
/// - CURVE: if [`set_curve`](Self::set_curve) has its key, or any, for the socket's domain;
/// - any other: no.
///
/// So one that was just started refuses every client of PLAIN and CURVE. Rules hold for whoever connects after they were set: who is in
/// stays in. The answer's user id, which [`Multipart::user_id`] tells of each message, is the name of a client of PLAIN, the key of one of
/// CURVE (as 40 characters), and `anonymous` otherwise.
///
/// Whoever is refused gets no message in. What the two sides' [monitors](ZmqStream::enable_monitor) report, with libzmq 4.3.4:
///
/// | | server | client |
/// | --- | --- | --- |
/// | refused here: address, name, password or key | [`HandshakeFailedAuth`] 400 | the same |
/// | PLAIN without an `Authenticator` | [`HandshakeFailedNoDetail`] | the same |
/// | no mechanism, but an enforced domain, without an `Authenticator` | [`HandshakeFailedNoDetail`] | the same, when the server's [`HANDSHAKE_INTERVAL`](crate::options::HANDSHAKE_INTERVAL) is over |
/// | CURVE, with another server's key | [`HandshakeFailedProtocol`] | [`HandshakeFailedNoDetail`] |
/// | no mechanism, or another one | [`HandshakeFailedProtocol`] | the same |
///
/// [`HandshakeFailedAuth`]: crate::EventKind::HandshakeFailedAuth
/// [`HandshakeFailedProtocol`]: crate::EventKind::HandshakeFailedProtocol
/// [`HandshakeFailedNoDetail`]: crate::EventKind::HandshakeFailedNoDetail
///
/// It takes a thread, four descriptors, and its rules. While the context shuts down it decides until all other streams are closed. **When it
/// is dropped the context has no handler**: a server of PLAIN, and whoever [enforces its domain](crate::options::ZAP_ENFORCE_DOMAIN), as
/// [`guarded`](crate::Builder::guarded) and [`curve_server`](crate::Builder::curve_server) do, then let nobody in any more; every other socket
/// lets everybody in, whatever the rules were.
///
/// ```
/// use futures_lite::future::block_on;
/// use tidegate::{Authenticator, Context, SocketType, ZmqStream};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let context = Context::new()?;
/// let authenticator = Authenticator::start(&context)?;
/// authenticator.set_plain("news", [("ann", "secret")]);
///
/// let open = |kind| ZmqStream::builder(kind).context(&context);
/// let server = open(SocketType::PULL).plain_server("news").bind("tcp://127.0.0.1:*").open()?;
/// let client = open(SocketType::PUSH).plain_client("ann", "secret");
/// let client = client.connect(&server.bindings()[0]).open()?;
///
/// client.write("let me in")?;
/// let message = block_on(server.read())?;
/// assert_eq!(message, "let me in");
/// assert_eq!(message.user_id(), Some("ann"));
/// # block_on(context.shutdown(std::time::Duration::from_secs(5)))?;
/// # Ok(())
/// # }
/// ```
pub struct Authenticator {
    handler: ZmqStream,
    /// A forked child has none.
    rules: Arc<Forkable<Rules>>,
}

/// The keys of clients of CURVE that are let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CurveClients {
    /// Whoever knows the server's key.
    Any,
    /// Those with one of these public keys.
    Keys(HashSet<CurveKey>),
}

impl<const N: usize> From<[CurveKey; N]> for CurveClients {
    fn from(keys: [CurveKey; N]) -> Self {
        Self::Keys(keys.into())
    }
}

impl FromIterator<CurveKey> for CurveClients {
    fn from_iter<I: IntoIterator<Item = CurveKey>>(keys: I) -> Self {
        Self::Keys(keys.into_iter().collect())
    }
}

#[derive(Default)]
struct Rules {
    /// If there are such, no other address is let in.
    allowed: Option<HashSet<IpAddr>>,
    denied: HashSet<IpAddr>,
    /// Names and passwords, by domain.
    plain: HashMap<String, HashMap<String, String>>,
    curve: HashMap<String, CurveClients>,
}

impl Authenticator {
    /// Begins to decide for this context. Nobody is let in by PLAIN or CURVE before there are rules.
    ///
    /// # Errors
    /// See [`AuthenticatorError`]: there is one already, as libzmq has one place for it in each context.
    pub fn start(context: &Context) -> Result<Self, AuthenticatorError> {
        let handler = ZmqStream::builder(SocketType::REP).context(context);
        let handler = handler.bind(ENDPOINT).open().map_err(|error| match error {
            OpenError::Endpoint(EndpointError::Bind { source, .. })
                if source == Errno::ADDRESS_IN_USE =>
            {
                AuthenticatorError::AlreadyStarted
            }
            error => AuthenticatorError::Open(error),
        })?;
        context.is_guarded_by(handler.downgrade());
        let rules = Arc::new(Forkable::new(Rules::default()));
        let answering = (handler.clone(), rules.clone());
        // Its place is free again as soon as it is dropped.
        let this = Self { handler, rules };
        thread::Builder::new()
            .name("tidegate-zap".into())
            .spawn(move || answer_all(&answering.0, &answering.1))
            .map_err(AuthenticatorError::Thread)?;
        Ok(this)
    }

    /// Lets clients in from these addresses, and from then on from no other: of an empty list, from none. An IPv6 address that stands for
    /// an IPv4 one is taken for that.
    ///
    /// It says nothing of `inproc`, of which libzmq never asks, and lets no client of `ipc` in, which has no such address. A socket without a
    /// mechanism is not asked about unless it has a domain: [`guarded`](crate::Builder::guarded) gives it one.
    pub fn allow<A: Into<IpAddr>>(&self, addresses: impl IntoIterator<Item = A>) {
        let addresses = canonical(addresses);
        let mut rules = self.rules();
        let allowed = rules.allowed.get_or_insert_default();
        allowed.extend(addresses);
    }

    /// Keeps clients from these addresses out, whatever else is allowed; of a socket without a mechanism only where that has a domain, as
    /// with [`allow`](Self::allow).
    pub fn deny<A: Into<IpAddr>>(&self, addresses: impl IntoIterator<Item = A>) {
        let addresses = canonical(addresses);
        self.rules().denied.extend(addresses);
    }

    /// Allows and denies no address by itself any more: all are let in, if their mechanism does.
    pub fn clear_addresses(&self) {
        let mut rules = self.rules();
        rules.allowed = None;
        rules.denied.clear();
    }

    /// The names and passwords that sockets of this domain let in by PLAIN, instead of those set before. `*` is for all domains that
    /// have none of their own.
    pub fn set_plain<N: Into<String>, P: Into<String>>(
        &self,
        domain: &str,
        users: impl IntoIterator<Item = (N, P)>,
    ) {
        let users = users.into_iter();
        let users = users.map(|(name, password)| (name.into(), password.into()));
        let users = users.collect();
        self.rules().plain.insert(domain.to_owned(), users);
    }

    /// The keys that sockets of this domain let in by CURVE, instead of those set before. `*` is for all domains that have none of
    /// their own.
    pub fn set_curve(&self, domain: &str, clients: impl Into<CurveClients>) {
        let clients = clients.into();
        self.rules().curve.insert(domain.to_owned(), clients);
    }

    fn rules(&self) -> MutexGuard<'_, Rules> {
        self.rules.lock(Rules::default)
    }
}

impl Drop for Authenticator {
    fn drop(&mut self) {
        // The place is free for another at once, not only when libzmq has closed the socket. It fails only if the handler is closed.
        let _: Result<(), EndpointError> = self.handler.unbind(ENDPOINT);
        // The thread has a handle, too.
        self.handler.close();
    }
}

impl fmt::Debug for Authenticator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What it is written to is the caller's.
        let (allowed, denied, plain, curve) = {
            let rules = self.rules();
            let plain: Vec<String> = rules.plain.keys().cloned().collect();
            let curve: Vec<String> = rules.curve.keys().cloned().collect();
            (rules.allowed.clone(), rules.denied.clone(), plain, curve)
        };
        f.debug_struct("Authenticator")
            .field("allowed", &allowed)
            .field("denied", &denied)
            .field("plain_domains", &plain)
            .field("curve_domains", &curve)
            .finish_non_exhaustive()
    }
}

/// Collected before the lock: the iterator is the caller's.
fn canonical<A: Into<IpAddr>>(addresses: impl IntoIterator<Item = A>) -> Vec<IpAddr> {
    let addresses = addresses.into_iter().map(Into::into);
    addresses
        .map(|address: IpAddr| address.to_canonical())
        .collect()
}

/// Answers until the stream is closed, or fails: the context is gone.
fn answer_all(handler: &ZmqStream, rules: &Forkable<Rules>) {
    while let Ok(question) = block_on(handler.read()) {
        let answer = answer(&question, &rules.lock(Rules::default));
        if handler.write(answer).is_err() {
            return;
        }
    }
}

/// What libzmq asks.
struct Question<'a> {
    id: &'a [u8],
    domain: &'a [u8],
    address: &'a [u8],
    mechanism: &'a [u8],
    credentials: &'a [Frame],
}

impl<'a> Question<'a> {
    fn of(message: &'a [Frame]) -> Option<Self> {
        let [
            version,
            id,
            domain,
            address,
            _routing_id,
            mechanism,
            credentials @ ..,
        ] = message
        else {
            return None;
        };
        (version == VERSION).then_some(Self {
            id,
            domain,
            address,
            mechanism,
            credentials,
        })
    }
}

fn answer(message: &Multipart, rules: &Rules) -> Multipart {
    let (id, status, text, user) = match Question::of(message) {
        None => (
            message.get(1).map(|id| &**id),
            "500",
            "this is no question of ZAP 1.0",
            None,
        ),
        Some(question) => match rules.user_of(&question) {
            Some(user) => (Some(question.id), "200", "OK", Some(user)),
            None => (Some(question.id), "400", "no access", None),
        },
    };
    let user = user.unwrap_or_default();
    Multipart::from((VERSION, id.unwrap_or_default(), status, text, user, ""))
}

impl Rules {
    /// Who it is that is asked for, if that one is let in.
    fn user_of(&self, question: &Question<'_>) -> Option<String> {
        if !self.lets_in_from(question.address) {
            return None;
        }
        match (question.mechanism, question.credentials) {
            (b"NULL", _) => Some(ANONYMOUS.to_owned()),
            (b"PLAIN", [name, password]) => {
                let name = std::str::from_utf8(name).ok()?;
                let users = of_domain(&self.plain, question.domain)?;
                let right = users.get(name)?;
                is_same(right.as_bytes(), password).then(|| name.to_owned())
            }
            (b"CURVE", [key]) => {
                let key = CurveKey::from(<[u8; CurveKey::BYTES]>::try_from(&**key).ok()?);
                let is_known = match of_domain(&self.curve, question.domain)? {
                    CurveClients::Any => true,
                    CurveClients::Keys(keys) => keys.contains(&key),
                };
                is_known.then(|| key.to_z85())
            }
            _ => None,
        }
    }

    fn lets_in_from(&self, address: &[u8]) -> bool {
        // Of an address that only a link has, libzmq tells the link, too, behind `%`.
        let address = address.split(|&byte| byte == b'%').next();
        let address = address.and_then(|text| std::str::from_utf8(text).ok());
        let address = address.and_then(|text| text.parse::<IpAddr>().ok());
        match address.map(|address| address.to_canonical()) {
            Some(address) => {
                let is_allowed = |allowed: &HashSet<_>| allowed.contains(&address);
                !self.denied.contains(&address) && self.allowed.as_ref().is_none_or(is_allowed)
            }
            None => self.allowed.is_none(),
        }
    }
}

/// The rule of a domain, or the one for all that have none.
fn of_domain<'a, R>(rules: &'a HashMap<String, R>, domain: &[u8]) -> Option<&'a R> {
    let own = std::str::from_utf8(domain).ok();
    let own = own.and_then(|domain| rules.get(domain));
    own.or_else(|| rules.get(ANY_DOMAIN))
}

/// Compares as long for every guess of one length, so that the time tells nothing of how much of it is right.
fn is_same(right: &[u8], guess: &[u8]) -> bool {
    let differences = right.iter().zip(guess).fold(0, |all, (a, b)| all | (a ^ b));
    right.len() == guess.len() && std::hint::black_box(differences) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(domain: &str, address: &str, mechanism: &str, credentials: &[&[u8]]) -> Multipart {
        let mut question = Multipart::from((VERSION, "7", domain, address, "peer", mechanism));
        question.extend(credentials.iter().copied());
        question
    }

    fn status(rules: &Rules, question: &Multipart) -> String {
        let answer = answer(question, rules);
        assert_eq!(answer.len(), 6);
        assert_eq!([&answer[0], &answer[1]], [VERSION, "7"]);
        String::from_utf8(answer[2].to_vec()).unwrap()
    }

    #[test]
    fn i1_an_address_is_let_in_by_the_lists_and_read_as_what_it_stands_for() {
        let mut rules = Rules::default();
        let from =
            |rules: &Rules, address: &str| status(rules, &question("", address, "NULL", &[]));
        assert_eq!(from(&rules, "192.0.2.1"), "200");
        assert_eq!(from(&rules, "localhost:0:0:1"), "200");
        rules.denied.insert([192, 0, 2, 1].into());
        assert_eq!(from(&rules, "192.0.2.1"), "400");
        assert_eq!(from(&rules, "::ffff:192.0.2.1"), "400");
        assert_eq!(from(&rules, "192.0.2.2"), "200");
        let of_a_link = "fe80::1".parse::<IpAddr>().unwrap();
        rules.denied.insert(of_a_link);
        assert_eq!(from(&rules, "fe80::1%eth0"), "400");
        assert_eq!(from(&rules, "fe80::2%eth0"), "200");
        rules
            .allowed
            .get_or_insert_default()
            .extend([[192, 0, 2, 1], [192, 0, 2, 3]].map(IpAddr::from));
        // Denied is denied.
        assert_eq!(from(&rules, "192.0.2.1"), "400");
        assert_eq!(from(&rules, "192.0.2.3"), "200");
        assert_eq!(from(&rules, "192.0.2.2"), "400");
        assert_eq!(from(&rules, "localhost:0:0:1"), "400");
        // To allow nobody is to allow nobody.
        rules.denied.clear();
        rules.allowed = Some(HashSet::new());
        assert_eq!(from(&rules, "192.0.2.1"), "400");
    }

    #[test]
    fn i1_a_password_counts_for_its_name_in_its_domain_alone() {
        let mut rules = Rules::default();
        let ask = |rules: &Rules, domain: &str, name: &[u8], password: &[u8]| {
            status(rules, &question(domain, "::1", "PLAIN", &[name, password]))
        };
        assert_eq!(ask(&rules, "news", b"ann", b"secret"), "400");
        let users = |name: &str, password: &str| HashMap::from([(name.into(), password.into())]);
        rules.plain.insert("news".into(), users("ann", "secret"));
        assert_eq!(ask(&rules, "news", b"ann", b"secret"), "200");
        for wrong in [&b"secre"[..], b"secrets", b"Secret", b""] {
            assert_eq!(ask(&rules, "news", b"ann", wrong), "400");
        }
        assert_eq!(ask(&rules, "news", b"bob", b"secret"), "400");
        assert_eq!(ask(&rules, "", b"ann", b"secret"), "400");
        rules.plain.insert("*".into(), users("bob", "hidden"));
        assert_eq!(ask(&rules, "", b"bob", b"hidden"), "200");
        // A domain that has its own is not asked of the others.
        assert_eq!(ask(&rules, "news", b"bob", b"hidden"), "400");
    }

    #[test]
    fn i1_a_key_counts_in_its_domain_alone_and_any_key_where_that_is_said() {
        let mut rules = Rules::default();
        let key = |byte| CurveKey::from([byte; 32]);
        let ask = |rules: &Rules, domain: &str, key: &[u8]| {
            status(rules, &question(domain, "::1", "CURVE", &[key]))
        };
        assert_eq!(ask(&rules, "news", &[1; 32]), "400");
        rules.curve.insert("news".into(), [key(1)].into());
        assert_eq!(ask(&rules, "news", &[1; 32]), "200");
        assert_eq!(ask(&rules, "news", &[2; 32]), "400");
        assert_eq!(ask(&rules, "news", &[1; 31]), "400");
        assert_eq!(ask(&rules, "other", &[1; 32]), "400");
        rules.curve.insert("*".into(), CurveClients::Any);
        assert_eq!(ask(&rules, "other", &[2; 32]), "200");
    }

    #[test]
    fn i1_what_is_no_question_or_of_another_mechanism_lets_nobody_in() {
        let rules = Rules::default();
        assert_eq!(
            status(&rules, &question("", "::1", "GSSAPI", &[b"ann"])),
            "400"
        );
        assert_eq!(
            status(&rules, &question("", "::1", "PLAIN", &[b"ann"])),
            "400"
        );
        assert_eq!(
            status(&rules, &("2.0", "7", "", "::1", "", "NULL").into()),
            "500"
        );
        assert_eq!(status(&rules, &("1.0", "7").into()), "500");
        assert_eq!(answer(&"1.0".into(), &rules)[2], "500");
    }

    #[test]
    fn i1_a_guess_is_right_if_all_of_it_is() {
        assert!(is_same(b"secret", b"secret"));
        assert!(is_same(b"", b""));
        // The same letters, others that differ in the same bits, a part, and more.
        for guess in ["terces", "ssssss", "rdbsdu", "secre", "secret!", ""] {
            assert!(!is_same(b"secret", guess.as_bytes()), "{guess}");
        }
    }
}
