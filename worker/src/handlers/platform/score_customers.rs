//! Scores a shard of a run, or a few named customers of the current run. Either way the rows and the note that they
//! are done commit together.

use std::{sync::Arc, time::Duration};

use database::{Role, Tx};
use platform::insights::write::{self, Before, Moved};
use platform::kinds::{ScoreCustomers, score_customers::ScoreCustomersOutput};
use platform::orders::export::Selection;
use platform::roster;
use platform::runs::shards::{self, Shard};
use platform::runs::{self, Run, RunState};
use uuid::Uuid;

use crate::{
    app::App,
    context::Ctx,
    nightly::{
        desk, explain, forward,
        knowledge::Knowledge,
        material::Read,
        named, rows,
        score::{self, Batch},
        summary::Summary,
    },
    outcome::{Outcome, Stop, done, done_then},
};

/// From here on a customer who moved is written down.
const NOTABLE: f32 = 0.1;

/// A change of the churn probability that is written down even when the behaviour moved less.
const NOTABLE_CHURN: f32 = 0.1;

pub(super) async fn handle(ctx: Ctx, app: Arc<App>, job: ScoreCustomers) -> Outcome<ScoreCustomersOutput> {
    match job.run_id {
        Some(run) if job.customer_ids.is_empty() => shard(ctx, app, run, job.shard).await,
        None if !job.customer_ids.is_empty() && job.customer_ids.len() <= ScoreCustomers::MAX_NAMED => {
            let scored = named::recompute(&ctx, &app.db, &app.library, &job.customer_ids).await?;
            let output =
                ScoreCustomersOutput { customers: scored.customers.len() as i64, lines: scored.lines as i64 };
            done_then(output, desk::follow_ups(&ctx, &app, &job.customer_ids).await?)
        }
        _ => Err(Stop::fail(
            "bad_payload",
            "name either a run and a shard, or 1 to 1000 customers; POST /api/intelligence/score makes the latter",
        )),
    }
}

async fn shard(ctx: Ctx, app: Arc<App>, run_id: Uuid, number: i32) -> Outcome<ScoreCustomersOutput> {
    let mut tx = app.db.tenant_tx(Role::Platform, ctx.tenant).await?;
    let run = runs::find(&mut tx, run_id).await?;
    let shard = shards::find(&mut tx, run_id, number).await?;
    tx.commit().await?;
    let (Some(run), Some(shard)) = (run, shard) else {
        return Err(Stop::Cancel("the run or its shard is gone".to_owned()));
    };
    if shard.is_done {
        return done(ScoreCustomersOutput { customers: shard.customers, lines: shard.lines });
    }
    if run.state != RunState::Scoring {
        return Err(Stop::Cancel("the run is not being scored any more".to_owned()));
    }
    let knowledge = app.library.of_run(&app.db, ctx.tenant, run_id).await?;
    let mut tx = app.db.tenant_tx(Role::Platform, ctx.tenant).await?;
    let kept = kept_lines(&mut tx, &app, &run, &shard).await?;
    let selection = Selection::Range(shard.lower.clone(), shard.upper.clone());
    let watch = |read| {
        ctx.progress(read, None, "reading order lines");
        !ctx.is_halted()
    };
    let scored = score::score(&mut tx, ctx.tenant, &knowledge, &selection, run.as_of, kept, watch).await?;
    let Some(mut batch) = scored else { return Err(Stop::Snooze(Duration::ZERO)) };
    ctx.progress(batch.lines, None, "explaining who is most at risk");
    batch = explain::most_at_risk(&knowledge, batch).await?;
    ctx.progress(batch.lines, None, "writing");
    shards::wait_for_no_disk(&mut tx).await?;
    // The time of the run, so that a shard that is computed again has the same bits.
    rows::write(&mut tx, &knowledge, run.generation, &batch.customers, run.started_at).await?;
    let (changes, stayed) = match knowledge.previous {
        Some(previous) => {
            let before =
                write::before(&mut tx, previous, shard.lower.as_deref(), shard.upper.as_deref()).await?;
            compare(&knowledge, &before, &batch)
        }
        None => (Vec::new(), 0),
    };
    write::moved(&mut tx, run_id, run.as_of, &changes).await?;
    let summary = Summary::count(&knowledge, &batch.customers, &changes, stayed);
    let summary = serde_json::to_value(summary).map_err(|error| Stop::fail("summary", &error.to_string()))?;
    let (customers, lines) = (batch.customers.len() as i64, batch.lines as i64);
    if !shards::close(&mut tx, run_id, number, customers, lines, &summary).await? {
        // Another attempt was quicker, or the run was given up; what this transaction wrote goes with it.
        return Err(Stop::Snooze(Duration::from_millis(100)));
    }
    tx.commit().await?;
    forward::run_after_last_shard(&ctx, &app, run_id).await?;
    done(ScoreCustomersOutput { customers, lines })
}

/// The lines that the run's preparation left in this process. None where it was another one's, and where orders of the
/// shard's customers were being changed meanwhile: the run looks after what changes once it has begun, and shards see what
/// changed before.
async fn kept_lines(tx: &mut Tx, app: &App, run: &Run, shard: &Shard) -> Result<Option<Arc<Read>>, Stop> {
    let Some(read) = app.material.kept.of_run(run.id) else { return Ok(None) };
    let range = (shard.lower.as_deref(), shard.upper.as_deref());
    let were_changing = roster::were_changing(tx, range, read.at, run.started_at).await?;
    Ok((!were_changing).then_some(read))
}

/// Who moved since the run before, and how many did not. Both are in the order of the customers' ids.
fn compare(knowledge: &Knowledge, before: &[Before], batch: &Batch) -> (Vec<Moved>, u64) {
    let mut earlier = before.iter().peekable();
    let (mut changes, mut stayed) = (Vec::new(), 0);
    for scored in &batch.customers {
        while earlier.next_if(|before| before.customer_id < scored.person.customer_id).is_some() {}
        let Some(before) = earlier.next_if(|before| before.customer_id == scored.person.customer_id) else {
            continue;
        };
        let drift = knowledge.movement(&before.memberships, &scored.assignment.vector).unwrap_or(0.0);
        let archetype = scored.assignment.archetype.and_then(|index| i16::try_from(index).ok());
        let churn = scored.predictions.churn;
        let churn_moved =
            before.churn.zip(churn).is_some_and(|(before, now)| (before - now).abs() >= NOTABLE_CHURN);
        if drift < NOTABLE && before.archetype == archetype && !churn_moved {
            stayed += 1;
            continue;
        }
        changes.push(Moved {
            customer_id: scored.person.customer_id.clone(),
            drift,
            archetype_from: before.archetype,
            archetype_to: archetype,
            churn_from: before.churn,
            churn_to: churn,
        });
    }
    (changes, stayed)
}
