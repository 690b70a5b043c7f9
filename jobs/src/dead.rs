//! Dead letters: listing them, finding the few causes behind many, retrying and discarding.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::{FromRow, PgConnection, Postgres, QueryBuilder};
use uuid::Uuid;

use crate::{
    Announcement, JobId, Offer, QueueError, State, contract::Unfit, events::Event,
    ledger::fingerprint::status_in,
};

/// Characters of the reason why an operator did something.
pub const REASON_CHARS: usize = 500;

/// What of a reason does not fit in a payload.
pub(crate) fn check_reason(reason: &str) -> Result<(), Unfit> {
    match reason.chars().count() <= REASON_CHARS {
        true => Ok(()),
        false => Err(Unfit::at("reason", format!("must have at most {REASON_CHARS} characters"))),
    }
}

/// Which dead jobs. All given conditions hold together; an empty filter is every dead job.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DeadFilter {
    /// Of this tenant; of all when none (operators).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<Uuid>,
    /// These jobs, at most [`DeadFilter::MOST_IDS`].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ids: Vec<JobId>,
    /// Of this kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Of one of these kinds; of any when none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kinds: Option<Vec<String>>,
    /// Of this queue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue: Option<String>,
    /// Of this cause.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// Of this class of failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_class: Option<String>,
    /// Died at or after.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub died_from: Option<DateTime<Utc>>,
    /// Died before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub died_to: Option<DateTime<Utc>>,
}

impl DeadFilter {
    /// Jobs that may be named: as many as fit into a payload.
    pub const MOST_IDS: usize = 5_000;

    /// What of it does not fit in a payload.
    pub(crate) fn check(&self) -> Result<(), Unfit> {
        match self.ids.len() <= DeadFilter::MOST_IDS {
            true => Ok(()),
            false => Err(Unfit::at("filter.ids", format!("must have at most {} ids", DeadFilter::MOST_IDS))),
        }
    }

    fn push(&self, query: &mut QueryBuilder<Postgres>) {
        query.push(" true");
        if let Some(tenant) = self.tenant_id {
            query.push(" and tenant_id = ").push_bind(tenant);
        }
        if !self.ids.is_empty() {
            query.push(" and id = any (").push_bind(self.ids.clone()).push(")");
        }
        for (column, value) in [
            ("kind", &self.kind),
            ("queue", &self.queue),
            ("fingerprint", &self.fingerprint),
            ("error_class", &self.error_class),
        ] {
            if let Some(value) = value {
                query.push(format!(" and {column} = ")).push_bind(value.clone());
            }
        }
        if let Some(kinds) = &self.kinds {
            query.push(" and kind = any (").push_bind(kinds.clone()).push(")");
        }
        if let Some(from) = self.died_from {
            query.push(" and finished_at >= ").push_bind(from);
        }
        if let Some(to) = self.died_to {
            query.push(" and finished_at < ").push_bind(to);
        }
    }
}

/// A dead job.
#[derive(Clone, Debug, Serialize, FromRow)]
pub struct DeadView {
    /// The job.
    pub id: JobId,
    /// Whose it is.
    pub tenant_id: Uuid,
    /// Its kind.
    pub kind: String,
    /// Its queue.
    pub queue: String,
    /// Attempts it had.
    pub attempt: i16,
    /// The class of the last failure.
    pub error_class: String,
    /// The last failure.
    pub message: Option<String>,
    /// Equal for deaths of the same cause.
    pub fingerprint: String,
    /// Correlates it with what caused it.
    pub correlation_id: String,
    /// When it came into being.
    pub created_at: DateTime<Utc>,
    /// When it died.
    pub finished_at: DateTime<Utc>,
}

/// Up to `limit` dead jobs that match, newest first by creation, older than `before`.
///
/// # Errors
/// The ledger failed.
pub async fn list(
    conn: &mut PgConnection,
    filter: &DeadFilter,
    before: Option<JobId>,
    limit: i64,
) -> Result<Vec<DeadView>, QueueError> {
    let mut query = QueryBuilder::new(
        "select id, tenant_id, kind, queue, attempt, error_class, error ->> 'message' as message, fingerprint,
             correlation_id, created_at, finished_at from jobs.dead where",
    );
    filter.push(&mut query);
    if let Some(before) = before {
        query.push(" and id < ").push_bind(before);
    }
    query.push(" order by id desc limit ").push_bind(limit);
    Ok(query.build_query_as().fetch_all(conn).await?)
}

