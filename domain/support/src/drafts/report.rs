//! How drafts are taken up, by who wrote them and in which tone.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::FromRow;

use database::{DbError, Tx};

/// Drafts of one drafter in one tone.
#[derive(Debug, Clone, PartialEq, Serialize, FromRow)]
pub struct Uptake {
    /// `anthropic` or `template`.
    pub drafter: String,
    /// The tone.
    pub tone: String,
    /// Drafts written.
    pub drafts: i64,
    /// Chosen, edited or sent by a person.
    pub accepted: i64,
    /// accepted / drafts.
    pub acceptance_rate: Option<f64>,
    /// Changed by a person.
    pub edited: i64,
    /// Sent to the customer.
    pub sent: i64,
    /// Sent exactly as they were written.
    pub sent_unchanged: i64,
    /// Mean distance from what was written to what was sent, 0 to 1.
    pub edit_distance_mean: Option<f64>,
    /// Its median.
    pub edit_distance_median: Option<f64>,
    /// Said to be good.
    pub thumbs_up: i64,
    /// Said to be bad.
    pub thumbs_down: i64,
}

/// The drafts made from `from` on and before `to` (support role).
///
/// # Errors
/// The database failed.
pub async fn uptake(tx: &mut Tx, from: DateTime<Utc>, to: DateTime<Utc>) -> Result<Vec<Uptake>, DbError> {
    Ok(sqlx::query_as(include_str!("report.sql")).bind(from).bind(to).fetch_all(&mut **tx).await?)
}
