//! The worker's outside clients against the recording upstream, over real connections: what they send, what
//! they retry, when they stop, and that a note is never written twice.

use std::time::Duration;

use cluster::upstream::{self, Fault, FaultRule, SeedCustomer, SeedMessage, SeedTicket, Upstream, When};
use jobs::dispatch::{Dispatch, Server};
use serde_json::json;
use tokio::time::Instant;
use upstreams::anthropic::{self, Ending, Prompt};
use upstreams::breaker::BreakerSettings;
use upstreams::concurrency::Concurrency;
use upstreams::error::{Effect, PauseReason, Trouble};
use upstreams::gorgias::{self, Auth, ExternalId, Gorgias, NoteOrigin};
use upstreams::http::RetryPolicy;
use upstreams::pacing::{Allowance, Pacer, used_of_limit};
use upstreams::webhook::Webhooks;
use upstreams::{Breakers, CallContext, ClientError, Destinations, Outgoing};
use worker::app::shared_pace;
use worker::draft::policy::{KnownFacts, check};
use worker::draft::{
    Author, Channel, DraftInput, Drafter, Length, ThreadMessage, Tone, judge, prompt, style,
};

const POLICY: RetryPolicy = RetryPolicy {
    attempts: 3,
    first_delay: Duration::from_millis(1),
    longest_delay: Duration::from_millis(4),
    attempt_timeout: Duration::from_secs(20),
    longest_named_wait: Duration::from_secs(2),
};

async fn an_upstream() -> Upstream {
    // The processes do this at boot; a second installation in the same process is refused and harmless.
    let _ = rustls::crypto::ring::default_provider().install_default();
    upstream::start(([127, 0, 0, 1], 0).into()).await.expect("a free port")
}

fn context(timeout: Duration) -> CallContext {
    CallContext { deadline: Instant::now() + timeout, traceparent: None }
}

fn soon() -> CallContext {
    context(Duration::from_secs(30))
}

fn account(upstream: &Upstream, policy: RetryPolicy) -> gorgias::Client {
    let gorgias =
        Gorgias::with_policy(Destinations::PublicOrLoopback, Breakers::default(), policy).expect("TLS");
    let auth = Auth::ApiKey { email: "bot@shop.example".into(), key: "k".into() };
    gorgias.account(&upstream.gorgias_base(), &auth).expect("a loopback base")
}

