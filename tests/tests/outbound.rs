//! Events on their way to partners' endpoints, with a real database, a real worker and an endpoint that misbehaves.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use cluster::upstream::{self, Fault, FaultRule, Upstream, When};
use database::ids::TenantId;
use database::{Db, Role};
use migrations::testing::{TestDatabase, fresh_database};
use outbound::catalogue;
use outbound::deliveries::State;
use outbound::deliveries::list::{self, Filter, Listed};
use outbound::deliveries::replay;
use outbound::endpoints::{self, Wanted};
use outbound::pump;
use outbound::signature::{self, Secret};
use outbound::tell::tell;
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};
use upstreams::breaker::BreakerSettings;
use upstreams::webhook::Webhooks;
use upstreams::{Breakers, Destinations};
use uuid::Uuid;
use worker::app::App;
use worker::testing::{self, drain};
use worker::{handlers, outbox};

/// A client that waits so long for an answer. No circuit opens here: what is tested is what becomes of each request.
fn webhooks(patience: Duration) -> Webhooks {
    let breakers = Breakers::new(BreakerSettings { failures: 10_000, ..BreakerSettings::default() });
    Webhooks::with_patience(Destinations::PublicOrLoopback, breakers, patience).expect("a client")
}

/// A tenant whose partner is played by an upstream.
struct World {
    database: TestDatabase,
    url: String,
    upstream: Upstream,
    app: Arc<App>,
    tenant: TenantId,
}

impl World {
    async fn open() -> World {
        boot::install_tls();
        let database = fresh_database().await;
        let upstream = upstream::start(([127, 0, 0, 1], 0).into()).await.expect("a free port");
        let redis = std::env::var("TEST_REDIS_URL").expect("TEST_REDIS_URL: run the tests with `make test`");
        let url = database.url_for("desk_worker");
        // An answer that comes may come late: the machine does other things as well.
        let app = Arc::new(App { webhooks: webhooks(Duration::from_secs(60)), ..testing::app(&url, &redis) });
        let api = Db::connect(&database.url_for("desk_api"), 1).expect("the test database's URL");
        let mut tx = api.gateway_tx().await.expect("the database");
        let tenant =
            accounts::tenants::create(&mut tx, "shop", "Lamp Shop", "UTC").await.expect("a tenant").id;
        tx.commit().await.expect("the database");
        World { database, url, upstream, app, tenant }
    }

    async fn endpoint(&self, name: &str, events: &[&str], ordered: bool) -> (Uuid, Secret) {
        let events: Vec<String> = events.iter().map(|event| (*event).to_owned()).collect();
        let url = self.upstream.hook(name);
        let wanted = Wanted { url: &url, description: "", events: &events, ordered };
        let mut tx = self.app.db.tenant_tx(Role::Outbound, self.tenant).await.expect("the database");
        let made = endpoints::create(&mut tx, &self.app.master_key, self.tenant, &wanted, "key:test").await;
        tx.commit().await.expect("the database");
        made.expect("the database").expect("there is room")
    }

    /// Something happens: an event about a subject, with a number in it.
    async fn happens(&self, subject: &str, number: i64) {
        let mut tx = self.app.db.tenant_tx(Role::Support, self.tenant).await.expect("the database");
        let data = json!({ "ticket_id": Uuid::nil(), "status": "open", "version": number });
        tell(&mut tx, "ticket.status_changed", subject, &data).await.expect("told");
        tx.commit().await.expect("the database");
    }

    /// Everything that is to be done now is done.
    async fn works(&self) {
        self.works_as(&self.app).await;
    }

    /// The same by a worker that waits for no answer.
    async fn works_impatiently(&self) {
        let redis = std::env::var("TEST_REDIS_URL").expect("TEST_REDIS_URL");
        let webhooks = webhooks(Duration::from_millis(200));
        self.works_as(&Arc::new(App { webhooks, ..testing::app(&self.url, &redis) })).await;
    }

