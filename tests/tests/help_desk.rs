//! Both sides of tickets that live in a help desk, with webhooks that are lost, doubled, late and out of order, and people at
//! work on both sides: afterwards both are the same, and nothing that anybody did is undone or done twice.

mod connected;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use cluster::upstream::{self, SeedCustomer, SeedMessage, SeedTicket, Upstream, Work};
use database::Role;
use database::ids::{AgentId, MessageId, TenantId, TicketId};
use jobs::{NewJob, enqueue};
use migrations::testing::{TestDatabase, fresh_database};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};
use support::gorgias::dedup::Identity;
use support::gorgias::delivery::{Body, parse_body};
use support::help_desk::cursor;
use support::intake::{self, Intake};
use support::kinds::ReconcileGorgias;
use support::tickets::change::{self, Change};
use support::tickets::message::{self, Stored, Which};
use support::tickets::reply::{self, NewReply, Replied};
use support::tickets::state::Status;
use support::tickets::{Acting, TicketError, full};
use upstreams::gorgias::Gorgias;
use upstreams::http::RetryPolicy;
use upstreams::{Breakers, Destinations};
use uuid::Uuid;
use worker::app::App;
use worker::handlers;
use worker::testing::{self, drain};

use connected::connected_tenant;

const POLICY: RetryPolicy = RetryPolicy {
    attempts: 3,
    first_delay: Duration::from_millis(1),
    longest_delay: Duration::from_millis(5),
    attempt_timeout: Duration::from_secs(20),
    // The help desk's own pace is kept, and waited for.
    longest_named_wait: Duration::from_secs(40),
};

struct Desk {
    database: TestDatabase,
    url: String,
    upstream: Upstream,
    app: Arc<App>,
    tenant: TenantId,
    writer: Uuid,
}

impl Desk {
    async fn open() -> Desk {
        boot::install_tls();
        let database = fresh_database().await;
        let upstream = upstream::start(([127, 0, 0, 1], 0).into()).await.expect("a free port");
        let redis = std::env::var("TEST_REDIS_URL").expect("TEST_REDIS_URL: run the tests with `make test`");
        let url = database.url_for("desk_worker");
        let (destinations, breakers) = (Destinations::PublicOrLoopback, Breakers::default());
        let app = Arc::new(App {
            gorgias: Gorgias::with_policy(destinations, breakers, POLICY).expect("a client"),
            ..testing::app(&url, &redis)
        });
        let tenant = connected_tenant(&database, &upstream, &app.master_key).await;
        Desk { database, url, upstream, app, tenant, writer: Uuid::now_v7() }
    }

