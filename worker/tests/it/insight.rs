//! Customer intelligence from orders to published rows, on real servers and real purchases.

use std::{io::Read as _, path::Path, sync::Arc};

use chrono::{DateTime, NaiveDate, Utc};
use database::{
    Db, Role,
    ids::{TenantId, TicketId},
};
use jobs::{
    JobId, JobKind, NewJob, State, enqueue,
    read::{self, JobView},
};
use migrations::testing::{TestDatabase, fresh_database};
use platform::insights::archetype_names;
use platform::kinds::{RecomputeProfile, ResegmentTenant, ScoreCustomers, resegment_tenant::RunReport};
use platform::orders::file;
use platform::orders::import::{self, Import, Next};
use platform::orders::reading::{Request, Source};
use sqlx::{Connection, PgConnection, Row};
use support::kinds::SettleTicket;
use support::order::place;
use support::ratings::{self, NewRating, Score};
use uuid::Uuid;
use worker::{
    app::App,
    handlers,
    testing::{self, drain},
};

const QUEUES: [&str; 3] = ["intelligence", "profiles", "default"];
const DESK_QUEUES: [&str; 3] = ["reading", "profiles", "default"];

struct Shop {
    database: TestDatabase,
    url: String,
    app: Arc<App>,
    tenant: TenantId,
}

impl Shop {
    async fn open() -> Shop {
        boot::install_tls();
        let database = fresh_database().await;
        let url = database.url_for("desk_worker");
        let redis = std::env::var("TEST_REDIS_URL").expect("TEST_REDIS_URL: run the tests with `make test`");
        let app = Arc::new(testing::app(&url, &redis));
        // Tenants are made by the api; a worker may not.
        let api = Db::connect(&database.url_for("desk_api"), 1).expect("the test database's URL");
        let mut tx = api.gateway_tx().await.expect("the database");
        let tenant = accounts::tenants::create(&mut tx, "shop", "Shop", "UTC").await.expect("a tenant").id;
        tx.commit().await.expect("the database");
        Shop { database, url, app, tenant }
    }

    /// Imports a purchase log as it would come from the shop.
    async fn import(&self, log: &[u8]) {
        let wanted = Import {
            id: Uuid::now_v7(),
            tenant: self.tenant,
            source: "test".to_owned(),
            size_bytes: None,
            fingerprint: None,
            batch_lines: 50_000,
            erasure_key: self.app.erasure_key(self.tenant),
        };
        let open = file::open(Source::Memory(log.into()), Request::new("USD", Utc::now()));
        import::run(&self.app.db, &wanted, open, |_| Next::Continue).await.expect("the import");
    }

