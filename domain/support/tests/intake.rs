//! Taking a delivery in: one statement whatever it is, once however often and however simultaneously it is sent, and
//! under the rights and row policies of the support role.

#[path = "../../accounts/tests/world/mod.rs"]
mod world;

#[path = "wire/mod.rs"]
mod wire;

use chrono::SubsecRound;
use database::ids::TenantId;
use database::{Db, Role};
use jobs::NewJob;
use jobs::dispatch::{Dispatch, Server};
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};
use support::gorgias::dedup::Identity;
use support::gorgias::delivery::{Body, Delivery, parse_body};
use support::intake::{Intake, Intakes, Taken};
use support::kinds::DraftReply;
use uuid::Uuid;
use wire::Wire;
use world::{World, add_tenant, world};

/// The queue's other half is not looked at here: nobody listens at this address, and nobody waits for it.
fn dispatch() -> Dispatch {
    Dispatch::new(Server::new("redis://127.0.0.1:1/").expect("a URL"), "intake")
}

fn support(world: &World, connections: u32) -> Db {
    Db::connect_as(&world.database.url_for("desk_api"), Role::Support, connections).expect("the URL is valid")
}

async fn send(db: &Db, tenant: TenantId, dedup_key: &str, body: &Value) -> Taken {
    send_known_as(db, tenant, &lasting(dedup_key), body).await
}

async fn send_known_as(db: &Db, tenant: TenantId, identity: &Identity, body: &Value) -> Taken {
    let (body, delivery) = read(body);
    let intakes = Intakes::start(db, &dispatch());
    intakes.take_in(intake(tenant, identity, &body, &delivery)).await.expect("taken in")
}

fn lasting(key: &str) -> Identity {
    Identity { key: key.to_owned(), is_lasting: true }
}

fn read(body: &Value) -> (Body, Delivery) {
    let body = Body::of(body.to_string().as_bytes()).expect("JSON");
    let delivery = parse_body(&body).expect("parses");
    (body, delivery)
}

fn intake<'a>(
    tenant: TenantId,
    identity: &'a Identity,
    body: &'a Body,
    delivery: &'a Delivery,
) -> Intake<'a> {
    Intake {
        tenant,
        identity,
        body: &body.json,
        delivery,
        correlation_id: "c-1",
        trace_parent: None,
        replay_of: None,
        now: "2026-11-21T12:00:00Z".parse().expect("a time"),
    }
}

fn question(ticket: u32, message: u32) -> Value {
    json!({"ticket": {"id": ticket, "channel": "email"}, "message": {"id": message, "body_text": "Where is it?"}})
}

async fn count(world: &World, what: &str) -> i64 {
    let mut admin = PgConnection::connect(&world.database.admin_url).await.expect("connects");
    sqlx::query_scalar(sqlx::AssertSqlSafe(format!("select count(*) from {what}")))
        .fetch_one(&mut admin)
        .await
        .expect("counted")
}

#[tokio::test]
async fn every_delivery_is_one_statement_that_nobody_parses_again() {
    let world = world().await;
    let wire = Wire::before(&world.database.url_for("desk_api")).await;
    let db = Db::connect_as(&wire.url(), Role::Support, 1).expect("the URL is valid");
    send(&db, world.tenant, "first", &question(1, 1)).await;
    let skipped = json!({"id": 3, "tags": ["human-only"]});
    for (what, key, body) in [
        ("a new ticket", "a", question(2, 20)),
        ("another message", "b", question(2, 21)),
        ("an unfinished draft stands in for the job", "c", question(2, 21)),
        ("a skipped one", "d", skipped),
        ("a repeated one", "a", question(2, 20)),
    ] {
        wire.reset();
        send(&db, world.tenant, key, &body).await;
        let sent = wire.sent();
        assert_eq!((sent.parsed, sent.executed, sent.simple), (0, 1, 0), "{what}");
    }
    assert_eq!(count(&world, "support_app.inbox").await, 5);
    assert_eq!(count(&world, "jobs.live where kind = 'draft_reply'").await, 3);
}

