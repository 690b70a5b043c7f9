//! When a draft is made, and when its moment is over: what happens to the ticket while the model writes or the note waits, a
//! ticket of which nothing is known, a model that is away for long, and a flood of other work.

use super::*;
use support::tickets;
use worker::runtime::STEP_CONNECTIONS;

/// What a help desk tells, made at the moment at which it does: with an earlier time it would be older than the customer's
/// message, and older news change nothing.
type Told = fn() -> Value;

/// What a help desk tells now of the ticket.
fn news(of: Value) -> Value {
    let mut body = json!({"id": TICKET, "channel": "email", "updated_datetime": Utc::now()});
    body.as_object_mut().expect("an object").extend(of.as_object().expect("an object").clone());
    body
}

fn message(from_agent: bool, text: &str) -> Value {
    let id = Uuid::now_v7().as_u128() as u32;
    news(json!({"messages": [{"id": id, "channel": "email", "from_agent": from_agent, "public": true,
        "body_text": text, "created_datetime": Utc::now()}]}))
}

impl Desk {
    fn notes(&self) -> u64 {
        self.upstream.recorded().notes.values().sum()
    }

    /// Waits until the model was asked.
    async fn asks(&self, job: JobId) {
        while self.model_calls() == 0 {
            self.job(job).await;
        }
    }
}

