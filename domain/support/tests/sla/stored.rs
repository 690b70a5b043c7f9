//! Clocks as they are stored, what is announced of them, and what a changed policy does to open tickets.

use chrono::{DateTime, TimeDelta, Utc};
use database::Role;
use database::ids::{TenantId, TicketId};
use serde_json::json;
use sqlx::{Connection, PgConnection};
use support::order::facts::{self, Known, Look};
use support::sla::hours::HoursSpec;
use support::sla::policies::{self, SaveError};
use support::sla::policy::PolicySpec;
use support::sla::{alerts, calendars, recount};
use support::{events, settle};
use uuid::Uuid;

use crate::shapes::at;
use crate::world::{World, world};

async fn admin(world: &World) -> PgConnection {
    PgConnection::connect(&world.database.admin_url).await.expect("connects")
}

/// A ticket with the customer's first message.
async fn ticket(world: &World, created: DateTime<Utc>, priority: &str) -> TicketId {
    let id = TicketId::new();
    let mut admin = admin(world).await;
    sqlx::query(
        "insert into support_app.ticket (id, tenant_id, number, provider, external_id, channel, source, status, priority,
                                         created_at)
         values ($1, $2, (random() * 1e9)::bigint, 'desk', $1::text, 'email', 'desk', 'open', $3, $4)",
    )
    .bind(id)
    .bind(world.tenant)
    .bind(priority)
    .bind(created)
    .execute(&mut admin)
    .await
    .expect("a ticket");
    say(world, id, created, false).await;
    id
}

async fn say(world: &World, ticket: TicketId, sent: DateTime<Utc>, from_agent: bool) {
    let mut admin = admin(world).await;
    sqlx::query(
        "insert into support_app.message (id, tenant_id, ticket_id, external_id, from_agent, internal, channel, body_text,
                                          sent_at)
         values ($1, $2, $3, $1::text, $4, false, 'email', 'x', $5)",
    )
    .bind(Uuid::now_v7())
    .bind(world.tenant)
    .bind(ticket)
    .bind(from_agent)
    .bind(sent)
    .execute(&mut admin)
    .await
    .expect("a message");
}

async fn settled(world: &World, ticket: TicketId, now: DateTime<Utc>) {
    let mut tx = world.db.tenant_tx(Role::Support, world.tenant).await.expect("begins");
    let settled = settle::settle(&mut tx, world.tenant, ticket, now).await.expect("settled");
    assert!(settled.is_some());
    tx.commit().await.expect("commits");
}

async fn status(world: &World, ticket: TicketId, status: &str, now: DateTime<Utc>) {
    let mut tx = world.db.tenant_tx(Role::Support, world.tenant).await.expect("begins");
    events::acting(&mut tx, "agent:test", None).await.expect("acting");
    sqlx::query("update support_app.ticket set status = $2 where id = $1")
        .bind(ticket)
        .bind(status)
        .execute(&mut *tx)
        .await
        .expect("changed");
    tx.commit().await.expect("commits");
    // History is written by the database's clock; the tests live elsewhere in time.
    sqlx::query("update support_app.ticket_change set at = $2 where ticket_id = $1 and at > now() - interval '1 minute'")
        .bind(ticket)
        .bind(now)
        .execute(&mut admin(world).await)
        .await
        .expect("moved");
    settled(world, ticket, now).await;
}

async fn one<T: for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres> + Send + Unpin>(
    world: &World,
    what: &str,
) -> T {
    sqlx::query_scalar(sqlx::AssertSqlSafe(what.to_owned()))
        .fetch_one(&mut admin(world).await)
        .await
        .expect(what)
}

async fn announced(world: &World, now: DateTime<Utc>) -> i64 {
    let mut tx = world.db.tenant_tx(Role::Support, world.tenant).await.expect("begins");
    let due = alerts::announce_due(&mut tx, now).await.expect("announced");
    let follow = alerts::follow_ups(world.tenant, &due).expect("jobs");
    if !follow.is_empty() {
        let _ = jobs::enqueue(&mut tx, &follow).await.expect("enqueued");
    }
    tx.commit().await.expect("commits");
    due.iter().map(|one| one.alerts).sum()
}

