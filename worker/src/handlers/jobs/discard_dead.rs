//! Discards dead jobs in batches.

use std::sync::Arc;

use jobs::{
    dead::{self, DeadFilter},
    kinds::{DiscardDead, retry_dead::BulkReport},
    read,
    store::LONG_ANSWER_WITHIN,
};

use crate::{
    app::App,
    context::Ctx,
    outcome::{Outcome, done},
};

const BATCH: i64 = 2_000;

/// Of so many jobs that were left the report says why.
const TOLD: i64 = 20;

pub(super) async fn handle(ctx: Ctx, app: Arc<App>, bulk: DiscardDead) -> Outcome<BulkReport> {
    app.store.answers_within(LONG_ANSWER_WITHIN, discard(&ctx, &app, bulk)).await
}

async fn discard(ctx: &Ctx, app: &App, bulk: DiscardDead) -> Outcome<BulkReport> {
    let mut conn = app.store.pool().acquire().await?;
    // Nobody chose what dies after the request.
    let requested_at = read::created_at(&mut conn, ctx.job_id).await?;
    let died_to = bulk.filter.died_to.map_or(requested_at, |died_to| died_to.min(requested_at));
    let bulk = DiscardDead { filter: DeadFilter { died_to: Some(died_to), ..bulk.filter }, ..bulk };
    let total = dead::count(&mut conn, &bulk.filter).await?;
    let mut jobs = 0;
    loop {
        let events = dead::discard(&mut conn, &bulk.filter, &bulk.reason, BATCH).await?;
        if events.is_empty() {
            break;
        }
        app.dispatch.tell(&events);
        jobs += i64::try_from(events.len()).unwrap_or(0);
        ctx.progress(jobs.unsigned_abs(), Some(total.unsigned_abs()), "discarding");
    }
    let left = dead::count(&mut conn, &bulk.filter).await?;
    let left_jobs = dead::left(&mut conn, &bulk.filter, TOLD).await?;
    let summary = match left {
        0 => format!("{jobs} dead jobs were discarded"),
        left => format!("{jobs} dead jobs were discarded; on {left} another caller acts at this moment"),
    };
    done(BulkReport { jobs, left, left_jobs, summary, ..BulkReport::default() })
}
