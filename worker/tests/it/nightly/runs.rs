//! Runs over all customers: what they say, say again, and leave out.

use chrono::{NaiveDate, Utc};
use database::Role;
use jobs::State;
use platform::{insights::archetype_names, kinds::ResegmentTenant};
use sqlx::Row;
use uuid::Uuid;

use super::shop::{CUSTOMERS, Shop, june_1998};

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
