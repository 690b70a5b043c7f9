//! A failure that lasts is logged when it begins and when it ends, not every second.

use std::time::Instant;

use jobs::QueueError;

/// The trouble that one duty has, if any.
pub(crate) struct Trouble {
    doing: &'static str,
    since: Option<Instant>,
}

impl Trouble {
    /// `doing` completes the sentence "... fails".
    pub(crate) fn new(doing: &'static str) -> Trouble {
        Trouble { doing, since: None }
    }

    /// The value of a success; a failure is noted and means that the duty tries again later.
    pub(crate) fn note<T>(&mut self, result: Result<T, QueueError>) -> Option<T> {
        match result {
            Ok(value) => {
                if let Some(since) = self.since.take() {
                    tracing::info!(after_secs = since.elapsed().as_secs(), "{} works again", self.doing);
                }
                Some(value)
            }
            Err(error) => {
                if self.since.is_none() {
                    self.since = Some(Instant::now());
                    tracing::warn!(%error, "{} fails; it is tried again until it works", self.doing);
                }
                None
            }
        }
    }
}