#[tokio::test]
async fn a_ticket_without_policies_gets_the_default_clocks_and_one_job() {
    let world = world().await;
    let start = at("2026-05-01T10:00:00Z");
    let id = ticket(&world, start, "urgent").await;
    settled(&world, id, start + TimeDelta::minutes(1)).await;
    settled(&world, id, start + TimeDelta::minutes(2)).await;
    assert_eq!(one::<i64>(&world, "select count(*) from support_app.sla_clock").await, 2);
    assert_eq!(
        one::<DateTime<Utc>>(&world, "select sla_due_at from support_app.ticket").await,
        start + TimeDelta::minutes(30)
    );
    assert_eq!(one::<String>(&world, "select sla_state from support_app.ticket").await, "within_sla");
    assert_eq!(one::<i64>(&world, "select count(*) from jobs.live where kind = 'announce_sla'").await, 1);
}

#[tokio::test]
async fn each_alert_is_told_once_however_many_look_at_once() {
    let world = world().await;
    let start = at("2026-05-01T10:00:00Z");
    let mut tickets = Vec::new();
    for _ in 0..20 {
        let id = ticket(&world, start, "urgent").await;
        settled(&world, id, start).await;
        tickets.push(id);
    }
    assert_eq!(announced(&world, start + TimeDelta::minutes(24) - TimeDelta::microseconds(1)).await, 0);
    let warned = start + TimeDelta::minutes(24);
    let (a, b, c) =
        tokio::join!(announced(&world, warned), announced(&world, warned), announced(&world, warned));
    let rest = announced(&world, warned).await;
    assert_eq!(a + b + c + rest, 20);
    assert_eq!(
        one::<i64>(&world, "select count(*) from support_app.event_pending where kind = 'sla_warning'").await,
        20
    );
    // At the instant itself nothing is breached.
    assert_eq!(announced(&world, start + TimeDelta::minutes(30)).await, 0);
    let late = start + TimeDelta::minutes(31);
    let by_job = async {
        let mut tx = world.db.tenant_tx(Role::Support, world.tenant).await.expect("begins");
        let told = alerts::announce_ticket(&mut tx, tickets[0], late).await.expect("announced");
        tx.commit().await.expect("commits");
        told.map_or(0, |told| told.alerts)
    };
    let (job, net) = tokio::join!(by_job, announced(&world, late));
    assert_eq!(job + net + announced(&world, late).await, 20);
    assert_eq!(
        one::<i64>(&world, "select count(*) from support_app.event_pending where kind = 'sla_breach'").await,
        20
    );
    assert_eq!(one::<i64>(&world, "select count(*) from support_app.sla_alert").await, 40);
    assert_eq!(
        one::<i64>(&world, "select count(*) from support_app.ticket where sla_state = 'breached'").await,
        20
    );
    // Derived a moment earlier by another clock, it stays what was said.
    settled(&world, tickets[0], start + TimeDelta::minutes(30)).await;
    assert_eq!(
        one::<i64>(&world, "select count(*) from support_app.sla_clock where standing = 'breached'").await,
        20
    );
}

#[tokio::test]
async fn an_answer_before_the_alert_leaves_nothing_to_tell_and_a_pause_holds_it() {
    let world = world().await;
    let start = at("2026-05-01T10:00:00Z");
    let answered = ticket(&world, start, "urgent").await;
    settled(&world, answered, start).await;
    say(&world, answered, start + TimeDelta::minutes(5), true).await;
    settled(&world, answered, start + TimeDelta::minutes(5)).await;
    status(&world, answered, "pending", start + TimeDelta::minutes(6)).await;
    assert_eq!(
        one::<Option<DateTime<Utc>>>(&world, "select sla_due_at from support_app.ticket").await,
        None,
        "the resolution is paused"
    );
    assert_eq!(announced(&world, start + TimeDelta::days(3)).await, 0);
    status(&world, answered, "open", start + TimeDelta::days(1)).await;
    assert_eq!(
        one::<DateTime<Utc>>(&world, "select sla_due_at from support_app.ticket").await,
        start + TimeDelta::days(1) + TimeDelta::minutes(480 - 6)
    );
    assert_eq!(announced(&world, start + TimeDelta::days(3)).await, 1);
}

fn promise(minutes: i64, calendar: Option<Uuid>) -> PolicySpec {
    let time = if calendar.is_some() { "business" } else { "calendar" };
    serde_json::from_value(json!({
        "name": "All", "calendar_id": calendar,
        "targets": { "urgent": { "first_response": { "minutes": minutes, "time": time } } }
    }))
    .expect("a policy")
}

async fn recounted(world: &World, now: DateTime<Utc>) -> (u64, u64) {
    let (mut after, mut looked, mut changed) = (None, 0, 0);
    loop {
        let mut tx = world.db.tenant_tx(Role::Support, world.tenant).await.expect("begins");
        let step = recount::step(&mut tx, world.tenant, after, now).await.expect("a step");
        tx.commit().await.expect("commits");
        looked += step.tickets;
        changed += step.changed;
        after = step.after;
        if after.is_none() {
            return (looked, changed);
        }
    }
}