    fn acting(&self) -> Acting<'_> {
        Acting {
            tenant: self.tenant,
            actor: "key:test",
            agent: None,
            writer: self.writer,
            name: "Bea",
            correlation_id: "c-1",
            trace_parent: None,
            now: Utc::now(),
        }
    }

    fn seed(&self, id: u64) {
        let customer = SeedCustomer { name: "Ann".into(), email: "ann@x.example".into(), external_id: None };
        let messages = vec![SeedMessage { from_agent: false, text: format!("question {id}"), at: None }];
        let ticket = SeedTicket { subject: format!("T{id}"), channel: "email".into(), customer, messages };
        self.upstream.seed_ticket(id, ticket);
    }

    /// What the help desk would tell of a ticket now.
    fn telling(&self, id: u64) -> Value {
        let seen = self.upstream.ticket(id);
        json!({
            "id": id, "subject": format!("T{id}"), "status": seen.status, "channel": "email",
            "tags": seen.tags.iter().map(|tag| json!({"name": tag})).collect::<Vec<_>>(),
            "updated_datetime": Utc::now(), "customer": {"id": 9, "name": "Ann", "email": "ann@x.example"},
            "messages": seen.messages,
        })
    }

    async fn hears(&self, body: &Value) {
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
        let (_, announcement) = intake::take_in_within(&mut tx, intake).await.expect("it is taken in");
        tx.commit().await.expect("the database");
        self.app.dispatch.announce(announcement);
    }

    async fn ours(&self, id: u64) -> Option<full::Whole> {
        let mut owner = self.owner().await;
        let ours: Option<TicketId> =
            sqlx::query_scalar("select id from support_app.ticket where external_id = $1")
                .bind(id.to_string())
                .fetch_optional(&mut owner)
                .await
                .expect("read");
        let mut tx = self.app.db.tenant_tx(Role::Support, self.tenant).await.expect("the database");
        full::whole(&mut tx, ours?).await.expect("the database")
    }

    async fn messages(&self, ticket: TicketId) -> Vec<Stored> {
        let mut tx = self.app.db.tenant_tx(Role::Support, self.tenant).await.expect("the database");
        message::list(&mut tx, ticket, Which::All, None, 100).await.expect("the database")
    }

    async fn owner(&self) -> PgConnection {
        PgConnection::connect(&self.database.admin_url).await.expect("the server answers")
    }

    async fn changes(&self, ticket: TicketId, change: Change) {
        let mut tx = self.app.db.tenant_tx(Role::Support, self.tenant).await.expect("the database");
        match change::change(&mut tx, &self.acting(), ticket, None, &change).await {
            Ok((_, announcement)) => {
                tx.commit().await.expect("the database");
                self.app.dispatch.announce(announcement);
            }
            // Not every status follows every other.
            Err(TicketError::Illegal(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }

    async fn notes(&self, ticket: TicketId, text: &str) {
        let mut tx = self.app.db.tenant_tx(Role::Support, self.tenant).await.expect("the database");
        let added = message::note(&mut tx, &self.acting(), ticket, text, &[]).await.expect("it is added");
        tx.commit().await.expect("the database");
        self.app.dispatch.announce(added.announcement);
    }

    async fn replies(&self, ticket: TicketId, text: &str) -> MessageId {
        let mut tx = self.app.db.tenant_tx(Role::Support, self.tenant).await.expect("the database");
        let new =
            NewReply { text, last_seen: None, force: true, send_at: None, status: None, attachments: &[] };
        let Replied::Queued { message, announcement, .. } =
            reply::reply(&mut tx, &self.acting(), ticket, &new).await.expect("it is taken")
        else {
            panic!("forced replies are taken")
        };
        tx.commit().await.expect("the database");
        self.app.dispatch.announce(announcement);
        message.id
    }

    async fn works(&self) {
        let mut owner = self.owner().await;
        for statement in [
            "update support_app.message set send_at = now() where send_at > now()",
            "update jobs.live set due_at = now() where state in ('scheduled', 'retrying')
             and kind in ('send_reply', 'sync_help_desk')",
        ] {
            sqlx::query(statement).execute(&mut owner).await.expect("the owner may");
        }
        drain(
            &self.app.store,
            &self.app.dispatch,
            handlers::all(&self.app),
            &self.url,
            &["default", "profiles"],
        )
        .await
        .expect("the drain");
    }

    async fn reconciles(&self) {
        let job = NewJob::of(self.tenant, &ReconcileGorgias::default()).expect("a job");
        let mut conn = self.app.store.pool().acquire().await.expect("the ledger");
        let (_, announcement) = enqueue(&mut conn, &[job]).await.expect("enqueued");
        drop(conn);
        self.app.dispatch.announce(announcement);
        self.works().await;
    }

    /// The clocks of all tickets for an answer and for the end, and how they stand.
    async fn clocks(&self) -> Vec<(String, String)> {
        sqlx::query_as(
            "select kind, state from support_app.sla_clock where kind in ('first_response', 'resolution') order by kind",
        )
        .fetch_all(&mut self.owner().await)
        .await
        .expect("read")
    }

    async fn same_on_both_sides(&self, id: u64) {
        let ours = self.ours(id).await.expect("it is known");
        let theirs = self.upstream.ticket(id);
        let sleeps = ours.snoozed_until.is_some_and(|until| until > Utc::now());
        let is_closed = matches!(ours.ticket.status.as_str(), "resolved" | "closed") || sleeps;
        assert_eq!(if is_closed { "closed" } else { "open" }, theirs.status, "{id}");
        let set = |tags: &[String]| tags.iter().cloned().collect::<BTreeSet<_>>();
        assert_eq!(set(&ours.ticket.tags), set(&theirs.tags), "{id}");
        let here: BTreeMap<String, Stored> = self
            .messages(ours.ticket.id)
            .await
            .into_iter()
            .map(|message| (message.body_text.trim_start_matches("Bea: ").to_owned(), message))
            .collect();
        let mut there = BTreeMap::new();
        for message in &theirs.messages {
            let text =
                message["body_text"].as_str().unwrap_or_default().trim_start_matches("Bea: ").to_owned();
            *there.entry(text).or_insert(0) += 1;
        }
        assert!(there.values().all(|times| *times == 1), "{id}: {there:?}");
        assert_eq!(here.keys().collect::<Vec<_>>(), there.keys().collect::<Vec<_>>(), "{id}");
        assert_eq!(self.messages(ours.ticket.id).await.len(), there.len(), "{id}: nothing is here twice");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_webhooks_do_both_sides_become_the_same() {
    let desk = Desk::open().await;
    // A failure shows the seed; with it in SEED the run is repeated.
    let given = std::env::var("SEED").ok().map(|seed| seed.parse().expect("SEED is a number"));
    let seed: u32 = given.unwrap_or_else(rand::random);
    println!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed.into());
    let tickets: Vec<u64> = (1..=3).collect();
    let mut late: Vec<Value> = Vec::new();
    for id in &tickets {
        desk.seed(*id);
        // Of the last one no webhook ever tells.
        if *id < 3 {
            desk.hears(&desk.telling(*id)).await;
        }
    }
    desk.works().await;
    for step in 0..24 {
        let id = *tickets.choose(&mut random).expect("there are some");
        let ours = desk.ours(id).await.map(|ours| ours.ticket.id);
        let tag = *["vip", "lamp", "late"].choose(&mut random).expect("there are some");
        match (random.random_range(0..9), ours) {
            (0, Some(ticket)) => {
                let status =
                    *[Status::Open, Status::Pending, Status::Resolved].choose(&mut random).expect("some");
                desk.changes(ticket, Change { status: Some(status), ..Change::default() }).await;
            }
            (1, Some(ticket)) => {
                desk.changes(ticket, Change { add_tags: vec![tag.to_owned()], ..Change::default() }).await
            }
            (2, Some(ticket)) => {
                desk.changes(ticket, Change { remove_tags: vec![tag.to_owned()], ..Change::default() }).await
            }
            (3, Some(ticket)) => desk.notes(ticket, &format!("note {step}")).await,
            (4, _) => desk.upstream.works_there(id, &Work::Tag(tag)),
            (5, _) => desk.upstream.works_there(id, &Work::Untag(tag)),
            (6, _) => desk.upstream.works_there(
                id,
                &Work::Status(["open", "closed"].choose(&mut random).copied().unwrap_or("open")),
            ),
            (7, _) => desk.upstream.works_there(id, &Work::Reply(format!("an agent there, {step}"))),
            _ => desk.upstream.works_there(id, &Work::Hear(format!("the customer, {step}"))),
        }
        // A webhook is told at once, twice, late, or never.
        let telling = desk.telling(id);
        match random.random_range(0..4) {
            _ if id == 3 => {}
            0 => desk.hears(&telling).await,
            1 => {
                desk.hears(&telling).await;
                desk.hears(&telling).await;
            }
            2 => late.push(telling),
            _ => {}
        }
        if random.random_bool(0.2) && !late.is_empty() {
            let place = random.random_range(0..late.len());
            desk.hears(&late.swap_remove(place)).await;
        }
    }
    for telling in late {
        desk.hears(&telling).await;
    }
    desk.works().await;
    // Something was changed there after the last webhook, or nobody ever told.
    for id in &tickets {
        desk.upstream.works_there(*id, &Work::Tag("seen"));
    }
    desk.reconciles().await;
    desk.works().await;
    for id in &tickets {
        desk.same_on_both_sides(*id).await;
    }
    let mut tx = desk.app.db.tenant_tx(Role::Support, desk.tenant).await.expect("the database");
    let stands = cursor::get(&mut tx).await.expect("the database");
    assert!(stands.updated_through.is_some() && stands.page_cursor.is_none() && stands.last_error.is_none());
    assert!(!cursor::differences(&mut tx, None, 100).await.expect("the database").is_empty());
    tx.commit().await.expect("the database");
    let before = desk.upstream.recorded().totals.clone();
    desk.reconciles().await;
    let after = desk.upstream.recorded().totals;
    let writes = |totals: &BTreeMap<String, u64>| -> u64 {
        totals.iter().filter(|(call, _)| !call.starts_with("GET")).map(|(_, count)| count).sum()
    };
    assert_eq!(writes(&before), writes(&after), "what is the same is told to nobody");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_webhook_closed_and_is_open_there_is_worked_on_again_as_if_opened_here() {
    let desk = Desk::open().await;
    desk.seed(7);
    // A webhook that does not say when, so its time is ours of that moment.
    let mut telling = desk.telling(7);
    telling.as_object_mut().expect("an object").remove("updated_datetime");
    desk.hears(&telling).await;
    telling["status"] = json!("closed");
    desk.hears(&telling).await;
    desk.works().await;
    let closed = desk.ours(7).await.expect("it is known").ticket;
    assert_eq!(closed.status, "closed");
    assert_eq!(desk.clocks().await, [("first_response", "ended"), ("resolution", "ended")].map(named));
    // There it has been open since before that.
    desk.reconciles().await;
    let opened = desk.ours(7).await.expect("it is known").ticket;
    assert_eq!((opened.id, opened.status.as_str()), (closed.id, "open"));
    assert_eq!(desk.clocks().await, [("first_response", "running"), ("resolution", "running")].map(named));
    let looks: i64 = sqlx::query_scalar(
        "select count(*) from jobs.job where kind = 'refresh_rank' and dedup_key = $1 || ':told'",
    )
    .bind(opened.id.to_string())
    .fetch_one(&mut desk.owner().await)
    .await
    .expect("read");
    assert_eq!(looks, 1, "what is known of its customer is looked at again");
}

fn named((kind, state): (&str, &str)) -> (String, String) {
    (kind.to_owned(), state.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn finer_states_survive_and_what_somebody_does_there_counts_here() {
    let desk = Desk::open().await;
    desk.seed(7);
    desk.hears(&desk.telling(7)).await;
    let ticket = desk.ours(7).await.expect("it is known").ticket.id;
    desk.changes(ticket, Change { status: Some(Status::Pending), ..Change::default() }).await;
    desk.works().await;
    desk.hears(&desk.telling(7)).await;
    assert_eq!(desk.ours(7).await.expect("known").ticket.status, "pending", "open there is no news");
    let until = Utc::now() + chrono::Duration::days(1);
    desk.changes(ticket, Change { snoozed_until: Some(Some(until)), ..Change::default() }).await;
    desk.works().await;
    let theirs = desk.upstream.ticket(7);
    assert_eq!((theirs.status.as_str(), theirs.snooze.is_some()), ("closed", true));
    desk.hears(&desk.telling(7)).await;
    let ours = desk.ours(7).await.expect("known");
    assert_eq!(
        (ours.ticket.status.as_str(), ours.snoozed_until.is_some()),
        ("pending", true),
        "the echo closes nothing"
    );
    // Somebody wakes it there.
    desk.upstream.works_there(7, &Work::Status("open"));
    desk.hears(&desk.telling(7)).await;
    let ours = desk.ours(7).await.expect("known");
    assert_eq!((ours.ticket.status.as_str(), ours.snoozed_until), ("open", None));
    desk.changes(ticket, Change { status: Some(Status::Resolved), ..Change::default() }).await;
    desk.works().await;
    assert_eq!(desk.upstream.ticket(7).status, "closed");
    desk.hears(&desk.telling(7)).await;
    assert_eq!(desk.ours(7).await.expect("known").ticket.status, "resolved");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_that_the_help_desk_could_not_send_is_found_out() {
    let desk = Desk::open().await;
    desk.seed(5);
    desk.hears(&desk.telling(5)).await;
    let ticket = desk.ours(5).await.expect("it is known").ticket.id;
    let reply = desk.replies(ticket, "It left.").await;
    desk.works().await;
    let of = async |id: MessageId| {
        desk.messages(ticket).await.into_iter().find(|message| message.id == id).expect("the reply")
    };
    assert_eq!(of(reply).await.delivery.as_deref(), Some("sent"));
    desk.upstream.works_there(5, &Work::FailLast);
    desk.works().await;
    let failed = of(reply).await;
    assert_eq!(failed.delivery.as_deref(), Some("bounced"));
    assert!(failed.error.is_some());
    assert!(desk.ours(5).await.expect("known").waiting_since.is_some(), "its customer waits again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_to_a_ticket_that_is_final_here_makes_one_that_follows_it_and_is_told_of_from_then_on() {
    let desk = Desk::open().await;
    for (id, told_by_webhook) in [(8, true), (9, false)] {
        desk.seed(id);
        desk.hears(&desk.telling(id)).await;
        desk.works().await;
        let former = desk.ours(id).await.expect("it is known").ticket;
        let answer = desk.replies(former.id, "It left.").await;
        desk.works().await;
        desk.changes(former.id, Change { status: Some(Status::Resolved), ..Change::default() }).await;
        desk.works().await;
        desk.hears(&desk.telling(id)).await;
        desk.works().await;
        let mut owner = desk.owner().await;
        sqlx::query("update support_app.ticket set resolved_at = now() - interval '8 days' where id = $1")
            .bind(former.id)
            .execute(&mut owner)
            .await
            .expect("the owner may");
        // What is told once more, and says nothing new, follows nothing.
        desk.hears(&desk.telling(id)).await;
        assert_eq!(desk.ours(id).await.expect("known").ticket.id, former.id);

        desk.upstream.works_there(id, &Work::Hear("once more".into()));
        if told_by_webhook {
            desk.hears(&desk.telling(id)).await;
            desk.hears(&desk.telling(id)).await;
        }
        desk.reconciles().await;
        desk.works().await;
        let next = desk.ours(id).await.expect("it is known");
        assert_ne!(next.ticket.id, former.id, "{id}");
        assert_eq!((next.follow_up_of, next.ticket.status.as_str()), (Some(former.id), "open"), "{id}");
        let words = async |ticket: TicketId| {
            let mut words: Vec<String> =
                desk.messages(ticket).await.into_iter().map(|message| message.body_text).collect();
            words.sort_unstable();
            words
        };
        assert_eq!(words(next.ticket.id).await, ["once more"], "{id}");
        assert_eq!(words(former.id).await, ["It left.".to_owned(), format!("question {id}")], "{id}");
        let mut tx = desk.app.db.tenant_tx(Role::Support, desk.tenant).await.expect("the database");
        let old = full::whole(&mut tx, former.id).await.expect("the database").expect("it stays");
        tx.commit().await.expect("the database");
        assert_eq!(old.ticket.status, "resolved", "{id}");
        assert!(desk.messages(former.id).await.iter().any(|message| message.id == answer));

        // It is answered as any other, there.
        desk.replies(next.ticket.id, "Look again.").await;
        desk.works().await;
        let there = desk.upstream.ticket(id).messages;
        let said: Vec<&str> = there.iter().filter_map(|message| message["body_text"].as_str()).collect();
        assert_eq!(said.iter().filter(|text| **text == "Look again.").count(), 1, "{id}: {said:?}");
        let mut owner = desk.owner().await;
        let dead: i64 =
            sqlx::query_scalar("select count(*) from jobs.dead").fetch_one(&mut owner).await.expect("read");
        assert_eq!(dead, 0, "{id}");
    }
}

impl Desk {
    async fn agent(&self, email: &str) -> Uuid {
        let mut owner = self.owner().await;
        sqlx::query_scalar(
            "insert into support_app.agent (id, tenant_id, name, email, accepts_new)
             values (gen_random_uuid(), $1, $2, $2, false) returning id",
        )
        .bind(self.tenant)
        .bind(email)
        .fetch_one(&mut owner)
        .await
        .expect("the owner may")
    }

    async fn has_it(&self, id: u64) -> Option<Uuid> {
        let mut owner = self.owner().await;
        sqlx::query_scalar("select assignee_id from support_app.ticket where external_id = $1")
            .bind(id.to_string())
            .fetch_one(&mut owner)
            .await
            .expect("it is known")
    }

    /// Gives it to an agent here, or to nobody.
    async fn gives(&self, ticket: TicketId, agent: Option<Uuid>) {
        use support::assignment::commands::{self, Acting};
        let acting = Acting {
            tenant: self.tenant,
            actor: "key:test",
            agent: None,
            over_others: true,
            expects: None,
            now: Utc::now(),
        };
        let mut tx = self.app.db.tenant_tx(Role::Support, self.tenant).await.expect("the database");
        let done = match agent {
            Some(agent) => commands::assign(&mut tx, &acting, ticket, AgentId(agent), true, None).await,
            None => commands::unassign(&mut tx, &acting, ticket, None).await,
        };
        tx.commit().await.expect("the database");
        self.app.dispatch.announce(done.expect("it may be given").announcement);
        self.works().await;
    }

    async fn left_as_they_are(&self) -> Vec<String> {
        let mut owner = self.owner().await;
        sqlx::query_scalar(
            "select theirs #>> '{}' from support_app.help_desk_difference where field = 'assignee' order by id",
        )
        .fetch_all(&mut owner)
        .await
        .expect("read")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whose_it_is_is_the_same_on_both_sides_and_who_is_known_on_one_alone_stays() {
    let desk = Desk::open().await;
    desk.seed(3);
    let (bea, cem) = (desk.agent("Bea@shop.example").await, desk.agent("cem@shop.example").await);
    let only_here = desk.agent("only-here@shop.example").await;
    let telling = |desk: &Desk| {
        let mut told = desk.telling(3);
        let assignee = desk.upstream.ticket(3).assignee;
        told["assignee_user"] = assignee.map_or(Value::Null, |email| json!({"id": 1, "email": email}));
        told
    };
    desk.hears(&telling(&desk)).await;
    desk.works().await;
    let ticket = desk.ours(3).await.expect("it is known").ticket.id;
    assert_eq!(desk.has_it(3).await, None);
    let there = || desk.upstream.ticket(3).assignee;

    // Here, then there, then here, then nobody.
    desk.gives(ticket, Some(bea)).await;
    assert_eq!(there().as_deref(), Some("bea@shop.example"));
    desk.hears(&telling(&desk)).await;
    desk.works().await;
    assert_eq!(desk.has_it(3).await, Some(bea), "the echo changes nothing");
    desk.upstream.works_there(3, &Work::Assign(Some("cem@shop.example")));
    desk.hears(&telling(&desk)).await;
    desk.works().await;
    assert_eq!(desk.has_it(3).await, Some(cem));
    desk.gives(ticket, None).await;
    assert_eq!(there(), None);
    assert!(desk.left_as_they_are().await.is_empty());

    // Somebody whom only they know: ours is left, and that is listed once however often it is told.
    desk.gives(ticket, Some(bea)).await;
    desk.upstream.works_there(3, &Work::Assign(Some("only-there@shop.example")));
    for _ in 0..3 {
        desk.hears(&telling(&desk)).await;
        desk.works().await;
    }
    assert_eq!((desk.has_it(3).await, there().as_deref()), (Some(bea), Some("only-there@shop.example")));
    assert_eq!(desk.left_as_they_are().await, ["an agent who is not known here"]);
    // And one whom only we know.
    desk.gives(ticket, Some(only_here)).await;
    desk.works().await;
    assert_eq!(
        (desk.has_it(3).await, there().as_deref()),
        (Some(only_here), Some("only-there@shop.example"))
    );
    assert_eq!(desk.left_as_they_are().await.len(), 2);

    // No webhook told that it was given back.
    desk.upstream.works_there(3, &Work::Assign(None));
    desk.reconciles().await;
    desk.works().await;
    assert_eq!(desk.has_it(3).await, None);
    let before = desk.upstream.recorded().totals.clone();
    desk.reconciles().await;
    let put = |totals: &BTreeMap<String, u64>| {
        totals.iter().filter(|(call, _)| call.starts_with("PUT")).map(|(_, count)| count).sum::<u64>()
    };
    assert_eq!(put(&before), put(&desk.upstream.recorded().totals), "what is the same is told to nobody");
}