#[tokio::test]
async fn messages_of_one_id_in_one_delivery_are_stored_once_or_by_their_texts() {
    let world = world().await;
    let db = support(&world, 1);
    let again = json!({"id": 7, "body_text": "Where is it?"});
    let body = json!({
        "ticket": {"id": 1, "channel": "email",
            "messages": [again, again, {"id": 7, "body_text": "And my chair?"}, "Hello?", "Hello?"]},
        "message": again,
    });
    for key in ["a new ticket", "a known one"] {
        assert!(send(&db, world.tenant, key, &body).await.is_new, "{key}");
        assert_eq!(count(&world, "support_app.message").await, 3, "{key}");
    }
}

/// What a ticket's messages say, in the order of their words.
async fn texts(world: &World, ticket: &str) -> Vec<String> {
    let mut admin = PgConnection::connect(&world.database.admin_url).await.expect("connects");
    sqlx::query_scalar(
        "select m.body_text from support_app.message m join support_app.ticket t on t.id = m.ticket_id
         where t.external_id = $1 order by m.body_text",
    )
    .bind(ticket)
    .fetch_all(&mut admin)
    .await
    .expect("read")
}

#[tokio::test]
async fn what_is_said_under_the_id_of_another_message_is_not_lost() {
    let world = world().await;
    let db = support(&world, 1);
    let mut sent = 0;
    let mut say = async |ticket: u32, message: Value| {
        sent += 1;
        let body = json!({"ticket": {"id": ticket, "channel": "email"}, "message": message});
        send(&db, world.tenant, &format!("said {sent}"), &body).await;
    };
    // The ticket's own id with the ticket's time, and a constant without any.
    for (ticket, message) in
        [(1, json!({"id": 1, "created_datetime": "2026-11-20T10:00:00Z"})), (2, json!({"id": "message"}))]
    {
        let words = ["Where is it?", "And my chair?", "Where is it?", " where\nis it", "Hello"];
        for text in words.into_iter().chain(words) {
            let mut message = message.clone();
            message["body_text"] = text.into();
            say(ticket, message).await;
        }
        let kept = texts(&world, &ticket.to_string()).await;
        assert_eq!(kept, ["And my chair?", "Hello", "Where is it?"], "{ticket}");
    }
    // The help desk changed a message; a mail's history comes and goes; and an agent's text gets a signature.
    let timed = |text: &str| json!({"id": 77, "body_text": text, "sent_datetime": "2026-11-20T10:00:00Z"});
    say(3, timed("Where is it?")).await;
    say(3, timed("Where is my lamp?")).await;
    say(3, json!({"id": 78, "body_text": "Thanks.\n\nOn Mon, 2 Nov 2026, Shop <shop@example.com> wrote:\n> Hello"}))
        .await;
    say(3, json!({"id": 79, "from_agent": true, "body_text": "It left."})).await;
    say(3, json!({"id": 79, "from_agent": true, "body_text": "It left. Bea, Lamps and more"})).await;
    say(3, json!({"id": 78, "body_text": "Thanks."})).await;
    assert_eq!(texts(&world, "3").await.len(), 3);
    // The customer's words under the id of an agent's message are theirs.
    say(3, json!({"id": 79, "body_text": "It did not."})).await;
    assert_eq!(texts(&world, "3").await.len(), 4);
    // What was erased does not come back.
    let mut admin = PgConnection::connect(&world.database.admin_url).await.expect("connects");
    sqlx::query("update support_app.message set body_text = '[erased]' where external_id = '78'")
        .execute(&mut admin)
        .await
        .expect("erased");
    say(3, json!({"id": 78, "body_text": "Thanks."})).await;
    assert!(!texts(&world, "3").await.contains(&"Thanks.".to_owned()));
}

