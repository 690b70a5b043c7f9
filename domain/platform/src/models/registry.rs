//! The model registry: a trained model is registered once, compared with the champion on the same held-back data, and
//! made the champion only when it is better by more than noise.

use chrono::NaiveDate;
use database::{DbError, Tx};
use serde_json::Value;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::Target;

/// A registered model, without its artefact.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Registered {
    /// Identity.
    pub id: Uuid,
    /// Counts the tenant's models of the target.
    pub number: i32,
    /// Its horizon in days.
    pub horizon_days: i32,
    /// The last day of its data.
    pub trained_as_of: NaiveDate,
}

/// A model to be registered.
pub struct NewModel<'a> {
    /// The job that trained it; a job registers one model, however often it runs.
    pub job: Uuid,
    /// What it predicts.
    pub target: Target,
    /// What kind of model it is.
    pub family: &'a str,
    /// Its horizon in days.
    pub horizon_days: i32,
    /// The last day of its data.
    pub trained_as_of: NaiveDate,
    /// The first and the last day of the orders that it saw.
    pub window: (NaiveDate, NaiveDate),
    /// The cut-offs that it was trained on.
    pub snapshots: &'a Value,
    /// The names of its features.
    pub features: &'a Value,
    /// How it was trained.
    pub parameters: &'a Value,
    /// On held-back data, ours and the baselines.
    pub metrics: &'a Value,
    /// Points of the calibration plot.
    pub calibration: &'a Value,
    /// Against the champion, if there was one.
    pub comparison: Option<&'a Value>,
    /// The model itself.
    pub artefact: &'a [u8],
    /// Whether it is to be the champion, and why or why not.
    pub is_champion: bool,
    /// The reason in words.
    pub reason: &'a str,
}

/// Why a model's artefact cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ArtefactError {
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
    /// What is stored is not what was registered.
    #[error("its stored artefact is damaged: the checksum does not match")]
    Damaged,
}

/// The champion of a target (platform role).
///
/// # Errors
/// The database failed.
pub async fn champion(tx: &mut Tx, target: Target) -> Result<Option<Registered>, DbError> {
    Ok(sqlx::query_as(
        "select id, number, horizon_days, trained_as_of from platform.model
         where target = $1 and role = 'champion'",
    )
    .bind(target.name())
    .fetch_optional(&mut **tx)
    .await?)
}

/// Models that were champions before, newest first: what scoring falls back to.
///
/// # Errors
/// The database failed.
pub async fn former_champions(tx: &mut Tx, target: Target) -> Result<Vec<Registered>, DbError> {
    Ok(sqlx::query_as(
        "select id, number, horizon_days, trained_as_of from platform.model
         where target = $1 and role = 'retired' and decided_at is not null order by number desc limit 5",
    )
    .bind(target.name())
    .fetch_all(&mut **tx)
    .await?)
}

/// A model by its id.
///
/// # Errors
/// The database failed.
pub async fn find(tx: &mut Tx, id: Uuid) -> Result<Option<Registered>, DbError> {
    Ok(sqlx::query_as("select id, number, horizon_days, trained_as_of from platform.model where id = $1")
        .bind(id)
        .fetch_optional(&mut **tx)
        .await?)
}

/// The model that a job has registered already, and whether it became the champion and why.
///
/// # Errors
/// The database failed.
pub async fn of_job(tx: &mut Tx, target: Target, job: Uuid) -> Result<Option<(Uuid, bool, String)>, DbError> {
    Ok(sqlx::query_as(
        "select id, decided_by is not null as was_promoted, coalesce(reason, '') as reason
         from platform.model where target = $1 and job_id = $2",
    )
    .bind(target.name())
    .bind(job)
    .fetch_optional(&mut **tx)
    .await?)
}

/// Those of these jobs that have not registered a model yet.
///
/// # Errors
/// The database failed.
pub async fn without_model(tx: &mut Tx, jobs: &[Uuid]) -> Result<Vec<Uuid>, DbError> {
    Ok(sqlx::query_scalar(
        "select job from unnest($1::uuid[]) as job where not exists (select from platform.model m where m.job_id = job)",
    )
    .bind(jobs)
    .fetch_all(&mut **tx)
    .await?)
}

/// A model's artefact, when it is what was registered.
///
/// # Errors
/// The database failed, or the artefact is damaged.
pub async fn artefact(tx: &mut Tx, id: Uuid) -> Result<Vec<u8>, ArtefactError> {
    let (artefact, expected): (Vec<u8>, Vec<u8>) =
        sqlx::query_as("select artefact, artefact_sha256 from platform.model where id = $1")
            .bind(id)
            .fetch_one(&mut **tx)
            .await
            .map_err(DbError::from)?;
    if Sha256::digest(&artefact).as_slice() != expected {
        return Err(ArtefactError::Damaged);
    }
    Ok(artefact)
}

/// Registers a model, in one transaction with the decision about it.
///
/// # Errors
/// The database failed.
pub async fn register(tx: &mut Tx, model: &NewModel<'_>) -> Result<Uuid, DbError> {
    // Two trainings that end at once take turns.
    sqlx::query("select pg_advisory_xact_lock(hashtextextended('model:' || shared.current_tenant(), 0))")
        .execute(&mut **tx)
        .await?;
    if let Some((id, _, _)) = of_job(tx, model.target, model.job).await? {
        return Ok(id);
    }
    if model.is_champion {
        sqlx::query("update platform.model set role = 'retired' where target = $1 and role = 'champion'")
            .bind(model.target.name())
            .execute(&mut **tx)
            .await?;
    } else {
        // One challenger at a time; an older one has had its chance.
        sqlx::query("update platform.model set role = 'retired' where target = $1 and role = 'challenger'")
            .bind(model.target.name())
            .execute(&mut **tx)
            .await?;
    }
    let id = Uuid::now_v7();
    sqlx::query(
        "insert into platform.model
             (id, tenant_id, target, number, family, role, horizon_days, trained_as_of, window_from, window_to, snapshots,
              features, parameters, metrics, calibration, comparison, artefact, artefact_sha256, job_id, decided_at,
              decided_by, reason)
         select $1, shared.current_tenant(), $2, coalesce(max(number), 0) + 1, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12,
                $13, $14, $15, $16, $17, case when $4 = 'champion' then now() end,
                case when $4 = 'champion' then 'worker' end, $18
         from platform.model where target = $2",
    )
    .bind(id)
    .bind(model.target.name())
    .bind(model.family)
    .bind(if model.is_champion { "champion" } else { "challenger" })
    .bind(model.horizon_days)
    .bind(model.trained_as_of)
    .bind(model.window.0)
    .bind(model.window.1)
    .bind(model.snapshots)
    .bind(model.features)
    .bind(model.parameters)
    .bind(model.metrics)
    .bind(model.calibration)
    .bind(model.comparison)
    .bind(model.artefact)
    .bind(Sha256::digest(model.artefact).as_slice())
    .bind(model.job)
    .bind(model.reason)
    .execute(&mut **tx)
    .await?;
    Ok(id)
}
