//! Who asks, and why a tool does not answer.

use database::DbError;
use database::ids::TenantId;
use jobs::QueueError;
use platform::insights::InsightError;

use crate::tools::CallError;

/// Who asks: what the credential says, and nothing that a question says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asker {
    /// The tenant.
    pub tenant: TenantId,
    /// Whether analytics may be seen.
    pub analytics: bool,
    /// Whether single customers may be looked up.
    pub customers: bool,
    /// Whether segments that people of the shop saved may be seen.
    pub segments: bool,
}

impl Asker {
    /// Who has these permissions, by their names.
    pub fn new(tenant: TenantId, may: impl Fn(&str) -> bool) -> Asker {
        Asker {
            tenant,
            analytics: may("intelligence:read"),
            customers: may("customers:read"),
            segments: may("segments:read"),
        }
    }
}

/// Why a tool does not answer.
#[derive(Debug, thiserror::Error)]
pub enum ToolError {
    /// The call does not fit.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The credential does not suffice.
    #[error("this needs the permission {0}")]
    Forbidden(&'static str),
    /// The tenant has no such customer.
    #[error("there is no such customer")]
    UnknownCustomer,
    /// Too many ask at once.
    #[error("too many reports are being computed; try again in a few seconds")]
    Busy,
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
    /// What a run left cannot be read.
    #[error(transparent)]
    Insight(#[from] InsightError),
    /// The queue did not take a job.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// The computation was lost.
    #[error("the report was not finished")]
    Lost,
}

impl From<sqlx::Error> for ToolError {
    fn from(error: sqlx::Error) -> ToolError {
        ToolError::Db(error.into())
    }
}
