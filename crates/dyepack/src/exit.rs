//! Exit codes, as scripts rely on them (docs/cli.md).

use std::process::ExitCode;

use archive::ArchiveError;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    Ok = 0,
    Error = 1,
    Usage = 2,
    /// Nothing is known about what was asked.
    NoData = 3,
    /// Finished, and something is missing from it.
    Incomplete = 4,
    /// Data or a result is not what it was.
    Integrity = 5,
    /// Exposure was found, and the user asked to be told so.
    Exposure = 10,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit as u8)
    }
}

/// An error that has an exit code of its own.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Coded {
    pub(crate) exit: Exit,
    pub(crate) message: String,
    /// What to do next, printed as `help:`.
    pub(crate) help: Option<String>,
}

impl Coded {
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Coded {
        Coded { exit, message: message.into(), help: None }
    }

    pub(crate) fn help(self, help: impl Into<String>) -> Coded {
        Coded { help: Some(help.into()), ..self }
    }
}

/// The exit code of an error that ended a command.
pub(crate) fn of_error(error: &anyhow::Error) -> Exit {
    for cause in error.chain() {
        if let Some(coded) = cause.downcast_ref::<Coded>() {
            return coded.exit;
        }
        match cause.downcast_ref::<ArchiveError>() {
            Some(error) if error.is_integrity() => return Exit::Integrity,
            Some(ArchiveError::Missing { .. }) => return Exit::NoData,
            _ => {}
        }
    }
    Exit::Error
}
