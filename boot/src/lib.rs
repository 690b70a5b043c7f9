//! What every process of Deskwork needs before its own work begins: settings from the environment,
//! logs, metrics and traces, an orderly end on a signal, and a small port for operators. Nothing of
//! jobs or of the shop is in here.
//!
//! A binary is a [`Process`] and a call of [`run`]: that prints `--settings`, ends with exit code 2 and
//! a line for each setting that is wrong, and otherwise runs the process until it returns.

pub mod arguments;
pub mod env;
mod faults;
pub mod ops;
pub mod place;
mod run;
pub mod shutdown;
pub mod telemetry;

pub use env::{Secret, Setting, SettingError};
pub use faults::Faults;
pub use run::{Process, exit_with, run};
pub use telemetry::Telemetry;

/// Makes ring the process's TLS implementation. May be called any number of times; tests that speak
/// TLS and do not go through [`run`] call it themselves.
pub fn install_tls() {
    // The only error is that a provider is there already, which is what is wanted.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
