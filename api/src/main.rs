//! The process `api`: serves until it is asked to end, or runs one of the subcommands.

use std::{process::ExitCode, time::Duration};

use anyhow::Context;
use api::{commands, router, serve, settings, settings::Settings, state::AppState};
use boot::{Process, Telemetry, place};

static PROCESS: Process =
    Process { name: "api", version: env!("CARGO_PKG_VERSION"), settings: settings::SETTINGS };

/// How long requests under way may take after the process was asked to end.
const GRACE: Duration = Duration::from_secs(20);

/// How long the last lines of the trail may take.
const FLUSH: Duration = Duration::from_secs(3);

fn main() -> ExitCode {
    match commands::read(std::env::args_os()) {
        Ok(Some(command)) => commands::run(command),
        Ok(None) => boot::run(&PROCESS, Settings::from_env, run),
        Err(code) => code,
    }
}

async fn run(settings: Settings, telemetry: Telemetry) -> anyhow::Result<()> {
    let ending = boot::shutdown::on_signal().context("signals cannot be listened for")?;
    let bind = settings.bind;
    place::folder_to_write("DESK_IMPORT_DIR", &settings.import_dir)?;
    place::folder_to_write("DESK_FILES_DIR", &settings.files_dir)?;
    let state = AppState::connect(settings, telemetry, ending.clone())?;
    let patience = state.settings.patience;
    let views = state.views.clone();
    tokio::spawn(jobs::clock::watch(state.store.clone()));
    let listener = place::listen("DESK_BIND", bind).await?;
    tracing::info!(address = %listener.local_addr()?, "listening");
    tokio::select! {
        () = serve::serve(listener, router(state), patience, ending.clone()) => {}
        () = grace_is_over(ending) => {
            tracing::warn!(secs = GRACE.as_secs(), "requests were still under way when the grace period ended");
        }
    }
    // What the last requests looked at; bounded, because the database may be what ended the process.
    let _ = tokio::time::timeout(FLUSH, views.flush()).await;
    Ok(())
}

async fn grace_is_over(ending: tokio_util::sync::CancellationToken) {
    ending.cancelled().await;
    tokio::time::sleep(GRACE).await;
}
