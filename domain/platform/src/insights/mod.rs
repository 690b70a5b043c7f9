//! What customer intelligence found, as people and programs read it: one customer, lists, shares of segments, runs,
//! models. The runs write these tables; everything here reads, but for the promotion of a model.
//!
//! All functions take a transaction of the platform, support or marketing role in the tenant. What was not computed is
//! [`Answer::Missing`] with its reason, never a number in its place.

pub mod answer;
pub mod catalog;
pub mod changes;
pub mod current;
pub mod customer;
pub mod drift;
pub mod features;
pub mod history;
pub mod list;
pub mod models;
pub mod population;
pub mod profile;
pub mod promote;
pub mod runs;
pub mod segmentations;
pub mod similar;
pub mod vector;

pub use answer::Answer;

use uuid::Uuid;

use database::DbError;

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

impl From<sqlx::Error> for InsightError {
    fn from(error: sqlx::Error) -> InsightError {
        InsightError::Db(error.into())
    }
}
