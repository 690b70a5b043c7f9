//! How promises were kept over a period of days. Only clocks that ended count, by the day on which they ended; what was
//! cancelled and first responses to tickets that an agent opened are left out, and machines answer nothing.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use sqlx::FromRow;

use database::{DbError, Tx};

/// A period in whole days of a zone.
#[derive(Clone, Copy, Debug)]
pub struct Period {
    /// Its first instant.
    pub from: DateTime<Utc>,
    /// The first instant after it.
    pub to: DateTime<Utc>,
    /// The first day.
    pub first: NaiveDate,
    /// The last day.
    pub last: NaiveDate,
    /// The zone in which days begin.
    pub zone: chrono_tz::Tz,
}

/// Clocks of one kind that share something.
#[derive(Clone, Debug, PartialEq, Serialize, FromRow)]
pub struct Group {
    /// all, day, department, agent, priority or channel.
    pub by: String,
    /// The day, department, agent, priority or channel; `none` where a ticket has none.
    pub key: Option<String>,
    /// What the clocks measure.
    pub kind: String,
    /// Clocks that ended.
    pub ended: i64,
    /// Of those with a target, those that ended in time.
    pub met: i64,
    /// Those that did not.
    pub missed: i64,
    /// Half of them took at most this long without pauses, in all time, in seconds.
    pub calendar_median_secs: Option<f64>,
    /// Nine of ten.
    pub calendar_p90_secs: Option<f64>,
    /// The same in opening hours; none where no calendar is known.
    pub business_median_secs: Option<f64>,
    /// Nine of ten.
    pub business_p90_secs: Option<f64>,
    /// Resolutions that took exactly one public reply by a person.
    pub one_touch: i64,
}

/// The tickets that were not over at the end of a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, FromRow)]
pub struct Backlog {
    /// The day.
    pub day: NaiveDate,
    /// Open and pending.
    pub tickets: i64,
}

/// How promises were kept (support role): all together, by day, department, agent, priority and channel.
///
/// # Errors
/// The database failed.
pub async fn compliance(tx: &mut Tx, period: &Period) -> Result<Vec<Group>, DbError> {
    Ok(sqlx::query_as(include_str!("compliance.sql"))
        .bind(period.from)
        .bind(period.to)
        .bind(period.zone.name())
        .fetch_all(&mut **tx)
        .await?)
}

/// Open and pending tickets at the end of each day (support role); of the day that is not over, as it stands. Walks back
/// from now through what came and what changed.
///
/// # Errors
/// The database failed.
pub async fn backlog(tx: &mut Tx, period: &Period) -> Result<Vec<Backlog>, DbError> {
    Ok(sqlx::query_as(include_str!("backlog.sql"))
        .bind(period.from)
        .bind(period.first)
        .bind(period.last)
        .bind(period.zone.name())
        .fetch_all(&mut **tx)
        .await?)
}

/// Clocks that are past their due time and run (support role).
///
/// # Errors
/// The database failed.
pub async fn breached_now(tx: &mut Tx) -> Result<i64, DbError> {
    Ok(sqlx::query_scalar(
        "select count(*) from support_app.sla_clock
         where tenant_id = shared.current_tenant() and standing = 'breached' and state = 'running'",
    )
    .fetch_one(&mut **tx)
    .await?)
}
