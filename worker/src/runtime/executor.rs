//! One run of one job, in the order in which one would tell it: find the handler, run it with a
//! deadline and an ear for cancellation, classify what came of it, pass that on to be written.

use std::{
    panic::AssertUnwindSafe,
    sync::Arc,
    time::{Duration, Instant},
};

use apalis_core::task::data::Data;
use database::{Db, Listening};
use futures_util::{FutureExt, future::BoxFuture};
use jobs::{
    contract::Backoff,
    ledger::{Claimed, Completion, Ending, Failure},
    sweep::Freed,
};
use tokio::sync::watch;
use tracing::Instrument;

use super::{
    Shared,
    completer::Finished,
    handlers::{Handlers, Ran},
    progress::ProgressReporter,
    running::Halt,
    waiting::{met_silence, put_off, spread, waited_for},
};
use crate::{context::Ctx, outcome::UNAVAILABLE};

/// What a run needs.
#[derive(Clone)]
pub(super) struct Executor {
    pub(super) shared: Arc<Shared>,
    pub(super) handlers: Arc<Handlers>,
    pub(super) reporter: ProgressReporter,
}

/// How long a cancelled run may take to come to its own end.
const CANCEL_GRACE: Duration = Duration::from_millis(300);

/// Runs a job on the process's threads, so that one busy handler does not hold up its queue.
pub(super) async fn execute(job: Claimed, executor: Data<Executor>) {
    let executor = Executor::clone(&executor);
    let (id, lease, queue) = (job.id, job.lease, job.queue.clone());
    let may_have_successor = job.may_have_successor;
    let freed = job.limited.then(|| Freed::of(&job));
    let (shared, reporter) = (executor.shared.clone(), executor.reporter.clone());
    let ending = match tokio::spawn(run(executor, job)).await {
        Ok(ending) => ending,
        // A fault of the runtime itself; a handler's panic is caught around the handler.
        Err(error) => Some(Ending::Dead { failure: Failure::new("runtime", &error.to_string()) }),
    };
    let progress = reporter.last(id, lease);
    match ending {
        Some(ending) => {
            let completion = Completion { id, lease, ending, may_have_successor, progress };
            shared.finish(Finished { completion, freed }).await;
        }
        None => shared.running.over([(id, lease)]),
    }
    // Only now: when completions cannot be written, nothing more is started.
    if let Some(slots) = shared.slots.get(&queue) {
        slots.give_back(1);
    }
}

/// The ending of a run; none when the lease is lost and nothing may be written.
async fn run(executor: Executor, job: Claimed) -> Option<Ending> {
    let span = tracing::info_span!(
        "job",
        job_id = %job.id,
        kind = %job.kind,
        attempt = job.attempt,
        tenant_id = %job.tenant,
        correlation_id = %job.correlation_id,
    );
    if let Some(parent) = &job.trace_parent {
        boot::telemetry::set_parent(&span, parent);
    }
    async move {
        let waited = (job.claimed_at - job.run_at).to_std().unwrap_or_default();
        metrics::histogram!("deskwork_job_wait_seconds", "queue" => job.queue.clone()).record(waited.as_secs_f64());
        let Some(handler) = executor.handlers.find(&job.kind) else {
            // A newer process enqueued it; one that knows the kind will come by.
            let failure = Failure::new("unknown_kind", "this worker does not know the kind; another may");
            let ending = put_off(failure, Some(UNKNOWN_KIND_DELAY), waited_for(&job), rand::random());
            note(&ending);
            return Some(ending);
        };
        let started = Instant::now();
        let (attempt, max_attempts, waited_for) = (job.attempt, job.max_attempts, waited_for(&job));
        let halt = executor.shared.running.halt_of(job.id, job.lease);
        let ctx = Ctx::new(&job, halt.clone(), executor.reporter.clone());
        let databases = executor.handlers.databases();
        let ran = attend(handler.run(ctx, &job), handler.policy.deadline, halt, databases).await?;
        let standing = Standing { attempt, max_attempts, waited_for };
        let ending = settle(ran, standing, handler.policy.backoff, rand::random());
        let state = note(&ending);
        if let Ending::Wait { failure, .. } = &ending {
            metrics::counter!("deskwork_job_waits_total", "kind" => handler.kind, "class" => failure.class.clone())
                .increment(1);
        }
        metrics::histogram!("deskwork_job_duration_seconds", "kind" => handler.kind)
            .record(started.elapsed().as_secs_f64());
        metrics::counter!("deskwork_job_transitions_total", "queue" => job.queue.clone(), "kind" => handler.kind, "to" => state)
            .increment(1);
        Some(ending)
    }
    .instrument(span)
    .await
}