fn reason(view: &JobView) -> &str {
    view.error.as_ref().and_then(|error| error["message"].as_str()).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_while_the_model_writes_keeps_the_draft_out_of_the_ticket() {
    let cases: [(Told, &str, u64); 6] = [
        (|| news(json!({"status": "closed"})), "closed", 0),
        (|| news(json!({"status": "open", "tags": ["no-ai"]})), "reserves", 0),
        (|| news(json!({"spam": true})), "spam", 0),
        (|| news(json!({"trashed_datetime": "2026-11-20T10:00:00Z"})), "deleted", 0),
        (|| message(true, "I have sent you the number."), "newer messages", 0),
        // That one gets a draft of its own, which is the only note.
        (|| message(false, "It is the red one."), "newer messages", 1),
    ];
    for (told, why, notes) in cases {
        let desk = Desk::open().await;
        desk.injects("/v1/messages", 1, Fault::Hold);
        let job = desk.receives(ASKED).await;
        let meanwhile = async {
            desk.asks(job).await;
            desk.tells(&told()).await;
            desk.upstream.release();
        };
        tokio::join!(desk.works(), meanwhile);
        let written = desk.job(job).await;
        assert_eq!((written.state, written.attempt), (State::Done, 1), "{why}");
        let result = written.result.expect("what was written is kept");
        let told = result["not_posted"].as_str().unwrap_or_default();
        assert!(told.contains(why), "{why}: {result}");
        assert_eq!((&result["note_job_id"], desk.notes()), (&Value::Null, notes), "{why}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_model_is_asked_for_a_ticket_that_was_closed_or_answered_before() {
    let cases: [(Told, &str); 2] = [
        (|| news(json!({"status": "closed"})), "closed"),
        (|| message(true, "I have sent you the number."), "an agent has spoken last"),
    ];
    for (told, why) in cases {
        let desk = Desk::open().await;
        let job = desk.receives(ASKED).await;
        desk.tells(&told()).await;
        desk.works().await;
        let ended = desk.job(job).await;
        assert_eq!((ended.state, desk.model_calls(), desk.notes()), (State::Cancelled, 0, 0), "{why}");
        assert!(reason(&ended).contains(why), "{}", reason(&ended));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_rule_of_the_help_desk_sends_is_no_answer_and_makes_no_draft_old() {
    let receipt = || {
        let mut told = message(true, "We got your message.");
        told["messages"][0]["via"] = json!("rule");
        told["messages"][0]["sender"] = Value::Null;
        told
    };
    // Before the draft is written, and while it is.
    let desk = Desk::open().await;
    let job = desk.receives(ASKED).await;
    desk.tells(&receipt()).await;
    desk.works().await;
    let ended = desk.job(job).await;
    assert_eq!((ended.state, desk.notes()), (State::Done, 1), "{}", reason(&ended));
    let desk = Desk::open().await;
    desk.injects("/v1/messages", 1, Fault::Hold);
    let job = desk.receives(ASKED).await;
    let meanwhile = async {
        desk.asks(job).await;
        desk.tells(&receipt()).await;
        desk.upstream.release();
    };
    tokio::join!(desk.works(), meanwhile);
    let written = desk.job(job).await;
    let result = written.result.expect("a draft");
    assert_eq!((&result["not_posted"], desk.notes()), (&Value::Null, 1), "{result}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_note_that_was_put_off_is_not_posted_once_its_moment_is_over() {
    let cases: [(Told, &str); 2] = [
        (|| news(json!({"status": "closed"})), "closed"),
        (|| message(true, "I have sent you the number."), "newer messages"),
    ];
    for (told, why) in cases {
        let desk = Desk::open().await;
        let busy = Fault::Status { status: 429, retry_after: None, body: None };
        desk.injects("/api/tickets", 1_000, busy);
        let job = desk.receives(ASKED).await;
        desk.works().await;
        let result = desk.job(job).await.result.expect("a draft");
        let note: JobId = serde_json::from_value(result["note_job_id"].clone()).expect("a note follows");
        assert_eq!(desk.job(note).await.state, State::Scheduled, "{why}");
        desk.tells(&told()).await;
        desk.upstream.forgive();
        desk.waits_over().await;
        desk.works().await;
        let ended = desk.job(note).await;
        assert_eq!((ended.state, desk.notes()), (State::Cancelled, 0), "{why}");
        assert!(reason(&ended).contains(why), "{}", reason(&ended));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_that_is_told_without_words_is_fetched_and_one_that_has_none_gets_no_draft() {
    let bare = || news(json!({"status": "open", "subject": "Lamp"}));
    // Where the help desk has the words.
    for told in [bare(), message(false, "")] {
        let desk = Desk::open().await;
        let job = desk.tells(&told).await.expect("a draft is asked for");
        desk.works().await;
        assert_eq!(
            (desk.job(job).await.state, desk.model_calls(), desk.notes()),
            (State::Done, 1, 1),
            "{told}"
        );
        let mut tx = desk.app.db.tenant_tx(Role::Support, desk.tenant).await.expect("the database");
        let ticket =
            tickets::find(&mut tx, "gorgias", &TICKET.to_string()).await.expect("read").expect("it is there");
        let thread = tickets::thread(&mut tx, ticket.id, 20).await.expect("read");
        assert!(thread.iter().any(|message| message.body_text.contains("where is my order")), "{told}");
    }
    // Where nobody has any.
    let desk = Desk::open().await;
    let gone = Fault::Status { status: 404, retry_after: None, body: None };
    for route in ["/api/tickets", "/api/messages"] {
        let rule = FaultRule {
            route: route.into(),
            method: Some("GET".into()),
            count: 1_000,
            when: When::Before,
            fault: gone.clone(),
        };
        desk.upstream.inject(rule);
    }
    let job = desk.tells(&bare()).await.expect("a draft is asked for");
    desk.works().await;
    let ended = desk.job(job).await;
    assert_eq!((ended.state, desk.model_calls(), desk.notes()), (State::Cancelled, 0, 0));
    assert!(reason(&ended).contains("no word of the customer"), "{}", reason(&ended));
    // Who wrote nothing but a subject said that.
    let job = desk.tells(&message(false, "")).await.expect("a draft is asked for");
    desk.works().await;
    let ended = desk.job(job).await;
    assert_eq!((ended.state, desk.model_calls()), (State::Done, 1), "{}", reason(&ended));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_names_a_year_is_waited_for_by_no_agent() {
    for named in ["31536000", "600"] {
        let desk = Desk::open().await;
        desk.meets(1, 429, Some(named), Value::Null);
        let first = desk.receives(ASKED).await;
        desk.works().await;
        let second = desk.receives("And the other lamp, which I ordered on the same day?").await;
        desk.works().await;
        for job in [first, second] {
            let written = desk.job(job).await;
            assert_eq!((written.state, written.attempt), (State::Done, 1), "{named}");
            let result = written.result.expect("a draft");
            assert_eq!(result["drafter"], "template", "{named}");
            assert!(result["recommendation"].to_string().contains("cannot be called"), "{named}: {result}");
        }
        assert_eq!((desk.model_calls(), desk.notes()), (1, 2), "{named}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_was_paid_for_is_stored_while_other_steps_have_all_connections() {
    let desk = Desk::open().await;
    desk.injects("/v1/messages", 1, Fault::Hold);
    let job = desk.receives(ASKED).await;
    let flood = async {
        desk.asks(job).await;
        let mut taken = Vec::new();
        for _ in 0..STEP_CONNECTIONS {
            taken.push(desk.app.steps.tenant_tx(Role::Support, desk.tenant).await.expect("a connection"));
        }
        desk.upstream.release();
        while desk.job(job).await.state == State::Running {}
    };
    tokio::join!(desk.works(), flood);
    let written = desk.job(job).await;
    assert_eq!((written.state, written.attempt), (State::Done, 1));
    assert_eq!(desk.model_calls(), 1, "it is paid for once");
    assert_eq!(desk.notes(), 1);
}
