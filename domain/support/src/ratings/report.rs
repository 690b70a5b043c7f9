//! How satisfied customers are, and how quickly they were helped: over tickets that were resolved in a span of time.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::FromRow;

use database::{DbError, Tx};

/// What tickets are put together by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grouping {
    /// All of them.
    All,
    /// Whose ticket it was.
    Agent,
    /// Its department.
    Team,
    /// Its channel.
    Channel,
    /// The day it was resolved, in the shop's time zone.
    Day,
}

impl Grouping {
    /// Every grouping by name.
    pub const NAMES: [(&'static str, Grouping); 5] = [
        ("all", Grouping::All),
        ("agent", Grouping::Agent),
        ("team", Grouping::Team),
        ("channel", Grouping::Channel),
        ("day", Grouping::Day),
    ];

    fn name(self) -> &'static str {
        Grouping::NAMES.iter().find(|(_, grouping)| *grouping == self).map_or("all", |(name, _)| name)
    }
}

/// A group of tickets that were resolved.
#[derive(Debug, Clone, PartialEq, Serialize, FromRow)]
pub struct Satisfaction {
    /// The agent's id, the department, the channel, the day; null for all and for tickets that have none.
    pub group: Option<String>,
    /// Tickets resolved.
    pub resolved: i64,
    /// Of these, rated.
    pub answers: i64,
    /// Rated with 4 or 5.
    pub satisfied: i64,
    /// satisfied / answers; null without an answer.
    pub csat: Option<f64>,
    /// answers / resolved.
    pub response_rate: Option<f64>,
    /// How many gave 1, 2, 3, 4 and 5.
    pub scores: Vec<i64>,
    /// Tickets with exactly one reply of an agent.
    pub one_touch: i64,
    /// one_touch / resolved.
    pub one_touch_rate: Option<f64>,
    /// Tickets that times are taken from: a customer wrote first, no agent or machine opened it.
    pub timed: i64,
    /// From the customer's first message to the first reply, in calendar minutes.
    pub first_reply_minutes_median: Option<f64>,
    /// The same, of nine in ten.
    pub first_reply_minutes_p90: Option<f64>,
    /// From the customer's first message to the resolution, in calendar minutes.
    pub resolution_minutes_median: Option<f64>,
    /// The same, of nine in ten.
    pub resolution_minutes_p90: Option<f64>,
}

/// The tickets resolved from `from` on and before `to`, by group in the order of their names (support role). `zone` is the
/// shop's IANA zone. It reads every ticket of the span; at most `limit` groups.
///
/// # Errors
/// The database failed.
pub async fn satisfaction(
    tx: &mut Tx,
    grouping: Grouping,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    zone: &str,
    limit: i64,
) -> Result<Vec<Satisfaction>, DbError> {
    Ok(sqlx::query_as(include_str!("report.sql"))
        .bind(from)
        .bind(to)
        .bind(grouping.name())
        .bind(zone)
        .bind(limit)
        .fetch_all(&mut **tx)
        .await?)
}
