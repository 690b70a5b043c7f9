//! Inbox, tickets and drafts against a real database: deliveries in any order and number.

#[path = "../../accounts/tests/world/mod.rs"]
mod world;

use chrono::{DateTime, Utc};
use database::ids::{DeliveryId, DraftId, TenantId, TicketId};
use database::{Role, Tx};
use platform::customers::{self, Found};
use serde_json::{Value, json};
use sqlx::Connection;
use support::analysis;
use support::drafts::people::{self, Hand};
use support::drafts::wanted::{self, Standing, Unwanted};
use support::drafts::{self, NewDraft};
use support::gorgias::dedup::Identity;
use support::gorgias::delivery::{Body, parse_body};
use support::inbox::{self, Filter};
use support::intake::{self, Intake, Taken};
use support::tickets::{self, NewMessage, closing};
use uuid::Uuid;
use world::{World, add_tenant, world};

fn now() -> DateTime<Utc> {
    "2026-11-21T12:00:00Z".parse().expect("a time")
}

async fn tx(world: &World) -> Tx {
    world.db.tenant_tx(Role::Support, world.tenant).await.expect("begins")
}

/// Takes a body in as a delivery of its own; the ticket's id and count of messages.
async fn apply(world: &World, body: Value) -> (TicketId, i32) {
    let mut tx = tx(world).await;
    let ticket = take(&mut tx, world.tenant, &Uuid::now_v7().to_string(), &body, None).await;
    let ticket = ticket.answer.ticket.expect("it has a ticket");
    let found = tickets::get(&mut tx, ticket).await.expect("answers").expect("exists");
    tx.commit().await.expect("commits");
    (ticket, found.message_count)
}

async fn take(
    tx: &mut Tx,
    tenant: TenantId,
    dedup_key: &str,
    body: &Value,
    replay_of: Option<DeliveryId>,
) -> Taken {
    let body = Body::of(body.to_string().as_bytes()).expect("JSON");
    let delivery = parse_body(&body).expect("parses");
    let intake = Intake {
        tenant,
        identity: &Identity { key: dedup_key.to_owned(), is_lasting: true },
        body: &body.json,
        delivery: &delivery,
        correlation_id: "c-1",
        trace_parent: None,
        replay_of,
        now: now(),
    };
    intake::take_in_within(tx, intake).await.expect("taken in").0
}

#[tokio::test]
async fn a_delivery_is_recorded_once_and_answered_the_same() {
    let world = world().await;
    let body = json!({"id": 1});
    let mut first = tx(&world).await;
    let taken = take(&mut first, world.tenant, "event:1", &body, None).await;
    assert!(taken.is_new && taken.answer.job.is_some());

    // A repetition that arrives meanwhile waits for the first one's outcome.
    let mut second = tx(&world).await;
    let (repeated, ()) = tokio::join!(take(&mut second, world.tenant, "event:1", &body, None), async {
        first.commit().await.expect("commits");
    });
    assert!(!repeated.is_new);
    assert_eq!(repeated.answer, taken.answer);

    for _ in 0..2 {
        let replayed = take(&mut second, world.tenant, "event:1", &body, Some(taken.answer.id)).await;
        assert!(replayed.is_new);
        assert_ne!(replayed.answer.id, taken.answer.id);
        assert_eq!(replayed.answer.job, taken.answer.job, "the unfinished draft stands in");
    }
    let body = json!({"id": 2, "tags": ["human-only"]});
    assert!(take(&mut second, world.tenant, "event:2", &body, None).await.is_new);
    let repeated = take(&mut second, world.tenant, "event:2", &body, None).await;
    assert!(!repeated.is_new);
    assert_eq!(repeated.answer.skip_reason.as_deref(), Some("tagged_human_only"));
    assert_eq!(repeated.answer.job, None);
}

