//! Schedules on the leader: wait for a tick, compute what is due, turn it into jobs. However often
//! and by however many schedulers that is done, an occurrence becomes a job once, because its identity
//! is unique in the ledger.

pub mod catch_up;
pub mod ticker;
pub mod timetable;

use std::{collections::HashSet, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use jobs::{
    QueueError,
    schedules::{self, Schedule},
};
use tokio::{sync::Mutex, time::Instant};

use self::{
    catch_up::{CatchUp, Decision, decide},
    ticker::Ticker,
    timetable::Timetable,
};
use crate::{context::Context, trouble::Trouble};

/// How often the table is read again; an operator's change is heeded that soon.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// How many times of a schedule are turned into jobs before it is noted that they are decided.
const FIRED_AT_ONCE: usize = 100;

/// Runs the schedules until it is dropped.
pub(crate) async fn run(context: Arc<Context>, ticker: Arc<Mutex<Ticker>>) {
    let mut ticker = ticker.lock_owned().await;
    let mut trouble = Trouble::new("running the schedules");
    let mut complained = HashSet::new();
    let mut installed = false;
    let mut known: Vec<(Schedule, Timetable)> = Vec::new();
    loop {
        let next_look = Instant::now() + LOOK_EVERY;
        if !installed {
            installed = trouble.note(install(&context).await).is_some();
        }
        if let Some(all) = trouble.note(list(&context).await) {
            known = readable(all, &mut complained);
            ticker.follow(&known).await;
        }
        loop {
            for (schedule, table) in &mut known {
                if is_due(schedule, table, context.clock.now()) {
                    match context.store.answers(catch_up_with(&context, &schedule.name)).await {
                        Ok(Some(fresh)) => *schedule = fresh,
                        // Deleted since; the next look forgets it.
                        Ok(None) => schedule.paused = true,
                        Err(error) if error.is_unavailable() => {
                            trouble.note::<()>(Err(error));
                        }
                        Err(error) => {
                            complain(&mut complained, schedule, &error.to_string());
                            // Its next look is the next try; the others go on.
                            schedule.paused = true;
                        }
                    }
                }
            }
            tokio::select! {
                () = ticker.tick() => {}
                () = tokio::time::sleep_until(next_look) => break,
            }
        }
    }
}

async fn install(context: &Context) -> Result<(), QueueError> {
    context
        .store
        .answers(async {
            schedules::install_defaults(&mut *context.connection().await?, kinds::schedules::DEFAULTS).await
        })
        .await
}

async fn list(context: &Context) -> Result<Vec<Schedule>, QueueError> {
    context.store.answers(async { schedules::list(&mut *context.connection().await?).await }).await
}

fn is_due(schedule: &Schedule, table: &Timetable, now: DateTime<Utc>) -> bool {
    !schedule.paused && !table.due_times(schedule.decided_until, now).is_empty()
}

/// Fires what is due of a schedule, as it stands in the ledger now; none when it is gone.
async fn catch_up_with(context: &Context, name: &str) -> Result<Option<Schedule>, QueueError> {
    let mut conn = context.connection().await?;
    let Some(mut schedule) = schedules::find(&mut conn, name).await? else { return Ok(None) };
    // An operator may have changed it since the last look; then the next look takes it up.
    let (Ok(table), Some(policy)) =
        (Timetable::parse(&schedule.cron, &schedule.timezone), CatchUp::parse(&schedule.catch_up))
    else {
        return Ok(Some(schedule));
    };
    // The clock that decides is the ledger's; this machine's may be minutes off.
    let now: DateTime<Utc> = sqlx::query_scalar("select clock_timestamp()").fetch_one(&mut *conn).await?;
    while !schedule.paused
        && let Some(Decision { times, until }) = decide(&table, policy, schedule.decided_until, now)
    {
        for piece in pieces(&times) {
            let piece_until = if piece.last() == times.last() { until } else { piece[piece.len() - 1] };
            let (ids, announcement) =
                schedules::fire(&mut conn, &schedule, kinds::find(&schedule.kind)?, piece, piece_until, now)
                    .await?;
            context.dispatch.announce(announcement);
            if !ids.is_empty() {
                tracing::info!(schedule = name, jobs = ids.len(), until = %piece_until, "a schedule fired");
            }
        }
        schedule.decided_until = until;
    }
    Ok(Some(schedule))
}

/// Pieces of bounded size; one empty piece when nothing is to fire, so that the decision is noted.
fn pieces<T>(times: &[T]) -> Vec<&[T]> {
    if times.is_empty() { vec![times] } else { times.chunks(FIRED_AT_ONCE).collect() }
}

/// The schedules that can be run. What is wrong with the others is logged once for each change, and
/// counted for operators.
fn readable(all: Vec<Schedule>, complained: &mut HashSet<String>) -> Vec<(Schedule, Timetable)> {
    let mut good = Vec::with_capacity(all.len());
    let mut bad = 0_u32;
    for schedule in all {
        let table = Timetable::parse(&schedule.cron, &schedule.timezone).map_err(|error| error.to_string());
        let kind = kinds::find(&schedule.kind).map_err(|error| error.to_string()).and_then(|kind| {
            (kind.check)(&schedule.payload.to_string(), Utc::now())
                .map_err(|unfit| format!("its payload does not fit {}: {unfit}", schedule.kind))
        });
        match (table, kind) {
            (Ok(table), Ok(())) => good.push((schedule, table)),
            (Err(reason), _) | (_, Err(reason)) => {
                bad += 1;
                complain(complained, &schedule, &reason);
            }
        }
    }
    metrics::gauge!("deskwork_schedules_invalid").set(bad);
    good
}

fn complain(complained: &mut HashSet<String>, schedule: &Schedule, reason: &str) {
    if complained.insert(format!("{} {reason}", schedule.name)) {
        tracing::error!(schedule = schedule.name, reason, "a schedule cannot run; the others do");
    }
}
