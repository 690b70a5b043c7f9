//! Imports as jobs: what their results say of a file, and what ends them by name.

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use chrono::Utc;
use database::{Db, Role, ids::TenantId};
use jobs::{
    JobId, NewJob, State, enqueue,
    read::{self, JobView},
};
use migrations::testing::{TestDatabase, fresh_database};
use platform::kinds::ImportOrders;
use platform::orders::Meaning;
use platform::orders::mapping::{self, Mapping};
use worker::{
    app::App,
    handlers,
    testing::{self, drain},
};

use super::nightly::next_due;

struct Shop {
    _database: TestDatabase,
    url: String,
    app: Arc<App>,
    tenant: TenantId,
    folder: PathBuf,
}

impl Shop {
    async fn open() -> Shop {
        boot::install_tls();
        let database = fresh_database().await;
        let url = database.url_for("desk_worker");
        let redis = std::env::var("TEST_REDIS_URL").expect("TEST_REDIS_URL: run the tests with `make test`");
        let folder = database.folder();
        std::fs::create_dir_all(&folder).expect("a folder");
        let app = Arc::new(App { import_dir: folder.clone(), ..testing::app(&url, &redis) });
        let api = Db::connect(&database.url_for("desk_api"), 1).expect("the test database's URL");
        let mut tx = api.gateway_tx().await.expect("the database");
        let tenant =
            accounts::tenants::create(&mut tx, "shop", "Shop", "Europe/Berlin").await.expect("a tenant").id;
        tx.commit().await.expect("the database");
        Shop { _database: database, url, app, tenant, folder }
    }

    async fn import(&self, bytes: &[u8], mapping: Option<&str>) -> JobView {
        self.import_in(bytes, mapping, Some("EUR")).await
    }

    async fn import_in(&self, bytes: &[u8], mapping: Option<&str>, currency: Option<&str>) -> JobView {
        std::fs::write(self.folder.join("file.csv"), bytes).expect("a file");
        let payload = ImportOrders {
            path: "file.csv".to_owned(),
            currency: currency.map(str::to_owned),
            stated: Default::default(),
            mapping: mapping.map(str::to_owned),
        };
        let id = self.enqueue(NewJob::of(self.tenant, &payload).expect("a small payload")).await;
        let handlers = handlers::all(&self.app);
        drain(&self.app.store, &self.app.dispatch, handlers, &self.url, &["imports"])
            .await
            .expect("the drain");
        let mut conn = self.app.store.pool().acquire().await.expect("the ledger");
        read::job(&mut conn, Some(self.tenant.0), id).await.expect("the ledger").expect("the job exists")
    }

    async fn enqueue(&self, job: NewJob) -> JobId {
        let mut conn = self.app.store.pool().acquire().await.expect("the ledger");
        let (enqueued, announcement) = enqueue(&mut conn, &[job]).await.expect("the ledger takes it");
        self.app.dispatch.announce(announcement);
        enqueued[0].id
    }

    /// Works everything off that imports ask for, whatever follows from it included.
    async fn work_off(&self) {
        loop {
            let handlers = handlers::all(&self.app);
            let queues = ["intelligence", "profiles", "default"];
            drain(&self.app.store, &self.app.dispatch, handlers, &self.url, &queues)
                .await
                .expect("the drain");
            let mut conn = self.app.store.pool().acquire().await.expect("the ledger");
            let Some(due) = next_due(&mut conn).await else { return };
            // A run puts itself off while others work; time itself is what is awaited.
            tokio::time::sleep((due - Utc::now()).to_std().unwrap_or_default()).await;
        }
    }

    /// The jobs that were asked for by imports, by kind.
    async fn asked_for(&self) -> Vec<(String, i64)> {
        let mut tx = self.app.db.tenant_tx(Role::Platform, self.tenant).await.expect("the database");
        sqlx::query_as(
            "select kind, count(*) from jobs.job where kind in ('resegment_tenant', 'recompute_profile')
             group by kind order by kind",
        )
        .fetch_all(&mut *tx)
        .await
        .expect("the ledger")
    }

    async fn sold(&self) -> String {
        let mut tx = self.app.db.tenant_tx(Role::Platform, self.tenant).await.expect("the database");
        sqlx::query_scalar("select count(*) || ' ' || coalesce(sum(amount), 0) from platform.order_line")
            .fetch_one(&mut *tx)
            .await
            .expect("a sum")
    }
}

fn done(view: JobView) -> serde_json::Value {
    assert_eq!(view.state, State::Done, "{:?}", view.error);
    view.result.expect("a result")
}

