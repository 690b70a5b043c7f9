//! Sets the evaluation of all segments of a tenant going, level by level of their references.

use std::{collections::HashMap, sync::Arc};

use database::{Role, ids::SegmentId};
use jobs::{JobId, NewJob};
use marketing::kinds::{
    EvaluateAllSegments, EvaluateSegment, evaluate_all_segments::EvaluateAllSegmentsOutput,
};
use marketing::segments::{
    bits::build::{self, Built, Options},
    evaluate, references,
};

use crate::{
    app::App,
    context::Ctx,
    outcome::{Outcome, Stop, done},
};

/// Rows of old history that are removed at once.
const PRUNE_AT_ONCE: i64 = 20_000;

pub(super) async fn handle(
    ctx: Ctx,
    app: Arc<App>,
    _: EvaluateAllSegments,
) -> Outcome<EvaluateAllSegmentsOutput> {
    let count = |customers: i64| customers.max(0).unsigned_abs();
    let built = build::refresh(&app.db, ctx.tenant, Options::default(), |done, all| {
        ctx.progress(count(done), Some(count(all)), "indexing facts");
    })
    .await?;
    let pruned = prune(&ctx, &app).await?;

    let mut tx = app.db.tenant_tx(Role::Marketing, ctx.tenant).await?;
    let levels = references::levels(&mut tx, ctx.tenant).await?;
    let mut output = EvaluateAllSegmentsOutput {
        segments: 0,
        levels: u32::try_from(levels.len()).unwrap_or(u32::MAX),
        indexed: if let Built::Made(customers) = built { Some(customers) } else { None },
        pruned,
    };
    let mut announcements = Vec::new();
    let mut evaluations: HashMap<SegmentId, JobId> = HashMap::new();
    for level in levels {
        let jobs = level
            .iter()
            .map(|(segment, refers_to)| {
                let after =
                    refers_to.iter().filter_map(|segment| evaluations.get(segment).copied()).collect();
                let payload = EvaluateSegment { segment_id: segment.0, after };
                let job = NewJob::of(ctx.tenant, &payload)?
                    .with_dedup_key(&EvaluateSegment::dedup_key(segment.0))?;
                Ok::<_, Stop>(
                    job.with_cause(&ctx.correlation_id, ctx.trace_parent.as_deref(), "job")
                        .with_parent(ctx.job_id),
                )
            })
            .collect::<Result<Vec<NewJob>, Stop>>()?;
        let (enqueued, announcement) = jobs::enqueue(&mut tx, &jobs).await?;
        output.segments += u32::try_from(enqueued.len()).unwrap_or(u32::MAX);
        evaluations.extend(level.iter().zip(&enqueued).map(|((segment, _), job)| (*segment, job.id)));
        announcements.push(announcement);
    }
    tx.commit().await?;
    announcements.into_iter().for_each(|announcement| app.dispatch.announce(announcement));
    done(output)
}

async fn prune(ctx: &Ctx, app: &App) -> Result<u64, Stop> {
    let mut all = 0;
    loop {
        let mut tx = app.db.tenant_tx(Role::Marketing, ctx.tenant).await?;
        let pruned = evaluate::prune(&mut tx, ctx.tenant, PRUNE_AT_ONCE).await?;
        tx.commit().await?;
        all += pruned;
        if pruned < PRUNE_AT_ONCE.unsigned_abs() || ctx.is_halted() {
            return Ok(all);
        }
    }
}
