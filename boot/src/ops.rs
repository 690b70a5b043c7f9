//! The operators' port of processes that serve nobody else: metrics and health. It is off unless
//! [`SETTING`] names an address.

use std::net::SocketAddr;

use axum::{
    Router,
    http::{StatusCode, header::CONTENT_TYPE},
    response::IntoResponse,
    routing::get,
};
use tokio_util::sync::CancellationToken;

use crate::{Setting, SettingError, Telemetry, env, place};

/// The setting, for a process's table.
pub const SETTING: Setting = Setting {
    name: "DESK_OPS_BIND",
    default: Some(""),
    meaning: "address and port for /metrics, /health/live and /health/ready, e.g. `127.0.0.1:9100`",
    secret: false,
};

/// The address that [`SETTING`] names, if any.
///
/// # Errors
/// It is not an address with a port.
pub fn bind_from_env() -> Result<Option<SocketAddr>, SettingError> {
    env::maybe(SETTING.name, "an address with a port, e.g. 127.0.0.1:9100")
}

/// The content type of Prometheus' text format.
const METRICS_CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Serves until `end` is cancelled, in a task of its own, and returns the address (of use when the
/// port was 0). `ready` says why the process is not ready, or what should be done although it is; it must not block.
///
/// # Errors
/// The address cannot be bound.
pub async fn start(
    bind: SocketAddr,
    telemetry: Telemetry,
    ready: impl Fn() -> Result<Option<String>, String> + Clone + Send + Sync + 'static,
    end: CancellationToken,
) -> Result<SocketAddr, SettingError> {
    let listener = place::listen(SETTING.name, bind).await?;
    // The port that was given, when any was asked for.
    let address = listener.local_addr().unwrap_or(bind);
    let routes = Router::new()
        .route(
            "/metrics",
            get(async move || ([(CONTENT_TYPE, METRICS_CONTENT_TYPE)], telemetry.render_metrics())),
        )
        .route("/health/live", get("alive\n"))
        .route(
            "/health/ready",
            get(async move || match ready() {
                Ok(None) => (StatusCode::OK, "ready\n".to_owned()).into_response(),
                Ok(Some(advice)) => (StatusCode::OK, format!("ready\n{advice}\n")).into_response(),
                Err(reason) => (StatusCode::SERVICE_UNAVAILABLE, format!("{reason}\n")).into_response(),
            }),
        );
    tokio::spawn(async move {
        let served = axum::serve(listener, routes).with_graceful_shutdown(end.cancelled_owned()).await;
        if let Err(error) = served {
            tracing::error!(%error, "the operators' port ended");
        }
    });
    tracing::info!(%address, "metrics and health are served");
    Ok(address)
}
