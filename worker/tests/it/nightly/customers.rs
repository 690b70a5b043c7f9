//! Single customers: what an order, a ticket and a rating change, and what those who write in have besides.

use chrono::Utc;
use database::{
    Role,
    ids::{AgentId, TicketId},
};
use jobs::{State, enqueue};
use platform::kinds::{RecomputeProfile, ScoreCustomers};
use sqlx::{Connection, PgConnection};
use support::{
    assignment::commands,
    kinds::SettleTicket,
    order::place,
    ratings::{self, NewRating, Score},
    tickets::{
        Acting,
        change::{self, Change},
        state::Status,
    },
};
use uuid::Uuid;
use worker::{handlers, testing::drain};

use super::shop::{CUSTOMERS, DESK_QUEUES, Shop, june_1998};

#[tokio::test]
async fn who_writes_in_has_five_more_axes_and_nobody_else_has() {
    const WRITERS: i64 = 300;
    let shop = Shop::open().await;
    shop.import_cdnow().await;
    let mut admin = PgConnection::connect(&shop.database.admin_url).await.expect("the server answers");
    // Every sixth customer was imported; the first of them have written in, half of them kindly.
    let write = [
        "insert into support_app.ticket (id, tenant_id, number, provider, external_id, channel, source, status, priority,
             known_customer, created_at)
         select gen_random_uuid(), $1, n, 'desk', n::text, case n % 3 when 0 then 'chat' else 'email' end, 'email',
             'closed', 'normal', (6 * n)::text, '1998-03-01 09:00Z'::timestamptz + n * interval '7 hours'
         from generate_series(1, $2::bigint) n",
        "insert into support_app.message (id, tenant_id, ticket_id, external_id, from_agent, internal, channel, body_text,
             sent_at)
         select gen_random_uuid(), $1, t.id, m::text, m % 2 = 0, false, 'email',
             case m % 2 when 0 then 'Which one?' else 'This one.' end, t.created_at + m * interval '20 minutes'
         from support_app.ticket t, generate_series(1, 1 + 2 * (t.number % 2)::int) m
         where t.tenant_id = $1 and $2::bigint > 0",
        "insert into support_app.message_analysis (message_id, tenant_id, analysed_at, analysed_by, sentiment, topics,
             asks_compensation)
         select m.id, $1, m.sent_at, 'lexicon', case t.number % 2 when 0 then 0.9 else 0.2 end, array['refund'],
             t.number % 2 = 1 and $2::bigint > 0
         from support_app.message m join support_app.ticket t on t.id = m.ticket_id
         where m.tenant_id = $1 and not m.from_agent
         on conflict (message_id) do update set analysed_at = excluded.analysed_at, analysed_by = 'lexicon',
             sentiment = excluded.sentiment, topics = excluded.topics, asks_compensation = excluded.asks_compensation",
    ];
    for statement in write {
        sqlx::query(statement).bind(shop.tenant).bind(WRITERS).execute(&mut admin).await.expect(statement);
    }
    shop.evaluate(&june_1998()).await;
    let known = "select count(*) from platform.customer_fact
                 where problem_complexity is not null and loyalty is not null and feedback is not null
                   and value_sensitivity is not null and communication is not null";
    let some = "select count(*) from platform.customer_fact
                where num_nonnulls(communication, problem_complexity, loyalty, feedback, value_sensitivity) > 0";
    assert_eq!((shop.count(known).await, shop.count(some).await), (WRITERS, WRITERS));
    let long = "select count(*) from platform.customer_insight where octet_length(features) = 4 * (66 + 22)";
    let short = "select count(*) from platform.customer_insight where octet_length(features) = 4 * 66";
    assert_eq!((shop.count(long).await, shop.count(short).await), (WRITERS, CUSTOMERS - WRITERS));
    // Kindness divides them.
    assert!(shop.count("select count(distinct feedback / 4) from platform.customer_fact").await >= 2);
    let profile = async || {
        let mut tx = shop.app.db.tenant_tx(Role::Platform, shop.tenant).await.expect("the database");
        let customer = platform::insights::customer::find(&mut tx, "6").await.expect("read").expect("there");
        let segmentation = customer.run.as_ref().and_then(|run| run.segmentation).expect("a version");
        let catalogs = platform::insights::catalog::Catalogs::default();
        let catalog = catalogs.get(&mut tx, shop.tenant, segmentation).await.expect("readable");
        let mut shown = serde_json::to_value(customer.profile(catalog.as_deref())).expect("plain data");
        let features = serde_json::to_value(customer.features(catalog.as_deref())).expect("plain data");
        shown["computed_at"].take();
        (shown, features)
    };
    let (shown, features) = profile().await;
    let axes = shown["axes"].as_array().expect("axes");
    assert_eq!(axes.len(), 13);
    let feedback = axes.iter().find(|axis| axis["axis"] == "feedback").expect("an axis");
    assert_eq!(
        (&feedback["available"], &feedback["phrase"]),
        (&true.into(), &"Sounds like most who write".into())
    );
    assert_eq!(features["axes"].as_array().map(Vec::len), Some(13));

    // Computing one of them anew says the same, and nobody else changes.
    let digest = shop.digest().await;
    let view = shop.run(&RecomputeProfile { customer_id: "6".to_owned() }).await;
    assert_eq!(view.state, State::Done, "{:?}", view.error);
    let (again, features_again) = profile().await;
    assert_eq!((&again["axes"], features_again), (&shown["axes"], features));
    assert_eq!(again["who"], shown["who"]);
    // The night run explains those most at risk only, so the reasons may be new.
    sqlx::query("update platform.customer_insight set churn_reasons = null where tenant_id = $1")
        .bind(shop.tenant)
        .execute(&mut admin)
        .await
        .expect("no reasons");
    let without_reasons = shop.digest().await;
    assert_ne!(digest, without_reasons);
    shop.evaluate(&june_1998()).await;
    sqlx::query("update platform.customer_insight set churn_reasons = null where tenant_id = $1")
        .bind(shop.tenant)
        .execute(&mut admin)
        .await
        .expect("no reasons");
    assert_eq!(shop.digest().await, without_reasons);
}

