//! Alerts on their way to a channel: which of them are due now, and which message tells them. The oldest go first; what
//! is not due holds nothing up but its own rule.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use sqlx::FromRow;
use uuid::Uuid;

use super::rules::Rule;
use crate::catalogue;
use database::ids::TenantId;
use database::{DbError, Tx};

/// Alerts that are looked at in one go.
pub const LOOKED_AT: i64 = 500;

/// Alerts that one message tells at most.
const IN_A_DIGEST: usize = 40;

/// For how long what follows goes below the message that began it.
const THREAD_FOR: chrono::Duration = chrono::Duration::days(7);

/// An alert that waits, with its event.
#[derive(Debug, Clone, FromRow)]
pub struct Waiting {
    /// Identity.
    pub id: Uuid,
    /// The rule that asked for it.
    pub rule_id: Uuid,
    /// The event's kind.
    #[sqlx(rename = "type")]
    pub kind: String,
    /// What it is about.
    pub subject: String,
    /// What it holds.
    pub data: Value,
    /// When it happened.
    pub at: DateTime<Utc>,
    /// The message that began the talk about the subject.
    pub thread_ts: Option<String>,
}

/// A message to be sent.
#[derive(Debug, Clone)]
pub enum Message {
    /// One alert, below the message that began the talk about its subject if there is one.
    Single(Waiting),
    /// Several together.
    Digest(Vec<Waiting>),
}

impl Message {
    /// The alerts that it tells.
    pub fn alerts(&self) -> &[Waiting] {
        match self {
            Message::Single(alert) => std::slice::from_ref(alert),
            Message::Digest(alerts) => alerts,
        }
    }

    /// The name under which it is found again: that of its first alert.
    pub fn marker(&self) -> String {
        format!("alert-{}", self.alerts()[0].id)
    }
}

/// What a channel is to be told.
#[derive(Debug, Default)]
pub struct Plan {
    /// Now, in this order.
    pub now: Vec<Message>,
    /// When there is something to be told next; none when nothing waits for a time.
    pub next_at: Option<DateTime<Utc>>,
}

/// What waits for a channel, the oldest first, and the rules that asked for it (outbound role).
///
/// # Errors
/// The database failed.
pub async fn waiting(
    tx: &mut Tx,
    workspace: Uuid,
    channel: &str,
    now: DateTime<Utc>,
) -> Result<(Vec<Waiting>, Vec<Rule>), DbError> {
    let alerts: Vec<Waiting> = sqlx::query_as(
        "select a.id, a.rule_id, v.type, v.subject, v.data, v.at, t.ts as thread_ts
         from outbound.alert a join outbound.event v on v.id = a.event_id
         left join outbound.thread t on t.workspace_id = a.workspace_id and t.channel = a.channel
             and t.subject = v.subject and t.at > $4
         where a.workspace_id = $1 and a.channel = $2 and a.state = 'waiting'
         order by a.seq, a.id limit $3",
    )
    .bind(workspace)
    .bind(channel)
    .bind(LOOKED_AT)
    .bind(now - THREAD_FOR)
    .fetch_all(&mut **tx)
    .await?;
    let rules = sqlx::query_as("select * from outbound.alert_rule where workspace_id = $1 and channel = $2")
        .bind(workspace)
        .bind(channel)
        .fetch_all(&mut **tx)
        .await?;
    Ok((alerts, rules))
}

