//! Parked jobs: those that wait for a slot of their kind's limit or of their concurrency key. They are in no queue of
//! Redis, so they cost no deliveries, and whoever frees a slot offers those whose turn it is.
//!
//! The turn goes over tenants in a circle, by their ids: the next to be served is the tenant after the one that was
//! served last, and within a tenant its jobs go by priority and age. So a tenant with ten thousand parked drafts delays
//! another's only one by one job. The claim decides it under the lock of the limit ([`crate::ledger::claim_limited`]);
//! an offer is a hint that there is something to claim, and need not be right.

use std::collections::HashSet;

use sqlx::PgConnection;
use uuid::Uuid;

use crate::{JobId, Offer, QueueError, ledger::claim::Claimed};

/// The most that is offered of one line at once. More follow as soon as these have started and ended.
const AT_ONCE: i32 = 200;

/// A slot that became free: a limited job ended.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Freed {
    /// Its kind, for the kind's limit.
    pub kind: String,
    /// Its tenant, for the key's.
    pub tenant: Uuid,
    /// Its concurrency key, if it had one.
    pub key: Option<String>,
}

impl Freed {
    /// The slot that a job will free when it ends.
    pub fn of(job: &Claimed) -> Freed {
        Freed { kind: job.kind.clone(), tenant: job.tenant, key: job.concurrency_key.clone() }
    }
}

/// The parked jobs to offer when slots became free: the next with the same key, and of the kind as many as its limit
/// has free slots.
///
/// # Errors
/// The ledger failed.
pub async fn next_parked(conn: &mut PgConnection, freed: &[Freed]) -> Result<Vec<Offer>, QueueError> {
    let mut offers: Vec<Offer> = sqlx::query_as(
        "select p.id, p.tenant_id as tenant, p.queue, p.priority
         from unnest($1::text[], $2::uuid[], $3::text[]) ended (kind, tenant_id, key)
         cross join lateral (
             select j.id, j.tenant_id, j.queue, j.priority, j.concurrency_limit from jobs.live j
             where j.parked and j.state = 'ready' and j.kind = ended.kind and j.tenant_id = ended.tenant_id
               and j.concurrency_key = ended.key
             order by j.priority, j.id limit 1
         ) p
         where jobs.key_is_free(p.tenant_id, ended.kind, ended.key, p.concurrency_limit)",
    )
    .bind(freed.iter().map(|slot| slot.kind.as_str()).collect::<Vec<_>>())
    .bind(freed.iter().map(|slot| slot.tenant).collect::<Vec<_>>())
    .bind(freed.iter().map(|slot| slot.key.as_deref()).collect::<Vec<_>>())
    .fetch_all(&mut *conn)
    .await?;
    let kinds: Vec<&str> = freed.iter().map(|slot| slot.kind.as_str()).collect();
    // A job without a key had a limit when it was parked. When that was lifted meanwhile, its successors follow it.
    let lifted: Vec<&str> =
        freed.iter().filter(|slot| slot.key.is_none()).map(|slot| slot.kind.as_str()).collect();
    offers.extend(heads(conn, Some(&kinds), &lifted).await?);
    Ok(offers)
}

/// The parked jobs that may start now, of every kind: for slots that a crash freed.
///
/// # Errors
/// The ledger failed.
pub async fn parked_heads(conn: &mut PgConnection) -> Result<Vec<Offer>, QueueError> {
    heads(conn, None, &[]).await
}

/// The parked jobs of a kind that may start now: to be offered when its limit was raised or lifted.
///
/// # Errors
/// The ledger failed.
pub async fn parked_of_kind(conn: &mut PgConnection, kind: &str) -> Result<Vec<Offer>, QueueError> {
    heads(conn, Some(&[kind]), &[kind]).await
}

/// The parked jobs of one kind in one queue, and how many of them may start now.
#[derive(sqlx::FromRow)]
struct Line {
    kind: String,
    queue: String,
    free: i32,
}

/// What may start now of these kinds (of all when none), of those of `unlimited` even without a limit.
async fn heads(
    conn: &mut PgConnection,
    kinds: Option<&[&str]>,
    unlimited: &[&str],
) -> Result<Vec<Offer>, QueueError> {
    let lines: Vec<Line> = sqlx::query_as(include_str!("ledger/lines.sql"))
        .bind(kinds)
        .bind(AT_ONCE)
        .bind(unlimited)
        .fetch_all(&mut *conn)
        .await?;
    let mut offers = Vec::new();
    for line in lines {
        let turns = turns(conn, &line.kind, &line.queue, line.free, Suspects::Included).await?;
        offers.extend(turns.into_iter().map(|turn| Offer {
            id: turn.id,
            tenant: turn.tenant_id,
            queue: line.queue.clone(),
            priority: turn.priority,
        }));
    }
    Ok(offers)
}

