//! Sources as jobs: a table of the tests' own Postgres is read, and read again where it changed; what vanished stops it with a
//! sentence.

use std::path::PathBuf;
use std::sync::Arc;

use chrono::Utc;
use database::{Db, Role, ids::TenantId};
use jobs::read::{self, JobView};
use jobs::{NewJob, State, enqueue};
use migrations::testing::{TestDatabase, fresh_database};
use platform::kinds::SyncSource;
use platform::orders::Meaning;
use platform::orders::mapping::{self, Mapping};
use platform::sources::{self, Config, Place};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use uuid::Uuid;
use worker::app::App;
use worker::handlers;
use worker::testing::{self, drain};

struct Shop {
    database: TestDatabase,
    url: String,
    app: Arc<App>,
    tenant: TenantId,
    folder: PathBuf,
}

impl Drop for Shop {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

const TABLE: &str = "create schema sales; create table sales.line (
    number text, who text, at timestamptz, pieces integer, total numeric(12, 2), changed timestamptz not null, note text);
    insert into sales.line values
        ('A-1', 'c1', '2026-10-01 10:00+02', 2, 10.50, '2026-10-01 10:00+00', 'a \"quoted\", note'),
        ('A-1', 'c1', '2026-10-01 10:00+02', 1, 4.00, '2026-10-01 10:00+00', null),
        ('A-2', 'c2', '2026-10-02 10:00+02', 1, 7.25, '2026-10-02 10:00+00', null),
        ('A-3', null, '2026-10-02 10:00+02', 1, 7.25, '2026-10-02 10:00+00', null)";