fn model(upstream: &Upstream, policy: RetryPolicy) -> anthropic::Client {
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

fn status(status: u16) -> Fault {
    Fault::Status { status, retry_after: None, body: None }
}

fn fault(route: &str, count: u32, fault: Fault) -> FaultRule {
    FaultRule { route: route.into(), method: None, count, when: When::Before, fault }
}

fn calls(upstream: &Upstream, route: &str) -> u64 {
    upstream.recorded().totals.get(route).copied().unwrap_or(0)
}

fn note(text: &str) -> Outgoing {
    Outgoing::pass(text, &format!("<p>{text}</p>"), &prompt::INSIDE).expect("it may go out")
}

fn id(text: &str) -> ExternalId {
    ExternalId::new(text).expect("short enough")
}

const TICKET: &str = "GET /api/tickets/{id}";
const POST_NOTE: &str = "POST /api/tickets/{id}/messages";
const MODEL: &str = "POST /v1/messages";
const PROMPT: Prompt<'static> = Prompt { fixed_system: "a", varying_system: "b", user: "c", tool: None };

#[tokio::test]
async fn reads_a_ticket_and_its_newest_messages_in_order() {
    let upstream = an_upstream().await;
    let messages = (0..250).map(|n| SeedMessage { from_agent: n % 2 == 1, text: format!("m{n}"), at: None });
    let customer = SeedCustomer { name: "Ann".into(), email: "ann@shop.example".into(), external_id: None };
    upstream.seed_ticket(
        7,
        SeedTicket { subject: "Lamp".into(), channel: "chat".into(), customer, messages: messages.collect() },
    );
    let account = account(&upstream, POLICY);
    let ticket = account.get_ticket(&soon(), 7).await.expect("a ticket");
    assert_eq!(
        (ticket.id, ticket.subject.as_deref(), ticket.channel.as_deref()),
        (7, Some("Lamp"), Some("chat"))
    );
    let newest = account.list_messages(&soon(), 7, 150).await.expect("messages");
    let texts: Vec<_> = newest.iter().filter_map(|message| message.body_text.clone()).collect();
    assert_eq!(texts, (100..250).map(|n| format!("m{n}")).collect::<Vec<_>>());
    assert_eq!(calls(&upstream, "GET /api/messages"), 2);
}

#[tokio::test]
async fn long_messages_are_read_in_smaller_pages() {
    let upstream = an_upstream().await;
    let text = |n: usize| format!("m{n} {}", "x".repeat(120_000));
    let messages = (0..100).map(|n| SeedMessage { from_agent: false, text: text(n), at: None });
    let customer = SeedCustomer { name: "Ann".into(), email: "ann@shop.example".into(), external_id: None };
    let ticket =
        SeedTicket { subject: "Lamp".into(), channel: "chat".into(), customer, messages: messages.collect() };
    upstream.seed_ticket(7, ticket);
    let newest = account(&upstream, POLICY).list_messages(&soon(), 7, 30).await.expect("messages");
    // Of a text as much is kept as a draft can use.
    let names: Vec<_> =
        newest.iter().filter_map(|message| message.body_text.as_deref()?.split(' ').next()).collect();
    assert_eq!(names, (70..100).map(|n| format!("m{n}")).collect::<Vec<_>>());
}

#[tokio::test]
async fn what_nobody_needs_may_be_of_any_type() {
    let upstream = an_upstream().await;
    let body = Some(json!({"id": "7", "subject": 4711, "tags": [5, {"name": "vip"}], "customer": [],
        "updated_datetime": 1_795_168_800, "spam": "no", "custom": {"w": [[[[]]]]}}));
    upstream.inject(fault("/api/tickets", 1, Fault::Status { status: 200, retry_after: None, body }));
    let ticket = account(&upstream, POLICY).get_ticket(&soon(), 7).await.expect("a ticket");
    assert_eq!((ticket.id, ticket.subject.as_deref(), ticket.tags.len()), (7, Some("4711"), 1));
    assert_eq!(ticket.updated_datetime.map(|at| at.timestamp()), Some(1_795_168_800));
}

#[tokio::test]
async fn a_note_is_written_once_however_often_it_is_asked_for() {
    let upstream = an_upstream().await;
    let account = account(&upstream, POLICY);
    let first = account.ensure_internal_note(&soon(), 7, &id("n1"), &note("text")).await.expect("posted");
    let again = account.ensure_internal_note(&soon(), 7, &id("n1"), &note("text")).await.expect("found");
    assert_eq!((first.origin, again.origin), (NoteOrigin::Posted, NoteOrigin::Found));
    assert_eq!(first.message_id, again.message_id);
    assert_eq!(upstream.recorded().notes["n1"], 1);
    let messages = account.list_messages(&soon(), 7, 10).await.expect("messages");
    let note = messages.last().expect("the note is the newest");
    assert!(note.is_internal_note() && note.from_agent);
    assert_eq!(note.body_text.as_deref(), Some("text"));
}

#[tokio::test]
async fn a_note_whose_answer_got_lost_is_found_and_not_repeated() {
    for hidden in [Fault::Close, status(502), status(500)] {
        let upstream = an_upstream().await;
        let account = account(&upstream, POLICY);
        let rule =
            FaultRule { method: Some("POST".into()), when: When::After, ..fault("/api/tickets", 1, hidden) };
        upstream.inject(rule.clone());
        let found = account.ensure_internal_note(&soon(), 7, &id("n1"), &note("t")).await.expect("found");
        assert_eq!(found.origin, NoteOrigin::Found);
        upstream.inject(rule);
        let error =
            account.post_internal_note(&soon(), 7, &id("n2"), &note("t")).await.expect_err("unknown fate");
        assert!(error.may_have_taken_effect(), "{error}");
        assert_eq!(calls(&upstream, POST_NOTE), 2, "neither was sent again");
        assert!(upstream.recorded().duplicates.notes.is_empty());
    }
}

#[tokio::test]
async fn a_note_that_was_certainly_not_taken_is_sent_again() {
    let upstream = an_upstream().await;
    let no_wait = Fault::Status { status: 429, retry_after: Some("0".into()), body: None };
    upstream.inject(FaultRule { method: Some("POST".into()), ..fault("/api/tickets", 2, no_wait) });
    let account = account(&upstream, POLICY);
    account.post_internal_note(&soon(), 7, &id("n1"), &note("t")).await.expect("posted at the third try");
    assert_eq!(calls(&upstream, POST_NOTE), 3);
    assert_eq!(upstream.recorded().notes["n1"], 1);
}

#[tokio::test]
async fn passing_failures_are_retried_and_lasting_ones_given_up() {
    for passing in [status(503), status(408), Fault::Close] {
        let upstream = an_upstream().await;
        let account = account(&upstream, POLICY);
        upstream.inject(fault("/api/tickets", 2, passing.clone()));
        account.get_ticket(&soon(), 1).await.expect("the third try succeeds");
        assert_eq!(calls(&upstream, TICKET), 3);
        upstream.inject(fault("/api/tickets", 3, passing));
        let error = account.get_ticket(&soon(), 1).await.expect_err("three tries fail");
        assert!(matches!(error, ClientError::Unavailable { .. }), "{error}");
    }
}

#[tokio::test]
async fn refusals_are_not_retried() {
    let upstream = an_upstream().await;
    let account = account(&upstream, POLICY);
    for (given, expected) in [
        (401, ClientError::Unauthorised { upstream: "gorgias", status: 401 }),
        (404, ClientError::Rejected { upstream: "gorgias", status: 404, code: "none".into() }),
        (409, ClientError::Rejected { upstream: "gorgias", status: 409, code: "none".into() }),
        (302, ClientError::Rejected { upstream: "gorgias", status: 302, code: "none".into() }),
    ] {
        upstream.inject(fault("/api/tickets", 1, status(given)));
        assert_eq!(account.get_ticket(&soon(), 1).await.expect_err("refused"), expected);
    }
    assert_eq!(calls(&upstream, TICKET), 4);
}

#[tokio::test]
async fn a_named_wait_that_does_not_fit_is_handed_back() {
    let upstream = an_upstream().await;
    // A process of its own each time: one that was told to wait does not call again.
    let account = || account(&upstream, POLICY);
    let busy = |status, wait: &str| Fault::Status { status, retry_after: Some(wait.into()), body: None };
    upstream.inject(fault("/api/tickets", 1, busy(429, "60")));
    assert_eq!(
        account().get_ticket(&soon(), 1).await.expect_err("a minute is too long to hold a slot"),
        ClientError::RetryAfter {
            upstream: "gorgias",
            after: Duration::from_secs(60),
            reason: PauseReason::RateLimited
        }
    );
    upstream.inject(fault("/api/tickets", 1, busy(503, "Fri, 01 Jan 2100 00:00:00 GMT")));
    let error = account().get_ticket(&soon(), 1).await.expect_err("decades are too long");
    assert!(matches!(error, ClientError::RetryAfter { reason: PauseReason::AskedToWait, .. }), "{error}");
    upstream.inject(fault("/api/tickets", 1, busy(429, "2")));
    let error =
        account().get_ticket(&context(Duration::from_secs(1)), 1).await.expect_err("past the deadline");
    assert!(matches!(error, ClientError::RetryAfter { .. }), "{error}");
    assert_eq!(calls(&upstream, TICKET), 3);
}

#[tokio::test]
async fn silence_ends_with_the_try_or_the_deadline() {
    let upstream = an_upstream().await;
    upstream.inject(fault("/api/tickets", 1, Fault::Hang));
    let impatient = RetryPolicy { attempt_timeout: Duration::from_millis(200), ..POLICY };
    account(&upstream, impatient).get_ticket(&soon(), 1).await.expect("the second try is answered");
    assert_eq!(calls(&upstream, TICKET), 2);
    upstream.inject(fault("/api/tickets", 1, Fault::Hang));
    let short = context(Duration::from_millis(200));
    let error = account(&upstream, POLICY).get_ticket(&short, 1).await.expect_err("the deadline passes");
    assert_eq!(error, ClientError::Deadline { upstream: "gorgias", effect: Effect::Possible });
}

#[tokio::test]
async fn nobody_listening_is_known_to_have_no_effect() {
    let upstream = an_upstream().await;
    let account = account(&upstream, POLICY);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let free = listener.local_addr().expect("an address");
    drop(listener);
    drop(account);
    let gorgias =
        Gorgias::with_policy(Destinations::PublicOrLoopback, Breakers::default(), POLICY).expect("TLS");
    let client = gorgias.account(&format!("http://{free}/api"), &Auth::Bearer("t".into())).expect("loopback");
    let error =
        client.post_internal_note(&soon(), 1, &id("n"), &note("t")).await.expect_err("nobody is there");
    let expected =
        ClientError::Unavailable { upstream: "gorgias", cause: Trouble::NoConnection, effect: Effect::None };
    assert_eq!(error, expected);
}

#[tokio::test]
async fn a_broken_upstream_is_left_alone_by_every_client_of_the_process() {
    let upstream = an_upstream().await;
    upstream.inject(fault("/api", 100, status(500)));
    let settings = BreakerSettings { failures: 3, ..BreakerSettings::default() };
    let breakers = Breakers::new(settings);
    let make = || {
        Gorgias::with_policy(Destinations::PublicOrLoopback, breakers.clone(), POLICY)
            .expect("TLS")
            .account(&upstream.gorgias_base(), &Auth::Bearer("t".into()))
            .expect("loopback")
    };
    make().get_ticket(&soon(), 1).await.expect_err("three failures");
    let error = make().get_ticket(&soon(), 2).await.expect_err("the circuit is open");
    assert!(matches!(error, ClientError::RetryAfter { reason: PauseReason::CircuitOpen, .. }), "{error}");
    assert_eq!(calls(&upstream, TICKET), 3);
}

#[tokio::test]
async fn calls_slow_down_before_the_allowance_is_used_up() {
    let upstream = an_upstream().await;
    let account = account(&upstream, POLICY);
    upstream.inject(fault("/api/tickets", 1, Fault::CallLimit { report: "40/40".into() }));
    account.get_ticket(&soon(), 1).await.expect("a ticket");
    let error = account.get_ticket(&context(Duration::from_secs(1)), 1).await.expect_err("seconds to wait");
    assert!(matches!(error, ClientError::RetryAfter { reason: PauseReason::RateLimited, .. }), "{error}");
    assert_eq!(calls(&upstream, TICKET), 1);
}

/// The client of one process, which shares the buckets of a prefix with others.
fn process(upstream: &Upstream, redis: &str, prefix: &str) -> gorgias::Client {
    let dispatch = Dispatch::new(Server::new(redis).expect("a URL"), prefix);
    Gorgias::with_policy(Destinations::PublicOrLoopback, Breakers::default(), POLICY)
        .expect("TLS")
        .sharing_pace(shared_pace(&dispatch))
        .account(&upstream.gorgias_base(), &Auth::Bearer("t".into()))
        .expect("loopback")
}

fn test_redis() -> String {
    std::env::var("TEST_REDIS_URL").expect("TEST_REDIS_URL names a private test server; `make test` sets it")
}

/// How many of 20 calls in turns went through; the others were told when to come back.
async fn calls_through(clients: &[&gorgias::Client]) -> usize {
    let mut through = 0;
    for number in 0..20 {
        match clients[number % clients.len()].get_ticket(&soon(), 1).await {
            Ok(_) => through += 1,
            Err(ClientError::RetryAfter { reason: PauseReason::RateLimited, after, .. }) => {
                assert!(after > Duration::from_secs(1), "a shorter wait is waited for");
            }
            Err(error) => panic!("{error}"),
        }
    }
    through
}

/// Of a bucket of 10 that drains in 20 s, 8 are ours.
const SMALL_BUCKET: &str = "0/10";

/// What is ours of the small bucket in this time.
fn allowed_since(started: Instant) -> usize {
    8 + (started.elapsed().as_secs_f64() * 10.0 / 20.0).ceil() as usize
}

#[tokio::test]
async fn two_processes_together_keep_to_the_allowance() {
    let upstream = an_upstream().await;
    upstream.inject(fault("/api/tickets", 1000, Fault::CallLimit { report: SMALL_BUCKET.into() }));
    let prefix = format!("pace-{}", uuid::Uuid::now_v7());
    let (one, other) =
        (process(&upstream, &test_redis(), &prefix), process(&upstream, &test_redis(), &prefix));
    let started = Instant::now();
    one.get_ticket(&soon(), 1).await.expect("nothing is known yet; the answer tells");
    let through = calls_through(&[&one, &other]).await;
    assert!((8..=allowed_since(started)).contains(&through), "{through} of 20 calls");
    assert_eq!(calls(&upstream, TICKET), 1 + through as u64, "what was put off was not sent");
}

#[tokio::test]
async fn without_redis_each_process_keeps_to_the_allowance_by_itself() {
    let upstream = an_upstream().await;
    upstream.inject(fault("/api/tickets", 1000, Fault::CallLimit { report: SMALL_BUCKET.into() }));
    let nobody = "redis://127.0.0.1:1/";
    for process in [process(&upstream, nobody, "a"), process(&upstream, nobody, "a")] {
        let started = Instant::now();
        process.get_ticket(&soon(), 1).await.expect("nothing is known yet; the answer tells");
        let through = calls_through(&[&process]).await;
        assert!((8..=allowed_since(started)).contains(&through), "{through} of 20 calls");
    }
}

#[tokio::test]
async fn a_wait_that_one_process_is_told_holds_for_all() {
    let upstream = an_upstream().await;
    let prefix = format!("pace-{}", uuid::Uuid::now_v7());
    let (one, other) =
        (process(&upstream, &test_redis(), &prefix), process(&upstream, &test_redis(), &prefix));
    let busy = Fault::Status { status: 429, retry_after: Some("600".into()), body: None };
    upstream.inject(fault("/api/tickets", 1, busy));
    one.get_ticket(&soon(), 1).await.expect_err("ten minutes");
    for process in [&one, &other] {
        let error = process.get_ticket(&soon(), 1).await.expect_err("still waiting");
        let ClientError::RetryAfter { after, reason: PauseReason::RateLimited, .. } = error else {
            panic!("{error}")
        };
        assert!(after > Duration::from_secs(300), "{after:?}");
    }
    assert_eq!(calls(&upstream, TICKET), 1);
}

#[tokio::test]
async fn a_bucket_in_redis_and_one_in_the_process_are_the_same_bucket() {
    // So slow that the time which this test takes makes no difference.
    let allowance = Allowance { window: Duration::from_secs(10_000), share: 0.8, assumed: 0.0 };
    let report = |headers: &reqwest::header::HeaderMap| used_of_limit(headers.get("x-limit")?.to_str().ok()?);
    let local = Pacer::new("gorgias", allowance, report);
    let dispatch =
        Dispatch::new(Server::new(&test_redis()).expect("a URL"), &format!("pace-{}", uuid::Uuid::now_v7()));
    let shared = Pacer::new("gorgias", allowance, report).shared_by(shared_pace(&dispatch));
    let mut seen = Vec::new();
    for pacer in [&local, &shared] {
        let note = async |text: &'static str| {
            let value = reqwest::header::HeaderValue::from_static(text);
            let name = reqwest::header::HeaderName::from_static("x-limit");
            pacer.note("a", &[(name, value)].into_iter().collect()).await;
        };
        let mut waits = Vec::new();
        let mut book = async |longest: u64| {
            let booked = pacer.book("a", Duration::from_secs(longest)).await;
            let tens = |wait: Duration| (wait.as_secs_f64() / 10.0).round() as u64;
            waits.push(booked.map(tens).map_err(tens));
        };
        book(0).await;
        note("6/10").await;
        for longest in [0, 0, 0, 1_500, 1_500, 5_000] {
            book(longest).await;
        }
        note("1/10").await;
        book(0).await;
        pacer.empty("a", Duration::from_secs(4_000)).await;
        for longest in [0, 60_000, 60_000] {
            book(longest).await;
        }
        note("9/20").await;
        book(0).await;
        seen.push(waits);
    }
    assert_eq!(seen[0], seen[1]);
    assert!(seen[0].contains(&Ok(0)) && seen[0].iter().any(|wait| matches!(wait, Err(1..))), "{seen:?}");
}

