//! Alerts through the queue: told once although several jobs look at once, and open tickets brought up to a changed policy
//! in steps that are begun again where they stopped.

use std::sync::Arc;

use chrono::{DateTime, Duration, Utc};
use database::ids::{TenantId, TicketId};
use database::{Db, Role};
use jobs::{NewJob, SYSTEM_TENANT, enqueue};
use migrations::testing::{TestDatabase, fresh_database};
use serde_json::json;
use sqlx::{Connection, PgConnection};
use support::kinds::{AnnounceSla, CheckSla, RecountSla};
use support::settle;
use support::sla::policies;
use worker::app::App;
use worker::handlers;
use worker::testing::{self, drain};

struct Shop {
    database: TestDatabase,
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
        let api = Db::connect(&database.url_for("desk_api"), 1).expect("the test database's URL");
        let mut tx = api.gateway_tx().await.expect("begins");
        let tenant = accounts::tenants::create(&mut tx, "shop", "Shop", "UTC").await.expect("a tenant").id;
        tx.commit().await.expect("commits");
        Shop { database, app, tenant }
    }

    /// An urgent ticket whose customer wrote then.
    async fn ticket(&self, at: DateTime<Utc>) -> TicketId {
        let id = TicketId::new();
        let mut tx = self.app.db.tenant_tx(Role::Support, self.tenant).await.expect("begins");
        sqlx::query(
            "with ticket as (
                 insert into support_app.ticket (id, tenant_id, number, provider, external_id, channel, source, status,
                     priority, created_at)
                 values ($1, $2, (random() * 1e9)::bigint, 'desk', $1::text, 'email', 'desk', 'open', 'urgent', $3)
             )
             insert into support_app.message (id, tenant_id, ticket_id, external_id, from_agent, internal, channel,
                 body_text, sent_at)
             values (gen_random_uuid(), $2, $1, 'm', false, false, 'email', 'x', $3)",
        )
        .bind(id)
        .bind(self.tenant)
        .bind(at)
        .execute(&mut *tx)
        .await
        .expect("a ticket");
        let _ = settle::settle(&mut tx, self.tenant, id, at).await.expect("settled").expect("there");
        tx.commit().await.expect("commits");
        id
    }

    async fn enqueue(&self, jobs: &[NewJob]) {
        let mut conn = self.app.store.pool().acquire().await.expect("the ledger");
        let (_, announcement) = enqueue(&mut conn, jobs).await.expect("enqueued");
        self.app.dispatch.announce(announcement);
    }

    async fn work_off(&self) {
        let url = self.database.url_for("desk_worker");
        let queues = ["default", "profiles", "ops", "ai"];
        drain(&self.app.store, &self.app.dispatch, handlers::all(&self.app), &url, &queues)
            .await
            .expect("drained");
    }

    async fn count(&self, what: &str) -> i64 {
        let mut admin = PgConnection::connect(&self.database.admin_url).await.expect("connects");
        let statement = sqlx::AssertSqlSafe(format!("select count(*) from {what}"));
        sqlx::query_scalar(statement).fetch_one(&mut admin).await.expect("counted")
    }
}

fn announce(tenant: TenantId, ticket: TicketId, name: &str) -> NewJob {
    let job = NewJob::of(tenant, &AnnounceSla { ticket_id: ticket.0 }).expect("a job");
    job.with_dedup_key(&format!("{ticket}:{name}")).expect("a key")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_alert_is_told_once_by_whoever_comes_first() {
    let shop = Shop::open().await;
    let mut jobs = Vec::new();
    for _ in 0..30 {
        // 30 minutes are the target, so it is breached; the resolution, 8 hours, is not.
        let ticket = shop.ticket(Utc::now() - Duration::minutes(31)).await;
        jobs.extend(["a", "b", "c"].map(|name| announce(shop.tenant, ticket, name)));
    }
    let net = |key: &str| {
        let job = NewJob::of(TenantId(SYSTEM_TENANT), &CheckSla::default()).expect("a job");
        job.with_dedup_key(key).expect("a key")
    };
    jobs.insert(10, net("one"));
    jobs.insert(40, net("two"));
    shop.enqueue(&jobs).await;
    tokio::join!(shop.work_off(), shop.work_off());
    assert_eq!(shop.count("support_app.sla_alert where kind = 'breach'").await, 30);
    assert_eq!(shop.count("support_app.sla_alert").await, 30);
    let told = "(select kind from support_app.event_pending union all select kind from support_app.event) e
                where kind in ('sla_breach', 'sla_warning')";
    assert_eq!(shop.count(told).await, 30);
    assert_eq!(shop.count("support_app.ticket where sla_state = 'breached'").await, 30);
    assert_eq!(shop.count("jobs.dead").await, 0);
    // The next thing to be told of each is the resolution.
    let waiting = "jobs.live where kind = 'announce_sla' and state = 'scheduled'";
    assert!(shop.count(waiting).await >= 30);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_policy_is_brought_to_the_tickets_that_a_first_run_left() {
    let shop = Shop::open().await;
    let mut tickets = Vec::new();
    for _ in 0..210 {
        tickets.push(shop.ticket(Utc::now() - Duration::minutes(1)).await);
    }
    let spec = serde_json::from_value(json!({
        "name": "All", "targets": { "urgent": { "first_response": { "minutes": 600, "time": "calendar" } } }
    }))
    .expect("a policy");
    let mut tx = shop.app.db.tenant_tx(Role::Support, shop.tenant).await.expect("begins");
    let now = support::sla::alerts::now(&mut tx).await.expect("a time");
    policies::create(&mut tx, shop.tenant, &spec, None, now, now).await.expect("made");
    tx.commit().await.expect("commits");
    // A run that was cut off after ten tickets left this behind.
    let rest = NewJob::of(shop.tenant, &RecountSla { after: Some(tickets[9].0) }).expect("a job");
    shop.enqueue(&[rest]).await;
    shop.work_off().await;
    assert_eq!(shop.count("support_app.sla_clock where target_minutes = 600").await, 200);
    let whole = NewJob::of(shop.tenant, &RecountSla::default()).expect("a job");
    shop.enqueue(&[whole]).await;
    shop.work_off().await;
    assert_eq!(shop.count("support_app.sla_clock where target_minutes = 600").await, 210);
    // The default resolution is no promise any more.
    assert_eq!(
        shop.count("support_app.sla_clock where kind = 'resolution' and verdict = 'cancelled'").await,
        210
    );
    assert_eq!(shop.count("jobs.dead").await, 0);
}
