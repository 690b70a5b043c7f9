//! Computes one customer anew after an order, with the statistics, segmentation and models of the current run.

use std::{fmt::Write, time::Duration};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::customers;
use jobs::contract::{Access, Backoff, JobKind, Policy, Priority, Rerun, Subject, Unfit};

/// Compute one customer anew.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecomputeProfile {
    /// The shop's id of the customer.
    pub customer_id: String,
}

impl RecomputeProfile {
    /// One job that has not begun stands for the customer; one that runs is followed by one more, because it may
    /// have read the orders before they changed. Ids may be longer than a key, so it is a digest.
    pub fn dedup_key(&self) -> String {
        let mut key = String::new();
        for byte in &Sha256::digest(self.customer_id.as_bytes())[..16] {
            let _ = write!(key, "{byte:02x}");
        }
        key
    }
}

/// What is known of the customer now.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct RecomputeProfileOutput {
    /// The generation whose row was written.
    pub generation: i32,
    /// Probability of no order within the horizon, when there is enough data.
    pub churn: Option<f32>,
    /// Expected spend within the horizon.
    pub ltv: Option<f32>,
}

impl JobKind for RecomputeProfile {
    type Output = RecomputeProfileOutput;
    const KIND: &'static str = "recompute_profile";
    const VERSION: i16 = 1;
    const POLICY: Policy = Policy {
        queue: "profiles",
        priority: Priority::High,
        max_attempts: 8,
        backoff: Backoff { base: Duration::from_secs(1), cap: Duration::from_secs(60) },
        deadline: Duration::from_secs(30),
        key_limit: 1,
        access: Access::Tenant(Subject::Customers),
        rerun: Rerun::WhenAskedWhileRunning,
    };

    fn check(&self, _: DateTime<Utc>) -> Result<(), Unfit> {
        match customers::is_id(&self.customer_id) {
            true => Ok(()),
            false => Err(Unfit::at("customer_id", customers::NO_ID)),
        }
    }
}