#[tokio::test]
async fn inside_addresses_are_refused_even_behind_a_name() {
    let upstream = an_upstream().await;
    let gorgias = Gorgias::with_policy(Destinations::PublicOnly, Breakers::default(), POLICY).expect("TLS");
    let auth = Auth::Bearer("t".into());
    for base in
        [upstream.gorgias_base().as_str(), "https://169.254.169.254/api", "https://10.0.0.8", "nonsense"]
    {
        gorgias.account(base, &auth).expect_err(base);
    }
    let named = format!("https://localhost:{}/api", upstream.addr.port());
    let error = gorgias.account(&named, &auth).expect("a name passes").get_ticket(&soon(), 1).await;
    assert!(matches!(error, Err(ClientError::ForbiddenAddress { .. })), "{error:?}");
    assert!(upstream.recorded().totals.is_empty());
}

#[tokio::test]
async fn an_endless_answer_is_not_read() {
    let upstream = an_upstream().await;
    let body = Some(json!({"id": 1, "subject": "x".repeat(9 * 1024 * 1024)}));
    upstream.inject(fault("/api/tickets", 1, Fault::Status { status: 200, retry_after: None, body }));
    let error = account(&upstream, POLICY).get_ticket(&soon(), 1).await.expect_err("too long");
    assert!(matches!(error, ClientError::BadAnswer { .. }), "{error}");
}

