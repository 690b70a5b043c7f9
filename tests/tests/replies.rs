//! From an agent's reply to the help desk: sent once, whatever becomes of the call; taken back in time; and what is seen of
//! it when it fails. And tickets that wake up.

mod connected;

use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use cluster::upstream::{self, Fault, FaultRule, Upstream, When};
use database::Role;
use database::ids::{MessageId, TenantId, TicketId};
use migrations::testing::{TestDatabase, fresh_database};
use serde_json::json;
use sqlx::{Connection, PgConnection};
use support::gorgias::dedup::Identity;
use support::gorgias::delivery::{Body, parse_body};
use support::intake::{self, Intake};
use support::tickets::change::{self, Change, Customer};
use support::tickets::create::{self, NewTicket};
use support::tickets::delivery::{self, Taken};
use support::tickets::message::{self, From as Author, Stored};
use support::tickets::reply::{self, NewReply, Replied};
use support::tickets::state::Status;
use support::tickets::words::{Channel, Priority};
use support::tickets::{Acting, full, merge, send_again};
use tokio::time::Instant;
use upstreams::gorgias::{self, Gorgias};
use upstreams::http::RetryPolicy;
use upstreams::{Breakers, CallContext, Destinations};
use uuid::Uuid;
use worker::app::App;
use worker::handlers;
use worker::testing::{self, drain};

use connected::connected_tenant;

const POLICY: RetryPolicy = RetryPolicy {
    attempts: 1,
    first_delay: Duration::from_millis(1),
    longest_delay: Duration::from_millis(2),
    attempt_timeout: Duration::from_secs(20),
    longest_named_wait: Duration::from_millis(10),
};
const TICKET: u64 = 7;

