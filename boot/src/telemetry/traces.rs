//! Traces: spans of `tracing` exported by OTLP over HTTP, and the W3C trace context that carries a
//! trace from a request through a job to the call of an upstream.

use std::time::Duration;

use opentelemetry::{
    Context,
    trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState, TracerProvider as _},
};
use opentelemetry_otlp::SpanExporter;
use opentelemetry_sdk::{
    Resource,
    trace::{SdkTracer, SdkTracerProvider},
};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

use crate::{Faults, SettingError, env};

/// How long the end of a process waits for the last spans to be taken.
const SHUTDOWN: Duration = Duration::from_secs(3);

/// Where traces are sent.
const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";

/// Sends spans in batches, from a thread of its own.
#[derive(Debug)]
pub(super) struct Exporter {
    provider: SdkTracerProvider,
}

impl Exporter {
    /// The exporter that the OpenTelemetry variables ask for, if they do.
    pub(super) fn from_env(service: &'static str) -> Result<Option<Exporter>, SettingError> {
        let Some(endpoint) = env::maybe::<String>(ENDPOINT, "a URL")? else { return Ok(None) };
        let exporter = SpanExporter::builder().with_http().build().map_err(|_| {
            env::invalid(ENDPOINT, &endpoint, "the URL of an OTLP receiver, e.g. http://127.0.0.1:4318")
        })?;
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_resource(Resource::builder().with_service_name(service).build())
            .build();
        Ok(Some(Exporter { provider }))
    }

    pub(super) fn tracer(&self) -> SdkTracer {
        self.provider.tracer("deskwork")
    }

    pub(super) async fn shutdown(&self) {
        let provider = self.provider.clone();
        // The call blocks its thread until the batch is taken or the time is over.
        let ended = tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(SHUTDOWN)).await;
        if let Ok(Err(error)) = ended {
            tracing::warn!(%error, "the last traces were not exported");
        }
    }
}

/// The samplers that the specification names and the SDK has.
const SAMPLERS: [&str; 6] = [
    "always_on",
    "always_off",
    "traceidratio",
    "parentbased_always_on",
    "parentbased_always_off",
    "parentbased_traceidratio",
];

/// Refuses values of the specification's other variables that the SDK would leave aside without a word, when traces are sent
/// at all. It reads them by itself, so they are in no table of ours.
pub(super) fn check(faults: &mut Faults) {
    let endpoint: Option<String> = faults.or_default(env::maybe(ENDPOINT, "a URL"));
    if endpoint.is_some() {
        check_others(|name| std::env::var(name).ok(), faults);
    }
}

fn check_others(read: impl Fn(&str) -> Option<String>, faults: &mut Faults) {
    const SAMPLER: &str = "OTEL_TRACES_SAMPLER";
    const RATIO: &str = "OTEL_TRACES_SAMPLER_ARG";
    const TIMEOUTS: [&str; 2] = ["OTEL_EXPORTER_OTLP_TIMEOUT", "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT"];
    let is_sampler = |value: &str| SAMPLERS.contains(&value);
    let is_ratio = |value: &str| value.parse::<f64>().is_ok_and(|ratio| (0.0..=1.0).contains(&ratio));
    let mut check = |name: &'static str, fits: &dyn Fn(&str) -> bool, expected: &str| {
        // Set to nothing is not set, says the specification.
        if let Some(value) = read(name).filter(|value| !value.is_empty() && !fits(value)) {
            faults.keep::<()>(Err(env::invalid(name, &value, expected)));
        }
    };
    check(SAMPLER, &is_sampler, &format!("among {}", SAMPLERS.join(", ")));
    check(RATIO, &is_ratio, "a number from 0 to 1");
    for name in TIMEOUTS {
        check(name, &|value| value.parse::<u64>().is_ok(), "a whole number of milliseconds");
    }
}

/// The W3C `traceparent` of the current span; `None` when traces are off.
pub fn trace_parent_of_current_span() -> Option<String> {
    trace_parent_of(&Span::current())
}

