//! The smart order: the key and the explained score agree at any later time, terms are bounded, and what happens to a
//! ticket moves it.

#[path = "../../accounts/tests/world/mod.rs"]
mod world;

use chrono::{DateTime, Duration, TimeZone, Utc};
use database::ids::{MessageId, TicketId};
use database::{Role, Tx};
use proptest::prelude::*;
use sqlx::{Connection, PgConnection};
use support::analysis::{self, Reader, Reading};
use support::order::facts::{self, Base, Known, Look};
use support::order::{Inputs, Terms, Tier, alerts, place};
use support::settle;
use uuid::Uuid;
use world::{World, world};

fn at(secs: i64) -> DateTime<Utc> {
    Utc.timestamp_opt(1_790_000_000 + secs, 0).single().expect("a time")
}

fn share() -> impl Strategy<Value = Option<f64>> {
    prop_oneof![Just(None), (0.0..=1.0_f64).prop_map(Some), Just(Some(f64::NAN)), Just(Some(7.0))]
}

prop_compose! {
    fn inputs()(
        churn in share(), churn_median in share(), value in share(), sentiment in share(),
        tier in prop_oneof![Just(None), Just(Some(Tier::Gold)), Just(Some(Tier::Platinum))],
        priority in prop_oneof![Just("urgent"), Just("high"), Just("normal"), Just("low"), Just("?")],
        topics in prop::collection::vec(prop_oneof![Just("refund"), Just("order_status"), Just("other")], 0..3),
        alert in prop_oneof![Just(None), Just(Some("recall".to_owned()))],
        waiting in prop_oneof![Just(None), (-1_000_000..0_i64).prop_map(Some)],
        idle in -1_000_000..0_i64,
        due in prop_oneof![Just(None), (-2_000_000..2_000_000_i64).prop_map(Some)],
        clock in prop_oneof![Just(None), Just(Some("at_risk")), Just(Some("breached"))],
    ) -> Inputs {
        Inputs {
            churn, churn_median, value, tier, priority: priority.to_owned(), sentiment,
            topics: topics.into_iter().map(str::to_owned).collect(), alert,
            waiting_since: waiting.map(at), idle_since: at(idle), due: due.map(at), clock: clock.map(str::to_owned),
        }
    }
}

proptest! {
    #[test]
    fn the_key_sorts_as_the_explained_score_does_at_any_later_time(
        one in inputs(), other in inputs(), later in 0..10_000_000_i64,
    ) {
        let (one, other) = (Terms::of(&one), Terms::of(&other));
        let now = at(later);
        let (rank, score) = (one.rank() - other.rank(), one.score(now) - other.score(now));
        // The difference is the same at every moment, up to what a double holds.
        prop_assert!((rank - score).abs() < 1e-6, "{rank} {score}");
        let shown = one.explain(now).score - other.explain(now).score;
        // Ten terms with three decimals on either side.
        prop_assert!((shown - score).abs() < 0.011, "{shown} {score}");
    }

    #[test]
    fn the_points_add_up_and_are_bounded(inputs in inputs(), later in 0..10_000_000_i64) {
        let terms = Terms::of(&inputs);
        let explained = terms.explain(at(later));
        let sum: f64 = explained.terms.iter().map(|term| term.points).sum();
        prop_assert!((sum - explained.score).abs() < 1e-6);
        prop_assert!((explained.score - terms.score(at(later))).abs() < 0.006);
        let timeless = ["waiting", "time_to_breach"];
        for term in explained.terms.iter().filter(|term| !timeless.contains(&term.term)) {
            prop_assert!(term.points.abs() <= 8.0, "{term:?}");
        }
        // The due time adds at most what 168 hours are worth beside the wait.
        let (waiting, nearness) = (terms.waiting(at(later)), terms.nearness(at(later)));
        prop_assert!((0.0..=42.001).contains(&(waiting - nearness)), "{waiting} {nearness}");
    }

    #[test]
    fn waiting_longer_comes_first(mut inputs in inputs(), hours in 1..500_i64) {
        inputs.due = None;
        inputs.waiting_since = Some(at(0));
        let younger = Terms::of(&inputs).rank();
        inputs.waiting_since = Some(at(-3_600 * hours));
        prop_assert!(Terms::of(&inputs).rank() > younger);
    }

    #[test]
    fn terms_survive_being_stored(inputs in inputs()) {
        let terms = Terms::of(&inputs);
        let text = serde_json::to_string(&terms).expect("plain data");
        prop_assert_eq!(serde_json::from_str::<Terms>(&text).expect("the same form"), terms);
    }

    #[test]
    fn a_share_is_one(mut bounds in prop::collection::vec(0.0..1e6_f32, 101), ltv in -10.0..2e6_f32) {
        bounds.sort_by(f32::total_cmp);
        let base = Base { value_bounds: bounds, tier_bounds: [0.5, 0.8, 0.95], ..Base::default() };
        let share = base.share(ltv).expect("there are bounds");
        prop_assert!((0.0..=1.0).contains(&share));
        prop_assert!(base.share(ltv + 100.0).expect("bounds") >= share);
    }
}