#[tokio::test]
async fn a_changed_policy_reaches_open_tickets_and_not_what_ended() {
    let world = world().await;
    let start = at("2026-05-01T10:00:00Z");
    let mut tickets = Vec::new();
    for _ in 0..250 {
        tickets.push(ticket(&world, start, "urgent").await);
    }
    recounted(&world, start).await;
    say(&world, tickets[0], start + TimeDelta::minutes(40), true).await;
    settled(&world, tickets[0], start + TimeDelta::minutes(40)).await;
    let change = start + TimeDelta::hours(1);
    let spec = promise(600, None);
    let made = {
        let mut tx = world.db.tenant_tx(Role::Support, world.tenant).await.expect("begins");
        let made = policies::create(&mut tx, world.tenant, &spec, None, change, change).await.expect("made");
        tx.commit().await.expect("commits");
        made
    };
    assert_eq!(recounted(&world, change).await, (250, 250));
    assert_eq!(recounted(&world, change).await, (250, 0), "a second time nothing changes");
    let due = one::<i64>(
        &world,
        "select count(*) from support_app.ticket where sla_due_at = '2026-05-01T20:00:00Z'",
    )
    .await;
    assert_eq!(due, 249);
    let missed =
        "select count(*) from support_app.sla_clock where kind = 'first_response' and verdict = 'missed'";
    assert_eq!(one::<i64>(&world, missed).await, 1);
    let history = "select count(*) from support_app.sla_clock where superseded <> '[]'";
    assert_eq!(one::<i64>(&world, history).await, 249);

    let mut tx = world.db.tenant_tx(Role::Support, world.tenant).await.expect("begins");
    let later = change + TimeDelta::hours(1);
    let stale = policies::update(&mut tx, world.tenant, made.id, Some(7), &spec, later, later).await;
    assert!(matches!(stale, Err(SaveError::Changed(1))));
    let changed =
        policies::update(&mut tx, world.tenant, made.id, Some(1), &promise(700, None), later, later)
            .await
            .expect("changed");
    assert_eq!(changed.version, 2);
    let other = policies::create(&mut tx, world.tenant, &spec, Some(0), later, later).await.expect("made");
    let order: Vec<Uuid> =
        policies::list(&mut tx).await.expect("listed").iter().map(|policy| policy.id).collect();
    assert_eq!(order, [other.id, made.id]);
    let order = policies::reorder(&mut tx, world.tenant, &[made.id, other.id], later).await.expect("ordered");
    assert_eq!(order[0].id, made.id);
    assert!(policies::reorder(&mut tx, world.tenant, &[made.id, made.id], later).await.is_err());
    policies::archive(&mut tx, world.tenant, made.id, None, later).await.expect("ended");
    assert_eq!(policies::list(&mut tx).await.expect("listed").len(), 1);
    tx.commit().await.expect("commits");
    let versions = "select count(*) from support_app.sla_policy_version where valid_until is null";
    assert_eq!(one::<i64>(&world, versions).await, 1);
}

#[tokio::test]
async fn a_tier_that_is_stored_with_the_clocks_counts_for_them_as_its_history_does() {
    let world = world().await;
    let start = Utc::now() - TimeDelta::minutes(5);
    let id = ticket(&world, start, "urgent").await;
    let spec: PolicySpec = serde_json::from_value(json!({
        "name": "Best", "conditions": { "customer_tiers": ["platinum"] },
        "targets": { "urgent": { "first_response": { "minutes": 600, "time": "calendar" } } }
    }))
    .expect("a policy");
    let mut tx = world.db.tenant_tx(Role::Support, world.tenant).await.expect("begins");
    policies::create(&mut tx, world.tenant, &spec, None, start, start).await.expect("made");
    let bounds: Vec<f32> = (0..=100).map(|n| n as f32).collect();
    facts::put_base(&mut tx, Uuid::now_v7(), None, &bounds).await.expect("stored");
    let base = facts::base(&mut tx).await.expect("read");
    let behind = facts::of_ticket(&mut tx, id).await.expect("read").expect("there is one");
    let look =
        Look { ticket: behind, customer: Some("7041".into()), facts: base.facts(None, Some(99.5), None) };
    let known = Some(Known::of(&base, &look));
    let now = Utc::now() + TimeDelta::minutes(1);
    settle::settle_knowing(&mut tx, world.tenant, id, known, now)
        .await
        .expect("settled")
        .expect("there is one");
    tx.commit().await.expect("commits");
    let promised = "select target_minutes from support_app.sla_clock where kind = 'first_response'";
    assert_eq!(one::<i64>(&world, promised).await, 600);
    let told = "select count(*) from support_app.ticket_change where field = 'customer_tier' and new = '\"platinum\"'";
    assert_eq!(one::<i64>(&world, told).await, 1);
    // Derived from what is stored by now, they are the same: nothing is written.
    let rows = "select string_agg(k.ctid::text, ' ' order by k.kind) || (select t.ctid::text from support_app.ticket t)
                from support_app.sla_clock k";
    let before = one::<String>(&world, rows).await;
    settled(&world, id, now).await;
    assert_eq!(one::<String>(&world, rows).await, before);
}