    /// The real purchases of every sixth customer of CDNOW, and of customers 7 and 8.
    async fn import_cdnow(&self) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../data/cdnow.csv.gz");
        let file = std::fs::File::open(path).expect("the purchases");
        let mut log = String::new();
        flate2::read::GzDecoder::new(file).read_to_string(&mut log).expect("gzip");
        let chosen = |line: &&str| {
            let customer = line.split(',').nth(1).expect("a customer").parse::<u32>();
            customer.is_ok_and(|customer| customer % 6 == 0 || customer == 7 || customer == 8)
        };
        let header = log.lines().next().expect("a header");
        let lines: Vec<&str> = std::iter::once(header).chain(log.lines().skip(1).filter(chosen)).collect();
        self.import((lines.join("\n") + "\n").as_bytes()).await;
    }

    async fn enqueue<K: JobKind>(&self, payload: &K) -> JobId {
        let mut conn = self.app.store.pool().acquire().await.expect("the ledger");
        let job = NewJob::of(self.tenant, payload).expect("a small payload");
        let (enqueued, announcement) = enqueue(&mut conn, &[job]).await.expect("the ledger takes it");
        self.app.dispatch.announce(announcement);
        enqueued[0].id
    }

    /// Enqueues a job and works everything off, whatever follows from it included.
    async fn run<K: JobKind>(&self, payload: &K) -> JobView {
        let id = self.enqueue(payload).await;
        loop {
            drain(&self.app.store, &self.app.dispatch, handlers::all(&self.app), &self.url, &QUEUES)
                .await
                .expect("the drain");
            let mut conn = self.app.store.pool().acquire().await.expect("the ledger");
            let Some(due) = next_due(&mut conn).await else {
                return read::job(&mut conn, Some(self.tenant.0), id)
                    .await
                    .expect("the ledger")
                    .expect("the job exists");
            };
            // a run puts itself off while others work; time itself is what is awaited
            tokio::time::sleep((due - Utc::now()).to_std().unwrap_or_default()).await;
        }
    }

    async fn evaluate(&self, job: &ResegmentTenant) -> RunReport {
        let view = self.run(job).await;
        assert_eq!(view.state, State::Done, "{:?}", view.error);
        serde_json::from_value(view.result.expect("a report")).expect("its own shape")
    }

    async fn count(&self, statement: &'static str) -> i64 {
        let mut tx = self.app.db.tenant_tx(Role::Platform, self.tenant).await.expect("the database");
        sqlx::query_scalar(statement).fetch_one(&mut *tx).await.expect(statement)
    }

    /// A digest of all that readers see, without times and without the identity of runs.
    async fn digest(&self) -> String {
        let mut tx = self.app.db.tenant_tx(Role::Platform, self.tenant).await.expect("the database");
        sqlx::query_scalar(
            "select md5(string_agg(md5(concat_ws('|', f.customer_id, f.orders, f.spend_cents, f.first_order_on,
                        f.last_order_on, f.purchase_frequency, f.purchase_value, f.category_exploration,
                        f.price_sensitivity, f.purchase_cadence, f.customer_maturity, f.repurchase_behavior,
                        f.return_behavior, f.communication, f.problem_complexity, f.loyalty, f.feedback,
                        f.value_sensitivity, i.places, f.archetype_l1, f.archetype_l2, f.churn, f.ltv, i.confidence, i.who, i.features,
                        i.memberships, i.ltv_low, i.ltv_high, i.churn_reasons)), '' order by f.customer_id collate \"C\"))
             from platform.customer_fact f join platform.customer_insight i using (tenant_id, generation, customer_id)
                  join platform.current_run c using (generation)",
        )
        .fetch_one(&mut *tx)
        .await
        .expect("a digest")
    }
}

/// When the next job that put itself off is due.
async fn next_due(conn: &mut PgConnection) -> Option<DateTime<Utc>> {
    sqlx::query_scalar("select min(due_at) from jobs.live").fetch_one(conn).await.expect("the ledger")
}

/// How many customers `import_cdnow` brings.
const CUSTOMERS: i64 = 3_930;

fn june_1998() -> ResegmentTenant {
    ResegmentTenant { as_of: NaiveDate::from_ymd_opt(1998, 6, 30), ..ResegmentTenant::default() }
}