#[tokio::test]
async fn the_inbox_is_listed_page_by_page_and_per_tenant() {
    let world = world().await;
    let body = json!({"id": 1, "secret": "text"});
    let mut made: Vec<DeliveryId> = Vec::new();
    for number in 0..5 {
        let mut tx = tx(&world).await;
        let key = format!("event:{number}");
        made.push(take(&mut tx, world.tenant, &key, &body, None).await.answer.id);
        tx.commit().await.expect("commits");
    }
    made.reverse();
    let mut tx = tx(&world).await;
    let first = inbox::list(&mut tx, &Filter::default(), None, 2).await.expect("lists");
    let last = first.last().expect("two");
    let rest =
        inbox::list(&mut tx, &Filter::default(), Some((last.received_at, last.id)), 10).await.expect("lists");
    let ids: Vec<_> = first.iter().chain(&rest).map(|delivery| delivery.id).collect();
    assert_eq!(ids, made);
    assert!(first[0].body.is_none());
    let full = inbox::get(&mut tx, made[0]).await.expect("answers").expect("exists");
    let kept: Value = serde_json::from_str(full.body.as_ref().expect("its body").get()).expect("JSON");
    assert_eq!(kept, body);
    assert!(!format!("{full:?}").contains("text"));
    let filter = Filter { decision: Some("skipped".to_owned()), ticket: None, has_remarks: None };
    assert!(inbox::list(&mut tx, &filter, None, 10).await.expect("lists").is_empty());

    let other = add_tenant(&world.db, "other").await;
    let mut tx = world.db.tenant_tx(Role::Support, other).await.expect("begins");
    assert!(inbox::get(&mut tx, made[0]).await.expect("answers").is_none());
    assert!(inbox::list(&mut tx, &Filter::default(), None, 10).await.expect("lists").is_empty());
}

#[tokio::test]
async fn what_the_database_cannot_store_does_not_stop_a_delivery() {
    let world = world().await;
    let body = json!({"id": 7, "sub\0ject": "a\0b", "subject": "a\0b",
                      "messages": [{"id": 1, "body_text": "x\0y", "sender": {"name": "\0"}}]});
    let (id, _) = apply(&world, body).await;
    let mut tx = self::tx(&world).await;
    let ticket = tickets::get(&mut tx, id).await.expect("answers").expect("exists");
    assert_eq!(ticket.subject.as_deref(), Some("ab"));
    assert!(tickets::find(&mut tx, "gorgias", "\0").await.expect("answers").is_none());
}

#[tokio::test]
async fn older_news_never_overwrite_newer_ones() {
    let world = world().await;
    let body = |subject: &str, updated: &str| {
        json!({"id": 7, "subject": subject, "status": "open", "channel": "email", "updated_datetime": updated,
               "customer": {"id": 9, "email": "a@b.example"}})
    };
    let (id, _) = apply(&world, body("second", "2026-11-02T00:00:00Z")).await;
    let (again, _) = apply(&world, body("first", "2026-11-01T00:00:00Z")).await;
    assert_eq!(id, again);
    let get = async || {
        let mut tx = tx(&world).await;
        tickets::get(&mut tx, id).await.expect("answers").expect("exists")
    };
    assert_eq!(get().await.subject.as_deref(), Some("second"));
    apply(&world, body("third", "2026-11-03T00:00:00Z")).await;
    // What is left out stays.
    apply(&world, json!({"id": 7, "status": "closed", "updated_datetime": "2026-11-04T00:00:00Z"})).await;
    let ticket = get().await;
    assert_eq!((ticket.subject.as_deref(), ticket.status.as_str()), (Some("third"), "closed"));
    assert_eq!((ticket.customer_email.as_deref(), ticket.number), (Some("a@b.example"), 1));
    assert!(!format!("{ticket:?}").contains("a@b.example"));

    let mut tx = tx(&world).await;
    for reference in ["7".to_owned(), id.to_string()] {
        let found = tickets::find(&mut tx, "gorgias", &reference).await.expect("answers");
        assert_eq!(found.map(|ticket| ticket.id), Some(id));
    }
    assert!(tickets::find(&mut tx, "gorgias", "8").await.expect("answers").is_none());
}

fn message(id: i64, at: &str, from_agent: bool) -> Value {
    json!({"id": id, "channel": "email", "from_agent": from_agent, "body_text": format!("text {id}"),
           "sent_datetime": at, "sender": {"name": "Ann"}})
}