#[tokio::test]
async fn the_trace_context_is_passed_on() {
    let upstream = an_upstream().await;
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let context = CallContext { traceparent: Some(trace.into()), ..soon() };
    account(&upstream, POLICY).get_ticket(&context, 1).await.expect("a ticket");
    assert_eq!(upstream.recorded().traceparents, [trace]);
}

#[tokio::test]
async fn a_prompt_becomes_a_draft_that_keeps_policy_and_style() {
    let upstream = an_upstream().await;
    let model = model(&upstream, POLICY);
    for channel in [Channel::Email, Channel::Sms, Channel::Phone] {
        let message = ThreadMessage {
            author: Author::Customer,
            text: "Where is my order?".into(),
            at: chrono::Utc::now(),
        };
        let input = DraftInput {
            sharing: Vec::new(),
            articles: Vec::new(),
            shop_name: "Hartley Gifts".into(),
            subject: "Order".into(),
            channel,
            tone: Tone::Friendly,
            length: Length::Medium,
            customer_name: None,
            messages: vec![message],
            customer: None,
        };
        let asked = prompt::prompt(&input, &[]);
        let with_form = model.complete(&soon(), asked.parts()).await.expect("a completion");
        assert!(with_form.form.is_some() && with_form.text.is_empty(), "the reply is a field");
        let as_text = Prompt { tool: None, ..asked.parts() };
        let as_text = model.complete(&soon(), as_text).await.expect("a completion");
        assert!(as_text.form.is_none());
        for completion in [with_form, as_text] {
            assert_eq!(completion.ending, Ending::Complete);
            assert!(completion.usage.output_tokens > 0);
            let draft = judge::judge(&completion, &input).expect("a draft");
            assert_eq!(draft.drafter, Drafter::Anthropic);
            assert_eq!(style::style(channel, Length::Medium).problems(&draft.reply), []);
            assert_eq!(check(&draft.reply, &KnownFacts::of(&input)), []);
            draft.recommendation.expect("a recommendation");
        }
    }
}