/// The class and message of an import that ended.
fn dead(view: &JobView) -> (String, String) {
    assert_eq!(view.state, State::Dead, "{:?}", view.result);
    let error = view.error.as_ref().expect("an error");
    let text = |name: &str| error[name].as_str().unwrap_or_default().to_owned();
    (text("class"), text("message"))
}

#[tokio::test]
async fn an_export_as_it_is_becomes_orders() {
    let shop = Shop::open().await;
    let text = "Name,Email,Financial Status,Currency,Total,Created at,Lineitem quantity,Lineitem name,Lineitem price,Lineitem sku,Cancelled at,Id,Mood\n\
        #1001,maya@example.com,paid,EUR,59.80,2026-10-07 09:50:26 +0200,2,Lamp,19.90,L-1,,741099,x\n\
        #1001,maya@example.com,,,,2026-10-07 09:50:26 +0200,1,Bulb,20.00,B-1,,,\n";
    let result = done(shop.import(text.as_bytes(), None).await);
    assert_eq!((&result["profile"], &result["orders_inserted"]), (&"shopify_orders".into(), &1.into()));
    assert_eq!(result["unknown_columns"], serde_json::json!(["Mood"]));
    assert_eq!(result["columns"]["unit_price"], "Lineitem price");
    assert_eq!(shop.sold().await, "2 59.80");
    let again = done(shop.import(text.as_bytes(), None).await);
    assert_eq!((&again["orders_inserted"], &again["orders_unchanged"]), (&0.into(), &1.into()));
    assert_eq!(shop.sold().await, "2 59.80");
}

#[tokio::test]
async fn a_shops_first_imports_ask_for_one_run_and_later_ones_for_their_customers() {
    let shop = Shop::open().await;
    let file = |order: u32| {
        format!("order_id,customer_id,ordered_at,amount\n{order},c{order},2026-10-0{order},5\n").into_bytes()
    };
    let asked = |kind: &str, jobs: i64| (kind.to_owned(), jobs);
    for order in 1..4 {
        done(shop.import(&file(order), None).await);
        assert_eq!(shop.asked_for().await, [asked("resegment_tenant", 1)], "import {order}");
    }
    shop.work_off().await;
    let mut tx = shop.app.db.tenant_tx(Role::Platform, shop.tenant).await.expect("the database");
    let known: i64 = sqlx::query_scalar(
        "select count(*) from platform.customer_fact join platform.current_run using (tenant_id, generation)",
    )
    .fetch_one(&mut *tx)
    .await
    .expect("readable");
    tx.commit().await.expect("the database");
    assert_eq!(known, 3);
    let before = shop.asked_for().await;
    assert!(before.contains(&asked("resegment_tenant", 1)), "{before:?}");
    // From then on a small import is followed by its customers alone.
    done(shop.import(&file(4), None).await);
    let mut after = before.clone();
    after.retain(|(kind, _)| kind != "recompute_profile");
    let recomputed = before.iter().find(|(kind, _)| kind == "recompute_profile").map_or(0, |(_, jobs)| *jobs);
    after.insert(0, asked("recompute_profile", recomputed + 1));
    assert_eq!(shop.asked_for().await, after);
}

#[tokio::test]
async fn exports_that_were_joined_and_overlap_count_once() {
    let shop = Shop::open().await;
    let export = |orders: std::ops::Range<u32>| -> String {
        let rows = orders.map(|order| format!("{order},c{order},2026-10-01,{order}\n"));
        rows.fold("order_id,customer_id,ordered_at,amount\n".to_owned(), |text, row| text + &row)
    };
    let result = done(shop.import((export(1..6) + &export(4..8)).as_bytes(), None).await);
    assert_eq!(result["left_out"], serde_json::json!({"header_repeated": 1, "repeated_order": 2}));
    assert_eq!((&result["inserted"], &result["rejected"]), (&7.into(), &3.into()));
    assert_eq!(shop.sold().await, "7 28.00");
}

