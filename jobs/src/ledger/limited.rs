//! Claiming under concurrency limits: of a kind in the cluster, and of a key within a tenant and kind. One lock a limit
//! is held while slots are counted and given.
//!
//! Who gets a slot of a kind's limit is not who was delivered first: a delivery only says that there is something to
//! start. Under the lock the slots go over tenants in turn, among all who wait ([`crate::parked`]).

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use sqlx::{Connection, PgConnection, Row};
use uuid::Uuid;

use super::claim::{Claimed, read};
use crate::{
    JobId, QueueError,
    parked::{self, Suspects},
};

/// A delivered job that may be claimed, and its limits.
#[derive(sqlx::FromRow)]
struct Candidate {
    id: JobId,
    tenant_id: Uuid,
    kind: String,
    queue: String,
    concurrency_key: Option<String>,
    concurrency_limit: Option<i16>,
    max_running: Option<i32>,
    parked: bool,
    suspect: bool,
}

impl Candidate {
    /// The slots that it needs, and how many of each there are: of its kind, of its own key, and of suspects in the
    /// process.
    fn limits(&self, worker: Uuid) -> Vec<(String, i64)> {
        let of_kind = self.max_running.map(|most| (slot_of_kind(&self.kind), i64::from(most)));
        let of_key = self.concurrency_key.as_deref().map(|key| {
            (slot_of_key(self.tenant_id, &self.kind, key), i64::from(self.concurrency_limit.unwrap_or(1)))
        });
        let of_suspects = self.suspect.then(|| (format!("suspect:{worker}"), 1));
        of_kind.into_iter().chain(of_key).chain(of_suspects).collect()
    }
}

/// What the holders of a kind's slots are counted under.
fn slot_of_kind(kind: &str) -> String {
    format!("kind:{kind}")
}

/// What the holders of a key's slots are counted under.
fn slot_of_key(tenant: Uuid, kind: &str, key: &str) -> String {
    format!("key:{tenant}:{kind}:{key}")
}

/// A job that gets its slots.
struct Admitted {
    id: JobId,
    slots: Vec<String>,
    was_parked: bool,
}

/// Claims as many jobs as those of `ids` that wait for limits with free slots: of a kind without a limit these very
/// ones, of a limited kind those of the same kind and queue whose turn it is. Whoever gets no slot is parked until one
/// is free. At most as many are claimed as `ids` has.
///
/// # Errors
/// As for [`super::claim()`].
pub async fn claim_limited(
    conn: &mut PgConnection,
    worker: Uuid,
    ids: &[JobId],
) -> Result<Vec<Claimed>, QueueError> {
    let mut tx = conn.begin().await?;
    let candidates: Vec<Candidate> = sqlx::query_as(
        "select j.id, j.tenant_id, j.kind, j.queue, j.concurrency_key, j.concurrency_limit, l.max_running, j.parked,
                j.suspect
         from jobs.live j left join jobs.kind_limit l on l.kind = j.kind
         where j.id = any ($1) and j.state = 'ready'
         order by j.priority, j.id
         for update of j skip locked",
    )
    .bind(ids)
    .fetch_all(&mut *tx)
    .await?;
    if candidates.is_empty() {
        // Said now: a lane keeps its connection, and the end of a dropped transaction is only sent with the next statement.
        tx.rollback().await?;
        return Ok(Vec::new());
    }
    lock(&mut tx, worker, &candidates).await?;
    let (suspects, others): (Vec<Candidate>, Vec<Candidate>) =
        candidates.into_iter().partition(|candidate| candidate.suspect);
    let (limited, others): (Vec<Candidate>, Vec<Candidate>) =
        others.into_iter().partition(|candidate| candidate.max_running.is_some());
    let mut claimed = claim_each(&mut tx, worker, &others).await?;
    // One suspect of a crash a process: should that die again, it is known of whom.
    claimed.extend(claim_each(&mut tx, worker, &suspects).await?);
    let mut lines: BTreeMap<(String, String), Vec<Candidate>> = BTreeMap::new();
    for candidate in limited {
        lines.entry((candidate.kind.clone(), candidate.queue.clone())).or_default().push(candidate);
    }
    for ((kind, queue), delivered) in &lines {
        claimed.extend(claim_in_turn(&mut tx, worker, kind, queue, delivered).await?);
    }
    tx.commit().await?;
    Ok(claimed)
}

/// Takes the locks of all limits, in the order of their names, so that two claims never wait for each other, and
/// forgets the holders that hold nothing any more.
async fn lock(conn: &mut PgConnection, worker: Uuid, candidates: &[Candidate]) -> Result<(), QueueError> {
    let slots: BTreeSet<String> =
        candidates.iter().flat_map(|job| job.limits(worker)).map(|(slot, _)| slot).collect();
    let slots: Vec<String> = slots.into_iter().collect();
    sqlx::query("select pg_advisory_xact_lock(hashtextextended(slot, 0)) from unnest($1::text[]) slot")
        .bind(&slots)
        .execute(&mut *conn)
        .await?;
    sqlx::query(
        "delete from jobs.slot_holder h
         where h.slot_key = any ($1)
           and not exists (select 1 from jobs.live j where j.id = any (array[h.job_id]) and j.lease = h.lease)",
    )
    .bind(&slots)
    .execute(conn)
    .await?;
    Ok(())
}