#[tokio::test]
async fn the_same_words_at_another_time_of_their_own_are_another_message() {
    let world = world().await;
    let db = support(&world, 1);
    let said = [("ok", 10, false), ("Are you sure?", 11, true), ("ok", 12, false), ("Yes", 13, true)];
    let mut sent = 0;
    // Without an id, and with one that is the same for all.
    for (ticket, id) in [(1, Value::Null), (2, json!("message"))] {
        // All of it is told twice, and the agent's last word is the last.
        for (text, hour, from_agent) in said.into_iter().chain(said) {
            sent += 1;
            let body = json!({"ticket": {"id": ticket, "channel": "email"}, "message": {"id": id, "body_text": text,
                "from_agent": from_agent, "created_datetime": format!("2026-11-20T{hour}:00:00Z")}});
            send(&db, world.tenant, &format!("said {sent}"), &body).await;
        }
        let mut kept = texts(&world, &ticket.to_string()).await;
        kept.sort();
        assert_eq!(kept, ["Are you sure?", "Yes", "ok", "ok"], "{id}");
    }
    assert_eq!(count(&world, "support_app.ticket where agent_spoke_last and message_count = 4").await, 2);
    // One message of an id of its own, told of by the one and the other of its times.
    for (key, at) in [("a", "10:00:00"), ("b", "10:00:02")] {
        let body = json!({"ticket": {"id": 3}, "message": {"id": 77, "body_text": "ok",
            "sent_datetime": format!("2026-11-20T{at}Z")}});
        send(&db, world.tenant, key, &body).await;
    }
    assert_eq!(texts(&world, "3").await, ["ok"]);
}

#[tokio::test]
async fn numbers_that_differ_by_a_mark_are_other_words() {
    let world = world().await;
    let db = support(&world, 1);
    for (key, text) in [("a", "Order 5.5"), ("b", "Order 55"), ("c", "order 5.5!")] {
        let body = json!({"ticket": {"id": 1}, "message": {"id": "message", "body_text": text}});
        send(&db, world.tenant, key, &body).await;
    }
    assert_eq!(texts(&world, "1").await.len(), 2);
}

#[tokio::test]
async fn a_subject_that_was_not_filled_in_leaves_the_known_one() {
    let world = world().await;
    let db = support(&world, 1);
    for (key, subject) in [("a", "My lamp"), ("b", "{{ticket.subject}}"), ("c", "null")] {
        send(&db, world.tenant, key, &json!({"ticket": {"id": 1, "subject": subject}})).await;
    }
    assert_eq!(count(&world, "support_app.ticket where subject = 'My lamp'").await, 1);
}

#[tokio::test]
async fn what_is_said_under_the_id_of_a_final_tickets_message_goes_on_in_one_that_follows() {
    let world = world().await;
    let db = support(&world, 1);
    let body = |text: &str, at: &str| {
        json!({"ticket": {"id": 1, "status": "resolved"},
            "message": {"id": 1, "body_text": text, "sent_datetime": at}})
    };
    send(&db, world.tenant, "a", &body("Where is it?", "2026-01-01T10:00:00Z")).await;
    let mut admin = PgConnection::connect(&world.database.admin_url).await.expect("connects");
    sqlx::query("update support_app.ticket set resolved_at = '2026-01-02T10:00:00Z'")
        .execute(&mut admin)
        .await
        .expect("set back");
    let again = body("And my chair?", "2026-11-20T10:00:00Z");
    for (key, told) in
        [("b", again.clone()), ("c", body("Where is it?", "2026-01-01T10:00:00Z")), ("d", again)]
    {
        send(&db, world.tenant, key, &told).await;
        assert_eq!(texts(&world, "1").await, ["And my chair?"], "{key}");
        assert_eq!(count(&world, "support_app.message").await, 2, "{key}");
    }
    assert_eq!(count(&world, "support_app.ticket where follow_up_of is not null").await, 1);
}

