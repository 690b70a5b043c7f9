//! What the ledger knows of a customer: payloads, results and errors of jobs in every state, their attempts and effects, and
//! answers that were kept for repeated requests.
//!
//! A job is a person's when its documents name one of their tickets, messages or drafts, or have one of their words in
//! them, whatever its kind: so a new kind is reached without being listed here. Those that wait are cancelled, dead ones are
//! discarded, and of all of them nothing is left but that they were.

use database::personal::{self, How, Person, Reached, Store};
use serde_json::json;
use sqlx::{AssertSqlSafe, FromRow, PgConnection};
use uuid::Uuid;

use crate::dead::{self, DeadFilter};
use crate::events::Event;
use crate::read::{self, Cancelled};
use crate::{JobId, QueueError, State};

/// Every table of the schema, and what becomes of a customer's words in it.
pub static STORES: &[Store] = &[
    of_jobs("jobs.live"),
    of_jobs("jobs.finished"),
    of_jobs("jobs.dead"),
    of_jobs("jobs.attempt"),
    of_jobs("jobs.side_effect"),
    of_jobs("jobs.idempotency"),
    of_jobs("jobs.slot_holder"),
    Store::nobody("jobs.lease", "ids of workers and jobs"),
    Store::nobody("jobs.worker", "processes"),
    Store::nobody("jobs.transition", "counts"),
    Store::nobody("jobs.balance", "counts"),
    Store::nobody("jobs.rate", "counts"),
    Store::nobody("jobs.queue_control", "settings of operators"),
    Store::nobody("jobs.kind_limit", "settings of operators"),
    Store::nobody("jobs.turn", "kinds and tenants"),
    Store::nobody("jobs.schedule", "settings of operators"),
    Store::nobody("jobs.occurrence", "ids of jobs"),
    Store::nobody("jobs.leader", "processes"),
    Store::nobody("jobs.audit_slice", "counts"),
    Store::nobody("jobs.audit_count", "counts"),
    Store::nobody("jobs.audit_partition", "counts"),
    Store::nobody("jobs.audit_result", "counts"),
];

/// A table whose rows [`forget`] looks through by their documents.
const fn of_jobs(table: &'static str) -> Store {
    Store {
        table,
        rows: "false",
        how: How::ByHand(&[
            "payload",
            "result",
            "error",
            "last_error",
            "progress",
            "message",
            "outcome",
            "answer",
            "key",
            "correlation_id",
            "dedup_key",
            "concurrency_key",
            "slot_key",
            "successor_key",
            "cancel_reason",
        ]),
        plain: &[
            "kind",
            "queue",
            "trace_parent",
            "origin",
            "fingerprint",
            "error_class",
            "request_hash",
            "state",
        ],
        exported: false,
    }
}

/// Rows that are looked through with one statement.
const PAGE: i64 = 20_000;

/// What a person is known by to the ledger.
#[derive(Debug)]
pub struct Needles {
    ids: Vec<String>,
    words: Vec<String>,
    customers: Option<String>,
    /// Patterns of the same, which are looked for first because they cost less.
    quoted: Vec<String>,
    ended_only: bool,
}

impl Needles {
    /// The person's words, and these ids of theirs: tickets, messages and the like.
    pub fn of(person: &Person, ids: &[Uuid]) -> Needles {
        let one_of = |ids: &[String]| {
            let each: Vec<String> = ids.iter().map(|id| escaped(&json!(id).to_string())).collect();
            each.join("|")
        };
        Needles {
            ids: ids.iter().map(Uuid::to_string).collect(),
            words: person.patterns(),
            quoted: person.customers.iter().map(|id| personal::containing(&json!(id).to_string())).collect(),
            // An id of a shop may be as short as `7`, so it counts only where it is said to be a customer's.
            customers: (!person.customers.is_empty()).then(|| {
                format!("\"[a-z_]*(customer|kept|merged)[a-z_]*\": ({})", one_of(&person.customers))
            }),
            ended_only: false,
        }
    }

    /// The same, looking for jobs that ended alone: what is to be done goes on.
    pub fn of_ended_jobs(self) -> Needles {
        Needles { ended_only: true, ..self }
    }
}