#[tokio::test]
async fn one_order_changes_one_customer() {
    let shop = Shop::open().await;
    shop.import_cdnow().await;
    shop.evaluate(&june_1998()).await;
    let others = "select count(*) from platform.customer_fact where customer_id <> '7' and last_order_on > '1998-06-30'";
    let orders = "select orders::bigint from platform.customer_fact where customer_id = '7'";
    let before = shop.count(orders).await;

    shop.import(b"order_id,customer_id,ordered_at,quantity,amount\nnew-1,7,1998-07-04T10:00:00Z,1,49.90\n")
        .await;
    let view = shop.run(&RecomputeProfile { customer_id: "7".to_owned() }).await;
    assert_eq!(view.state, State::Done, "{:?}", view.error);
    assert_eq!(shop.count(orders).await, before + 1);
    assert_eq!(shop.count(others).await, 0);
    assert_eq!(shop.count("select count(*) from platform.customer_insight where customer_id = '7' and churn_reasons is not null").await, 1);
    assert_eq!(shop.count("select facts_version from platform.current_run").await, 2);

    // Several at once, and somebody who never bought.
    let named = ScoreCustomers {
        customer_ids: vec!["7".into(), "8".into(), "nobody".into()],
        ..ScoreCustomers::default()
    };
    let view = shop.run(&named).await;
    assert_eq!(view.state, State::Done, "{:?}", view.error);
    assert_eq!(view.result.expect("a result")["customers"], 2);
    assert_eq!(shop.count("select count(*) from platform.customer_fact").await, CUSTOMERS);
}

