//! Endpoints of partners: whatever is delivered to `/hooks/{name}` is kept with its headers, and answered with 204.

use std::sync::Arc;
use std::time::SystemTime;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use bytes::Bytes;

use super::{Play, lock};

/// Deliveries that are kept.
const MAX_DELIVERIES: usize = 200_000;

/// What an endpoint got.
#[derive(Debug, Clone)]
pub struct Delivered {
    /// The endpoint.
    pub name: String,
    /// `webhook-id`, `webhook-timestamp`, `webhook-signature`.
    pub headers: [String; 3],
    /// The body.
    pub body: Bytes,
    /// When it came.
    pub at: SystemTime,
}

pub(super) async fn take(
    State(play): State<Arc<Play>>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let header =
        |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let headers = [header("webhook-id"), header("webhook-timestamp"), header("webhook-signature")];
    let mut hooks = lock(&play.hooks);
    if hooks.len() < MAX_DELIVERIES {
        hooks.push(Delivered { name, headers, body, at: SystemTime::now() });
    }
    StatusCode::NO_CONTENT
}
