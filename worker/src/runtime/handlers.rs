//! The table of handlers by kind. A handler is an ordinary async function from the context and the
//! decoded payload to an outcome; what it does not have to know is done here.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use database::Db;
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
    databases: Vec<Db>,
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
            match decode::<K>(job.payload_version, job.payload.get()) {
                Ok(payload) => {
                    let app = app.clone();
                    async move { classify::<K>(handle(ctx, app, payload).await) }.boxed()
                }
                Err(unread) => futures_util::future::ready(unread).boxed(),
            }
        };
        // There from the start: an alert on its growth does not see a counter that is born at 1.
        metrics::counter!("deskwork_job_transitions_total", "queue" => K::POLICY.queue, "kind" => K::KIND, "to" => "dead")
            .increment(0);
        self.by_kind.insert(K::KIND, Handler { kind: K::KIND, policy: K::POLICY, run: Box::new(run) });
        self
    }

    /// Names the databases that the handlers ask: a run whose time is over while one of them is silent has not failed.
    #[must_use]
    pub fn asking<'a>(mut self, databases: impl IntoIterator<Item = &'a Db>) -> Handlers {
        self.databases.extend(databases.into_iter().cloned());
        self
    }

    /// The databases that the handlers ask.
    pub(super) fn databases(&self) -> &[Db] {
        &self.databases
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

/// Reads the payload, through the kind's upgrade when an older version wrote it. One that a newer process wrote, in the
/// middle of a deploy, waits for a worker that knows its version, however well it could be read here: what its fields mean
/// may have changed. A payload that cannot be read quarantines this one job.
fn decode<K: JobKind>(version: i16, payload: &str) -> Result<K, Ran> {
    if version > K::VERSION {
        let reason = format!("the payload has version {version}, this worker reads {} at most", K::VERSION);
        return Err(Ran::MustWait { failure: Failure::new("payload_newer", &reason), after: None });
    }
    let read = if version == K::VERSION {
        serde_json::from_str(payload).map_err(|error| told(&error))
    } else {
        serde_json::from_str(payload)
            .map_err(|error| told(&error))
            .and_then(|payload| K::upgrade(version, payload))
    };
    read.map_err(|reason| Ran::Ended(Ending::Dead { failure: Failure::new("undecodable_payload", &reason) }))
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

#[cfg(test)]
mod tests {
    use jobs::contract::{Access, Backoff, Priority};
    use serde::{Deserialize, Serialize};
    use serde_json::Value;

    use super::*;

    /// A kind that reads whatever it is given.
    #[derive(Clone, Debug, Serialize, Deserialize)]
    struct Lenient {}

    impl JobKind for Lenient {
        type Output = ();
        const KIND: &'static str = "lenient";
        const VERSION: i16 = 2;
        const POLICY: Policy = Policy {
            queue: "default",
            priority: Priority::Normal,
            max_attempts: 1,
            backoff: Backoff { base: Duration::from_secs(1), cap: Duration::from_secs(1) },
            deadline: Duration::from_secs(1),
            key_limit: 1,
            access: Access::Operator,
            rerun: Rerun::Never,
        };

        fn upgrade(_: i16, _: Value) -> Result<Lenient, String> {
            Ok(Lenient {})
        }
    }

    #[test]
    fn what_a_newer_process_wrote_waits_also_where_it_could_be_read() {
        for (version, payload, class) in [
            (1, "{}", None),
            (2, "{}", None),
            (3, "{}", Some("payload_newer")),
            (3, "[", Some("payload_newer")),
            (2, "[", Some("undecodable_payload")),
        ] {
            let came = match decode::<Lenient>(version, payload) {
                Ok(_) => None,
                Err(Ran::MustWait { failure, after: None }) => {
                    assert_eq!(failure.class, "payload_newer");
                    Some(failure.class)
                }
                Err(Ran::Ended(Ending::Dead { failure })) => Some(failure.class),
                Err(_) => panic!("neither a wait nor a dead letter"),
            };
            assert_eq!(came.as_deref(), class, "version {version} of {payload}");
        }
    }
}
