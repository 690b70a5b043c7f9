//! The frame around a process's own main function: what it is called, which settings it knows, and
//! what its exit code says.

use std::{process::ExitCode, time::Duration};

use crate::{
    Setting, SettingError, Telemetry, arguments,
    env::{declare, table},
    install_tls, telemetry,
};

/// A process as it presents itself.
#[derive(Clone, Copy, Debug)]
pub struct Process {
    /// The binary's name, also the service's name in logs and traces.
    pub name: &'static str,
    /// The crate's version: `env!("CARGO_PKG_VERSION")`.
    pub version: &'static str,
    /// All settings of its own; those of logs and traces are added.
    pub settings: &'static [Setting],
}

/// Runs a process: reads its settings, starts telemetry, runs `serve` to its end. With `--settings`,
/// `--version` or `--help` it prints that instead. The exit code is 0 after an orderly end, 1 after an
/// error (which is logged), and 2 when a setting or an argument is wrong (one line on standard error); also when `serve` finds
/// that it is, as an address that another process has.
pub fn run<S, Served>(
    process: &Process,
    from_env: impl FnOnce() -> Result<S, SettingError>,
    serve: impl FnOnce(S, Telemetry) -> Served,
) -> ExitCode
where
    Served: Future<Output = anyhow::Result<()>>,
{
    let command = arguments::of_process(process.name, process.version);
    let all: Vec<Setting> = process.settings.iter().chain(telemetry::SETTINGS).copied().collect();
    match arguments::wants_settings(command, std::env::args_os()) {
        Ok(false) => {}
        Ok(true) => {
            print!("{}", table(&all));
            return ExitCode::SUCCESS;
        }
        Err(error) => return arguments::end(process.name, &error),
    }
    declare(&all);
    let settings = match from_env() {
        Ok(settings) => settings,
        Err(error) => return exit_with(process.name, &error),
    };
    install_tls();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("{}: the runtime cannot start: {error}", process.name);
            return ExitCode::FAILURE;
        }
    };
    let code = runtime.block_on(async {
        let telemetry = match Telemetry::start(process.name) {
            Ok(telemetry) => telemetry,
            Err(error) => return exit_with(process.name, &error),
        };
        tracing::info!(version = process.version, pid = std::process::id(), "{} starts", process.name);
        let served = serve(settings, telemetry.clone()).await;
        let code = match served {
            Ok(()) => {
                tracing::info!("{} ends", process.name);
                ExitCode::SUCCESS
            }
            Err(error) => match error.downcast_ref::<SettingError>() {
                Some(error) => exit_with(process.name, error),
                None => {
                    // The chain of causes in one line, as logs are read.
                    tracing::error!(error = %format!("{error:#}"), "{} fails", process.name);
                    ExitCode::FAILURE
                }
            },
        };
        telemetry.shutdown().await;
        code
    });
    // Work on blocking threads cannot be ended and may take minutes; whoever stops the process waits for seconds.
    runtime.shutdown_timeout(LAST_MOMENT);
    code
}

/// How long blocking work may take to come to its end when everything else is over.
const LAST_MOMENT: Duration = Duration::from_secs(1);

/// Says which setting is wrong, in one line on standard error; the exit code is 2.
pub fn exit_with(process: &str, error: &SettingError) -> ExitCode {
    eprintln!("{process}: {error}");
    ExitCode::from(2)
}
