//! Prunes, step by step, until nothing is left that is old enough.

use std::sync::Arc;

use jobs::{
    QueueError,
    kinds::{PruneHistory, prune_history::Pruned},
    retention,
};

use crate::{
    app::App,
    context::Ctx,
    outcome::{Outcome, done},
};

pub(super) async fn handle(ctx: Ctx, app: Arc<App>, ages: PruneHistory) -> Outcome<Pruned> {
    let mut pruned = Pruned::default();
    let steps = async {
        let mut conn = app.store.pool().acquire().await?;
        while retention::prune_step(&mut conn, &ages, &mut pruned).await? {
            let total = pruned.finished + pruned.dead + pruned.records;
            ctx.progress(total.unsigned_abs(), None, "removing history");
        }
        Ok::<(), QueueError>(())
    };
    app.store.answers_within(retention::SILENT_FOR, steps).await?;
    done(pruned)
}
