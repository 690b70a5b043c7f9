//! Errors as callers see them: RFC 9457 problem documents. What went wrong inside stays in the log,
//! which carries the same correlation id.

use std::{borrow::Cow, time::Duration};

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use database::DbError;
use jobs::QueueError;
use jobs::contract::Unfit;
use serde::Serialize;
use utoipa::ToSchema;

use crate::web::correlation;
use crate::web::plain::plain;

/// How long a caller should wait while the database is away, in seconds.
const RETRY_AFTER_SECS: u64 = 2;

/// How long a caller should wait while scans are under way, in seconds.
const RETRY_SCAN_AFTER_SECS: u64 = 5;

/// A refusal on its way to the caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The HTTP status.
    pub status: StatusCode,
    /// The last part of the problem's type.
    pub kind: &'static str,
    /// The kind of problem in words.
    pub title: &'static str,
    /// What is wrong this time, and what would be right.
    pub detail: Cow<'static, str>,
    /// The field, parameter or header at fault.
    pub field: Option<Cow<'static, str>>,
    /// When to try again, in seconds.
    pub retry_after_secs: Option<u64>,
    /// What else the caller needs to go on, as members of the document.
    pub more: Option<Box<serde_json::Map<String, serde_json::Value>>>,
}

/// The body of every answer with a status of 400 or more.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "type": "urn:deskwork:problem:bad-request",
    "title": "The request is not valid",
    "status": 400,
    "detail": "there is no field `priorty` here; there are kind, payload, priority",
    "field": "priorty",
    "correlation_id": "0199c0de-7e1a-7c51-8f3a-2b9d5e6f7a81"
}))]
pub struct ProblemDocument {
    /// Names the kind of problem for programs.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind of problem in words.
    pub title: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// What is wrong this time.
    pub detail: String,
    /// The field, parameter or header at fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// The request's correlation id; the log has more under it.
    pub correlation_id: String,
}

impl Problem {
    fn new(
        status: StatusCode,
        kind: &'static str,
        title: &'static str,
        detail: impl Into<Cow<'static, str>>,
    ) -> Problem {
        Problem {
            status,
            kind,
            title,
            detail: detail.into(),
            field: None,
            retry_after_secs: None,
            more: None,
        }
    }

    /// 400: a field, parameter or header is not as it should be.
    pub fn bad_request(field: impl Into<Cow<'static, str>>, detail: impl Into<Cow<'static, str>>) -> Problem {
        Problem::new(StatusCode::BAD_REQUEST, "bad-request", "The request is not valid", detail).at(field)
    }

    /// 401: no credential, or not a valid one; which of the two is not said.
    pub fn unauthenticated() -> Problem {
        Problem::new(
            StatusCode::UNAUTHORIZED,
            "unauthenticated",
            "A valid credential is needed",
            "send a valid API key as X-API-Key or as Authorization: Bearer, or sign in at /api/auth/login and send the \
             access token as Authorization: Bearer",
        )
    }

    /// 401: what was to sign somebody in does not; why is not said, so that nobody learns who exists.
    pub fn not_signed_in(detail: &'static str) -> Problem {
        Problem { detail: detail.into(), ..Problem::unauthenticated() }
    }

    /// 503: as many passwords are being checked as may be.
    pub fn passwords_are_busy() -> Problem {
        Problem {
            detail: "too many passwords are being checked at once; try again after the time in Retry-After"
                .into(),
            ..Problem::unavailable()
        }
    }

    /// 403: the credential may not do this.
    pub fn forbidden(detail: impl Into<Cow<'static, str>>) -> Problem {
        Problem::new(StatusCode::FORBIDDEN, "forbidden", "The credential may not do this", detail)
    }

    /// 404: there is no such thing, or it is somebody else's.
    pub fn not_found(detail: impl Into<Cow<'static, str>>) -> Problem {
        Problem::new(StatusCode::NOT_FOUND, "not-found", "There is no such thing", detail)
    }

