//! How a command ends, and what is done before it does.

use std::error::Error;
use std::fmt;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use tidegate::ShutdownError;

use crate::interrupts::Interrupts;
use crate::usage::is_usage;

/// So long whoever ends a command waits for what was accepted to be sent.
const GRACE: Duration = Duration::from_secs(5);

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
        Self::Interrupted(format!("{messages} messages were {dealt_with}{more}"))
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

/// Ends every command: closes the sockets, and waits until what was written is sent, if need be for as long as `timeout` says.
pub async fn finish(
    result: Result<(), End>,
    timeout: Option<Duration>,
    interrupts: &Interrupts,
) -> Result<(), End> {
    let deadline = match &result {
        Ok(()) => timeout.unwrap_or(Duration::MAX),
        // It was waited for already.
        Err(End::TimedOut(_)) => Duration::ZERO,
        Err(_) => GRACE,
    };
    let was_interrupted = interrupts.have_come();
    let mut shutdown = tidegate::shutdown(deadline);
    let ended = if was_interrupted {
        Ok((&mut shutdown).await)
    } else {
        interrupts.wait(None, &mut shutdown).await
    };
    let (ended, is_interrupted) = match ended {
        Ok(ended) => (Some(ended), false),
        // Whoever is impatient now waits no longer than who was before.
        Err(_) => (Interrupts::within(GRACE, shutdown).await, true),
    };
    let unsent = match &ended {
        Some(Ok(())) => None,
        Some(Err(error)) => Some(error.to_string()),
        None => Some("not everything was sent".into()),
    };
    match (result, unsent) {
        (Ok(()), unsent) if is_interrupted => Err(End::Interrupted(
            unsent.unwrap_or_else(|| "everything was sent".into()),
        )),
        (Ok(()), _) => match ended {
            Some(Err(ShutdownError::TimedOut(lost))) => Err(End::TimedOut(format!(
                "{lost} were not sent, and what libzmq still held"
            ))),
            Some(ended) => Ok(ended?),
            None => Ok(()),
        },
        (Err(End::Interrupted(what)), Some(unsent)) => {
            Err(End::Interrupted(format!("{what}, but {unsent}")))
        }
        (result, _) => result,
    }
}
