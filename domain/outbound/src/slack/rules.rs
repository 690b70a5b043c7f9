//! Rules of what is told where: events, a channel of a connected workspace, quiet hours, and whether alerts gather.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde::Serialize;
use sqlx::FromRow;
use uuid::Uuid;

use super::quiet::Times;
use database::ids::TenantId;
use database::{DbError, Tx};

/// Rules that a tenant may have.
pub const MAX_RULES: i64 = 200;

/// A rule.
#[derive(Debug, Clone, Serialize, FromRow)]
pub struct Rule {
    /// Identity.
    pub id: Uuid,
    /// The workspace.
    pub workspace_id: Uuid,
    /// The channel, by Slack's id.
    pub channel: String,
    /// Patterns as for endpoints.
    pub events: Vec<String>,
    /// Whether it tells.
    pub is_on: bool,
    /// Minute of the day at which the quiet hours begin.
    pub quiet_from: Option<i16>,
    /// Minute at which they end; before the begin is on the next day.
    pub quiet_to: Option<i16>,
    /// Whose hours, as in Europe/Berlin.
    pub timezone: String,
    /// Alerts are told together every so many minutes; 0 tells each at once.
    pub digest_minutes: i16,
    /// Who made it.
    pub created_by: String,
    /// Grows with each change.
    pub version: i64,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was changed.
    pub updated_at: DateTime<Utc>,
}

impl Rule {
    /// When it tells.
    pub fn times(&self) -> Times {
        Times {
            quiet: self.quiet_from.zip(self.quiet_to),
            digest_minutes: self.digest_minutes,
            zone: self.timezone.parse().unwrap_or(Tz::UTC),
        }
    }
}

/// What a rule is to be; checked by the caller.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The workspace.
    pub workspace_id: Uuid,
    /// The channel, by Slack's id.
    pub channel: String,
    /// Patterns.
    pub events: Vec<String>,
    /// Whether it tells.
    pub is_on: bool,
    /// The quiet hours.
    pub quiet: Option<(i16, i16)>,
    /// Whose hours.
    pub timezone: Tz,
    /// Minutes between digests.
    pub digest_minutes: i16,
}

/// Whether a text is a channel as Slack names them; names with a hash are not, because they change.
pub fn is_channel(text: &str) -> bool {
    (2..=31).contains(&text.len())
        && text.starts_with(['C', 'G', 'D'])
        && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

/// A tenant's rules, newest first (outbound role).
///
/// # Errors
/// The database failed.
pub async fn list(tx: &mut Tx) -> Result<Vec<Rule>, DbError> {
    Ok(sqlx::query_as("select * from outbound.alert_rule order by id desc limit 200")
        .fetch_all(&mut **tx)
        .await?)
}

/// One of them, locked for a change (outbound role).
///
/// # Errors
/// The database failed.
pub async fn get(tx: &mut Tx, id: Uuid) -> Result<Option<Rule>, DbError> {
    Ok(sqlx::query_as("select * from outbound.alert_rule where id = $1 for update")
        .bind(id)
        .fetch_optional(&mut **tx)
        .await?)
}

/// Makes a rule; none when there is no such workspace, or the tenant has [`MAX_RULES`] (outbound role).
///
/// # Errors
/// The database failed.
pub async fn create(
    tx: &mut Tx,
    tenant: TenantId,
    wanted: &Wanted,
    by: &str,
) -> Result<Option<Rule>, DbError> {
    Ok(sqlx::query_as(
        "insert into outbound.alert_rule (id, tenant_id, workspace_id, channel, events, is_on, quiet_from, quiet_to,
             timezone, digest_minutes, created_by)
         select $1, $2, w.id, $4, $5, $6, $7, $8, $9, $10, $11 from outbound.workspace w
         where w.id = $3 and w.state = 'connected' and (select count(*) from outbound.alert_rule) < $12
         returning *",
    )
    .bind(Uuid::now_v7())
    .bind(tenant)
    .bind(wanted.workspace_id)
    .bind(&wanted.channel)
    .bind(&wanted.events)
    .bind(wanted.is_on)
    .bind(wanted.quiet.map(|(from, _)| from))
    .bind(wanted.quiet.map(|(_, to)| to))
    .bind(wanted.timezone.name())
    .bind(wanted.digest_minutes)
    .bind(by)
    .bind(MAX_RULES)
    .fetch_optional(&mut **tx)
    .await?)
}

/// Changes a rule, but for its workspace (outbound role).
///
/// # Errors
/// The database failed.
pub async fn change(tx: &mut Tx, id: Uuid, wanted: &Wanted) -> Result<Rule, DbError> {
    Ok(sqlx::query_as(
        "update outbound.alert_rule set channel = $2, events = $3, is_on = $4, quiet_from = $5, quiet_to = $6,
             timezone = $7, digest_minutes = $8, version = version + 1, updated_at = now()
         where id = $1 returning *",
    )
    .bind(id)
    .bind(&wanted.channel)
    .bind(&wanted.events)
    .bind(wanted.is_on)
    .bind(wanted.quiet.map(|(from, _)| from))
    .bind(wanted.quiet.map(|(_, to)| to))
    .bind(wanted.timezone.name())
    .bind(wanted.digest_minutes)
    .fetch_one(&mut **tx)
    .await?)
}

/// Makes an alert that tries a rule, told at once whatever the time (outbound role).
///
/// # Errors
/// The database failed.
pub async fn test(tx: &mut Tx, tenant: TenantId, rule: &Rule) -> Result<(), DbError> {
    sqlx::query(
        "with made as (
             insert into outbound.event (seq, tenant_id, type, subject, data, at)
             values (0, $1, $2, 'rule:' || $3::uuid::text, '{}', now()) returning id, seq
         )
         insert into outbound.alert (tenant_id, rule_id, workspace_id, channel, event_id, seq)
         select $1, $3::uuid, $4, $5, m.id, m.seq from made m",
    )
    .bind(tenant)
    .bind(crate::catalogue::TEST)
    .bind(rule.id)
    .bind(rule.workspace_id)
    .bind(&rule.channel)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Removes a rule with what it told; false when there is none (outbound role).
///
/// # Errors
/// The database failed.
pub async fn remove(tx: &mut Tx, id: Uuid) -> Result<bool, DbError> {
    let gone =
        sqlx::query("delete from outbound.alert_rule where id = $1").bind(id).execute(&mut **tx).await?;
    Ok(gone.rows_affected() == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_are_ids() {
        for good in ["C024BE91L", "G8PSS9T3V", "D1"] {
            assert!(is_channel(good), "{good}");
        }
        for bad in ["", "C", "#support", "support", "c024be91l", "C024 BE", "U024BE91L"] {
            assert!(!is_channel(bad), "{bad}");
        }
    }
}
