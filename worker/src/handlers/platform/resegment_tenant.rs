//! Runs a tenant's intelligence: prepares, lets the shards be scored by jobs of their own, publishes, and clears up
//! after the run before. Every call does what is left to do, so it goes on from wherever it was killed.

use std::{sync::Arc, time::Duration};

use chrono::Utc;
use database::{Role, Tx};
use jobs::{JobKind, NewJob, State, read::Child};
use marketing::kinds::EvaluateAllSegments;
use platform::kinds::{
    DetectDrift, ResegmentTenant, ScoreCustomers, SnapshotProfiles, TrainChurn, TrainLtv,
    resegment_tenant::RunReport,
};
use platform::models::{Target, registry};
use platform::runs::published::{self, Cleared};
use platform::runs::shards::{self, Shard};
use platform::runs::{self, Begun, Run, RunState};
use platform::zone;
use questions::kinds::PrepareReports;
use support::kinds::RefreshRank;
use uuid::Uuid;

use crate::{
    app::App,
    context::Ctx,
    nightly::{changed, prepare, summary::Summary},
    outcome::{Outcome, Stop, done, done_then},
};

/// Customers in a shard: about a second of work, so that a run spreads over workers, shows its progress, and loses
/// little when one is killed.
const SHARD_CUSTOMERS: i64 = 20_000;

/// How soon a run that waits for another one of the tenant looks again.
const LOOK_WHILE_BUSY: Duration = Duration::from_secs(5);

/// How soon the jobs that it waits for are looked at again; it holds no slot meanwhile. A look costs the ledger
/// as much as a job. So a run that has just begun and lacks one shard looks five times a second; one with many shards
/// left, or one whose shards wait long behind others' work, looks every five seconds at last.
fn look_again_after(shards_left: usize, run_for: Duration) -> Duration {
    const SOONEST: Duration = Duration::from_millis(200);
    const LATEST: Duration = Duration::from_secs(5);
    let for_shards = SOONEST.saturating_mul(u32::try_from(shards_left).unwrap_or(u32::MAX));
    for_shards.max(run_for / 20).clamp(SOONEST, LATEST)
}

pub(super) async fn handle(ctx: Ctx, app: Arc<App>, job: ResegmentTenant) -> Outcome<RunReport> {
    let mut tx = app.db.tenant_tx(Role::Platform, ctx.tenant).await?;
    let today = zone::today(&mut tx, Utc::now()).await?;
    let as_of = job.as_of.unwrap_or(today);
    if as_of > today {
        return Err(Stop::fail("bad_as_of", "as_of lies in the future; leave it out for today"));
    }
    let begun = runs::begin(&mut tx, ctx.job_id, as_of, job.as_of.is_some()).await?;
    tx.commit().await?;
    let mut run = match begun {
        Begun::Run(run) => *run,
        Begun::Busy(other) => {
            ctx.progress(0, None, &format!("waiting for the tenant's run {other}"));
            return Err(Stop::Snooze(LOOK_WHILE_BUSY));
        }
    };
    if run.state == RunState::Preparing {
        get_ready(&ctx, &app, &job, &mut run).await?;
    }
    if run.state == RunState::Scoring {
        let shards = await_shards(&ctx, &app, &run).await?;
        return publish(&ctx, &app, run, &shards).await;
    }
    if run.state == RunState::Failed {
        return Err(Stop::fail("run_failed", "the run failed; its error is at /api/intelligence/runs"));
    }
    clear(&ctx, &app).await?;
    done(report_of(&run))
}

/// Statistics, segmentation and models; then the shards are opened.
async fn get_ready(ctx: &Ctx, app: &App, job: &ResegmentTenant, run: &mut Run) -> Result<(), Stop> {
    if !run.is_training_asked {
        ask_for_training(ctx, app, job, run).await?;
    }
    if !run.has_statistics {
        prepare::prepare(ctx, &app.db, &app.material, run, job.refit).await?;
    }
    let mut tx = app.db.tenant_tx(Role::Platform, ctx.tenant).await?;
    if is_training(&mut tx, run.id).await? {
        tx.commit().await?;
        ctx.progress(0, None, "waiting for models to be trained");
        return Err(Stop::Snooze(look_again_after(1, run.run_for())));
    }
    let churn = registry::champion(&mut tx, Target::Churn).await?.map(|model| model.id);
    let ltv = registry::champion(&mut tx, Target::Ltv).await?.map(|model| model.id);
    shards::open(&mut tx, run.id, SHARD_CUSTOMERS, churn, ltv).await?;
    let opened = runs::find(&mut tx, run.id).await?;
    tx.commit().await?;
    *run = opened.ok_or_else(|| Stop::Cancel("the run was removed".to_owned()))?;
    Ok(())
}

