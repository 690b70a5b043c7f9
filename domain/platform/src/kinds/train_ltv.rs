//! Trains a model of what a customer will spend within the horizon,
//! registers it as a challenger, and makes it the champion only when it is better on held-back data by more than noise.

use std::time::Duration;

use chrono::{DateTime, Utc};
use jobs::contract::{Access, Backoff, JobKind, Policy, Priority, Rerun, Subject, Unfit};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::models::check_training;

/// Train a lifetime value model.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainLtv {
    /// The last day whose orders count; today when missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_of: Option<chrono::NaiveDate>,
    /// The horizon in days; 90 when missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub horizon_days: Option<i32>,
}

/// What became of the new model.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct TrainLtvOutput {
    /// The registered model; none when there is not enough data.
    pub model_id: Option<Uuid>,
    /// Whether it is the champion now.
    pub promoted: bool,
    /// Why, in words.
    pub reason: String,
}

impl JobKind for TrainLtv {
    type Output = TrainLtvOutput;
    const KIND: &'static str = "train_ltv";
    const VERSION: i16 = 1;
    const POLICY: Policy = Policy {
        queue: "intelligence",
        priority: Priority::Normal,
        max_attempts: 5,
        backoff: Backoff { base: Duration::from_secs(10), cap: Duration::from_secs(300) },
        deadline: Duration::from_secs(1800),
        key_limit: 1,
        access: Access::Tenant(Subject::Intelligence),
        rerun: Rerun::Never,
    };

    fn check(&self, at: DateTime<Utc>) -> Result<(), Unfit> {
        check_training(self.as_of, self.horizon_days, at)
    }
}
