//! Discards dead jobs in batches.

use std::sync::Arc;

use jobs::{
    dead,
    kinds::{DiscardDead, retry_dead::BulkReport},
};

use crate::{
    app::App,
    context::Ctx,
    outcome::{Outcome, done},
};

const BATCH: i64 = 2_000;

pub(super) async fn handle(ctx: Ctx, app: Arc<App>, bulk: DiscardDead) -> Outcome<BulkReport> {
    let mut conn = app.store.pool().acquire().await?;
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
    done(BulkReport { jobs, canary_died: 0, summary: format!("{jobs} dead jobs were discarded") })
}
