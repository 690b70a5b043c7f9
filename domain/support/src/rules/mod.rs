//! Rules: when something happens to a ticket and conditions hold, something is done.
//!
//! What happens (a cause) is written by triggers; [`crate::settle`] asks for the job that looks at it, in the same
//! transaction. The rules in force for the event are looked at in their listed order ([`decide`]), each once for a cause,
//! against the ticket as it then is, with what the rules before it changed. A trial on the past ([`trial`]) reads the
//! ticket as it was, and is otherwise the same code.
//!
//! It ends, whatever the rules say: what a rule changes is a cause as well, but of that only rules listed behind it are
//! looked at, so a chain is at most as long as the list. What comes back from outside, by a customer's program or by a
//! call that a rule made, is an event of its own; there the budget ends it: a rule that would fire more often for one
//! ticket within an hour than it may is switched off, and its owner told. What machines send causes nothing.

pub mod act;
pub mod causes;
pub mod decide;
pub mod facts;
pub mod fields;
pub mod known;
pub mod memory;
pub mod reply;
pub mod run;
pub mod runs;
pub mod spec;
pub mod store;
pub mod tree;
pub mod trial;
pub mod webhooks;

use serde::Serialize;

/// Something in a rule or a macro that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{field}: {what}")]
pub struct Fault {
    /// Where, as a path into the document.
    pub field: String,
    /// What is wrong, and what would be right.
    pub what: String,
}

impl Fault {
    /// A fault at a place.
    pub fn at(field: impl Into<String>, what: impl Into<String>) -> Fault {
        Fault { field: field.into(), what: what.into() }
    }
}