/// Decides what is told now: pure. What gathers is told together with what is due at the same moment, so a digest that
/// is tried again has the same alerts.
pub fn plan(alerts: Vec<Waiting>, rules: &[Rule], now: DateTime<Utc>) -> Plan {
    let mut plan = Plan::default();
    // The digest that is being filled, by its rule and moment.
    let mut open: Vec<((Uuid, DateTime<Utc>), usize)> = Vec::new();
    for alert in alerts {
        // Somebody waits for it, also in quiet hours and while the rule is off.
        if alert.kind == catalogue::TEST {
            plan.now.push(Message::Single(alert));
            continue;
        }
        let Some(times) = rules.iter().find(|rule| rule.id == alert.rule_id).map(Rule::times) else {
            continue;
        };
        let due = times.due(alert.at);
        if due > now {
            plan.next_at = plan.next_at.into_iter().chain([due]).min();
            continue;
        }
        if !times.gathers(alert.at) {
            plan.now.push(Message::Single(alert));
            continue;
        }
        let whose = (alert.rule_id, due);
        let place = open.iter().find(|(key, _)| *key == whose).map(|(_, place)| *place);
        match place.map(|place| &mut plan.now[place]) {
            Some(Message::Digest(others)) if others.len() < IN_A_DIGEST => others.push(alert),
            _ => {
                open.retain(|(key, _)| *key != whose);
                open.push((whose, plan.now.len()));
                plan.now.push(Message::Digest(vec![alert]));
            }
        }
    }
    plan
}

/// The message that began the talk about a subject, if one did lately (outbound role).
///
/// # Errors
/// The database failed.
pub async fn thread_of(
    tx: &mut Tx,
    workspace: Uuid,
    channel: &str,
    subject: &str,
    now: DateTime<Utc>,
) -> Result<Option<String>, DbError> {
    Ok(sqlx::query_scalar(
        "select ts from outbound.thread where workspace_id = $1 and channel = $2 and subject = $3 and at > $4",
    )
    .bind(workspace)
    .bind(channel)
    .bind(subject)
    .bind(now - THREAD_FOR)
    .fetch_optional(&mut **tx)
    .await?)
}

/// Notes that a message arrived (outbound role). The first about a subject begins its thread.
///
/// # Errors
/// The database failed.
pub async fn sent(
    tx: &mut Tx,
    tenant: TenantId,
    (workspace, channel): (Uuid, &str),
    message: &Message,
    ts: &str,
    now: DateTime<Utc>,
) -> Result<(), DbError> {
    let ids: Vec<Uuid> = message.alerts().iter().map(|alert| alert.id).collect();
    sqlx::query(
        "update outbound.alert set state = 'sent', ts = $2, ended_at = clock_timestamp()
         where id = any ($1) and state = 'waiting'",
    )
    .bind(&ids)
    .bind(ts)
    .execute(&mut **tx)
    .await?;
    if let Message::Single(alert) = message
        && alert.thread_ts.is_none()
    {
        sqlx::query(
            "insert into outbound.thread (tenant_id, workspace_id, channel, subject, ts, at) values ($1, $2, $3, $4, $5, $6)
             on conflict (workspace_id, channel, subject) do update set ts = excluded.ts, at = excluded.at
             where outbound.thread.at <= $7",
        )
        .bind(tenant)
        .bind(workspace)
        .bind(channel)
        .bind(&alert.subject)
        .bind(ts)
        .bind(now)
        .bind(now - THREAD_FOR)
        .execute(&mut **tx)
        .await?;
    }
    Ok(())
}

