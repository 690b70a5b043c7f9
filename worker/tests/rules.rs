//! Rules through the queue: what happens is looked at once, in the listed order; chains end, budgets hold, machines cause
//! nothing; a trial on the past finds what a run did; calls leave signed and to where they may.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Arc;

use chrono::{DateTime, Duration, Utc};
use database::ids::{TenantId, TicketId};
use database::{Db, Role};
use jobs::{JobKind, NewJob};
use migrations::testing::{TestDatabase, fresh_database};
use outbound::signature::{self, Secret};
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};
use support::kinds::{RunTimedRules, TryRule};
use support::macros::store::Content;
use support::rules::spec::Spec;
use support::rules::store::{self, Stored};
use support::rules::trial::{self, Wish};
use support::rules::webhooks;
use support::tickets::Acting;
use support::tickets::change::{Change, Customer, change};
use support::tickets::create::{NewTicket, create};
use support::tickets::message::{self, From};
use support::tickets::words::{Channel, Priority};
use tokio::time::Instant;
use upstreams::webhook::Webhooks;
use upstreams::{Breakers, CallContext, ClientError, Destinations};
use uuid::Uuid;
use worker::app::App;
use worker::handlers;
use worker::testing::{self, drain};

struct Desk {
    database: TestDatabase,
    url: String,
    app: Arc<App>,
    tenant: TenantId,
}

impl Desk {
    async fn open() -> Desk {
        boot::install_tls();
        let database = fresh_database().await;
        let url = database.url_for("desk_worker");
        let redis = std::env::var("TEST_REDIS_URL").expect("TEST_REDIS_URL: run the tests with `make test`");
        let webhooks = Webhooks::new(Destinations::PublicOrLoopback, Breakers::default()).expect("a client");
        let app = Arc::new(App { webhooks, ..testing::app(&url, &redis) });
        let api = Db::connect(&database.url_for("desk_api"), 1).expect("the test database's URL");
        let mut tx = api.gateway_tx().await.expect("begins");
        let tenant = accounts::tenants::create(&mut tx, "shop", "Shop", "UTC").await.expect("a tenant").id;
        tx.commit().await.expect("commits");
        Desk { database, url, app, tenant }
    }

    async fn tx(&self) -> database::Tx {
        self.app.db.tenant_tx(Role::Support, self.tenant).await.expect("begins")
    }

