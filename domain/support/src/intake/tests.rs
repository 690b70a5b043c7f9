//! Deliveries that are stored together leave what each of them, stored after the other, would have left.

use database::ids::{DeliveryId, TenantId};
use database::{Db, Role, Tx};
use migrations::testing::{TestDatabase, fresh_database};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use sqlx::types::Json;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use uuid::Uuid;

use super::{Call, Intake, Taken, send_all};
use crate::gorgias::dedup::Identity;
use crate::gorgias::delivery::{Body, parse_body};

mod contended;

/// One of two databases in which the same deliveries arrive.
struct World {
    support: Db,
    admin: PgConnection,
    // Last, so that it is dropped when nobody is connected any more.
    database: TestDatabase,
}

const TENANTS: [TenantId; 2] = [TenantId(Uuid::from_u128(1)), TenantId(Uuid::from_u128(2))];

/// The first tenant has rules for whatever happens, and somebody who listens to everything.
async fn world() -> World {
    let database = fresh_database().await;
    let mut admin = PgConnection::connect(&database.admin_url).await.expect("connects");
    for (tenant, slug) in TENANTS.iter().zip(["one", "two"]) {
        sqlx::query("insert into shared.tenant (id, slug, name, timezone) values ($1, $2, $2, 'UTC')")
            .bind(tenant)
            .bind(slug)
            .execute(&mut admin)
            .await
            .expect("a tenant");
    }
    for event in ["ticket_created", "message_received", "ticket_updated", "tag_added"] {
        sqlx::query(
            "insert into support_app.rule (id, tenant_id, position, is_on, on_since, made_by, event, spec)
             values (gen_random_uuid(), $1, 1, true, now(), 'test', $2, '{}')",
        )
        .bind(TENANTS[0])
        .bind(event)
        .execute(&mut admin)
        .await
        .expect("a rule");
    }
    sqlx::query(
        "insert into outbound.endpoint (id, tenant_id, url, events, sealed_secret, created_by)
         values (gen_random_uuid(), $1, 'https://example.com', '{*}', '', 'test')",
    )
    .bind(TENANTS[0])
    .execute(&mut admin)
    .await
    .expect("an endpoint");
    let support = Db::connect_as(&database.url_for("desk_api"), Role::Support, 4).expect("the URL is valid");
    World { support, admin, database }
}

/// A delivery as it is drawn: small numbers, so that tickets, messages and events meet again.
#[derive(Clone, Debug)]
struct Drawn {
    tenant: usize,
    ticket: u32,
    /// The event, for a sender that says which one it is.
    event: Option<u32>,
    is_replay: bool,
    status: Option<&'static str>,
    tags: Option<Vec<&'static str>>,
    assignee: Option<Option<&'static str>>,
    subject: Option<&'static str>,
    count: Option<u8>,
    updated_minute: Option<u32>,
    messages: Vec<Said>,
}

#[derive(Clone, Debug)]
struct Said {
    id: u32,
    by: usize,
    has_text: bool,
}

fn drawn() -> impl Strategy<Value = Drawn> {
    let said =
        || (0..9_u32, 0..4_usize, any::<bool>()).prop_map(|(id, by, has_text)| Said { id, by, has_text });
    let status = prop::sample::select(vec!["open", "pending", "resolved", "closed"]);
    let tags = prop::sample::subsequence(vec!["vip", "Late", "human-only", "ai_force"], 0..3);
    let assignee = prop::option::of(Just("bea@example.com"));
    (
        (0..2_usize, 0..10_u32, prop::option::of(0..40_u32), prop::bool::weighted(0.05)),
        (prop::option::of(status), prop::option::of(tags), prop::option::of(assignee)),
        prop::option::of(prop::sample::select(vec!["Lamp", "Chair"])),
        (prop::option::of(0..9_u8), prop::option::of(0..60_u32)),
        prop::collection::vec(said(), 0..4),
    )
        .prop_map(
            |((tenant, ticket, event, is_replay), (status, tags, assignee), subject, told, messages)| Drawn {
                tenant,
                ticket,
                event,
                is_replay,
                status,
                tags,
                assignee,
                subject,
                count: told.0,
                updated_minute: told.1,
                messages,
            },
        )
}

