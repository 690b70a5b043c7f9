//! What the tests of clients have in common: an upstream, clients of it, and faults.

use std::time::Duration;

use cluster::upstream::{self, Fault, FaultRule, Upstream, When};
use tokio::time::Instant;
use upstreams::{
    Breakers, CallContext, Destinations, Outgoing,
    anthropic::{self, Prompt},
    gorgias::{self, Auth, ExternalId, Gorgias},
    http::RetryPolicy,
};
use worker::draft::prompt;

pub const POLICY: RetryPolicy = RetryPolicy {
    attempts: 3,
    first_delay: Duration::from_millis(1),
    longest_delay: Duration::from_millis(4),
    attempt_timeout: Duration::from_secs(20),
    longest_named_wait: Duration::from_secs(2),
};

pub async fn an_upstream() -> Upstream {
    // The processes do this at boot; a second installation in the same process is refused and harmless.
    let _ = rustls::crypto::ring::default_provider().install_default();
    upstream::start(([127, 0, 0, 1], 0).into()).await.expect("a free port")
}

pub fn context(timeout: Duration) -> CallContext {
    CallContext { deadline: Instant::now() + timeout, traceparent: None }
}

pub fn soon() -> CallContext {
    context(Duration::from_secs(30))
}

pub fn account(upstream: &Upstream, policy: RetryPolicy) -> gorgias::Client {
    let gorgias =
        Gorgias::with_policy(Destinations::PublicOrLoopback, Breakers::default(), policy).expect("TLS");
    let auth = Auth::ApiKey { email: "bot@shop.example".into(), key: "k".into() };
    gorgias.account(&upstream.gorgias_base(), &auth).expect("a loopback base")
}

pub fn model(upstream: &Upstream, policy: RetryPolicy) -> anthropic::Client {
    let settings = anthropic::Settings {
        base: upstream.anthropic_base(),
        key: "sk-test".into(),
        model: "claude-haiku-4-5".into(),
        version: "2026-10-21".into(),
        max_tokens: 1024,
    };
    anthropic::Client::with_policy(&settings, Destinations::PublicOrLoopback, Breakers::default(), policy)
        .expect("settings are fine")
}

pub fn status(status: u16) -> Fault {
    Fault::Status { status, retry_after: None, body: None }
}

pub fn fault(route: &str, count: u32, fault: Fault) -> FaultRule {
    FaultRule { route: route.into(), method: None, count, when: When::Before, fault }
}

pub fn calls(upstream: &Upstream, route: &str) -> u64 {
    upstream.recorded().totals.get(route).copied().unwrap_or(0)
}

pub fn note(text: &str) -> Outgoing {
    Outgoing::pass(text, &format!("<p>{text}</p>"), &prompt::INSIDE).expect("it may go out")
}

pub fn id(text: &str) -> ExternalId {
    ExternalId::new(text).expect("short enough")
}

pub const TICKET: &str = "GET /api/tickets/{id}";
pub const POST_NOTE: &str = "POST /api/tickets/{id}/messages";
pub const MODEL: &str = "POST /v1/messages";
pub const PROMPT: Prompt<'static> = Prompt { fixed_system: "a", varying_system: "b", user: "c", tool: None };