#[tokio::test]
async fn a_server_without_forms_is_asked_for_a_text() {
    let upstream = an_upstream().await;
    let model = model(&upstream, POLICY);
    let message = "tools: extra inputs are not permitted";
    let body = Some(json!({"type": "error", "error": {"type": "invalid_request_error", "message": message}}));
    upstream.inject(fault("/v1", 1, Fault::Status { status: 400, retry_after: None, body }));
    let schema = json!({"type": "object"});
    let tool = Some(anthropic::Tool { name: "write", description: "d", schema: &schema });
    let answer = model.complete(&soon(), Prompt { tool, ..PROMPT }).await.expect("an answer");
    assert!(answer.form.is_none() && answer.text.contains("<reply>"));
    assert_eq!(calls(&upstream, MODEL), 2);
}

#[tokio::test]
async fn a_lack_of_room_is_told_from_a_failure() {
    let upstream = an_upstream().await;
    let overloaded = json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}});
    for (status, body, reason, effect) in [
        (529, None, PauseReason::Overloaded, Effect::Possible),
        (429, None, PauseReason::RateLimited, Effect::None),
        (400, Some(overloaded.clone()), PauseReason::Overloaded, Effect::None),
        (200, Some(overloaded.clone()), PauseReason::Overloaded, Effect::None),
        (500, Some(overloaded), PauseReason::Overloaded, Effect::Possible),
    ] {
        let model = model(&upstream, POLICY);
        upstream.inject(fault("/v1", 2, Fault::Status { status, retry_after: None, body: body.clone() }));
        model.complete(&soon(), PROMPT).await.expect("the third try is answered");
        upstream.inject(fault("/v1", 3, Fault::Status { status, retry_after: None, body: body.clone() }));
        let error = model.complete(&soon(), PROMPT).await.expect_err("three tries");
        assert_eq!(error, ClientError::Busy { upstream: "anthropic", reason, effect }, "{status}");
        upstream.inject(fault("/v1", 1, Fault::Status { status, retry_after: Some("60".into()), body }));
        let error = model.complete(&soon(), PROMPT).await.expect_err("a minute");
        let after = Duration::from_secs(60);
        assert_eq!(error, ClientError::RetryAfter { upstream: "anthropic", after, reason }, "{status}");
    }
}