/// Whether suspects of a crash have turns. They are offered like others; whether a process may run one is decided when
/// that very one is delivered to it, and meanwhile it holds up nobody.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Suspects {
    Included,
    PassedOver,
}

/// A parked job whose turn it is.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(crate) struct Turn {
    pub(crate) tenant_id: Uuid,
    pub(crate) id: JobId,
    pub(crate) priority: i16,
    pub(crate) concurrency_key: Option<String>,
}

/// A tenant in the circle, and a job of it that no key holds up; without one when its first jobs are all held up.
#[derive(sqlx::FromRow)]
struct Step {
    place: i32,
    tenant_id: Uuid,
    id: Option<JobId>,
    priority: Option<i16>,
    concurrency_key: Option<String>,
    round: Option<i32>,
}

/// The jobs of a line to which the next `wanted` slots go, in the order of their turns: one of each tenant, then a
/// second of each, and so on.
///
/// # Errors
/// The ledger failed.
pub(crate) async fn turns(
    conn: &mut PgConnection,
    kind: &str,
    queue: &str,
    wanted: i32,
    suspects: Suspects,
) -> Result<Vec<Turn>, QueueError> {
    let enough = usize::try_from(wanted).unwrap_or(0);
    let last: Option<Uuid> = sqlx::query_scalar("select last_tenant from jobs.turn where kind = $1")
        .bind(kind)
        .fetch_optional(&mut *conn)
        .await?;
    let mut after = last.unwrap_or_default();
    // The place of a job in the order: its round, and its tenant's place in the circle.
    let mut found: Vec<((i32, usize), Turn)> = Vec::new();
    let mut seen: HashSet<Uuid> = HashSet::new();
    while found.len() < enough {
        let steps: Vec<Step> = sqlx::query_as(include_str!("ledger/turns.sql"))
            .bind(kind)
            .bind(queue)
            .bind(after)
            .bind(wanted)
            .bind(suspects == Suspects::Included)
            .fetch_all(&mut *conn)
            .await?;
        let base = seen.len();
        let mut held_up = Vec::new();
        let fresh: Vec<&Step> = steps.iter().filter(|step| !seen.contains(&step.tenant_id)).collect();
        for step in &fresh {
            let place = base + usize::try_from(step.place).unwrap_or(0);
            match (step.id, step.priority, step.round) {
                (Some(id), Some(priority), Some(round)) => {
                    let concurrency_key = step.concurrency_key.clone();
                    let turn = Turn { tenant_id: step.tenant_id, id, priority, concurrency_key };
                    found.push(((round, place), turn));
                }
                _ => held_up.push((place, step.tenant_id)),
            }
        }
        found.extend(look_past(conn, kind, queue, &held_up, suspects).await?);
        let tenants = fresh.iter().map(|step| step.tenant_id).collect::<HashSet<_>>();
        // Fewer tenants than were asked for, or one that was seen before: the circle is closed.
        let closed = tenants.len() < enough.max(TENANTS) || fresh.len() < steps.len();
        let Some(last) = steps.iter().max_by_key(|step| step.place).filter(|_| !closed) else { break };
        after = last.tenant_id;
        seen.extend(tenants);
    }
    found.sort_by_key(|(place, _)| *place);
    found.truncate(enough);
    Ok(found.into_iter().map(|(_, turn)| turn).collect())
}

/// How many tenants `turns.sql` looks at at least.
const TENANTS: usize = 16;

/// A job of each of these tenants whose key is free, though their first jobs' are not.
async fn look_past(
    conn: &mut PgConnection,
    kind: &str,
    queue: &str,
    held_up: &[(usize, Uuid)],
    suspects: Suspects,
) -> Result<Vec<((i32, usize), Turn)>, QueueError> {
    if held_up.is_empty() {
        return Ok(Vec::new());
    }
    let turns: Vec<Turn> = sqlx::query_as(include_str!("ledger/turns_held_up.sql"))
        .bind(kind)
        .bind(queue)
        .bind(held_up.iter().map(|(_, tenant)| *tenant).collect::<Vec<_>>())
        .bind(suspects == Suspects::Included)
        .fetch_all(conn)
        .await?;
    let place = |turn: &Turn| held_up.iter().find(|(_, tenant)| *tenant == turn.tenant_id).map(|held| held.0);
    Ok(turns.into_iter().filter_map(|turn| Some(((1, place(&turn)?), turn))).collect())
}
