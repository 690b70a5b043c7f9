//! A shop with real purchases, whose jobs are worked off one after the other.

use std::{io::Read as _, path::Path, sync::Arc};

use chrono::{DateTime, NaiveDate, Utc};
use database::{Db, Role, ids::TenantId};
use jobs::{
    JobId, JobKind, NewJob, State, enqueue,
    read::{self, JobView},
};
use migrations::testing::{TestDatabase, fresh_database};
use platform::{
    kinds::{ResegmentTenant, resegment_tenant::RunReport},
    orders::{
        file,
        import::{self, Import, Next},
        reading::{Request, Source},
    },
};
use sqlx::PgConnection;
use uuid::Uuid;
use worker::{
    app::App,
    handlers,
    testing::{self, drain},
};

pub const QUEUES: [&str; 3] = ["intelligence", "profiles", "default"];
pub const DESK_QUEUES: [&str; 3] = ["reading", "profiles", "default"];

pub struct Shop {
    pub database: TestDatabase,
    pub url: String,
    pub app: Arc<App>,
    pub tenant: TenantId,
}

impl Shop {
    pub async fn open() -> Shop {
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
    pub async fn import(&self, log: &[u8]) {
        let wanted = Import {
            id: Uuid::now_v7(),
            tenant: self.tenant,
            source: "test".to_owned(),
            size_bytes: None,
            fingerprint: None,
            is_current: false,
            newest_at: None,
            assumed_currency: None,
            batch_lines: 50_000,
            erasure_key: self.app.erasure_key(self.tenant),
        };
        let open = file::open(Source::Memory(log.into()), Request::new("USD", Utc::now()));
        import::run(&self.app.db, &wanted, open, |_| Next::Continue).await.expect("the import");
    }

    /// The real purchases of every sixth customer of CDNOW, and of customers 7 and 8.
    pub async fn import_cdnow(&self) {
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

    pub async fn enqueue<K: JobKind>(&self, payload: &K) -> JobId {
        let mut conn = self.app.store.pool().acquire().await.expect("the ledger");
        let job = NewJob::of(self.tenant, payload).expect("a small payload");
        let (enqueued, announcement) = enqueue(&mut conn, &[job]).await.expect("the ledger takes it");
        self.app.dispatch.announce(announcement);
        enqueued[0].id
    }

    /// Enqueues a job and works everything off, whatever follows from it included.
    pub async fn run<K: JobKind>(&self, payload: &K) -> JobView {
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

    pub async fn evaluate(&self, job: &ResegmentTenant) -> RunReport {
        let view = self.run(job).await;
        assert_eq!(view.state, State::Done, "{:?}", view.error);
        serde_json::from_value(view.result.expect("a report")).expect("its own shape")
    }

    pub async fn count(&self, statement: &'static str) -> i64 {
        let mut tx = self.app.db.tenant_tx(Role::Platform, self.tenant).await.expect("the database");
        sqlx::query_scalar(statement).fetch_one(&mut *tx).await.expect(statement)
    }

    /// A digest of all that readers see, without times and without the identity of runs.
    pub async fn digest(&self) -> String {
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
pub async fn next_due(conn: &mut PgConnection) -> Option<DateTime<Utc>> {
    sqlx::query_scalar("select min(due_at) from jobs.live").fetch_one(conn).await.expect("the ledger")
}

/// How many customers `import_cdnow` brings.
pub const CUSTOMERS: i64 = 3_930;

pub fn june_1998() -> ResegmentTenant {
    ResegmentTenant { as_of: NaiveDate::from_ymd_opt(1998, 6, 30), ..ResegmentTenant::default() }
}