    async fn works_as(&self, app: &Arc<App>) {
        outbox::hand_out(&app.store, &app.dispatch).await.expect("handed out");
        drain(&app.store, &app.dispatch, handlers::all(app), &self.url, &["outbound"])
            .await
            .expect("the queue");
    }

    /// As if the time of everything that waits had come.
    async fn time_passes(&self) {
        let mut admin = self.admin().await;
        sqlx::query("update outbound.webhook_delivery set next_at = now() where state = 'waiting'")
            .execute(&mut admin)
            .await
            .expect("the database");
        sqlx::query("update jobs.live set due_at = now(), run_at = now() where due_at is not null")
            .execute(&mut admin)
            .await
            .expect("the ledger");
    }

    async fn deliveries(&self) -> Vec<Listed> {
        let mut tx = self.app.db.tenant_tx(Role::Outbound, self.tenant).await.expect("the database");
        let mut all = list::list(&mut tx, &Filter::default(), None, 1_000).await.expect("the database");
        tx.commit().await.expect("the database");
        all.reverse();
        all
    }

    /// Jobs that delivered something and are over.
    async fn jobs(&self) -> i64 {
        sqlx::query_scalar("select count(*) from jobs.finished where kind = 'deliver_webhook'")
            .fetch_one(&mut self.admin().await)
            .await
            .expect("the ledger")
    }

    async fn only(&self) -> Listed {
        let all = self.deliveries().await;
        assert_eq!(all.len(), 1, "{all:?}");
        all.into_iter().next().expect("one")
    }

    async fn endpoint_now(&self, id: Uuid) -> endpoints::Endpoint {
        let mut tx = self.app.db.tenant_tx(Role::Outbound, self.tenant).await.expect("the database");
        endpoints::get(&mut tx, id).await.expect("the database").expect("it is there")
    }

    fn answers(&self, name: &str, count: u32, fault: Fault) {
        let route = format!("/hooks/{name}");
        self.upstream.inject(FaultRule { route, method: None, count, when: When::Before, fault });
    }

    fn status(&self, name: &str, count: u32, status: u16, retry_after: Option<&str>) {
        self.answers(
            name,
            count,
            Fault::Status { status, retry_after: retry_after.map(str::to_owned), body: None },
        );
    }

    /// The numbers that an endpoint got, in the order in which they came.
    fn numbers(&self, name: &str) -> Vec<i64> {
        let body =
            |delivered: &upstream::Delivered| serde_json::from_slice::<Value>(&delivered.body).expect("JSON");
        let of_it = self.upstream.delivered().into_iter().filter(|delivered| delivered.name == name);
        of_it.map(|delivered| body(&delivered)["data"]["version"].as_i64().expect("a number")).collect()
    }