#[tokio::test]
async fn a_message_from_years_to_come_is_dated_now_and_told() {
    let world = world().await;
    let body = json!({"ticket": {"id": 1, "created_datetime": "2099-01-01"},
        "message": {"id": 2, "body_text": "Where is it?", "sent_datetime": "2099-01-01T00:00:00Z"}});
    send(&support(&world, 1), world.tenant, "a", &body).await;
    let mut admin = PgConnection::connect(&world.database.admin_url).await.expect("connects");
    let (sent_at, remarks): (chrono::DateTime<chrono::Utc>, String) = sqlx::query_as(
        "select m.sent_at, i.remarks::text from support_app.message m
         join support_app.inbox i on i.ticket_id = m.ticket_id",
    )
    .fetch_one(&mut admin)
    .await
    .expect("one message");
    assert_eq!(sent_at.to_rfc3339(), "2026-11-21T12:00:00+00:00");
    for field in ["ticket.created_datetime", "message.sent_datetime"] {
        assert!(remarks.contains(field), "{field}: {remarks}");
    }
}

#[tokio::test]
async fn a_change_from_years_to_come_does_not_make_all_others_older() {
    let world = world().await;
    let db = support(&world, 1);
    for (key, status, at) in [("a", "open", "2099-12-31T00:00:00Z"), ("b", "closed", "2026-11-21T10:00:00Z")]
    {
        let body = json!({"ticket": {"id": 1, "status": status, "updated_datetime": at}});
        send(&db, world.tenant, key, &body).await;
    }
    assert_eq!(count(&world, "support_app.ticket where status = 'closed'").await, 1);
}

#[tokio::test]
async fn a_delivery_sent_many_times_at_once_is_taken_in_once() {
    let world = world().await;
    let db = support(&world, 8);
    let body = question(1, 10);
    let sends = (0..8).map(|_| send(&db, world.tenant, "event:1", &body));
    let taken = futures_util::future::join_all(sends).await;
    assert_eq!(taken.iter().filter(|taken| taken.is_new).count(), 1);
    assert!(taken.iter().all(|one| one.answer == taken[0].answer));
    assert_eq!(count(&world, "support_app.inbox").await, 1);
    assert_eq!(count(&world, "support_app.message").await, 1);
    assert_eq!(count(&world, "jobs.live where kind = 'draft_reply'").await, 1);
}

#[tokio::test]
async fn simultaneous_messages_of_a_ticket_are_all_counted_and_the_books_agree() {
    let world = world().await;
    let db = support(&world, 8);
    let bodies: Vec<Value> = (1..=8).map(|message| question(1, message)).collect();
    let keys: Vec<String> = (1..=8).map(|message| format!("message:{message}")).collect();
    let sends = keys.iter().zip(&bodies).map(|(key, body)| send(&db, world.tenant, key, body));
    let taken = futures_util::future::join_all(sends).await;
    let ticket = taken[0].answer.ticket.expect("it has a ticket");
    assert!(taken.iter().all(|one| one.is_new && one.answer.ticket == Some(ticket)));
    let mut admin = PgConnection::connect(&world.database.admin_url).await.expect("connects");
    let messages: i32 = sqlx::query_scalar("select message_count from support_app.ticket")
        .fetch_one(&mut admin)
        .await
        .expect("one ticket");
    assert_eq!(messages, 8);
    // Each saw a count of its own, so each asked for a draft of its own, named as the kind names it.
    let drafts: Vec<(String, Value)> =
        sqlx::query_as("select dedup_key, payload from jobs.live where kind = 'draft_reply' order by length(dedup_key), dedup_key")
            .fetch_all(&mut admin)
            .await
            .expect("jobs");
    let expected: Vec<String> = (1..=8).map(|messages| DraftReply::dedup_key(ticket.0, messages)).collect();
    assert_eq!(drafts.iter().map(|(key, _)| key.clone()).collect::<Vec<_>>(), expected);
    for (_, payload) in drafts {
        let payload: DraftReply = serde_json::from_value(payload).expect("it fits the contract");
        assert_eq!((payload.ticket_id, payload.again), (ticket.0, false));
    }
    let entered: i64 = sqlx::query_scalar(
        "select sum(n)::bigint from jobs.transition where from_state is null and to_state = 'ready' and kind = 'draft_reply'",
    )
    .fetch_one(&mut admin)
    .await
    .expect("the books");
    assert_eq!(entered, 8);
}