/// Notes that a message will never arrive, and why (outbound role).
///
/// # Errors
/// The database failed.
pub async fn failed(tx: &mut Tx, message: &Message, why: &str) -> Result<(), DbError> {
    let ids: Vec<Uuid> = message.alerts().iter().map(|alert| alert.id).collect();
    sqlx::query(
        "update outbound.alert set state = 'failed', error = $2, ended_at = clock_timestamp()
         where id = any ($1) and state = 'waiting'",
    )
    .bind(&ids)
    .bind(why)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Channels of a workspace that have alerts waiting: what is asked for anew when it is connected again (outbound role).
///
/// # Errors
/// The database failed.
pub async fn channels_waiting(tx: &mut Tx, workspace: Uuid) -> Result<Vec<String>, DbError> {
    Ok(sqlx::query_scalar(
        "select distinct channel from outbound.alert where workspace_id = $1 and state = 'waiting' limit 200",
    )
    .bind(workspace)
    .fetch_all(&mut **tx)
    .await?)
}

/// An alert in a list.
#[derive(Debug, Clone, Serialize, FromRow)]
pub struct Listed {
    /// Identity.
    pub id: Uuid,
    /// The rule.
    pub rule_id: Uuid,
    /// The channel.
    pub channel: String,
    /// The event's kind.
    #[sqlx(rename = "type")]
    #[serde(rename = "type")]
    pub kind: String,
    /// waiting, sent or failed.
    pub state: String,
    /// Why it failed.
    pub error: Option<String>,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
    /// When it was told, or failed.
    pub ended_at: Option<DateTime<Utc>>,
}

/// A tenant's alerts, newest first, from before a place in the list (outbound role).
///
/// # Errors
/// The database failed.
pub async fn list(
    tx: &mut Tx,
    before: Option<(DateTime<Utc>, Uuid)>,
    limit: i64,
) -> Result<Vec<Listed>, DbError> {
    let (at, id) = before.unzip();
    Ok(sqlx::query_as(
        "select a.id, a.rule_id, a.channel, v.type, a.state, a.error, a.created_at, a.ended_at
         from outbound.alert a join outbound.event v on v.id = a.event_id
         where a.tenant_id = (select shared.current_tenant())
           and ($1::timestamptz is null or (a.created_at, a.id) < ($1, $2))
         order by a.created_at desc, a.id desc limit $3",
    )
    .bind(at)
    .bind(id)
    .bind(limit)
    .fetch_all(&mut **tx)
    .await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(id: u128, digest_minutes: i16) -> Rule {
        Rule {
            id: Uuid::from_u128(id),
            workspace_id: Uuid::nil(),
            channel: "C1".to_owned(),
            events: vec!["*".to_owned()],
            is_on: true,
            quiet_from: None,
            quiet_to: None,
            timezone: "UTC".to_owned(),
            digest_minutes,
            created_by: String::new(),
            version: 1,
            created_at: Utc::now(),
            updated_at: Utc::now(),
        }
    }

    fn alert(id: u128, rule: u128, at: DateTime<Utc>) -> Waiting {
        Waiting {
            id: Uuid::from_u128(id),
            rule_id: Uuid::from_u128(rule),
            kind: "ticket.created".to_owned(),
            subject: format!("ticket:{id}"),
            data: Value::Null,
            at,
            thread_ts: None,
        }
    }

    #[test]
    fn what_is_due_goes_in_order_and_digests_gather() {
        let now: DateTime<Utc> = "2026-11-28T12:00:30Z".parse().expect("a time");
        let earlier = now - chrono::Duration::minutes(90);
        let alerts = vec![
            alert(1, 1, earlier),
            alert(2, 2, earlier),
            alert(3, 1, earlier),
            alert(4, 2, earlier),
            alert(5, 2, now),
        ];
        let plan = plan(alerts, &[rule(1, 0), rule(2, 60)], now);
        let told: Vec<Vec<u128>> = plan
            .now
            .iter()
            .map(|message| message.alerts().iter().map(|alert| alert.id.as_u128()).collect())
            .collect();
        assert_eq!(told, [vec![1], vec![2, 4], vec![3]]);
        assert_eq!(plan.next_at, Some("2026-11-28T13:00:00Z".parse().expect("a time")));
    }

    #[test]
    fn a_digest_has_an_end() {
        let now: DateTime<Utc> = "2026-11-28T12:00:30Z".parse().expect("a time");
        let earlier = now - chrono::Duration::minutes(90);
        let alerts = (1..=100).map(|id| alert(id, 2, earlier)).collect();
        let plan = plan(alerts, &[rule(2, 60)], now);
        let sizes: Vec<usize> = plan.now.iter().map(|message| message.alerts().len()).collect();
        assert_eq!(sizes, [40, 40, 20]);
    }
}