#[tokio::test]
async fn a_wait_that_comes_with_a_servers_error_is_kept_for_a_note_too() {
    let upstream = an_upstream().await;
    let account = account(&upstream, POLICY);
    let down = Fault::Status { status: 503, retry_after: Some("60".into()), body: None };
    upstream.inject(FaultRule { method: Some("POST".into()), ..fault("/api/tickets", 1, down) });
    let error = account.post_internal_note(&soon(), 7, &id("n1"), &note("t")).await.expect_err("a minute");
    assert!(matches!(error, ClientError::RetryAfter { reason: PauseReason::AskedToWait, .. }), "{error}");
    assert!(error.may_have_taken_effect(), "look before posting again");
    assert_eq!(calls(&upstream, POST_NOTE), 1, "it was not sent again");
}

#[tokio::test]
async fn the_models_errors_are_told_apart() {
    let upstream = an_upstream().await;
    let model = model(&upstream, POLICY);
    let error_body = |kind: &str, code: Option<&str>| {
        Some(
            json!({"type": "error", "error": {"type": kind, "message": "", "details": {"error_code": code}}}),
        )
    };
    for passing in [409, 429, 529] {
        upstream.inject(fault("/v1", 1, status(passing)));
        model.complete(&soon(), PROMPT).await.expect("the second try succeeds");
    }
    assert_eq!(calls(&upstream, MODEL), 6);
    let body = error_body("rate_limit_error", Some("enforced_spend_limit_reached"));
    upstream.inject(fault("/v1", 1, Fault::Status { status: 429, retry_after: None, body }));
    let error = model.complete(&soon(), PROMPT).await.expect_err("the limit is reached");
    assert_eq!(error, ClientError::SpendLimit { upstream: "anthropic" });
    let body = error_body("not_found_error", None);
    upstream.inject(fault("/v1", 1, Fault::Status { status: 404, retry_after: None, body }));
    assert_eq!(
        model.complete(&soon(), PROMPT).await.expect_err("no such model"),
        ClientError::Rejected { upstream: "anthropic", status: 404, code: "not_found_error".into() }
    );
    assert_eq!(calls(&upstream, MODEL), 8, "neither was tried again");
    let body = Some(json!({"model": "m", "content": [], "stop_reason": "refusal"}));
    upstream.inject(fault("/v1", 1, Fault::Status { status: 200, retry_after: None, body }));
    assert_eq!(model.complete(&soon(), PROMPT).await.expect("an answer").ending, Ending::Refused);
}

