//! Segments and evaluations as answers show them.

use chrono::{DateTime, TimeDelta, Utc};
use marketing::segments::evaluate::Evaluation;
use marketing::segments::store::Segment;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

/// How long an evaluation may run before it counts as stuck, in minutes; longer than its job's deadline.
const STUCK_AFTER: TimeDelta = TimeDelta::minutes(10);

/// A segment.
#[derive(Debug, Serialize, ToSchema)]
pub struct SegmentView {
    /// The segment.
    pub id: Uuid,
    /// Unique name.
    pub name: String,
    /// For people.
    pub description: String,
    /// The rule as a tree.
    #[schema(value_type = Object)]
    pub rule: Value,
    /// The rule as a text; null when it was stored by another version of the program and is not understood.
    pub rule_text: Option<String>,
    /// Grows with every change.
    pub version: i32,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was changed.
    pub updated_at: DateTime<Utc>,
    /// When it was put away.
    pub archived_at: Option<DateTime<Utc>>,
    /// How the last evaluation went: never, running, stuck, done or failed.
    pub status: &'static str,
    /// Members, as of `computed_at`; null before the first evaluation is done.
    pub members: Option<i64>,
    /// When the members were found.
    pub computed_at: Option<DateTime<Utc>>,
    /// Whether the rule was changed since the members were found.
    pub outdated: bool,
    /// The last evaluation, whatever became of it.
    pub last_evaluation: Option<EvaluationView>,
}

/// A segment that was stored, and the job that evaluates it.
#[derive(Debug, Serialize, ToSchema)]
pub struct SavedSegment {
    /// The segment.
    #[serde(flatten)]
    pub segment: SegmentView,
    /// The evaluation, as in GET /api/jobs/{id}; null when there is nothing to evaluate yet.
    pub evaluation_job_id: Option<Uuid>,
}

/// An evaluation of a segment.
#[derive(Debug, Serialize, ToSchema)]
pub struct EvaluationView {
    /// The job that did it.
    pub job_id: Uuid,
    /// running, stuck, done or failed.
    pub state: &'static str,
    /// The run whose facts it saw.
    pub run_id: Option<Uuid>,
    /// How often rows of that run had been brought up to date.
    pub facts_version: Option<i64>,
    /// The version of the segment.
    pub rule_version: i32,
    /// Members afterwards.
    pub members: Option<i64>,
    /// Who were not members before.
    pub entered: Option<i64>,
    /// Who were members no more.
    pub left: Option<i64>,
    /// When its latest attempt began.
    pub started_at: DateTime<Utc>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
    /// How long it took, in milliseconds.
    pub took_ms: Option<i64>,
    /// Why it failed.
    pub error: Option<String>,
}

impl SegmentView {
    /// A segment as it is shown at `now`.
    pub fn of(segment: Segment, now: DateTime<Utc>) -> SegmentView {
        let rule_text = segment.parsed().map(|rule| rule.to_string());
        let last_evaluation = segment.last_evaluation.map(|evaluation| EvaluationView::of(evaluation, now));
        let computed = segment.computed.as_ref();
        SegmentView {
            id: segment.id.0,
            name: segment.name,
            description: segment.description,
            rule: segment.rule,
            rule_text,
            version: segment.version,
            created_at: segment.created_at,
            updated_at: segment.updated_at,
            archived_at: segment.archived_at,
            status: last_evaluation.as_ref().map_or("never", |evaluation| evaluation.state),
            members: computed.and_then(|evaluation| evaluation.members),
            computed_at: computed.and_then(|evaluation| evaluation.finished_at),
            outdated: computed.is_some_and(|evaluation| evaluation.rule_version != segment.version),
            last_evaluation,
        }
    }

    /// The tag: version, the last evaluation's latest moment, and how it stands.
    pub fn etag(&self) -> String {
        let at = self.last_evaluation.as_ref().map(|last| last.finished_at.unwrap_or(last.started_at));
        format!("\"v{}-{}-{}\"", self.version, at.map_or(0, |at| at.timestamp_micros()), self.status)
    }
}

impl EvaluationView {
    /// An evaluation as it is shown at `now`.
    pub fn of(evaluation: Evaluation, now: DateTime<Utc>) -> EvaluationView {
        let state = match evaluation.state.as_str() {
            "done" => "done",
            "failed" => "failed",
            _ if now - evaluation.started_at > STUCK_AFTER => "stuck",
            _ => "running",
        };
        EvaluationView {
            job_id: evaluation.id,
            state,
            run_id: evaluation.run,
            facts_version: evaluation.facts_version,
            rule_version: evaluation.rule_version,
            members: evaluation.members,
            entered: evaluation.entered,
            left: evaluation.departed,
            started_at: evaluation.started_at,
            finished_at: evaluation.finished_at,
            took_ms: evaluation.took_ms,
            error: evaluation.error,
        }
    }
}