#[tokio::test]
async fn a_run_says_something_of_everybody_and_the_next_run_says_the_same() {
    let shop = Shop::open().await;
    shop.import_cdnow().await;
    let report = shop.evaluate(&june_1998()).await;
    assert_eq!((report.customers, report.generation), (CUSTOMERS, 1));
    assert_eq!(report.lines, shop.count("select count(*) from platform.order_line").await);

    let complete = "select count(*) from platform.customer_fact f join platform.customer_insight i
                    using (tenant_id, generation, customer_id) join platform.current_run c using (generation)
                    where f.churn between 0 and 1 and f.ltv >= 0 and i.ltv_low <= f.ltv and f.ltv <= i.ltv_high
                      and f.purchase_frequency is not null and f.archetype_l1 is not null and i.who <> ''";
    let total = shop.count("select count(*) from platform.customer_fact").await;
    assert_eq!(total, CUSTOMERS);
    let share = shop.count(complete).await as f64 / total as f64;
    assert!(share >= 0.95, "{share} of the customers have segments, an archetype, churn and lifetime value");
    assert!(
        shop.count("select count(*) from platform.customer_insight where churn_reasons is not null").await
            > 0
    );
    assert_eq!(shop.count("select count(*) from platform.model where role = 'champion'").await, 2);
    assert_eq!(
        shop.count(
            "select sum(cardinality(customers))::bigint from platform.profile_snapshot where grain = 'day'"
        )
        .await,
        CUSTOMERS
    );
    assert_eq!(shop.count("select count(*) from platform.drift_report").await, 1);

    // Nothing has changed since, so neither do the rows, and nobody moved.
    let first = shop.digest().await;
    let again = shop.evaluate(&june_1998()).await;
    assert_eq!(again.generation, 2);
    assert_eq!(shop.digest().await, first);
    assert_eq!(
        shop.count("select count(*) from platform.customer_fact").await,
        CUSTOMERS,
        "the old generation is gone"
    );
    assert_eq!(shop.count("select count(*) from platform.customer_change").await, 0);
    assert_eq!(
        shop.count("select count(*) from platform.model").await,
        2,
        "young champions are not challenged"
    );
}

#[tokio::test]
async fn words_are_stored_and_a_new_version_keeps_the_names_that_the_shop_gave() {
    let shop = Shop::open().await;
    shop.import_cdnow().await;
    shop.evaluate(&june_1998()).await;
    let mut tx = shop.app.db.tenant_tx(Role::Platform, shop.tenant).await.expect("the database");
    let who: Vec<String> =
        sqlx::query_scalar("select who from platform.customer_insight order by customer_id")
            .fetch_all(&mut *tx)
            .await
            .expect("sentences");
    assert!(
        who.iter()
            .all(|who| who.contains(" since ") || who.contains(", in ") || who.contains(" on one day in "))
    );
    let compared = "select count(*) from platform.customer_insight
                    where get_byte(places, 2) between 0 and 99 and get_byte(places, 3) between 0 and 99";
    assert_eq!(shop.count(compared).await, CUSTOMERS, "everybody's spend is compared");

    // The largest archetype gets a name of the shop's own.
    let (segmentation, catalog): (Uuid, serde_json::Value) =
        sqlx::query_as("select id, catalog from platform.segmentation where state = 'current'")
            .fetch_one(&mut *tx)
            .await
            .expect("a version");
    let archetypes = catalog["archetypes"].as_array().expect("archetypes");
    let largest = archetypes.iter().max_by_key(|one| one["support"].as_i64()).expect("one");
    assert!(largest["description"].as_str().is_some_and(|text| text.starts_with("Typically ")), "{largest}");
    let id = largest["id"].as_str().expect("an id");
    let names = platform::insights::catalog::Catalogs::default();
    let known = names.get(&mut tx, shop.tenant, segmentation).await.expect("readable").expect("there");
    archetype_names::give(&mut tx, segmentation, &known, id, "Our own people", Utc::now())
        .await
        .expect("named");
    tx.commit().await.expect("the database");

    shop.evaluate(&ResegmentTenant { refit: true, ..june_1998() }).await;
    let mut tx = shop.app.db.tenant_tx(Role::Platform, shop.tenant).await.expect("the database");
    let newer: Uuid = sqlx::query_scalar("select id from platform.segmentation where state = 'current'")
        .fetch_one(&mut *tx)
        .await
        .expect("a version");
    assert_ne!(newer, segmentation);
    let given = archetype_names::given(&mut tx, newer).await.expect("names");
    assert_eq!(given.values().collect::<Vec<_>>(), ["Our own people"]);
    let taken: Option<Uuid> =
        sqlx::query_scalar("select taken_from from platform.archetype_name where segmentation_id = $1")
            .bind(newer)
            .fetch_one(&mut *tx)
            .await
            .expect("a name");
    assert_eq!(taken, Some(segmentation));
}

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
async fn a_model_of_later_days_does_not_answer_for_an_earlier_one() {
    let shop = Shop::open().await;
    shop.import_cdnow().await;
    shop.evaluate(&june_1998()).await;
    let march = ResegmentTenant { as_of: NaiveDate::from_ymd_opt(1998, 3, 31), ..ResegmentTenant::default() };
    shop.evaluate(&march).await;
    let champions = "select count(*) from platform.model where role = 'champion'";
    let of_march =
        "select count(*) from platform.model where role = 'champion' and trained_as_of = '1998-03-31'";
    assert_eq!((shop.count(champions).await, shop.count(of_march).await), (2, 2));
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
}

