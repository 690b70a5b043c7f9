//! The frame around a process's own main function: what it is called, which settings it knows, and
//! what its exit code says.

use std::{process::ExitCode, slice, time::Duration};

use crate::{
    Faults, Setting, SettingError, Telemetry, arguments,
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
/// error (which is logged), and 2 when a setting or an argument is wrong; also when `serve` finds that it is, as an address that
/// another process has. Each wrong setting is a line on standard error, and all that `read` and telemetry find are told at once.
pub fn run<S, Served>(
    process: &Process,
    read: impl FnOnce(&mut Faults) -> Option<S>,
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
    let mut faults = Faults::default();
    let settings = read(&mut faults);
    telemetry::check(&mut faults);
    let settings = match faults.none_with(settings) {
        Ok(settings) => settings,
        Err(faults) => return exit_with(process.name, &faults),
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
            Err(error) => return exit_with(process.name, &[error]),
        };
        tracing::info!(version = process.version, pid = std::process::id(), "{} starts", process.name);
        let served = serve(settings, telemetry.clone()).await;
        let code = match served {
            Ok(()) => {
                tracing::info!("{} ends", process.name);
                ExitCode::SUCCESS
            }
            Err(error) => match error.downcast_ref::<SettingError>() {
                Some(error) => exit_with(process.name, slice::from_ref(error)),
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
    end(runtime);
    code
}

/// How long blocking work may take to come to its end when everything else is over.
const LAST_MOMENT: Duration = Duration::from_secs(1);

/// Ends the runtime, whatever it is at. Work on blocking threads cannot be ended and may take minutes; whoever stops the
/// process waits for seconds.
fn end(runtime: tokio::runtime::Runtime) {
    runtime.shutdown_timeout(LAST_MOMENT);
}

/// Says which settings are wrong, each in one line on standard error; the exit code is 2.
pub fn exit_with(process: &str, faults: &[SettingError]) -> ExitCode {
    for fault in faults {
        eprintln!("{process}: {fault}");
    }
    ExitCode::from(2)
}

#[cfg(test)]
mod tests {
    use std::{sync::mpsc, thread};

    use super::*;

    #[test]
    fn work_that_does_not_end_does_not_hold_the_process() {
        let runtime = tokio::runtime::Builder::new_multi_thread().build().expect("a runtime");
        let (tell, told) = mpsc::channel();
        let (_goes_on, ends) = mpsc::channel::<()>();
        runtime.spawn_blocking(move || {
            tell.send(()).expect("the test listens");
            // Until the test is over.
            let _ = ends.recv();
        });
        told.recv().expect("it has begun");
        let (tell, told) = mpsc::channel();
        thread::spawn(move || {
            end(runtime);
            tell.send(()).expect("the test listens");
        });
        // Otherwise it would be waited for without an end.
        told.recv_timeout(Duration::from_secs(120)).expect("the runtime ends although its work does not");
    }
}
