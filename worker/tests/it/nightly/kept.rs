//! A run's lines are read once, and its shards are computed from them; what was being changed meanwhile is read anew.

use std::time::Duration;

use sqlx::{Connection, PgConnection};

use super::shop::{CUSTOMERS, Shop, june_1998};

#[tokio::test]
async fn an_order_that_was_under_way_while_the_lines_were_read_is_not_forgotten() {
    let shop = Shop::open().await;
    shop.import_cdnow().await;
    let url = &shop.database.admin_url;
    // An order is written before the run begins, and committed after its lines were read.
    let mut admin = PgConnection::connect(url).await.expect("the database");
    let mut order = admin.begin().await.expect("begins");
    for statement in [
        "insert into platform.order_line (tenant_id, line_key, order_id, customer_id, ordered_at, quantity, amount, currency,
                                          is_return)
         select tenant_id, gen_random_uuid(), 'late', '8', '1998-06-15 12:00+00', 1, 12.50, 'USD', false
         from platform.customer_profile where tenant_id = $1 and customer_id = '8'",
        "update platform.customer_profile set orders = orders + 1, lines = lines + 1, refreshed_at = clock_timestamp()
         where tenant_id = $1 and customer_id = '8'",
    ] {
        let written = sqlx::query(statement).bind(shop.tenant.0).execute(&mut *order).await;
        assert_eq!(written.expect("written").rows_affected(), 1);
    }
    // Nobody opens shards until then.
    let mut other = PgConnection::connect(url).await.expect("the database");
    let mut barred = other.begin().await.expect("begins");
    sqlx::query("lock table platform.intelligence_shard in exclusive mode")
        .execute(&mut *barred)
        .await
        .expect("locked");
    let lines_are_read = async {
        let mut watch = PgConnection::connect(url).await.expect("the database");
        let is_prepared =
            "select exists (select from platform.intelligence_run where statistics is not null)";
        while !sqlx::query_scalar::<_, bool>(is_prepared).fetch_one(&mut watch).await.expect("read") {
            tokio::task::yield_now().await;
        }
        order.commit().await.expect("committed");
        barred.rollback().await.expect("opened");
    };
    let wanted = june_1998();
    let (report, ()) = tokio::join!(shop.evaluate(&wanted), async {
        tokio::time::timeout(Duration::from_secs(300), lines_are_read).await.expect("they are read")
    },);
    assert_eq!(report.customers, CUSTOMERS);
    let known =
        "select f.orders::bigint from platform.customer_fact f join platform.current_run c using (generation)
                 where f.customer_id = '8'";
    let placed =
        "select count(distinct order_id) from platform.order_line where customer_id = '8' and not is_return";
    assert_eq!(shop.count(known).await, shop.count(placed).await);
    assert!(
        shop.count("select count(*) from platform.order_line where order_id = 'late'").await == 1,
        "it is there"
    );
}
