//! The metrics that exist, each with its help text, in one place: whoever adds one adds it here, so
//! that no metric is served without saying what it means.

use std::sync::OnceLock;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

/// A metric as it is declared.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    /// Its name; the unit is the last word, before `_total`.
    pub name: &'static str,
    /// What it is.
    pub kind: MetricKind,
    /// What it says, with its labels.
    pub help: &'static str,
}

/// What a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricKind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts samples by size.
    Histogram,
}

/// Every metric of every process, except for those of the operating system's process.
pub const METRICS: &[Metric] = &[
    gauge("deskwork_jobs", "Jobs by queue and state, from the ledger's books."),
    counter("deskwork_job_transitions_total", "Changes of a job's state by queue, kind and new state."),
    counter("deskwork_job_waits_total", "Runs that were put off and cost no attempt, by kind and reason."),
    gauge("deskwork_outcomes_refused", "Outcomes of jobs that the ledger refuses, held until it takes them."),
    histogram("deskwork_job_duration_seconds", "Run time of an attempt by kind."),
    histogram("deskwork_job_wait_seconds", "Time from becoming claimable to the start, by queue."),
    gauge("deskwork_queue_oldest_seconds", "Age of the longest waiting claimable job by queue."),
    gauge(
        "deskwork_conservation_drift",
        "Jobs that the books and the ledger disagree on; anything but 0 is a fault.",
    ),
    gauge("deskwork_audit_age_seconds", "Time since the last audit of the books that came to an end."),
    counter("deskwork_http_requests_total", "HTTP requests by route, method and status."),
    histogram("deskwork_http_request_seconds", "Time to the answer's headers by route."),
    gauge("deskwork_workers", "Worker processes by state."),
    counter(
        "deskwork_dispatch_dropped_total",
        "Offers that did not reach Redis and are left to the sweeper.",
    ),
    histogram("deskwork_dispatch_script_seconds", "Round trip of a script call to Redis."),
    counter("deskwork_upstream_requests_total", "Requests to an upstream by upstream and outcome."),
    histogram("deskwork_upstream_request_seconds", "Time to an upstream's answer by upstream."),
    counter("deskwork_upstream_circuits_opened_total", "Circuits that opened by upstream."),
    counter(
        "deskwork_upstream_refused_total",
        "Requests that an upstream refused for good, by upstream and reason.",
    ),
    gauge(
        "deskwork_upstream_left_alone_until_seconds",
        "Until when an upstream that all tenants share is not called because it said so, in seconds since 1970.",
    ),
    counter("deskwork_upstream_throttled_total", "Calls that an upstream put off for its rate, by upstream."),
    counter(
        "deskwork_upstream_local_pace_total",
        "Times that Redis could not be asked for an upstream's rate, so that a process keeps to its own.",
    ),
    counter("deskwork_ai_calls_total", "Answers of the model by feature."),
    counter(
        "deskwork_ai_cache_hits_total",
        "Answers of the model that read from its prompt cache, by feature.",
    ),
    counter("deskwork_ai_tokens_total", "Tokens of the model by feature and kind."),
    counter("deskwork_ai_cost_micros_total", "What the model cost by feature, in millionths of a US dollar."),
    counter("deskwork_ai_stopped_by_budget_total", "Uses of the model that a tenant's budget stopped."),
    counter("deskwork_ai_lines_lost_total", "Uses of the model that could not be written down."),
    counter("deskwork_key_lookups_total", "API keys looked up in the database, by outcome: good or bad."),
    counter("deskwork_scans_refused_total", "Reads that scan which found all places taken."),
    gauge("deskwork_http_connections", "Connections of clients that are open."),
    histogram("deskwork_segment_count_seconds", "Time to count a segment rule's members by method."),
    counter("deskwork_sign_ins_total", "People's tries to sign in by outcome."),
    counter(
        "deskwork_trail_lines_lost_total",
        "Lines of who looked at whose data that could not be written.",
    ),
    counter("deskwork_mails_received_total", "Mails at the door, by way and outcome."),
    counter(
        "deskwork_mails_taken_total",
        "Mails that became messages, by whether a person or a machine wrote them.",
    ),
    counter("deskwork_mails_sent_total", "Mails handed to a server by outcome."),
    counter("deskwork_webhooks_total", "Webhook deliveries by provider and outcome."),
    counter(
        "deskwork_webhook_remarks_total",
        "What did not fit in deliveries that were taken in, by provider and place.",
    ),
    gauge(
        "deskwork_schedules_invalid",
        "Schedules that cannot run: their expression, time zone, kind or payload is invalid.",
    ),
    gauge("deskwork_leader", "1 while this scheduler leads, else 0."),
];

const fn counter(name: &'static str, help: &'static str) -> Metric {
    Metric { name, kind: MetricKind::Counter, help }
}

const fn gauge(name: &'static str, help: &'static str) -> Metric {
    Metric { name, kind: MetricKind::Gauge, help }
}

const fn histogram(name: &'static str, help: &'static str) -> Metric {
    Metric { name, kind: MetricKind::Histogram, help }
}

/// Upper bounds of the buckets of every histogram in seconds: from a script call to a long job.
const BUCKETS_SECS: &[f64] =
    &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0];

/// The process's recorder: installed and described by the first call, the same ever after.
pub(super) fn recorder() -> PrometheusHandle {
    static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();
    RECORDER
        .get_or_init(|| {
            let handle = PrometheusBuilder::new()
                .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), BUCKETS_SECS)
                .expect("the list of buckets is not empty")
                .install_recorder()
                .expect("nothing else in the process installs a recorder");
            describe();
            handle
        })
        .clone()
}

fn describe() {
    for metric in METRICS {
        match metric.kind {
            MetricKind::Counter => metrics::describe_counter!(metric.name, metric.help),
            MetricKind::Gauge => metrics::describe_gauge!(metric.name, metric.help),
            MetricKind::Histogram => metrics::describe_histogram!(metric.name, metric.help),
        }
    }
}
