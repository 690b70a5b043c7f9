//! What can go wrong between a caller and the queue.

use database::DbError;

use crate::JobId;
use crate::contract::Unfit;

/// Why an operation on the queue was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// The ledger did not take or give the data.
    #[error("the ledger failed: {0}")]
    Ledger(#[from] DbError),
    /// Redis did not answer; jobs are safe in the ledger and will be dispatched when it is back.
    #[error("the dispatcher failed: {0}")]
    Dispatch(#[from] redis::RedisError),
    /// The payload is larger than [`crate::MAX_PAYLOAD_BYTES`].
    #[error("the payload has {size_bytes} bytes, at most {} are allowed", crate::MAX_PAYLOAD_BYTES)]
    PayloadTooLarge {
        /// What was offered.
        size_bytes: usize,
    },
    /// The payload does not fit the kind's contract.
    #[error("the payload does not fit {kind}: {unfit}")]
    BadPayload {
        /// The kind.
        kind: String,
        /// What does not fit.
        unfit: Unfit,
    },
    /// No such kind.
    #[error("there is no job kind {0:?}")]
    UnknownKind(String),
    /// Jobs with the same dedup key came and went faster than this one could get in.
    #[error("{kind} with this dedup key is contended, try again")]
    Contended {
        /// The kind.
        kind: &'static str,
    },
    /// The job began or ended a run at each look at it, so nothing was done about it.
    #[error("job {0} changes at this moment, try again")]
    Unsettled(JobId),
    /// A key is empty or longer than 200 bytes.
    #[error("{field} must have 1 to 200 bytes")]
    BadKey {
        /// Which key.
        field: &'static str,
    },
}

impl From<sqlx::Error> for QueueError {
    fn from(error: sqlx::Error) -> Self {
        QueueError::Ledger(DbError::from(error))
    }
}

impl QueueError {
    /// Whether the same call may succeed a little later.
    pub fn is_unavailable(&self) -> bool {
        match self {
            QueueError::Ledger(error) => error.is_transient(),
            QueueError::Dispatch(_) | QueueError::Contended { .. } | QueueError::Unsettled(_) => true,
            _ => false,
        }
    }
}