#[tokio::test]
async fn messages_count_once_and_notes_do_not_count() {
    let world = world().await;
    let first = message(1, "2026-11-01T10:00:00Z", false);
    let (id, count) = apply(&world, json!({"ticket": {"id": 7}, "message": first})).await;
    assert_eq!(count, 1);
    let second = message(2, "2026-11-01T11:00:00Z", true);
    // Out of order, repeated, and with the whole thread.
    apply(&world, json!({"id": 7, "messages": [second, first]})).await;
    let (_, count) = apply(&world, json!({"ticket": {"id": 7}, "message": first})).await;
    assert_eq!(count, 2);
    let mut note = message(3, "2026-11-01T12:00:00Z", true);
    note["channel"] = json!("internal-note");
    // The help desk counts the note, we do not: it must not make a draft stale.
    let (_, count) = apply(&world, json!({"ticket": {"id": 7, "messages_count": 3}, "message": note})).await;
    assert_eq!(count, 2);
    let (_, count) = apply(&world, json!({"id": 7, "messages_count": 3})).await;
    assert_eq!(count, 2);
    let (_, count) = apply(&world, json!({"id": 7, "messages_count": 6})).await;
    assert_eq!(count, 5, "five messages and the note");
    let (_, count) = apply(&world, json!({"id": 7, "messages_count": 4})).await;
    assert_eq!(count, 5, "never falls");

    let mut tx = tx(&world).await;
    let ticket = tickets::get(&mut tx, id).await.expect("answers").expect("exists");
    assert!(ticket.agent_spoke_last);
    assert_eq!(
        ticket.last_message_at.map(|at| at.to_rfc3339()),
        Some("2026-11-01T11:00:00+00:00".to_owned())
    );
    let thread = tickets::thread(&mut tx, id, 10).await.expect("answers");
    let texts: Vec<_> = thread.iter().map(|message| message.body_text.as_str()).collect();
    assert_eq!(texts, ["text 1", "text 2"]);
    let newest = tickets::thread(&mut tx, id, 1).await.expect("answers");
    assert_eq!(newest[0].external_id, "2");
}

#[tokio::test]
async fn concurrent_first_messages_make_one_ticket() {
    let world = world().await;
    let deliveries = (1..=8).map(|number| {
        let body = json!({"ticket": {"id": 7}, "message": message(number, "2026-11-01T10:00:00Z", false)});
        apply(&world, body)
    });
    let mut ids: Vec<TicketId> = Vec::new();
    for (id, _) in futures_util::future::join_all(deliveries).await {
        ids.push(id);
    }
    ids.dedup();
    assert_eq!(ids.len(), 1);
    let (_, count) = apply(&world, json!({"id": 7})).await;
    assert_eq!(count, 8);
}

#[tokio::test]
async fn ticket_numbers_are_per_tenant_and_do_not_wait_for_each_other() {
    let world = world().await;
    let mut open = tx(&world).await;
    let first = json!({"id": "a"});
    take(&mut open, world.tenant, "event:1", &first, None).await;
    open.commit().await.expect("commits");
    let mut open = tx(&world).await;
    take(&mut open, world.tenant, "event:2", &json!({"id": "b"}), None).await;
    // The transaction above is still open; another new ticket goes through nevertheless.
    apply(&world, json!({"id": "c"})).await;
    open.rollback().await.expect("rolls back");
    let mut tx_c = tx(&world).await;
    let c = tickets::find(&mut tx_c, "gorgias", "c").await.expect("answers").expect("exists");
    assert_eq!(c.number, 3);

    let other = add_tenant(&world.db, "other").await;
    let mut tx = world.db.tenant_tx(Role::Support, other).await.expect("begins");
    take(&mut tx, other, "event:1", &first, None).await;
    let a = tickets::find(&mut tx, "gorgias", "a").await.expect("answers").expect("exists");
    assert_eq!(a.number, 1);
}

async fn standing(tx: &mut Tx, ticket: TicketId) -> Standing {
    wanted::standing(tx, ticket).await.expect("answers").expect("exists")
}

