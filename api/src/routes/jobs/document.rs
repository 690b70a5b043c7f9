//! A job as callers see it, in every answer, list and event.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use jobs::{Priority, read::JobView};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{access, web::auth::Caller};

/// A job.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "0199c0de-7e1a-7c51-8f3a-2b9d5e6f7a81",
    "tenant_id": "0199c0de-0000-7000-8000-000000000001",
    "kind": "draft_reply",
    "queue": "ai",
    "priority": "high",
    "state": "done",
    "attempt": 1,
    "max_attempts": 6,
    "crashes": 0,
    "run_at": "2026-01-31T12:00:00Z",
    "progress": null,
    "result": {"message_count": 3, "drafter": "template"},
    "needs_scope": null,
    "error": null,
    "cancel_reason": null,
    "waits_for_slot": false,
    "queue_position": null,
    "correlation_id": "order-42",
    "origin": "webhook",
    "parent_id": null,
    "created_at": "2026-01-31T12:00:00Z",
    "started_at": "2026-01-31T12:00:00.003Z",
    "finished_at": "2026-01-31T12:00:00.120Z"
}))]
pub struct JobDocument<'a> {
    /// The job.
    pub id: Uuid,
    /// Whose it is.
    pub tenant_id: Uuid,
    /// Its kind.
    pub kind: Cow<'a, str>,
    /// Its queue.
    pub queue: Cow<'a, str>,
    /// urgent, high, normal or low.
    #[schema(value_type = String)]
    pub priority: Priority,
    /// scheduled, ready, running, retrying; or, at the end, done, dead or cancelled.
    pub state: &'static str,
    /// Attempts so far.
    pub attempt: i16,
    /// Attempts it may have.
    pub max_attempts: i16,
    /// Workers that died while they ran it.
    pub crashes: i16,
    /// When it was or is due.
    pub run_at: DateTime<Utc>,
    /// Progress as it was reported: `{done, total, message}`; of a job that is over what it reported last.
    pub progress: Option<Cow<'a, serde_json::Value>>,
    /// What it left, when done.
    pub result: Option<Cow<'a, serde_json::Value>>,
    /// The scope that the key lacks to be shown `result` and `payload` of this kind; null when it lacks none.
    pub needs_scope: Option<&'static str>,
    /// What failed last: `{class, message, fingerprint}`.
    pub error: Option<Cow<'a, serde_json::Value>>,
    /// Someone asked for its cancellation while it ran.
    pub cancel_reason: Option<Cow<'a, str>>,
    /// It waits for a slot of a concurrency limit.
    pub waits_for_slot: bool,
    /// How many jobs stand before it in its queue; known only while it is ready.
    pub queue_position: Option<u64>,
    /// Correlates it with what caused it.
    pub correlation_id: Cow<'a, str>,
    /// What caused it: api, webhook, schedule, job, ...
    pub origin: Cow<'a, str>,
    /// The job whose run created it.
    pub parent_id: Option<Uuid>,
    /// When it came into being.
    pub created_at: DateTime<Utc>,
    /// When its latest attempt started.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
    /// What it was given; only when `fields` asks for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payload: Option<Cow<'a, serde_json::Value>>,
}

/// The fields that `?fields=` may name.
pub const FIELDS: &[&str] = &[
    "id",
    "tenant_id",
    "kind",
    "queue",
    "priority",
    "state",
    "attempt",
    "max_attempts",
    "crashes",
    "run_at",
    "progress",
    "result",
    "needs_scope",
    "error",
    "cancel_reason",
    "waits_for_slot",
    "queue_position",
    "correlation_id",
    "origin",
    "parent_id",
    "created_at",
    "started_at",
    "finished_at",
    "payload",
];

impl<'a> JobDocument<'a> {
    /// The document of a job that somebody else still holds, as far as the caller may see it.
    pub fn of(view: &'a JobView, queue_position: Option<u64>, caller: &Caller) -> JobDocument<'a> {
        let withheld = access::withheld(caller, &view.kind);
        let shown = |value: &'a Option<serde_json::Value>| {
            value.as_ref().filter(|_| withheld.is_none()).map(Cow::Borrowed)
        };
        JobDocument {
            id: view.id,
            tenant_id: view.tenant_id,
            kind: Cow::Borrowed(&view.kind),
            queue: Cow::Borrowed(&view.queue),
            priority: Priority::from_rank(view.priority),
            state: view.state.as_str(),
            attempt: view.attempt,
            max_attempts: view.max_attempts,
            crashes: view.crashes,
            run_at: view.run_at,
            progress: view.progress.as_ref().map(Cow::Borrowed),
            result: shown(&view.result),
            needs_scope: withheld.map(accounts::api_keys::Scope::name),
            error: view.error.as_ref().map(Cow::Borrowed),
            cancel_reason: view.cancel_reason.as_deref().map(Cow::Borrowed),
            waits_for_slot: view.parked,
            queue_position,
            correlation_id: Cow::Borrowed(&view.correlation_id),
            origin: Cow::Borrowed(&view.origin),
            parent_id: view.parent_id,
            created_at: view.created_at,
            started_at: view.started_at,
            finished_at: view.finished_at,
            payload: shown(&view.payload),
        }
    }
}

#[cfg(test)]
mod tests {
    use accounts::api_keys::Scope;
    use database::ids::{KeyId, TenantId};

    use super::*;
    use crate::web::auth::Who;

    #[test]
    fn every_field_may_be_named() {
        let now = Utc::now();
        let view = JobView {
            id: Uuid::nil(),
            tenant_id: Uuid::nil(),
            kind: "probe".to_owned(),
            queue: "default".to_owned(),
            priority: 1,
            state: jobs::State::Done,
            attempt: 1,
            max_attempts: 5,
            crashes: 0,
            run_at: now,
            progress: None,
            result: None,
            error: None,
            cancel_reason: None,
            parked: false,
            correlation_id: "x".to_owned(),
            origin: "api".to_owned(),
            parent_id: None,
            created_at: now,
            started_at: None,
            finished_at: None,
            payload: Some(serde_json::json!({})),
        };
        let caller = Caller {
            tenant: TenantId(Uuid::nil()),
            who: Who::Key(KeyId::new()),
            scopes: vec![Scope::JobsRead],
            name: "test".to_owned(),
        };
        let document = serde_json::to_value(JobDocument::of(&view, None, &caller)).expect("plain data");
        let mut names: Vec<&str> =
            document.as_object().expect("an object").keys().map(String::as_str).collect();
        let mut fields = FIELDS.to_vec();
        names.sort_unstable();
        fields.sort_unstable();
        assert_eq!(names, fields);
        assert_eq!(document["priority"], "high");
    }
}