#[tokio::test]
async fn a_version_that_has_not_begun_is_replaced() {
    let world = world().await;
    let now = at("2026-05-01T10:00:00Z");
    let mut tx = world.db.tenant_tx(Role::Support, world.tenant).await.expect("begins");
    let made =
        policies::create(&mut tx, world.tenant, &promise(10, None), None, now, now).await.expect("made");
    let next = now + TimeDelta::days(1);
    policies::update(&mut tx, world.tenant, made.id, None, &promise(20, None), next, now)
        .await
        .expect("changed");
    policies::update(&mut tx, world.tenant, made.id, None, &promise(30, None), next, now)
        .await
        .expect("changed");
    tx.commit().await.expect("commits");
    let what = "select string_agg(version::text || ':' || coalesce(valid_until::date::text, 'on'), ' ' order by version)
                from support_app.sla_policy_version";
    assert_eq!(one::<String>(&world, what).await, "1:2026-05-02 3:on");
}

#[tokio::test]
async fn calendars_keep_their_past_and_refuse_what_policies_cannot_live_with() {
    let world = world().await;
    let now = at("2026-05-01T10:00:00Z");
    let hours = |span: &str| -> HoursSpec {
        serde_json::from_str(&format!(r#"{{"zone":"UTC","week":{{"mon":[{span}]}}}}"#)).expect("hours")
    };
    let wide = hours(r#"["09:00","17:00"]"#);
    let narrow = hours(r#"["09:00","09:01"]"#);
    let mut tx = world.db.tenant_tx(Role::Support, world.tenant).await.expect("begins");
    let draft = |hours| calendars::Draft { name: "Shop", is_default: false, hours };
    let made = calendars::create(&mut tx, world.tenant, &draft(&wide), now).await.expect("made");
    assert!(made.is_default);
    policies::create(&mut tx, world.tenant, &promise(600, Some(made.id)), None, now, now)
        .await
        .expect("made");
    tx.commit().await.expect("commits");
    let mut tx = world.db.tenant_tx(Role::Support, world.tenant).await.expect("begins");
    let refused = calendars::update(&mut tx, world.tenant, made.id, None, &draft(&narrow), now).await;
    assert!(matches!(refused, Err(SaveError::Fault(ref fault)) if fault.field == "week"), "{refused:?}");
    let later = now + TimeDelta::hours(1);
    let early = hours(r#"["08:00","12:00"]"#);
    let changed = calendars::update(&mut tx, world.tenant, made.id, Some(1), &draft(&early), later)
        .await
        .expect("changed");
    assert_eq!((changed.version, changed.valid_from), (2, later));
    tx.commit().await.expect("commits");
    assert_eq!(one::<i64>(&world, "select count(*) from support_app.sla_calendar_version").await, 2);
    let mut tx = world.db.tenant_tx(Role::Support, world.tenant).await.expect("begins");
    let twice = calendars::create(&mut tx, world.tenant, &draft(&wide), now).await;
    assert!(matches!(twice, Err(SaveError::Conflict(_))), "{twice:?}");
}

#[tokio::test]
async fn another_tenant_sees_none_of_it() {
    let world = world().await;
    let start = at("2026-05-01T10:00:00Z");
    let id = ticket(&world, start, "urgent").await;
    settled(&world, id, start).await;
    let stranger: TenantId = crate::world::add_tenant(&world.db, "stranger").await;
    let mut tx = world.db.tenant_tx(Role::Support, stranger).await.expect("begins");
    assert!(support::sla::of_ticket(&mut tx, id, start).await.expect("read").is_empty());
    assert!(alerts::announce_due(&mut tx, start + TimeDelta::days(9)).await.expect("none").is_empty());
    // Whoever looks for work learns ids of tenants and nothing else.
    let due = alerts::tenants_due(&mut tx, start + TimeDelta::days(9)).await.expect("told");
    assert_eq!(due, [world.tenant]);
}
