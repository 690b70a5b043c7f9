//! A shop read by whole clusters: through kills of workers, calls that go wrong, and webhooks that are lost, twice or late, the
//! tables say in the end what the shop says; and pages are asked for within the shop's allowance.

use std::sync::Arc;
use std::time::Duration;

use accounts::shopify::{self as connections, Connection};
use chrono::{TimeDelta, Utc};
use cluster::shopify::show::{self, Size};
use cluster::shopify::source::Source;
use cluster::shopify::{self, Manners, Stub};
use database::ids::TenantId;
use database::{Db, Role, act_as};
use jobs::{NewJob, enqueue};
use migrations::testing::{TestDatabase, fresh_database};
use platform::kinds::SyncShopify;
use platform::shops::SHOPIFY;
use platform::shops::health::{self, Status};
use sqlx::PgPool;
use upstreams::shopify::Shopify;
use upstreams::{Breakers, Destinations};
use worker::app::App;
use worker::handlers;
use worker::testing::{self, drain};

#[tokio::test(flavor = "multi_thread")]
async fn the_tables_equal_the_shop_whatever_goes_wrong() {
    boot::install_tls();
    let manners = Manners { faults_per_thousand: 120, token_secs: 305, ..Manners::default() };
    let size = Size {
        orders: 600,
        changes: 150,
        kills: 2,
        manners,
        workers: 1,
        paged: false,
        limit: Duration::from_secs(240),
    };
    let seen = show::run(size).await.expect("it ends");
    assert_eq!(seen.differences, Vec::<String>::new());
    assert!(seen.expected > 500 && seen.delivered.lost > 0, "{seen:?}");
    assert_eq!((seen.delivered.refused, seen.dead), (0, 0), "{seen:?}");
    assert!(seen.heard.faults > 0 && seen.heard.bulks >= 2, "{:?}", seen.heard);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_reading_by_pages_stays_within_the_allowance() {
    boot::install_tls();
    let manners = Manners { points_per_second: 100.0, ..Manners::default() };
    let size = Size {
        orders: 1_200,
        changes: 0,
        kills: 0,
        manners,
        workers: 2,
        paged: true,
        limit: Duration::from_secs(240),
    };
    let seen = show::run(size).await.expect("it ends");
    assert_eq!(seen.differences, Vec::<String>::new());
    assert_eq!((seen.heard.throttled, seen.heard.bulks), (0, 0), "{:?}", seen.heard);
}

/// A shop connected to a worker's handlers, without processes.
struct Desk {
    database: TestDatabase,
    url: String,
    app: Arc<App>,
    tenant: TenantId,
    stub: Stub,
}

impl Desk {
    async fn open(orders: u64, manners: Manners) -> Desk {
        boot::install_tls();
        let database = fresh_database().await;
        let redis = std::env::var("TEST_REDIS_URL").expect("TEST_REDIS_URL: run the tests with `make test`");
        let url = database.url_for("desk_worker");
        let stub = shopify::start(Source::new(orders, 5), manners).await.expect("a free port");
        let settings = upstreams::shopify::Settings {
            client_id: shopify::CLIENT_ID.to_owned(),
            client_secret: shopify::SECRET.to_owned(),
            version: "2026-07".to_owned(),
            scopes: String::new(),
            base: Some(stub.base()),
        };
        let client =
            Shopify::new(settings, Destinations::PublicOrLoopback, Breakers::default()).expect("a client");
        let app = Arc::new(App { shopify: Some(client), ..testing::app(&url, &redis) });
        let api = Db::connect(&database.url_for("desk_api"), 1).expect("the test database's URL");
        let mut tx = api.gateway_tx().await.expect("the database");
        let tenant = accounts::tenants::create(&mut tx, "shop", "Shop", "UTC").await.expect("a tenant").id;
        tx.commit().await.expect("the database");
        let desk = Desk { database, url, app, tenant, stub };
        desk.connect(3_600).await;
        desk
    }

    /// Stores tokens that expire after so many seconds, as an install does.
    async fn connect(&self, secs: i64) {
        self.connect_with(secs, "").await;
    }

    /// The same with permissions.
    async fn connect_with(&self, secs: i64, scopes: &str) {
        let (access_token, refresh_token) = self.stub.issue();
        let now = Utc::now();
        let connection = Connection {
            shop: shopify::SHOP.to_owned(),
            access_token,
            expires_at: Some(now + TimeDelta::seconds(secs)),
            refresh_token: Some(refresh_token),
            scopes: scopes.to_owned(),
            written_at: now,
        };
        let api = Db::connect(&self.database.url_for("desk_api"), 1).expect("the test database's URL");
        let mut tx = api.gateway_tx().await.expect("the database");
        connections::connect(&mut tx, &self.app.master_key, self.tenant, &connection, now)
            .await
            .expect("connected");
        act_as(&mut tx, Role::Platform, Some(self.tenant)).await.expect("the database");
        let status = (Status::Connected, None);
        health::set(&mut tx, self.tenant, SHOPIFY, shopify::SHOP, status, now).await.expect("noted");
        tx.commit().await.expect("the database");
    }

    async fn sync(&self) {
        let job = NewJob::of(self.tenant, &SyncShopify { paged: true, step: None }).expect("a job");
        let mut conn = self.app.store.pool().acquire().await.expect("the ledger");
        let announcement = enqueue(&mut conn, &[job]).await.expect("the ledger takes it").1;
        self.app.dispatch.announce(announcement);
        self.drain().await;
    }

    async fn drain(&self) {
        let handlers = handlers::all(&self.app);
        drain(&self.app.store, &self.app.dispatch, handlers, &self.url, &["imports", "default"])
            .await
            .expect("the drain");
    }

    async fn admin(&self) -> PgPool {
        PgPool::connect(&self.database.admin_url).await.expect("the server answers")
    }

    async fn health(&self) -> health::Health {
        let mut tx = self.app.db.tenant_tx(Role::Platform, self.tenant).await.expect("the database");
        health::read(&mut tx, SHOPIFY).await.expect("read").expect("there is one")
    }

    async fn differences(&self) -> Vec<String> {
        let expected = self.stub.source(|source| source.expected());
        show::differences(&self.admin().await, self.tenant.0, &expected).await.expect("compared")
    }
}

#[tokio::test]
async fn a_shop_that_takes_our_tokens_no_more_is_told_of_and_its_jobs_wait() {
    let desk = Desk::open(120, Manners::default()).await;
    desk.stub.revoke(true);
    desk.sync().await;
    let health = desk.health().await;
    assert_eq!(health.status, Status::Revoked);
    assert!(health.reason.is_some_and(|reason| reason.contains("does not take our access token")));
    let admin = desk.admin().await;
    let text = async |select: &'static str| -> String {
        sqlx::query_scalar(select).fetch_one(&admin).await.expect("a text")
    };
    assert_eq!(text("select string_agg(state::text, ' ') from jobs.live").await, "scheduled", "it waits");
    assert_eq!(
        text("select string_agg(action, ' ') from shared.audit where action like 'shopify%'").await,
        "shopify.revoked"
    );
    // Somebody connects the shop again.
    desk.stub.revoke(false);
    desk.connect(3_600).await;
    sqlx::query("update jobs.live set due_at = now()").execute(&admin).await.expect("it is due");
    desk.drain().await;
    assert_eq!(desk.differences().await, Vec::<String>::new());
    assert_eq!(desk.health().await.status, Status::Connected);
}

