//! Around every request: its correlation id, its span, and its line in the metrics. Neither query
//! strings nor bodies are noted.

use std::time::Instant;

use axum::{
    extract::{MatchedPath, Request},
    http::{HeaderMap, HeaderValue, Method},
    middleware::Next,
    response::Response,
};
use tracing::{Instrument, Span, field};

use crate::web::correlation::{self, CorrelationId};

/// Answers a request under its correlation id and span, and counts it by the path of its route.
pub async fn observe(request: Request, next: Next) -> Response {
    let started = Instant::now();
    let correlation_id = CorrelationId::of(request.headers());
    let method = method_name(request.method());
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "none".to_owned(), |path| path.as_str().to_owned());
    let span = span(method, &route, &correlation_id, request.headers());

    let answer = correlation::scope(correlation_id.clone(), next.run(request));
    let mut response = answer.instrument(span.clone()).await;

    let status = response.status();
    span.record("http.response.status_code", status.as_u16());
    span.in_scope(|| tracing::debug!(status = status.as_u16(), "answered"));
    let value = HeaderValue::from_str(correlation_id.as_str()).expect("a correlation id is a header value");
    response.headers_mut().insert(&correlation::HEADER, value);
    metrics::counter!("deskwork_http_requests_total", "route" => route.clone(), "method" => method,
        "status" => status.as_str().to_owned())
    .increment(1);
    metrics::histogram!("deskwork_http_request_seconds", "route" => route)
        .record(started.elapsed().as_secs_f64());
    response
}

fn span(method: &'static str, route: &str, correlation_id: &CorrelationId, headers: &HeaderMap) -> Span {
    let span = tracing::info_span!(
        "http_request",
        otel.name = %format_args!("{method} {route}"),
        otel.kind = "server",
        http.request.method = method,
        http.route = route,
        http.response.status_code = field::Empty,
        correlation_id = correlation_id.as_str(),
    );
    if let Some(parent) = headers.get("traceparent").and_then(|value| value.to_str().ok()) {
        boot::telemetry::set_parent(&span, parent);
    }
    span
}

/// The methods that exist, so that a caller cannot make up labels.
fn method_name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "OTHER",
    }
}