#[tokio::test]
async fn an_answer_that_was_lost_is_asked_for_again_and_nothing_is_done_twice() {
    let world = world().await;
    let wire = Wire::before(&world.database.url_for("desk_api")).await;
    let db = Db::connect_as(&wire.url(), Role::Support, 1).expect("the URL is valid");
    send(&db, world.tenant, "first", &question(1, 1)).await;
    wire.lose_the_next_answer();
    let taken = send(&db, world.tenant, "second", &question(2, 2)).await;
    assert!(taken.is_new, "it was new, though it was sent twice");
    assert!(wire.has_lost(), "the answer was lost on the way");
    assert_eq!(count(&world, "support_app.inbox").await, 2);
    assert_eq!(count(&world, "jobs.live where kind = 'draft_reply'").await, 2);
}

#[tokio::test]
async fn the_tenant_is_the_calls_and_does_not_stay_on_the_connection() {
    let world = world().await;
    let other = add_tenant(&world.db, "other").await;
    let db = support(&world, 1);
    let ours = send(&db, world.tenant, "event:1", &question(7, 1)).await;
    let theirs = send(&db, other, "event:1", &question(7, 1)).await;
    assert!(ours.is_new && theirs.is_new, "a key is unique within its tenant");
    assert_ne!(ours.answer.ticket, theirs.answer.ticket);
    let visible: i64 = sqlx::query_scalar("select count(*) from support_app.ticket")
        .fetch_one(db.pool())
        .await
        .expect("the role may read");
    assert_eq!(visible, 0, "without a tenant no row is seen");
    // Under one tenant the function takes nothing in for another: the policies hold inside it.
    let mut tx = world.db.tenant_tx(Role::Marketing, world.tenant).await.expect("begins");
    let error = sqlx::query("select support_app.take_in($1, '{}', '{}', '{}', '[]', null)")
        .bind(world.tenant)
        .execute(&mut *tx)
        .await
        .expect_err("only the support role takes deliveries in");
    assert_eq!(error.as_database_error().and_then(|error| error.code()).as_deref(), Some("42501"));
}

#[tokio::test]
async fn a_job_enters_the_same_by_the_function_for_one_and_the_statement_for_many() {
    let world = world().await;
    // In whole microseconds, which is what the database keeps: text is rounded to them and numbers are cut off.
    let run_at = chrono::Utc::now().trunc_subsecs(6) + chrono::Duration::hours(1);
    let job = |key: &str| {
        let payload =
            DraftReply { ticket_id: Uuid::nil(), tone: Some("friendly".into()), length: None, again: true };
        let job =
            NewJob::of(world.tenant, &payload).expect("small").with_run_at(run_at).with_parent(Uuid::nil());
        let job = job.with_cause("c-1", Some("00-a-b-01"), "test").with_max_attempts(3);
        job.with_concurrency_key("k", 2).expect("short").with_dedup_key(key).expect("short")
    };
    let (many, one) = (job("many"), job("one"));
    let mut tx = world.db.tenant_tx(Role::Support, world.tenant).await.expect("begins");
    let (enqueued, _) = jobs::enqueue(&mut tx, std::slice::from_ref(&many)).await.expect("enqueued");
    assert!(enqueued[0].created);
    for is_first in [true, false] {
        let (id, is_new): (Uuid, bool) = sqlx::query_as("select job_id, is_new from jobs.enqueue_one($1)")
            .bind(sqlx::types::Json(one.document()))
            .fetch_one(&mut *tx)
            .await
            .expect("enqueued");
        assert_eq!((id, is_new), (one.id(), is_first));
    }
    let rows: Vec<Value> = sqlx::query_scalar(
        "select to_jsonb(j) - 'id' - 'dedup_key' from jobs.live j where kind <> 'settle_ticket' order by dedup_key = 'one'",
    )
    .fetch_all(&mut *tx)
    .await
    .expect("two jobs");
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0], rows[1]);
    assert_eq!(rows[0]["state"], "scheduled");
    tx.commit().await.expect("commits");
    let mut admin = PgConnection::connect(&world.database.admin_url).await.expect("connects");
    let booked: Vec<(String, i64)> =
        sqlx::query_as("select to_state::text, n from jobs.transition where from_state is null")
            .fetch_all(&mut admin)
            .await
            .expect("the books");
    assert_eq!(booked, [("scheduled".to_owned(), 1), ("scheduled".to_owned(), 1)]);
}