/// Models are trained first when there is none, when the champion is old, or when it was asked for.
async fn ask_for_training(ctx: &Ctx, app: &App, job: &ResegmentTenant, run: &Run) -> Result<(), Stop> {
    let mut tx = app.db.tenant_tx(Role::Platform, ctx.tenant).await?;
    let mut wanted = Vec::new();
    let key = run.id.to_string();
    if job.train || prepare::is_model_due(&mut tx, Target::Churn, run.as_of).await? {
        let train = TrainChurn { as_of: Some(run.as_of), horizon_days: None };
        wanted.push(NewJob::of(ctx.tenant, &train)?.with_dedup_key(&key)?.with_parent(run.id));
    }
    if job.train || prepare::is_model_due(&mut tx, Target::Ltv, run.as_of).await? {
        let train = TrainLtv { as_of: Some(run.as_of), horizon_days: None };
        wanted.push(NewJob::of(ctx.tenant, &train)?.with_dedup_key(&key)?.with_parent(run.id));
    }
    runs::note_training(&mut tx, run.id).await?;
    let (_, announcement) = jobs::enqueue(&mut tx, &wanted).await?;
    tx.commit().await?;
    app.dispatch.announce(announcement);
    Ok(())
}

/// Whether models that this run asked for are neither registered nor given up.
async fn is_training(tx: &mut Tx, run: Uuid) -> Result<bool, Stop> {
    let children = jobs::read::children(tx, run).await?;
    let training =
        children.iter().filter(|child| child.kind != ScoreCustomers::KIND && !child.state.is_finished());
    let training: Vec<Uuid> = training.map(|child| child.id).collect();
    Ok(!registry::without_model(tx, &training).await?.is_empty())
}

/// The jobs that this run enqueued.
async fn children(ctx: &Ctx, app: &App, run: Uuid) -> Result<Vec<Child>, Stop> {
    let mut tx = app.db.tenant_tx(Role::Platform, ctx.tenant).await?;
    let children = jobs::read::children(&mut tx, run).await?;
    tx.commit().await?;
    Ok(children)
}

/// The shards, once all of them are done; before that, sees to it that each has a job.
async fn await_shards(ctx: &Ctx, app: &App, run: &Run) -> Result<Vec<Shard>, Stop> {
    let mut tx = app.db.tenant_tx(Role::Platform, ctx.tenant).await?;
    let shards = shards::list(&mut tx, run.id).await?;
    tx.commit().await?;
    let count = shards.iter().filter(|shard| shard.is_done).count();
    ctx.progress(count as u64, Some(shards.len() as u64), "shards of customers scored");
    if count == shards.len() {
        return Ok(shards);
    }
    let children = children(ctx, app, run.id).await?;
    let mut missing = Vec::new();
    for shard in shards.iter().filter(|shard| !shard.is_done) {
        let key = format!("{}:{}", run.id, shard.shard);
        match children
            .iter()
            .find(|child| child.kind == ScoreCustomers::KIND && child.dedup_key.as_deref() == Some(&*key))
        {
            None => {
                let job =
                    ScoreCustomers { run_id: Some(run.id), shard: shard.shard, customer_ids: Vec::new() };
                missing.push(NewJob::of(ctx.tenant, &job)?.with_dedup_key(&key)?.with_parent(run.id));
            }
            // The shard's rows were committed after the shards were read above.
            Some(child) if !child.state.is_finished() || child.state == State::Done => {}
            Some(child) => {
                let error = format!("the job of shard {} is {}", shard.shard, child.state);
                let mut tx = app.db.tenant_tx(Role::Platform, ctx.tenant).await?;
                runs::fail(&mut tx, run.id, &error).await?;
                tx.commit().await?;
                return Err(Stop::fail("shard_failed", &error));
            }
        }
    }
    if !missing.is_empty() {
        let mut tx = app.db.tenant_tx(Role::Platform, ctx.tenant).await?;
        let (_, announcement) = jobs::enqueue(&mut tx, &missing).await?;
        tx.commit().await?;
        app.dispatch.announce(announcement);
    }
    Err(Stop::Snooze(look_again_after(shards.len() - count, run.run_for())))
}