#[tokio::test]
async fn what_a_rule_of_the_help_desk_sent_is_flagged_and_does_not_count() {
    let world = world().await;
    let asks = message(1, "2026-11-01T10:00:00Z", false);
    let untold = message(2, "2026-11-01T10:00:01Z", true);
    let mut receipt = untold.clone();
    receipt["via"] = json!("rule");
    receipt["sender"] = Value::Null;
    let with =
        |id: i64, message: &Value| json!({"ticket": {"id": id, "messages_count": 2}, "message": message});
    // Both at once, one after the other, and first without a word of the rule.
    let (together, count) =
        apply(&world, json!({"id": 7, "messages_count": 2, "messages": [asks, receipt]})).await;
    assert_eq!(count, 1);
    apply(&world, json!({"ticket": {"id": 8}, "message": asks})).await;
    let (apart, count) = apply(&world, with(8, &receipt)).await;
    assert_eq!(count, 1);
    apply(&world, json!({"ticket": {"id": 9}, "message": asks})).await;
    let (late, _) = apply(&world, with(9, &untold)).await;
    let mut tx = tx(&world).await;
    assert_eq!(standing(&mut tx, late).await.awaits_answer(), Err(Unwanted::AgentSpokeLast));
    tx.commit().await.expect("commits");
    apply(&world, with(9, &receipt)).await;
    let mut tx = self::tx(&world).await;
    for ticket in [together, apart, late] {
        let flagged: Vec<String> = sqlx::query_scalar(
            "select external_id from support_app.message where ticket_id = $1 and by_machine",
        )
        .bind(ticket)
        .fetch_all(&mut *tx)
        .await
        .expect("readable");
        assert_eq!(flagged, ["2"]);
        let known = tickets::get(&mut tx, ticket).await.expect("answers").expect("exists");
        assert!(!known.agent_spoke_last);
        assert_eq!(standing(&mut tx, ticket).await.awaits_answer(), Ok(()));
        assert_eq!(tickets::thread(&mut tx, ticket, 20).await.expect("answers").len(), 1);
    }
}

#[tokio::test]
async fn a_ticket_in_the_trash_gets_no_draft_until_a_later_delivery_deserves_one() {
    let world = world().await;
    let told = |id: i64| json!({"ticket": {"id": 7}, "message": message(id, "2026-11-01T10:00:00Z", false)});
    let trashed = json!({"id": 7, "trashed_datetime": "2026-11-01T11:00:00Z"});
    for (body, expected) in [
        (told(1), Ok(())),
        (trashed.clone(), Err(Unwanted::Deleted)),
        (told(2), Ok(())),
        (trashed, Err(Unwanted::Deleted)),
    ] {
        let (ticket, _) = apply(&world, body).await;
        let mut tx = tx(&world).await;
        assert_eq!(standing(&mut tx, ticket).await.takes_drafts(), expected);
    }
}

#[tokio::test]
async fn whether_a_draft_is_wanted_is_not_looked_for_in_the_whole_inbox() {
    let world = world().await;
    let (ticket, _) = apply(&world, json!({"id": 7})).await;
    let mut admin = sqlx::PgConnection::connect(&world.database.admin_url).await.expect("the owner may");
    for statement in [
        "set session_replication_role = replica",
        "insert into support_app.inbox (id, tenant_id, provider, dedup_key, body, decision, ticket_id, received_at)
         select gen_random_uuid(), t.id, 'gorgias', 'filled-' || n, '{}', 'queued', gen_random_uuid(),
             now() - n * interval '1 second'
         from shared.tenant t cross join generate_series(1, 20000) n",
        "analyze support_app.inbox",
    ] {
        sqlx::query(statement).execute(&mut admin).await.expect(statement);
    }
    let mut tx = tx(&world).await;
    let plan: Vec<String> = sqlx::query_scalar(concat!("explain ", include_str!("../src/drafts/wanted.sql")))
        .bind(ticket)
        .fetch_all(&mut *tx)
        .await
        .expect("planned");
    let plan = plan.join("\n");
    assert!(plan.contains("inbox_by_ticket") && !plan.contains("inbox_by_time"), "{plan}");
    assert!(!plan.contains("Seq Scan on inbox"), "{plan}");
}

#[tokio::test]
async fn of_a_customer_with_thousands_of_tickets_the_latest_alone_tells_the_language() {
    let world = world().await;
    let customer = json!({"external_id": "c1", "email": "ann@b.example"});
    let (ticket, _) = apply(&world, json!({"id": 7, "customer": customer})).await;
    let mut admin = sqlx::PgConnection::connect(&world.database.admin_url).await.expect("the owner may");
    for statement in [
        "set session_replication_role = replica",
        "insert into support_app.ticket (id, tenant_id, number, provider, external_id, channel, source, status,
             priority, customer_id, customer_email, language, created_at)
         select gen_random_uuid(), t.id, 1000 + n, 'gorgias', 'filled-' || n, 'email', 'email', 'closed', 'normal',
             'c1', 'ann@b.example', case n when 1 then 'de' else 'fr' end, now() - n * interval '1 minute'
         from shared.tenant t cross join generate_series(1, 5000) n",
        "analyze support_app.ticket",
    ] {
        sqlx::query(statement).execute(&mut admin).await.expect(statement);
    }
    let mut tx = tx(&world).await;
    let habits = analysis::habits(&mut tx, ticket).await.expect("answers");
    assert_eq!((habits.of_customer.as_deref(), habits.of_shop.as_deref()), (Some("de"), Some("fr")));
    let read: i64 = sqlx::query_scalar(
        "select (seq_tup_read + coalesce(idx_tup_fetch, 0))::bigint from pg_stat_xact_user_tables
         where schemaname = 'support_app' and relname = 'ticket'",
    )
    .fetch_one(&mut *tx)
    .await
    .expect("readable");
    assert!(read < 1_000, "{read}");
}