/// Dead jobs of one kind that died of one cause.
#[derive(Clone, Debug, Serialize, FromRow)]
pub struct DeadGroup {
    /// Their kind.
    pub kind: String,
    /// The cause.
    pub fingerprint: String,
    /// The class of the failure.
    pub error_class: String,
    /// How many.
    pub jobs: i64,
    /// Of how many tenants.
    pub tenants: i64,
    /// When the first died.
    pub first_died_at: DateTime<Utc>,
    /// When the last died.
    pub last_died_at: DateTime<Utc>,
    /// The message of one of them.
    pub sample_message: Option<String>,
    /// One of them.
    pub sample_job_id: JobId,
    /// What helps before they are retried, or that retrying does not.
    #[sqlx(skip)]
    pub advice: &'static str,
}

/// The causes behind the dead jobs that match, the most frequent first.
///
/// # Errors
/// The ledger failed.
pub async fn groups(
    conn: &mut PgConnection,
    filter: &DeadFilter,
    limit: i64,
) -> Result<Vec<DeadGroup>, QueueError> {
    // The sample is looked up afterwards, for the groups that are shown alone: sorting every message
    // for it would cost more than the grouping.
    let mut query = QueryBuilder::new(
        "with shown as (
             select kind, fingerprint, error_class, count(*) as jobs, count(distinct tenant_id) as tenants,
                 min(finished_at) as first_died_at, max(finished_at) as last_died_at
             from jobs.dead where",
    );
    filter.push(&mut query);
    query
        .push(" group by kind, fingerprint, error_class order by jobs desc, fingerprint limit ")
        .push_bind(limit);
    query.push(
        ") select s.*, sample.message as sample_message, sample.id as sample_job_id from shown s cross join lateral (
             select d.id, d.error ->> 'message' as message from jobs.dead d where d.fingerprint = s.fingerprint and d.kind = s.kind and",
    );
    filter.push(&mut query);
    query.push(" order by d.tenant_id desc, d.id desc limit 1) sample order by s.jobs desc, s.fingerprint");
    let mut groups: Vec<DeadGroup> = query.build_query_as().fetch_all(conn).await?;
    for group in &mut groups {
        group.advice = advice(&group.error_class, group.sample_message.as_deref().unwrap_or_default());
    }
    Ok(groups)
}

/// What helps with jobs that died of such a failure.
fn advice(class: &str, message: &str) -> &'static str {
    match (class, status_in(message)) {
        ("upstream_unauthorised", _) | (_, Some(401 | 403)) => {
            "Renew the credential or its rights, then retry: until then each is refused again."
        }
        ("upstream_rejected", Some(404)) if message.contains("; set ") => {
            "Set what their message names, then retry: until then each is refused again."
        }
        (_, Some(404 | 410)) => {
            "What they are about is not there: each is refused again. Discard them, unless the address there is wrong."
        }
        (_, Some(429)) => "It had no room for them: retry, with a canary first.",
        (_, Some(500..)) => "Retry when the upstream is well again, with a canary first.",
        ("upstream_rejected", _) | (_, Some(400..)) => {
            "The same request is refused again: repair what it refuses and retry with a canary, or discard them."
        }
        ("upstream_spend_limit", _) => "Raise the limit at the upstream, then retry.",
        ("undecodable_payload" | "unknown_kind", _) => {
            "No worker can read them: retry once workers of the right version run."
        }
        ("poison", _) => "Workers died of them: see their logs before one is retried, alone.",
        ("waited_too_long" | "worker_lost" | "timeout" | "upstream_unavailable" | "upstream_busy", _) => {
            "Retry when the cause is over, with a canary first."
        }
        _ => "See one of them; retry with a canary once its cause is repaired.",
    }
}

