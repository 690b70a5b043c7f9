//! The table of handlers by kind. A handler is an ordinary async function from the context and the
//! decoded payload to an outcome; what it does not have to know is done here.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use futures_util::{FutureExt, future::BoxFuture};
use jobs::{
    JobKind, MAX_RESULT_BYTES, Policy,
    contract::Rerun,
    ledger::{Claimed, Ending, Failure},
};

use crate::{
    context::Ctx,
    outcome::{Outcome, Stop},
};

/// What a handler came to, before its attempts are looked at.
pub(super) enum Ran {
    /// It ended.
    Ended(Ending),
    /// It failed and may be tried again, after the given time or the kind's backoff.
    MayRetry { failure: Failure, after: Option<Duration> },
    /// Something that it needs is not there; it comes back after the given time or one of ours.
    MustWait { failure: Failure, after: Option<Duration> },
}

/// The handlers of a process.
#[derive(Default)]
pub struct Handlers {
    by_kind: HashMap<&'static str, Handler>,
}

/// A handler, its type forgotten.
pub(super) struct Handler {
    pub(super) kind: &'static str,
    pub(super) policy: Policy,
    run: Box<Run>,
}

/// A handler function with its decoding and classifying around it.
type Run = dyn Fn(Ctx, &Claimed) -> BoxFuture<'static, Ran> + Send + Sync;

impl Handlers {
    /// Adds the handler of a kind, with what it shares between its runs.
    #[must_use]
    pub fn with<K, A, F, R>(mut self, app: &Arc<A>, handle: F) -> Handlers
    where
        K: JobKind,
        A: Send + Sync + 'static,
        F: Fn(Ctx, Arc<A>, K) -> R + Send + Sync + Copy + 'static,
        R: Future<Output = Outcome<K::Output>> + Send + 'static,
    {
        let app = app.clone();
        let run = move |ctx: Ctx, job: &Claimed| -> BoxFuture<'static, Ran> {
            match decode::<K>(job) {
                Ok(payload) => {
                    let app = app.clone();
                    async move { classify::<K>(handle(ctx, app, payload).await) }.boxed()
                }
                Err(reason) if job.payload_version > K::VERSION => {
                    // A newer process enqueued it, in the middle of a deploy.
                    let failure = Failure::new("payload_newer", &reason);
                    futures_util::future::ready(Ran::MustWait { failure, after: None }).boxed()
                }
                Err(reason) => {
                    let failure = Failure::new("undecodable_payload", &reason);
                    futures_util::future::ready(Ran::Ended(Ending::Dead { failure })).boxed()
                }
            }
        };
        // There from the start: an alert on its growth does not see a counter that is born at 1.
        metrics::counter!("deskwork_job_transitions_total", "queue" => K::POLICY.queue, "kind" => K::KIND, "to" => "dead")
            .increment(0);
        self.by_kind.insert(K::KIND, Handler { kind: K::KIND, policy: K::POLICY, run: Box::new(run) });
        self
    }

    /// The queues of all kinds, in order.
    pub fn queues(&self) -> BTreeSet<&'static str> {
        self.by_kind.values().map(|handler| handler.policy.queue).collect()
    }

    /// The kinds that run again when they are asked for while they run.
    pub(super) fn reruns(&self) -> Vec<&'static str> {
        let handlers = self.by_kind.values();
        handlers.filter(|handler| handler.policy.rerun != Rerun::Never).map(|handler| handler.kind).collect()
    }

    pub(super) fn find(&self, kind: &str) -> Option<&Handler> {
        self.by_kind.get(kind)
    }
}

impl Handler {
    pub(super) fn run(&self, ctx: Ctx, job: &Claimed) -> BoxFuture<'static, Ran> {
        (self.run)(ctx, job)
    }
}

/// Reads the payload, through the kind's upgrade when an older version wrote it. A payload that cannot
/// be read quarantines this one job.
fn decode<K: JobKind>(job: &Claimed) -> Result<K, String> {
    if job.payload_version == K::VERSION {
        return serde_json::from_str(job.payload.get()).map_err(|error| told(&error));
    }
    let payload = serde_json::from_str(job.payload.get()).map_err(|error| told(&error))?;
    K::upgrade(job.payload_version, payload)
}

/// What does not fit, without the payload's own words, which may be a customer's.
fn told(error: &serde_json::Error) -> String {
    let text = error.to_string();
    if text.starts_with("missing field") {
        return text;
    }
    format!("the payload is not what the kind expects, at line {} column {}", error.line(), error.column())
}

fn classify<K: JobKind>(outcome: Outcome<K::Output>) -> Ran {
    match outcome {
        Ok(success) => match serde_json::value::to_raw_value(&success.output) {
            Ok(result) if result.get().len() <= MAX_RESULT_BYTES => {
                let empty = matches!(result.get(), "null");
                Ran::Ended(Ending::Done { result: (!empty).then_some(result), then: success.then })
            }
            Ok(result) => {
                let message = format!(
                    "the result has {} bytes, at most {MAX_RESULT_BYTES} are kept",
                    result.get().len()
                );
                Ran::Ended(Ending::Dead { failure: Failure::new("result_too_large", &message) })
            }
            Err(error) => {
                Ran::Ended(Ending::Dead { failure: Failure::new("result_unwritable", &error.to_string()) })
            }
        },
        Err(Stop::Snooze(delay)) => Ran::Ended(Ending::Snooze { delay }),
        Err(Stop::Wait { failure, after }) => Ran::MustWait { failure, after },
        Err(Stop::Cancel(reason)) => Ran::Ended(Ending::Cancelled { reason }),
        Err(Stop::Retry { failure, after }) => Ran::MayRetry { failure, after },
        Err(Stop::Fail(failure)) => Ran::Ended(Ending::Dead { failure }),
    }
}
