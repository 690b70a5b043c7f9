//! The correlation id: taken from the request or made, known everywhere while the request is
//! answered, given to the jobs that it makes, and sent back with every answer.

use std::sync::Arc;

use axum::http::{HeaderMap, HeaderName};
use jobs::NewJob;
use uuid::Uuid;

/// The header that carries the id in both directions.
pub static HEADER: HeaderName = HeaderName::from_static("x-correlation-id");

/// The id of the request that is being answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CorrelationId(Arc<str>);

tokio::task_local! {
    static CURRENT: CorrelationId;
}

/// The id of the request whose task this is; a new one outside of any request.
pub fn current() -> CorrelationId {
    CURRENT.try_with(CorrelationId::clone).unwrap_or_else(|_| CorrelationId::new())
}

/// Runs a future under the id.
pub async fn scope<F: Future>(id: CorrelationId, future: F) -> F::Output {
    CURRENT.scope(id, future).await
}

/// The job as one that the current request made: it carries the request's correlation id and trace.
pub fn caused(job: NewJob) -> NewJob {
    let trace_parent = boot::telemetry::trace_parent_of_current_span();
    job.with_cause(current().as_str(), trace_parent.as_deref(), "api")
}

impl CorrelationId {
    fn new() -> CorrelationId {
        CorrelationId(Uuid::now_v7().to_string().into())
    }

    /// The caller's id when it is well-formed, else a new one: a bad id is no reason to refuse a request.
    pub fn of(headers: &HeaderMap) -> CorrelationId {
        headers
            .get(&HEADER)
            .and_then(|value| value.to_str().ok())
            .filter(|text| is_valid(text))
            .map_or_else(CorrelationId::new, |text| CorrelationId(text.into()))
    }

    /// The id as text: 1 to 128 letters, digits, dots, underscores, colons and hyphens.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_valid(text: &str) -> bool {
    (1..=128).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b':' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_malformed_id_is_replaced() {
        let mut headers = HeaderMap::new();
        headers.insert(&HEADER, "order:42_a.b-c".parse().expect("a header value"));
        assert_eq!(CorrelationId::of(&headers).as_str(), "order:42_a.b-c");
        for bad in ["", "a b", "{\"x\":1}", &"a".repeat(129)] {
            headers.insert(&HEADER, bad.parse().expect("a header value"));
            assert_ne!(CorrelationId::of(&headers).as_str(), bad);
        }
    }

    #[tokio::test]
    async fn the_id_is_known_within_its_scope_alone() {
        let id = CorrelationId::new();
        assert_eq!(scope(id.clone(), async { current() }).await, id);
        assert_ne!(current(), id);
    }
}