#[tokio::test]
async fn an_import_tells_what_it_took_for_granted() {
    let shop = Shop::open().await;
    let text = "order_id,customer_id,ordered_at,total,currency\n\
        1,c1,2026-10-01,5,EUR\n2,c2,2026-10-01,5,\n3,c3,2026-10-01,5,\n";
    let assumed = shop.import_in(text.as_bytes(), None, None).await;
    let mut tx = shop.app.db.tenant_tx(Role::Platform, shop.tenant).await.expect("the database");
    let (kept, currency): (serde_json::Value, Option<String>) =
        sqlx::query_as("select remarks, assumed_currency from platform.import_run")
            .fetch_one(&mut *tx)
            .await
            .expect("a run");
    tx.commit().await.expect("the database");
    let result = done(assumed);
    assert_eq!(result["remarks"], serde_json::json!({"currency_assumed": 2, "order_totals": 3}));
    assert_eq!(kept, result["remarks"]);
    assert_eq!(currency.as_deref(), Some("USD"), "for its next try, had there been one");
    let stated = done(shop.import_in(text.as_bytes(), None, Some("USD")).await);
    assert_eq!(stated["remarks"], serde_json::json!({"order_totals": 3}));
}

#[tokio::test]
async fn an_import_that_brings_nothing_or_could_be_read_in_two_ways_fails_by_name() {
    let shop = Shop::open().await;
    let header = "order_id,customer_id,ordered_at,quantity,amount\n";
    let (class, message) = dead(
        &shop.import(format!("{header}1,c,2026-10-01,1,ten\n2,,2026-10-01,1,5\n").as_bytes(), None).await,
    );
    assert_eq!(class, "nothing_imported");
    assert!(message.contains("number_unreadable") && message.contains("customer_missing"), "{message}");
    let (class, message) = dead(&shop.import(format!("{header}1,c,03/10/2026,1,5\n").as_bytes(), None).await);
    assert_eq!(class, "file_ambiguous");
    assert!(message.contains("`dates`"), "{message}");
    let (class, message) = dead(&shop.import(b"a,b\n1,2\n", None).await);
    assert_eq!(class, "bad_columns");
    assert!(message.contains("there is no column for amount"), "{message}");
    assert_eq!(shop.sold().await, "0 0");
}

#[tokio::test]
async fn a_file_that_is_cut_off_says_how_many_lines_count() {
    let shop = Shop::open().await;
    let mut text = "order_id,customer_id,ordered_at,quantity,amount\n".to_owned();
    for order in 0..40_000_u64 {
        text.push_str(&format!(
            "{order},c{},2026-10-01,1,{}.50\n",
            order.wrapping_mul(2_654_435_761) % 977,
            order % 89
        ));
    }
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let packed = encoder.write_all(text.as_bytes()).and_then(|()| encoder.finish()).expect("memory takes it");
    let (class, message) = dead(&shop.import(&packed[..packed.len() * 2 / 3], None).await);
    assert_eq!(class, "bad_file");
    assert!(message.contains("cut off") && message.contains("lines were imported"), "{message}");
    let sold = shop.sold().await;
    let lines: u64 = sold.split(' ').next().and_then(|lines| lines.parse().ok()).expect("a number");
    assert!(message.contains(&format!("{lines} of its lines")), "{message}: {sold}");
    // The whole file afterwards brings the rest.
    let result = done(shop.import(&packed, None).await);
    assert_eq!(result["orders_inserted"], 40_000 - lines);
}

#[tokio::test]
async fn a_mapping_and_the_shops_zone_are_used() {
    let shop = Shop::open().await;
    let mapping = Mapping {
        columns: [
            ("Beleg", Meaning::OrderId),
            ("Kunde", Meaning::CustomerId),
            ("Datum", Meaning::OrderedAt),
            ("Umsatz", Meaning::Amount),
        ]
        .map(|(name, meaning)| (name.to_owned(), meaning))
        .into(),
        ..Mapping::default()
    };
    let mut tx = shop.app.db.tenant_tx(Role::Platform, shop.tenant).await.expect("the database");
    assert!(mapping::save(&mut tx, shop.tenant, "till", &mapping).await.expect("saved"));
    tx.commit().await.expect("the database");
    let text = "Beleg;Kunde;Datum;Umsatz\n1;c1;13.10.2026;1.299,00\n";
    done(shop.import(text.as_bytes(), Some("till")).await);
    assert_eq!(shop.sold().await, "1 1299.00");
    let mut tx = shop.app.db.tenant_tx(Role::Platform, shop.tenant).await.expect("the database");
    let at: chrono::DateTime<chrono::Utc> = sqlx::query_scalar("select ordered_at from platform.order_line")
        .fetch_one(&mut *tx)
        .await
        .expect("a line");
    assert_eq!(at.to_rfc3339(), "2026-10-12T22:00:00+00:00");
    let (class, _) = dead(&shop.import(text.as_bytes(), Some("none")).await);
    assert_eq!(class, "no_mapping");
}
