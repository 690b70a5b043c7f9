//! The nightly run on a small shop: what is loaded is what imports would have left, everybody is computed, and a worker
//! that is killed in the middle changes nothing of the result.

use std::sync::Arc;

use cluster::{
    folder::Folder,
    night::{
        kill::{self, Base},
        load::{self, Stock},
        shop::{Shop, Size},
    },
    servers::{Afterwards, Servers},
};
use sqlx::postgres::PgPoolOptions;
use uuid::Uuid;

#[tokio::test(flavor = "multi_thread")]
async fn a_loaded_shop_has_the_profiles_that_its_lines_give() {
    let folder = Folder::temporary().expect("a folder");
    let servers = Servers::start(folder.path(), Afterwards::Remove).expect("they start");
    migrations::apply(&servers.admin_url).await.expect("the schema");
    let owner =
        PgPoolOptions::new().max_connections(4).connect(&servers.admin_url).await.expect("the database");
    let tenant = Uuid::now_v7();
    let shop = Shop::new(Size { customers: 500, lines: 5_000 });
    let stock = Stock { tenant, shop: Arc::new(shop) };
    let loaded = load::write(&owner, &[stock]).await.expect("it is loaded");
    assert_eq!(loaded.customers, 500);
    assert!(loaded.lines.abs_diff(5_000) < 500, "{} lines", loaded.lines);

    // Time zones, rounding and sums are Postgres' own here, so this compares two computations.
    let columns = "customer_id, orders, lines, spend, currency, returned_value, first_order_at, last_order_at, mean_order_value";
    let profiles = format!(
        "select ({columns})::text from platform.customer_profile where tenant_id = $1 order by customer_id"
    );
    let read = || sqlx::query_scalar::<_, String>(sqlx::AssertSqlSafe(profiles.clone())).bind(tenant);
    let written = read().fetch_all(&owner).await.expect("profiles");
    sqlx::query("delete from platform.customer_profile").execute(&owner).await.expect("deleted");
    sqlx::query(include_str!("../../domain/platform/src/orders/refresh_profiles.sql"))
        .bind(tenant)
        .bind((0..500).map(Shop::customer_id).collect::<Vec<_>>())
        .execute(&owner)
        .await
        .expect("derived");
    let derived = read().fetch_all(&owner).await.expect("profiles");
    assert_eq!(written.len(), 500);
    assert_eq!(written, derived);

    let indexes: i64 = sqlx::query_scalar(
        "select count(*) from pg_indexes where schemaname = 'platform' and tablename in ('customer', 'order_line', 'customer_profile')",
    )
    .fetch_one(&owner)
    .await
    .expect("indexes");
    assert!(indexes >= 5, "{indexes} indexes are there again");
    owner.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_run_leaves_what_an_undisturbed_one_leaves() {
    let mut base = Base::prepare(Size { customers: 2_000, lines: 20_000 }).await.expect("a computed shop");
    let calm = base.run(None).await.expect("it is computed");
    assert_eq!(calm.digest.rows("customer_fact"), 2_000, "{}", calm.digest.counts());
    assert_eq!(calm.digest.rows("customer_insight"), 2_000);
    assert_eq!(calm.seen.mixed, Vec::<String>::new());
    assert_eq!(calm.seen.generations.len(), 2);
    for moment in kill::moments(2, calm.published, 7) {
        let killed = base.run(Some(moment)).await.expect("it is computed all the same");
        assert_eq!(calm.digest.first_difference(&killed.digest), None, "killed after {moment:?}");
        assert_eq!(killed.seen.mixed, Vec::<String>::new());
        assert_eq!(killed.seen.generations, calm.seen.generations);
    }
}
