//! Trains a model of the probability that a customer does not buy within the horizon,
//! registers it as a challenger, and makes it the champion only when it is better on held-back data by more than noise.

use std::time::Duration;

use chrono::{DateTime, Utc};
use jobs::contract::{Access, Backoff, JobKind, Policy, Priority, Rerun, Subject, Unfit};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::models::check_training;

/// Train a churn model.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainChurn {
    /// The last day whose orders count; today when missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_of: Option<chrono::NaiveDate>,
    /// The horizon in days; 90 when missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub horizon_days: Option<i32>,
}

/// What became of the new model.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct TrainChurnOutput {
    /// The registered model; none when there is not enough data.
    pub model_id: Option<Uuid>,
    /// Whether it is the champion now.
    pub promoted: bool,
    /// Why, in words.
    pub reason: String,
}

impl JobKind for TrainChurn {
    type Output = TrainChurnOutput;
    const KIND: &'static str = "train_churn";
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_horizon_and_a_day_have_bounds() {
        let at: DateTime<Utc> = "2026-01-31T12:00:00Z".parse().expect("a time");
        let check = |as_of: Option<&str>, horizon_days| {
            let as_of = as_of.map(|day| day.parse().expect("a day"));
            TrainChurn { as_of, horizon_days }.check(at).map_err(|unfit| unfit.to_string())
        };
        assert_eq!(check(None, None), Ok(()));
        assert_eq!(check(Some("2026-01-31"), Some(7)), Ok(()));
        for days in [i32::MIN, 0, 6, 366, i32::MAX] {
            assert_eq!(check(None, Some(days)), Err("horizon_days must be 7 to 365".to_owned()), "{days}");
        }
        assert!(check(Some("2026-02-02"), None).is_err_and(|told| told.starts_with("as_of must")));
    }
}