#[test]
fn faults_of_scores_elsewhere_are_not_ours() {
    let plain = Inputs {
        priority: "normal".into(),
        waiting_since: Some(at(0)),
        idle_since: at(0),
        ..Inputs::default()
    };
    let rank = |change: &dyn Fn(&mut Inputs)| {
        let mut inputs = plain.clone();
        change(&mut inputs);
        Terms::of(&inputs).rank()
    };
    let nobody = rank(&|_| ());
    assert!(rank(&|inputs| inputs.priority = "urgent".into()) > nobody, "urgent counts without a profile");
    assert!((rank(&|inputs| inputs.sentiment = Some(0.5)) - nobody).abs() < 1e-9, "unread is neutral");
    assert!(rank(&|inputs| inputs.sentiment = Some(0.0)) > nobody);
    assert!(rank(&|inputs| inputs.value = Some(1.0)) - nobody <= 1.001, "a fortune is worth a bounded lot");
    assert!(rank(&|inputs| inputs.waiting_since = Some(at(-86_400))) > nobody, "the older wait wins");
}

async fn ticket(world: &World, number: i64, status: &str) -> TicketId {
    let id = TicketId::new();
    let mut admin = PgConnection::connect(&world.database.admin_url).await.expect("answers");
    sqlx::query(
        "insert into support_app.ticket (id, tenant_id, number, provider, external_id, channel, source, status, priority,
             customer_email)
         values ($1, $2, $3, 'test', $3::text, 'email', 'email', $4, 'normal', 'ann@example.com')",
    )
    .bind(id)
    .bind(world.tenant)
    .bind(number)
    .bind(status)
    .execute(&mut admin)
    .await
    .expect("inserted");
    id
}

/// A message that nothing has followed from yet.
async fn write(world: &World, ticket: TicketId, from_agent: bool, sent_at: DateTime<Utc>) -> MessageId {
    let id = MessageId(Uuid::now_v7());
    let mut admin = PgConnection::connect(&world.database.admin_url).await.expect("answers");
    sqlx::query(
        "insert into support_app.message (id, tenant_id, ticket_id, external_id, from_agent, internal, channel, body_text,
             sent_at)
         values ($1, $2, $3, $1::text, $4, false, 'email', 'words', $5)",
    )
    .bind(id)
    .bind(world.tenant)
    .bind(ticket)
    .bind(from_agent)
    .bind(sent_at)
    .execute(&mut admin)
    .await
    .expect("inserted");
    id
}

async fn say(world: &World, ticket: TicketId, from_agent: bool, sent_at: DateTime<Utc>) {
    write(world, ticket, from_agent, sent_at).await;
    let mut tx = world.db.tenant_tx(Role::Support, world.tenant).await.expect("begins");
    sqlx::query("update support_app.ticket set last_message_at = $2 where id = $1")
        .bind(ticket)
        .bind(sent_at)
        .execute(&mut *tx)
        .await
        .expect("updated");
    settle::settle(&mut tx, world.tenant, ticket, sent_at).await.expect("settled").expect("there is one");
    tx.commit().await.expect("commits");
}

/// Open tickets as the list has them.
async fn listed(world: &World) -> Vec<TicketId> {
    let mut tx = world.db.tenant_tx(Role::Support, world.tenant).await.expect("begins");
    sqlx::query_scalar(
        "select id from support_app.ticket where tenant_id = $1 and status = 'open' order by rank desc, id",
    )
    .bind(world.tenant)
    .fetch_all(&mut *tx)
    .await
    .expect("listed")
}

