//! From a customer's message to the note in the help desk, with a model that answers in every way that models do: what
//! an agent reads in the end, how often the model was asked, and what became of the jobs.

mod connected;
mod draft_moments;

use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use cluster::upstream::{self, Fault, FaultRule, Upstream, When};
use database::Role;
use database::ids::TenantId;
use jobs::read::{self, JobView};
use jobs::{JobId, State};
use migrations::testing::{TestDatabase, fresh_database};
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};
use support::gorgias::dedup::Identity;
use support::gorgias::delivery::{Body, parse_body};
use support::intake::{self, Intake};
use tokio::time::Instant;
use upstreams::gorgias::{self, Gorgias};
use upstreams::http::RetryPolicy;
use upstreams::{Breakers, CallContext, Destinations, anthropic};
use uuid::Uuid;
use worker::app::App;
use worker::handlers;
use worker::testing::{self, drain};

use connected::connected_tenant;

const POLICY: RetryPolicy = RetryPolicy {
    attempts: 2,
    first_delay: Duration::from_millis(1),
    longest_delay: Duration::from_millis(2),
    attempt_timeout: Duration::from_secs(20),
    longest_named_wait: Duration::from_millis(10),
};
const TICKET: u64 = 7;

/// A shop with a help desk and a model, both played by one upstream.
struct Desk {
    database: TestDatabase,
    url: String,
    upstream: Upstream,
    app: Arc<App>,
    tenant: TenantId,
}

impl Desk {
    async fn open() -> Desk {
        Desk::with(POLICY).await
    }

    async fn with(policy: RetryPolicy) -> Desk {
        boot::install_tls();
        let database = fresh_database().await;
        let upstream = upstream::start(([127, 0, 0, 1], 0).into()).await.expect("a free port");
        let redis = std::env::var("TEST_REDIS_URL").expect("TEST_REDIS_URL: run the tests with `make test`");
        let url = database.url_for("desk_worker");
        let (destinations, breakers) = (Destinations::PublicOrLoopback, Breakers::default());
        let settings = anthropic::Settings {
            base: upstream.anthropic_base(),
            key: "sk-test".into(),
            model: "claude-haiku-4-5".into(),
            version: "2026-10-21".into(),
            max_tokens: 1024,
        };
        let model = anthropic::Client::with_policy(&settings, destinations, breakers.clone(), policy);
        let app = Arc::new(App {
            gorgias: Gorgias::with_policy(destinations, breakers, POLICY).expect("a client"),
            anthropic: Some(model.expect("settings are fine")),
            ..testing::app(&url, &redis)
        });
        let tenant = connected_tenant(&database, &upstream, &app.master_key).await;
        Desk { database, url, upstream, app, tenant }
    }

    /// The next answer of the model, as a text.
    fn answers(&self, text: &str) {
        let content = json!([{"type": "text", "text": text}]);
        self.meets(1, 200, None, json!({"model": "m", "stop_reason": "end_turn", "content": content}));
    }

    /// The next answer of the model, as a form.
    fn fills_in(&self, reply: &str, stop_reason: &str) {
        let input = json!({"reply": reply, "recommendation": null});
        let content = json!([{"type": "tool_use", "id": "t", "name": "hand_over_draft", "input": input}]);
        self.meets(1, 200, None, json!({"model": "m", "stop_reason": stop_reason, "content": content}));
    }

    fn meets(&self, count: u32, status: u16, retry_after: Option<&str>, body: Value) {
        let fault = Fault::Status { status, retry_after: retry_after.map(str::to_owned), body: Some(body) };
        self.injects("/v1/messages", count, fault);
    }

    fn injects(&self, route: &str, count: u32, fault: Fault) {
        let rule =
            FaultRule { route: route.into(), method: Some("POST".into()), count, when: When::Before, fault };
        self.upstream.inject(rule);
    }

    /// A customer writes; the job that drafts.
    async fn receives(&self, text: &str) -> JobId {
        let body = json!({
            "id": TICKET, "subject": "Lamp", "status": "open", "channel": "email",
            "customer": {"id": 9, "name": "Maya Example", "email": "maya@shop.example"},
            "messages": [{"id": Uuid::now_v7().as_u128() as u32, "channel": "email", "from_agent": false,
                "public": true, "body_text": text, "created_datetime": Utc::now()}],
        });
        self.tells(&body).await.expect("a draft is asked for")
    }