impl Drawn {
    /// Each message has a time of its own, so that one of them is the last; some are from years to come.
    fn body(&self, first_ticket: u32) -> Value {
        let mut messages: Vec<Value> = Vec::new();
        for said in &self.messages {
            if messages.iter().any(|message| message["id"] == said.id) {
                continue;
            }
            let year = if said.id == 8 { 2126 } else { 2026 };
            messages.push(json!({
                "id": said.id,
                "from_agent": said.by >= 2,
                "channel": if said.by == 3 { "internal-note" } else { "email" },
                "body_text": if said.has_text { "Where is it?" } else { "" },
                "sent_datetime": format!("{year}-11-20T10:{:02}:00Z", said.id % 60),
            }));
        }
        let mut ticket = json!({"id": first_ticket + self.ticket, "channel": "email", "messages": messages});
        let mut told = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                ticket[name] = value;
            }
        };
        told("status", self.status.map(Value::from));
        told("tags", self.tags.clone().map(Value::from));
        told("subject", self.subject.map(Value::from));
        told("messages_count", self.count.map(Value::from));
        told(
            "assignee_user",
            self.assignee.map(|who| who.map_or(Value::Null, |email| json!({"email": email}))),
        );
        let updated = self.updated_minute.map(|minute| format!("2026-11-20T11:{minute:02}:00Z"));
        told("updated_datetime", updated.map(Value::from));
        json!({ "ticket": ticket })
    }

    fn call(&self, first_ticket: u32, replayed: Option<DeliveryId>) -> Call {
        let body = Body::of(self.body(first_ticket).to_string().as_bytes()).expect("JSON");
        let delivery = parse_body(&body).expect("parses");
        let identity = match self.event {
            Some(event) => {
                Identity { key: format!("event:{event}:{}", first_ticket + self.ticket), is_lasting: true }
            }
            None => Identity { key: format!("body:{:?}", self.status), is_lasting: false },
        };
        let intake = Intake {
            tenant: TENANTS[self.tenant],
            identity: &identity,
            body: &body.json,
            delivery: &delivery,
            correlation_id: "c-1",
            trace_parent: None,
            replay_of: replayed.filter(|_| self.is_replay),
            now: "2026-11-21T12:00:00Z".parse().expect("a time"),
        };
        Call::of(intake).expect("a call")
    }
}

/// As they were stored before they were stored together.
async fn one_by_one(support: &Db, calls: &[&Call]) -> Vec<Taken> {
    let mut tx = support.pool().begin().await.expect("begins");
    let mut taken = Vec::new();
    for call in calls {
        let one = sqlx::query_as(
            "select t.*, support_app.settle_later(t.ticket_id, t.is_new, $7) as settle_job
             from support_app.take_in($1, $2, $3, $4, $5, $6) t",
        )
        .bind(call.tenant)
        .bind(Json(&call.delivery))
        .bind(Json(&call.body))
        .bind(Json(&call.ticket))
        .bind(Json(&call.messages))
        .bind(call.job.as_ref().map(|(_, document)| Json(document)))
        .bind(Json(&call.settle.1))
        .fetch_one(&mut *tx)
        .await
        .expect("taken in");
        taken.push(one);
    }
    tx.commit().await.expect("commits");
    taken
}

/// What is left in the tables, without the times of storing and without numbers that only order the rows. Tickets get
/// their running numbers in another order.
const LEFT: [(&str, &str); 11] = [
    (
        "tickets",
        "select to_jsonb(t) - array['number', 'created_at', 'updated_at', 'status_since', 'resolved_at', 'closed_at',
                                    'erased_at', 'external_id']
             || jsonb_build_object('external', split_part(t.external_id, '/', 1), 'is_former', t.external_id like '%/%',
                                   'is_done', t.resolved_at is not null) from support_app.ticket t",
    ),
    ("deliveries", "select to_jsonb(i) - 'received_at' from support_app.inbox i"),
    ("messages", "select to_jsonb(m) - 'created_at' from support_app.message m"),
    ("agreed", "select to_jsonb(b) - array['agreed_at', 'since'] from support_app.help_desk_base b"),
    (
        "events",
        "select jsonb_build_array(e.tenant_id, e.ticket_id, jsonb_agg(
             jsonb_build_array(e.kind, e.agent_id, e.payload - 'number') order by e.id))
         from support_app.event_pending e group by e.tenant_id, e.ticket_id",
    ),
    (
        "changes",
        "select to_jsonb(c) - array['id', 'at'] from support_app.ticket_change c",
    ),
    (
        "tags",
        "select jsonb_build_array(d.tenant_id, d.tag, sum(d.delta)) from support_app.tag_delta d
         group by d.tenant_id, d.tag",
    ),
    (
        "causes",
        // Tags that came are a set, in no order.
        "select jsonb_build_array(c.tenant_id, c.ticket_id, jsonb_agg(
             jsonb_build_array(c.event, c.message_id, c.detail - 'tags', array(
                 select jsonb_array_elements_text(c.detail -> 'tags') tag order by tag)) order by c.id))
         from support_app.rule_cause c group by c.tenant_id, c.ticket_id",
    ),
    ("jobs", "select to_jsonb(j) - array['run_at', 'created_at'] from jobs.live j"),
    (
        "books",
        "select jsonb_build_array(b.queue, b.kind, b.from_state, b.to_state, sum(b.n)) from jobs.transition b
         group by b.queue, b.kind, b.from_state, b.to_state",
    ),
    (
        "news",
        "select jsonb_build_array(o.tenant_id, o.subject, jsonb_agg(jsonb_build_array(o.type, o.data - 'number')
             order by o.id))
         from outbound.outbox o group by o.tenant_id, o.subject",
    ),
];