/// A text for a regular expression that finds nothing but it.
fn escaped(text: &str) -> String {
    text.chars().flat_map(|c| (!c.is_alphanumeric()).then_some('\\').into_iter().chain([c])).collect()
}

/// Jobs that were found, by where they are.
#[derive(Debug, Default)]
pub struct Found {
    live: Vec<JobId>,
    finished: Vec<JobId>,
    dead: Vec<JobId>,
    answers: Vec<String>,
}

impl Found {
    /// How many.
    pub fn count(&self) -> usize {
        self.live.len() + self.finished.len() + self.dead.len() + self.answers.len()
    }
}

const LIVE: &str =
    "concat_ws(' ', payload, progress, last_error, correlation_id, cancel_reason, concurrency_key,
    '\"' || split_part(dedup_key, ':', 1) || '\" ' || dedup_key,
    '\"' || split_part(successor_key, ':', 1) || '\" ' || successor_key)";
const FINISHED: &str = "concat_ws(' ', payload, result, error, progress, correlation_id, concurrency_key,
    '\"' || split_part(dedup_key, ':', 1) || '\" ' || dedup_key)";
const DEAD: &str = "concat_ws(' ', payload, error, progress, correlation_id, concurrency_key,
    '\"' || split_part(dedup_key, ':', 1) || '\" ' || dedup_key)";

/// Looks through a tenant's jobs, page by page (queue role). `own` is the job that looks.
///
/// # Errors
/// The ledger failed.
pub async fn look(
    conn: &mut PgConnection,
    tenant: Uuid,
    own: JobId,
    needles: &Needles,
) -> Result<Found, QueueError> {
    let mut found = Found {
        finished: look_in(conn, "jobs.finished", FINISHED, tenant, own, needles).await?,
        answers: look_in_answers(conn, tenant, needles).await?,
        ..Found::default()
    };
    if !needles.ended_only {
        found.live = look_in(conn, "jobs.live", LIVE, tenant, own, needles).await?;
        found.dead = look_in(conn, "jobs.dead", DEAD, tenant, own, needles).await?;
    }
    Ok(found)
}

#[derive(FromRow)]
struct Page<T> {
    last: Option<T>,
    found: Vec<T>,
}

async fn look_in(
    conn: &mut PgConnection,
    table: &str,
    document: &str,
    tenant: Uuid,
    own: JobId,
    needles: &Needles,
) -> Result<Vec<JobId>, QueueError> {
    let statement = include_str!("personal_page.sql").replace("TABLE", table).replace("DOCUMENT", document);
    let (mut after, mut found) = (Uuid::nil(), Vec::new());
    loop {
        let page: Page<Uuid> = sqlx::query_as(AssertSqlSafe(statement.clone()))
            .bind(tenant)
            .bind(after)
            .bind(own)
            .bind(&needles.ids)
            .bind(&needles.words)
            .bind(&needles.customers)
            .bind(PAGE)
            .bind(&needles.quoted)
            .fetch_one(&mut *conn)
            .await?;
        found.extend(page.found);
        match page.last {
            Some(last) => after = last,
            None => return Ok(found),
        }
    }
}

async fn look_in_answers(
    conn: &mut PgConnection,
    tenant: Uuid,
    needles: &Needles,
) -> Result<Vec<String>, QueueError> {
    let (mut after, mut found) = (String::new(), Vec::new());
    loop {
        let page: Page<String> = sqlx::query_as(include_str!("personal_answers.sql"))
            .bind(tenant)
            .bind(&after)
            .bind(&needles.ids)
            .bind(&needles.words)
            .bind(&needles.customers)
            .bind(PAGE)
            .bind(&needles.quoted)
            .fetch_one(&mut *conn)
            .await?;
        found.extend(page.found);
        match page.last {
            Some(last) => after = last,
            None => return Ok(found),
        }
    }
}

/// What became of jobs that were found.
#[derive(Debug, Default)]
pub struct Forgotten {
    /// To be told after the commit.
    pub events: Vec<Event>,
    /// Jobs that run at this moment and were asked to stop: when they did, it has to be done again.
    pub running: usize,
}

