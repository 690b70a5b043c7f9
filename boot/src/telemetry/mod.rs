//! Logs, metrics and traces of a process. Logs go to standard output, metrics are rendered on request,
//! and traces are exported only when an OTLP endpoint is named.

mod logs;
mod metrics;
mod process;
mod traces;

use std::{sync::Arc, time::Duration};

use metrics_exporter_prometheus::PrometheusHandle;
use tracing_subscriber::{layer::SubscriberExt, util::SubscriberInitExt};

use crate::{Faults, Setting, SettingError};

pub use metrics::{METRICS, Metric, MetricKind};
pub use traces::{set_parent, trace_parent_of, trace_parent_of_current_span};

/// The settings that every process has.
pub const SETTINGS: &[Setting] = &[
    Setting {
        name: "DESK_LOG",
        default: Some(logs::DEFAULT_FILTER),
        meaning: "what is logged, as tracing directives, e.g. `info,jobs=debug`",
        secret: false,
    },
    Setting {
        name: "DESK_LOG_FORMAT",
        default: Some("json"),
        meaning: "`json` or `text`; on a terminal `text` is the default",
        secret: false,
    },
    Setting {
        name: "OTEL_EXPORTER_OTLP_ENDPOINT",
        default: Some(""),
        meaning: "where traces are sent by OTLP over HTTP, e.g. `http://127.0.0.1:4318`; the other \
                  variables of the OpenTelemetry specification hold too",
        secret: false,
    },
];

/// A process's telemetry; clones share it.
#[derive(Clone, Debug)]
pub struct Telemetry {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    metrics: PrometheusHandle,
    traces: Option<traces::Exporter>,
    upkeep: tokio::task::JoinHandle<()>,
}

/// How often samples of histograms are folded into their buckets, so that they do not pile up when
/// nobody asks for the metrics.
const UPKEEP: Duration = Duration::from_secs(5);

/// Looks at [`SETTINGS`], and at the other variables of the OpenTelemetry specification, before anything starts.
pub(crate) fn check(faults: &mut Faults) {
    faults.keep(logs::filter_from_env());
    faults.keep(logs::format_from_env());
    traces::check(faults);
}

impl Telemetry {
    /// Starts it; `service` is the name under which traces appear. Needs a Tokio runtime. When logs
    /// were set up before (a test starts several processes in one), they stay as they are.
    ///
    /// # Errors
    /// A setting of [`SETTINGS`] cannot be read.
    pub fn start(service: &'static str) -> Result<Telemetry, SettingError> {
        let filter = logs::filter_from_env()?;
        let format = logs::format_from_env()?;
        let traces = traces::Exporter::from_env(service)?;
        let spans =
            traces.as_ref().map(|exporter| tracing_opentelemetry::layer().with_tracer(exporter.tracer()));
        let _ = tracing_subscriber::registry().with(filter).with(spans).with(logs::layer(format)).try_init();
        let metrics = metrics::recorder();
        let upkeep = tokio::spawn({
            let metrics = metrics.clone();
            async move {
                loop {
                    tokio::time::sleep(UPKEEP).await;
                    metrics.run_upkeep();
                }
            }
        });
        Ok(Telemetry { inner: Arc::new(Inner { metrics, traces, upkeep }) })
    }

    /// All metrics in Prometheus' text format, those of the process itself included.
    pub fn render_metrics(&self) -> String {
        let mut text = self.inner.metrics.render();
        process::append(&mut text);
        text
    }

    /// Sends the traces that are left, for at most three seconds.
    pub async fn shutdown(&self) {
        if let Some(traces) = &self.inner.traces {
            traces.shutdown().await;
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.upkeep.abort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_metric_has_help_and_a_type_and_histograms_have_buckets() {
        let telemetry = Telemetry::start("test").expect("the default settings are fine");
        for metric in METRICS {
            match metric.kind {
                MetricKind::Counter => ::metrics::counter!(metric.name).increment(1),
                MetricKind::Gauge => ::metrics::gauge!(metric.name).set(1.0),
                MetricKind::Histogram => ::metrics::histogram!(metric.name).record(0.03),
            }
        }
        let text = telemetry.render_metrics();
        for metric in METRICS {
            let kind = match metric.kind {
                MetricKind::Counter => "counter",
                MetricKind::Gauge => "gauge",
                MetricKind::Histogram => "histogram",
            };
            assert!(text.contains(&format!("# HELP {} {}", metric.name, metric.help)), "{}", metric.name);
            assert!(text.contains(&format!("# TYPE {} {kind}\n", metric.name)), "{}", metric.name);
        }
        assert!(text.contains("deskwork_job_duration_seconds_bucket{le=\"0.05\"} 1"), "{text}");
        assert!(text.contains("\nprocess_resident_memory_bytes "), "{text}");
        assert!(text.contains("\nprocess_cpu_seconds_total "), "{text}");
        telemetry.shutdown().await;
    }

    #[test]
    fn names_follow_the_conventions_that_promtool_checks() {
        for metric in METRICS {
            assert!(metric.name.starts_with("deskwork_"), "{}", metric.name);
            assert_eq!(
                metric.name.ends_with("_total"),
                metric.kind == MetricKind::Counter,
                "{}",
                metric.name
            );
            assert!(!metric.help.is_empty() && !metric.help.contains('\n'), "{}", metric.name);
        }
    }
}
