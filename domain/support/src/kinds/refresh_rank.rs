//! Brings what is known of customers onto their unfinished tickets, and gives these their places in the order anew: of
//! one ticket when its contact details are new or it was rated, of one customer after an order, of all after a run or a
//! change of what the order is made from. Of one ticket the customer is computed anew afterwards, because what is known
//! of them rests on their tickets too.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use jobs::contract::{Access, Backoff, JobKind, Policy, Priority, Rerun, Subject, Unfit};

use crate::tickets::words::CUSTOMER_LIMIT;

/// Refresh places in the order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RefreshRank {
    /// Only this ticket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket_id: Option<Uuid>,
    /// Only the unfinished tickets of this customer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer_id: Option<String>,
    /// Of all of them: the ticket up to which it is done. The job keeps its place here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Uuid>,
}

impl RefreshRank {
    /// One unfinished job stands for all tickets.
    pub const ALL: &'static str = "all";
}

/// What was done.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RefreshRankOutput {
    /// Tickets that were looked at.
    pub tickets: u64,
    /// Those whose place is another one now.
    pub moved: u64,
}

impl JobKind for RefreshRank {
    type Output = RefreshRankOutput;
    const KIND: &'static str = "refresh_rank";
    const VERSION: i16 = 1;
    const POLICY: Policy = Policy {
        queue: "profiles",
        priority: Priority::Normal,
        max_attempts: 8,
        backoff: Backoff { base: Duration::from_secs(1), cap: Duration::from_secs(120) },
        deadline: Duration::from_secs(300),
        key_limit: 2,
        access: Access::Tenant(Subject::Tickets),
        rerun: Rerun::WhenAskedWhileRunning,
    };

    fn check(&self, _: DateTime<Utc>) -> Result<(), Unfit> {
        let is_fit = |id: &String| (1..=CUSTOMER_LIMIT).contains(&id.chars().count());
        match self.customer_id.as_ref().is_none_or(is_fit) {
            true => Ok(()),
            false => Err(Unfit::at("customer_id", format!("must have 1 to {CUSTOMER_LIMIT} characters"))),
        }
    }
}