    /// The help desk tells something; the job that drafts, if one is asked for.
    async fn tells(&self, body: &Value) -> Option<JobId> {
        let body = Body::of(body.to_string().as_bytes()).expect("JSON");
        let delivery = parse_body(&body).expect("it is read");
        let mut tx = self.app.db.tenant_tx(Role::Support, self.tenant).await.expect("the database");
        let intake = Intake {
            tenant: self.tenant,
            identity: &Identity { key: Uuid::now_v7().to_string(), is_lasting: true },
            body: &body.json,
            delivery: &delivery,
            correlation_id: "c-1",
            trace_parent: None,
            replay_of: None,
            now: Utc::now(),
        };
        let (taken, announcement) = intake::take_in_within(&mut tx, intake).await.expect("it is taken in");
        tx.commit().await.expect("the database");
        self.app.dispatch.announce(announcement);
        taken.answer.job
    }

    /// Works everything off that is due.
    async fn works(&self) {
        drain(&self.app.store, &self.app.dispatch, handlers::all(&self.app), &self.url, &["ai", "default"])
            .await
            .expect("the drain");
    }

    /// Lets the time pass for which jobs wait.
    async fn waits_over(&self) {
        let mut owner = PgConnection::connect(&self.database.admin_url).await.expect("the server answers");
        sqlx::query("update jobs.live set due_at = now() where state in ('scheduled', 'retrying')")
            .execute(&mut owner)
            .await
            .expect("the owner may");
    }

    async fn job(&self, id: JobId) -> JobView {
        let mut conn = self.app.store.pool().acquire().await.expect("the ledger");
        read::job(&mut conn, Some(self.tenant.0), id).await.expect("the ledger").expect("the job exists")
    }

    /// The text of the only note in the ticket.
    async fn note(&self) -> String {
        let auth = gorgias::Auth::ApiKey { email: "bot@shop.example".into(), key: "k".into() };
        let client = self.app.gorgias.account(&self.upstream.gorgias_base(), &auth).expect("loopback");
        let context = CallContext { deadline: Instant::now() + Duration::from_secs(20), traceparent: None };
        let messages = client.list_messages(&context, TICKET, 50).await.expect("the messages");
        let mut notes = messages.into_iter().filter(|message| message.is_internal_note());
        let note = notes.next().expect("a note").body_text.expect("with a text");
        assert!(notes.next().is_none(), "one note");
        note
    }

    fn model_calls(&self) -> u64 {
        self.upstream.recorded().totals.get("POST /v1/messages").copied().unwrap_or(0)
    }
}

const ASKED: &str = "Hello, where is my lamp? It has not arrived yet and I need it soon, please tell me.";
const REPLY: &str = "Hello Maya, your lamp left us on Monday.";