/// How long a job of an unknown kind waits for a worker that knows it.
const UNKNOWN_KIND_DELAY: Duration = Duration::from_secs(15);

/// Waits for the handler within its deadline; drops it when it is asked to stop. None when nothing of
/// it may be written.
pub(super) async fn attend(
    handler: BoxFuture<'static, Ran>,
    deadline: Duration,
    mut halt: watch::Receiver<Halt>,
    databases: &[Db],
) -> Option<Ran> {
    let mut handler = Listening::to(AssertUnwindSafe(handler).catch_unwind());
    let expired = tokio::time::sleep(deadline);
    tokio::pin!(expired);
    tokio::select! {
        biased;
        ran = &mut handler => Some(ran.unwrap_or_else(|panic| panicked(&*panic))),
        why = wait_for_halt(&mut halt) => match why {
            Halt::Cancel(reason) => {
                // The handler hears of it as well and may come to its own end.
                match tokio::time::timeout(CANCEL_GRACE, &mut handler).await {
                    Ok(Ok(Ran::Ended(ending @ Ending::Done { .. }))) => Some(Ran::Ended(ending)),
                    _ => Some(Ran::Ended(Ending::Cancelled { reason })),
                }
            }
            why => stopped(why),
        },
        () = &mut expired => {
            let heard_at = handler.heard_at();
            // What it holds of the database goes back to the pool, which finds out whether that is alive.
            drop(handler);
            tokio::select! {
                biased;
                why = wait_for_halt(&mut halt) => stopped(why),
                silent = met_silence(databases, heard_at) => Some(out_of_time(deadline, silent)),
            }
        }
    }
}

/// What is written of a run that is not there any more when it is asked to stop.
fn stopped(why: Halt) -> Option<Ran> {
    match why {
        Halt::No | Halt::LeaseLost => None,
        Halt::HandBack => Some(Ran::Ended(Ending::HandedBack)),
        Halt::Cancel(reason) => Some(Ran::Ended(Ending::Cancelled { reason })),
    }
}

/// A handler that was too slow has failed; one that a silent database kept waiting has not.
fn out_of_time(deadline: Duration, silent: bool) -> Ran {
    let late = format!("did not finish within {} s", deadline.as_secs());
    if silent {
        let message = format!("{late}, in which the database fell silent");
        return Ran::MustWait { failure: Failure::new(UNAVAILABLE, &message), after: None };
    }
    Ran::MayRetry { failure: Failure::new("timeout", &late), after: None }
}

async fn wait_for_halt(halt: &mut watch::Receiver<Halt>) -> Halt {
    match halt.wait_for(|halt| *halt != Halt::No).await {
        Ok(halt) => halt.clone(),
        // The job is no longer held, so nothing of it may be written.
        Err(_) => Halt::LeaseLost,
    }
}

/// A panic with a text written in the code is told as it is. A formatted one may quote a customer, so
/// only the log's panic line says where it was.
fn panicked(panic: &(dyn std::any::Any + Send)) -> Ran {
    let message = panic.downcast_ref::<&str>().copied().unwrap_or("the handler panicked; the log says where");
    Ran::MayRetry { failure: Failure::new("panic", message), after: None }
}

/// What a job has behind it.
#[derive(Clone, Copy)]
struct Standing {
    attempt: i16,
    max_attempts: i16,
    waited_for: Duration,
}