/// The W3C `traceparent` of a span; `None` when traces are off.
pub fn trace_parent_of(span: &Span) -> Option<String> {
    let context = span.context();
    let span = context.span();
    let span = span.span_context();
    span.is_valid()
        .then(|| format!("00-{}-{}-{:02x}", span.trace_id(), span.span_id(), span.trace_flags().to_u8()))
}

/// Makes a span the child of a W3C `traceparent`. One that cannot be read is left aside, as the
/// specification asks; the span then begins a trace of its own. Call it before the span is entered.
pub fn set_parent(span: &Span, trace_parent: &str) {
    if let Some(parent) = parse(trace_parent) {
        // The only errors are that traces are off or that the span has begun; neither is worth a line.
        let _ = span.set_parent(Context::new().with_remote_span_context(parent));
    }
}

/// Version 00 of the format, and later ones as far as they agree with it (W3C Trace Context, 3.2).
fn parse(trace_parent: &str) -> Option<SpanContext> {
    let mut fields = trace_parent.trim().split('-');
    let (version, trace, span, flags) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    let is_hex = |text: &str, len: usize| {
        text.len() == len && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let well_formed = is_hex(version, 2) && is_hex(trace, 32) && is_hex(span, 16) && is_hex(flags, 2);
    if !well_formed || version == "ff" || (version == "00" && fields.next().is_some()) {
        return None;
    }
    let context = SpanContext::new(
        TraceId::from_hex(trace).ok()?,
        SpanId::from_hex(span).ok()?,
        TraceFlags::new(u8::from_str_radix(flags, 16).ok()? & TraceFlags::SAMPLED.to_u8()),
        true,
        TraceState::NONE,
    );
    context.is_valid().then_some(context)
}

#[cfg(test)]
mod tests {
    use opentelemetry_sdk::trace::SdkTracerProvider;
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    #[test]
    fn variables_that_the_sdk_would_leave_aside_are_refused() {
        let check = |name: &str, value: &str| {
            let mut faults = Faults::default();
            check_others(|asked| (asked == name).then(|| value.to_owned()), &mut faults);
            faults.none_with(Some(()))
        };
        for (name, value) in [
            ("OTEL_TRACES_SAMPLER", "parentbased_traceidratio"),
            ("OTEL_TRACES_SAMPLER", ""),
            ("OTEL_TRACES_SAMPLER_ARG", "0.25"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "10000"),
            ("OTEL_SERVICE_NAME", "x"),
        ] {
            assert!(check(name, value).is_ok(), "{name}={value}");
        }
        for (name, value) in [
            ("OTEL_TRACES_SAMPLER", "foo"),
            ("OTEL_TRACES_SAMPLER_ARG", "25%"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "x"),
            ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "10s"),
        ] {
            let faults = check(name, value).expect_err("refused");
            let error = faults[0].to_string();
            assert!(error.starts_with(&format!("{name} is {value:?}; it should be ")), "{error}");
            assert_eq!(faults.len(), 1);
        }
    }

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_trace_goes_on_from_parent_to_child() {
        let provider = SdkTracerProvider::builder().build();
        let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("test"));
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
            let span = tracing::info_span!("work");
            set_parent(&span, PARENT);
            let own = trace_parent_of(&span).expect("traces are on");
            assert_eq!(own[..36], PARENT[..36], "same trace");
            assert_ne!(own, PARENT, "a span of its own");
            assert_eq!(span.in_scope(trace_parent_of_current_span), Some(own));
        });
    }

    #[test]
    fn without_traces_there_is_no_parent() {
        assert_eq!(trace_parent_of_current_span(), None);
    }

    #[test]
    fn only_well_formed_parents_are_taken() {
        assert!(parse(PARENT).is_some());
        assert!(parse(&PARENT.replacen("00", "01", 1)).is_some(), "a later version");
        for bad in [
            "",
            "00",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00F067AA0BA902B7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "00-4bf92f3577b34da6a3ce929d0e0e47-00f067aa0ba902b7-01",
        ] {
            assert!(parse(bad).is_none(), "{bad}");
        }
    }
}