    async fn admin(&self) -> PgConnection {
        PgConnection::connect(&self.database.admin_url).await.expect("the server answers")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_is_delivered_signed_and_listed() {
    let world = World::open().await;
    let (endpoint, secret) = world.endpoint("a", &["ticket.*"], false).await;
    world.endpoint("b", &["segment.*"], false).await;
    world.happens("ticket:1", 7).await;
    world.works().await;

    let delivered = world.upstream.delivered();
    assert_eq!(delivered.len(), 1, "the other endpoint listens to something else");
    let [id, timestamp, signatures] = &delivered[0].headers;
    let now = Utc::now().timestamp();
    assert!(signature::verify(&secret, id, timestamp, signatures, &delivered[0].body, now));
    let body: Value = serde_json::from_slice(&delivered[0].body).expect("JSON");
    assert_eq!((&body["type"], &body["version"]), (&json!("ticket.status_changed"), &json!(1)));
    let kind = catalogue::find("ticket.status_changed").expect("in the catalogue");
    assert_eq!(kind.misfit(&body["data"]), None);

    let listed = world.only().await;
    assert_eq!((listed.state, listed.attempts, listed.last_status), (State::Delivered, 0, Some(204)));
    assert_eq!(*id, format!("msg_{}", listed.event_id.simple()));
    let mut tx = world.app.db.tenant_tx(Role::Outbound, world.tenant).await.expect("the database");
    let shown = list::show(&mut tx, listed.id).await.expect("the database").expect("it is there");
    drop(tx);
    assert_eq!(shown.request_body, body);
    assert_eq!(shown.requests.len(), 1);
    assert_eq!(shown.requests[0].request_headers[signature::SIGNATURE_HEADER], "(hidden)");
    assert!(world.endpoint_now(endpoint).await.last_success_at.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_was_replaced_signs_for_a_day() {
    let world = World::open().await;
    let (endpoint, old) = world.endpoint("a", &["*"], false).await;
    let mut tx = world.app.db.tenant_tx(Role::Outbound, world.tenant).await.expect("the database");
    let key = &world.app.master_key;
    let new =
        endpoints::rotate(&mut tx, key, world.tenant, endpoint, Utc::now()).await.expect("the database");
    tx.commit().await.expect("the database");
    world.happens("ticket:1", 1).await;
    world.works().await;
    let mut admin = world.admin().await;
    sqlx::query("update outbound.endpoint set old_secret_until = now()")
        .execute(&mut admin)
        .await
        .expect("updated");
    world.happens("ticket:1", 2).await;
    world.works().await;

    let verifies = |secret: &Secret, place: usize| {
        let delivered = &world.upstream.delivered()[place];
        let [id, timestamp, signatures] = &delivered.headers;
        signature::verify(secret, id, timestamp, signatures, &delivered.body, Utc::now().timestamp())
    };
    assert!(verifies(&old, 0) && verifies(&new, 0));
    assert!(!verifies(&old, 1) && verifies(&new, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn attempts_are_spent_by_the_endpoints_faults_and_waits_are_not() {
    let world = World::open().await;
    world.endpoint("a", &["*"], false).await;
    world.status("a", 1, 429, Some("120"));
    world.status("a", 1, 503, None);
    world.status("a", 1, 302, None);
    world.answers("a", 1, Fault::Close);
    world.answers("a", 1, Fault::Hang);
    world.happens("ticket:1", 1).await;
    let mut seen = Vec::new();
    for round in 0..6 {
        let began = Utc::now();
        if round == 4 {
            world.works_impatiently().await;
        } else {
            world.works().await;
        }
        let ended = Utc::now();
        let listed = world.only().await;
        // How long it waits, counted from when the request ended, which was between these two moments.
        let wait = listed.next_at.map(|at| ((at - ended).num_seconds(), (at - began).num_seconds()));
        seen.push((listed.attempts, listed.waits, wait, listed.last_error.unwrap_or_default()));
        world.time_passes().await;
    }
    let waits = |place: usize, secs: i64| {
        assert!(seen[place].2.is_some_and(|(least, most)| least <= secs && secs <= most), "{seen:?}");
    };
    assert_eq!((seen[0].0, seen[0].1), (0, 1), "a named time is a wait: {seen:?}");
    waits(0, 120);
    for (place, secs, words) in
        [(1, 5, "503"), (2, 300, "302"), (3, 1_800, "the connection broke"), (4, 7_200, "no answer in time")]
    {
        assert_eq!(seen[place].0, i16::try_from(place).expect("small"), "{seen:?}");
        waits(place, secs);
        assert!(seen[place].3.contains(words), "{seen:?}");
    }
    let listed = world.only().await;
    assert_eq!((listed.state, listed.attempts), (State::Delivered, 4));
    let mut admin = world.admin().await;
    let attempts: i16 =
        sqlx::query_scalar("select max(attempt) from jobs.finished where kind = 'deliver_webhook'")
            .fetch_one(&mut admin)
            .await
            .expect("the ledger");
    assert_eq!(attempts, 1, "no attempt of the job was spent");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_is_gone_is_disabled_and_what_waits_has_failed() {
    let world = World::open().await;
    let (endpoint, _) = world.endpoint("a", &["ticket.*"], false).await;
    world.endpoint("owner", &["endpoint.*"], false).await;
    world.status("a", 1, 500, None);
    world.happens("ticket:1", 1).await;
    world.works().await;
    world.status("a", 10, 410, None);
    world.happens("ticket:1", 2).await;
    world.works().await;
    world.works().await;

    let now = world.endpoint_now(endpoint).await;
    assert_eq!(now.state, endpoints::State::Disabled);
    let states: Vec<State> =
        world.deliveries().await.iter().filter(|d| d.endpoint_id == endpoint).map(|d| d.state).collect();
    assert_eq!(states, [State::Failed, State::Failed]);
    let told = world.upstream.delivered();
    let told: Value = serde_json::from_slice(&told.last().expect("the owner is told").body).expect("JSON");
    assert_eq!((&told["type"], &told["data"]["reason"]), (&json!("endpoint.disabled"), &json!("gone")));
    world.happens("ticket:1", 3).await;
    world.works().await;
    assert_eq!(
        world.deliveries().await.iter().filter(|d| d.endpoint_id == endpoint).count(),
        2,
        "it gets nothing"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_keeps_failing_is_paused_and_goes_on_when_it_is_resumed() {
    let world = World::open().await;
    let (endpoint, _) = world.endpoint("a", &["ticket.*"], false).await;
    world.endpoint("owner", &["endpoint.paused"], false).await;
    world.status("a", 10, 500, None);
    world.happens("ticket:1", 1).await;
    for _ in 0..10 {
        world.works().await;
        world.time_passes().await;
    }
    world.works().await;
    assert_eq!(world.endpoint_now(endpoint).await.state, endpoints::State::Paused);
    let first =
        world.deliveries().await.into_iter().find(|d| d.endpoint_id == endpoint).expect("it is listed");
    assert_eq!((first.state, first.attempts), (State::Failed, 10));
    let told = world.upstream.delivered();
    assert_eq!(told.iter().filter(|delivered| delivered.name == "owner").count(), 1);

    world.happens("ticket:1", 2).await;
    world.works().await;
    assert_eq!(world.numbers("a"), [] as [i64; 0], "it waits");
    let mut tx = world.app.db.tenant_tx(Role::Outbound, world.tenant).await.expect("the database");
    endpoints::set_state(&mut tx, endpoint, endpoints::State::Active, None).await.expect("the database");
    let announcement = replay::resume(&mut tx, world.tenant, endpoint).await.expect("the ledger");
    tx.commit().await.expect("the database");
    world.app.dispatch.announce(announcement);
    world.works().await;
    assert_eq!(world.numbers("a"), [2]);

    // What failed is sent once more by a filter, which is counted first.
    let filter = Filter { endpoint: Some(endpoint), state: Some(State::Failed), ..Filter::default() };
    let mut tx = world.app.db.tenant_tx(Role::Outbound, world.tenant).await.expect("the database");
    assert_eq!(replay::count(&mut tx, &filter).await.expect("the database"), 1);
    let (count, announcement) = replay::by_filter(&mut tx, world.tenant, &filter).await.expect("the ledger");
    assert_eq!(count, 1);
    assert_eq!(replay::count(&mut tx, &filter).await.expect("the database"), 0, "it is on its way");
    tx.commit().await.expect("the database");
    world.app.dispatch.announce(announcement);
    world.works().await;
    assert_eq!(world.numbers("a"), [2, 1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn order_is_kept_where_it_is_asked_for() {
    let world = World::open().await;
    world.endpoint("a", &["ticket.*"], true).await;
    world.status("a", 2, 500, None);
    for number in 1..=20 {
        world.happens("ticket:1", number).await;
        if number % 5 == 0 {
            world.works().await;
        }
    }
    assert_eq!(world.numbers("a"), [] as [i64; 0], "the first one has failed, and the others wait for it");
    let waiting = world.deliveries().await;
    assert_eq!(waiting.iter().filter(|d| d.attempts > 0).count(), 1);
    for _ in 0..3 {
        world.time_passes().await;
        world.works().await;
    }
    assert_eq!(world.numbers("a"), (1..=20).collect::<Vec<i64>>());
}

/// A backlog costs a job for many deliveries, not one for each: whoever ended one goes on with the next.
#[tokio::test(flavor = "multi_thread")]
async fn a_backlog_in_order_is_delivered_by_few_jobs() {
    let world = World::open().await;
    world.endpoint("a", &["ticket.*"], true).await;
    for number in 1..=40 {
        world.happens("ticket:1", number).await;
    }
    world.works().await;
    assert_eq!(world.numbers("a"), (1..=40).collect::<Vec<i64>>());
    assert!(world.jobs().await < 40, "{} jobs", world.jobs().await);

    // The one that fails comes again at its time, by a job of its own, and the others wait for it.
    world.status("a", 1, 500, None);
    for number in 41..=45 {
        world.happens("ticket:1", number).await;
    }
    world.works().await;
    assert_eq!(world.numbers("a").len(), 40);
    world.time_passes().await;
    world.works().await;
    assert_eq!(world.numbers("a"), (1..=45).collect::<Vec<i64>>());
}

/// Requests to one endpoint that may be under way at once.
const AT_ONCE: usize = 4;

/// As many as may be are under way; the others are put off, and taken over by those, each once.
#[tokio::test(flavor = "multi_thread")]
async fn a_slow_endpoint_is_served_as_fast_as_it_answers_and_each_event_once() {
    let world = World::open().await;
    world.endpoint("a", &["ticket.*"], false).await;
    world.answers("a", 100, Fault::Hold);
    for number in 1..=14 {
        world.happens("ticket:1", number).await;
    }
    // No answer comes before everything for which there is no place was put off.
    let answers = async {
        while world.deliveries().await.iter().filter(|listed| listed.waits > 0).count() < 14 - AT_ONCE {}
        world.upstream.release();
    };
    tokio::join!(world.works(), answers);
    let taken_over = world.deliveries().await;
    let is_taken_over = |listed: &&Listed| listed.waits > 0 && listed.state == State::Delivered;
    assert!(taken_over.iter().filter(is_taken_over).count() > 0, "{taken_over:?}");
    for _ in 0..14 {
        if world.deliveries().await.iter().all(|listed| listed.state == State::Delivered) {
            break;
        }
        world.time_passes().await;
        world.works().await;
    }
    let mut numbers = world.numbers("a");
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=14).collect::<Vec<i64>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_inside_is_not_called() {
    let world = World::open().await;
    world.endpoint("a", &["*"], false).await;
    let breakers = Breakers::default();
    let webhooks = Webhooks::new(Destinations::PublicOnly, breakers).expect("a client");
    let redis = std::env::var("TEST_REDIS_URL").expect("TEST_REDIS_URL");
    let app = Arc::new(App { webhooks, ..testing::app(&world.url, &redis) });
    world.happens("ticket:1", 1).await;
    outbox::hand_out(&app.store, &app.dispatch).await.expect("handed out");
    drain(&app.store, &app.dispatch, handlers::all(&app), &world.url, &["outbound"])
        .await
        .expect("the queue");
    let listed = world.only().await;
    assert!(listed.last_error.as_deref().is_some_and(|why| why.contains("must not be called")), "{listed:?}");
    assert!(world.upstream.delivered().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_event_is_tried_once_also_while_the_endpoint_is_paused() {
    let world = World::open().await;
    let (endpoint, _) = world.endpoint("a", &["sla.*"], true).await;
    let ask = async || {
        let mut tx = world.app.db.tenant_tx(Role::Outbound, world.tenant).await.expect("the database");
        endpoints::set_state(&mut tx, endpoint, endpoints::State::Paused, None).await.expect("the database");
        endpoints::test(&mut tx, world.tenant, endpoint).await.expect("the database");
        tx.commit().await.expect("the database");
        world.works().await;
    };
    ask().await;
    assert_eq!(world.only().await.state, State::Delivered);
    world.status("a", 1, 500, None);
    ask().await;
    let states: Vec<State> = world.deliveries().await.iter().map(|d| d.state).collect();
    assert_eq!(states, [State::Delivered, State::Failed]);
    assert_eq!(world.endpoint_now(endpoint).await.failures, 0, "a test says nothing of the endpoint");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_written_where_nobody_listens() {
    let world = World::open().await;
    world.happens("ticket:1", 1).await;
    world.endpoint("a", &["sla.*"], false).await;
    world.happens("ticket:1", 2).await;
    let mut admin = world.admin().await;
    let outbox: i64 = sqlx::query_scalar("select count(*) from outbound.outbox")
        .fetch_one(&mut admin)
        .await
        .expect("the database");
    assert_eq!(outbox, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_waits_for_an_event_hears_of_it_and_keeps_nobodys_dead_rows_meanwhile() {
    let world = World::open().await;
    world.endpoint("a", &["*"], false).await;
    let mut engine = world.app.store.pool().acquire().await.expect("the ledger");
    let waiting = tokio::spawn(async move { pump::await_event(&mut engine, Duration::from_secs(25)).await });
    let mut admin = world.admin().await;
    // Each look is a transaction of its own.
    let looks = "select xact_start from pg_stat_activity
                 where datname = current_database() and query like 'call outbound.await_event%'";
    let mut seen = BTreeSet::new();
    while seen.len() < 3 {
        let look: Option<Option<DateTime<Utc>>> =
            sqlx::query_scalar(looks).fetch_optional(&mut admin).await.expect("asked");
        seen.extend(look.flatten());
    }
    world.happens("ticket:1", 1).await;
    assert!(waiting.await.expect("it ends").expect("the ledger"));
    world.works().await;
    assert_eq!(world.only().await.state, State::Delivered);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_whose_job_is_gone_gets_another_and_not_for_ever() {
    let world = World::open().await;
    world.endpoint("a", &["*"], false).await;
    world.happens("ticket:1", 1).await;
    outbox::hand_out(&world.app.store, &world.app.dispatch).await.expect("handed out");
    let mut admin = world.admin().await;
    let mut revived = Vec::new();
    for _ in 0..6 {
        sqlx::query("delete from jobs.live").execute(&mut admin).await.expect("the ledger");
        sqlx::query("update outbound.webhook_delivery set next_at = now() - interval '11 minutes'")
            .execute(&mut admin)
            .await
            .expect("the database");
        let mut conn = world.app.store.pool().acquire().await.expect("the ledger");
        revived.push(pump::look_after_overdue(&mut conn).await.expect("the ledger").0);
    }
    assert_eq!(revived, [1, 1, 1, 1, 1, 0]);
    let listed = world.only().await;
    assert_eq!(listed.state, State::Failed);
    assert!(listed.last_error.is_some());
}

/// What the triggers tell is what the catalogue says.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_told_is_in_the_catalogue() {
    let world = World::open().await;
    world.endpoint("a", &["*"], false).await;
    let mut admin = world.admin().await;
    for statement in include_str!("outbound/everything.sql").split(";\n\n") {
        let statement = statement.replace("TENANT", &world.tenant.to_string());
        sqlx::raw_sql(sqlx::AssertSqlSafe(statement.clone()))
            .execute(&mut admin)
            .await
            .unwrap_or_else(|error| panic!("{statement}: {error}"));
    }
    let told: Vec<(String, Value)> = sqlx::query_as("select type, data from outbound.outbox order by id")
        .fetch_all(&mut admin)
        .await
        .expect("the outbox");
    let mut counts = BTreeMap::new();
    for (kind, data) in &told {
        let known = catalogue::find(kind).unwrap_or_else(|| panic!("{kind} is not in the catalogue"));
        assert_eq!(known.misfit(data), None, "{kind}: {data}");
        *counts.entry(kind.as_str()).or_insert(0) += 1;
    }
    // Told by programs, and tested where they are.
    let by_programs = ["customer.erased", "endpoint.disabled", "endpoint.paused", catalogue::TEST];
    for kind in catalogue::EVENTS.iter().filter(|kind| !by_programs.contains(&kind.name)) {
        assert!(counts.contains_key(kind.name), "{} was not told: {counts:?}", kind.name);
    }
    assert_eq!(counts["customer.profile_changed"], 2, "what says the same is not told");
    assert_eq!(counts["job.dead"], 1, "not of the jobs that tell");
}
