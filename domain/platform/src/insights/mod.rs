//! What customer intelligence found, as people and programs read it: one customer, lists, shares of segments,
//! snapshots of the past. A run writes it through [`write`](mod@write), [`snapshots`], [`segmentations`] and [`drift`].
//!
//! All functions take a transaction of the platform, support or marketing role in the tenant. What was not computed is
//! [`Answer::Missing`] with its reason, never a number in its place.

pub mod answer;
pub mod archetype_names;
pub mod brief;
pub mod catalog;
pub mod changes;
pub mod current;
pub mod customer;
pub mod drift;
pub mod features;
pub mod history;
pub mod list;
pub mod named;
pub mod phrases;
pub mod population;
pub mod profile;
pub mod sample;
pub mod segmentations;
pub mod similar;
pub mod snapshots;
pub mod standing;
pub mod strength;
pub mod vector;
pub mod write;

pub use answer::Answer;

use uuid::Uuid;

use database::{DbError, Tx};

/// Why an answer could not be given.
#[derive(Debug, thiserror::Error)]
pub enum InsightError {
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
    /// What the segmentation says of itself cannot be read.
    #[error("the catalogue of segmentation {segmentation} cannot be read: {reason}")]
    BadCatalog {
        /// The segmentation.
        segmentation: Uuid,
        /// What does not fit.
        reason: String,
    },
    /// What a run found cannot be read.
    #[error("the report of run {run} cannot be read: {reason}")]
    BadReport {
        /// The run.
        run: Uuid,
        /// What does not fit.
        reason: String,
    },
}

/// Keeps the planner from nested loops for the rest of the transaction: a generation that was written last night has
/// no statistics yet, and its million rows would be taken for a few.
///
/// # Errors
/// The database failed.
pub async fn distrust_statistics(tx: &mut Tx) -> Result<(), DbError> {
    sqlx::query("set local enable_nestloop = off").execute(&mut **tx).await?;
    Ok(())
}

impl From<sqlx::Error> for InsightError {
    fn from(error: sqlx::Error) -> InsightError {
        InsightError::Db(error.into())
    }
}