#[tokio::test]
async fn a_small_shop_gets_what_can_be_said_and_why_not_the_rest() {
    let shop = Shop::open().await;
    let empty = shop.run(&ResegmentTenant::default()).await;
    assert_eq!(empty.state, State::Cancelled, "a shop without orders has nothing to evaluate");

    let mut log = String::from(
        "order_id,customer_id,ordered_at,product_id,category,quantity,amount,is_return,currency\n",
    );
    for customer in 0..8 {
        log += &format!(
            "o{customer},c{customer},2026-0{}-11T09:30:00Z,p1,shirts,1,20.00,false,EUR\n",
            customer % 8 + 1
        );
    }
    log += "r1,only-returns,2026-05-01T00:00:00Z,p1,shirts,1,-20.00,true,EUR\n";
    log += "x1,other-currency,2026-05-01T00:00:00Z,p1,shirts,1,9999999.00,false,JPY\n";
    shop.import(log.as_bytes()).await;
    let report = shop
        .evaluate(&ResegmentTenant {
            as_of: NaiveDate::from_ymd_opt(2026, 9, 1),
            ..ResegmentTenant::default()
        })
        .await;
    assert_eq!(report.customers, 10);
    assert!(!report.notes.is_empty(), "why there are no scores");
    assert_eq!(shop.count("select count(*) from platform.customer_fact").await, 10);
    assert_eq!(shop.count("select count(*) from platform.customer_fact where orders = 0").await, 2);
    assert_eq!(
        shop.count("select count(*) from platform.customer_insight where confidence = 'rule' and who <> ''")
            .await,
        10
    );
    let mut tx = shop.app.db.tenant_tx(Role::Platform, shop.tenant).await.expect("the database");
    let row =
        sqlx::query("select report from platform.segmentation").fetch_one(&mut *tx).await.expect("a version");
    let why: serde_json::Value = row.try_get("report").expect("a report");
    assert!(why["rules_only"].as_str().is_some_and(|why| why.contains("customers")), "{why}");
}

#[tokio::test]
async fn a_damaged_model_does_not_take_scoring_down() {
    let shop = Shop::open().await;
    shop.import_cdnow().await;
    shop.evaluate(&june_1998()).await;
    let mut tx = shop.app.db.tenant_tx(Role::Platform, shop.tenant).await.expect("the database");
    sqlx::query("update platform.model set artefact = substr(artefact, 1, 100) where target = 'churn'")
        .execute(&mut *tx)
        .await
        .expect("damage");
    tx.commit().await.expect("the database");
    let report = shop.evaluate(&june_1998()).await;
    assert!(
        report.notes.iter().any(|note| note.contains("churn model 1") && note.contains("damaged")),
        "{:?}",
        report.notes
    );
    assert_eq!(shop.count("select count(*) from platform.customer_fact where churn is not null").await, 0);
    assert!(
        shop.count("select count(*) from platform.customer_fact where ltv is not null").await
            > CUSTOMERS * 9 / 10
    );
}

#[tokio::test]
async fn a_large_import_during_a_run_has_one_more_run_that_it_asks_for() {
    meet_a_run_with_a_large_import(true).await;
}

