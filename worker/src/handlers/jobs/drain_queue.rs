//! Cancels what waits in a queue, in batches.

use std::sync::Arc;

use jobs::{
    JobId,
    kinds::{DrainQueue, retry_dead::BulkReport},
    queues,
    store::LONG_ANSWER_WITHIN,
};

use crate::{
    app::App,
    context::Ctx,
    outcome::{Outcome, done},
};

const BATCH: i64 = 2_000;

pub(super) async fn handle(ctx: Ctx, app: Arc<App>, drain: DrainQueue) -> Outcome<BulkReport> {
    app.store.answers_within(LONG_ANSWER_WITHIN, cancel_all(&ctx, &app, &drain)).await
}

async fn cancel_all(ctx: &Ctx, app: &App, drain: &DrainQueue) -> Outcome<BulkReport> {
    let mut conn = app.store.pool().acquire().await?;
    let (mut jobs, mut after) = (0, JobId::nil());
    loop {
        let (queue, kind) = (drain.queue.as_str(), drain.kind.as_deref());
        let (events, last) =
            queues::drain(&mut conn, queue, kind, after, drain.up_to, &drain.reason, BATCH).await?;
        let Some(last) = last else { break };
        after = last;
        app.dispatch.tell(&events);
        jobs += i64::try_from(events.len()).unwrap_or(0);
        ctx.progress(jobs.unsigned_abs(), None, "cancelling what waits");
    }
    done(BulkReport { jobs, summary: format!("{jobs} waiting jobs were cancelled"), ..BulkReport::default() })
}
