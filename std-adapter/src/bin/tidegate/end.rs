//! How a command ends, and what is done before it does.

use std::error::Error;
use std::fmt;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use tidegate::{ShutdownError, ZmqStream};

use crate::interrupts::Interrupts;
use crate::usage::is_usage;

/// So long a command that has failed waits for what was accepted to be sent.
const GRACE: Duration = Duration::from_secs(5);
/// If it takes longer, whoever has interrupted is told what is waited for.
const SOON: Duration = Duration::from_secs(1);

/// Why a command ends before it is done.
pub enum End {
    Failed(Box<dyn Error>),
    /// The command line asks for what cannot be.
    Usage(String),
    /// Nothing came, or went, in time.
    TimedOut(String),
    Interrupted(String),
    /// Nobody reads what is printed any more.
    Unheard,
}

impl<E: Into<Box<dyn Error>>> From<E> for End {
    fn from(error: E) -> Self {
        let error = error.into();
        match is_usage(&*error) {
            true => Self::Usage(error.to_string()),
            false => Self::Failed(error),
        }
    }
}

/// The subject and the verb of a sentence about so many.
pub fn messages_were(messages: u64) -> String {
    match messages {
        1 => "1 message was".into(),
        _ => format!("{messages} messages were"),
    }
}

impl End {
    /// Of what is written to stdout.
    pub fn of_output(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::Unheard,
            _ => Self::Failed(format!("cannot write to stdout: {error}").into()),
        }
    }

    /// Interrupted, when so many messages were dealt with, and whether more had come.
    pub fn interrupted_behind(messages: u64, dealt_with: &str, has_more: bool) -> Self {
        let more = if has_more { ", and more had come" } else { "" };
        Self::Interrupted(format!("{} {dealt_with}{more}", messages_were(messages)))
    }

    /// Says why, and gives the exit code.
    pub fn tell(self) -> ExitCode {
        match self {
            Self::Failed(error) => {
                note(format_args!("{error}"));
                ExitCode::FAILURE
            }
            Self::Usage(what) => {
                note(format_args!("{what}; see tidegate --help"));
                ExitCode::from(2)
            }
            Self::TimedOut(what) => {
                note(format_args!("the time is up: {what}"));
                ExitCode::from(3)
            }
            Self::Interrupted(what) => {
                note(format_args!("interrupted: {what}"));
                ExitCode::from(Interrupts::EXIT_CODE)
            }
            Self::Unheard => ExitCode::SUCCESS,
        }
    }
}

/// A line on stderr. Nobody may be there to read it.
pub fn note(what: fmt::Arguments<'_>) {
    let _ = writeln!(io::stderr(), "tidegate: {what}");
}

/// Ends a command that has nothing to send any more: closes its sockets, and waits for nobody.
pub async fn hang_up(result: Result<(), End>, stream: &ZmqStream) -> Result<(), End> {
    stream.abort();
    // Only what was bound is still to be let go of.
    let _ = tidegate::shutdown(Duration::ZERO).await;
    result
}

/// Ends a command that sends: closes its sockets, and waits until what was written is sent, if need be for as long as `timeout` says.
/// Whoever interrupts waits, too, until it is sent or a second interrupt gives it up.
pub async fn finish(
    result: Result<(), End>,
    timeout: Option<Duration>,
    interrupts: &Interrupts,
) -> Result<(), End> {
    let deadline = match &result {
        Ok(()) => timeout.unwrap_or(Duration::MAX),
        // It was waited for already.
        Err(End::TimedOut(_)) => Duration::ZERO,
        Err(End::Interrupted(_)) => Duration::MAX,
        Err(_) => GRACE,
    };
    let mut shutdown = tidegate::shutdown(deadline);
    let (ended, is_interrupted) = match interrupts.wait(None, &mut shutdown).await {
        Ok(ended) => (ended, false),
        Err(_) => match Interrupts::within(SOON, &mut shutdown).await {
            Some(ended) => (ended, true),
            None => {
                note(format_args!(
                    "what was taken is still being sent; another interrupt gives it up"
                ));
                (shutdown.await, true)
            }
        },
    };
    match (result, ended) {
        (Ok(()), Ok(())) if is_interrupted => Err(End::Interrupted("everything was sent".into())),
        (Ok(()), Err(error)) if is_interrupted => Err(End::Interrupted(unsent(&error))),
        (Ok(()), Err(error @ ShutdownError::TimedOut(_))) => Err(End::TimedOut(unsent(&error))),
        (Ok(()), ended) => Ok(ended?),
        (Err(End::Interrupted(what)), Err(error)) => {
            let unsent = unsent(&error);
            Err(End::Interrupted(format!("{what}, but {unsent}")))
        }
        (result, _) => result,
    }
}

/// What was not sent, as far as anybody knows.
fn unsent(error: &ShutdownError) -> String {
    match error {
        ShutdownError::TimedOut(lost) if lost.is_nothing() => {
            "libzmq still held messages, nobody knows how many: they are lost".into()
        }
        ShutdownError::TimedOut(lost) => {
            format!("{lost} were not sent, nor what libzmq still held")
        }
        error => error.to_string(),
    }
}
