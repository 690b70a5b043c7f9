//! Assignment against a real database: loads that stay exact, capacities that hold, a queue that is not overtaken.

#[path = "../../accounts/tests/world/mod.rs"]
mod world;

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use database::ids::{AgentId, TenantId, TicketId};
use database::{Role, Tx};
use proptest::prelude::*;
use support::assignment::commands::{self, Acting, Target};
use support::assignment::drain::{Place, drain};
use support::assignment::{AssignError, offline, read};
use support::{events, settle};
use uuid::Uuid;
use world::{World, add_tenant, world};

fn now() -> DateTime<Utc> {
    Utc::now()
}

async fn tx(world: &World) -> Tx {
    world.db.tenant_tx(Role::Support, world.tenant).await.expect("begins")
}

/// An agent who takes tickets and is no newcomer.
async fn agent(tx: &mut Tx, tenant: TenantId, name: &str, capacity: i32) -> AgentId {
    let id = AgentId::new();
    sqlx::query(
        "insert into support_app.agent (id, tenant_id, name, email, capacity, is_present)
         values ($1, $2, $3, $3 || '@example.com', $4, true)",
    )
    .bind(id)
    .bind(tenant)
    .bind(name)
    .bind(capacity)
    .execute(&mut **tx)
    .await
    .expect("an agent");
    id
}

async fn ticket(tx: &mut Tx, tenant: TenantId, channel: &str, rank: f64) -> TicketId {
    let id = TicketId::new();
    sqlx::query(
        "insert into support_app.ticket (id, tenant_id, number, provider, external_id, channel, source, status, priority, rank)
         values ($1, $2, support_app.next_ticket_number(), 'desk', $1::text, $3, 'email', 'open', 'normal', $4)",
    )
    .bind(id)
    .bind(tenant)
    .bind(channel)
    .bind(rank)
    .execute(&mut **tx)
    .await
    .expect("a ticket");
    id
}

fn manager(world: &World) -> Acting<'static> {
    Acting {
        tenant: world.tenant,
        actor: "key:test",
        agent: None,
        over_others: true,
        expects: None,
        now: now(),
    }
}

fn person(world: &World, agent: AgentId) -> Acting<'static> {
    Acting { agent: Some(agent), over_others: false, ..manager(world) }
}

async fn drain_all(world: &World) -> Vec<(TicketId, AgentId)> {
    let mut place = Some(Place::default());
    let mut all = Vec::new();
    while let Some(from) = place.take() {
        let mut tx = tx(world).await;
        let drained = drain(&mut tx, world.tenant, "job:test", from, now()).await.expect("drains");
        tx.commit().await.expect("commits");
        all.extend(drained.assigned);
        place = drained.next;
    }
    all
}

/// Sets a status as a route does.
async fn set_status(world: &World, ticket: TicketId, status: &str) {
    let mut tx = tx(world).await;
    events::acting(&mut tx, "key:test", None).await.expect("acts");
    sqlx::query("update support_app.ticket set status = $2 where id = $1")
        .bind(ticket)
        .bind(status)
        .execute(&mut *tx)
        .await
        .expect("changed");
    settle::settle(&mut tx, world.tenant, ticket, now()).await.expect("settles").expect("exists");
    tx.commit().await.expect("commits");
}

async fn loads(world: &World) -> HashMap<AgentId, i32> {
    let mut tx = tx(world).await;
    let rows: Vec<(AgentId, i32)> =
        sqlx::query_as("select id, load from support_app.agent").fetch_all(&mut *tx).await.expect("agents");
    rows.into_iter().collect()
}

/// Agents whose load is not the sum over their tickets, or beyond their capacity.
async fn wrong_loads(world: &World) -> Vec<(AgentId, i32, i64, i32)> {
    let mut tx = tx(world).await;
    sqlx::query_as(
        "select a.id, a.load, coalesce(s.units, 0), a.capacity from support_app.agent a
         left join (select assignee_id, sum(support_app.open_units(channel, status, snoozed_until, archived_at, merged_into,
                                                            is_spam, suspended_reason)) as units
                    from support_app.ticket group by 1) s on s.assignee_id = a.id
         where a.load <> coalesce(s.units, 0) or a.load > a.capacity",
    )
    .fetch_all(&mut *tx)
    .await
    .expect("comparable")
}