#[tokio::test]
async fn what_happens_to_a_ticket_moves_it_and_the_explanation_follows() {
    let world = world().await;
    let (old, new) = (ticket(&world, 1, "open").await, ticket(&world, 2, "open").await);
    say(&world, old, false, at(0)).await;
    say(&world, new, false, at(3_600)).await;
    assert_eq!(listed(&world).await, [old, new], "the longer wait comes first");

    // Our reply to the first: nobody waits for us there.
    say(&world, old, true, at(7_200)).await;
    assert_eq!(listed(&world).await, [new, old]);

    // A valuable customer who is about to leave, and an alert on the topic.
    let mut tx = world.db.tenant_tx(Role::Support, world.tenant).await.expect("begins");
    let bounds: Vec<f32> = (0..=100).map(|n| n as f32).collect();
    facts::put_base(&mut tx, Uuid::now_v7(), Some(0.2), &bounds).await.expect("stored");
    let base = facts::base(&mut tx).await.expect("read");
    assert_eq!((base.churn_median, base.value_bounds.len()), (Some(0.2), 101));
    let behind = facts::of_ticket(&mut tx, old).await.expect("read").expect("there is one");
    let found = base.facts(Some(0.9), Some(99.5), Some(12));
    assert_eq!(base.tier(&found), Some(Tier::Platinum));
    let look = Look { ticket: behind, customer: Some("7041".into()), facts: found };
    assert_eq!(facts::put(&mut tx, &base, &[look], at(7_300)).await.expect("stored"), 1);
    // Their clocks, which run by the real time, say nothing here.
    sqlx::query("update support_app.ticket set sla_due_at = null, sla_state = null")
        .execute(&mut *tx)
        .await
        .expect("updated");
    sqlx::query("update support_app.ticket set topics = '{damaged}' where id = $1")
        .bind(old)
        .execute(&mut *tx)
        .await
        .expect("updated");
    alerts::set(&mut tx, "damaged", None, "key:1", at(10_000)).await.expect("set");
    assert_eq!(place::place_all(&mut tx, &[old.0, new.0], at(7_400)).await.expect("placed"), 2);
    let explained = place::explain(&mut tx, old, at(7_400)).await.expect("read").expect("there is one");
    tx.commit().await.expect("commits");
    let explained = explained.explanation.expect("settled");
    let points = |term: &str| explained.terms.iter().find(|found| found.term == term).expect(term).points;
    assert_eq!((points("topic_alert"), points("tier"), points("difficulty")), (5.0, 2.0, -1.5));
    assert!((points("churn") - 2.7).abs() < 1e-3);
    assert_eq!(listed(&world).await, [old, new]);

    // The alert is over; nothing else happened.
    let mut tx = world.db.tenant_tx(Role::Support, world.tenant).await.expect("begins");
    assert_eq!(place::place_all(&mut tx, &[old.0, new.0], at(20_000)).await.expect("placed"), 1);
    assert_eq!(facts::with_tickets(&mut tx, &["7041".into(), "1".into()]).await.expect("read"), ["7041"]);
    tx.commit().await.expect("commits");
    assert_eq!(listed(&world).await, [new, old]);
}

#[tokio::test]
async fn a_ticket_asks_once_for_its_customer_and_again_when_the_address_changes() {
    let world = world().await;
    let id = ticket(&world, 1, "open").await;
    let asked = async || {
        let mut tx = world.db.tenant_tx(Role::Support, world.tenant).await.expect("begins");
        settle::settle(&mut tx, world.tenant, id, at(Duration::hours(1).num_seconds()))
            .await
            .expect("settled")
            .expect("there is one");
        tx.commit().await.expect("commits");
        let mut admin = PgConnection::connect(&world.database.admin_url).await.expect("answers");
        sqlx::query_scalar::<_, i64>("select count(*) from jobs.live where kind = 'refresh_rank'")
            .fetch_one(&mut admin)
            .await
            .expect("counted")
    };
    assert_eq!((asked().await, asked().await), (1, 1));
    let mut tx = world.db.tenant_tx(Role::Support, world.tenant).await.expect("begins");
    let behind = facts::of_ticket(&mut tx, id).await.expect("read").expect("there is one");
    let base = facts::base(&mut tx).await.expect("read");
    let look = Look { ticket: behind, customer: None, facts: facts::Facts::default() };
    facts::put(&mut tx, &base, &[look], at(0)).await.expect("stored");
    sqlx::query("update support_app.ticket set customer_email = 'other@example.com'")
        .execute(&mut *tx)
        .await
        .expect("updated");
    tx.commit().await.expect("commits");
    assert_eq!(asked().await, 2);
}

