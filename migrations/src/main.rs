//! `migrate`: brings the database of `DATABASE_URL` up to date and says what it did.

use std::process::ExitCode;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = clap::Command::new("migrate")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Brings the database of DATABASE_URL, as its owner, up to date and says what it did.");
    if let Err(error) = arguments.try_get_matches() {
        if error.use_stderr() {
            eprintln!("migrate: takes no arguments; it reads DATABASE_URL");
            return ExitCode::from(2);
        }
        error.exit();
    }
    // As the processes read settings: one that is set to nothing is not set.
    let url = std::env::var("DATABASE_URL").unwrap_or_default();
    let url = url.trim();
    if url.is_empty() {
        eprintln!("migrate: DATABASE_URL is not set; it should be like postgres://owner@host:5432/deskwork");
        return ExitCode::from(2);
    }
    let patience = migrations::Patience::default();
    let tell = |blocked: &migrations::Blocked| {
        let secs = patience.between.as_secs();
        eprintln!("migrate: {blocked}; so that nobody waits behind it, it is tried again in {secs} s");
    };
    match migrations::apply_patiently(url, patience, tell).await {
        Ok(applied) if applied.steps.is_empty() => {
            println!("the schema is up to date at version {}", applied.after);
            ExitCode::SUCCESS
        }
        Ok(applied) => {
            for step in &applied.steps {
                println!("applied {step}");
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("migrate: {error}");
            ExitCode::FAILURE
        }
    }
}