    fn acting(&self) -> Acting<'static> {
        Acting {
            tenant: self.tenant,
            actor: "key:test",
            agent: None,
            writer: Uuid::nil(),
            name: "test",
            correlation_id: "c-1",
            trace_parent: None,
            now: Utc::now(),
        }
    }

    /// A rule that is on.
    async fn rule(&self, body: Value) -> Stored {
        let spec: Spec = serde_json::from_value(body).expect("the form of a rule");
        let mut tx = self.tx().await;
        let made = store::create(&mut tx, self.tenant, &spec, "key:test", None).await.expect("made");
        let on = store::switch_on(&mut tx, self.tenant, made.id).await.expect("on");
        tx.commit().await.expect("commits");
        on
    }

    async fn saved_reply(&self, text: &str) -> Uuid {
        let content = Content {
            name: text.chars().take(100).collect(),
            folder: None,
            texts: [("en".to_owned(), text.to_owned())].into(),
            default_language: "en".to_owned(),
            actions: Vec::new(),
        };
        let mut tx = self.tx().await;
        let made =
            support::macros::store::create(&mut tx, self.tenant, &content, "key:test").await.expect("made");
        tx.commit().await.expect("commits");
        made.id
    }

    /// A customer writes; what follows is worked off.
    async fn ticket(&self, text: &str) -> TicketId {
        let ticket = self.ticket_of("ann@example.com", text).await;
        self.work_off().await;
        ticket
    }

    async fn ticket_of(&self, email: &str, text: &str) -> TicketId {
        let new = NewTicket {
            subject: Some("A question".to_owned()),
            channel: Channel::Email,
            priority: Priority::Normal,
            customer: Customer {
                email: Some(email.to_owned()),
                name: Some("Ann Lee".to_owned()),
                ..Customer::default()
            },
            tags: Vec::new(),
            department: None,
            skills: Vec::new(),
            language: None,
            custom: serde_json::Map::new(),
            message: Some((From::Customer, text.to_owned())),
        };
        let mut tx = self.tx().await;
        let made = create(&mut tx, &self.acting(), &new).await.expect("made");
        tx.commit().await.expect("commits");
        self.app.dispatch.announce(made.announcement);
        made.ticket
    }

    async fn change(&self, ticket: TicketId, wanted: Change) {
        let mut tx = self.tx().await;
        let (_, announcement) =
            change(&mut tx, &self.acting(), ticket, None, &wanted).await.expect("changed");
        tx.commit().await.expect("commits");
        self.app.dispatch.announce(announcement);
        self.work_off().await;
    }

    async fn hears(&self, ticket: TicketId, text: &str) {
        let mut tx = self.tx().await;
        let added = message::hear(&mut tx, &self.acting(), ticket, text, &[]).await.expect("heard");
        tx.commit().await.expect("commits");
        self.app.dispatch.announce(added.announcement);
        self.work_off().await;
    }

    async fn does<K: JobKind>(&self, payload: &K) {
        let mut conn = self.app.store.pool().acquire().await.expect("the ledger");
        let job = NewJob::of(self.tenant, payload).expect("a job");
        let (_, announcement) = jobs::enqueue_one(&mut conn, job).await.expect("enqueued");
        self.app.dispatch.announce(announcement);
        drop(conn);
        self.work_off().await;
    }

    async fn work_off(&self) {
        let queues = ["default", "profiles", "reading", "ai"];
        drain(&self.app.store, &self.app.dispatch, handlers::all(&self.app), &self.url, &queues)
            .await
            .expect("drained");
    }

    async fn admin(&self) -> PgConnection {
        PgConnection::connect(&self.database.admin_url).await.expect("connects")
    }

    async fn count(&self, what: &str) -> i64 {
        let statement = sqlx::AssertSqlSafe(format!("select count(*) from {what}"));
        sqlx::query_scalar(statement).fetch_one(&mut self.admin().await).await.expect("counted")
    }

    async fn seen(&self, ticket: TicketId) -> Value {
        sqlx::query_scalar("select to_jsonb(t) from support_app.ticket t where id = $1")
            .bind(ticket)
            .fetch_one(&mut self.admin().await)
            .await
            .expect("there is one")
    }

    /// The outcomes of a rule for a ticket, in order.
    async fn outcomes(&self, rule: Uuid, ticket: TicketId) -> Vec<String> {
        sqlx::query_scalar(
            "select outcome from support_app.rule_run where rule_id = $1 and ticket_id = $2 order by at",
        )
        .bind(rule)
        .bind(ticket)
        .fetch_all(&mut self.admin().await)
        .await
        .expect("read")
    }
}

fn adds(name: &str, event: &str, conditions: Value, tag: &str) -> Value {
    json!({"name": name, "event": event, "conditions": conditions, "actions": [{"do": "add_tags", "tags": [tag]}]})
}

fn says(words: &str) -> Value {
    json!({"all": [{"field": "message", "op": "contains", "value": [words]}]})
}

