//! Looks at the rules that wait for a while after an event, when the while is over. A rule that was changed, switched off or
//! taken away meanwhile is not run.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use jobs::contract::{Access, Backoff, JobKind, Policy, Priority, Rerun, Subject, Unfit};

use super::run_rules::RunRulesOutput;
use crate::rules::spec::MOST_MINUTES;

/// Run the rules that wait so long after an event.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunTimedRules {
    /// The event.
    pub cause_id: i64,
    /// How long they wait.
    pub after_minutes: i32,
}

impl JobKind for RunTimedRules {
    type Output = RunRulesOutput;
    const KIND: &'static str = "run_timed_rules";
    const VERSION: i16 = 1;
    const POLICY: Policy = Policy {
        queue: "default",
        priority: Priority::High,
        max_attempts: 10,
        backoff: Backoff { base: Duration::from_secs(1), cap: Duration::from_secs(120) },
        deadline: Duration::from_secs(60),
        key_limit: 1,
        access: Access::Tenant(Subject::Tickets),
        rerun: Rerun::Never,
    };

    fn check(&self, _: DateTime<Utc>) -> Result<(), Unfit> {
        match (1..=MOST_MINUTES).contains(&i64::from(self.after_minutes)) {
            true => Ok(()),
            false => Err(Unfit::at("after_minutes", format!("must be 1 to {MOST_MINUTES}"))),
        }
    }
}