    /// 405: the path exists, not with this method.
    pub fn method_not_allowed() -> Problem {
        Problem::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method-not-allowed",
            "The method is not allowed here",
            "the Allow header lists the methods of this path",
        )
    }

    /// 409: the thing is not in a state for this.
    pub fn conflict(detail: impl Into<Cow<'static, str>>) -> Problem {
        Problem::new(StatusCode::CONFLICT, "conflict", "The state does not allow this", detail)
    }

    /// 412: somebody changed the thing since the caller looked. `current` is how it is now.
    pub fn precondition_failed(current: serde_json::Value) -> Problem {
        let detail = "somebody changed it since its ETag was read; look at `current`, and send its ETag";
        Problem::new(
            StatusCode::PRECONDITION_FAILED,
            "precondition-failed",
            "It was changed in the meantime",
            detail,
        )
        .at("If-Match")
        .with("current", current)
    }

    /// 413: a text is longer than is taken.
    pub fn too_long(field: impl Into<Cow<'static, str>>, limit_chars: usize) -> Problem {
        let detail = format!("at most {limit_chars} characters are taken");
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", "The request is too large", detail).at(field)
    }

    /// 413: the body, or a field of it, is too large.
    pub fn too_large(field: &'static str, limit_bytes: usize) -> Problem {
        let detail = format!("at most {limit_bytes} bytes are taken");
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", "The request is too large", detail).at(field)
    }

    /// 415: not a content type that is understood here.
    pub fn unsupported_media_type(expected: &'static str) -> Problem {
        let detail = format!("send {expected}");
        Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported-media-type",
            "The content type is not understood",
            detail,
        )
        .at("Content-Type")
    }

    /// 422: well-formed, but it cannot be done as asked.
    pub fn unprocessable(
        field: impl Into<Cow<'static, str>>,
        detail: impl Into<Cow<'static, str>>,
    ) -> Problem {
        Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "unprocessable",
            "The request cannot be carried out",
            detail,
        )
        .at(field)
    }

    /// 429: a limit is used up for that long.
    pub fn too_many_requests(detail: impl Into<Cow<'static, str>>, retry_after_secs: u64) -> Problem {
        Problem {
            retry_after_secs: Some(retry_after_secs),
            ..Problem::new(
                StatusCode::TOO_MANY_REQUESTS,
                "too-many-requests",
                "The rate limit is reached",
                detail,
            )
        }
    }

    /// 500: our fault; the log says more.
    pub fn internal() -> Problem {
        Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "The server failed",
            "the request failed for a reason that is ours; it was noted under the correlation id",
        )
    }

    /// 503: the database is away for the moment.
    pub fn unavailable() -> Problem {
        Problem {
            retry_after_secs: Some(RETRY_AFTER_SECS),
            ..Problem::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "unavailable",
                "The service is unavailable for the moment",
                "try again after the time in Retry-After; what was to be changed may have been changed although \
                 the answer was lost, so send the same Idempotency-Key where there is one",
            )
        }
    }

    /// 503: the database did not say in time whether it stored what the request asked for.
    pub fn unanswered() -> Problem {
        Problem {
            detail: "whether the request was stored is not known; repeat it after the time in Retry-After with the \
                     same Idempotency-Key (a webhook delivery as it is), and it is carried out once"
                .into(),
            ..Problem::unavailable()
        }
    }

    /// 503: as many reads that scan are under way as may be.
    pub fn scans_are_busy(at_once: usize) -> Problem {
        Problem {
            detail: format!(
                "{at_once} reads that scan (previews of segments, analytics, lists of customers) are under way, and \
                 no more run at once; try again after the time in Retry-After"
            )
            .into(),
            retry_after_secs: Some(RETRY_SCAN_AFTER_SECS),
            ..Problem::unavailable()
        }
    }

    /// 503: the answer did not come within the time that a request may take.
    pub fn late(limit: Duration) -> Problem {
        Problem {
            detail: format!(
                "the request was given up after {} s; what was to be changed may have been changed, so look before \
                 sending it again, or send the same Idempotency-Key",
                limit.as_secs_f64()
            )
            .into(),
            ..Problem::unavailable()
        }
    }

    /// 408: the body stopped coming.
    pub fn body_stalled() -> Problem {
        Problem::new(
            StatusCode::REQUEST_TIMEOUT,
            "request-timeout",
            "The request was not sent in time",
            "the body stopped coming before it was complete",
        )
        .at("body")
    }

    /// Names the field, parameter or header at fault.
    #[must_use]
    pub fn at(mut self, field: impl Into<Cow<'static, str>>) -> Problem {
        self.field = Some(field.into());
        self
    }

    /// Adds a member to the document.
    #[must_use]
    pub fn with(mut self, name: &str, value: serde_json::Value) -> Problem {
        self.more.get_or_insert_default().insert(name.to_owned(), value);
        self
    }

    /// Puts the place of a part before the field: `jobs[3]` and `kind` make `jobs[3].kind`.
    #[must_use]
    pub fn within(mut self, place: &str) -> Problem {
        self.field = Some(match self.field {
            Some(field) => format!("{place}.{field}").into(),
            None => place.to_owned().into(),
        });
        self
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let document = ProblemDocument {
            kind: format!("urn:deskwork:problem:{}", self.kind),
            title: self.title,
            status: self.status.as_u16(),
            detail: self.detail.into_owned(),
            field: self.field.map(Cow::into_owned),
            correlation_id: correlation::current().as_str().to_owned(),
        };
        let mut body = serde_json::to_value(&document).expect("a problem document is plain text");
        if let (Some(members), Some(more)) = (body.as_object_mut(), self.more) {
            members.extend(*more);
        }
        let body = serde_json::to_vec(&body).expect("a problem document is plain data");
        let mut response = (self.status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"deskwork\""));
        }
        if let Some(secs) = self.retry_after_secs {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(secs));
        }
        response
    }
}

