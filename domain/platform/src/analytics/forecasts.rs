//! Forecasts as they are stored: made by a job once a day, read by everybody.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::FromRow;
use uuid::Uuid;

use super::months::Month;
use database::ids::TenantId;
use database::{DbError, Tx};

/// What is forecast.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// Net revenue of a month.
    Revenue,
    /// Customers who order in a month.
    CustomerCount,
    /// Net revenue to date over customers to date.
    AverageLtv,
    /// Customers who lapse in a month, of those who were active.
    ChurnRate,
}

impl Metric {
    /// Every metric.
    pub const ALL: [Metric; 4] =
        [Metric::Revenue, Metric::CustomerCount, Metric::AverageLtv, Metric::ChurnRate];

    /// The name in paths and in the table.
    pub const fn name(self) -> &'static str {
        match self {
            Metric::Revenue => "revenue",
            Metric::CustomerCount => "customer_count",
            Metric::AverageLtv => "average_ltv",
            Metric::ChurnRate => "churn_rate",
        }
    }

    /// What a month's value is.
    pub const fn definition(self) -> &'static str {
        match self {
            Metric::Revenue => "net value of the month's order lines in the tenant's main currency",
            Metric::CustomerCount => "customers with an order in the month, returns left out",
            Metric::AverageLtv => {
                "net revenue from the beginning to the month's end over the customers won until then"
            }
            Metric::ChurnRate => {
                "of the customers who at the month's beginning had ordered within three calendar months, the share \
                 whose third calendar month without an order this was"
            }
        }
    }

    /// Whether a value is an amount of money.
    pub const fn is_money(self) -> bool {
        matches!(self, Metric::Revenue | Metric::AverageLtv)
    }

    /// The month's value; none where it is not defined.
    pub fn of(self, month: &Month) -> Option<f64> {
        match self {
            Metric::Revenue => Some(month.revenue),
            Metric::CustomerCount => Some(month.customers as f64),
            Metric::AverageLtv => Some(month.average_ltv),
            Metric::ChurnRate => month.churn_rate,
        }
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The text names no metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the metrics are revenue, customer_count, average_ltv and churn_rate")]
pub struct UnknownMetric;

impl FromStr for Metric {
    type Err = UnknownMetric;

    fn from_str(text: &str) -> Result<Metric, UnknownMetric> {
        Metric::ALL.into_iter().find(|metric| metric.name() == text).ok_or(UnknownMetric)
    }
}

/// A value of a month that is over.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Past {
    /// The month's first day.
    pub month: NaiveDate,
    /// Its value.
    pub value: f64,
}

/// A month ahead.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Ahead {
    /// The month's first day.
    pub month: NaiveDate,
    /// The expected value.
    pub value: f64,
    /// Lower bound of the 80 % interval.
    pub low: f64,
    /// Upper bound of the 80 % interval.
    pub high: f64,
}

/// The method of a forecast that could not be made; `backtest.reason` then says why.
pub const NO_METHOD: &str = "none";

/// A forecast of one metric.
#[derive(Debug, Clone, PartialEq)]
pub struct Forecast {
    /// What is forecast.
    pub metric: Metric,
    /// The day on which it was made, where the shop is.
    pub made_on: NaiveDate,
    /// The method that the backtest chose, or [`NO_METHOD`].
    pub method: String,
    /// Currency, error of every method, or the reason why there is none.
    pub backtest: Value,
    /// What it was made from.
    pub history: Vec<Past>,
    /// The months ahead.
    pub points: Vec<Ahead>,
    /// The job that made it.
    pub job: Uuid,
}

/// Forecasts of so many days are kept.
const KEPT_DAYS: i32 = 400;

/// Keeps a forecast in place of an earlier one of the same day, and lets go of very old ones (platform role).
///
/// # Errors
/// The database does not answer.
pub async fn store(tx: &mut Tx, tenant: TenantId, forecast: &Forecast) -> Result<(), DbError> {
    sqlx::query(
        "insert into platform.forecast (tenant_id, metric, made_on, method, backtest, history, points, job_id)
         values ($1, $2, $3, $4, $5, $6, $7, $8)
         on conflict (tenant_id, metric, made_on) do update
         set method = excluded.method, backtest = excluded.backtest, history = excluded.history,
             points = excluded.points, job_id = excluded.job_id, created_at = now()",
    )
    .bind(tenant)
    .bind(forecast.metric.name())
    .bind(forecast.made_on)
    .bind(&forecast.method)
    .bind(&forecast.backtest)
    .bind(sqlx::types::Json(&forecast.history))
    .bind(sqlx::types::Json(&forecast.points))
    .bind(forecast.job)
    .execute(&mut **tx)
    .await?;
    sqlx::query(
        "delete from platform.forecast where tenant_id = $1 and metric = $2 and made_on < $3 - $4::int",
    )
    .bind(tenant)
    .bind(forecast.metric.name())
    .bind(forecast.made_on)
    .bind(KEPT_DAYS)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// The newest forecast of a metric and when it was made (any app role).
///
/// # Errors
/// The database does not answer.
pub async fn latest(
    tx: &mut Tx,
    tenant: TenantId,
    metric: Metric,
) -> Result<Option<(Forecast, DateTime<Utc>)>, DbError> {
    let stored: Option<Stored> = sqlx::query_as(
        "select made_on, method, backtest, history, points, job_id, created_at from platform.forecast
         where tenant_id = $1 and metric = $2 order by made_on desc limit 1",
    )
    .bind(tenant)
    .bind(metric.name())
    .fetch_optional(&mut **tx)
    .await?;
    Ok(stored.map(|stored| {
        let forecast = Forecast {
            metric,
            made_on: stored.made_on,
            method: stored.method,
            backtest: stored.backtest,
            history: stored.history,
            points: stored.points,
            job: stored.job_id,
        };
        (forecast, stored.created_at)
    }))
}

/// A forecast as it is stored.
#[derive(FromRow)]
struct Stored {
    made_on: NaiveDate,
    method: String,
    backtest: Value,
    #[sqlx(json)]
    history: Vec<Past>,
    #[sqlx(json)]
    points: Vec<Ahead>,
    job_id: Uuid,
    created_at: DateTime<Utc>,
}
