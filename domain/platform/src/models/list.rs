//! The models as people see them, without the models themselves: what each was trained on and how good it is.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use serde_json::Value;
use sqlx::FromRow;
use uuid::Uuid;

use super::Target;
use database::{DbError, Tx};

/// A model in a list.
#[derive(Debug, Clone, PartialEq, Serialize, FromRow)]
pub struct Model {
    /// The model.
    pub id: Uuid,
    /// What it predicts.
    pub target: Target,
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
    #[sqlx(skip)]
    pub detail: Option<Box<Detail>>,
}

/// How a model was made and how good it is.
#[derive(Debug, Clone, PartialEq, Serialize, FromRow)]
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
    let found: Option<Full> =
        sqlx::query_as(sqlx::AssertSqlSafe(statement)).bind(model).fetch_optional(&mut **tx).await?;
    Ok(found.map(|found| Model { detail: Some(Box::new(found.detail)), ..found.model }))
}

/// A model with what a list leaves out.
#[derive(FromRow)]
struct Full {
    #[sqlx(flatten)]
    model: Model,
    #[sqlx(flatten)]
    detail: Detail,
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
    Ok(sqlx::query_as(sqlx::AssertSqlSafe(statement))
        .bind(target.map(Target::name))
        .bind(before_at)
        .bind(before_id)
        .bind(limit)
        .fetch_all(&mut **tx)
        .await?)
}
