//! Retries dead jobs in batches. With a canary, a few go first; the rest follows only when none of
//! them died again.

use std::{sync::Arc, time::Duration};

use jobs::{
    JobId, State,
    dead::{self, DeadFilter},
    events::Event,
    kinds::{RetryDead, retry_dead::BulkReport},
    read,
};
use sqlx::PgConnection;

use crate::{
    app::App,
    context::Ctx,
    outcome::{Outcome, Stop, done},
};

const BATCH: i64 = 2_000;

/// How often the canary is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);

pub(super) async fn handle(ctx: Ctx, app: Arc<App>, bulk: RetryDead) -> Outcome<BulkReport> {
    let mut conn = app.store.pool().acquire().await?;
    // What dies again while this runs is not picked up a second time: only deaths before the request
    // count, in every attempt of this job.
    let requested_at = read::created_at(&mut conn, ctx.job_id).await?;
    let died_to = bulk.filter.died_to.map_or(requested_at, |died_to| died_to.min(requested_at));
    let bulk = RetryDead { filter: DeadFilter { died_to: Some(died_to), ..bulk.filter }, ..bulk };
    let total = dead::count(&mut conn, &bulk.filter).await?;
    let mut report = BulkReport::default();
    if bulk.canary > 0 && ctx.attempt > 1 {
        // An earlier attempt released a canary and did not live to see what became of it.
        let since = DeadFilter { died_from: Some(requested_at), died_to: None, ..bulk.filter.clone() };
        report.canary_died = dead::count(&mut conn, &since).await?;
        if report.canary_died > 0 {
            report.summary = format!("{} jobs died again since the request; the other {total} were left alone", report.canary_died);
            return done(report);
        }
    }
    if bulk.canary > 0 && i64::from(bulk.canary) < total {
        let canary = release(&app, &mut conn, &bulk, i64::from(bulk.canary)).await?;
        report.jobs = i64::try_from(canary.len()).unwrap_or(0);
        ctx.progress(report.jobs.unsigned_abs(), Some(total.unsigned_abs()), "waiting for the canary");
        report.canary_died = watch_canary(&mut conn, &canary).await?;
        if report.canary_died > 0 {
            report.summary = format!(
                "{} of {} canary jobs died again; the other {} were left alone",
                report.canary_died,
                canary.len(),
                total - report.jobs
            );
            return done(report);
        }
    }
    loop {
        let released = release(&app, &mut conn, &bulk, BATCH).await?;
        if released.is_empty() {
            break;
        }
        report.jobs += i64::try_from(released.len()).unwrap_or(0);
        ctx.progress(report.jobs.unsigned_abs(), Some(total.unsigned_abs()), "retrying");
    }
    report.summary = format!("{} dead jobs were retried", report.jobs);
    done(report)
}

async fn release(app: &App, conn: &mut PgConnection, bulk: &RetryDead, limit: i64) -> Result<Vec<JobId>, Stop> {
    let (ids, announcement) = dead::retry(conn, &bulk.filter, limit).await?;
    app.dispatch.announce(announcement);
    app.dispatch.tell(&ids.iter().map(|id| Event { id: *id, state: State::Ready }).collect::<Vec<_>>());
    Ok(ids)
}

/// Waits until every canary job ended, and says how many died.
async fn watch_canary(conn: &mut PgConnection, canary: &[JobId]) -> Result<i64, Stop> {
    loop {
        let states = read::states(conn, canary).await?;
        if states.iter().all(|state| state.is_finished()) {
            let died = states.iter().filter(|state| **state == State::Dead).count();
            return Ok(i64::try_from(died).unwrap_or(i64::MAX));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