#[tokio::test]
async fn the_same_bytes_are_a_repetition_only_while_nothing_else_is_told_of_the_ticket() {
    let world = world().await;
    let db = support(&world, 4);
    let told = |status: &str| json!({"id": 9, "status": status});
    let send = |status: &'static str| {
        let identity = Identity { key: format!("body:{status}"), is_lasting: false };
        let (db, tenant) = (db.clone(), world.tenant);
        async move { send_known_as(&db, tenant, &identity, &told(status)).await }
    };
    let both = tokio::join!(send("open"), send("open"));
    assert!(both.0.is_new != both.1.is_new && both.0.answer == both.1.answer, "two at once are one");
    assert!(!send("open").await.is_new, "nothing was told in between");
    assert!(send("closed").await.is_new);
    assert!(send("open").await.is_new, "it was opened again");
    assert!(!send("open").await.is_new);
    let mut admin = PgConnection::connect(&world.database.admin_url).await.expect("connects");
    let status = sqlx::query_scalar::<_, String>("select status from support_app.ticket");
    assert_eq!(status.fetch_one(&mut admin).await.expect("one ticket"), "open");
    assert_eq!(count(&world, "support_app.inbox").await, 3);
    // After the time in which senders repeat themselves the same bytes are news.
    sqlx::query("update support_app.inbox set received_at = received_at - interval '1 hour'")
        .execute(&mut admin)
        .await
        .expect("aged");
    assert!(send("open").await.is_new);
}

/// A ticket's version, how many messages it counts, when the last one came, whether an agent spoke last; and what was told.
async fn written(world: &World) -> ((i64, i32, Option<String>, bool), Vec<String>) {
    let mut admin = PgConnection::connect(&world.database.admin_url).await.expect("connects");
    let ticket = sqlx::query_as(
        "select version, message_count, to_char(last_message_at at time zone 'UTC', 'HH24:MI'), agent_spoke_last
         from support_app.ticket",
    )
    .fetch_one(&mut admin)
    .await
    .expect("a ticket");
    let told = sqlx::query_scalar("select kind from support_app.event_pending order by id")
        .fetch_all(&mut admin)
        .await
        .expect("events");
    (ticket, told)
}

#[tokio::test]
async fn a_new_ticket_is_written_once_with_what_its_messages_say() {
    let world = world().await;
    let db = support(&world, 1);
    let said = |id: u32, at: &str, from_agent: bool, public: bool| {
        json!({"ticket": {"id": 1, "channel": "email"}, "message": {"id": id, "body_text": "Hello", "from_agent": from_agent,
            "public": public, "sent_datetime": format!("2026-11-21T{at}:00Z")}})
    };
    send(&db, world.tenant, "a", &said(10, "10:00", false, true)).await;
    let first = (1, 1, Some("10:00".to_owned()), false);
    assert_eq!(
        written(&world).await,
        (first, vec!["new_ticket".to_owned()]),
        "neither changed nor told twice"
    );
    send(&db, world.tenant, "b", &said(11, "11:00", true, true)).await;
    let second = (2, 2, Some("11:00".to_owned()), true);
    assert_eq!(written(&world).await, (second, vec!["new_ticket".to_owned(), "ticket_update".to_owned()]));
    send(&db, world.tenant, "c", &said(12, "12:00", true, false)).await;
    assert_eq!(written(&world).await.0.1, 2, "a note is not counted");
}

