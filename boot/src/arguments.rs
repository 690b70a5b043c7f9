//! Command lines: clap reads them, and what it says is wrong becomes one line, as all errors at boot are.

use std::{ffi::OsString, process::ExitCode};

use clap::{Arg, ArgAction, Command, error::ErrorKind};

/// What every process but the api takes: nothing, or what it should print instead of running.
pub(crate) fn of_process(name: &'static str, version: &'static str) -> Command {
    Command::new(name)
        .version(version)
        .about("Runs until it is told to end; what it needs to know it reads from the environment.")
        .arg(
            Arg::new("settings")
                .long("settings")
                .action(ArgAction::SetTrue)
                .help("Print the settings, their defaults and meanings"),
        )
}

/// Whether the settings are to be printed instead of running the process.
///
/// # Errors
/// The arguments are none of its, or ask for the help or the version; see [`end`].
pub(crate) fn wants_settings(
    command: Command,
    arguments: impl IntoIterator<Item = OsString>,
) -> Result<bool, clap::Error> {
    Ok(command.try_get_matches_from(arguments)?.get_flag("settings"))
}

/// Ends a program whose arguments were not read: with the help or the version on standard output, or with one line
/// on standard error and exit code 2.
pub fn end(program: &str, error: &clap::Error) -> ExitCode {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            print!("{}", error.render());
            ExitCode::SUCCESS
        }
        _ => {
            eprintln!("{program}: {}; see: {program} --help", one_line(error));
            ExitCode::from(2)
        }
    }
}

/// What is wrong, without clap's usage and hints, which are lines of their own.
pub fn one_line(error: &clap::Error) -> String {
    let text = error.render().to_string();
    let fault = text.split("\n\n").next().unwrap_or_default();
    let words: Vec<&str> = fault.strip_prefix("error: ").unwrap_or(fault).split_whitespace().collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<bool, clap::Error> {
        let words = std::iter::once("worker").chain(line.split_whitespace()).map(OsString::from);
        wants_settings(of_process("worker", "1.2.3"), words)
    }

    #[test]
    fn a_process_runs_or_prints() {
        assert!(!read("").expect("runs"));
        assert!(read("--settings").expect("prints"));
        let version = read("--version").expect_err("printed instead");
        assert_eq!(
            (version.kind(), version.render().to_string().as_str()),
            (ErrorKind::DisplayVersion, "worker 1.2.3\n")
        );
    }

    #[test]
    fn a_fault_is_one_line_that_names_the_word() {
        for word in ["--colour", "fly"] {
            let error = read(word).expect_err(word);
            let line = one_line(&error);
            assert!(line.contains(word) && !line.contains('\n') && !line.contains("Usage"), "{line}");
        }
    }
}
