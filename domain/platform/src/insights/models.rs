//! The model registry, without the models themselves: what each was trained on and how good it is.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::Row;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use database::{DbError, Tx};

/// What a model predicts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
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

/// A model in a list.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Model {
    /// The model.
    pub id: Uuid,
    /// churn or ltv.
    pub target: String,
    /// Its number within the tenant and target.
    pub number: i32,
    /// What kind of model it is.
    pub family: String,
    /// champion (in force), challenger or retired.
    pub role: String,
    /// Days that it looks ahead.
    pub horizon_days: i32,
    /// The last day of its data.
    pub trained_as_of: NaiveDate,
    /// The first day of its data.
    pub window_from: NaiveDate,
    /// The last day of its labels.
    pub window_to: NaiveDate,
    /// When it was registered.
    pub created_at: DateTime<Utc>,
    /// When its role was decided.
    pub decided_at: Option<DateTime<Utc>>,
    /// Who decided.
    pub decided_by: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// What a list leaves out.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub detail: Option<Box<Detail>>,
}

/// How a model was made and how good it is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Detail {
    /// The cut-offs that it was trained on.
    pub snapshots: Value,
    /// Its features.
    pub features: Value,
    /// Its parameters.
    pub parameters: Value,
    /// On held-back data: its own figures and the baselines', with intervals.
    pub metrics: Value,
    /// Predicted against observed rates on held-back data.
    pub calibration: Value,
    /// Against the champion of the time on the same data; null for a first model.
    pub comparison: Option<Value>,
    /// The job that trained it.
    pub job_id: Uuid,
    /// Size of the stored model.
    pub artefact_bytes: i32,
    /// Its checksum, hexadecimal.
    pub artefact_sha256: String,
}

const COLUMNS: &str =
    "id, target, number, family, role, horizon_days, trained_as_of, window_from, window_to, created_at,
    decided_at, decided_by, reason";

/// The model in full; none when the tenant has no such model.
///
/// # Errors
/// The database failed.
pub async fn get(tx: &mut Tx, model: Uuid) -> Result<Option<Model>, DbError> {
    let statement = format!(
        "select {COLUMNS}, snapshots, features, parameters, metrics, calibration, comparison, job_id,
                octet_length(artefact) as artefact_bytes, encode(artefact_sha256, 'hex') as artefact_sha256
         from platform.model where tenant_id = shared.current_tenant() and id = $1"
    );
    let row = sqlx::query(sqlx::AssertSqlSafe(statement)).bind(model).fetch_optional(&mut **tx).await?;
    let Some(row) = row else { return Ok(None) };
    let detail = Detail {
        snapshots: row.try_get("snapshots")?,
        features: row.try_get("features")?,
        parameters: row.try_get("parameters")?,
        metrics: row.try_get("metrics")?,
        calibration: row.try_get("calibration")?,
        comparison: row.try_get("comparison")?,
        job_id: row.try_get("job_id")?,
        artefact_bytes: row.try_get("artefact_bytes")?,
        artefact_sha256: row.try_get("artefact_sha256")?,
    };
    Ok(Some(Model { detail: Some(Box::new(detail)), ..read(&row)? }))
}

/// Models, the latest first, from before `(created_at, id)`, at most `limit`.
///
/// # Errors
/// The database failed.
pub async fn list(
    tx: &mut Tx,
    target: Option<Target>,
    before: Option<(DateTime<Utc>, Uuid)>,
    limit: i64,
) -> Result<Vec<Model>, DbError> {
    let statement = format!(
        "select {COLUMNS} from platform.model
         where tenant_id = shared.current_tenant() and ($1::text is null or target = $1)
           and ($2::timestamptz is null or (created_at, id) < ($2, $3))
         order by created_at desc, id desc limit $4"
    );
    let (before_at, before_id) = before.unzip();
    let rows = sqlx::query(sqlx::AssertSqlSafe(statement))
        .bind(target.map(Target::name))
        .bind(before_at)
        .bind(before_id)
        .bind(limit)
        .fetch_all(&mut **tx)
        .await?;
    Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
}

fn read(row: &PgRow) -> Result<Model, sqlx::Error> {
    Ok(Model {
        id: row.try_get("id")?,
        target: row.try_get("target")?,
        number: row.try_get("number")?,
        family: row.try_get("family")?,
        role: row.try_get("role")?,
        horizon_days: row.try_get("horizon_days")?,
        trained_as_of: row.try_get("trained_as_of")?,
        window_from: row.try_get("window_from")?,
        window_to: row.try_get("window_to")?,
        created_at: row.try_get("created_at")?,
        decided_at: row.try_get("decided_at")?,
        decided_by: row.try_get("decided_by")?,
        reason: row.try_get("reason")?,
        detail: None,
    })
}
