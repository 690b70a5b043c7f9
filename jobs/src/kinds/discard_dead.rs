//! Discards every dead job that matches a filter: each ends as cancelled and stays readable until
//! retention removes it.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    contract::{Access, Backoff, JobKind, Policy, Priority, Rerun, Unfit},
    dead::{DeadFilter, check_reason},
    kinds::retry_dead::BulkReport,
};

/// Discard what matches.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DiscardDead {
    /// Which dead jobs.
    pub filter: DeadFilter,
    /// Why, for the jobs' records.
    #[serde(default)]
    pub reason: String,
}

impl JobKind for DiscardDead {
    type Output = BulkReport;
    const KIND: &'static str = "discard_dead";
    const VERSION: i16 = 1;
    const POLICY: Policy = Policy {
        queue: "bulk",
        priority: Priority::Urgent,
        max_attempts: 5,
        backoff: Backoff { base: Duration::from_secs(1), cap: Duration::from_secs(30) },
        deadline: Duration::from_secs(1800),
        key_limit: 1,
        access: Access::Operator,
        rerun: Rerun::Never,
    };

    fn check(&self, _: DateTime<Utc>) -> Result<(), Unfit> {
        check_reason(&self.reason)?;
        self.filter.check()
    }
}