impl Shop {
    async fn open() -> Shop {
        boot::install_tls();
        let database = fresh_database().await;
        let url = database.url_for("desk_worker");
        let redis = std::env::var("TEST_REDIS_URL").expect("TEST_REDIS_URL: run the tests with `make test`");
        let folder = std::env::temp_dir().join(format!("deskwork-sources-{}", Uuid::now_v7()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let app = Arc::new(App { import_dir: folder.clone(), ..testing::app(&url, &redis) });
        let api = Db::connect(&database.url_for("desk_api"), 1).expect("the test database's URL");
        let mut tx = api.gateway_tx().await.expect("the database");
        let tenant = accounts::tenants::create(&mut tx, "shop", "Shop", "UTC").await.expect("a tenant").id;
        tx.commit().await.expect("the database");
        let shop = Shop { database, url, app, tenant, folder };
        shop.elsewhere(TABLE).await;
        shop.save().await;
        shop
    }

    /// Does something in the database that is the source.
    async fn elsewhere(&self, statements: &str) {
        let mut admin = PgConnection::connect(&self.database.admin_url).await.expect("the server answers");
        sqlx::raw_sql(AssertSqlSafe(statements.to_owned())).execute(&mut admin).await.expect("done");
    }

    /// Saves mapping and source, as they are now.
    async fn save(&self) {
        let options: PgConnectOptions = self.database.admin_url.parse().expect("a URL");
        let place = Place::Postgres {
            host: "127.0.0.1".to_owned(),
            port: options.get_port(),
            database: options.get_database().expect("a database").to_owned(),
            user: options.get_username().to_owned(),
            table: "sales.line".to_owned(),
            changes: Some("changed".to_owned()),
        };
        let meanings = [
            ("number", Meaning::OrderId),
            ("who", Meaning::CustomerId),
            ("at", Meaning::OrderedAt),
            ("pieces", Meaning::Quantity),
            ("total", Meaning::Amount),
            ("changed", Meaning::UpdatedAt),
        ];
        let columns = meanings.iter().map(|(name, meaning)| ((*name).to_owned(), *meaning)).collect();
        let mapping = Mapping { columns, ..Mapping::default() };
        let config = Config { place, mapping: "lines".to_owned(), currency: "EUR".to_owned() };
        let mut admin = PgConnection::connect(&self.database.admin_url).await.expect("the server answers");
        let kinds = upstreams::sources::columns(&mut admin, "sales.line").await.expect("columns");
        let owner = format!("{}:source:shop-db", self.tenant);
        let sealed = self.app.master_key.seal(&owner, b"");
        let mut tx = self.app.db.tenant_tx(Role::Platform, self.tenant).await.expect("the database");
        assert!(mapping::save(&mut tx, self.tenant, "lines", &mapping).await.expect("saved"));
        assert!(
            sources::save(&mut tx, self.tenant, "shop-db", (&config, &sealed), &kinds).await.expect("saved")
        );
        tx.commit().await.expect("the database");
    }

    async fn sync(&self) -> JobView {
        let job = NewJob::of(self.tenant, &SyncSource { source: Some("shop-db".to_owned()) }).expect("a job");
        let mut conn = self.app.store.pool().acquire().await.expect("the ledger");
        let (enqueued, announcement) = enqueue(&mut conn, &[job]).await.expect("the ledger takes it");
        self.app.dispatch.announce(announcement);
        let handlers = handlers::all(&self.app);
        drain(&self.app.store, &self.app.dispatch, handlers, &self.url, &["imports"])
            .await
            .expect("the drain");
        read::job(&mut conn, Some(self.tenant.0), enqueued[0].id).await.expect("the ledger").expect("the job")
    }

    async fn sold(&self) -> String {
        let mut tx = self.app.db.tenant_tx(Role::Platform, self.tenant).await.expect("the database");
        sqlx::query_scalar(
            "select string_agg(order_id || '=' || sold || '/' || lines, ' ' order by order_id) from platform.order",
        )
        .fetch_one(&mut *tx)
        .await
        .expect("a text")
    }
}

fn done(view: &JobView) -> serde_json::Value {
    assert_eq!(view.state, State::Done, "{:?}", view.error);
    view.result.clone().expect("a result")
}

#[tokio::test]
async fn a_table_is_read_and_read_again_where_it_changed() {
    let shop = Shop::open().await;
    let first = done(&shop.sync().await);
    assert_eq!((&first["rows"], &first["import"]["orders_inserted"]), (&4.into(), &2.into()));
    assert_eq!(first["import"]["left_out"], serde_json::json!({"customer_missing": 1}));
    assert_eq!(shop.sold().await, "A-1=14.50/2 A-2=7.25/1");
    // One line of an order changes: the order is read as a whole.
    shop.elsewhere(
        "update sales.line set total = 5.00, changed = '2026-11-01 00:00+00' where number = 'A-1' and total = 4.00",
    )
    .await;
    let second = done(&shop.sync().await);
    assert_eq!(second["import"]["orders_replaced"], 1);
    assert_eq!(shop.sold().await, "A-1=15.50/2 A-2=7.25/1");
    let third = done(&shop.sync().await);
    assert_eq!(third["rows"], 2, "what was changed in the moment that was read last is read again");
    assert_eq!(third["import"]["orders_unchanged"], 1);
    assert!(
        std::fs::read_dir(shop.folder.join("tenants").join(shop.tenant.to_string()).join("sources"))
            .expect("a folder")
            .next()
            .is_none()
    );
}

#[tokio::test]
async fn a_column_that_changed_or_vanished_stops_it_until_it_is_saved_again() {
    let shop = Shop::open().await;
    shop.elsewhere("alter table sales.line alter pieces type bigint").await;
    let view = shop.sync().await;
    assert_eq!(view.state, State::Dead);
    let message = view.error.as_ref().expect("an error")["message"].as_str().unwrap_or_default().to_owned();
    assert!(message.contains("`pieces` was of type integer and is of type bigint"), "{message}");
    shop.save().await;
    done(&shop.sync().await);
    shop.elsewhere("alter table sales.line drop total").await;
    let view = shop.sync().await;
    let message = view.error.as_ref().expect("an error")["message"].as_str().unwrap_or_default().to_owned();
    assert!(view.state == State::Dead && message.contains("`total`"), "{message}");
    let mut tx = shop.app.db.tenant_tx(Role::Platform, shop.tenant).await.expect("the database");
    let source = sources::find(&mut tx, "shop-db").await.expect("read").expect("there");
    assert!(source.problem.is_some_and(|problem| problem.contains("`total`")));
    assert!(source.last_at.is_some_and(|at| at <= Utc::now()));
}