async fn left(world: &mut World, query: &'static str) -> Vec<Value> {
    let query = format!("select row from ({query}) x (row) order by row::text");
    sqlx::query_scalar(AssertSqlSafe(query)).fetch_all(&mut world.admin).await.expect("read")
}

/// What the desk and time do to tickets in between: one became final, one was merged into another, one erased.
async fn go_on(world: &mut World, first_ticket: u32) {
    let named = |number: u32| (first_ticket + number).to_string();
    let mut tx = world.admin.begin().await.expect("begins");
    sqlx::query("set local session_replication_role = replica").execute(&mut *tx).await.expect("set");
    sqlx::query(
        "with final as (
             update support_app.ticket set status = 'closed', resolved_at = now() - interval '30 days',
                 closed_at = now() - interval '30 days'
             where external_id = $1 returning id
         ), agreed as (
             update support_app.help_desk_base b set status = 'closed' from final f where b.ticket_id = f.id
         ), merged as (
             update support_app.ticket t set merged_into = x.id from support_app.ticket x
             where t.external_id = $2 and x.external_id = $3 and x.tenant_id = t.tenant_id and x.merged_into is null
         )
         update support_app.ticket set erased_at = '2026-11-20T10:04:00Z' where external_id = $4",
    )
    .bind(named(4))
    .bind(named(5))
    .bind(named(6))
    .bind(named(7))
    .execute(&mut *tx)
    .await
    .expect("changed");
    tx.commit().await.expect("commits");
}

#[tokio::test]
async fn deliveries_stored_together_leave_what_they_leave_one_by_one() {
    let (mut alone, mut together) = (world().await, world().await);
    let mut runner = TestRunner::deterministic();
    let batches = prop::collection::vec(drawn(), 1..14);
    let mut replayed = None;
    let mut kinds = [0_usize; 3];
    for round in 0..60_u32 {
        // Tickets leave the range slowly, so that each is met new and known.
        let first_ticket = 100 + round * 3;
        let batch = batches.new_tree(&mut runner).expect("deliveries").current();
        let mut calls: Vec<Call> = batch.iter().map(|drawn| drawn.call(first_ticket, replayed)).collect();
        calls.sort_by(|a, b| (a.tenant.0, &a.ticket_key).cmp(&(b.tenant.0, &b.ticket_key)));
        let calls: Vec<&Call> = calls.iter().collect();
        let expected = one_by_one(&alone.support, &calls).await;
        let taken = send_all(&together.support.pool().clone(), &calls).await.expect("taken in");
        let told = |taken: &[Taken]| -> Vec<_> {
            taken.iter().map(|one| (one.answer.clone(), one.is_new, one.settle_job)).collect()
        };
        assert_eq!(told(&taken), told(&expected), "the answers of {batch:#?}");
        for (what, query) in LEFT {
            let (theirs, ours) = (left(&mut alone, query).await, left(&mut together, query).await);
            assert_eq!(ours.len(), theirs.len(), "{what} after round {round}: {batch:#?}");
            for (ours, theirs) in ours.iter().zip(&theirs) {
                assert_eq!(ours, theirs, "{what} after round {round}: {batch:#?}");
            }
        }
        for one in &taken {
            kinds[usize::from(one.is_new) + usize::from(one.answer.decision == "queued" && one.is_new)] += 1;
        }
        replayed = taken.iter().find(|one| one.is_new).map(|one| one.answer.id).or(replayed);
        go_on(&mut alone, first_ticket).await;
        go_on(&mut together, first_ticket).await;
    }
    assert!(kinds.iter().all(|many| *many > 20), "repeated, skipped and queued ones were drawn: {kinds:?}");
}

/// A customer's message in a ticket.
fn question((ticket, message): (u32, u32)) -> Drawn {
    Drawn {
        tenant: 0,
        ticket,
        event: Some(message),
        is_replay: false,
        status: None,
        tags: None,
        assignee: None,
        subject: None,
        count: None,
        updated_minute: None,
        messages: vec![Said { id: message, by: 0, has_text: true }],
    }
}

