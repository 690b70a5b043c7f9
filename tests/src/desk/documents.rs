//! What the api answers, as far as programs look at it, and what goes wrong on the way.

use std::time::Duration;

use reqwest::{StatusCode, header};
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

/// Why a request did not do what it was for.
#[derive(Debug, thiserror::Error)]
pub enum DeskError {
    /// No answer came.
    #[error("no answer to {call}: {source}")]
    NoAnswer {
        /// Method and path.
        call: String,
        /// Why.
        source: reqwest::Error,
    },
    /// The api refused.
    #[error("{call} answered {status}: {}", problem["detail"].as_str().unwrap_or("no reason"))]
    Refused {
        /// Method and path.
        call: String,
        /// The HTTP status.
        status: StatusCode,
        /// The problem document.
        problem: Value,
        /// After how long to come back, when the answer says so.
        retry_after: Option<Duration>,
    },
    /// The answer is not what was expected.
    #[error("{call} answered in a form that is not understood: {source}")]
    NotUnderstood {
        /// Method and path.
        call: String,
        /// Why.
        source: serde_json::Error,
    },
    /// A job did not end in time.
    #[error("job {id} was still {state} after {waited:?}")]
    StillUnderWay {
        /// The job.
        id: Uuid,
        /// Its state.
        state: String,
        /// How long it was waited for.
        waited: Duration,
    },
}

impl DeskError {
    /// Whether the same request may succeed a little later: no answer, 429, or 5xx.
    pub fn is_worth_repeating(&self) -> bool {
        match self {
            DeskError::NoAnswer { .. } => true,
            DeskError::Refused { status, .. } => {
                status.is_server_error() || *status == StatusCode::TOO_MANY_REQUESTS
            }
            DeskError::NotUnderstood { .. } | DeskError::StillUnderWay { .. } => false,
        }
    }

    /// The status of a refusal.
    pub fn status(&self) -> Option<StatusCode> {
        match self {
            DeskError::Refused { status, .. } => Some(*status),
            _ => None,
        }
    }
}

/// An answer of any success.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: StatusCode,
    /// The headers.
    pub headers: header::HeaderMap,
    /// The JSON body; null when there is none.
    pub body: Value,
}

/// A job that was put into the queue.
#[derive(Clone, Debug, Deserialize)]
pub struct Enqueued {
    /// The job.
    pub job_id: Uuid,
    /// Where it stood then.
    pub state: String,
    /// False when an unfinished one stands in for it.
    pub created: bool,
}

/// A job, with what programs look at.
#[derive(Clone, Debug, Deserialize)]
pub struct Job {
    /// The job.
    pub id: Uuid,
    /// Its kind.
    pub kind: String,
    /// Its queue.
    pub queue: String,
    /// scheduled, ready, running, retrying, done, dead or cancelled.
    pub state: String,
    /// Attempts so far.
    pub attempt: i16,
    /// Workers that died while they ran it.
    pub crashes: i16,
    /// `{done, total, message}` while it reports progress.
    pub progress: Option<Value>,
    /// What it left, when done.
    pub result: Option<Value>,
    /// What failed last: `{class, message, fingerprint}`.
    pub error: Option<Value>,
    /// When it came into being.
    pub created_at: chrono::DateTime<chrono::Utc>,
    /// When its latest attempt started.
    pub started_at: Option<chrono::DateTime<chrono::Utc>>,
    /// When it ended.
    pub finished_at: Option<chrono::DateTime<chrono::Utc>>,
}

impl Job {
    /// Whether it has ended.
    pub fn is_finished(&self) -> bool {
        matches!(self.state.as_str(), "done" | "dead" | "cancelled")
    }
}

/// What the sender of a webhook is told.
#[derive(Clone, Debug, Deserialize)]
pub struct Delivery {
    /// The delivery.
    pub delivery_id: Uuid,
    /// `queued` or `skipped`.
    pub decision: String,
    /// Why it was skipped.
    pub skip_reason: Option<String>,
    /// Our ticket.
    pub ticket_id: Option<Uuid>,
    /// The job that drafts.
    pub job_id: Option<Uuid>,
}