/// Cancels, discards, and empties what was found (queue role). It may be done again.
///
/// # Errors
/// The ledger failed.
pub async fn forget(
    conn: &mut PgConnection,
    tenant: Uuid,
    token: &str,
    found: &Found,
    reached: &mut Reached,
) -> Result<Forgotten, QueueError> {
    const REASON: &str = "what it is about was erased";
    let mut forgotten = Forgotten::default();
    let mut ended = found.finished.clone();
    for id in &found.live {
        match read::cancel(conn, Some(tenant), *id, REASON).await? {
            Cancelled::Requested => forgotten.running += 1,
            Cancelled::Now => {
                forgotten.events.push(Event { id: *id, state: State::Cancelled });
                personal::add(reached, "jobs.live", 1);
                ended.push(*id);
            }
            Cancelled::Over(_) => ended.push(*id),
            Cancelled::Unknown => {}
        }
    }
    for ids in found.dead.chunks(1_000) {
        let filter = DeadFilter { tenant_id: Some(tenant), ids: ids.to_vec(), ..DeadFilter::default() };
        let events = dead::discard(conn, &filter, REASON, 1_000).await?;
        personal::add(reached, "jobs.dead", events.len() as u64);
        ended.extend(events.iter().map(|event| event.id));
        forgotten.events.extend(events);
    }
    let rows = empty(conn, tenant, token, &ended).await?;
    for (table, rows) in rows {
        personal::add(reached, table, rows);
    }
    // The keys stay, so that a request that is sent again makes nothing new. Its answer is that it was erased.
    let answers = sqlx::query(
        "update jobs.idempotency set answer = '{\"location\": null, \"body\": {\"erased\": true}}'
         where tenant_id = $1 and key = any($2)",
    )
    .bind(tenant)
    .bind(&found.answers)
    .execute(&mut *conn)
    .await?;
    personal::add(reached, "jobs.idempotency", answers.rows_affected());
    Ok(forgotten)
}

/// Leaves nothing of ended jobs but that they were.
async fn empty(
    conn: &mut PgConnection,
    tenant: Uuid,
    token: &str,
    jobs: &[JobId],
) -> Result<[(&'static str, u64); 3], QueueError> {
    let finished = sqlx::query(
        "update jobs.finished set payload = jsonb_build_object('erased', $3::text), result = null, error = null,
             progress = null, dedup_key = null, concurrency_key = null, correlation_id = $3
         where tenant_id = $1 and id = any($2) and payload is distinct from jsonb_build_object('erased', $3::text)",
    )
    .bind(tenant)
    .bind(jobs)
    .bind(token)
    .execute(&mut *conn)
    .await?;
    let attempts = sqlx::query(
        "update jobs.attempt set message = '[erased]' where job_id = any($2) and tenant_id = $1 and message <> '[erased]'",
    )
    .bind(tenant)
    .bind(jobs)
    .execute(&mut *conn)
    .await?;
    // A slot is named by its job's concurrency key; one of a job that ended counts for nothing.
    sqlx::query("delete from jobs.slot_holder where job_id = any($1)").bind(jobs).execute(&mut *conn).await?;
    // That something happened stays known, so that it does not happen again.
    let effects = sqlx::query(
        "update jobs.side_effect set outcome = '\"erased\"'
         where tenant_id = $1 and job_id = any($2) and outcome is not null and outcome <> '\"erased\"'",
    )
    .bind(tenant)
    .bind(jobs)
    .execute(&mut *conn)
    .await?;
    Ok([
        ("jobs.finished", finished.rows_affected()),
        ("jobs.attempt", attempts.rows_affected()),
        ("jobs.side_effect", effects.rows_affected()),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_id_counts_where_it_is_a_customers() {
        let person = Person { customers: vec!["7".into(), "a.b".into()], ..Person::default() };
        let needles = Needles::of(&person, &[]);
        assert_eq!(
            needles.customers.as_deref(),
            Some(r#""[a-z_]*(customer|kept|merged)[a-z_]*": (\"7\"|\"a\.b\")"#)
        );
        assert!(Needles::of(&Person::default(), &[]).customers.is_none());
    }
}