/// How many dead jobs match: the dry run of a bulk action.
///
/// # Errors
/// The ledger failed.
pub async fn count(conn: &mut PgConnection, filter: &DeadFilter) -> Result<i64, QueueError> {
    let mut query = QueryBuilder::new("select count(*) from jobs.dead where");
    filter.push(&mut query);
    Ok(query.build_query_scalar().fetch_one(conn).await?)
}

/// Makes up to `limit` of the matching jobs ready again, with all their attempts before them. A job
/// whose dedup key an unfinished job has meanwhile taken stays dead.
///
/// # Errors
/// The ledger failed.
pub async fn retry(
    conn: &mut PgConnection,
    filter: &DeadFilter,
    limit: i64,
) -> Result<(Vec<JobId>, Announcement), QueueError> {
    let mut query = QueryBuilder::new("with chosen as (select id from jobs.dead d where");
    filter.push(&mut query);
    query.push(
        " and (d.dedup_key is null or not exists (select 1 from jobs.live l where l.tenant_id = d.tenant_id
              and l.kind = d.kind and l.dedup_key = d.dedup_key))
          order by id limit ",
    );
    query.push_bind(limit);
    query.push(include_str!("dead_retry.sql"));
    let ready: Vec<Offer> = query.build_query_as().fetch_all(conn).await?;
    Ok((ready.iter().map(|offer| offer.id).collect(), Announcement { ready, next_due: None }))
}

/// A job that a bulk act left as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left {
    /// The job.
    pub job_id: JobId,
    /// Why: `key_taken`, an unfinished job has its dedup key; `busy`, another caller acts on it at this moment.
    pub reason: String,
    /// The job that has its dedup key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_favour_of: Option<JobId>,
}

/// Why the matching jobs that are still dead after a retry of all of them are so: up to `limit` of them.
///
/// # Errors
/// The ledger failed.
pub async fn left(conn: &mut PgConnection, filter: &DeadFilter, limit: i64) -> Result<Vec<Left>, QueueError> {
    let mut query =
        QueryBuilder::new("with stays as (select id, tenant_id, kind, dedup_key from jobs.dead where");
    filter.push(&mut query);
    query.push(" order by id limit ").push_bind(limit);
    query.push(
        ") select s.id, l.id from stays s left join jobs.live l
             on l.tenant_id = s.tenant_id and l.kind = s.kind and l.dedup_key = s.dedup_key order by s.id",
    );
    let rows: Vec<(JobId, Option<JobId>)> = query.build_query_as().fetch_all(conn).await?;
    Ok(rows
        .into_iter()
        .map(|(job_id, in_favour_of)| {
            let reason = if in_favour_of.is_some() { "key_taken" } else { "busy" };
            Left { job_id, reason: reason.to_owned(), in_favour_of }
        })
        .collect())
}

/// Ends up to `limit` of the matching jobs as cancelled.
///
/// # Errors
/// The ledger failed.
pub async fn discard(
    conn: &mut PgConnection,
    filter: &DeadFilter,
    reason: &str,
    limit: i64,
) -> Result<Vec<Event>, QueueError> {
    let mut query = QueryBuilder::new("with chosen as (select id from jobs.dead where");
    filter.push(&mut query);
    query.push(" order by id limit ").push_bind(limit);
    query
        .push(" for update skip locked), reason (text) as (values (")
        .push_bind(reason.to_owned())
        .push("))");
    query.push(include_str!("dead_discard.sql"));
    let ids: Vec<JobId> = query.build_query_scalar().fetch_all(conn).await?;
    Ok(ids.into_iter().map(|id| Event { id, state: State::Cancelled }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_that_want_opposite_acts_are_told_apart() {
        let refused = |status: u16| {
            advice("upstream_rejected", &format!("gorgias refused the request with status {status}"))
        };
        assert!(refused(422).contains("refused again") && refused(404).contains("Discard"));
        let answered = |status: u16| {
            advice("upstream_unavailable", &format!("the recording upstream answered {status}"))
        };
        assert!(answered(400).contains("refused again") && answered(429).starts_with("It had no room"));
        assert!(answered(500).starts_with("Retry when the upstream"));
        assert!(advice("upstream_unauthorised", "").contains("credential"));
        assert!(advice("something", "else").starts_with("See one of them"));
    }
}