#[tokio::test]
async fn the_upstream_can_be_directed_and_asked_over_http() {
    let upstream = an_upstream().await;
    let url = |path: &str| format!("http://{}{path}", upstream.addr);
    let http = reqwest::Client::new();
    let fault = json!({"route": "/effects", "count": 1, "fault": {"kind": "status", "status": 503}});
    http.post(url("/_faults")).json(&fault).send().await.expect("sent").error_for_status().expect("accepted");
    let mut answers = Vec::new();
    for _ in 0..3 {
        answers.push(http.post(url("/effects/a")).send().await.expect("sent").status().as_u16());
    }
    assert_eq!(answers, [503, 201, 201]);
    let recorded: upstream::Recorded =
        http.get(url("/_recorded")).send().await.expect("sent").json().await.expect("a report");
    assert_eq!((recorded.effects["a"], recorded.totals["POST /effects/{key}"]), (2, 3));
    assert_eq!(recorded.duplicates.effects, ["a"]);
    assert_eq!(recorded, upstream.recorded());
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_together_make_so_many_calls_at_once() {
    let prefix = format!("places-{}", uuid::Uuid::now_v7());
    let places = || {
        let dispatch = Dispatch::new(Server::new(&test_redis()).expect("a URL"), &prefix);
        Concurrency::new("test", 2, Duration::from_secs(60)).shared_by(shared_pace(&dispatch))
    };
    let (one, other) = (places(), places());
    let first = one.enter("shop").await.expect("a place");
    let second = other.enter("shop").await.expect("a place");
    assert!(one.enter("shop").await.is_none() && other.enter("shop").await.is_none());
    assert!(one.enter("another shop").await.is_some());
    drop(first);
    // It is given back behind the caller's back, a moment later.
    let again = tokio::time::timeout(Duration::from_secs(20), async {
        loop {
            if let Some(place) = other.enter("shop").await {
                return place;
            }
            tokio::task::yield_now().await;
        }
    });
    drop(again.await.expect("the place is free again"));
    drop(second);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_whose_holder_died_is_free_when_its_time_is_over() {
    let dispatch = Dispatch::new(
        Server::new(&test_redis()).expect("a URL"),
        &format!("places-{}", uuid::Uuid::now_v7()),
    );
    let longest = Duration::from_millis(200);
    let died = Concurrency::new("test", 1, longest).shared_by(shared_pace(&dispatch));
    // A process that died leaves no word.
    std::mem::forget(died.enter("shop").await.expect("a place"));
    let other = Concurrency::new("test", 1, longest).shared_by(shared_pace(&dispatch));
    let again = tokio::time::timeout(Duration::from_secs(20), async {
        while other.enter("shop").await.is_none() {
            tokio::task::yield_now().await;
        }
    });
    again.await.expect("its time is over");
}

#[tokio::test]
async fn what_fails_for_one_tenant_opens_no_circuit_for_another() {
    let upstream = an_upstream().await;
    let breakers = Breakers::new(BreakerSettings { failures: 3, ..BreakerSettings::default() });
    let webhooks = Webhooks::new(Destinations::PublicOrLoopback, breakers).expect("TLS");
    upstream.inject(fault("/hooks/broken", 100, status(500)));
    let post = async |endpoint: &str| {
        let url = upstream.hook(endpoint);
        webhooks.post(&soon(), &url, endpoint, &[], b"{}".to_vec()).await
    };
    for _ in 0..3 {
        assert_eq!(post("broken").await.expect("an answer").status, 500);
    }
    let refused = post("broken").await.expect_err("its circuit is open");
    assert!(matches!(refused, ClientError::RetryAfter { reason: PauseReason::CircuitOpen, .. }), "{refused}");
    assert_eq!(post("healthy").await.expect("an answer").status, 204, "the same host");
}
