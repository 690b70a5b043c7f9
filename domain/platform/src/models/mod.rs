//! Models of churn and of lifetime value: [`registry`] keeps what the worker trained and knows which is in force,
//! [`list`] shows them to people, [`promote`] is a person's decision. What is inside a model only the worker can read.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

pub mod list;
pub mod promote;
pub mod registry;

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