async fn owner(world: &World, ticket: TicketId) -> Option<AgentId> {
    let mut tx = tx(world).await;
    read::standing(&mut tx, ticket).await.expect("answers").expect("exists").1
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn eight_at_once_fill_every_capacity_and_overtake_nobody() {
    let world = world().await;
    let mut setup = tx(&world).await;
    for number in 0..5 {
        agent(&mut setup, world.tenant, &format!("a{number}"), 10).await;
    }
    let mut tickets = Vec::new();
    for number in 0..200 {
        tickets.push(ticket(&mut setup, world.tenant, "email", f64::from(1000 - number)).await);
    }
    setup.commit().await.expect("commits");

    let given: usize =
        futures_util::future::join_all((0..8).map(|_| drain_all(&world))).await.iter().map(Vec::len).sum();
    assert_eq!(given, 50);
    assert_eq!(wrong_loads(&world).await, []);
    assert!(loads(&world).await.values().all(|load| *load == 10));
    for (place, ticket) in tickets.iter().enumerate() {
        assert_eq!(owner(&world, *ticket).await.is_some(), place < 50, "ticket {place}");
    }

    // As work is resolved, the head of the queue follows.
    for round in 0..10 {
        set_status(&world, tickets[round * 3], "resolved").await;
        let next: Vec<TicketId> = drain_all(&world).await.into_iter().map(|(ticket, _)| ticket).collect();
        assert_eq!(next, [tickets[50 + round]], "the head of the queue");
    }
    assert_eq!(wrong_loads(&world).await, []);

    // The managers were told once that tickets wait.
    let mut look = tx(&world).await;
    let told: i64 =
        sqlx::query_scalar("select count(*) from support_app.event_pending where kind = 'waiting_queue'")
            .fetch_one(&mut *look)
            .await
            .expect("events");
    assert_eq!(told, 1);
}

#[tokio::test]
async fn room_is_used_after_it_was_made_by_the_history_too() {
    let world = world().await;
    let mut setup = tx(&world).await;
    let ann = agent(&mut setup, world.tenant, "ann", 2).await;
    let first = ticket(&mut setup, world.tenant, "email", 9.0).await;
    setup.commit().await.expect("commits");
    assert_eq!(drain_all(&world).await, [(first, ann)]);
    let mut setup = tx(&world).await;
    for rank in [8.0, 7.0] {
        ticket(&mut setup, world.tenant, "email", rank).await;
    }
    setup.commit().await.expect("commits");

    // The queue is given out while the first ticket is being resolved, so it waits for the agent's row.
    let mut resolving = tx(&world).await;
    sqlx::query("select from support_app.agent for update").execute(&mut *resolving).await.expect("held");
    let resolve = async {
        let waits = "select exists (select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock')";
        while !sqlx::query_scalar::<_, bool>(waits).fetch_one(world.db.pool()).await.expect("answers") {
            tokio::task::yield_now().await;
        }
        sqlx::query("update support_app.ticket set status = 'resolved' where id = $1")
            .bind(first)
            .execute(&mut *resolving)
            .await
            .expect("changed");
        settle::settle(&mut resolving, world.tenant, first, now()).await.expect("settles").expect("exists");
        resolving.commit().await.expect("commits");
    };
    let (given, ()) = tokio::join!(drain_all(&world), resolve);
    assert_eq!(given.len(), 2);
    let mut look = tx(&world).await;
    let too_early: i64 = sqlx::query_scalar(
        "select count(*) from support_app.assignment n
         where n.until_at is null and n.from_at < (select max(until_at) from support_app.assignment)",
    )
    .fetch_one(&mut *look)
    .await
    .expect("the history");
    assert_eq!(too_early, 0);
}

/// Runs an act while somebody has the older of two tickets, and answers whether that one can have the newer one as well: the
/// act waits for the older one and has nothing that anybody could wait for.
async fn ends_beside_who_takes_by_id<A: Future>(world: &World, tickets: [TicketId; 2], act: A) -> A::Output {
    let by_id = "select from support_app.ticket where id = $1 for no key update nowait";
    let mut other = tx(world).await;
    sqlx::query(by_id).bind(tickets[0]).execute(&mut *other).await.expect("free");
    let other = async {
        let waits = "select exists (select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock')";
        while !sqlx::query_scalar::<_, bool>(waits).fetch_one(world.db.pool()).await.expect("answers") {
            tokio::task::yield_now().await;
        }
        sqlx::query(by_id).bind(tickets[1]).execute(&mut *other).await.expect("the newer one is free");
        other.commit().await.expect("commits");
    };
    tokio::join!(act, other).0
}

#[tokio::test]
async fn whoever_gives_out_or_takes_back_several_tickets_takes_them_in_the_order_of_their_ids() {
    let world = world().await;
    let mut setup = tx(&world).await;
    let ann = agent(&mut setup, world.tenant, "ann", 2).await;
    // In smart order the newer one is first.
    let older = ticket(&mut setup, world.tenant, "email", 1.0).await;
    let newer = ticket(&mut setup, world.tenant, "email", 9.0).await;
    setup.commit().await.expect("commits");
    let given = ends_beside_who_takes_by_id(&world, [older, newer], drain_all(&world)).await;
    assert_eq!(given, [(newer, ann), (older, ann)], "and in smart order all the same");

    let mut setup = tx(&world).await;
    sqlx::query("update support_app.agent set is_present = false").execute(&mut *setup).await.expect("gone");
    sqlx::query("update support_app.ticket set waiting_since = now()")
        .execute(&mut *setup)
        .await
        .expect("waits");
    setup.commit().await.expect("commits");
    let offer = async {
        let mut work = tx(&world).await;
        let (count, _) = offline::offer(&mut work, world.tenant, ann, now()).await.expect("offered");
        work.commit().await.expect("commits");
        count
    };
    assert_eq!(ends_beside_who_takes_by_id(&world, [older, newer], offer).await, 2);
}

#[tokio::test]
async fn large_and_small_tickets_keep_the_order() {
    let world = world().await;
    let mut setup = tx(&world).await;
    let first = agent(&mut setup, world.tenant, "first", 5).await;
    let small = ticket(&mut setup, world.tenant, "email", 9.0).await;
    let phone = ticket(&mut setup, world.tenant, "phone", 8.0).await;
    let late = ticket(&mut setup, world.tenant, "email", 7.0).await;
    setup.commit().await.expect("commits");
    assert_eq!(drain_all(&world).await, [(small, first)]);
    assert_eq!(drain_all(&world).await, [], "the room is kept for the call");
    set_status(&world, small, "resolved").await;
    assert_eq!(drain_all(&world).await, [(phone, first)]);
    assert_eq!(owner(&world, late).await, None);
}

#[tokio::test]
async fn people_decide_and_only_on_purpose_beyond_a_capacity() {
    let world = world().await;
    let mut setup = tx(&world).await;
    let ann = agent(&mut setup, world.tenant, "ann", 1).await;
    let bob = agent(&mut setup, world.tenant, "bob", 5).await;
    sqlx::query("update support_app.agent set departments = '{returns}', seniority = 1 where id = $1")
        .bind(bob)
        .execute(&mut *setup)
        .await
        .expect("changed");
    let one = ticket(&mut setup, world.tenant, "email", 1.0).await;
    let two = ticket(&mut setup, world.tenant, "email", 1.0).await;
    setup.commit().await.expect("commits");

    let mut work = tx(&world).await;
    let done = commands::claim(&mut work, &person(&world, ann), one, ann, false).await.expect("hers");
    assert_eq!((done.agent, done.exceeded), (Some(ann), false));
    let taken = commands::claim(&mut work, &person(&world, bob), one, bob, false).await;
    assert!(matches!(taken, Err(AssignError::Taken(owner)) if owner == ann));
    let full = commands::assign(&mut work, &manager(&world), two, ann, false, None).await;
    assert!(matches!(full, Err(AssignError::Full { load: 1, capacity: 1, units: 1 })), "{full:?}");
    let done = commands::assign(&mut work, &manager(&world), two, ann, true, Some("she knows him")).await;
    assert!(done.expect("forced").exceeded);
    let foreign = commands::unassign(&mut work, &person(&world, bob), one, None).await;
    assert!(matches!(foreign, Err(AssignError::NotYours)));
    let nobody = commands::assign(&mut work, &manager(&world), two, AgentId::new(), true, None).await;
    assert!(matches!(nobody, Err(AssignError::NoAgent)));
    let stale = Acting { expects: Some(77), ..manager(&world) };
    assert!(matches!(commands::check(&mut work, &stale, two).await, Err(AssignError::Stale(_))));

    let to = Target::Department("nowhere".to_owned());
    let empty = commands::transfer(&mut work, &person(&world, ann), one, &to, false, "not mine").await;
    assert!(matches!(empty, Err(AssignError::EmptyDepartment)));
    let to = Target::Department("returns".to_owned());
    let done = commands::transfer(&mut work, &person(&world, ann), one, &to, false, "a return").await;
    assert_eq!(done.expect("handed on").agent, None);
    let done = commands::escalate(&mut work, &person(&world, ann), two, "angry").await.expect("handed up");
    assert_eq!(done.agent, Some(bob));
    work.commit().await.expect("commits");
    assert_eq!(drain_all(&world).await, [(one, bob)]);
    assert_eq!(wrong_loads(&world).await, []);

    set_status(&world, one, "closed").await;
    let mut work = tx(&world).await;
    let closed = commands::claim(&mut work, &person(&world, ann), one, ann, false).await;
    assert!(matches!(closed, Err(AssignError::NotOpen(status)) if status == "closed"));
    sqlx::query("update support_app.agent set disabled_at = now() where id = $1")
        .bind(ann)
        .execute(&mut *work)
        .await
        .expect("disabled");
    let disabled = commands::assign(&mut work, &manager(&world), two, ann, true, None).await;
    assert!(matches!(disabled, Err(AssignError::Disabled)));
    let history = read::history(&mut work, two).await.expect("answers");
    let told: Vec<(&str, &str)> =
        history.iter().map(|entry| (entry.reason.as_str(), entry.state.as_str())).collect();
    assert_eq!(told, [("escalation", "assigned"), ("manual", "transferred")]);
    assert!(history[1].in_words().contains("exceeded on purpose"), "{}", history[1].in_words());
    let auto = read::history(&mut work, one).await.expect("answers");
    assert!(auto[0].in_words().contains("most points of one candidate"), "{}", auto[0].in_words());
}

#[tokio::test]
async fn what_comes_back_goes_to_who_had_it_unless_they_are_gone() {
    let world = world().await;
    let mut setup = tx(&world).await;
    let ann = agent(&mut setup, world.tenant, "ann", 1).await;
    let old = ticket(&mut setup, world.tenant, "email", 1.0).await;
    setup.commit().await.expect("commits");
    assert_eq!(drain_all(&world).await, [(old, ann)]);
    set_status(&world, old, "resolved").await;
    let mut setup = tx(&world).await;
    let new = ticket(&mut setup, world.tenant, "email", 1.0).await;
    setup.commit().await.expect("commits");
    assert_eq!(drain_all(&world).await, [(new, ann)]);

    // It may exceed the capacity, and the history says so.
    set_status(&world, old, "open").await;
    assert_eq!(owner(&world, old).await, Some(ann));
    assert_eq!(loads(&world).await[&ann], 2);
    let mut look = tx(&world).await;
    let history = read::history(&mut look, old).await.expect("answers");
    assert_eq!(history[0].reason, "returning");
    drop(look);

    set_status(&world, old, "resolved").await;
    let mut work = tx(&world).await;
    sqlx::query("update support_app.agent set is_present = false").execute(&mut *work).await.expect("gone");
    work.commit().await.expect("commits");
    set_status(&world, old, "open").await;
    assert_eq!(owner(&world, old).await, None);
    assert_eq!(wrong_loads(&world).await, []);
}

#[tokio::test]
async fn the_work_of_who_went_offline_is_offered_again_when_a_customer_waits() {
    let world = world().await;
    let mut setup = tx(&world).await;
    let ann = agent(&mut setup, world.tenant, "ann", 5).await;
    let bob = agent(&mut setup, world.tenant, "bob", 5).await;
    let waits = ticket(&mut setup, world.tenant, "email", 2.0).await;
    let rests = ticket(&mut setup, world.tenant, "email", 1.0).await;
    sqlx::query(
        "insert into support_app.message (id, tenant_id, ticket_id, external_id, from_agent, internal, channel, body_text, sent_at)
         values ($1, $2, $3, '1', false, false, 'email', 'hello', now())",
    )
    .bind(Uuid::now_v7())
    .bind(world.tenant)
    .bind(waits)
    .execute(&mut *setup)
    .await
    .expect("a message");
    for one in [waits, rests] {
        commands::assign(&mut setup, &manager(&world), one, ann, false, None).await.expect("assigned");
    }
    let (_, begun) = offline::shift(&mut setup, world.tenant, ann, false).await.expect("ends");
    assert!(begun.next_due.is_some(), "after the grace time");
    let (offered, _) = offline::offer(&mut setup, world.tenant, ann, now()).await.expect("offered");
    assert_eq!(offered, 1);
    setup.commit().await.expect("commits");
    assert_eq!(drain_all(&world).await, [(waits, bob)]);
    assert_eq!(owner(&world, rests).await, Some(ann));
    let mut look = tx(&world).await;
    let history = read::history(&mut look, waits).await.expect("answers");
    assert_eq!(history[0].reason, "offered_again");
}

#[tokio::test]
async fn other_tenants_agents_and_tickets_are_not_there() {
    let world = world().await;
    let other = add_tenant(&world.db, "other").await;
    let mut theirs = world.db.tenant_tx(Role::Support, other).await.expect("begins");
    let stranger = agent(&mut theirs, other, "stranger", 5).await;
    let strange = ticket(&mut theirs, other, "email", 1.0).await;
    theirs.commit().await.expect("commits");
    let mut work = tx(&world).await;
    let own = ticket(&mut work, world.tenant, "email", 1.0).await;
    let answer = commands::assign(&mut work, &manager(&world), own, stranger, true, None).await;
    assert!(matches!(answer, Err(AssignError::NoAgent)));
    let answer = commands::assign(&mut work, &manager(&world), strange, stranger, true, None).await;
    assert!(matches!(answer, Err(AssignError::NoTicket)));
}

#[tokio::test]
async fn tickets_wait_for_skills_and_a_job_looks_when_they_relax() {
    let world = world().await;
    let mut setup = tx(&world).await;
    let ann = agent(&mut setup, world.tenant, "ann", 5).await;
    let skilled = ticket(&mut setup, world.tenant, "email", 2.0).await;
    let plain = ticket(&mut setup, world.tenant, "email", 1.0).await;
    sqlx::query("update support_app.ticket set skills = '{returns}' where id = $1")
        .bind(skilled)
        .execute(&mut *setup)
        .await
        .expect("changed");
    let drained = drain(&mut setup, world.tenant, "job:test", Place::default(), now()).await.expect("drains");
    assert_eq!(drained.assigned, [(plain, ann)]);
    assert!(drained.some_wait && drained.announcement.next_due.is_some());
    let later = now() + TimeDelta::seconds(601);
    let drained = drain(&mut setup, world.tenant, "job:test", Place::default(), later).await.expect("drains");
    assert_eq!(drained.assigned, [(skilled, ann)]);
}

/// What somebody does to a ticket.
#[derive(Debug, Clone)]
enum Step {
    Drain,
    Claim(usize, usize),
    Transfer(usize, usize),
    Unassign(usize),
    Status(usize, &'static str),
    Channel(usize, &'static str),
}

fn steps() -> impl Strategy<Value = Vec<Vec<Step>>> {
    let status = prop_oneof![Just("open"), Just("pending"), Just("resolved")];
    let channel = prop_oneof![Just("phone"), Just("email"), Just("chat")];
    let step = prop_oneof![
        Just(Step::Drain),
        (0..8usize, 0..3usize).prop_map(|(ticket, agent)| Step::Claim(ticket, agent)),
        (0..8usize, 0..3usize).prop_map(|(ticket, agent)| Step::Transfer(ticket, agent)),
        (0..8usize).prop_map(Step::Unassign),
        (0..8usize, status).prop_map(|(ticket, status)| Step::Status(ticket, status)),
        (0..8usize, channel).prop_map(|(ticket, channel)| Step::Channel(ticket, channel)),
    ];
    prop::collection::vec(prop::collection::vec(step, 1..12), 4)
}

async fn carry_out(world: &World, agents: &[AgentId], tickets: &[TicketId], step: &Step) {
    let mut work = tx(world).await;
    let acting = manager(world);
    // What the state does not allow is refused; what matters is that the loads agree.
    let done = match *step {
        Step::Drain => {
            drain(&mut work, world.tenant, "job:test", Place::default(), now()).await.map(|_| ()).is_ok()
        }
        Step::Claim(ticket, agent) => {
            commands::claim(&mut work, &acting, tickets[ticket], agents[agent], false).await.is_ok()
        }
        Step::Transfer(ticket, agent) => {
            let to = Target::Agent(agents[agent]);
            commands::transfer(&mut work, &acting, tickets[ticket], &to, false, "x").await.is_ok()
        }
        Step::Unassign(ticket) => commands::unassign(&mut work, &acting, tickets[ticket], None).await.is_ok(),
        Step::Status(ticket, status) => change(&mut work, world, tickets[ticket], "status", status).await,
        Step::Channel(ticket, channel) => change(&mut work, world, tickets[ticket], "channel", channel).await,
    };
    if done {
        work.commit().await.expect("commits");
    }
}

async fn change(work: &mut Tx, world: &World, ticket: TicketId, field: &str, value: &str) -> bool {
    let statement = format!("update support_app.ticket set {field} = $2 where id = $1");
    let changed =
        sqlx::query(sqlx::AssertSqlSafe(statement)).bind(ticket).bind(value).execute(&mut **work).await;
    changed.is_ok() && settle::settle(work, world.tenant, ticket, now()).await.is_ok()
}

#[test]
fn loads_agree_with_the_tickets_whatever_happens_at_once() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .enable_all()
        .build()
        .expect("a runtime");
    let config = ProptestConfig { cases: 6, max_shrink_iters: 0, ..ProptestConfig::default() };
    proptest!(config, |(hands in steps())| {
        let wrong = runtime.block_on(async {
            let world = world().await;
            let mut setup = tx(&world).await;
            let (mut agents, mut tickets) = (Vec::new(), Vec::new());
            for name in ["a", "b", "c"] {
                agents.push(agent(&mut setup, world.tenant, name, 6).await);
            }
            for number in 0..8 {
                let channel = if number % 3 == 0 { "chat" } else { "email" };
                tickets.push(ticket(&mut setup, world.tenant, channel, f64::from(number)).await);
            }
            setup.commit().await.expect("commits");
            let hands = hands.iter().map(async |hand| {
                for step in hand {
                    carry_out(&world, &agents, &tickets, step).await;
                }
            });
            futures_util::future::join_all(hands).await;
            let mut look = tx(&world).await;
            let wrong: i64 = sqlx::query_scalar(
                "select count(*) from support_app.agent a
                 where a.load <> (select coalesce(sum(support_app.open_units(t.channel, t.status, t.snoozed_until,
                                       t.archived_at, t.merged_into, t.is_spam, t.suspended_reason)), 0)
                                  from support_app.ticket t where t.assignee_id = a.id)",
            )
            .fetch_one(&mut *look)
            .await
            .expect("comparable");
            // Every ticket that somebody has is in the history, and nobody else's is.
            let open: i64 = sqlx::query_scalar(
                "select count(*) from support_app.ticket t
                 left join support_app.assignment h on h.ticket_id = t.id and h.until_at is null
                 where t.status in ('open', 'pending') and t.assignee_id is distinct from h.agent_id",
            )
            .fetch_one(&mut *look)
            .await
            .expect("comparable");
            (wrong, open)
        });
        prop_assert_eq!(wrong, (0, 0));
    });
}

/// Waits until a statement of this database waits for a lock.
async fn somebody_waits(world: &World) {
    let waits = "select exists (select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock')";
    while !sqlx::query_scalar::<_, bool>(waits).fetch_one(world.db.pool()).await.expect("answers") {
        tokio::task::yield_now().await;
    }
}

/// Whose a ticket was, oldest first, with when that began and ended.
async fn assignments(
    world: &World,
    ticket: TicketId,
) -> Vec<(AgentId, DateTime<Utc>, Option<DateTime<Utc>>)> {
    let mut entries = read::history(&mut tx(world).await, ticket).await.expect("readable");
    entries.reverse();
    entries.into_iter().map(|entry| (entry.agent_id, entry.from_at, entry.until_at)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_who_give_one_ticket_to_two_agents_at_once_do_so_one_after_the_other() {
    let world = world().await;
    let mut setup = tx(&world).await;
    let ada = agent(&mut setup, world.tenant, "ada", 5).await;
    let bea = agent(&mut setup, world.tenant, "bea", 5).await;
    let ticket = ticket(&mut setup, world.tenant, "email", 1.0).await;
    setup.commit().await.expect("commits");
    let mut first = tx(&world).await;
    let _ = commands::assign(&mut first, &manager(&world), ticket, ada, true, None).await.expect("given");
    let second = async {
        let mut tx = tx(&world).await;
        let done = commands::assign(&mut tx, &manager(&world), ticket, bea, true, None).await.expect("given");
        tx.commit().await.expect("commits");
        done.agent
    };
    let lets = async {
        somebody_waits(&world).await;
        first.commit().await.expect("commits");
    };
    let (owner, ()) = tokio::join!(second, lets);
    assert_eq!(owner, Some(bea));
    let all = assignments(&world, ticket).await;
    assert_eq!(all.iter().map(|one| one.0).collect::<Vec<_>>(), [ada, bea]);
    assert!(all[0].2.is_some_and(|end| end <= all[1].1) && all[1].2.is_none(), "{all:?}");
}

#[tokio::test]
async fn who_asked_first_and_was_let_in_last_begins_when_the_other_ends() {
    let world = world().await;
    let mut setup = tx(&world).await;
    let ada = agent(&mut setup, world.tenant, "ada", 5).await;
    let bea = agent(&mut setup, world.tenant, "bea", 5).await;
    let ticket = ticket(&mut setup, world.tenant, "email", 1.0).await;
    setup.commit().await.expect("commits");
    // Its moment is that of the request.
    let early = manager(&world);
    for (acting, agent) in [(&manager(&world), ada), (&early, bea)] {
        let mut tx = tx(&world).await;
        let _ = commands::assign(&mut tx, acting, ticket, agent, true, None).await.expect("given");
        tx.commit().await.expect("commits");
    }
    let all = assignments(&world, ticket).await;
    assert_eq!(all.iter().map(|one| one.0).collect::<Vec<_>>(), [ada, bea]);
    assert!(all[0].2.is_some_and(|end| end <= all[1].1) && all[1].2.is_none(), "{all:?}");
}