#[tokio::test]
async fn very_many_changes_during_a_run_have_one_more_run_that_nobody_asks_for() {
    meet_a_run_with_a_large_import(false).await;
}

/// More customers than are computed one by one or in batches order while a run is under way. An import asks for a
/// run when it is done; changes that came in several small imports, each computed as of the old run, do not.
async fn meet_a_run_with_a_large_import(import_asks: bool) {
    let shop = Shop::open().await;
    shop.import(b"order_id,customer_id,ordered_at,quantity,amount\nfirst,7,2026-07-04T10:00:00Z,1,49.90\n")
        .await;
    // The coordinator has a queue of its own here, so that nobody does the run's other jobs for the moment.
    let run = ResegmentTenant::default();
    let ask = || {
        let job = NewJob::of(shop.tenant, &run).expect("small").with_queue("coordinators");
        job.with_dedup_key(ResegmentTenant::PLAIN).expect("a key")
    };
    let mut conn = shop.app.store.pool().acquire().await.expect("the ledger");
    let (first, announcement) = enqueue(&mut conn, &[ask()]).await.expect("taken");
    shop.app.dispatch.announce(announcement);
    let waiters = jobs::events::Waiters::start(shop.app.dispatch.clone());
    let mut watch = waiters.watch(first[0].id);
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let worker = worker::runtime::run(
        shop.app.store.clone(),
        shop.app.dispatch.clone(),
        handlers::all(&shop.app),
        worker::runtime::Options {
            name: "coordinator".to_owned(),
            queues: [("coordinators".to_owned(), 1)].into(),
            grace: std::time::Duration::from_secs(10),
            database_url: shop.url.clone().into(),
            pulse: worker::runtime::Pulse::default(),
        },
        async move { drop(stopped.await) },
    );
    let worker = tokio::spawn(worker);
    while read::job(&mut conn, None, first[0].id).await.expect("the ledger").expect("the job").state
        != State::Scheduled
    {
        watch.changed().await;
    }
    let _ = stop.send(());
    worker.await.expect("no panic").expect("the runtime");

    let mut log = String::from("order_id,customer_id,ordered_at,quantity,amount\n");
    for n in 0..5_001 {
        log.push_str(&format!("o{n},c{n},2026-07-05T10:00:00Z,1,10.00\n"));
    }
    shop.import(log.as_bytes()).await;
    if import_asks {
        // The run that is under way does not swallow it.
        let (asked, announcement) = enqueue(&mut conn, &[ask()]).await.expect("taken");
        shop.app.dispatch.announce(announcement);
        assert!(asked[0].created && asked[0].state == State::Scheduled, "{asked:?}");
    }
    drop(conn);
    let queues = ["coordinators", "intelligence", "profiles", "default"];
    loop {
        drain(&shop.app.store, &shop.app.dispatch, handlers::all(&shop.app), &shop.url, &queues)
            .await
            .expect("the drain");
        let mut conn = shop.app.store.pool().acquire().await.expect("the ledger");
        let Some(due) = next_due(&mut conn).await else { break };
        tokio::time::sleep((due - Utc::now()).to_std().unwrap_or_default()).await;
    }
    // The publication of the first asks in any case: together with the import's it is one.
    let runs = "select count(*) from platform.intelligence_run where state in ('published', 'superseded')";
    assert_eq!(shop.count(runs).await, 2);
    let current =
        "select count(*) from platform.current_run c join platform.intelligence_run r on r.id = c.run_id
                   where r.started_at > (select max(refreshed_at) from platform.customer_profile)";
    assert_eq!(shop.count(current).await, 1, "the run that readers see began after the import");
    assert_eq!(shop.count("select count(*) from platform.customer_fact").await, 5_002);
    let cancelled = "select count(*) from jobs.job where kind = 'resegment_tenant' and state <> 'done'";
    assert_eq!(shop.count(cancelled).await, 0);
}
