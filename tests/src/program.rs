//! The frame of every program here: a runtime, an orderly end on Ctrl-C, and an exit code.

use std::process::ExitCode;

use tokio::signal::unix::{SignalKind, signal};

/// Runs a program to its end. The exit code is what `main` says, 1 after an error (one line on standard
/// error), and 130 when the program was interrupted; then `main` is dropped where it stands, and with it
/// every process and server that it started.
pub fn run(name: &str, main: impl Future<Output = anyhow::Result<ExitCode>>) -> ExitCode {
    run_in_order(name, async {
        tokio::select! {
            ended = main => ended,
            () = interrupted() => Ok(was_interrupted(name)),
        }
    })
}

/// The same for a program that sees to interruptions itself.
pub fn run_in_order(name: &str, main: impl Future<Output = anyhow::Result<ExitCode>>) -> ExitCode {
    boot::install_tls();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("{name}: the runtime cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    let ended = runtime.block_on(main);
    // Servers and processes are gone by now; nothing that still runs is worth waiting for.
    runtime.shutdown_background();
    ended.unwrap_or_else(|error| {
        eprintln!("{name}: {error:#}");
        ExitCode::FAILURE
    })
}

/// Says so, and gives the exit code that a shell gives to an interrupted program.
pub fn was_interrupted(name: &str) -> ExitCode {
    eprintln!("{name}: interrupted");
    ExitCode::from(130)
}

/// Completes on SIGINT or SIGTERM; never, when signals cannot be listened for, and then they act as
/// the system has it.
pub async fn interrupted() {
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}
