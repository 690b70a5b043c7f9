//! Topics that go first for a while, because a person says so: a recall, an outage.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::FromRow;

use database::{DbError, Tx};

/// An alert.
#[derive(Debug, Clone, PartialEq, Serialize, FromRow)]
pub struct TopicAlert {
    /// The topic, as analysis names it.
    pub topic: String,
    /// Why, in the words of whoever set it.
    pub reason: Option<String>,
    /// Who set it.
    pub set_by: String,
    /// When.
    pub set_at: DateTime<Utc>,
    /// Until when it holds.
    pub until: DateTime<Utc>,
}

/// More alerts at once than this would alert nobody.
pub const MOST: i64 = 20;

/// The alerts that hold at `now` (support role).
///
/// # Errors
/// The database failed.
pub async fn list(tx: &mut Tx, now: DateTime<Utc>) -> Result<Vec<TopicAlert>, DbError> {
    Ok(sqlx::query_as(
        "select topic, reason, set_by, set_at, until from support_app.topic_alert
         where tenant_id = shared.current_tenant() and until > $1 order by topic",
    )
    .bind(now)
    .fetch_all(&mut **tx)
    .await?)
}

/// Sets an alert, in place of an earlier one on the topic (support role).
///
/// # Errors
/// The database failed.
pub async fn set(
    tx: &mut Tx,
    topic: &str,
    reason: Option<&str>,
    by: &str,
    until: DateTime<Utc>,
) -> Result<TopicAlert, DbError> {
    Ok(sqlx::query_as(
        "insert into support_app.topic_alert (tenant_id, topic, reason, set_by, until)
         values (shared.current_tenant(), $1, $2, $3, $4)
         on conflict (tenant_id, topic) do update set reason = excluded.reason, set_by = excluded.set_by,
             set_at = now(), until = excluded.until
         returning topic, reason, set_by, set_at, until",
    )
    .bind(topic)
    .bind(reason)
    .bind(by)
    .bind(until)
    .fetch_one(&mut **tx)
    .await?)
}

/// Lifts an alert; false when there is none (support role).
///
/// # Errors
/// The database failed.
pub async fn lift(tx: &mut Tx, topic: &str) -> Result<bool, DbError> {
    let done = sqlx::query(
        "delete from support_app.topic_alert where tenant_id = shared.current_tenant() and topic = $1",
    )
    .bind(topic)
    .execute(&mut **tx)
    .await?;
    Ok(done.rows_affected() == 1)
}