#[tokio::test]
async fn tokens_are_renewed_before_they_expire_and_the_shop_is_read_once() {
    let desk = Desk::open(230, Manners::default()).await;
    desk.connect(60).await;
    desk.sync().await;
    assert_eq!(desk.differences().await, Vec::<String>::new());
    let heard = desk.stub.heard();
    assert_eq!((heard.renewals, heard.throttled), (1, 0), "{heard:?}");
    let admin = desk.admin().await;
    let read: i64 =
        sqlx::query_scalar("select sum(read)::bigint from platform.shop_sync where resource = 'orders'")
            .fetch_one(&admin)
            .await
            .expect("a sum");
    assert_eq!(read, 230, "each order once");
    let categories: i64 = sqlx::query_scalar("select count(distinct category) from platform.order_line")
        .fetch_one(&admin)
        .await
        .expect("a count");
    assert_eq!(categories, 4);
}

#[tokio::test]
async fn an_order_that_was_deleted_and_of_which_nobody_told_is_taken_out_by_the_next_reading() {
    let desk = Desk::open(230, Manners::default()).await;
    desk.sync().await;
    assert_eq!(desk.differences().await, Vec::<String>::new());
    desk.stub.source(|source| source.deletes_silently(3));
    assert_eq!(desk.differences().await.len(), 4, "nobody knows yet");
    desk.stub.forget_heard();
    desk.sync().await;
    // The oldest order is beyond what this app is shown, so that it is not there says nothing.
    assert_eq!(desk.differences().await.len(), 1);
    let points = desk.stub.heard().points;
    assert!(points < 200.0, "an id costs a point, and 55 of 300 days are looked at: {points}");

    desk.connect_with(3_600, "read_orders,read_all_orders").await;
    desk.sync().await;
    assert_eq!(desk.differences().await, Vec::<String>::new());
}
