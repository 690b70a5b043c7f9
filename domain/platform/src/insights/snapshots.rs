//! Snapshots: what a run said of every customer, packed and kept by day, week and month for the drift timeline.

use std::fmt;

use chrono::NaiveDate;
use database::{DbError, Tx};
use uuid::Uuid;

/// What a snapshot stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grain {
    /// A day.
    Day,
    /// A week: its first run.
    Week,
    /// A month: its first run.
    Month,
}

impl Grain {
    /// The word for it, as stored.
    pub fn name(self) -> &'static str {
        match self {
            Grain::Day => "day",
            Grain::Week => "week",
            Grain::Month => "month",
        }
    }
}

impl fmt::Display for Grain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Prepares the transaction for passes over a whole generation: time, and no nested loops, because a generation of
/// this night has no statistics yet and the planner would take its million rows for a few.
///
/// # Errors
/// The database failed.
pub async fn allow_long_passes(tx: &mut Tx) -> Result<(), DbError> {
    sqlx::query(
        "select set_config('statement_timeout', '300s', true), set_config('enable_nestloop', 'off', true)",
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Whether there is a snapshot of the grain on a day from `from` to `to`.
///
/// # Errors
/// The database failed.
pub async fn exists(tx: &mut Tx, grain: Grain, from: NaiveDate, to: NaiveDate) -> Result<bool, DbError> {
    Ok(sqlx::query_scalar(
        "select exists (select from platform.profile_snapshot where grain = $1 and taken_on between $2 and $3)",
    )
    .bind(grain.name())
    .bind(from)
    .bind(to)
    .fetch_one(&mut **tx)
    .await?)
}

/// Packs a generation into the snapshot of a day, in place of one that was taken before (platform role). Answers how
/// many customers it has.
///
/// # Errors
/// The database failed.
pub async fn pack(
    tx: &mut Tx,
    grain: Grain,
    generation: i32,
    on: NaiveDate,
    segmentation: Option<Uuid>,
) -> Result<i64, DbError> {
    // A second run of a day replaces the first one's.
    sqlx::query("delete from platform.profile_snapshot where grain = $1 and taken_on = $2")
        .bind(grain.name())
        .bind(on)
        .execute(&mut **tx)
        .await?;
    Ok(sqlx::query_scalar(include_str!("pack_snapshot.sql"))
        .bind(generation)
        .bind(grain.name())
        .bind(on)
        .bind(segmentation)
        .fetch_one(&mut **tx)
        .await?)
}

/// Removes the snapshots of a grain from before a day; answers how many there were.
///
/// # Errors
/// The database failed.
pub async fn remove_before(tx: &mut Tx, grain: Grain, day: NaiveDate) -> Result<i64, DbError> {
    Ok(sqlx::query_scalar(
        "with gone as (delete from platform.profile_snapshot where grain = $1 and taken_on < $2 returning taken_on)
         select count(distinct taken_on) from gone",
    )
    .bind(grain.name())
    .bind(day)
    .fetch_one(&mut **tx)
    .await?)
}

/// A piece of a snapshot: about a thousand customers with neighbouring ids.
#[derive(Debug, sqlx::FromRow)]
pub struct Piece {
    /// The day of the snapshot.
    pub taken_on: NaiveDate,
    /// The shop's ids.
    pub customers: Vec<String>,
    /// The churn probability of each.
    pub churn: Vec<Option<f32>>,
}

/// Up to `limit` pieces, spread by a hash, of the youngest snapshot up to a day; nothing when there is none so old.
///
/// # Errors
/// The database failed.
pub async fn pieces_before(tx: &mut Tx, day: Option<NaiveDate>, limit: i64) -> Result<Vec<Piece>, DbError> {
    Ok(sqlx::query_as(
        "select taken_on, customers, churn from platform.profile_snapshot
         where (grain, taken_on) = (select grain, taken_on from platform.profile_snapshot where taken_on <= $1
                                    order by taken_on desc, grain limit 1)
         order by hashtextextended(first_customer, 7) limit $2",
    )
    .bind(day)
    .bind(limit)
    .fetch_all(&mut **tx)
    .await?)
}