impl From<DbError> for Problem {
    fn from(error: DbError) -> Problem {
        if matches!(error, DbError::Unanswered(_)) {
            tracing::warn!(%error, "the database did not answer a commit");
            return Problem::unanswered();
        }
        if error.is_transient() {
            tracing::warn!(%error, "the database did not answer a request");
            return Problem::unavailable();
        }
        if error.is_bad_value() {
            tracing::error!(%error, "a value came past the door that the database cannot store");
            return Problem::unprocessable("body", "a value in the request cannot be stored or compared");
        }
        tracing::error!(%error, "the database refused what a request needed");
        Problem::internal()
    }
}

impl From<sqlx::Error> for Problem {
    fn from(error: sqlx::Error) -> Problem {
        DbError::from(error).into()
    }
}

impl From<QueueError> for Problem {
    fn from(error: QueueError) -> Problem {
        match error {
            QueueError::Ledger(error) => error.into(),
            QueueError::Dispatch(error) => {
                tracing::warn!(%error, "redis did not answer a request");
                Problem::unavailable()
            }
            QueueError::Contended { .. } | QueueError::Unsettled(_) => Problem::unavailable(),
            QueueError::PayloadTooLarge { .. } => Problem::too_large("payload", jobs::MAX_PAYLOAD_BYTES),
            QueueError::BadPayload { unfit: Unfit { field: Some(field), reason }, .. } => {
                Problem::bad_request(field, reason)
            }
            QueueError::BadPayload { unfit, .. } => {
                Problem::bad_request("payload", plain(&unfit.reason, None, None))
            }
            QueueError::UnknownKind(_) => {
                Problem::bad_request("kind", "there is no such kind; GET /api/kinds lists them")
            }
            QueueError::BadKey { field } => Problem::bad_request(field, "must have 1 to 200 bytes"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_parts_are_named_in_full() {
        let problem = Problem::bad_request("kind", "x").within("jobs[3]");
        assert_eq!(problem.field.as_deref(), Some("jobs[3].kind"));
        assert_eq!(Problem::conflict("x").within("jobs[3]").field.as_deref(), Some("jobs[3]"));
    }

    #[test]
    fn what_fails_inside_is_not_told() {
        let secret = "password authentication failed for user";
        let problem = Problem::from(sqlx::Error::Configuration(secret.into()));
        assert_eq!(problem, Problem::internal());
        let problem = Problem::from(sqlx::Error::PoolTimedOut);
        assert_eq!((problem.status, problem.retry_after_secs), (StatusCode::SERVICE_UNAVAILABLE, Some(2)));
    }
}
