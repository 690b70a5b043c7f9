//! Segments through the queue: all of a tenant's segments evaluated in the order of their references.

use std::sync::Arc;

use accounts::seal::MasterKey;
use chrono::Utc;
use database::{
    Db, Role,
    ids::{SegmentId, TenantId},
};
use jobs::{
    Dispatch, NewJob, State, Store,
    dispatch::Server,
    enqueue,
    read::{self, JobView},
    sweep,
};
use marketing::kinds::{
    EvaluateAllSegments, EvaluateSegment, evaluate_all_segments::EvaluateAllSegmentsOutput,
};
use marketing::segments::{
    parse::parse,
    store::{self, Draft},
};
use migrations::testing::fresh_database;
use upstreams::{Breakers, Destinations, breaker::BreakerSettings, gorgias::Gorgias};
use uuid::Uuid;
use worker::{
    app::App,
    handlers,
    insight::{knowledge::Library, material::Material},
    testing::drain,
};

/// A run of 60 customers of whom every second agreed to marketing; customer n has n orders.
async fn publish(db: &Db, tenant: TenantId) {
    let run = Uuid::now_v7();
    let mut tx = db.tenant_tx(Role::Platform, tenant).await.expect("begins");
    sqlx::query(
        "insert into platform.intelligence_run (id, tenant_id, generation, state, as_of, customers)
         values ($1, $2, 1, 'published', current_date, 60)",
    )
    .bind(run)
    .bind(tenant)
    .execute(&mut *tx)
    .await
    .expect("a run");
    sqlx::query(
        "insert into platform.customer_fact (tenant_id, generation, customer_id, orders, spend_cents, marketing_opt_in)
         select $1, 1, 'c' || lpad(n::text, 3, '0'), n, 0, n % 2 = 0 from generate_series(1, 60) n",
    )
    .bind(tenant)
    .execute(&mut *tx)
    .await
    .expect("facts");
    sqlx::query("insert into platform.current_run (tenant_id, run_id, generation) values ($1, $2, 1)")
        .bind(tenant)
        .bind(run)
        .execute(&mut *tx)
        .await
        .expect("published");
    tx.commit().await.expect("commits");
}

async fn segment(db: &Db, tenant: TenantId, name: &str, rule: &str) -> SegmentId {
    let rule = parse(rule).expect("a rule");
    let mut tx = db.tenant_tx(Role::Marketing, tenant).await.expect("begins");
    let draft = Draft { name, description: "", rule: &rule };
    let segment = store::create(&mut tx, tenant, &draft, Utc::now()).await.expect("stored");
    tx.commit().await.expect("commits");
    segment.id
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_segments_are_evaluated_in_the_order_of_their_references() {
    boot::install_tls();
    let database = fresh_database().await;
    let url = database.url_for("desk_worker");
    let redis = std::env::var("TEST_REDIS_URL").expect("TEST_REDIS_URL: run the tests with `make test`");
    let breakers = Breakers::new(BreakerSettings::default());
    let app = Arc::new(App {
        db: Db::connect(&url, 4).expect("the test database's URL"),
        store: Store::connect(&url, 16).expect("the test database's URL"),
        dispatch: Dispatch::new(
            Server::new(&redis).expect("the test Redis's URL"),
            &format!("test-{}", Uuid::now_v7()),
        ),
        master_key: "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".parse::<MasterKey>().expect("32 bytes"),
        gorgias: Gorgias::new(Destinations::PublicOnly, breakers).expect("a client"),
        anthropic: None,
        insight: Library::default(),
        material: Material::default(),
        import_dir: "/nowhere".into(),
        probe_effects: None,
    });
    // Tenants are made by the api; a worker may not.
    let api = Db::connect(&database.url_for("desk_api"), 1).expect("the test database's URL");
    let mut tx = api.gateway_tx().await.expect("begins");
    let tenant = accounts::tenants::create(&mut tx, "shop", "Shop", "UTC").await.expect("a tenant").id;
    tx.commit().await.expect("commits");
    publish(&app.db, tenant).await;
    let inner = segment(&app.db, tenant, "Inner", "marketing_opt_in = true").await;
    let outer = segment(&app.db, tenant, "Outer", "order_count > 50 and in segment \"Inner\"").await;
    let outermost =
        segment(&app.db, tenant, "Outermost", "not in segment \"Outer\" and in segment \"Inner\"").await;

    let mut conn = app.store.pool().acquire().await.expect("the ledger");
    let job = NewJob::of(tenant, &EvaluateAllSegments {}).expect("a small payload");
    let all = job.id();
    let (_, announcement) = enqueue(&mut conn, &[job]).await.expect("enqueued");
    app.dispatch.announce(announcement);
    loop {
        drain(&app.store, &app.dispatch, handlers::all(&app), &url, &["default"]).await.expect("drained");
        // An evaluation puts itself off while one that it needs is under way.
        let Some(due) = sweep::next_due(&mut conn).await.expect("the ledger") else { break };
        tokio::time::sleep((due - Utc::now()).to_std().unwrap_or_default()).await;
    }
    let view = read::job(&mut conn, Some(tenant.0), all).await.expect("the ledger").expect("the job");
    let output: EvaluateAllSegmentsOutput = result(&view);
    assert_eq!((output.segments, output.levels, output.indexed), (3, 3, None));

    let mut tx = app.db.tenant_tx(Role::Marketing, tenant).await.expect("begins");
    for (segment, members) in [(inner, 30), (outer, 5), (outermost, 25)] {
        let computed =
            store::get(&mut tx, segment).await.expect("read").expect("there").computed.expect("evaluated");
        assert_eq!(computed.members, Some(members), "{segment}");
    }
    // A segment that is gone is no failure.
    let gone =
        NewJob::of(tenant, &EvaluateSegment { segment_id: Uuid::now_v7(), after: vec![all] }).expect("a job");
    let id = gone.id();
    let (_, announcement) = enqueue(&mut conn, &[gone]).await.expect("enqueued");
    app.dispatch.announce(announcement);
    drain(&app.store, &app.dispatch, handlers::all(&app), &url, &["default"]).await.expect("drained");
    let view = read::job(&mut conn, Some(tenant.0), id).await.expect("the ledger").expect("the job");
    assert_eq!(view.state, State::Cancelled);
}

fn result<T: serde::de::DeserializeOwned>(view: &JobView) -> T {
    assert_eq!(view.state, State::Done, "{:?}", view.error);
    serde_json::from_value(view.result.clone().expect("a result")).expect("its own shape")
}