/// Decides between another attempt, a wait, and the dead letters.
fn settle(ran: Ran, standing: Standing, backoff: Backoff, random: f64) -> Ending {
    let Standing { attempt, max_attempts, waited_for } = standing;
    match ran {
        Ran::Ended(ending) => ending,
        Ran::MustWait { failure, after } => put_off(failure, after, waited_for, random),
        Ran::MayRetry { failure, .. } if attempt >= max_attempts => Ending::Dead { failure },
        Ran::MayRetry { failure, after } => {
            // A time that the other side named gets a jitter too, or all come back at once.
            let delay = after.map_or_else(|| backoff.delay(attempt, random), |after| spread(after, random));
            Ending::Retry { failure, delay }
        }
    }
}

/// Logs what came of a run, once, and names its state.
fn note(ending: &Ending) -> &'static str {
    match ending {
        Ending::Done { .. } => {
            tracing::debug!("done");
            "done"
        }
        Ending::Retry { failure, delay } => {
            tracing::warn!(
                class = failure.class,
                error = failure.message,
                delay_ms = delay.as_millis() as u64,
                "failed, will be retried"
            );
            "retrying"
        }
        Ending::Dead { failure } => {
            // What went wrong with a file may quote a line of it, which names customers: the dead letter says it, the log
            // does not.
            tracing::error!(class = failure.class, fingerprint = failure.fingerprint, "failed for good");
            "dead"
        }
        Ending::Snooze { delay } => {
            tracing::debug!(delay_ms = delay.as_millis() as u64, "snoozed");
            "scheduled"
        }
        Ending::Wait { failure, delay } => {
            tracing::info!(
                class = failure.class,
                error = failure.message,
                delay_ms = delay.as_millis() as u64,
                "put off, no attempt counted"
            );
            "scheduled"
        }
        Ending::Cancelled { reason } => {
            tracing::info!(reason, "cancelled");
            "cancelled"
        }
        Ending::HandedBack => {
            tracing::info!("handed back");
            "ready"
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use proptest::prelude::*;

    use super::*;
    use crate::outcome::LONGEST_WAIT;

    proptest! {
        #[test]
        fn attempts_are_never_exceeded(attempt in 1i16..200, max_attempts in 1i16..100, random in 0.0f64..1.0) {
            let backoff = Backoff { base: Duration::from_secs(1), cap: Duration::from_secs(60) };
            let ran = Ran::MayRetry { failure: Failure::new("x", "y"), after: None };
            let standing = Standing { attempt, max_attempts, waited_for: Duration::ZERO };
            let ending = settle(ran, standing, backoff, random);
            prop_assert_eq!(matches!(ending, Ending::Retry { .. }), attempt < max_attempts);
        }

        #[test]
        fn a_wait_costs_no_attempt_however_many_there_were(attempt in 1i16..200, named in any::<Option<u16>>()) {
            let backoff = Backoff { base: Duration::from_secs(1), cap: Duration::from_secs(60) };
            let after = named.map(|secs| Duration::from_secs(secs.into()));
            let ran = Ran::MustWait { failure: Failure::new("upstream_busy", "y"), after };
            let standing = Standing { attempt, max_attempts: 1, waited_for: LONGEST_WAIT - Duration::from_secs(1) };
            let ending = settle(ran, standing, backoff, 0.5);
            let Ending::Wait { delay, .. } = ending else { panic!("must wait") };
            prop_assert!(delay >= after.unwrap_or_default());
        }

        #[test]
        fn a_named_time_is_never_shortened(after_ms in 0u64..10_000_000, random in 0.0f64..1.0) {
            let backoff = Backoff { base: Duration::from_secs(1), cap: Duration::from_secs(60) };
            let after = Duration::from_millis(after_ms);
            let ran = Ran::MayRetry { failure: Failure::new("x", "y"), after: Some(after) };
            let standing = Standing { attempt: 1, max_attempts: 5, waited_for: Duration::ZERO };
            let Ending::Retry { delay, .. } = settle(ran, standing, backoff, random) else { panic!("must retry") };
            prop_assert!(delay >= after);
        }
    }

    #[tokio::test]
    async fn a_panic_is_a_failure_that_may_pass() {
        let (_keep, halt) = watch::channel(Halt::No);
        let ran = attend(async { panic!("out of ideas") }.boxed(), Duration::from_secs(5), halt, &[]).await;
        let Some(Ran::MayRetry { failure, .. }) = ran else { panic!("must fail retryably") };
        assert_eq!((failure.class.as_str(), failure.message.as_str()), ("panic", "out of ideas"));
    }

    #[tokio::test]
    async fn a_deadline_ends_the_run() {
        let (_keep, halt) = watch::channel(Halt::No);
        let ran = attend(pending().boxed(), Duration::from_millis(1), halt, &[]).await;
        assert!(matches!(ran, Some(Ran::MayRetry { failure, .. }) if failure.class == "timeout"));
    }

    #[tokio::test]
    async fn a_lost_lease_writes_nothing() {
        let (halt, hears) = watch::channel(Halt::No);
        halt.send_replace(Halt::LeaseLost);
        assert!(attend(pending().boxed(), Duration::from_secs(5), hears, &[]).await.is_none());
    }

    /// A database that cannot be asked anything.
    fn away() -> Db {
        Db::connect("postgres://nobody@127.0.0.1:1/nothing", 1).expect("a URL")
    }

    /// What comes of a run that does not end in its minute, while a database is found silent after so many seconds, if at
    /// all.
    async fn unfinished(work: BoxFuture<'static, Ran>, silent_at: Option<u64>) -> &'static str {
        let (_keep, halt) = watch::channel(Halt::No);
        let database = away();
        let ran = attend(work, Duration::from_secs(60), halt, std::slice::from_ref(&database));
        let found = async {
            if let Some(secs) = silent_at {
                let never = pending::<Result<(), sqlx::Error>>();
                let silent = database.unless_silent(Duration::from_secs(secs), never).await;
                silent.expect_err("nothing was said");
            }
        };
        match futures_util::future::join(ran, found).await.0 {
            Some(Ran::MustWait { failure, after: None }) if failure.class == UNAVAILABLE => "waits",
            Some(Ran::MayRetry { failure, after: None }) if failure.class == "timeout" => "failed",
            _ => panic!("neither a wait nor a failure"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn time_that_a_silent_database_took_is_no_failure_and_a_slow_handlers_is() {
        let stands_still = || pending::<Ran>().boxed();
        assert_eq!(unfinished(stands_still(), None).await, "failed");
        assert_eq!(unfinished(stands_still(), Some(30)).await, "waits", "a neighbour's connection was dead");
        assert_eq!(unfinished(stands_still(), Some(64)).await, "waits", "its own turned out dead");
        assert_eq!(unfinished(stands_still(), Some(70)).await, "failed", "that is another matter");
        let heard_once_more = async {
            tokio::time::sleep(Duration::from_secs(40)).await;
            pending::<Ran>().await
        };
        assert_eq!(unfinished(heard_once_more.boxed(), Some(30)).await, "failed", "it was heard after that");
        let busy = async {
            for _ in 0..100 {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            pending::<Ran>().await
        };
        assert_eq!(unfinished(busy.boxed(), Some(62)).await, "failed", "it got on, and did not end");
    }

    #[tokio::test(start_paused = true)]
    async fn a_run_whose_time_is_over_hears_of_its_worker_also_while_the_database_is_looked_at() {
        let (halt, hears) = watch::channel(Halt::No);
        let database = away();
        let ran = attend(pending().boxed(), Duration::from_secs(60), hears, std::slice::from_ref(&database));
        let stopped = async {
            tokio::time::sleep(Duration::from_secs(61)).await;
            halt.send_replace(Halt::HandBack);
        };
        let (ran, ()) = futures_util::future::join(ran, stopped).await;
        assert!(matches!(ran, Some(Ran::Ended(Ending::HandedBack))));
    }
}
