//! Who is let in, and as whom a client comes.

use std::fs;

use clap::{ArgGroup, Args};
use tidegate::options::{CURVE_SECRET_KEY, CURVE_SERVER, CurveKey, CurveKeys};
use tidegate::{Authenticator, Builder, Context};

use crate::end::End;

/// The rules are for the sockets of this domain, which are all that the tool has.
const DOMAIN: &str = "tidegate";

/// Of the options in the help.
const HEADING: &str = "Security (@FILE reads a value from a file, where other users do not see it)";

/// Decides who is let in until it is dropped; `None`: nobody has to.
pub type Guard = Option<Authenticator>;

/// A value that begins with @ is the name of a file that it is in.
#[derive(Args, Debug)]
#[command(group = ArgGroup::new("encrypts").args(["curve", "curve_server"]))]
pub struct Security {
    /// Comes as this user (PLAIN: the password is not encrypted)
    #[arg(long, help_heading = HEADING, value_name = "USER:PASSWORD", conflicts_with_all = ["plain_server", "curve", "curve_server"])]
    plain: Option<String>,
    /// Lets these users in, and nobody else; may be repeated
    #[arg(long, help_heading = HEADING, value_name = "USER:PASSWORD", conflicts_with_all = ["curve", "curve_server"])]
    plain_server: Vec<String>,
    /// Encrypts (CURVE), as a client of the server with this public key; new keys unless --curve-keys gives them
    #[arg(long, allow_hyphen_values = true, help_heading = HEADING, value_name = "KEY", conflicts_with = "curve_server")]
    curve: Option<String>,
    /// Encrypts (CURVE), as a server with the keys of --curve-keys
    #[arg(long, help_heading = HEADING, requires = "curve_keys")]
    curve_server: bool,
    /// The own keys, as `tidegate keys` prints them
    #[arg(long, allow_hyphen_values = true, help_heading = HEADING, value_name = "PUBLIC:SECRET", requires = "encrypts")]
    curve_keys: Option<String>,
    /// Lets a client with this public key in, and nobody else; may be repeated
    #[arg(long, allow_hyphen_values = true, help_heading = HEADING, value_name = "KEY", requires = "curve_server")]
    curve_allow: Vec<String>,
}

impl Security {
    /// A high-water mark that leaves a server room for what is said of who comes, which libzmq counts as a message.
    pub fn least_room(&self, hwm: u32) -> u32 {
        let is_server = self.curve_server || !self.plain_server.is_empty();
        if is_server && hwm == 1 { 2 } else { hwm }
    }

    pub fn apply(&self, builder: Builder) -> Result<(Builder, Guard), End> {
        if let Some(user) = &self.plain {
            let (name, password) = user_of(user)?;
            return Ok((builder.plain_client(name, password), None));
        }
        if !self.plain_server.is_empty() {
            let users = self.plain_server.iter().map(|user| user_of(user));
            let users = users.collect::<Result<Vec<_>, End>>()?;
            let guard = Authenticator::start(&Context::shared()?)?;
            guard.set_plain(DOMAIN, users);
            return Ok((builder.plain_server(DOMAIN), Some(guard)));
        }
        let keys = self.curve_keys.as_deref().map(keys_of).transpose()?;
        if let Some(server) = &self.curve {
            let server = key_of(&value(server)?)?;
            let keys = keys.map_or_else(CurveKeys::generate, Ok)?;
            return Ok((builder.curve_client(keys, server), None));
        }
        let Some(keys) = keys.filter(|_| self.curve_server) else {
            return Ok((builder, None));
        };
        if self.curve_allow.is_empty() {
            let builder = builder
                .option(CURVE_SERVER, true)
                .option(CURVE_SECRET_KEY, keys.secret);
            return Ok((builder, None));
        }
        let clients = self.curve_allow.iter().map(|key| key_of(&value(key)?));
        let clients = clients.collect::<Result<Vec<_>, End>>()?;
        let guard = Authenticator::start(&Context::shared()?)?;
        guard.set_curve(
            DOMAIN,
            clients.into_iter().collect::<tidegate::CurveClients>(),
        );
        Ok((builder.curve_server(DOMAIN, keys.secret), Some(guard)))
    }
}

/// The value itself, or what is in the file that it names.
fn value(text: &str) -> Result<String, End> {
    let Some(file) = text.strip_prefix('@') else {
        return Ok(text.to_owned());
    };
    let read = fs::read_to_string(file).map_err(|error| format!("cannot read {file}: {error}"))?;
    Ok(read.trim_end().to_owned())
}

fn user_of(text: &str) -> Result<(String, String), End> {
    let text = value(text)?;
    let user = text.split_once(':');
    let (name, password) = user.ok_or_else(|| End::Usage("a user is NAME:PASSWORD".into()))?;
    Ok((name.to_owned(), password.to_owned()))
}

fn key_of(text: &str) -> Result<CurveKey, End> {
    let key = text.parse::<CurveKey>();
    key.map_err(|error| End::Usage(error.to_string()))
}

/// Z85 has a colon of its own, so it is the one after 40 characters that counts.
fn keys_of(text: &str) -> Result<CurveKeys, End> {
    let text = value(text)?;
    let keys = text.split_at_checked(40);
    let what = "keys are PUBLIC:SECRET, of 40 characters each";
    let (public, secret) = keys.ok_or_else(|| End::Usage(what.into()))?;
    let secret = secret.strip_prefix(':').unwrap_or(secret);
    Ok(CurveKeys {
        public: key_of(public)?,
        secret: key_of(secret)?,
    })
}