#[tokio::test(flavor = "multi_thread")]
async fn what_a_model_says_around_its_answer_reaches_nobody() {
    let desk = Desk::open().await;
    desk.answers(&format!(
        "I will put it inside <reply> tags.\n<reply>{REPLY}</reply>\n<recommendation>{{\"priority\":\"High\",\
         \"actions\":[\"a\",\"b\"],\"talking_points\":[\"c\",\"d\",\"e\"],\"retention_probability\":\"0.7\"}} \
         Tell me if {{this}} is wrong.</recommendation>"
    ));
    let job = desk.receives(ASKED).await;
    desk.works().await;
    assert_eq!(desk.job(job).await.state, State::Done);
    let note = desk.note().await;
    assert!(note.starts_with(&format!("Draft reply (m)\n{REPLY}\n\n")), "{note}");
    assert!(note.contains("(priority high)") && note.contains("stays: 70 %"), "{note}");
    assert!(!note.contains("tags") && !note.contains("Tell me"), "{note}");
    assert_eq!(desk.model_calls(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_faulty_answer_is_asked_for_once_more() {
    for faulty in [
        "<reply>Hello Maya, here is a draft: <reply>Hello Maya, your lamp left us on Monday.</reply></reply>",
        "<reply>Hello Maya, here is a draft: <reply>Hello Maya, your lamp left us on Monday.</reply>",
        "<reply>Dear [name], thank you.</reply>",
        "<reply>Hello Maya, it will arrive by Friday.</reply>",
        "<reply>Guten Tag, ich sehe gerade nach, wo Ihre Lampe ist, und melde mich gleich bei Ihnen.</reply>",
    ] {
        let desk = Desk::open().await;
        desk.answers(faulty);
        desk.fills_in(REPLY, "tool_use");
        let job = desk.receives(ASKED).await;
        desk.works().await;
        assert_eq!(desk.job(job).await.attempt, 1, "{faulty}");
        let note = desk.note().await;
        assert!(note.starts_with(&format!("Draft reply (m)\n{REPLY}\n\n")), "{faulty}: {note}");
        assert_eq!(desk.model_calls(), 2, "{faulty}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_two_faulty_answers_the_built_in_drafter_writes_and_says_why() {
    let desk = Desk::open().await;
    desk.fills_in("Hello Maya, your la", "max_tokens");
    desk.fills_in("Dear {{name}}, thank you.", "tool_use");
    let job = desk.receives(ASKED).await;
    desk.works().await;
    assert_eq!(desk.job(job).await.state, State::Done);
    let note = desk.note().await;
    assert!(note.starts_with("Draft reply (template)\nHello Maya,"), "{note}");
    assert!(note.contains("neither answer could be used") && note.contains("placeholder"), "{note}");
    assert_eq!(desk.model_calls(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_answer_is_asked_for_once_more_and_ends_with_the_built_in_drafter() {
    let text = json!([{"type": "text", "text": "Hello Maya."}]);
    let other = json!([{"type": "tool_use", "id": "t", "name": "look_up", "input": {"reply": REPLY}}]);
    let odd = json!([{"type": "tool_use", "id": "t", "name": "hand_over_draft", "input": ["Hello Maya."]}]);
    let message =
        |stop: Value, content: &Value| json!({"model": "m", "stop_reason": stop, "content": content});
    for body in [
        message(json!("tool_use"), &other),
        message(json!("tool_use"), &odd),
        message(json!("pause_turn"), &text),
        message(Value::Null, &text),
        message(json!("end_turn"), &json!([])),
        message(json!("end_turn"), &json!("Hello Maya.")),
        message(json!("model_context_window_exceeded"), &json!([])),
        json!("<html>Bad gateway</html>"),
        json!({"choices": [{"message": {"content": "Hello Maya."}}]}),
        Value::Null,
    ] {
        let desk = Desk::open().await;
        desk.meets(2, 200, None, body.clone());
        let job = desk.receives(ASKED).await;
        desk.works().await;
        let done = desk.job(job).await;
        assert_eq!((done.state, done.attempt), (State::Done, 1), "{body}");
        let note = desk.note().await;
        assert!(note.starts_with("Draft reply (template)\nHello Maya,"), "{body}: {note}");
        assert!(note.contains("neither answer could be used"), "{body}: {note}");
        assert_eq!(desk.model_calls(), 2, "{body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_that_is_too_long_is_shortened_and_what_is_refused_ends_with_the_built_in_drafter() {
    let error = |message: &str| json!({"type": "error", "error": {"type": "invalid_request_error", "message": message}});
    let too_long = error("prompt is too long: 208310 tokens > 200000 maximum");
    for (count, status, body, writes, remark) in [
        (1, 400, &too_long, "claude-haiku-4-5", ""),
        (2, 400, &too_long, "template", "longer than the model reads"),
        (1, 400, &error("messages: odd"), "template", "it did not take the request"),
        (
            1,
            404,
            &json!({"type": "error", "error": {"type": "not_found_error", "message": "model: x"}}),
            "template",
            "ANTHROPIC_MODEL",
        ),
        (1, 401, &json!({}), "template", "ANTHROPIC_API_KEY"),
    ] {
        let desk = Desk::open().await;
        desk.meets(count, status, None, body.clone());
        let job = desk.receives(ASKED).await;
        desk.works().await;
        let done = desk.job(job).await;
        assert_eq!((done.state, done.attempt), (State::Done, 1), "{status}");
        let note = desk.note().await;
        assert!(note.starts_with(&format!("Draft reply ({writes})\nHello")), "{status}: {note}");
        assert!(note.contains(remark), "{status}: {note}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_built_in_drafter_writes_the_customers_language_when_the_model_does_not() {
    let desk = Desk::open().await;
    let english =
        "Hello Maya, I am looking into where your lamp is and will write to you as soon as I know more.";
    desk.fills_in(english, "tool_use");
    desk.fills_in(english, "tool_use");
    desk.receives(
        "Guten Tag, wo bleibt meine Lampe? Sie ist noch nicht angekommen, und ich warte seit Wochen.",
    )
    .await;
    desk.works().await;
    let note = desk.note().await;
    let (reply, advice) = note.split_once("\n\nRecommended actions").expect("a reply and advice");
    assert!(
        reply.starts_with("Draft reply (template)\nGuten Tag Maya Example,\n\nherzlichen Dank"),
        "{note}"
    );
    assert!(reply.contains("Ich prüfe gerade den Stand Ihrer Bestellung"), "{note}");
    assert!(reply.contains("Mit freundlichen Grüßen\nIhr Team von "), "{note}");
    assert!(advice.contains("the reply is in English, but the customer writes German"), "{note}");
    assert_eq!(desk.model_calls(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_overload_in_any_form_ends_with_the_draft() {
    let overloaded = json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}});
    let empty = json!({"model": "m", "stop_reason": "end_turn", "content": []});
    let status = |status, retry_after: Option<&str>, body: &Value| Fault::Status {
        status,
        retry_after: retry_after.map(str::to_owned),
        body: Some(body.clone()),
    };
    for (fault, named_wait) in [
        (status(529, None, &Value::Null), false),
        (status(429, None, &Value::Null), false),
        (status(429, Some("0"), &Value::Null), false),
        (status(429, Some("soon"), &Value::Null), false),
        (status(429, Some("-5"), &Value::Null), false),
        (status(429, Some("1"), &Value::Null), true),
        (status(500, None, &overloaded), false),
        (status(200, None, &overloaded), false),
        (status(400, None, &overloaded), false),
        (status(400, Some("1"), &overloaded), true),
        (status(200, None, &empty), false),
        (Fault::Close, false),
    ] {
        let desk = Desk::open().await;
        // A named wait may be over before the queue is looked at again: then the model is as it was.
        desk.injects("/v1/messages", if named_wait { 1_000 } else { 1 }, fault.clone());
        let job = desk.receives(ASKED).await;
        desk.works().await;
        desk.upstream.forgive();
        let refused = desk.model_calls();
        let waiting = desk.job(job).await;
        if named_wait {
            assert_eq!((waiting.state, waiting.attempt), (State::Scheduled, 0), "{fault:?}");
            assert!(waiting.run_at - waiting.created_at > chrono::TimeDelta::milliseconds(900), "{fault:?}");
        }
        desk.waits_over().await;
        desk.works().await;
        assert_eq!(desk.job(job).await.state, State::Done, "{fault:?}");
        assert!(desk.note().await.starts_with("Draft reply (claude-haiku-4-5)"), "{fault:?}");
        assert_eq!(desk.model_calls(), if named_wait { refused + 1 } else { 2 }, "{fault:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_never_answers_ends_with_the_draft() {
    let desk = Desk::with(RetryPolicy { attempt_timeout: Duration::from_secs(5), ..POLICY }).await;
    desk.injects("/v1/messages", 1, Fault::Hang);
    let job = desk.receives(ASKED).await;
    desk.works().await;
    desk.waits_over().await;
    desk.works().await;
    assert_eq!(desk.job(job).await.state, State::Done);
    assert!(desk.note().await.starts_with("Draft reply (claude-haiku-4-5)"));
    assert!((2..=4).contains(&desk.model_calls()), "{} calls", desk.model_calls());
}

#[tokio::test(flavor = "multi_thread")]
async fn no_rate_limit_costs_an_attempt_however_long_it_lasts() {
    for retry_after in [Some("60"), None] {
        // The model's limit holds up the draft, then the help desk's the note.
        let desk = Desk::open().await;
        desk.meets(1_000, 429, retry_after, Value::Null);
        let busy = Fault::Status { status: 429, retry_after: retry_after.map(str::to_owned), body: None };
        let job = desk.receives(ASKED).await;
        for _ in 0..12 {
            desk.works().await;
            let waiting = desk.job(job).await;
            assert_eq!((waiting.state, waiting.attempt), (State::Scheduled, 0), "{retry_after:?}");
            desk.waits_over().await;
        }
        desk.upstream.forgive();
        desk.injects("/api/tickets", 1_000, busy);
        desk.works().await;
        if retry_after.is_some() {
            // The model's bucket stays empty for the minute that was named; nobody calls before.
            assert_eq!(desk.job(job).await.attempt, 0);
            continue;
        }
        let drafted = desk.job(job).await;
        assert_eq!((drafted.state, drafted.attempt), (State::Done, 1));
        let note = drafted.result.expect("a result")["note_job_id"].clone();
        let note: JobId = serde_json::from_value(note).expect("a note follows");
        for _ in 0..12 {
            let waiting = desk.job(note).await;
            assert_eq!((waiting.state, waiting.attempt), (State::Scheduled, 0), "{retry_after:?}");
            desk.waits_over().await;
            desk.works().await;
        }
        desk.upstream.forgive();
        desk.waits_over().await;
        desk.works().await;
        assert_eq!(desk.job(note).await.state, State::Done);
        assert_eq!(desk.upstream.recorded().notes.values().sum::<u64>(), 1);
    }
}