fn draft(ticket: TicketId, job: Uuid, message_count: i32) -> NewDraft<'static> {
    NewDraft {
        ticket,
        message_count,
        job,
        tone: "friendly",
        length: "medium",
        style: "email",
        reply: "Hello, we are looking into it.",
        recommendation: None,
        drafter: "template",
        model: None,
        usage: None,
    }
}

#[tokio::test]
async fn two_who_each_added_a_draft_and_then_take_the_ticket_both_end() {
    let world = world().await;
    let (ticket, _) = apply(
        &world,
        json!({"ticket": {"id": 1, "channel": "email"}, "message": {"id": 10, "body_text": "?"}}),
    )
    .await;
    let add = async || {
        let mut work = tx(&world).await;
        let added =
            drafts::store(&mut work, world.tenant, &draft(ticket, Uuid::now_v7(), 1)).await.expect("stored");
        (work, added.id)
    };
    // Each refers to the ticket before either takes it.
    let (one, other) = (add().await, add().await);
    let take = async |(mut work, id): (Tx, DraftId)| {
        let hand = Hand { by: "key:test", version: None };
        let taken = people::take(&mut work, ticket, id, hand).await;
        assert!(taken.is_ok(), "{taken:?}");
        work.commit().await.expect("commits");
    };
    tokio::join!(take(one), take(other));
}

#[tokio::test]
async fn the_current_draft_is_the_chosen_one_for_the_newest_messages() {
    let world = world().await;
    let (ticket, _) =
        apply(&world, json!({"ticket": {"id": 7}, "message": message(1, "2026-11-01T10:00:00Z", false)}))
            .await;
    let mut tx = tx(&world).await;
    assert!(drafts::current(&mut tx, ticket).await.expect("answers").is_none());
    let job = Uuid::now_v7();
    let first = drafts::store(&mut tx, world.tenant, &draft(ticket, job, 1)).await.expect("stored");
    // The job ran again: its first draft stands.
    let again = NewDraft { reply: "Other words.", ..draft(ticket, job, 1) };
    assert_eq!(drafts::store(&mut tx, world.tenant, &again).await.expect("stored"), first);
    assert!(!first.stale);
    let hand = Hand { by: "key:test", version: None };
    let chosen = people::accept(&mut tx, ticket, first.id, hand, false).await.expect("it is not stale");
    assert!(chosen.chosen_at.is_some());
    let second =
        drafts::store(&mut tx, world.tenant, &draft(ticket, Uuid::now_v7(), 1)).await.expect("stored");
    let current = drafts::current(&mut tx, ticket).await.expect("answers").expect("exists");
    assert_eq!(current.id, first.id, "an agent's choice stays");
    assert_eq!(
        drafts::get(&mut tx, second.id).await.expect("answers").map(|draft| draft.id),
        Some(second.id)
    );
    tx.commit().await.expect("commits");

    apply(&world, json!({"ticket": {"id": 7}, "message": message(2, "2026-11-01T11:00:00Z", false)})).await;
    let mut tx = self::tx(&world).await;
    assert!(drafts::current(&mut tx, ticket).await.expect("answers").expect("exists").stale);
    let third =
        drafts::store(&mut tx, world.tenant, &draft(ticket, Uuid::now_v7(), 2)).await.expect("stored");
    people::edit(&mut tx, ticket, third.id, hand, "Edited.").await.expect("it is written");
    let current = drafts::current(&mut tx, ticket).await.expect("answers").expect("exists");
    assert_eq!((current.id, current.reply.as_str(), current.stale), (third.id, "Edited.", false));
}