/// A shop with a help desk that is played by an upstream.
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

    /// A customer writes to the help desk; the ticket that comes of it.
    async fn receives(&self) -> TicketId {
        // The help desk has the ticket before it tells of it: what its customer wrote there is older than what is done here.
        self.upstream.ticket(TICKET);
        let body = json!({
            "id": TICKET, "subject": "Lamp", "status": "open", "channel": "email",
            "customer": {"id": 9, "name": "Maya Example", "email": "maya@shop.example"},
            "messages": [{"id": 4711, "channel": "email", "from_agent": false, "public": true,
                "body_text": "Where is my lamp?", "created_datetime": Utc::now()}],
        });
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
        taken.answer.ticket.expect("it has a ticket")
    }

    /// Somebody answers.
    async fn replies(&self, ticket: TicketId, text: &str) -> MessageId {
        let new =
            NewReply { text, last_seen: None, force: true, send_at: None, status: None, attachments: &[] };
        self.sends(ticket, &new).await
    }

    async fn sends(&self, ticket: TicketId, new: &NewReply<'_>) -> MessageId {
        let mut tx = self.app.db.tenant_tx(Role::Support, self.tenant).await.expect("the database");
        let Replied::Queued { message, announcement, .. } =
            reply::reply(&mut tx, &self.acting(), ticket, new).await.expect("it is taken")
        else {
            panic!("forced replies are taken")
        };
        tx.commit().await.expect("the database");
        self.app.dispatch.announce(announcement);
        message.id
    }

    /// Works everything off that is due, after the time has passed for which jobs wait.
    async fn works(&self) {
        let mut owner = PgConnection::connect(&self.database.admin_url).await.expect("the server answers");
        sqlx::query("update support_app.message set send_at = now() where send_at > now()")
            .execute(&mut owner)
            .await
            .expect("the owner may");
        sqlx::query(
            "update jobs.live set due_at = now()
             where state in ('scheduled', 'retrying') and kind in ('send_reply', 'wake_ticket')",
        )
        .execute(&mut owner)
        .await
        .expect("the owner may");
        drain(
            &self.app.store,
            &self.app.dispatch,
            handlers::all(&self.app),
            &self.url,
            &["ai", "default", "profiles"],
        )
        .await
        .expect("the drain");
    }

    async fn message(&self, ticket: TicketId, message: MessageId) -> Stored {
        let mut tx = self.app.db.tenant_tx(Role::Support, self.tenant).await.expect("the database");
        message::get(&mut tx, ticket, message).await.expect("the database").expect("the message")
    }

    async fn whole(&self, ticket: TicketId) -> full::Whole {
        let mut tx = self.app.db.tenant_tx(Role::Support, self.tenant).await.expect("the database");
        full::whole(&mut tx, ticket).await.expect("the database").expect("the ticket")
    }

    /// The replies in the help desk's ticket.
    async fn sent(&self) -> Vec<String> {
        let auth = gorgias::Auth::ApiKey { email: "bot@shop.example".into(), key: "k".into() };
        let client = self.app.gorgias.account(&self.upstream.gorgias_base(), &auth).expect("loopback");
        let context = CallContext { deadline: Instant::now() + Duration::from_secs(20), traceparent: None };
        let messages = client.list_messages(&context, TICKET, 50).await.expect("the messages");
        let ours = messages.into_iter().filter(|m| m.external_id.is_some() && !m.is_internal_note());
        ours.filter_map(|message| message.body_text).collect()
    }

    fn meets(&self, count: u32, when: When, fault: Fault) {
        let route = format!("/api/tickets/{TICKET}/messages");
        self.upstream.inject(FaultRule { route, method: Some("POST".into()), count, when, fault });
    }

    /// A customer's message comes to a ticket by a program.
    async fn hears(&self, ticket: TicketId, text: &str) {
        let mut tx = self.app.db.tenant_tx(Role::Support, self.tenant).await.expect("the database");
        let added = message::hear(&mut tx, &self.acting(), ticket, text, &[]).await.expect("it is heard");
        tx.commit().await.expect("the database");
        self.app.dispatch.announce(added.announcement);
    }

    /// A failed reply is sent once more.
    async fn sends_again(&self, ticket: TicketId, message: MessageId) -> Stored {
        let mut tx = self.app.db.tenant_tx(Role::Support, self.tenant).await.expect("the database");
        let (stored, _, announcement) =
            send_again::send_again(&mut tx, &self.acting(), ticket, message).await.expect("it can be");
        tx.commit().await.expect("the database");
        self.app.dispatch.announce(announcement);
        stored
    }

    async fn events(&self, kind: &str) -> i64 {
        let mut owner = PgConnection::connect(&self.database.admin_url).await.expect("the server answers");
        sqlx::query_scalar(
            "select (select count(*) from support_app.event_pending where kind = $1)
                  + (select count(*) from support_app.event where kind = $1)",
        )
        .bind(kind)
        .fetch_one(&mut owner)
        .await
        .expect("counted")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_reaches_the_help_desk_once_and_is_known_when_it_is_told_of() {
    let desk = Desk::open().await;
    let ticket = desk.receives().await;
    let reply = desk.replies(ticket, "It left on Monday.").await;
    assert_eq!(desk.message(ticket, reply).await.delivery.as_deref(), Some("queued"));
    desk.works().await;
    let sent = desk.message(ticket, reply).await;
    assert_eq!((sent.delivery.as_deref(), sent.error), (Some("sent"), None));
    assert_eq!(desk.sent().await, ["It left on Monday."]);
    let whole = desk.whole(ticket).await;
    assert_eq!((whole.ticket.message_count, whole.waiting_since), (2, None));
    assert_eq!(desk.events("reply_sent").await, 1);
    desk.works().await;
    assert_eq!(desk.sent().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_broke_after_it_took_effect_is_looked_up_and_not_repeated() {
    let desk = Desk::open().await;
    let ticket = desk.receives().await;
    desk.meets(1, When::After, Fault::Close);
    let reply = desk.replies(ticket, "Once.").await;
    desk.works().await;
    desk.works().await;
    assert_eq!(desk.message(ticket, reply).await.delivery.as_deref(), Some("sent"));
    assert_eq!(desk.sent().await, ["Once."]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_that_is_refused_says_why_and_the_customer_waits_again() {
    let desk = Desk::open().await;
    let ticket = desk.receives().await;
    desk.meets(1, When::Before, Fault::Status { status: 400, retry_after: None, body: None });
    let refused = desk.replies(ticket, "Refused.").await;
    let blank = desk.replies(ticket, "Dear [Customer Name], it left.").await;
    desk.works().await;
    for message in [refused, blank] {
        let failed = desk.message(ticket, message).await;
        assert_eq!(failed.delivery.as_deref(), Some("failed"));
        assert!(failed.error.is_some_and(|error| !error.is_empty()));
    }
    let whole = desk.whole(ticket).await;
    assert!(whole.waiting_since.is_some() && whole.ticket.message_count == 1);
    assert_eq!(desk.events("reply_failed").await, 2);
    assert_eq!(desk.sent().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_taken_back_is_not_sent_and_what_no_mail_carries_counts_when_its_time_is_over() {
    let desk = Desk::open().await;
    let ticket = desk.receives().await;
    let reply = desk.replies(ticket, "Too early.").await;
    let mut tx = desk.app.db.tenant_tx(Role::Support, desk.tenant).await.expect("the database");
    let (.., announcement) = reply::withdraw(&mut tx, &desk.acting(), ticket, reply).await.expect("it waits");
    tx.commit().await.expect("the database");
    desk.app.dispatch.announce(announcement);
    desk.works().await;
    assert_eq!(desk.message(ticket, reply).await.delivery.as_deref(), Some("withdrawn"));
    assert_eq!(desk.sent().await, Vec::<String>::new());

    let mut tx = desk.app.db.tenant_tx(Role::Support, desk.tenant).await.expect("the database");
    let new = NewTicket {
        subject: None,
        channel: Channel::Chat,
        priority: Priority::Normal,
        customer: Customer::default(),
        tags: Vec::new(),
        department: None,
        skills: Vec::new(),
        language: None,
        custom: serde_json::Map::new(),
        message: Some((Author::Agent, "Hello".to_owned())),
    };
    let made = create::create(&mut tx, &desk.acting(), &new).await.expect("made");
    tx.commit().await.expect("the database");
    let first = made.message.expect("its message");
    desk.works().await;
    assert_eq!(desk.message(made.ticket, first).await.delivery.as_deref(), Some("sent"));

    // It sleeps, and wakes at its time.
    let until = Utc::now() + chrono::Duration::hours(1);
    let mut tx = desk.app.db.tenant_tx(Role::Support, desk.tenant).await.expect("the database");
    let sleep =
        Change { status: Some(Status::Pending), snoozed_until: Some(Some(until)), ..Change::default() };
    let (.., announcement) =
        change::change(&mut tx, &desk.acting(), made.ticket, None, &sleep).await.expect("it sleeps");
    tx.commit().await.expect("the database");
    desk.app.dispatch.announce(announcement);
    assert!(desk.whole(made.ticket).await.snoozed_until.is_some());
    // Its time comes.
    let mut owner = PgConnection::connect(&desk.database.admin_url).await.expect("the server answers");
    for statement in [
        "update support_app.ticket set snoozed_until = snoozed_until - interval '2 hours' where id = $1",
        "update jobs.live set payload = jsonb_set(payload, '{until}', to_jsonb(t.snoozed_until))
         from support_app.ticket t where kind = 'wake_ticket' and t.id = $1",
    ] {
        let passed =
            sqlx::query(statement).bind(made.ticket).execute(&mut owner).await.expect("the owner may");
        assert_eq!(passed.rows_affected(), 1, "{statement}");
    }
    desk.works().await;
    let awake = desk.whole(made.ticket).await;
    assert_eq!((awake.snoozed_until, awake.ticket.status.as_str()), (None, "open"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_that_was_resolved_with_a_reply_is_open_again_when_that_is_refused() {
    let desk = Desk::open().await;
    let ticket = desk.receives().await;
    desk.meets(1, When::Before, Fault::Status { status: 400, retry_after: None, body: None });
    let new = NewReply {
        text: "It left on Monday.",
        last_seen: None,
        force: true,
        send_at: None,
        status: Some(Status::Resolved),
        attachments: &[],
    };
    let refused = desk.sends(ticket, &new).await;
    assert_eq!(desk.whole(ticket).await.ticket.status, "resolved");
    desk.works().await;
    assert_eq!(desk.message(ticket, refused).await.delivery.as_deref(), Some("failed"));
    let open = desk.whole(ticket).await;
    assert_eq!((open.ticket.status.as_str(), open.reopened_count), ("open", 0));
    assert!(open.waiting_since.is_some() && open.resolved_at.is_none(), "its customer waits");

    // Whoever resolves it knowing that, has it resolved.
    let change = Change { status: Some(Status::Resolved), ..Change::default() };
    let mut tx = desk.app.db.tenant_tx(Role::Support, desk.tenant).await.expect("the database");
    let (.., announcement) =
        change::change(&mut tx, &desk.acting(), ticket, None, &change).await.expect("resolved");
    tx.commit().await.expect("the database");
    desk.app.dispatch.announce(announcement);
    desk.works().await;
    assert_eq!(desk.whole(ticket).await.ticket.status, "resolved");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_for_later_waits_for_a_person_when_the_conversation_went_on_before_its_time() {
    let desk = Desk::open().await;
    let ticket = desk.receives().await;
    let later = Some(Utc::now() + chrono::Duration::hours(9));
    let for_later = |text: &'static str| NewReply {
        text,
        last_seen: None,
        force: true,
        send_at: later,
        status: None,
        attachments: &[],
    };
    let overtaken = desk.sends(ticket, &for_later("It comes on Friday.")).await;
    desk.hears(ticket, "Never mind, I found it").await;
    desk.works().await;
    let held = desk.message(ticket, overtaken).await;
    assert_eq!(
        (held.delivery.as_deref(), held.not_sent_because.as_deref()),
        (Some("failed"), Some("overtaken")),
        "{:?}",
        held.error
    );
    assert_eq!(desk.sent().await, Vec::<String>::new());
    assert!(desk.whole(ticket).await.waiting_since.is_some());

    // Whoever read it sends it all the same; and what nobody overtakes leaves by itself.
    desk.sends_again(ticket, overtaken).await;
    desk.works().await;
    let alone = desk.sends(ticket, &for_later("And the lamp is on its way.")).await;
    desk.works().await;
    assert_eq!(desk.message(ticket, alone).await.delivery.as_deref(), Some("sent"));
    let mut sent = desk.sent().await;
    sent.sort();
    assert_eq!(sent, ["And the lamp is on its way.", "It comes on Friday."]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_whose_ticket_is_merged_while_it_leaves_is_noted_where_it_is() {
    let desk = Desk::open().await;
    let source = desk.receives().await;
    let reply = desk.replies(source, "It left.").await;
    let mut tx = desk.app.db.tenant_tx(Role::Support, desk.tenant).await.expect("the database");
    let new = NewTicket {
        subject: None,
        channel: Channel::Chat,
        priority: Priority::Normal,
        customer: Customer::default(),
        tags: Vec::new(),
        department: None,
        skills: Vec::new(),
        language: None,
        custom: serde_json::Map::new(),
        message: None,
    };
    let target = create::create(&mut tx, &desk.acting(), &new).await.expect("made").ticket;
    tx.commit().await.expect("the database");

    let at = Utc::now() + chrono::Duration::minutes(1);
    let mut tx = desk.app.db.tenant_tx(Role::Support, desk.tenant).await.expect("the database");
    let Taken::Send(outbound) = delivery::take(&mut tx, reply, at).await.expect("the database") else {
        panic!("it is to be sent")
    };
    tx.commit().await.expect("the database");
    let mut tx = desk.app.db.tenant_tx(Role::Support, desk.tenant).await.expect("the database");
    let (_, announcement) =
        merge::merge(&mut tx, &desk.acting(), source, target, true).await.expect("merged");
    tx.commit().await.expect("the database");
    desk.app.dispatch.announce(announcement);
    let before = desk.whole(target).await;
    assert_eq!((before.ticket.message_count, before.waiting_since), (2, None));

    let mut tx = desk.app.db.tenant_tx(Role::Support, desk.tenant).await.expect("the database");
    let announcement =
        delivery::failed(&mut tx, desk.tenant, &outbound, "refused", Utc::now()).await.expect("noted");
    tx.commit().await.expect("the database");
    desk.app.dispatch.announce(announcement);
    let after = desk.whole(target).await;
    assert_eq!(after.ticket.message_count, 1);
    assert!(after.waiting_since.is_some(), "its customer waits in the ticket in which both go on");
    assert_eq!(desk.whole(source).await.ticket.message_count, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_sends_a_reply_again_before_its_job_is_over_has_it_sent() {
    let desk = Desk::open().await;
    let ticket = desk.receives().await;
    let reply = desk.replies(ticket, "At last.").await;
    let mut owner = PgConnection::connect(&desk.database.admin_url).await.expect("the server answers");
    // Its job has noted the failure, and has not said yet that it is over.
    sqlx::query("update support_app.message set delivery = 'failed' where id = $1")
        .bind(reply)
        .execute(&mut owner)
        .await
        .expect("the owner may");
    sqlx::query("update jobs.live set state = 'running', due_at = null, lease = gen_random_uuid() where kind = 'send_reply'")
        .execute(&mut owner)
        .await
        .expect("the owner may");
    desk.sends_again(ticket, reply).await;
    let waiting: i64 =
        sqlx::query_scalar("select count(*) from jobs.live where kind = 'send_reply' and state <> 'running'")
            .fetch_one(&mut owner)
            .await
            .expect("counted");
    assert_eq!(waiting, 1, "another run follows the one that is ending");
}