#[tokio::test]
async fn a_ticket_that_is_settled_again_is_held_and_not_written_again() {
    let world = world().await;
    let id = ticket(&world, 1, "open").await;
    let mut versions = Vec::new();
    for _ in 0..2 {
        let mut tx = world.db.tenant_tx(Role::Support, world.tenant).await.expect("begins");
        settle::settle(&mut tx, world.tenant, id, at(3_600)).await.expect("settled").expect("there is one");
        let mut other = world.db.tenant_tx(Role::Support, world.tenant).await.expect("begins");
        let held = "select from support_app.ticket where id = $1 for no key update skip locked";
        let free = sqlx::query(held).bind(id).fetch_optional(&mut *other).await.expect("asked");
        assert!(free.is_none(), "nobody else changes it meanwhile");
        other.rollback().await.expect("ended");
        tx.commit().await.expect("commits");
        let mut admin = PgConnection::connect(&world.database.admin_url).await.expect("answers");
        let version: String = sqlx::query_scalar("select ctid::text from support_app.ticket where id = $1")
            .bind(id)
            .fetch_one(&mut admin)
            .await
            .expect("read");
        versions.push(version);
    }
    assert_eq!(versions[0], versions[1]);
}

/// How often the transaction has written rows of tickets that were there.
async fn writes(tx: &mut Tx) -> i64 {
    let counted =
        "select n_tup_upd from pg_stat_xact_user_tables where relid = 'support_app.ticket'::regclass";
    sqlx::query_scalar(counted).fetch_one(&mut **tx).await.expect("counted")
}

