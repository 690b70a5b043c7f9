//! Requests end: a body that stops coming, and an answer that does not come, are given up after a time.
//!
//! What is bounded is the time until an answer begins. A stream of events goes on after that for as long as its
//! client listens, and a client that waits for a job gets its answer well within the time. Uploads may be long and
//! have a time of their own.

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
};
use tower_http::timeout::TimeoutBody;

use crate::{settings::Patience, web::problem::Problem};

/// The paths of uploads, which take as long as their senders' lines.
const UPLOADS: [&str; 2] = ["/api/orders/import", "/api/orders/import/preview"];

/// Puts the times around every route of the router.
pub fn apply(router: Router, patience: Patience) -> Router {
    router.layer(from_fn_with_state(patience, bound))
}

async fn bound(State(patience): State<Patience>, request: Request, next: Next) -> Response {
    let limit = if UPLOADS.contains(&request.uri().path()) { patience.upload } else { patience.request };
    let request = request.map(|body| Body::new(TimeoutBody::new(patience.body, body)));
    match tokio::time::timeout(limit, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Problem::late(limit).into_response(),
    }
}
