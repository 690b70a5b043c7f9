//! The run that readers see now.

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::Value;
use sqlx::FromRow;
use uuid::Uuid;

use super::InsightError;
use super::population::Population;
use database::Tx;

/// The published run.
#[derive(Debug, Clone, PartialEq)]
pub struct Current {
    /// The run.
    pub run: Uuid,
    /// Its rows are written under this.
    pub generation: i32,
    /// Grows with every change of a row.
    pub facts_version: i64,
    /// The last day that counts.
    pub as_of: NaiveDate,
    /// ISO 4217 code of its money.
    pub currency: Option<String>,
    /// Its segmentation.
    pub segmentation: Option<Uuid>,
    /// How far its expected spend looks, in days.
    pub ltv_horizon_days: Option<i32>,
    /// How far its churn looks, in days.
    pub churn_horizon_days: Option<i32>,
    /// When it was published.
    pub published_at: Option<DateTime<Utc>>,
    /// Its customers, counted.
    pub population: Population,
}

/// The published run of the tenant; none before the first.
///
/// # Errors
/// The database failed, or the run's report cannot be read.
pub async fn current(tx: &mut Tx) -> Result<Option<Current>, InsightError> {
    let stored: Option<Stored> = sqlx::query_as(
        "select n.run_id, n.generation, n.facts_version, r.as_of, r.currency, r.segmentation_id, r.published_at,
                r.report, l.horizon_days as ltv_days, c.horizon_days as churn_days
         from platform.current_run n
         join platform.intelligence_run r on r.id = n.run_id
         left join platform.model l on l.id = r.ltv_model_id
         left join platform.model c on c.id = r.churn_model_id
         where n.tenant_id = shared.current_tenant()",
    )
    .fetch_optional(&mut **tx)
    .await?;
    let Some(stored) = stored else { return Ok(None) };
    let run = stored.run_id;
    let population = Population::of(&stored.report)
        .map_err(|error| InsightError::BadReport { run, reason: error.to_string() })?;
    Ok(Some(Current {
        run,
        generation: stored.generation,
        facts_version: stored.facts_version,
        as_of: stored.as_of,
        currency: stored.currency,
        segmentation: stored.segmentation_id,
        ltv_horizon_days: stored.ltv_days,
        churn_horizon_days: stored.churn_days,
        published_at: stored.published_at,
        population,
    }))
}

/// The run as it is stored.
#[derive(FromRow)]
struct Stored {
    run_id: Uuid,
    generation: i32,
    facts_version: i64,
    as_of: NaiveDate,
    currency: Option<String>,
    segmentation_id: Option<Uuid>,
    published_at: Option<DateTime<Utc>>,
    report: Value,
    ltv_days: Option<i32>,
    churn_days: Option<i32>,
}

/// The texts of a JSON list.
pub(super) fn texts(list: Option<&Value>) -> Vec<String> {
    let items = list.and_then(Value::as_array).into_iter().flatten();
    items.filter_map(Value::as_str).map(str::to_owned).collect()
}