#[tokio::test]
async fn all_that_follows_from_a_ticket_is_written_into_its_row_at_once() {
    let world = world().await;
    let id = ticket(&world, 1, "open").await;
    let message = write(&world, id, false, at(0)).await;

    // A new one, whose customer was looked up.
    let mut tx = world.db.tenant_tx(Role::Support, world.tenant).await.expect("begins");
    let bounds: Vec<f32> = (0..=100).map(|n| n as f32).collect();
    facts::put_base(&mut tx, Uuid::now_v7(), Some(0.2), &bounds).await.expect("stored");
    let base = facts::base(&mut tx).await.expect("read");
    let behind = facts::of_ticket(&mut tx, id).await.expect("read").expect("there is one");
    let found = base.facts(Some(0.9), Some(99.5), Some(12));
    let look = Look { ticket: behind, customer: Some("7041".into()), facts: found };
    let known = Some(Known::of(&base, &look));
    let before = writes(&mut tx).await;
    let settled = settle::settle_knowing(&mut tx, world.tenant, id, known, at(60)).await.expect("settled");
    assert_eq!(settled.expect("there is one").version, 1, "no reader sees a change");
    assert_eq!(writes(&mut tx).await - before, 1);
    tx.commit().await.expect("commits");
    let mut admin = PgConnection::connect(&world.database.admin_url).await.expect("answers");
    let stored: (bool, String, String, bool, String) = sqlx::query_as(
        "select first_customer_message_at = $1 and waiting_since = $1, known_customer, customer_tier,
                sla_due_at is not null, rank_terms -> 'tier' ->> 'word'
         from support_app.ticket",
    )
    .bind(at(0))
    .fetch_one(&mut admin)
    .await
    .expect("read");
    let tier = || "platinum".to_owned();
    assert_eq!(stored, (true, "7041".to_owned(), tier(), true, tier()));
    let looks: i64 = sqlx::query_scalar("select count(*) from jobs.live where kind = 'refresh_rank'")
        .fetch_one(&mut admin)
        .await
        .expect("counted");
    assert_eq!(looks, 0, "its customer was looked up");

    // Its message was read: in another language, and of a matter that takes its time.
    let mut tx = world.db.tenant_tx(Role::Support, world.tenant).await.expect("begins");
    let reading = Reading {
        sentiment: Some(0.1),
        language: Some("de".to_owned()),
        topics: vec!["refund"],
        ..Reading::default()
    };
    let reader = Reader { name: "lexicon", model: None, remark: None };
    analysis::store(&mut tx, world.tenant, message, &reading, &reader, at(120)).await.expect("stored");
    let before = writes(&mut tx).await;
    let settled = settle::settle(&mut tx, world.tenant, id, at(180)).await.expect("settled");
    assert_eq!(settled.expect("there is one").version, 2, "readers see the language");
    assert_eq!(writes(&mut tx).await - before, 1);
    tx.commit().await.expect("commits");
    let stored: (f32, Vec<String>, Option<bool>, String, String, String) = sqlx::query_as(
        "select t.sentiment, t.topics, t.asks_compensation, t.language, t.rank_terms -> 'difficulty' ->> 'word',
                string_agg(e.payload ->> 'changed', ' ')
         from support_app.ticket t join support_app.event_pending e on e.ticket_id = t.id and e.kind = 'ticket_update'
         group by t.id",
    )
    .fetch_one(&mut admin)
    .await
    .expect("read");
    let refund = || "refund".to_owned();
    let told = (0.1, vec![refund()], Some(false), "de".to_owned(), refund(), r#"["language"]"#.to_owned());
    assert_eq!(stored, told);

    // Nothing happened since.
    let mut tx = world.db.tenant_tx(Role::Support, world.tenant).await.expect("begins");
    let before = writes(&mut tx).await;
    settle::settle(&mut tx, world.tenant, id, at(240)).await.expect("settled").expect("there is one");
    assert_eq!(writes(&mut tx).await - before, 0);
}

#[tokio::test]
async fn a_look_at_customers_writes_each_ticket_once() {
    let world = world().await;
    let (one, other) = (ticket(&world, 1, "open").await, ticket(&world, 2, "open").await);
    say(&world, one, false, at(0)).await;
    say(&world, other, false, at(0)).await;
    let mut tx = world.db.tenant_tx(Role::Support, world.tenant).await.expect("begins");
    let base = facts::base(&mut tx).await.expect("read");
    let mut looks = Vec::new();
    for (id, churn) in [(one, Some(0.9)), (other, None)] {
        let behind = facts::of_ticket(&mut tx, id).await.expect("read").expect("there is one");
        looks.push(Look { ticket: behind, customer: None, facts: base.facts(churn, None, None) });
    }
    let before = writes(&mut tx).await;
    assert_eq!(facts::put(&mut tx, &base, &looks, at(60)).await.expect("stored"), 1, "one of them moved");
    assert_eq!(writes(&mut tx).await - before, 2, "of the other it is known that nobody is");
}

#[tokio::test]
async fn whoever_takes_several_tickets_takes_them_in_the_order_of_their_ids() {
    let world = world().await;
    let (first, second) = (ticket(&world, 1, "open").await, ticket(&world, 2, "open").await);
    // Somebody has the first, as a job does that stores a draft's note.
    let mut other = world.db.tenant_tx(Role::Support, world.tenant).await.expect("begins");
    let lock = "select from support_app.ticket where id = $1 for update nowait";
    sqlx::query(lock).bind(first).execute(&mut *other).await.expect("free");
    let (db, tenant) = (world.db.clone(), world.tenant);
    let places = tokio::spawn(async move {
        let mut tx = db.tenant_tx(Role::Support, tenant).await.expect("begins");
        let base = facts::base(&mut tx).await.expect("read");
        let mut looks = Vec::new();
        for id in [second, first] {
            let behind = facts::of_ticket(&mut tx, id).await.expect("read").expect("there is one");
            looks.push(Look {
                ticket: behind,
                customer: Some("7041".into()),
                facts: facts::Facts::default(),
            });
        }
        facts::put(&mut tx, &base, &looks, at(0)).await.expect("stored");
        tx.commit().await.expect("commits");
    });
    // It waits for the first one, and has nothing that anybody could wait for.
    let mut admin = PgConnection::connect(&world.database.admin_url).await.expect("answers");
    let waiting = "select exists (select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock')";
    while !sqlx::query_scalar::<_, bool>(waiting).fetch_one(&mut admin).await.expect("asked") {
        tokio::task::yield_now().await;
    }
    sqlx::query(lock).bind(second).execute(&mut *other).await.expect("the second is free");
    other.commit().await.expect("commits");
    places.await.expect("placed");
}