#[tokio::test]
async fn two_that_tell_of_a_new_ticket_at_once_are_both_taken_in() {
    let mut world = world().await;
    let [first, second] = [[(1, 1), (2, 2)], [(1, 3), (3, 4)]].map(|calls| calls.map(question).to_vec());
    let first: Vec<Call> = first.iter().map(|one| one.call(100, None)).collect();
    let second: Vec<Call> = second.iter().map(|one| one.call(100, None)).collect();
    let (first, second): (Vec<&Call>, Vec<&Call>) = (first.iter().collect(), second.iter().collect());
    let mut tx = world.support.pool().begin().await.expect("begins");
    let ours = send_all(&mut *tx, &first).await.expect("taken in");
    let pool = world.support.pool().clone();
    let waiting = async {
        // The second waits for the first one's commit before the first commits.
        let waits = "select exists (select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock')";
        while !sqlx::query_scalar::<_, bool>(waits).fetch_one(&mut world.admin).await.expect("asked") {}
        tx.commit().await.expect("commits");
    };
    let (theirs, ()) = tokio::join!(send_all(&pool, &second), waiting);
    let theirs = theirs.expect("taken in");
    assert!(
        ours.iter()
            .chain(&theirs)
            .all(|one| one.is_new && one.answer.job.is_some() && one.settle_job.is_some())
    );
    assert_eq!(ours[0].answer.ticket, theirs[0].answer.ticket, "one ticket");
    let counted: Vec<(String, i32, i64)> = sqlx::query_as(
        "select t.external_id, t.message_count, count(m.id) from support_app.ticket t
         join support_app.message m on m.ticket_id = t.id group by t.id order by t.external_id",
    )
    .fetch_all(&mut world.admin)
    .await
    .expect("read");
    let expected = [("101", 2, 2), ("102", 1, 1), ("103", 1, 1)];
    assert_eq!(counted, expected.map(|(ticket, told, stored)| (ticket.to_owned(), told, stored)));
    let of_inbox: Vec<(Uuid, Option<Uuid>)> =
        sqlx::query_as("select ticket_id, job_id from support_app.inbox order by id")
            .fetch_all(&mut world.admin)
            .await
            .expect("read");
    for one in ours.iter().chain(&theirs) {
        assert!(
            of_inbox.contains(&(one.answer.ticket.expect("a ticket").0, one.answer.job)),
            "what is answered is noted"
        );
    }
}

/// Ten tickets from this number on, each with a message.
async fn tell_of_new(tx: &mut Tx, first: u32) {
    let calls: Vec<Call> =
        (first..first + 10).map(|number| question((number, number)).call(100, None)).collect();
    send_all(&mut **tx, &calls.iter().collect::<Vec<_>>()).await.expect("taken in");
}

#[tokio::test]
async fn storing_together_reads_only_the_rows_that_it_is_about() {
    let mut world = world().await;
    // Plans are made once, and used when there is more.
    let mut tx = world.support.pool().begin().await.expect("begins");
    for round in 0..8 {
        tell_of_new(&mut tx, round * 10).await;
    }
    tx.commit().await.expect("commits");
    sqlx::raw_sql(
        "set session_replication_role = replica;
         insert into support_app.ticket (id, tenant_id, number, provider, external_id, channel, source, status, priority)
         select gen_random_uuid(), '00000000-0000-0000-0000-000000000001', 1000 + n, 'gorgias', 'old-' || n, 'email',
             'email', 'open', 'normal' from generate_series(1, 5000) n;
         insert into support_app.message (id, tenant_id, ticket_id, external_id, from_agent, internal, channel, body_text, sent_at)
         select gen_random_uuid(), t.tenant_id, t.id, 'm', false, false, 'email', 'Hello', now()
         from support_app.ticket t where t.external_id like 'old-%';
         analyze support_app.ticket; analyze support_app.message; analyze support_app.inbox;",
    )
    .execute(&mut world.admin)
    .await
    .expect("filled");
    let mut tx = world.support.pool().begin().await.expect("begins");
    let read = "select sum(seq_tup_read + coalesce(idx_tup_fetch, 0))::bigint from pg_stat_xact_user_tables
                where schemaname = 'support_app' and relname in ('ticket', 'message', 'inbox')";
    let before: i64 = sqlx::query_scalar(read).fetch_one(&mut *tx).await.expect("read");
    tell_of_new(&mut tx, 100).await;
    let of_new: i64 = sqlx::query_scalar::<_, i64>(read).fetch_one(&mut *tx).await.expect("read") - before;
    assert!(of_new < 10 * 15, "ten new tickets read {of_new} rows");
    tx.commit().await.expect("commits");
}
