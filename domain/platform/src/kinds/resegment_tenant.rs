//! Computes features, segments, archetypes, churn and lifetime value of all customers of a tenant, and publishes
//! them at once: the nightly run. It prepares, fans out into `score_customers` jobs, and publishes when the last of
//! them is done; between these it puts itself off, so that it holds no slot while others work.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::zone::check_last_day;
use jobs::contract::{Access, Backoff, JobKind, Policy, Priority, Rerun, Subject, Unfit};

/// Run the intelligence of a tenant.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResegmentTenant {
    /// The last day whose orders count; today when missing. A day in the past is for looking back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_of: Option<chrono::NaiveDate>,
    /// Fit a new version of the segmentation instead of using the frozen one.
    #[serde(default)]
    pub refit: bool,
    /// Train churn and lifetime value even when the champions are young.
    #[serde(default)]
    pub train: bool,
}

impl ResegmentTenant {
    /// Asking twice for the same run of a tenant is asking once, as long as it has not begun. Runs that differ
    /// have keys of their own, so that neither takes the other's wishes away; they wait for each other.
    pub fn dedup_key(&self) -> String {
        let mut key = ResegmentTenant::PLAIN.to_owned();
        if let Some(as_of) = self.as_of {
            key.push_str(&format!(":{as_of}"));
        }
        for (is_wished, wish) in [(self.refit, ":refit"), (self.train, ":train")] {
            if is_wished {
                key.push_str(wish);
            }
        }
        key
    }

    /// The key of a run as of today that wishes for nothing, as the schedule and imports ask for it.
    pub const PLAIN: &'static str = "tenant";
}

/// What the published run says of itself.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct RunReport {
    /// The run; its report is at `/api/intelligence/runs/{id}`.
    pub run_id: Uuid,
    /// Its generation.
    pub generation: i32,
    /// Customers in it.
    pub customers: i64,
    /// Order lines read.
    pub lines: i64,
    /// What could not be done, and why; empty when everything could.
    pub notes: Vec<String>,
}

impl JobKind for ResegmentTenant {
    type Output = RunReport;
    const KIND: &'static str = "resegment_tenant";
    const VERSION: i16 = 1;
    const POLICY: Policy = Policy {
        queue: "intelligence",
        priority: Priority::Normal,
        max_attempts: 10,
        backoff: Backoff { base: Duration::from_secs(5), cap: Duration::from_secs(300) },
        deadline: Duration::from_secs(900),
        key_limit: 1,
        access: Access::Tenant(Subject::Intelligence),
        rerun: Rerun::WhenAskedOnceBegun,
    };

    fn check(&self, at: DateTime<Utc>) -> Result<(), Unfit> {
        check_last_day(self.as_of, at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_that_differ_have_keys_that_differ() {
        let plain = ResegmentTenant::default();
        let refit = ResegmentTenant { refit: true, ..plain.clone() };
        let past = ResegmentTenant {
            as_of: chrono::NaiveDate::from_ymd_opt(2026, 1, 31),
            train: true,
            ..plain.clone()
        };
        assert_eq!(plain.dedup_key(), ResegmentTenant::PLAIN);
        assert_eq!(refit.dedup_key(), "tenant:refit");
        assert_eq!(past.dedup_key(), "tenant:2026-01-31:train");
    }
}
