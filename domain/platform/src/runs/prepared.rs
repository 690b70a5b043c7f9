//! What scoring needs of a run that is prepared, as it is stored: only the worker can read what is inside.

use database::{DbError, Tx};
use uuid::Uuid;

/// A prepared run.
#[derive(Debug, sqlx::FromRow)]
pub struct Prepared {
    /// The currency whose lines count.
    pub currency: Option<String>,
    /// The tenant's rates and distributions, as the worker's JSON.
    pub statistics: Vec<u8>,
    /// The frozen segmentation, as the worker's JSON.
    #[sqlx(rename = "model")]
    pub segmentation: Vec<u8>,
    /// The churn model, if there is one.
    #[sqlx(rename = "churn_model_id")]
    pub churn_model: Option<Uuid>,
    /// The lifetime value model, if there is one.
    #[sqlx(rename = "ltv_model_id")]
    pub ltv_model: Option<Uuid>,
    /// The generation that readers see and that has the same segmentation, to compare with.
    pub previous: Option<i32>,
}

/// What scoring needs of a run; none when the run is gone or not prepared.
///
/// # Errors
/// The database failed.
pub async fn find(tx: &mut Tx, run: Uuid) -> Result<Option<Prepared>, DbError> {
    Ok(sqlx::query_as(
        "select r.currency, r.statistics, s.model, r.churn_model_id, r.ltv_model_id,
                (select c.generation from platform.current_run c join platform.intelligence_run p on p.id = c.run_id
                 where c.run_id <> r.id and p.segmentation_id = r.segmentation_id) as previous
         from platform.intelligence_run r join platform.segmentation s on s.id = r.segmentation_id
         where r.id = $1 and r.statistics is not null",
    )
    .bind(run)
    .fetch_optional(&mut **tx)
    .await?)
}
