//! A person's decision which model is in force: forward to a challenger, or back to one that was retired.

use uuid::Uuid;

use super::Target;
use database::{DbError, Tx};

/// Why a model was not made the champion.
#[derive(Debug, thiserror::Error)]
pub enum PromoteError {
    /// The tenant has no such model.
    #[error("there is no such model")]
    Unknown,
    /// It is in force already.
    #[error("the model is the champion already")]
    IsChampion,
    /// What is stored is not what was trained.
    #[error(
        "the stored model does not have the checksum that it had when it was trained, so it may not be put in force"
    )]
    Corrupt,
    /// Another champion was named at this moment.
    #[error("another model became the champion at this moment")]
    Overtaken,
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<sqlx::Error> for PromoteError {
    fn from(error: sqlx::Error) -> PromoteError {
        match DbError::from(error) {
            error if error.violates("model_champion") => PromoteError::Overtaken,
            error => PromoteError::Db(error),
        }
    }
}

/// What a promotion changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Promoted {
    /// What the model predicts.
    pub target: Target,
    /// Its number.
    pub number: i32,
    /// The champion before, which is retired now.
    pub retired: Option<Uuid>,
}

/// Makes a model the champion of its target and retires the one before (platform role). Scores are made with it from
/// the next run on.
///
/// # Errors
/// See [`PromoteError`]; then nothing changed.
pub async fn promote(tx: &mut Tx, model: Uuid, by: &str, reason: &str) -> Result<Promoted, PromoteError> {
    let (target, number): (Target, i32) = sqlx::query_as(
        "select target, number from platform.model where tenant_id = shared.current_tenant() and id = $1",
    )
    .bind(model)
    .fetch_optional(&mut **tx)
    .await?
    .ok_or(PromoteError::Unknown)?;
    // Promotions and trainings of a tenant take turns here.
    sqlx::query("select pg_advisory_xact_lock(hashtextextended('model:' || shared.current_tenant(), 0))")
        .execute(&mut **tx)
        .await?;
    let champion: Option<Uuid> = sqlx::query_scalar(
        "select id from platform.model
         where tenant_id = shared.current_tenant() and target = $1 and role = 'champion'",
    )
    .bind(target.name())
    .fetch_optional(&mut **tx)
    .await?;
    if champion == Some(model) {
        return Err(PromoteError::IsChampion);
    }
    let is_intact: bool =
        sqlx::query_scalar("select sha256(artefact) = artefact_sha256 from platform.model where id = $1")
            .bind(model)
            .fetch_one(&mut **tx)
            .await?;
    if !is_intact {
        return Err(PromoteError::Corrupt);
    }
    // First down, then up: there is never more than one champion.
    if let Some(champion) = champion {
        decide(tx, champion, "retired", by, &format!("model {number} took its place: {reason}")).await?;
    }
    decide(tx, model, "champion", by, reason).await?;
    Ok(Promoted { target, number, retired: champion })
}

async fn decide(tx: &mut Tx, model: Uuid, role: &str, by: &str, reason: &str) -> Result<(), PromoteError> {
    sqlx::query(
        "update platform.model set role = $2, decided_at = now(), decided_by = $3, reason = $4 where id = $1",
    )
    .bind(model)
    .bind(role)
    .bind(by)
    .bind(reason)
    .execute(&mut **tx)
    .await?;
    Ok(())
}
