//! Forecasts the tenant's revenue, active customers, average lifetime value and churn rate by month, each by the
//! method that a backtest on the tenant's own months chooses.

use std::time::Duration;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use jobs::contract::{Access, Backoff, JobKind, Policy, Priority, Rerun, Subject};

/// Forecast the metrics of a tenant.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForecastMetrics {}

impl ForecastMetrics {
    /// Asking twice for a tenant's forecasts is asking once.
    pub const DEDUP_KEY: &'static str = "tenant";
}

/// What was stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ForecastMetricsOutput {
    /// The day that the forecasts are stored under, where the shop is.
    pub made_on: NaiveDate,
    /// Full months of history.
    pub months: u32,
    /// Each metric.
    pub metrics: Vec<ForecastOutcome>,
}

/// What became of one metric.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ForecastOutcome {
    /// revenue, customer_count, average_ltv or churn_rate.
    pub metric: String,
    /// The method that was chosen; none when there is no forecast.
    pub method: Option<String>,
    /// Why there is none.
    pub reason: Option<String>,
}

impl JobKind for ForecastMetrics {
    type Output = ForecastMetricsOutput;
    const KIND: &'static str = "forecast_metrics";
    const VERSION: i16 = 1;
    const POLICY: Policy = Policy {
        queue: "intelligence",
        priority: Priority::Low,
        max_attempts: 5,
        backoff: Backoff { base: Duration::from_secs(10), cap: Duration::from_secs(300) },
        deadline: Duration::from_secs(300),
        key_limit: 1,
        access: Access::Tenant(Subject::Intelligence),
        rerun: Rerun::Never,
    };
}