#[tokio::test]
async fn a_posted_note_makes_no_draft_stale() {
    let world = world().await;
    let (ticket, _) =
        apply(&world, json!({"ticket": {"id": 7}, "message": message(1, "2026-11-01T10:00:00Z", false)}))
            .await;
    let mut tx = tx(&world).await;
    let stored =
        drafts::store(&mut tx, world.tenant, &draft(ticket, Uuid::now_v7(), 1)).await.expect("stored");
    let note = NewMessage {
        external_id: "99".to_owned(),
        from_agent: true,
        internal: true,
        by_machine: false,
        channel: "internal-note".to_owned(),
        sender_name: None,
        body_text: stored.reply.clone(),
        sent_at: now(),
    };
    for _ in 0..2 {
        drafts::mark_posted(&mut tx, world.tenant, &stored, "desk-draft-1", note.clone())
            .await
            .expect("marked");
    }
    tx.commit().await.expect("commits");
    // The help desk's own count has grown by the note.
    let (_, count) = apply(&world, json!({"id": 7, "messages_count": 2})).await;
    assert_eq!(count, 1);
    let mut tx = self::tx(&world).await;
    let current = drafts::current(&mut tx, ticket).await.expect("answers").expect("exists");
    assert_eq!((current.stale, current.note_external_id.as_deref()), (false, Some("desk-draft-1")));
    assert!(current.posted_at.is_some());
}

#[tokio::test]
async fn a_ticket_finds_its_customer_by_shop_id_or_unique_address() {
    let world = world().await;
    let mut tx = world.db.tenant_tx(Role::Platform, world.tenant).await.expect("begins");
    sqlx::query(
        "insert into platform.customer (tenant_id, customer_id, email) values
         ($1, '17850', null), ($1, 'c1', 'Ann@b.example'), ($1, 'c2', 'twin@b.example'), ($1, 'c3', 'TWIN@b.example')",
    )
    .bind(world.tenant)
    .execute(&mut *tx)
    .await
    .expect("inserted");
    tx.commit().await.expect("commits");
    let table = [
        (json!({"external_id": "17850", "email": "ann@b.example"}), Some("17850")),
        (json!({"external_id": "unknown", "email": "ann@B.example"}), Some("c1")),
        (json!({"email": "twin@b.example"}), None),
        (json!({"email": "nobody@b.example"}), None),
        (json!({}), None),
    ];
    for (number, (customer, expected)) in table.into_iter().enumerate() {
        let (id, _) = apply(&world, json!({"id": number, "customer": customer})).await;
        let mut tx = self::tx(&world).await;
        let ticket = tickets::get(&mut tx, id).await.expect("answers").expect("exists");
        let found = customers::find(&mut tx, ticket.customer_id.as_deref(), ticket.customer_email.as_deref())
            .await
            .expect("answers");
        let expected = match expected {
            Some(one) => Found::One(one.to_owned()),
            None if number == 2 => Found::Several(vec!["c2".to_owned(), "c3".to_owned()]),
            None => Found::Nobody,
        };
        assert_eq!(found, expected, "{number}");
    }
    let mut tx = self::tx(&world).await;
    assert!(customers::profile(&mut tx, "17850", now(), 3).await.expect("answers").is_none());
}

#[tokio::test]
async fn rules_look_at_what_is_closed_when_its_days_are_over() {
    let world = world().await;
    let (ticket, _) = apply(&world, json!({"id": 1})).await;
    let mut admin = sqlx::PgConnection::connect(&world.database.admin_url).await.expect("the owner may");
    for statement in [
        "update support_app.ticket set status = 'resolved'",
        "update support_app.ticket set resolved_at = now() - interval '8 days'",
        "insert into support_app.rule (id, tenant_id, position, is_on, on_since, made_by, event, spec)
         select gen_random_uuid(), id, 1, true, now(), 'key:test', 'ticket_updated', '{}' from shared.tenant",
        "delete from jobs.live",
    ] {
        sqlx::query(statement).execute(&mut admin).await.expect(statement);
    }
    let mut tx = tx(&world).await;
    let (closed, _) = closing::step(&mut tx, world.tenant, Utc::now()).await.expect("closed");
    tx.commit().await.expect("commits");
    assert_eq!(closed, 1);
    let asked: Vec<Value> = sqlx::query_scalar("select payload from jobs.live where kind = 'run_rules'")
        .fetch_all(&mut admin)
        .await
        .expect("readable");
    assert_eq!(asked, [json!({ "ticket_id": ticket })]);
}
