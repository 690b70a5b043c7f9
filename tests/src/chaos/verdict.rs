//! What became of the jobs, counted afterwards from the ledger and from the upstream that recorded every
//! effect; nothing here trusts what the processes say about themselves.

use std::collections::BTreeSet;

use anyhow::Context;
use sqlx::{PgPool, Row};
use uuid::Uuid;

use super::{feed::Acknowledged, imports};
use crate::upstream::Recorded;

/// The counts.
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    /// Jobs that were acknowledged, and the notes that follow from webhooks.
    pub expected: usize,
    /// Of those, jobs that are not done.
    pub lost: usize,
    /// Jobs whose completion was written more than once.
    pub committed_twice: usize,
    /// Requests that made their jobs more than once.
    pub enqueued_twice: usize,
    /// Effects and notes that should have happened.
    pub effects: usize,
    /// Of those, the ones that did not.
    pub effects_missing: usize,
    /// Of those, the ones that happened more than once.
    pub effects_twice: usize,
    /// Starts of jobs that no retry, crash or death accounts for.
    pub started_twice: usize,
    /// Starts that were repeated because a worker was killed.
    pub restarted_after_kill: usize,
    /// Jobs that were taken from a worker that was alive.
    pub taken_from_the_living: usize,
    /// Imports that are not done, and order lines that are missing or came twice.
    pub imports_wrong: usize,
    /// Accounts in which the books and the tables differ.
    pub drifts: usize,
    /// The first few of what is wrong, for whoever looks into it.
    pub examples: Vec<String>,
}

impl Verdict {
    /// Whether every count is what it must be.
    pub fn holds(&self) -> bool {
        [
            self.lost,
            self.committed_twice,
            self.enqueued_twice,
            self.effects_missing,
            self.effects_twice,
            self.started_twice,
            self.taken_from_the_living,
            self.imports_wrong,
            self.drifts,
        ]
        .iter()
        .all(|count| *count == 0)
    }

    /// Looks at imports that ran beside each other: all must be done, and each of their lines be there once.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn imports(&mut self, ledger: &PgPool, imports: &[Uuid]) -> sqlx::Result<()> {
        let done: i64 = sqlx::query_scalar(
            "select count(distinct id) from jobs.finished where id = any ($1) and state = 'done'",
        )
        .bind(imports)
        .fetch_one(ledger)
        .await?;
        let lines: i64 =
            sqlx::query_scalar("select count(*) from platform.order_line").fetch_one(ledger).await?;
        let (done, lines) = (usize::try_from(done).unwrap_or(0), usize::try_from(lines).unwrap_or(0));
        let wanted = imports.len() / 2 * imports::DISTINCT;
        self.imports_wrong = imports.len() - done + lines.abs_diff(wanted);
        if self.imports_wrong > 0 {
            let found = format!("{done} of {} done, {lines} lines for {wanted}", imports.len());
            self.note("imports", [found]);
        }
        Ok(())
    }

    fn note(&mut self, what: &str, which: impl IntoIterator<Item = String>) {
        self.examples.extend(which.into_iter().take(EXAMPLES).map(|which| format!("{what}: {which}")));
    }
}

/// How many examples of each kind of wrong are kept.
const EXAMPLES: usize = 5;

/// Counts everything. `killed` are the process ids of the workers that the run killed.
///
/// # Errors
/// The ledger cannot be read.
pub async fn count(
    ledger: &PgPool,
    acknowledged: &Acknowledged,
    killed: &[i32],
    recorded: &Recorded,
) -> anyhow::Result<Verdict> {
    let mut verdict = Verdict::default();
    lost(&mut verdict, ledger, acknowledged).await.context("looking for lost jobs")?;
    committed_twice(&mut verdict, ledger).await.context("looking for completions")?;
    enqueued_twice(&mut verdict, ledger).await.context("looking for repeated jobs")?;
    starts(&mut verdict, ledger, killed).await.context("counting starts")?;
    effects(&mut verdict, acknowledged, recorded);
    let mut conn = ledger.acquire().await?;
    let report = loop {
        let audited = jobs::audit::run(&mut conn, jobs::audit::Pace::default()).await;
        if let Some(report) = audited.context("auditing the books")? {
            break report;
        }
    };
    verdict.drifts = report.drifts.len();
    verdict.note("the books differ", report.drifts.iter().map(|drift| format!("{drift:?}")));
    Ok(verdict)
}

