//! Why something cannot be done to a ticket.

use chrono::{DateTime, Utc};
use database::DbError;
use jobs::QueueError;
use thiserror::Error;

use super::state::{Illegal, Standing, Status};
use crate::mail::way_out::Missing;

/// Why something cannot be done to a ticket.
#[derive(Debug, Error)]
pub enum TicketError {
    /// The tenant has no such ticket, or message of it.
    #[error("there is no such {0}")]
    Unknown(&'static str),
    /// The state does not allow it.
    #[error("{}", illegal(.0))]
    Illegal(Illegal),
    /// It is closed or final, and a reply would not open it.
    #[error("{}", takes_no_reply(*.0))]
    TakesNoReply(Standing),
    /// It was merged into another, where the conversation goes on.
    #[error("the ticket was merged into {0}; go on there, or take the merge back")]
    Merged(database::ids::TicketId),
    /// The state of something else does not allow it.
    #[error("{0}")]
    Conflict(String),
    /// Its conversation went on in another ticket each time that it was waited for. Nothing is wrong with what was asked.
    #[error("the ticket is being merged at this moment; try again")]
    BeingMerged,
    /// Its customer was erased: nobody is there to be answered, and nothing is left to be answered.
    #[error(
        "the customer of the ticket was erased, so nobody can be answered here; when they write again, that is a new ticket"
    )]
    Erased,
    /// A reply cannot leave.
    #[error("{}", .0.sentence())]
    Lacks(Missing),
    /// Somebody changed it since the caller looked; its version now.
    #[error("the version is {0} now")]
    Stale(i64),
    /// A value does not fit.
    #[error("{field}: {problem}")]
    Field {
        /// The field at fault.
        field: String,
        /// What is wrong, and what is allowed.
        problem: String,
    },
    /// A text is longer than is taken.
    #[error("{field} has more than {limit} characters")]
    TooLong {
        /// The field.
        field: &'static str,
        /// Characters that it may have.
        limit: usize,
    },
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
    /// The queue failed.
    #[error(transparent)]
    Queue(#[from] QueueError),
}

impl TicketError {
    /// A value that does not fit.
    pub fn field(field: impl Into<String>, problem: impl Into<String>) -> TicketError {
        TicketError::Field { field: field.into(), problem: problem.into() }
    }
}

impl From<sqlx::Error> for TicketError {
    fn from(error: sqlx::Error) -> TicketError {
        TicketError::Db(error.into())
    }
}

impl From<Illegal> for TicketError {
    fn from(illegal: Illegal) -> TicketError {
        TicketError::Illegal(illegal)
    }
}

fn illegal(illegal: &Illegal) -> String {
    let (from, to) = (illegal.from.status.name(), illegal.to.name());
    let allowed: Vec<&str> = illegal.allowed().iter().map(|status| status.name()).collect();
    match allowed.as_slice() {
        [] => format!("the ticket is {from} for good and cannot become {to}; {INSTEAD_OF_FINAL}"),
        allowed => format!("a ticket that is {from} cannot become {to}; allowed are {}", allowed.join(", ")),
    }
}

fn takes_no_reply(standing: Standing) -> String {
    let from = standing.status.name();
    match standing.is_final {
        true => format!("the ticket is {from} for good and takes no reply; {INSTEAD_OF_FINAL}"),
        false => format!(
            "a ticket that is {from} takes no reply; make it {} first, then send the reply",
            Status::Open.name()
        ),
    }
}

/// What is left to be done about a ticket that is final.
const INSTEAD_OF_FINAL: &str =
    "open a new one, or add the customer's message, which opens a linked follow-up";

/// A time to come, within a bound.
///
/// # Errors
/// It has passed, or is too far away.
pub fn to_come(
    field: &str,
    at: DateTime<Utc>,
    now: DateTime<Utc>,
    most_days: i64,
) -> Result<(), TicketError> {
    if at > now && at <= now + chrono::Duration::days(most_days) {
        return Ok(());
    }
    Err(TicketError::field(field, format!("must be a time to come, at most {most_days} days away")))
}
