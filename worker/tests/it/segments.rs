//! Segments through the queue: all of a tenant's segments evaluated in the order of their references.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use database::{
    Db, Role,
    ids::{SegmentId, TenantId},
};
use jobs::{
    NewJob, State, enqueue,
    events::Waiters,
    ledger::{Completion, Ending, claim_limited, complete},
    read::{self, JobView},
};
use marketing::kinds::{
    EvaluateAllSegments, EvaluateSegment, evaluate_all_segments::EvaluateAllSegmentsOutput,
};
use marketing::segments::{
    evaluate,
    parse::parse,
    store::{self, Draft},
};
use migrations::testing::{TestDatabase, fresh_database};
use uuid::Uuid;
use worker::{
    app::App,
    handlers,
    testing::{self, drain},
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

struct Shop {
    _database: TestDatabase,
    url: String,
    app: Arc<App>,
    tenant: TenantId,
}

/// A shop with a published run.
async fn shop() -> Shop {
    boot::install_tls();
    let database = fresh_database().await;
    let url = database.url_for("desk_worker");
    let redis = std::env::var("TEST_REDIS_URL").expect("TEST_REDIS_URL: run the tests with `make test`");
    let app = Arc::new(testing::app(&url, &redis));
    // Tenants are made by the api; a worker may not.
    let api = Db::connect(&database.url_for("desk_api"), 1).expect("the test database's URL");
    let mut tx = api.gateway_tx().await.expect("begins");
    let tenant = accounts::tenants::create(&mut tx, "shop", "Shop", "UTC").await.expect("a tenant").id;
    tx.commit().await.expect("commits");
    publish(&app.db, tenant).await;
    Shop { _database: database, url, app, tenant }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_publication_that_meets_an_evaluation_of_the_old_run_is_followed_by_another() {
    let Shop { _database, url, app, tenant } = shop().await;
    let inner = segment(&app.db, tenant, "Inner", "order_count > 50").await;
    let outer = segment(&app.db, tenant, "Outer", "in segment \"Inner\"").await;
    let mut conn = app.store.pool().acquire().await.expect("the ledger");
    // An evaluation has begun, and has read the facts of the run that is published now.
    let payload = EvaluateSegment { segment_id: inner.0, after: Vec::new() };
    let job = NewJob::of(tenant, &payload).expect("small");
    let begun = job.with_dedup_key(&EvaluateSegment::dedup_key(inner.0)).expect("a key");
    let id = begun.id();
    let (_, _) = enqueue(&mut conn, &[begun]).await.expect("enqueued");
    let worker = Uuid::now_v7();
    let running = claim_limited(&mut conn, worker, &[id]).await.expect("the ledger").pop().expect("claimed");
    evaluate::evaluate(&app.db, tenant, inner, id, Utc::now()).await.expect("evaluated");

    // The next run is published: everybody has ordered ten times more.
    let mut tx = app.db.tenant_tx(Role::Platform, tenant).await.expect("begins");
    sqlx::query("update platform.customer_fact set orders = orders + 10")
        .execute(&mut *tx)
        .await
        .expect("facts");
    sqlx::query("update platform.current_run set facts_version = facts_version + 1")
        .execute(&mut *tx)
        .await
        .expect("published");
    tx.commit().await.expect("commits");
    let all = NewJob::of(tenant, &EvaluateAllSegments {}).expect("a small payload");
    let all_id = all.id();
    let (_, announcement) = enqueue(&mut conn, &[all]).await.expect("enqueued");
    app.dispatch.announce(announcement);
    let waiters = Waiters::start(app.dispatch.clone());
    let mut watch = waiters.watch(all_id);
    let working = tokio::spawn({
        let (app, url) = (app.clone(), url.clone());
        async move { work_off(&app, &url).await }
    });
    while read::job(&mut conn, None, all_id).await.expect("the ledger").expect("the job").state != State::Done
    {
        watch.changed().await;
    }
    let live: i64 = sqlx::query_scalar("select count(*) from jobs.live where kind = 'evaluate_segment'")
        .fetch_one(&mut *conn)
        .await
        .expect("the ledger");
    assert_eq!(
        live, 3,
        "the one that has begun, its successor, and the other segment's, which waits for that"
    );
    let result = serde_json::value::to_raw_value(&()).expect("JSON");
    let ending = Ending::Done { result: Some(result), then: Vec::new() };
    let mut batch = [Completion::of(&running, ending)];
    let completed = complete(&mut conn, worker, &mut batch).await.expect("completed");
    app.dispatch.announce(completed.announcement);
    app.dispatch.tell(&completed.events);
    working.await.expect("the worker");

    let mut tx = app.db.tenant_tx(Role::Marketing, tenant).await.expect("begins");
    for segment in [inner, outer] {
        let computed =
            store::get(&mut tx, segment).await.expect("read").expect("there").computed.expect("evaluated");
        assert_eq!(computed.members, Some(20), "{segment} has the members of the new run");
    }
}

/// Works everything off, what puts itself off included.
async fn work_off(app: &Arc<App>, url: &str) {
    let mut conn = app.store.pool().acquire().await.expect("the ledger");
    loop {
        drain(&app.store, &app.dispatch, handlers::all(app), url, &["default"]).await.expect("drained");
        // An evaluation puts itself off while one that it needs is under way.
        let due: Option<DateTime<Utc>> = sqlx::query_scalar("select min(due_at) from jobs.live")
            .fetch_one(&mut *conn)
            .await
            .expect("the ledger");
        let Some(due) = due else { break };
        tokio::time::sleep((due - Utc::now()).to_std().unwrap_or_default()).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_segments_are_evaluated_in_the_order_of_their_references() {
    let Shop { _database, url, app, tenant } = shop().await;
    let inner = segment(&app.db, tenant, "Inner", "marketing_opt_in = true").await;
    let outer = segment(&app.db, tenant, "Outer", "order_count > 50 and in segment \"Inner\"").await;
    let outermost =
        segment(&app.db, tenant, "Outermost", "not in segment \"Outer\" and in segment \"Inner\"").await;

    let mut conn = app.store.pool().acquire().await.expect("the ledger");
    let job = NewJob::of(tenant, &EvaluateAllSegments {}).expect("a small payload");
    let all = job.id();
    let (_, announcement) = enqueue(&mut conn, &[job]).await.expect("enqueued");
    app.dispatch.announce(announcement);
    work_off(&app, &url).await;
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