/// An acknowledged job must be done, and so must the note that follows from each webhook's draft.
async fn lost(verdict: &mut Verdict, ledger: &PgPool, acknowledged: &Acknowledged) -> sqlx::Result<()> {
    let ids: Vec<Uuid> = acknowledged.jobs.iter().copied().collect();
    let missing: Vec<String> = sqlx::query_scalar(
        "select wanted.id || ' is ' || coalesce((select j.state::text from jobs.job j where j.id = wanted.id limit 1), 'gone')
         from unnest($1::uuid[]) wanted (id)
         where not exists (select from jobs.finished f where f.id = wanted.id and f.state = 'done')",
    )
    .bind(&ids)
    .fetch_all(ledger)
    .await?;
    let notes: i64 = sqlx::query_scalar(
        "select count(distinct parent_id) from jobs.finished where kind = 'post_internal_note' and state = 'done'",
    )
    .fetch_one(ledger)
    .await?;
    let without_note = acknowledged.webhooks.saturating_sub(usize::try_from(notes).unwrap_or(0));
    verdict.expected = ids.len() + acknowledged.webhooks;
    verdict.lost = missing.len() + without_note;
    verdict.note("lost", missing);
    if without_note > 0 {
        verdict.note("lost", [format!("the notes of {without_note} drafts")]);
    }
    Ok(())
}

async fn committed_twice(verdict: &mut Verdict, ledger: &PgPool) -> sqlx::Result<()> {
    let twice: Vec<Uuid> = sqlx::query_scalar(
        "select id from (
             select id from jobs.finished union all select id from jobs.dead union all select id from jobs.live
         ) held group by id having count(*) > 1",
    )
    .fetch_all(ledger)
    .await?;
    verdict.committed_twice = twice.len();
    verdict.note("committed twice", twice.iter().map(Uuid::to_string));
    Ok(())
}

/// Every probe has a name of its own, every draft a ticket, every note a draft: two jobs with the same
/// payload come from one request.
async fn enqueued_twice(verdict: &mut Verdict, ledger: &PgPool) -> sqlx::Result<()> {
    let twice: Vec<String> = sqlx::query_scalar(
        "select kind || ' ' || payload::text from jobs.job
         where kind in ('probe', 'draft_reply', 'post_internal_note')
         group by kind, payload having count(*) > 1",
    )
    .fetch_all(ledger)
    .await?;
    verdict.enqueued_twice = twice.len();
    verdict.note("enqueued twice", twice);
    Ok(())
}

/// A start after the first must follow from an attempt that failed, crashed or died; a crash must be of a
/// worker that was killed. A job that an operator brought back counts its attempts from one again.
async fn starts(verdict: &mut Verdict, ledger: &PgPool, killed: &[i32]) -> sqlx::Result<()> {
    let unexplained: Vec<String> = sqlx::query_scalar(
        "select f.id || ' of kind ' || f.kind || ' has attempt ' || f.attempt || ' and ' || coalesce(a.ended, 0) || ' ended ones'
         from jobs.finished f
         left join (select job_id, count(*) ended, bool_or(outcome = 'dead') died from jobs.attempt group by job_id) a
             on a.job_id = f.id
         where not coalesce(a.died, false) and f.attempt <> 1 + coalesce(a.ended, 0)",
    )
    .fetch_all(ledger)
    .await?;
    let row = sqlx::query(
        // A worker without a row was killed before it could introduce itself.
        "select count(*) filter (where w.id is null or w.pid = any ($1)), count(*) filter (where w.pid <> all ($1))
         from jobs.attempt a left join jobs.worker w on w.id = a.worker_id where a.outcome = 'crash'",
    )
    .bind(killed)
    .fetch_one(ledger)
    .await?;
    let count = |at: usize| usize::try_from(row.get::<i64, _>(at)).unwrap_or(0);
    verdict.started_twice = unexplained.len();
    verdict.restarted_after_kill = count(0);
    verdict.taken_from_the_living = count(1);
    verdict.note("started without a reason", unexplained);
    Ok(())
}

fn effects(verdict: &mut Verdict, acknowledged: &Acknowledged, recorded: &Recorded) {
    let missing: BTreeSet<&String> =
        acknowledged.effects.iter().filter(|key| !recorded.effects.contains_key(*key)).collect();
    let missing_notes = acknowledged.webhooks.saturating_sub(recorded.notes.len());
    verdict.effects = acknowledged.effects.len() + acknowledged.webhooks;
    verdict.effects_missing = missing.len() + missing_notes;
    verdict.effects_twice = recorded.duplicates.effects.len() + recorded.duplicates.notes.len();
    verdict.note("no effect", missing.into_iter().cloned());
    verdict
        .note("effect twice", recorded.duplicates.effects.iter().chain(&recorded.duplicates.notes).cloned());
}
