//! Log lines on standard output: JSON for machines, text for people at a terminal.

use std::io::IsTerminal;

use tracing::Subscriber;
use tracing_subscriber::{EnvFilter, Layer, registry::LookupSpan};

use crate::{SettingError, env};

/// How a log line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// One JSON object a line.
    Json,
    /// One readable line.
    Text,
}

/// What is logged by default: not what the cron library says of its own parts.
pub(super) const DEFAULT_FILTER: &str = "info,tokio_cron_scheduler=warn";

/// What is logged, by `DESK_LOG`.
pub(super) fn filter_from_env() -> Result<EnvFilter, SettingError> {
    let directives = env::optional("DESK_LOG", DEFAULT_FILTER.to_owned(), "tracing directives")?;
    // The protocol's library writes what a client sent into its warnings; what Postgres remarks on a statement that it
    // carries out (a search for nothing but stop words) is no news.
    EnvFilter::try_new(format!("rmcp=error,sqlx::postgres::notice=warn,{directives}"))
        .map_err(|_| env::invalid("DESK_LOG", &directives, "tracing directives, e.g. info,jobs=debug"))
}

/// How it looks, by `DESK_LOG_FORMAT`.
pub(super) fn format_from_env() -> Result<Format, SettingError> {
    let default = if std::io::stdout().is_terminal() { Format::Text } else { Format::Json };
    env::choice("DESK_LOG_FORMAT", default, &[("json", Format::Json), ("text", Format::Text)])
}

/// The layer that writes the lines. A line carries the fields of the innermost span, where the ids are.
pub(super) fn layer<S>(format: Format) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    match format {
        Format::Json => tracing_subscriber::fmt::layer()
            .json()
            .flatten_event(true)
            .with_current_span(true)
            .with_span_list(false)
            .boxed(),
        Format::Text => {
            tracing_subscriber::fmt::layer().with_ansi(std::io::stdout().is_terminal()).compact().boxed()
        }
    }
}