/// Claims those whose limits all have a slot left, in the order of their priority and age.
async fn claim_each(
    conn: &mut PgConnection,
    worker: Uuid,
    delivered: &[Candidate],
) -> Result<Vec<Claimed>, QueueError> {
    if delivered.is_empty() {
        return Ok(Vec::new());
    }
    let slots: Vec<String> =
        delivered.iter().flat_map(|job| job.limits(worker)).map(|(slot, _)| slot).collect();
    let mut used: HashMap<String, i64> = sqlx::query_as(
        "select slot_key, count(*) from jobs.slot_holder where slot_key = any ($1) group by slot_key",
    )
    .bind(&slots)
    .fetch_all(&mut *conn)
    .await?
    .into_iter()
    .collect();
    let (mut admitted, mut refused) = (Vec::new(), Vec::new());
    for job in delivered {
        let limits = job.limits(worker);
        if limits.iter().all(|(slot, limit)| used.get(slot).copied().unwrap_or(0) < *limit) {
            let slots: Vec<String> = limits.into_iter().map(|(slot, _)| slot).collect();
            for slot in &slots {
                *used.entry(slot.clone()).or_insert(0) += 1;
            }
            admitted.push(Admitted { id: job.id, slots, was_parked: job.parked });
        } else {
            refused.push(job);
        }
    }
    park(conn, refused).await?;
    take(conn, worker, &admitted).await
}

/// How often turns are looked for again when a job whose turn it was went away meanwhile.
const ROUNDS: usize = 3;

/// Gives the free slots of a kind to the tenants in turn, at most one for each delivered job.
async fn claim_in_turn(
    conn: &mut PgConnection,
    worker: Uuid,
    kind: &str,
    queue: &str,
    delivered: &[Candidate],
) -> Result<Vec<Claimed>, QueueError> {
    let Some(max_running) = delivered.first().and_then(|job| job.max_running) else { return Ok(Vec::new()) };
    let ids: Vec<JobId> = delivered.iter().map(|job| job.id).collect();
    let (free, others_wait): (i32, bool) = sqlx::query_as(
        "select jobs.free_slots($1, $2), exists (
             select from jobs.live
             where kind = $3 and queue = $4 and parked and state = 'ready' and id <> all ($5))",
    )
    .bind(slot_of_kind(kind))
    .bind(max_running)
    .bind(kind)
    .bind(queue)
    .bind(&ids)
    .fetch_one(&mut *conn)
    .await?;
    let room_for_all = usize::try_from(free).is_ok_and(|free| free >= delivered.len());
    if room_for_all && !others_wait && delivered.iter().all(|job| job.concurrency_key.is_none()) {
        let slots = vec![slot_of_kind(kind)];
        let admitted: Vec<Admitted> =
            ids.into_iter().map(|id| Admitted { id, slots: slots.clone(), was_parked: false }).collect();
        return take(conn, worker, &admitted).await;
    }
    // Whoever was delivered joins the line first: a newcomer must not overtake those who wait in it.
    park(conn, delivered).await?;
    let mut left = free.min(i32::try_from(delivered.len()).unwrap_or(i32::MAX));
    let mut claimed = Vec::new();
    for _ in 0..ROUNDS {
        if left <= 0 {
            break;
        }
        let turns = parked::turns(conn, kind, queue, left, Suspects::PassedOver).await?;
        let Some(last) = turns.last() else { break };
        let admitted: Vec<Admitted> = turns
            .iter()
            .map(|turn| {
                let key = turn.concurrency_key.as_deref();
                let key_slot = key.map(|key| slot_of_key(turn.tenant_id, kind, key));
                let slots = [slot_of_kind(kind)].into_iter().chain(key_slot).collect();
                Admitted { id: turn.id, slots, was_parked: true }
            })
            .collect();
        let taken = take(conn, worker, &admitted).await?;
        sqlx::query(
            "insert into jobs.turn (kind, last_tenant) values ($1, $2)
             on conflict (kind) do update set last_tenant = excluded.last_tenant",
        )
        .bind(kind)
        .bind(last.tenant_id)
        .execute(&mut *conn)
        .await?;
        left -= i32::try_from(taken.len()).unwrap_or(0);
        claimed.extend(taken);
    }
    Ok(claimed)
}

async fn park(conn: &mut PgConnection, jobs: impl IntoIterator<Item = &Candidate>) -> Result<(), QueueError> {
    let ids: Vec<JobId> = jobs.into_iter().filter(|job| !job.parked).map(|job| job.id).collect();
    if !ids.is_empty() {
        sqlx::query("update jobs.live set parked = true where id = any ($1) and state = 'ready'")
            .bind(&ids)
            .execute(conn)
            .await?;
    }
    Ok(())
}

/// Claims the jobs and notes them as holders of their slots; one that somebody else works on at the moment stays.
async fn take(
    conn: &mut PgConnection,
    worker: Uuid,
    admitted: &[Admitted],
) -> Result<Vec<Claimed>, QueueError> {
    if admitted.is_empty() {
        return Ok(Vec::new());
    }
    let lease = Uuid::now_v7();
    let (mut slots, mut holders) = (Vec::new(), Vec::new());
    for job in admitted {
        for slot in &job.slots {
            slots.push(slot.as_str());
            holders.push(job.id);
        }
    }
    let rows = sqlx::query(include_str!("claim_limited.sql"))
        .bind(admitted.iter().map(|job| job.id).collect::<Vec<_>>())
        .bind(lease)
        .bind(worker)
        .bind(&slots)
        .bind(&holders)
        .fetch_all(conn)
        .await?;
    // A parked job had a limit when it was parked; its successors in the line wait for its end as well.
    let limited: HashSet<JobId> =
        admitted.iter().filter(|job| job.was_parked || !job.slots.is_empty()).map(|job| job.id).collect();
    rows.iter().map(|row| read(row, lease, limited.contains(&row.try_get(0)?), true)).collect()
}