#[tokio::test]
async fn a_ticket_and_a_rating_change_one_customer() {
    let shop = Shop::open().await;
    shop.import_cdnow().await;
    shop.evaluate(&june_1998()).await;
    let mut admin = PgConnection::connect(&shop.database.admin_url).await.expect("the server answers");
    // The run looks back, so the tickets are of its time; the second is of somebody who never bought.
    let tickets = [Uuid::now_v7(), Uuid::now_v7()];
    for (number, (ticket, customer)) in tickets.iter().zip(["7", "nobody"]).enumerate() {
        sqlx::query(
            "insert into support_app.ticket (id, tenant_id, number, provider, external_id, channel, source, status,
                 priority, customer_id, created_at)
             values ($1, $2, $3, 'desk', $3::text, 'email', 'email', 'open', 'normal', $4, '1998-06-01 09:00Z')",
        )
        .bind(ticket)
        .bind(shop.tenant)
        .bind(number as i64 + 1)
        .bind(customer)
        .execute(&mut admin)
        .await
        .expect("a ticket");
        sqlx::query(
            "insert into support_app.message (id, tenant_id, ticket_id, external_id, from_agent, internal, channel,
                 body_text, sent_at)
             values ($1, $2, $3, $1::text, false, false, 'email', 'Where is it?', '1998-06-01 09:00Z')",
        )
        .bind(Uuid::now_v7())
        .bind(shop.tenant)
        .bind(ticket)
        .execute(&mut admin)
        .await
        .expect("a message");
    }
    let writers =
        "select count(*) from platform.customer_insight where octet_length(features) = 4 * (66 + 22)";
    assert_eq!(shop.count(writers).await, 0);
    let work = async || {
        drain(&shop.app.store, &shop.app.dispatch, handlers::all(&shop.app), &shop.url, &DESK_QUEUES)
            .await
            .expect("the drain");
    };
    for ticket in tickets {
        shop.enqueue(&SettleTicket { ticket_id: ticket }).await;
    }
    work().await;
    assert_eq!(shop.count(writers).await, 1);
    let mut recomputed = async || {
        sqlx::query_scalar::<_, i64>("select count(*) from jobs.finished where kind = 'recompute_profile'")
            .fetch_one(&mut admin)
            .await
            .expect("counted")
    };
    let before = recomputed().await;
    // The first look at the ticket, and the reading of its message; one job may have stood for both.
    assert!((1..=2).contains(&before), "{before}");

    let mut tx = shop.app.db.tenant_tx(Role::Support, shop.tenant).await.expect("the database");
    let rating = NewRating {
        ticket: TicketId(tickets[0]),
        score: Score::try_from(5).expect("a score"),
        comment: None,
        source: ratings::Source::Api,
        by: "test",
        external_id: None,
        given_at: Utc::now(),
    };
    ratings::give(&mut tx, shop.tenant, &rating).await.expect("given").expect("stored");
    tx.commit().await.expect("the database");
    let mut conn = shop.app.store.pool().acquire().await.expect("the ledger");
    let job = place::look_again(shop.tenant, TicketId(tickets[0])).expect("a job");
    let (_, announcement) = enqueue(&mut conn, &[job]).await.expect("the ledger takes it");
    shop.app.dispatch.announce(announcement);
    drop(conn);
    work().await;
    assert_eq!(recomputed().await, before + 1);

    // A person settles it and opens it again: how often that happens is known of her.
    let acting = Acting {
        tenant: shop.tenant,
        actor: "key:test",
        agent: None,
        writer: Uuid::nil(),
        name: "test",
        correlation_id: "c-1",
        trace_parent: None,
        now: Utc::now(),
    };
    let becomes = async |status: Status| {
        let wanted = Change { status: Some(status), ..Change::default() };
        let mut tx = shop.app.db.tenant_tx(Role::Support, shop.tenant).await.expect("the database");
        let (_, announcement) =
            change::change(&mut tx, &acting, TicketId(tickets[0]), None, &wanted).await.expect("changed");
        tx.commit().await.expect("the database");
        shop.app.dispatch.announce(announcement);
        work().await;
    };
    becomes(Status::Resolved).await;
    let resolved = recomputed().await;
    becomes(Status::Open).await;
    assert_eq!(recomputed().await, resolved + 1);

    // And so is that it was handed up.
    let (ann, boss) = (AgentId::new(), AgentId::new());
    for (id, name, seniority) in [(ann, "ann", 0_i16), (boss, "boss", 2)] {
        sqlx::query(
            "insert into support_app.agent (id, tenant_id, name, email, seniority) values ($1, $2, $3, $3 || '@x.example', $4)",
        )
        .bind(id)
        .bind(shop.tenant)
        .bind(name)
        .bind(seniority)
        .execute(&mut PgConnection::connect(&shop.database.admin_url).await.expect("the server answers"))
        .await
        .expect("an agent");
    }
    let manager = commands::Acting {
        tenant: shop.tenant,
        actor: "key:test",
        agent: None,
        over_others: true,
        expects: None,
        now: Utc::now(),
    };
    let mut tx = shop.app.db.tenant_tx(Role::Support, shop.tenant).await.expect("the database");
    let given = commands::assign(&mut tx, &manager, TicketId(tickets[0]), ann, true, None).await;
    assert_eq!(given.expect("given").agent, Some(ann));
    tx.commit().await.expect("the database");
    work().await;
    let assigned = recomputed().await;
    let mut tx = shop.app.db.tenant_tx(Role::Support, shop.tenant).await.expect("the database");
    let up = commands::escalate(&mut tx, &manager, TicketId(tickets[0]), "angry").await.expect("handed up");
    tx.commit().await.expect("the database");
    assert_eq!(up.agent, Some(boss));
    shop.app.dispatch.announce(up.announcement);
    work().await;
    assert_eq!(recomputed().await, assigned + 1);
}
