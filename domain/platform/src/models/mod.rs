//! Models of churn and of lifetime value: [`registry`] keeps what the worker trained and knows which is in force,
//! [`list`] shows them to people, [`promote`] is a person's decision. What is inside a model only the worker can read.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use chrono::{DateTime, NaiveDate, Utc};
use jobs::contract::Unfit;
use serde::{Deserialize, Serialize};

use crate::zone;

pub mod list;
pub mod promote;
pub mod registry;

/// Days ahead that a model may be of.
pub const HORIZON_DAYS: RangeInclusive<i32> = 7..=365;

/// What of the payload of a training does not fit.
pub(crate) fn check_training(
    as_of: Option<NaiveDate>,
    horizon_days: Option<i32>,
    at: DateTime<Utc>,
) -> Result<(), Unfit> {
    zone::check_last_day(as_of, at)?;
    match horizon_days {
        Some(days) if !HORIZON_DAYS.contains(&days) => {
            let range = format!("must be {} to {}", HORIZON_DAYS.start(), HORIZON_DAYS.end());
            Err(Unfit::at("horizon_days", range))
        }
        _ => Ok(()),
    }
}

/// What a model predicts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, sqlx::Type)]
#[serde(rename_all = "lowercase")]
#[sqlx(type_name = "text", rename_all = "lowercase")]
pub enum Target {
    /// No order within the horizon.
    Churn,
    /// Spend within the horizon.
    Ltv,
}

impl Target {
    /// The word for it, as stored.
    pub fn name(self) -> &'static str {
        match self {
            Target::Churn => "churn",
            Target::Ltv => "ltv",
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The text names nothing that is predicted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be churn or ltv")]
pub struct UnknownTarget;

impl FromStr for Target {
    type Err = UnknownTarget;

    fn from_str(text: &str) -> Result<Target, UnknownTarget> {
        [Target::Churn, Target::Ltv].into_iter().find(|target| target.name() == text).ok_or(UnknownTarget)
    }
}
