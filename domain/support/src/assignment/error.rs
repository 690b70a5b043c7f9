//! Why something cannot be done to an assignment.

use database::DbError;
use database::ids::AgentId;
use jobs::QueueError;

/// Why something cannot be done to an assignment.
#[derive(Debug, thiserror::Error)]
pub enum AssignError {
    /// The database or the queue failed.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// The tenant has no such ticket.
    #[error("there is no such ticket")]
    NoTicket,
    /// The tenant has no such agent.
    #[error("there is no such agent; GET /api/agents lists them")]
    NoAgent,
    /// The agent was disabled.
    #[error("the agent is disabled")]
    Disabled,
    /// The agent takes no new tickets.
    #[error("the agent takes no new tickets; with `force` they get it all the same")]
    AcceptsNone,
    /// The agent has no room.
    #[error(
        "the agent has {load} of {capacity} units and this ticket is {units}; with `force` they get it all the same"
    )]
    Full {
        /// Units of open work that they have.
        load: i32,
        /// Units that they may have.
        capacity: i32,
        /// Units of the ticket.
        units: i32,
    },
    /// The ticket is in no state for it.
    #[error(
        "the ticket is {0}; only an open or pending ticket is assigned, and a resolved one is reopened first"
    )]
    NotOpen(String),
    /// Somebody has it.
    #[error("another agent has the ticket already; POST transfer hands it on")]
    Taken(AgentId),
    /// It is not the caller's.
    #[error("the ticket is not yours")]
    NotYours,
    /// Nobody has it.
    #[error("the ticket is nobody's")]
    Nobodys,
    /// It would go to who has it.
    #[error("the ticket is this agent's already")]
    SameAgent,
    /// No agent works in the department.
    #[error("no agent works in this department")]
    EmptyDepartment,
    /// Nobody above is there.
    #[error("there is no agent with a higher role to escalate to")]
    NobodyAbove,
    /// Another version of the ticket was expected.
    #[error("the ticket was changed meanwhile: its version is {0}")]
    Stale(i64),
}

impl From<DbError> for AssignError {
    fn from(error: DbError) -> AssignError {
        AssignError::Queue(error.into())
    }
}

impl From<sqlx::Error> for AssignError {
    fn from(error: sqlx::Error) -> AssignError {
        DbError::from(error).into()
    }
}
