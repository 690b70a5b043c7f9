//! Retries dead jobs in batches. With a canary, a few go first; the rest follows only when none of them died again.
//! While the canary is under way the job puts itself off, so that it holds no slot.

use std::{sync::Arc, time::Duration};

use jobs::{
    Announcement, JobId, State,
    dead::{self, DeadFilter},
    events::Event,
    kinds::{
        RetryDead,
        retry_dead::{BulkReport, Canary},
    },
    read,
    store::LONG_ANSWER_WITHIN,
};
use sqlx::{Connection, PgConnection};

use crate::{
    app::App,
    context::Ctx,
    outcome::{Outcome, Stop, done},
};

const BATCH: i64 = 2_000;

/// Of so many jobs that were left the report says why.
const TOLD: i64 = 20;

/// How long a canary may take. One that is not over by then, because its queue is paused or its upstream is still
/// away, has not shown that the rest would do well.
const PATIENCE: Duration = Duration::from_secs(1800);

pub(super) async fn handle(ctx: Ctx, app: Arc<App>, bulk: RetryDead) -> Outcome<BulkReport> {
    app.store.answers_within(LONG_ANSWER_WITHIN, retry(&ctx, &app, bulk)).await
}

async fn retry(ctx: &Ctx, app: &App, bulk: RetryDead) -> Outcome<BulkReport> {
    let mut conn = app.store.pool().acquire().await?;
    // What dies again while this runs is not picked up a second time: only deaths before the request
    // count, in every run of this job.
    let requested_at = read::created_at(&mut conn, ctx.job_id).await?;
    let died_to = bulk.filter.died_to.map_or(requested_at, |died_to| died_to.min(requested_at));
    let bulk = RetryDead { filter: DeadFilter { died_to: Some(died_to), ..bulk.filter }, ..bulk };
    // Those of the canary are among the retried, and no longer dead.
    let tried = bulk.released.as_ref().map_or(0, |canary| count(canary.ids.len()));
    let total = tried + dead::count(&mut conn, &bulk.filter).await?;
    let mut report = BulkReport::default();
    if let Some(canary) = &bulk.released {
        report.jobs = tried;
        if let Some(stopped) = judge(ctx, &mut conn, canary, &report).await? {
            return done(stopped);
        }
    } else if bulk.canary > 0 && i64::from(bulk.canary) < total {
        release_canary(ctx, app, &mut conn, bulk, total).await?;
        return Err(Stop::Snooze(look_again_after(Duration::ZERO)));
    }
    loop {
        let (released, announcement) = dead::retry(&mut conn, &bulk.filter, BATCH).await?;
        if released.is_empty() {
            break;
        }
        tell(app, &released, announcement);
        report.jobs += count(released.len());
        ctx.progress(report.jobs.unsigned_abs(), Some(total.unsigned_abs()), "retrying");
    }
    report.left = dead::count(&mut conn, &bulk.filter).await?;
    report.left_jobs = dead::left(&mut conn, &bulk.filter, TOLD).await?;
    report.summary = match report.left {
        0 => format!("{} dead jobs were retried", report.jobs),
        left => format!(
            "{} dead jobs were retried; {left} stay dead, because an unfinished job has their dedup key or another \
             caller acts on them",
            report.jobs
        ),
    };
    done(report)
}

/// Retries the first few, and remembers which, together or not at all.
async fn release_canary(
    ctx: &Ctx,
    app: &App,
    conn: &mut PgConnection,
    bulk: RetryDead,
    total: i64,
) -> Result<(), Stop> {
    let mut tx = conn.begin().await?;
    let (ids, announcement) = dead::retry(&mut tx, &bulk.filter, i64::from(bulk.canary)).await?;
    let canary = Canary { ids, at: ctx.now(), matching: total };
    let bulk = RetryDead { released: Some(canary.clone()), ..bulk };
    ctx.remember(&mut tx, &bulk).await?;
    tx.commit().await?;
    tell(app, &canary.ids, announcement);
    ctx.progress(canary.ids.len() as u64, Some(total.unsigned_abs()), "waiting for the canary");
    Ok(())
}

/// None when every job of the canary ended and none of them died: the rest may follow. Puts the job off while one is
/// under way.
async fn judge(
    ctx: &Ctx,
    conn: &mut PgConnection,
    canary: &Canary,
    report: &BulkReport,
) -> Result<Option<BulkReport>, Stop> {
    let states = read::states(conn, &canary.ids).await?;
    let died = states.iter().filter(|state| **state == State::Dead).count();
    let open = states.iter().filter(|state| !state.is_finished()).count();
    let left = canary.matching - report.jobs;
    let waited = (ctx.now() - canary.at).to_std().unwrap_or_default();
    if open > 0 && waited <= PATIENCE {
        let over = canary.ids.len() - open;
        ctx.progress(over as u64, Some(canary.ids.len() as u64), "canary jobs are over");
        return Err(Stop::Snooze(look_again_after(waited)));
    }
    if died > 0 {
        let summary =
            format!("{died} of {} canary jobs died again; the other {left} were left alone", report.jobs);
        return Ok(Some(BulkReport { canary_died: count(died), left, summary, ..report.clone() }));
    }
    if open > 0 {
        let minutes = PATIENCE.as_secs() / 60;
        let summary = format!(
            "{open} of {} canary jobs had not ended after {minutes} min; the other {left} were left alone",
            report.jobs
        );
        return Ok(Some(BulkReport { left, summary, ..report.clone() }));
    }
    Ok(None)
}

/// Often at first, when most canaries are over, and every ten seconds at last.
fn look_again_after(waited: Duration) -> Duration {
    (waited / 10).clamp(Duration::from_millis(500), Duration::from_secs(10))
}

fn tell(app: &App, released: &[JobId], announcement: Announcement) {
    app.dispatch.announce(announcement);
    app.dispatch.tell(&released.iter().map(|id| Event { id: *id, state: State::Ready }).collect::<Vec<_>>());
}

fn count(jobs: usize) -> i64 {
    i64::try_from(jobs).unwrap_or(i64::MAX)
}