fn tagged(tag: &str) -> Value {
    json!({"all": [{"field": "tags", "op": "one_of", "value": [tag]}]})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rules_run_once_in_their_order_and_say_why() {
    let desk = Desk::open().await;
    let early = desk.rule(adds("early", "message_received", tagged("refund"), "early")).await;
    let refund = desk.rule(adds("refund", "message_received", says("refund"), "refund")).await;
    let behind = desk
        .rule(json!({
            "name": "behind", "event": "message_received", "conditions": tagged("refund"),
            "actions": [{"do": "set_priority", "priority": "high"}, {"do": "note", "text": "{{customer.first_name}} {{ticket.number}}"}],
        }))
        .await;
    let other = desk.rule(adds("other", "message_received", says("exchange"), "other")).await;
    let ticket = desk.ticket("A refund, please.").await;
    let seen = desk.seen(ticket).await;
    assert_eq!((&seen["tags"], &seen["priority"]), (&json!(["refund"]), &json!("high")));
    assert_eq!(
        desk.outcomes(early.id, ticket).await,
        [""; 0],
        "what a later rule did is none of its business"
    );
    assert_eq!(desk.outcomes(refund.id, ticket).await, ["fired"]);
    assert_eq!(desk.outcomes(behind.id, ticket).await, ["fired"]);
    assert_eq!(desk.count("support_app.message where internal and body_text like 'Ann %'").await, 1);
    let mut tx = desk.tx().await;
    let runs = support::rules::runs::of_rule(&mut tx, refund.id, None, 10).await.expect("read");
    assert_eq!(runs[0].results[0]["was"], json!(["refund"]));
    assert_eq!(runs[0].done[0]["do"], "add_tags");
    let log = support::rules::runs::of_ticket(&mut tx, ticket, None, 10).await.expect("read");
    let of_message = log.iter().find(|looked| looked.event == "message_received").expect("it was looked at");
    let evaluated = of_message.evaluated.as_ref().and_then(Value::as_array).expect("a list");
    assert_eq!(evaluated.len(), 4);
    let not = evaluated.iter().find(|one| one["rule"] == json!(other.id)).expect("it was looked at too");
    assert_eq!((&not["fired"], &not["conditions"]), (&json!(false), &json!("0")));
    drop(tx);
    assert_eq!(desk.count("jobs.dead").await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_rule_does_is_looked_at_by_later_rules_only() {
    let desk = Desk::open().await;
    let before = desk.rule(adds("before", "tag_added", json!({"all": []}), "before")).await;
    let added = |tag: &str| json!({"all": [{"field": "added_tags", "op": "one_of", "value": [tag]}]});
    let ping = desk
        .rule(json!({"name": "ping", "event": "tag_added", "conditions": added("ping"),
            "actions": [{"do": "remove_tags", "tags": ["ping"]}, {"do": "add_tags", "tags": ["pong"]}]}))
        .await;
    let pong = desk
        .rule(json!({"name": "pong", "event": "tag_added", "conditions": added("pong"),
            "actions": [{"do": "remove_tags", "tags": ["pong"]}, {"do": "add_tags", "tags": ["ping"]}]}))
        .await;
    let ticket = desk.ticket("Hello").await;
    desk.change(ticket, Change { add_tags: vec!["ping".to_owned()], ..Change::default() }).await;
    assert_eq!(desk.outcomes(ping.id, ticket).await, ["fired"]);
    assert_eq!(desk.outcomes(pong.id, ticket).await, ["fired"]);
    assert_eq!(desk.outcomes(before.id, ticket).await, ["fired"], "of the first tag, and of no rule's");
    assert_eq!(desk.seen(ticket).await["tags"], json!(["before", "ping"]));
    assert_eq!(desk.count("support_app.rule_cause where done_at is null").await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rule_that_fires_too_often_is_switched_off_and_its_owner_told() {
    let desk = Desk::open().await;
    let rule = desk
        .rule(json!({"name": "wild", "event": "message_received", "hourly_budget": 3,
            "actions": [{"do": "notify"}]}))
        .await;
    let ticket = desk.ticket("one").await;
    for text in ["two", "three", "four", "five"] {
        desk.hears(ticket, text).await;
    }
    assert_eq!(desk.outcomes(rule.id, ticket).await, ["fired", "fired", "fired", "over_budget"]);
    let mut tx = desk.tx().await;
    let off = store::get(&mut tx, rule.id).await.expect("read").expect("there");
    assert!(!off.is_on);
    let reason = off.off_reason.expect("a reason");
    assert!(reason.contains("3 times within an hour") && reason.contains("switch it on again"), "{reason}");
    let told = "(select kind from support_app.event_pending union all select kind from support_app.event) e
                where kind = 'rule_switched_off'";
    assert_eq!(desk.count(told).await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn machines_cause_nothing() {
    let desk = Desk::open().await;
    let rule = desk.rule(adds("all", "message_received", json!({"all": []}), "seen")).await;
    let created = desk.rule(adds("new", "ticket_created", json!({"all": []}), "new")).await;
    let id = TicketId::new();
    sqlx::query(
        "with ticket as (insert into support_app.ticket (id, tenant_id, number, provider, external_id, channel, source, status,
                             priority) values ($1, $2, 77, 'desk', $1::text, 'email', 'email', 'open', 'normal'))
         insert into support_app.message (id, tenant_id, ticket_id, external_id, from_agent, internal, channel, body_text,
             sent_at, by_machine)
         values (gen_random_uuid(), $2, $1, 'm', false, false, 'email', 'Out of office', now(), true)",
    )
    .bind(id)
    .bind(desk.tenant)
    .execute(&mut desk.admin().await)
    .await
    .expect("a machine's ticket");
    desk.change(id, Change { priority: Some(Priority::High), ..Change::default() }).await;
    assert_eq!(desk.outcomes(rule.id, id).await, [""; 0]);
    assert_eq!(desk.outcomes(created.id, id).await, [""; 0]);
    assert_eq!(desk.count("support_app.rule_cause where skipped = 'a machine sent the message'").await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_timed_rule_is_due_to_the_second_and_looks_at_what_came_since() {
    let desk = Desk::open().await;
    let rule = desk
        .rule(json!({"name": "later", "event": "message_received", "after_minutes": 30,
            "unless": {"any": [{"field": "answered_since", "op": "is", "value": true}]},
            "actions": [{"do": "add_tags", "tags": ["unanswered"]}]}))
        .await;
    let ticket = desk.ticket("Hello").await;
    let mut admin = desk.admin().await;
    let (cause, at): (i64, DateTime<Utc>) =
        sqlx::query_as("select id, at from support_app.rule_cause where event = 'message_received'")
            .fetch_one(&mut admin)
            .await
            .expect("a cause");
    let due: DateTime<Utc> =
        sqlx::query_scalar("select due_at from jobs.live where kind = 'run_timed_rules'")
            .fetch_one(&mut admin)
            .await
            .expect("a job");
    assert_eq!(due, at + Duration::minutes(30));
    // Half an hour passes.
    for statement in [
        "update support_app.rule_cause set at = at - interval '31 minutes'",
        "update support_app.rule set on_since = on_since - interval '1 hour'",
    ] {
        sqlx::query(statement).execute(&mut admin).await.expect("time passes");
    }
    desk.does(&RunTimedRules { cause_id: cause, after_minutes: 30 }).await;
    assert_eq!(desk.outcomes(rule.id, ticket).await, ["fired"]);
    assert_eq!(desk.seen(ticket).await["tags"], json!(["unanswered"]));
    desk.does(&RunTimedRules { cause_id: cause, after_minutes: 30 }).await;
    assert_eq!(desk.outcomes(rule.id, ticket).await, ["fired"], "once for a cause");

    // Another one was answered meanwhile.
    let answered = desk.ticket("Hello again").await;
    sqlx::query("update support_app.rule_cause set at = at - interval '31 minutes' where ticket_id = $1")
        .bind(answered)
        .execute(&mut admin)
        .await
        .expect("time passes");
    sqlx::query(
        "insert into support_app.message (id, tenant_id, ticket_id, external_id, from_agent, internal, channel, body_text, sent_at)
         values (gen_random_uuid(), $1, $2, 'a', true, false, 'email', 'Here I am', now() - interval '5 minutes')",
    )
    .bind(desk.tenant)
    .bind(answered)
    .execute(&mut admin)
    .await
    .expect("an answer");
    let cause: i64 = sqlx::query_scalar("select id from support_app.rule_cause where ticket_id = $1")
        .bind(answered)
        .fetch_one(&mut admin)
        .await
        .expect("a cause");
    desk.does(&RunTimedRules { cause_id: cause, after_minutes: 30 }).await;
    assert_eq!(desk.outcomes(rule.id, answered).await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_customer_has_one_automatic_reply_in_five_minutes_and_a_machine_none() {
    let desk = Desk::open().await;
    let saved =
        desk.saved_reply("Hello {{customer.first_name}}, we have your message {{ticket.number}}.").await;
    let rule = desk
        .rule(json!({"name": "receipt", "event": "ticket_created", "actions": [{"do": "reply", "macro_id": saved}]}))
        .await;
    let first = desk.ticket("one").await;
    let second = desk.ticket("two").await;
    let automatic = "support_app.message where from_agent and by_machine and not internal";
    assert_eq!(desk.count(automatic).await, 1);
    let seen = desk.seen(first).await;
    assert_eq!(seen["first_reply_at"], Value::Null, "a machine's reply is nobody's answer");
    assert!(!seen["waiting_since"].is_null());
    assert_eq!(desk.outcomes(rule.id, second).await, ["fired"]);
    let why: String = sqlx::query_scalar(
        "select done #>> '{0,result,not_sent}' from support_app.rule_run where ticket_id = $1",
    )
    .bind(second)
    .fetch_one(&mut desk.admin().await)
    .await
    .expect("a reason");
    assert!(why.contains("five minutes"), "{why}");
    let text: String = sqlx::query_scalar("select body_text from support_app.message where by_machine")
        .fetch_one(&mut desk.admin().await)
        .await
        .expect("the reply");
    assert!(text.starts_with("Hello Ann, we have your message "), "{text}");
    // The shop has no mailbox, and the one that was to leave says so.
    let unsent =
        "support_app.message where by_machine and delivery = 'failed' and not_sent_because = 'no_mailbox'";
    assert_eq!(desk.count(unsent).await, 1);
    assert_eq!(desk.count("support_app.macro where uses = 1").await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_names_what_is_gone_is_flagged_and_what_fails_is_undone() {
    let desk = Desk::open().await;
    let saved = desk.saved_reply("Hello {{order.number}}").await;
    let replies = desk
        .rule(json!({"name": "reply", "event": "ticket_created",
            "actions": [{"do": "add_tags", "tags": ["half"]}, {"do": "reply", "macro_id": saved}]}))
        .await;
    let after = desk.rule(adds("after", "ticket_created", json!({"all": []}), "after")).await;
    let ticket = desk.ticket("no orders").await;
    assert_eq!(desk.outcomes(replies.id, ticket).await, ["failed"]);
    assert_eq!(desk.outcomes(after.id, ticket).await, ["fired"]);
    assert_eq!(desk.seen(ticket).await["tags"], json!(["after"]), "nothing of what failed is left");
    let mut tx = desk.tx().await;
    let runs = support::rules::runs::of_rule(&mut tx, replies.id, None, 1).await.expect("read");
    let problem = runs[0].problem.clone().expect("a reason");
    assert!(problem.contains("order.number"), "{problem}");
    assert!(support::macros::store::archive(&mut tx, saved).await.expect("put away"));
    tx.commit().await.expect("commits");
    let next = desk.ticket("another").await;
    assert_eq!(desk.outcomes(replies.id, next).await, [""; 0]);
    let mut tx = desk.tx().await;
    let flagged = store::get(&mut tx, replies.id).await.expect("read").expect("there");
    let sentence = flagged.invalid_reason.expect("a sentence");
    assert!(sentence.contains("was put away; name another one"), "{sentence}");
    assert!(store::switch_on(&mut tx, desk.tenant, replies.id).await.is_err());
}

/// What a rule did for real, by ticket and moment.
async fn real(desk: &Desk, rule: Uuid) -> Vec<(Uuid, String)> {
    sqlx::query_as(
        "select r.ticket_id, r.results::text from support_app.rule_run r
         where r.rule_id = $1 and r.outcome = 'fired' order by r.cause_id",
    )
    .bind(rule)
    .fetch_all(&mut desk.admin().await)
    .await
    .expect("read")
}

/// What a trial finds that it would have done.
async fn tried(desk: &Desk, rule: &Stored) -> Vec<(Uuid, String)> {
    let id = Uuid::now_v7();
    let mut tx = desk.tx().await;
    let until = Utc::now();
    let wish = Wish {
        id,
        rule: rule.id,
        spec: &rule.spec,
        from: until - Duration::days(1),
        until,
        by: "key:test",
        job: Uuid::now_v7(),
    };
    trial::ask(&mut tx, desk.tenant, &wish).await.expect("asked");
    tx.commit().await.expect("commits");
    desk.does(&TryRule { trial_id: id }).await;
    let over: Value = sqlx::query_scalar("select to_jsonb(t) from support_app.rule_trial t where id = $1")
        .bind(id)
        .fetch_one(&mut desk.admin().await)
        .await
        .expect("the trial");
    assert_eq!(over["state"], "done", "{over}");
    sqlx::query_as(
        "select ticket_id, results::text from support_app.rule_trial_hit where trial_id = $1 order by seq",
    )
    .bind(id)
    .fetch_all(&mut desk.admin().await)
    .await
    .expect("the hits")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trial_on_the_past_finds_what_the_run_did() {
    let desk = Desk::open().await;
    let high = json!({"all": [{"field": "priority", "op": "is", "value": "high"}]});
    let rules = [
        desk.rule(json!({"name": "vip", "event": "message_received", "conditions": says("vip"),
            "actions": [{"do": "set_priority", "priority": "high"}, {"do": "add_tags", "tags": ["vip"]}]}))
            .await,
        desk.rule(adds("of the first", "message_received", high, "behind")).await,
        desk.rule(adds("new", "ticket_created", says("help"), "help")).await,
        desk.rule(adds(
            "chained",
            "tag_added",
            json!({"all": [{"field": "added_tags", "op": "one_of", "value": ["vip"]}]}),
            "chained",
        ))
        .await,
        desk.rule(adds(
            "closed",
            "ticket_updated",
            json!({"all": [
            {"field": "changed", "op": "one_of", "value": ["status"]},
            {"field": "status", "op": "is", "value": "pending"}]}),
            "waits",
        ))
        .await,
    ];
    let mut tickets = Vec::new();
    for text in ["help, I am a vip", "nothing", "VIP", "help"] {
        tickets.push(desk.ticket(text).await);
    }
    desk.hears(tickets[1], "a vip after all").await;
    desk.hears(tickets[0], "nothing new").await;
    let pending = Change { status: Some(support::tickets::state::Status::Pending), ..Change::default() };
    desk.change(tickets[3], pending.clone()).await;
    // What changed afterwards is not what was.
    for ticket in &tickets {
        let low = Change { priority: Some(Priority::Low), tags: Some(Vec::new()), ..Change::default() };
        desk.change(*ticket, low).await;
    }
    let mut fired = 0;
    for rule in &rules {
        let (done, found) = (real(&desk, rule.id).await, tried(&desk, rule).await);
        assert!(!done.is_empty(), "{} fired", rule.spec.name);
        assert_eq!(done, found, "{}", rule.spec.name);
        fired += done.len();
    }
    assert_eq!(fired, 3 + 4 + 2 + 3 + 1);
    assert_eq!(desk.count("jobs.dead").await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_leave_signed_and_to_where_they_may() {
    let desk = Desk::open().await;
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("its address");
    let heard = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a call");
        let mut bytes = Vec::new();
        let mut piece = [0; 4096];
        loop {
            let read = stream.read(&mut piece).expect("reads");
            bytes.extend_from_slice(&piece[..read]);
            let text = String::from_utf8_lossy(&bytes).into_owned();
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let length = head.to_lowercase().lines().find_map(|line| {
                    line.strip_prefix("content-length: ").and_then(|length| length.parse::<usize>().ok())
                });
                if length.is_some_and(|length| body.len() >= length) {
                    stream
                        .write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n")
                        .expect("answers");
                    return text;
                }
            }
        }
    });
    let url = format!("http://{address}/hook");
    desk.rule(
        json!({"name": "call", "event": "ticket_created", "actions": [{"do": "call_webhook", "url": url}]}),
    )
    .await;
    desk.ticket("call them").await;
    let text = tokio::task::spawn_blocking(move || heard.join().expect("heard")).await.expect("heard");
    let (head, body) = text.split_once("\r\n\r\n").expect("a request");
    let secret = webhooks::secret(&desk.app.master_key, desk.tenant);
    let header = |name: &str| {
        let value = head
            .lines()
            .find_map(|line| line.split_once(": ").filter(|(found, _)| found.eq_ignore_ascii_case(name)));
        value.unwrap_or_else(|| panic!("{name}: {head}")).1.to_owned()
    };
    let signed = signature::verify(
        &Secret::of(secret),
        &header(signature::ID_HEADER),
        &header(signature::TIMESTAMP_HEADER),
        &header(signature::SIGNATURE_HEADER),
        body.as_bytes(),
        Utc::now().timestamp(),
    );
    assert!(signed, "{head}");
    assert!(!body.contains("call them") && !body.contains("ann@example.com"), "{body}");
    assert_eq!(desk.count("support_app.rule_webhook where state = 'delivered' and status = 204").await, 1);

    let strict = Webhooks::new(Destinations::PublicOnly, Breakers::default()).expect("a client");
    let within =
        CallContext { deadline: Instant::now() + std::time::Duration::from_secs(5), traceparent: None };
    for url in
        ["http://127.0.0.1/x", "https://10.0.0.1/x", "https://169.254.169.254/latest", "ftp://example.com"]
    {
        let refused = strict.call(&within, url, "rule", &[], b"{}".to_vec()).await;
        assert!(matches!(refused, Err(ClientError::ForbiddenAddress { .. })), "{url}: {refused:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trial_counts_what_had_been_bought_until_then_and_says_what_is_not_known() {
    let desk = Desk::open().await;
    let spent = |least: i64, name: &str| {
        let field = json!({"all": [{"field": "spend", "op": "at_least", "value": least}]});
        adds(name, "message_received", field, name)
    };
    let (much, little) = (desk.rule(spent(50, "much")).await, desk.rule(spent(40, "little")).await);
    let leaves = json!({"any": [{"field": "churn_band", "op": "is", "value": "high"},
                                {"field": "customer_archetype", "op": "is_set"}]});
    let leaves = desk.rule(adds("leaves", "message_received", leaves, "leaves")).await;
    let ticket = desk.ticket("hello").await;
    let mut admin = desk.admin().await;
    // Bought before the message, and since.
    for statement in [
        "insert into platform.customer (tenant_id, customer_id, email) values ('{T}', 'c-1', 'ann@example.com')",
        "insert into platform.customer_identity (tenant_id, kind, value, customer_id)
         values ('{T}', 'email', 'ann@example.com', 'c-1')",
        "insert into platform.order_line (tenant_id, line_key, order_id, customer_id, ordered_at, quantity, amount, currency,
             is_return, counts)
         values ('{T}', gen_random_uuid(), 'o-1', 'c-1', now() - interval '9 days', 1, 40, 'EUR', false, true),
                ('{T}', gen_random_uuid(), 'o-2', 'c-1', now() + interval '1 hour', 1, 60, 'EUR', false, true)",
        "insert into platform.customer_profile (tenant_id, customer_id, orders, lines, spend, currency, returned_value)
         values ('{T}', 'c-1', 2, 2, 100, 'EUR', 0)",
    ] {
        let statement = statement.replace("{T}", &desk.tenant.to_string());
        sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(&mut admin).await.expect("bought");
    }
    assert_eq!(tried(&desk, &much).await, [], "today she has spent more");
    assert_eq!(tried(&desk, &little).await.iter().map(|(ticket, _)| *ticket).collect::<Vec<_>>(), [ticket.0]);
    tried(&desk, &leaves).await;
    let remarks: Vec<Vec<String>> =
        sqlx::query_scalar("select remarks from support_app.rule_trial order by created_at, id")
            .fetch_all(&mut admin)
            .await
            .expect("the trials");
    assert_eq!(remarks.iter().map(Vec::len).collect::<Vec<_>>(), [0, 0, 2], "{remarks:?}");
    assert!(remarks[2].iter().any(|remark| remark.contains("churn_band")), "{remarks:?}");

    // A tier is part of the ticket's history, so it is the one of then.
    sqlx::query("update support_app.ticket set customer_tier = 'gold' where id = $1")
        .bind(ticket)
        .execute(&mut admin)
        .await
        .expect("she is one of the best now");
    let gold = json!({"all": [{"field": "customer_tier", "op": "is", "value": "gold"}]});
    let gold = desk.rule(adds("gold", "message_received", gold, "gold")).await;
    assert_eq!(tried(&desk, &gold).await, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rule_that_changed_is_run_as_it_is_now_and_not_as_it_was_remembered() {
    let desk = Desk::open().await;
    let rule = desk.rule(adds("first", "ticket_created", says("help"), "first")).await;
    let ticket = desk.ticket("help").await;
    assert_eq!(desk.seen(ticket).await["tags"], json!(["first"]));
    let spec: Spec =
        serde_json::from_value(adds("second", "ticket_created", says("help"), "second")).expect("a rule");
    let mut tx = desk.tx().await;
    store::update(&mut tx, desk.tenant, rule.id, None, &spec, "key:test").await.expect("changed");
    tx.commit().await.expect("commits");
    let ticket = desk.ticket("help").await;
    assert_eq!(desk.seen(ticket).await["tags"], json!(["second"]));
    let more = desk.rule(adds("more", "ticket_created", says("help"), "more")).await;
    let ticket = desk.ticket("help").await;
    assert_eq!(desk.seen(ticket).await["tags"], json!(["second", "more"]));
    let mut tx = desk.tx().await;
    store::switch_off(&mut tx, more.id).await.expect("off");
    tx.commit().await.expect("commits");
    let ticket = desk.ticket("help").await;
    assert_eq!(desk.seen(ticket).await["tags"], json!(["second"]));
}
