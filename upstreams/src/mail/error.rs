//! Why a mail did not leave. What certainly did not leave may be tried again; what nobody knows of may not.

use std::time::Duration;

use thiserror::Error;

/// Why a mail did not leave, or may not have.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SendError {
    /// It cannot be written as it is.
    #[error("{0}")]
    Unfit(String),
    /// It is not to be sent there.
    #[error("the mail server may not be called: {0}")]
    Forbidden(&'static str),
    /// The server refused it for good.
    #[error("the mail server refused {what} ({code})")]
    Refused {
        /// What it refused.
        what: &'static str,
        /// With which code.
        code: u16,
    },
    /// The server cannot take it now, or is not there. It did not leave.
    #[error("the mail server cannot take it now: {0}")]
    Later(String),
    /// The server fails so often that it is left alone for a while.
    #[error("the mail server is left alone for a while, because it kept failing")]
    Open(Duration),
    /// All of it was handed over and the answer did not come: nobody knows whether it left.
    #[error("the mail server did not say whether it took the mail: {0}")]
    Unsure(String),
}
