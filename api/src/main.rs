//! The process `api`: serves until it is asked to end, or runs one of the subcommands.

use std::{net::SocketAddr, process::ExitCode, time::Duration};

use anyhow::Context;
use api::{commands, router, settings, settings::Settings, state::AppState};
use axum::serve::ListenerExt;
use boot::{Process, Telemetry};
use tokio::net::TcpListener;

static PROCESS: Process =
    Process { name: "api", version: env!("CARGO_PKG_VERSION"), settings: settings::SETTINGS };

/// How long requests under way may take after the process was asked to end.
const GRACE: Duration = Duration::from_secs(20);

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        None | Some("--settings" | "--version") => boot::run(&PROCESS, Settings::from_env, serve),
        Some(_) => commands::run(&arguments),
    }
}

async fn serve(settings: Settings, telemetry: Telemetry) -> anyhow::Result<()> {
    let ending = boot::shutdown::on_signal().context("signals cannot be listened for")?;
    let bind = settings.bind;
    let state = AppState::connect(settings, telemetry, ending.clone())?;
    let listener = TcpListener::bind(bind).await.with_context(|| format!("cannot listen on {bind}"))?;
    tracing::info!(address = %listener.local_addr()?, "listening");
    // Answers are small and written at once: waiting for more to send would only delay them.
    let listener = listener.tap_io(|connection| {
        if let Err(error) = connection.set_nodelay(true) {
            tracing::debug!(%error, "a connection keeps its delay");
        }
    });
    let service = router(state).into_make_service_with_connect_info::<SocketAddr>();
    let server = axum::serve(listener, service).with_graceful_shutdown(ending.clone().cancelled_owned());
    tokio::select! {
        served = server => served.context("serving failed"),
        () = grace_is_over(ending) => {
            tracing::warn!(secs = GRACE.as_secs(), "requests were still under way when the grace period ended");
            Ok(())
        }
    }
}

async fn grace_is_over(ending: tokio_util::sync::CancellationToken) {
    ending.cancelled().await;
    tokio::time::sleep(GRACE).await;
}
