//! The process `api`: serves until it is asked to end, or runs one of the subcommands.

use std::{pin::pin, process::ExitCode, time::Duration};

use accounts::master_key;
use anyhow::Context;
use api::{commands, router, serve, settings, settings::Settings, state::AppState};
use boot::{Process, SettingError, Telemetry, env, place};

static PROCESS: Process =
    Process { name: "api", version: env!("CARGO_PKG_VERSION"), settings: settings::SETTINGS };

/// How long requests under way may take after the process was asked to end.
const GRACE: Duration = Duration::from_secs(20);

/// How long it is waited before serving until it is known whether the master key is the database's. One that is away
/// does not hold the process.
const KEY_WITHIN: Duration = Duration::from_secs(1);

/// How long the last lines of the trail may take.
const FLUSH: Duration = Duration::from_secs(3);

fn main() -> ExitCode {
    match commands::read(std::env::args_os()) {
        Ok(Some(command)) => commands::run(command),
        Ok(None) => boot::run(&PROCESS, Settings::read, run),
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
    let (db, settings) = (state.db.clone(), state.settings.clone());
    tokio::spawn(jobs::clock::watch(state.store.clone()));
    let listener = place::listen("DESK_BIND", bind).await?;
    let mut known = pin!(master_key::is_of_when_known(&db, &settings.master_key));
    let at_first = tokio::time::timeout(KEY_WITHIN, &mut known).await;
    if at_first == Ok(false) {
        return Err(wrong_key().into());
    }
    let is_wrong = async {
        if at_first.is_ok() || known.await {
            std::future::pending::<()>().await;
        }
    };
    tracing::info!(address = %listener.local_addr()?, "listening");
    tokio::select! {
        () = serve::serve(listener, router(state), patience, ending.clone()) => {}
        () = is_wrong => return Err(wrong_key().into()),
        () = grace_is_over(ending) => {
            tracing::warn!(secs = GRACE.as_secs(), "requests were still under way when the grace period ended");
        }
    }
    // What the last requests looked at; bounded, because the database may be what ended the process.
    let _ = tokio::time::timeout(FLUSH, views.flush()).await;
    Ok(())
}

fn wrong_key() -> SettingError {
    env::invalid_secret("DESK_MASTER_KEY", master_key::EXPECTED)
}

async fn grace_is_over(ending: tokio_util::sync::CancellationToken) {
    ending.cancelled().await;
    tokio::time::sleep(GRACE).await;
}