#[tokio::test]
async fn what_a_delivery_does_not_mention_stays() {
    let world = world().await;
    let db = support(&world, 1);
    let first = json!({"ticket": {"id": 5, "channel": "sms", "subject": "Lamp", "tags": ["vip", "No-AI"],
        "customer": {"email": "maya@example.com"}}, "message": {"id": 50}});
    let taken = send(&db, world.tenant, "a", &first).await;
    assert_eq!(taken.answer.skip_reason.as_deref(), Some("tagged_human_only"));
    // The tag still reserves the ticket for people.
    let second = json!({"ticket": {"id": 5}, "message": {"id": 50, "body_text": "It broke"}});
    let taken = send(&db, world.tenant, "b", &second).await;
    assert_eq!(taken.answer.skip_reason.as_deref(), Some("tagged_human_only"));
    assert_eq!(count(&world, "jobs.live where kind = 'draft_reply'").await, 0);
    let mut admin = PgConnection::connect(&world.database.admin_url).await.expect("connects");
    let kept: (Vec<String>, String, String, String, String) = sqlx::query_as(
        "select t.tags, t.source, t.subject, t.customer_email, m.body_text
         from support_app.ticket t join support_app.message m on m.ticket_id = t.id",
    )
    .fetch_one(&mut admin)
    .await
    .expect("one ticket with one message");
    let expected =
        (vec!["vip".into(), "No-AI".into()], "sms".into(), "Lamp".into(), "maya@example.com".into());
    assert_eq!((kept.0, kept.1, kept.2, kept.3), expected);
    assert_eq!(kept.4, "It broke", "a text that was missing is added");
    // No tags are another thing than tags that are not mentioned.
    let third = json!({"ticket": {"id": 5, "tags": []}, "message": {"id": 51, "body_text": "Hello?"}});
    let taken = send(&db, world.tenant, "c", &third).await;
    assert_eq!(taken.answer.decision, "queued");
    assert_eq!(count(&world, "jobs.live where kind = 'draft_reply'").await, 1);
}

#[tokio::test]
async fn deliveries_that_come_at_once_get_the_answers_that_they_would_get_alone() {
    let world = world().await;
    let other = add_tenant(&world.db, "other").await;
    let unknown = TenantId::new();
    let intakes = Intakes::start(&support(&world, Intakes::CONNECTIONS + 2), &dispatch());
    let send = |tenant, key: String, body: Value| {
        let intakes = intakes.clone();
        async move {
            let (body, delivery) = read(&body);
            intakes.take_in(intake(tenant, &lasting(&key), &body, &delivery)).await
        }
    };
    // Two tenants with tickets of the same numbers, messages of the same ticket, every delivery twice, and in between
    // a tenant that is not there, which the whole statement fails of.
    let mut sent = Vec::new();
    for number in 0..120_u32 {
        let tenant = if number.is_multiple_of(2) { world.tenant } else { other };
        for _ in 0..2 {
            sent.push(send(tenant, format!("key-{number}"), question(number / 2 % 7, number)));
        }
        if number.is_multiple_of(40) {
            sent.push(send(unknown, format!("lost-{number}"), question(1, number)));
        }
    }
    let answers = futures_util::future::join_all(sent).await;

    let (taken, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    assert_eq!((taken.len(), refused.len()), (240, 3));
    let taken: Vec<Taken> = taken.into_iter().map(|one| one.expect("taken in")).collect();
    for pair in taken.chunks(2) {
        assert_eq!(pair[0].answer, pair[1].answer, "a repetition gets the first answer");
        assert!(pair[0].is_new != pair[1].is_new, "one of two is new");
    }
    assert_eq!(count(&world, "support_app.inbox").await, 120);
    assert_eq!(count(&world, "support_app.ticket").await, 14);
    assert_eq!(count(&world, "support_app.message").await, 120);
    let jobs: std::collections::HashSet<Uuid> = taken.iter().filter_map(|one| one.answer.job).collect();
    assert_eq!(
        count(&world, "jobs.live where kind = 'draft_reply'").await,
        i64::try_from(jobs.len()).expect("few")
    );
}