/// Makes the run the current one, and enqueues what follows in the same transaction.
async fn publish(ctx: &Ctx, app: &App, mut run: Run, shards: &[Shard]) -> Outcome<RunReport> {
    let summary = Summary::of(shards.iter().filter_map(|shard| shard.summary.as_ref()));
    let lines = shards.iter().map(|shard| shard.lines).sum();
    let mut tx = app.db.tenant_tx(Role::Platform, ctx.tenant).await?;
    let mut follow_ups = after_publication(ctx, &run)?;
    let changed = changed::since(&mut tx, run.started_at).await?;
    // Very many ask for one more run, which begins when this job is over.
    follow_ups.extend(changed::follow_ups(ctx.tenant, ctx.job_id, changed.as_deref())?);
    if published::publish(&mut tx, &run, lines, &summary.report()).await? {
        let (_, announcement) = jobs::enqueue(&mut tx, &follow_ups).await?;
        tx.commit().await?;
        app.dispatch.announce(announcement);
    }
    app.material.kept.forget(run.id);
    let mut tx: Tx = app.db.tenant_tx(Role::Platform, ctx.tenant).await?;
    run = runs::find(&mut tx, run.id).await?.ok_or_else(|| Stop::Cancel("the run was removed".to_owned()))?;
    tx.commit().await?;
    clear(ctx, app).await?;
    done_then(report_of(&run), Vec::new())
}

fn after_publication(ctx: &Ctx, run: &Run) -> Result<Vec<NewJob>, Stop> {
    let key = run.id.to_string();
    Ok(vec![
        NewJob::of(ctx.tenant, &SnapshotProfiles {})?.with_dedup_key(&key)?.with_parent(run.id),
        NewJob::of(ctx.tenant, &DetectDrift {})?.with_dedup_key(&key)?.with_parent(run.id),
        NewJob::of(ctx.tenant, &EvaluateAllSegments {})?.with_dedup_key(&key)?.with_parent(run.id),
        NewJob::of(ctx.tenant, &PrepareReports {})?.with_dedup_key(&key)?.with_parent(run.id),
        NewJob::of(ctx.tenant, &RefreshRank::default())?
            .with_dedup_key(RefreshRank::ALL)?
            .with_parent(run.id),
    ])
}

/// Deletes what no reader looks at any more, a bounded number of rows at a time.
async fn clear(ctx: &Ctx, app: &App) -> Result<(), Stop> {
    for table in [Cleared::Facts, Cleared::Insights] {
        loop {
            let mut tx = app.db.tenant_tx(Role::Platform, ctx.tenant).await?;
            let is_more = published::clear_step(&mut tx, table).await?;
            tx.commit().await?;
            if !is_more {
                break;
            }
            if ctx.is_halted() {
                return Err(Stop::Snooze(Duration::ZERO));
            }
        }
    }
    Ok(())
}

fn report_of(run: &Run) -> RunReport {
    let notes = run.report.get("notes").and_then(|notes| serde_json::from_value(notes.clone()).ok());
    RunReport {
        run_id: run.id,
        generation: run.generation,
        customers: run.customers,
        lines: run.lines,
        notes: notes.unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_small_run_is_looked_at_often_and_a_long_one_seldom() {
        let looks = |shards, secs| look_again_after(shards, Duration::from_secs(secs)).as_millis();
        assert_eq!(
            [looks(1, 0), looks(1, 60), looks(10, 1), looks(100, 1), looks(1, 600)],
            [200, 3_000, 2_000, 5_000, 5_000]
        );
    }

    proptest! {
        #[test]
        fn the_wait_grows_with_what_is_left_within_its_bounds(left in 0usize..100_000, secs in 0u64..1_000_000) {
            let run_for = Duration::from_secs(secs);
            let wait = look_again_after(left, run_for);
            prop_assert!((Duration::from_millis(200)..=Duration::from_secs(5)).contains(&wait));
            prop_assert!(wait <= look_again_after(left + 1, run_for + Duration::from_secs(1)));
        }
    }
}
