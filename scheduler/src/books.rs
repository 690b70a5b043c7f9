//! Keeps the books: folds transitions into balances, serves depths and ages as metrics, and makes the
//! days' partitions.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, LazyLock, Mutex},
    time::Duration,
};

use chrono::{DateTime, Utc};
use jobs::{QueueError, State, audit, days, looks, queues};
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::{context::Context, trouble::Trouble};

/// How often the books are compacted while there is much to fold.
const BUSY_EVERY: Duration = Duration::from_secs(2);

/// How often otherwise.
const IDLE_EVERY: Duration = Duration::from_secs(10);

/// Transitions that one statement folds, and how many statements follow each other.
const FOLD: i64 = 5000;
const FOLDS: usize = 20;

/// More than this many transitions since the last compaction mean that the cluster is busy.
const BUSY: u64 = 500;

const MEASURE_EVERY: Duration = Duration::from_secs(10);
const DAYS_EVERY: Duration = Duration::from_secs(3600);

/// Keeps the books until it is dropped.
pub(crate) async fn run(context: Arc<Context>) {
    tokio::join!(compact(&context), measure(&context), look_after_days(&context));
}

async fn compact(context: &Context) {
    let mut trouble = Trouble::new("compacting the books");
    loop {
        let folded = trouble.note(fold(context).await).unwrap_or(0);
        tokio::time::sleep(if folded >= BUSY { BUSY_EVERY } else { IDLE_EVERY }).await;
    }
}

async fn fold(context: &Context) -> Result<u64, QueueError> {
    let mut total = 0;
    for _ in 0..FOLDS {
        let compact = async { queues::compact(&mut *context.connection().await?, FOLD).await };
        let folded = context.store.answers_slowly(compact).await?;
        total += folded;
        if folded < FOLD.unsigned_abs() {
            break;
        }
    }
    Ok(total)
}

/// What this process measured as the leader, so that a former leader does not go on telling what was.
static TOLD: LazyLock<Mutex<HashMap<Measured, metrics::Gauge>>> = LazyLock::new(Mutex::default);

/// A metric and its labels' values.
type Measured = (&'static str, String, &'static str);

/// Sets everything that only a leader measures to zero; called when the leadership ends.
pub(crate) fn forget() {
    tell(Vec::new());
}

/// Sets the gauges to new values, and those without a new value to zero.
fn tell(values: Vec<(Measured, metrics::Gauge, f64)>) {
    let mut told = TOLD.lock().expect("no holder of this lock panics");
    let mut new = HashMap::with_capacity(values.len());
    for (measured, gauge, value) in values {
        gauge.set(value);
        told.remove(&measured);
        new.insert(measured, gauge);
    }
    for gauge in std::mem::replace(&mut *told, new).into_values() {
        gauge.set(0.0);
    }
}

async fn measure(context: &Context) {
    let mut trouble = Trouble::new("measuring the queues");
    let mut ticks = interval(MEASURE_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Some(values) = trouble.note(context.store.answers_slowly(measure_once(context)).await) {
            tell(values);
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "numbers of jobs stay far below 2^52")]
async fn measure_once(context: &Context) -> Result<Vec<(Measured, metrics::Gauge, f64)>, QueueError> {
    let mut conn = context.connection().await?;
    let mut values = Vec::new();
    let mut jobs: HashMap<(String, State), i64> = HashMap::new();
    for balance in queues::balances(&mut conn).await? {
        if let Some(state) = State::parse(&balance.account) {
            *jobs.entry((balance.queue, state)).or_insert(0) += balance.n;
        }
    }
    for ((queue, state), n) in jobs {
        let gauge = metrics::gauge!("deskwork_jobs", "queue" => queue.clone(), "state" => state.as_str());
        values.push((("deskwork_jobs", queue, state.as_str()), gauge, n as f64));
    }
    let now = context.clock.now();
    // A queue in which nothing waits has an age too: whoever scales by it must not miss the metric.
    let mut oldest: BTreeMap<String, Option<DateTime<Utc>>> =
        kinds::all().map(|kind| (kind.policy.queue.to_owned(), None)).collect();
    oldest.extend(queues::oldest_ready(&mut conn).await?);
    for (queue, since) in oldest {
        let gauge = metrics::gauge!("deskwork_queue_oldest_seconds", "queue" => queue.clone());
        let secs = since.map_or(0.0, |since| (now - since).as_seconds_f64().max(0.0));
        values.push((("deskwork_queue_oldest_seconds", queue, ""), gauge, secs));
    }
    for (state, n) in looks::workers_by_state(&mut conn).await? {
        let gauge = metrics::gauge!("deskwork_workers", "state" => state.clone());
        values.push((("deskwork_workers", state, ""), gauge, n as f64));
    }
    // Kept in the ledger by whichever worker ran the audit, told by one process.
    let audited = audit::last(&mut conn).await?;
    for (name, value) in [
        ("deskwork_conservation_drift", audited.drift as f64),
        ("deskwork_audit_age_seconds", audited.age_secs),
    ] {
        values.push(((name, String::new(), ""), metrics::gauge!(name), value));
    }
    Ok(values)
}

async fn look_after_days(context: &Context) {
    let mut trouble = Trouble::new("looking after the days' partitions");
    loop {
        let look = async {
            let now = context.clock.now();
            days::look_after(&mut *context.connection().await?, now).await
        };
        let done = context.store.answers_within(days::SILENT_FOR, look).await;
        let wait = if trouble.note(done).is_some() { DAYS_EVERY } else { IDLE_EVERY };
        tokio::time::sleep_until(Instant::now() + wait).await;
    }
}
